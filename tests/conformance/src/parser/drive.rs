//! Drives a parser as a host does, with the input cut where a check wants it.
//!
//! The rest that a batch does not consume comes again with more behind it; a full batch is followed by a call with the rest; after
//! the end nothing is called. What ends a run early is a [`Wrong`]: the guest failed, or its archive is not one. Whether the
//! items make sense is for the checks to say.

use std::time::{Duration, Instant};

use chipmunk_payload::{AlignedBytes, Batch, PayloadError, TailView};
use chipmunk_plugins::contract::Session;
use chipmunk_plugins::guest::ParserGuest;
use chipmunk_plugins::{FaultCause, GuestFault};

use super::items::{self, Found};
use crate::pace::Clock;

/// An initialised parser.
#[derive(Debug)]
pub(super) struct Instance {
    pub session: Session,
    spare: AlignedBytes,
}

/// How an input is handed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Where it is cut: offsets in the input, ascending, each at most once.
    pub cuts: &'a [usize],
    /// The last bytes come with the word that nothing will follow; else that word comes in a call of its own.
    pub end_with_last: bool,
    /// The source's time for all of it.
    pub timestamp: Option<u64>,
    /// Items are kept. Of a large input they would be many.
    pub keep: bool,
    /// When to stop, whatever is left.
    pub deadline: Option<Instant>,
}

impl<'a> Plan<'a> {
    /// In one piece.
    pub const WHOLE: Plan<'static> = Plan {
        cuts: &[],
        end_with_last: true,
        timestamp: None,
        keep: true,
        deadline: None,
    };

    pub fn cut(cuts: &'a [usize]) -> Self {
        Self {
            cuts,
            ..Plan::WHOLE
        }
    }
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub items: Vec<Found>,
    pub ending: Ending,
    /// Bytes of the input that items consumed.
    pub consumed: usize,
    pub messages: usize,
    pub skipped: usize,
    /// What each call left to be wanted.
    pub calls: Vec<Call>,
    /// Calls that ended as full.
    pub full: usize,
    /// The largest archive of more than one item, in bytes.
    pub largest: usize,
    /// Time of the processor.
    pub took: Duration,
}

/// One call of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Where the bytes it was given end in the input.
    pub end: usize,
    /// Where what it consumed ends.
    pub consumed: usize,
    /// What it said it needs behind its bytes, if it ended as incomplete.
    pub needed: Option<u32>,
    pub took: Duration,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is consumed.
    Complete,
    /// The parser wants nothing more.
    End,
    /// The parser cannot go on, in its own words.
    GaveUp(String),
    /// Nothing will follow, and the parser waits for more behind what it consumed.
    Waits,
    /// The deadline came first.
    OutOfTime,
}

/// What ended a run before its time.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Calls before this one.
    pub call: usize,
    /// Where the bytes begin that it was given, in the whole input.
    pub offset: usize,
    /// How many they are.
    pub length: usize,
    pub at_end: bool,
    pub what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Fault(Box<GuestFault>),
    Archive(PayloadError),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            call,
            offset,
            length,
            ..
        } = self;
        let end = if self.at_end { ", the last ones" } else { "" };
        match &self.what {
            What::Fault(fault) => write!(f, "{}", crate::subject::in_one_line(fault))?,
            What::Archive(error) => write!(f, "the archive is not valid: {error}")?,
        }
        write!(
            f,
            " (call {}, given {length} bytes from byte {offset} of the input on{end})",
            call + 1
        )
    }
}

impl Wrong {
    pub fn cause(&self) -> Option<&FaultCause> {
        match &self.what {
            What::Fault(fault) => Some(&fault.cause),
            What::Archive(_) => None,
        }
    }
}

impl Instance {
    pub fn new(session: Session) -> Self {
        Self {
            session,
            spare: AlignedBytes::new(),
        }
    }

