//! The native text parser: `chipmunk-text`'s reader in this process. What plugins for text, in any language, are compared with.

use chipmunk_payload::{AlignedBytes, Batch};
use chipmunk_text::Reader;
pub use chipmunk_text::{Options as TextOptions, Output as TextOutput};

use super::archiver::Archiver;
use crate::{BatchParser, BatchReader, ParserError, ParserSplit};

/// The native text parser.
pub fn text_parser(options: &TextOptions) -> BatchParser<TextReader> {
    BatchParser::new(TextReader::new(options))
}

/// Makes batches of lines.
#[derive(Debug)]
pub struct TextReader {
    reader: Reader,
    archiver: Archiver,
}

impl TextReader {
    /// A reader; it has no memory of what it has read.
    pub fn new(options: &TextOptions) -> Self {
        Self {
            reader: Reader::new(options),
            archiver: Archiver::new("text"),
        }
    }
}

impl BatchReader for TextReader {
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
