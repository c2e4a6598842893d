//! Byte streams as `wasi:io/streams` has them, behind two traits.
//!
//! The traits never block: a stream gives what is there and says by [`Readiness`] when to come back. Blocking is done in
//! one place, by the bindings, so that every wait ends at the call's deadline.
//!
//! A read does not return bytes but a [`Chunk`]: for files, a promise of so many bytes and the way to put them into a
//! buffer, so that the engine can have them read straight into guest memory.

mod file;
mod stdio;

pub use file::{FileInput, FileOutput};
pub use stdio::{
    BytesInput, BytesOutput, EmptyInput, FileDescriptorInput, FileDescriptorOutput, LineOutput,
    NullOutput, SharedInput, SharedOutput,
};

use crate::fs::ErrorCode;
use crate::net;
use crate::readiness::Readiness;

/// The most bytes one read gives, and one `check-write` permits.
pub const MAX_CHUNK: usize = 16 * 1024 * 1024;

/// What every pipe that is ready takes at once, in bytes (`PIPE_BUF` of Linux).
const PIPE_PERMIT: usize = 4096;

/// Why a stream gives or takes nothing more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The end of input, or an output that takes nothing more.
    #[error("the stream is closed")]
    Closed,
    /// The operation failed; afterwards the stream is closed.
    #[error("{0}")]
    Failed(StreamFailure),
}

/// What a guest can learn about a failure: the resource `error` of `wasi:io/error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StreamFailure {
    /// For a human; without anything about the host that the guest should not know.
    pub message: String,
    /// The code, if the failure is one of a file system.
    pub code: Option<ErrorCode>,
    /// The code, if the failure is one of the network.
    pub network: Option<net::ErrorCode>,
}

impl From<ErrorCode> for StreamError {
    fn from(code: ErrorCode) -> Self {
        StreamError::Failed(StreamFailure {
            message: code.to_string(),
            code: Some(code),
            network: None,
        })
    }
}

/// The result of stream operations.
pub type StreamResult<T> = Result<T, StreamError>;

type Filler = Box<dyn FnOnce(&mut [u8]) -> usize + Send>;

/// Bytes that were read, or are about to be.
pub struct Chunk(ChunkKind);

enum ChunkKind {
    Bytes(Vec<u8>),
    Fill { length: usize, fill: Filler },
}

impl Chunk {
    /// `length` bytes at most, which `fill` will put into a buffer of that length; it says how many there were.
    pub fn fill(length: usize, fill: impl FnOnce(&mut [u8]) -> usize + Send + 'static) -> Self {
        Chunk(ChunkKind::Fill {
            length,
            fill: Box::new(fill),
        })
    }

    /// How many bytes at most.
    pub fn len(&self) -> usize {
        match &self.0 {
            ChunkKind::Bytes(bytes) => bytes.len(),
            ChunkKind::Fill { length, .. } => *length,
        }
    }

    /// Whether it is certain that there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the bytes into `buffer`, which has [`Chunk::len`] bytes, and says how many there were.
    pub fn fill_into(self, buffer: &mut [u8]) -> usize {
        match self.0 {
            ChunkKind::Bytes(bytes) => {
                let length = bytes.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), bytes.get(..length)) {
                    to.copy_from_slice(from);
                }
                length
            }
            ChunkKind::Fill { fill, .. } => {
                let length = buffer.len();
                fill(buffer).min(length)
            }
        }
    }

    /// The bytes themselves.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.0 {
            ChunkKind::Bytes(bytes) => bytes,
            ChunkKind::Fill { length, fill } => {
                let mut bytes = vec![0; length];
                let read = fill(&mut bytes);
                bytes.truncate(read);
                bytes
            }
        }
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(bytes: Vec<u8>) -> Self {
        Chunk(ChunkKind::Bytes(bytes))
    }
}

/// Where bytes come from.
pub trait InputStream: Send + 'static {
    /// Up to `max` bytes, as many as are there now, which may be none. Never blocks.
    ///
    /// Errors: [`StreamError::Closed`] at the end, also for `max` 0.
    fn read(&mut self, max: usize) -> StreamResult<Chunk>;

    /// Drops up to `max` bytes that are there now and says how many.
    fn skip(&mut self, max: u64) -> StreamResult<u64> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(64 * 1024);
        self.read(max).map(|chunk| chunk.into_bytes().len() as u64)
    }

    /// When [`InputStream::read`] will give something, be it the end.
    fn readiness(&self) -> Readiness;

    /// Whether somebody types this. Guests ask it of their standard input.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// Where bytes go to.
pub trait OutputStream: Send + 'static {
    /// How many bytes the next [`OutputStream::write`] may have; 0 for none now.
    fn check_write(&mut self) -> StreamResult<usize>;

    /// Takes all of `bytes`, which are no more than were permitted. Never blocks for long.
    fn write(&mut self, bytes: &[u8]) -> StreamResult<()>;

    /// Starts handing on what was written. [`OutputStream::check_write`] is 0 until that is done.
    fn flush(&mut self) -> StreamResult<()>;

    /// When [`OutputStream::check_write`] will not be 0.
    fn readiness(&self) -> Readiness;

    /// Whether somebody looks at this as it is written. Guests ask it of their standard outputs.
    fn is_terminal(&self) -> bool {
        false
    }
}

impl InputStream for Box<dyn InputStream> {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        (**self).read(max)
    }

    fn skip(&mut self, max: u64) -> StreamResult<u64> {
        (**self).skip(max)
    }

    fn readiness(&self) -> Readiness {
        (**self).readiness()
    }

    fn is_terminal(&self) -> bool {
        (**self).is_terminal()
    }
}

impl OutputStream for Box<dyn OutputStream> {
    fn check_write(&mut self) -> StreamResult<usize> {
        (**self).check_write()
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        (**self).write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        (**self).flush()
    }

    fn readiness(&self) -> Readiness {
        (**self).readiness()
    }

    fn is_terminal(&self) -> bool {
        (**self).is_terminal()
    }
}
