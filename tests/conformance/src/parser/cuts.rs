//! Chunks end anywhere: the same input gives the same items wherever it is cut.
//!
//! A small input is cut at every byte there is, once in two parts and once in as many parts as it has bytes; a larger one in
//! many places at once, at random and at regular distances. A difference is brought down to as few cuts as it takes.

use super::drive::{Ending, Plan, Run};
use super::items::Difference;
use super::{Context, RunError};
use crate::inputs::{Random, Sample, damaged};
use crate::report::{Bad, Verdict, bad, failed, passed};

const REMEDY: &str = "where the bytes of a call end within a message, consume nothing of it and return the tail `incomplete`: it comes again, with \
     more behind it. Keep nothing between calls that depends on where they were cut";

/// Bytes of an input that is cut everywhere.
const SMALL: usize = 1200;
/// Bytes of one that is cut in many places at once.
const MEDIUM: usize = 64 << 10;

/// Cut-invariance.
pub(super) fn check(context: &Context<'_>) -> Verdict {
    let mut random = Random::new(context.seed);
    let mut tried = 0;
    let mut everywhere = 0;
    let small = small(context);
    let samples = std::iter::once(&context.main).chain(&context.others);
    for (index, sample) in samples.enumerate() {
        let sample = sample.prefix(small);
        let whole = whole(context, &sample)?;
        let length = sample.bytes.len();
        let time = context.share(if index == 0 { 25 } else { 5 });
        let most = length.saturating_sub(1);
        let count = context.pace.runs(time, 3, length * 3 / 2, 24, most);
        for cut in single_cuts(&whole, length, count, &mut random) {
            compare(context, &sample, &whole, &[cut], true)?;
            tried += 1;
        }
        if index == 0 && count == most {
            everywhere = length;
        }
        let each: Vec<usize> = (1..length).collect();
        compare(context, &sample, &whole, &each, true)?;
        compare(context, &sample, &whole, &each, false)?;
        tried += 2;
        for size in [2, 3, 7, 13, 64, 257] {
            let cuts: Vec<usize> = (size..length).step_by(size).collect();
            compare(context, &sample, &whole, &cuts, size % 2 == 0)?;
            tried += 1;
        }
        let broken = damaged(&sample, context.seed);
        // A trap over damage is what `garbage` tells of.
        if let Ok(whole) = self::whole(context, &broken) {
            let each: Vec<usize> = (1..broken.bytes.len()).collect();
            compare(context, &broken, &whole, &each, true)?;
            tried += 1;
        }
    }

    let medium = context.pace.bytes(context.share(3), small, MEDIUM);
    let sample = context.main.prefix(medium);
    let whole = whole(context, &sample)?;
    let length = sample.bytes.len();
    let runs = context.pace.runs(context.share(10), 200, length * 2, 3, 60);
    for _ in 0..runs {
        let cuts = random_cuts(&mut random, length);
        compare(context, &sample, &whole, &cuts, random.below(2) == 0)?;
        tried += 1;
    }
    let how = if everywhere > 0 {
        format!("every cut of {everywhere} bytes among them")
    } else {
        "chosen cuts only, for it is slow".to_owned()
    };
    passed(format!(
        "{tried} ways to cut inputs give the items of one piece, {how}; {length} bytes cut at random {runs} times"
    ))
}

/// Bytes to cut everywhere: fewer for a guest that needs long for each.
fn small(context: &Context<'_>) -> usize {
    context
        .pace
        .bytes(context.share(1), 300 * 300, SMALL * SMALL)
        .isqrt()
        .min(SMALL)
}

/// The run that others are compared with.
fn whole(context: &Context<'_>, sample: &Sample) -> Result<Run, Bad> {
    context.run(&sample.bytes, &Plan::WHOLE).map_err(|error| {
        bad(
            format!(
                "the first {} bytes of {}, in one piece: {error}",
                sample.bytes.len(),
                sample.name
            ),
            super::rough::REMEDY,
        )
    })
}

