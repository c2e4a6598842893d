//! Makes traces to test and to measure with: the same for the same parameters, everywhere.
//!
//! The messages are such as control units send: mostly verbose logs of a text and a few numbers, some with names and
//! units, some in big-endian; and a few non-verbose, control, application trace and network trace messages. All of them are
//! valid: dlt-core parses each. Between them, evenly spread, are runs of garbage that do not contain the letter D, so
//! that no run holds a storage pattern, whole or in part: a reader skips exactly one run for each.
//!
//! [`Damaged`] makes the same with every so-manyth message destroyed, mostly by headers that lie.

use std::io::{self, Write};
use std::num::NonZeroU64;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Messages.
    pub messages: u64,
    /// Runs of garbage, of 16 to 400 bytes each. More than there are messages, and some adjoin.
    pub garbage: u64,
    /// Bytes of an average message, with its storage header. Below 80 or above 60,000 it is only approached.
    pub message_bytes: u32,
    /// Another seed, another trace.
    pub seed: u64,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// Bytes written.
    pub bytes: u64,
    /// Those of them that are garbage, and those of destroyed messages.
    pub garbage_bytes: u64,
}

/// Written at once, in bytes.
const BLOCK: usize = 1 << 18;

impl Trace {
    /// Writes the trace to `out`, in blocks: `out` needs no buffer of its own.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<Made> {
        self.write(out, None)
    }

    fn write(&self, out: &mut impl Write, damage_every: Option<NonZeroU64>) -> io::Result<Made> {
        let mut random = Random(self.seed);
        let mut sender = Sender::new(self.message_bytes);
        let mut block = Vec::with_capacity(BLOCK + BLOCK / 4);
        let mut made = Made::default();
        let mut runs = 0;
        for index in 0..self.messages {
            while runs < self.garbage && self.run_is_before(runs, index) {
                made.garbage_bytes += garbage(&mut random, &mut block);
                runs += 1;
            }
            let start = block.len();
            sender.message(&mut random, &mut block);
            if let Some(every) = damage_every
                && (index + 1) % every == 0
            {
                let message = block.get_mut(start..).unwrap_or_default();
                destroy(message, index / every, &mut random);
                made.garbage_bytes += message.len() as u64;
            }
            if block.len() >= BLOCK {
                out.write_all(&block)?;
                made.bytes += block.len() as u64;
                block.clear();
            }
        }
        for _ in runs..self.garbage {
            made.garbage_bytes += garbage(&mut random, &mut block);
        }
        out.write_all(&block)?;
        made.bytes += block.len() as u64;
        Ok(made)
    }

    /// Whether garbage run `run` comes before message `index`: in the middle of its share of the messages.
    fn run_is_before(&self, run: u64, index: u64) -> bool {
        let place = (2 * u128::from(run) + 1) * u128::from(self.messages)
            / (2 * u128::from(self.garbage.max(1)));
        place <= u128::from(index)
    }
}

/// A trace of which every so-manyth message is destroyed: what is left of it is garbage, or a header whose length
/// contradicts itself, or one of an unknown version whose length reaches far into the messages behind it, or a row of
/// such headers. All other messages are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged {
    /// The trace as it would be.
    pub trace: Trace,
    /// One message of so many is destroyed, the last of them.
    pub every: NonZeroU64,
}

impl Damaged {
    /// As [`Trace::write_to`].
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<Made> {
        self.trace.write(out, Some(self.every))
    }

    /// Messages that are whole.
    pub fn whole_messages(&self) -> u64 {
        self.trace.messages - self.trace.messages / self.every
    }
}

/// Bytes of a storage header, and where behind it the standard header has its length.
const STORAGE: usize = 16;
const LENGTH: usize = STORAGE + 2;

