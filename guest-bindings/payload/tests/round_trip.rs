//! What is written is what is read, whatever it is.

use std::{fmt::Write, ops::Range};

use chipmunk_payload::{
    AlignedBytes, AttachmentRef, AttachmentView, Batch, BatchWriter, ItemKind, ItemView, Segment,
    SkipReason, SourceChunk, SourceWriter, State, Tail,
};
use proptest::{collection::vec, option, prelude::*};

#[derive(Debug, Clone, PartialEq)]
struct Attached {
    name: String,
    size: u64,
    created: Option<String>,
    modified: Option<String>,
    messages: Vec<u64>,
    data: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Item {
    Message {
        consumed: u32,
        raw: Range<u32>,
        cells: Vec<String>,
        damaged: bool,
        attached: Option<Attached>,
    },
    Attachment {
        consumed: u32,
        attached: Attached,
    },
    Filtered {
        consumed: u32,
    },
    Skipped {
        consumed: u32,
        reason: SkipReason,
    },
}

#[derive(Debug, Clone)]
enum Ending {
    Complete,
    Incomplete(u32),
    Full,
    End,
    Error(String),
}

fn attached() -> impl Strategy<Value = Attached> {
    (
        ".{0,8}",
        any::<u64>(),
        option::of(".{0,8}"),
        option::of(".{0,8}"),
        vec(any::<u64>(), 0..4),
        vec(any::<u8>(), 0..9),
    )
        .prop_map(|(name, size, created, modified, messages, data)| Attached {
            name,
            size,
            created,
            modified,
            messages,
            data,
        })
}

/// A number of bytes and a range in them.
fn consumed() -> impl Strategy<Value = (u32, Range<u32>)> {
    (0u32..1000).prop_flat_map(|consumed| {
        (
            Just(consumed),
            (0..=consumed)
                .prop_flat_map(move |start| (start..=consumed).prop_map(move |end| start..end)),
        )
    })
}

fn item() -> impl Strategy<Value = Item> {
    let reason = (0u8..5).prop_map(|code| SkipReason::from_code(code).unwrap());
    prop_oneof![
        4 => (consumed(), vec(".{0,6}", 0..4), any::<bool>()).prop_map(|((consumed, raw), cells, damaged)| {
            Item::Message { consumed, raw, cells, damaged, attached: None }
        }),
        1 => (consumed(), vec(".{0,6}", 0..4), attached()).prop_map(|((consumed, raw), cells, attached)| {
            Item::Message { consumed, raw, cells, damaged: false, attached: Some(attached) }
        }),
        1 => (0u32..1000, attached()).prop_map(|(consumed, attached)| Item::Attachment { consumed, attached }),
        1 => (0u32..1000).prop_map(|consumed| Item::Filtered { consumed }),
        1 => (1u32..1000, reason).prop_map(|(consumed, reason)| Item::Skipped { consumed, reason }),
    ]
}

fn end() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Complete),
        any::<u32>().prop_map(Ending::Incomplete),
        Just(Ending::Full),
        Just(Ending::End),
        ".{0,12}".prop_map(Ending::Error),
    ]
}

impl Attached {
    fn as_ref(&self) -> AttachmentRef<'_> {
        AttachmentRef {
            name: &self.name,
            size: self.size,
            created: self.created.as_deref(),
            modified: self.modified.as_deref(),
            messages: &self.messages,
            data: &self.data,
        }
    }

    fn read(view: AttachmentView<'_>) -> Self {
        let (messages, announced) = (view.messages(), view.messages().len());
        let messages: Vec<u64> = messages.collect();
        assert_eq!(messages.len(), announced);
        Self {
            name: view.name.to_string(),
            size: view.size,
            created: view.created.map(str::to_string),
            modified: view.modified.map(str::to_string),
            messages,
            data: view.data.to_vec(),
        }
    }
}

impl Ending {
    fn tail(&self) -> Tail<'_> {
        match self {
            Ending::Complete => Tail::Complete,
            Ending::Incomplete(needed) => Tail::Incomplete { needed: *needed },
            Ending::Full => Tail::Full,
            Ending::End => Tail::End,
            Ending::Error(text) => Tail::Error(text),
        }
    }
}

