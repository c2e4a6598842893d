//! What `parse` of API 0.1.0 returns, lifted straight into a batch.
//!
//! The result is a list of records of 96 bytes which point to texts anywhere in the guest's memory. Here they are read where they
//! lie: text goes from there into the batch's arena, and nothing is made of a record but an item. The engine's context checks
//! every pointer, and bounds what all lists of one result take together, since a guest's lists may overlap.
//!
//! The Rust types say what the list looks like and are compared with the component's; no value of them is ever made.

use chipmunk_payload::{AttachmentRef, BatchWriter, SkipReason};
use wasmer_component::types::Abi;
use wasmer_component::{ComponentType, Error, LiftContext, Unlifted};

use crate::error::FaultCause;

/// What stands between the columns of a message in one text.
const COLUMN_SENTINEL: u8 = 4;

/// The result of `parse`.
pub(in crate::contract) type ParseResult = (Result<Vec<ParseReturn>, ParseError>,);

/// One item (`parse-types.parse-return`).
#[derive(ComponentType)]
#[component(record)]
#[expect(dead_code, reason = "a layout, not a value")]
pub(in crate::contract) struct ParseReturn {
    value: Option<ParseYield>,
    consumed: u64,
}

/// What is in it (`parse-types.parse-yield`).
#[derive(ComponentType)]
#[component(variant)]
#[expect(dead_code, reason = "a layout, not a value")]
enum ParseYield {
    Message(ParsedMessage),
    Attachment(Attachment),
    MessageAndAttachment((ParsedMessage, Attachment)),
}

/// A message's text (`parse-types.parsed-message`).
#[derive(ComponentType)]
#[component(variant)]
#[expect(dead_code, reason = "a layout, not a value")]
enum ParsedMessage {
    Line(String),
    Columns(Vec<String>),
}

/// A file (`parse-types.attachment`).
#[derive(ComponentType)]
#[component(record)]
#[expect(dead_code, reason = "a layout, not a value")]
struct Attachment {
    name: String,
    size: u64,
    created_date: Option<String>,
    modified_date: Option<String>,
    messages: Vec<u64>,
    data: Vec<u8>,
}

/// Why there are no items (`parse-types.parse-error`).
#[derive(ComponentType)]
#[component(variant)]
#[expect(dead_code, reason = "a layout, not a value")]
pub(in crate::contract) enum ParseError {
    Unrecoverable(String),
    Parse(String),
    Incomplete,
    Eof,
}

const PAIR: Abi = Abi::POINTER_PAIR;
const MESSAGE: Abi = <ParsedMessage as ComponentType>::ABI;
const ATTACHMENT: Abi = <Attachment as ComponentType>::ABI;
const BOTH: Abi = Abi::record(&[MESSAGE, ATTACHMENT]);
const YIELD: Abi = <ParseYield as ComponentType>::ABI;
const OPTIONAL_TEXT: Abi = <Option<String> as ComponentType>::ABI;
const RECORD: Abi = <ParseReturn as ComponentType>::ABI;

/// Bytes of a record, and where in it: the case of its value, what that holds, and what the item consumes.
const RECORD_BYTES: usize = RECORD.size as usize;
const YIELD_AT: usize = Abi::payload_offset(&[None, Some(YIELD)]) as usize;
const BODY_AT: usize =
    YIELD_AT + Abi::payload_offset(&[Some(MESSAGE), Some(ATTACHMENT), Some(BOTH)]) as usize;
const BEHIND_MESSAGE_AT: usize = BODY_AT + Abi::field_offset(&[MESSAGE, ATTACHMENT], 1) as usize;
const CONSUMED_AT: usize = Abi::field_offset(
    &[
        <Option<ParseYield> as ComponentType>::ABI,
        <u64 as ComponentType>::ABI,
    ],
    1,
) as usize;

