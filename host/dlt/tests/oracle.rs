//! Message by message against dlt-core 0.20.2: wherever it parses a message, the text is the same; wherever it gives
//! up, the message is there all the same, and damaged.

#[path = "common/build.rs"]
mod build;
mod common;

use chipmunk_dlt::{Options, Output, generate::Trace};
use common::{Item, by_dlt_core, columns, options, read, real_trace};
use proptest::prelude::*;

/// Reads `bytes`, which are one message, and compares.
fn compare(bytes: &[u8], with_storage: bool) {
    let with = |output| Options {
        storage_header: with_storage,
        ..options(output)
    };
    let expected = by_dlt_core(bytes, with_storage);
    let outcome = read(bytes, with(Output::Columns));
    let [
        Item::Message {
            bytes: raw,
            damaged,
            cells,
        },
    ] = outcome.items.as_slice()
    else {
        panic!("one message, not {:?}", outcome.items);
    };
    assert_eq!(raw, bytes);
    assert_eq!(*damaged, expected.is_none(), "{expected:?}");
    if let Some(expected) = expected {
        assert_eq!(*cells, columns(&expected));
    }
    // The other outputs say the same of it. A line has one separator for the two columns of a storage header that is not there.
    let shown = if with_storage { 0 } else { 1 };
    let cells = cells.get(shown..).unwrap_or_default();
    let line = Item::Message {
        bytes: bytes.to_vec(),
        damaged: *damaged,
        cells: vec![cells.join("\u{4}")],
    };
    assert_eq!(read(bytes, with(Output::Line)).items, [line]);
    let range = Item::Message {
        bytes: bytes.to_vec(),
        damaged: *damaged,
        cells: Vec::new(),
    };
    assert_eq!(read(bytes, with(Output::Ranges)).items, [range]);
}

/// All messages of a trace, each on its own.
fn compare_all(trace: &[u8]) -> usize {
    let messages = read(trace, options(Output::Ranges));
    for message in messages.messages() {
        compare(message, true);
    }
    messages.messages().len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_message_with_storage_header(message in build::message(true)) {
        compare(&message.bytes(), true);
    }

    #[test]
    fn any_message_without_storage_header(message in build::message(false)) {
        compare(&message.bytes(), false);
    }

    #[test]
    fn payloads_that_do_not_decode(
        message in build::message(true),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        lost in 0..12usize,
        count in prop::option::of(any::<u8>()),
    ) {
        let mut message = message;
        for (index, value) in flips {
            if !message.payload.is_empty() {
                let index = index.index(message.payload.len());
                message.payload[index] = value;
            }
        }
        message.payload.truncate(message.payload.len().saturating_sub(lost));
        if let (Some(count), Some(extended)) = (count, message.extended.as_mut()) {
            extended.1 = count;
        }
        compare(&message.bytes(), true);
    }
}

#[test]
fn every_service_has_its_name() {
    for service in 0..=u8::MAX {
        let mut message = build::Build::log(&[]);
        message.extended = Some((0x16, 0, *b"APP\0", *b"CON\0"));
        message.payload = vec![service, 1, 2];
        compare(&message.bytes(), true);
    }
}

#[test]
fn every_kind_of_message_has_its_name() {
    for info in 0..=u8::MAX {
        let mut message = build::Build::log(&[]);
        message.extended = Some((info, 0, *b"APP\0", *b"CON\0"));
        message.payload = vec![9, 0, 0, 0, 5];
        compare(&message.bytes(), true);
    }
}

