//! A source that is read ahead, on a thread of its own or by whoever wants the next chunk, and the [`ByteSource`] that shows what
//! was read.
//!
//! What is shown is what the source itself would have shown, load by load: the same bytes, times, skipped counts, the same
//! end or error at the same place, and counters as of the last load that was asked for. So whoever drives it sees no
//! difference, except that a load is mostly there already.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use async_trait::async_trait;

use super::{
    chunk::{Arrival, Chunk, Load},
    queue::Queue,
};
use crate::{
    ByteSource, ChunkBuffer, ReloadInfo, SourceCounters, SourceError, SourceFilter, SourceSplit,
};

/// Sizes of what goes round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// How many buffers there are.
    pub(super) buffers: usize,
    /// Bytes in front of a chunk for a rest.
    pub(super) headroom: usize,
    /// How many bytes of earlier chunks are repeated in front of a chunk at first.
    pub(super) lookback: usize,
    /// How many at most.
    pub(super) max_lookback: usize,
}

/// What those who read a source share with those who want what it gives.
#[derive(Debug)]
pub(super) struct Ahead<X> {
    /// Buffers to load into.
    spare: Queue<ChunkBuffer>,
    /// What a thread has loaded, in order.
    loaded: Arc<Queue<Arrival<X>>>,
    /// The source, where there is no such thread.
    loader: Option<Mutex<Loader>>,
    /// How many bytes of earlier chunks to repeat in front of the next.
    pub(super) lookback: AtomicUsize,
    layout: Layout,
    /// Where the source's time went, as of its last load.
    split: Mutex<SourceSplit>,
}

/// A source, and how far it has got.
struct Loader {
    source: Box<dyn ByteSource>,
    filter: Option<SourceFilter>,
    /// The last bytes of what was loaded so far.
    before: Vec<u8>,
    /// The number of the next load; none behind the last.
    next: Option<u64>,
}

impl Loader {
    fn new(source: impl ByteSource + 'static, filter: Option<SourceFilter>) -> Self {
        Self {
            source: Box::new(source),
            filter,
            before: Vec::new(),
            next: Some(0),
        }
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("next", &self.next).finish()
    }
}

impl<X: Send + 'static> Ahead<X> {
    /// Starts to read, on a thread that is returned.
    pub(super) fn start(
        source: impl ByteSource + 'static,
        filter: Option<SourceFilter>,
        layout: Layout,
    ) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let ahead = Arc::new(Self::new(layout, None));
        let theirs = Arc::clone(&ahead);
        let mut loader = Loader::new(source, filter);
        let thread = std::thread::Builder::new()
            .name("source".to_owned())
            .spawn(move || {
                // A load for each buffer, until the end or until nobody wants more.
                while let Some(arrival) = theirs.load_next(&mut loader) {
                    if theirs.loaded.push(arrival).is_err() {
                        return;
                    }
                }
                theirs.loaded.close();
            })?;
        Ok((ahead, thread))
    }

    /// Reads when [`next`](Self::next) is called: for a source that does not wait, and callers who all come back here.
    pub(super) fn on_demand(
        source: impl ByteSource + 'static,
        filter: Option<SourceFilter>,
        layout: Layout,
    ) -> Arc<Self> {
        let loader = Loader::new(source, filter);
        Arc::new(Self::new(layout, Some(Mutex::new(loader))))
    }

    fn new(layout: Layout, loader: Option<Mutex<Loader>>) -> Self {
        let ahead = Self {
            spare: Queue::bounded(layout.buffers),
            // Each buffer can be in there, and the end.
            loaded: Arc::new(Queue::bounded(layout.buffers + 1)),
            loader,
            lookback: AtomicUsize::new(layout.lookback),
            layout,
            split: Mutex::default(),
        };
        for _ in 0..layout.buffers {
            ahead.spare.offer(ChunkBuffer::new());
        }
        ahead
    }

    /// Where what a thread has loaded comes from, in order.
    pub(super) fn arrivals(&self) -> Arc<Queue<Arrival<X>>> {
        Arc::clone(&self.loaded)
    }

    /// The next arrival: loads it, or waits until it is loaded. None behind the last.
    ///
    /// Who loads waits for a free buffer, and who wants the next load waits for who loads. A buffer comes: all that are not here are with
    /// workers, who give theirs back before they come for another, but for the few that the joiner keeps until the chunk before is joined.
    pub(super) fn next(&self) -> Option<Arrival<X>> {
        match &self.loader {
            Some(loader) => {
                self.load_next(&mut loader.lock().unwrap_or_else(PoisonError::into_inner))
            }
            None => self.loaded.pop(),
        }
    }

    fn load_next(&self, loader: &mut Loader) -> Option<Arrival<X>> {
        let index = loader.next?;
        let buffer = self.spare.pop_last()?;
        let load = catch_unwind(AssertUnwindSafe(|| self.load(loader, buffer)))
            .unwrap_or_else(Load::Panicked);
        loader.next = matches!(load, Load::Chunk(_)).then_some(index + 1);
        Some(Arrival {
            index,
            load,
            extra: None,
        })
    }

    fn load(&self, loader: &mut Loader, mut buffer: ChunkBuffer) -> Load {
        let Loader {
            source,
            filter,
            before,
            ..
        } = loader;
        let Layout {
            headroom,
            max_lookback,
            ..
        } = self.layout;
        let front = headroom.saturating_add(max_lookback);
        buffer.clear();
        buffer.room(front);
        buffer.commit(front);
        let loaded = pollster::block_on(source.load_into(filter.as_ref(), &mut buffer));
        let counters = source.counters();
        *self.split.lock().unwrap_or_else(PoisonError::into_inner) = source.split();
        let info = match loaded {
            Ok(Some(info)) => info,
            Ok(None) => return Load::End(counters),
            Err(error) => return Load::Failed(error, counters),
        };
        let wanted = self.lookback.load(Ordering::Relaxed).min(max_lookback);
        let mut chunk = Chunk {
            buffer,
            front,
            lookback: 0,
            info,
            counters,
        };
        let tail = before
            .get(before.len().saturating_sub(wanted)..)
            .unwrap_or_default();
        if chunk.put_before(front, tail).is_some() {
            chunk.lookback = tail.len();
        }
        remember(before, chunk.body(), wanted);
        Load::Chunk(chunk)
    }

    /// Ends all that goes on, as soon as it waits for anything here.
    pub(super) fn abandon(&self) {
        self.spare.abandon();
        self.loaded.abandon();
    }

    /// Gives a buffer back.
    fn recycle(&self, mut buffer: ChunkBuffer, usual: usize) {
        // One message that was far larger than a chunk shall not be remembered for ever.
        buffer.shrink(usual.saturating_mul(4));
        self.spare.offer(buffer);
    }
}

