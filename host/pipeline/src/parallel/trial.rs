//! A chunk parsed before it is known where the chunk before it ends: a trial.
//!
//! An instance that is given trials sees one stream: the rest of its last chunk, then a piece of the trace from somewhere
//! else, and so on. To a parser that is a trace with damage at every seam, and to find its way behind damage is what
//! `resynchronises` promises. In front of the chunk stand a few bytes of the chunks before, the *lookback*, in which it is to do so.
//!
//! Every place in the lookback where a message ends is a *mark*: if the serial run ends a message there too, the two agree from
//! there on, and the trial is what the serial run's next call would have given ([`split`](super::split) has the argument). So
//! with each mark goes what was counted and written before it, to be left out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use chipmunk_payload::{AlignedBytes, Batch, ItemKind, TailView};

use super::{blocks::LARGEST_KEPT, chunk::Chunk, queue::Queue};
use crate::{
    BatchMessage, BatchReader, Item, MessageBatch, ParseYield, ParserError, ParserSplit,
    ParserTally, export::Format,
};

/// A parser with what it needs to be used for any chunk.
#[derive(Debug)]
pub(super) struct Instance<R> {
    reader: R,
    /// What it was given and has not consumed: its next input begins with this.
    pub(super) rest: Vec<u8>,
    /// Memory for the next trial. It stays with the instance, and so with the worker in whose core's cache it is.
    scratch: Scratch,
}

/// What a trial finds, until it is joined.
#[derive(Debug, Default)]
struct Scratch {
    marks: Vec<Mark>,
    skips: Vec<usize>,
    block: Vec<u8>,
}

impl<R> Instance<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            rest: Vec::new(),
            scratch: Scratch::default(),
        }
    }
}

impl<R: BatchReader> Instance<R> {
    /// Where the time of its calls went.
    pub(super) fn split(&self) -> ParserSplit {
        self.reader.split().unwrap_or_default()
    }
}

/// An instance on loan from the pool; goes back when dropped, unless it is spoilt.
#[derive(Debug)]
pub(super) struct Lease<R> {
    /// Always there, but when spoilt.
    instance: Option<Instance<R>>,
    pool: Arc<Queue<Instance<R>>>,
}

impl<R> Lease<R> {
    pub(super) fn new(instance: Instance<R>, pool: Arc<Queue<Instance<R>>>) -> Self {
        Self {
            instance: Some(instance),
            pool,
        }
    }

    /// Gives the instance back to be used for another chunk; `rest` is what it was given and has not consumed.
    pub(super) fn park(mut self, rest: &[u8]) {
        if let Some(instance) = &mut self.instance {
            instance.rest.clear();
            instance.rest.extend_from_slice(rest);
        }
    }

    fn spoil(&mut self) {
        self.instance = None;
    }
}

impl<R> Drop for Lease<R> {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            self.pool.offer(instance);
        }
    }
}

impl<R: BatchReader> BatchReader for Lease<R> {
    fn read_batch(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        spare: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        match &mut self.instance {
            Some(instance) => instance.reader.read_batch(input, timestamp, at_end, spare),
            None => Err(ParserError::Unrecoverable(
                "the parser has failed before".to_owned(),
            )),
        }
    }

    fn calls(&self) -> u64 {
        self.instance
            .as_ref()
            .map_or(1, |instance| instance.reader.calls())
    }
}

/// A place where a message ends, and what came before it in the trial.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// Position in the chunk's buffer.
    pub(super) at: usize,
    pub(super) tally: ParserTally,
    /// Bytes of the block.
    pub(super) block: usize,
}

/// What came of a trial.
#[derive(Debug)]
pub(super) struct Trial<R> {
    pub(super) lease: Lease<R>,
    scratch: Scratch,
    /// What was counted, from the beginning of the input.
    pub(super) tally: ParserTally,
    /// Up to which position of the chunk's buffer items were found.
    pub(super) end: usize,
    /// What the tail wants behind the rest, if it ended as incomplete.
    pub(super) needed: Option<usize>,
}

impl<R> Trial<R> {
    /// The mark at a position of the chunk's buffer.
    pub(super) fn mark(&self, at: usize) -> Option<&Mark> {
        self.scratch.marks.iter().find(|mark| mark.at == at)
    }

    /// Position of the first skipped byte at or behind `at`.
    pub(super) fn first_skip(&self, at: usize) -> Option<usize> {
        self.scratch.skips.iter().copied().find(|skip| *skip >= at)
    }

