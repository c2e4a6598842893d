//! JSON Lines: one object a message, its columns by their captions, all values strings.

use std::io::Write;

use super::{
    Captions, Exporter,
    scan::{any_word, has, has_control},
    table::{Notation, TableFormat},
};

/// The notation of JSON Lines.
#[derive(Debug, Clone)]
pub struct Jsonl {
    /// What stands before each value: the end of the one before it, and the key.
    openings: Vec<Vec<u8>>,
}

/// One object a line, and one line a message.
pub type JsonlFormat = TableFormat<Jsonl>;

/// Writes JSON Lines.
pub type JsonlExporter<W> = Exporter<JsonlFormat, W>;

impl JsonlFormat {
    /// A key for each caption; `separator` stands between values that have to share one.
    pub fn new(captions: &Captions, separator: impl Into<String>) -> Self {
        let opening = |(column, caption): (usize, &String)| {
            let mut opening = if column == 0 {
                b"{\"".to_vec()
            } else {
                b"\",\"".to_vec()
            };
            escape(caption, &mut opening);
            opening.extend_from_slice(b"\":\"");
            opening
        };
        let openings = captions.names().iter().enumerate().map(opening).collect();
        Self::of(Jsonl { openings }, captions, separator)
    }
}

impl<W: Write> JsonlExporter<W> {
    /// Writes to `out`, in pieces of some hundred kilobytes: it needs no buffer.
    pub fn new(out: W, captions: &Captions, separator: impl Into<String>) -> Self {
        Self::of(JsonlFormat::new(captions, separator), out)
    }
}

impl Notation for Jsonl {
    fn header(&self, _: &mut Vec<u8>) {}

    #[inline]
    fn open(&self, column: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.openings.get(column).map_or(&[], Vec::as_slice));
    }

    #[inline]
    fn value(&self, value: &str, out: &mut Vec<u8>) {
        escape(value, out);
    }

    fn first_part(&self, part: &str, out: &mut Vec<u8>) {
        escape(part, out);
    }

    fn next_part(&self, part: &str, out: &mut Vec<u8>) {
        escape(part, out);
    }

    fn end_parts(&self, _: &mut Vec<u8>) {}

    #[inline]
    fn end_row(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"}\n");
    }
}

/// Appends `text` as RFC 8259 wants it between quotes: quotes, backslashes and control characters escaped.
#[inline]
fn escape(text: &str, out: &mut Vec<u8>) {
    let special = any_word(text.as_bytes(), |word| {
        has_control(word) | has::<b'"'>(word) | has::<b'\\'>(word)
    });
    if special {
        escape_specials(text.as_bytes(), out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn escape_specials(mut rest: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    while let Some(at) = rest.iter().position(|&byte| is_special(byte)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}
