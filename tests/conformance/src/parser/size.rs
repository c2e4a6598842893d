//! Much of it: large archives, large inputs, many calls.

use std::time::{Duration, Instant};

use chipmunk_payload::TailView;

use super::Context;
use super::drive::{Ending, Instance, Plan, Run};
use super::items::Difference;
use super::rough::REMEDY as NO_TRAP;
use crate::life::asked_often;
use crate::plateau::{Plateau, has_runtime, size};
use crate::report::{Bad, Verdict, bad, failed, passed, skipped};
use crate::subject::why;

/// The least that a host may set as `max-archive-bytes`.
const LEAST_ARCHIVE: u32 = 64 << 10;

/// A host's usual chunk.
const CHUNK: usize = 256 << 10;

/// Archives stay below what `init` was told.
pub(super) fn limit(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "before each item, ask whether the archive would grow beyond `max-archive-bytes` (the encoders' `is-full`), and return the tail `full` \
         if so: the rest comes again at once";
    let bytes = context.pace.bytes(context.share(3), 64 << 10, 1 << 20);
    let input = context.main.repeated(bytes);
    let mut instance = context
        .instance(context.output, LEAST_ARCHIVE)
        .map_err(|error| bad(why(&error), REMEDY))?;
    let limited = instance.run(&input, &Plan::WHOLE).map_err(|wrong| {
        bad(
            format!("{}, again and again: {wrong}", context.main.name),
            NO_TRAP,
        )
    })?;
    if limited.largest > LEAST_ARCHIVE as usize {
        return failed(
            format!(
                "told that an archive may have {LEAST_ARCHIVE} bytes, it returns one of {}",
                limited.largest
            ),
            REMEDY,
        );
    }
    let free = context.run(&input, &Plan::WHOLE).map_err(|error| {
        bad(
            format!("{}, again and again: {error}", context.main.name),
            NO_TRAP,
        )
    })?;
    if let Some(difference) = Difference::of(&free.items, &limited.items, PartialEq::eq) {
        return failed(
            format!(
                "{bytes} bytes of {}, again and again: {}",
                context.main.name,
                difference.tell(
                    "in one archive",
                    &format!("in archives of at most {LEAST_ARCHIVE} bytes")
                )
            ),
            REMEDY,
        );
    }
    passed(format!(
        "the items of {bytes} bytes come in {} archives of at most {}, and {LEAST_ARCHIVE} are allowed",
        limited.calls.len(),
        limited.largest.max(limited.calls.len().min(1))
    ))
}

/// Bytes of memory up to which a slow guest is not held to leak before it was looked at for long.
const MOST_UNDECIDED: u64 = 160 << 20;

/// A large input takes time in proportion to its length, and memory that is not in proportion to it.
pub(super) fn large(context: &Context<'_>) -> Verdict {
    const MEMORY: &str = "keep nothing of what was parsed: what a message needs is in the archive, and the buffers are used again";
    const TIME: &str = "look at each byte once: do not begin at the start again for every item, and do not search or copy what was parsed before";
    const ENOUGH: usize = 8 << 20;
    let bytes = context.pace.bytes(context.share(8), 256 << 10, 32 << 20);
    let input = context.main.repeated(bytes);
    let quarter = input.get(..bytes / 4).unwrap_or_default();

    let (_, little) = streamed(context, quarter)?;
    let (mut run, much) = streamed(context, &input)?;
    // Of a slow guest too little is tried to tell a collector that waits from a leak; there `memory` says which.
    let decided = bytes >= ENOUGH || much > MOST_UNDECIDED;
    if decided && much > little + little / 2 + (4 << 20) {
        return failed(
            format!(
                "{} of {} leave it with {} of memory, and a quarter of them with {}",
                size(bytes as u64),
                context.main.name,
                size(much),
                size(little)
            ),
            MEMORY,
        );
    }
    // Somebody else may have had the processor: slow is what is slow again.
    for _ in 0..2 {
        if !slows_down(&run) {
            break;
        }
        run = streamed(context, &input)?.0;
    }
    if slows_down(&run) {
        return failed(
            format!(
                "the last calls of {} take more than four times as long as the first, for as many bytes",
                size(bytes as u64)
            ),
            TIME,
        );
    }

    // In one piece: the same for a little and for much.
    let small = bytes / 16;
    let large = bytes / 2;
    let of = |bytes: usize| -> Result<Duration, Bad> {
        let part = input.get(..bytes).unwrap_or_default();
        Ok(whole(context, part)?.took)
    };
    // The least of several is the one that was disturbed least.
    let least = of(small)?.min(of(small)?).min(of(small)?);
    let (mut most, mut ratio) = (Duration::MAX, 0.0);
    for _ in 0..3 {
        most = most.min(of(large)?);
        let each = |time: Duration, bytes: usize| time.as_secs_f64() / bytes.max(1) as f64;
        ratio = each(most, large) / each(least, small).max(1e-12);
        // What is over in no time says nothing.
        if ratio < 5.0 || most < Duration::from_millis(20) {
            ratio = 0.0;
            break;
        }
    }
    if ratio > 0.0 {
        return failed(
            format!(
                "{} in one piece take {ratio:.1} times as long for each byte as {}",
                size(large as u64),
                size(small as u64)
            ),
            TIME,
        );
    }

    // Nothing in it that ends.
    let endless = vec![b'x'; bytes / 8];
    streamed(context, &endless).map_err(|bad| Bad {
        message: format!("without an end anywhere: {}", bad.message),
        ..bad
    })?;
    passed(format!(
        "{} in chunks of {} with {} of memory at most, {} in one piece, and {} without an end anywhere",
        size(bytes as u64),
        size(CHUNK.min(bytes) as u64),
        size(much),
        size(large as u64),
        size(endless.len() as u64)
    ))
}

