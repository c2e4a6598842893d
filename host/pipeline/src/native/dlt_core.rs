//! The plain yardstick: DLT by the crate `dlt-core`, one message at a time, each parsed in full.
//!
//! This is what a viewer does that has nothing but `dlt-core`, and what the other parsers are measured against: in time,
//! and, where `dlt-core` parses a message, in text. It is not a parser to use: `dlt-core` answers "incomplete" for a
//! message whose arguments reach beyond its end, and such messages are dropped.
//!
//! Two things are ours, so that damage costs what it must and no more. A run without the pattern of a storage header is
//! skipped as one item. And "incomplete" is believed only as long as more bytes can help: no DLT message is longer than
//! [`LONGEST`].

use std::{
    fmt,
    io::{self, Write},
    ops::{ControlFlow, Range},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use chipmunk_dlt::COLUMNS;
use dlt_core::{
    dlt::{
        Argument, DltTimeStamp, ExtendedHeader, FixedPointValue, Message, MessageType,
        NetworkTraceType, PayloadContent, Value,
    },
    parse::{DLT_PATTERN, DltParseError, ParsedMessage, dlt_message},
    service_id::service_id_lookup,
};
use memchr::memmem::Finder;
use serde::{Serialize, Serializer};

use crate::{LogMessage, ParseOutput, ParseYield, Parser, ParserError, ParserReport, ParserTally};

/// Bytes of the longest message there can be: a storage header, and what a length of 16 bits can say.
const LONGEST: usize = 16 + u16::MAX as usize;

/// Reads DLT by `dlt-core`.
#[derive(Debug)]
pub struct DltCoreParser {
    storage_header: bool,
    argument_separator: Arc<str>,
    pattern: Finder<'static>,
    tally: ParserTally,
    wanted: Option<usize>,
}

impl DltCoreParser {
    /// A parser for traces whose messages have storage headers, or have none.
    pub fn new(storage_header: bool, argument_separator: &str) -> Self {
        Self {
            storage_header,
            argument_separator: argument_separator.into(),
            pattern: Finder::new(DLT_PATTERN),
            tally: ParserTally::default(),
            wanted: None,
        }
    }

    /// The item at the start of `input`. Counts neither it nor an error.
    fn find(
        &mut self,
        input: &[u8],
        at_end: bool,
    ) -> Result<ParseOutput<DltCoreMessage>, ParserError> {
        if self.storage_header
            && let Some(garbage) = self.garbage(input, at_end)
            && garbage > 0
        {
            return Ok(ParseOutput {
                consumed: garbage,
                message: None,
            });
        }
        match dlt_message(input, None, self.storage_header) {
            Ok((rest, ParsedMessage::Item(message))) => Ok(ParseOutput {
                consumed: input.len().saturating_sub(rest.len()),
                message: Some(ParseYield::Message(DltCoreMessage {
                    message,
                    argument_separator: Arc::clone(&self.argument_separator),
                })),
            }),
            Ok((_, ParsedMessage::Invalid | ParsedMessage::FilteredOut(_))) => {
                Err(ParserError::Parse("dlt-core: invalid message".into()))
            }
            Err(DltParseError::IncompleteParse { needed }) if !at_end && input.len() < LONGEST => {
                self.wanted = Some(needed.map_or(0, usize::from).min(LONGEST));
                Err(ParserError::Incomplete)
            }
            Err(error) => Err(ParserError::Parse(format!("dlt-core: {error}"))),
        }
    }

    /// How many bytes at the start of `input` are surely no message.
    fn garbage(&self, input: &[u8], at_end: bool) -> Option<usize> {
        if input.starts_with(DLT_PATTERN) {
            return None;
        }
        match self.pattern.find(input) {
            Some(start) => Some(start),
            None if at_end => Some(input.len()),
            // The pattern may have begun.
            None => Some(input.len().saturating_sub(DLT_PATTERN.len() - 1)),
        }
    }

    /// As [`find`](Self::find) for the first item of a call: it, or the error, is handed out.
    fn first(
        &mut self,
        input: &[u8],
        at_end: bool,
    ) -> Result<ParseOutput<DltCoreMessage>, ParserError> {
        self.wanted = None;
        self.tally.called(1);
        let found = self.find(input, at_end);
        if let Err(error) = &found {
            self.tally.error(error);
        }
        found
    }

    fn count(&mut self, item: &ParseOutput<DltCoreMessage>) {
        match item.message {
            Some(_) => self.tally.message(item.consumed, false),
            None => self.tally.skipped(item.consumed),
        }
    }

    fn items<'p, 'i>(
        &'p mut self,
        input: &'i [u8],
        at_end: bool,
    ) -> Result<DltCoreItems<'p, 'i>, ParserError> {
        let next = Some(self.first(input, at_end)?);
        Ok(DltCoreItems {
            parser: self,
            rest: input,
            at_end,
            next,
        })
    }
}

impl Parser for DltCoreParser {
    type Output = DltCoreMessage;

    fn parse(
        &mut self,
        input: &[u8],
        _: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<DltCoreMessage>>, ParserError> {
        self.items(input, false)
    }

    fn parse_end(
        &mut self,
        input: &[u8],
        _: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<DltCoreMessage>>, ParserError> {
        self.items(input, true)
    }

    fn parse_each(
        &mut self,
        input: &[u8],
        _: Option<u64>,
        at_end: bool,
        mut each: impl FnMut(Range<usize>, Option<&ParseYield<DltCoreMessage>>) -> ControlFlow<()>,
    ) -> Result<(), ParserError> {
        let mut start = 0usize;
        for item in self.items(input, at_end)? {
            let end = start + item.consumed;
            if each(start..end, item.message.as_ref()).is_break() {
                break;
            }
            start = end;
        }
        Ok(())
    }

    fn wants_more(&self) -> Option<usize> {
        self.wanted
    }

    fn report(&self) -> ParserReport {
        self.tally.report()
    }
}

/// The items of one call, found one after the other.
struct DltCoreItems<'p, 'i> {
    parser: &'p mut DltCoreParser,
    rest: &'i [u8],
    at_end: bool,
    /// The first item, found already.
    next: Option<ParseOutput<DltCoreMessage>>,
}

impl Iterator for DltCoreItems<'_, '_> {
    type Item = ParseOutput<DltCoreMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match self.next.take() {
            Some(item) => item,
            None if self.rest.is_empty() => return None,
            // An error is for the next call, which finds it again.
            None => self.parser.find(self.rest, self.at_end).ok()?,
        };
        self.rest = self.rest.get(item.consumed..).unwrap_or_default();
        self.parser.count(&item);
        Some(item)
    }
}

/// A message as `dlt-core` parses it.
#[derive(Debug, Clone)]
pub struct DltCoreMessage {
    message: Message,
    argument_separator: Arc<str>,
}

impl DltCoreMessage {
    /// The message itself.
    pub fn message(&self) -> &Message {
        &self.message
    }

    fn payload(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let separator = &*self.argument_separator;
        match &self.message.payload {
            PayloadContent::Verbose(arguments) => {
                for each in arguments {
                    out.extend_from_slice(separator.as_bytes());
                    argument(each, out)?;
                }
                Ok(())
            }
            PayloadContent::NonVerbose(id, data) => {
                write!(out, "{separator}[{id}]{separator} ")?;
                match self.message.extended_header.as_ref().and_then(network_data) {
                    Some(text) => out.write_all(text.as_bytes()),
                    None => write!(out, "{data:02X?}"),
                }
            }
            PayloadContent::ControlMsg(id, _) => match service_id_lookup(id.value()) {
                Some((name, _)) => write!(out, "[{name}]"),
                None => out.write_all(b"[Unknown CtrlCommand]"),
            },
            PayloadContent::NetworkTrace(slices) => {
                for slice in slices {
                    write!(out, "{separator}{slice:02X?}")?;
                }
                Ok(())
            }
        }
    }

    /// All columns, with `end` called between two of them.
    fn columns(&self, out: &mut Vec<u8>, mut end: impl FnMut(&mut Vec<u8>)) -> io::Result<()> {
        if let Some(storage) = &self.message.storage_header {
            time(&storage.timestamp, out)?;
            end(out);
            out.write_all(storage.ecu_id.as_bytes())?;
        }
        let header = &self.message.header;
        end(out);
        write!(out, "{}", header.version)?;
        end(out);
        if let Some(session) = header.session_id {
            write!(out, "{session}")?;
        }
        end(out);
        write!(out, "{}", header.message_counter)?;
        end(out);
        if let Some(timestamp) = header.timestamp {
            write!(out, "{timestamp}")?;
        }
        end(out);
        out.write_all(header.ecu_id.as_deref().unwrap_or_default().as_bytes())?;
        end(out);
        match &self.message.extended_header {
            Some(extended) => {
                out.write_all(extended.application_id.as_bytes())?;
                end(out);
                out.write_all(extended.context_id.as_bytes())?;
                end(out);
                match &extended.message_type {
                    MessageType::ApplicationTrace(kind) => write!(out, "{} ", kind.as_ref())?,
                    MessageType::Unknown((kind, info)) => {
                        write!(out, "Unknown message type ({kind},{info})")?;
                    }
                    known => out.write_all(known.as_ref().as_bytes())?,
                }
            }
            None => {
                out.push(b'-');
                end(out);
                out.push(b'-');
                end(out);
                out.push(b'-');
            }
        }
        end(out);
        self.payload(out)
    }
}

impl LogMessage for DltCoreMessage {
    /// Makes the bytes anew of what was parsed, as a viewer must that keeps nothing else. They need not be the same bytes.
    fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<usize> {
        let bytes = self.message.as_bytes();
        writer.write_all(&bytes)?;
        Ok(bytes.len())
    }

    fn raw_range(&self, item: &[u8]) -> Option<Range<usize>> {
        // Garbage is an item of its own.
        Some(0..item.len())
    }

    fn write_text(&self, separator: &str, out: &mut Vec<u8>) {
        // Writing to a vector does not fail.
        let _ = self.columns(out, |out| out.extend_from_slice(separator.as_bytes()));
    }

    fn each_cell(&self, mut each: impl FnMut(&str)) {
        let mut text = Vec::new();
        let mut ends = Vec::with_capacity(COLUMNS.len());
        // Writing to a vector does not fail.
        let _ = self.columns(&mut text, |text| ends.push(text.len()));
        ends.push(text.len());
        let mut start = 0;
        for end in ends {
            each(&String::from_utf8_lossy(
                text.get(start..end).unwrap_or_default(),
            ));
            start = end;
        }
    }

    fn cell_count(&self) -> usize {
        // Time and ECU are the storage header's; without, one empty cell stands for both.
        COLUMNS.len() - usize::from(self.message.storage_header.is_none())
    }
}

impl fmt::Display for DltCoreMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        self.write_text("\u{4}", &mut line);
        f.write_str(&String::from_utf8_lossy(&line))
    }
}