#[test]
fn every_type_info_word() {
    // All the bits that mean something, in both byte orders, over a payload that is long enough for any type. Among them are
    // arrays, which dlt-core does not decode, and words that claim several types.
    for big_endian in [false, true] {
        let half = |number: u16| match big_endian {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        for info in 0..1u32 << 13 {
            let word = match big_endian {
                true => info.to_be_bytes(),
                false => info.to_le_bytes(),
            };
            let mut message = build::Build::log(&[]);
            message.big_endian = big_endian;
            message.extended = Some((0x41, 1, *b"APP\0", *b"CON\0"));
            message.payload = [&word[..], &half(2), &half(1), b"abc", &[0; 24]].concat();
            compare(&message.bytes(), true);
        }
    }
}

#[test]
fn every_string_coding_and_the_bits_that_change_nothing() {
    // String coding (bits 15 to 17), trace info, structure, and what is reserved, with each type.
    for kind in 4..11 {
        for high in 0..1u32 << 7 {
            let mut message = build::Build::log(&[]);
            message.extended = Some((0x41, 1, *b"APP\0", *b"CON\0"));
            let info = high << 13 | 1 << kind | 3;
            message.payload =
                [&info.to_le_bytes()[..], &[3, 0], "ä\0".as_bytes(), &[7; 24]].concat();
            compare(&message.bytes(), true);
        }
    }
}

#[test]
fn fields_of_any_length_also_beyond_the_payload() {
    // Lengths of text, name and unit: as announced, shorter, longer, and as long as can be.
    let lengths = [
        0u16,
        1,
        2,
        3,
        4,
        8,
        15,
        16,
        17,
        64,
        65,
        300,
        u16::MAX - 1,
        u16::MAX,
    ];
    for kind in [4, 5, 6, 7, 9, 10] {
        for named in [false, true] {
            for first in lengths {
                for second in lengths {
                    let mut message = build::Build::log(&[]);
                    message.extended = Some((0x41, 2, *b"APP\0", *b"CON\0"));
                    let info = 1u32 << kind | u32::from(named) << 11 | 3;
                    message.payload = [
                        &info.to_le_bytes()[..],
                        &first.to_le_bytes(),
                        &second.to_le_bytes(),
                        &[b'x'; 90],
                        &build::unsigned(7),
                    ]
                    .concat();
                    compare(&message.bytes(), true);
                }
            }
        }
    }
}

#[test]
fn every_length_of_a_payload() {
    // A message of all types, cut at each byte of its payload.
    let arguments = [
        build::string("text"),
        build::unsigned(70_000),
        [&0x84u32.to_le_bytes()[..], &1.5f64.to_le_bytes()].concat(),
        [&0x25u32.to_le_bytes()[..], &(-7i128).to_le_bytes()].concat(),
        [
            &0x1043u32.to_le_bytes()[..],
            &0.5f32.to_le_bytes(),
            &[1, 0, 0, 0, 8, 0, 0, 0],
        ]
        .concat(),
        [&0x400u32.to_le_bytes()[..], &[3, 0, 1, 2, 3]].concat(),
    ];
    let whole = build::Build::log(&arguments);
    for length in 0..=whole.payload.len() {
        for info in [0x41, 0x40, 0x16, 0x25, 0x24, 0x43] {
            let mut message = whole.clone();
            message.payload.truncate(length);
            if let Some(extended) = &mut message.extended {
                extended.0 = info;
            }
            compare(&message.bytes(), true);
        }
    }
}

#[test]
fn generated_traces() {
    for (seed, message_bytes) in [(1, 150), (2, 209), (3, 90), (4, 2000)] {
        let trace = Trace {
            messages: 3000,
            garbage: 7,
            message_bytes,
            seed,
        };
        let mut bytes = Vec::new();
        trace.write_to(&mut bytes).expect("writing to a vector");
        assert_eq!(compare_all(&bytes), 3000);
        assert_eq!(read(&bytes, options(Output::Ranges)).damaged(), 0);
    }
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn real_traces() {
    for name in [
        "rapiddlt_68b_verbose.dlt",
        "rapiddlt_93b_verbose.dlt",
        "daemon_testfile.dlt",
        "daemon_testfile_extended.dlt",
        "chipmunk_attachments.dlt",
        "chipmunk_someip_someip.dlt",
        "chipmunk_lukas_crash.dlt",
    ] {
        let trace = real_trace(name);
        let messages = compare_all(&trace);
        println!("{name}: {messages} messages");
    }
}
