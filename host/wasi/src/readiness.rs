//! When something will be ready, and waiting for the first of several things.
//!
//! Everything here is synchronous: a guest that waits blocks its thread in `poll(2)`, until what it waits for has happened or
//! the call's deadline has passed. Nothing spins, except for what can only be asked ([`Readiness::AskAgain`]).

use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd as _, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// When something will be ready.
#[derive(Clone)]
pub enum Readiness {
    /// Now.
    Ready,
    /// When there is something to read from (or an end, or an error of) this descriptor.
    Readable(Arc<dyn AsFd + Send + Sync>),
    /// When this descriptor takes something.
    Writable(Arc<dyn AsFd + Send + Sync>),
    /// At this time.
    At(Instant),
    /// Not now, and nobody will tell: ask again in a moment.
    AskAgain,
    /// Not before something happens that this thread itself would have to do.
    Never,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Readiness::Ready => "Ready",
            Readiness::Readable(_) => "Readable",
            Readiness::Writable(_) => "Writable",
            Readiness::At(_) => "At",
            Readiness::AskAgain => "AskAgain",
            Readiness::Never => "Never",
        })
    }
}

/// How long to sleep before asking again what can only be asked.
const ASK_INTERVAL: Duration = Duration::from_millis(1);

/// The time until which a guest may block has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late;

/// Which of `set` are ready at this moment. Does not block. [`Readiness::AskAgain`] is not.
pub fn ready_now(set: &[Readiness]) -> Vec<bool> {
    wait_once(set, Some(Duration::ZERO))
}

/// Whether this is ready at this moment, as [`ready_now`].
pub fn is_ready(readiness: &Readiness) -> bool {
    ready_now(std::slice::from_ref(readiness)).contains(&true)
}

/// Blocks until some of `set` may be ready, and says which are. None are when the caller has to ask again those that are
/// [`Readiness::AskAgain`], or after a signal.
///
/// Errors: [`Late`] once `deadline` has passed and nothing is ready.
pub fn wait_for_some(set: &[Readiness], deadline: Option<Instant>) -> Result<Vec<bool>, Late> {
    let now = Instant::now();
    let mut until: Option<Instant> = deadline;
    let mut earlier = |time: Instant| until = Some(until.map_or(time, |until| until.min(time)));
    for readiness in set {
        match readiness {
            Readiness::Ready => earlier(now),
            Readiness::At(time) => earlier(*time),
            Readiness::AskAgain => earlier(now + ASK_INTERVAL),
            Readiness::Readable(_) | Readiness::Writable(_) | Readiness::Never => {}
        }
    }
    let ready = wait_once(set, until.map(|until| until.saturating_duration_since(now)));
    if ready.contains(&true) {
        return Ok(ready);
    }
    match deadline {
        Some(deadline) if deadline <= Instant::now() => Err(Late),
        _ => Ok(ready),
    }
}

/// One `poll(2)`. A signal or an error of the call itself counts as "nothing yet".
fn wait_once(set: &[Readiness], timeout: Option<Duration>) -> Vec<bool> {
    let mut fds: Vec<PollFd<'_>> = Vec::new();
    // Which of them each of `set` waits for. One descriptor is asked once however often it is waited for: the system refuses
    // more than a process can have open.
    let mut asked: HashMap<(RawFd, PollFlags), usize> = HashMap::new();
    let mut places = Vec::new();
    for (place, readiness) in set.iter().enumerate() {
        let (fd, flags) = match readiness {
            Readiness::Readable(fd) => (fd, PollFlags::IN),
            Readiness::Writable(fd) => (fd, PollFlags::OUT),
            _ => continue,
        };
        let number = (fd.as_fd().as_raw_fd(), flags);
        let asked = asked.entry(number).or_insert_with(|| {
            fds.push(PollFd::new(fd, flags));
            fds.len() - 1
        });
        places.push((place, *asked));
    }
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let nothing_to_do = fds.is_empty()
        && timeout
            == Some(Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            });
    let polled = nothing_to_do || poll(&mut fds, timeout.as_ref()).is_ok();
    let now = Instant::now();
    let mut ready: Vec<bool> = set
        .iter()
        .map(|readiness| match readiness {
            Readiness::Ready => true,
            Readiness::At(time) => *time <= now,
            _ => false,
        })
        .collect();
    if polled {
        for (place, fd) in places {
            if let (Some(slot), Some(fd)) = (ready.get_mut(place), fds.get(fd)) {
                *slot = !fd.revents().is_empty();
            }
        }
    }
    ready
}
