//! Writes a message as Chipmunk shows it: eleven columns, straight into the batch's text.
//!
//! What is in the columns is what Chipmunk's own viewer shows for the message that dlt-core 0.20.2 makes of the same
//! bytes, so that one trace gives one text everywhere; that includes its peculiarities (an application trace's type
//! has a space behind it, a fixed-point value loses its fraction, a time without microseconds has no fraction, data of
//! a non-verbose network trace are not shown). Where dlt-core gives up on a message, the arguments that decode are
//! followed by one more: the rest of the payload as a hex list.
//!
//! Nothing here allocates. Whether a payload decodes is decided here too, also when nothing is written:
//! [`Writer::message`] and [`is_damaged`] walk the arguments by the same function.

use chipmunk_payload::{BatchWriter, TextArena};

use crate::{
    Output,
    float::{float32, float64},
    header::{Extended, Message, MessageType, Storage, take},
    payload::{Argument, Value, argument, u32_of},
    plain::{until_nul, valid_prefix},
    service,
};

/// What the payload holds, by the headers.
enum Content {
    Arguments { count: u8 },
    NetworkTrace { count: u8 },
    Control,
    NonVerbose,
}

impl Content {
    #[inline(always)]
    fn of(extended: Option<Extended>) -> Content {
        match extended {
            Some(extended) if extended.is_verbose() => match extended.kind() {
                MessageType::NetworkTrace(_) => Content::NetworkTrace {
                    count: extended.arguments,
                },
                _ => Content::Arguments {
                    count: extended.arguments,
                },
            },
            Some(extended) if matches!(extended.kind(), MessageType::Control(_)) => {
                Content::Control
            }
            _ => Content::NonVerbose,
        }
    }
}

/// Whether the payload does not decode as the headers declare.
#[inline]
pub(crate) fn is_damaged(message: &Message<'_>) -> bool {
    let mut payload = message.payload;
    match Content::of(message.extended) {
        Content::Arguments { count } | Content::NetworkTrace { count } => {
            if message.big_endian {
                !each_argument::<true>(&mut payload, count, |_| {})
            } else {
                !each_argument::<false>(&mut payload, count, |_| {})
            }
        }
        Content::Control => payload.is_empty(),
        Content::NonVerbose => payload.len() < 4,
    }
}

/// Takes `count` arguments off `payload`; whether they were all there. What is left begins with what does not decode.
#[inline(always)]
fn each_argument<'a, const BIG: bool>(
    payload: &mut &'a [u8],
    count: u8,
    mut each: impl FnMut(Argument<'a>),
) -> bool {
    for _ in 0..count {
        match argument::<BIG>(payload) {
            Some(argument) => each(argument),
            None => return false,
        }
    }
    true
}

/// Writes messages, in a form that stays the same.
pub(crate) struct Writer {
    output: Output,
    column_separator: String,
    argument_separator: String,
    time: Time,
}

impl Writer {
    pub(crate) fn new(
        output: Output,
        column_separator: String,
        argument_separator: String,
    ) -> Writer {
        Writer {
            output,
            column_separator,
            argument_separator,
            time: Time::new(),
        }
    }

    /// Writes the message's cells, as many as the output asks for; whether its payload is damaged.
    #[inline]
    pub(crate) fn message(&mut self, message: &Message<'_>, out: &mut BatchWriter) -> bool {
        match self.output {
            Output::Ranges => is_damaged(message),
            Output::Line => {
                let separator = std::mem::take(&mut self.column_separator);
                let damaged = self.columns(message, out, |out| out.text().push_str(&separator));
                self.column_separator = separator;
                out.end_cell();
                damaged
            }
            Output::Columns => {
                // Always eleven, so that each stays under its caption. The line has one separator for the two that are missing.
                if message.storage.is_none() {
                    out.end_cell();
                }
                let damaged = self.columns(message, out, BatchWriter::end_cell);
                out.end_cell();
                damaged
            }
        }
    }

