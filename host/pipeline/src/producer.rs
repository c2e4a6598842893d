//! Joins a source and a parser: the [`MessageProducer`].
//!
//! What it promises: every byte of the source is handed out once, as part of an item, or counted as skipped; no
//! byte is lost where a chunk ends; and what is in memory is one message and one chunk, not the input.
//!
//! It hands out items to a [`Sink`] by reference, batch-wise, so that an exporter writes from the source's buffer and
//! nothing is allocated for a message. It runs on the thread that drives it; overlapping is left to who builds on it.

use std::{
    io,
    ops::{ControlFlow, Range},
    time::{Duration, Instant},
};

use crate::{
    Attachment, ByteSource, ParseYield, Parser, ParserCounters, ParserError, ProducerSplit,
    SourceCounters, SourceError, SourceFilter,
};

/// How large the unconsumed rest of a source may grow, in bytes, before the producer gives up on the message in it.
pub const DEFAULT_BUFFER_LIMIT: usize = 16 << 20;

/// Receives items, in the order of the input.
pub trait Sink<T> {
    /// Takes one item. An error ends the drive; the item counts as consumed.
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()>;

    /// Called after the last item whose [`Item::input`] is this slice, before its bytes go away.
    fn input_done(&mut self, input: &[u8]) -> io::Result<()> {
        let _ = input;
        Ok(())
    }
}

/// One item with the bytes it came from.
#[derive(Debug)]
pub struct Item<'a, T> {
    input: &'a [u8],
    span: Range<usize>,
    content: Option<&'a ParseYield<T>>,
}

impl<'a, T> Item<'a, T> {
    pub(crate) fn new(
        input: &'a [u8],
        span: Range<usize>,
        content: Option<&'a ParseYield<T>>,
    ) -> Self {
        Self {
            input,
            span,
            content,
        }
    }

    /// The slice that the item is part of; the same for all items up to [`Sink::input_done`].
    pub fn input(&self) -> &'a [u8] {
        self.input
    }

    /// Where in [`input`](Self::input) the item's bytes are.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// All the bytes that the item consumes.
    pub fn bytes(&self) -> &'a [u8] {
        self.input.get(self.span.clone()).unwrap_or_default()
    }

    /// The message, where there is one: not in filtered and skipped bytes, nor in a mere attachment.
    pub fn message(&self) -> Option<&'a T> {
        self.content.and_then(ParseYield::message)
    }

    /// The attachment, where there is one.
    pub fn attachment(&self) -> Option<&'a Attachment> {
        self.content.and_then(ParseYield::attachment)
    }
}

/// What [`MessageProducer::step`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something; there may be more.
    Progress,
    /// The trace is at its end.
    Done,
}

/// What a producer has to tell of its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProducerReport {
    /// Bytes that the source loaded.
    pub loaded_bytes: u64,
    /// Bytes in which there is no message: garbage, and an incomplete rest at the end.
    pub skipped_bytes: u64,
    /// Offset of the first of them in the bytes that the source loaded.
    pub first_skip: Option<u64>,
    /// What the source counted.
    pub source: SourceCounters,
    /// What the parser counted.
    pub parser: ParserCounters,
}

/// Why a producer could not go on. All items before the error were handed out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The parser failed.
    #[error("at byte {offset} of the trace: {error}")]
    Parser {
        /// Where, in bytes that the source loaded.
        offset: u64,
        /// Why.
        error: ParserError,
    },
    /// The parser sees the start of a message but no end.
    #[error(
        "at byte {offset} of the trace: no end of the message within {limit} bytes; \
         is this a trace of the kind that the parser reads?"
    )]
    TooLong {
        /// Where the message begins, in bytes that the source loaded.
        offset: u64,
        /// How many bytes the producer keeps at most.
        limit: usize,
    },
    /// The sink failed.
    #[error("{0}")]
    Sink(#[from] io::Error),
}

/// Drives a source and a parser.
#[derive(Debug)]
pub struct MessageProducer<S, P> {
    source: S,
    parser: P,
    filter: Option<SourceFilter>,
    buffer_limit: usize,
    timestamp: Option<u64>,
    at_end: bool,
    /// The parser said that nothing more will come, or nothing advances any more.
    done: bool,
    /// The parser can do nothing before so many bytes more are loaded (0: it cannot tell how many).
    wanted: Option<usize>,
    loaded: u64,
    /// Offset of the source's current slice.
    offset: u64,
    /// Skipped by the producer itself; the parser counts its own.
    dropped: u64,
    first_drop: Option<u64>,
    /// The lengths of the items of one call, kept between calls to be allocated once.
    consumed: Vec<usize>,
    /// How long the parser's calls took, with what the sink did.
    parsing: Duration,
}

