//! A trace parsed by several instances of one parser, with the results of one.
//!
//! # Roles
//!
//! Each of the `jobs` workers, of which the thread that called is one, loads the next
//! chunk, makes a [trial](super::trial) of it (parses it from a guessed place and renders what it finds), and then joins what
//! is there to be joined, in the order of the trace, if no other worker is doing that. To join a trial is to write what it has
//! rendered. So there is no thread that only passes things on, and none to be woken for a chunk: with as many
//! jobs as cores nobody waits for a core, and a chunk is parsed where it was read. A source that may wait has a thread of its own, since
//! a worker that waited with it could neither join nor end.
//!
//! # Why the result is the serial run's
//!
//! The joiner drives the [`MessageProducer`] of a serial run over the chunks that the source gives. Its state, what is loaded,
//! consumed and counted and the parser instance it calls next, is at every moment that of a serial run. It advances in one of
//! two ways. A *step* is the serial run's own code: load the next chunk, call the instance with the rest and that
//! chunk, hand out the items. A *jump* takes a trial instead, and must have the effect of that very step. It is made only when
//!
//! 1. the producer wants to load, and one load is what it would do: this chunk has all the bytes that are wanted, and the
//!    buffer limit is not reached;
//! 2. neither the source nor this chunk has told a time;
//! 3. the last item that the serial run handed out is a message, which ends at byte B of the trace;
//! 4. in the trial, a message ends at B too;
//! 5. the trial found at least one item behind B, and its tail is that all is consumed, or that more bytes are needed.
//!
//! What a parser that resynchronises says of the bytes behind a message depends on these bytes alone; that is what the
//! capability means, since otherwise it could not "find the next message from any offset". At B the serial run's instance and
//! the trial's have both just ended a message, by 3 and 4; both are given the same bytes from there on, up to the end of
//! the chunk and with the word that more may follow, by 1; and no time, by 2. So the items behind B are the same, and so
//! is the tail. Had the serial run met the limit of an archive's size, so had the trial, whose archive holds more; by 5 it did
//! not. What the items behind B are counted as, and what they look like in the output, depends on no item before them, but for
//! runs of garbage, and behind a message no run is open. From then on, the trial's instance *is* the serial run's:
//! what it was given and has not consumed is the serial run's rest. The instance before it is free for other trials.
//!
//! Nothing depends on the guess being good. A range that begins within a message, in garbage, or in front of a storage pattern in
//! a payload makes a trial that finds some items that do not exist. Either it has found its way by B, which is what 4 asks, or the
//! step is made instead, with the instance that has never left the serial path. The same holds for everything rare: the first
//! chunk, a message longer than a chunk, long garbage, the end of the trace and whatever a parser says only there, errors,
//! traps, time-outs. All of these are steps of the serial run, and fail as it fails.
//!
//! # What is bounded
//!
//! The number of chunk buffers, and with it everything that is made of a chunk: each is in one place, and the source waits for
//! a free one. Where trials fail one after the other they are paused, for longer each time, so that input of the worst kind costs
//! little more than the serial run.

