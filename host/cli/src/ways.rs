//! The ways of a trace from source to output: on one thread, or on several.
//!
//! The work itself is the pipeline's. Which way is gone depends on `--jobs` and on the parser; what comes out does not.

use std::io::Write;

use chipmunk_pipeline::{
    BatchReader, ByteSource, MessageProducer, Parser, ProduceError, ProducerReport, ProducerSplit,
    Sink, Step,
    export::{Exporter, Format, RawExporter, RawFormat},
    parallel::{self, Finished, Options},
};

/// A trace that came to its end.
pub struct Done<W> {
    pub report: ProducerReport,
    /// Where the time went.
    pub split: ProducerSplit,
    /// Whether the time of writing is no part of the sink's.
    pub writes_apart: bool,
    /// The writer, flushed.
    pub out: W,
}

impl<W> Done<W> {
    /// With something else made of the writer.
    pub fn with<V>(self, make: impl FnOnce(W) -> V) -> Done<V> {
        Done {
            report: self.report,
            split: self.split,
            writes_apart: self.writes_apart,
            out: make(self.out),
        }
    }
}

impl<W> From<Finished<W>> for Done<W> {
    fn from(finished: Finished<W>) -> Self {
        Self {
            report: finished.report,
            split: finished.split,
            writes_apart: true,
            out: finished.out,
        }
    }
}

/// Takes a trace to an output. `progress` is told how many bytes are done.
pub trait Way {
    /// Writes the messages in a format, and returns the writer, flushed.
    fn run<F: Format, W: Write + Send>(
        self,
        format: F,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError>;

    /// Writes the messages' own bytes.
    fn run_raw<W: Write + Send>(
        self,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError>
    where
        Self: Sized,
    {
        self.run(RawFormat::default(), out, progress)
    }
}

/// One thread.
pub struct Serial<S, P> {
    pub producer: MessageProducer<S, P>,
    /// Write what there is before waiting for more.
    pub prompt: bool,
}

impl<S: ByteSource, P: Parser> Serial<S, P> {
    fn drive(
        mut self,
        exporter: &mut impl Sink<P::Output>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(ProducerReport, ProducerSplit), ProduceError> {
        while pollster::block_on(self.producer.step(exporter))? == Step::Progress {
            progress(self.producer.loaded_bytes());
        }
        Ok((self.producer.report(), self.producer.split()))
    }
}

impl<S: ByteSource, P: Parser> Way for Serial<S, P> {
    fn run<F: Format, W: Write + Send>(
        self,
        format: F,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError> {
        let mut exporter = Exporter::of(format, out).prompt(self.prompt);
        let (report, split) = self.drive(&mut exporter, progress)?;
        Ok(Done {
            report,
            split,
            writes_apart: false,
            out: exporter.finish()?,
        })
    }

    /// Straight from the source's buffer.
    fn run_raw<W: Write + Send>(
        self,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError> {
        let mut exporter = RawExporter::new(out);
        let (report, split) = self.drive(&mut exporter, progress)?;
        Ok(Done {
            report,
            split,
            writes_apart: false,
            out: exporter.finish()?,
        })
    }
}

/// Source, parser and writer on a thread each.
pub struct Overlapped<S, P> {
    pub source: S,
    pub parser: P,
    pub options: Options,
}

impl<S: ByteSource + 'static, P: Parser> Way for Overlapped<S, P> {
    fn run<F: Format, W: Write + Send>(
        self,
        format: F,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError> {
        let (source, parser) = (self.source, self.parser);
        let finished = parallel::overlap(source, parser, format, out, &self.options, progress)?;
        Ok(finished.into())
    }
}

/// Several instances of a parser. What `more` makes is another one.
pub struct Split<S, R, M> {
    pub source: S,
    pub first: R,
    pub more: M,
    pub options: Options,
}

impl<S, R, M> Way for Split<S, R, M>
where
    S: ByteSource + 'static,
    R: BatchReader + Send + 'static,
    M: Fn() -> Option<R> + Sync,
{
    fn run<F: Format, W: Write + Send>(
        self,
        format: F,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Done<W>, ProduceError> {
        let (source, first, more) = (self.source, self.first, self.more);
        let finished = parallel::split(source, first, &more, format, out, &self.options, progress)?;
        tracing::debug!(
            "{} chunks were parsed ahead of their turn, {} in turn",
            finished.shares.ahead,
            finished.shares.in_turn
        );
        Ok(finished.into())
    }
}