    /// All columns, with `end` called between two of them.
    #[inline(always)]
    fn columns(
        &mut self,
        message: &Message<'_>,
        out: &mut BatchWriter,
        end: impl Fn(&mut BatchWriter),
    ) -> bool {
        // Most text is a little longer than the message's bytes; reserving that once keeps the pushes short.
        out.text().reserve(message.payload.len() * 2 + 128);
        if let Some(storage) = &message.storage {
            self.time.write(storage, out.text());
            end(out);
            id(storage.ecu, out.text());
        }
        end(out);
        number(message.version, out.text());
        end(out);
        if let Some(session) = message.session {
            number(session, out.text());
        }
        end(out);
        number(message.counter, out.text());
        end(out);
        if let Some(timestamp) = message.timestamp {
            number(timestamp, out.text());
        }
        end(out);
        if let Some(ecu) = message.ecu {
            id(ecu, out.text());
        }
        end(out);
        match message.extended {
            Some(extended) => {
                id(extended.application, out.text());
                end(out);
                id(extended.context, out.text());
                end(out);
                message_type(extended.kind(), out.text());
            }
            None => {
                out.text().push_str("-");
                end(out);
                out.text().push_str("-");
                end(out);
                out.text().push_str("-");
            }
        }
        end(out);
        self.payload(message, out.text())
    }

    #[inline(always)]
    fn payload(&self, message: &Message<'_>, out: &mut TextArena) -> bool {
        if message.big_endian {
            self.payload_of::<true>(message, out)
        } else {
            self.payload_of::<false>(message, out)
        }
    }

    fn payload_of<const BIG: bool>(&self, message: &Message<'_>, out: &mut TextArena) -> bool {
        let separator = self.argument_separator.as_str();
        let mut rest = message.payload;
        let whole = match Content::of(message.extended) {
            Content::Arguments { count } => each_argument::<BIG>(&mut rest, count, |argument| {
                out.push_str(separator);
                self::write_argument(&argument, out);
            }),
            Content::NetworkTrace { count } => each_argument::<BIG>(&mut rest, count, |argument| {
                if let Value::Raw(slice) = argument.value {
                    out.push_str(separator);
                    hex_list(slice, out);
                }
            }),
            Content::Control => match take(&mut rest) {
                Some([service]) => {
                    match service::name(service) {
                        Some(name) => {
                            out.push_str("[");
                            out.push_str(name);
                            out.push_str("]");
                        }
                        None => out.push_str("[Unknown CtrlCommand]"),
                    }
                    true
                }
                None => false,
            },
            Content::NonVerbose => match take(&mut rest) {
                Some(message_id) => {
                    out.push_str(separator);
                    out.push_str("[");
                    number(u32_of::<BIG>(message_id), out);
                    out.push_str("]");
                    out.push_str(separator);
                    out.push_str(" ");
                    match message.extended.map(Extended::kind) {
                        Some(MessageType::NetworkTrace(bus)) => out.push_str(network_data(bus)),
                        _ => hex_list(rest, out),
                    }
                    true
                }
                None => false,
            },
        };
        if !whole && !rest.is_empty() {
            out.push_str(separator);
            hex_list(rest, out);
        }
        !whole
    }
}

#[inline(always)]
fn write_argument(argument: &Argument<'_>, out: &mut TextArena) {
    if !argument.name.is_empty() {
        field(argument.name, out);
    }
    if !argument.unit.is_empty() {
        field(argument.unit, out);
    }
    match argument.value {
        Value::Unsigned(value) => number(value, out),
        Value::Signed(value) => out.push_signed(value),
        Value::Unsigned128(value) => large(value, out),
        Value::Signed128(value) => large(value, out),
        Value::Float32(value) => float32(value, out),
        Value::Float64(value) => float64(value, out),
        Value::Text(field) => {
            // Senders end their strings with a nul byte and count it.
            if !out.push_plain(field.strip_suffix(b"\0").unwrap_or(field)) {
                without_line_breaks(until_nul(field), out);
            }
        }
        Value::Raw(bytes) => hex_list(bytes, out),
    }
}

/// A name or unit: up to its first nul byte, and as far as it is UTF-8.
#[inline]
fn field(field: &[u8], out: &mut TextArena) {
    if !out.push_plain(field.strip_suffix(b"\0").unwrap_or(field)) {
        out.push_str(until_nul(field));
    }
}

