//! The native text parser: `chipmunk-text`'s reader in this process. What plugins for text, in any language, are compared with.

use chipmunk_payload::{AlignedBytes, Batch, BatchWriter};
use chipmunk_text::Reader;
pub use chipmunk_text::{Options as TextOptions, Output as TextOutput};

use super::MAX_ARCHIVE_BYTES;
use crate::{BatchParser, BatchReader, ParserError};

/// The native text parser.
pub fn text_parser(options: &TextOptions) -> BatchParser<TextReader> {
    BatchParser::new(TextReader::new(options))
}

/// Makes batches of lines.
#[derive(Debug)]
pub struct TextReader {
    reader: Reader,
    writer: BatchWriter,
}

impl TextReader {
    /// A reader; it has no memory of what it has read.
    pub fn new(options: &TextOptions) -> Self {
        Self {
            reader: Reader::new(options),
            writer: BatchWriter::with_max_bytes(MAX_ARCHIVE_BYTES),
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
        self.writer.recycle(spare.into_buffer());
        let tail = self.reader.read(input, at_end, &mut self.writer);
        let archive = self.writer.finish(tail);
        Batch::check(AlignedBytes::from(archive), input.len()).map_err(|error| {
            ParserError::Unrecoverable(format!(
                "the native text parser made an invalid batch, which is a fault of this program: {error}"
            ))
        })
    }
}