use std::{
    any::Any,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use chipmunk_payload::AlignedBytes;

use super::{
    Finished, Options, Shares,
    ahead::{Ahead, AheadSource, Layout},
    chunk::{Arrival, Load},
    queue::Queue,
    trial::{Instance, Lease, Trial, attempt},
};
use crate::{
    BatchParser, BatchReader, ByteSource, MessageProducer, ProduceError, ProducerSplit,
    SourceError, Step,
    export::{Exporter, Format},
};

/// Trials that fail in a row before they are paused.
const PATIENCE: u32 = 6;

/// The longest pause, in chunks.
const LONGEST_PAUSE: u64 = 1024;

/// Trials that succeed in a row before a shorter lookback is tried.
const CONTENT: u32 = 256;

type Producer<R> = MessageProducer<AheadSource<Trial<R>>, BatchParser<Lease<R>>>;

/// Runs a trace through up to `options.jobs` instances of a parser that resynchronises and has no attachments: `first`, and what
/// `more` makes when one is needed (none: go on with those there are). Those also parse what is no part of the trace, so what they log is to
/// be told to nobody; `first` never does. Writes to `out`, and tells `progress` how many
/// bytes are done. A source that [may wait](Options::source_waits) is read on a thread of its own, which may outlive this call when it ends
/// with an error: as long as a read takes.
///
/// # Errors
/// Those of a serial run. What came before the error was written, or not.
pub fn split<S, R, F, W>(
    source: S,
    first: R,
    more: &(impl Fn() -> Option<R> + Sync),
    format: F,
    out: W,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Finished<W>, ProduceError>
where
    S: ByteSource + 'static,
    R: BatchReader + Send + 'static,
    F: Format,
    W: Write + Send,
{
    let jobs = options.jobs.get();
    // Who joins may need several chunks for one step: somebody else has to bring them.
    let workers = jobs.max(2);
    let buffers = jobs.saturating_mul(2).saturating_add(2);
    let layout = Layout {
        buffers,
        headroom: options.headroom,
        lookback: options.min_lookback,
        max_lookback: options.max_lookback,
    };
    let (ahead, source_thread) = if options.source_waits {
        let (ahead, thread) =
            Ahead::start(source, options.filter, layout).map_err(SourceError::Io)?;
        (ahead, Some(thread))
    } else {
        (Ahead::on_demand(source, options.filter, layout), None)
    };
    let arrivals = Arc::new(Queue::bounded(buffers + 1));
    let shared = Shared {
        ahead: &ahead,
        arrivals: &arrivals,
        // One for each chunk there can be, and the serial run's.
        pools: (0..workers)
            .map(|_| Arc::new(Queue::bounded(buffers + 1)))
            .collect(),
        made: AtomicUsize::new(0),
        most: jobs.saturating_mul(2),
        resume: AtomicU64::new(1),
        least: options.least_trial,
        rendering: AtomicU64::new(0),
        loaded: AtomicU64::new(0),
    };
    let source = AheadSource::new(Arc::clone(&ahead), Arc::clone(&arrivals), source_thread);
    // Only ever called in turn, so that what it logs is of the trace and not of a guess.
    let firsts = Arc::new(Queue::bounded(1));
    let lease = Lease::new(Instance::new(first), Arc::clone(&firsts));
    let producer = MessageProducer::new(source, BatchParser::new(lease))
        .with_buffer_limit(options.buffer_limit);
    let joiner = Mutex::new(Joiner {
        producer,
        // There is no telling when the next chunk comes.
        sink: Exporter::of(format.clone(), out).prompt(true),
        shared: &shared,
        lookback: options.min_lookback,
        options,
        succeeded: 0,
        failed: 0,
        pause: 0,
        shares: Shares::default(),
        end: None,
    });

    let spawned = thread::scope(|scope| {
        // Ends the others if this fails or panics. If not, they end with the trace, some of them later than this one.
        let ending = Ending(Some(&shared));
        for worker in 1..workers {
            let (shared, joiner, format) = (&shared, &joiner, format.clone());
            thread::Builder::new()
                .name("parser".to_owned())
                .spawn_scoped(scope, move || {
                    shared.work(worker, joiner, more, format, &mut |_| {})
                })?;
        }
        shared.work(0, &joiner, more, format, progress);
        ending.disarm();
        Ok::<(), io::Error>(())
    });
    let joiner = joiner.into_inner().unwrap_or_else(PoisonError::into_inner);
    progress(joiner.producer.loaded_bytes());
    let Joiner {
        producer,
        sink,
        shares,
        end,
        ..
    } = joiner;
    match end {
        Some(End::Done) => {}
        Some(End::Failed(error)) => return Err(error),
        Some(End::Panicked(payload)) => resume_unwind(payload),
        None => {
            spawned?;
            // Not while the source's thread tells of its end, however it ends.
            let early = io::Error::other("the threads ended before the trace");
            return Err(SourceError::Io(early).into());
        }
    }
    let report = producer.report();
    let mut split = ProducerSplit {
        source: producer.source().split(),
        ..ProducerSplit::default()
    };
    // All instances are back then.
    drop(producer);
    for pool in shared.pools.iter().chain([&firsts]) {
        while let Some(instance) = pool.take_last() {
            split.parser += instance.split();
        }
    }
    let rendering = shared.rendering.load(Ordering::Relaxed);
    split.sink = Some(Duration::from_nanos(rendering));
    Ok(Finished {
        report,
        out: sink.finish()?,
        split,
        shares,
    })
}

/// What the threads share.
struct Shared<'a, R> {
    ahead: &'a Ahead<Trial<R>>,
    arrivals: &'a Queue<Arrival<Trial<R>>>,
    /// Instances that nobody uses, by the worker that used them last: what they read and wrote is still in its core's cache.
    pools: Vec<Arc<Queue<Instance<R>>>>,
    /// How many instances were made.
    made: AtomicUsize,
    /// More are made only when there is no other: two for each worker, one of which waits for its trial to be joined.
    most: usize,
    /// Number of the first chunk that is worth a trial.
    resume: AtomicU64,
    /// A chunk of fewer bytes is not worth one.
    least: usize,
    /// Nanoseconds that items and their rendering took.
    rendering: AtomicU64,
    /// Bytes that were loaded by what is joined.
    loaded: AtomicU64,
}

/// Lets all threads end, unless it is disarmed.
struct Ending<'s, 'a, R: Send + 'static>(Option<&'s Shared<'a, R>>);

impl<R: Send + 'static> Ending<'_, '_, R> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl<R: Send + 'static> Drop for Ending<'_, '_, R> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.ahead.abandon();
            shared.arrivals.abandon();
        }
    }
}

