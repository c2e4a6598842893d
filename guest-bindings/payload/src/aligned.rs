//! Bytes at an aligned address.
//!
//! An archive can only be read where its `u32`s are aligned, and a `Vec<u8>` promises nothing of the kind. This one
//! leaves up to three bytes free in front, rather than being a vector of another type: so a vector that happens to
//! be aligned, and nearly all are, is taken over without a copy, and no `unsafe` is needed.

use core::{fmt, ops::Deref};

use alloc::vec::Vec;

use crate::layout::ALIGN;

/// A growable run of bytes whose first one lies at an address that is a multiple of four.
///
/// Hosts keep one and fill it again and again: its buffer is reused.
#[derive(Default)]
pub struct AlignedBytes {
    /// The bytes from `start` on are ours, and `start` is where the buffer's first aligned byte is.
    buffer: Vec<u8>,
    start: usize,
}

impl AlignedBytes {
    /// No bytes, and no buffer yet.
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// A copy of `bytes`.
    pub fn from_slice(bytes: &[u8]) -> Self {
        let mut aligned = Self::new();
        aligned.fill_from(bytes);
        aligned
    }

    /// Makes these the bytes. The buffer is reused if it is large enough.
    pub fn fill_from(&mut self, bytes: &[u8]) {
        self.buffer.clear();
        self.buffer.reserve(bytes.len() + ALIGN - 1);
        // Not reallocated below: there is room for the bytes behind every possible start.
        self.start = misalignment(self.buffer.as_ptr());
        self.buffer.resize(self.start, 0);
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer, for another use. What is in it is of no interest.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// How many bytes there are from `at` to the next aligned address.
fn misalignment(at: *const u8) -> usize {
    at.addr().wrapping_neg() % ALIGN
}

impl From<Vec<u8>> for AlignedBytes {
    /// Takes `bytes` over if they are aligned, else copies them.
    fn from(bytes: Vec<u8>) -> Self {
        match misalignment(bytes.as_ptr()) {
            0 => Self {
                buffer: bytes,
                start: 0,
            },
            _ => Self::from_slice(&bytes),
        }
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        Self::from_slice(self)
    }
}

impl fmt::Debug for AlignedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn bytes_are_aligned_however_often_they_are_filled() {
        let mut aligned = AlignedBytes::new();
        for len in [0usize, 1, 3, 4, 5, 1000, 7, 100_000] {
            let bytes = vec![len as u8; len];
            aligned.fill_from(&bytes);
            assert_eq!(&*aligned, &bytes[..]);
            assert!(len == 0 || aligned.as_ptr().addr().is_multiple_of(ALIGN));
        }
    }

    #[test]
    fn an_aligned_vector_is_taken_over() {
        let bytes = vec![1u8; 4096];
        let before = bytes.as_ptr();
        let aligned = AlignedBytes::from(bytes);
        assert_eq!(
            before.addr().is_multiple_of(ALIGN),
            aligned.as_ptr() == before
        );
        assert_eq!(&*aligned.clone(), &[1u8; 4096][..]);
    }
}
