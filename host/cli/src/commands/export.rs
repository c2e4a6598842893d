//! `export`: a trace through a source and a parser into a file.
//!
//! Which source, parser and exporter take part is decided once; then the loop is the pipeline's, compiled for that
//! parser and exporter.

use std::{
    fs::{File, Metadata},
    io::{self, IsTerminal},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::bail;
use chipmunk_pipeline::{
    ByteSource, CacheUse, MessageProducer, Parser, ProduceError, ProducerReport, Sink, Statistics,
    Step,
    export::{NoneExporter, RawExporter, TextExporter},
    native::{self, DltCoreParser, DltOptions, DltOutput, StreamSource},
};

use crate::{
    Outcome, Usage,
    args::{Endpoint, ExportArguments, Format, ParserChoice, Setting, SourceChoice},
    output::{Output, WriteError},
    progress::Progress,
    stats,
};

/// Runs the export; `started` is when the program did.
pub fn run(arguments: &ExportArguments, started: Instant) -> anyhow::Result<Outcome> {
    let input = Input::open(&arguments.input)?;
    // Before anything is loaded or compiled: a wrong output is told at once.
    let output = match arguments.format {
        Format::None => None,
        _ => Some(Output::create(&arguments.output, input.metadata.as_ref())?),
    };
    let mut settings = Settings::new(&arguments.settings);

    let source: Box<dyn ByteSource> = match &arguments.source {
        SourceChoice::Native => native_source(input.file, arguments),
        SourceChoice::Plugin(_) => bail!("plugins are not built in yet"),
    };
    let job = Job {
        arguments,
        output,
        started,
        total: input
            .metadata
            .as_ref()
            .filter(|metadata| metadata.is_file())
            .map(Metadata::len),
        cache: None,
    };
    match &arguments.parser {
        ParserChoice::Native => {
            let parser = native_dlt(arguments, &mut settings)?;
            settings.refuse_rest()?;
            job.run(source, native::dlt_parser(parser))
        }
        ParserChoice::NativeDltCore => {
            let options = native_dlt(arguments, &mut settings)?;
            settings.refuse_rest()?;
            let parser = DltCoreParser::new(options.storage_header, &options.argument_separator);
            job.run(source, parser)
        }
        ParserChoice::Plugin(_) => bail!("plugins are not built in yet"),
    }
}

/// The input, found to be there and readable before anything else is done.
struct Input {
    /// None for the standard input.
    file: Option<StreamSource<File>>,
    /// What it is, where the system tells.
    metadata: Option<Metadata>,
}

impl Input {
    fn open(endpoint: &Endpoint) -> anyhow::Result<Self> {
        match endpoint {
            Endpoint::Stream => Ok(Self {
                file: None,
                metadata: stdin_metadata(),
            }),
            Endpoint::File(path) => Ok(Self {
                file: Some(StreamSource::open(path)?),
                metadata: std::fs::metadata(path).ok(),
            }),
        }
    }
}

fn stdin_metadata() -> Option<Metadata> {
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned();
    File::from(handle.ok()?).metadata().ok()
}

fn native_source(
    file: Option<StreamSource<File>>,
    arguments: &ExportArguments,
) -> Box<dyn ByteSource> {
    let chunk = usize::try_from(arguments.chunk_bytes).unwrap_or(usize::MAX);
    match file {
        Some(file) => Box::new(file.with_chunk_bytes(chunk)),
        None => Box::new(StreamSource::stdin().with_chunk_bytes(chunk)),
    }
}

/// The options of the native DLT parsers. They take the same settings as the plugin.
fn native_dlt(arguments: &ExportArguments, settings: &mut Settings) -> Result<DltOptions, Usage> {
    let mut options = DltOptions {
        output: match arguments.format {
            Format::Text => DltOutput::Line,
            Format::Raw | Format::None => DltOutput::Ranges,
        },
        column_separator: arguments.separator.clone(),
        ..DltOptions::default()
    };
    if let Some(value) = settings.take("storage-header") {
        options.storage_header = value.parse().map_err(|_| {
            Usage(format!(
                "--set storage-header={value}: the value is `true` or `false`"
            ))
        })?;
    }
    if let Some(value) = settings.take(ARGUMENT_SEPARATOR) {
        options.argument_separator = value;
    }
    if let Some(value) = &arguments.argument_separator {
        options.argument_separator = value.clone();
    }
    Ok(options)
}

/// The configuration item that `--argument-separator` sets.
const ARGUMENT_SEPARATOR: &str = "argument-separator";

/// The `--set`s, and which of them somebody wanted.
struct Settings {
    values: Vec<(Setting, bool)>,
}

impl Settings {
    fn new(settings: &[Setting]) -> Self {
        Self {
            values: settings.iter().map(|each| (each.clone(), false)).collect(),
        }
    }

    /// The last value for this id.
    fn take(&mut self, id: &str) -> Option<String> {
        let mut value = None;
        for (setting, wanted) in &mut self.values {
            if setting.id == id {
                *wanted = true;
                value = Some(setting.value.clone());
            }
        }
        value
    }

    /// A setting that nobody has is a mistake.
    fn refuse_rest(&self) -> Result<(), Usage> {
        match self.values.iter().find(|(_, wanted)| !wanted) {
            Some((setting, _)) => Err(Usage(format!(
                "--set {}={}: neither the source nor the parser has such an item; `chipmunk-plugins inspect` shows those of a plugin",
                setting.id, setting.value
            ))),
            None => Ok(()),
        }
    }
}

/// What remains to be done once source and parser are there.
struct Job<'a> {
    arguments: &'a ExportArguments,
    /// None if nothing is written.
    output: Option<Output>,
    started: Instant,
    /// Bytes of the input, where known.
    total: Option<u64>,
    cache: Option<CacheUse>,
}

