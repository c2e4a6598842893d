//! `validate`: goes through a plugin as a host would and says how far it gets.

use std::fmt::Write;

use chipmunk_plugins::{Validation, runtime::CheckOutcome};

use crate::{Outcome, Usage, args::ValidateArguments, output, sides};

/// Checks the plugin.
pub fn run(arguments: &ValidateArguments) -> anyhow::Result<Outcome> {
    let settings = sides::settings(&arguments.settings);
    let validation = sides::runtime(&arguments.registry)?.validate(&arguments.plugin, &settings);
    output::show(&page(&validation))?;
    // Where nothing could be configured, no item was heard of.
    if validation.is_ok() {
        settings
            .finish()
            .map_err(|error| Usage(error.to_string()))?;
        Ok(Outcome::Done)
    } else {
        anyhow::bail!("plugin `{}` does not keep its contract", validation.plugin)
    }
}

fn page(validation: &Validation) -> String {
    let mut page = String::new();
    for check in &validation.checks {
        let outcome = match check.outcome {
            CheckOutcome::Passed => "passed",
            CheckOutcome::Skipped => "skipped",
            CheckOutcome::Failed => "FAILED",
        };
        // Writing to a string does not fail.
        let _ = writeln!(page, "{outcome:<8} {}: {}", check.what, check.message);
    }
    page
}
