//! From a batch to items: what every parser has in common that answers in the archive format of `chipmunk-payload`.
//!
//! Such a parser implements [`BatchReader`], one method; [`BatchParser`] makes a [`Parser`] of it. This is the one place
//! that knows how items, tails and counters follow from a batch, for the native DLT parser and for plugins alike.
//!
//! A message is a shared batch and an index into it: nothing is allocated for it. Inside
//! [`parse_each`](Parser::parse_each) not even the batch's reference count moves, since one message serves all
//! items, and the batch's buffer is used again for the next.

use std::{
    fmt,
    io::{self, Write},
    ops::{ControlFlow, Range},
    sync::Arc,
};

use chipmunk_payload::{AlignedBytes, AttachmentView, Batch, ItemKind, ItemView, Items, TailView};
use serde::{Serialize, Serializer};

use crate::{
    Attachment, LogMessage, ParseOutput, ParseYield, Parser, ParserError, ParserReport,
    ParserSplit, ParserTally, message::COLUMN_SENTINEL,
};

/// Makes batches of bytes.
pub trait BatchReader {
    /// The batch at the start of `input`, checked.
    ///
    /// `timestamp` is in nanoseconds since 1970-01-01T00:00:00Z; `at_end` says that nothing will follow `input`. `spare` is
    /// a buffer to use again, its content of no interest.
    ///
    /// # Errors
    /// What the batch's own tail cannot say: that there is no batch, because the parser failed or made an invalid one.
    fn read_batch(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        spare: AlignedBytes,
    ) -> Result<Batch, ParserError>;

    /// Where the time of all calls went; `None` if that is not known.
    fn split(&self) -> Option<ParserSplit> {
        None
    }

    /// Calls of what lies below that the last [`read_batch`](Self::read_batch) took, where that is not simply one.
    fn calls(&self) -> u64 {
        1
    }
}

/// A [`Parser`] over a [`BatchReader`].
#[derive(Debug)]
pub struct BatchParser<R> {
    reader: R,
    tally: ParserTally,
    /// The last batch; its buffer serves the next one if nobody else holds it.
    last: Option<Arc<MessageBatch>>,
    next: Next,
    /// What the last batch wants behind its rest, if it ended as incomplete.
    wanted: Option<usize>,
    /// The last batch was made with the word that nothing will follow.
    told_end: bool,
}

/// What the tail of the last batch says about the next call.
#[derive(Debug)]
enum Next {
    /// Nothing: read on.
    Read,
    /// Incomplete, unless the rest, then so many bytes long, has grown.
    Incomplete { rest: usize },
    /// Nothing will come any more.
    Eof,
    /// The parser cannot go on.
    Failed(String),
}

impl<R: BatchReader> BatchParser<R> {
    /// A parser that has read nothing yet.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            tally: ParserTally::default(),
            last: None,
            next: Next::Read,
            wanted: None,
            told_end: false,
        }
    }

    /// What the last batch's tail leaves to say. Where there was no message at all, and the last batch was not known to be
    /// the last, the tail is that of an empty batch: the reader may know why.
    fn last_word(&mut self) -> Result<(), ParserError> {
        if let Next::Failed(why) = &self.next {
            return Err(ParserError::Unrecoverable(why.clone()));
        }
        let ParserReport {
            counters,
            skipped_bytes,
            ..
        } = self.tally.report();
        if self.told_end || counters.m_ok > 0 || skipped_bytes == 0 {
            return Ok(());
        }
        self.told_end = true;
        let batch = self.reader.read_batch(&[], None, true, AlignedBytes::new());
        self.tally.called(self.reader.calls());
        match batch?.tail() {
            TailView::Error(why) => Err(ParserError::Unrecoverable(why.to_owned())),
            _ => Ok(()),
        }
    }

    /// What makes the batches.
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// What makes the batches, for another use. To be done before anything is parsed.
    pub fn into_reader(self) -> R {
        self.reader
    }

    /// What makes the batches.
    pub fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Goes on behind items that `reader` has found in a batch of its own, with what was counted of them and, if the batch ended as
    /// incomplete, what it wants. They follow on the items of the last batch here. Returns the reader that made that.
    pub(crate) fn jump(&mut self, reader: R, counted: &ParserTally, needed: Option<usize>) -> R {
        self.tally.called(reader.calls());
        self.tally.append(counted);
        // The rest will have grown by the next call.
        self.next = Next::Read;
        self.wanted = needed;
        self.told_end = false;
        std::mem::replace(&mut self.reader, reader)
    }

    /// Whether the last item was a message, and nothing was dropped behind it.
    pub(crate) fn is_behind_message(&self) -> bool {
        self.tally.is_behind_message()
    }

    /// Answers from the last batch's tail, or reads the next batch. The batch has items, or the input is empty.
    fn advance(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        retain: bool,
    ) -> Result<&Arc<MessageBatch>, ParserError> {
        let result = self.read(input, timestamp, at_end, retain);
        match result {
            Ok(batch) => Ok(self.last.insert(batch)),
            Err(error) => {
                self.tally.error(&error);
                Err(error)
            }
        }
    }

    fn read(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        retain: bool,
    ) -> Result<Arc<MessageBatch>, ParserError> {
        match &self.next {
            Next::Read => {}
            Next::Eof => return Err(ParserError::Eof),
            Next::Failed(why) => return Err(ParserError::Unrecoverable(why.clone())),
            Next::Incomplete { rest } => {
                let unchanged = *rest == input.len() && !at_end;
                self.next = Next::Read;
                if unchanged {
                    return Err(ParserError::Incomplete);
                }
            }
        }
        self.wanted = None;
        self.told_end = at_end;

        let spare = self
            .last
            .take()
            .and_then(Arc::into_inner)
            .map_or_else(AlignedBytes::new, |last| last.batch.into_bytes());
        let batch = self.reader.read_batch(input, timestamp, at_end, spare);
        self.tally.called(self.reader.calls());
        let batch = batch?;

        match batch.tail() {
            TailView::Complete | TailView::Full => {}
            TailView::Incomplete { needed } => {
                self.wanted = Some(usize::try_from(needed).unwrap_or(usize::MAX));
                if batch.is_empty() {
                    return Err(ParserError::Incomplete);
                }
                self.next = Next::Incomplete {
                    rest: input.len().saturating_sub(batch.consumed()),
                };
            }
            TailView::End => {
                self.next = Next::Eof;
                if batch.is_empty() {
                    return Err(ParserError::Eof);
                }
            }
            TailView::Error(why) => {
                let why = why.to_owned();
                self.next = Next::Failed(why.clone());
                if batch.is_empty() {
                    return Err(ParserError::Unrecoverable(why));
                }
            }
        }
        let input = retain.then(|| input.get(..batch.consumed()).unwrap_or_default().into());
        Ok(Arc::new(MessageBatch { batch, input }))
    }
}

