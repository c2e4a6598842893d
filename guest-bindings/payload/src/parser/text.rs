//! The text of a batch, growing in its final place.

use core::fmt;

use alloc::vec::Vec;

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
        self.bytes.extend_from_slice(text.as_bytes());
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
            self.bytes.extend_from_slice(bytes);
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
