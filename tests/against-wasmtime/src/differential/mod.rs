//! The differential check: the same component, the same calls, the same outcome on both runtimes.
//!
//! Cases come from the fuzzer's generator, whole and damaged. Compared are values that come out of a call, values that the host
//! was called with, what arrives in the other guest of a call between components, and failures: that there is one, and of what
//! kind ([`classes`]). A kind that only one runtime words clearly is counted and told at the end, not failed.

mod classes;
mod scripts;
mod theirs;

use component_fuzz::abi::{Encoding, Lifter, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, flatten_function};
use component_fuzz::choices::{Choices, shrink};
use component_fuzz::driver::mix;
use component_fuzz::guest::{F_PARAMS, G_PARAMS, G_RESULT, composed, single};
use component_fuzz::session::{self, show};
use component_fuzz::targets::corrupt::damage;
use component_fuzz::targets::values::{Plan, vals};
use component_fuzz::types::{Drafts, Signature, Ty, Value, same};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wasmer_component::{Component, Engine};

pub struct Options {
    pub seed: u64,
    pub time: Duration,
    /// Make this case again, and no other.
    pub case: Option<u64>,
    /// Make a case that the fuzzer has saved, and no other.
    pub saved: Option<PathBuf>,
    /// Scripts, or folders of them, to run besides.
    pub scripts: Vec<PathBuf>,
}

/// What a call came to: the model's values, or the text of a failure.
type Outcome = Result<Vec<Value>, String>;

/// What was compared.
#[derive(Default)]
pub struct Tally {
    cases: u64,
    equal_values: u64,
    equal_failures: u64,
    /// Failures on both sides whose kinds differ or are not known: both texts, and how often.
    wordings: BTreeMap<(String, String), u64>,
}

struct Engines {
    ours: Engine,
    theirs: wasmtime::Engine,
}

impl Engines {
    fn new() -> anyhow::Result<Engines> {
        Ok(Engines {
            ours: component_fuzz::targets::engine()?,
            theirs: theirs::engine().map_err(told)?,
        })
    }
}

/// Says whether all was equal.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let mut tally = Tally::default();
    let mut engines = Engines::new()?;
    if let Some(seed) = options.case {
        let outcome = case(&engines, &mut Choices::seeded(seed), &mut tally);
        println!(
            "{}",
            outcome
                .err()
                .map_or("equal".to_string(), |(message, _)| message)
        );
        return Ok(true);
    }
    if let Some(folder) = &options.saved {
        return saved(folder).map(|()| true);
    }
    let mut equal = scripts::run(&options.scripts)?;
    let began = Instant::now();
    println!("differential: seed {}", options.seed);
    while began.elapsed() < options.time {
        // Machine code lives as long as its engine.
        if tally.cases % 300 == 299 {
            engines = Engines::new()?;
        }
        let seed = mix(options.seed, "differential", tally.cases);
        tally.cases += 1;
        let mut choices = Choices::seeded(seed);
        if case(&engines, &mut choices, &mut tally).is_err() {
            let made = shrink(choices.made().to_vec(), 1000, |candidate| {
                let mut choices = Choices::replay(candidate.to_vec());
                matches!(case(&engines, &mut choices, &mut Tally::default()), Err((m, _)) if !m.starts_with("the generated"))
            });
            let again = case(&engines, &mut Choices::replay(made), &mut Tally::default());
            let (message, text) = again.err().unwrap_or_default();
            println!(
                "{text}\ndifferential: {message}\nmake it again with: differential --case {seed}"
            );
            equal = false;
            break;
        }
    }
    println!(
        "differential: {} cases, {} equal values, {} equal failures, {:.0} s",
        tally.cases,
        tally.equal_values,
        tally.equal_failures,
        began.elapsed().as_secs_f64()
    );
    for ((ours, theirs), times) in &tally.wordings {
        println!("  {times} times: ours «{ours}», theirs «{theirs}»");
    }
    Ok(equal)
}

/// Makes a case that the fuzzer's target `composed` has saved on both runtimes, and tells what each says.
pub fn saved(folder: &Path) -> anyhow::Result<()> {
    let engines = Engines::new()?;
    let bytes = wat::parse_file(folder.join("component.wat"))?;
    let (ours, theirs) = (
        Component::new(&engines.ours, &bytes)?,
        wasmtime::component::Component::new(&engines.theirs, &bytes).map_err(told)?,
    );
    let mut both = Sides {
        ours: session::Session::new(&engines.ours, &ours)?,
        theirs: theirs::Session::new(&engines.theirs, &theirs).map_err(told)?,
    };
    for (prefix, file) in [("callee-", "callee.bin"), ("caller-", "caller.bin")] {
        let image = std::fs::read(folder.join(file))?;
        both.prepare(prefix, &image).map_err(anyhow::Error::msg)?;
    }
    println!("ours: {:?}", both.ours.call("go", &[]));
    println!("theirs: {:?}", both.theirs.call("go", &[]));
    Ok(())
}

fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}

/// One case; a difference comes with the component's text.
fn case(engines: &Engines, c: &mut Choices, tally: &mut Tally) -> Result<(), (String, String)> {
    // The other runtime knows fixed lists only in part.
    let drafts = Drafts {
        fixed_lists: false,
        maps: true,
    };
    let between = c.below(3) == 2;
    let f = Signature::any(c, drafts);
    let g = Signature::any(c, drafts);
    let (encoding, other) = (Encoding::any(c), Encoding::any(c));
    let text = if between {
        composed(&f, encoding, other)
    } else {
        single(&f, &g, encoding)
    };
    let mut compare = || {
        let bytes =
            wat::parse_str(&text).map_err(|e| format!("the generated text is wrong: {e}"))?;
        let ours = Component::new(&engines.ours, &bytes);
        let theirs = wasmtime::component::Component::new(&engines.theirs, &bytes);
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(_), Err(_)) => return Ok(()),
            (ours, theirs) => {
                return Err(format!(
                    "compiled: ours {:?}, theirs {:?}",
                    ours.err(),
                    theirs.err()
                ));
            }
        };
        let mut sides = None;
        for _ in 0..1 + c.below(6) {
            let mut both: Sides = match sides.take() {
                Some(sides) => sides,
                None => Sides {
                    ours: session::Session::new(&engines.ours, &ours)
                        .map_err(|e| format!("ours does not instantiate: {e}"))?,
                    theirs: theirs::Session::new(&engines.theirs, &theirs)
                        .map_err(|e| format!("theirs does not instantiate: {e}"))?,
                },
            };
            let lives = if between {
                both.between(c, &f, encoding, other, tally)?
            } else {
                both.host(c, &f, &g, encoding, tally)?
            };
            if lives {
                sides = Some(both);
            }
        }
        Ok(())
    };
    compare().map_err(|message: String| (message, text.clone()))
}

struct Sides {
    ours: session::Session,
    theirs: theirs::Session,
}

impl Sides {
    /// Fills the guests' memory.
    fn prepare(&mut self, prefix: &'static str, image: &[u8]) -> Result<(), String> {
        self.ours
            .of(prefix)
            .prepare(image)
            .map_err(|e| format!("ours: a harmless call fails: {e}"))?;
        self.theirs
            .of(prefix)
            .prepare(image)
            .map_err(|e| format!("theirs: a harmless call fails: {e:?}"))
    }

    /// Calls on both sides, with the values of a type given and another expected. Says whether the instances live on.
    fn call(
        &mut self,
        name: &str,
        params: (&[Value], &[Ty]),
        result: Option<&Ty>,
        tally: &mut Tally,
    ) -> Result<bool, String> {
        let ours = self.ours.call(name, &vals(params.0, params.1)?);
        let ours = ours.map(|v| v.iter().filter_map(|v| Value::of_val(v, result?)).collect());
        let ours = ours.map_err(|e| scripts::told(&e));
        let their_params = params
            .0
            .iter()
            .zip(params.1)
            .map(|(v, ty)| theirs::to_val(v, ty));
        let their_params: Vec<_> = their_params
            .collect::<Option<_>>()
            .ok_or("a generated value is not of its type")?;
        let theirs = self.theirs.call(name, &their_params);
        let theirs = theirs.map(|v| {
            v.iter()
                .filter_map(|v| theirs::of_val(v, result?))
                .collect()
        });
        let theirs = theirs.map_err(|e| format!("{e:?}"));
        equal(name, ours, theirs, tally)
    }

