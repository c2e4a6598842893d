//! The clocks a guest sees: the host's, or fixed ones for runs that can be repeated.
//!
//! Fixed clocks start where they are told and move by one step with every look at them, so that a guest that waits in a loop
//! comes to an end. A guest that sleeps does not sleep: its clock is put forward.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::fs::Timestamp;
use crate::readiness::Readiness;

/// Wall clock and monotonic clock, which belong together.
#[derive(Debug, Clone)]
pub struct Clocks(Source);

#[derive(Debug, Clone)]
enum Source {
    /// The host's. The monotonic one counts from here, so that it says nothing about the host's uptime.
    Real(Instant),
    Fixed {
        start: Duration,
        elapsed: u64,
        step: u64,
    },
}

impl Clocks {
    /// The host's clocks.
    pub fn real() -> Self {
        Clocks(Source::Real(Instant::now()))
    }

    /// Clocks that start at `start` since 1970 and go on by `step` with every look.
    pub fn fixed(start: Duration, step: Duration) -> Self {
        Clocks(Source::Fixed {
            start,
            elapsed: 0,
            step: nanoseconds(step),
        })
    }

    /// The monotonic clock, in nanoseconds.
    pub fn monotonic(&mut self) -> u64 {
        match &mut self.0 {
            Source::Real(start) => nanoseconds(start.elapsed()),
            Source::Fixed { elapsed, step, .. } => {
                *elapsed = elapsed.saturating_add(*step);
                *elapsed
            }
        }
    }

    /// The wall clock. Before 1970 is 1970.
    pub fn wall(&mut self) -> Timestamp {
        match &mut self.0 {
            Source::Real(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .into(),
            Source::Fixed {
                start,
                elapsed,
                step,
            } => {
                *elapsed = elapsed.saturating_add(*step);
                start.saturating_add(Duration::from_nanos(*elapsed)).into()
            }
        }
    }

    /// What the clocks can tell apart.
    pub fn resolution(&self) -> Duration {
        match &self.0 {
            Source::Real(_) => Duration::from_nanos(1),
            Source::Fixed { step, .. } => Duration::from_nanos((*step).max(1)),
        }
    }

    /// When the monotonic clock will show `time`. On fixed clocks [`Readiness::Never`]: somebody has to
    /// [put them forward](Self::put_forward).
    pub(crate) fn readiness(&self, time: u64) -> Readiness {
        match &self.0 {
            Source::Real(start) => match start.checked_add(Duration::from_nanos(time)) {
                Some(instant) => Readiness::At(instant),
                None => Readiness::Never,
            },
            Source::Fixed { elapsed, .. } if *elapsed >= time => Readiness::Ready,
            Source::Fixed { .. } => Readiness::Never,
        }
    }

    /// Lets a fixed monotonic clock show `time` at least, and says whether it is a fixed one.
    pub(crate) fn put_forward(&mut self, time: u64) -> bool {
        match &mut self.0 {
            Source::Real(_) => false,
            Source::Fixed { elapsed, .. } => {
                *elapsed = time.max(*elapsed);
                true
            }
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_clocks_go_on_by_steps_and_agree() {
        let mut clocks = Clocks::fixed(Duration::from_secs(1000), Duration::from_micros(1));
        assert_eq!((clocks.monotonic(), clocks.monotonic()), (1000, 2000));
        assert_eq!(
            clocks.wall(),
            Timestamp {
                seconds: 1000,
                nanoseconds: 3000
            }
        );
        assert_eq!(clocks.resolution(), Duration::from_micros(1));
    }

    #[test]
    fn a_fixed_clock_is_put_forward_and_never_back() {
        let mut clocks = Clocks::fixed(Duration::ZERO, Duration::ZERO);
        assert!(matches!(clocks.readiness(50), Readiness::Never));
        assert!(clocks.put_forward(50) && clocks.put_forward(20));
        assert!(matches!(clocks.readiness(50), Readiness::Ready));
        assert_eq!(clocks.monotonic(), 50);
    }

    #[test]
    fn a_real_clock_beyond_what_the_host_can_say_never_comes() {
        let mut clocks = Clocks::real();
        let now = clocks.monotonic();
        assert!(clocks.monotonic() >= now);
        assert!(matches!(clocks.readiness(now), Readiness::At(_)));
        assert!(!clocks.put_forward(u64::MAX));
    }
}
