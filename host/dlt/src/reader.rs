//! Finds the messages in a stream of bytes that may be cut anywhere and may be damaged.
//!
//! # What is a message
//!
//! Whatever begins with a header that is whole and does not contradict itself, and ends, by the length it declares,
//! within the input. Its payload need not decode: then it is a damaged message, not garbage. A header contradicts
//! itself when its length is less than that of the headers it announces. Protocol version 2 has another layout and is
//! refused. Versions that nobody has defined (3 to 7) are rather garbage that looks like a header, and their length
//! would swallow the messages behind it; they count only if no storage pattern is in them, and, by their length, another
//! header or the end of the input follows. Version 0 occurs in real traces.
//!
//! # Runs
//!
//! Everything between two messages is one run, and one skipped item, however many false headers are in it. A header
//! whose message would end behind the end of the input is part of a run too, but that is known only when the
//! input has ended.
//!
//! # Cuts
//!
//! What comes out does not depend on how the input is cut, because no decision is made before all bytes are there that
//! it depends on: at most [`LARGEST`] from where a header begins. A run is kept back until its end is known, so that
//! it is one item, unless it is longer than [`KEPT_BACK`]; then it is consumed piecewise, and adjacent skipped items are one
//! run. Looking at the kept bytes again with every call is what this costs: little, as long as chunks are not much
//! smaller than that.
//!
//! # Without storage headers
//!
//! There is no pattern to search for. Messages follow one another; after garbage, two plausible headers of version 1
//! in a row (or one at the end of the input) are taken for messages again.

use chipmunk_payload::{BatchWriter, SkipReason, Tail};
use memchr::memmem;

use crate::{
    Options, Output,
    header::{Message, PATTERN, PATTERN_V2, STANDARD_MIN, STORAGE, Standard},
    text::{COLUMNS, LINE, RANGES, Writer},
};

/// Bytes of the largest message there can be, with its storage header, and of the header behind it.
const LARGEST: usize = STORAGE + u16::MAX as usize + STANDARD_MIN;

/// A run is not reported before its end is known, unless it is longer than this, in bytes.
const KEPT_BACK: usize = LARGEST;

/// Of a larger input only so many bytes are read at once, so that items' lengths fit their fields.
const LARGEST_INPUT: usize = 1 << 30;

const ONLY_VERSION_2: &str = "there is no message of DLT protocol version 1 in the input, only of version 2, which \
     this parser does not read: convert the trace to version 1 or use a parser for version 2";

/// Reads DLT, chunk after chunk.
///
/// ```
/// use chipmunk_dlt::{Options, Output, Reader};
/// use chipmunk_payload::{BatchWriter, Tail};
///
/// let mut trace = Vec::new();
/// chipmunk_dlt::generate::Trace { messages: 3, garbage: 0, message_bytes: 150, seed: 1 }.write_to(&mut trace)?;
///
/// let mut reader = Reader::new(Options { output: Output::Ranges, ..Options::default() });
/// let mut out = BatchWriter::new();
/// let tail = reader.read(&trace, true, &mut out);
/// assert_eq!((out.len(), tail), (3, Tail::Complete));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reader {
    with_storage: bool,
    writer: Writer,
    pattern: memmem::Finder<'static>,
    /// Bytes of the trace that are consumed.
    position: u64,
    /// Why the run is skipped of which the last batch consumed a part.
    open_run: Option<SkipReason>,
    messages: bool,
    version_2: bool,
}

/// Something that was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Where it begins, in bytes from the beginning of the trace.
    pub offset: u64,
    /// How many bytes it is.
    pub bytes: usize,
    /// Why.
    pub reason: SkipReason,
    /// It goes on with what was skipped last: both are one run.
    pub continued: bool,
}

/// What the bytes at one place are.
enum Verdict {
    /// A message of so many bytes.
    Message(usize),
    /// Not decided before there are so many bytes more.
    Wanting(usize),
    /// No message.
    Not(SkipReason),
}

/// How a run ends.
enum Run {
    /// With a message at this offset, or at the end of the input.
    Ends { at: usize, reason: SkipReason },
    /// Perhaps not before the end of the chunk; what is behind `keep` must be seen again, with `needed` bytes more.
    Open {
        keep: usize,
        reason: SkipReason,
        needed: usize,
    },
}

