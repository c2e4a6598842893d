//! Goals beside what was measured.

use crate::cases::{Case, Goal, Measure};
use crate::run::Figures;
use serde::Serialize;

/// A goal and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    pub name: &'static str,
    pub prototype: &'static str,
    pub chipmunk: &'static str,
    pub limit: f64,
    /// None if a case that it is about was not run.
    pub measured: Option<f64>,
}

impl Outcome {
    /// None if not measured.
    pub fn is_met(&self) -> Option<bool> {
        self.measured.map(|measured| measured <= self.limit)
    }
}

/// All of `goals` over `results`.
pub fn judge(goals: &[Goal], results: &[Figures]) -> Vec<Outcome> {
    goals
        .iter()
        .map(|goal| Outcome {
            name: goal.name,
            prototype: goal.prototype,
            chipmunk: goal.chipmunk,
            limit: goal.limit,
            measured: measured(&goal.measure, results),
        })
        .collect()
}

fn measured(measure: &Measure, results: &[Figures]) -> Option<f64> {
    let find = |case: Case| {
        results.iter().find(|figures| {
            (figures.input, figures.format, figures.setup) == (case.input, case.format, case.setup)
        })
    };
    match *measure {
        Measure::Ratio { of, to } => Some(find(of)?.seconds / find(to)?.seconds),
        Measure::PerByte { of, to } => {
            Some(find(of)?.nanoseconds_per_byte() / find(to)?.nanoseconds_per_byte())
        }
        Measure::Flat { .. } => {
            let rates: Option<Vec<f64>> = measure
                .cases()
                .into_iter()
                .map(|case| find(case).map(Figures::nanoseconds_per_byte))
                .collect();
            let rates = rates?;
            let largest = rates.iter().copied().fold(f64::NAN, f64::max);
            let smallest = rates.iter().copied().fold(f64::NAN, f64::min);
            Some(largest / smallest)
        }
        Measure::WarmStart(case) => Some(find(case)?.warm_start_ms),
        Measure::PeakMemory(case) => Some(find(case)?.peak_megabytes),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn figures(
        input: &'static str,
        format: &'static str,
        setup: &'static str,
        seconds: f64,
        bytes: u64,
    ) -> Figures {
        Figures {
            input,
            format,
            setup,
            runs: 1,
            seconds,
            bytes,
            messages: 1,
            ratio: 1.0,
            peak_megabytes: 12.0,
            warm_start_ms: 3.0,
            cold_start_ms: None,
            split_ms: Default::default(),
        }
    }

    #[test]
    fn each_measure_is_what_it_says() {
        let results = [
            figures("a", "raw", "x", 2.0, 100),
            figures("a", "raw", "y", 4.0, 100),
            figures("b", "raw", "x", 3.0, 300),
        ];
        let case = |input, setup| Case {
            input,
            format: "raw",
            setup,
        };
        let all = |measure| measured(&measure, &results);
        assert_eq!(
            all(Measure::Ratio {
                of: case("a", "y"),
                to: case("a", "x")
            }),
            Some(2.0)
        );
        assert_eq!(
            all(Measure::PerByte {
                of: case("a", "x"),
                to: case("b", "x")
            }),
            Some(2.0)
        );
        let flat = |inputs| Measure::Flat {
            format: "raw",
            setup: "x",
            inputs,
        };
        assert_eq!(all(flat(&["b", "a"])), Some(2.0));
        assert_eq!(all(flat(&["b", "a", "c"])), None);
        assert_eq!(all(Measure::WarmStart(case("a", "x"))), Some(3.0));
        assert_eq!(all(Measure::PeakMemory(case("b", "x"))), Some(12.0));
        assert_eq!(all(Measure::PeakMemory(case("b", "y"))), None);
    }
}
