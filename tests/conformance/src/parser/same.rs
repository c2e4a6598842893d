//! The same input gives the same items: again, beside another instance, and with a time or without.

use super::Context;
use super::drive::{Instance, Plan};
use super::items::{Difference, Found};
use crate::inputs::Sample;
use crate::report::{Bad, Verdict, bad, failed, passed};
use crate::subject::why;

/// Bytes of input.
const BYTES: usize = 16 << 10;

/// Three instances, in one piece and in several.
pub(super) fn determinism(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "let what is found depend on the input and the configuration alone: not on time, random numbers, addresses, or the order in which \
         a hash map is gone through";
    let mut compared = 0;
    for sample in std::iter::once(&context.main).chain(&context.others) {
        let sample = sample.prefix(BYTES);
        let length = sample.bytes.len();
        let cuts: Vec<usize> = (1..4).map(|part| part * length / 4).collect();
        for cuts in [&[][..], &cuts[..]] {
            let run = || {
                context
                    .run(&sample.bytes, &Plan::cut(cuts))
                    .map_err(|error| bad(format!("{}: {error}", sample.name), super::rough::REMEDY))
            };
            let first = run()?;
            for _ in 0..2 {
                let again = run()?;
                if let Some(difference) = Difference::of(&first.items, &again.items, PartialEq::eq)
                {
                    return failed(
                        format!(
                            "{length} bytes of {}, given to two instances in the same way: {}",
                            sample.name,
                            difference.tell("to one", "to the other")
                        ),
                        REMEDY,
                    );
                }
                compared += 1;
            }
        }
    }
    passed(format!(
        "{} instances were each given the same and found the same",
        compared + compared / 2
    ))
}

/// Two instances at work in turn, on different inputs.
pub(super) fn independence(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "keep the state of a trace in the instance: nothing that another instance could see, such as a file of a fixed name";
    let first = context.main.prefix(BYTES);
    let second = match context.others.first() {
        Some(other) => other.prefix(BYTES),
        None => Sample::new(
            "its second half",
            first
                .bytes
                .get(first.bytes.len() / 2..)
                .unwrap_or_default()
                .to_vec(),
        ),
    };
    const PARTS: usize = 8;
    let alone = |sample: &Sample| -> Result<Vec<Found>, Bad> {
        let mut instance = context.fresh().map_err(|error| bad(why(&error), REMEDY))?;
        let mut steps = Steps::new(&sample.bytes, PARTS);
        while steps.step(&mut instance)? {}
        Ok(steps.items)
    };
    let expected = [alone(&first)?, alone(&second)?];
    let mut one = context.fresh().map_err(|error| bad(why(&error), REMEDY))?;
    let mut other = context.fresh().map_err(|error| bad(why(&error), REMEDY))?;
    let mut steps = [
        Steps::new(&first.bytes, PARTS),
        Steps::new(&second.bytes, PARTS),
    ];
    let [in_one, in_other] = &mut steps;
    while in_one.step(&mut one)? | in_other.step(&mut other)? {}
    for (steps, expected) in steps.iter().zip(&expected) {
        if let Some(difference) = Difference::of(expected, &steps.items, PartialEq::eq) {
            return failed(
                difference.tell("alone", "while another instance works"),
                REMEDY,
            );
        }
    }
    passed("two instances at work in turn find what each finds alone")
}

/// A run, call by call.
struct Steps<'a> {
    input: &'a [u8],
    parts: usize,
    end: usize,
    consumed: usize,
    full: bool,
    items: Vec<Found>,
    done: bool,
}

impl<'a> Steps<'a> {
    fn new(input: &'a [u8], parts: usize) -> Self {
        Self {
            input,
            parts,
            end: 0,
            consumed: 0,
            full: false,
            items: Vec::new(),
            done: false,
        }
    }

    /// The next call; whether there was one.
    fn step(&mut self, instance: &mut Instance) -> Result<bool, Bad> {
        use chipmunk_payload::TailView;
        if self.done {
            return Ok(false);
        }
        if !self.full {
            let part = self.input.len().div_ceil(self.parts).max(1);
            self.end = (self.end + part).min(self.input.len());
        }
        let at_end = self.end == self.input.len();
        let data = self.input.get(self.consumed..self.end).unwrap_or_default();
        let batch = instance.parse(data, None, at_end).map_err(|what| {
            let wrong = super::drive::Wrong {
                call: 0,
                offset: self.consumed,
                length: data.len(),
                at_end,
                what,
            };
            bad(wrong.to_string(), super::rough::REMEDY)
        })?;
        super::items::append(&mut self.items, &batch, self.consumed);
        self.consumed += batch.consumed();
        let tail = batch.tail();
        self.full = tail == TailView::Full;
        self.done = match tail {
            TailView::Full => false,
            TailView::End | TailView::Error(_) => true,
            TailView::Complete | TailView::Incomplete { .. } => at_end,
        };
        instance.done_with(batch);
        Ok(true)
    }
}

/// A source may know the time of its bytes or not, and that is no reason to find other messages.
pub(super) fn timestamps(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "use `timestamp` for what is shown only, and take any value of it";
    let sample = context.main.prefix(BYTES);
    let without = context
        .run(&sample.bytes, &Plan::WHOLE)
        .map_err(|error| bad(error.to_string(), REMEDY))?;
    for timestamp in [0, 1_700_000_000_123_456_789, u64::MAX] {
        let plan = Plan {
            timestamp: Some(timestamp),
            ..Plan::WHOLE
        };
        let with = context
            .run(&sample.bytes, &plan)
            .map_err(|error| bad(format!("timestamp {timestamp}: {error}"), REMEDY))?;
        if let Some(difference) = Difference::of(&without.items, &with.items, Found::lies_as) {
            return failed(
                difference.tell(
                    "without a timestamp",
                    &format!("with the timestamp {timestamp}"),
                ),
                REMEDY,
            );
        }
    }
    passed("the same messages with the source's time and without")
}
