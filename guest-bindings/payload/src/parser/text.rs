//! The text of a batch, growing in its final place.

use core::fmt;

use alloc::vec::Vec;

use super::{
    cursor::{TextCursor, copy},
    decimal::TEN_TO_THE_EIGHTH,
};

/// Where a parser writes the text of its cells.
///
/// Only appends. Implements [`fmt::Write`], so `write!` works; the `push` methods are quicker, and what is appended in many short pieces is
/// quicker with [`append`](Self::append).
#[derive(Debug, Default)]
pub struct TextArena {
    /// Always whole UTF-8: every method appends or cuts off whole characters.
    bytes: Vec<u8>,
}

impl TextArena {
    /// Lets `write` append with a cursor, which is the quickest way to append many short pieces. What it returns.
    ///
    /// `room` is how many bytes it is expected to append: more cost a little more.
    #[inline(always)]
    pub fn append<R>(&mut self, room: usize, write: impl FnOnce(&mut TextCursor<'_>) -> R) -> R {
        write(&mut TextCursor::new(self, room))
    }

    /// Appends `text`.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.push_utf8(text.as_bytes());
    }

    /// Appends bytes that are whole UTF-8.
    #[inline]
    fn push_utf8(&mut self, bytes: &[u8]) {
        // Separators are most of what is appended: they need no call.
        match bytes {
            [byte] => self.bytes.push(*byte),
            _ => self.push_piece(bytes),
        }
    }

    // One copy of it for all callers: spread over them it was measured to take more instructions, not fewer.
    #[inline(never)]
    fn push_piece(&mut self, bytes: &[u8]) {
        self.bytes.reserve(bytes.len());
        let len = self.bytes.len();
        // SAFETY: `bytes` can be read for its length. Behind the vector's `len` bytes, room for as many more was just
        // reserved, which nobody else can refer to while the vector is borrowed mutably: the two do not
        // overlap. Then these are bytes that were written, so the vector may count them.
        unsafe {
            copy(
                bytes.as_ptr(),
                self.bytes.as_mut_ptr().add(len),
                bytes.len(),
            );
            self.bytes.set_len(len + bytes.len());
        }
    }

    /// See [`TextCursor::push_plain`].
    pub fn push_plain(&mut self, bytes: &[u8]) -> bool {
        self.append(bytes.len(), |to| to.push_plain([], bytes))
    }

    /// Appends a number in decimal.
    pub fn push_unsigned(&mut self, number: u64) {
        if number < u64::from(TEN_TO_THE_EIGHTH) {
            self.append(0, |to| to.push_unsigned([], number, []));
        } else {
            self.push_large(number);
        }
    }

    #[inline(never)]
    pub(super) fn push_large(&mut self, number: u64) {
        let power = u64::from(TEN_TO_THE_EIGHTH);
        self.push_unsigned(number / power);
        self.append(0, |to| to.push_eight_digits((number % power) as u32, []));
    }

    /// Appends a number in decimal, with a minus sign if it is negative.
    pub fn push_signed(&mut self, number: i64) {
        if number < 0 {
            self.bytes.push(b'-');
        }
        self.push_unsigned(number.unsigned_abs());
    }

    /// Appends one character.
    #[inline]
    pub fn push(&mut self, character: char) {
        if character.is_ascii() {
            self.bytes.push(character as u8);
        } else {
            self.push_str(character.encode_utf8(&mut [0; 4]));
        }
    }

    /// Appends what is UTF-8 in `bytes`, and one U+FFFD for each run of bytes that is not, as `String::from_utf8_lossy`
    /// does.
    #[inline]
    pub fn push_lossy(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            self.push_utf8(bytes);
        } else {
            self.push_lossy_slowly(bytes);
        }
    }

    /// Appends `text` with another ASCII character in the place of an ASCII character. Tells whether `text` is UTF-8; nothing is appended
    /// if not.
    ///
    /// # Panics
    /// If a character is not ASCII.
    pub fn push_replacing(&mut self, text: &[u8], character: u8, with: u8) -> bool {
        assert!(
            character.is_ascii() && with.is_ascii(),
            "one ASCII character is replaced by another"
        );
        let before = self.bytes.len();
        // All bits of all bytes, found on the way: most text is ASCII, and needs no other look.
        let mut bits = 0;
        self.bytes.extend(text.iter().map(|byte| {
            bits |= byte;
            if *byte == character { with } else { *byte }
        }));
        let is_text = bits.is_ascii() || core::str::from_utf8(text).is_ok();
        if !is_text {
            self.bytes.truncate(before);
        }
        is_text
    }

    fn push_lossy_slowly(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Bytes of all text in the batch so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the batch has no text yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All text in the batch so far.
    pub fn as_str(&self) -> &str {
        // SAFETY: the bytes are whole UTF-8 at all times, as they say themselves.
        unsafe { core::str::from_utf8_unchecked(&self.bytes) }
    }

    /// Room for so many bytes more, so that pushing them grows nothing.
    pub fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more);
    }

    #[inline(always)]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Cuts off what is behind `len`, which was this arena's length before.
    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// The buffer, out of which the archive then grows.
    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }

    /// Uses this buffer from now on.
    pub(super) fn give(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.bytes = buffer;
    }
}

