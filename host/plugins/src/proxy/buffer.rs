//! The bytes of a source on the host's side: the unconsumed rest in front, the newest chunk behind it, shown run by run.
//!
//! A chunk may have segments with timestamps of their own, and a load tells one timestamp; so the chunk is copied as a whole,
//! and each load *shows* the next run of it. Two ways in, for two threading models: [`RunBuffer::append`] copies the chunk behind
//! the rest; [`RunBuffer::adopt`] takes a buffer that was filled elsewhere, with room in front for the rest, which is the
//! smaller part.

use std::collections::VecDeque;
use std::time::Instant;

use chipmunk_payload::{SourceChunk, State};
use chipmunk_pipeline::{ReloadInfo, SourceSplit};

use crate::error::FaultCause;
use crate::guest::{Chunk, ReadFailure, SourceGuest};

/// Room in front of a chunk in a buffer that is to be adopted: a rest is mostly less than one message.
pub(super) const HEADROOM: usize = 64 << 10;

/// A run of bytes that is handed out at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    length: usize,
    skipped: usize,
    timestamp: Option<u64>,
}

/// What one guest call brought, besides the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) length: usize,
    pub(super) runs: Vec<Run>,
    /// Bytes that the source left out behind the last run.
    pub(super) skipped: usize,
    pub(super) state: State,
}

/// Calls the guest for at most `asked` bytes, and gives them to `put`, once. What took how long is added to `split`.
pub(super) fn read_chunk(
    guest: &mut (impl SourceGuest + ?Sized),
    asked: usize,
    split: &mut SourceSplit,
    mut put: impl FnMut(&[u8]),
) -> Result<Digest, ReadFailure> {
    let mut digest = None;
    let mut taken = SourceSplit::default();
    let begun = Instant::now();
    let outcome = guest.read(asked as u64, &mut |shown| {
        let read = Instant::now();
        let checked_archive;
        let (bytes, found) = match shown {
            Chunk::Archive(archive) => {
                checked_archive = SourceChunk::check(archive, asked)
                    .map_err(|error| FaultCause::Contract(error.to_string()))?;
                (checked_archive.bytes(), self::digest(&checked_archive))
            }
            Chunk::Bytes(bytes) => {
                check_length(bytes, asked)?;
                (bytes, plain(bytes.len()))
            }
        };
        digest = Some(found);
        let checked = Instant::now();
        put(bytes);
        taken.check += checked - read;
        taken.copy_out += checked.elapsed();
        Ok(())
    });
    taken.read = begun.elapsed().saturating_sub(taken.check + taken.copy_out);
    *split += taken;
    outcome?;
    // A guest that shows nothing has read nothing: the same as an end.
    Ok(digest.unwrap_or_else(|| plain(0)))
}

/// Whether these are no more bytes than were asked for.
pub(crate) fn check_length(bytes: &[u8], asked: usize) -> Result<(), FaultCause> {
    if bytes.len() <= asked {
        return Ok(());
    }
    Err(FaultCause::Contract(format!(
        "{} bytes, {} more than were asked for",
        bytes.len(),
        bytes.len() - asked
    )))
}

/// One run of so many bytes, of which nothing is known; none are the end.
fn plain(length: usize) -> Digest {
    let run = Run {
        length,
        skipped: 0,
        timestamp: None,
    };
    Digest {
        length,
        runs: if length > 0 { vec![run] } else { Vec::new() },
        skipped: 0,
        state: if length > 0 { State::More } else { State::End },
    }
}

/// One run for each segment with a timestamp, and one for all segments without in a row. An empty segment is no run, but
/// what was skipped before it counts for the next.
fn digest(chunk: &SourceChunk<'_>) -> Digest {
    let mut runs: Vec<Run> = Vec::new();
    let mut skipped = 0usize;
    for segment in chunk.segments() {
        skipped = skipped.saturating_add(segment.skipped as usize);
        let length = segment.end.saturating_sub(segment.start);
        if length == 0 {
            continue;
        }
        let skipped = std::mem::take(&mut skipped);
        match runs.last_mut() {
            Some(last) if last.timestamp.is_none() && segment.timestamp.is_none() => {
                last.length += length;
                last.skipped = last.skipped.saturating_add(skipped);
            }
            _ => runs.push(Run {
                length,
                skipped,
                timestamp: segment.timestamp,
            }),
        }
    }
    Digest {
        length: chunk.bytes().len(),
        runs,
        skipped,
        state: chunk.state(),
    }
}

/// The buffer. `start..shown` is the current slice, `shown..end` is what later loads show.
#[derive(Debug, Default)]
pub(super) struct RunBuffer {
    bytes: Vec<u8>,
    start: usize,
    shown: usize,
    end: usize,
    runs: VecDeque<Run>,
    /// Left out by the source behind the last run: part of what is skipped before the next.
    skipped: usize,
}

impl RunBuffer {
    pub(super) fn slice(&self) -> &[u8] {
        self.bytes.get(self.start..self.shown).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.shown - self.start
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
    }

