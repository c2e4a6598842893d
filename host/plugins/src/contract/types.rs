//! The records, variants and flags of the 0.2.0 interfaces, as Rust.
//!
//! They are what travels by value: configuration, schemas, capabilities, errors. What travels in bulk (messages, bytes of
//! a trace) is an archive, and belongs to `chipmunk-payload`. Names and order of fields and cases are those of `wit/deps`;
//! the engine checks them against the component when a function is looked up, so a slip here cannot misread a guest.

use serde::{Deserialize, Serialize};
use wasmer_component::{ComponentType, Lift, Lower, flags};

/// A plugin's own version (`shared-types.version`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ComponentType, Lift,
)]
#[component(record)]
pub struct Version {
    /// Incompatible changes.
    pub major: u16,
    /// Additions.
    pub minor: u16,
    /// Corrections.
    pub patch: u16,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why a plugin could not be initialised (`shared-types.init-error`). The texts are the plugin's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, ComponentType, Lift)]
#[component(variant)]
pub enum InitError {
    /// The configuration is not usable.
    #[error("configuration: {0}")]
    Config(String),
    /// Something outside the plugin failed.
    #[error("input/output: {0}")]
    Io(String),
    /// The host asked for something that the plugin does not offer.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// The value of a configuration item (`shared-types.config-value`).
#[derive(Debug, Clone, PartialEq, Serialize, ComponentType, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i32),
    /// A number.
    Float(f32),
    /// Any text.
    Text(String),
    /// Paths of directories, granted to the plugin for reading.
    Directories(Vec<String>),
    /// Paths of files, granted to the plugin for reading.
    Files(Vec<String>),
    /// One of the options of the schema.
    Dropdown(String),
}

/// A configuration item with its value (`shared-types.config-item`).
#[derive(Debug, Clone, PartialEq, Serialize, ComponentType, Lower)]
#[component(record)]
pub struct ConfigItem {
    /// The item's id in the plugin's schema.
    pub id: String,
    /// Its value.
    pub value: ConfigValue,
}

/// One item that a plugin lets its user configure (`shared-types.config-schema-item`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ComponentType, Lift)]
#[component(record)]
pub struct ConfigSchemaItem {
    /// Identifies the item in the plugin.
    pub id: String,
    /// Short name for the user.
    pub title: String,
    /// One or two sentences for the user.
    pub description: Option<String>,
    /// Kind of the value, and its default.
    pub input_type: ConfigSchemaType,
}

/// The kinds of configuration values, with their defaults (`shared-types.config-schema-type`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ComponentType, Lift)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigSchemaType {
    /// True or false; the default.
    Boolean(bool),
    /// A whole number; the default.
    Integer(i32),
    /// A number; the default.
    Float(f32),
    /// Any text; the default.
    Text(String),
    /// Any number of directories; none by default.
    Directories,
    /// Any number of files; the extensions the plugin can read, without dot, empty for any.
    Files(Vec<String>),
    /// One of several options, and the default.
    Dropdown((Vec<String>, String)),
}

impl ConfigSchemaType {
    /// The case's name in WIT, for messages to the user.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Directories => "directories",
            Self::Files(_) => "files",
            Self::Dropdown(_) => "dropdown",
        }
    }
}

/// How much a log line matters (`logging.level`), most important first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    #[default]
    Warn,
    /// Something is worth knowing.
    Info,
    /// For who looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

/// What the host tells every source (`bytesource-types.source-config`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(record)]
pub struct SourceConfig {
    /// Lines below this level are not wanted.
    pub log_level: LogLevel,
}

/// Why a guest's `read` failed (`bytesource-types.source-error`). The texts are the plugin's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, ComponentType, Lift)]
#[component(variant)]
pub enum SourceError {
    /// Reading failed.
    #[error("input/output: {0}")]
    Io(String),
    /// The input is of a kind that the source cannot read.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What the host wants to know of each message (`parse-types.output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ComponentType, Lower)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Only where each message lies in the input.
    Ranges,
    /// One line of text a message.
    Line,
    /// The columns of each message.
    Columns,
}

/// What the host tells every parser (`parse-types.parser-config`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(record)]
pub struct ParserConfig {
    /// Lines below this level are not wanted.
    pub log_level: LogLevel,
    /// What the host will read of each message.
    pub output: Output,
    /// A batch is to stop, with the tail *full*, before its archive grows beyond so many bytes.
    pub max_archive_bytes: u32,
}

/// One column of a message (`parse-types.column-info`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift)]
#[component(record)]
pub struct ColumnInfo {
    /// Its heading.
    pub caption: String,
    /// What it says.
    pub description: String,
    /// Width in characters; -1 for the rest of the line.
    pub width: i16,
}

/// How columns are shown (`parse-types.columns-render-options`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift)]
#[component(record)]
pub struct ColumnsRenderOptions {
    /// The columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// Least width in characters.
    pub min_width: u16,
    /// Greatest width in characters.
    pub max_width: u16,
}

/// How messages are shown (`parse-types.render-options`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift)]
#[component(record)]
pub struct RenderOptions {
    /// For parsers with columns.
    pub columns_options: Option<ColumnsRenderOptions>,
}

flags! {
    /// What a parser can do (`parse-types.capabilities`).
    pub ParserCapabilities {
        /// Finds the next message after garbage by itself, and from any offset in the input.
        const RESYNCHRONISES;
        /// Answers [`Output::Ranges`].
        const RANGES;
        /// Answers [`Output::Line`].
        const LINE;
        /// Answers [`Output::Columns`].
        const COLUMNS;
        /// May yield attachments.
        const ATTACHMENTS;
    }
}

flags! {
    /// What a source can do (`bytesource-types.capabilities`).
    pub SourceCapabilities {
        /// Its segments carry timestamps.
        const TIMESTAMPS;
        /// Its input has no end of its own.
        const LIVE;
    }
}

impl ParserCapabilities {
    /// The capability that an output needs.
    pub fn of(output: Output) -> Self {
        match output {
            Output::Ranges => Self::RANGES,
            Output::Line => Self::LINE,
            Output::Columns => Self::COLUMNS,
        }
    }

    const ALL: [(Self, &'static str); 5] = [
        (Self::RESYNCHRONISES, "resynchronises"),
        (Self::RANGES, "ranges"),
        (Self::LINE, "line"),
        (Self::COLUMNS, "columns"),
        (Self::ATTACHMENTS, "attachments"),
    ];

    /// Those of these names; names of anything else are passed over.
    pub fn named(names: &[impl AsRef<str>]) -> Self {
        Self::ALL
            .into_iter()
            .filter(|(_, name)| names.iter().any(|given| given.as_ref() == *name))
            .fold(Self::default(), |all, (flag, _)| all | flag)
    }

    /// Their names in the WIT.
    pub fn names(self) -> Vec<&'static str> {
        Self::ALL
            .into_iter()
            .filter(|(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
            .collect()
    }
}

impl SourceCapabilities {
    const ALL: [(Self, &'static str); 2] = [(Self::TIMESTAMPS, "timestamps"), (Self::LIVE, "live")];

    /// Those of these names; names of anything else are passed over.
    pub fn named(names: &[impl AsRef<str>]) -> Self {
        Self::ALL
            .into_iter()
            .filter(|(_, name)| names.iter().any(|given| given.as_ref() == *name))
            .fold(Self::default(), |all, (flag, _)| all | flag)
    }

    /// Their names in the WIT.
    pub fn names(self) -> Vec<&'static str> {
        Self::ALL
            .into_iter()
            .filter(|(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
            .collect()
    }
}
