//! A byte-source plugin on a thread of its own, for hosts whose threads must not block.
//!
//! The thread owns the guest. A `load` posts a request and waits for the answer as a future does; the thread calls the guest and
//! copies the chunk into a buffer that the host's side then takes over, with room in front for the unconsumed rest, so that
//! the chunk is copied once here as well. A future that is dropped leaves its request, and the next `load` takes the answer:
//! nothing is asked twice, and nothing is lost. Waiting for a live source is done on the thread, and `cancel` ends it.
//!
//! Where that is safe, the thread goes on to the next chunk while the host works on the last one: the request for it is posted as soon
//! as a chunk was taken, and the next `load` finds its answer. To whoever loads it makes no difference; an error, or the end, waits for
//! the load that it belongs to. When a source is read ahead is said by [`ReadAhead`].
//!
//! Dropping the source ends the thread when the guest's running call ends, which the time limit of calls bounds; it is
//! waited for only when no call is running.

use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chipmunk_pipeline::{
    ByteSource, ReloadInfo, SourceCounters, SourceError, SourceFilter, SourceSplit,
};

use super::buffer::{Digest, HEADROOM, read_chunk};
use super::source::{ByteSourceProxy, Next, ReadAhead, Stage};
use crate::guest::{ReadFailure, SourceGuest};

/// A byte-source plugin as a [`ByteSource`] whose `load` does not block.
#[derive(Debug)]
pub struct ThreadedSource {
    stage: Stage,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// A buffer to read into, for the next request.
    spare: Vec<u8>,
    chunk_bytes: usize,
    read_ahead: ReadAhead,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells the thread of requests, cancellation and the end.
    told: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The buffer of a request that the thread has not begun.
    request: Option<Request>,
    /// Whether a request is under way whose answer nobody has taken.
    outstanding: bool,
    answer: Option<Answer>,
    waker: Option<Waker>,
    cancelled: bool,
    ended: bool,
}

#[derive(Debug)]
struct Request {
    spare: Vec<u8>,
    pause: Duration,
}

#[derive(Debug)]
struct Answer {
    /// A chunk behind [`HEADROOM`] bytes.
    filled: Vec<u8>,
    /// `None` when the wait was cancelled before the guest was called.
    result: Option<Result<Digest, ReadFailure>>,
    /// What took how long.
    split: SourceSplit,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; the state is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ThreadedSource {
    /// Moves a source to a thread of its own. To be done before anything is loaded: bytes that `proxy` holds are dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new<G: SourceGuest + 'static>(proxy: ByteSourceProxy<G>) -> std::io::Result<Self> {
        let (guest, chunk_bytes, read_ahead) = proxy.into_parts();
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("plugin-source".to_owned())
            .spawn(move || serve(guest, chunk_bytes, &theirs))?;
        Ok(Self {
            stage: Stage::default(),
            shared,
            thread: Some(thread),
            spare: Vec::new(),
            chunk_bytes,
            read_ahead,
        })
    }

    /// Posts a request, unless one is under way.
    fn post(&mut self, pause: Duration) {
        let mut state = self.shared.lock();
        if !state.outstanding {
            state.outstanding = true;
            state.cancelled = false;
            state.request = Some(Request {
                spare: std::mem::take(&mut self.spare),
                pause,
            });
            self.shared.told.notify_one();
        }
    }

    /// Whether to ask for the next chunk behind one of so many bytes.
    fn goes_ahead(&self, length: usize) -> bool {
        match self.read_ahead {
            ReadAhead::Never => false,
            ReadAhead::BehindFullChunks => length >= self.chunk_bytes,
            ReadAhead::Always => length > 0,
        }
    }