/// `count` places to cut: all there are, or those beside the ends of items first and then others at random.
fn single_cuts(whole: &Run, length: usize, count: usize, random: &mut Random) -> Vec<usize> {
    let inner = 1..length;
    if count >= inner.len() {
        return inner.collect();
    }
    let mut cuts: Vec<usize> = Vec::with_capacity(count);
    let edges = whole.items.iter().flat_map(|item| {
        let end = item.end();
        [
            end.saturating_sub(1),
            end,
            end + 1,
            item.offset + item.consumed / 2,
        ]
    });
    for cut in edges.filter(|cut| inner.contains(cut)).take(count / 2) {
        cuts.push(cut);
    }
    while cuts.len() < count {
        cuts.push(random.between(1, length.saturating_sub(1)));
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Cuts at distances of all sizes.
fn random_cuts(random: &mut Random, length: usize) -> Vec<usize> {
    let most = 1 << random.between(5, 13);
    let mut cuts = Vec::new();
    let mut at = 0;
    loop {
        at += random.between(1, most);
        if at >= length {
            return cuts;
        }
        cuts.push(at);
    }
}

/// Compares a run over the sample, cut like this, with the one in one piece.
fn compare(
    context: &Context<'_>,
    sample: &Sample,
    whole: &Run,
    cuts: &[usize],
    end_with_last: bool,
) -> Result<(), Bad> {
    let Some(told) = differs(context, sample, whole, cuts, end_with_last) else {
        return Ok(());
    };
    let (cuts, told) = fewer(context, sample, whole, cuts, end_with_last, told);
    let end = if end_with_last {
        ""
    } else {
        ", and `at-end` said in a call of its own"
    };
    Err(bad(
        format!(
            "the first {} bytes of {}, cut {}{end}: {told}",
            sample.bytes.len(),
            sample.name,
            places(&cuts)
        ),
        REMEDY,
    ))
}

/// How such a run differs from the one in one piece, if it does.
fn differs(
    context: &Context<'_>,
    sample: &Sample,
    whole: &Run,
    cuts: &[usize],
    end_with_last: bool,
) -> Option<String> {
    let plan = Plan {
        end_with_last,
        ..Plan::cut(cuts)
    };
    let run = match context.run(&sample.bytes, &plan) {
        Ok(run) => run,
        Err(error) => return Some(error.to_string()),
    };
    if let Some(difference) = Difference::of(&whole.items, &run.items, PartialEq::eq) {
        return Some(difference.tell("in one piece", "so"));
    }
    (run.ending != whole.ending).then(|| {
        format!(
            "the items are the same, but it ends as {:?} in one piece, and as {:?} so",
            whole.ending, run.ending
        )
    })
}

/// As few of the cuts as it takes for a difference, found by leaving out halves, quarters and so on (Zeller, "Simplifying and
/// isolating failure-inducing input", 2002, without the complements), within a number of runs.
fn fewer(
    context: &Context<'_>,
    sample: &Sample,
    whole: &Run,
    cuts: &[usize],
    end_with_last: bool,
    told: String,
) -> (Vec<usize>, String) {
    let (mut cuts, mut told) = (cuts.to_vec(), told);
    let mut left = 60;
    let mut part = cuts.len().div_ceil(2);
    while part > 0 && cuts.len() > 1 && left > 0 {
        let mut start = 0;
        while start < cuts.len() && left > 0 {
            let mut without = cuts.clone();
            without.drain(start..(start + part).min(cuts.len()));
            left -= 1;
            match differs(context, sample, whole, &without, end_with_last) {
                Some(still) => (cuts, told) = (without, still),
                None => start += part,
            }
        }
        part /= 2;
    }
    (cuts, told)
}

fn places(cuts: &[usize]) -> String {
    const MOST: usize = 8;
    match cuts {
        [] => "nowhere".to_owned(),
        [one] => format!("at byte {one}"),
        few if few.len() <= MOST => {
            let texts: Vec<String> = few.iter().map(usize::to_string).collect();
            format!("at bytes {}", texts.join(", "))
        }
        [first, second, ..] => format!(
            "in {} places, from bytes {first} and {second} on",
            cuts.len()
        ),
    }
}

/// When nothing will follow, nothing is left: what is incomplete then is skipped, or a message without its end.
pub(super) fn end(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "when `at-end` is set, do not return `incomplete`: what is left is the message it is, or skipped bytes (reason `truncated`), and \
         there may be messages behind it";
    let mut random = Random::new(context.seed);
    let small = small(context);
    let mut tried = 0;
    for sample in std::iter::once(&context.main).chain(&context.others) {
        let length = small.min(sample.bytes.len());
        let count = context
            .pace
            .runs(context.share(4), 2, length, 8, 200.min(length));
        for index in 0..=count {
            let end = match index {
                0 => length,
                _ => random.below(length + 1),
            };
            let part = sample.prefix(end);
            let run = context.run(&part.bytes, &Plan::WHOLE).map_err(|error| {
                bad(
                    format!("the first {end} bytes of {}: {error}", sample.name),
                    super::rough::REMEDY,
                )
            })?;
            tried += 1;
            if run.ending == Ending::Waits {
                return failed(
                    format!(
                        "{} ends at byte {end}, and it still waits for more behind byte {}: the host drops {} bytes",
                        sample.name,
                        run.consumed,
                        end - run.consumed
                    ),
                    REMEDY,
                );
            }
        }
    }
    passed(format!(
        "{tried} inputs that end anywhere are consumed to the last byte"
    ))
}

/// What a parser says that it needs is what it needs: the host waits for it.
pub(super) fn needed(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "let `needed` be the fewest bytes behind the input with which another item may be found, or 0 if that is not known: a host \
         reads so many before it calls again";
    let mut seen = 0;
    for sample in std::iter::once(&context.main).chain(&context.others) {
        let sample = sample.prefix(small(context));
        let each: Vec<usize> = (1..sample.bytes.len()).collect();
        let run = context
            .run(&sample.bytes, &Plan::cut(&each))
            .map_err(|error: RunError| bad(error.to_string(), REMEDY))?;
        // Of the last call, with the word that nothing will follow, more is consumed than was wanted, and rightly.
        let calls = run.calls.split_last().map_or(&[][..], |(_, calls)| calls);
        for (index, call) in calls.iter().enumerate() {
            let Some(needed) = call.needed.filter(|needed| *needed > 0) else {
                continue;
            };
            seen += 1;
            let least = call.end.saturating_add(needed as usize);
            let early = calls
                .iter()
                .skip(index + 1)
                .find(|later| later.consumed > call.consumed)
                .filter(|later| later.end < least);
            if let Some(later) = early {
                return failed(
                    format!(
                        "given {} up to byte {}, it needs {needed} bytes more, and with {} of them it goes on",
                        sample.name,
                        call.end,
                        later.end - call.end
                    ),
                    REMEDY,
                );
            }
            if needed as usize > chipmunk_pipeline::DEFAULT_BUFFER_LIMIT {
                return failed(
                    format!(
                        "given {} up to byte {}, it needs {needed} bytes more: hosts keep {}",
                        sample.name,
                        call.end,
                        chipmunk_pipeline::DEFAULT_BUFFER_LIMIT
                    ),
                    REMEDY,
                );
            }
        }
    }
    passed(match seen {
        0 => "it never says how much it needs, and it need not".to_owned(),
        many => format!("{many} times it said how much it needs, and never too much"),
    })
}
