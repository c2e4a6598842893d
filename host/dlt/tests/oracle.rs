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
    // The other outputs say the same of it.
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
    // All the bits that mean something, over a payload that is long enough for any type.
    for info in 0..1u32 << 13 {
        let mut message = build::Build::log(&[]);
        message.extended = Some((0x41, 1, *b"APP\0", *b"CON\0"));
        message.payload = [
            info.to_le_bytes().to_vec(),
            vec![2, 0, 1, 0, b'a', b'b', b'c'],
            vec![0; 24],
        ]
        .concat();
        compare(&message.bytes(), true);
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
