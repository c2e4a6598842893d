//! Inputs that are no traces, or no longer: whatever comes, the parser goes on or says why not.

use super::drive::Plan;
use super::{Context, RunError};
use crate::inputs::{self, Random, Sample, damaged};
use crate::report::{Verdict, bad, failed, passed};
use crate::subject::why;

pub(super) const REMEDY: &str = "take any bytes: check every length and index that comes from the input before it is used; skip what is no message, and \
     return the tail `error` where going on is impossible";

/// Nothing at all, at the beginning and at the end.
pub(super) fn empty(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "answer a call without bytes with no items: hosts make one to find out whether the parser has a last word";
    for calls in [&[false][..], &[true], &[false, false, true]] {
        let mut instance = context.fresh().map_err(|error| bad(why(&error), REMEDY))?;
        for at_end in calls {
            let batch = instance.parse(&[], None, *at_end).map_err(|what| {
                let wrong = super::drive::Wrong {
                    call: 0,
                    offset: 0,
                    length: 0,
                    at_end: *at_end,
                    what,
                };
                bad(wrong.to_string(), REMEDY)
            })?;
            if !batch.is_empty() {
                return failed(
                    format!("finds {} items in no bytes at all", batch.len()),
                    REMEDY,
                );
            }
            instance.done_with(batch);
        }
    }
    // And then something after all.
    let sample = context.main.prefix(4 << 10);
    let whole = context
        .run(&sample.bytes, &Plan::WHOLE)
        .map_err(|error| bad(error.to_string(), REMEDY))?;
    let after = context
        .run(&sample.bytes, &Plan::cut(&[0]))
        .map_err(|error| bad(format!("after a call without bytes: {error}"), REMEDY))?;
    if after.messages != whole.messages || after.consumed != whole.consumed {
        return failed(
            format!(
                "after a call without bytes it finds {} messages in {} bytes of {}, and {} without one",
                after.messages,
                sample.bytes.len(),
                sample.name,
                whole.messages
            ),
            REMEDY,
        );
    }
    passed("calls without bytes, before and at the end, give no items")
}

/// Bytes of no format, other formats, and its own format damaged or cut off.
pub(super) fn garbage(context: &Context<'_>) -> Verdict {
    if let Some((sample, told)) = context.refused.first() {
        return failed(format!("{}: {told}", sample.name), REMEDY);
    }
    let mut random = Random::new(context.seed);
    let size = context.pace.bytes(context.share(1), 512, 8 << 10);
    let own = context.main.prefix(size);
    let rounds = context.pace.runs(context.share(12), 60, 7 * size, 1, 40);
    let mut tried = 0;
    for round in 0..rounds as u64 {
        let seed = context.seed.wrapping_add(round);
        let mut samples = inputs::garbage(seed, size);
        samples.push(damaged(&own, seed));
        let cut = random.below(own.bytes.len());
        samples.push(Sample::new(
            format!("{}, cut off at byte {cut}", own.name),
            own.prefix(cut).bytes,
        ));
        if round == 0 {
            samples.push(Sample::new("lines of text", inputs::text(seed, size)));
            samples.push(Sample::new("a DLT trace", inputs::dlt(seed, size)));
            samples.push(Sample::new(
                "a capture of packets",
                inputs::pcap(seed, size / 150),
            ));
        }
        // Bytes that are the same in every round need not be tried again, but for the cuts.
        for sample in &samples {
            let cuts: Vec<usize> = match round % 3 {
                0 => Vec::new(),
                1 => (100..sample.bytes.len())
                    .step_by(100 + random.below(400))
                    .collect(),
                _ => vec![random.below(sample.bytes.len())],
            };
            let plan = Plan {
                keep: false,
                end_with_last: random.below(2) == 0,
                ..Plan::cut(&cuts)
            };
            if let Err(error) = context.run(&sample.bytes, &plan) {
                return failed(
                    format!(
                        "{} bytes of {} (seed {seed}){}: {error}",
                        sample.bytes.len(),
                        sample.name,
                        match &error {
                            RunError::Wrong(_) => "",
                            RunError::Instance(_) => ", before the first call",
                        }
                    ),
                    REMEDY,
                );
            }
            tried += 1;
        }
    }
    passed(format!(
        "{tried} inputs of {size} bytes: random, constant, of other formats, damaged, cut off; no trap, valid archives"
    ))
}
