//! The native DLT parser: `chipmunk-dlt`'s reader in this process.
//!
//! It takes the plugin's way through an archive, with the same check, so that what differs between the two is where
//! they run.

use chipmunk_dlt::Reader;
pub use chipmunk_dlt::{Options as DltOptions, Output as DltOutput};
use chipmunk_payload::{AlignedBytes, Batch};

use super::archiver::Archiver;
use crate::{BatchParser, BatchReader, ParserError, ParserSplit};

/// The native DLT parser.
pub fn dlt_parser(options: DltOptions) -> BatchParser<DltReader> {
    BatchParser::new(DltReader::new(options))
}

/// Makes batches of DLT.
pub struct DltReader {
    reader: Reader,
    archiver: Archiver,
}

impl DltReader {
    /// A reader at the beginning of a trace.
    pub fn new(options: DltOptions) -> Self {
        Self {
            reader: Reader::new(options),
            archiver: Archiver::new("DLT"),
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
        let reader = &mut self.reader;
        self.archiver
            .batch(input.len(), spare, |out| reader.read(input, at_end, out))
    }

    fn split(&self) -> Option<ParserSplit> {
        Some(self.archiver.split())
    }
}

impl std::fmt::Debug for DltReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DltReader").finish_non_exhaustive()
    }
}
