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

use chipmunk_payload::{BatchWriter, CellCursor, TextArena, TextCursor};

use crate::{
    Output,
    float::{float32, float64},
    header::{Extended, Message, MessageType, Storage, take},
    payload::{Argument, Arguments, Value, argument, u32_of},
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
#[inline(always)]
pub(crate) fn is_damaged(message: &Message<'_>) -> bool {
    let mut payload = message.payload;
    match Content::of(message.extended) {
        Content::Arguments { count } | Content::NetworkTrace { count } => {
            if message.big_endian {
                !each_argument::<true>(&mut payload, count, &mut Nothing)
            } else {
                !each_argument::<false>(&mut payload, count, &mut Nothing)
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
    to: &mut impl Arguments<'a>,
) -> bool {
    for _ in 0..count {
        if !argument::<BIG>(payload, to) {
            return false;
        }
    }
    true
}

/// Where arguments are not written.
struct Nothing;

impl Arguments<'_> for Nothing {
    #[inline(always)]
    fn take(&mut self, _: Argument<'_>) {}
}

/// What stands before an argument, or between columns.
#[derive(Clone, Copy)]
enum Separator<'w> {
    /// Nearly always: it is written along with what is beside it.
    Byte(u8),
    Text(&'w str),
}

impl<'w> Separator<'w> {
    #[inline(always)]
    fn new(text: &'w str) -> Self {
        match text.as_bytes() {
            [byte] => Separator::Byte(*byte),
            _ => Separator::Text(text),
        }
    }
}

/// Writes arguments, each behind the separator.
struct Shown<'w, 'out> {
    to: &'w mut TextCursor<'out>,
    separator: u8,
}

impl Arguments<'_> for Shown<'_, '_> {
    #[inline(always)]
    fn take(&mut self, argument: Argument<'_>) {
        if argument.name.is_empty() && argument.unit.is_empty() {
            write_value(argument.value, [self.separator], self.to);
        } else {
            self.to.push_ascii([self.separator]);
            field(argument.name, self.to);
            field(argument.unit, self.to);
            write_value(argument.value, [], self.to);
        }
    }
}

/// As [`Shown`], where the separator is not one byte. Not worth being inlined at ten places.
struct ShownApart<'w, 'out> {
    to: &'w mut TextCursor<'out>,
    separator: &'w str,
}

impl Arguments<'_> for ShownApart<'_, '_> {
    #[inline(always)]
    fn take(&mut self, argument: Argument<'_>) {
        self.to
            .with_arena(|out| write_apart(argument, self.separator, out));
    }
}

#[inline(never)]
fn write_apart(argument: Argument<'_>, separator: &str, out: &mut TextArena) {
    out.push_str(separator);
    out.append(0, |to| {
        field(argument.name, to);
        field(argument.unit, to);
        write_value(argument.value, [], to);
    });
}

/// Passes on the slices of a network trace: its raw arguments.
struct Slices<T>(T);

impl<'a, T: Arguments<'a>> Arguments<'a> for Slices<T> {
    #[inline(always)]
    fn take(&mut self, argument: Argument<'a>) {
        if matches!(argument.value, Value::Raw(_)) {
            self.0.take(Argument {
                name: &[],
                ..argument
            });
        }
    }
}

/// [`Output`] where it has to be known at compile time.
pub(crate) const RANGES: u8 = 0;
pub(crate) const LINE: u8 = 1;
pub(crate) const COLUMNS: u8 = 2;

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

    /// What it was made for.
    #[inline(always)]
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// Writes the message's cells, as many as `OUTPUT` asks for, which is that of the writer; whether its payload is damaged.
    #[inline(always)]
    pub(crate) fn message<const OUTPUT: u8>(
        &mut self,
        message: &Message<'_>,
        out: &mut BatchWriter,
    ) -> bool {
        if OUTPUT == RANGES {
            return is_damaged(message);
        }
        let Writer {
            column_separator,
            argument_separator,
            time,
            ..
        } = self;
        // All but the payload is 90 bytes, or 200 where it is strange, and separators.
        out.append_cells(256, |to| {
            if OUTPUT == LINE {
                match Separator::new(column_separator) {
                    Separator::Byte(byte) => columns(time, message, to, [byte], |_| {}),
                    Separator::Text(text) => {
                        columns(time, message, to, [], |to| to.text.push_str(text));
                    }
                }
            } else {
                // Always eleven, so that each stays under its caption. The line has one separator for the two that are missing.
                if message.storage.is_none() {
                    to.end_cell();
                }
                columns(time, message, to, [], |to| to.end_cell());
            }
        });
        let (payload, extended) = (message.payload, message.extended);
        let damaged = if message.big_endian {
            payload_of::<true>(payload, extended, argument_separator, out.text())
        } else {
            payload_of::<false>(payload, extended, argument_separator, out.text())
        };
        out.end_cell();
        damaged
    }
}