/// Makes something of a message, in one of four ways, that is no message.
fn destroy(message: &mut [u8], way: u64, random: &mut Random) {
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = message.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    match way % 4 {
        0 => put(0, b"X"),
        1 => put(LENGTH, &[0, 3]),
        2 => {
            // Beyond whatever garbage follows, into the next message at least.
            let length = random.between(2_000, u64::from(u16::MAX)) as u16;
            put(STORAGE, &[0xFF]);
            put(LENGTH, &length.to_be_bytes());
        }
        _ => {
            put(0, b"X");
            for header in (LENGTH + 2..message.len().saturating_sub(STORAGE + 4)).step_by(40) {
                if let Some(place) = message.get_mut(header..header + STORAGE + 4) {
                    place[..4].copy_from_slice(b"DLT\x01");
                    place[STORAGE..].copy_from_slice(&[0x35, 0, 0, 10]);
                }
            }
        }
    }
}

fn garbage(random: &mut Random, out: &mut Vec<u8>) -> u64 {
    let length = random.between(16, 400);
    let start = out.len();
    random.bytes(length as usize, out);
    for byte in out.iter_mut().skip(start) {
        if *byte == b'D' {
            *byte = b'E';
        }
    }
    length
}

/// The control units' side: what changes from one message to the next.
struct Sender {
    average: i64,
    /// Bytes that the messages so far are longer than they should be.
    surplus: i64,
    counter: u8,
    /// Microseconds since 1970.
    time: u64,
    /// Units of 0.1 ms since the control unit started, times 100.
    uptime: u64,
}

const UNITS: [[u8; 4]; 4] = [*b"ECU1", *b"ECU2", *b"GW\0\0", *b"HMI\0"];
const APPLICATIONS: [[u8; 4]; 6] = [
    *b"NAVI", *b"AUD\0", *b"DIAG", *b"NET\0", *b"SYS\0", *b"CAM1",
];
const CONTEXTS: [[u8; 4]; 6] = [
    *b"MAIN", *b"CORE", *b"IO\0\0", *b"STAT", *b"TIME", *b"BUS\0",
];
const NAMES: [&str; 6] = [
    "speed",
    "temperature",
    "state",
    "retries",
    "latency",
    "voltage",
];
const UNIT_NAMES: [&str; 4] = ["km/h", "°C", "ms", "mV"];
const WORDS: [&str; 22] = [
    "connection",
    "to",
    "service",
    "established",
    "after",
    "timeout",
    "waiting",
    "for",
    "frame",
    "from",
    "bus",
    "state",
    "changed",
    "buffer",
    "of",
    "client",
    "released",
    "position",
    "update",
    "received",
    "retry",
    "done",
];
/// One word in eighty is not ASCII.
const OTHER_WORDS: [&str; 2] = ["Gerät", "geöffnet"];

const SINT: u32 = 1 << 5;
const UINT: u32 = 1 << 6;
const FLOA: u32 = 1 << 7;
const BOOL: u32 = 1 << 4;
const STRG: u32 = 1 << 9;
const RAWD: u32 = 1 << 10;
const VARI: u32 = 1 << 11;
const FIXP: u32 = 1 << 12;
const UTF8: u32 = 1 << 15;

impl Sender {
    fn new(average: u32) -> Sender {
        Sender {
            average: i64::from(average.min(60_000)),
            surplus: 0,
            counter: 0,
            time: 1_700_000_000_001_315,
            uptime: 12_345_600,
        }
    }

