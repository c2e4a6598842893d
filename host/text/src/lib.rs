//! Lines of text: the reader that the host's native text parser and the Rust plugin `text-parser` share.
//!
//! The same parser is written in every guest language (`guest-bindings/*/examples`), and all of them give what
//! this one gives, byte for byte. So here is what a line is:
//!
//! - A line ends with `\n`, `\r\n` or `\r`; the last one may end with the input. `\r` at the end of what there is so far is
//!   not an end yet: `\n` may follow.
//! - The message's own bytes are all of it, ending included: those of all messages together are the input.
//! - Its text is the line without its ending. What is not UTF-8 in it becomes U+FFFD, one for each maximal part of
//!   a character, as the Unicode standard recommends and most decoders do.
//! - Columns are what is between separators. The line is split before its text is decoded; an empty separator splits nothing.
//!
//! What it leaves to others: configuration, and what becomes of columns.

use chipmunk_payload::{BatchWriter, Tail};
use memchr::{memchr2, memmem::Finder};

/// What the only column is called that a line surely has.
pub const CAPTION: &str = "Text";

/// What to write of each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// Only where it is.
    Ranges,
    /// Its text, as one cell.
    #[default]
    Line,
    /// One cell for each column.
    Columns,
}

/// How lines are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// What to write of each.
    pub output: Output,
    /// What stands between two columns; nothing is split if it is empty.
    pub separator: String,
}

/// Reads lines.
#[derive(Debug, Clone)]
pub struct Reader {
    output: Output,
    separator: Option<Finder<'static>>,
}

impl Reader {
    /// A reader. It has no memory: every call of [`read`](Self::read) stands for itself.
    pub fn new(options: &Options) -> Self {
        let separator = (options.output == Output::Columns && !options.separator.is_empty())
            .then(|| Finder::new(&options.separator).into_owned());
        Self {
            output: options.output,
            separator,
        }
    }

    /// Writes the lines at the start of `input`, and why there are no more.
    pub fn read(&self, input: &[u8], at_end: bool, out: &mut BatchWriter) -> Tail<'static> {
        let mut rest = input;
        while !rest.is_empty() {
            if out.is_full() {
                return Tail::Full;
            }
            let Some((line, consumed)) = first_line(rest, at_end) else {
                return Tail::Incomplete { needed: 0 };
            };
            match (self.output, &self.separator) {
                (Output::Ranges, _) => {}
                (_, Some(separator)) => {
                    let mut start = 0;
                    for end in separator.find_iter(line) {
                        cell(line.get(start..end), out);
                        start = end + separator.needle().len();
                    }
                    cell(line.get(start..), out);
                }
                (_, None) => cell(Some(line), out),
            }
            // An archive's numbers have 32 bits, and so have a guest's: no input is longer.
            out.message(consumed as u32, 0..consumed as u32, false);
            rest = rest.get(consumed..).unwrap_or_default();
        }
        Tail::Complete
    }
}

fn cell(text: Option<&[u8]>, out: &mut BatchWriter) {
    out.text().push_lossy(text.unwrap_or_default());
    out.end_cell();
}

/// The first line without its ending, and its length with it.
fn first_line(input: &[u8], at_end: bool) -> Option<(&[u8], usize)> {
    let (end, ending) = match memchr2(b'\n', b'\r', input) {
        Some(end) => match input.get(end..) {
            Some([b'\r', b'\n', ..]) => (end, 2),
            Some([b'\r']) if !at_end => return None,
            _ => (end, 1),
        },
        None if at_end => (input.len(), 0),
        None => return None,
    };
    Some((input.get(..end)?, end + ending))
}

#[cfg(test)]
mod tests {
    use chipmunk_payload::{AlignedBytes, Batch, TailView};

    use super::*;

    /// The cells of each line, and how many bytes it is long, of an input that comes in pieces of `chunk` bytes.
    fn lines(input: &[u8], chunk: usize, options: &Options) -> Vec<(Vec<String>, usize)> {
        let reader = Reader::new(options);
        let mut out = BatchWriter::with_max_bytes(100_000);
        let (mut found, mut start, mut end) = (Vec::new(), 0, 0);
        loop {
            end = input.len().min(end + chunk);
            let at_end = end == input.len();
            let tail = reader.read(&input[start..end], at_end, &mut out);
            let batch = Batch::check(AlignedBytes::from(out.finish(tail)), end - start).unwrap();
            for (index, item) in batch.iter().enumerate() {
                assert_eq!(item.raw, item.offset..item.offset + item.consumed);
                let cells = batch.cells(index).map(str::to_string).collect();
                found.push((cells, item.consumed));
            }
            start += batch.consumed();
            match batch.tail() {
                TailView::Complete if at_end && start == end => return found,
                TailView::Incomplete { .. } if at_end => panic!("it waits for more"),
                _ => {}
            }
        }
    }

    fn line() -> Options {
        Options::default()
    }

    #[test]
    fn any_line_ending_ends_a_line_wherever_the_input_is_cut() {
        let input = b"one\ntwo\r\nthree\rfour\r\r\n\n\nlast";
        let expected = [
            ("one", 4),
            ("two", 5),
            ("three", 6),
            ("four", 5),
            ("", 2),
            ("", 1),
            ("", 1),
            ("last", 4),
        ]
        .map(|(text, consumed)| (vec![text.to_string()], consumed));
        for chunk in 1..=input.len() {
            assert_eq!(lines(input, chunk, &line()), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn the_input_may_end_with_any_ending_or_none() {
        let one = |consumed| vec![(vec!["x".to_string()], consumed)];
        for (input, consumed) in [("x", 1), ("x\n", 2), ("x\r", 2), ("x\r\n", 3)] {
            assert_eq!(
                lines(input.as_bytes(), 1, &line()),
                one(consumed),
                "{input:?}"
            );
        }
        assert_eq!(lines(b"", 1, &line()), []);
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let found = lines(b"a\xff\xe2\x82b\xf0\x9f\xa6\n", 100, &line());
        assert_eq!(found, [(vec!["a\u{fffd}\u{fffd}b\u{fffd}".to_string()], 9)]);
    }

    #[test]
    fn columns_are_what_is_between_separators() {
        let split = |separator: &str| Options {
            output: Output::Columns,
            separator: separator.to_string(),
        };
        let cells = |input: &[u8], separator| {
            let [(cells, _)] = &lines(input, 100, &split(separator))[..] else {
                panic!("one line")
            };
            cells.clone()
        };
        assert_eq!(cells("ä; b;;".as_bytes(), ";"), ["ä", " b", "", ""]);
        assert_eq!(cells(b"a---b", "--"), ["a", "-b"]);
        assert_eq!(cells(b"a b", ""), ["a b"]);
        let ranges = Options {
            output: Output::Ranges,
            ..split(";")
        };
        assert_eq!(lines(b"a;b\n", 100, &ranges), [(vec![], 4)]);
    }

    #[test]
    fn a_batch_ends_before_it_grows_too_large() {
        let input = b"twelve bytes\n".repeat(50_000);
        assert_eq!(lines(&input, input.len(), &line()).len(), 50_000);
    }
}
