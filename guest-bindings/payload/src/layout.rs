//! The numbers of `wit/PAYLOAD.md`: sizes and codes of everything in the archives.
//!
//! The writers use these and not rkyv's types, which may be absent. Where they are present, `schema` asserts that
//! both say the same. A released version of the layout is never edited; another one gets another version number.

/// Alignment, in bytes, of everything in an archive that is not a byte.
pub const ALIGN: usize = 4;

/// An archive holds fewer bytes than this: its relative pointers are signed 32-bit numbers.
pub const MAX_ARCHIVE_BYTES: usize = i32::MAX as usize;

/// Bytes of an array's entry in a root: an `i32` pointer relative to its own place, and a `u32` count of elements.
pub const ARRAY_SIZE: usize = 8;

/// Bytes of magic and version, at the end of every archive.
pub const TRAILER_SIZE: usize = 8;

/// The archive of a parser.
pub mod parser {
    /// The four bytes before the version.
    pub const MAGIC: [u8; 4] = *b"CMPA";
    /// The version of this layout. History: 1, as released with WIT 0.2.0.
    pub const VERSION: u32 = 1;
    /// Bytes of the root, which is the end of the archive: six arrays, the tail, magic and version.
    pub const ROOT_SIZE: usize = 72;
    /// Where the tail begins in the root.
    pub const TAIL_OFFSET: usize = 48;
    /// Bytes of the tail.
    pub const TAIL_SIZE: usize = 16;
    /// Bytes of an entry in the array of cells.
    pub const CELL_SIZE: usize = 4;
    /// Bytes of an item.
    pub const ITEM_SIZE: usize = 20;
    /// Bytes of an attachment.
    pub const ATTACHMENT_SIZE: usize = 44;
    /// Bytes of the number of a message that carried an attachment: its lower half, then its upper half.
    pub const MESSAGE_NUMBER_SIZE: usize = 8;

    /// `Item::flags`: the message's payload does not decode as its header declares.
    pub const FLAG_DAMAGED: u8 = 1;
    /// `Attachment::flags`: the attachment has a date of creation.
    pub const FLAG_CREATED: u32 = 1;
    /// `Attachment::flags`: the attachment has a date of modification.
    pub const FLAG_MODIFIED: u32 = 2;

    /// `Tail::state`: all of the input was consumed.
    pub const TAIL_COMPLETE: u8 = 0;
    /// `Tail::state`: what is left of the input is the beginning of something.
    pub const TAIL_INCOMPLETE: u8 = 1;
    /// `Tail::state`: the archive is as large as it may be; the rest of the input is yet to be looked at.
    pub const TAIL_FULL: u8 = 2;
    /// `Tail::state`: nothing more will be found in this input.
    pub const TAIL_END: u8 = 3;
    /// `Tail::state`: the parser cannot go on.
    pub const TAIL_ERROR: u8 = 4;
}

/// The archive of a byte source.
pub mod source {
    /// The four bytes before the version.
    pub const MAGIC: [u8; 4] = *b"CMSO";
    /// The version of this layout. History: 1, as released with WIT 0.2.0.
    pub const VERSION: u32 = 1;
    /// Bytes of the root, which is the end of the archive: two arrays, the state, magic and version.
    pub const ROOT_SIZE: usize = 32;
    /// Bytes of a segment.
    pub const SEGMENT_SIZE: usize = 20;

    /// `state`: more will follow.
    pub const STATE_MORE: u32 = 0;
    /// `state`: nothing will follow.
    pub const STATE_END: u32 = 1;
    /// `state`: there is nothing more at present.
    pub const STATE_RETRY_LATER: u32 = 2;
}
