//! `inspect`: all that can be said of a plugin without giving it work.

use std::{fmt::Write, path::Path};

use chipmunk_plugins::{
    CacheOutcome, Inspection,
    config::{Access, Grants},
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
    row(
        "can do",
        &list(plugin.capabilities.iter().map(String::as_str)),
    );
    row(
        "file",
        &format!("{} ({} bytes)", plugin.path.display(), plugin.bytes),
    );
    row("blake3", &plugin.blake3);
    let cache = match plugin.cache {
        CacheOutcome::Hit => "in the cache",
        CacheOutcome::Miss => "compiled now",
    };
    row("compiled", &format!("{cache}, by {}", plugin.compiler));
    row(
        "needs",
        &format!(
            "{}{}, {} imports",
            plugin.flavour,
            if plugin.core_module {
                " (a core module)"
            } else {
                ""
            },
            plugin.imports.len()
        ),
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
    for (index, grant) in grants(&plugin.grants).iter().enumerate() {
        row(if index == 0 { "may use" } else { "" }, grant);
    }
    for (index, item) in plugin.schema.iter().enumerate() {
        let name = if index == 0 { "configuration" } else { "" };
        row(name, &configuration(item));
        if let Some(value) = plugin.config.get(&item.id) {
            row("", &format!("  {}={value} by plugins.toml", item.id));
        }
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

/// What plugins.toml grants; what a configuration names comes to it when the plugin is used.
fn grants(grants: &Grants) -> Vec<String> {
    let access = |access| match access {
        Access::Read => "read",
        Access::ReadWrite => "read and write",
    };
    let place = |host: &Path, guest: &Option<String>| match guest {
        Some(guest) => format!("{} as {guest}", host.display()),
        None => host.display().to_string(),
    };
    let mut all = Vec::new();
    for grant in &grants.directories {
        let place = place(&grant.host, &grant.guest);
        all.push(format!("{} the directory {place}", access(grant.access)));
    }
    for grant in &grants.files {
        let place = place(&grant.host, &grant.guest);
        all.push(format!("{} the file {place}", access(grant.access)));
    }
    let variable = |(name, value)| format!("the environment {name}={value}");
    all.extend(grants.environment.iter().map(variable));
    let network = grants.network.iter();
    all.extend(network.map(|grant| format!("the network: {grant}")));
    if all.is_empty() {
        all.push("the files that its configuration names, and nothing else".to_owned());
    }
    all
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
        ConfigSchemaType::Boolean(default) => format!("{id}={default} (true or false)"),
        ConfigSchemaType::Integer(default) => format!("{id}={default} (a whole number of 32 bits)"),
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
