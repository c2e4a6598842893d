//! From what the user says to what a plugin is initialised with.
//!
//! A plugin's schema names its configuration items, their types and defaults. Values come from three places: `plugins.toml`
//! (typed as TOML is), `--set ID=VALUE` (text, read by the item's type, and stronger than the file), and INPUT, the value of a
//! source's only item of type *files*. [`configure`] brings them together: one value for every item, and the grants that
//! follow from them, for a file or directory that is named in the configuration may be read, and nothing beside it.
//! Paths become absolute and canonical here, so that the plugin, the grant and the user's error messages speak of the same
//! file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use wasmer_component_wasi::Grant;

use crate::config::{Access, DirectoryGrant, FileGrant, Grants, RawValue};
use crate::contract::{ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue};
use crate::error::{Origin, SettingError};

/// What INPUT of the command line means to a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// The program's standard input; the value of the source's item is then `-`.
    Stdin,
}

impl Input {
    /// Whether a setting of this value means it.
    fn is_named_by(&self, value: &str) -> bool {
        match self {
            Self::Stdin => value == STDIN_VALUE,
            Self::File(path) => {
                path == Path::new(value)
                    || match (path.canonicalize(), Path::new(value).canonicalize()) {
                        (Ok(a), Ok(b)) => a == b,
                        _ => false,
                    }
            }
        }
    }
}

/// The value that stands for standard input in an item of type *files*.
pub const STDIN_VALUE: &str = "-";

/// The settings of one run, for all its plugins together: `--set` does not say which plugin it means.
///
/// Each plugin takes those whose items it has; [`Settings::finish`] complains about those that nobody took.
#[derive(Debug, Default)]
pub struct Settings {
    given: Vec<(String, String)>,
    known: Mutex<Vec<String>>,
}

impl Settings {
    /// Reads settings of the form `ID=VALUE`.
    ///
    /// # Errors
    /// [`SettingError::Form`].
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        for text in texts {
            let text = text.as_ref();
            match text.split_once('=') {
                Some((id, value)) if !id.is_empty() => settings.set(id, value),
                _ => {
                    return Err(SettingError::Form {
                        text: text.to_owned(),
                    });
                }
            }
        }
        Ok(settings)
    }

    /// Adds a setting. Items of paths collect the values of all settings of their id, in others the last one counts.
    pub fn set(&mut self, id: &str, value: &str) {
        self.given.push((id.to_owned(), value.to_owned()));
    }

    /// The values given for the item `id`, in order, which is thereby taken. The way for native sources and parsers.
    pub fn take(&self, id: &str) -> Vec<&str> {
        self.announce(std::iter::once(id));
        self.given
            .iter()
            .filter(|(given, _)| given == id)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Remembers that somebody has these items.
    fn announce<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if !known.iter().any(|other| other == id) {
                known.push(id.to_owned());
            }
        }
    }

    /// To be called when all plugins of the run are open.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] for the first setting that no plugin has an item for.
    pub fn finish(&self) -> Result<(), SettingError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match self.given.iter().find(|(id, _)| !known.contains(id)) {
            None => Ok(()),
            Some((id, _)) => Err(SettingError::Unknown {
                id: id.clone(),
                known: known.clone(),
                origin: Origin::CommandLine,
            }),
        }
    }
}

/// What a plugin is initialised with, and what it may do therefore.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// One value for every item of the schema, in its order.
    pub items: Vec<ConfigItem>,
    /// The registry's grants, and those that follow from the values.
    pub grants: Grants,
}

/// What [`configure`] brings together, besides the schema.
#[derive(Debug)]
pub struct Given<'a> {
    /// Values of `plugins.toml`.
    pub config: &'a BTreeMap<String, RawValue>,
    /// Where relative paths in `config` begin.
    pub base: &'a Path,
    /// Settings of the command line; their relative paths begin in the working directory.
    pub settings: &'a Settings,
    /// INPUT, for a source that is to have it.
    pub input: Option<&'a Input>,
    /// Grants of `plugins.toml`.
    pub grants: &'a Grants,
}