/// The text without "\n" and "\r\n"; a "\r" elsewhere stays.
fn without_line_breaks(text: &str, out: &mut TextArena) {
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        out.push_str(text);
    } else {
        for line in text.lines() {
            out.push_str(line);
        }
    }
}

#[inline]
fn number(value: impl Into<u64>, out: &mut TextArena) {
    out.push_unsigned(value.into());
}

/// What hardly ever occurs.
#[cold]
fn large(value: impl itoa::Integer, out: &mut TextArena) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// An id of four characters: up to the first nul byte.
#[inline]
fn id(id: [u8; 4], out: &mut TextArena) {
    if out.push_ascii4(id) {
        return;
    }
    let end = id.iter().position(|byte| *byte == 0).unwrap_or(id.len());
    out.push_str(valid_prefix(id.get(..end).unwrap_or_default()));
}

/// `[48, 65, 6C]`
fn hex_list(bytes: &[u8], out: &mut TextArena) {
    const AT_ONCE: usize = 32;
    // Without a table, so that several are made at once.
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };

    out.push_str("[");
    let mut first = true;
    for part in bytes.chunks(AT_ONCE) {
        let mut text = [[b',', b' ', 0, 0]; AT_ONCE];
        for (entry, byte) in text.iter_mut().zip(part) {
            let [_, _, high, low] = entry;
            *high = digit(byte >> 4);
            *low = digit(byte & 0xF);
        }
        // The first entry of the list has nothing before it.
        let start = if first { 2 } else { 0 };
        first = false;
        let written = text
            .as_flattened()
            .get(start..part.len() * 4)
            .unwrap_or_default();
        out.push_plain(written);
    }
    out.push_str("]");
}

#[inline]
fn message_type(kind: MessageType, out: &mut TextArena) {
    let text = match kind {
        MessageType::Log(level) => match level {
            1 => "LogLevel FATAL",
            2 => "LogLevel ERROR",
            3 => "LogLevel WARN",
            4 => "LogLevel INFO",
            5 => "LogLevel DEBUG",
            6 => "LogLevel VERBOSE",
            _ => "LogLevel INVALID",
        },
        MessageType::ApplicationTrace(kind) => match kind {
            1 => "VARIABLE ",
            2 => "FUNCTION_IN ",
            3 => "FUNCTION_OUT ",
            4 => "STATE ",
            5 => "VFB ",
            _ => "INVALID ",
        },
        MessageType::NetworkTrace(bus) => match bus {
            0 => "INVALID",
            1 => "IPC",
            2 => "CAN",
            3 => "FLEXRAY",
            4 => "MOST",
            5 => "ETHERNET",
            6 => "SOMEIP",
            _ => "USER_DEFINED",
        },
        MessageType::Control(kind) => match kind {
            1 => "MSG_TYPE Ctrl(request)",
            2 => "MSG_TYPE Ctrl(response)",
            _ => "MSG_TYPE Ctrl(unknown)",
        },
        MessageType::Unknown(kind, info) => {
            out.push_str("Unknown message type (");
            number(kind, out);
            out.push_str(",");
            number(info, out);
            ")"
        }
    };
    out.push_str(text);
}

/// What stands for the data of a non-verbose network trace.
fn network_data(bus: u8) -> &'static str {
    match bus {
        0 => "Invalid",
        1 => "Ipc",
        2 => "Can",
        3 => "Flexray",
        4 => "Most",
        5 => "Ethernet",
        6 => "Someip",
        _ => "unknown network trace",
    }
}

/// The storage header's time as RFC 3339; keeps the text up to the second, which neighbours share.
struct Time {
    /// The second whose text is kept; none at first.
    second: Option<u64>,
    text: [u8; TO_THE_SECOND],
}

/// Bytes of `2023-11-14T22:13:20`.
const TO_THE_SECOND: usize = 19;

impl Time {
    fn new() -> Time {
        Time {
            second: None,
            text: *b"0000-00-00T00:00:00",
        }
    }