impl<R: BatchReader + Send + 'static> Shared<'_, R> {
    /// A worker: takes chunks from the source, makes trials of them where they are worth it, and joins what can be joined.
    fn work<F: Format, W: Write>(
        &self,
        worker: usize,
        joiner: &Mutex<Joiner<'_, R, F, W>>,
        more: &impl Fn() -> Option<R>,
        mut format: F,
        progress: &mut dyn FnMut(u64),
    ) {
        let mut archive = AlignedBytes::new();
        while let Some(mut arrival) = self.ahead.next() {
            let made = catch_unwind(AssertUnwindSafe(|| {
                self.try_out(worker, &mut arrival, more, &mut format, &mut archive)
            }));
            match made {
                Ok(trial) => arrival.extra = trial,
                Err(payload) => arrival.load = Load::Panicked(payload),
            }
            if self.arrivals.push(arrival).is_err() {
                return;
            }
            self.join(joiner);
            progress(self.loaded.load(Ordering::Relaxed));
        }
    }

    /// Joins what can be joined, unless another worker is at it. That one sees what came in the meantime: it looks once more when it
    /// has let go.
    fn join<F: Format, W: Write>(&self, joiner: &Mutex<Joiner<'_, R, F, W>>) {
        loop {
            let mut joiner = match joiner.try_lock() {
                Ok(joiner) => joiner,
                Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => return,
            };
            if joiner.end.is_none() {
                joiner.end = catch_unwind(AssertUnwindSafe(|| joiner.advance()))
                    .unwrap_or_else(|payload| Some(End::Panicked(payload)));
            }
            if joiner.end.is_some() {
                self.ahead.abandon();
                self.arrivals.abandon();
                return;
            }
            drop(joiner);
            if self.arrivals.is_empty() {
                return;
            }
        }
    }

    fn try_out(
        &self,
        worker: usize,
        arrival: &mut Arrival<Trial<R>>,
        more: &impl Fn() -> Option<R>,
        format: &mut impl Format,
        archive: &mut AlignedBytes,
    ) -> Option<Trial<R>> {
        let Load::Chunk(chunk) = &mut arrival.load else {
            return None;
        };
        let worth_it = arrival.index >= self.resume.load(Ordering::Relaxed)
            && chunk.body().len() >= self.least
            && chunk.lookback > 0
            && chunk.info.last_known_ts.is_none();
        if !worth_it {
            return None;
        }
        let pool = self.pools.get(worker)?;
        let instance = pool
            .take_last()
            .or_else(|| self.instance(self.most, more))
            .or_else(|| self.pools.iter().find_map(|pool| pool.take_last()))
            .or_else(|| self.instance(usize::MAX, more))?;
        let lease = Lease::new(instance, Arc::clone(pool));
        attempt(lease, chunk, format, archive, &self.rendering)
    }

    /// A new instance, if there are fewer than `most`.
    fn instance(&self, most: usize, more: &impl Fn() -> Option<R>) -> Option<Instance<R>> {
        if self.made.fetch_add(1, Ordering::Relaxed) < most {
            more().map(Instance::new)
        } else {
            self.made.fetch_sub(1, Ordering::Relaxed);
            None
        }
    }
}