    /// One round of a single guest: a result, whole or damaged; parameters and result of `f`; parameters and result of `g`.
    fn host(
        &mut self,
        c: &mut Choices,
        f: &Signature,
        g: &Signature,
        encoding: Encoding,
        tally: &mut Tally,
    ) -> Result<bool, String> {
        let Ok(mut plan) = Plan::any(c, Some(f), Some(g), encoding) else {
            return Ok(true);
        };
        if c.once_in(2) {
            damage(c, &mut plan);
        }
        self.prepare("", &plan.image)?;
        if !self.call("f", (&plan.f_params, &f.params), f.result.as_ref(), tally)? {
            return Ok(false);
        }
        self.prepare("", &plan.image)?;
        self.ours.store.data_mut().answer = plan.g_answer(g)?;
        let answer = plan.g_result.as_ref().zip(g.result.as_ref());
        self.theirs.store.data_mut().answer = answer.and_then(|(v, ty)| theirs::to_val(v, ty));
        let lives = self.call("go", (&[], &[]), None, tally)?;
        let ours = self.ours.store.data_mut().received.take();
        let theirs = self.theirs.store.data_mut().received.take();
        let ours = ours.map(|v| {
            v.iter()
                .zip(&g.params)
                .filter_map(|(v, ty)| Value::of_val(v, ty))
                .collect()
        });
        let theirs = theirs.map(|v| {
            v.iter()
                .zip(&g.params)
                .filter_map(|(v, ty)| theirs::of_val(v, ty))
                .collect()
        });
        let called =
            |values: Option<Vec<Value>>| values.ok_or_else(|| "g is not called".to_string());
        // That g was not called is an outcome like any other, and of no kind.
        match (called(ours), called(theirs)) {
            (Err(_), Err(_)) => Ok(lives),
            (ours, theirs) => equal("the call of g", ours, theirs, tally).map(|_| lives),
        }
    }

    /// One round of two composed guests.
    fn between(
        &mut self,
        c: &mut Choices,
        f: &Signature,
        caller: Encoding,
        callee: Encoding,
        tally: &mut Tally,
    ) -> Result<bool, String> {
        let (Ok(mut first), Ok(mut second)) = (
            Plan::any(c, None, Some(f), caller),
            Plan::any(c, Some(f), None, callee),
        ) else {
            return Ok(true);
        };
        if c.once_in(2) {
            damage(c, &mut first);
            damage(c, &mut second);
        }
        self.prepare("caller-", &first.image)?;
        self.prepare("callee-", &second.image)?;
        self.ours.of("caller-");
        self.theirs.of("caller-");
        if !self.call("go", (&[], &[]), None, tally)? {
            return Ok(false);
        }
        // Bytes that no value uses may differ: a transcoder may leave anything behind the string that it made.
        let (callee_params, _) = flatten_function(f, false);
        let (caller_params, caller_results) = flatten_function(f, true);
        let area = match caller_results.as_slice() {
            [] => G_PARAMS + 8 * caller_params.len().saturating_sub(1),
            _ => G_RESULT,
        };
        for (prefix, at, count, tys, most, encoding) in [
            (
                "callee-",
                F_PARAMS,
                callee_params.len(),
                f.params.as_slice(),
                MAX_FLAT_PARAMS,
                callee,
            ),
            (
                "caller-",
                area,
                1,
                f.result.as_slice(),
                MAX_FLAT_RESULTS,
                caller,
            ),
        ] {
            let ours = self
                .ours
                .of(prefix)
                .memory()
                .map_err(|e| format!("ours: {e}"))?;
            let theirs = self
                .theirs
                .of(prefix)
                .memory()
                .map_err(|e| format!("theirs: {e:?}"))?;
            let read = |memory: &[u8]| {
                let slots: Vec<u64> = (0..count)
                    .map(|i| session::slot(memory, at + 8 * i))
                    .collect();
                Lifter::new(memory, encoding)
                    .values(&slots, tys, most)
                    .map_err(|e| format!("{e:?}"))
            };
            equal(
                &format!("what arrives in {prefix}"),
                read(&ours),
                read(&theirs),
                tally,
            )?;
        }
        Ok(true)
    }
}

/// Compares two outcomes; says whether they are values.
fn equal(what: &str, ours: Outcome, theirs: Outcome, tally: &mut Tally) -> Result<bool, String> {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            if ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| same(a, b)) {
                tally.equal_values += 1;
                return Ok(true);
            }
            let all = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(", ");
            Err(format!(
                "{what}: ours {}, theirs {}",
                all(&ours),
                all(&theirs)
            ))
        }
        (Err(ours), Err(theirs)) => {
            match (classes::kind(&ours), classes::kind(&theirs)) {
                (Some(a), Some(b)) if a == b => tally.equal_failures += 1,
                _ => {
                    // Where in the value it went wrong is not part of the wording.
                    let short = |text: &str| {
                        let line = text
                            .lines()
                            .rev()
                            .find(|line| !line.trim().is_empty())
                            .unwrap_or("");
                        line.chars()
                            .filter(|c| !c.is_ascii_digit())
                            .take(160)
                            .collect::<String>()
                    };
                    let first = |text: &str| short(text.lines().next().unwrap_or(""));
                    *tally
                        .wordings
                        .entry((first(&ours), short(&theirs)))
                        .or_default() += 1;
                }
            }
            Ok(false)
        }
        (ours, theirs) => Err(format!("{what}: ours {ours:?}, theirs {theirs:?}")),
    }
}
