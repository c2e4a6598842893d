//! The native DLT parser: `chipmunk-dlt`'s reader in this process.
//!
//! It takes the plugin's way through an archive, with the same check, so that what differs between the two is where
//! they run. The archive's buffer goes round: writer, batch, and back.

use chipmunk_dlt::Reader;
pub use chipmunk_dlt::{Options as DltOptions, Output as DltOutput};
use chipmunk_payload::{AlignedBytes, Batch, BatchWriter};

use super::MAX_ARCHIVE_BYTES;
use crate::{BatchParser, BatchReader, ParserError};

/// The native DLT parser.
pub fn dlt_parser(options: DltOptions) -> BatchParser<DltReader> {
    BatchParser::new(DltReader::new(options))
}

/// Makes batches of DLT.
pub struct DltReader {
    reader: Reader,
    writer: BatchWriter,
}

impl DltReader {
    /// A reader at the beginning of a trace.
    pub fn new(options: DltOptions) -> Self {
        Self {
            reader: Reader::new(options),
            writer: BatchWriter::with_max_bytes(MAX_ARCHIVE_BYTES),
        }
    }
}

impl BatchReader for DltReader {
    fn read_batch(
        &mut self,
        input: &[u8],
        _: Option<u64>,
        at_end: bool,
        spare: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        self.writer.recycle(spare.into_buffer());
        let tail = self.reader.read(input, at_end, &mut self.writer);
        let archive = self.writer.finish(tail);
        Batch::check(AlignedBytes::from(archive), input.len()).map_err(|error| {
            ParserError::Unrecoverable(format!(
                "the native DLT parser made an invalid batch, which is a fault of this program: {error}"
            ))
        })
    }
}

impl std::fmt::Debug for DltReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DltReader").finish_non_exhaustive()
    }
}
