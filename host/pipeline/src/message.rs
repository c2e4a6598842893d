//! What parsers find: the [`LogMessage`] trait, and attachments.

use std::{
    fmt::Display,
    io::{self, Write},
    ops::Range,
};

use serde::Serialize;

/// What stands between columns where a message is shown as Chipmunk shows it.
pub(crate) const COLUMN_SENTINEL: char = '\u{4}';

/// A message of a log or trace.
///
/// `Display` is the message as Chipmunk shows it: columns, where it has them, joined by U+0004.
pub trait LogMessage: Display + Serialize {
    /// Writes the message's own bytes, without what stood around them, and returns how many there were.
    fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<usize>;

    /// As [`to_writer`](Self::to_writer), for a caller that has the bytes of the item the message came in: most
    /// messages are a part of them, and need not keep a copy.
    fn write_raw<W: Write>(&self, item: &[u8], writer: &mut W) -> io::Result<usize> {
        match self.raw_range(item) {
            Some(range) => {
                let bytes = item.get(range).unwrap_or_default();
                writer.write_all(bytes)?;
                Ok(bytes.len())
            }
            None => self.to_writer(writer),
        }
    }

    /// Where the message's own bytes lie within the bytes of its item; `None` if they are not simply a part of them.
    fn raw_range(&self, item: &[u8]) -> Option<Range<usize>> {
        let _ = item;
        None
    }

    /// Appends the message's text, its columns joined by `separator`, without a line end.
    fn write_text(&self, separator: &str, out: &mut Vec<u8>) {
        let _ = separator;
        // Writing to a vector does not fail; a `Display` that says so has nothing more to say.
        let _ = write!(out, "{self}");
    }

    /// How many cells the message has.
    fn cell_count(&self) -> usize {
        let mut count = 0;
        self.each_cell(|_| count += 1);
        count
    }

    /// Shows each cell of the message, in order: its columns, or its one line.
    fn each_cell(&self, each: impl FnMut(&str)) {
        self.to_string().split(COLUMN_SENTINEL).for_each(each);
    }

    /// Whether the message's payload could not be read as its headers announce it.
    fn damaged(&self) -> bool {
        false
    }
}

/// A file that was transported within a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Its size in bytes as the trace announces it.
    pub size: usize,
    /// When it was created, as the trace tells it.
    pub created_date: Option<String>,
    /// When it was modified, as the trace tells it.
    pub modified_date: Option<String>,
    /// Which messages it came in, counted from the first of the trace.
    pub messages: Vec<usize>,
}
