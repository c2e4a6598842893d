//! Drives a source as a host does, asking for as much as a check wants.

use std::time::{Duration, Instant};

use chipmunk_payload::{PayloadError, SourceChunk, SourceWriter, State};
use chipmunk_plugins::GuestFault;
use chipmunk_plugins::contract::Session;
use chipmunk_plugins::guest::{Chunk, ReadFailure, SourceGuest};

/// What a source gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub bytes: Vec<u8>,
    /// How many bytes it gave, kept or not.
    pub length: usize,
    pub runs: Vec<Run>,
    /// Left out behind the last run.
    pub skipped: u64,
    pub calls: usize,
    pub ending: Ending,
    /// Chunks without bytes that said to try again later.
    pub later: usize,
}

/// Bytes that belong together: from here on, with so many left out before them, at that time. How a run is divided into
/// segments depends on the chunks, so neighbours of one time with nothing left out between them are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub start: usize,
    pub skipped: u64,
    pub timestamp: Option<u64>,
}

/// Why reading stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// There is more.
    #[default]
    Enough,
    /// The source said so.
    End,
    /// The source cannot go on, in its own words.
    Refused(String),
    /// A live source had nothing for a while.
    Later,
    /// The deadline came first.
    OutOfTime,
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(super) enum Wrong {
    Fault(Box<GuestFault>),
    Archive(PayloadError),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => f.write_str(&crate::subject::in_one_line(fault)),
            Self::Archive(error) => write!(f, "the archive is not valid: {error}"),
        }
    }
}

/// How much to read, and what to keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// Bytes after which it is enough.
    pub bytes: usize,
    /// The bytes are kept, up to that.
    pub keep: bool,
    pub deadline: Option<Instant>,
}

impl Until {
    pub fn bytes(bytes: usize) -> Self {
        Self {
            bytes,
            keep: true,
            deadline: None,
        }
    }
}

/// Reads on, asking each time for what `len` says.
pub(super) fn read(
    session: &mut Session,
    until: Until,
    mut len: impl FnMut() -> u64,
) -> Result<Reading, Wrong> {
    let mut reading = Reading::default();
    let mut idle = 0;
    loop {
        if reading.length >= until.bytes {
            return Ok(reading);
        }
        if until
            .deadline
            .is_some_and(|deadline| Instant::now() > deadline)
        {
            reading.ending = Ending::OutOfTime;
            return Ok(reading);
        }
        let before = reading.length;
        match once(session, len(), &mut reading, until.keep)? {
            Answer::Refused(text) => {
                reading.ending = Ending::Refused(text);
                return Ok(reading);
            }
            Answer::State(State::End) => {
                reading.ending = Ending::End;
                return Ok(reading);
            }
            Answer::State(State::More) => idle = 0,
            Answer::State(State::RetryLater { after_ms }) => {
                const PATIENCE: usize = 20;
                idle = if reading.length > before { 0 } else { idle + 1 };
                if reading.length == before {
                    reading.later += 1;
                    if idle > PATIENCE {
                        reading.ending = Ending::Later;
                        return Ok(reading);
                    }
                    std::thread::sleep(Duration::from_millis(u64::from(after_ms).clamp(1, 50)));
                }
            }
        }
    }
}

/// What one call said.
pub(super) enum Answer {
    State(State),
    Refused(String),
}

/// One call for at most `len` bytes.
pub(super) fn once(
    session: &mut Session,
    len: u64,
    reading: &mut Reading,
    keep: bool,
) -> Result<Answer, Wrong> {
    let asked = usize::try_from(len).unwrap_or(usize::MAX);
    let mut outcome = None;
    reading.calls += 1;
    let called = session.read(len, &mut |chunk| {
        let made;
        let archive = match chunk {
            Chunk::Archive(archive) => archive,
            // API 0.1.0: what a source of 0.2.0 would have made of the same bytes.
            Chunk::Bytes(bytes) => {
                let mut out = SourceWriter::with_capacity(bytes.len());
                out.push(bytes);
                made = out.finish(if bytes.is_empty() {
                    State::End
                } else {
                    State::More
                });
                &made
            }
        };
        outcome = Some(SourceChunk::check(archive, asked).map(|chunk| {
            reading.take(&chunk, keep);
            chunk.state()
        }));
        Ok(())
    });
    match called {
        Err(ReadFailure::Refused { error, .. }) => Ok(Answer::Refused(error.to_string())),
        Err(ReadFailure::Fault(fault)) => Err(Wrong::Fault(fault)),
        // A guest that shows no archive has read nothing: hosts take it for the end.
        Ok(()) => outcome
            .unwrap_or(Ok(State::End))
            .map(Answer::State)
            .map_err(Wrong::Archive),
    }
}

impl Reading {
    fn take(&mut self, chunk: &SourceChunk<'_>, keep: bool) {
        for segment in chunk.segments() {
            self.skipped += u64::from(segment.skipped);
            let length = segment.end - segment.start;
            if length == 0 {
                continue;
            }
            let skipped = std::mem::take(&mut self.skipped);
            let goes_on = self
                .runs
                .last()
                .is_some_and(|last| last.timestamp == segment.timestamp && skipped == 0);
            if !goes_on && (keep || self.runs.is_empty()) {
                self.runs.push(Run {
                    start: self.length,
                    skipped,
                    timestamp: segment.timestamp,
                });
            }
            self.length += length;
        }
        if keep {
            self.bytes.extend_from_slice(chunk.bytes());
        }
    }

    /// How this differs from another reading of the same input, in what both have.
    pub fn differs(&self, other: &Reading) -> Option<String> {
        let both = self.length.min(other.length);
        let mine = self.bytes.get(..both).unwrap_or(&self.bytes);
        let theirs = other.bytes.get(..both).unwrap_or(&other.bytes);
        if mine != theirs {
            let same = mine.iter().zip(theirs).take_while(|(a, b)| a == b).count();
            return Some(format!("the bytes differ from byte {same} on"));
        }
        let ended = |reading: &Reading| reading.ending == Ending::End;
        if ended(self) && ended(other) && self.length != other.length {
            return Some(format!(
                "there are {} bytes, and {}",
                self.length, other.length
            ));
        }
        let runs = |reading: &Reading| -> Vec<Run> {
            let within = |run: &&Run| run.start < both;
            reading.runs.iter().filter(within).copied().collect()
        };
        let (mine, theirs) = (runs(self), runs(other));
        if mine != theirs {
            let same = mine.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
            let segment = |runs: &[Run]| match runs.get(same) {
                Some(run) => format!(
                    "at byte {} with {} bytes skipped and timestamp {:?}",
                    run.start, run.skipped, run.timestamp
                ),
                None => "not there".to_owned(),
            };
            return Some(format!(
                "the bytes are the same, but segment {same} is {}, and {}",
                segment(&mine),
                segment(&theirs)
            ));
        }
        if ended(self) && ended(other) && self.skipped != other.skipped {
            return Some(format!(
                "at the end {} bytes are skipped, and {}",
                self.skipped, other.skipped
            ));
        }
        None
    }
}