/// Whether `schema` can be used at all: ids are there and unique, the default of a dropdown is one of its options.
///
/// # Errors
/// [`SettingError::Schema`].
pub fn check_schema(schema: &[ConfigSchemaItem]) -> Result<(), SettingError> {
    for (index, item) in schema.iter().enumerate() {
        let wrong = |reason: &str| {
            Err(SettingError::Schema {
                id: item.id.clone(),
                reason: reason.to_owned(),
            })
        };
        if item.id.is_empty() || item.id.contains('=') {
            return wrong("an id must not be empty or have a `=`");
        }
        if schema.iter().take(index).any(|other| other.id == item.id) {
            return wrong("the id is there twice");
        }
        if let ConfigSchemaType::Dropdown((options, default)) = &item.input_type
            && !options.contains(default)
        {
            return wrong("the default is not one of the options");
        }
    }
    Ok(())
}

/// Gives every item of `schema` its value.
///
/// # Errors
/// [`SettingError`]: the schema or a value is wrong, a path is not there, INPUT has no place.
pub fn configure(
    schema: &[ConfigSchemaItem],
    given: &Given<'_>,
) -> Result<Configuration, SettingError> {
    check_schema(schema)?;
    let ids = || schema.iter().map(|item| item.id.as_str());
    if let Some(id) = given
        .config
        .keys()
        .find(|id| !ids().any(|known| known == *id))
    {
        return Err(SettingError::Unknown {
            id: id.clone(),
            known: ids().map(str::to_owned).collect(),
            origin: Origin::File,
        });
    }
    let place = given
        .input
        .map(|input| place_of(input, schema, given.settings))
        .transpose()?;
    let mut grants = given.grants.clone();
    let mut items = Vec::with_capacity(schema.len());
    for item in schema {
        let mut reading = Reading {
            item,
            base: Path::new(""),
            origin: Origin::CommandLine,
            stdin: given.input == Some(&Input::Stdin),
            grants: &mut grants,
        };
        let set = given.settings.take(&item.id);
        let value = match (given.input, place) {
            (Some(input), Some(Place::Item(id))) if id == item.id => {
                input_value(input, &mut grants)?
            }
            _ if !set.is_empty() => reading.texts(&set)?,
            _ => match given.config.get(&item.id) {
                Some(raw) => {
                    reading.base = given.base;
                    reading.origin = Origin::File;
                    reading.stdin = false;
                    reading.toml(raw)?
                }
                None => default(item),
            },
        };
        items.push(ConfigItem {
            id: item.id.clone(),
            value,
        });
    }
    Ok(Configuration { items, grants })
}

/// Where INPUT is among a source's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// It is the value of this item.
    Item(&'a str),
    /// A setting has named it already.
    Set,
}

/// The only item of type *files*, or the one that a setting names INPUT for.
fn place_of<'a>(
    input: &Input,
    schema: &'a [ConfigSchemaItem],
    settings: &Settings,
) -> Result<Place<'a>, SettingError> {
    let files: Vec<&ConfigSchemaItem> = schema
        .iter()
        .filter(|item| matches!(item.input_type, ConfigSchemaType::Files(_)))
        .collect();
    let is_input = |item: &&ConfigSchemaItem| {
        let set = settings.take(&item.id);
        set.iter().any(|text| input.is_named_by(text))
    };
    if files.iter().any(is_input) {
        return Ok(Place::Set);
    }
    match files.as_slice() {
        [item] if settings.take(&item.id).is_empty() => Ok(Place::Item(&item.id)),
        [item] => Err(SettingError::InputSetTwice {
            id: item.id.clone(),
        }),
        [] => Err(SettingError::NoInputItem {
            known: schema.iter().map(|item| item.id.clone()).collect(),
        }),
        several => Err(SettingError::ManyInputItems {
            items: several.iter().map(|item| item.id.clone()).collect(),
            input: match input {
                Input::Stdin => STDIN_VALUE.to_owned(),
                Input::File(path) => path.display().to_string(),
            },
        }),
    }
}

fn input_value(input: &Input, grants: &mut Grants) -> Result<ConfigValue, SettingError> {
    match input {
        Input::Stdin => {
            grants.stdin = true;
            Ok(ConfigValue::Files(vec![STDIN_VALUE.to_owned()]))
        }
        Input::File(path) => {
            let failed = |reason| SettingError::Input {
                path: path.clone(),
                reason,
            };
            let canonical = canonical_file(path).map_err(failed)?;
            let text = text_of(&canonical).ok_or_else(|| failed(NOT_UNICODE.to_owned()))?;
            grant_file(grants, canonical);
            Ok(ConfigValue::Files(vec![text]))
        }
    }
}