impl Reader {
    /// A reader at the beginning of a trace.
    pub fn new(options: Options) -> Reader {
        let Options {
            storage_header,
            output,
            column_separator,
            argument_separator,
        } = options;
        Reader {
            with_storage: storage_header,
            writer: Writer::new(output, column_separator, argument_separator),
            pattern: memmem::Finder::new(&PATTERN),
            position: 0,
            open_run: None,
            messages: false,
            version_2: false,
        }
    }

    /// Reads what is whole in `input` into `out`: messages with their cells, and runs of anything else as skipped items.
    ///
    /// `input` begins where the items of the last call stopped consuming, and `out` is empty. `at_end` says that nothing
    /// follows `input`. The tail is
    /// - `Complete` when all is consumed,
    /// - `Incomplete` when more bytes are needed; never `at_end`,
    /// - `Full` when `out` is: call again with the rest,
    /// - `Error` when the input has ended, is all consumed, and was of DLT protocol version 2.
    pub fn read(&mut self, input: &[u8], at_end: bool, out: &mut BatchWriter) -> Tail<'static> {
        self.read_reporting(input, at_end, out, &mut |_| {})
    }

    /// As [`read`](Self::read), and tells `report` of everything that is skipped.
    pub fn read_reporting(
        &mut self,
        input: &[u8],
        at_end: bool,
        out: &mut BatchWriter,
        report: &mut dyn FnMut(Skipped),
    ) -> Tail<'static> {
        let (input, more) = match input.split_at_checked(LARGEST_INPUT) {
            Some((first, behind)) if !behind.is_empty() => (first, true),
            _ => (input, false),
        };
        let tail = self.read_into(input, at_end && !more, out, report);
        self.position += out.consumed();
        match tail {
            Tail::Complete | Tail::Incomplete { .. } if more => Tail::Full,
            tail => tail,
        }
    }

    fn read_into(
        &mut self,
        input: &[u8],
        at_end: bool,
        out: &mut BatchWriter,
        report: &mut dyn FnMut(Skipped),
    ) -> Tail<'static> {
        let mut rest = input;
        while !rest.is_empty() {
            if out.is_full() {
                return Tail::Full;
            }
            if self.open_run.is_none()
                && let Verdict::Message(length) = self.judge(rest, at_end, false)
                && let Some((bytes, behind)) = rest.split_at_checked(length)
            {
                match self.writer.output() {
                    Output::Ranges => self.message::<RANGES>(bytes, out),
                    Output::Line => self.message::<LINE>(bytes, out),
                    Output::Columns => self.message::<COLUMNS>(bytes, out),
                }
                rest = behind;
                continue;
            }
            match self.run(rest, at_end) {
                Run::Ends { at, reason } => {
                    self.skip(&mut rest, at, reason, out, report);
                    self.open_run = None;
                }
                Run::Open {
                    keep,
                    reason,
                    needed,
                } => {
                    if self.open_run.is_some() || keep > KEPT_BACK {
                        self.skip(&mut rest, keep, reason, out, report);
                        self.open_run = Some(reason);
                    }
                    return Tail::Incomplete {
                        needed: needed as u32,
                    };
                }
            }
        }
        if at_end && self.version_2 && !self.messages {
            Tail::Error(ONLY_VERSION_2)
        } else {
            Tail::Complete
        }
    }

    /// Writes the message that `bytes` are.
    // Apart, one for each output: in the loop around it, what a message is cut into would be more than there are registers for.
    #[inline(never)]
    fn message<const OUTPUT: u8>(&mut self, bytes: &[u8], out: &mut BatchWriter) {
        let length = bytes.len() as u32;
        match Message::parse(bytes, self.with_storage) {
            Some(message) => {
                let damaged = self.writer.message::<OUTPUT>(&message, out);
                out.message(length, 0..length, damaged);
                self.messages = true;
            }
            // Not after the verdict; but if it were so, nothing would be gained by looking again.
            None => out.skipped(length, SkipReason::Malformed),
        }
    }

    fn skip(
        &mut self,
        rest: &mut &[u8],
        bytes: usize,
        reason: SkipReason,
        out: &mut BatchWriter,
        report: &mut dyn FnMut(Skipped),
    ) {
        if bytes == 0 {
            return;
        }
        self.version_2 |= reason == SkipReason::Unsupported;
        report(Skipped {
            offset: self.position + out.consumed(),
            bytes,
            reason,
            continued: self.open_run.is_some(),
        });
        out.skipped(bytes as u32, reason);
        *rest = rest.get(bytes..).unwrap_or_default();
    }

    /// What is at the beginning of `bytes`. `in_run`: behind something that is no message.
    #[inline]
    fn judge(&self, bytes: &[u8], at_end: bool, in_run: bool) -> Verdict {
        let before = if self.with_storage {
            if !bytes.starts_with(&PATTERN) {
                return Verdict::Not(SkipReason::Garbage);
            }
            STORAGE
        } else {
            0
        };
        let wanting = |bytes: usize| {
            if at_end {
                Verdict::Not(SkipReason::Truncated)
            } else {
                Verdict::Wanting(bytes)
            }
        };
        let Some(standard) = bytes.get(before..).and_then(Standard::parse) else {
            return wanting((before + STANDARD_MIN).saturating_sub(bytes.len()));
        };
        let has_witness = match standard.version() {
            0 if in_run && !self.with_storage => return Verdict::Not(SkipReason::Garbage),
            0 | 1 => !in_run || self.with_storage,
            2 => return Verdict::Not(SkipReason::Unsupported),
            _ => false,
        };
        if !standard.length_is_possible() {
            return Verdict::Not(SkipReason::Malformed);
        }
        let length = before + standard.length();
        match bytes.get(length..) {
            None => wanting(length - bytes.len()),
            Some(_) if has_witness => Verdict::Message(length),
            Some(behind) => {
                let within = bytes.get(before..length).unwrap_or_default();
                if self.with_storage && self.pattern.find(within).is_some() {
                    return Verdict::Not(SkipReason::Malformed);
                }
                self.judge_by_what_follows(length, behind, at_end)
            }
        }
    }

    #[cold]
    fn judge_by_what_follows(&self, length: usize, behind: &[u8], at_end: bool) -> Verdict {
        if behind.is_empty() && at_end {
            return Verdict::Message(length);
        }
        if behind.len() < STANDARD_MIN {
            let possible = !at_end && (!self.with_storage || PATTERN.starts_with(behind));
            return if possible {
                Verdict::Wanting(STANDARD_MIN - behind.len())
            } else {
                Verdict::Not(SkipReason::Malformed)
            };
        }
        let follows = if self.with_storage {
            behind.starts_with(&PATTERN)
        } else {
            Standard::parse(behind)
                .is_some_and(|next| next.version() == 1 && next.length_is_possible())
        };
        if follows {
            Verdict::Message(length)
        } else {
            Verdict::Not(SkipReason::Malformed)
        }
    }

    /// Looks for the end of the run that begins with `bytes`, or goes on with them.
    #[cold]
    fn run(&self, bytes: &[u8], at_end: bool) -> Run {
        let mut reason = self.open_run.unwrap_or_else(|| self.reason(bytes, at_end));
        let mut from = 0;
        while let Some(at) = self.next_candidate(bytes, from) {
            // The first place of a run that is not continued has been judged already.
            let in_run = at > 0 || self.open_run.is_some();
            match self.judge(bytes.get(at..).unwrap_or_default(), at_end, in_run) {
                Verdict::Message(_) => return Run::Ends { at, reason },
                Verdict::Wanting(needed) => {
                    return Run::Open {
                        keep: at,
                        reason,
                        needed,
                    };
                }
                Verdict::Not(why) => {
                    if at == 0 && self.open_run.is_none() {
                        reason = why;
                    }
                    from = at + if self.with_storage { PATTERN.len() } else { 1 };
                }
            }
        }
        if at_end {
            return Run::Ends {
                at: bytes.len(),
                reason,
            };
        }
        // The pattern may have begun.
        let begun = if self.with_storage {
            PATTERN.len() - 1
        } else {
            0
        };
        let keep = bytes.len().saturating_sub(begun).max(from.min(bytes.len()));
        Run::Open {
            keep,
            reason,
            needed: 1,
        }
    }

    /// Why a run that begins with `bytes` is one, as far as the bytes themselves say it.
    fn reason(&self, bytes: &[u8], at_end: bool) -> SkipReason {
        if !self.with_storage {
            return SkipReason::Garbage;
        }
        if bytes.starts_with(&PATTERN_V2) {
            SkipReason::Unsupported
        } else if at_end && PATTERN.starts_with(bytes) {
            SkipReason::Truncated
        } else {
            SkipReason::Garbage
        }
    }

    /// The next place, at or after `from`, where a message could begin.
    fn next_candidate(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let offset = if self.with_storage {
            self.pattern.find(rest)?
        } else {
            // Whatever stands where a message should begin, then HTYP with version 1.
            if from == 0 {
                0
            } else {
                rest.iter().position(|htyp| htyp >> 5 == 1)?
            }
        };
        Some(from + offset)
    }
}