/// Where in a message its text or its list of texts is.
const TEXT_AT: usize = Abi::payload_offset(&[Some(PAIR), Some(PAIR)]) as usize;

/// Where in an attachment its fields are.
const ATTACHMENT_FIELDS: [Abi; 6] = [
    PAIR,
    <u64 as ComponentType>::ABI,
    OPTIONAL_TEXT,
    OPTIONAL_TEXT,
    PAIR,
    PAIR,
];
const fn attachment_at(field: usize) -> usize {
    Abi::field_offset(&ATTACHMENT_FIELDS, field) as usize
}

/// Where in the result its payload is, and in an error its own.
const RESULT_AT: usize =
    Abi::payload_offset(&[Some(PAIR), Some(<ParseError as ComponentType>::ABI)]) as usize;
const ERROR_TEXT_AT: usize =
    RESULT_AT + Abi::payload_offset(&[Some(PAIR), Some(PAIR), None, None]) as usize;

type Record = [u8; RECORD_BYTES];

/// What one call of the guest gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::contract) enum Answer {
    /// Items, which are in the batch now.
    Items {
        /// Bytes that they consume.
        consumed: usize,
        /// One more reaches the end of what was given, and was not taken: it may go on behind that.
        held_back: bool,
    },
    /// It cannot go on.
    Unrecoverable(String),
    /// It makes nothing of the first byte.
    Parse(String),
    /// The first message has no end yet.
    Incomplete,
    /// Nothing will come any more.
    Eof,
}

/// Which last item is to be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HoldBack {
    /// None.
    Never,
    /// One that reaches the end of what was given, unless it is the only one.
    Behind,
    /// One that reaches the end of what was given.
    Always,
}

/// What becomes of columns that stand in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Each is a cell.
    Apart,
    /// They are one cell, with this ASCII character between them.
    JoinedBy(u8),
}

/// Where records go.
#[derive(Debug)]
pub(in crate::contract) struct Taker<'a> {
    out: &'a mut BatchWriter,
    columns: Columns,
    /// Bytes that the guest was given.
    given: usize,
    hold_back: HoldBack,
    /// Bytes that were skipped before the first record.
    skipped: &'a mut u32,
    /// Bytes that the batch may have.
    limit: u32,
    /// Bytes that the records so far consume.
    consumed: usize,
}

impl<'a> Taker<'a> {
    /// Takes what is found in `given` bytes, behind `skipped` bytes, into a batch of at most `limit` bytes.
    pub(super) fn new(
        out: &'a mut BatchWriter,
        columns: Columns,
        given: usize,
        hold_back: HoldBack,
        skipped: &'a mut u32,
        limit: u32,
    ) -> Self {
        Self {
            out,
            columns,
            given,
            hold_back,
            skipped,
            limit,
            consumed: 0,
        }
    }

    /// The batch, for tests that have no guest.
    #[cfg(test)]
    pub(super) fn batch(&mut self) -> &mut BatchWriter {
        self.out
    }
}

/// Takes a result of `parse` out of the guest's memory.
///
/// # Errors
/// A trap for what is no value of its type; within, a fault for values that contradict the contract.
pub(in crate::contract) fn lift(
    cx: &LiftContext<'_>,
    result: Unlifted<'_, '_>,
    taker: &mut Taker<'_>,
) -> Result<Result<Answer, FaultCause>, Error> {
    let Unlifted::Memory(result) = result else {
        return Err(Error::trap("the result of `parse` is not in memory"));
    };
    match byte(result, 0)? {
        0 => {
            let (ptr, count) = pair(result, RESULT_AT)?;
            let records = cx.list(ptr, count, RECORD.size, RECORD.align)?;
            taker.take(cx, records.as_chunks::<RECORD_BYTES>().0)
        }
        1 => {
            let words = || -> Result<String, Error> {
                let (ptr, length) = pair(result, ERROR_TEXT_AT)?;
                Ok(cx.string(ptr, length)?.into_owned())
            };
            Ok(Ok(match byte(result, RESULT_AT)? {
                0 => Answer::Unrecoverable(words()?),
                1 => Answer::Parse(words()?),
                2 => Answer::Incomplete,
                3 => Answer::Eof,
                case => return Err(no_such_case("parse-error", case)),
            }))
        }
        case => Err(no_such_case("result", case)),
    }
}

