//! Configuration: what a plugin says that it takes, and what the user gave.
//!
//! The host sends a value for every item of the schema. A plugin does not rely on it: what is missing has the
//! schema's default here, and what is of the wrong type is an error that names the item.

use crate::{ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue, InitError};

/// The values of a plugin's configuration items.
///
/// Each method takes an item's `id` and gives its value, or the schema's default where the user gave none. They fail
/// with [`InitError::Config`] if the item has a value of another type, and with [`InitError::Other`] if the
/// schema has no such item of this type, which is a mistake in the plugin.
#[derive(Debug, Clone)]
pub struct Config {
    schema: Vec<ConfigSchemaItem>,
    items: Vec<ConfigItem>,
}

impl Config {
    /// Values for a schema.
    ///
    /// # Errors
    /// [`InitError::Config`] if there is a value for an item that the schema does not have, or two for one.
    pub fn new(schema: Vec<ConfigSchemaItem>, items: Vec<ConfigItem>) -> Result<Self, InitError> {
        for (index, ConfigItem { id, .. }) in items.iter().enumerate() {
            if !schema.iter().any(|item| item.id == *id) {
                let known: Vec<&str> = schema.iter().map(|item| item.id.as_str()).collect();
                let known = if known.is_empty() {
                    "none".to_string()
                } else {
                    known.join(", ")
                };
                return Err(InitError::Config(format!(
                    "there is no option `{id}`; this plugin has: {known}"
                )));
            }
            if items.iter().take(index).any(|earlier| earlier.id == *id) {
                return Err(InitError::Config(format!(
                    "the option `{id}` is given twice"
                )));
            }
        }
        Ok(Self { schema, items })
    }

    /// The value of a boolean.
    pub fn boolean(&self, id: &str) -> Result<bool, InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Boolean(value)), ConfigSchemaType::Boolean(_)) => Ok(*value),
            (None, ConfigSchemaType::Boolean(default)) => Ok(*default),
            (value, declared) => Err(mismatch(id, "boolean", value, declared)),
        }
    }

    /// The value of an integer.
    pub fn integer(&self, id: &str) -> Result<i32, InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Integer(value)), ConfigSchemaType::Integer(_)) => Ok(*value),
            (None, ConfigSchemaType::Integer(default)) => Ok(*default),
            (value, declared) => Err(mismatch(id, "integer", value, declared)),
        }
    }

    /// The value of a floating-point number.
    pub fn float(&self, id: &str) -> Result<f32, InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Float(value)), ConfigSchemaType::Float(_)) => Ok(*value),
            (None, ConfigSchemaType::Float(default)) => Ok(*default),
            (value, declared) => Err(mismatch(id, "float", value, declared)),
        }
    }

    /// The value of a text.
    pub fn text(&self, id: &str) -> Result<&str, InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Text(value)), ConfigSchemaType::Text(_)) => Ok(value),
            (None, ConfigSchemaType::Text(default)) => Ok(default),
            (value, declared) => Err(mismatch(id, "text", value, declared)),
        }
    }

    /// The option chosen: always one of those in the schema.
    pub fn dropdown(&self, id: &str) -> Result<&str, InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Dropdown(value)), ConfigSchemaType::Dropdown((options, _))) => {
                if options.contains(value) {
                    return Ok(value);
                }
                let options = options.join(", ");
                Err(InitError::Config(format!(
                    "the option `{id}` cannot be `{value}`; it is one of: {options}"
                )))
            }
            (None, ConfigSchemaType::Dropdown((_, default))) => Ok(default),
            (value, declared) => Err(mismatch(id, "dropdown", value, declared)),
        }
    }

    /// Paths of the files chosen; none by default.
    pub fn files(&self, id: &str) -> Result<&[String], InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Files(value)), ConfigSchemaType::Files(_)) => Ok(value),
            (None, ConfigSchemaType::Files(_)) => Ok(&[]),
            (value, declared) => Err(mismatch(id, "files", value, declared)),
        }
    }

    /// The path of the one file chosen.
    ///
    /// # Errors
    /// [`InitError::Config`] also if there is no file, or more than one.
    pub fn file(&self, id: &str) -> Result<&str, InitError> {
        match self.files(id)? {
            [file] => Ok(file),
            [] => Err(InitError::Config(format!(
                "the option `{id}` needs a file, and none is given"
            ))),
            files => Err(InitError::Config(format!(
                "the option `{id}` takes one file, not {}",
                files.len()
            ))),
        }
    }

    /// Paths of the directories chosen; none by default.
    pub fn directories(&self, id: &str) -> Result<&[String], InitError> {
        match (self.value(id), self.declared(id)?) {
            (Some(ConfigValue::Directories(value)), ConfigSchemaType::Directories) => Ok(value),
            (None, ConfigSchemaType::Directories) => Ok(&[]),
            (value, declared) => Err(mismatch(id, "directories", value, declared)),
        }
    }

    fn value(&self, id: &str) -> Option<&ConfigValue> {
        self.items
            .iter()
            .find(|item| item.id == id)
            .map(|item| &item.value)
    }

    fn declared(&self, id: &str) -> Result<&ConfigSchemaType, InitError> {
        let item = self.schema.iter().find(|item| item.id == id);
        item.map(|item| &item.input_type).ok_or_else(|| {
            InitError::Other(format!(
                "the plugin asks for an option `{id}` that its schema does not have"
            ))
        })
    }
}

