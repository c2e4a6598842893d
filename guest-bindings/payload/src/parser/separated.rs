//! Cells out of one text in which characters stand between them.
//!
//! Some parsers have all columns of a message in one string. Cells are short, so that to search for each separator from
//! the last one would be to wait for one search after the other. Here the places of all separators in 64 bytes are found first, as the
//! bits of a number, and taken from there; a short cell is copied by one load and one store, whatever its length.

use super::{BatchWriter, CellCursor};

/// Bytes that are looked at together: as many as a mask has bits.
const BLOCK: usize = 64;

impl BatchWriter {
    /// Appends a cell for each piece of `text` between two ASCII characters `separator`, at least one. Tells whether `text` is UTF-8;
    /// nothing is appended if not.
    ///
    /// # Panics
    /// If `separator` is not ASCII.
    pub fn push_separated(&mut self, text: &[u8], separator: u8) -> bool {
        assert!(separator.is_ascii(), "a separator is ASCII");
        if !text.is_ascii() && core::str::from_utf8(text).is_err() {
            return false;
        }
        self.append_cells(text.len(), |to| to.push_separated(text, separator));
        true
    }
}

impl CellCursor<'_, '_> {
    /// As above, with UTF-8.
    #[inline(always)]
    fn push_separated(&mut self, text: &[u8], separator: u8) {
        let (mut start, mut offset) = (0, 0);
        for block in text.chunks(BLOCK) {
            let mut places = places_of(separator, block);
            while places != 0 {
                let end = offset + places.trailing_zeros() as usize;
                places &= places - 1;
                self.text.push_within(text, start..end);
                self.end_cell();
                start = end + 1;
            }
            offset += BLOCK;
        }
        self.text.push_within(text, start..text.len());
        self.end_cell();
    }
}

/// Where in a block `byte` is: bit *i* for the byte *i*.
#[inline(always)]
fn places_of(byte: u8, block: &[u8]) -> u64 {
    let (words, rest) = block.as_chunks();
    let mut places = 0;
    for (index, word) in words.iter().enumerate() {
        places |= places_in_word(byte, *word) << (8 * index);
    }
    if !rest.is_empty() {
        // The last bytes of the block, those in front of the rest among them, or as many as there are.
        let (word, known) = match block.last_chunk() {
            Some(last) => (*last, 8 - rest.len()),
            None => {
                let mut word = [0; 8];
                word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                (word, 0)
            }
        };
        let of_rest = places_in_word(byte, word) >> known & ((1 << rest.len()) - 1);
        places |= of_rest << (8 * words.len());
    }
    places
}

/// Where among eight bytes `byte` is: the lowest eight bits.
#[inline(always)]
fn places_in_word(byte: u8, word: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7F * ONES;
    // A byte of zero is one that was found. The sum sets the top bit of all others, and carries nothing.
    let word = u64::from_le_bytes(word) ^ (ONES * u64::from(byte));
    let found = !(((word & LOW) + LOW) | word | LOW);
    // Gathers the top bits in the uppermost byte.
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn places_are_found_wherever_they_are() {
        for length in 0..=BLOCK {
            for byte in [0, 4, 0x7F] {
                for other in [0x84, 0xFF, 5, 1] {
                    let mut block = std::vec![other; length];
                    assert_eq!(places_of(byte, &block), 0, "{length}");
                    let mut expected = 0;
                    for at in (0..length).step_by(3).chain((0..length).step_by(2)) {
                        block[at] = byte;
                        expected |= 1 << at;
                        assert_eq!(places_of(byte, &block), expected, "{at} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn cells_are_what_stands_between_separators() {
        let pieces = [
            "",
            "a",
            "Grüße",
            "0123456789abcdef",
            "0123456789abcdefg",
            "x",
            "",
        ];
        for first in 0..pieces.len() {
            for count in 1..40 {
                let cells: Vec<&str> = pieces
                    .iter()
                    .cycle()
                    .skip(first)
                    .take(count)
                    .copied()
                    .collect();
                let mut out = BatchWriter::new();
                assert!(out.push_separated(cells.join("\u{4}").as_bytes(), 4));
                let mut expected = BatchWriter::new();
                for cell in &cells {
                    expected.text().push_str(cell);
                    expected.end_cell();
                }
                for out in [&mut out, &mut expected] {
                    out.message(1, 0..1, false);
                }
                let tail = crate::parser::Tail::Complete;
                assert_eq!(out.finish(tail), expected.finish(tail), "{cells:?}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_not_appended() {
        let mut out = BatchWriter::new();
        for bytes in [&b"a\x04\xFF"[..], b"\x80", b"gr\xC3\x04\xBC"] {
            assert!(!out.push_separated(bytes, 4));
        }
        out.message(1, 0..1, false);
        let mut expected = BatchWriter::new();
        expected.message(1, 0..1, false);
        let tail = crate::parser::Tail::Complete;
        assert_eq!(out.finish(tail), expected.finish(tail));
    }
}
