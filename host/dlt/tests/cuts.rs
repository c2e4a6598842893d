//! What comes out does not depend on how the input is cut, nor on how large an archive may be.

#[path = "common/build.rs"]
mod build;
mod common;

use chipmunk_dlt::{Options, Output, generate::Trace};
use common::{Outcome, options, read, read_cut, real_trace};
use proptest::prelude::*;

fn generated(messages: u64, garbage: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    Trace {
        messages,
        garbage,
        message_bytes: 120,
        seed: 11,
    }
    .write_to(&mut bytes)
    .expect("writing to a vector");
    bytes
}

/// A trace with everything that makes cutting hard.
fn hard() -> Vec<u8> {
    let mut out = b"DL".to_vec();
    out.extend(generated(5, 2));
    out.extend(b"DLT\x01 false header of an impossible length \x20\x00\x00\x00 DLT");
    out.extend(b"DLT\x01aaaabbbbECU1\x25\x00\x00\x03");
    out.extend(build::Build::log(&[build::string("a DLT\x01 in a payload")]).bytes());
    // The end of the trace is nearer than this one's.
    out.extend(b"DLT\x01aaaabbbbECU1\x20\x00\xff\xff");
    out.extend(generated(3, 1));
    let mut damaged = build::Build::log(&[build::string("announced"), build::unsigned(9)]);
    damaged.extended = Some((0x41, 9, *b"APP\0", *b"CON\0"));
    out.extend(damaged.bytes());
    out.extend(b"DLT\x02version two");
    let mut strange = build::Build::log(&[build::unsigned(1)]);
    strange.version = 5;
    out.extend(strange.bytes());
    out.extend(strange.bytes());
    out.extend(generated(2, 1));
    out.extend(&build::Build::log(&[build::string("truncated")]).bytes()[..40]);
    out
}

/// The same without storage headers.
fn hard_bare() -> Vec<u8> {
    let bare = |text: &str| {
        let mut message = build::Build::log(&[build::string(text)]);
        message.storage = None;
        message.bytes()
    };
    [
        bare("one"),
        bare("two"),
        vec![0; 7],
        b"\x21garbage \x35\x00\x00\x07 and false headers".to_vec(),
        bare("three"),
        bare("four"),
        b"\x21\x00\x00\x30 swallows what is behind, in part".to_vec(),
        bare("five"),
        bare("six"),
        bare("truncated")[..20].to_vec(),
    ]
    .concat()
}

fn cut(input: &[u8], with_storage: bool, size: usize) -> Outcome {
    read_cut(
        input,
        Options {
            storage_header: with_storage,
            ..options(Output::Line)
        },
        u32::MAX,
        |_| size,
    )
}

#[test]
fn chunks_of_every_size() {
    for (input, with_storage) in [
        (hard(), true),
        (hard_bare(), false),
        (generated(40, 5), true),
    ] {
        let whole = cut(&input, with_storage, input.len());
        assert_eq!(whole.bytes(), input);
        for size in 1..=input.len() {
            assert_eq!(cut(&input, with_storage, size), whole, "chunks of {size}");
        }
    }
}

#[test]
fn one_cut_at_every_place() {
    for (input, with_storage) in [(hard(), true), (hard_bare(), false)] {
        let whole = cut(&input, with_storage, input.len());
        for place in 1..input.len() {
            let options = Options {
                storage_header: with_storage,
                ..options(Output::Line)
            };
            let two = read_cut(&input, options, u32::MAX, |at| {
                if at == 0 { place } else { input.len() }
            });
            assert_eq!(two, whole, "cut at {place}");
        }
    }
}

#[test]
fn archives_of_every_limit() {
    let input = hard();
    let whole = read(&input, options(Output::Columns));
    for max_bytes in [0, 1, 100, 500, 1000, 5000, 10_000] {
        let limited = read_cut(&input, options(Output::Columns), max_bytes, |_| input.len());
        assert_eq!(limited, whole, "at most {max_bytes} bytes");
    }
}

#[test]
fn runs_longer_than_what_is_kept_back() {
    let mut input = generated(3, 0);
    input.extend((0..300_000u32).map(|n| (n % 251) as u8 | 0x80));
    input.extend(b"DLT\x01aaaabbbbECU1\x20\x00\xff\xff");
    input.extend((0..300_000u32).map(|n| (n % 241) as u8 | 0x80));
    input.extend(generated(3, 0));
    // Read at once, one item; what the false header announces is swallowed, since it is in the input.
    let whole = read(&input, options(Output::Line));
    assert_eq!(whole.messages().len(), 7);
    assert_eq!(whole.skipped().len(), 2);
    for size in [1000, 4096, 65_536, 100_000, 262_144] {
        assert_eq!(cut(&input, true, size).joined(), whole, "chunks of {size}");
    }
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn real_traces() {
    for name in [
        "daemon_testfile_extended.dlt",
        "chipmunk_lukas_crash.dlt",
        "chipmunk_attachments.dlt",
    ] {
        let input = real_trace(name);
        let whole = cut(&input, true, input.len());
        assert_eq!(whole.bytes(), input);
        for size in [1, 2, 3, 7, 20, 64, 1000, 4096] {
            if size > 2 || input.len() < 10_000 {
                assert_eq!(cut(&input, true, size), whole, "{name} in chunks of {size}");
            }
        }
    }
}

/// Bytes in which headers, whole and false, are frequent.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..12),
        1 => Just(b"DLT\x01".to_vec()),
        1 => Just(b"DLT\x01aaaabbbbECU1".to_vec()),
        1 => Just(b"DL".to_vec()),
        2 => (any::<u8>(), 0..80u8).prop_map(|(htyp, length)| vec![htyp, 0, 0, length]),
        2 => any::<bool>().prop_flat_map(build::message).prop_map(|message| message.bytes()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_bytes_in_any_cut(
        input in soup(),
        with_storage: bool,
        sizes in prop::collection::vec(1..60usize, 1..20),
        max_bytes in prop_oneof![Just(u32::MAX), 0..3000u32],
    ) {
        let whole = cut(&input, with_storage, input.len());
        prop_assert_eq!(whole.bytes(), input.clone());
        let mut sizes = sizes.into_iter().cycle();
        let options = Options { storage_header: with_storage, ..options(Output::Line) };
        let pieces = read_cut(&input, options, max_bytes, |_| sizes.next().unwrap_or(1));
        prop_assert_eq!(pieces, whole);
    }
}