fn mismatch(
    id: &str,
    asked: &str,
    value: Option<&ConfigValue>,
    declared: &ConfigSchemaType,
) -> InitError {
    let declared = match declared {
        ConfigSchemaType::Boolean(_) => "boolean",
        ConfigSchemaType::Integer(_) => "integer",
        ConfigSchemaType::Float(_) => "float",
        ConfigSchemaType::Text(_) => "text",
        ConfigSchemaType::Directories => "directories",
        ConfigSchemaType::Files(_) => "files",
        ConfigSchemaType::Dropdown(_) => "dropdown",
    };
    let given = match value {
        Some(ConfigValue::Boolean(_)) => "boolean",
        Some(ConfigValue::Integer(_)) => "integer",
        Some(ConfigValue::Float(_)) => "float",
        Some(ConfigValue::Text(_)) => "text",
        Some(ConfigValue::Directories(_)) => "directories",
        Some(ConfigValue::Files(_)) => "files",
        Some(ConfigValue::Dropdown(_)) => "dropdown",
        None => declared,
    };
    if asked == declared {
        InitError::Config(format!(
            "the option `{id}` is of type {declared}, and its value of type {given}"
        ))
    } else {
        InitError::Other(format!(
            "the plugin asks for option `{id}` as {asked}, but its schema says {declared}"
        ))
    }
}

/// Items of a schema. Each takes the item's `id`, kebab-case and unique in the plugin, and the short title shown to
/// the user.
impl ConfigSchemaItem {
    /// A boolean with its default.
    pub fn boolean(id: &str, title: &str, default: bool) -> Self {
        Self::of(id, title, ConfigSchemaType::Boolean(default))
    }

    /// An integer with its default.
    pub fn integer(id: &str, title: &str, default: i32) -> Self {
        Self::of(id, title, ConfigSchemaType::Integer(default))
    }

    /// A floating-point number with its default.
    pub fn float(id: &str, title: &str, default: f32) -> Self {
        Self::of(id, title, ConfigSchemaType::Float(default))
    }

    /// A text with its default.
    pub fn text(id: &str, title: &str, default: &str) -> Self {
        Self::of(id, title, ConfigSchemaType::Text(default.to_string()))
    }

    /// Any number of files, with the extensions that the plugin can read: without dots, none for any.
    pub fn files(id: &str, title: &str, extensions: &[&str]) -> Self {
        Self::of(id, title, ConfigSchemaType::Files(strings(extensions)))
    }

    /// Any number of directories.
    pub fn directories(id: &str, title: &str) -> Self {
        Self::of(id, title, ConfigSchemaType::Directories)
    }

    /// One of several options, and which of them is the default.
    pub fn dropdown(id: &str, title: &str, options: &[&str], default: &str) -> Self {
        Self::of(
            id,
            title,
            ConfigSchemaType::Dropdown((strings(options), default.to_string())),
        )
    }

    /// The same item with a description of one or two sentences.
    pub fn describe(self, description: &str) -> Self {
        Self {
            description: Some(description.to_string()),
            ..self
        }
    }

    fn of(id: &str, title: &str, input_type: ConfigSchemaType) -> Self {
        Self {
            id: id.to_string(),
            title: title.to_string(),
            description: None,
            input_type,
        }
    }
}

