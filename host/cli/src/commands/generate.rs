//! `gen`: makes traces to try things with. The traces themselves are `chipmunk-dlt`'s.

use chipmunk_dlt::generate::Trace;

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
    trace
        .write_to(&mut output)
        .map_err(|error| WriteError::new(&arguments.output, error))?;
    output.finish()?;
    Ok(Outcome::Done)
}
