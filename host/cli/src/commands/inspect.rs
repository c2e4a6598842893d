//! `inspect`.

use crate::{Outcome, args::InspectArguments};

/// Runs the command.
pub fn run(_: &InspectArguments) -> anyhow::Result<Outcome> {
    anyhow::bail!("not built yet")
}
