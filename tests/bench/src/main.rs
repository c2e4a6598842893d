//! The figures of the README: native against plugins, as ratios of medians in one run on one machine.
//!
//! Every measurement is a run of the `chipmunk-plugins` command as a user would start it, output to a file, statistics from its
//! `--stats=json`. The cases of a round run one after the other, rounds are repeated, and what is printed are medians:
//! a machine that slows down for a while slows down all cases alike. Compiled plugins come from a cache that
//! was filled before, except where the cold start is measured.
//!
//! Before anything is timed, the outputs of all cases are compared with the native one: a figure of a run that
//! wrote something else would be worth nothing.

mod cases;
mod run;
mod table;

use anyhow::{Context, Result, bail};
use cases::{Case, Input, Sides};
use clap::Parser;
use run::{Bench, Figures};
use std::path::PathBuf;

/// Measures native against plugins and prints one table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds to take the medians of
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// Only the input of 4.6 MB, not the one of 400 MB
    #[arg(long)]
    small: bool,

    /// Also `--format none`: parse and count, write nothing
    #[arg(long)]
    none: bool,

    /// Write the figures as JSON to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// The command to measure [default: chipmunk-plugins beside this program]
    #[arg(long, value_name = "FILE")]
    command: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let command = match arguments.command {
        Some(command) => command,
        None => std::env::current_exe()?.with_file_name("chipmunk-plugins"),
    };
    if !command.is_file() {
        bail!("there is no {}; run: just build", command.display());
    }
    let bench = Bench::new(command)?;
    let mut formats = vec!["raw", "text"];
    if arguments.none {
        formats.push("none");
    }
    let inputs = if arguments.small {
        &cases::INPUTS[..1]
    } else {
        &cases::INPUTS
    };
    let mut results = Vec::new();
    for input in inputs {
        let trace = bench.generate(input)?;
        for format in &formats {
            results.extend(measure(&bench, input, &trace, format, arguments.runs)?);
        }
        bench.forget(&trace)?;
    }
    print!("{}", table::markdown(&results));
    if let Some(path) = arguments.json {
        let json = serde_json::to_string_pretty(&results)?;
        std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// All pairs of sides on one input in one format.
fn measure(
    bench: &Bench,
    input: &Input,
    trace: &std::path::Path,
    format: &'static str,
    runs: u32,
) -> Result<Vec<Figures>> {
    let mut expected: Option<(u64, String)> = None;
    for sides in &cases::SIDES {
        let output = bench.digest(trace, sides, format)?;
        let expected = expected.get_or_insert_with(|| output.clone());
        if *expected != output {
            bail!(
                "{} writes another {format} output than native on {}",
                sides.name,
                input.name
            );
        }
    }
    let mut samples: Vec<Vec<run::Sample>> = cases::SIDES.iter().map(|_| Vec::new()).collect();
    for round in 0..runs {
        eprintln!("{}, {format}: round {} of {runs}", input.name, round + 1);
        for (sides, samples) in cases::SIDES.iter().zip(&mut samples) {
            samples.push(bench.run(trace, sides, format)?);
        }
    }
    let figures: Vec<Figures> = cases::SIDES
        .iter()
        .zip(&samples)
        .map(|(sides, samples)| {
            Figures::of(
                Case {
                    input: input.name,
                    format,
                    sides: sides.name,
                },
                samples,
            )
        })
        .collect();
    let native = figures
        .iter()
        .find(|f| f.case.sides == Sides::NATIVE.name)
        .map(|f| f.seconds);
    let native = native.context("the native case is missing")?;
    let mut figures: Vec<Figures> = figures.into_iter().map(|f| f.relative_to(native)).collect();
    for (sides, figures) in cases::SIDES.iter().zip(&mut figures) {
        if sides.has_plugin() {
            figures.cold_start_ms = Some(bench.cold_start(trace, sides, format)?);
        }
    }
    Ok(figures)
}
