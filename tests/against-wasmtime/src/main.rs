//! `wasmer-component` beside the `wasmtime` crate.
//!
//! `against-wasmtime bench [--runs N] [--only TEXT] [--json]` prints figures, call by call.
//!
//! A program of its own in a workspace of its own: nothing of the project depends on the other runtime.

mod figures;

use anyhow::{Context, bail};

const USAGE: &str = "usage: against-wasmtime bench [--runs N] [--only TEXT] [--json]";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("bench") => figures::run(&bench_options(arguments)?),
        _ => bail!(USAGE),
    }
}

fn bench_options(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<figures::Options> {
    let mut options = figures::Options {
        runs: 25,
        json: false,
        only: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => {
                let runs = arguments.next().context("--runs wants a number")?;
                options.runs = runs.parse().context("--runs wants a number")?;
            }
            "--only" => options.only = Some(arguments.next().context("--only wants a text")?),
            "--json" => options.json = true,
            other => bail!("unknown argument {other}; {USAGE}"),
        }
    }
    if options.runs == 0 {
        bail!("--runs wants at least 1");
    }
    Ok(options)
}
