//! Waiting, and its end.
//!
//! wasmer-wasix waits in futures that it polls on the guest's own thread, which sleeps until somebody wakes it. There are two
//! reasons to: a time that the guest named has come, or the guest's call must end. For both there is one thread for all guests of
//! the process, the *alarm clock*, which does nothing but to wake ([`Alarm`]). No asynchronous runtime is needed.
//!
//! Files and standard input wait by themselves, in `poll(2)`, until the [`Deadline`].

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use wasmer_component_wasi::readiness::{Late, Readiness, is_ready, wait_for_some};
use wasmer_wasix::runtime::task_manager::TaskWasm;
use wasmer_wasix::types::wasi::Signal;
use wasmer_wasix::{VirtualTaskManager, WasiThread, WasiThreadError};

/// When the guest's running call must end, for all who wait on its behalf.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    pub fn set(&self, deadline: Option<Instant>) {
        *lock(&self.0) = deadline;
    }

    pub fn get(&self) -> Option<Instant> {
        *lock(&self.0)
    }

    /// Blocks until `readiness` may have come.
    pub fn wait(&self, readiness: Readiness) -> Result<(), Late> {
        wait_for_some(&[readiness], self.get()).map(drop)
    }
}

/// Something the alarm clock does at a certain time, unless it is dropped before.
pub(crate) struct Alarm(Key);

/// The time, and a number that tells those of the same time apart.
type Key = (Instant, u64);

enum Call {
    Wake(Waker),
    /// Ends the guest: whatever it waits in, it wakes up and finds that it was killed.
    Kill(WasiThread),
}

impl Alarm {
    /// Wakes a future's task.
    pub fn wake(at: Instant, waker: Waker) -> Alarm {
        Alarm::set(at, Call::Wake(waker))
    }

    /// Ends a guest.
    pub fn kill(at: Instant, thread: WasiThread) -> Alarm {
        Alarm::set(at, Call::Kill(thread))
    }

    fn set(at: Instant, call: Call) -> Alarm {
        let clock = clock();
        let mut calls = lock(&clock.calls);
        calls.number += 1;
        let key = (at, calls.number);
        let first = calls
            .queue
            .first_key_value()
            .is_none_or(|(first, _)| key < *first);
        calls.queue.insert(key, call);
        drop(calls);
        if first {
            clock.changed.notify_one();
        }
        Alarm(key)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        lock(&clock().calls).queue.remove(&self.0);
    }
}

#[derive(Default)]
struct Calls {
    number: u64,
    queue: BTreeMap<Key, Call>,
}

struct Clock {
    calls: Mutex<Calls>,
    changed: Condvar,
}

fn clock() -> &'static Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    static THREAD: OnceLock<()> = OnceLock::new();
    let clock = CLOCK.get_or_init(|| Clock {
        calls: Mutex::default(),
        changed: Condvar::new(),
    });
    THREAD.get_or_init(|| {
        let spawned = std::thread::Builder::new()
            .name("wasix-alarm-clock".to_string())
            .spawn(move || ring(clock));
        if let Err(e) = spawned {
            tracing::error!(
                "guests that sleep will not wake up: the thread for it cannot be started: {e}"
            );
        }
    });
    clock
}

fn ring(clock: &Clock) {
    let mut calls = lock(&clock.calls);
    loop {
        let now = Instant::now();
        calls = match calls.queue.first_key_value().map(|((at, _), _)| *at) {
            None => clock
                .changed
                .wait(calls)
                .unwrap_or_else(PoisonError::into_inner),
            Some(at) if at > now => {
                let waited = clock.changed.wait_timeout(calls, at - now);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                let due = calls.queue.pop_first();
                drop(calls);
                match due {
                    Some((_, Call::Wake(waker))) => waker.wake(),
                    Some((_, Call::Kill(thread))) => thread.signal(Signal::Sigkill),
                    None => {}
                }
                lock(&clock.calls)
            }
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks guard is valid at every moment, so a panic while one was held leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between two looks at what a guest polls: nobody tells when there is something to read.
const ASK_INTERVAL: Duration = Duration::from_millis(5);

/// Ready with 1, or asked again in a moment, for which `alarm` is the place.
pub(crate) fn poll_ready(
    readiness: &Readiness,
    alarm: &mut Option<Alarm>,
    cx: &Context<'_>,
) -> Poll<io::Result<usize>> {
    if is_ready(readiness) {
        *alarm = None;
        return Poll::Ready(Ok(1));
    }
    *alarm = Some(Alarm::wake(
        Instant::now() + ASK_INTERVAL,
        cx.waker().clone(),
    ));
    Poll::Pending
}

/// A future that is ready at a certain time.
struct Sleep {
    until: Option<Instant>,
    alarm: Option<Alarm>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A time beyond all reckoning never comes.
        let Some(until) = self.until else {
            return Poll::Pending;
        };
        if Instant::now() >= until {
            self.alarm = None;
            return Poll::Ready(());
        }
        self.alarm = Some(Alarm::wake(until, cx.waker().clone()));
        Poll::Pending
    }
}

/// wasmer-wasix's way to sleep and to start things. A plugin starts nothing: it has one thread, the caller's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tasks;

impl VirtualTaskManager for Tasks {
    fn sleep_now(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(Sleep {
            until: Instant::now().checked_add(time),
            alarm: None,
        })
    }

    fn task_shared(
        &self,
        _: Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>,
    ) -> Result<(), WasiThreadError> {
        Err(WasiThreadError::Unsupported)
    }

    fn task_wasm(&self, _: TaskWasm) -> Result<(), WasiThreadError> {
        Err(WasiThreadError::Unsupported)
    }

    fn task_dedicated(&self, _: Box<dyn FnOnce() + Send>) -> Result<(), WasiThreadError> {
        Err(WasiThreadError::Unsupported)
    }

    fn thread_parallelism(&self) -> Result<usize, WasiThreadError> {
        Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn alarms_ring_in_their_order_and_not_when_dropped() {
        let (early, late, dropped) = (
            Arc::<Count>::default(),
            Arc::<Count>::default(),
            Arc::<Count>::default(),
        );
        let now = Instant::now();
        let _late = Alarm::wake(now + Duration::from_secs(3600), late.clone().into());
        let _early = Alarm::wake(now + Duration::from_millis(10), early.clone().into());
        drop(Alarm::wake(
            now + Duration::from_millis(5),
            dropped.clone().into(),
        ));
        while early.0.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let counts = [&early, &late, &dropped].map(|count| count.0.load(Ordering::SeqCst));
        assert_eq!(counts, [1, 0, 0]);
    }
}