/// Keeps the last `wanted` bytes of what is in `before` and `body` behind it.
fn remember(before: &mut Vec<u8>, body: &[u8], wanted: usize) {
    let of_body = body.len().min(wanted);
    let keep = (wanted - of_body).min(before.len());
    before.drain(..before.len() - keep);
    before.extend_from_slice(body.get(body.len() - of_body..).unwrap_or_default());
}

/// Shows, as a [`ByteSource`], what was read ahead.
#[derive(Debug)]
pub(super) struct AheadSource<X> {
    ahead: Arc<Ahead<X>>,
    /// Where arrivals come from: straight from the source's thread, or from those who worked on them.
    arrivals: Arc<Queue<Arrival<X>>>,
    thread: Option<JoinHandle<()>>,
    /// Arrivals that came before their turn.
    early: Vec<Arrival<X>>,
    /// The arrival whose turn it is, if it was looked at.
    present: Option<Arrival<X>>,
    next: u64,
    current: ChunkBuffer,
    /// The largest chunk so far, in bytes, with what is in front of it.
    usual: usize,
    counters: SourceCounters,
    consumed: u64,
    ended: bool,
}

impl<X: Send + 'static> AheadSource<X> {
    /// Shows what comes out of `arrivals`; `thread` is the source's, if it has one.
    pub(super) fn new(
        ahead: Arc<Ahead<X>>,
        arrivals: Arc<Queue<Arrival<X>>>,
        thread: Option<JoinHandle<()>>,
    ) -> Self {
        Self {
            early: Vec::with_capacity(ahead.layout.buffers + 1),
            ahead,
            arrivals,
            thread,
            present: None,
            next: 0,
            current: ChunkBuffer::new(),
            usual: 0,
            counters: SourceCounters::default(),
            consumed: 0,
            ended: false,
        }
    }

    /// What the next load will show, where it has not come to an end; waits for it.
    pub(super) fn peek(&mut self) -> Option<&mut Arrival<X>> {
        if self.present.is_none() && !self.ended {
            self.present = self.arrival();
        }
        self.present.as_mut()
    }

    /// Takes the chunk that [`peek`](Self::peek) has shown, and makes what is behind position `from` of its buffer the
    /// current slice: for a caller who knows what stands before it. Counts as a load, and as `consumed` calls of consume.
    pub(super) fn jump(&mut self, from: usize, consumed: u64) {
        let Some(Arrival {
            load: Load::Chunk(chunk),
            ..
        }) = self.present.take()
        else {
            return;
        };
        self.counters = chunk.counters;
        self.consumed += consumed;
        self.usual = self.usual.max(chunk.buffer.len());
        let mut buffer = chunk.buffer;
        buffer.consume(from);
        self.replace(buffer);
    }

    /// Whether [`peek`](Self::peek) and the next load would not wait.
    pub(super) fn is_ready(&mut self) -> bool {
        if self.present.is_none() && !self.ended {
            self.present = self.next_arrival(Queue::take_first);
        }
        self.present.is_some() || self.ended
    }

    fn replace(&mut self, buffer: ChunkBuffer) {
        let before = std::mem::replace(&mut self.current, buffer);
        // The first one was none of those that go round.
        if before.is_allocated() {
            self.ahead.recycle(before, self.usual);
        }
    }

    /// The next arrival in order; waits for it.
    fn arrival(&mut self) -> Option<Arrival<X>> {
        self.next_arrival(Queue::pop)
    }

    /// The next arrival in order, among those that `take` takes until there is none.
    fn next_arrival(
        &mut self,
        take: impl Fn(&Queue<Arrival<X>>) -> Option<Arrival<X>>,
    ) -> Option<Arrival<X>> {
        loop {
            let early = self
                .early
                .iter()
                .position(|arrival| arrival.index == self.next);
            let arrival = match early {
                Some(position) => self.early.swap_remove(position),
                None => take(&self.arrivals)?,
            };
            if let Load::Panicked(payload) = arrival.load {
                self.ahead.abandon();
                resume_unwind(payload);
            }
            if arrival.index == self.next {
                self.next += 1;
                return Some(arrival);
            }
            self.early.push(arrival);
        }
    }

    /// Makes a chunk the end of the current slice.
    fn take(&mut self, mut chunk: Chunk) {
        self.usual = self.usual.max(chunk.buffer.len());
        let rest = self.current.slice();
        match chunk.put_before(chunk.front, rest) {
            Some(start) => {
                let mut buffer = chunk.buffer;
                buffer.consume(start);
                self.replace(buffer);
            }
            None => {
                self.current.append(chunk.body());
                self.ahead.recycle(chunk.buffer, self.usual);
            }
        }
    }
}