fn write(out: &mut BatchWriter, items: &[Item]) {
    for (index, item) in items.iter().enumerate() {
        if index % 3 == 0 {
            // A parser that changes its mind leaves nothing behind.
            out.text().push_str("ø");
            out.end_cell();
            out.text().push('x');
            out.discard();
        }
        match item {
            Item::Message {
                consumed,
                raw,
                cells,
                damaged,
                attached,
            } => {
                for cell in cells {
                    match cell.len() % 3 {
                        0 => out.text().push_str(cell),
                        1 => out.text().push_lossy(cell.as_bytes()),
                        _ => write!(out.text(), "{cell}").unwrap(),
                    }
                    out.end_cell();
                }
                match attached {
                    Some(attached) => {
                        out.attachment(*consumed, Some(raw.clone()), &attached.as_ref())
                    }
                    None => out.message(*consumed, raw.clone(), *damaged),
                }
            }
            Item::Attachment { consumed, attached } => {
                out.attachment(*consumed, None, &attached.as_ref())
            }
            Item::Filtered { consumed } => out.filtered(*consumed),
            Item::Skipped { consumed, reason } => out.skipped(*consumed, *reason),
        }
    }
}

fn check(batch: &Batch, items: &[Item]) {
    assert_eq!(batch.len(), items.len());
    let mut offset = 0;
    let mut cells_before = 0;
    for (index, (item, view)) in items.iter().zip(batch.iter()).enumerate() {
        let (kind, consumed, cells, attached) = match item {
            Item::Message {
                consumed,
                cells,
                attached: Some(attached),
                ..
            } => (
                ItemKind::MessageAndAttachment,
                consumed,
                &cells[..],
                Some(attached),
            ),
            Item::Message {
                consumed, cells, ..
            } => (ItemKind::Message, consumed, &cells[..], None),
            Item::Attachment { consumed, attached } => {
                (ItemKind::Attachment, consumed, &[][..], Some(attached))
            }
            Item::Filtered { consumed } => (ItemKind::Filtered, consumed, &[][..], None),
            Item::Skipped { consumed, .. } => (ItemKind::Skipped, consumed, &[][..], None),
        };
        let raw = match item {
            Item::Message { raw, .. } => offset + raw.start as usize..offset + raw.end as usize,
            _ => offset..offset,
        };
        let expected = ItemView {
            kind,
            offset,
            consumed: *consumed as usize,
            raw,
            damaged: matches!(item, Item::Message { damaged: true, .. }),
            reason: match item {
                Item::Skipped { reason, .. } => *reason,
                _ => SkipReason::Unspecified,
            },
            cells: cells_before..cells_before + cells.len(),
        };
        assert_eq!(batch.item(index).as_ref(), Some(&expected));
        assert_eq!(view, expected);
        assert_eq!(batch.cells(index).collect::<Vec<_>>(), cells);
        for separator in ["", "\t", " \u{b7} "] {
            let mut joined = b"before".to_vec();
            batch.cells(index).join_into(separator, &mut joined);
            assert_eq!(
                joined,
                [&b"before"[..], cells.join(separator).as_bytes()].concat()
            );
        }
        assert_eq!(
            batch.attachment(index).map(Attached::read).as_ref(),
            attached
        );
        offset += *consumed as usize;
        cells_before += cells.len();
    }
    assert_eq!(batch.consumed(), offset);
}

fn bytes_of(items: &[Item]) -> usize {
    let consumed = |item: &Item| match item {
        Item::Message { consumed, .. }
        | Item::Attachment { consumed, .. }
        | Item::Filtered { consumed }
        | Item::Skipped { consumed, .. } => *consumed as usize,
    };
    items.iter().map(consumed).sum()
}

