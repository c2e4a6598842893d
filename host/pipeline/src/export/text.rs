//! One line of text a message.

use std::io::{self, Write};

use super::{Exporter, Format};
use crate::{Item, LogMessage};

/// One line a message: its columns joined by the separator, and a line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFormat {
    separator: String,
}

impl TextFormat {
    /// `separator` stands between columns.
    pub fn new(separator: impl Into<String>) -> Self {
        Self {
            separator: separator.into(),
        }
    }
}

impl Format for TextFormat {
    #[inline]
    fn item<T: LogMessage>(&mut self, item: &Item<'_, T>, out: &mut Vec<u8>) -> io::Result<()> {
        if let Some(message) = item.message() {
            message.write_text(&self.separator, out);
            out.push(b'\n');
        }
        Ok(())
    }
}

/// Writes one line of text a message.
pub type TextExporter<W> = Exporter<TextFormat, W>;

impl<W: Write> TextExporter<W> {
    /// Writes to `out`, in pieces of some hundred kilobytes: it needs no buffer.
    pub fn new(out: W, separator: impl Into<String>) -> Self {
        Self::of(TextFormat::new(separator), out)
    }
}
