//! `component-wast [--json] [--verbose] FILE|DIR...`: runs `.wast` scripts, prints what came of them.
//!
//! Text: per file `FILE: passed/failed/skipped` and below it what failed and what was skipped; last `N passed, M failed, K
//! skipped`. JSON: per file one line `{"file", "passed", "failed", "skipped", "failures": [{"line", "column", "directive",
//! "expected", "got"}], "skips": [{"line", "column", "directive", "reason"}]}` (with `--verbose` also `"wording"`, shaped
//! like `"failures"`); last `{"total": {"files", "passed", "failed", "skipped"}}`.
//!
//! Exit code: 0 when nothing failed, 1 when something did, 2 when the arguments are wrong.

use clap::Parser;
use component_wast::{Total, run_file};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs .wast scripts of the Component Model on wasmer-component
#[derive(Debug, Parser)]
#[command(name = "component-wast", version)]
struct Arguments {
    /// One JSON object a line: one for each file, the last with the total
    #[arg(long)]
    json: bool,

    /// Also what passed in other words than the script's
    #[arg(long, short)]
    verbose: bool,

    /// Scripts, and directories to look for *.wast in
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let files = match scripts(&arguments.paths) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("component-wast: error: {error:#}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments, &files) {
        Ok(total) if total.failed == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        // Whoever reads has closed the pipe: nobody wants the rest.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(1),
        Err(error) => {
            eprintln!("component-wast: error: cannot write the report: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments, files: &[PathBuf]) -> std::io::Result<Total> {
    let mut out = std::io::stdout().lock();
    let mut total = Total::default();
    for file in files {
        let mut report = run_file(file);
        if !arguments.verbose {
            report.wording.clear();
        }
        total.add(&report);
        if arguments.json {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{report}")?;
        }
        out.flush()?;
    }
    if arguments.json {
        serde_json::to_writer(&mut out, &serde_json::json!({ "total": total }))?;
        writeln!(out)?;
    } else {
        writeln!(out, "{total}")?;
    }
    Ok(total)
}

/// The files given, and those ending in `.wast` of the directories given, in the order of their names.
fn scripts(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            collect(path, &mut files)?;
            anyhow::ensure!(
                files.len() > before,
                "there is no *.wast in {}",
                path.display()
            );
        } else {
            anyhow::ensure!(path.exists(), "there is no {}", path.display());
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    use anyhow::Context;
    let unreadable = || format!("cannot list {}", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .with_context(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(unreadable)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "wast")
        {
            files.push(path);
        }
    }
    Ok(())
}
