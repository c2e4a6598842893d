//! `list`: the plugins there are, one line each, and why one cannot be used.

use std::fmt::Write;

use chipmunk_plugins::Listed;

use crate::{Outcome, args::ListArguments, output, sides};

/// Shows the plugins.
pub fn run(arguments: &ListArguments) -> anyhow::Result<Outcome> {
    let runtime = sides::runtime(&arguments.registry)?;
    let listed = runtime.list();
    if listed.is_empty() {
        output::tell(
            &"there are no plugins; `just build` makes those of this project, `--config` names a plugins.toml",
        );
    }
    output::show(&table(&listed))?;
    Ok(Outcome::Done)
}

fn table(listed: &[Listed]) -> String {
    let width = listed
        .iter()
        .map(|plugin| plugin.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut table = String::new();
    for plugin in listed {
        let what = match (&plugin.problem, plugin.kind, plugin.api, plugin.flavour) {
            (None, Some(kind), Some(api), Some(flavour)) => {
                // Their own `Display`s know no width.
                let (kind, api) = (kind.to_string(), api.to_string());
                let flavour = flavour.to_string();
                format!("{kind:<11}  {api:<5}  {flavour:<8}")
            }
            _ => format!("{:<28}", "cannot be used"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "{:<width$}  {what}  {}",
            plugin.name,
            plugin.path.display()
        );
        if let Some(problem) = &plugin.problem {
            let _ = writeln!(table, "{:width$}  {problem}", "");
        }
    }
    table
}
