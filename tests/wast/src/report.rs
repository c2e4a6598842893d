//! What came of a script: counts, and a place and a reason for everything that did not pass.

use serde::Serialize;
use std::fmt;

/// What came of one directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It did what the script says.
    Passed,
    /// It did, for the reason that the script gives, in other words than the script's.
    PassedInOtherWords {
        /// The script's message.
        expected: String,
        /// Ours.
        got: String,
    },
    /// It did not.
    Failed {
        /// What the script wants.
        expected: String,
        /// What happened.
        got: String,
    },
    /// It needs something that is not there on purpose.
    Skipped {
        /// What, and why it is not there.
        reason: String,
    },
}

impl Verdict {
    pub(crate) fn failed(expected: impl Into<String>, got: impl Into<String>) -> Verdict {
        Verdict::Failed {
            expected: expected.into(),
            got: got.into(),
        }
    }

    pub(crate) fn skipped(reason: impl Into<String>) -> Verdict {
        Verdict::Skipped {
            reason: reason.into(),
        }
    }
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Line of the directive, from 1.
    pub line: usize,
    /// Column of the directive, from 1.
    pub column: usize,
    /// The directive's keyword; `parse` for a text that is no script.
    pub directive: &'static str,
    /// What the script wants.
    pub expected: String,
    /// What happened.
    pub got: String,
}

/// Something that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Line of the directive, from 1.
    pub line: usize,
    /// Column of the directive, from 1.
    pub column: usize,
    /// The directive's keyword.
    pub directive: &'static str,
    /// What it needs that is not there.
    pub reason: String,
}

/// What came of one script. Its JSON has the same shape, without `wording` unless asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FileReport {
    /// The file, as it was given.
    pub file: String,
    /// Directives that did what the script says.
    pub passed: usize,
    /// Directives that did not.
    pub failed: usize,
    /// Directives that were not run.
    pub skipped: usize,
    /// One for each that failed, in the order of the script.
    pub failures: Vec<Failure>,
    /// One for each that was skipped, in the order of the script.
    pub skips: Vec<Skip>,
    /// Passed, in other words than the script's: those, for whoever wants to compare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wording: Vec<Failure>,
}

impl FileReport {
    /// An empty report.
    pub fn new(file: impl Into<String>) -> FileReport {
        FileReport {
            file: file.into(),
            ..FileReport::default()
        }
    }

    pub(crate) fn add(
        &mut self,
        (line, column): (usize, usize),
        directive: &'static str,
        verdict: Verdict,
    ) {
        let failure = |expected, got| Failure {
            line,
            column,
            directive,
            expected,
            got,
        };
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::PassedInOtherWords { expected, got } => {
                self.passed += 1;
                self.wording.push(failure(expected, got));
            }
            Verdict::Failed { expected, got } => {
                self.failed += 1;
                self.failures.push(failure(expected, got));
            }
            Verdict::Skipped { reason } => {
                self.skipped += 1;
                self.skips.push(Skip {
                    line,
                    column,
                    directive,
                    reason,
                });
            }
        }
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileReport {
            file,
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(f, "{file}: {passed}/{failed}/{skipped}")?;
        let mut show = |kind: &str, entries: &[Failure]| {
            entries.iter().try_for_each(|entry| {
                let Failure {
                    line,
                    column,
                    directive,
                    expected,
                    got,
                } = entry;
                write!(f, "\n  {file}:{line}:{column}: {directive} {kind}")?;
                write!(f, "\n    expected: {}", indented(expected))?;
                write!(f, "\n    got:      {}", indented(got))
            })
        };
        show("failed", &self.failures)?;
        show("passed in other words", &self.wording)?;
        for skip in &self.skips {
            let Skip {
                line,
                column,
                directive,
                reason,
            } = skip;
            write!(
                f,
                "\n  {file}:{line}:{column}: {directive} skipped: {reason}"
            )?;
        }
        Ok(())
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n              ")
}

/// The sum of several reports. In JSON it is `{"total": {"files", "passed", "failed", "skipped"}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Total {
    /// Scripts.
    pub files: usize,
    /// Directives that did what the script says.
    pub passed: usize,
    /// Directives that did not.
    pub failed: usize,
    /// Directives that were not run.
    pub skipped: usize,
}

impl Total {
    /// Counts one more script.
    pub fn add(&mut self, report: &FileReport) {
        self.files += 1;
        self.passed += report.passed;
        self.failed += report.failed;
        self.skipped += report.skipped;
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Total {
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}
