//! The figures of the README: native against plugins, as ratios of medians in one run on one machine.
//!
//! Every measurement is a run of the `chipmunk-plugins` command as a user would start it, output to a file, statistics from its
//! `--stats=json`. The cases of a round run one after the other, rounds are repeated, and what is printed are medians:
//! a machine that slows down for a while slows down all cases alike. Compiled plugins come from a cache that
//! was filled before, except where the cold start is measured.
//!
//! Before anything is timed, the outputs of all cases are compared with the native one: a figure of a run that
//! wrote something else would be worth nothing.
//!
//! What there is to measure is declared in [`cases`]. `bench-check` (module [`check`]) counts instructions instead.

mod cases;
mod chart;
mod check;
mod goals;
mod run;
mod table;

use anyhow::{Context, Result, bail};
use cases::{Block, Input, Setup};
use clap::Parser;
use run::{Bench, Figures, Sample};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Skipped;

/// Measures native against plugins; prints tables, and writes them with JSON and a chart.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Rounds to take the medians of; of inputs below 10 MB three times as many, of the largest at most three
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// Only cases whose `input, format, source + parser` contains TEXT, and those they are compared with; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// Leave out inputs of more than so many megabytes
    #[arg(long, value_name = "MB", default_value_t = 5000)]
    max_size: u64,

    /// Only inputs up to 50 MB, in three rounds
    #[arg(long)]
    quick: bool,

    /// Where to write figures.json, figures.md and figures.svg [default: the folder bench beside this program's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Put the tables into this file, between <!-- figures --> and <!-- /figures -->
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,

    /// The command to measure [default: chipmunk-plugins beside this program]
    #[arg(long, value_name = "FILE")]
    command: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Count instructions, and compare them with what is expected
    Check(check::CheckArguments),
}

/// What is written as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    cases: &'a [Figures],
    skipped: &'a [Skipped],
    goals: &'a [goals::Outcome],
}