    fn message(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let start = out.len();
        let passed = random.between(1, 2_000);
        self.time += passed;
        self.uptime += passed;
        let spread = (self.average / 3) as u64;
        let wanted =
            self.average - (spread / 2) as i64 + random.between(0, spread) as i64 - self.surplus;
        let target = start + wanted.clamp(0, 65_000) as usize;

        let unit = pick(&UNITS, random);
        out.extend_from_slice(b"DLT\x01");
        out.extend_from_slice(&((self.time / 1_000_000) as u32).to_le_bytes());
        out.extend_from_slice(&((self.time % 1_000_000) as u32).to_le_bytes());
        out.extend_from_slice(&unit);

        let kind = random.between(0, 99);
        let big = random.between(0, 9) == 0;
        let has_session = random.between(0, 3) == 0;
        // Version 1, ECU id, time stamp; the extended header but for one kind.
        let bare = kind >= 98;
        let htyp =
            0b0011_0100 | u8::from(!bare) | (u8::from(big) << 1) | (u8::from(has_session) << 3);
        let header = out.len();
        out.extend_from_slice(&[htyp, self.counter, 0, 0]);
        self.counter = self.counter.wrapping_add(1);
        out.extend_from_slice(&unit);
        if has_session {
            out.extend_from_slice(&(random.between(100, 5000) as u32).to_be_bytes());
        }
        out.extend_from_slice(&((self.uptime / 100) as u32).to_be_bytes());

        let mut payload = Payload {
            out,
            big,
            arguments: 0,
        };
        let extended = payload.out.len();
        if !bare {
            payload.out.extend_from_slice(&[0, 0]);
            payload.out.extend_from_slice(&pick(&APPLICATIONS, random));
            payload.out.extend_from_slice(&pick(&CONTEXTS, random));
        }
        let info = match kind {
            0..88 => {
                payload.log(target, random);
                ((random.between(1, 6) as u8) << 4) | 1
            }
            88..91 => {
                payload.log(target, random);
                ((random.between(1, 5) as u8) << 4) | 0b011
            }
            91..93 => {
                payload.slices(target, random);
                ((random.between(1, 6) as u8) << 4) | 0b101
            }
            93..95 => {
                payload.out.push(random.between(1, 0x23) as u8);
                let parameters = random.between(0, 8) as usize;
                random.bytes(parameters, payload.out);
                ((random.between(1, 2) as u8) << 4) | 0b110
            }
            95..98 => {
                payload.non_verbose(target, random);
                (random.between(1, 6) as u8) << 4
            }
            _ => {
                payload.non_verbose(target, random);
                0
            }
        };
        let arguments = payload.arguments;
        if !bare
            && let Some([msin, count]) = out
                .get_mut(extended..)
                .and_then(|rest| rest.first_chunk_mut())
        {
            *msin = info;
            *count = arguments;
        }
        let length = (out.len() - header) as u16;
        if let Some([_, _, high, low]) = out
            .get_mut(header..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            [*high, *low] = length.to_be_bytes();
        }
        self.surplus =
            (out.len() - start) as i64 - wanted.clamp(-self.average, i64::from(u16::MAX));
        self.surplus = self.surplus.clamp(-4 * self.average, 4 * self.average);
    }
}

/// A payload in the making, at the end of `out`.
struct Payload<'a> {
    out: &'a mut Vec<u8>,
    big: bool,
    arguments: u8,
}

