//! The text of a batch, growing in its final place.
//!
//! Text comes in short pieces, many for each message. In WebAssembly every copy of a length that the compiler does not
//! know is a `memory.copy`, which leaves the guest's code for a function of the engine and costs more than such a piece
//! is worth. So short pieces are copied here by loads and stores of fixed sizes, as C libraries do it inside `memcpy`.

use core::{fmt, mem::MaybeUninit};

use alloc::vec::Vec;

use super::{
    decimal::{TEN_TO_THE_EIGHTH, eight, up_to_eight},
    plain::{BLOCK, block_is_plain, is_plain, word_is_plain},
};

/// Where a parser writes the text of its cells.
///
/// Only appends. Implements [`fmt::Write`], so `write!` works; the `push` methods are quicker.
#[derive(Debug, Default)]
pub struct TextArena {
    /// Always whole UTF-8: every method appends or cuts off whole characters.
    bytes: Vec<u8>,
}

impl TextArena {
    /// Appends `text`.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.push_utf8(text.as_bytes());
    }

    /// Appends four characters, or those before the first nul byte; tells whether these are ASCII. Nothing is appended if not.
    ///
    /// For ids and codes of a fixed length, of which traces are full: a few operations on one word and one store.
    #[inline]
    pub fn push_ascii4(&mut self, characters: [u8; 4]) -> bool {
        const ONES: u32 = 0x0101_0101;
        const TOPS: u32 = 0x8080_8080;
        // The first byte in memory is the lowest one here. A nul byte, and at worst some behind it, get their top bit set.
        let word = u32::from_le_bytes(characters);
        let nul = word.wrapping_sub(ONES) & !word & TOPS;
        let len = (nul.trailing_zeros() / 8) as usize;
        let before = if nul == 0 {
            u32::MAX
        } else {
            (1 << (8 * len)) - 1
        };
        if word & before & TOPS != 0 {
            return false;
        }
        if self.bytes.capacity() - self.bytes.len() < characters.len() {
            self.grow(characters.len());
        }
        let end = self.bytes.len();
        // SAFETY: there is room for four bytes behind `end`, which nobody else can refer to while the vector is borrowed
        // mutably. All four are written; `len` is at most four (32 zeros make four), so the vector counts bytes that were
        // written, and these are ASCII.
        unsafe {
            self.bytes
                .as_mut_ptr()
                .add(end)
                .cast::<[u8; 4]>()
                .write_unaligned(characters);
            self.bytes.set_len(end + len);
        }
        true
    }

    /// Appends `bytes` if they are plain text: ASCII, without nul bytes and line feeds. Tells whether; nothing is appended if not.
    ///
    /// For the text fields of traces. Looks at each byte once, and copies it on the way.
    pub fn push_plain(&mut self, bytes: &[u8]) -> bool {
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            self.grow(bytes.len());
        }
        let Some(place) = self.bytes.spare_capacity_mut().get_mut(..bytes.len()) else {
            return false;
        };
        let all = if let (Some(last), Some(_)) = (bytes.last_chunk(), place.last_chunk::<BLOCK>()) {
            let mut all = block_is_plain(last);
            let blocks = bytes.as_chunks::<BLOCK>().0;
            for (block, place) in blocks.iter().zip(place.as_chunks_mut::<BLOCK>().0) {
                all &= block_is_plain(block);
                put(block, place);
            }
            // It overlaps the one before it: no rest remains that would need another loop.
            if let Some(place) = place.last_chunk_mut() {
                put(last, place);
            }
            all
        } else {
            copy_short_plain(bytes, place)
        };
        if all {
            // SAFETY: all of `place`, the `bytes.len()` bytes behind the vector's own, was written with `bytes`, by blocks up to
            // the last whole one, and then the last block; or by `copy_short_plain`, which says so. They are ASCII.
            unsafe { self.bytes.set_len(self.bytes.len() + bytes.len()) };
        }
        all
    }

    /// Appends a number in decimal.
    #[inline]
    pub fn push_unsigned(&mut self, number: u64) {
        if number < u64::from(TEN_TO_THE_EIGHTH) {
            let (digits, len) = up_to_eight(number as u32);
            self.push_digits(digits, len);
        } else {
            self.push_large(number);
        }
    }

    /// Appends a number in decimal, with a minus sign if it is negative.
    #[inline]
    pub fn push_signed(&mut self, number: i64) {
        if number < 0 {
            self.bytes.push(b'-');
        }
        self.push_unsigned(number.unsigned_abs());
    }

    /// Appends the last eight digits of a number, with leading zeros.
    #[inline]
    pub fn push_eight_digits(&mut self, number: u32) {
        self.push_digits(eight(number % TEN_TO_THE_EIGHTH), 8);
    }

    #[inline(never)]
    fn push_large(&mut self, number: u64) {
        self.push_unsigned(number / u64::from(TEN_TO_THE_EIGHTH));
        self.push_eight_digits((number % u64::from(TEN_TO_THE_EIGHTH)) as u32);
    }

    /// Appends the first `len` of some digits.
    #[inline]
    fn push_digits(&mut self, digits: [u8; 8], len: usize) {
        if self.bytes.capacity() - self.bytes.len() < digits.len() {
            self.grow(digits.len());
        }
        let end = self.bytes.len();
        // SAFETY: there is room for eight bytes behind `end`, which nobody else can refer to while the vector is borrowed
        // mutably. All eight are written; `len` is at most eight, so the vector counts bytes that were written, and these are
        // digits.
        unsafe {
            self.bytes
                .as_mut_ptr()
                .add(end)
                .cast::<[u8; 8]>()
                .write_unaligned(digits);
            self.bytes.set_len(end + len.min(8));
        }
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
        if bytes.len() > SHORT {
            self.bytes.extend_from_slice(bytes);
            return;
        }
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            self.grow(bytes.len());
        }
        let len = self.bytes.len();
        // SAFETY: `bytes` can be read for its length. Behind the vector's `len` bytes, room for as many more was just
        // reserved, which nobody else can refer to while the vector is borrowed mutably: the two do not
        // overlap. Then these are bytes that were written, so the vector may count them.
        unsafe {
            copy_short(
                bytes.as_ptr(),
                self.bytes.as_mut_ptr().add(len),
                bytes.len(),
            );
            self.bytes.set_len(len + bytes.len());
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        self.bytes.reserve(more);
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

    /// Room for so many bytes more, so that pushing them grows nothing.
    pub fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more);
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

