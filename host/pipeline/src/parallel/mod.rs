//! More than one thread for one trace, with the results of one.
//!
//! Two ways, both with bounded queues, buffers that go round, and no waiting but on conditions:
//!
//! - [`overlap`] has source, parser and writer on a thread each: while the parser works on chunk n, the source fills n + 1
//!   and the writer drains n - 1. It works for every source and parser.
//! - [`split`] parses several chunks at the same time, by several instances of a parser that resynchronises and has no attachments.
//!   Rendering takes place there too. Why what comes out is what one instance gives is told in its module.
//!
//! Order, bytes, errors and counters are those of a [`MessageProducer`] that does it all on one thread. So `c_plg` and `p_inc`
//! count the calls that one instance would have had, and `c_rld` those that it would have waited for, not the calls that were made
//! ahead or in vain. What differs is what other threads have done beyond the place where an error ended the run.
//!
//! An output is a [`Format`] and a writer. When a run ends with an error, a source that sits in a read is left to itself
//! until that returns; all other threads have ended.

mod ahead;
mod blocks;
mod chunk;
mod queue;
mod split;
mod trial;

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::Arc,
    thread::{self, ScopedJoinHandle},
};

pub use split::split;

use self::{
    ahead::{Ahead, AheadSource, Layout},
    blocks::{BlockSink, Blocks},
};
use crate::{
    ByteSource, DEFAULT_BUFFER_LIMIT, MessageProducer, Parser, ProduceError, ProducerReport,
    ProducerSplit, SourceError, SourceFilter, Step, export::Format,
};

/// Chunk buffers of [`overlap`]: one that is parsed, one that is filled, and two between.
const OVERLAP_BUFFERS: usize = 4;

/// How to run a trace on several threads. All sizes are in bytes.
///
/// In memory are, besides the parser's own, at most two chunks for each job and two more, the output made of them, and the rest in
/// front of the chunk that is parsed, up to `buffer_limit`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many parser instances work at the same time.
    pub jobs: NonZeroUsize,
    /// Which part of the input the source is to load.
    pub filter: Option<SourceFilter>,
    /// As [`MessageProducer::with_buffer_limit`].
    pub buffer_limit: usize,
    /// Room in front of a chunk for the rest of another one: an instance with a longer rest is given up.
    pub headroom: usize,
    /// How much in front of its chunk an instance is given at first, to find its way.
    pub min_lookback: usize,
    /// How much at most, when less does not do.
    pub max_lookback: usize,
    /// The smallest chunk that is worth parsing ahead.
    pub least_trial: usize,
    /// Whether the source may wait for bytes to come, as one that reads from a pipe or a network does. [`split`] then reads it on a
    /// thread of its own, so that neither output nor errors wait for it; else the parsers' threads read what they parse, which is quicker.
    pub source_waits: bool,
}

impl Options {
    /// `jobs` parser instances, and sizes for chunks of some hundred kilobytes.
    pub fn new(jobs: NonZeroUsize) -> Self {
        Self {
            jobs,
            filter: None,
            buffer_limit: DEFAULT_BUFFER_LIMIT,
            headroom: 64 << 10,
            min_lookback: 4 << 10,
            max_lookback: 64 << 10,
            least_trial: 32 << 10,
            source_waits: true,
        }
    }
}

/// A run that came to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished<W> {
    /// What a serial run would report.
    pub report: ProducerReport,
    /// The writer, flushed.
    pub out: W,
    /// Where the time went, summed over all threads; what the writer took is no part of the sink's. Of instances that were given up it
    /// is not known.
    pub split: ProducerSplit,
    /// How the work was shared.
    pub shares: Shares,
}

/// How many chunks were parsed how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    /// Beside others, ahead of their turn.
    pub ahead: u64,
    /// When it was their turn.
    pub in_turn: u64,
}

/// Runs a trace through one parser, on the calling thread, with the source and the writer on threads of their own. Tells `progress`
/// how many bytes are done. The source's thread may outlive this call when it ends with an error: as long as a read takes.
///
/// # Errors
/// Those of a serial run. What came before the error was written, or not.
pub fn overlap<S, P, F, W>(
    source: S,
    parser: P,
    format: F,
    out: W,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Finished<W>, ProduceError>
where
    S: ByteSource + 'static,
    P: Parser,
    F: Format,
    W: Write + Send,
{
    let layout = Layout {
        buffers: OVERLAP_BUFFERS,
        headroom: options.headroom,
        lookback: 0,
        max_lookback: 0,
    };
    // Nobody works on the chunks on their way.
    let (ahead, source_thread) =
        Ahead::<()>::start(source, options.filter, layout).map_err(SourceError::Io)?;
    let arrivals = ahead.arrivals();
    let source = AheadSource::new(ahead, arrivals, Some(source_thread));
    let producer = MessageProducer::new(source, parser).with_buffer_limit(options.buffer_limit);
    let blocks = Blocks::new(1);

    thread::scope(|scope| {
        let _ending = Ending(&blocks);
        let writer = thread::Builder::new()
            .name("writer".to_owned())
            .spawn_scoped(scope, || blocks.write_all(out))?;
        let outcome = BlockSink::new(format, Arc::clone(&blocks))
            .map_err(ProduceError::Sink)
            .and_then(|sink| drive(producer, sink, progress));
        join_writer(outcome, &blocks, writer)
    })
}

fn drive<S: ByteSource, P: Parser>(
    mut producer: MessageProducer<S, P>,
    mut sink: BlockSink<impl Format>,
    progress: &mut dyn FnMut(u64),
) -> Result<Run, ProduceError> {
    while pollster::block_on(producer.step(&mut sink))? == Step::Progress {
        progress(producer.loaded_bytes());
    }
    Ok(Run {
        report: producer.report(),
        split: producer.split(),
        shares: Shares::default(),
    })
}

/// A run that came to its end, but for the writer.
struct Run {
    report: ProducerReport,
    split: ProducerSplit,
    shares: Shares,
}

/// Lets the writer end, also when the thread that feeds it panics.
struct Ending<'a>(&'a Blocks);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Waits until all is written, or, after an error, until the write that is under way is done. The first error counts: where the sink
/// failed, that is the writer's.
fn join_writer<W>(
    outcome: Result<Run, ProduceError>,
    blocks: &Blocks,
    writer: ScopedJoinHandle<'_, io::Result<W>>,
) -> Result<Finished<W>, ProduceError> {
    match &outcome {
        Ok(_) => blocks.finish(),
        Err(_) => blocks.abandon(),
    }
    let written = writer.join().unwrap_or_else(|panic| resume_unwind(panic));
    match (outcome, written) {
        (Ok(run), Ok(out)) => Ok(Finished {
            report: run.report,
            out,
            split: run.split,
            shares: run.shares,
        }),
        (Ok(_) | Err(ProduceError::Sink(_)), Err(error)) => Err(ProduceError::Sink(error)),
        (Err(error), _) => Err(error),
    }
}
