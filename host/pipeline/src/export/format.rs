//! What messages look like in an output, apart from where it goes.
//!
//! A [`Format`] makes bytes of items and knows of no item but the present one. So what it makes of a part of a trace does not
//! depend on the parts before, and copies of it may work on different parts at the same time; their outputs
//! joined in order are the output of one. What comes once, such as the captions of a table, is the
//! [header](Format::header). [`Exporter`] makes a [`Sink`] of a format and a writer.

use std::io::{self, Write};

use crate::{Item, LogMessage, Sink};

/// How much output is collected before it is written, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Makes bytes of items.
pub trait Format: Clone + Send {
    /// Appends what stands once before everything else.
    fn header(&self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Appends what the output has of `item`: nothing, if it is no message.
    ///
    /// # Errors
    /// The item cannot be written in this format, which ends the export.
    fn item<T: LogMessage>(&mut self, item: &Item<'_, T>, out: &mut Vec<u8>) -> io::Result<()>;

    /// Appends what was kept back. Called after the items that share an [`Item::input`], before its bytes go away.
    fn input_done(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let _ = (input, out);
    }
}

/// Writes items in a format, in pieces of some hundred kilobytes: the writer needs no buffer.
#[derive(Debug)]
pub struct Exporter<F, W> {
    format: F,
    out: W,
    buffer: Vec<u8>,
    prompt: bool,
}

impl<F: Format, W: Write> Exporter<F, W> {
    /// Writes in `format` to `out`.
    pub fn of(format: F, out: W) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + (BUFFER_BYTES >> 2));
        format.header(&mut buffer);
        Self {
            format,
            out,
            buffer,
            prompt: false,
        }
    }

    /// Whether to write what there is each time before the source is asked for more, for somebody who waits for it.
    pub fn prompt(mut self, prompt: bool) -> Self {
        self.prompt = prompt;
        self
    }

    /// Writes what a copy of the format has made of the items that come next.
    pub(crate) fn write_made(&mut self, made: &[u8]) -> io::Result<()> {
        self.write_buffer()?;
        self.out.write_all(made)
    }

    /// Writes what was collected, flushes the writer and returns it.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        written
    }
}

impl<T: LogMessage, F: Format, W: Write> Sink<T> for Exporter<F, W> {
    #[inline]
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
        self.format.item(item, &mut self.buffer)?;
        if self.buffer.len() >= BUFFER_BYTES {
            self.write_buffer()?;
        }
        Ok(())
    }

    fn input_done(&mut self, input: &[u8]) -> io::Result<()> {
        self.format.input_done(input, &mut self.buffer);
        if self.prompt {
            self.write_buffer()?;
        }
        Ok(())
    }
}