impl Payload<'_> {
    /// A text, a few values, and another text that fills up to `target`.
    fn log(&mut self, target: usize, random: &mut Random) {
        self.text(random.between(8, 40) as usize, random);
        while self.out.len() + 40 < target && self.arguments < 6 {
            self.value(random);
        }
        // Type info, length and nul byte are seven bytes.
        if let Some(room @ 1..) = target.checked_sub(self.out.len() + 7) {
            self.text(room, random);
        }
    }

    fn value(&mut self, random: &mut Random) {
        self.arguments += 1;
        let number = random.next();
        match random.between(0, 19) {
            0..4 => {
                self.number(UINT | 3, &[]);
                self.bytes((number as u32 >> 8).to_be_bytes());
            }
            4..7 => {
                self.number(SINT | 3, &[]);
                self.bytes((number as i32 >> 12).to_be_bytes());
            }
            7 => {
                self.number(UINT | 1, &[]);
                self.bytes([number as u8]);
            }
            8 => {
                self.number(UINT | 2, &[]);
                self.bytes((number as u16).to_be_bytes());
            }
            9 => {
                self.number(SINT | 1, &[]);
                self.bytes([number as u8]);
            }
            10 => {
                self.number(SINT | 2, &[]);
                self.bytes((number as i16).to_be_bytes());
            }
            11 | 12 => {
                self.number(UINT | 4, &[]);
                self.bytes((number >> 20).to_be_bytes());
            }
            13 => {
                self.number(SINT | 4, &[]);
                self.bytes((number as i64 >> 30).to_be_bytes());
            }
            14 => {
                self.number(BOOL | 1, &[]);
                self.bytes([number as u8 & 1]);
            }
            15 => {
                self.number(FLOA | 3, &[]);
                self.bytes(((number as u16) as f32 / 16.0).to_be_bytes());
            }
            16 => {
                self.number(FLOA | 4, &[]);
                self.bytes(((number as u32) as f64 / 1000.0).to_be_bytes());
            }
            17 => {
                let name = pick(&NAMES, random);
                let unit = pick(&UNIT_NAMES, random);
                self.number(UINT | VARI | 3, &[name, unit]);
                self.bytes((number as u32 >> 16).to_be_bytes());
            }
            18 => {
                self.number(SINT | FIXP | 3, &[]);
                self.bytes(0.5f32.to_be_bytes());
                self.bytes(20i32.to_be_bytes());
                self.bytes((number as i32 >> 20).to_be_bytes());
            }
            _ => {
                let length = random.between(2, 12) as u16;
                self.word(RAWD);
                self.bytes(length.to_be_bytes());
                random.bytes(usize::from(length), self.out);
            }
        }
    }

    /// A type info word, with name and unit behind it.
    fn number(&mut self, info: u32, names: &[&str]) {
        self.word(info);
        for name in names {
            self.bytes((name.len() as u16 + 1).to_be_bytes());
        }
        for name in names {
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(0);
        }
    }

    /// A string of `length` bytes, without its nul byte.
    fn text(&mut self, length: usize, random: &mut Random) {
        self.arguments += 1;
        self.word(STRG | UTF8);
        self.bytes((length as u16 + 1).to_be_bytes());
        let end = self.out.len() + length;
        while self.out.len() < end {
            let word = match random.between(0, 79) {
                0 => pick(&OTHER_WORDS, random),
                _ => pick(&WORDS, random),
            };
            if self.out.len() + word.len() < end {
                self.out.extend_from_slice(word.as_bytes());
                self.out.push(b' ');
            } else {
                self.out.resize(end, b'.');
            }
        }
        self.out.push(0);
    }

    /// Raw arguments, as a network trace has them.
    fn slices(&mut self, target: usize, random: &mut Random) {
        loop {
            self.arguments += 1;
            let length = target.saturating_sub(self.out.len() + 6).min(64);
            self.word(RAWD);
            self.bytes((length as u16).to_be_bytes());
            random.bytes(length, self.out);
            if self.out.len() + 6 >= target || self.arguments == u8::MAX {
                return;
            }
        }
    }

    fn non_verbose(&mut self, target: usize, random: &mut Random) {
        self.word(random.between(1, 100_000) as u32);
        // The text of these is four times their size: kept short, as they are meant to be.
        let length = target.saturating_sub(self.out.len()).min(48);
        random.bytes(length, self.out);
    }

    fn word(&mut self, word: u32) {
        self.bytes(word.to_be_bytes());
    }

    /// Appends a number, given in big-endian, in the payload's byte order.
    fn bytes<const N: usize>(&mut self, mut number: [u8; N]) {
        if !self.big {
            number.reverse();
        }
        self.out.extend_from_slice(&number);
    }
}

/// One of the choices, of which there are some.
fn pick<T: Copy, const N: usize>(choices: &[T; N], random: &mut Random) -> T {
    choices[random.between(0, N as u64 - 1) as usize]
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): small, quick, and good
/// enough for test data.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        let range = u128::from(high.saturating_sub(low)) + 1;
        low + ((u128::from(self.next()) * range) >> 64) as u64
    }

    fn bytes(&mut self, count: usize, out: &mut Vec<u8>) {
        let end = out.len() + count;
        while out.len() < end {
            out.extend_from_slice(&self.next().to_le_bytes());
        }
        out.truncate(end);
    }
}
