//! Streams for standard input and output, and for tests: bytes, nothing, a host's descriptor, lines.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Chunk, InputStream, MAX_CHUNK, OutputStream, PIPE_PERMIT, StreamError, StreamFailure,
    StreamResult,
};
use crate::fs::ErrorCode;
use crate::readiness::{self, Readiness};

/// An input that ended before it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyInput;

impl InputStream for EmptyInput {
    fn read(&mut self, _max: usize) -> StreamResult<Chunk> {
        Err(StreamError::Closed)
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

/// An input of bytes that are there from the start.
#[derive(Debug, Clone, Default)]
pub struct BytesInput(VecDeque<u8>);

impl BytesInput {
    /// Gives these bytes and ends.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        BytesInput(bytes.into().into())
    }
}

impl InputStream for BytesInput {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        if self.0.is_empty() {
            return Err(StreamError::Closed);
        }
        let length = self.0.len().min(max).min(MAX_CHUNK);
        Ok(Chunk::from(self.0.drain(..length).collect::<Vec<u8>>()))
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

/// An input from a descriptor of the host: its standard input, a pipe, a terminal, a file from where it stands.
pub struct FileDescriptorInput {
    fd: Arc<dyn AsFd + Send + Sync>,
    closed: bool,
}

impl FileDescriptorInput {
    /// Reads `fd`. The descriptor's mode is left as it is: it is only read when there is something.
    pub fn new(fd: impl AsFd + Send + Sync + 'static) -> Self {
        FileDescriptorInput {
            fd: Arc::new(fd),
            closed: false,
        }
    }

    /// The host's own standard input.
    pub fn stdin() -> Self {
        Self::new(std::io::stdin())
    }
}

impl InputStream for FileDescriptorInput {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        if max == 0 || !readiness::is_ready(&self.readiness()) {
            return Ok(Chunk::from(Vec::new()));
        }
        // What the descriptor has is not known beforehand; a pipe holds 64 KiB unless told otherwise.
        let mut bytes = vec![0; max.min(1024 * 1024)];
        match rustix::io::read(&self.fd, &mut bytes) {
            Ok(0) => {
                self.closed = true;
                Err(StreamError::Closed)
            }
            Ok(read) => {
                bytes.truncate(read);
                Ok(Chunk::from(bytes))
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Chunk::from(Vec::new())),
            Err(error) => {
                self.closed = true;
                Err(StreamError::Failed(StreamFailure {
                    message: error.to_string(),
                    code: Some(error.into()),
                    network: None,
                }))
            }
        }
    }

    fn readiness(&self) -> Readiness {
        if self.closed {
            Readiness::Ready
        } else {
            Readiness::Readable(self.fd.clone())
        }
    }

    fn is_terminal(&self) -> bool {
        rustix::termios::isatty(&self.fd)
    }
}

/// An output to a descriptor of the host: a file, from where it stands or at its end if it was opened so; a pipe; a terminal.
///
/// It takes no more at once than a pipe that is ready does, so that a reader who does not read never blocks the host.
pub struct FileDescriptorOutput {
    fd: Arc<dyn AsFd + Send + Sync>,
    /// What the descriptor has not taken, as somebody else was faster.
    pending: Vec<u8>,
    closed: bool,
}

impl FileDescriptorOutput {
    /// Writes to `fd`.
    pub fn new(fd: impl AsFd + Send + Sync + 'static) -> Self {
        FileDescriptorOutput {
            fd: Arc::new(fd),
            pending: Vec::new(),
            closed: false,
        }
    }

    /// The host's own standard output, past the buffer that `print!` has.
    pub fn stdout() -> Self {
        Self::new(std::io::stdout())
    }

    /// The host's own standard error output.
    pub fn stderr() -> Self {
        Self::new(std::io::stderr())
    }

    /// Writes what the descriptor takes, and says how many bytes that were.
    fn offer(&mut self, bytes: &[u8]) -> StreamResult<usize> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let error = match rustix::io::write(&self.fd, rest) {
                Ok(written) if written > 0 => {
                    taken += written;
                    continue;
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => break,
                Ok(_) => rustix::io::Errno::IO,
                Err(error) => error,
            };
            self.closed = true;
            return Err(StreamError::Failed(StreamFailure {
                message: ErrorCode::from(error).to_string(),
                code: Some(error.into()),
                network: None,
            }));
        }
        Ok(taken)
    }

    fn proceed(&mut self) -> StreamResult<()> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        if !self.pending.is_empty() {
            let mut pending = std::mem::take(&mut self.pending);
            let taken = self.offer(&pending)?;
            pending.drain(..taken);
            self.pending = pending;
        }
        Ok(())
    }
}

