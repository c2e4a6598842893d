//! A parser that says it resynchronises may be given a part of the input from any byte on, and the results are joined.
//!
//! A run that begins within a message, or in garbage, may see something else there at first. Soon it has to see what a run from
//! the beginning sees, and go on so to the end.

use super::Context;
use super::drive::Plan;
use super::items::Found;
use crate::inputs::Random;
use crate::report::{Verdict, bad, failed, passed, skipped};

const REMEDY: &str = "from any byte on, find the next message and from there on what is found from the beginning; or do not declare `resynchronises`, and \
     hosts will not split the input";

/// Bytes of input.
const BYTES: usize = 24 << 10;

pub(super) fn check(context: &Context<'_>) -> Verdict {
    let mut random = Random::new(context.seed);
    let bytes = context.pace.bytes(context.share(1), 2 << 10, BYTES);
    let sample = context.main.prefix(bytes);
    let length = sample.bytes.len();
    let whole = context
        .run(&sample.bytes, &Plan::WHOLE)
        .map_err(|error| bad(error.to_string(), REMEDY))?;
    if whole.messages < 8 {
        return skipped(format!(
            "{} messages in {length} bytes of {} are too few to begin among them",
            whole.messages, sample.name
        ));
    }
    let offsets = context
        .pace
        .runs(context.share(10), 1, length * 3 / 4, 8, 400);
    let within = length / 4;
    let mut farthest = 0;
    for _ in 0..offsets {
        let offset = random.between(1, length / 2);
        let part = sample.bytes.get(offset..).unwrap_or_default();
        let run = context
            .run(part, &Plan::WHOLE)
            .map_err(|error| bad(format!("from byte {offset} on: {error}"), REMEDY))?;
        let items: Vec<Found> = run
            .items
            .into_iter()
            .map(|item| item.moved(offset))
            .collect();
        let joined = joined(&whole.items, &items);
        match joined {
            Some(at) if at <= offset + within => farthest = farthest.max(at - offset.min(at)),
            Some(at) => {
                return failed(
                    format!(
                        "{length} bytes of {}: begun at byte {offset}, it finds what it finds from the beginning only from byte {at} on",
                        sample.name
                    ),
                    REMEDY,
                );
            }
            None => {
                return failed(
                    format!(
                        "{length} bytes of {}: begun at byte {offset}, it ends with {}, and begun at the beginning with {}",
                        sample.name,
                        last(&items),
                        last(&whole.items)
                    ),
                    REMEDY,
                );
            }
        }
    }
    passed(format!(
        "begun at {offsets} places of {length} bytes, it finds what it finds from the beginning, at the latest {farthest} bytes later"
    ))
}

fn last(items: &[Found]) -> String {
    items
        .last()
        .map_or_else(|| "nothing".to_owned(), Found::to_string)
}

/// From which byte on the items are the same to the end; `None` if not even the last ones are.
fn joined(whole: &[Found], part: &[Found]) -> Option<usize> {
    let same = whole
        .iter()
        .rev()
        .zip(part.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let first = whole.len().checked_sub(same).filter(|_| same > 0)?;
    whole.get(first).map(|item| item.offset)
}