impl Serialize for DltCoreMessage {
    /// The line that `Display` gives.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Name, unit and value, nothing between.
fn argument(argument: &Argument, out: &mut Vec<u8>) -> io::Result<()> {
    for text in [&argument.name, &argument.unit].into_iter().flatten() {
        out.write_all(text.as_bytes())?;
    }
    if let Some(value) = real_value(argument) {
        return write!(out, "{value}");
    }
    match &argument.value {
        Value::Bool(value) => write!(out, "{value}"),
        Value::U8(value) => write!(out, "{value}"),
        Value::U16(value) => write!(out, "{value}"),
        Value::U32(value) => write!(out, "{value}"),
        Value::U64(value) => write!(out, "{value}"),
        Value::U128(value) => write!(out, "{value}"),
        Value::I8(value) => write!(out, "{value}"),
        Value::I16(value) => write!(out, "{value}"),
        Value::I32(value) => write!(out, "{value}"),
        Value::I64(value) => write!(out, "{value}"),
        Value::I128(value) => write!(out, "{value}"),
        Value::F32(value) => write!(out, "{value}"),
        Value::F64(value) => write!(out, "{value}"),
        Value::StringVal(text) => text
            .lines()
            .try_for_each(|line| out.write_all(line.as_bytes())),
        Value::Raw(bytes) => write!(out, "{bytes:02X?}"),
    }
}

/// The real value of a fixed-point number. As `dlt-core`'s `to_real_value` in a release build; in a debug build
/// that panics where an offset is negative, since it adds without wrapping.
fn real_value(argument: &Argument) -> Option<u64> {
    let fixed_point = argument.fixed_point.as_ref()?;
    let value = match argument.value {
        Value::I8(value) => f64::from(value),
        Value::I16(value) => f64::from(value),
        Value::I32(value) => f64::from(value),
        Value::I64(value) => value as f64,
        Value::U8(value) => f64::from(value),
        Value::U16(value) => f64::from(value),
        Value::U32(value) => f64::from(value),
        Value::U64(value) => value as f64,
        _ => return None,
    };
    let offset = match fixed_point.offset {
        FixedPointValue::I32(offset) => offset as u64,
        FixedPointValue::I64(offset) => offset as u64,
    };
    let scaled = (value * f64::from(fixed_point.quantization)) as u64;
    Some(scaled.wrapping_add(offset))
}

/// What stands for the data of a non-verbose network trace.
fn network_data(extended: &ExtendedHeader) -> Option<&'static str> {
    let MessageType::NetworkTrace(kind) = &extended.message_type else {
        return None;
    };
    Some(match kind {
        NetworkTraceType::Invalid => "Invalid",
        NetworkTraceType::Ipc => "Ipc",
        NetworkTraceType::Can => "Can",
        NetworkTraceType::Flexray => "Flexray",
        NetworkTraceType::Most => "Most",
        NetworkTraceType::Ethernet => "Ethernet",
        NetworkTraceType::Someip => "Someip",
        NetworkTraceType::UserDefined(_) => "unknown network trace",
    })
}

/// RFC 3339, in UTC; a second may be a leap second, whose fraction is one second more.
fn time(time: &DltTimeStamp, out: &mut Vec<u8>) -> io::Result<()> {
    const SECOND: u32 = 1_000_000_000;
    let DltTimeStamp {
        seconds,
        microseconds,
    } = *time;
    let nanoseconds = microseconds.wrapping_mul(1000);
    if nanoseconds < SECOND || (nanoseconds < 2 * SECOND && seconds % 60 == 59) {
        // `Duration` carries what is more than a second.
        let time = UNIX_EPOCH + Duration::new(u64::from(seconds), nanoseconds);
        write!(out, "{}", humantime::format_rfc3339(time))
    } else {
        write!(out, "no valid timestamp for {seconds}s/{microseconds}us")
    }
}
