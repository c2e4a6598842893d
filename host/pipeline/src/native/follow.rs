//! The native source that follows a file: at its end it waits for more, until it is told to stop.
//!
//! Logs are rotated: the file is cut to nothing, or renamed and another made under its name. Both show in lengths, which
//! every system tells, also to a plugin. Shorter than what was read: cut, or another file. Longer, and yet nothing more to read:
//! another file. Then the source goes on with the beginning of what is under the name now, behind all of the old file.

use std::{
    fmt,
    fs::File,
    io::{self, Seek},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    ByteSource, ChunkBuffer, DEFAULT_CHUNK_BYTES, ReloadInfo, SourceCounters, SourceError,
    SourceFilter, Stop,
};

/// How long to wait before looking again. What is written shows up without a delay that anybody would notice, and looking costs
/// a few microseconds.
const PAUSE: Duration = Duration::from_millis(50);

/// What has become of a followed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is shorter than what was read of it.
    Truncated,
    /// There is another one under its name.
    Replaced,
}

/// Reads a file, and what is appended to it.
pub struct FollowSource {
    path: PathBuf,
    file: File,
    /// Bytes read of this file.
    position: u64,
    chunk: usize,
    buffer: ChunkBuffer,
    counters: SourceCounters,
    stop: Stop,
    tell: Box<dyn FnMut(Turn) + Send>,
}

impl FollowSource {
    /// Follows the file at `path` until `stop` is given; what there is by then is read. `tell` is called when it goes on with
    /// the beginning of a file.
    ///
    /// # Errors
    /// [`SourceError::Setup`] if it cannot be opened, or is no regular file.
    pub fn open(
        path: impl AsRef<Path>,
        stop: Stop,
        tell: impl FnMut(Turn) + Send + 'static,
    ) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let refuse = |why: &dyn fmt::Display| {
            SourceError::Setup(format!("cannot follow {}: {why}", path.display()))
        };
        let file = File::open(path).map_err(|error| refuse(&error))?;
        if !file.metadata().map_err(|error| refuse(&error))?.is_file() {
            return Err(refuse(
                &"it is no regular file; without --follow it is read to its end",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            position: 0,
            chunk: DEFAULT_CHUNK_BYTES,
            buffer: ChunkBuffer::new(),
            counters: SourceCounters::default(),
            stop,
            tell: Box::new(tell),
        })
    }

    /// How many bytes to ask for at a time, at least one.
    pub fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk = bytes.max(1);
        self
    }

    /// Reads what there is at once, behind what is in `into`; 0 if there is nothing.
    fn read(&mut self, into: &mut ChunkBuffer) -> io::Result<usize> {
        let read = into.read_from(&mut self.file, self.chunk)?;
        self.position += read as u64;
        Ok(read)
    }

    /// At the end of the file: goes on with another one under its name, or with its own beginning, where it is so.
    fn turn(&mut self, into: &mut ChunkBuffer) -> io::Result<usize> {
        let Ok(present) = std::fs::metadata(&self.path).map(|metadata| metadata.len()) else {
            // Between a renaming and a new file there may be none.
            return Ok(0);
        };
        if present == self.position {
            return Ok(0);
        }
        if present > self.position {
            // It may have grown just now.
            let read = self.read(into)?;
            if read > 0 {
                return Ok(read);
            }
        }
        let turn = if self.file.metadata()?.len() < self.position {
            self.file.rewind()?;
            Turn::Truncated
        } else {
            match File::open(&self.path) {
                Ok(file) => self.file = file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            }
            Turn::Replaced
        };
        self.position = 0;
        (self.tell)(turn);
        self.read(into)
    }

    /// Reads behind what is in `into`, and waits until there is something to read; 0 when told to stop.
    fn wait(&mut self, into: &mut ChunkBuffer) -> io::Result<usize> {
        loop {
            // Before reading: what was written before the word counts.
            let stopped = self.stop.is_stopped();
            let mut read = self.read(into)?;
            if read == 0 {
                read = self.turn(into)?;
            }
            if read > 0 || stopped {
                return Ok(read);
            }
            self.stop.wait(PAUSE);
        }
    }
}

#[async_trait]
impl ByteSource for FollowSource {
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
        self.counters.c_rld += 1;
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.wait(&mut buffer);
        self.buffer = buffer;
        match read {
            Ok(0) => {
                self.counters.r_eof += 1;
                Ok(None)
            }
            Ok(read) => {
                self.counters.r_ok += 1;
                Ok(Some(ReloadInfo {
                    newly_loaded_bytes: read,
                    available_bytes: self.buffer.len(),
                    ..ReloadInfo::default()
                }))
            }
            Err(error) => {
                self.counters.r_err += 1;
                let text = format!("cannot read {}: {error}", self.path.display());
                Err(io::Error::new(error.kind(), text).into())
            }
        }
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }
}

impl fmt::Debug for FollowSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowSource")
            .field("path", &self.path)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
