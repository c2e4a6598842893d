//! The time limit of a call.
//!
//! One watchdog thread serves all stores of the process. A store whose calls are limited has a slot; a call writes the
//! instant it must end by into the slot and clears it at its end. When the instant has passed, the watchdog has wasmer
//! interrupt the store, with a signal to the thread that runs it (SIGUSR1, which embedders must leave to wasmer), and again
//! every few milliseconds until the slot is clear: an interrupt that arrives while the guest is in a host function, or on its
//! way in, is lost. Host functions that block must watch [`crate::StoreContextMut::deadline`] themselves.
//!
//! A call that behaves pays for two short, uncontended locks and one look at the clock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use wasmer::Interrupter;

/// Between two looks at the slots while some call is limited; also how long an interrupt may come late.
const TICK: Duration = Duration::from_millis(5);

/// The place where a store's running call says when it must end.
pub(crate) struct Slot {
    state: Mutex<State>,
    interrupter: Interrupter,
}

#[derive(Default)]
struct State {
    deadline: Option<Instant>,
    /// Whether the watchdog has interrupted this call.
    fired: bool,
}

impl Slot {
    /// Makes a slot and has the watchdog look at it for as long as it lives.
    pub fn new(interrupter: Interrupter) -> Arc<Slot> {
        let slot = Arc::new(Slot {
            state: Mutex::default(),
            interrupter,
        });
        let watchdog = watchdog();
        lock(&watchdog.slots).push(Arc::downgrade(&slot));
        watchdog.wake.notify_one();
        slot
    }

    /// From now on the running call must end by `deadline`.
    pub fn arm(&self, deadline: Instant) {
        *lock(&self.state) = State {
            deadline: Some(deadline),
            fired: false,
        };
    }

    /// The call has ended; tells whether it was interrupted.
    pub fn disarm(&self) -> bool {
        let fired = std::mem::take(&mut *lock(&self.state)).fired;
        if fired {
            // The last signal may still be on its way; it must not find the next call.
            std::thread::sleep(Duration::from_millis(1));
        }
        fired
    }

    /// When the running call must end.
    pub fn deadline(&self) -> Option<Instant> {
        lock(&self.state).deadline
    }

    fn interrupt_if_late(&self, now: Instant) {
        let mut state = lock(&self.state);
        if state.deadline.is_some_and(|deadline| now >= deadline) {
            state.fired = true;
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
            slot.interrupt_if_late(now);
        }
        std::thread::sleep(TICK);
        slots = lock(&watchdog.slots);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks guard is valid at every moment, so a panic while one was held leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
