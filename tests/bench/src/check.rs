//! `bench-check`: counts the instructions of a few runs, and compares them with what was counted before.
//!
//! Seconds depend on the machine and its neighbours; the number of instructions hardly does. valgrind counts them
//! (`cachegrind` without a simulation of caches, which knows code that is made at run time), and shows the program a processor of
//! its own, so that code that chooses by processor, and code compiled for it, is the same on every machine that has what
//! valgrind shows. What is counted is the difference between a larger and a smaller trace, per message: the start
//! of the program, and of plugins, is not in it.
//!
//! A fresh cache is filled under valgrind, since compiled code belongs to the processor it was compiled for.

use crate::cases::{Input, SETUPS, Setup};
use crate::run;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Counts instructions a message and compares them with those of an earlier build.
#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// Take what is counted now for what is expected from now on
    #[arg(long)]
    bless: bool,

    /// By how many per cent a count may be larger or smaller
    #[arg(long, value_name = "PERCENT", default_value_t = 4.0)]
    tolerance: f64,

    /// Only cases whose name contains TEXT; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// What is expected
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,

    /// The command to measure [default: chipmunk-plugins beside this program]
    #[arg(long, value_name = "FILE")]
    command: Option<PathBuf>,
}

/// Set-up and format of each case.
const CASES: &[(&str, &str)] = &[
    ("native + native", "raw"),
    ("native + native", "text"),
    ("plugin + plugin", "raw"),
    ("plugin + plugin", "text"),
    ("plugin + plugin", "none"),
    ("native + plugin of API 0.1.0", "text"),
];

const SMALLER: Input = trace(2_000);
const LARGER: Input = trace(22_000);

const fn trace(messages: u64) -> Input {
    Input {
        name: "bench-check",
        messages,
        garbage: 20,
        message_bytes: 209,
        damage_every: 0,
    }
}

/// What was counted, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counts {
    /// Versions of what has a say in the counts.
    made_with: BTreeMap<String, String>,
    instructions_a_message: BTreeMap<String, f64>,
}

/// Runs the check; whether all is as expected.
pub fn run(arguments: &CheckArguments) -> Result<bool> {
    let command = match &arguments.command {
        Some(command) => command.clone(),
        None => std::env::current_exe()?.with_file_name("chipmunk-plugins"),
    };
    if !command.is_file() {
        bail!("there is no {}; run: just build", command.display());
    }
    let Some(valgrind) = version("valgrind") else {
        println!(
            "skipped: bench-check: there is no valgrind to count instructions with (Debian: apt-get install valgrind)"
        );
        return Ok(true);
    };
    let made_with: BTreeMap<String, String> = [
        ("valgrind", Some(valgrind)),
        ("rustc", version("rustc")),
        ("architecture", Some(std::env::consts::ARCH.to_owned())),
        ("processor", Some(processor())),
    ]
    .into_iter()
    .filter_map(|(name, version)| Some((name.to_owned(), version?)))
    .collect();

    let folder = tempfile::Builder::new()
        .prefix("chipmunk-bench-check-")
        .tempdir()?;
    let [smaller, larger] = [&SMALLER, &LARGER].map(|input| {
        let trace = folder.path().join(format!("{}.dlt", input.messages));
        run::generate(&command, input, &trace).map(|()| trace)
    });
    let (smaller, larger) = (smaller?, larger?);
    let mut counts = BTreeMap::new();
    for (setup, format) in CASES {
        let name = format!("{setup}, {format}");
        if !arguments.only.is_empty() && !arguments.only.iter().any(|text| name.contains(text)) {
            continue;
        }
        let setup = SETUPS
            .iter()
            .find(|declared| declared.name == *setup)
            .with_context(|| format!("no set-up is called {setup}"))?;
        eprintln!("counting: {name}");
        let count = |trace| instructions(&command, trace, setup, format, folder.path());
        if setup.has_plugin() {
            // Compiles.
            count(&smaller)?;
        }
        let more = count(&larger)?.saturating_sub(count(&smaller)?);
        let messages = LARGER.messages - SMALLER.messages;
        counts.insert(name, (more as f64 / messages as f64 * 10.0).round() / 10.0);
    }
    let now = Counts {
        made_with,
        instructions_a_message: counts,
    };
    if arguments.bless {
        let json = serde_json::to_string_pretty(&now)? + "\n";
        std::fs::write(&arguments.expected, json)
            .with_context(|| format!("cannot write {}", arguments.expected.display()))?;
        print!("{}", table(&now, &now, arguments.tolerance));
        return Ok(true);
    }
    let expected = std::fs::read_to_string(&arguments.expected)
        .with_context(|| format!("cannot read {}", arguments.expected.display()))?;
    let expected: Counts = serde_json::from_str(&expected)
        .with_context(|| format!("{} cannot be read", arguments.expected.display()))?;
    print!("{}", table(&now, &expected, arguments.tolerance));
    if expected.made_with != now.made_with {
        // Another compiler makes other code: a difference then says nothing about the sources.
        println!(
            "skipped: bench-check: what was expected was counted with {:?}, this with {:?}; \
             renew it on this machine with: just bench-check --bless",
            expected.made_with, now.made_with
        );
        return Ok(true);
    }
    let ok = now.instructions_a_message.iter().all(|(name, count)| {
        verdict(
            *count,
            expected.instructions_a_message.get(name).copied(),
            arguments.tolerance,
        ) == Verdict::Same
    });
    if !ok {
        println!(
            "bench-check: not within {} %. If that is meant to be so: just bench-check --bless",
            arguments.tolerance
        );
    }
    Ok(ok)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    More,
    /// As bad as more: what is won must be kept.
    Less,
    Unknown,
}

