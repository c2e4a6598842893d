//! One ordinary input, in one piece: what everything else builds on.
//!
//! Four things can be wrong with it, each of which has a name: the guest traps (`parses`), its archive is no archive
//! (`archives`), its counts make no sense (`consumed`), or it does not come to an end (`progress`).

use std::time::{Duration, Instant};

use chipmunk_payload::{PayloadError, Problem};
use chipmunk_plugins::schema::Configuration;
use chipmunk_plugins::{FaultCause, Output};

use super::drive::{Ending, Plan, Run, What, Wrong};
use super::{Context, instance};
use crate::Kit;
use crate::inputs::{self, Sample};
use crate::pace::{Clock, Pace};
use crate::report::{Record, failed, passed, skipped};
use crate::subject::{Subject, why};

pub(super) const NAMES: [&str; 4] = ["parses", "archives", "consumed", "progress"];

/// Bytes of an input that the first run is made with: enough to measure by, and little for an interpreter.
const FIRST_BYTES: usize = 48 << 10;

/// Tries the inputs there are, and says which of them the others are made with.
pub(super) fn check<'a>(
    kit: &Kit<'_>,
    subject: &'a Subject<'a>,
    configuration: &'a Configuration,
    output: Output,
    given: Option<Sample>,
    record: &mut Record,
) -> Option<Context<'a>> {
    let begin = Instant::now();
    let own = [
        Sample::new("lines of text", inputs::text(kit.seed, FIRST_BYTES)),
        Sample::new("a DLT trace", inputs::dlt(kit.seed, FIRST_BYTES)),
    ];
    let is_given = given.is_some();
    let samples: Vec<Sample> = given.into_iter().chain(own).collect();
    let mut good: Vec<(Sample, Run)> = Vec::new();
    let mut bad: Vec<(Sample, Wrong)> = Vec::new();
    let mut start = Duration::MAX;
    for sample in samples {
        let before = Clock::now();
        let made = instance(subject, configuration, output, subject.max_archive_bytes());
        let mut instance = match made {
            Ok(instance) => instance,
            Err(error) => {
                const REMEDY: &str =
                    "make `init` go as often as it is called, each time in a new instance";
                record.note("parses", failed(why(&error), REMEDY), begin);
                record.skip_all(&["archives", "consumed", "progress"], "`parses` failed");
                return None;
            }
        };
        start = start.min(before.elapsed());
        let first = sample.prefix(FIRST_BYTES);
        match instance.run(&first.bytes, &Plan::WHOLE) {
            Ok(run) => good.push((sample, run)),
            Err(wrong) => bad.push((sample, wrong)),
        }
        // What the user gave decides; the kit's own are for those that it is garbage to.
        if is_given && good.is_empty() {
            break;
        }
    }
    let Some(best) = best(&good, is_given) else {
        note_fault(&bad, record, begin);
        return None;
    };
    let (main, run) = good.swap_remove(best);
    let verdict = match &run.ending {
        Ending::GaveUp(text) if is_given => failed(
            format!("gives up on the input at byte {}: {text}", run.consumed),
            "find out whether the input is of the parser's format, and whether the message is true",
        ),
        _ if run.messages == 0 => skipped(
            "it finds no message in text or in a DLT trace: the checks below are weak until it is given `--input FILE` of its own format",
        ),
        _ => passed(format!(
            "{} messages in {} bytes of {}, {} bytes skipped",
            run.messages, run.consumed, main.name, run.skipped
        )),
    };
    record.note("parses", verdict, begin);
    let all = || good.iter().map(|(_, run)| run).chain([&run]);
    let calls: usize = all().map(|run| run.calls.len()).sum();
    record.note(
        "archives",
        passed(format!("{calls} archives are as wit/PAYLOAD.md says")),
        Instant::now(),
    );
    record.note(
        "consumed",
        passed("no more is consumed than there is, and all of it where the tail says so"),
        Instant::now(),
    );
    record.note(
        "progress",
        passed("every call returns, and the last one leaves nothing to do"),
        Instant::now(),
    );
    let pace = Pace {
        instance: start,
        call: call(subject, configuration, output).unwrap_or(Duration::from_micros(20)),
        byte_ns: run.took.as_secs_f64() * 1e9 / (FIRST_BYTES.min(main.bytes.len()).max(1) as f64),
        budget: kit.budget,
    };
    Some(Context {
        subject,
        configuration,
        output,
        main,
        others: good.into_iter().map(|(sample, _)| sample).collect(),
        refused: bad
            .into_iter()
            .map(|(sample, wrong)| (sample, wrong.to_string()))
            .collect(),
        pace,
        seed: kit.seed,
    })
}

/// The input in which the parser finds most: the one given, else that with the smallest part skipped.
fn best(good: &[(Sample, Run)], is_given: bool) -> Option<usize> {
    if is_given {
        return (!good.is_empty()).then_some(0);
    }
    let lost = |run: &Run, sample: &Sample| {
        let length = FIRST_BYTES.min(sample.bytes.len());
        let lost = run.skipped + length.saturating_sub(run.consumed);
        // In thousandths, since inputs are not equally long.
        (run.messages == 0, lost * 1000 / length.max(1))
    };
    good.iter()
        .enumerate()
        .min_by_key(|(_, (sample, run))| lost(run, sample))
        .map(|(index, _)| index)
}

/// What a call with nothing to do costs.
fn call(subject: &Subject<'_>, configuration: &Configuration, output: Output) -> Option<Duration> {
    const CALLS: u32 = 20;
    let mut instance = instance(subject, configuration, output, 1 << 20).ok()?;
    let begin = Clock::now();
    for _ in 0..CALLS {
        let batch = instance.parse(&[], None, false).ok()?;
        instance.done_with(batch);
    }
    Some(begin.elapsed() / CALLS)
}

fn note_fault(bad: &[(Sample, Wrong)], record: &mut Record, begin: Instant) {
    let Some((sample, wrong)) = bad.first() else {
        record.skip_all(&NAMES, "there was no input to try");
        return;
    };
    let (name, remedy) = match (&wrong.what, wrong.cause()) {
        (_, Some(FaultCause::Timeout { .. })) => (
            "progress",
            "make every turn of a loop consume something or leave it: what cannot be finished is left to the next call with the tail \
             `incomplete`, or skipped when `at-end` says that nothing will follow",
        ),
        (What::Archive(error), _) if is_count(error) => (
            "consumed",
            "make what the items consume add up: no more than the call was given, all of it with the tail `complete`, at least one byte \
             with `full`, and at least one in each skipped run",
        ),
        (What::Archive(_), _) => (
            "archives",
            "lay the archive out as wit/PAYLOAD.md says, or use an encoder of guest-bindings, which does",
        ),
        _ => (
            "parses",
            "let no input make the plugin trap: what is no message is skipped, and what makes going on impossible is the tail `error`",
        ),
    };
    record.note(
        name,
        failed(format!("{}: {wrong}", sample.name), remedy),
        begin,
    );
    for other in NAMES.iter().filter(|other| **other != name) {
        record.skip_all(&[other], &format!("`{name}` failed"));
    }
}

/// Whether what is wrong with an archive is how much it says was done.
fn is_count(error: &PayloadError) -> bool {
    matches!(
        error,
        PayloadError::Entry {
            problem: Problem::TooMuch | Problem::NoProgress | Problem::NotComplete,
            ..
        }
    )
}