impl OutputStream for FileDescriptorOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        if !self.closed && !readiness::is_ready(&self.readiness()) {
            return Ok(0);
        }
        self.proceed()?;
        // Of a pipe that is ready a page can be written without waiting.
        Ok(if self.pending.is_empty() {
            PIPE_PERMIT
        } else {
            0
        })
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        self.proceed()?;
        let taken = match self.pending.is_empty() {
            true => self.offer(bytes)?,
            false => 0,
        };
        self.pending
            .extend_from_slice(bytes.get(taken..).unwrap_or(&[]));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.proceed()
    }

    fn readiness(&self) -> Readiness {
        if self.closed {
            Readiness::Ready
        } else {
            Readiness::Writable(self.fd.clone())
        }
    }

    fn is_terminal(&self) -> bool {
        rustix::termios::isatty(&self.fd)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An input that several handles read from, as every `get-stdin` gives a new one.
#[derive(Clone)]
pub struct SharedInput(Arc<Mutex<dyn InputStream>>);

impl SharedInput {
    /// Shares `inner`.
    pub fn new(inner: impl InputStream) -> Self {
        SharedInput(Arc::new(Mutex::new(inner)))
    }
}

impl InputStream for SharedInput {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        lock(&self.0).read(max)
    }

    fn skip(&mut self, max: u64) -> StreamResult<u64> {
        lock(&self.0).skip(max)
    }

    fn readiness(&self) -> Readiness {
        lock(&self.0).readiness()
    }

    fn is_terminal(&self) -> bool {
        lock(&self.0).is_terminal()
    }
}

/// An output that several handles write to.
#[derive(Clone)]
pub struct SharedOutput(Arc<Mutex<dyn OutputStream>>);

impl SharedOutput {
    /// Shares `inner`.
    pub fn new(inner: impl OutputStream) -> Self {
        SharedOutput(Arc::new(Mutex::new(inner)))
    }
}

impl OutputStream for SharedOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        lock(&self.0).check_write()
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        lock(&self.0).flush()
    }

    fn readiness(&self) -> Readiness {
        lock(&self.0).readiness()
    }

    fn is_terminal(&self) -> bool {
        lock(&self.0).is_terminal()
    }
}

/// Takes everything and keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullOutput;

impl OutputStream for NullOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_CHUNK)
    }

    fn write(&mut self, _bytes: &[u8]) -> StreamResult<()> {
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

/// Keeps what is written, up to a capacity, for the host to look at. Clones share it.
#[derive(Debug, Clone)]
pub struct BytesOutput {
    bytes: Arc<Mutex<Vec<u8>>>,
    capacity: usize,
}

impl BytesOutput {
    /// Takes `capacity` bytes and then is closed.
    pub fn new(capacity: usize) -> Self {
        BytesOutput {
            bytes: Arc::default(),
            capacity,
        }
    }

    /// What was written so far.
    pub fn contents(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }
}

impl OutputStream for BytesOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        match self.capacity.saturating_sub(lock(&self.bytes).len()) {
            0 => Err(StreamError::Closed),
            left => Ok(left),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        lock(&self.bytes).extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

/// How long a line may get before it is handed on in parts, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// Hands on whole lines: to a log, to a list, to whatever the closure does. The line comes without its end; bytes that are
/// not UTF-8 are replaced; a line without an end comes when the stream is dropped, and an endless one in parts.
pub struct LineOutput<F: FnMut(&str) + Send + 'static> {
    sink: F,
    started: Vec<u8>,
}

impl<F: FnMut(&str) + Send + 'static> LineOutput<F> {
    /// Hands lines to `sink`.
    pub fn new(sink: F) -> Self {
        LineOutput {
            sink,
            started: Vec::new(),
        }
    }

    fn hand_on(&mut self) {
        let line = self.started.strip_suffix(b"\r").unwrap_or(&self.started);
        (self.sink)(&String::from_utf8_lossy(line));
        self.started.clear();
    }
}

impl<F: FnMut(&str) + Send + 'static> OutputStream for LineOutput<F> {
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            for piece in text.chunks(MAX_LINE) {
                if self.started.len() + piece.len() > MAX_LINE {
                    self.hand_on();
                }
                self.started.extend_from_slice(piece);
            }
            if ended {
                self.hand_on();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        // A flush is no end of a line: libraries flush after every part of one.
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

impl<F: FnMut(&str) + Send + 'static> Drop for LineOutput<F> {
    fn drop(&mut self) {
        if !self.started.is_empty() {
            self.hand_on();
        }
    }
}
