//! How fast a guest is, measured once, and how much can therefore be tried in the time there is.
//!
//! Native code cut at every byte is a matter of a second; the same in an interpreter may be an hour. So the number of runs and
//! the size of inputs follow from what the first run took. What was tried is told: a report of a slow guest says that it is
//! of fewer cuts.

use std::time::Duration;

/// What a thread has used of a processor until now; what others use of it does not count. Guests run on the thread that calls them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Duration);

impl Clock {
    pub fn now() -> Self {
        #[cfg(unix)]
        {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            Self(Duration::new(
                u64::try_from(time.tv_sec).unwrap_or(0),
                u32::try_from(time.tv_nsec).unwrap_or(0),
            ))
        }
        #[cfg(not(unix))]
        {
            static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
            Self(BEGIN.get_or_init(std::time::Instant::now).elapsed())
        }
    }

    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Costs of a guest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// To make an instance and initialise it.
    pub instance: Duration,
    /// A call with nothing to do.
    pub call: Duration,
    /// Nanoseconds for each byte of work.
    pub byte_ns: f64,
    /// What all checks together should take about.
    pub budget: Duration,
}

impl Pace {
    /// How long a run takes about, of so many calls that handle so many bytes in all.
    pub fn run(&self, calls: usize, bytes: usize) -> Duration {
        let calls_ns = self.call.as_secs_f64() * 1e9 * calls as f64;
        let bytes_ns = self.byte_ns * bytes as f64;
        self.instance + Duration::from_secs_f64((calls_ns + bytes_ns) / 1e9)
    }

    /// How many such runs go into `time`, within bounds.
    pub fn runs(
        &self,
        time: Duration,
        calls: usize,
        bytes: usize,
        least: usize,
        most: usize,
    ) -> usize {
        let fit = time.as_secs_f64() / self.run(calls, bytes).as_secs_f64().max(1e-9);
        (fit as usize).clamp(least.min(most), most)
    }

    /// How many bytes go into `time`, within bounds.
    pub fn bytes(&self, time: Duration, least: usize, most: usize) -> usize {
        let fit = time.as_secs_f64() * 1e9 / self.byte_ns.max(0.01);
        (fit as usize).clamp(least.min(most), most)
    }

    /// How often to ask a plugin what it is, to see whether what it answers is freed: a page takes some hundreds of answers.
    pub fn questions(&self) -> usize {
        self.calls(self.budget / 100, 0, 500, 2000)
    }

    /// How many calls with `bytes` each go into `time`, within bounds.
    pub fn calls(&self, time: Duration, bytes: usize, least: usize, most: usize) -> usize {
        // In whole nanoseconds, which a float holds as they are.
        let each_ns = self.call.as_nanos() as f64 + self.byte_ns * bytes as f64;
        ((time.as_nanos() as f64 / each_ns.max(1.0)) as usize).clamp(least.min(most), most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_within_bounds() {
        let pace = Pace {
            instance: Duration::from_millis(1),
            call: Duration::from_micros(10),
            byte_ns: 10.0,
            budget: Duration::from_secs(10),
        };
        assert_eq!(pace.run(10, 100_000), Duration::from_micros(2100));
        assert_eq!(
            pace.runs(Duration::from_secs(1), 10, 100_000, 5, 10_000),
            476
        );
        assert_eq!(pace.runs(Duration::from_secs(1), 10, 100_000, 5, 100), 100);
        assert_eq!(pace.runs(Duration::ZERO, 10, 100_000, 5, 100), 5);
        assert_eq!(pace.runs(Duration::ZERO, 10, 100_000, 5, 3), 3);
        assert_eq!(
            pace.bytes(Duration::from_secs(1), 1, usize::MAX),
            100_000_000
        );
        assert_eq!(
            pace.calls(Duration::from_secs(1), 1000, 1, usize::MAX),
            50_000
        );
    }
}
