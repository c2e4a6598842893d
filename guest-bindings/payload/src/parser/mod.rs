//! What a parser found in a chunk: the archive that `parse` returns.
//!
//! A batch is a list of items that follow one another in the input without a gap, and a tail that says why the list
//! ended. Each item consumes some bytes. Messages have cells (pieces of text: none, one line, or the columns) and a
//! range of the input that is the message itself.
//!
//! This module is the vocabulary; `writer` lays archives out, `reader` checks them.

mod cursor;
mod decimal;
mod plain;
#[cfg(feature = "reader")]
mod reader;
mod separated;
mod text;
mod writer;
mod written;

pub use cursor::TextCursor;
#[cfg(feature = "reader")]
pub use reader::{AttachmentView, Batch, Cells, ItemView, Items, MessageNumbers};
#[cfg(feature = "reader")]
pub(crate) use reader::{check_trailer, explain_arrays, offset_in};
pub use text::TextArena;
pub use writer::{BatchWriter, CellCursor};
pub(crate) use writer::{array, le, pad, trailer};
pub use written::{WrittenCells, WrittenItem};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A message.
    Message,
    /// An attachment, without a message of its own.
    Attachment,
    /// A message that completes an attachment.
    MessageAndAttachment,
    /// A message that the parser's configuration leaves out.
    Filtered,
    /// Bytes that are no message.
    Skipped,
}

impl ItemKind {
    /// The kind's code in an archive.
    pub const fn code(self) -> u8 {
        match self {
            ItemKind::Message => 0,
            ItemKind::Attachment => 1,
            ItemKind::MessageAndAttachment => 2,
            ItemKind::Filtered => 3,
            ItemKind::Skipped => 4,
        }
    }

    /// The kind with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => ItemKind::Message,
            1 => ItemKind::Attachment,
            2 => ItemKind::MessageAndAttachment,
            3 => ItemKind::Filtered,
            4 => ItemKind::Skipped,
            _ => return None,
        })
    }

    /// Whether there is a message in it.
    pub const fn has_message(self) -> bool {
        matches!(self, ItemKind::Message | ItemKind::MessageAndAttachment)
    }

    /// Whether there is an attachment in it.
    pub const fn has_attachment(self) -> bool {
        matches!(self, ItemKind::Attachment | ItemKind::MessageAndAttachment)
    }
}

/// Why bytes were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SkipReason {
    /// The parser does not say.
    #[default]
    Unspecified,
    /// Nothing that looks like a message.
    Garbage,
    /// The beginning of a message whose end is missing.
    Truncated,
    /// Something like a message that contradicts itself.
    Malformed,
    /// A message of a kind or version that the parser does not read.
    Unsupported,
}

impl SkipReason {
    /// The reason's code in an archive.
    pub const fn code(self) -> u8 {
        match self {
            SkipReason::Unspecified => 0,
            SkipReason::Garbage => 1,
            SkipReason::Truncated => 2,
            SkipReason::Malformed => 3,
            SkipReason::Unsupported => 4,
        }
    }

    /// The reason with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => SkipReason::Unspecified,
            1 => SkipReason::Garbage,
            2 => SkipReason::Truncated,
            3 => SkipReason::Malformed,
            4 => SkipReason::Unsupported,
            _ => return None,
        })
    }
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail<'a> {
    /// All of the input is consumed.
    Complete,
    /// What is left is the beginning of something; it comes again with more behind it.
    Incomplete {
        /// How many bytes more are wanted at least; 0 if that is not known.
        needed: u32,
    },
    /// The archive is as large as it may be. The rest of the input comes again at once. At least one byte is consumed.
    Full,
    /// The parser expects nothing more: what is left is of no interest to it.
    End,
    /// The parser cannot go on. The text is shown to the user.
    Error(&'a str),
}

/// How a batch ended, as read.
pub type TailView<'a> = Tail<'a>;

/// An attachment to be written: a file, say, that was sent in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttachmentRef<'a> {
    /// Its file name.
    pub name: &'a str,
    /// Its size in bytes as announced, which need not be the length of `data`.
    pub size: u64,
    /// When it was created, in the trace's own words.
    pub created: Option<&'a str>,
    /// When it was last modified, in the trace's own words.
    pub modified: Option<&'a str>,
    /// The numbers of the messages that carried it, in the order in which they did. Messages are counted from 0 over all
    /// batches of a trace; items that are no messages do not count.
    pub messages: &'a [u64],
    /// Its bytes.
    pub data: &'a [u8],
}
