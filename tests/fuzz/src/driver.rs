//! The driver: runs targets case by case, each from a seed of its own, and writes down what fails.
//!
//! Case `i` of a target in a run with seed `s` has the seed `mix(s, target, i)`; that number alone makes the case again. A case that fails, by
//! its own verdict or by a panic, is made smaller by dropping choices. A case that takes too long cannot be ended from within:
//! a watchdog says which it was and ends the program.

use crate::choices::{Choices, shrink};
use crate::targets::{self, Case, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use wasmer_component::Engine;

/// What to run.
pub struct Plan {
    /// Names of targets; none is all.
    pub targets: Vec<String>,
    /// The run's seed.
    pub seed: u64,
    /// When to stop.
    pub end: End,
    /// How long one case may take.
    pub patience: Duration,
    /// How many failures to find before the run ends early.
    pub failures: usize,
}

/// When a run ends.
pub enum End {
    /// After so many cases of every target.
    Cases(u64),
    /// After a time, which the targets share.
    Time(Duration),
}

/// A case that failed.
#[derive(Debug)]
pub struct Failure {
    /// The target's name.
    pub target: &'static str,
    /// The case's own seed.
    pub seed: u64,
    /// What is wrong with it, made smaller.
    pub message: String,
    /// The choices that make the smaller case.
    pub choices: Vec<u64>,
    /// What the case was.
    pub notes: Vec<(&'static str, Vec<u8>)>,
}

/// What a run did: cases of each target.
pub type Done = Vec<(&'static str, u64)>;

/// Machine code lives as long as its engine.
const CASES_PER_ENGINE: u64 = 300;

/// Runs the plan: what was done, and what failed. `begin` hears of every case before it is made, `progress` of every round,
/// with the number of failures so far.
pub fn run(
    plan: &Plan,
    mut begin: impl FnMut(&'static str, u64),
    mut progress: impl FnMut(&Done, usize),
) -> (Done, Vec<Failure>) {
    let chosen: Vec<_> = targets::ALL
        .iter()
        .filter(|(name, _)| plan.targets.is_empty() || plan.targets.iter().any(|t| t == name))
        .collect();
    let watchdog = Watchdog::new(plan.patience);
    let began = Instant::now();
    let mut done: Done = chosen.iter().map(|(name, _)| (*name, 0)).collect();
    let mut engine = None;
    let mut until_next = 0;
    let mut failures = Vec::new();
    for round in 0.. {
        let over = failures.len() >= plan.failures
            || match plan.end {
                End::Cases(cases) => round >= cases,
                End::Time(time) => began.elapsed() >= time,
            };
        if over {
            break;
        }
        for ((name, target), (_, count)) in chosen.iter().zip(&mut done) {
            if until_next == 0 {
                engine = targets::engine().ok();
                until_next = CASES_PER_ENGINE;
            }
            until_next -= 1;
            let seed = mix(plan.seed, name, round);
            watchdog.watch(name, seed);
            begin(name, seed);
            let outcome = case(&mut engine, *target, Choices::seeded(seed));
            watchdog.rest();
            if let Err((choices, _, _)) = outcome {
                failures.push(smaller(
                    &watchdog,
                    &mut engine,
                    name,
                    *target,
                    seed,
                    choices,
                ));
            }
            *count += 1;
        }
        progress(&done, failures.len());
    }
    (done, failures)
}

/// Makes one case again: from its seed, or from choices that were written down.
///
/// # Errors
/// The failure, if it still fails.
pub fn again(name: &str, choices: Choices, seed: u64) -> Result<(), Box<Failure>> {
    let found = targets::ALL.iter().find(|(n, _)| *n == name);
    let Some((name, target)) = found else {
        return Ok(());
    };
    let mut engine = None;
    match case(&mut engine, *target, choices) {
        Ok(()) => Ok(()),
        Err((choices, message, notes)) => Err(Box::new(Failure {
            target: name,
            seed,
            message,
            choices,
            notes,
        })),
    }
}

type Failed = (Vec<u64>, String, Vec<(&'static str, Vec<u8>)>);

/// One case, with panics caught. After a panic the engine is not used again.
fn case(engine: &mut Option<Engine>, target: Target, mut choices: Choices) -> Result<(), Failed> {
    let live = match engine.take() {
        Some(live) => live,
        None => targets::engine().map_err(|e| (vec![], format!("no engine: {e}"), vec![]))?,
    };
    let live = engine.insert(live);
    let mut case = Case {
        engine: live,
        notes: Vec::new(),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| target(&mut case, &mut choices)));
    let notes = case.notes;
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(message)) => Err((choices.made().to_vec(), message, notes)),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
                .unwrap_or_default();
            *engine = None;
            Err((choices.made().to_vec(), format!("panic: {message}"), notes))
        }
    }
}

/// The smallest case that still fails.
fn smaller(
    watchdog: &Watchdog,
    engine: &mut Option<Engine>,
    name: &'static str,
    target: Target,
    seed: u64,
    choices: Vec<u64>,
) -> Failure {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let choices = shrink(choices, 2_000, |candidate| {
        watchdog.watch(name, seed);
        // A smaller case must not fail for a reason that is the generator's own.
        let failed = match case(engine, target, Choices::replay(candidate.to_vec())) {
            Err((_, message, _)) => !message.starts_with("the generated text is wrong"),
            Ok(()) => false,
        };
        watchdog.rest();
        failed
    });
    std::panic::set_hook(hook);
    let (message, notes) = match case(engine, target, Choices::replay(choices.clone())) {
        Err((_, message, notes)) => (message, notes),
        Ok(()) => (
            "it fails only sometimes: seen once, not when made again".to_string(),
            vec![],
        ),
    };
    Failure {
        target: name,
        seed,
        message,
        choices,
        notes,
    }
}

/// A case's seed.
pub fn mix(seed: u64, target: &str, round: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(target.as_bytes());
    hasher.update(&round.to_le_bytes());
    let bytes = *hasher.finalize().as_bytes();
    bytes
        .iter()
        .take(8)
        .fold(0, |n, byte| n << 8 | u64::from(*byte))
}

impl Failure {
    /// Writes the case into a folder of its own below `folder`; gives that.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self, folder: &std::path::Path) -> std::io::Result<PathBuf> {
        let folder = folder.join(format!("{}-{:016x}", self.target, self.seed));
        std::fs::create_dir_all(&folder)?;
        let choices: Vec<String> = self.choices.iter().map(u64::to_string).collect();
        std::fs::write(folder.join("choices.txt"), choices.join(" "))?;
        std::fs::write(folder.join("message.txt"), &self.message)?;
        for (name, contents) in &self.notes {
            std::fs::write(folder.join(name), contents)?;
        }
        Ok(folder)
    }
}

/// Ends the program when a case takes too long, and says which.
struct Watchdog {
    sender: mpsc::Sender<Option<(String, u64)>>,
}

impl Watchdog {
    fn new(patience: Duration) -> Watchdog {
        let (sender, receiver) = mpsc::channel::<Option<(String, u64)>>();
        std::thread::spawn(move || {
            let mut watched = None;
            loop {
                let message = match &watched {
                    None => receiver
                        .recv()
                        .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                    Some(_) => receiver.recv_timeout(patience),
                };
                match (message, &watched) {
                    (Ok(next), _) => watched = next,
                    (Err(mpsc::RecvTimeoutError::Timeout), Some((name, seed))) => {
                        eprintln!(
                            "component-fuzz: hang: {name} takes longer than {patience:?}; make it again with: --case {seed} {name}"
                        );
                        std::process::exit(1);
                    }
                    _ => return,
                }
            }
        });
        Watchdog { sender }
    }

    fn watch(&self, name: &str, seed: u64) {
        // The thread lives as long as this does; were it gone, nobody would be watched, no more.
        drop(self.sender.send(Some((name.to_string(), seed))));
    }

    fn rest(&self) {
        drop(self.sender.send(None));
    }
}
