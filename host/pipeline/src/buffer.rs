//! The buffer of a source: loaded bytes, the unconsumed rest in front.
//!
//! New bytes are read straight into their final place behind the rest. The rest moves to the front when, and only
//! when, more is loaded: between two loads, consuming is moving an index.

use std::io::{self, Read};

/// Bytes that were loaded and not consumed.
///
/// All of `bytes` is initialised; the loaded part is `start..end`. So reading into the room behind `end` needs no
/// zeroing but the one at growth.
#[derive(Debug, Default)]
pub struct ChunkBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl ChunkBuffer {
    /// An empty buffer that allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes that were loaded and not consumed.
    #[inline]
    pub fn slice(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// As [`slice`](Self::slice), to be written to.
    pub(crate) fn slice_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Drops all bytes, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Gives memory back, if it is more than `limit` bytes and there is nothing in it.
    pub(crate) fn shrink(&mut self, limit: usize) {
        self.clear();
        if self.bytes.len() > limit {
            *self = Self::new();
        }
    }

    /// Whether it has memory at all.
    pub(crate) fn is_allocated(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// How many they are.
    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops the first `count` bytes; all of them if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Room for `count` more bytes behind those that are there, to be written to and then [committed](Self::commit).
    /// What it holds is arbitrary.
    pub fn room(&mut self, count: usize) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let wanted = self.end.saturating_add(count);
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        self.bytes.get_mut(self.end..wanted).unwrap_or_default()
    }

    /// Makes the first `count` bytes of the [room](Self::room) part of the slice; at most as many as there is room.
    pub fn commit(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// Drops all but the first `length` bytes of the slice.
    pub fn truncate(&mut self, length: usize) {
        self.end = self.start + length.min(self.len());
    }

    /// Appends a copy of `bytes`.
    pub fn append(&mut self, bytes: &[u8]) {
        let room = self.room(bytes.len());
        room.copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Reads once from `reader`, at most `count` bytes, straight into place. Returns how many came; 0 at the end.
    pub fn read_from(&mut self, reader: &mut impl Read, count: usize) -> io::Result<usize> {
        let room = self.room(count);
        loop {
            match reader.read(room) {
                Ok(read) => {
                    let read = read.min(room.len());
                    self.commit(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_rest_in_front() {
        let mut buffer = ChunkBuffer::new();
        buffer.append(b"abcdef");
        buffer.consume(4);
        buffer.append(b"gh");
        assert_eq!(buffer.slice(), b"efgh");
        assert_eq!(buffer.len(), 4);
    }

    #[test]
    fn reads_straight_behind_the_rest() {
        let mut buffer = ChunkBuffer::new();
        let mut reader = io::Cursor::new(b"0123456789");
        assert_eq!(buffer.read_from(&mut reader, 4).unwrap(), 4);
        buffer.consume(3);
        assert_eq!(buffer.read_from(&mut reader, 4).unwrap(), 4);
        assert_eq!(buffer.slice(), b"34567");
        buffer.consume(5);
        assert!(buffer.is_empty());
        assert_eq!(buffer.read_from(&mut reader, 4).unwrap(), 2);
        assert_eq!(buffer.read_from(&mut reader, 4).unwrap(), 0);
        assert_eq!(buffer.slice(), b"89");
    }

    #[test]
    fn consuming_too_much_empties_it() {
        let mut buffer = ChunkBuffer::new();
        buffer.append(b"abc");
        buffer.consume(usize::MAX);
        assert_eq!(buffer.slice(), b"");
    }
}
