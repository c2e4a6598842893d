//! Writes one line of text a message.

use std::io::{self, Write};

use crate::{Item, LogMessage, Sink};

/// How much text is collected before it is written, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes one line a message: its columns joined by the separator, and a line end.
#[derive(Debug)]
pub struct TextExporter<W> {
    out: W,
    separator: String,
    buffer: Vec<u8>,
}

impl<W: Write> TextExporter<W> {
    /// Writes to `out`, in pieces of some hundred kilobytes: it needs no buffer.
    pub fn new(out: W, separator: impl Into<String>) -> Self {
        Self {
            out,
            separator: separator.into(),
            buffer: Vec::with_capacity(BUFFER_BYTES + (BUFFER_BYTES >> 2)),
        }
    }

    /// Writes what was collected, flushes the writer and returns it.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        written
    }
}

impl<T: LogMessage, W: Write> Sink<T> for TextExporter<W> {
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
        let Some(message) = item.message() else {
            return Ok(());
        };
        message.write_text(&self.separator, &mut self.buffer);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER_BYTES {
            self.write_buffer()?;
        }
        Ok(())
    }
}
