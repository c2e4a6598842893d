//! A byte-source plugin as a [`ByteSource`].
//!
//! One guest call a chunk; the chunk is copied once, out of guest memory to behind the unconsumed rest, before the guest may
//! clean up. Segments with timestamps of their own are handed out one a load without asking the guest; segments
//! without are handed out together. `load` blocks the thread it is polled on while the guest reads and while it waits
//! for a live source; where that must not be, [`ThreadedSource`](super::ThreadedSource) has the same guest on a thread of its
//! own.
//!
//! The filter of `load` is not passed on: API 0.2.0 has no word for it.

use std::time::Duration;

use async_trait::async_trait;
use chipmunk_payload::State;
use chipmunk_pipeline::{
    ByteSource, ChunkBuffer, ReloadInfo, SourceCounters, SourceError, SourceFilter, SourceSplit,
    Stop,
};

use super::buffer::{Digest, RunBuffer, read_chunk};
use crate::guest::{ReadFailure, SourceGuest};

/// A byte-source plugin as a [`ByteSource`] of the pipeline.
#[derive(Debug)]
pub struct ByteSourceProxy<G = Box<dyn SourceGuest>> {
    guest: G,
    chunk_bytes: usize,
    stage: Stage,
    read_ahead: ReadAhead,
    waiting: Waiting,
}

/// When a [`ThreadedSource`](super::ThreadedSource) reads the next chunk before it is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadAhead {
    /// Never: for a source whose input somebody else wants as well, such as the standard input.
    #[default]
    Never,
    /// When the last chunk was full, so that there is probably more: for live sources.
    BehindFullChunks,
    /// Always.
    Always,
}

/// What to do while a live source has nothing.
#[derive(Default)]
struct Waiting {
    /// Ends the wait, and the input.
    stop: Option<Stop>,
    /// Called before each wait.
    idle: Option<Box<dyn FnMut() + Send>>,
    /// The word to stop was given before the guest was asked last.
    told: bool,
}

