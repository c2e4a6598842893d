//! Archives as they were when the layout was frozen: the writers still make the same bytes, and the readers still read
//! them. With `CHIPMUNK_PAYLOAD_GOLDEN=write` files that are missing are written; a released one is never changed.

use std::path::PathBuf;

use chipmunk_payload::{
    AlignedBytes, AttachmentRef, Batch, ItemKind, ItemView, Segment, SkipReason, SourceChunk,
    State, Tail,
};

mod common;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.v1.bin"))
}

fn read(name: &str) -> Vec<u8> {
    let path = golden(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_writers_make_the_frozen_bytes() {
    for common::Case { name, archive, .. } in common::batches().into_iter().chain(common::chunks())
    {
        let path = golden(name);
        if !path.exists()
            && std::env::var_os("CHIPMUNK_PAYLOAD_GOLDEN").is_some_and(|what| what == "write")
        {
            std::fs::write(&path, &archive).unwrap();
        }
        assert_eq!(archive, read(name), "{name}");
    }
}

fn item(kind: ItemKind, offset: usize, consumed: usize) -> ItemView {
    let (raw, cells) = (offset..offset, 0..0);
    ItemView {
        kind,
        offset,
        consumed,
        raw,
        damaged: false,
        reason: SkipReason::Unspecified,
        cells,
    }
}

fn batch(name: &str, input: usize) -> Batch {
    Batch::check(AlignedBytes::from(read(name)), input)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn items(batch: &Batch) -> Vec<ItemView> {
    let all: Vec<ItemView> = batch.iter().collect();
    let each: Vec<ItemView> = (0..batch.len())
        .filter_map(|index| batch.item(index))
        .collect();
    assert_eq!(all, each);
    assert_eq!(batch.item(batch.len()), None);
    all
}

#[test]
fn the_frozen_example_reads_as_the_document_says() {
    let batch = batch("batch-example", 16);
    let expected = [
        ItemView {
            raw: 4..7,
            cells: 0..2,
            ..item(ItemKind::Message, 0, 7)
        },
        ItemView {
            reason: SkipReason::Garbage,
            cells: 2..2,
            ..item(ItemKind::Skipped, 7, 5)
        },
    ];
    assert_eq!(items(&batch), expected);
    assert_eq!(batch.cells(0).collect::<Vec<_>>(), ["hi", "größer"]);
    assert_eq!(batch.cells(1).len(), 0);
    assert_eq!(batch.cells(2).len(), 0);
    assert_eq!(batch.tail(), Tail::Incomplete { needed: 12 });
    assert_eq!(batch.consumed(), 12);
}

#[test]
fn frozen_ranges_read_as_they_were_written() {
    let batch = batch("batch-ranges", 450);
    let expected: Vec<ItemView> = (0..3)
        .flat_map(|length| {
            let start = 150 * length;
            [
                ItemView {
                    raw: start..start + 100,
                    ..item(ItemKind::Message, start, 100)
                },
                ItemView {
                    raw: start + 116..start + 116 + length,
                    damaged: true,
                    ..item(ItemKind::Message, start + 100, 50)
                },
            ]
        })
        .collect();
    assert_eq!(items(&batch), expected);
    assert_eq!(batch.tail(), Tail::Complete);
}

#[test]
fn frozen_skips_read_as_they_were_written() {
    let batch = batch("batch-skipped", 1000);
    let reasons: Vec<SkipReason> = items(&batch)
        .into_iter()
        .filter(|item| item.kind == ItemKind::Skipped)
        .map(|item| item.reason)
        .collect();
    let expected = [
        SkipReason::Unspecified,
        SkipReason::Garbage,
        SkipReason::Truncated,
        SkipReason::Malformed,
        SkipReason::Unsupported,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(
        (batch.len(), batch.consumed(), batch.tail()),
        (10, 20, Tail::Full)
    );
}

#[test]
fn frozen_attachments_read_as_they_were_written() {
    let batch = batch("batch-attachments", 40);
    let expected = [
        ItemView {
            raw: 2..30,
            cells: 0..1,
            ..item(ItemKind::MessageAndAttachment, 0, 30)
        },
        ItemView {
            cells: 1..1,
            ..item(ItemKind::Attachment, 30, 0)
        },
        ItemView {
            cells: 1..1,
            ..item(ItemKind::Attachment, 30, 0)
        },
    ];
    assert_eq!(items(&batch), expected);
    let file = AttachmentRef {
        name: "übersicht.txt",
        size: 1 << 33,
        created: Some("2023-11-14"),
        modified: Some(""),
        messages: &[0, 1 << 32 | 7],
        data: b"seven b",
    };
    let empty = AttachmentRef {
        name: "empty",
        ..AttachmentRef::default()
    };
    let one_message = AttachmentRef {
        name: "one message",
        messages: &[u64::MAX],
        ..AttachmentRef::default()
    };
    for (index, written) in [file, empty, one_message].into_iter().enumerate() {
        let view = batch.attachment(index).unwrap();
        let messages: Vec<u64> = view.messages().collect();
        assert_eq!(view.messages().len(), messages.len());
        let read = AttachmentRef {
            name: view.name,
            size: view.size,
            created: view.created,
            modified: view.modified,
            messages: &messages,
            data: view.data,
        };
        assert_eq!(read, written);
    }
    assert_eq!(batch.attachment(3), None);
    assert_eq!(batch.tail(), Tail::End);
}

#[test]
fn a_frozen_error_reads_as_it_was_written() {
    let error = batch("batch-error", 2);
    assert_eq!((error.len(), error.tail()), (1, Tail::Error("kaputt: ☹")));
    let empty = batch("batch-empty", 0);
    assert_eq!((empty.len(), empty.tail()), (0, Tail::Complete));
}

#[test]
fn frozen_chunks_read_as_they_were_written() {
    let read_chunk = |name: &str, asked: usize| {
        let archive = read(name);
        let chunk =
            SourceChunk::check(&archive, asked).unwrap_or_else(|error| panic!("{name}: {error}"));
        (
            chunk.bytes().to_vec(),
            chunk.segments().collect::<Vec<_>>(),
            chunk.state(),
        )
    };
    let segment = |start, end, skipped, timestamp| Segment {
        start,
        end,
        skipped,
        timestamp,
    };
    assert_eq!(read_chunk("chunk-end", 0), (vec![], vec![], State::End));
    assert_eq!(
        read_chunk("chunk-retry", 0),
        (vec![], vec![], State::RetryLater { after_ms: 250 })
    );
    assert_eq!(
        read_chunk("chunk-plain", 5),
        (b"plain".to_vec(), vec![segment(0, 5, 0, None)], State::More)
    );
    let segments = vec![
        segment(0, 3, 42, Some(1_700_000_000_123_456_789)),
        segment(3, 7, 42, Some(1_700_000_000_123_456_790)),
        segment(7, 7, 60, None),
    ];
    assert_eq!(
        read_chunk("chunk-example", 7),
        (b"abcdefg".to_vec(), segments, State::End)
    );
}
