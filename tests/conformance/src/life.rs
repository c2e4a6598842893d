//! What every plugin has to do before it does any work: be of a world that the host has, describe itself, have a schema that
//! makes sense, need no more than its configuration gives it, and take `init` well.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use chipmunk_plugins::config::{Access, DirectoryGrant, Grants};
use chipmunk_plugins::contract::{
    ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue, Session,
};
use chipmunk_plugins::schema::{Configuration, check_schema};
use chipmunk_plugins::{GuestFault, Output, PluginError, PluginRuntime};

use crate::Kit;
use crate::pace::Pace;
use crate::plateau::{Plateau, has_runtime, size};
use crate::report::{Bad, Record, Verdict, bad, failed, passed, skipped};
use crate::subject::{Question, Subject, Told, in_one_line, is_refusal, names_nothing, why};

/// Loads the plugin, and asks it everything once.
pub(crate) fn world<'a>(
    runtime: &PluginRuntime,
    kit: &Kit<'a>,
    name: &str,
    record: &mut Record,
) -> Option<Subject<'a>> {
    const REMEDY: &str = "build a component of the world `parser` or `byte-source` of wit/worlds.wit, with bindings that were generated from \
         wit/, and let no function that describes the plugin fail";
    let begin = Instant::now();
    let loaded = runtime.factory(name, None).and_then(|(factory, _)| {
        let mut limits = *factory.limits();
        limits.call_timeout_ms = limits.call_timeout_ms.min(kit.call_timeout_ms);
        let factory = factory.with_limits(limits);
        let mut session = factory.ask()?;
        let told = Told::ask(&mut session, &Question::ALL, |_| {})?;
        Ok((factory, told))
    });
    let (subject, verdict) = match loaded {
        Err(error) => (None, failed(why(&error), REMEDY)),
        Ok((factory, told)) => {
            let description = factory.description();
            let can = match told.capabilities.as_slice() {
                [] => "nothing in particular".to_owned(),
                words => words.join(", "),
            };
            let message = format!(
                "a {} of API {} ({}), version {}, can do: {can}",
                description.kind, description.api, description.flavour, told.version
            );
            let settings = kit.settings;
            let subject = Subject {
                factory,
                settings,
                told,
            };
            (Some(subject), passed(message))
        }
    };
    record.note("world", verdict, begin);
    subject
}

/// The functions that describe a plugin, in other orders and more than once.
pub(crate) fn life_cycle(subject: &Subject<'_>) -> Verdict {
    use Question::{Capabilities, RenderOptions, Schema, Version};
    const REMEDY: &str = "answer `get-version`, `get-config-schemas`, `get-capabilities` and `get-render-options` from constants: \
         in any order, any number of times, before `init` and after it";
    let orders: [&[Question]; 3] = [
        &[RenderOptions, Capabilities, Schema, Version],
        &[
            Version,
            Version,
            Schema,
            Schema,
            Capabilities,
            Capabilities,
            RenderOptions,
            RenderOptions,
        ],
        &[
            Schema,
            RenderOptions,
            Version,
            Capabilities,
            Version,
            RenderOptions,
            Schema,
        ],
    ];
    for order in orders {
        let wrong = |text: String| bad(format!("asked {order:?}: {text}"), REMEDY);
        let mut session = subject
            .start(&Grants::default())
            .map_err(|error| wrong(why(&error)))?;
        let mut differing = Vec::new();
        let told = Told::ask(&mut session, order, |question| differing.push(question))
            .map_err(|fault| wrong(in_one_line(&fault)))?;
        if let Some(question) = differing.first() {
            return Err(wrong(format!(
                "{question:?} was answered differently the second time"
            )));
        }
        if told != subject.told {
            return Err(wrong(
                "another instance has other answers than the first".to_owned(),
            ));
        }
    }
    passed(format!(
        "describes itself in any order and more than once, always as version {}",
        subject.told.version
    ))
}

/// The schema on its own.
pub(crate) fn schema(subject: &Subject<'_>) -> Verdict {
    const REMEDY: &str = "correct the schema: `get-config-schemas` returns what wit/deps/shared/shared.wit says, with ids that are unique and \
         in kebab-case, and a default that the plugin itself takes";
    let schema = &subject.told.schema;
    check_schema(schema).map_err(|error| bad(error.to_string(), REMEDY))?;
    for item in schema {
        if let Some(problem) = problem(item) {
            return failed(format!("item `{}`: {problem}", item.id), REMEDY);
        }
    }
    passed(match schema.len() {
        0 => "nothing can be configured".to_owned(),
        1 => "one item, with an id and a default that make sense".to_owned(),
        many => format!("{many} items, with ids and defaults that make sense"),
    })
}

