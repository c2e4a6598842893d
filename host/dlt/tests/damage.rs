//! Damaged traces: no message that is there is lost, and what is skipped is said.

#[path = "common/build.rs"]
mod build;
mod common;

use build::{Build, string, unsigned};
use chipmunk_dlt::{
    Options, Output,
    generate::{Damaged, Trace},
};
use chipmunk_payload::SkipReason;
use common::{options, read, real_trace};

/// The last column of each message, and whether it is damaged.
fn payloads(input: &[u8]) -> Vec<(String, bool)> {
    let outcome = read(input, options(Output::Columns));
    assert_eq!(outcome.bytes(), input);
    outcome
        .items
        .iter()
        .filter_map(|item| match item {
            common::Item::Message { cells, damaged, .. } => {
                assert_eq!(cells.len(), 11);
                Some((cells[10].clone(), *damaged))
            }
            common::Item::Skipped { .. } => None,
        })
        .collect()
}

fn payload(message: &Build) -> (String, bool) {
    let [payload] = payloads(&message.bytes()).try_into().expect("one message");
    payload
}

fn damaged(text: &str) -> (String, bool) {
    (text.to_owned(), true)
}

#[test]
fn more_arguments_announced_than_there_are() {
    let mut message = Build::log(&[string("text"), unsigned(5)]);
    message.extended = Some((0x41, 3, *b"APP\0", *b"CON\0"));
    assert_eq!(payload(&message), damaged("\u{5}text\u{5}5"));
}

#[test]
fn an_argument_that_is_cut_off_is_shown_as_hex() {
    let mut message = Build::log(&[unsigned(5), unsigned(6)]);
    message.payload.pop();
    assert_eq!(
        payload(&message),
        damaged("\u{5}5\u{5}[43, 00, 00, 00, 06, 00, 00]")
    );
}

#[test]
fn an_argument_of_unknown_type_is_shown_as_hex_with_all_behind_it() {
    let message = Build::log(&[unsigned(5), vec![0, 1, 0, 0, 0xAB], unsigned(6)]);
    assert_eq!(
        payload(&message),
        damaged("\u{5}5\u{5}[00, 01, 00, 00, AB, 43, 00, 00, 00, 06, 00, 00, 00]")
    );
}

#[test]
fn arguments_do_not_reach_into_the_next_message() {
    let mut first = Build::log(&[string("cut off here")]);
    first.payload.truncate(10);
    let second = Build::log(&[unsigned(7)]);
    let input = [first.bytes(), second.bytes()].concat();
    assert_eq!(
        payloads(&input),
        [
            damaged("\u{5}[00, 82, 00, 00, 0D, 00, 63, 75, 74, 20]"),
            ("\u{5}7".to_owned(), false)
        ]
    );
}

#[test]
fn bytes_behind_the_last_argument_are_no_damage() {
    let mut message = Build::log(&[unsigned(5)]);
    message.payload.extend([1, 2, 3]);
    assert_eq!(payload(&message), ("\u{5}5".to_owned(), false));
}

#[test]
fn payloads_too_short_for_their_kind() {
    let mut message = Build::log(&[]);
    message.extended = Some((0x40, 0, *b"APP\0", *b"CON\0"));
    message.payload = vec![0xAB, 0xCD];
    assert_eq!(
        payload(&message),
        damaged("\u{5}[AB, CD]"),
        "non-verbose without an id"
    );
    message.payload = vec![];
    assert_eq!(
        payload(&message),
        damaged(""),
        "non-verbose without anything"
    );
    message.extended = Some((0x16, 0, *b"APP\0", *b"CON\0"));
    assert_eq!(payload(&message), damaged(""), "control without a service");
    message.extended = Some((0x25, 2, *b"APP\0", *b"CON\0"));
    message.payload = [
        vec![0, 4, 0, 0, 2, 0, 0xAB, 0xCD],
        vec![0, 4, 0, 0, 9, 0, 1],
    ]
    .concat();
    assert_eq!(
        payload(&message),
        damaged("\u{5}[AB, CD]\u{5}[00, 04, 00, 00, 09, 00, 01]"),
        "network trace"
    );
}