impl Waiting {
    /// Waits so long. Whether the input is at its end now: when there was nothing after the word to stop, for what was written
    /// before the word counts.
    fn wait(&mut self, pause: Duration) -> bool {
        if let Some(idle) = &mut self.idle {
            idle();
        }
        match &self.stop {
            Some(_) if self.told => true,
            Some(stop) => {
                self.told = stop.wait(pause);
                false
            }
            None => {
                std::thread::sleep(pause);
                false
            }
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

impl<G: SourceGuest> ByteSourceProxy<G> {
    /// The proxy of a guest that was initialised, to be asked for `chunk_bytes` at a time (at least one).
    pub fn new(guest: G, chunk_bytes: usize) -> Self {
        Self {
            guest,
            chunk_bytes: chunk_bytes.max(1),
            stage: Stage::default(),
            read_ahead: ReadAhead::default(),
            waiting: Waiting::default(),
        }
    }

    /// When a [`ThreadedSource`](super::ThreadedSource) made of this reads ahead.
    pub fn with_read_ahead(mut self, read_ahead: ReadAhead) -> Self {
        self.read_ahead = read_ahead;
        self
    }

    /// What a live source has when `stop` is given is all there is: the next time it has nothing, the input is at its end. `idle`
    /// is called each time it has nothing. Not for a [`ThreadedSource`](super::ThreadedSource), which is cancelled instead.
    pub fn with_stop(mut self, stop: Stop, idle: impl FnMut() + Send + 'static) -> Self {
        self.waiting = Waiting {
            stop: Some(stop),
            idle: Some(Box::new(idle)),
            told: false,
        };
        self
    }

    /// The guest, the size of its chunks and when to read ahead, for another proxy. Bytes that were loaded are lost.
    /// Whether a load may wait for bytes that do not exist yet, so that nothing else is to wait for it.
    pub fn may_wait(&self) -> bool {
        self.read_ahead != ReadAhead::Always
    }

    pub(super) fn into_parts(self) -> (G, usize, ReadAhead) {
        (self.guest, self.chunk_bytes, self.read_ahead)
    }
}

#[async_trait]
impl<G: SourceGuest> ByteSource for ByteSourceProxy<G> {
    fn consume(&mut self, count: usize) {
        self.stage.counters.c_cns += 1;
        self.stage.buffer.consume(count);
    }

    fn current_slice(&self) -> &[u8] {
        self.stage.buffer.slice()
    }

    fn len(&self) -> usize {
        self.stage.buffer.len()
    }

    async fn load(
        &mut self,
        _filter: Option<&SourceFilter>,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        // There is no point to wait at, and therefore none where a dropped future could lose anything.
        loop {
            match self.stage.next() {
                Next::Show(info) => return Ok(Some(info)),
                Next::End => return Ok(None),
                Next::Read => {}
            }
            let Stage { buffer, split, .. } = &mut self.stage;
            let result = read_chunk(&mut self.guest, self.chunk_bytes, split, |bytes| {
                buffer.append(bytes)
            });
            if let Some(pause) = self.stage.accept(result)?
                && self.waiting.wait(pause)
            {
                self.stage.end();
            }
        }
    }

    async fn load_into(
        &mut self,
        _filter: Option<&SourceFilter>,
        into: &mut ChunkBuffer,
    ) -> Result<Option<ReloadInfo>, SourceError> {
        self.stage.move_into(into);
        loop {
            match self.stage.next() {
                Next::Show(info) => {
                    self.stage.move_into(into);
                    return Ok(Some(info));
                }
                Next::End => return Ok(None),
                Next::Read => {}
            }
            let before = into.len();
            let split = &mut self.stage.split;
            let result = read_chunk(&mut self.guest, self.chunk_bytes, split, |bytes| {
                into.append(bytes)
            });
            let pause = self
                .stage
                .accept(result)
                .inspect_err(|_| into.truncate(before))?;
            if let Some(info) = self.stage.buffer.show_elsewhere() {
                // What later loads show.
                let end = before.saturating_add(info.newly_loaded_bytes);
                let rest = into.slice().get(end..).unwrap_or_default();
                if !rest.is_empty() {
                    self.stage.buffer.append(rest);
                    into.truncate(end);
                }
                return Ok(Some(info));
            }
            if let Some(pause) = pause
                && self.waiting.wait(pause)
            {
                self.stage.end();
            }
        }
    }

    fn counters(&self) -> SourceCounters {
        self.stage.counters
    }

    fn split(&self) -> SourceSplit {
        self.stage.split
    }
}

impl<G: SourceGuest + ?Sized> SourceGuest for Box<G> {
    fn read(&mut self, len: u64, take: &mut crate::guest::Take<'_>) -> Result<(), ReadFailure> {
        (**self).read(len, take)
    }
}

/// What is on the host's side: bytes, what is known of the guest's state, counters.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub(super) buffer: RunBuffer,
    pub(super) counters: SourceCounters,
    pub(super) split: SourceSplit,
    ended: bool,
}

/// What a load does next.
pub(super) enum Next {
    Show(ReloadInfo),
    End,
    Read,
}

impl Stage {
    pub(super) fn next(&mut self) -> Next {
        match self.buffer.show() {
            Some(info) => Next::Show(info),
            None if self.ended => self.buffer.show_skipped().map_or(Next::End, Next::Show),
            None => Next::Read,
        }
    }

    /// Whether the guest has said that nothing will come any more.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Nothing will come any more.
    fn end(&mut self) {
        self.ended = true;
    }

    /// Moves what is shown behind what is in `into`.
    fn move_into(&mut self, into: &mut ChunkBuffer) {
        into.append(self.buffer.slice());
        self.buffer.consume(usize::MAX);
    }

    /// Notes what a guest call brought, whose bytes are in the buffer. Says how long to wait before the next one, where there
    /// is a reason to wait.
    pub(super) fn accept(
        &mut self,
        result: Result<Digest, ReadFailure>,
    ) -> Result<Option<Duration>, SourceError> {
        self.counters.c_rld += 1;
        let digest = match result {
            Ok(digest) => digest,
            Err(failure) => {
                self.counters.r_err += 1;
                return Err(failure.into());
            }
        };
        self.buffer.expect(&digest);
        self.ended = digest.state == State::End;
        // A call may both give bytes and meet the end.
        self.counters.r_ok += u64::from(digest.length > 0);
        self.counters.r_eof += u64::from(self.ended);
        match digest.state {
            State::RetryLater { after_ms } if digest.length == 0 => Ok(Some(pause(after_ms))),
            _ => Ok(None),
        }
    }
}

/// How long to wait for a live source: what it says, within what keeps the host neither busy nor deaf.
fn pause(after_ms: u32) -> Duration {
    match after_ms {
        0 => Duration::from_millis(100),
        ms => Duration::from_millis(u64::from(ms))
            .clamp(Duration::from_millis(5), Duration::from_secs(10)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use chipmunk_payload::SourceWriter;

    use super::*;
    use crate::error::{FaultCause, GuestFault};

    /// Answers each call with the next archive of a script.
    #[derive(Debug)]
    pub(in crate::proxy) struct Scripted {
        pub(in crate::proxy) answers: VecDeque<Answer>,
        pub(in crate::proxy) asked: Arc<Mutex<Vec<u64>>>,
    }

    #[derive(Debug)]
    pub(in crate::proxy) enum Answer {
        Archive(Vec<u8>),
        Refused(crate::contract::SourceError),
        /// Takes so long.
        After(Duration, Vec<u8>),
    }

    impl Scripted {
        pub(in crate::proxy) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
            Self {
                answers: answers.into_iter().collect(),
                asked: Arc::default(),
            }
        }

        pub(in crate::proxy) fn of(archives: impl IntoIterator<Item = Vec<u8>>) -> Self {
            Self::new(archives.into_iter().map(Answer::Archive))
        }
    }

    impl SourceGuest for Scripted {
        fn read(&mut self, len: u64, take: &mut crate::guest::Take<'_>) -> Result<(), ReadFailure> {
            if let Ok(mut asked) = self.asked.lock() {
                asked.push(len);
            }
            let fault = |cause| GuestFault {
                plugin: "scripted".to_owned(),
                function: "read",
                cause,
                frames: Vec::new(),
                log_lines: Vec::new(),
            };
            let archive = match self.answers.pop_front() {
                Some(Answer::Archive(archive)) => archive,
                Some(Answer::After(time, archive)) => {
                    std::thread::sleep(time);
                    archive
                }
                Some(Answer::Refused(error)) => {
                    return Err(ReadFailure::Refused {
                        plugin: "scripted".to_owned(),
                        error,
                    });
                }
                None => return Err(fault(FaultCause::Trap("unreachable".to_owned())).into()),
            };
            take(crate::guest::Chunk::Archive(&archive)).map_err(|cause| fault(cause).into())
        }
    }

    /// An archive of segments (bytes, skipped before, timestamp).
    pub(in crate::proxy) fn archive(
        segments: &[(&[u8], u32, Option<u64>)],
        state: State,
    ) -> Vec<u8> {
        let mut writer = SourceWriter::with_capacity(64);
        for (bytes, skipped, timestamp) in segments {
            writer.push(bytes);
            writer.segment(*skipped, *timestamp);
        }
        writer.finish(state)
    }

    pub(in crate::proxy) fn bytes(bytes: &[u8]) -> Vec<u8> {
        archive(&[(bytes, 0, None)], State::More)
    }

    pub(in crate::proxy) fn end() -> Vec<u8> {
        archive(&[], State::End)
    }

    fn load<G: SourceGuest>(source: &mut ByteSourceProxy<G>) -> Result<Option<ReloadInfo>, String> {
        pollster::block_on(source.load(None)).map_err(|error| error.to_string())
    }

    fn info(
        new: usize,
        available: usize,
        skipped: usize,
        ts: Option<u64>,
    ) -> Result<Option<ReloadInfo>, String> {
        Ok(Some(ReloadInfo {
            newly_loaded_bytes: new,
            available_bytes: available,
            skipped_bytes: skipped,
            last_known_ts: ts,
        }))
    }

    #[test]
    fn each_chunk_is_one_call_and_comes_behind_the_rest() {
        let mut source =
            ByteSourceProxy::new(Scripted::of([bytes(b"abcd"), bytes(b"efg"), end()]), 4);
        assert_eq!(load(&mut source), info(4, 4, 0, None));
        source.consume(3);
        assert_eq!(load(&mut source), info(3, 4, 0, None));
        assert_eq!(source.current_slice(), b"defg");
        source.consume(4);
        assert_eq!(load(&mut source), Ok(None));
        assert_eq!(load(&mut source), Ok(None));
        assert_eq!(
            source.guest.asked.lock().map(|asked| asked.clone()).ok(),
            Some(vec![4, 4, 4])
        );
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_cns: 2,
                c_rld: 3,
                r_ok: 2,
                r_eof: 1,
                r_err: 0
            }
        );
    }

    #[test]
    fn an_end_that_comes_with_bytes_needs_no_further_call() {
        let last = archive(&[(b"abc", 0, None)], State::End);
        let mut source = ByteSourceProxy::new(Scripted::of([last]), 8);
        assert_eq!(load(&mut source), info(3, 3, 0, None));
        assert_eq!(load(&mut source), Ok(None));
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_rld: 1,
                r_ok: 1,
                r_eof: 1,
                ..SourceCounters::default()
            }
        );
    }

    #[test]
    fn timed_segments_come_one_a_load_and_others_together() {
        let chunk = archive(
            &[
                (b"ab", 24, Some(1)),
                (b"", 5, Some(2)),
                (b"cd", 1, Some(3)),
                (b"e", 0, None),
                (b"fg", 2, None),
                (b"h", 0, Some(4)),
                (b"", 9, None),
            ],
            State::More,
        );
        let mut source = ByteSourceProxy::new(Scripted::of([chunk, end()]), 64);
        assert_eq!(load(&mut source), info(2, 2, 24, Some(1)));
        assert_eq!(load(&mut source), info(2, 4, 6, Some(3)));
        source.consume(3);
        assert_eq!(source.current_slice(), b"d");
        assert_eq!(load(&mut source), info(3, 4, 2, None));
        assert_eq!(load(&mut source), info(1, 5, 0, Some(4)));
        assert_eq!(source.current_slice(), b"defgh");
        assert_eq!(load(&mut source), info(0, 5, 9, None));
        assert_eq!(load(&mut source), Ok(None));
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_cns: 1,
                c_rld: 2,
                r_ok: 1,
                r_eof: 1,
                r_err: 0
            }
        );
    }

    #[test]
    fn what_is_skipped_at_the_end_is_told_before_the_end() {
        let mut source =
            ByteSourceProxy::new(Scripted::of([archive(&[(b"", 7, None)], State::End)]), 64);
        assert_eq!(load(&mut source), info(0, 0, 7, None));
        assert_eq!(load(&mut source), Ok(None));
    }

    #[test]
    fn a_live_source_is_waited_for_without_asking_all_the_time() {
        let later = || archive(&[], State::RetryLater { after_ms: 20 });
        let mut source = ByteSourceProxy::new(Scripted::of([later(), later(), bytes(b"x")]), 64);
        let begin = Instant::now();
        assert_eq!(load(&mut source), info(1, 1, 0, None));
        assert!(begin.elapsed() >= Duration::from_millis(40));
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_rld: 3,
                r_ok: 1,
                ..SourceCounters::default()
            }
        );
        assert_eq!(
            [pause(0), pause(1), pause(u32::MAX)].map(|pause| pause.as_millis()),
            [100, 5, 10_000]
        );
    }

    #[test]
    fn what_a_live_source_has_when_told_to_stop_counts() {
        let later = || archive(&[], State::RetryLater { after_ms: 10_000 });
        let script = Scripted::of([later(), bytes(b"x"), later(), bytes(b"too late")]);
        let stop = Stop::new();
        let mut source = ByteSourceProxy::new(script, 64).with_stop(stop.clone(), || {});
        stop.stop();
        assert_eq!(load(&mut source), info(1, 1, 0, None));
        source.consume(1);
        assert_eq!(load(&mut source), Ok(None));
        assert_eq!(
            source.guest.asked.lock().map(|asked| asked.len()).ok(),
            Some(3)
        );
    }

    #[test]
    fn more_bytes_than_asked_for_are_a_fault_with_the_plugins_name() {
        let mut source = ByteSourceProxy::new(Scripted::of([bytes(b"abcde")]), 4);
        let error = load(&mut source).expect_err("five of four bytes");
        assert!(
            error.starts_with(
                "plugin `scripted`: `read` returned something that the contract does not allow: "
            ),
            "{error}"
        );
        assert!(error.contains("than were asked for"), "{error}");
        assert_eq!(source.len(), 0);
        assert_eq!(source.counters().r_err, 1);
    }

    #[test]
    fn a_bad_archive_or_one_without_progress_is_a_fault() {
        for bad in [
            Vec::new(),
            b"plain bytes".to_vec(),
            archive(&[], State::More),
        ] {
            let error = load(&mut ByteSourceProxy::new(Scripted::of([bad]), 4)).expect_err("bad");
            assert!(
                error.starts_with("plugin `scripted`: `read` returned something"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_refusal_is_an_error_in_the_guests_words_and_it_may_be_asked_again() {
        let refused = Answer::Refused(crate::contract::SourceError::Io("disk on fire".to_owned()));
        let mut source =
            ByteSourceProxy::new(Scripted::new([refused, Answer::Archive(bytes(b"x"))]), 4);
        assert_eq!(
            load(&mut source),
            Err("plugin `scripted`: disk on fire".to_owned())
        );
        assert_eq!(load(&mut source), info(1, 1, 0, None));
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_rld: 2,
                r_ok: 1,
                r_err: 1,
                ..SourceCounters::default()
            }
        );
    }
}
