//! What native parsers that make archives have in common: the buffer that goes round, writer, batch, and back; the check
//! that plugins' archives are put to; and where the time goes.

use std::time::{Duration, Instant};

use chipmunk_payload::{AlignedBytes, Batch, BatchWriter, Tail};

use super::MAX_ARCHIVE_BYTES;
use crate::{ParserError, ParserSplit};

/// Makes batches of what a reader writes.
#[derive(Debug)]
pub(super) struct Archiver {
    /// The reader's name, for errors.
    name: &'static str,
    writer: BatchWriter,
    split: ParserSplit,
}

impl Archiver {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            writer: BatchWriter::with_max_bytes(MAX_ARCHIVE_BYTES),
            split: ParserSplit {
                archive_write: Some(Duration::ZERO),
                ..ParserSplit::default()
            },
        }
    }

    pub(super) fn split(&self) -> ParserSplit {
        self.split
    }

    /// The batch that `read` makes of an input of `input_len` bytes.
    pub(super) fn batch(
        &mut self,
        input_len: usize,
        spare: AlignedBytes,
        read: impl FnOnce(&mut BatchWriter) -> Tail<'static>,
    ) -> Result<Batch, ParserError> {
        self.writer.recycle(spare.into_buffer());
        let begun = Instant::now();
        let tail = read(&mut self.writer);
        let parsed = Instant::now();
        let archive = self.writer.finish(tail);
        let written = Instant::now();
        let batch = Batch::check(AlignedBytes::from(archive), input_len);
        self.split += ParserSplit {
            parse: parsed - begun,
            archive_write: Some(written - parsed),
            check: written.elapsed(),
            ..ParserSplit::default()
        };
        batch.map_err(|error| {
            ParserError::Unrecoverable(format!(
                "the native {} parser made an invalid batch, which is a fault of this program: {error}",
                self.name
            ))
        })
    }
}
