//! `component-fuzz [--seed S] [--minutes M | --runs N] [--folder F] [TARGET...]`: runs the targets, all by default.
//!
//! The targets run in a process of their own, which writes down the case that it is about to make: a crash of it is found and told.
//!
//! `component-fuzz --case SEED TARGET` and `component-fuzz --replay choices.txt TARGET` make one case again.

use anyhow::{Context, bail};
use component_fuzz::choices::Choices;
use component_fuzz::driver::{self, End, Failure, Plan};
use component_fuzz::{memory, targets};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

/// Set in the process that makes the cases.
const CHILD: &str = "COMPONENT_FUZZ_CHILD";

const USAGE: &str =
    "usage: component-fuzz [--seed S] [--minutes M | --runs N] [--folder F] [TARGET...]
       component-fuzz --case SEED TARGET
       component-fuzz --replay FILE TARGET";

fn main() -> anyhow::Result<ExitCode> {
    let mut plan = Plan {
        targets: Vec::new(),
        seed: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        end: End::Time(Duration::from_secs(60)),
        patience: Duration::from_secs(60),
        failures: 10,
    };
    let mut folder = PathBuf::from("fuzz-failures");
    let mut again = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} wants a value; {USAGE}"))
        };
        match argument.as_str() {
            "--seed" => plan.seed = value()?.parse()?,
            "--minutes" => {
                plan.end = End::Time(Duration::from_secs_f64(60.0 * value()?.parse::<f64>()?))
            }
            "--runs" => plan.end = End::Cases(value()?.parse()?),
            "--folder" => folder = value()?.into(),
            "--case" => {
                let seed = value()?.parse()?;
                again = Some((Choices::seeded(seed), seed));
            }
            "--replay" => {
                let text = std::fs::read_to_string(value()?)?;
                let choices: Result<_, _> = text.split_whitespace().map(str::parse).collect();
                again = Some((Choices::replay(choices?), 0));
            }
            "--help" => {
                println!("{USAGE}\ntargets: {}", names());
                return Ok(ExitCode::SUCCESS);
            }
            name if targets::ALL.iter().any(|(n, _)| *n == name) => {
                plan.targets.push(name.to_string())
            }
            other => bail!(
                "{other} is neither an option nor a target ({}); {USAGE}",
                names()
            ),
        }
    }
    if let Some((choices, seed)) = again {
        let [name] = plan.targets.as_slice() else {
            bail!("say which target; {USAGE}");
        };
        return match driver::again(name, choices, seed) {
            Ok(()) => {
                println!("component-fuzz: {name}: passes");
                Ok(ExitCode::SUCCESS)
            }
            Err(failure) => report(&failure, &folder).map(|()| ExitCode::FAILURE),
        };
    }
    std::fs::create_dir_all(&folder)?;
    let current = folder.join(format!("running-{}.txt", plan.seed));
    if std::env::var_os(CHILD).is_none() {
        return supervise(plan.seed, &current);
    }
    let current = std::fs::File::create(current)?;
    println!("component-fuzz: seed {}", plan.seed);
    let began = Instant::now();
    let mut told = began;
    let begin = |target: &str, seed: u64| {
        // What cannot be noted cannot be told after a crash; nothing else depends on it.
        drop(current.write_all_at(format!("--case {seed} {target}\n{:60}", "").as_bytes(), 0));
    };
    let (done, failures) = driver::run(&plan, begin, |done, failures| {
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!(
                "component-fuzz: {:.0} s: {}: {failures} failures so far",
                began.elapsed().as_secs_f64(),
                counts(done)
            );
        }
    });
    for failure in &failures {
        report(failure, &folder)?;
    }
    println!(
        "component-fuzz: {:.0} s: {}: {} found",
        began.elapsed().as_secs_f64(),
        counts(&done),
        if failures.is_empty() {
            "nothing".to_string()
        } else {
            format!("{} failures", failures.len())
        },
    );
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs this program once more, as the one that makes the cases, and says how it ended if not by itself.
fn supervise(seed: u64, current: &Path) -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let status = Command::new(std::env::current_exe()?)
        .args(["--seed", &seed.to_string()])
        .args(arguments)
        .env(CHILD, "1")
        .status()?;
    if status.signal().is_some() {
        let case = std::fs::read_to_string(current).unwrap_or_default();
        let case = case.lines().next().unwrap_or("unknown");
        println!("component-fuzz: crash: {status}\nmake it again with: component-fuzz {case}");
        return Ok(ExitCode::FAILURE);
    }
    std::fs::remove_file(current)?;
    Ok(match status.code() {
        Some(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn names() -> String {
    let names: Vec<_> = targets::ALL.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

fn counts(done: &driver::Done) -> String {
    let counts: Vec<_> = done
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}

fn report(failure: &Failure, folder: &Path) -> anyhow::Result<()> {
    println!(
        "component-fuzz: {} fails: {}",
        failure.target, failure.message
    );
    println!(
        "make it again with: component-fuzz --case {} {}",
        failure.seed, failure.target
    );
    let folder = failure.save(folder)?;
    println!("its files, made smaller, are in {}", folder.display());
    Ok(())
}
