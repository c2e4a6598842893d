//! Each message's own bytes, in order.
//!
//! Messages mostly follow each other without a gap, so their bytes are one range of the source's buffer. The exporter
//! keeps the range, not the bytes, and writes it when a gap comes or the buffer goes away: no copy, and one call
//! of the writer a chunk. Where there are many gaps, the small pieces between them are collected first: a call of the writer for each
//! would cost more than the copy. [`RawFormat`] does the same where bytes are collected first: one copy a chunk, not one a message.

use std::{
    io::{self, Write},
    ops::Range,
};

use super::Format;
use crate::{Item, LogMessage, Sink};

/// Writes each message's own bytes, in order.
#[derive(Debug)]
pub struct RawExporter<W> {
    out: W,
    /// What is to be written of the present input.
    pending: Range<usize>,
    /// Pieces that are to be written before that.
    small: Vec<u8>,
}

/// A piece of fewer bytes is small.
const SMALL: usize = 16 << 10;

/// How many bytes of small pieces are collected.
const COLLECTED: usize = 256 << 10;

impl<W: Write> RawExporter<W> {
    /// Writes to `out`, in few large pieces: it needs no buffer.
    pub fn new(out: W) -> Self {
        Self {
            out,
            pending: 0..0,
            small: Vec::new(),
        }
    }

    /// Flushes the writer and returns it.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_small()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_pending(&mut self, input: &[u8]) -> io::Result<()> {
        let range = std::mem::take(&mut self.pending);
        match input.get(range) {
            Some(bytes) if bytes.len() >= SMALL => {
                self.write_small()?;
                self.out.write_all(bytes)
            }
            Some(bytes) => {
                self.small.extend_from_slice(bytes);
                self.write_small_if_much()
            }
            None => Ok(()),
        }
    }

    fn write_small_if_much(&mut self) -> io::Result<()> {
        if self.small.len() < COLLECTED {
            return Ok(());
        }
        self.write_small()
    }

    fn write_small(&mut self) -> io::Result<()> {
        if self.small.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.small);
        self.small.clear();
        written
    }
}

impl<T: LogMessage, W: Write> Sink<T> for RawExporter<W> {
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
        let Some(message) = item.message() else {
            return Ok(());
        };
        let Some(range) = raw_range(item, message) else {
            self.write_pending(item.input())?;
            message.write_raw(item.bytes(), &mut self.small)?;
            return self.write_small_if_much();
        };
        if !joins(&mut self.pending, &range) {
            self.write_pending(item.input())?;
            self.pending = range;
        }
        Ok(())
    }

    fn input_done(&mut self, input: &[u8]) -> io::Result<()> {
        self.write_pending(input)?;
        // Somebody may wait for what there is.
        self.write_small()
    }
}

/// Each message's own bytes, in order, as a [`Format`].
#[derive(Debug, Clone, Default)]
pub struct RawFormat {
    /// What is to be copied of the present input.
    pending: Range<usize>,
}

impl RawFormat {
    fn copy_pending(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let range = std::mem::take(&mut self.pending);
        out.extend_from_slice(input.get(range).unwrap_or_default());
    }
}

impl Format for RawFormat {
    fn item<T: LogMessage>(&mut self, item: &Item<'_, T>, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(message) = item.message() else {
            return Ok(());
        };
        let Some(range) = raw_range(item, message) else {
            self.copy_pending(item.input(), out);
            message.write_raw(item.bytes(), out)?;
            return Ok(());
        };
        if !joins(&mut self.pending, &range) {
            self.copy_pending(item.input(), out);
            self.pending = range;
        }
        Ok(())
    }

    fn input_done(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.copy_pending(input, out);
    }
}

/// Where the message's own bytes lie in the input of its item, if they are simply a part of it.
#[inline]
fn raw_range<T: LogMessage>(item: &Item<'_, T>, message: &T) -> Option<Range<usize>> {
    let bytes = item.bytes();
    let range = message.raw_range(bytes)?;
    let start = item.span().start;
    Some(start + range.start.min(bytes.len())..start + range.end.min(bytes.len()))
}

/// Makes `range` part of `pending` if it follows on it without a gap.
#[inline]
fn joins(pending: &mut Range<usize>, range: &Range<usize>) -> bool {
    let follows = range.start == pending.end && pending.start < pending.end;
    if follows {
        pending.end = range.end;
    }
    follows
}