/// How a run ends.
enum End {
    Done,
    Failed(ProduceError),
    Panicked(Box<dyn Any + Send>),
}

/// Joins trials to a run.
struct Joiner<'a, R, F, W> {
    producer: Producer<R>,
    sink: Exporter<F, W>,
    shared: &'a Shared<'a, R>,
    options: &'a Options,
    lookback: usize,
    /// Trials in a row.
    succeeded: u32,
    failed: u32,
    pause: u64,
    shares: Shares,
    end: Option<End>,
}

impl<R: BatchReader + Send + 'static, F: Format, W: Write> Joiner<'_, R, F, W> {
    /// Goes on as far as there are chunks; how the run ends, where it does.
    fn advance(&mut self) -> Option<End> {
        match self.run() {
            Ok(Step::Progress) => None,
            Ok(Step::Done) => Some(End::Done),
            Err(error) => Some(End::Failed(error)),
        }
    }

    fn run(&mut self) -> Result<Step, ProduceError> {
        loop {
            if self.producer.wants_load().is_some() {
                if !self.producer.source_mut().is_ready() {
                    return Ok(Step::Progress);
                }
                if self.jump()? {
                    self.shares.ahead += 1;
                    self.loaded();
                    continue;
                }
                self.shares.in_turn += 1;
            }
            // Where it loads, what it loads is there: nothing is waited for.
            if pollster::block_on(self.producer.step(&mut self.sink))? == Step::Done {
                return Ok(Step::Done);
            }
            self.loaded();
        }
    }

    fn loaded(&self) {
        let loaded = self.producer.loaded_bytes();
        self.shared.loaded.store(loaded, Ordering::Relaxed);
    }

    /// Takes the trial of the next chunk in the place of a step, if it may.
    fn jump(&mut self) -> io::Result<bool> {
        let Some(arrival) = self.producer.source_mut().peek() else {
            return Ok(false);
        };
        let index = arrival.index;
        let extra = arrival.extra.take();
        let Load::Chunk(chunk) = &arrival.load else {
            return Ok(false);
        };
        let (front, length) = (chunk.front, chunk.info.newly_loaded_bytes);
        let Some(trial) = extra else {
            if index >= self.shared.resume.load(Ordering::Relaxed)
                && chunk.lookback > 0
                && length >= self.shared.least
            {
                self.failed(index);
            }
            return Ok(false);
        };

        let rest = self.producer.source().len();
        let mark = front
            .checked_sub(rest)
            .filter(|_| {
                self.producer.takes_one_load(length) && self.producer.parser().is_behind_message()
            })
            .and_then(|at| trial.mark(at))
            .filter(|mark| trial.end > mark.at)
            .cloned();
        let Some(mark) = mark else {
            self.failed(index);
            trial.into_lease();
            return Ok(false);
        };
        self.succeeded();

        let first_skip = trial
            .first_skip(mark.at)
            .map(|skip| (skip - mark.at) as u64);
        let counted = trial.tally.since(&mark.tally, first_skip);
        let (end, needed) = (trial.end, trial.needed);
        self.sink.write_made(trial.rendered(&mark))?;
        let (source, parser) = self.producer.parts_mut();
        let before = parser.jump(trial.into_lease(), &counted, needed);
        before.park(source.current_slice());
        source.jump(end, counted.results());
        self.producer.jumped(length, end - mark.at, needed);
        Ok(true)
    }

    fn succeeded(&mut self) {
        self.failed = 0;
        self.pause = 0;
        self.succeeded += 1;
        if self.succeeded >= CONTENT {
            self.succeeded = 0;
            self.look_back(self.lookback / 2);
        }
    }

    /// A longer lookback may help the next trial; if it does not, trials pause.
    fn failed(&mut self, index: u64) {
        self.succeeded = 0;
        self.failed += 1;
        self.look_back(self.lookback.saturating_mul(2));
        if self.failed >= PATIENCE {
            self.failed = 0;
            self.pause = (self.pause * 2).clamp(16, LONGEST_PAUSE);
            let resume = index.saturating_add(self.pause);
            self.shared.resume.store(resume, Ordering::Relaxed);
        }
    }

    fn look_back(&mut self, bytes: usize) {
        self.lookback = bytes.clamp(self.options.min_lookback, self.options.max_lookback);
        self.shared
            .ahead
            .lookback
            .store(self.lookback, Ordering::Relaxed);
    }
}