    /// Shows the next run, where there is one.
    pub(super) fn show(&mut self) -> Option<ReloadInfo> {
        let run = self.runs.pop_front()?;
        self.shown = self.shown.saturating_add(run.length).min(self.end);
        Some(ReloadInfo {
            newly_loaded_bytes: run.length,
            available_bytes: self.len(),
            skipped_bytes: run.skipped,
            last_known_ts: run.timestamp,
        })
    }

    /// As [`RunBuffer::show`] for a run whose bytes were not put in here. There are no others.
    pub(super) fn show_elsewhere(&mut self) -> Option<ReloadInfo> {
        let run = self.runs.pop_front()?;
        Some(ReloadInfo {
            newly_loaded_bytes: run.length,
            available_bytes: 0,
            skipped_bytes: run.skipped,
            last_known_ts: run.timestamp,
        })
    }

    /// What the source left out and no run told of, at the very end.
    pub(super) fn show_skipped(&mut self) -> Option<ReloadInfo> {
        let skipped_bytes = std::mem::take(&mut self.skipped);
        (skipped_bytes > 0).then(|| ReloadInfo {
            available_bytes: self.len(),
            skipped_bytes,
            ..ReloadInfo::default()
        })
    }

    /// Copies a chunk behind the rest; [`RunBuffer::expect`] is to follow. All runs have been shown.
    pub(super) fn append(&mut self, chunk: &[u8]) {
        let rest = self.start..self.end;
        let length = rest.len();
        self.bytes.copy_within(rest, 0);
        self.bytes.truncate(length);
        self.bytes.extend_from_slice(chunk);
        (self.start, self.shown, self.end) = (0, length, self.bytes.len());
    }

    /// Takes over `filled`, which has a chunk behind [`HEADROOM`] bytes of no interest, and gives back the buffer it had;
    /// [`RunBuffer::expect`] is to follow. All runs have been shown.
    pub(super) fn adopt(&mut self, mut filled: Vec<u8>) -> Vec<u8> {
        let rest = self.start..self.end;
        let begin = HEADROOM.saturating_sub(rest.len());
        match (
            self.bytes.get(rest.clone()),
            filled.get_mut(begin..HEADROOM),
        ) {
            (Some(rest), Some(room)) if rest.len() == room.len() => {
                room.copy_from_slice(rest);
                (self.start, self.shown, self.end) = (begin, HEADROOM, filled.len());
                std::mem::replace(&mut self.bytes, filled)
            }
            _ => {
                self.append(filled.get(HEADROOM..).unwrap_or_default());
                filled
            }
        }
    }

    /// The runs of the chunk that was put in.
    pub(super) fn expect(&mut self, digest: &Digest) {
        self.runs.extend(digest.runs.iter().copied());
        if let Some(first) = self.runs.front_mut() {
            first.skipped = first
                .skipped
                .saturating_add(std::mem::take(&mut self.skipped));
        }
        self.skipped = self.skipped.saturating_add(digest.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(buffer: &mut RunBuffer, lengths: &[usize]) {
        let runs = lengths
            .iter()
            .map(|&length| Run {
                length,
                skipped: 0,
                timestamp: None,
            })
            .collect();
        buffer.expect(&Digest {
            length: 0,
            runs,
            skipped: 0,
            state: State::More,
        });
    }

    fn filled(chunk: &[u8]) -> Vec<u8> {
        let mut filled = vec![0xaa; HEADROOM];
        filled.extend_from_slice(chunk);
        filled
    }

    #[test]
    fn append_and_adopt_put_a_chunk_behind_the_rest_and_show_it_run_by_run() {
        for adopting in [false, true] {
            let put = |buffer: &mut RunBuffer, chunk: &[u8]| {
                if adopting {
                    buffer.adopt(filled(chunk));
                } else {
                    buffer.append(chunk);
                }
            };
            let mut buffer = RunBuffer::default();
            put(&mut buffer, b"abcdef");
            expect(&mut buffer, &[2, 4]);
            assert_eq!(buffer.slice(), b"");
            assert_eq!(buffer.show().map(|info| info.available_bytes), Some(2));
            assert_eq!(buffer.slice(), b"ab");
            buffer.consume(1);
            assert!(buffer.show().is_some());
            assert_eq!(buffer.slice(), b"bcdef");
            assert_eq!(buffer.show(), None);
            buffer.consume(3);
            put(&mut buffer, b"gh");
            expect(&mut buffer, &[2]);
            assert_eq!(buffer.slice(), b"ef");
            assert!(buffer.show().is_some());
            assert_eq!(buffer.slice(), b"efgh");
            buffer.consume(100);
            assert_eq!(buffer.slice(), b"");
        }
    }

    #[test]
    fn a_rest_larger_than_the_headroom_is_kept() {
        let mut buffer = RunBuffer::default();
        let large = vec![7; HEADROOM + 10];
        buffer.adopt(filled(&large));
        expect(&mut buffer, &[large.len()]);
        assert!(buffer.show().is_some());
        buffer.consume(1);
        buffer.adopt(filled(b"end"));
        expect(&mut buffer, &[3]);
        assert!(buffer.show().is_some());
        assert_eq!(
            buffer.slice(),
            [vec![7; HEADROOM + 9], b"end".to_vec()].concat()
        );
    }
}
