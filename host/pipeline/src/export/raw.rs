//! Writes each message's own bytes, in order.
//!
//! Messages mostly follow each other without a gap, so their bytes are one range of the source's buffer. The exporter
//! keeps the range, not the bytes, and writes it when a gap comes or the buffer goes away: no copy, and one call
//! of the writer a chunk.

use std::{
    io::{self, Write},
    ops::Range,
};

use crate::{Item, LogMessage, Sink};

/// Writes each message's own bytes, in order.
#[derive(Debug)]
pub struct RawExporter<W> {
    out: W,
    /// What is to be written of the present input.
    pending: Range<usize>,
}

impl<W: Write> RawExporter<W> {
    /// Writes to `out`, in few large pieces: it needs no buffer.
    pub fn new(out: W) -> Self {
        Self { out, pending: 0..0 }
    }

    /// Flushes the writer and returns it.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_pending(&mut self, input: &[u8]) -> io::Result<()> {
        let range = std::mem::take(&mut self.pending);
        match input.get(range) {
            Some(bytes) if !bytes.is_empty() => self.out.write_all(bytes),
            _ => Ok(()),
        }
    }
}

impl<T: LogMessage, W: Write> Sink<T> for RawExporter<W> {
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
        let Some(message) = item.message() else {
            return Ok(());
        };
        let bytes = item.bytes();
        let Some(range) = message.raw_range(bytes) else {
            self.write_pending(item.input())?;
            message.write_raw(bytes, &mut self.out)?;
            return Ok(());
        };
        let start = item.span().start;
        let range = start + range.start.min(bytes.len())..start + range.end.min(bytes.len());
        if range.start == self.pending.end && !self.pending.is_empty() {
            self.pending.end = range.end;
            return Ok(());
        }
        self.write_pending(item.input())?;
        self.pending = range;
        Ok(())
    }

    fn input_done(&mut self, input: &[u8]) -> io::Result<()> {
        self.write_pending(input)
    }
}