fn strings(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|string| string.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::boolean("fast", "Fast", true).describe("Whether it is."),
            ConfigSchemaItem::integer("count", "Count", -3),
            ConfigSchemaItem::float("rate", "Rate", 0.5),
            ConfigSchemaItem::text("name", "Name", "nobody"),
            ConfigSchemaItem::dropdown("mode", "Mode", &["a", "b"], "b"),
            ConfigSchemaItem::files("input", "Input", &["dlt"]),
            ConfigSchemaItem::directories("places", "Places"),
        ]
    }

    fn config(items: &[(&str, ConfigValue)]) -> Result<Config, InitError> {
        let item = |(id, value): &(&str, ConfigValue)| ConfigItem {
            id: id.to_string(),
            value: value.clone(),
        };
        Config::new(schema(), items.iter().map(item).collect())
    }

    fn message(error: InitError) -> String {
        match error {
            InitError::Config(text) => format!("config: {text}"),
            InitError::Other(text) => format!("other: {text}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_missing_has_its_default() {
        let config = config(&[]).unwrap();
        assert_eq!(config.boolean("fast"), Ok(true));
        assert_eq!(config.integer("count"), Ok(-3));
        assert_eq!(config.float("rate"), Ok(0.5));
        assert_eq!(config.text("name"), Ok("nobody"));
        assert_eq!(config.dropdown("mode"), Ok("b"));
        assert_eq!(config.files("input"), Ok(&[][..]));
        assert_eq!(config.directories("places"), Ok(&[][..]));
    }

    #[test]
    fn what_is_given_is_the_value() {
        let config = config(&[
            ("fast", ConfigValue::Boolean(false)),
            ("count", ConfigValue::Integer(7)),
            ("rate", ConfigValue::Float(1.5)),
            ("name", ConfigValue::Text("me".into())),
            ("mode", ConfigValue::Dropdown("a".into())),
            ("input", ConfigValue::Files(vec!["/x.dlt".into()])),
            (
                "places",
                ConfigValue::Directories(vec!["/a".into(), "/b".into()]),
            ),
        ])
        .unwrap();
        assert_eq!(config.boolean("fast"), Ok(false));
        assert_eq!(config.integer("count"), Ok(7));
        assert_eq!(config.float("rate"), Ok(1.5));
        assert_eq!(config.text("name"), Ok("me"));
        assert_eq!(config.dropdown("mode"), Ok("a"));
        assert_eq!(config.file("input"), Ok("/x.dlt"));
        assert_eq!(config.directories("places").map(<[String]>::len), Ok(2));
    }

    #[test]
    fn wrong_values_are_named() {
        let wrong = config(&[
            ("count", ConfigValue::Text("7".into())),
            ("mode", ConfigValue::Dropdown("c".into())),
            ("input", ConfigValue::Files(vec!["a".into(), "b".into()])),
        ])
        .unwrap();
        let text = |result: Result<String, InitError>| message(result.unwrap_err());
        assert_eq!(
            text(wrong.integer("count").map(|value| value.to_string())),
            "config: the option `count` is of type integer, and its value of type text"
        );
        assert_eq!(
            text(wrong.dropdown("mode").map(str::to_string)),
            "config: the option `mode` cannot be `c`; it is one of: a, b"
        );
        assert_eq!(
            text(wrong.file("input").map(str::to_string)),
            "config: the option `input` takes one file, not 2"
        );
        assert_eq!(
            text(config(&[]).unwrap().file("input").map(str::to_string)),
            "config: the option `input` needs a file, and none is given"
        );
    }

    #[test]
    fn unknown_and_repeated_options_are_refused() {
        let unknown = config(&[("speed", ConfigValue::Integer(1))]).unwrap_err();
        assert_eq!(
            message(unknown),
            "config: there is no option `speed`; this plugin has: fast, count, rate, name, mode, input, places"
        );
        let twice = config(&[
            ("count", ConfigValue::Integer(1)),
            ("count", ConfigValue::Integer(2)),
        ])
        .unwrap_err();
        assert_eq!(message(twice), "config: the option `count` is given twice");
    }

    #[test]
    fn a_plugin_that_contradicts_its_schema_is_told_so() {
        let config = config(&[]).unwrap();
        assert_eq!(
            message(config.text("count").unwrap_err()),
            "other: the plugin asks for option `count` as text, but its schema says integer"
        );
        assert_eq!(
            message(config.text("nothing").unwrap_err()),
            "other: the plugin asks for an option `nothing` that its schema does not have"
        );
    }
}
