//! `validate`.

use crate::{Outcome, args::ValidateArguments};

/// Runs the command.
pub fn run(_: &ValidateArguments) -> anyhow::Result<Outcome> {
    anyhow::bail!("not built yet")
}