impl Job<'_> {
    fn run<S: ByteSource, P: Parser>(mut self, source: S, parser: P) -> anyhow::Result<Outcome> {
        let producer = MessageProducer::new(source, parser);
        let output = self.output.take();
        let written = |error| WriteError::new(&self.arguments.output, error);
        let begun = Instant::now();
        let (report, output) = match (self.arguments.format, output) {
            (Format::Raw, Some(output)) => {
                let mut exporter = RawExporter::new(output);
                let report = self.drive(producer, &mut exporter)?;
                (report, Some(exporter.finish().map_err(written)?))
            }
            (Format::Text, Some(output)) => {
                let mut exporter = TextExporter::new(output, &self.arguments.separator);
                let report = self.drive(producer, &mut exporter)?;
                (report, Some(exporter.finish().map_err(written)?))
            }
            (_, output) => (self.drive(producer, &mut NoneExporter)?, output),
        };
        if let Some(output) = output {
            output.finish()?;
        }
        self.tell(&report, begun.duration_since(self.started), begun.elapsed())
    }

    /// Hands everything to the exporter.
    fn drive<S: ByteSource, P: Parser>(
        &self,
        mut producer: MessageProducer<S, P>,
        exporter: &mut impl Sink<P::Output>,
    ) -> anyhow::Result<ProducerReport> {
        // A bar beside lines of text would be in nobody's interest.
        let shown = self.output_is_silent();
        let progress = Progress::new(self.total, shown);
        loop {
            match pollster::block_on(producer.step(exporter)) {
                Ok(Step::Progress) => progress.at(producer.loaded_bytes()),
                Ok(Step::Done) => break,
                Err(ProduceError::Sink(error)) => {
                    return Err(WriteError::new(&self.arguments.output, error).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(producer.report())
    }

    fn output_is_silent(&self) -> bool {
        self.arguments.format == Format::None
            || self.arguments.output != Endpoint::Stream
            || !io::stdout().is_terminal()
    }

    /// Damage, figures, and how it ended.
    fn tell(
        &self,
        report: &ProducerReport,
        start: Duration,
        run: Duration,
    ) -> anyhow::Result<Outcome> {
        if let Some(first) = report.first_skip {
            eprintln!(
                "chipmunk-plugins: warning: {} of {} bytes are no messages and were skipped, the first at offset {first}",
                report.skipped_bytes, report.loaded_bytes
            );
        }
        if let Some(form) = self.arguments.stats {
            let statistics = Statistics {
                seconds: run.as_secs_f64(),
                start_ms: start.as_secs_f64() * 1e3,
                cache: self.cache,
                peak_rss_bytes: stats::peak_rss_bytes(),
                ..Statistics::new(report)
            };
            stats::show(&statistics, form);
        }
        Ok(if self.arguments.strict && report.skipped_bytes > 0 {
            Outcome::Damaged
        } else {
            Outcome::Done
        })
    }
}