proptest! {
    #[test]
    fn batches_read_as_they_were_written(first in vec(item(), 0..20), second in vec(item(), 0..20), end in end()) {
        let mut out = BatchWriter::new();
        for items in [first, second] {
            write(&mut out, &items);
            let expected_len = out.archived_len();
            prop_assert_eq!(out.len(), items.len());
            prop_assert_eq!(out.consumed(), bytes_of(&items) as u64);
            let end = if bytes_of(&items) == 0 && matches!(end, Ending::Full) { Ending::Complete } else { end.clone() };
            let archive = out.finish(end.tail());
            if !matches!(end, Ending::Error(_)) {
                prop_assert_eq!(archive.len(), expected_len);
            }
            let batch = Batch::check(AlignedBytes::from(archive), bytes_of(&items)).unwrap();
            check(&batch, &items);
            prop_assert_eq!(batch.tail(), end.tail());
            prop_assert!(out.is_empty());
            out.recycle(batch.into_bytes().into_buffer());
        }
    }

    #[test]
    fn a_batch_is_full_before_it_is_too_large(items in vec(item(), 1..200), max in 200u32..4000) {
        let mut out = BatchWriter::with_max_bytes(max);
        prop_assert!(!out.is_full());
        let mut taken: Vec<Item> = Vec::new();
        let mut largest = 0;
        for item in items {
            let before = out.archived_len();
            write(&mut out, std::slice::from_ref(&item));
            taken.push(item);
            let grown = out.archived_len() - before;
            // Only an item that is larger than all before it can go over the limit.
            prop_assert!(out.archived_len() <= max as usize || grown > largest || taken.len() == 1);
            largest = largest.max(grown);
            if out.is_full() {
                break;
            }
        }
        let total = bytes_of(&taken);
        let batch = Batch::check(AlignedBytes::from(out.finish(Tail::Complete)), total).unwrap();
        check(&batch, &taken);
    }

    #[test]
    fn lossy_text_is_what_the_standard_library_makes(bytes in vec(any::<u8>(), 0..40)) {
        let mut out = BatchWriter::new();
        out.text().push_lossy(&bytes);
        out.end_cell();
        out.message(0, 0..0, false);
        let batch = Batch::check(AlignedBytes::from(out.finish(Tail::Complete)), 0).unwrap();
        prop_assert_eq!(batch.cells(0).next(), Some(&*String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn chunks_read_as_they_were_written(
        packets in vec((vec(any::<u8>(), 0..9), 0u32..100, option::of(any::<u64>())), 0..9),
        state in prop_oneof![
            Just(State::More),
            Just(State::End),
            any::<u32>().prop_map(|after_ms| State::RetryLater { after_ms }),
        ],
        max in 0usize..60,
    ) {
        let mut out = SourceWriter::with_capacity(max);
        let (mut bytes, mut segments) = (Vec::new(), Vec::new());
        for (index, (packet, skipped, timestamp)) in packets.iter().enumerate() {
            let start = bytes.len();
            let fits = packet.len().min(max - start);
            match index % 3 {
                0 => prop_assert_eq!(out.push(packet), fits),
                1 => prop_assert_eq!(out.read_from(&mut &packet[..]).unwrap(), fits),
                _ => {
                    out.spare()[..fits].copy_from_slice(&packet[..fits]);
                    out.advance(fits);
                }
            }
            out.segment(*skipped, *timestamp);
            bytes.extend_from_slice(&packet[..fits]);
            segments.push(Segment { start, end: bytes.len(), skipped: *skipped, timestamp: *timestamp });
            prop_assert_eq!((out.len(), out.remaining()), (bytes.len(), max - bytes.len()));
        }
        let state = if bytes.is_empty() && state == State::More { State::End } else { state };
        let archive = out.finish(state);
        let chunk = SourceChunk::check(&archive, max).unwrap();
        prop_assert_eq!(chunk.bytes(), &bytes);
        prop_assert_eq!(chunk.segments().collect::<Vec<_>>(), segments);
        prop_assert_eq!(chunk.state(), state);
    }
}

#[test]
fn a_reader_that_fails_leaves_what_it_gave() {
    struct Breaks(&'static [u8]);
    impl std::io::Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.split_first() {
                Some((first, rest)) => {
                    self.0 = rest;
                    buffer[0] = *first;
                    Ok(1)
                }
                None => Err(std::io::Error::other("broken")),
            }
        }
    }
    let mut out = SourceWriter::with_capacity(10);
    assert_eq!(
        out.read_from(&mut Breaks(b"abc")).unwrap_err().to_string(),
        "broken"
    );
    let archive = out.finish(State::End);
    assert_eq!(SourceChunk::check(&archive, 10).unwrap().bytes(), b"abc");
}
