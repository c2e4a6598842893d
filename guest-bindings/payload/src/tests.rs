//! The writers' bytes are rkyv's bytes. Here and not in `tests/`, since the schema's types are private.

use alloc::{string::ToString, vec, vec::Vec};

use crate::{
    AttachmentRef, BatchWriter, SkipReason, SourceWriter, State, Tail,
    layout::{parser, source},
    schema,
};

fn rkyv_bytes(root: &schema::ParserRoot) -> Vec<u8> {
    rkyv::to_bytes::<rkyv::rancor::Panic>(root)
        .unwrap_or_default()
        .to_vec()
}

fn root(tail: schema::Tail) -> schema::ParserRoot {
    schema::ParserRoot {
        text: vec![],
        cells: vec![],
        items: vec![],
        data: vec![],
        attachments: vec![],
        attachment_messages: vec![],
        tail,
        magic: parser::MAGIC,
        version: parser::VERSION,
    }
}

fn tail(state: u8) -> schema::Tail {
    schema::Tail {
        state,
        zero: [0; 3],
        needed: 0,
        error_start: 0,
        error_len: 0,
    }
}

fn item(consumed: u32, raw: (u32, u32), cells_end: u32, codes: [u8; 3]) -> schema::Item {
    let [kind, flags, reason] = codes;
    schema::Item {
        consumed,
        raw_start: raw.0,
        raw_len: raw.1,
        cells_end,
        kind,
        flags,
        reason,
        zero: 0,
    }
}

#[test]
fn an_empty_batch_is_laid_out_as_by_rkyv() {
    assert_eq!(
        BatchWriter::new().finish(Tail::Complete),
        rkyv_bytes(&root(tail(0)))
    );
}

#[test]
fn a_batch_of_everything_is_laid_out_as_by_rkyv() {
    let mut out = BatchWriter::new();
    out.text().push_str("größe");
    out.end_cell();
    out.end_cell();
    out.message(10, 2..9, true);
    out.skipped(3, SkipReason::Garbage);
    out.text().push_str("dropped");
    out.filtered(4);
    let first = AttachmentRef {
        name: "a.txt",
        size: 1 << 40 | 7,
        created: Some("Monday"),
        modified: None,
        messages: &[3, u64::MAX - 1],
        data: &[1, 2, 3, 4, 5],
    };
    out.attachment(5, None, &first);
    out.text().push_str("x");
    let second = AttachmentRef {
        name: "b",
        modified: Some(""),
        messages: &[1 << 32],
        ..AttachmentRef::default()
    };
    out.attachment(6, Some(0..6), &second);
    let len = out.archived_len();
    let bytes = out.finish(Tail::Error("no more"));

    let expected = schema::ParserRoot {
        text: "größexa.txtMondaybno more".to_string().into_bytes(),
        cells: vec![7, 7, 8],
        items: vec![
            item(10, (2, 7), 2, [0, 1, 0]),
            item(3, (0, 0), 2, [4, 0, 1]),
            item(4, (0, 0), 2, [3, 0, 0]),
            item(5, (0, 0), 2, [1, 0, 0]),
            item(6, (0, 6), 3, [2, 0, 0]),
        ],
        data: vec![1, 2, 3, 4, 5],
        attachments: vec![
            schema::Attachment {
                data_end: 5,
                messages_end: 2,
                size_low: 7,
                size_high: 256,
                flags: 1,
                name_start: 8,
                name_len: 5,
                created_start: 13,
                created_len: 6,
                modified_start: 0,
                modified_len: 0,
            },
            schema::Attachment {
                data_end: 5,
                messages_end: 3,
                size_low: 0,
                size_high: 0,
                flags: 2,
                name_start: 19,
                name_len: 1,
                created_start: 0,
                created_len: 0,
                modified_start: 20,
                modified_len: 0,
            },
        ],
        attachment_messages: vec![
            schema::MessageNumber { low: 3, high: 0 },
            schema::MessageNumber {
                low: u32::MAX - 1,
                high: u32::MAX,
            },
            schema::MessageNumber { low: 0, high: 1 },
        ],
        tail: schema::Tail {
            state: 4,
            zero: [0; 3],
            needed: 0,
            error_start: 20,
            error_len: 7,
        },
        ..root(tail(4))
    };
    assert_eq!(bytes, rkyv_bytes(&expected));
    assert_eq!(
        len,
        bytes.len() - 8,
        "without the text of the error, and its padding"
    );
}

#[test]
fn a_writer_starts_every_batch_afresh() {
    let mut out = BatchWriter::new();
    out.text().push_str("first");
    out.message(5, 0..5, false);
    out.text().push_str("open");
    let first = out.finish(Tail::Incomplete { needed: 7 });
    let mut expected = root(schema::Tail {
        needed: 7,
        ..tail(1)
    });
    expected.text = b"first".to_vec();
    expected.cells = vec![5];
    expected.items = vec![item(5, (0, 5), 1, [0, 0, 0])];
    assert_eq!(first, rkyv_bytes(&expected));

    out.recycle(first);
    assert_eq!(out.finish(Tail::End), rkyv_bytes(&root(tail(3))));
}

fn rkyv_source(root: &schema::SourceRoot) -> Vec<u8> {
    rkyv::to_bytes::<rkyv::rancor::Panic>(root)
        .unwrap_or_default()
        .to_vec()
}

#[test]
fn a_chunk_is_laid_out_as_by_rkyv() {
    let mut out = SourceWriter::with_capacity(10);
    assert_eq!(out.push(b"abc"), 3);
    out.segment(54, Some(u64::MAX - 1));
    out.spare()[..2].copy_from_slice(b"de");
    out.advance(2);
    out.skip(9);
    let expected = schema::SourceRoot {
        bytes: b"abcde".to_vec(),
        segments: vec![
            schema::Segment {
                end: 3,
                skipped: 54,
                has_timestamp: 1,
                timestamp_low: u32::MAX - 1,
                timestamp_high: u32::MAX,
            },
            schema::Segment {
                end: 5,
                skipped: 9,
                has_timestamp: 0,
                timestamp_low: 0,
                timestamp_high: 0,
            },
        ],
        state: 2,
        retry_after_ms: 40,
        magic: source::MAGIC,
        version: source::VERSION,
    };
    assert_eq!(
        out.finish(State::RetryLater { after_ms: 40 }),
        rkyv_source(&expected)
    );
}

#[test]
fn an_empty_chunk_is_laid_out_as_by_rkyv() {
    let expected = schema::SourceRoot {
        bytes: vec![],
        segments: vec![],
        state: 1,
        retry_after_ms: 0,
        magic: source::MAGIC,
        version: source::VERSION,
    };
    assert_eq!(
        SourceWriter::with_capacity(0).finish(State::End),
        rkyv_source(&expected)
    );
}

#[test]
fn an_archive_has_exactly_the_capacity_it_needs_when_nothing_was_guessed() {
    let mut out = SourceWriter::with_capacity(1000);
    out.spare().fill(7);
    out.advance(1000);
    let bytes = out.finish(State::More);
    assert_eq!((bytes.len(), bytes.capacity()), (1052, 1052));

    let mut out = BatchWriter::new();
    out.message(3, 0..3, false);
    let bytes = out.finish(Tail::Complete);
    assert_eq!((bytes.len(), bytes.capacity()), (92, 92));
}
