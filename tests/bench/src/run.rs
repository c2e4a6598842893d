//! Running the command, and what its statistics say.

use crate::cases::{Input, Setup};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// Where the time went, in milliseconds by the statistics' own keys.
    #[serde(default)]
    split: BTreeMap<String, Option<f64>>,
}

/// Medians of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    pub input: &'static str,
    pub format: &'static str,
    pub setup: &'static str,
    pub runs: usize,
    pub seconds: f64,
    pub bytes: u64,
    pub messages: u64,
    /// To the native set-up on the same input in the same format.
    pub ratio: f64,
    pub peak_megabytes: f64,
    pub warm_start_ms: f64,
    pub cold_start_ms: Option<f64>,
    pub split_ms: BTreeMap<String, f64>,
}

impl Figures {
    /// The medians of the samples; the ratio is set by [`Figures::relative_to`].
    pub fn of(
        input: &'static str,
        format: &'static str,
        setup: &'static str,
        samples: &[Sample],
    ) -> Figures {
        let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
        let mut split_ms: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (key, value) in samples.iter().flat_map(|sample| &sample.split) {
            if let Some(value) = value {
                split_ms.entry(key.clone()).or_default().push(*value);
            }
        }
        Figures {
            input,
            format,
            setup,
            runs: samples.len(),
            seconds: of(|s| s.seconds),
            bytes: samples.first().map_or(0, |s| s.loaded_bytes),
            messages: samples.first().map_or(0, |s| s.messages),
            ratio: 1.0,
            peak_megabytes: of(|s| s.peak_rss_bytes as f64 / 1e6),
            warm_start_ms: of(|s| s.start_ms),
            cold_start_ms: None,
            split_ms: split_ms
                .into_iter()
                .map(|(key, values)| (key, median(values)))
                .collect(),
        }
    }

    /// With the ratio to `native` seconds.
    pub fn relative_to(self, native: f64) -> Figures {
        Figures {
            ratio: self.seconds / native,
            ..self
        }
    }

    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    pub fn nanoseconds_per_byte(&self) -> f64 {
        self.seconds * 1e9 / self.bytes as f64
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
        let trace = self.folder.path().join("trace.dlt");
        generate(&self.command, input, &trace)?;
        Ok(trace)
    }

    /// What a set-up writes, as length and hash; fills the cache on the way.
    pub fn digest(&self, trace: &Path, setup: &Setup, format: &str) -> Result<(u64, String)> {
        let sample = self.run(trace, setup, format)?;
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
    pub fn run(&self, trace: &Path, setup: &Setup, format: &str) -> Result<Sample> {
        self.export(trace, setup, format, &self.folder.path().join("cache"))
    }

    /// Milliseconds until the first byte is read when nothing is compiled yet.
    pub fn cold_start(&self, trace: &Path, setup: &Setup, format: &str) -> Result<f64> {
        let cache = tempfile::Builder::new()
            .prefix("cold-")
            .tempdir_in(self.folder.path())?;
        Ok(self.export(trace, setup, format, cache.path())?.start_ms)
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    fn export(&self, trace: &Path, setup: &Setup, format: &str, cache: &Path) -> Result<Sample> {
        let output = (format != "none").then(|| self.output());
        if let Some(output) = &output {
            // To remove what an earlier run wrote takes a third as long as to write it, and is nobody's work here.
            match std::fs::remove_file(output) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot remove {}", output.display()));
                }
                _ => {}
            }
        }
        let mut command = export(&self.command, trace, setup, format, output.as_deref());
        command.env("CHIPMUNK_PLUGINS_CACHE", cache);
        let stderr = run(&mut command)?;
        let line = stderr.lines().rev().find(|line| line.starts_with('{'));
        let line = line.context("the command printed no statistics")?;
        serde_json::from_str(line).with_context(|| format!("the statistics cannot be read: {line}"))
    }
}

/// Makes a trace.
pub fn generate(command: &Path, input: &Input, trace: &Path) -> Result<()> {
    let mut command = Command::new(command);
    command.args(["gen", "dlt", "--seed", "1", "-o"]).arg(trace);
    command.args(["--messages", &input.messages.to_string()]);
    command.args(["--garbage", &input.garbage.to_string()]);
    command.args(["--message-bytes", &input.message_bytes.to_string()]);
    if input.damage_every > 0 {
        command.args(["--damage-every", &input.damage_every.to_string()]);
    }
    run(&mut command).map(drop)
}

/// A parser that is a file is in the folder that cargo builds into, as `program` is, in `release/`.
fn parser(program: &Path, parser: &'static str) -> PathBuf {
    let built = program.parent().and_then(Path::parent);
    match built {
        Some(built) if parser.ends_with(".wasm") => built.join(parser),
        _ => PathBuf::from(parser),
    }
}

/// An export, with statistics as JSON.
pub fn export(
    program: &Path,
    trace: &Path,
    setup: &Setup,
    format: &str,
    output: Option<&Path>,
) -> Command {
    let mut command = Command::new(program);
    command
        .arg("export")
        .args(setup.arguments)
        .arg(trace)
        .args(["--source", setup.source, "--parser"])
        .arg(parser(program, setup.parser))
        .args(["--format", format, "--stats=json"]);
    if let Some(jobs) = setup.jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    if let Some(output) = output {
        command.arg("-o").arg(output);
    }
    command
}

/// Runs a command; gives what it wrote to the standard error.
pub fn run(command: &mut Command) -> Result<String> {
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

    #[test]
    fn parts_of_the_time_have_medians_of_their_own() {
        let sample = |parse: f64| Sample {
            seconds: 1.0,
            start_ms: 1.0,
            loaded_bytes: 10,
            peak_rss_bytes: 0,
            messages: 1,
            split: [
                ("parse".to_owned(), Some(parse)),
                ("archive".to_owned(), None),
            ]
            .into(),
        };
        let figures = Figures::of(
            "input",
            "raw",
            "setup",
            &[sample(3.0), sample(1.0), sample(2.0)],
        );
        assert_eq!(figures.split_ms, [("parse".to_owned(), 2.0)].into());
    }
}
