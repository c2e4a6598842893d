//! Running the command, and what its statistics say.

use crate::cases::{Case, Input, Sides};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The command under measurement, and a folder to run it in.
#[derive(Debug)]
pub struct Bench {
    command: PathBuf,
    folder: TempDir,
}

/// What one run said of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Sample {
    seconds: f64,
    start_ms: f64,
    loaded_bytes: u64,
    peak_rss_bytes: u64,
    messages: u64,
}

/// Medians of one case.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub case: Case,
    pub seconds: f64,
    pub megabytes_per_second: f64,
    pub ratio: f64,
    pub peak_megabytes: f64,
    pub warm_start_ms: f64,
    pub cold_start_ms: Option<f64>,
    pub messages: u64,
}

impl Figures {
    /// The medians of the samples; the ratio is set by [`Figures::relative_to`].
    pub fn of(case: Case, samples: &[Sample]) -> Figures {
        let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
        let seconds = of(|s| s.seconds);
        Figures {
            case,
            seconds,
            megabytes_per_second: of(|s| s.loaded_bytes as f64 / 1e6 / s.seconds),
            ratio: 1.0,
            peak_megabytes: of(|s| s.peak_rss_bytes as f64 / 1e6),
            warm_start_ms: of(|s| s.start_ms),
            cold_start_ms: None,
            messages: samples.first().map_or(0, |s| s.messages),
        }
    }

    /// With the ratio to `native` seconds.
    pub fn relative_to(self, native: f64) -> Figures {
        Figures {
            ratio: self.seconds / native,
            ..self
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.get(middle.wrapping_sub(1))) {
        (Some(upper), Some(lower)) if values.len().is_multiple_of(2) => (upper + lower) / 2.0,
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

impl Bench {
    /// A bench of that command, with a folder of its own for traces, outputs and the cache.
    pub fn new(command: PathBuf) -> Result<Bench> {
        let folder = tempfile::Builder::new()
            .prefix("chipmunk-bench-")
            .tempdir()?;
        Ok(Bench { command, folder })
    }

    /// Makes a trace.
    pub fn generate(&self, input: &Input) -> Result<PathBuf> {
        let trace = self.folder.path().join(format!("{}.dlt", input.messages));
        let mut command = Command::new(&self.command);
        command
            .args(["gen", "dlt", "--seed", "1", "-o"])
            .arg(&trace);
        command.args(["--messages", &input.messages.to_string()]);
        command.args(["--garbage", &input.garbage.to_string()]);
        command.args(["--message-bytes", &input.message_bytes.to_string()]);
        run(&mut command)?;
        Ok(trace)
    }

    /// Deletes a trace.
    pub fn forget(&self, trace: &Path) -> Result<()> {
        std::fs::remove_file(trace).with_context(|| format!("cannot delete {}", trace.display()))
    }

    /// What a case writes, as length and hash; fills the cache on the way.
    pub fn digest(&self, trace: &Path, sides: &Sides, format: &str) -> Result<(u64, String)> {
        let sample = self.run(trace, sides, format)?;
        if format == "none" {
            return Ok((sample.messages, String::new()));
        }
        let output = self.output();
        let bytes = std::fs::metadata(&output)?.len();
        let mut hash = blake3::Hasher::new();
        hash.update_reader(std::fs::File::open(&output)?)?;
        Ok((bytes, hash.finalize().to_hex().to_string()))
    }

    /// One run with a warm cache.
    pub fn run(&self, trace: &Path, sides: &Sides, format: &str) -> Result<Sample> {
        self.export(trace, sides, format, &self.folder.path().join("cache"))
    }

    /// Milliseconds until the first byte is read when nothing is compiled yet.
    pub fn cold_start(&self, trace: &Path, sides: &Sides, format: &str) -> Result<f64> {
        let cache = tempfile::Builder::new()
            .prefix("cold-")
            .tempdir_in(self.folder.path())?;
        Ok(self.export(trace, sides, format, cache.path())?.start_ms)
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    fn export(&self, trace: &Path, sides: &Sides, format: &str, cache: &Path) -> Result<Sample> {
        let mut command = Command::new(&self.command);
        command.env("CHIPMUNK_PLUGINS_CACHE", cache);
        command
            .arg("export")
            .arg(trace)
            .args(["--source", sides.source, "--parser", sides.parser]);
        command.args(["--format", format, "--jobs", "1", "--stats=json"]);
        if format != "none" {
            command.arg("-o").arg(self.output());
        }
        let stderr = run(&mut command)?;
        let line = stderr.lines().rev().find(|line| line.starts_with('{'));
        let line = line.context("the command printed no statistics")?;
        serde_json::from_str(line).with_context(|| format!("the statistics cannot be read: {line}"))
    }
}

/// Runs a command; gives what it wrote to the standard error.
fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("{command:?} failed:\n{stderr}");
    }
    Ok(stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers_of_values() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(vec![]).is_nan());
    }
}