fn problem(item: &ConfigSchemaItem) -> Option<String> {
    if !is_kebab_case(&item.id) {
        return Some("its id is not in kebab-case (`two-words`)".to_owned());
    }
    if item.title.trim().is_empty() {
        return Some("it has no title to show to the user".to_owned());
    }
    match &item.input_type {
        ConfigSchemaType::Float(value) if !value.is_finite() => {
            Some(format!("its default, {value}, is no number to show"))
        }
        ConfigSchemaType::Files(extensions) => extensions
            .iter()
            .find(|extension| extension.is_empty() || extension.starts_with('.'))
            .map(|extension| format!("the extension {extension:?} is to be given without a dot")),
        ConfigSchemaType::Dropdown((options, _)) => options
            .iter()
            .enumerate()
            .find(|(index, option)| options.iter().skip(index + 1).any(|other| other == *option))
            .map(|(_, option)| format!("the option `{option}` is there twice")),
        _ => None,
    }
}

fn is_kebab_case(id: &str) -> bool {
    id.split('-').all(|word| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    }) && id.starts_with(|c: char| c.is_ascii_lowercase())
}

/// What a plugin may have, by what it imports.
fn grantable(import: &str) -> Option<&'static str> {
    let interface = import.split('@').next().unwrap_or_default();
    match interface.split('/').next() {
        Some("wasi:filesystem") => Some("files"),
        Some("wasi:sockets") => Some("network"),
        Some("wasi:http") => Some("http, which this host does not grant"),
        _ if interface == "wasi:cli/environment" => Some("environment"),
        _ => None,
    }
}

/// Imports, and whether `init` goes without any grant but those that follow from the configuration. `init` went `outcome` with
/// this configuration.
pub(crate) fn imports(
    subject: &Subject<'_>,
    configuration: &Configuration,
    outcome: &Result<Session, PluginError>,
) -> Verdict {
    const REMEDY: &str = "take what the plugin needs from its configuration: a file or directory that an item of type *files* or *directories* \
         names is granted, and nothing else is. Or have its users write the grant into plugins.toml, and give that file here with `--config`";
    let description = subject.factory.description();
    let mut needs: Vec<&str> = description
        .imports
        .iter()
        .filter_map(|import| grantable(import))
        .collect();
    needs.dedup();
    needs.sort_unstable();
    needs.dedup();
    let imports = match description.imports.len() {
        0 => return passed("imports nothing"),
        1 => "1 import".to_owned(),
        many => format!("{many} imports"),
    };
    if needs.is_empty() {
        return passed(format!("{imports}, none of which needs a grant"));
    }
    let given = if subject.factory.entry().grants == Grants::default() {
        "with nothing granted beyond its configuration"
    } else {
        "with the grants of plugins.toml"
    };
    let reach = format!("{imports}, which could reach {}", needs.join(", "));
    let error = match outcome {
        Ok(_) => return passed(format!("{reach}; it starts {given}")),
        Err(error) => error,
    };
    let granted = probe(subject, configuration);
    match granted {
        Some(what) => failed(
            format!(
                "{reach}; {given} it does not start ({}), and it does when it is granted {what}",
                why(error)
            ),
            REMEDY,
        ),
        None => passed(format!("{reach}; it asks for no grant")),
    }
}