impl Taker<'_> {
    fn take(
        &mut self,
        cx: &LiftContext<'_>,
        records: &[Record],
    ) -> Result<Result<Answer, FaultCause>, Error> {
        // Behind it there may be records that consume nothing.
        let last = records
            .iter()
            .rposition(|record| number(record, CONSUMED_AT) > 0);
        for (index, record) in records.iter().enumerate() {
            match self.admit(number(record, CONSUMED_AT), last == Some(index)) {
                Ok(Some(length)) => self.item(cx, record, length)?,
                Ok(None) => return Ok(Ok(self.held_back())),
                Err(cause) => return Ok(Err(cause)),
            }
            if self.out.archived_len() > self.limit as usize {
                return Ok(Err(FaultCause::Output { limit: self.limit }));
            }
        }
        Ok(self.all_taken(records.len()))
    }

    /// What the next record consumes, if it is to be taken; none if it is held back, and what follows with it. It is the
    /// `last` if those behind it consume nothing.
    ///
    /// # Errors
    /// It consumes more than there is.
    #[inline]
    pub(super) fn admit(&mut self, length: u64, last: bool) -> Result<Option<u32>, FaultCause> {
        let left = self.given - self.consumed;
        let (length, short) = match (usize::try_from(length), u32::try_from(length)) {
            (Ok(length), Ok(short)) if length <= left => (length, short),
            _ => return Err(consumes_too_much(length, left)),
        };
        if last
            && length == left
            && match self.hold_back {
                HoldBack::Never => false,
                HoldBack::Behind => self.consumed > 0,
                HoldBack::Always => true,
            }
        {
            return Ok(None);
        }
        if *self.skipped > 0 {
            self.out
                .skipped(std::mem::take(self.skipped), SkipReason::Garbage);
        }
        self.consumed += length;
        Ok(Some(short))
    }

    /// The answer when a record was held back.
    pub(super) fn held_back(&self) -> Answer {
        Answer::Items {
            consumed: self.consumed,
            held_back: true,
        }
    }

    /// The answer when all of so many records were taken.
    ///
    /// # Errors
    /// They consume nothing.
    pub(super) fn all_taken(&self, records: usize) -> Result<Answer, FaultCause> {
        if self.consumed == 0 && records > 0 {
            return Err(FaultCause::Contract(format!(
                "{records} items consume nothing together, and would be found again and again"
            )));
        }
        Ok(Answer::Items {
            consumed: self.consumed,
            held_back: false,
        })
    }

    fn item(&mut self, cx: &LiftContext<'_>, record: &Record, consumed: u32) -> Result<(), Error> {
        match record[0] {
            0 => self.out.filtered(consumed),
            1 => match record[YIELD_AT] {
                0 => {
                    self.message(cx, record)?;
                    self.out.message(consumed, 0..consumed, false);
                }
                1 => self.attachment(cx, record, BODY_AT, consumed, None)?,
                2 => {
                    self.message(cx, record)?;
                    self.attachment(cx, record, BEHIND_MESSAGE_AT, consumed, Some(0..consumed))?;
                }
                case => return Err(no_such_case("parse-yield", case)),
            },
            case => return Err(no_such_case("option", case)),
        }
        Ok(())
    }

    /// The cells of a message.
    fn message(&mut self, cx: &LiftContext<'_>, record: &Record) -> Result<(), Error> {
        let (ptr, length) = pair(record, BODY_AT + TEXT_AT)?;
        match record[BODY_AT] {
            0 => self.cells(cx, ptr, length),
            1 => {
                let columns = cx.list(ptr, length, PAIR.size, PAIR.align)?;
                for column in columns.as_chunks::<{ PAIR.size as usize }>().0 {
                    let (ptr, length) = pair(column, 0)?;
                    self.cells(cx, ptr, length)?;
                }
                Ok(())
            }
            case => Err(no_such_case("parsed-message", case)),
        }
    }

    /// The cells of one text.
    fn cells(&mut self, cx: &LiftContext<'_>, ptr: u32, length: u32) -> Result<(), Error> {
        let taken = match cx.unchecked_utf8(ptr, length)? {
            Some(bytes) => self.text(bytes),
            None => false,
        };
        if !taken {
            // Of another encoding, or not what it claims to be: then this says so.
            self.text(cx.string(ptr, length)?.as_bytes());
        }
        Ok(())
    }

    /// As above, if it is UTF-8; tells whether.
    fn text(&mut self, text: &[u8]) -> bool {
        match self.columns {
            Columns::Apart => self.out.push_separated(text, COLUMN_SENTINEL),
            Columns::JoinedBy(separator) => {
                let taken = self
                    .out
                    .text()
                    .push_replacing(text, COLUMN_SENTINEL, separator);
                if taken {
                    self.out.end_cell();
                }
                taken
            }
        }
    }

    #[cold]
    fn attachment(
        &mut self,
        cx: &LiftContext<'_>,
        record: &Record,
        at: usize,
        consumed: u32,
        message: Option<std::ops::Range<u32>>,
    ) -> Result<(), Error> {
        let text = |at: usize| {
            let (ptr, length) = pair(record, at)?;
            cx.string(ptr, length)
        };
        let optional = |at: usize| match byte(record, at)? {
            0 => Ok(None),
            1 => text(at + Abi::payload_offset(&[None, Some(PAIR)]) as usize).map(Some),
            case => Err(no_such_case("option", case)),
        };
        let name = text(at + const { attachment_at(0) })?;
        let created = optional(at + const { attachment_at(2) })?;
        let modified = optional(at + const { attachment_at(3) })?;
        let (ptr, count) = pair(record, at + const { attachment_at(4) })?;
        let messages: Vec<u64> = cx
            .list(ptr, count, 8, 8)?
            .as_chunks::<8>()
            .0
            .iter()
            .map(|number| u64::from_le_bytes(*number))
            .collect();
        let (ptr, length) = pair(record, at + const { attachment_at(5) })?;
        self.out.attachment(
            consumed,
            message,
            &AttachmentRef {
                name: &name,
                size: number(record, at + const { attachment_at(1) }),
                created: created.as_deref(),
                modified: modified.as_deref(),
                messages: &messages,
                data: cx.list(ptr, length, 1, 1)?,
            },
        );
        Ok(())
    }
}

#[cold]
fn consumes_too_much(length: u64, left: usize) -> FaultCause {
    FaultCause::Contract(format!(
        "an item consumes {length} bytes, and {left} are left of what was passed"
    ))
}

#[cold]
fn no_such_case(what: &str, case: u8) -> Error {
    Error::trap(format!(
        "invalid variant discriminant {case}: no case of a {what}"
    ))
}

#[cold]
fn too_short() -> Error {
    Error::trap("a value is shorter than its type")
}

#[inline]
fn byte(bytes: &[u8], at: usize) -> Result<u8, Error> {
    bytes.get(at).copied().ok_or_else(too_short)
}

/// Pointer and length.
#[inline]
fn pair(bytes: &[u8], at: usize) -> Result<(u32, u32), Error> {
    let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..).and_then(|rest| rest.first_chunk())
    else {
        return Err(too_short());
    };
    Ok((
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    ))
}

/// Eight bytes of a record; `at` is one of the places above, which are all in it.
#[inline]
fn number(record: &Record, at: usize) -> u64 {
    record
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |number| u64::from_le_bytes(*number))
}