impl<R: BatchReader> Parser for BatchParser<R> {
    type Output = BatchMessage;

    /// The messages share a copy of the bytes they came from, so that [`LogMessage::to_writer`] works for as long as they
    /// live. [`parse_each`](Parser::parse_each) does without.
    fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<BatchMessage>>, ParserError> {
        self.advance(input, timestamp, false, true)?;
        Ok(BatchItems::new(self.last.as_ref(), &mut self.tally))
    }

    fn parse_end(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<BatchMessage>>, ParserError> {
        self.advance(input, timestamp, true, true)?;
        Ok(BatchItems::new(self.last.as_ref(), &mut self.tally))
    }

    fn parse_each(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        mut each: impl FnMut(Range<usize>, Option<&ParseYield<BatchMessage>>) -> ControlFlow<()>,
    ) -> Result<(), ParserError> {
        let shared = Arc::clone(self.advance(input, timestamp, at_end, false)?);
        let batch = &shared.batch;
        // One message for all items: only its index and range change.
        let mut message = ParseYield::Message(BatchMessage::new(Arc::clone(&shared)));
        for (index, view) in batch.iter().enumerate() {
            let span = view.offset..view.offset + view.consumed;
            let flow = if view.kind == ItemKind::Message {
                self.tally.message(view.consumed, view.damaged);
                if let ParseYield::Message(message) = &mut message {
                    message.point_to(index, &view);
                }
                each(span, Some(&message))
            } else {
                let rare = shared.item(index, &view, &mut self.tally);
                each(span, rare.as_ref())
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn wants_more(&self) -> Option<usize> {
        self.wanted
    }

    fn ended(&mut self) -> Result<(), ParserError> {
        let outcome = self.last_word();
        if let Err(error) = &outcome {
            self.tally.error(error);
        }
        outcome
    }

    fn report(&self) -> ParserReport {
        self.tally.report()
    }

    fn split(&self) -> Option<ParserSplit> {
        self.reader.split()
    }
}

/// A batch that messages share.
#[derive(Debug)]
pub struct MessageBatch {
    batch: Batch,
    /// What the items consume of the input, if it is kept.
    input: Option<Box<[u8]>>,
}

impl MessageBatch {
    /// A batch whose messages are shown together with their input.
    pub(crate) fn shared(batch: Batch) -> Arc<Self> {
        Arc::new(Self { batch, input: None })
    }

    /// The buffer of the batch, to be used again.
    pub(crate) fn into_bytes(self) -> AlignedBytes {
        self.batch.into_bytes()
    }

    /// The batch as it was read.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What the item holds; counts it.
    fn item(
        self: &Arc<Self>,
        index: usize,
        view: &ItemView,
        tally: &mut ParserTally,
    ) -> Option<ParseYield<BatchMessage>> {
        let message = || {
            let mut message = BatchMessage::new(Arc::clone(self));
            message.point_to(index, view);
            message
        };
        match view.kind {
            ItemKind::Message => {
                tally.message(view.consumed, view.damaged);
                Some(ParseYield::Message(message()))
            }
            ItemKind::MessageAndAttachment => {
                tally.message(view.consumed, view.damaged);
                Some(match self.batch.attachment(index) {
                    Some(view) => ParseYield::MessageAndAttachment(message(), attachment(view)),
                    None => ParseYield::Message(message()),
                })
            }
            ItemKind::Attachment => {
                tally.attachment(view.consumed);
                self.batch
                    .attachment(index)
                    .map(|view| ParseYield::Attachment(attachment(view)))
            }
            ItemKind::Filtered => {
                tally.filtered(view.consumed);
                None
            }
            ItemKind::Skipped => {
                tally.skipped(view.consumed);
                None
            }
        }
    }
}

fn attachment(view: AttachmentView<'_>) -> Attachment {
    Attachment {
        name: view.name.to_owned(),
        data: view.data.to_vec(),
        size: usize::try_from(view.size).unwrap_or(usize::MAX),
        created_date: view.created.map(str::to_owned),
        modified_date: view.modified.map(str::to_owned),
        messages: view
            .messages()
            .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            .collect(),
    }
}

/// The items of one batch; counts those that it hands out.
struct BatchItems<'a> {
    batch: Option<&'a Arc<MessageBatch>>,
    views: Option<Items<'a>>,
    index: usize,
    tally: &'a mut ParserTally,
}

impl<'a> BatchItems<'a> {
    fn new(batch: Option<&'a Arc<MessageBatch>>, tally: &'a mut ParserTally) -> Self {
        Self {
            batch,
            views: batch.map(|batch| batch.batch.iter()),
            index: 0,
            tally,
        }
    }
}

impl Iterator for BatchItems<'_> {
    type Item = ParseOutput<BatchMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        let view = self.views.as_mut()?.next()?;
        let index = self.index;
        self.index += 1;
        Some(ParseOutput {
            consumed: view.consumed,
            message: self.batch?.item(index, &view, self.tally),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.views
            .as_ref()
            .map_or((0, Some(0)), Iterator::size_hint)
    }
}

/// A message of a batch. Cloning and keeping it keeps the whole batch.
#[derive(Debug, Clone)]
pub struct BatchMessage {
    batch: Arc<MessageBatch>,
    index: usize,
    /// The message's own bytes, from the first byte of its item.
    raw: Range<usize>,
    damaged: bool,
}

impl BatchMessage {
    pub(crate) fn new(batch: Arc<MessageBatch>) -> Self {
        Self {
            batch,
            index: 0,
            raw: 0..0,
            damaged: false,
        }
    }

    #[inline]
    pub(crate) fn point_to(&mut self, index: usize, view: &ItemView) {
        self.index = index;
        self.raw = view.raw.start - view.offset..view.raw.end - view.offset;
        self.damaged = view.damaged;
    }

    /// The message's text: none, one line, or its columns, as the parser was asked.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &str> {
        self.batch.batch.cells(self.index)
    }
}

impl LogMessage for BatchMessage {
    /// Works for messages that [`Parser::parse`] handed out.
    ///
    /// # Errors
    /// Messages that are only shown by [`Parser::parse_each`] do not keep their bytes; use
    /// [`write_raw`](LogMessage::write_raw) there.
    fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<usize> {
        let Some(input) = &self.batch.input else {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the message does not keep its bytes: use write_raw with those of its item, or Parser::parse",
            ));
        };
        let raw = self
            .batch
            .batch
            .item(self.index)
            .map_or(0..0, |view| view.raw);
        let bytes = input.get(raw).unwrap_or_default();
        writer.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn raw_range(&self, _: &[u8]) -> Option<Range<usize>> {
        Some(self.raw.clone())
    }

    #[inline]
    fn write_text(&self, separator: &str, out: &mut Vec<u8>) {
        self.batch.batch.cells(self.index).join_into(separator, out);
    }

    #[inline]
    fn cell_count(&self) -> usize {
        self.cells().len()
    }

    #[inline]
    fn each_cell(&self, each: impl FnMut(&str)) {
        self.cells().for_each(each);
    }

    #[inline]
    fn damaged(&self) -> bool {
        self.damaged
    }
}

impl fmt::Display for BatchMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, cell) in self.cells().enumerate() {
            if index > 0 {
                fmt::Write::write_char(f, COLUMN_SENTINEL)?;
            }
            f.write_str(cell)?;
        }
        Ok(())
    }
}

impl Serialize for BatchMessage {
    /// The sequence of its cells.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.cells())
    }
}