/// Writes the payload, as the headers declare it, and what does not decode of it; whether that is anything.
// Apart, so that what is inlined into it has registers; and given what it needs, so that the message never has to be in memory.
#[inline(never)]
fn payload_of<const BIG: bool>(
    payload: &[u8],
    extended: Option<Extended>,
    separator: &str,
    out: &mut TextArena,
) -> bool {
    // Four characters a byte is the most that anything makes, but for floats.
    let room = payload.len() * 4 + separator.len() * 16;
    out.append(room, |to| {
        let mut rest = payload;
        let whole = match Content::of(extended) {
            Content::Arguments { count } => match Separator::new(separator) {
                Separator::Byte(separator) => {
                    each_argument::<BIG>(&mut rest, count, &mut Shown { to, separator })
                }
                Separator::Text(separator) => {
                    each_argument::<BIG>(&mut rest, count, &mut ShownApart { to, separator })
                }
            },
            Content::NetworkTrace { count } => {
                let shown = ShownApart { to, separator };
                each_argument::<BIG>(&mut rest, count, &mut Slices(shown))
            }
            Content::Control => match take(&mut rest) {
                Some([service]) => {
                    match service::name(service) {
                        Some(name) => {
                            to.push_ascii(*b"[");
                            to.push_str(name);
                            to.push_ascii(*b"]");
                        }
                        None => to.push_str("[Unknown CtrlCommand]"),
                    }
                    true
                }
                None => false,
            },
            Content::NonVerbose => match take(&mut rest) {
                Some(message_id) => {
                    to.push_str(separator);
                    to.push_ascii(*b"[");
                    to.push_unsigned([], u32_of::<BIG>(message_id).into(), []);
                    to.push_ascii(*b"]");
                    to.push_str(separator);
                    to.push_ascii(*b" ");
                    match extended.map(Extended::kind) {
                        Some(MessageType::NetworkTrace(bus)) => to.push_str(network_data(bus)),
                        _ => to.with_arena(|out| hex_list(rest, out)),
                    }
                    true
                }
                None => false,
            },
        };
        if !whole && !rest.is_empty() {
            to.push_str(separator);
            to.with_arena(|out| hex_list(rest, out));
        }
        !whole
    })
}

/// All columns but the payload. Behind each of them stands `behind`, and `end` is called: one of the two does nothing. A separator of one byte is
/// `behind`, since it costs less along with what is before it; a longer one, and the end of a cell, are `end`'s.
#[inline(always)]
fn columns<const BEHIND: usize>(
    time: &mut Time,
    message: &Message<'_>,
    to: &mut CellCursor<'_, '_>,
    behind: [u8; BEHIND],
    end: impl Fn(&mut CellCursor<'_, '_>),
) {
    if let Some(storage) = message.storage {
        time.write(storage, behind, to.text);
        end(to);
        id(storage.ecu, behind, to.text);
    } else {
        to.text.push_ascii(behind);
    }
    end(to);
    to.text.push_byte(message.version, behind);
    end(to);
    match message.session {
        Some(session) => to.text.push_unsigned([], session.into(), behind),
        None => to.text.push_ascii(behind),
    }
    end(to);
    to.text.push_byte(message.counter, behind);
    end(to);
    match message.timestamp {
        Some(timestamp) => to.text.push_unsigned([], timestamp.into(), behind),
        None => to.text.push_ascii(behind),
    }
    end(to);
    match message.ecu {
        Some(ecu) => id(ecu, behind, to.text),
        None => to.text.push_ascii(behind),
    }
    end(to);
    match message.extended {
        Some(extended) => {
            id(extended.application, behind, to.text);
            end(to);
            id(extended.context, behind, to.text);
            end(to);
            message_type(extended.kind(), behind, to.text);
        }
        None => {
            for _ in 0..2 {
                to.text.push_ascii(*b"-");
                to.text.push_ascii(behind);
                end(to);
            }
            to.text.push_ascii(*b"-");
            to.text.push_ascii(behind);
        }
    }
    end(to);
}

#[inline(always)]
fn write_value<const A: usize>(value: Value<'_>, before: [u8; A], to: &mut TextCursor<'_>) {
    match value {
        Value::Unsigned(value) => to.push_unsigned(before, value, []),
        Value::Signed(value) => to.push_signed(before, value),
        Value::Text(field) => {
            // Senders end their strings with a nul byte and count it.
            if !to.push_plain(before, field.strip_suffix(b"\0").unwrap_or(field)) {
                to.push_ascii(before);
                to.with_arena(|out| without_line_breaks(until_nul(field), out));
            }
        }
        rare => {
            to.push_ascii(before);
            to.with_arena(|out| match rare {
                Value::Unsigned128(value) => large(value, out),
                Value::Signed128(value) => large(value, out),
                Value::Float32(value) => float32(value, out),
                Value::Float64(value) => float64(value, out),
                Value::Raw(bytes) => hex_list(bytes, out),
                _ => {}
            });
        }
    }
}

