//! `inspect`: all that can be said of a plugin without giving it work.

use std::fmt::Write;

use chipmunk_plugins::{
    CacheOutcome, Inspection,
    contract::{ConfigSchemaItem, ConfigSchemaType},
};

use crate::{Outcome, args::InspectArguments, output, sides};

/// Shows the plugin.
pub fn run(arguments: &InspectArguments) -> anyhow::Result<Outcome> {
    let inspection = sides::runtime(&arguments.registry)?.inspect(&arguments.plugin)?;
    if arguments.json {
        let mut json = serde_json::to_string_pretty(&inspection)?;
        json.push('\n');
        output::show(&json)?;
    } else {
        output::show(&page(&inspection))?;
    }
    Ok(Outcome::Done)
}

fn page(plugin: &Inspection) -> String {
    let mut page = String::new();
    let mut row = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(page, "{name:<14} {value}");
    };
    row("name", &plugin.name);
    row("kind", &plugin.kind.to_string());
    row("version", &plugin.version.to_string());
    row("interface", &plugin.interface);
    row("can do", &list(plugin.capabilities.iter().copied()));
    row(
        "file",
        &format!("{} ({} bytes)", plugin.path.display(), plugin.bytes),
    );
    row("blake3", &plugin.blake3);
    let cache = match plugin.cache {
        CacheOutcome::Hit => "in the cache",
        CacheOutcome::Miss => "compiled now",
    };
    row("compiled", cache);
    row(
        "needs",
        &format!("{}, {} imports", plugin.flavour, plugin.imports.len()),
    );
    for import in &plugin.imports {
        row("", import);
    }
    row(
        "limits",
        &format!(
            "{} bytes of memory, {} ms a call, {} bytes returned by a call",
            plugin.limits.memory_bytes,
            plugin.limits.call_timeout_ms,
            plugin.limits.max_output_bytes
        ),
    );
    for (index, item) in plugin.schema.iter().enumerate() {
        let name = if index == 0 { "configuration" } else { "" };
        row(name, &configuration(item));
    }
    let columns = plugin
        .render_options
        .iter()
        .flat_map(|options| &options.columns_options);
    for (index, column) in columns.flat_map(|options| &options.columns).enumerate() {
        let name = if index == 0 { "columns" } else { "" };
        row(name, &format!("{}: {}", column.caption, column.description));
    }
    page
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        "nothing in particular".to_owned()
    } else {
        words.join(", ")
    }
}

/// `id = default (type): title. description`
fn configuration(item: &ConfigSchemaItem) -> String {
    let id = &item.id;
    let value = match &item.input_type {
        ConfigSchemaType::Boolean(default) => format!("{id}={default}"),
        ConfigSchemaType::Integer(default) => format!("{id}={default} (a whole number)"),
        ConfigSchemaType::Float(default) => format!("{id}={default} (a number)"),
        ConfigSchemaType::Text(default) => format!("{id}={default:?} (text)"),
        ConfigSchemaType::Directories => format!("{id} (directories)"),
        ConfigSchemaType::Files(extensions) if extensions.is_empty() => format!("{id} (files)"),
        ConfigSchemaType::Files(extensions) => format!("{id} (files: {})", extensions.join(", ")),
        ConfigSchemaType::Dropdown((options, default)) => {
            format!("{id}={default} (one of {})", options.join(", "))
        }
    };
    match &item.description {
        Some(description) => format!("{value}: {}. {description}", item.title),
        None => format!("{value}: {}", item.title),
    }
}