fn default(item: &ConfigSchemaItem) -> ConfigValue {
    match &item.input_type {
        ConfigSchemaType::Boolean(value) => ConfigValue::Boolean(*value),
        ConfigSchemaType::Integer(value) => ConfigValue::Integer(*value),
        ConfigSchemaType::Float(value) => ConfigValue::Float(*value),
        ConfigSchemaType::Text(value) => ConfigValue::Text(value.clone()),
        ConfigSchemaType::Directories => ConfigValue::Directories(Vec::new()),
        ConfigSchemaType::Files(_) => ConfigValue::Files(Vec::new()),
        ConfigSchemaType::Dropdown((_, value)) => ConfigValue::Dropdown(value.clone()),
    }
}

/// The value of one item, on its way from what was said to what is meant.
struct Reading<'a> {
    item: &'a ConfigSchemaItem,
    /// Where relative paths begin.
    base: &'a Path,
    origin: Origin,
    /// A file called `-` is the standard input.
    stdin: bool,
    /// Paths that are named become grants.
    grants: &'a mut Grants,
}

impl Reading<'_> {
    /// The value from the texts of its settings, of which there is at least one.
    fn texts(&mut self, texts: &[&str]) -> Result<ConfigValue, SettingError> {
        let last = texts.last().copied().unwrap_or_default();
        let wrong = || self.type_error(&last);
        Ok(match &self.item.input_type {
            ConfigSchemaType::Boolean(_) => {
                ConfigValue::Boolean(last.parse().map_err(|_| wrong())?)
            }
            ConfigSchemaType::Integer(_) => {
                ConfigValue::Integer(last.parse().map_err(|_| wrong())?)
            }
            ConfigSchemaType::Float(_) => {
                ConfigValue::Float(last.parse().ok().and_then(finite).ok_or_else(wrong)?)
            }
            ConfigSchemaType::Text(_) => ConfigValue::Text(last.to_owned()),
            ConfigSchemaType::Dropdown((options, _)) => self.option(options, last)?,
            ConfigSchemaType::Directories => self.directories(texts)?,
            ConfigSchemaType::Files(extensions) => self.files(extensions, texts)?,
        })
    }

    /// The value from plugins.toml.
    fn toml(&mut self, raw: &RawValue) -> Result<ConfigValue, SettingError> {
        let paths = |raw: &RawValue| match raw {
            RawValue::Text(path) => Some(vec![path.clone()]),
            RawValue::List(paths) => Some(paths.clone()),
            _ => None,
        };
        let wrong = || self.type_error(raw);
        Ok(match (&self.item.input_type, raw) {
            (ConfigSchemaType::Boolean(_), RawValue::Boolean(value)) => {
                ConfigValue::Boolean(*value)
            }
            (ConfigSchemaType::Integer(_), RawValue::Integer(value)) => {
                ConfigValue::Integer(i32::try_from(*value).map_err(|_| wrong())?)
            }
            (ConfigSchemaType::Float(_), RawValue::Integer(value)) => {
                ConfigValue::Float(*value as f32)
            }
            (ConfigSchemaType::Float(_), RawValue::Float(value)) => {
                ConfigValue::Float(finite(*value as f32).ok_or_else(wrong)?)
            }
            (ConfigSchemaType::Text(_), RawValue::Text(value)) => ConfigValue::Text(value.clone()),
            (ConfigSchemaType::Dropdown((options, _)), RawValue::Text(value)) => {
                self.option(options, value)?
            }
            (ConfigSchemaType::Directories, raw) => {
                let paths = paths(raw).ok_or_else(wrong)?;
                self.directories(&paths)?
            }
            (ConfigSchemaType::Files(extensions), raw) => {
                let paths = paths(raw).ok_or_else(wrong)?;
                self.files(extensions, &paths)?
            }
            _ => return Err(wrong()),
        })
    }

    fn type_error(&self, value: &dyn std::fmt::Display) -> SettingError {
        SettingError::Type {
            id: self.item.id.clone(),
            expected: Box::new(self.item.input_type.clone()),
            value: value.to_string(),
            origin: self.origin,
        }
    }

    fn path_error(&self, path: &Path, reason: String) -> SettingError {
        SettingError::Path {
            id: self.item.id.clone(),
            expected: Box::new(self.item.input_type.clone()),
            path: path.to_owned(),
            reason,
            origin: self.origin,
        }
    }

    fn option(&self, options: &[String], value: &str) -> Result<ConfigValue, SettingError> {
        if options.iter().any(|option| option == value) {
            return Ok(ConfigValue::Dropdown(value.to_owned()));
        }
        Err(SettingError::Option {
            id: self.item.id.clone(),
            value: value.to_owned(),
            options: options.to_vec(),
            origin: self.origin,
        })
    }

    fn files<P: AsRef<Path>>(
        &mut self,
        extensions: &[String],
        paths: &[P],
    ) -> Result<ConfigValue, SettingError> {
        let mut values = Vec::with_capacity(paths.len());
        for path in paths {
            if self.stdin && path.as_ref() == Path::new(STDIN_VALUE) {
                self.grants.stdin = true;
                values.push(STDIN_VALUE.to_owned());
                continue;
            }
            let path = self.base.join(path);
            let failed = |reason| self.path_error(&path, reason);
            let canonical = canonical_file(&path).map_err(failed)?;
            let text = text_of(&canonical).ok_or_else(|| failed(NOT_UNICODE.to_owned()))?;
            // The plugin decides by what is in a file; its name is worth a word, not a refusal.
            if !extensions.is_empty() && !has_extension(&canonical, extensions) {
                tracing::warn!(
                    "configuration item `{}` takes files that end in .{}, and {text} does not",
                    self.item.id,
                    extensions.join(", ."),
                );
            }
            grant_file(self.grants, canonical);
            values.push(text);
        }
        Ok(ConfigValue::Files(values))
    }

    fn directories<P: AsRef<Path>>(&mut self, paths: &[P]) -> Result<ConfigValue, SettingError> {
        let mut values = Vec::with_capacity(paths.len());
        for path in paths {
            let path = self.base.join(path);
            let failed = |reason| self.path_error(&path, reason);
            let canonical = path
                .canonicalize()
                .map_err(|error| failed(error.to_string()))?;
            if !canonical.is_dir() {
                return Err(failed("it is no directory".to_owned()));
            }
            let text = text_of(&canonical).ok_or_else(|| failed(NOT_UNICODE.to_owned()))?;
            grant_directory(self.grants, canonical);
            values.push(text);
        }
        Ok(ConfigValue::Directories(values))
    }
}

