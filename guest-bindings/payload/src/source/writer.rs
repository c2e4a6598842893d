//! Lays the archive of a source out around the bytes, which are read straight into their final place.

use alloc::vec::Vec;

use super::State;
use crate::{
    layout::{
        ARRAY_SIZE, MAX_ARCHIVE_BYTES,
        source::{
            MAGIC, ROOT_SIZE, SEGMENT_SIZE, STATE_END, STATE_MORE, STATE_RETRY_LATER, VERSION,
        },
    },
    parser::{array, le, pad, trailer},
};

/// Makes one chunk: at most so many bytes as the host asked for.
#[derive(Debug)]
pub struct SourceWriter {
    bytes: Vec<u8>,
    segments: Vec<[u8; SEGMENT_SIZE]>,
    /// The chunk's bytes are the first so many of `bytes`; what is behind them was lent by `spare`.
    len: usize,
    max: usize,
    /// Where the open segment begins.
    open: usize,
    skipped: u32,
}

/// Room for this many segments is set aside in the archive from the start.
const SEGMENTS_EXPECTED: usize = 1;

impl SourceWriter {
    /// A chunk of at most `max` bytes, for which memory is set aside when it is first needed.
    ///
    /// A larger number than an archive can hold (2 GiB, some of it for segments) counts as one that it can.
    pub fn with_capacity(max: usize) -> Self {
        // Half of what an archive can hold is left to the segments.
        let max = max.min(MAX_ARCHIVE_BYTES / 2);
        Self {
            bytes: Vec::new(),
            segments: Vec::new(),
            len: 0,
            max,
            open: 0,
            skipped: 0,
        }
    }

    /// Bytes in the chunk so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes in the chunk so far.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes still fit in.
    pub fn remaining(&self) -> usize {
        self.max - self.len
    }

    /// Sets memory aside for all that fits in.
    fn reserve(&mut self) {
        if self.bytes.capacity() < self.max {
            let archive =
                self.max.next_multiple_of(4) + SEGMENTS_EXPECTED * SEGMENT_SIZE + ROOT_SIZE;
            self.bytes.reserve_exact(archive - self.bytes.len());
        }
    }

    /// The place for the bytes that still fit in: read into it, then [`advance`](Self::advance).
    ///
    /// It is zeroed when it is first asked for; [`read_from`](Self::read_from) avoids that.
    pub fn spare(&mut self) -> &mut [u8] {
        self.reserve();
        self.bytes.resize(self.max, 0);
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    /// The first `count` bytes of [`spare`](Self::spare) are now bytes of the chunk.
    pub fn advance(&mut self, count: usize) {
        self.len = (self.len + count).min(self.max).min(self.bytes.len());
    }

    /// Appends as much of `bytes` as fits in, and says how much that is.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let fits = bytes.get(..self.remaining()).unwrap_or(bytes);
        self.reserve();
        self.bytes.truncate(self.len);
        self.bytes.extend_from_slice(fits);
        self.len += fits.len();
        fits.len()
    }

    /// As [`push`](Self::push) of all its bytes; where the chunk is empty and they fit in, the vector itself becomes the archive.
    pub fn push_vec(&mut self, bytes: Vec<u8>) -> usize {
        if self.len > 0 || bytes.len() > self.max {
            return self.push(&bytes);
        }
        self.bytes = bytes;
        self.len = self.bytes.len();
        self.len
    }

    /// Reads from `reader` until the chunk is full or the reader has no more, straight into the archive, and says how
    /// many bytes that were.
    ///
    /// # Errors
    /// Those of the reader. What it read before is in the chunk.
    #[cfg(feature = "std")]
    pub fn read_from(&mut self, reader: &mut impl std::io::Read) -> std::io::Result<usize> {
        use std::io::Read;

        let before = self.len;
        self.reserve();
        self.bytes.truncate(before);
        let limit = self.remaining() as u64;
        let outcome = reader.take(limit).read_to_end(&mut self.bytes);
        self.len = self.bytes.len();
        outcome.map(|_| self.len - before)
    }

    /// `count` bytes of the input were left out here. Counts for the segment that ends next.
    pub fn skip(&mut self, count: u32) {
        self.skipped = self.skipped.saturating_add(count);
    }

    /// The bytes since the last segment are a segment, recorded at `timestamp` (nanoseconds since
    /// 1970-01-01T00:00:00Z), before which `skipped` bytes of the input were left out.
    pub fn segment(&mut self, skipped: u32, timestamp: Option<u64>) {
        self.skip(skipped);
        let time = timestamp.unwrap_or(0);
        let words = [
            le(self.len),
            self.skipped.to_le_bytes(),
            u32::from(timestamp.is_some()).to_le_bytes(),
            (time as u32).to_le_bytes(),
            ((time >> 32) as u32).to_le_bytes(),
        ];
        let mut segment = [0; SEGMENT_SIZE];
        segment.copy_from_slice(words.as_flattened());
        self.segments.push(segment);
        self.open = self.len;
        self.skipped = 0;
    }

    /// The archive. Bytes that are in no segment become one without a timestamp. The bytes stay where they are.
    pub fn finish(mut self, state: State) -> Vec<u8> {
        if self.len > self.open || self.skipped > 0 {
            self.segment(0, None);
        }
        let mut out = self.bytes;
        out.truncate(self.len);
        let segments = self.len.next_multiple_of(4);
        let total = segments + self.segments.len() * SEGMENT_SIZE + ROOT_SIZE;
        out.reserve_exact(total - self.len);
        pad(&mut out);
        out.extend_from_slice(self.segments.as_flattened());
        let root = out.len();
        out.extend_from_slice(&array(root, 0, self.len));
        out.extend_from_slice(&array(root + ARRAY_SIZE, segments, self.segments.len()));
        let (state, retry_after_ms) = match state {
            State::More => (STATE_MORE, 0),
            State::End => (STATE_END, 0),
            State::RetryLater { after_ms } => (STATE_RETRY_LATER, after_ms),
        };
        out.extend_from_slice([state.to_le_bytes(), retry_after_ms.to_le_bytes()].as_flattened());
        out.extend_from_slice(&trailer(MAGIC, VERSION));
        out
    }
}
