//! Where bytes come from: the [`ByteSource`] trait and what it speaks of.
//!
//! The signatures are Chipmunk's. How a source keeps its bytes is its own affair; [`ChunkBuffer`](crate::ChunkBuffer) is
//! what ours use.

use async_trait::async_trait;

use crate::{ChunkBuffer, SourceCounters, SourceSplit};

/// Something that loads bytes, and keeps them until they are consumed.
///
/// [`load`](Self::load) puts new bytes behind those that are still there, so that
/// [`current_slice`](Self::current_slice) begins with the oldest byte that nobody has consumed.
#[async_trait]
pub trait ByteSource: Send {
    /// Drops the first `count` bytes of the current slice; all of them if it has fewer.
    fn consume(&mut self, count: usize);

    /// The bytes that were loaded and not consumed.
    fn current_slice(&self) -> &[u8];

    /// Length of the current slice in bytes.
    fn len(&self) -> usize;

    /// Whether the current slice is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Loads more bytes behind the current slice; `None` at the end of the input.
    ///
    /// Cancel-safe: when the future is dropped before it is ready, no byte is lost, and the next `load` goes on.
    async fn load(
        &mut self,
        filter: Option<&SourceFilter>,
    ) -> Result<Option<ReloadInfo>, SourceError>;

    /// As [`load`](Self::load), but puts the new bytes, and what else was not consumed before them, behind those in `into`;
    /// the current slice is then empty. For a caller with buffers of its own.
    async fn load_into(
        &mut self,
        filter: Option<&SourceFilter>,
        into: &mut ChunkBuffer,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        let loaded = self.load(filter).await?;
        into.append(self.current_slice());
        self.consume(self.len());
        Ok(loaded)
    }

    /// Ends whatever the source is waiting for. Nothing to do for most.
    async fn cancel(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    /// Sends something to where the bytes come from, for sources that are a conversation (a serial line, say).
    async fn income(&mut self, request: IncomeRequest) -> Result<IncomeResponse, SourceError> {
        let _ = request;
        Err(SourceError::NotSupported)
    }

    /// What was called how often.
    fn counters(&self) -> SourceCounters {
        SourceCounters::default()
    }

    /// Where the time of all loads went.
    fn split(&self) -> SourceSplit {
        SourceSplit::default()
    }
}

#[async_trait]
impl<S: ByteSource + ?Sized> ByteSource for Box<S> {
    fn consume(&mut self, count: usize) {
        (**self).consume(count);
    }

    fn current_slice(&self) -> &[u8] {
        (**self).current_slice()
    }

    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }

    async fn load(
        &mut self,
        filter: Option<&SourceFilter>,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        (**self).load(filter).await
    }

    async fn load_into(
        &mut self,
        filter: Option<&SourceFilter>,
        into: &mut ChunkBuffer,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        (**self).load_into(filter, into).await
    }

    async fn cancel(&mut self) -> Result<(), SourceError> {
        (**self).cancel().await
    }

    async fn income(&mut self, request: IncomeRequest) -> Result<IncomeResponse, SourceError> {
        (**self).income(request).await
    }

    fn counters(&self) -> SourceCounters {
        (**self).counters()
    }

    fn split(&self) -> SourceSplit {
        (**self).split()
    }
}

/// What one [`ByteSource::load`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReloadInfo {
    /// Bytes that this load added.
    pub newly_loaded_bytes: usize,
    /// Length of the current slice after it.
    pub available_bytes: usize,
    /// Bytes of the input that the source passed over because they are not part of the trace, such as the headers
    /// of a packet capture. This is no damage.
    pub skipped_bytes: usize,
    /// The time of the newest bytes where the source knows it, in nanoseconds since 1970-01-01T00:00:00Z.
    pub last_known_ts: Option<u64>,
}

/// Which part of the input a source is to load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only what came by this protocol; all if `None`.
    pub transport: Option<TransportProtocol>,
}

/// Protocols that a packet source can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportProtocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// Anything else.
    Unknown,
}

/// What [`ByteSource::income`] sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncomeRequest {
    /// Text, sent as UTF-8.
    WriteText(String),
    /// Bytes.
    WriteBytes(Vec<u8>),
}

/// What became of an [`IncomeRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncomeResponse {
    /// Bytes that were sent.
    pub bytes: usize,
}

/// Why a source gave no bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The source cannot start. Names the input and what to do.
    #[error("{0}")]
    Setup(String),
    /// The source cannot go on. Names the input and what happened.
    #[error("{0}")]
    Unrecoverable(String),
    /// Reading failed. The text names the input.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// This source does not offer what was asked of it.
    #[error("this source does not support the request")]
    NotSupported,
}
