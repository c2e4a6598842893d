//! `conformance`: the report of the kit in `tests/conformance` on one plugin.

use std::time::Duration;

use anyhow::Context;
use chipmunk_conformance::{Kit, KitError};
use chipmunk_plugins::Settings;

use crate::{Outcome, Usage, args::ConformanceArguments, output, sides};

/// Makes the checks and shows the report.
pub fn run(arguments: &ConformanceArguments) -> anyhow::Result<Outcome> {
    let mut settings = Settings::default();
    for setting in &arguments.settings {
        settings.set(&setting.id, &setting.value);
    }
    let kit = Kit {
        input: arguments.input.as_deref(),
        seed: arguments.seed,
        budget: Duration::from_secs(arguments.seconds.into()),
        ..Kit::new(&settings)
    };
    let runtime = sides::runtime(&arguments.registry)?;
    let report = match kit.run(&runtime, &arguments.plugin) {
        Err(error @ KitError::Setting(_)) => return Err(Usage(error.to_string()).into()),
        report => report?,
    };
    if arguments.json {
        let json = serde_json::to_string(&report).context("the report as JSON")?;
        output::show(&format!("{json}\n"))?;
    } else {
        output::show(&report.to_string())?;
    }
    if report.is_ok() {
        Ok(Outcome::Done)
    } else {
        anyhow::bail!("plugin `{}` does not keep its contract", report.plugin)
    }
}