    /// What was rendered of the items behind a mark.
    pub(super) fn rendered(&self, mark: &Mark) -> &[u8] {
        self.scratch.block.get(mark.block..).unwrap_or_default()
    }

    /// The instance, with its memory for the next trial.
    pub(super) fn into_lease(mut self) -> Lease<R> {
        if let Some(instance) = &mut self.lease.instance {
            if self.scratch.block.capacity() > LARGEST_KEPT {
                self.scratch.block = Vec::new();
            }
            instance.scratch = self.scratch;
        }
        self.lease
    }
}

/// Parses a chunk, and adds to `rendering` how many nanoseconds its items took. The archive is in `spare`. `None` if nothing came of it that could be of use; the instance may still be.
pub(super) fn attempt<R: BatchReader, F: Format>(
    mut lease: Lease<R>,
    chunk: &mut Chunk,
    format: &mut F,
    spare: &mut AlignedBytes,
    rendering: &AtomicU64,
) -> Option<Trial<R>> {
    let instance = lease.instance.as_mut()?;
    let begin = chunk.front.checked_sub(chunk.lookback)?;
    let Some(start) = chunk.put_before(begin, &instance.rest) else {
        // It would have to be given more than there is room for.
        lease.spoil();
        return None;
    };
    let input = chunk.buffer.slice().get(start..).unwrap_or_default();
    let archive = std::mem::take(spare);
    let Ok(batch) = instance.reader.read_batch(input, None, false, archive) else {
        // Whether the serial run fails as well will turn out when it comes here.
        lease.spoil();
        return None;
    };
    let consumed = batch.consumed();
    let needed = match batch.tail() {
        TailView::Complete if consumed == input.len() => None,
        TailView::Incomplete { needed } => Some(usize::try_from(needed).unwrap_or(usize::MAX)),
        // There would be more to be said of this input, or there is nothing more to be said at all.
        _ => {
            lease.spoil();
            return None;
        }
    };
    instance.rest.clear();
    instance
        .rest
        .extend_from_slice(input.get(consumed..).unwrap_or_default());

    let mut trial = Trial {
        scratch: std::mem::take(&mut instance.scratch),
        tally: ParserTally::default(),
        end: start + consumed,
        needed,
        lease,
    };
    let batch = MessageBatch::shared(batch);
    let begun = Instant::now();
    let found = trial.find(&batch, input, start, chunk.front, format);
    let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    rendering.fetch_add(nanoseconds, Ordering::Relaxed);
    if let Some(batch) = Arc::into_inner(batch) {
        *spare = batch.into_bytes();
    }
    if found.is_none() {
        trial.into_lease();
        return None;
    }
    Some(trial)
}

impl<R> Trial<R> {
    /// Goes through the items of `input`, which begins at position `start` of a buffer in which the chunk begins at `front`. `None`
    /// if there is no mark, or an item that a trial cannot have.
    fn find<F: Format>(
        &mut self,
        batch: &Arc<MessageBatch>,
        input: &[u8],
        start: usize,
        front: usize,
        format: &mut F,
    ) -> Option<()> {
        let Scratch {
            marks,
            skips,
            block,
        } = &mut self.scratch;
        marks.clear();
        skips.clear();
        block.clear();
        let mut message = ParseYield::Message(BatchMessage::new(Arc::clone(batch)));
        for (index, view) in batch.batch().iter().enumerate() {
            let at = start + view.offset;
            let end = at + view.consumed;
            match view.kind {
                ItemKind::Message => {
                    self.tally.message(view.consumed, view.damaged);
                    if !marks.is_empty() {
                        if let ParseYield::Message(message) = &mut message {
                            message.point_to(index, &view);
                        }
                        let span = view.offset..view.offset + view.consumed;
                        let item = Item::new(input, span, Some(&message));
                        format.item(&item, block).ok()?;
                    }
                    if end <= front {
                        format.input_done(input, block);
                        marks.push(Mark {
                            at: end,
                            tally: self.tally.clone(),
                            block: block.len(),
                        });
                    }
                }
                ItemKind::Filtered => self.tally.filtered(view.consumed),
                ItemKind::Skipped => {
                    self.tally.skipped(view.consumed);
                    // Of those behind all marks the first is enough.
                    if skips.last().is_none_or(|last| *last < front) {
                        skips.push(at);
                    }
                }
                // Parsers that make attachments remember messages.
                ItemKind::Attachment | ItemKind::MessageAndAttachment => return None,
            }
            if end > front && marks.is_empty() {
                return None;
            }
        }
        format.input_done(input, block);
        (!marks.is_empty()).then_some(())
    }
}
