//! `export`: a trace through a source and a parser into a file.
//!
//! Which source and parser take part is [`sides`]' to decide; which format, and which of the [`ways`](crate::ways), is decided
//! here, once. Then the loop is the pipeline's, compiled for that parser and format.

use std::{
    fs::{File, Metadata},
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use chipmunk_pipeline::{
    BatchParser, BatchReader, ByteSource, CacheUse, MessageProducer, Parser, ProduceError,
    ProducerReport, Statistics, TimedWriter,
    export::{Captions, CsvFormat, JsonlFormat, NoneExporter, TextFormat},
    native::{DltReader, StreamSource, TextReader},
    parallel::Options,
};

use crate::{
    Outcome,
    args::{Endpoint, ExportArguments, Format, LogLevel},
    output::{self, Output, WriteError},
    progress::Progress,
    sides::{self, ParserSide, Sides, Sizes},
    stats,
    ways::{Done, Overlapped, Serial, Split, Way},
};

/// Runs the export; `started` is when the program did.
pub fn run(
    arguments: &ExportArguments,
    log: LogLevel,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let sizes = Sizes::new(arguments)?;
    let input = Input::open(&arguments.input)?;
    // Before anything is loaded or compiled: a wrong output is told at once.
    let output = match arguments.format {
        Format::None => None,
        _ => Some(Output::create(&arguments.output, input.metadata.as_ref())?),
    };
    let Sides {
        source,
        source_waits,
        parser,
        captions,
        cache,
        compiler,
    } = sides::open(arguments, input.file, sizes, log)?;
    let total = input
        .metadata
        .filter(|metadata| metadata.is_file() && !arguments.follow)
        .map(|metadata| metadata.len());
    let job = Job {
        arguments,
        sizes,
        output,
        captions,
        started,
        total,
        source_waits: source_waits || total.is_none(),
        cache,
        compiler,
    };
    match parser {
        ParserSide::Native(options) => {
            let more = || Some(DltReader::new((*options).clone()));
            job.split(source, DltReader::new((*options).clone()), more)
        }
        ParserSide::Text(options) => {
            let more = || Some(TextReader::new(&options));
            job.split(source, TextReader::new(&options), more)
        }
        ParserSide::DltCore(parser) => job.overlap(source, *parser),
        ParserSide::Plugin(parser) => job.overlap(source, *parser),
        ParserSide::Plugins(parser, opener) => {
            let more = || {
                let opened = opener.open();
                opened
                    .inspect_err(|error| tracing::warn!("going on with fewer instances: {error}"))
                    .ok()
            };
            job.split(source, parser.into_reader(), more)
        }
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
    sizes: Sizes,
    /// None if nothing is written.
    output: Option<Output>,
    captions: Captions,
    started: Instant,
    /// Bytes of the input, where known.
    total: Option<u64>,
    /// Whether the source may wait for bytes that do not exist yet.
    source_waits: bool,
    cache: Option<CacheUse>,
    compiler: Option<&'static str>,
}

/// How long things took.
struct Times {
    /// From the start of the program to the first load.
    start: Duration,
    /// From there to the end.
    run: Duration,
    /// Where that went.
    split: chipmunk_pipeline::Split,
}

impl Job<'_> {
    /// By one parser, whose neighbours have threads of their own if there are jobs for them.
    fn overlap<P: Parser>(self, source: Box<dyn ByteSource>, parser: P) -> anyhow::Result<Outcome> {
        if self.sizes.jobs.get() == 1 {
            let way = self.serial(source, parser);
            return self.run(way);
        }
        let options = self.options();
        self.run(Overlapped {
            source,
            parser,
            options,
        })
    }

    /// By as many instances of a parser as there are jobs.
    fn split<R: BatchReader + Send + 'static>(
        self,
        source: Box<dyn ByteSource>,
        first: R,
        more: impl Fn() -> Option<R> + Sync,
    ) -> anyhow::Result<Outcome> {
        if self.sizes.jobs.get() == 1 {
            let way = self.serial(source, BatchParser::new(first));
            return self.run(way);
        }
        let options = self.options();
        self.run(Split {
            source,
            first,
            more,
            options,
        })
    }

    fn serial<P: Parser>(
        &self,
        source: Box<dyn ByteSource>,
        parser: P,
    ) -> Serial<Box<dyn ByteSource>, P> {
        Serial {
            producer: MessageProducer::new(source, parser)
                .with_buffer_limit(self.sizes.max_message_bytes),
            prompt: self.arguments.follow,
        }
    }

    fn options(&self) -> Options {
        let mut options = Options::new(self.sizes.jobs);
        options.buffer_limit = self.sizes.max_message_bytes;
        options.source_waits = self.source_waits;
        options
    }

    fn run(mut self, way: impl Way) -> anyhow::Result<Outcome> {
        let bar = Progress::new(self.total, self.leaves_room_for_a_bar());
        let mut progress = |bytes| bar.at(bytes);
        let output = self.output.take();
        let begun = Instant::now();
        let output = output.map(TimedWriter::new);
        let done = match (self.arguments.format, output) {
            (Format::Raw, Some(output)) => way
                .run_raw(output, &mut progress)
                .map(|done| done.with(Some)),
            (Format::Text, Some(output)) => {
                let format = TextFormat::new(&self.arguments.separator);
                way.run(format, output, &mut progress)
                    .map(|done| done.with(Some))
            }
            (Format::Csv, Some(output)) => {
                let format = CsvFormat::new(self.captions.clone(), &self.arguments.separator);
                way.run(format, output, &mut progress)
                    .map(|done| done.with(Some))
            }
            (Format::Jsonl, Some(output)) => {
                let format = JsonlFormat::new(&self.captions, &self.arguments.separator);
                way.run(format, output, &mut progress)
                    .map(|done| done.with(Some))
            }
            (_, output) => way
                .run(NoneExporter, io::sink(), &mut progress)
                .map(|done| done.with(|_| output)),
        };
        drop(bar);
        let Done {
            report,
            mut split,
            writes_apart,
            out,
        } = done.map_err(|error| match error {
            ProduceError::Sink(error) => WriteError::new(&self.arguments.output, error).into(),
            error => anyhow::Error::from(error),
        })?;
        let mut writing = Duration::ZERO;
        if let Some(output) = out {
            let (output, written) = output.into_parts();
            writing = written;
            output.finish()?;
        }
        if let (true, Some(sink)) = (writes_apart, &mut split.sink) {
            *sink += writing;
        }
        let times = Times {
            start: begun.duration_since(self.started),
            run: begun.elapsed(),
            split: chipmunk_pipeline::Split::new(&split, writing, begun.elapsed()),
        };
        Ok(self.tell(&report, &times))
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
                compiler: self.compiler,
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
