//! `wasmer-component` beside the `wasmtime` crate.
//!
//! `against-wasmtime bench [--runs N] [--only TEXT] [--json]` prints figures, call by call.
//! `against-wasmtime differential [--minutes M] [--seed S] [--case SEED | --saved FOLDER] [SCRIPT|FOLDER...]` compares what both do.
//!
//! A program of its own in a workspace of its own: nothing of the project depends on the other runtime.

mod differential;
mod figures;

use anyhow::{Context, bail};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const USAGE: &str = "usage: against-wasmtime bench [--runs N] [--only TEXT] [--json]
       against-wasmtime differential [--minutes M] [--seed S] [--case SEED | --saved FOLDER] [SCRIPT|FOLDER...]";

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let equal = match arguments.next().as_deref() {
        Some("bench") => figures::run(&bench(arguments)?).map(|()| true)?,
        Some("differential") => differential::run(&differential(arguments)?)?,
        _ => bail!(USAGE),
    };
    Ok(if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The value of an option.
fn value<T: FromStr>(
    name: &str,
    arguments: &mut impl Iterator<Item = String>,
) -> anyhow::Result<T> {
    let value = arguments.next().and_then(|text| text.parse().ok());
    value.with_context(|| format!("{name} wants a value; {USAGE}"))
}

fn bench(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<figures::Options> {
    let mut options = figures::Options {
        runs: 25,
        json: false,
        only: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => options.runs = value("--runs", &mut arguments)?,
            "--only" => options.only = Some(value("--only", &mut arguments)?),
            "--json" => options.json = true,
            other => bail!("unknown argument {other}; {USAGE}"),
        }
    }
    if options.runs == 0 {
        bail!("--runs wants at least 1");
    }
    Ok(options)
}

fn differential(
    mut arguments: impl Iterator<Item = String>,
) -> anyhow::Result<differential::Options> {
    let mut options = differential::Options {
        seed: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        time: Duration::from_secs(60),
        case: None,
        saved: None,
        scripts: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => {
                let minutes: f64 = value("--minutes", &mut arguments)?;
                options.time = Duration::from_secs_f64(60.0 * minutes);
            }
            "--seed" => options.seed = value("--seed", &mut arguments)?,
            "--saved" => options.saved = Some(value::<String>("--saved", &mut arguments)?.into()),
            "--case" => options.case = Some(value("--case", &mut arguments)?),
            flag if flag.starts_with('-') => bail!("unknown argument {flag}; {USAGE}"),
            path => options.scripts.push(path.into()),
        }
    }
    Ok(options)
}