/// The first kind of grants with which `init` goes that did not go without.
fn probe(subject: &Subject<'_>, configuration: &Configuration) -> Option<&'static str> {
    let directory = tempfile::tempdir().ok()?;
    let none = &configuration.grants;
    let with_directory = |guest: &str| {
        let mut grants = none.clone();
        grants.directories.push(DirectoryGrant {
            host: directory.path().to_owned(),
            guest: Some(guest.to_owned()),
            access: Access::ReadWrite,
        });
        grants
    };
    let with_environment = {
        let mut grants = none.clone();
        let names = ["HOME", "PATH", "TMPDIR", "USER", "LANG", "TZ"];
        grants.environment = BTreeMap::from(names.map(|name| (name.to_owned(), "/".to_owned())));
        grants
    };
    let tries = [
        (with_directory("/"), "a directory (`grants.directories`)"),
        (
            with_directory("/tmp"),
            "a directory at /tmp (`grants.directories`)",
        ),
        (
            with_environment,
            "environment variables (`grants.environment`)",
        ),
    ];
    tries.into_iter().find_map(|(grants, what)| {
        let with = Configuration {
            items: configuration.items.clone(),
            grants,
        };
        initialise(subject, &with).is_ok().then_some(what)
    })
}

/// An initialised instance: a parser for the richest output it offers.
pub(crate) fn initialise(
    subject: &Subject<'_>,
    configuration: &Configuration,
) -> Result<Session, PluginError> {
    let mut session = subject.start(&configuration.grants)?;
    let output = subject.output().unwrap_or(Output::Ranges);
    let max = subject.max_archive_bytes();
    subject.init(&mut session, &configuration.items, output, max)?;
    Ok(session)
}

/// Whether `init` takes the configuration, defaults where nothing is set; `init` went `outcome`.
pub(crate) fn defaults(
    subject: &Subject<'_>,
    configuration: &Configuration,
    outcome: &mut Result<Session, PluginError>,
) -> Verdict {
    const REMEDY: &str =
        "let `init` take the defaults of the schema, every item of which it is given";
    let in_need = configuration.items.iter().any(names_nothing);
    match outcome {
        Ok(session) => {
            let told = Told::ask(session, &Question::ALL, |_| {})
                .map_err(|fault| bad(format!("after `init`: {}", in_one_line(&fault)), REMEDY))?;
            if told != subject.told {
                return failed(
                    "after `init` it describes itself otherwise than before",
                    "answer the functions that describe the plugin from constants",
                );
            }
            passed(match configuration.items.len() {
                0 => "`init` takes a configuration without items".to_owned(),
                many => format!(
                    "`init` takes the configuration ({many} items), and changes nothing of what it says of itself"
                ),
            })
        }
        Err(PluginError::Guest(fault)) if in_need && is_refusal(fault) => skipped(format!(
            "it wants files or directories that nobody has named: {}; name them with `--set ID=PATH`",
            fault.cause
        )),
        Err(error) => failed(why(error), REMEDY),
    }
}

/// Configurations that no host gives. Refusing is best, and trapping is a fault: the user sees a trap instead of a reason.
pub(crate) fn bad_configuration(subject: &Subject<'_>, configuration: &Configuration) -> Verdict {
    const REMEDY: &str =
        "return `init-error.config` with the item and what is wrong with it, instead of a trap";
    let mut tries: Vec<(String, Vec<ConfigItem>)> = Vec::new();
    let items = &configuration.items;
    if !items.is_empty() {
        tries.push(("no items".to_owned(), Vec::new()));
    }
    for (index, item) in items.iter().enumerate() {
        let with = |value: ConfigValue| {
            let mut items = items.clone();
            if let Some(item) = items.get_mut(index) {
                item.value = value;
            }
            items
        };
        let id = &item.id;
        let other = match item.value {
            ConfigValue::Integer(_) => ConfigValue::Boolean(true),
            _ => ConfigValue::Integer(-1),
        };
        tries.push((format!("`{id}` of another type"), with(other)));
        let mut without = items.clone();
        without.remove(index);
        tries.push((format!("`{id}` missing"), without));
        match &item.value {
            ConfigValue::Dropdown(_) => tries.push((
                format!("`{id}` with an option that there is not"),
                with(ConfigValue::Dropdown("no such option".to_owned())),
            )),
            ConfigValue::Text(_) => tries.push((
                format!("`{id}` with a text of 1 MB"),
                with(ConfigValue::Text("ä".repeat(500_000))),
            )),
            ConfigValue::Integer(_) => tries.extend([i32::MIN, i32::MAX].map(|value| {
                (
                    format!("`{id}` = {value}"),
                    with(ConfigValue::Integer(value)),
                )
            })),
            ConfigValue::Float(_) => tries.push((
                format!("`{id}` not a number"),
                with(ConfigValue::Float(f32::NAN)),
            )),
            _ => {}
        }
    }
    let unknown = ConfigItem {
        id: "no-such-item".to_owned(),
        value: ConfigValue::Boolean(true),
    };
    tries.push((
        "an item that is not in the schema".to_owned(),
        items.iter().cloned().chain([unknown]).collect(),
    ));
    let count = tries.len();
    let mut refused = 0;
    for (what, items) in tries {
        match init_with(subject, configuration, &items) {
            Ok(Ok(())) => {}
            Ok(Err(fault)) if is_refusal(&fault) => refused += 1,
            Ok(Err(fault)) => return failed(format!("{what}: {}", in_one_line(&fault)), REMEDY),
            Err(error) => return failed(format!("{what}: {}", why(&error)), REMEDY),
        }
    }
    passed(format!(
        "{count} configurations that no host gives: {refused} refused in its own words, {} taken, no trap",
        count - refused
    ))
}

/// `init` with these items, under the grants of `configuration`.
pub(crate) fn init_with(
    subject: &Subject<'_>,
    configuration: &Configuration,
    items: &[ConfigItem],
) -> Result<Result<(), GuestFault>, PluginError> {
    let mut session = subject.start(&configuration.grants)?;
    let output = subject.output().unwrap_or(Output::Ranges);
    let max = subject.max_archive_bytes();
    Ok(subject.init(&mut session, items, output, max))
}

/// A source is to say that it cannot open its file when it is initialised, and in words.
pub(crate) fn missing_file(
    subject: &Subject<'_>,
    configuration: &Configuration,
    folder: &Path,
) -> Verdict {
    const REMEDY: &str = "open the input in `init`, and return `init-error.io` with the path and the reason when that fails";
    let Some(id) = subject.input_item() else {
        return skipped("it has no single item of type *files* that would be the input");
    };
    let missing = folder.join("no such file");
    let not_granted = folder.join("not granted");
    if let Err(error) = std::fs::write(&not_granted, b"secret") {
        return skipped(format!("no file could be made to try with: {error}"));
    }
    for (what, path) in [
        ("a file that is not there", &missing),
        ("a file that it was not granted", &not_granted),
        ("a directory", &folder.to_path_buf()),
    ] {
        let mut items = configuration.items.clone();
        for item in items.iter_mut().filter(|item| item.id == id) {
            item.value = ConfigValue::Files(vec![path.display().to_string()]);
        }
        match init_with(subject, configuration, &items) {
            Ok(Err(fault)) if is_refusal(&fault) => {}
            Ok(Ok(())) => {
                return failed(format!("`init` takes {what} as its input"), REMEDY);
            }
            Ok(Err(fault)) => return failed(format!("{what}: {}", in_one_line(&fault)), REMEDY),
            Err(error) => return failed(format!("{what}: {}", why(&error)), REMEDY),
        }
    }
    passed(
        "a file that is missing, one that is not granted and a directory are refused in its own words",
    )
}

/// Has an instance asked again and again what it is, and its memory looked at: what is returned to the host is to be freed. How many
/// questions were asked.
pub(crate) fn asked_often(subject: &Subject<'_>, pace: &Pace) -> Result<usize, Bad> {
    const REMEDY: &str =
        "free what the functions that describe the plugin return, in their post-return";
    /// A garbage collector may begin as late as this, in bytes.
    const MOST_UNDECIDED: u64 = 160 << 20;
    let mut session = subject
        .start(&Grants::default())
        .map_err(|error| bad(why(&error), REMEDY))?;
    let has_runtime = has_runtime(session.memory_bytes());
    let first = pace.questions().max(1);
    let seen = Plateau::look(first, 7, Duration::from_secs(4), |times| {
        for _ in 0..times {
            Told::ask(&mut session, &Question::ALL, |_| {})
                .map_err(|fault| bad(in_one_line(&fault), REMEDY))?;
        }
        Ok(session.memory_bytes())
    })?;
    if seen.grows() && !seen.is_too_early(has_runtime, 0, MOST_UNDECIDED) {
        return Err(bad(
            format!(
                "asked {} times to describe itself, it has {} of memory, of which the second half of the questions took {}",
                seen.calls,
                size(seen.bytes),
                size(seen.grown)
            ),
            REMEDY,
        ));
    }
    Ok(seen.calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_case_is_words_of_small_letters_joined_by_dashes() {
        for good in ["a", "storage-header", "utf-8", "x2-y3"] {
            assert!(is_kebab_case(good), "{good}");
        }
        for bad in [
            "",
            "-",
            "a-",
            "-a",
            "a--b",
            "storage_header",
            "camelCase",
            "8-bit",
            "ä",
        ] {
            assert!(!is_kebab_case(bad), "{bad}");
        }
    }
}