impl<S: ByteSource, P: Parser> MessageProducer<S, P> {
    /// Joins the two. Nothing is loaded yet.
    pub fn new(source: S, parser: P) -> Self {
        Self {
            source,
            parser,
            filter: None,
            buffer_limit: DEFAULT_BUFFER_LIMIT,
            timestamp: None,
            at_end: false,
            done: false,
            wanted: None,
            loaded: 0,
            offset: 0,
            dropped: 0,
            first_drop: None,
            consumed: Vec::new(),
            parsing: Duration::ZERO,
        }
    }

    /// Which part of the input the source is to load.
    pub fn with_filter(mut self, filter: SourceFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Another limit than [`DEFAULT_BUFFER_LIMIT`]; at least one byte.
    pub fn with_buffer_limit(mut self, bytes: usize) -> Self {
        self.buffer_limit = bytes.max(1);
        self
    }

    /// The source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The source, to cancel it, for example.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The parser.
    pub fn parser(&self) -> &P {
        &self.parser
    }

    /// Bytes that the source has loaded so far.
    pub fn loaded_bytes(&self) -> u64 {
        self.loaded
    }

    /// What happened so far.
    pub fn report(&self) -> ProducerReport {
        let parser = self.parser.report();
        ProducerReport {
            loaded_bytes: self.loaded,
            skipped_bytes: self.dropped + parser.skipped_bytes,
            // The first drop noted the parser's first skip if that was earlier.
            first_skip: self.first_drop.or(parser.first_skip),
            source: self.source.counters(),
            parser: parser.counters,
        }
    }

    /// Where the time went so far.
    pub fn split(&self) -> ProducerSplit {
        ProducerSplit::new(self.source.split(), self.parser.split(), self.parsing)
    }

    /// Hands out everything there is.
    ///
    /// # Errors
    /// The first thing that makes going on impossible. Garbage does not; it is in the [report](Self::report).
    pub async fn drive(&mut self, sink: &mut impl Sink<P::Output>) -> Result<(), ProduceError> {
        while self.step(sink).await? == Step::Progress {}
        Ok(())
    }

    /// As [`drive`](Self::drive), for messages only: `each` gets the message and the bytes of its item.
    pub async fn for_each(
        &mut self,
        each: impl FnMut(&P::Output, &[u8]) -> io::Result<()>,
    ) -> Result<(), ProduceError> {
        struct Each<F>(F);
        impl<T, F: FnMut(&T, &[u8]) -> io::Result<()>> Sink<T> for Each<F> {
            fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
                match item.message() {
                    Some(message) => (self.0)(message, item.bytes()),
                    None => Ok(()),
                }
            }
        }
        self.drive(&mut Each(each)).await
    }

    /// One round: loads if there is nothing to parse or the rest ends within a message, else hands out what the parser
    /// finds.
    ///
    /// Cancel-safe as far as the source is: it waits for nothing but [`ByteSource::load`], and what was handed out before
    /// is consumed.
    pub async fn step(&mut self, sink: &mut impl Sink<P::Output>) -> Result<Step, ProduceError> {
        if let Some(wanted) = self.wants_load() {
            self.load(wanted).await?;
            self.wanted = None;
            return Ok(Step::Progress);
        }
        if self.done {
            return Ok(Step::Done);
        }
        if self.source.is_empty() {
            // All is loaded, and all is consumed.
            self.done = true;
            let offset = self.offset;
            return match self.parser.ended() {
                Ok(()) => Ok(Step::Done),
                Err(error) => Err(ProduceError::Parser { offset, error }),
            };
        }

        let (outcome, sunk) = self.parse(sink);
        let mut advanced = 0usize;
        for count in self.consumed.drain(..) {
            self.source.consume(count);
            advanced = advanced.saturating_add(count);
        }
        self.offset += advanced as u64;
        sunk?;

        match outcome {
            Ok(()) if advanced == 0 => self.stuck(0),
            Ok(()) => {
                if !self.at_end && !self.source.is_empty() {
                    self.wanted = self.parser.wants_more();
                }
            }
            Err(ParserError::Incomplete) => {
                let wanted = self.parser.wants_more().unwrap_or(0);
                self.stuck(wanted);
            }
            Err(ParserError::Parse(_)) => self.drop_bytes(1),
            Err(ParserError::Eof) => self.done = true,
            Err(error @ ParserError::Unrecoverable(_)) => {
                self.done = true;
                return Err(ProduceError::Parser {
                    offset: self.offset,
                    error,
                });
            }
        }
        Ok(if self.done {
            Step::Done
        } else {
            Step::Progress
        })
    }

