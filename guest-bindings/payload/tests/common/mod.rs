//! The archives that several tests look at.

use chipmunk_payload::{AttachmentRef, BatchWriter, SkipReason, SourceWriter, State, Tail};

/// An archive, and how long the input was that it is an answer to, or how many bytes were asked for.
#[allow(dead_code, reason = "every test looks at what it is about")]
pub struct Case {
    pub name: &'static str,
    pub archive: Vec<u8>,
    pub input: usize,
}

fn case(name: &'static str, input: usize, archive: Vec<u8>) -> Case {
    Case {
        name,
        archive,
        input,
    }
}

/// Parsers' archives: each part of the layout is in one of them.
pub fn batches() -> Vec<Case> {
    let mut out = BatchWriter::new();
    let mut cases = vec![case("batch-empty", 0, out.finish(Tail::Complete))];

    // The worked example of PAYLOAD.md: a message of three bytes in an envelope of four, five bytes of
    // garbage, four bytes left.
    out.text().push_str("hi");
    out.end_cell();
    out.text().push_str("größer");
    out.end_cell();
    out.message(7, 4..7, false);
    out.skipped(5, SkipReason::Garbage);
    cases.push(case(
        "batch-example",
        16,
        out.finish(Tail::Incomplete { needed: 12 }),
    ));

    for length in 0..3 {
        out.message(100, 0..100, false);
        out.message(50, 16..16 + length, true);
    }
    cases.push(case("batch-ranges", 450, out.finish(Tail::Complete)));

    for reason in [
        SkipReason::Unspecified,
        SkipReason::Garbage,
        SkipReason::Truncated,
        SkipReason::Malformed,
        SkipReason::Unsupported,
    ] {
        out.filtered(3);
        out.skipped(1, reason);
    }
    cases.push(case("batch-skipped", 1000, out.finish(Tail::Full)));

    out.text().push_str("a file");
    let file = AttachmentRef {
        name: "übersicht.txt",
        size: 1 << 33,
        created: Some("2023-11-14"),
        modified: Some(""),
        messages: &[0, 1 << 32 | 7],
        data: b"seven b",
    };
    out.attachment(30, Some(2..30), &file);
    out.attachment(
        0,
        None,
        &AttachmentRef {
            name: "empty",
            ..AttachmentRef::default()
        },
    );
    out.attachment(
        0,
        None,
        &AttachmentRef {
            name: "one message",
            messages: &[u64::MAX],
            ..AttachmentRef::default()
        },
    );
    cases.push(case("batch-attachments", 40, out.finish(Tail::End)));

    out.text().push_str("x");
    out.message(1, 0..1, false);
    cases.push(case("batch-error", 2, out.finish(Tail::Error("kaputt: ☹"))));
    cases
}

/// Sources' archives.
pub fn chunks() -> Vec<Case> {
    let mut cases = vec![
        case(
            "chunk-end",
            8,
            SourceWriter::with_capacity(8).finish(State::End),
        ),
        case(
            "chunk-retry",
            8,
            SourceWriter::with_capacity(8).finish(State::RetryLater { after_ms: 250 }),
        ),
    ];

    let mut out = SourceWriter::with_capacity(5);
    out.push(b"plain bytes");
    cases.push(case("chunk-plain", 5, out.finish(State::More)));

    // The worked example of PAYLOAD.md: two packets behind headers of 42 bytes, and an uninteresting one of 60.
    let mut out = SourceWriter::with_capacity(64);
    out.push(b"abc");
    out.segment(42, Some(1_700_000_000_123_456_789));
    out.push(b"defg");
    out.segment(42, Some(1_700_000_000_123_456_790));
    out.skip(60);
    cases.push(case("chunk-example", 64, out.finish(State::End)));
    cases
}