#[inline(always)]
fn put<const N: usize>(bytes: &[u8; N], place: &mut [MaybeUninit<u8>; N]) {
    *place = bytes.map(MaybeUninit::new);
}

/// Copies fewer bytes than a block to `place`, which is as long: all of them are written. Tells whether all are plain.
#[inline(always)]
fn copy_short_plain(bytes: &[u8], place: &mut [MaybeUninit<u8>]) -> bool {
    // Two pieces from both ends, which may overlap.
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        if let Some(place) = place.first_chunk_mut() {
            put(first, place);
        }
        if let Some(place) = place.last_chunk_mut() {
            put(last, place);
        }
        word_is_plain(*first) & word_is_plain(*last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        if let Some(place) = place.first_chunk_mut() {
            put(first, place);
        }
        if let Some(place) = place.last_chunk_mut() {
            put(last, place);
        }
        let [[a, b, c, d], [e, f, g, h]] = [*first, *last];
        word_is_plain([a, b, c, d, e, f, g, h])
    } else {
        let mut all = true;
        for (byte, place) in bytes.iter().zip(place) {
            place.write(*byte);
            all &= is_plain(*byte);
        }
        all
    }
}

/// The most bytes that `copy_short` copies.
const SHORT: usize = 64;

/// Copies `len` bytes, at most [`SHORT`]: the first half in pieces of a fixed size from the beginning, the other from the
/// end, so that the two may meet in the middle of a piece.
///
/// # Safety
/// `from` can be read and `to` written for `len` bytes, and they do not overlap.
#[inline]
unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    /// Copies `COUNT` pieces of `SIZE` bytes each from the beginning, and as many from the end.
    ///
    /// # Safety
    /// As above, with `SIZE * COUNT <= len`.
    #[inline(always)]
    unsafe fn both_ends<const SIZE: usize, const COUNT: usize>(
        from: *const u8,
        to: *mut u8,
        len: usize,
    ) {
        for piece in 0..COUNT {
            let (first, last) = (piece * SIZE, len - (piece + 1) * SIZE);
            // SAFETY: `first + SIZE` and `last + SIZE` are at most `len`, since `SIZE * COUNT` is, and the caller says
            // that so many bytes are there on both sides and do not overlap.
            unsafe {
                core::ptr::copy_nonoverlapping(from.add(first), to.add(first), SIZE);
                core::ptr::copy_nonoverlapping(from.add(last), to.add(last), SIZE);
            }
        }
    }

    // SAFETY: each arm's pieces fit into the least length that leads there; the rest is the caller's promise.
    unsafe {
        match len {
            0 => {}
            1 => both_ends::<1, 1>(from, to, len),
            2..4 => both_ends::<2, 1>(from, to, len),
            4..8 => both_ends::<4, 1>(from, to, len),
            8..=16 => both_ends::<8, 1>(from, to, len),
            17..=32 => both_ends::<16, 1>(from, to, len),
            _ => both_ends::<16, 2>(from, to, len),
        }
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
                arena.push_ascii4(characters),
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
