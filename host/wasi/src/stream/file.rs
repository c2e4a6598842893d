//! Streams over files: a file and a position of their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Chunk, InputStream, MAX_CHUNK, OutputStream, PIPE_PERMIT, StreamError, StreamResult};
use crate::fs::{ErrorCode, File, Kind, read_fully};
use crate::readiness::{self, Readiness};

/// How much is read at once where the size of a file says nothing, in bytes.
const BLIND_READ: usize = 64 * 1024;

/// Reads a file from a position on.
///
/// Of a regular file the length is known before it is read, so a read is a promise that is kept in guest memory. The length
/// is asked again only when the last known one is reached; a file that has shrunk shows by a short read.
pub struct FileInput {
    file: Arc<dyn File>,
    cursor: Arc<Cursor>,
    size: u64,
    closed: bool,
}

/// What a promised read changes when it is kept.
struct Cursor {
    position: AtomicU64,
    /// The file is not as long as it was, or cannot be read.
    broken: Mutex<Option<Result<(), ErrorCode>>>,
}

impl FileInput {
    /// Reads `file` from `offset` on.
    pub fn new(file: Arc<dyn File>, offset: u64) -> Self {
        let cursor = Cursor {
            position: AtomicU64::new(offset),
            broken: Mutex::new(None),
        };
        FileInput {
            file,
            cursor: Arc::new(cursor),
            size: 0,
            closed: false,
        }
    }

    fn position(&self) -> u64 {
        self.cursor.position.load(Ordering::Relaxed)
    }

    /// How many bytes are left, as far as the size tells.
    fn left(&mut self) -> StreamResult<u64> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        let broken = self
            .cursor
            .broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match broken {
            Some(Err(error)) => return Err(self.fail(error)),
            Some(Ok(())) => self.size = 0,
            None => {}
        }
        if self.file.kind() != Kind::RegularFile {
            return Ok(0);
        }
        let position = self.position();
        if self.size <= position {
            self.size = self.file.size().map_err(|error| self.fail(error))?;
        }
        Ok(self.size.saturating_sub(position))
    }

    fn fail(&mut self, error: ErrorCode) -> StreamError {
        self.closed = true;
        error.into()
    }
}

impl InputStream for FileInput {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        let left = self.left()?;
        let max = max.min(MAX_CHUNK);
        let position = self.position();
        if left > 0 {
            let length = usize::try_from(left).unwrap_or(MAX_CHUNK).min(max);
            if length == 0 {
                return Ok(Chunk::from(Vec::new()));
            }
            let (file, cursor) = (self.file.clone(), self.cursor.clone());
            return Ok(Chunk::fill(length, move |buffer| {
                let outcome = read_fully(&*file, buffer, position);
                let read = *outcome.as_ref().unwrap_or(&0);
                cursor
                    .position
                    .store(position.saturating_add(read as u64), Ordering::Relaxed);
                if read < buffer.len() {
                    let broken = outcome.map(drop);
                    *cursor.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken);
                }
                read
            }));
        }
        if max == 0 {
            let ended = self.file.kind() == Kind::RegularFile;
            return if ended {
                Err(StreamError::Closed)
            } else {
                Ok(Chunk::from(Vec::new()))
            };
        }
        // The end; or a pipe, or a file of `/proc`, whose size says nothing. Only reading tells.
        if !readiness::is_ready(&self.readiness()) {
            return Ok(Chunk::from(Vec::new()));
        }
        let mut bytes = vec![0; max.min(BLIND_READ)];
        match self.file.read_at(&mut bytes, position) {
            // Not for ever: the next read looks again, since a file can grow.
            Ok(0) => Err(StreamError::Closed),
            Ok(read) => {
                bytes.truncate(read);
                self.cursor
                    .position
                    .store(position.saturating_add(read as u64), Ordering::Relaxed);
                Ok(Chunk::from(bytes))
            }
            Err(ErrorCode::WouldBlock) => Ok(Chunk::from(Vec::new())),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn skip(&mut self, max: u64) -> StreamResult<u64> {
        let left = self.left()?;
        if left == 0 {
            let max = usize::try_from(max).unwrap_or(usize::MAX).min(BLIND_READ);
            return self.read(max).map(|chunk| chunk.into_bytes().len() as u64);
        }
        let skipped = left.min(max);
        self.cursor.position.fetch_add(skipped, Ordering::Relaxed);
        Ok(skipped)
    }

    fn readiness(&self) -> Readiness {
        if self.closed {
            Readiness::Ready
        } else {
            self.file.readable()
        }
    }
}

/// Writes a file from a position on, or at its end.
pub struct FileOutput {
    file: Arc<dyn File>,
    position: Position,
    closed: bool,
}

enum Position {
    At(u64),
    End,
}

impl FileOutput {
    /// Writes `file` from `offset` on.
    pub fn at(file: Arc<dyn File>, offset: u64) -> Self {
        FileOutput {
            file,
            position: Position::At(offset),
            closed: false,
        }
    }

    /// Writes `file` at whatever its end is at the time.
    pub fn at_end(file: Arc<dyn File>) -> Self {
        FileOutput {
            file,
            position: Position::End,
            closed: false,
        }
    }
}

impl OutputStream for FileOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        Ok(match self.file.kind() {
            Kind::RegularFile => MAX_CHUNK,
            // What a pipe that is ready takes without blocking.
            _ if readiness::is_ready(&self.file.accepting()) => PIPE_PERMIT,
            _ => 0,
        })
    }

    fn write(&mut self, mut bytes: &[u8]) -> StreamResult<()> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        while !bytes.is_empty() {
            let outcome = match &mut self.position {
                Position::At(offset) => self
                    .file
                    .write_at(bytes, *offset)
                    .inspect(|written| *offset = offset.saturating_add(*written as u64)),
                Position::End => self.file.append(bytes),
            };
            match outcome {
                Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or(&[]),
                outcome => {
                    self.closed = true;
                    return Err(outcome.err().unwrap_or(ErrorCode::Io).into());
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Nothing is held back. Getting it onto a disk is `sync` of the descriptor.
        if self.closed {
            Err(StreamError::Closed)
        } else {
            Ok(())
        }
    }

    fn readiness(&self) -> Readiness {
        if self.closed {
            Readiness::Ready
        } else {
            self.file.accepting()
        }
    }
}