#[async_trait]
impl<X: Send + 'static> ByteSource for AheadSource<X> {
    fn consume(&mut self, count: usize) {
        self.consumed += 1;
        self.current.consume(count);
    }

    fn current_slice(&self) -> &[u8] {
        self.current.slice()
    }

    fn len(&self) -> usize {
        self.current.len()
    }

    /// The filter is the one that the thread was started with.
    async fn load(&mut self, _: Option<&SourceFilter>) -> Result<Option<ReloadInfo>, SourceError> {
        // Blocks as the source itself would. There is no point to wait at where a dropped future could lose anything.
        if self.ended {
            return Ok(None);
        }
        let arrival = match self.present.take() {
            Some(arrival) => Some(arrival),
            None => self.arrival(),
        };
        let (result, counters) = match arrival.map(|arrival| arrival.load) {
            Some(Load::Chunk(chunk)) => {
                let (info, counters) = (chunk.info, chunk.counters);
                self.take(chunk);
                let info = ReloadInfo {
                    available_bytes: self.current.len(),
                    ..info
                };
                (Ok(Some(info)), counters)
            }
            Some(Load::End(counters)) => (Ok(None), counters),
            Some(Load::Failed(error, counters)) => (Err(error), counters),
            // Nobody sends any more: not while this is alive.
            Some(Load::Panicked(_)) | None => (Ok(None), self.counters),
        };
        self.counters = counters;
        self.ended = !matches!(result, Ok(Some(_)));
        result
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters {
            c_cns: self.consumed,
            ..self.counters
        }
    }

    fn split(&self) -> SourceSplit {
        let split = self.ahead.split.lock();
        *split.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<X> Drop for AheadSource<X> {
    /// Ends the source's thread. It is waited for only if it has come to the end: it may sit in a read that does not
    /// return, and then ends as soon as that does.
    fn drop(&mut self) {
        self.ahead.spare.abandon();
        self.ahead.loaded.abandon();
        self.arrivals.abandon();
        if let (true, Some(thread)) = (self.ended, self.thread.take()) {
            // Panics came as arrivals.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_remembered_over_chunks_of_any_size() {
        let mut before = Vec::new();
        for (body, wanted, expected) in [
            (&b"abc"[..], 5, &b"abc"[..]),
            (b"de", 5, b"abcde"),
            (b"f", 5, b"bcdef"),
            (b"0123456789", 5, b"56789"),
            (b"", 5, b"56789"),
            (b"x", 2, b"9x"),
            (b"yz", 0, b""),
        ] {
            remember(&mut before, body, wanted);
            assert_eq!(before, expected);
        }
    }
}
