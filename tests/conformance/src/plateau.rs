//! Whether a guest's memory stops growing.
//!
//! A WebAssembly memory never shrinks, and allocators take it in large steps, so one look says nothing. What leaks with every
//! call grows without end, and so it grows, sooner or later, whenever the number of calls is doubled: by one page or by one
//! doubling of a vector. What only settles in stops. So memory is held to stand still if some doubling of the calls left it as it was.

use std::time::Duration;

use crate::pace::Clock;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plateau {
    /// Calls in all.
    pub calls: usize,
    /// Bytes of memory at the end.
    pub bytes: u64,
    /// Bytes by which the last doubling of the calls had it grow; 0 if it stood still.
    pub grown: u64,
}

impl Plateau {
    /// Makes `first` calls with `more`, which says how many bytes of memory there are then, and doubles their number until memory
    /// stands still, at most `doublings` times and as often as goes into so much `time` of a processor, but at least once.
    pub fn look<E>(
        first: usize,
        doublings: u32,
        time: Duration,
        mut more: impl FnMut(usize) -> Result<u64, E>,
    ) -> Result<Self, E> {
        let begin = Clock::now();
        let mut seen = Self {
            calls: first,
            bytes: more(first)?,
            grown: 0,
        };
        for _ in 0..doublings.max(1) {
            let now = more(seen.calls)?;
            seen = Self {
                calls: seen.calls * 2,
                bytes: now,
                grown: now.saturating_sub(seen.bytes),
            };
            // The next doubling takes as long as everything up to now.
            if !seen.grows() || begin.elapsed() * 2 > time {
                break;
            }
        }
        Ok(seen)
    }

    /// Whether growth up to here says nothing yet: there were few calls, or a garbage collector may not have begun.
    pub fn is_too_early(&self, has_runtime: bool, enough: usize, most_undecided: u64) -> bool {
        self.grows() && self.bytes < most_undecided && (has_runtime || self.calls < enough)
    }

    /// Whether memory does not stand still. A sixty-fourth is not growth: a garbage collector settles in slowly.
    pub fn grows(&self) -> bool {
        self.grown > self.bytes / 64
    }
}

/// Whether a guest that begins with so many bytes of memory brings a language's runtime along, and with it a garbage collector.
pub(crate) fn has_runtime(bytes: u64) -> bool {
    bytes > 4 << 20
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(leak: impl Fn(usize) -> u64) -> Plateau {
        let mut calls = 0;
        let result: Result<_, ()> = Plateau::look(1000, 7, Duration::from_secs(100), |more| {
            calls += more;
            // In pages, as memories grow.
            Ok(leak(calls).div_ceil(65_536) * 65_536)
        });
        result.expect("nothing fails")
    }

    #[test]
    fn what_settles_in_stands_still() {
        assert!(!look(|_| 1).grows());
        assert_eq!(
            look(|calls| 100 * calls.min(1900) as u64),
            Plateau {
                calls: 4000,
                bytes: 196_608,
                grown: 0
            }
        );
    }

    #[test]
    fn growth_that_says_nothing_yet_is_told_apart() {
        let grows = look(|calls| 100 * calls as u64);
        let (calls, bytes) = (grows.calls, grows.bytes);
        assert!(grows.is_too_early(false, calls + 1, bytes + 1));
        assert!(!grows.is_too_early(false, calls, bytes + 1));
        assert!(grows.is_too_early(true, calls, bytes + 1));
        assert!(!grows.is_too_early(true, calls + 1, bytes));
        assert!(!look(|_| 1).is_too_early(true, usize::MAX, u64::MAX));
    }

    #[test]
    fn what_leaks_grows_with_every_doubling() {
        assert!(look(|calls| 100 * calls as u64).grows());
        // A vector that doubles.
        assert!(look(|calls| (100 * calls as u64).next_power_of_two()).grows());
    }
}