impl fmt::Write for TextArena {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }

    #[inline]
    fn write_char(&mut self, character: char) -> fmt::Result {
        self.push(character);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_are_appended_up_to_a_nul_byte_if_they_are_ascii() {
        for (characters, expected) in [
            (*b"ECU1", Some(&b"ECU1"[..])),
            ([0x7F, 1, 0x7E, 0x7F], Some(&[0x7F, 1, 0x7E, 0x7F])),
            (*b"ABC\0", Some(b"ABC")),
            (*b"AB\0C", Some(b"AB")),
            ([b'A', 0, 1, 0xFF], Some(b"A")),
            ([0, 0x80, 1, 0], Some(b"")),
            ([b'E', 0xC3, b'U', b'1'], None),
            ([b'E', b'C', 0x80, 0], None),
        ] {
            let mut arena = TextArena::default();
            assert_eq!(
                arena.append(0, |to| to.push_ascii4(characters, [])),
                expected.is_some(),
                "{characters:?}"
            );
            assert_eq!(arena.take(), expected.unwrap_or_default(), "{characters:?}");
        }
    }

    #[test]
    fn plain_text_is_appended_and_other_text_is_not() {
        for length in 0..70 {
            let text = "x".repeat(length);
            let mut arena = TextArena::default();
            arena.push_str("before");
            assert!(arena.push_plain(text.as_bytes()));
            let expected = ["before", &text].concat();
            assert_eq!(arena.len(), expected.len());
            for place in 0..length {
                for byte in [0, b'\n', 0x80, 0xFF] {
                    let mut bytes = text.clone().into_bytes();
                    bytes[place] = byte;
                    assert!(!arena.push_plain(&bytes), "{byte} at {place} of {length}");
                    assert_eq!(arena.len(), expected.len());
                }
            }
            assert_eq!(arena.take(), expected.into_bytes());
        }
    }

    #[test]
    fn numbers_are_as_rust_displays_them() {
        let mut numbers = std::vec::Vec::from([0u64, u64::MAX]);
        let mut power = 1u64;
        while let Some(next) = power.checked_mul(10) {
            numbers.extend([power - 1, power, power + 1, power * 7, power + power / 3]);
            power = next;
        }
        for number in numbers {
            for signed in [number as i64, (number as i64).wrapping_neg()] {
                let mut arena = TextArena::default();
                arena.push_unsigned(number);
                arena.push('|');
                arena.push_signed(signed);
                assert_eq!(arena.take(), std::format!("{number}|{signed}").into_bytes());
            }
        }
    }

    #[test]
    fn characters_are_replaced_in_what_is_text() {
        let mut arena = TextArena::default();
        assert!(arena.push_replacing("ä\u{4}b\u{4}".as_bytes(), 4, b'|'));
        assert!(!arena.push_replacing(b"a\x04\xFF", 4, b'|'));
        assert!(arena.push_replacing(b"", 4, b'|'));
        for length in 0..70 {
            assert!(arena.push_replacing(&std::vec![4; length], 4, b'-'));
        }
        let expected = ["ä|b|", &"-".repeat(69 * 70 / 2)].concat();
        assert_eq!(arena.as_str(), expected);
    }

    #[test]
    fn pieces_of_every_length_are_copied() {
        let text: std::string::String = ('!'..='~').chain('!'..='~').collect();
        let mut arena = TextArena::default();
        let mut expected = std::string::String::new();
        for start in 0..3 {
            for len in 0..150 {
                let piece = &text[start..start + len];
                arena.push_str(piece);
                arena.push_lossy(piece.as_bytes());
                expected.push_str(piece);
                expected.push_str(piece);
                assert_eq!(arena.len(), expected.len());
            }
        }
        assert_eq!(arena.take(), expected.into_bytes());
    }
}
