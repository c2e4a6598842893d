//! Bytes in, items out: the [`Parser`] trait and what it speaks of.
//!
//! `parse` is Chipmunk's signature. It hands out owned messages, which costs a message something; `parse_each` is the
//! same thing inside out, for a producer that only looks at each message once.

use std::ops::{ControlFlow, Range};

use crate::{Attachment, LogMessage, ParserReport, ParserSplit};

/// Finds messages in bytes.
///
/// Every call gets the bytes that were not consumed so far, with more behind them where there are more. If something
/// goes wrong behind a few items, the items are handed out, and the next call answers the error.
pub trait Parser {
    /// The messages it finds.
    type Output: LogMessage;

    /// The items at the start of `input`, in order and without gaps: the first begins at its first byte.
    ///
    /// `timestamp` is the source's for these bytes, in nanoseconds since 1970-01-01T00:00:00Z, where it has one.
    fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<Self::Output>>, ParserError>;

    /// As [`parse`](Self::parse), where nothing will follow `input`: what is incomplete now stays so.
    fn parse_end(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<Self::Output>>, ParserError> {
        self.parse(input, timestamp)
    }

    /// As [`parse`](Self::parse), or [`parse_end`](Self::parse_end) if `at_end`, but shows each item to `each`: the
    /// range of `input` that it consumes and what it holds (`None` if filtered or skipped). Stops where `each` breaks.
    fn parse_each(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        mut each: impl FnMut(Range<usize>, Option<&ParseYield<Self::Output>>) -> ControlFlow<()>,
    ) -> Result<(), ParserError> {
        fn show<T>(
            items: impl Iterator<Item = ParseOutput<T>>,
            mut each: impl FnMut(Range<usize>, Option<&ParseYield<T>>) -> ControlFlow<()>,
        ) {
            let mut start = 0usize;
            for item in items {
                let end = start.saturating_add(item.consumed);
                if each(start..end, item.message.as_ref()).is_break() {
                    return;
                }
                start = end;
            }
        }
        if at_end {
            show(self.parse_end(input, timestamp)?, &mut each);
        } else {
            show(self.parse(input, timestamp)?, &mut each);
        }
        Ok(())
    }

    /// After a call that handed out items: whether the parser already knows that the rest is incomplete, and how
    /// many further bytes it wants at least (0 if it cannot tell). Saves a producer the call that answers
    /// [`ParserError::Incomplete`].
    fn wants_more(&self) -> Option<usize> {
        None
    }

    /// The trace has ended and all of it is consumed: the parser's last word on the whole.
    ///
    /// # Errors
    /// [`ParserError::Unrecoverable`] if that is that it was no trace for this parser, say.
    fn ended(&mut self) -> Result<(), ParserError> {
        Ok(())
    }

    /// What was called how often, and what was skipped.
    fn report(&self) -> ParserReport {
        ParserReport::default()
    }

    /// Where the time of all calls went, without what was done with the items; `None` if the parser does not know.
    fn split(&self) -> Option<ParserSplit> {
        None
    }
}

/// One item: how many bytes it consumes and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseOutput<T> {
    /// Bytes of the input that belong to the item.
    pub consumed: usize,
    /// What was found; `None` if the message was filtered or the bytes are garbage.
    pub message: Option<ParseYield<T>>,
}

/// What an item holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseYield<T> {
    /// A message.
    Message(T),
    /// An attachment.
    Attachment(Attachment),
    /// A message that completes an attachment.
    MessageAndAttachment(T, Attachment),
}

impl<T> ParseYield<T> {
    /// The message, where there is one.
    pub fn message(&self) -> Option<&T> {
        match self {
            Self::Message(message) | Self::MessageAndAttachment(message, _) => Some(message),
            Self::Attachment(_) => None,
        }
    }

    /// The attachment, where there is one.
    pub fn attachment(&self) -> Option<&Attachment> {
        match self {
            Self::Attachment(attachment) | Self::MessageAndAttachment(_, attachment) => {
                Some(attachment)
            }
            Self::Message(_) => None,
        }
    }
}

/// Why a parser handed out nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParserError {
    /// The parser cannot go on.
    #[error("{0}")]
    Unrecoverable(String),
    /// There is no message at the start of the input. Drop a byte and try again.
    #[error("{0}")]
    Parse(String),
    /// The input ends within a message. Load more and try again.
    #[error("the input ends within a message")]
    Incomplete,
    /// No message will follow, whatever the input.
    #[error("the parser has reached the end of the trace")]
    Eof,
}