    /// Posts a request, unless one is under way, and waits for its answer.
    async fn ask(&mut self, pause: Duration) -> Answer {
        self.post(pause);
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            match state.answer.take() {
                Some(answer) => {
                    state.outstanding = false;
                    state.waker = None;
                    Poll::Ready(answer)
                }
                None => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

#[async_trait]
impl ByteSource for ThreadedSource {
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
        let mut pause = Duration::ZERO;
        loop {
            match self.stage.next() {
                Next::Show(info) => return Ok(Some(info)),
                Next::End => return Ok(None),
                Next::Read => {}
            }
            // The only point where the future can be dropped; what was asked for stays asked for.
            let answer = self.ask(pause).await;
            self.stage.split += answer.split;
            let Some(result) = answer.result else {
                // An earlier wait that was cancelled since.
                self.spare = answer.filled;
                pause = Duration::ZERO;
                continue;
            };
            self.spare = match &result {
                Ok(digest) if digest.length > 0 => self.stage.buffer.adopt(answer.filled),
                _ => answer.filled,
            };
            let length = result.as_ref().map_or(0, |digest| digest.length);
            pause = self.stage.accept(result)?.unwrap_or_default();
            if !self.stage.is_ended() && self.goes_ahead(length) {
                self.post(Duration::ZERO);
            }
        }
    }

    async fn cancel(&mut self) -> Result<(), SourceError> {
        let mut state = self.shared.lock();
        if state.outstanding {
            state.cancelled = true;
            self.shared.told.notify_one();
        }
        Ok(())
    }

    fn counters(&self) -> SourceCounters {
        self.stage.counters
    }

    fn split(&self) -> SourceSplit {
        self.stage.split
    }
}

impl Drop for ThreadedSource {
    fn drop(&mut self) {
        let busy = {
            let mut state = self.shared.lock();
            state.ended = true;
            self.shared.told.notify_one();
            state.outstanding && state.answer.is_none()
        };
        if let (false, Some(thread)) = (busy, self.thread.take()) {
            // It panics only if a guest does, and then there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// The thread: a guest call for each request, until the source is gone.
fn serve(mut guest: impl SourceGuest, chunk_bytes: usize, shared: &Shared) {
    loop {
        let Some(Request { mut spare, pause }) = next_request(shared) else {
            return;
        };
        let mut split = SourceSplit::default();
        let result = wait(shared, pause).then(|| {
            spare.clear();
            spare.resize(HEADROOM, 0);
            read_chunk(&mut guest, chunk_bytes, &mut split, |bytes| {
                spare.extend_from_slice(bytes)
            })
        });
        let mut state = shared.lock();
        state.answer = Some(Answer {
            filled: spare,
            result,
            split,
        });
        if let Some(waker) = state.waker.take() {
            // Not while the lock is held: waking may poll at once.
            drop(state);
            waker.wake();
        }
    }
}

fn next_request(shared: &Shared) -> Option<Request> {
    let mut state = shared.lock();
    loop {
        if state.ended {
            return None;
        }
        if let Some(request) = state.request.take() {
            return Some(request);
        }
        state = shared
            .told
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// Waits; false if told not to.
fn wait(shared: &Shared, pause: Duration) -> bool {
    let until = Instant::now() + pause;
    let mut state = shared.lock();
    loop {
        if state.ended || state.cancelled {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        state = shared
            .told
            .wait_timeout(state, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    use chipmunk_payload::State as Tail;

    use super::super::source::tests::{Answer, Scripted, archive, bytes, end};
    use super::*;

    fn threaded(answers: impl IntoIterator<Item = Answer>) -> ThreadedSource {
        ThreadedSource::new(ByteSourceProxy::new(Scripted::new(answers), 64))
            .expect("the system has threads")
    }

    fn load(source: &mut ThreadedSource) -> Option<(usize, usize)> {
        let info = pollster::block_on(source.load(None)).expect("the script has no errors");
        info.map(|info| (info.newly_loaded_bytes, info.available_bytes))
    }

    /// Polls a load once and drops it; whether it was pending.
    fn start_and_drop(source: &mut ThreadedSource) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(source.load(None)).poll(&mut context).is_pending()
    }

    #[test]
    fn it_loads_as_the_proxy_does() {
        let timed = archive(&[(b"ab", 0, Some(1)), (b"cd", 0, Some(2))], Tail::More);
        let mut source = threaded([timed, bytes(b"efg"), end()].map(Answer::Archive));
        assert_eq!(load(&mut source), Some((2, 2)));
        source.consume(1);
        assert_eq!(load(&mut source), Some((2, 3)));
        assert_eq!(load(&mut source), Some((3, 6)));
        assert_eq!(source.current_slice(), b"bcdefg");
        assert_eq!(load(&mut source), None);
        assert_eq!(
            source.counters(),
            SourceCounters {
                c_cns: 1,
                c_rld: 3,
                r_ok: 2,
                r_eof: 1,
                r_err: 0
            }
        );
    }

    #[test]
    fn a_dropped_load_leaves_its_result_for_the_next() {
        let slow = |bytes| Answer::After(Duration::from_millis(200), bytes);
        let mut source = threaded([
            slow(bytes(b"ab")),
            slow(bytes(b"cd")),
            slow(bytes(b"ef")),
            Answer::Archive(end()),
        ]);
        let mut seen = Vec::new();
        loop {
            // Dropped again and again while the guest reads, and once more when the answer is there.
            assert!(start_and_drop(&mut source));
            assert!(start_and_drop(&mut source));
            let Some(_) = load(&mut source) else { break };
            seen.extend_from_slice(source.current_slice());
            source.consume(source.len());
            if seen.len() == 6 {
                assert_eq!(load(&mut source), None);
                break;
            }
        }
        assert_eq!(seen, b"abcdef");
        assert_eq!(source.counters().c_rld, 4);
    }

    /// Waits until the guest was called so many times.
    fn called(asked: &Mutex<Vec<u64>>, times: usize) {
        let begin = Instant::now();
        while asked.lock().expect("nobody panicked").len() < times {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "it is not called"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn it_reads_one_chunk_ahead_where_that_is_safe() {
        let run = |read_ahead, first: &[u8]| {
            let guest = Scripted::of([bytes(first), bytes(b"cd"), bytes(b"ef"), end()]);
            let asked = guest.asked.clone();
            let proxy = ByteSourceProxy::new(guest, 2).with_read_ahead(read_ahead);
            let mut source = ThreadedSource::new(proxy).expect("the system has threads");
            assert_eq!(load(&mut source), Some((first.len(), first.len())));
            let ahead = read_ahead == ReadAhead::Always
                || (read_ahead == ReadAhead::BehindFullChunks && first.len() == 2);
            if ahead {
                called(&asked, 2);
            }
            std::thread::sleep(Duration::from_millis(20));
            let calls = asked.lock().expect("nobody panicked").len();
            assert_eq!(calls, if ahead { 2 } else { 1 });
            // What nobody has asked for is neither shown nor counted.
            assert_eq!(source.current_slice(), first);
            assert_eq!(source.counters().c_rld, 1);
            let mut seen = Vec::new();
            let mut take = |source: &mut ThreadedSource| {
                seen.extend_from_slice(source.current_slice());
                source.consume(source.len());
            };
            take(&mut source);
            // Loads that are dropped lose nothing. One that is there when it is polled is none that was dropped.
            for _ in 0..3 {
                start_and_drop(&mut source);
                take(&mut source);
                while load(&mut source).is_some() {
                    take(&mut source);
                    start_and_drop(&mut source);
                    take(&mut source);
                }
            }
            assert_eq!(seen, [first, b"cdef"].concat());
            assert_eq!(
                source.counters(),
                SourceCounters {
                    c_cns: source.counters().c_cns,
                    c_rld: 4,
                    r_ok: 3,
                    r_eof: 1,
                    r_err: 0
                }
            );
        };
        for read_ahead in [
            ReadAhead::Never,
            ReadAhead::BehindFullChunks,
            ReadAhead::Always,
        ] {
            run(read_ahead, b"ab");
            run(read_ahead, b"a");
        }
    }

    #[test]
    fn what_is_read_ahead_survives_cancel_and_errors_wait_for_their_load() {
        let refused = || Answer::Refused(crate::contract::SourceError::Io("on fire".to_owned()));
        let guest = Scripted::new([
            Answer::Archive(bytes(b"ab")),
            Answer::After(Duration::from_millis(30), bytes(b"cd")),
            refused(),
            Answer::Archive(bytes(b"ef")),
        ]);
        let asked = guest.asked.clone();
        let proxy = ByteSourceProxy::new(guest, 2).with_read_ahead(ReadAhead::Always);
        let mut source = ThreadedSource::new(proxy).expect("the system has threads");
        assert_eq!(load(&mut source), Some((2, 2)));
        pollster::block_on(source.cancel()).expect("it does not fail");
        assert_eq!(load(&mut source), Some((2, 4)));
        called(&asked, 3);
        assert_eq!(source.current_slice(), b"abcd");
        assert_eq!(source.counters().r_err, 0);
        let error = pollster::block_on(source.load(None)).expect_err("it is on fire");
        assert_eq!(error.to_string(), "plugin `scripted`: on fire");
        assert_eq!(source.current_slice(), b"abcd");
        assert_eq!(load(&mut source), Some((2, 6)));
        assert_eq!(source.current_slice(), b"abcdef");
    }

    #[test]
    fn the_current_slice_stays_while_a_load_is_under_way() {
        let mut source = threaded([
            Answer::Archive(bytes(b"ab")),
            Answer::After(Duration::from_millis(200), bytes(b"cd")),
        ]);
        assert_eq!(load(&mut source), Some((2, 2)));
        assert!(start_and_drop(&mut source));
        assert_eq!(source.current_slice(), b"ab");
        source.consume(1);
        assert_eq!(load(&mut source), Some((2, 3)));
        assert_eq!(source.current_slice(), b"bcd");
    }

    #[test]
    fn cancel_ends_the_wait_for_a_live_source() {
        let later = || Answer::Archive(archive(&[], Tail::RetryLater { after_ms: 10_000 }));
        let mut source = threaded([later(), Answer::Archive(bytes(b"x"))]);
        let begin = Instant::now();
        assert!(start_and_drop(&mut source));
        // Takes the first answer, and begins to wait.
        let mut context = Context::from_waker(Waker::noop());
        while source.counters().c_rld == 0 {
            assert!(pin!(source.load(None)).poll(&mut context).is_pending());
        }
        pollster::block_on(source.cancel()).expect("it does not fail");
        assert_eq!(load(&mut source), Some((1, 1)));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn dropping_it_does_not_wait_for_a_live_source() {
        let mut source = threaded([Answer::Archive(archive(
            &[],
            Tail::RetryLater { after_ms: 10_000 },
        ))]);
        let begin = Instant::now();
        start_and_drop(&mut source);
        drop(source);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}
