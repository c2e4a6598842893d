//! The time limit of a call.
//!
//! One watchdog thread serves all stores of the process. A store whose calls are limited has a slot; a call writes the
//! instant it must end by into the slot and clears it at its end. When the instant has passed, there are two ways to stop:
//!
//! - The watchdog marks the slot as late. Every function that the host gives to guests looks at the mark when it is called and
//!   before it returns, and ends the call.
//! - A guest that calls nothing is interrupted by wasmer, with a signal to the thread that runs it (SIGUSR1, which embedders
//!   must leave to wasmer).
//!
//! The first way comes first, and the signal is sent only a moment later and only while guest code runs, for a reason: wasmer 7.4's
//! handler drops whatever the thread is doing on the guest's stack. If that is not guest code but wasmer's own, on the way
//! out of a host function, a lock that it holds there is never released, and other stores hang. For the same
//! reason a signal that was lost is repeated seldom. What remains is a guest that is interrupted inside a libcall such as
//! `memory.grow`.
//!
//! Host functions that block must watch [`crate::StoreContextMut::deadline`] themselves: nobody can interrupt the host.
//!
//! A call that behaves pays for two short, uncontended locks and one look at the clock, a host function for two atomics.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use wasmer::Interrupter;

/// Between two looks at the slots while some call is limited; also how long the mark may come late.
const TICK: Duration = Duration::from_millis(5);
/// Between the mark and the signal: much longer than a guest that calls the host at all lets pass between two calls.
const GRACE: Duration = Duration::from_millis(15);
/// Between two signals: much longer than wasmer takes to act on one.
const PAUSE: Duration = Duration::from_millis(200);

/// The place where a store's running call says when it must end.
pub(crate) struct Slot {
    state: Mutex<State>,
    /// Whether the deadline has passed.
    late: AtomicBool,
    /// Whether the thread runs the host's code, and not the guest's, at the moment.
    in_host: AtomicBool,
    interrupter: Interrupter,
}

#[derive(Default)]
struct State {
    deadline: Option<Instant>,
    /// When the next signal may be sent.
    signal_at: Option<Instant>,
    signalled: bool,
}

impl Slot {
    /// Makes a slot and has the watchdog look at it for as long as it lives.
    pub fn new(interrupter: Interrupter) -> Arc<Slot> {
        let slot = Arc::new(Slot {
            state: Mutex::default(),
            late: AtomicBool::new(false),
            in_host: AtomicBool::new(false),
            interrupter,
        });
        let watchdog = watchdog();
        lock(&watchdog.slots).push(Arc::downgrade(&slot));
        watchdog.wake.notify_one();
        slot
    }

    /// From now on the running call must end by `deadline`.
    pub fn arm(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        *state = State {
            deadline: Some(deadline),
            signal_at: Some(deadline + GRACE),
            signalled: false,
        };
        self.late.store(false, Ordering::Relaxed);
    }

    /// The call has ended; tells whether its time was over.
    pub fn disarm(&self) -> bool {
        let signalled = std::mem::take(&mut *lock(&self.state)).signalled;
        if signalled {
            // The last signal may still be on its way; it must not find the next call.
            std::thread::sleep(Duration::from_millis(1));
        }
        self.late.swap(false, Ordering::Relaxed)
    }

    /// When the running call must end.
    pub fn deadline(&self) -> Option<Instant> {
        lock(&self.state).deadline
    }

    /// Whether the running call's time is over.
    pub fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }

    /// Says whether the host's code runs from now on; gives what was said before.
    pub fn set_in_host(&self, value: bool) -> bool {
        self.in_host.swap(value, Ordering::Relaxed)
    }

    fn look(&self, now: Instant) {
        let mut state = lock(&self.state);
        if state.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.late.store(true, Ordering::Relaxed);
        if state.signal_at.is_some_and(|at| now >= at) && !self.in_host.load(Ordering::Relaxed) {
            state.signalled = true;
            state.signal_at = Some(now + PAUSE);
            // The lock is held, so the call cannot end, nor the next one begin, before the signal is sent.
            self.interrupter.interrupt();
        }
    }
}

struct Watchdog {
    slots: Mutex<Vec<Weak<Slot>>>,
    wake: Condvar,
}

fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
    static THREAD: OnceLock<()> = OnceLock::new();
    let watchdog = WATCHDOG.get_or_init(|| Watchdog {
        slots: Mutex::default(),
        wake: Condvar::new(),
    });
    THREAD.get_or_init(|| {
        let spawned = std::thread::Builder::new()
            .name("wasm-watchdog".to_string())
            .spawn(move || watch(watchdog));
        if let Err(e) = spawned {
            tracing::error!("calls have no time limit: the watchdog thread cannot be started: {e}");
        }
    });
    watchdog
}

fn watch(watchdog: &Watchdog) {
    let mut slots = lock(&watchdog.slots);
    loop {
        slots.retain(|slot| slot.strong_count() > 0);
        if slots.is_empty() {
            slots = watchdog
                .wake
                .wait(slots)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let live: Vec<Arc<Slot>> = slots.iter().filter_map(Weak::upgrade).collect();
        drop(slots);
        let now = Instant::now();
        for slot in live {
            slot.look(now);
        }
        std::thread::sleep(TICK);
        slots = lock(&watchdog.slots);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks guard is valid at every moment, so a panic while one was held leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