fn verdict(now: f64, expected: Option<f64>, tolerance: f64) -> Verdict {
    match expected {
        None => Verdict::Unknown,
        Some(expected) if now > expected * (1.0 + tolerance / 100.0) => Verdict::More,
        Some(expected) if now < expected * (1.0 - tolerance / 100.0) => Verdict::Less,
        Some(_) => Verdict::Same,
    }
}

fn table(now: &Counts, expected: &Counts, tolerance: f64) -> String {
    use std::fmt::Write;
    let mut out = format!(
        "{:<36} {:>12} {:>12}\n",
        "instructions a message", "expected", "now"
    );
    for (name, count) in &now.instructions_a_message {
        let before = expected.instructions_a_message.get(name).copied();
        let word = match verdict(*count, before, tolerance) {
            Verdict::Same => "",
            Verdict::More => "  more",
            Verdict::Less => "  less: keep it with --bless",
            Verdict::Unknown => "  not expected: add it with --bless",
        };
        let shown = before.map_or("–".to_owned(), |before| format!("{before:.1}"));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:<36} {shown:>12} {count:>12.1}{word}");
    }
    out
}

/// Instructions of one export.
fn instructions(
    program: &Path,
    trace: &Path,
    setup: &Setup,
    format: &str,
    folder: &Path,
) -> Result<u64> {
    let output = (format != "none").then(|| folder.join("output"));
    let export = run::export(program, trace, setup, format, output.as_deref());
    let log = folder.join("valgrind.log");
    let mut command = Command::new("valgrind");
    command
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        // Guests jump and are compiled at run time, and stacks are switched.
        .args(["--smc-check=all-non-file", "--max-stackframe=16777216"])
        .arg(format!("--log-file={}", log.display()))
        .arg(export.get_program())
        .args(export.get_args())
        .env("CHIPMUNK_PLUGINS_CACHE", folder.join("cache"));
    run::run(&mut command)?;
    let log = std::fs::read_to_string(&log)?;
    total(&log).with_context(|| format!("valgrind told no count:\n{log}"))
}

/// Of a line such as `==7== I refs:        1,234,567`.
fn total(log: &str) -> Option<u64> {
    let line = log
        .lines()
        .find(|line| line.contains("I ") && line.contains("refs:"))?;
    let digits: String = line
        .split("refs:")
        .nth(1)?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// The first line that a program says of its version; none if there is no such program.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().next()?.trim().to_owned())
}

/// The features of the processor that valgrind passes on, and that compilers and libraries choose by.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags"));
    let flags: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
    [
        "sse4_2", "avx", "avx2", "fma", "bmi2", "lzcnt", "abm", "popcnt",
    ]
    .into_iter()
    .filter(|flag| flags.contains(flag))
    .collect::<Vec<_>>()
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_valgrind_says() {
        let log = "==7== Cachegrind, a cache profiler\n==7== \n==7== I   refs:      12,345,678\n";
        assert_eq!(total(log), Some(12_345_678));
        assert_eq!(total("==7== I refs:        12\n"), Some(12));
        assert_eq!(total("nothing"), None);
    }

    #[test]
    fn more_and_less_than_the_tolerance_are_told() {
        assert_eq!(verdict(103.9, Some(100.0), 4.0), Verdict::Same);
        assert_eq!(verdict(104.1, Some(100.0), 4.0), Verdict::More);
        assert_eq!(verdict(95.9, Some(100.0), 4.0), Verdict::Less);
        assert_eq!(verdict(1.0, None, 4.0), Verdict::Unknown);
    }
}