/// Messages and skipped runs of `input`, in short.
fn summary(input: &[u8], with_storage: bool) -> (usize, Vec<(usize, SkipReason)>) {
    let outcome = read(
        input,
        Options {
            storage_header: with_storage,
            ..options(Output::Ranges)
        },
    );
    assert_eq!(outcome.bytes(), input);
    assert_eq!(outcome.error, None);
    (outcome.messages().len(), outcome.skipped())
}

fn message() -> Vec<u8> {
    Build::log(&[string("text")]).bytes()
}

#[test]
fn nothing_gives_nothing() {
    assert_eq!(summary(&[], true), (0, vec![]));
    assert_eq!(summary(&[], false), (0, vec![]));
}

#[test]
fn garbage_is_one_run() {
    assert_eq!(
        summary(&[0x55; 1000], true),
        (0, vec![(1000, SkipReason::Garbage)])
    );
    let input = [message(), b"garbage DLT \x01 DLT".to_vec(), message()].concat();
    assert_eq!(summary(&input, true), (2, vec![(17, SkipReason::Garbage)]));
}

#[test]
fn a_header_of_an_impossible_length_is_skipped_with_what_is_behind_it() {
    let false_header = b"DLT\x01aaaabbbbECU1\x3d\x00\x00\x10 more".to_vec();
    let input = [false_header.clone(), false_header.clone(), message()].concat();
    assert_eq!(
        summary(&input, true),
        (1, vec![(2 * false_header.len(), SkipReason::Malformed)])
    );
}

#[test]
fn a_message_that_ends_behind_the_input_hides_none_in_it() {
    let long = b"DLT\x01aaaabbbbECU1\x20\x00\xff\xff".to_vec();
    let input = [message(), long.clone(), message(), long.clone(), message()].concat();
    let skipped = (long.len(), SkipReason::Truncated);
    assert_eq!(summary(&input, true), (3, vec![skipped, skipped]));
}

#[test]
fn a_truncated_last_message_is_skipped() {
    let whole = message();
    for length in 1..whole.len() {
        let input = [&whole[..], &whole[..length]].concat();
        assert_eq!(
            summary(&input, true),
            (1, vec![(length, SkipReason::Truncated)]),
            "{length} bytes of it"
        );
    }
}

#[test]
fn a_version_that_does_not_exist_needs_a_neighbour() {
    let mut strange = Build::log(&[string("text")]);
    strange.version = 7;
    let strange = strange.bytes();
    assert_eq!(
        summary(&[strange.clone(), message()].concat(), true),
        (2, vec![])
    );
    assert_eq!(summary(&strange, true), (1, vec![]));
    // One whose length leads nowhere would swallow the messages that follow.
    let swallows = b"DLT\x01aaaabbbbECU1\xe0\x00\x00\x60".to_vec();
    let input = [swallows.clone(), message(), message(), message()].concat();
    assert_eq!(
        summary(&input, true),
        (3, vec![(swallows.len(), SkipReason::Malformed)])
    );
}

