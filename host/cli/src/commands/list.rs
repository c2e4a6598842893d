//! `list`.

use crate::{Outcome, args::ListArguments};

/// Runs the command.
pub fn run(_: &ListArguments) -> anyhow::Result<Outcome> {
    anyhow::bail!("not built yet")
}
