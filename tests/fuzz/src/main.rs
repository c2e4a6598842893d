//! `component-fuzz [--seed S] [--minutes M | --runs N] [--folder F] [TARGET...]`: runs the targets, all by default.
//! `component-fuzz --case SEED TARGET` and `component-fuzz --replay choices.txt TARGET` make one case again.

use anyhow::{Context, bail};
use component_fuzz::choices::Choices;
use component_fuzz::driver::{self, End, Failure, Plan};
use component_fuzz::{memory, targets};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

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
    println!("component-fuzz: seed {}", plan.seed);
    let began = Instant::now();
    let mut told = began;
    let (done, failures) = driver::run(&plan, |done| {
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!(
                "component-fuzz: {:.0} s: {}",
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