/// Inputs that are measured more often, since a run is short, and those that are measured less often.
const SMALL: u64 = 10_000_000;
const HUGE: u64 = 1_000_000_000;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Action::Check(arguments)) = &arguments.action {
        return Ok(match check::run(arguments)? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    measure_all(&arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn measure_all(arguments: &Arguments) -> Result<()> {
    let command = match &arguments.command {
        Some(command) => command.clone(),
        None => std::env::current_exe()?.with_file_name("chipmunk-plugins"),
    };
    if !command.is_file() {
        bail!("there is no {}; run: just build", command.display());
    }
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => {
            let program = std::env::current_exe()?;
            let target = program.parent().and_then(Path::parent);
            target
                .context("this program is in no folder")?
                .join("bench")
        }
    };
    let bench = Bench::new(command)?;
    let mut results = Vec::new();
    let mut skipped = Vec::new();
    for input in cases::INPUTS {
        let limit = if arguments.quick {
            50
        } else {
            arguments.max_size
        };
        if input.approximate_bytes() > limit * 1_000_000 {
            continue;
        }
        let selected = select(input, &arguments.only);
        if selected.is_empty() {
            continue;
        }
        let trace = bench.generate(input)?;
        for (format, setups) in selected {
            let runs = rounds(input, arguments);
            measure(
                &bench,
                input,
                &trace,
                format,
                &setups,
                runs,
                &mut results,
                &mut skipped,
            )?;
        }
        std::fs::remove_file(&trace)?;
    }
    let outcomes = goals::judge(cases::GOALS, &results);
    let tables = format!(
        "{}\n{}",
        table::goals(&outcomes),
        table::figures(&results, &skipped)
    );
    print!("{tables}");
    let report = Report {
        cases: &results,
        skipped: &skipped,
        goals: &outcomes,
    };
    let chart = chart::svg(charted(&results), &results, &outcomes);
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let write = |name: &str, text: &str| {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(
        "figures.json",
        &(serde_json::to_string_pretty(&report)? + "\n"),
    )?;
    write(
        "figures.md",
        &format!("{tables}\n{}", table::splits(&results)),
    )?;
    write("figures.svg", &chart)?;
    eprintln!(
        "written: figures.json, figures.md, figures.svg in {}",
        out.display()
    );
    if let Some(readme) = &arguments.readme {
        let text = std::fs::read_to_string(readme)?;
        let new = table::replace_between(&text, "<!-- figures -->", "<!-- /figures -->", &tables);
        let new = new.with_context(|| {
            format!(
                "{} has no <!-- figures --> and <!-- /figures -->",
                readme.display()
            )
        })?;
        std::fs::write(readme, new)?;
    }
    Ok(())
}

/// What runs on an input: formats, each with its set-ups, the native one first.
fn select(input: &Input, only: &[String]) -> Vec<(&'static str, Vec<&'static Setup>)> {
    let mut selected = Vec::new();
    for block in cases::BLOCKS
        .iter()
        .filter(|block| block.input == input.name)
    {
        for format in block.formats {
            let setups = setups(block, format, only);
            if !setups.is_empty() {
                selected.push((*format, setups));
            }
        }
    }
    selected
}

fn setups(block: &Block, format: &str, only: &[String]) -> Vec<&'static Setup> {
    let wanted = |setup: &&str| {
        let name = format!("{}, {format}, {setup}", block.input);
        only.is_empty() || only.iter().any(|text| name.contains(text))
    };
    if !block.setups.iter().any(&wanted) {
        return Vec::new();
    }
    let named = block
        .setups
        .iter()
        .filter(|setup| **setup == cases::NATIVE || wanted(setup));
    named
        .filter_map(|name| cases::SETUPS.iter().find(|setup| setup.name == *name))
        .collect()
}

fn rounds(input: &Input, arguments: &Arguments) -> u32 {
    let runs = if arguments.quick {
        arguments.runs.min(3)
    } else {
        arguments.runs
    };
    match input.approximate_bytes() {
        ..SMALL => runs * 3,
        HUGE.. => runs.min(3),
        _ => runs,
    }
}

/// The largest input of which all kinds of set-ups were measured: the one that the chart shows.
fn charted(results: &[Figures]) -> &'static str {
    let shown = |f: &&Figures| f.setup.contains("dlt-core");
    results
        .iter()
        .rfind(shown)
        .or(results.last())
        .map_or("", |figures| figures.input)
}

/// All set-ups on one input in one format.
#[allow(clippy::too_many_arguments)]
fn measure(
    bench: &Bench,
    input: &'static Input,
    trace: &Path,
    format: &'static str,
    setups: &[&'static Setup],
    runs: u32,
    results: &mut Vec<Figures>,
    skipped: &mut Vec<Skipped>,
) -> Result<()> {
    let mut expected: Option<(u64, String)> = None;
    let mut running: Vec<(&Setup, Vec<Sample>)> = Vec::new();
    for setup in setups {
        let output = match bench.digest(trace, setup, format) {
            Ok(output) => output,
            Err(error) if setup.optional => {
                skipped.push(Skipped {
                    input: input.name,
                    format,
                    setup: setup.name,
                    why: reason(&error),
                });
                continue;
            }
            Err(error) => return Err(error),
        };
        let expected = expected.get_or_insert_with(|| output.clone());
        if *expected != output {
            bail!(
                "{} writes another {format} output than native on {}",
                setup.name,
                input.name
            );
        }
        running.push((setup, Vec::new()));
    }
    for round in 0..runs {
        eprintln!("{}, {format}: round {} of {runs}", input.name, round + 1);
        for (setup, samples) in &mut running {
            samples.push(bench.run(trace, setup, format)?);
        }
    }
    let mut native = None;
    for (setup, samples) in &running {
        let figures = Figures::of(input.name, format, setup.name, samples);
        let native = *native.get_or_insert(figures.seconds);
        let mut figures = figures.relative_to(native);
        if setup.has_plugin() {
            figures.cold_start_ms = Some(bench.cold_start(trace, setup, format)?);
        }
        results.push(figures);
    }
    Ok(())
}

/// The last thing that the command said.
fn reason(error: &anyhow::Error) -> String {
    let text = error.to_string();
    let line = text.lines().find(|line| line.contains("error:"));
    line.or(text.lines().last())
        .unwrap_or_default()
        .replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_selected_with_what_it_is_compared_with() {
        let input = cases::INPUTS.iter().find(|input| input.name == "400 MB");
        let names = |only: &[&str]| -> Vec<(&str, Vec<&str>)> {
            let only: Vec<String> = only.iter().map(|text| (*text).to_owned()).collect();
            select(input.expect("it is declared"), &only)
                .into_iter()
                .map(|(format, setups)| (format, setups.iter().map(|s| s.name).collect()))
                .collect()
        };
        assert_eq!(
            names(&["400 MB, raw, plugin + native"]),
            [("raw", vec!["native + native", "plugin + native"])]
        );
        assert_eq!(names(&["4.6 MB"]), []);
        assert_eq!(names(&[]).len(), 3);
    }
}
