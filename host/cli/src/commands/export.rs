//! `export`: a trace through a source and a parser into a file.
//!
//! Which source and parser take part is [`sides`]' to decide, and which exporter is decided here, once; then the loop is
//! the pipeline's, compiled for that parser and exporter.

use std::{
    fs::{File, Metadata},
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use chipmunk_pipeline::{
    ByteSource, CacheUse, MessageProducer, Parser, ProduceError, ProducerReport, ProducerSplit,
    Sink, Split, Statistics, Step, TimedWriter,
    export::{Captions, CsvExporter, JsonlExporter, NoneExporter, RawExporter, TextExporter},
    native::StreamSource,
};

use crate::{
    Outcome,
    args::{Endpoint, ExportArguments, Format, LogLevel},
    output::{self, Output, WriteError},
    progress::Progress,
    sides::{self, ParserSide, Sides},
    stats,
};

/// Runs the export; `started` is when the program did.
pub fn run(
    arguments: &ExportArguments,
    log: LogLevel,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let input = Input::open(&arguments.input)?;
    // Before anything is loaded or compiled: a wrong output is told at once.
    let output = match arguments.format {
        Format::None => None,
        _ => Some(Output::create(&arguments.output, input.metadata.as_ref())?),
    };
    let Sides {
        source,
        parser,
        captions,
        cache,
    } = sides::open(arguments, input.file, log)?;
    let job = Job {
        arguments,
        output,
        captions,
        started,
        total: input
            .metadata
            .filter(Metadata::is_file)
            .map(|metadata| metadata.len()),
        cache,
    };
    match parser {
        ParserSide::Native(parser) => job.run(source, *parser),
        ParserSide::DltCore(parser) => job.run(source, *parser),
        ParserSide::Text(parser) => job.run(source, *parser),
        ParserSide::Plugin(parser) => job.run(source, *parser),
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

/// What remains to be done once source and parser are there.
struct Job<'a> {
    arguments: &'a ExportArguments,
    /// None if nothing is written.
    output: Option<Output>,
    captions: Captions,
    started: Instant,
    /// Bytes of the input, where known.
    total: Option<u64>,
    cache: Option<CacheUse>,
}

/// How long things took.
struct Times {
    /// From the start of the program to the first load.
    start: Duration,
    /// From there to the end.
    run: Duration,
    /// Where that went.
    split: Split,
}

impl Job<'_> {
    fn run<S: ByteSource, P: Parser>(mut self, source: S, parser: P) -> anyhow::Result<Outcome> {
        let producer = MessageProducer::new(source, parser);
        let output = self.output.take();
        let written = |error| WriteError::new(&self.arguments.output, error);
        let begun = Instant::now();
        let output = output.map(TimedWriter::new);
        let ((report, split), output) = match (self.arguments.format, output) {
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
            (Format::Csv, Some(output)) => {
                let captions = self.captions.clone();
                let mut exporter = CsvExporter::new(output, captions, &self.arguments.separator);
                let report = self.drive(producer, &mut exporter)?;
                (report, Some(exporter.finish().map_err(written)?))
            }
            (Format::Jsonl, Some(output)) => {
                let mut exporter =
                    JsonlExporter::new(output, &self.captions, &self.arguments.separator);
                let report = self.drive(producer, &mut exporter)?;
                (report, Some(exporter.finish().map_err(written)?))
            }
            (_, output) => (self.drive(producer, &mut NoneExporter)?, output),
        };
        let mut writing = Duration::ZERO;
        if let Some(output) = output {
            let (output, written) = output.into_parts();
            writing = written;
            output.finish()?;
        }
        let times = Times {
            start: begun.duration_since(self.started),
            run: begun.elapsed(),
            split: Split::new(&split, writing, begun.elapsed()),
        };
        Ok(self.tell(&report, &times))
    }

    /// Hands everything to the exporter.
    fn drive<S: ByteSource, P: Parser>(
        &self,
        mut producer: MessageProducer<S, P>,
        exporter: &mut impl Sink<P::Output>,
    ) -> anyhow::Result<(ProducerReport, ProducerSplit)> {
        let progress = Progress::new(self.total, self.leaves_room_for_a_bar());
        loop {
            match pollster::block_on(producer.step(exporter)) {
                Ok(Step::Progress) => progress.at(producer.loaded_bytes()),
                Ok(Step::Done) => return Ok((producer.report(), producer.split())),
                Err(ProduceError::Sink(error)) => {
                    return Err(WriteError::new(&self.arguments.output, error).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A bar among lines of text would be in nobody's interest.
    fn leaves_room_for_a_bar(&self) -> bool {
        self.arguments.format == Format::None
            || self.arguments.output != Endpoint::Stream
            || !io::stdout().is_terminal()
    }

    /// Damage, figures, and how it ended.
    fn tell(&self, report: &ProducerReport, times: &Times) -> Outcome {
        if let Some(first) = report.first_skip {
            output::tell(&format_args!(
                "warning: {} of {} bytes are no messages and were skipped, the first at offset {first}",
                report.skipped_bytes, report.loaded_bytes
            ));
        }
        if let Some(form) = self.arguments.stats {
            let statistics = Statistics {
                seconds: times.run.as_secs_f64(),
                start_ms: times.start.as_secs_f64() * 1e3,
                split: times.split,
                cache: self.cache,
                peak_rss_bytes: stats::peak_rss_bytes(),
                ..Statistics::new(report)
            };
            stats::show(&statistics, form);
        }
        if self.arguments.strict && report.skipped_bytes > 0 {
            Outcome::Damaged
        } else {
            Outcome::Done
        }
    }
}
