//! CSV by RFC 4180: a line of captions, and one line a message.
//!
//! Lines end with CR LF, as the RFC has it. A value is quoted if it has a comma, a quote or a line break, and quotes in it are
//! doubled; everything else stands as it is. A row that is nothing but one empty value is quoted too, since an empty line is not a
//! row to most readers.

use std::io::Write;

use super::{
    Captions, Exporter,
    scan::{any_word, has},
    table::{Notation, TableFormat},
};

/// The notation of CSV.
#[derive(Debug, Clone)]
pub struct Csv {
    captions: Captions,
}

/// One line of CSV a message, below one of captions.
pub type CsvFormat = TableFormat<Csv>;

/// Writes CSV.
pub type CsvExporter<W> = Exporter<CsvFormat, W>;

impl CsvFormat {
    /// A column for each caption; `separator` stands between values that have to share one.
    pub fn new(captions: Captions, separator: impl Into<String>) -> Self {
        Self::of(
            Csv {
                captions: captions.clone(),
            },
            &captions,
            separator,
        )
    }
}

impl<W: Write> CsvExporter<W> {
    /// Writes to `out`, in pieces of some hundred kilobytes: it needs no buffer.
    pub fn new(out: W, captions: Captions, separator: impl Into<String>) -> Self {
        Self::of(CsvFormat::new(captions, separator), out)
    }
}

impl Notation for Csv {
    fn header(&self, out: &mut Vec<u8>) {
        for (column, caption) in self.captions.names().iter().enumerate() {
            self.open(column, out);
            self.value(caption, out);
        }
        self.end_row(out);
    }

    #[inline]
    fn open(&self, column: usize, out: &mut Vec<u8>) {
        if column > 0 {
            out.push(b',');
        }
    }

    #[inline]
    fn value(&self, value: &str, out: &mut Vec<u8>) {
        if needs_quotes(value) || (value.is_empty() && self.captions.names().len() == 1) {
            self.first_part(value, out);
            self.end_parts(out);
        } else {
            out.extend_from_slice(value.as_bytes());
        }
    }

    fn first_part(&self, part: &str, out: &mut Vec<u8>) {
        out.push(b'"');
        self.next_part(part, out);
    }

    fn next_part(&self, part: &str, out: &mut Vec<u8>) {
        let mut pieces = part.split('"');
        if let Some(piece) = pieces.next() {
            out.extend_from_slice(piece.as_bytes());
        }
        for piece in pieces {
            out.extend_from_slice(b"\"\"");
            out.extend_from_slice(piece.as_bytes());
        }
    }

    fn end_parts(&self, out: &mut Vec<u8>) {
        out.push(b'"');
    }

    #[inline]
    fn end_row(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
    }
}

#[inline]
fn needs_quotes(value: &str) -> bool {
    any_word(value.as_bytes(), |word| {
        has::<b','>(word) | has::<b'"'>(word) | has::<b'\n'>(word) | has::<b'\r'>(word)
    })
}