    /// How many bytes the next [`step`](Self::step) loads, at least one and 0 if that is not known, if it does load.
    pub(crate) fn wants_load(&self) -> Option<usize> {
        let nothing_left = !self.at_end && self.source.is_empty();
        match self.wanted {
            _ if self.done => None,
            None if nothing_left => Some(0),
            wanted => wanted,
        }
    }

    /// Whether the next [`step`](Self::step) is one load and no more if that brings so many bytes, and nobody has told a time yet.
    pub(crate) fn takes_one_load(&self, bytes: usize) -> bool {
        self.wants_load()
            .is_some_and(|wanted| bytes >= wanted.max(1))
            && self.source.len() < self.buffer_limit
            && self.timestamp.is_none()
    }

    /// Both sides, for who makes a load and a call of the parser in the place of a [`step`](Self::step), and tells it by
    /// [`jumped`](Self::jumped).
    pub(crate) fn parts_mut(&mut self) -> (&mut S, &mut P) {
        (&mut self.source, &mut self.parser)
    }

    /// So many bytes were loaded and, as items, consumed; the parser needs so many more for what is left, if it knows.
    pub(crate) fn jumped(&mut self, loaded: usize, consumed: usize, needed: Option<usize>) {
        self.loaded += loaded as u64;
        self.offset += consumed as u64;
        self.wanted = needed.filter(|_| !self.source.is_empty());
    }

    /// Calls the parser with the current slice and leaves the lengths of what it handed out in `self.consumed`.
    fn parse(
        &mut self,
        sink: &mut impl Sink<P::Output>,
    ) -> (Result<(), ParserError>, io::Result<()>) {
        let begun = Instant::now();
        let input = self.source.current_slice();
        let consumed = &mut self.consumed;
        let mut sunk = Ok(());
        let outcome = self.parser.parse_each(
            input,
            self.timestamp,
            self.at_end,
            |span: Range<usize>, content| {
                // A parser that claims more than there is gets what there is.
                let span = span.start.min(input.len())..span.end.min(input.len());
                consumed.push(span.len());
                sunk = sink.item(&Item::new(input, span, content));
                if sunk.is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        if sunk.is_ok() {
            sunk = sink.input_done(input);
        }
        self.parsing += begun.elapsed();
        (outcome, sunk)
    }

    /// The parser cannot advance with what there is.
    fn stuck(&mut self, wanted: usize) {
        if self.at_end {
            self.drop_bytes(self.source.len());
            self.done = true;
        } else {
            self.wanted = Some(wanted);
        }
    }

    /// Loads until there are `wanted` more bytes, at least one, or the input ends.
    async fn load(&mut self, wanted: usize) -> Result<(), ProduceError> {
        // What a parser asks for is a hint: more than the buffer may hold is an error only if it does come.
        let wanted = self.source.len().saturating_add(wanted.max(1));
        while self.source.len() < wanted {
            if self.source.len() >= self.buffer_limit {
                return Err(ProduceError::TooLong {
                    offset: self.offset,
                    limit: self.buffer_limit,
                });
            }
            match self.source.load(self.filter.as_ref()).await? {
                Some(info) => {
                    self.loaded += info.newly_loaded_bytes as u64;
                    if info.last_known_ts.is_some() {
                        self.timestamp = info.last_known_ts;
                    }
                }
                None => {
                    self.at_end = true;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Passes over bytes that the parser makes nothing of.
    fn drop_bytes(&mut self, count: usize) {
        let count = count.min(self.source.len());
        if count == 0 {
            return;
        }
        if self.first_drop.is_none() {
            self.first_drop = self.parser.report().first_skip.or(Some(self.offset));
        }
        self.source.consume(count);
        self.offset += count as u64;
        self.dropped += count as u64;
    }
}