/// A name or unit: up to its first nul byte, and as far as it is UTF-8.
#[inline(always)]
fn field(field: &[u8], to: &mut TextCursor<'_>) {
    if !to.push_plain([], field.strip_suffix(b"\0").unwrap_or(field)) {
        to.push_str(until_nul(field));
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

/// What hardly ever occurs.
#[cold]
fn large(value: impl itoa::Integer, out: &mut TextArena) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// An id of four characters: up to the first nul byte.
#[inline(always)]
fn id<const B: usize>(id: [u8; 4], behind: [u8; B], to: &mut TextCursor<'_>) {
    if !to.push_ascii4(id, behind) {
        to.with_arena(|out| strange_id(id, out));
        to.push_ascii(behind);
    }
}

#[cold]
fn strange_id(id: [u8; 4], out: &mut TextArena) {
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

#[inline(always)]
fn message_type<const B: usize>(kind: MessageType, behind: [u8; B], to: &mut TextCursor<'_>) {
    if let MessageType::Log(level) = kind {
        // By far the most frequent.
        let (name, len) = &LEVELS[usize::from(level & 0xF)];
        to.push_padded(name, *len, behind);
    } else {
        to.with_arena(|out| other_type(kind, out));
        to.push_ascii(behind);
    }
}

/// The log levels as they are shown, padded, with their lengths. Of the sixteen that the header has room for, six mean something.
static LEVELS: [([u8; 16], usize); 16] = {
    const INVALID: &str = "LogLevel INVALID";
    const NAMES: [&str; 7] = [
        INVALID,
        "LogLevel FATAL",
        "LogLevel ERROR",
        "LogLevel WARN",
        "LogLevel INFO",
        "LogLevel DEBUG",
        "LogLevel VERBOSE",
    ];
    let mut table = [([0; 16], 0); 16];
    let mut level = 0;
    while level < table.len() {
        let name = if level < NAMES.len() {
            NAMES[level]
        } else {
            INVALID
        }
        .as_bytes();
        let mut at = 0;
        while at < name.len() {
            table[level].0[at] = name[at];
            at += 1;
        }
        table[level].1 = name.len();
        level += 1;
    }
    table
};

fn other_type(kind: MessageType, out: &mut TextArena) {
    let text = match kind {
        MessageType::Log(_) => return,
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
            out.push_unsigned(kind.into());
            out.push_str(",");
            out.push_unsigned(info.into());
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

/// Nanoseconds of a second.
const SECOND: u32 = 1_000_000_000;

/// The storage header's time as RFC 3339; keeps the text up to the second, which neighbours share.
struct Time {
    /// The second whose text is kept; none at first.
    second: Option<u64>,
    text: [u8; TO_THE_POINT],
}

/// Bytes of `2023-11-14T22:13:20.`.
const TO_THE_POINT: usize = 20;

impl Time {
    fn new() -> Time {
        Time {
            second: None,
            text: *b"0000-00-00T00:00:00.",
        }
    }

    #[inline(always)]
    fn write<const B: usize>(
        &mut self,
        storage: Storage,
        behind: [u8; B],
        to: &mut TextCursor<'_>,
    ) {
        // Modulo 2^32, as in the release builds of the viewer whose text this is.
        let nanoseconds = storage.microseconds.wrapping_mul(1000);
        if nanoseconds < SECOND {
            let second = u64::from(storage.seconds);
            if self.second != Some(second) {
                self.keep(second);
            }
            self.write_kept(nanoseconds, behind, to);
        } else {
            to.with_arena(|out| self.write_strange(storage.seconds, storage.microseconds, out));
            to.push_ascii(behind);
        }
    }

    /// More than a second behind the second.
    #[cold]
    fn write_strange(&mut self, seconds: u32, microseconds: u32, out: &mut TextArena) {
        let nanoseconds = microseconds.wrapping_mul(1000);
        if nanoseconds < 2 * SECOND && seconds % 60 == 59 {
            // A leap second.
            self.keep(u64::from(seconds) + 1);
            out.append(0, |to| self.write_kept(nanoseconds - SECOND, [], to));
        } else {
            out.push_str("no valid timestamp for ");
            out.push_unsigned(seconds.into());
            out.push_str("s/");
            out.push_unsigned(microseconds.into());
            out.push_str("us");
        }
    }

    #[inline(always)]
    fn write_kept<const B: usize>(
        &self,
        nanoseconds: u32,
        behind: [u8; B],
        to: &mut TextCursor<'_>,
    ) {
        if nanoseconds != 0 {
            to.push_ascii(self.text);
            to.push_eight_digits(nanoseconds / 10, [b'0' + (nanoseconds % 10) as u8, b'Z']);
        } else {
            let [to_the_second @ .., _] = self.text;
            to.push_ascii::<{ TO_THE_POINT - 1 }>(to_the_second);
            to.push_ascii(*b"Z");
        }
        to.push_ascii(behind);
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
        let storage = Storage {
            seconds,
            microseconds,
            ecu: [0; 4],
        };
        text_of(|out| out.append(0, |to| Time::new().write(storage, [], to)))
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
