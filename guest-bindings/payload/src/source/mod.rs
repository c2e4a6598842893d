//! What a byte source read: the archive that `read` returns.
//!
//! The bytes of a chunk, in segments that may carry a timestamp and a count of skipped bytes each (a packet trace has
//! one segment per packet), and whether more will follow.
//!
//! This module is the vocabulary; `writer` lays archives out, `reader` checks them.

#[cfg(feature = "reader")]
mod reader;
mod writer;

#[cfg(feature = "reader")]
pub use reader::{Segments, SourceChunk};
pub use writer::SourceWriter;

/// What comes after a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// More will follow. A chunk that says so is not empty.
    More,
    /// Nothing will follow.
    End,
    /// There is nothing more at present: the host is to ask again after so many milliseconds, or when it likes if 0.
    RetryLater {
        /// Milliseconds.
        after_ms: u32,
    },
}

/// A run of a chunk's bytes with what is known of where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Where it begins in the chunk.
    pub start: usize,
    /// Where it ends in the chunk.
    pub end: usize,
    /// Bytes of the input that were left out before it, or instead of it: headers of packets, packets of no interest.
    pub skipped: u32,
    /// When it was recorded, in nanoseconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
}
