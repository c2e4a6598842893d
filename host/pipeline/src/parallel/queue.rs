//! A queue between threads that either side can close.
//!
//! The channels of std end when all senders are gone; here the receiving side must be able to let go of a sender that
//! sits in a read which may never return. Waiting is on condition variables, never busy; the ring is allocated once.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    capacity: usize,
    filled: Condvar,
    drained: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    /// Who waits for an item, and who for room. To wake somebody is a system call, also where nobody sleeps.
    takers: usize,
    givers: usize,
}

impl<T> Queue<T> {
    /// A queue that holds `capacity` items at most, at least one.
    pub(super) fn bounded(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            state: Mutex::new(State {
                items: VecDeque::with_capacity(capacity),
                closed: false,
                takers: 0,
                givers: 0,
            }),
            capacity,
            filled: Condvar::new(),
            drained: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it is held, and a queue is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, and waits for room where there is none. Gives the item back if the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(item);
            }
            if state.items.len() < self.capacity {
                self.put(state, item);
                return Ok(());
            }
            state.givers += 1;
            state = self
                .drained
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.givers -= 1;
        }
    }

    /// Takes the oldest item, and waits for one where there is none. `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        self.wait_for(VecDeque::pop_front)
    }

    /// As [`pop`](Self::pop), but takes the newest item, the one whose memory is still in a cache.
    pub(super) fn pop_last(&self) -> Option<T> {
        self.wait_for(VecDeque::pop_back)
    }

    fn wait_for(&self, take: impl Fn(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = take(&mut state.items) {
                self.taken(state);
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state.takers += 1;
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.takers -= 1;
        }
    }

    fn put(&self, mut state: MutexGuard<'_, State<T>>, item: T) {
        state.items.push_back(item);
        let is_waited_for = state.takers > 0;
        drop(state);
        if is_waited_for {
            self.filled.notify_one();
        }
    }

    /// An item was taken.
    fn taken(&self, state: MutexGuard<'_, State<T>>) {
        let is_waited_for = state.givers > 0;
        drop(state);
        if is_waited_for {
            self.drained.notify_one();
        }
    }

    fn take(&self, take: impl Fn(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        let item = take(&mut state.items)?;
        self.taken(state);
        Some(item)
    }

    /// Takes the oldest item, if there is any.
    pub(super) fn take_first(&self) -> Option<T> {
        self.take(VecDeque::pop_front)
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Takes the newest item, the one whose memory is still in a cache, if there is any.
    pub(super) fn take_last(&self) -> Option<T> {
        self.take(VecDeque::pop_back)
    }

    /// Adds an item if there is room; else it is dropped.
    pub(super) fn offer(&self, item: T) {
        let state = self.lock();
        if !state.closed && state.items.len() < self.capacity {
            self.put(state, item);
        }
    }

    /// Lets nothing in any more; what is in there can be taken out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// As [`close`](Self::close), and drops what is in there.
    pub(super) fn abandon(&self) {
        let items = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.items)
        };
        self.filled.notify_all();
        self.drained.notify_all();
        drop(items);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use super::*;

    #[test]
    fn items_come_out_in_order_and_no_more_than_the_capacity_are_in_it() {
        let queue = Arc::new(Queue::bounded(2));
        let theirs = Arc::clone(&queue);
        let sender = thread::spawn(move || {
            for number in 0..100 {
                theirs.push(number).expect("nobody closes it");
                assert!(theirs.lock().items.len() <= 2);
            }
            theirs.close();
        });
        let received: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(received, (0..100).collect::<Vec<_>>());
        sender.join().expect("it ends");
    }

    #[test]
    fn closing_wakes_both_sides() {
        let queue = Arc::new(Queue::bounded(1));
        let theirs = Arc::clone(&queue);
        let popping = thread::spawn(move || theirs.pop());
        thread::sleep(Duration::from_millis(20));
        queue.close();
        assert_eq!(popping.join().expect("it ends"), None);
        assert_eq!(queue.push(1), Err(1));

        let queue = Arc::new(Queue::bounded(1));
        queue.push(1).expect("there is room");
        let theirs = Arc::clone(&queue);
        let pushing = thread::spawn(move || theirs.push(2));
        thread::sleep(Duration::from_millis(20));
        queue.abandon();
        assert_eq!(pushing.join().expect("it ends"), Err(2));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn what_is_offered_without_room_is_dropped() {
        let queue = Queue::bounded(1);
        queue.offer(1);
        queue.offer(2);
        assert_eq!((queue.take_last(), queue.take_last()), (Some(1), None));
    }
}