    #[inline]
    fn write(&mut self, storage: &Storage, out: &mut TextArena) {
        const SECOND: u32 = 1_000_000_000;
        let seconds = u64::from(storage.seconds);
        // Modulo 2^32, as in the release builds of the viewer whose text this is.
        let nanoseconds = storage.microseconds.wrapping_mul(1000);
        if nanoseconds < SECOND {
            self.write_valid(seconds, nanoseconds, out);
        } else if nanoseconds < 2 * SECOND && storage.seconds % 60 == 59 {
            // A leap second.
            self.write_valid(seconds + 1, nanoseconds - SECOND, out);
        } else {
            out.push_str("no valid timestamp for ");
            number(storage.seconds, out);
            out.push_str("s/");
            number(storage.microseconds, out);
            out.push_str("us");
        }
    }

    #[inline]
    fn write_valid(&mut self, second: u64, nanoseconds: u32, out: &mut TextArena) {
        if self.second != Some(second) {
            self.keep(second);
        }
        out.push_plain(&self.text);
        if nanoseconds != 0 {
            out.push_str(".");
            out.push_eight_digits(nanoseconds / 10);
            out.push(char::from(b'0' + (nanoseconds % 10) as u8));
        }
        out.push_str("Z");
    }

    #[cold]
    fn keep(&mut self, second: u64) {
        let (year, month, day) = date(second / 86_400);
        let of_day = (second % 86_400) as u32;
        let mut place = |start: usize, width: usize, value: u32| {
            if let Some(place) = self.text.get_mut(start..start + width) {
                digits(value, place);
            }
        };
        place(0, 4, year);
        place(5, 2, month);
        place(8, 2, day);
        place(11, 2, of_day / 3600);
        place(14, 2, of_day / 60 % 60);
        place(17, 2, of_day % 60);
        self.second = Some(second);
    }
}

/// `value` in decimal, filling `place` from the right with leading zeros.
#[inline(always)]
fn digits(mut value: u32, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01. Counts in years that begin in March, so
/// that the leap day is the last of its year, and in eras of 400 years.
fn date(days: u64) -> (u32, u32, u32) {
    const DAYS_OF_ERA: u64 = 146_097;
    // 0000-03-01 is 719,468 days before the epoch.
    let days = days + 719_468;
    let era = days / DAYS_OF_ERA;
    let day_of_era = days % DAYS_OF_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use chipmunk_payload::{AlignedBytes, Batch, Tail};

    pub(crate) fn text_of(write: impl FnOnce(&mut TextArena)) -> String {
        let mut out = BatchWriter::new();
        write(out.text());
        out.end_cell();
        out.message(1, 0..1, false);
        let batch = Batch::check(AlignedBytes::from(out.finish(Tail::Complete)), 1)
            .expect("our own archive");
        batch.cells(0).collect()
    }

    fn time(seconds: u32, microseconds: u32) -> String {
        text_of(|out| {
            Time::new().write(
                &Storage {
                    seconds,
                    microseconds,
                    ecu: [0; 4],
                },
                out,
            )
        })
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(1_700_000_000, 1_315), "2023-11-14T22:13:20.001315000Z");
        assert_eq!(time(0, 0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_782_400, 1), "2000-02-29T00:00:00.000001000Z");
        assert_eq!(
            time(1_709_164_799, 999_999),
            "2024-02-28T23:59:59.999999000Z"
        );
        assert_eq!(time(u32::MAX, 500_000), "2106-02-07T06:28:15.500000000Z");
    }

    #[test]
    fn times_that_are_none_say_so() {
        assert_eq!(time(59, 1_000_001), "1970-01-01T00:01:00.000001000Z");
        assert_eq!(time(58, 1_000_001), "no valid timestamp for 58s/1000001us");
        assert_eq!(time(59, 2_000_000), "no valid timestamp for 59s/2000000us");
    }

    #[test]
    fn hex_lists_are_as_rust_debugs_them() {
        for length in [0, 1, 2, 31, 32, 33, 64, 100] {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(7)).collect();
            assert_eq!(
                text_of(|out| hex_list(&bytes, out)),
                format!("{bytes:02X?}")
            );
        }
    }
}
