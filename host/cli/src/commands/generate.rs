//! `gen`: makes traces to try things with. The traces themselves are `chipmunk-dlt`'s.

use std::num::NonZeroU64;

use chipmunk_dlt::generate::{Damaged, Trace};

use crate::{
    Outcome,
    args::{GenCommand, GenDltArguments},
    output::{Output, WriteError},
};

/// Makes the trace.
pub fn run(command: &GenCommand) -> anyhow::Result<Outcome> {
    match command {
        GenCommand::Dlt(arguments) => dlt(arguments),
    }
}

fn dlt(arguments: &GenDltArguments) -> anyhow::Result<Outcome> {
    let trace = Trace {
        messages: arguments.messages,
        garbage: arguments.garbage,
        message_bytes: arguments.message_bytes,
        seed: arguments.seed,
    };
    let mut output = Output::create(&arguments.output, None)?;
    let made = match NonZeroU64::new(arguments.damage_every) {
        Some(every) => Damaged { trace, every }.write_to(&mut output),
        None => trace.write_to(&mut output),
    };
    made.map_err(|error| WriteError::new(&arguments.output, error))?;
    output.finish()?;
    Ok(Outcome::Done)
}
