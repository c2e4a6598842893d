//! What the kit found: checks in the order in which they were made, each under a name that stays.
//!
//! A check passes, fails or is skipped; what is skipped has a reason and is never counted as passed. What failed says where,
//! and what to do about it. The report is for people (`Display`) and for programs (`Serialize`), with the same words.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use chipmunk_plugins::runtime::CheckOutcome;
use chipmunk_plugins::{ApiVersion, Kind};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One check of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its name, one of [`CHECKS`](crate::CHECKS).
    pub name: &'static str,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was found, what is wrong and where, or why nothing was checked.
    pub message: String,
    /// What the plugin's author is to do, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    /// How long it took.
    pub seconds: f64,
}

/// All that was found of one plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The plugin's name.
    pub plugin: String,
    /// Its file, if it was found.
    pub path: Option<PathBuf>,
    /// A parser or a source, if it is one.
    pub kind: Option<Kind>,
    /// The API it is of.
    pub api: Option<ApiVersion>,
    /// What the kit's random choices follow from: the same seed, the same choices.
    pub seed: u64,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// How long all of it took.
    pub seconds: f64,
}

impl Report {
    /// How many checks went like this.
    pub fn count(&self, outcome: CheckOutcome) -> usize {
        let went = |check: &&Check| check.outcome == outcome;
        self.checks.iter().filter(went).count()
    }

    /// Whether nothing failed.
    pub fn is_ok(&self) -> bool {
        self.count(CheckOutcome::Failed) == 0
    }

    /// The names of the checks that went like this.
    pub fn names(&self, outcome: CheckOutcome) -> Vec<&'static str> {
        let went = |check: &&Check| check.outcome == outcome;
        self.checks
            .iter()
            .filter(went)
            .map(|check| check.name)
            .collect()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Report", 10)?;
        object.serialize_field("plugin", &self.plugin)?;
        object.serialize_field("path", &self.path)?;
        object.serialize_field("kind", &self.kind)?;
        object.serialize_field("api", &self.api)?;
        object.serialize_field("seed", &self.seed)?;
        object.serialize_field("seconds", &self.seconds)?;
        object.serialize_field("passed", &self.count(CheckOutcome::Passed))?;
        object.serialize_field("failed", &self.count(CheckOutcome::Failed))?;
        object.serialize_field("skipped", &self.count(CheckOutcome::Skipped))?;
        object.serialize_field("checks", &self.checks)?;
        object.end()
    }
}

/// A line for each check, a second one with the remedy below each that failed, and the sums.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let outcome = match check.outcome {
                CheckOutcome::Passed => "passed",
                CheckOutcome::Skipped => "skipped",
                CheckOutcome::Failed => "FAILED",
            };
            writeln!(f, "{outcome:<8} {:<18} {}", check.name, check.message)?;
            if let Some(remedy) = check.remedy {
                writeln!(f, "{:27} -> {remedy}", "")?;
            }
        }
        writeln!(
            f,
            "{}: {} passed, {} failed, {} skipped in {:.1} s",
            self.plugin,
            self.count(CheckOutcome::Passed),
            self.count(CheckOutcome::Failed),
            self.count(CheckOutcome::Skipped),
            self.seconds
        )
    }
}

/// How a check ends that does not fail.
#[derive(Debug)]
pub(crate) enum Good {
    /// All was well; what was tried.
    Passed(String),
    /// Nothing could be checked; why.
    Skipped(String),
}

/// How a check fails.
#[derive(Debug)]
pub(crate) struct Bad {
    /// What is wrong, and where.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// How a check goes.
pub(crate) type Verdict = Result<Good, Bad>;

pub(crate) fn passed(message: impl Into<String>) -> Verdict {
    Ok(Good::Passed(message.into()))
}

pub(crate) fn skipped(reason: impl Into<String>) -> Verdict {
    Ok(Good::Skipped(reason.into()))
}

pub(crate) fn failed(message: impl Into<String>, remedy: &'static str) -> Verdict {
    Err(bad(message, remedy))
}

pub(crate) fn bad(message: impl Into<String>, remedy: &'static str) -> Bad {
    Bad {
        message: message.into(),
        remedy,
    }
}

/// The checks while they are made.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub checks: Vec<Check>,
    /// Checks that were not made because another one failed, and that one.
    blocked: Vec<(&'static str, &'static str)>,
}

impl Record {
    /// Makes a check, unless one of those that it builds on failed: what follows from one fault is not told as another.
    pub fn check(
        &mut self,
        name: &'static str,
        needs: &[&'static str],
        run: impl FnOnce() -> Verdict,
    ) {
        let begin = Instant::now();
        let broken = needs.iter().find_map(|need| self.broken(need));
        let verdict = match broken {
            Some(need) => {
                self.blocked.push((name, need));
                skipped(format!("`{need}` failed"))
            }
            None => run(),
        };
        self.note(name, verdict, begin);
    }

    /// Notes a check that was made elsewhere, or together with others.
    pub fn note(&mut self, name: &'static str, verdict: Verdict, begin: Instant) {
        let (outcome, message, remedy) = match verdict {
            Ok(Good::Passed(message)) => (CheckOutcome::Passed, message, None),
            Ok(Good::Skipped(message)) => (CheckOutcome::Skipped, message, None),
            Err(Bad { message, remedy }) => (CheckOutcome::Failed, message, Some(remedy)),
        };
        self.checks.push(Check {
            name,
            outcome,
            message,
            remedy,
            seconds: begin.elapsed().as_secs_f64(),
        });
    }

    /// Skips checks, all for one reason.
    pub fn skip_all(&mut self, names: &[&'static str], reason: &str) {
        for name in names {
            self.note(name, skipped(reason), Instant::now());
        }
    }

    /// The check that failed, if this one did, or was not made because of another.
    fn broken(&self, name: &'static str) -> Option<&'static str> {
        if self.has_failed(name) {
            return Some(name);
        }
        let blocked = self.blocked.iter().find(|(other, _)| *other == name);
        blocked.map(|(_, cause)| *cause)
    }

    pub fn has_failed(&self, name: &str) -> bool {
        self.checks
            .iter()
            .any(|check| check.name == name && check.outcome == CheckOutcome::Failed)
    }
}
