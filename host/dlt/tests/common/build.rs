//! Builds messages of any kind, byte by byte, for the tests.

#![allow(dead_code)]

use proptest::prelude::*;

/// A message in the making.
#[derive(Debug, Clone)]
pub struct Build {
    pub storage: Option<(u32, u32, [u8; 4])>,
    pub version: u8,
    pub big_endian: bool,
    pub counter: u8,
    pub ecu: Option<[u8; 4]>,
    pub session: Option<u32>,
    pub timestamp: Option<u32>,
    /// MSIN, number of arguments, application, context.
    pub extended: Option<(u8, u8, [u8; 4], [u8; 4])>,
    pub payload: Vec<u8>,
}

impl Build {
    /// A verbose log message with these arguments, little-endian.
    pub fn log(arguments: &[Vec<u8>]) -> Build {
        Build {
            storage: Some((1_700_000_000, 1_315, *b"ECU1")),
            version: 1,
            big_endian: false,
            counter: 7,
            ecu: Some(*b"ECU1"),
            session: None,
            timestamp: Some(123_456),
            extended: Some((0x41, arguments.len() as u8, *b"APP\0", *b"CON\0")),
            payload: arguments.concat(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some((seconds, microseconds, ecu)) = self.storage {
            out.extend(b"DLT\x01");
            out.extend(seconds.to_le_bytes());
            out.extend(microseconds.to_le_bytes());
            out.extend(ecu);
        }
        let start = out.len();
        let htyp = u8::from(self.extended.is_some())
            | u8::from(self.big_endian) << 1
            | u8::from(self.ecu.is_some()) << 2
            | u8::from(self.session.is_some()) << 3
            | u8::from(self.timestamp.is_some()) << 4
            | self.version << 5;
        out.extend([htyp, self.counter, 0, 0]);
        out.extend(self.ecu.iter().flatten());
        out.extend(
            self.session
                .iter()
                .flat_map(|session| session.to_be_bytes()),
        );
        out.extend(
            self.timestamp
                .iter()
                .flat_map(|timestamp| timestamp.to_be_bytes()),
        );
        if let Some((info, arguments, application, context)) = self.extended {
            out.extend([info, arguments]);
            out.extend(application);
            out.extend(context);
        }
        out.extend(&self.payload);
        let length = u16::try_from(out.len() - start).expect("a message fits its length");
        out[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
        out
    }
}

/// A string argument, little-endian.
pub fn string(text: &str) -> Vec<u8> {
    let mut out = (0x8200u32).to_le_bytes().to_vec();
    out.extend((text.len() as u16 + 1).to_le_bytes());
    out.extend(text.as_bytes());
    out.push(0);
    out
}

/// An unsigned argument of 32 bits, little-endian.
pub fn unsigned(value: u32) -> Vec<u8> {
    [0x43u32.to_le_bytes(), value.to_le_bytes()].concat()
}

fn number<const N: usize>(bytes: [u8; N], big: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if !big {
        bytes.reverse();
    }
    bytes
}

/// Text with whatever may be in a field: line breaks, nul bytes, bytes that are no UTF-8.
fn field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-zA-Z ]{0,20}\0?".prop_map(String::into_bytes),
        2 => "[a-zäöü€\r\n\0 ]{0,20}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// An argument of any type, well-formed, in both byte orders: little-endian, then big-endian.
pub fn argument() -> impl Strategy<Value = [Vec<u8>; 2]> {
    let bits = (
        any::<[u8; 16]>(),
        field(),
        field(),
        field(),
        any::<bool>(),
        any::<[bool; 4]>(),
    );
    (0..8u8, 1..6usize, bits).prop_map(|(kind, width, (raw, name, unit, text, named, other))| {
        [false, true].map(|big| {
            let [trace, structure, reserved, utf8] = other;
            let mut info: u32 =
                u32::from(trace) << 13 | u32::from(structure) << 14 | u32::from(reserved) << 20;
            info |= u32::from(utf8) << 15 | u32::from(named) << 11;
            let length = |field: &[u8]| number((field.len() as u16).to_be_bytes(), big);
            let value = |width: usize| {
                let mut value = raw[..1 << (width - 1)].to_vec();
                if !big {
                    value.reverse();
                }
                value
            };
            let names = match (named, kind) {
                (false, _) => Vec::new(),
                (true, 0 | 6 | 7) => [length(&name), name.clone()].concat(),
                (true, _) => [length(&name), length(&unit), name.clone(), unit.clone()].concat(),
            };
            let narrow = 3 + width % 2;
            // Any quantisation, a number of measurements' size more often than not.
            let scale = match raw[0] % 4 {
                0 => f32::from_be_bytes([raw[4], raw[5], raw[6], raw[7]]),
                _ => f32::from(raw[5]) / 64.0 - 1.0,
            };
            let fixed = [number(scale.to_be_bytes(), big), value(narrow)].concat();
            let (info, rest) = match kind {
                0 => (info | 1 << 4 | 1, [names, value(1)].concat()),
                1 => (info | 1 << 5 | width as u32, [names, value(width)].concat()),
                2 => (info | 1 << 6 | width as u32, [names, value(width)].concat()),
                3 => (
                    info | 1 << 7 | narrow as u32,
                    [names, value(narrow)].concat(),
                ),
                4 => (
                    info | 1 << 5 | 1 << 12 | narrow as u32,
                    [names, fixed, value(narrow)].concat(),
                ),
                5 => (
                    info | 1 << 6 | 1 << 12 | narrow as u32,
                    [names, fixed, value(narrow)].concat(),
                ),
                6 => (info | 1 << 9, [length(&text), names, text.clone()].concat()),
                _ => (
                    info | 1 << 10,
                    [length(&text), names, text.clone()].concat(),
                ),
            };
            [number(info.to_be_bytes(), big), rest].concat()
        })
    })
}

fn id() -> impl Strategy<Value = [u8; 4]> {
    prop_oneof![
        6 => "[A-Z0-9]{4}".prop_map(|id| <[u8; 4]>::try_from(id.as_bytes()).expect("four of them")),
        2 => Just(*b"AB\0C"),
        1 => any::<[u8; 4]>(),
    ]
}

/// A message of any kind whose payload is what its headers declare.
pub fn message(with_storage: bool) -> impl Strategy<Value = Build> {
    let storage = (
        any::<u32>(),
        prop_oneof![0..1_000_000u32, Just(0), any::<u32>()],
        id(),
    );
    let standard = (
        prop_oneof![5 => Just(1u8), 1 => Just(0u8), 1 => 3..8u8],
        any::<bool>(),
        any::<u8>(),
        prop::option::of(id()),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<u32>()),
    );
    let payload = (
        prop::collection::vec(argument(), 0..5),
        prop::collection::vec(any::<u8>(), 4..40),
    );
    (
        storage,
        standard,
        prop::option::weighted(0.9, (any::<u8>(), id(), id())),
        payload,
    )
        .prop_map(
            move |(
                storage,
                (version, big_endian, counter, ecu, session, timestamp),
                extended,
                (arguments, data),
            )| {
                let is_verbose = extended.is_some_and(|(info, ..)| info & 1 != 0);
                let payload = if is_verbose {
                    arguments
                        .iter()
                        .flat_map(|argument| argument[usize::from(big_endian)].clone())
                        .collect()
                } else {
                    data
                };
                let count = if is_verbose { arguments.len() as u8 } else { 0 };
                Build {
                    storage: with_storage.then_some(storage),
                    version,
                    big_endian,
                    counter,
                    ecu,
                    session,
                    timestamp,
                    extended: extended
                        .map(|(info, application, context)| (info, count, application, context)),
                    payload,
                }
            },
        )
}