/// Neither infinite nor no number at all: what is too large for 32 bits is infinite.
fn finite(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

fn has_extension(path: &Path, extensions: &[String]) -> bool {
    path.extension().is_some_and(|extension| {
        extensions
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known.trim_start_matches('.')))
    })
}

/// Lets the directory be read under its own path, unless plugins.toml grants it there already: perhaps for more.
fn grant_directory(grants: &mut Grants, host: PathBuf) {
    let is_there = |grant: &DirectoryGrant| {
        grant.guest.is_none() && is_seen_at(&host, &Grant::directory(&grant.host))
    };
    if !grants.directories.iter().any(is_there) {
        grants.directories.push(DirectoryGrant {
            host,
            guest: None,
            access: Access::Read,
        });
    }
}

/// As [`grant_directory`], for a file.
fn grant_file(grants: &mut Grants, host: PathBuf) {
    let is_there =
        |grant: &FileGrant| grant.guest.is_none() && is_seen_at(&host, &Grant::file(&grant.host));
    if !grants.files.iter().any(is_there) {
        grants.files.push(FileGrant {
            host,
            guest: None,
            access: Access::Read,
        });
    }
}

/// Whether the plugin will find what is granted under the path `canonical`.
fn is_seen_at(canonical: &Path, grant: &Grant) -> bool {
    grant
        .guest_path()
        .is_ok_and(|path| Path::new(&path) == canonical)
}

const NOT_UNICODE: &str =
    "its path is not valid Unicode, and a plugin could not name it: rename it, or link to it";