#[test]
fn protocol_version_2_is_refused() {
    let mut newer = Build::log(&[string("text")]);
    newer.version = 2;
    let newer = newer.bytes();
    let input = [message(), newer.clone(), message()].concat();
    assert_eq!(
        summary(&input, true),
        (2, vec![(newer.len(), SkipReason::Unsupported)])
    );
    // With nothing else in it, the trace as a whole is.
    let outcome = read(&newer, options(Output::Ranges));
    assert_eq!(outcome.skipped(), [(newer.len(), SkipReason::Unsupported)]);
    assert!(
        outcome
            .error
            .is_some_and(|error| error.contains("version 2"))
    );
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn a_real_trace_of_version_2_is_refused() {
    let input = real_trace("daemon_testfile_v2.dlt");
    let outcome = read(&input, options(Output::Columns));
    assert_eq!(outcome.skipped(), [(128, SkipReason::Unsupported)]);
    assert_eq!(outcome.messages().len(), 0);
    assert!(
        outcome
            .error
            .is_some_and(|error| error.contains("version 2"))
    );
}

#[test]
fn without_storage_headers() {
    let bare = |text: &str| {
        let mut message = Build::log(&[string(text)]);
        message.storage = None;
        message.bytes()
    };
    assert_eq!(
        summary(&[bare("a"), bare("b")].concat(), false),
        (2, vec![])
    );
    assert_eq!(
        summary(&[vec![0; 9], bare("a"), bare("b")].concat(), false),
        (2, vec![(9, SkipReason::Malformed)])
    );
    assert_eq!(
        summary(&[bare("a"), bare("b")[..9].to_vec()].concat(), false),
        (1, vec![(9, SkipReason::Truncated)])
    );
    let outcome = read(
        &bare("a"),
        Options {
            storage_header: false,
            ..options(Output::Columns)
        },
    );
    assert_eq!(
        outcome.cells(),
        [[
            "",
            "",
            "1",
            "",
            "7",
            "123456",
            "ECU1",
            "APP",
            "CON",
            "LogLevel INFO",
            "\u{5}a"
        ]
        .map(str::to_owned)]
    );
}

#[test]
fn generated_garbage_is_one_run_each() {
    let trace = Trace {
        messages: 30_525,
        garbage: 8,
        message_bytes: 150,
        seed: 42,
    };
    let mut input = Vec::new();
    let made = trace.write_to(&mut input).expect("writing to a vector");
    let (messages, skipped) = summary(&input, true);
    assert_eq!((messages, skipped.len()), (30_525, 8));
    assert_eq!(
        skipped.iter().map(|(bytes, _)| *bytes as u64).sum::<u64>(),
        made.garbage_bytes
    );
    assert_eq!(made.bytes, input.len() as u64);
    assert!(
        (4_500_000..4_700_000).contains(&made.bytes),
        "{} bytes",
        made.bytes
    );
}

#[test]
fn generated_traces_are_the_same_every_time() {
    let make = |seed| {
        let mut input = Vec::new();
        Trace {
            messages: 500,
            garbage: 3,
            message_bytes: 209,
            seed,
        }
        .write_to(&mut input)
        .expect("to a vector");
        input
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
    // FNV-1a, 64 bits: changes only with the generator.
    let hash = make(1)
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
    assert_eq!(hash, 0x321a_8ae6_dee0_86df, "{hash:#x}");
}

#[test]
fn averages_are_kept() {
    for message_bytes in [80, 150, 209, 1000, 10_000] {
        let mut input = Vec::new();
        let trace = Trace {
            messages: 5000,
            garbage: 0,
            message_bytes,
            seed: 5,
        };
        trace.write_to(&mut input).expect("writing to a vector");
        let average = input.len() as f64 / 5000.0;
        let error = (average / f64::from(message_bytes) - 1.0).abs();
        assert!(error < 0.02, "{average} bytes instead of {message_bytes}");
    }
}

/// Whatever becomes of every second message, the others are found, and the rest is skipped: also where headers lie about
/// lengths that reach over many messages.
#[test]
fn whole_messages_between_destroyed_ones_are_found() {
    for (every, seed) in [(2, 1), (2, 2), (3, 3), (7, 4)] {
        let damaged = Damaged {
            trace: Trace {
                messages: 1000,
                garbage: 20,
                message_bytes: 209,
                seed,
            },
            every: every.try_into().expect("not zero"),
        };
        let mut bytes = Vec::new();
        let made = damaged.write_to(&mut bytes).expect("writing to a vector");
        let outcome = read(&bytes, options(Output::Ranges));
        assert_eq!(outcome.bytes(), bytes);
        assert_eq!(outcome.messages().len() as u64, damaged.whole_messages());
        assert_eq!(outcome.damaged(), 0);
        let skipped: usize = outcome.skipped().iter().map(|(bytes, _)| bytes).sum();
        assert_eq!(skipped as u64, made.garbage_bytes);
        let reasons: Vec<SkipReason> = outcome.skipped().into_iter().map(|skip| skip.1).collect();
        assert!(reasons.contains(&SkipReason::Garbage) && reasons.contains(&SkipReason::Malformed));
    }
}