/// A run in chunks as a host makes them, and the memory that the guest has then.
fn streamed(context: &Context<'_>, input: &[u8]) -> Result<(Run, u64), Bad> {
    let chunk = CHUNK.min(input.len() / 8).max(1);
    let cuts: Vec<usize> = (chunk..input.len()).step_by(chunk).collect();
    run(context, input, &Plan::cut(&cuts))
}

fn whole(context: &Context<'_>, input: &[u8]) -> Result<Run, Bad> {
    run(context, input, &Plan::WHOLE).map(|(run, _)| run)
}

fn run(context: &Context<'_>, input: &[u8], plan: &Plan<'_>) -> Result<(Run, u64), Bad> {
    const TOO_LONG: &str = "look at each byte once, and put as many items into an archive as it may have: each call costs a copy of what is left";
    let mut instance = context.fresh().map_err(|error| bad(why(&error), NO_TRAP))?;
    let expected = context.pace.run(plan.cuts.len() + 1, input.len());
    let allowed = expected * 50 + Duration::from_secs(5);
    let plan = Plan {
        keep: false,
        deadline: Some(Instant::now() + allowed),
        ..*plan
    };
    let run = instance.run(input, &plan).map_err(|wrong| {
        bad(
            format!("{} of input: {wrong}", size(input.len() as u64)),
            NO_TRAP,
        )
    })?;
    if run.ending == Ending::OutOfTime {
        return Err(bad(
            format!(
                "after {:.1} s only {} of {} are consumed, in {} calls",
                run.took.as_secs_f64(),
                size(run.consumed as u64),
                size(input.len() as u64),
                run.calls.len()
            ),
            TOO_LONG,
        ));
    }
    Ok((run, instance.session.memory_bytes()))
}

/// Whether the last quarter of the calls took much longer than the first; by their medians.
fn slows_down(run: &Run) -> bool {
    let calls = &run.calls;
    let quarter = calls.len() / 4;
    if quarter < 2 {
        return false;
    }
    let median = |calls: &[super::drive::Call]| {
        let mut times: Vec<Duration> = calls.iter().map(|call| call.took).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let first = median(calls.get(..quarter).unwrap_or_default());
    let last = median(calls.get(calls.len() - quarter..).unwrap_or_default());
    last > first * 4 && last > Duration::from_millis(2)
}

/// Many small calls leave memory as it is.
pub(super) fn memory(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "free what a call allocates: the input that the host lowers (it belongs to the guest), the archive in post-return, and whatever is \
         kept of earlier calls";
    // Larger pieces for interpreters: their collectors begin late, and count bytes.
    let piece = if context.pace.byte_ns > 50.0 {
        8 << 10
    } else {
        512
    };
    const ENOUGH: usize = 4096;
    let first = context.pace.calls(context.share(4), piece, 100, ENOUGH);
    let mut instance = context.fresh().map_err(|error| bad(why(&error), REMEDY))?;
    let has_runtime = has_runtime(instance.session.memory_bytes());
    let mut endless = Endless {
        source: &context.main.bytes,
        at: 0,
        rest: Vec::new(),
    };
    let parsed = Plateau::look(first, 7, context.share(60), |calls| {
        for _ in 0..calls {
            endless.feed(&mut instance, piece)?;
        }
        Ok::<u64, Bad>(instance.session.memory_bytes())
    })?;
    if parsed.is_too_early(has_runtime, ENOUGH * 2, MOST_UNDECIDED) {
        return skipped(format!(
            "{} after {} calls of {piece} bytes, and still growing: with a garbage collector at work that need not be a leak; `--seconds 200` \
             looks longer",
            size(parsed.bytes),
            parsed.calls
        ));
    }
    if parsed.grows() {
        return failed(
            format!(
                "{} calls of `parse` with {piece} bytes each leave it with {}, of which the second half of them took {}",
                parsed.calls,
                size(parsed.bytes),
                size(parsed.grown)
            ),
            REMEDY,
        );
    }
    let questions = asked_often(context.subject, &context.pace)?;
    passed(format!(
        "{} calls of `parse` leave it with {}, as half of them did; so do {} questions about itself",
        parsed.calls,
        size(parsed.bytes),
        questions
    ))
}

/// An input without end: a sample again and again.
struct Endless<'a> {
    source: &'a [u8],
    at: usize,
    rest: Vec<u8>,
}

impl Endless<'_> {
    /// Gives the parser so many bytes more, and as many calls as it takes. A parser that wants no more is left alone.
    fn feed(&mut self, instance: &mut Instance, bytes: usize) -> Result<(), Bad> {
        const MOST: usize = 1 << 20;
        let next = self.source.iter().cycle().skip(self.at).take(bytes);
        self.rest.extend(next);
        self.at = (self.at + bytes) % self.source.len().max(1);
        loop {
            let batch = instance.parse(&self.rest, None, false).map_err(|what| {
                let wrong = super::drive::Wrong {
                    call: 0,
                    offset: 0,
                    length: self.rest.len(),
                    at_end: false,
                    what,
                };
                bad(wrong.to_string(), NO_TRAP)
            })?;
            self.rest.drain(..batch.consumed());
            let full = batch.tail() == TailView::Full;
            instance.done_with(batch);
            if !full {
                if self.rest.len() > MOST {
                    self.rest.clear();
                }
                return Ok(());
            }
        }
    }
}
