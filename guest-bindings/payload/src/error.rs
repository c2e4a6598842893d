//! Why an archive is refused.
//!
//! One enum for both kinds of archives. Every error names the byte of the archive that it is about, and what is
//! refused is always the whole archive: a plugin that writes one wrong number is not to be trusted with the others.

use core::fmt;

/// Why an archive is refused. All of these are the plugin's fault; an archive made by this crate's writers from an
/// input of the length given is never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The archive is too short to have a root, or ends in the middle of a word.
    #[error(
        "an archive of {len} bytes cannot be: its length is a multiple of four, and at least {least}; \
         was it cut off, or is it not an archive at all?"
    )]
    Length {
        /// Bytes in the archive.
        len: usize,
        /// The fewest bytes that an archive of this kind has.
        least: usize,
    },
    /// The archive's last eight bytes do not say what it is.
    #[error(
        "not an archive of this kind: {found:02x?} at byte {offset} where {expected:02x?} should be; \
         was the plugin written for another interface?"
    )]
    Magic {
        /// Where in the archive.
        offset: usize,
        /// What should be there.
        expected: [u8; 4],
        /// What is there.
        found: [u8; 4],
    },
    /// The archive is of a version that this host does not know.
    #[error(
        "the archive has version {found} (at byte {offset}), and this host reads version {known}; \
         use a newer host, or a plugin built for this one"
    )]
    Version {
        /// Where in the archive.
        offset: usize,
        /// The archive's version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// An array does not lie between what is before it and the root.
    #[error(
        "the {array} ({count} elements, announced at byte {offset}) do not lie in the archive, aligned and in order"
    )]
    Array {
        /// Which array.
        array: Part,
        /// Where its pointer and length are.
        offset: usize,
        /// How many elements it claims to have.
        count: u32,
    },
    /// The text arena is not UTF-8.
    #[error("the text is not UTF-8 from byte {offset} of the archive on")]
    Text {
        /// Where in the archive.
        offset: usize,
    },
    /// A number contradicts another one, or the input.
    #[error("{part} {index} at byte {offset} of the archive: {problem}")]
    Entry {
        /// Of which array, or of the tail.
        part: Part,
        /// Which one of them, from 0.
        index: usize,
        /// Where it begins in the archive.
        offset: usize,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// The parts of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The text arena of a parser's archive.
    Text,
    /// The ends of cells.
    Cell,
    /// Items.
    Item,
    /// Attachments.
    Attachment,
    /// The numbers of the messages that carried attachments.
    MessageNumber,
    /// The bytes of attachments, or those a source read.
    Bytes,
    /// The segments of a source.
    Segment,
    /// How a batch ended, or the state of a source.
    Tail,
    /// The root itself.
    Root,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Text => "text",
            Part::Cell => "cell",
            Part::Item => "item",
            Part::Attachment => "attachment",
            Part::MessageNumber => "message number",
            Part::Bytes => "bytes",
            Part::Segment => "segment",
            Part::Tail => "tail",
            Part::Root => "root",
        })
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// An end lies before the one before it, or behind what it is an end in.
    End,
    /// A piece of text begins or ends within a character.
    CharBoundary,
    /// A range leads out of what it is a range of.
    Range,
    /// A code that this version does not know.
    Code,
    /// Something that must be zero or empty here is not.
    NotEmpty,
    /// More bytes are consumed or read than there were, or were asked for.
    TooMuch,
    /// Nothing is skipped by a skip, or a batch that is full, or a source that has more, brings nothing.
    NoProgress,
    /// A batch that is complete leaves input unconsumed.
    NotComplete,
    /// Attachments, what belongs to them, or cells belong to no item, or items lack theirs.
    Unmatched,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::End => "its end lies before the last one, or behind the end of all",
            Problem::CharBoundary => "its text begins or ends within a character",
            Problem::Range => "its range leads out of what it is a range of",
            Problem::Code => "it has a kind, flag, reason or state that this version does not know",
            Problem::NotEmpty => "something is set in it that this kind does not have",
            Problem::TooMuch => "more bytes than there were, or than were asked for",
            Problem::NoProgress => "it says that something was done, but nothing was",
            Problem::NotComplete => "it says that all was consumed, but something is left",
            Problem::Unmatched => "attachments or cells do not match the items",
        })
    }
}