/// The canonical path of a file that can be read, or what is wrong with it.
fn canonical_file(path: &Path) -> Result<PathBuf, String> {
    let canonical = path.canonicalize().map_err(|error| error.to_string())?;
    let metadata = canonical.metadata().map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory, and a file is wanted".to_owned());
    }
    // Better said here than by the plugin. A pipe is not tried: opening one waits for its writer.
    if metadata.is_file() {
        std::fs::File::open(&canonical).map_err(|error| error.to_string())?;
    }
    Ok(canonical)
}

fn text_of(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, input_type: ConfigSchemaType) -> ConfigSchemaItem {
        ConfigSchemaItem {
            id: id.to_owned(),
            title: id.to_owned(),
            description: None,
            input_type,
        }
    }

    fn dropdown() -> ConfigSchemaType {
        ConfigSchemaType::Dropdown((
            vec!["slow".to_owned(), "fast".to_owned()],
            "slow".to_owned(),
        ))
    }

    fn schema() -> Vec<ConfigSchemaItem> {
        vec![
            item("on", ConfigSchemaType::Boolean(true)),
            item("count", ConfigSchemaType::Integer(7)),
            item("scale", ConfigSchemaType::Float(0.5)),
            item("name", ConfigSchemaType::Text("n".to_owned())),
            item("mode", dropdown()),
            item("dirs", ConfigSchemaType::Directories),
            item("files", ConfigSchemaType::Files(vec!["dlt".to_owned()])),
        ]
    }

    struct Case {
        config: BTreeMap<String, RawValue>,
        base: PathBuf,
        settings: Settings,
        input: Option<Input>,
        grants: Grants,
    }

    impl Case {
        fn new() -> Self {
            Self {
                config: BTreeMap::new(),
                base: PathBuf::from("/nowhere"),
                settings: Settings::default(),
                input: None,
                grants: Grants::default(),
            }
        }

        fn config(mut self, id: &str, value: RawValue) -> Self {
            self.config.insert(id.to_owned(), value);
            self
        }

        fn set(mut self, text: &str) -> Self {
            let (id, value) = text.split_once('=').expect("the test's own setting");
            self.settings.set(id, value);
            self
        }

        fn input(mut self, input: Input) -> Self {
            self.input = Some(input);
            self
        }

        fn run(&self, schema: &[ConfigSchemaItem]) -> Result<Configuration, SettingError> {
            configure(
                schema,
                &Given {
                    config: &self.config,
                    base: &self.base,
                    settings: &self.settings,
                    input: self.input.as_ref(),
                    grants: &self.grants,
                },
            )
        }

        fn values(&self) -> Vec<ConfigValue> {
            let configuration = self.run(&schema()).expect("the values fit");
            configuration
                .items
                .into_iter()
                .map(|item| item.value)
                .collect()
        }

        fn wrong(&self) -> SettingError {
            self.run(&schema()).expect_err("the values do not fit")
        }

        fn error(&self) -> String {
            self.wrong().to_string()
        }
    }

    #[test]
    fn what_is_not_given_has_its_default_in_the_order_of_the_schema() {
        let configuration = Case::new().run(&schema());
        let value = |id: &str, value| ConfigItem {
            id: id.to_owned(),
            value,
        };
        assert_eq!(
            configuration,
            Ok(Configuration {
                items: vec![
                    value("on", ConfigValue::Boolean(true)),
                    value("count", ConfigValue::Integer(7)),
                    value("scale", ConfigValue::Float(0.5)),
                    value("name", ConfigValue::Text("n".to_owned())),
                    value("mode", ConfigValue::Dropdown("slow".to_owned())),
                    value("dirs", ConfigValue::Directories(vec![])),
                    value("files", ConfigValue::Files(vec![])),
                ],
                grants: Grants::default(),
            })
        );
    }

    #[test]
    fn settings_are_read_by_type_and_beat_the_file() {
        let case = Case::new()
            .config("on", RawValue::Boolean(true))
            .config("count", RawValue::Integer(1))
            .config("scale", RawValue::Integer(2))
            .set("on=false")
            .set("count=1")
            .set("count=-2")
            .set("name=a=b")
            .set("mode=fast");
        assert_eq!(
            case.values(),
            [
                ConfigValue::Boolean(false),
                ConfigValue::Integer(-2),
                ConfigValue::Float(2.0),
                ConfigValue::Text("a=b".to_owned()),
                ConfigValue::Dropdown("fast".to_owned()),
                ConfigValue::Directories(vec![]),
                ConfigValue::Files(vec![]),
            ]
        );
        assert_eq!(case.settings.finish(), Ok(()));
    }

    #[test]
    fn values_of_another_type_are_refused() {
        for (text, message) in [
            (
                "on=yes",
                "configuration item `on` takes `true` or `false`, not `yes`; correct `--set on=...`",
            ),
            (
                "count=3000000000",
                "configuration item `count` takes a whole number from -2147483648 to 2147483647, not `3000000000`; \
                 correct `--set count=...`",
            ),
            (
                "count=0x10",
                "configuration item `count` takes a whole number from -2147483648 to 2147483647, not `0x10`; \
                 correct `--set count=...`",
            ),
            (
                "scale=x",
                "configuration item `scale` takes a number between -3.4e38 and 3.4e38, not `x`; correct `--set scale=...`",
            ),
            (
                "scale=1e39",
                "configuration item `scale` takes a number between -3.4e38 and 3.4e38, not `1e39`; correct `--set scale=...`",
            ),
            (
                "scale=nan",
                "configuration item `scale` takes a number between -3.4e38 and 3.4e38, not `nan`; correct `--set scale=...`",
            ),
            (
                "mode=warp",
                "configuration item `mode` has no option `warp`; its options are `slow`, `fast`; correct `--set mode=...`",
            ),
            (
                "mode=fasst",
                "configuration item `mode` has no option `fasst` (did you mean `fast`?); its options are `slow`, `fast`; \
                 correct `--set mode=...`",
            ),
            (
                "dirs=/nowhere/at/all",
                "configuration item `dirs` takes paths of directories, and `/nowhere/at/all` cannot be used: No such file or \
                 directory (os error 2); correct `--set dirs=...`",
            ),
            (
                "files=/",
                "configuration item `files` takes paths of files, and `/` cannot be used: it is a directory, and a file is \
                 wanted; correct `--set files=...`",
            ),
        ] {
            let error = Case::new().set(text).wrong();
            assert_eq!(error.to_string(), message);
            assert!(error.is_usage(), "{error}");
        }
        let file = |id: &str, value: RawValue| {
            let error = Case::new().config(id, value).wrong();
            assert!(!error.is_usage(), "{error}");
            error.to_string()
        };
        let correct = |id: &str| {
            format!(
                "correct `{id}` under `[plugins.config]` in plugins.toml, or give another with `--set {id}=...`"
            )
        };
        for (id, value, message) in [
            (
                "on",
                RawValue::Text("true".to_owned()),
                "takes `true` or `false`, not `true`",
            ),
            (
                "count",
                RawValue::Integer(1 << 31),
                "takes a whole number from -2147483648 to 2147483647, not `2147483648`",
            ),
            (
                "count",
                RawValue::Float(1.0),
                "takes a whole number from -2147483648 to 2147483647, not `1`",
            ),
            (
                "scale",
                RawValue::Float(-1e39),
                "takes a number between -3.4e38 and 3.4e38, not `-1000000000000000000000000000000000000000`",
            ),
            ("name", RawValue::Integer(1), "takes a text, not `1`"),
            (
                "mode",
                RawValue::Text("slo".to_owned()),
                "has no option `slo` (did you mean `slow`?); its options are `slow`, `fast`",
            ),
            (
                "files",
                RawValue::Integer(1),
                "takes paths of files, not `1`",
            ),
            (
                "dirs",
                RawValue::List(vec!["sub".to_owned()]),
                "takes paths of directories, and `/nowhere/sub` cannot be used: No such file or directory (os error 2)",
            ),
        ] {
            assert_eq!(
                file(id, value),
                format!("configuration item `{id}` {message}; {}", correct(id))
            );
        }
    }

    #[test]
    fn numbers_go_to_the_ends_of_their_range() {
        let case = Case::new().set("count=-2147483648").set("scale=-3.4e38");
        assert_eq!(
            case.values().get(1..3),
            Some(&[ConfigValue::Integer(i32::MIN), ConfigValue::Float(-3.4e38)][..])
        );
    }

    #[test]
    fn an_item_that_is_not_there_is_answered_with_those_that_are() {
        let known = "`on`, `count`, `scale`, `name`, `mode`, `dirs`, `files`";
        assert_eq!(
            Case::new().config("of", RawValue::Boolean(true)).error(),
            format!("there is no configuration item `of`; its items are {known}")
        );
        // A setting may be for the other plugin: only at the end is it known that nobody has it.
        let case = Case::new().set("of=1").set("separator=;");
        assert!(case.run(&schema()).is_ok());
        assert_eq!(case.settings.take("separator"), [";"]);
        let error = case
            .settings
            .finish()
            .expect_err("nobody has `of`")
            .to_string();
        assert_eq!(
            error,
            format!("there is no configuration item `of`; its items are {known}, `separator`")
        );
    }

    #[test]
    fn settings_have_an_id_and_a_value() {
        for text in ["x", "=x", ""] {
            assert!(
                matches!(Settings::parse([text]), Err(SettingError::Form { .. })),
                "{text}"
            );
        }
        assert!(Settings::parse(["x=", "y=1=2"]).is_ok());
    }

    #[test]
    fn paths_become_canonical_and_are_granted_for_reading_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().canonicalize().expect("it is there");
        std::fs::create_dir(root.join("sub")).expect("it is writable");
        for name in ["a", "b"] {
            std::fs::write(root.join(name), b"").expect("it is writable");
        }
        let text = |path: &Path| path.to_str().expect("of ASCII").to_owned();
        let mut case = Case::new()
            .config("dirs", RawValue::Text("sub/../sub".to_owned()))
            .set(&format!("files={}", text(&root.join("sub/../a"))))
            .set(&format!("files={}", text(&root.join("b"))));
        case.base = root.clone();
        let configuration = case.run(&schema()).expect("all paths are there");
        let values: Vec<_> = configuration
            .items
            .into_iter()
            .skip(5)
            .map(|item| item.value)
            .collect();
        assert_eq!(
            values,
            [
                ConfigValue::Directories(vec![text(&root.join("sub"))]),
                ConfigValue::Files(vec![text(&root.join("a")), text(&root.join("b"))]),
            ]
        );
        let file = |name: &str| FileGrant {
            host: root.join(name),
            guest: None,
            access: Access::Read,
        };
        assert_eq!(
            configuration.grants,
            Grants {
                directories: vec![DirectoryGrant {
                    host: root.join("sub"),
                    guest: None,
                    access: Access::Read
                }],
                files: vec![file("a"), file("b")],
                ..Grants::default()
            }
        );
    }

    #[test]
    fn the_input_is_the_value_of_the_only_item_of_files() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("trace");
        std::fs::write(&path, b"x").expect("it is writable");
        let path = path.canonicalize().expect("it is there");
        let text = path.to_str().expect("of ASCII").to_owned();
        let configuration = Case::new()
            .input(Input::File(path.clone()))
            .run(&schema())
            .expect("it is there");
        assert_eq!(
            configuration.items.last().map(|item| &item.value),
            Some(&ConfigValue::Files(vec![text.clone()]))
        );
        assert_eq!(
            configuration.grants.files,
            [FileGrant {
                host: path.clone(),
                guest: None,
                access: Access::Read
            }]
        );

        let stdin = Case::new()
            .input(Input::Stdin)
            .run(&schema())
            .expect("needs no file");
        assert_eq!(
            stdin.items.last().map(|item| &item.value),
            Some(&ConfigValue::Files(vec!["-".to_owned()]))
        );
        assert_eq!(
            stdin.grants,
            Grants {
                stdin: true,
                ..Grants::default()
            }
        );

        let twice = Case::new()
            .input(Input::Stdin)
            .set(&format!("files={text}"));
        assert_eq!(
            twice.error(),
            "configuration item `files` is the input already: leave out `--set files=...`"
        );
    }

    #[test]
    fn a_setting_says_which_item_the_input_is() {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().canonicalize().expect("it is there");
        for name in ["trace", "index"] {
            std::fs::write(root.join(name), b"x").expect("it is writable");
        }
        let path = |name: &str| root.join(name).to_str().expect("of ASCII").to_owned();
        let files = |id: &str| item(id, ConfigSchemaType::Files(vec![]));
        let values = |case: Case| {
            let configuration = case.run(&[files("a"), files("b")]).expect("all is said");
            let values = configuration.items.into_iter().map(|item| item.value);
            (values.collect::<Vec<_>>(), configuration.grants.stdin)
        };
        let all = |paths: &[&str]| {
            ConfigValue::Files(paths.iter().map(|path| (*path).to_owned()).collect())
        };
        // By another name for the same file.
        let trace = Input::File(
            root.join("../")
                .join(root.file_name().expect("a name"))
                .join("trace"),
        );
        let case = Case::new()
            .input(trace)
            .set(&format!("b={}", path("trace")))
            .set(&format!("a={}", path("index")));
        assert_eq!(
            values(case),
            (vec![all(&[&path("index")]), all(&[&path("trace")])], false)
        );
        let case = Case::new().input(Input::Stdin).set("b=-");
        assert_eq!(values(case), (vec![all(&[]), all(&["-"])], true));
        // Without the standard input as INPUT, `-` is a file's name.
        let case = Case::new().set("a=-");
        assert!(matches!(
            case.run(&[files("a")]),
            Err(SettingError::Path { .. })
        ));
    }

    #[test]
    fn what_plugins_toml_grants_is_not_granted_twice() {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().canonicalize().expect("it is there");
        std::fs::write(root.join("a"), b"").expect("it is writable");
        let roundabout = root.join("..").join(root.file_name().expect("a name"));
        let mut case = Case::new()
            .config("dirs", RawValue::Text(".".to_owned()))
            .config("files", RawValue::List(vec!["a".to_owned()]));
        case.base = root.clone();
        case.grants = Grants {
            directories: vec![DirectoryGrant {
                host: roundabout.clone(),
                guest: None,
                access: Access::ReadWrite,
            }],
            files: vec![FileGrant {
                host: roundabout.join("a"),
                guest: None,
                access: Access::Read,
            }],
            ..Grants::default()
        };
        let configuration = case.run(&schema()).expect("all is there");
        assert_eq!(configuration.grants, case.grants);
    }

    #[test]
    fn an_input_without_a_place_or_a_file_is_refused() {
        let of = |schema: &[ConfigSchemaItem]| {
            Case::new()
                .input(Input::Stdin)
                .run(schema)
                .map_err(|e| e.to_string())
        };
        assert_eq!(
            of(&[item("on", ConfigSchemaType::Boolean(true))]),
            Err("the source takes no files, so that INPUT has no place in its configuration; its items are `on`".to_owned())
        );
        let files = |id: &str| item(id, ConfigSchemaType::Files(vec![]));
        assert_eq!(
            of(&[files("a"), files("b")]),
            Err(
                "the source takes files in `a`, `b`: say which of them the input is, by its path once more: `--set a=-`"
                    .to_owned()
            )
        );
        let input = |path: &str| Case::new().input(Input::File(path.into())).error();
        assert_eq!(
            input("/nowhere/x"),
            "cannot read the input /nowhere/x: No such file or directory (os error 2)"
        );
        assert_eq!(
            input("/"),
            "cannot read the input /: it is a directory, and a file is wanted"
        );
    }

    #[test]
    fn a_schema_that_contradicts_itself_is_its_authors_fault() {
        let of = |schema: &[ConfigSchemaItem]| check_schema(schema).map_err(|e| e.to_string());
        let wrong = |id: &str, reason: &str| {
            Err(format!(
                "the plugin's schema is wrong at item `{id}`: {reason}; its author has to correct it"
            ))
        };
        let on = || item("on", ConfigSchemaType::Boolean(true));
        assert_eq!(of(&[on(), on()]), wrong("on", "the id is there twice"));
        let bad = ConfigSchemaType::Dropdown((vec!["a".to_owned()], "b".to_owned()));
        assert_eq!(
            of(&[item("d", bad)]),
            wrong("d", "the default is not one of the options")
        );
        assert_eq!(
            of(&[item("", dropdown())]),
            wrong("", "an id must not be empty or have a `=`")
        );
    }
}