    /// One call, and the batch it returns.
    pub fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
    ) -> Result<Batch, What> {
        let mut archive = std::mem::take(&mut self.spare);
        self.session
            .parse(input, timestamp, at_end, &mut archive)
            .map_err(|fault| What::Fault(Box::new(fault)))?;
        Batch::check(archive, input.len()).map_err(What::Archive)
    }

    /// Keeps the buffer of a batch for the next one.
    pub fn done_with(&mut self, batch: Batch) {
        self.spare = batch.into_bytes();
    }

    /// Gives the parser all of `input`.
    pub fn run(&mut self, input: &[u8], plan: &Plan<'_>) -> Result<Run, Wrong> {
        let begin = Clock::now();
        let mut run = Run {
            items: Vec::new(),
            ending: Ending::Complete,
            consumed: 0,
            messages: 0,
            skipped: 0,
            calls: Vec::new(),
            full: 0,
            largest: 0,
            took: Duration::ZERO,
        };
        let mut cuts = plan.cuts.iter().copied();
        let mut next_end = || cuts.next().unwrap_or(input.len()).min(input.len());
        let mut end = next_end();
        let mut at_end = plan.end_with_last && end == input.len();
        loop {
            let start = run.consumed;
            let data = input.get(start..end).unwrap_or_default();
            let called = Clock::now();
            let batch = self
                .parse(data, plan.timestamp, at_end)
                .map_err(|what| Wrong {
                    call: run.calls.len(),
                    offset: start,
                    length: data.len(),
                    at_end,
                    what,
                })?;
            let took = called.elapsed();
            let tail = Tail::of(&batch);
            run.take(&batch, start, plan.keep);
            run.calls.push(Call {
                end,
                consumed: run.consumed,
                needed: match tail {
                    Tail::Incomplete(needed) => Some(needed),
                    _ => None,
                },
                took,
            });
            self.done_with(batch);
            let ending = match tail {
                Tail::Full => {
                    run.full += 1;
                    None
                }
                Tail::End => Some(Ending::End),
                Tail::GaveUp(text) => Some(Ending::GaveUp(text)),
                Tail::Complete | Tail::Incomplete(_) if at_end => {
                    Some(if run.consumed == input.len() {
                        Ending::Complete
                    } else {
                        Ending::Waits
                    })
                }
                Tail::Complete | Tail::Incomplete(_) => {
                    if end == input.len() && run.consumed == end {
                        // Nothing is left to say the end of: hosts make no such call.
                        Some(Ending::Complete)
                    } else if end == input.len() {
                        at_end = true;
                        None
                    } else {
                        end = next_end();
                        at_end = plan.end_with_last && end == input.len();
                        None
                    }
                }
            };
            let late = plan
                .deadline
                .is_some_and(|deadline| Instant::now() > deadline);
            if let Some(ending) = ending.or(late.then_some(Ending::OutOfTime)) {
                run.ending = ending;
                run.took = begin.elapsed();
                return Ok(run);
            }
        }
    }
}

impl Run {
    fn take(&mut self, batch: &Batch, base: usize, keep: bool) {
        if keep {
            items::append(&mut self.items, batch, base);
        }
        for item in batch.iter() {
            if item.kind.has_message() {
                self.messages += 1;
            } else if item.kind == chipmunk_payload::ItemKind::Skipped {
                self.skipped += item.consumed;
            }
        }
        if batch.len() > 1 {
            self.largest = self.largest.max(batch.archived_len());
        }
        self.consumed += batch.consumed();
    }
}

/// A batch's tail, for when the batch is gone.
enum Tail {
    Complete,
    Incomplete(u32),
    Full,
    End,
    GaveUp(String),
}

impl Tail {
    fn of(batch: &Batch) -> Self {
        match batch.tail() {
            TailView::Complete => Self::Complete,
            TailView::Incomplete { needed } => Self::Incomplete(needed),
            TailView::Full => Self::Full,
            TailView::End => Self::End,
            TailView::Error(text) => Self::GaveUp(text.to_owned()),
        }
    }
}
