//! Chunks on their way from the source's thread to who parses them.
//!
//! A buffer has room in front of the bytes that were loaded into it:
//!
//! ```text
//! | headroom | the last bytes of the chunks before | the bytes of this load |
//!            ^ front - lookback                    ^ front
//! ```
//!
//! So an unconsumed rest is put in front of a chunk instead of the chunk behind the rest, which is the smaller copy. The
//! number of buffers is fixed; they go round, and what all queues together hold is bounded by it.

use std::any::Any;

use crate::{ChunkBuffer, ReloadInfo, SourceCounters, SourceError};

/// What one load brought.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) buffer: ChunkBuffer,
    /// Where the loaded bytes begin in the buffer.
    pub(super) front: usize,
    /// How many bytes of the chunks before stand in front of them.
    pub(super) lookback: usize,
    pub(super) info: ReloadInfo,
    /// What the source had counted behind this load.
    pub(super) counters: SourceCounters,
}

impl Chunk {
    /// The bytes that were loaded.
    pub(super) fn body(&self) -> &[u8] {
        self.buffer.slice().get(self.front..).unwrap_or_default()
    }

    /// Puts `bytes` in front of position `at`, and returns where they begin; none if there is no room for them.
    pub(super) fn put_before(&mut self, at: usize, bytes: &[u8]) -> Option<usize> {
        let start = at.checked_sub(bytes.len())?;
        self.buffer
            .slice_mut()
            .get_mut(start..at)?
            .copy_from_slice(bytes);
        Some(start)
    }
}

/// What came of one load, with its number: several threads may handle them, but they count in order.
#[derive(Debug)]
pub(super) struct Arrival<X> {
    pub(super) index: u64,
    pub(super) load: Load,
    /// What somebody on the way has made of it.
    pub(super) extra: Option<X>,
}

/// How a load ended.
pub(super) enum Load {
    Chunk(Chunk),
    /// Nothing more will come.
    End(SourceCounters),
    /// Nor here.
    Failed(SourceError, SourceCounters),
    /// A thread panicked: to be continued by who waits for it.
    Panicked(Box<dyn Any + Send>),
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Chunk(_) => "Chunk",
            Self::End(_) => "End",
            Self::Failed(..) => "Failed",
            Self::Panicked(_) => "Panicked",
        })
    }
}
