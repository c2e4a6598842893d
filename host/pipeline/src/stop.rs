//! The word to stop waiting, from another thread or a signal's.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Tells sources that follow an input without an end that what they have is all. Clones are the same word.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// A word that was not given yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        // A boolean is whole whatever panicked.
        self.shared
            .stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the word, and returns whether it was not given before.
    pub fn stop(&self) -> bool {
        let before = std::mem::replace(&mut *self.lock(), true);
        self.shared.told.notify_all();
        !before
    }

    /// Whether it was given.
    pub fn is_stopped(&self) -> bool {
        *self.lock()
    }

    /// Waits so long, or until the word is given. Returns whether it was.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut stopped = self.lock();
        while !*stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            stopped = self
                .shared
                .told
                .wait_timeout(stopped, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_ends_a_wait_and_is_new_once() {
        let stop = Stop::new();
        assert!(!stop.wait(Duration::from_millis(1)));
        let theirs = stop.clone();
        let begun = Instant::now();
        let waiting = std::thread::spawn(move || theirs.wait(Duration::from_secs(60)));
        assert!(stop.stop());
        assert!(!stop.stop());
        assert!(waiting.join().expect("it ends"));
        assert!(stop.is_stopped() && begun.elapsed() < Duration::from_secs(30));
    }
}
