//! The archives as rkyv's types: what the readers hand to rkyv's checked access.
//!
//! Deriving from plain structs, not writing archived types by hand, so that rkyv itself says what the layout is; the
//! assertions at the end then hold the layout fast, and the crate's own constants to it. Codes (kinds, reasons,
//! states) are plain integers here: what they may be is a question of meaning, asked in the readers' own pass.

// Only the tests make values of these types: the readers use rkyv's archived twins of them.
#![cfg_attr(not(test), allow(dead_code))]

use alloc::vec::Vec;

use rkyv::Archive;
#[cfg(test)]
use rkyv::Serialize;

/// The root of a parser's archive.
#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct ParserRoot {
    pub text: Vec<u8>,
    pub cells: Vec<u32>,
    pub items: Vec<Item>,
    pub data: Vec<u8>,
    pub attachments: Vec<Attachment>,
    pub attachment_messages: Vec<MessageNumber>,
    pub tail: Tail,
    pub magic: [u8; 4],
    pub version: u32,
}

#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct Item {
    pub consumed: u32,
    pub raw_start: u32,
    pub raw_len: u32,
    pub cells_end: u32,
    pub kind: u8,
    pub flags: u8,
    pub reason: u8,
    pub zero: u8,
}

#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct Attachment {
    pub data_end: u32,
    pub messages_end: u32,
    pub size_low: u32,
    pub size_high: u32,
    pub flags: u32,
    pub name_start: u32,
    pub name_len: u32,
    pub created_start: u32,
    pub created_len: u32,
    pub modified_start: u32,
    pub modified_len: u32,
}

/// A `u64` in halves, since nothing in an archive is aligned to more than four bytes.
#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug, PartialEq, Eq))]
pub(crate) struct MessageNumber {
    pub low: u32,
    pub high: u32,
}

#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct Tail {
    pub state: u8,
    pub zero: [u8; 3],
    pub needed: u32,
    pub error_start: u32,
    pub error_len: u32,
}

/// The root of a source's archive.
#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct SourceRoot {
    pub bytes: Vec<u8>,
    pub segments: Vec<Segment>,
    pub state: u32,
    pub retry_after_ms: u32,
    pub magic: [u8; 4],
    pub version: u32,
}

#[derive(Archive)]
#[cfg_attr(test, derive(Serialize))]
#[rkyv(derive(Debug))]
pub(crate) struct Segment {
    pub end: u32,
    pub skipped: u32,
    pub has_timestamp: u32,
    pub timestamp_low: u32,
    pub timestamp_high: u32,
}

/// Asserts size, alignment and every field's offset of an archived type.
macro_rules! frozen {
    ($type:ty, $size:expr, { $($field:ident: $offset:expr),* $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size);
            assert!(align_of::<$type>() == crate::layout::ALIGN);
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)*
        };
    };
}

frozen!(ArchivedParserRoot, crate::layout::parser::ROOT_SIZE, {
    text: 0, cells: 8, items: 16, data: 24, attachments: 32,
    attachment_messages: 40, tail: crate::layout::parser::TAIL_OFFSET, magic: 64, version: 68,
});
frozen!(ArchivedItem, crate::layout::parser::ITEM_SIZE, {
    consumed: 0, raw_start: 4, raw_len: 8, cells_end: 12, kind: 16, flags: 17, reason: 18, zero: 19,
});
frozen!(ArchivedAttachment, crate::layout::parser::ATTACHMENT_SIZE, {
    data_end: 0, messages_end: 4, size_low: 8, size_high: 12, flags: 16, name_start: 20, name_len: 24,
    created_start: 28, created_len: 32, modified_start: 36, modified_len: 40,
});
frozen!(ArchivedMessageNumber, crate::layout::parser::MESSAGE_NUMBER_SIZE, { low: 0, high: 4 });
frozen!(ArchivedTail, crate::layout::parser::TAIL_SIZE, {
    state: 0, zero: 1, needed: 4, error_start: 8, error_len: 12,
});
frozen!(ArchivedSourceRoot, crate::layout::source::ROOT_SIZE, {
    bytes: 0, segments: 8, state: 16, retry_after_ms: 20, magic: 24, version: 28,
});
frozen!(ArchivedSegment, crate::layout::source::SEGMENT_SIZE, {
    end: 0, skipped: 4, has_timestamp: 8, timestamp_low: 12, timestamp_high: 16,
});
frozen!(rkyv::vec::ArchivedVec<u8>, crate::layout::ARRAY_SIZE, {});
const _: () = assert!(size_of::<rkyv::Archived<u32>>() == crate::layout::parser::CELL_SIZE);
const _: () = assert!(align_of::<rkyv::Archived<u32>>() == crate::layout::ALIGN);
