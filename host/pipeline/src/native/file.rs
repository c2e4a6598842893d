//! The native source: a file, or a stream such as the standard input.
//!
//! One buffer, the unconsumed rest in front, and reads straight into it behind that. Reading blocks: the future is
//! ready when it is first polled, so dropping it loses nothing.

use std::{
    fs::File,
    io::{self, Read, Stdin},
    path::Path,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{
    ByteSource, ChunkBuffer, DEFAULT_CHUNK_BYTES, ReloadInfo, SourceCounters, SourceError,
    SourceFilter, SourceSplit,
};

/// Reads from anything that implements [`Read`], a chunk at a time.
#[derive(Debug)]
pub struct StreamSource<R> {
    name: String,
    reader: R,
    chunk: usize,
    buffer: ChunkBuffer,
    counters: SourceCounters,
    reading: Duration,
}

impl StreamSource<File> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`SourceError::Setup`], naming the file and what to do, if it cannot be opened or is a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let refuse =
            |why: String| SourceError::Setup(format!("cannot read {}: {why}", path.display()));
        let file = File::open(path).map_err(|error| {
            refuse(match error.kind() {
                io::ErrorKind::NotFound => "there is no such file; check the path".into(),
                io::ErrorKind::PermissionDenied => {
                    "permission denied; make it readable for this user".into()
                }
                _ => error.to_string(),
            })
        })?;
        match file.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                Err(refuse("it is a directory; name a file in it".into()))
            }
            Ok(_) => Ok(Self::from_reader(path.display().to_string(), file)),
            Err(error) => Err(refuse(error.to_string())),
        }
    }
}

impl StreamSource<Stdin> {
    /// Reads the standard input.
    pub fn stdin() -> Self {
        Self::from_reader("the standard input", io::stdin())
    }
}

impl<R: Read + Send> StreamSource<R> {
    /// Reads from `reader`, which errors call `name`.
    pub fn from_reader(name: impl Into<String>, reader: R) -> Self {
        Self {
            name: name.into(),
            reader,
            chunk: DEFAULT_CHUNK_BYTES,
            buffer: ChunkBuffer::new(),
            counters: SourceCounters::default(),
            reading: Duration::ZERO,
        }
    }

    /// How many bytes to ask for at a time, at least one.
    pub fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk = bytes.max(1);
        self
    }

    /// Counts one read, after which the current slice is `available` bytes.
    fn note(
        &mut self,
        read: io::Result<usize>,
        available: usize,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        self.counters.c_rld += 1;
        match read {
            Ok(0) => {
                self.counters.r_eof += 1;
                Ok(None)
            }
            Ok(read) => {
                self.counters.r_ok += 1;
                Ok(Some(ReloadInfo {
                    newly_loaded_bytes: read,
                    available_bytes: available,
                    skipped_bytes: 0,
                    last_known_ts: None,
                }))
            }
            Err(error) => {
                self.counters.r_err += 1;
                let text = format!("cannot read {}: {error}", self.name);
                Err(io::Error::new(error.kind(), text).into())
            }
        }
    }
}

#[async_trait]
impl<R: Read + Send> ByteSource for StreamSource<R> {
    fn consume(&mut self, count: usize) {
        self.counters.c_cns += 1;
        self.buffer.consume(count);
    }

    fn current_slice(&self) -> &[u8] {
        self.buffer.slice()
    }

    fn len(&self) -> usize {
        self.buffer.len()
    }

    async fn load(&mut self, _: Option<&SourceFilter>) -> Result<Option<ReloadInfo>, SourceError> {
        let begun = Instant::now();
        let read = self.buffer.read_from(&mut self.reader, self.chunk);
        self.reading += begun.elapsed();
        let available = self.buffer.len();
        self.note(read, available)
    }

    async fn load_into(
        &mut self,
        _: Option<&SourceFilter>,
        into: &mut ChunkBuffer,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        into.append(self.buffer.slice());
        self.buffer.clear();
        let begun = Instant::now();
        let read = into.read_from(&mut self.reader, self.chunk);
        self.reading += begun.elapsed();
        self.note(read, 0)
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn split(&self) -> SourceSplit {
        SourceSplit {
            read: self.reading,
            ..SourceSplit::default()
        }
    }
}
