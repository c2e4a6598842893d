//! The plugin that is looked at, and new instances of it.
//!
//! Every run of a check has an instance of its own, in a store of its own: `init` is for one trace, and what one check does to a
//! guest is not to show in another.

use std::path::Path;

use chipmunk_plugins::config::Grants;
use chipmunk_plugins::contract::{
    ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue, ParserConfig, RenderOptions,
    Session, SourceConfig, Version,
};
use chipmunk_plugins::schema::{Configuration, Given, configure};
use chipmunk_plugins::{
    FaultCause, GuestFault, Input, Kind, LogLevel, Output, PluginError, PluginFactory,
    SettingError, Settings,
};

/// A plugin, compiled, and what it says of itself.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub factory: PluginFactory,
    pub settings: &'a Settings,
    pub told: Told,
}

/// What the functions that describe a plugin say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub version: Version,
    pub schema: Vec<ConfigSchemaItem>,
    pub capabilities: Vec<&'static str>,
    pub render_options: Option<RenderOptions>,
}

/// Those functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Version,
    Schema,
    Capabilities,
    RenderOptions,
}

impl Question {
    pub const ALL: [Self; 4] = [
        Self::Version,
        Self::Schema,
        Self::Capabilities,
        Self::RenderOptions,
    ];
}

impl Told {
    /// Asks for everything, in an order that may have a question more than once. The last answer counts, and `differs` is told of
    /// one that is not as the answer before it.
    pub fn ask(
        session: &mut Session,
        order: &[Question],
        mut differs: impl FnMut(Question),
    ) -> Result<Self, GuestFault> {
        let (mut version, mut schema, mut capabilities, mut render_options) =
            (None, None, None, None);
        for question in order {
            let again = match question {
                Question::Version => changed(&mut version, session.version()?),
                Question::Schema => changed(&mut schema, session.schema()?),
                Question::Capabilities => changed(&mut capabilities, session.capabilities()?),
                Question::RenderOptions => changed(&mut render_options, session.render_options()?),
            };
            if again {
                differs(*question);
            }
        }
        Ok(Self {
            version: match version {
                Some(version) => version,
                None => session.version()?,
            },
            schema: match schema {
                Some(schema) => schema,
                None => session.schema()?,
            },
            capabilities: match capabilities {
                Some(capabilities) => capabilities,
                None => session.capabilities()?,
            },
            render_options: match render_options {
                Some(options) => options,
                None => session.render_options()?,
            },
        })
    }

    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// Puts the value in its place, and says whether there was another one.
fn changed<T: PartialEq>(place: &mut Option<T>, value: T) -> bool {
    place
        .replace(value)
        .is_some_and(|before| place.as_ref() != Some(&before))
}

/// The outputs that there are, and the capability for each; the richest first.
pub(crate) const OUTPUTS: [(Output, &str); 3] = [
    (Output::Columns, "columns"),
    (Output::Line, "line"),
    (Output::Ranges, "ranges"),
];

impl Subject<'_> {
    pub fn kind(&self) -> Kind {
        self.factory.description().kind
    }

    /// The configuration of plugins.toml and the command line, with defaults for the rest; `input` is what a source is to read.
    pub fn configuration(&self, input: Option<&Path>) -> Result<Configuration, SettingError> {
        let entry = self.factory.entry();
        let input = input.map(|path| Input::File(path.to_owned()));
        configure(
            &self.told.schema,
            &Given {
                config: &entry.config,
                base: &entry.base,
                settings: self.settings,
                input: input.as_ref(),
                grants: &entry.grants,
            },
        )
    }

    /// The only item of type *files*, which is where a source's input goes, unless the user has set it.
    pub fn input_item(&self) -> Option<&str> {
        let mut items = self
            .told
            .schema
            .iter()
            .filter(|item| matches!(item.input_type, ConfigSchemaType::Files(_)));
        match (items.next(), items.next()) {
            (Some(item), None) if self.settings.take(&item.id).is_empty() => Some(&item.id),
            _ => None,
        }
    }

    /// An instance that is not initialised.
    pub fn start(&self, grants: &Grants) -> Result<Session, PluginError> {
        self.factory.start(grants, LogLevel::Error)
    }

    /// Has an instance initialised with these items.
    pub fn init(
        &self,
        session: &mut Session,
        items: &[ConfigItem],
        output: Output,
        max_archive_bytes: u32,
    ) -> Result<(), GuestFault> {
        let log_level = LogLevel::Error;
        match self.kind() {
            Kind::Parser => session.init_parser(
                ParserConfig {
                    log_level,
                    output,
                    max_archive_bytes,
                },
                items,
            ),
            Kind::ByteSource => session.init_source(SourceConfig { log_level }, items),
        }
    }

    /// The richest output that a parser offers.
    pub fn output(&self) -> Option<Output> {
        OUTPUTS
            .into_iter()
            .find(|(_, capability)| self.told.can(capability))
            .map(|(output, _)| output)
    }

    /// Bytes that an archive may have when nothing else is asked for.
    pub fn max_archive_bytes(&self) -> u32 {
        self.factory.limits().max_output_bytes
    }
}

/// Whether the guest declined in its own words, which is no fault.
pub(crate) fn is_refusal(fault: &GuestFault) -> bool {
    matches!(fault.cause, FaultCause::Refused(_))
}

/// Whether an item of paths has none.
pub(crate) fn names_nothing(item: &ConfigItem) -> bool {
    match &item.value {
        ConfigValue::Files(paths) | ConfigValue::Directories(paths) => paths.is_empty(),
        _ => false,
    }
}

/// A fault with what is known of its place: the innermost of the guest's functions and its last log line.
pub(crate) fn in_one_line(fault: &GuestFault) -> String {
    const FRAMES: usize = 3;
    let mut line = format!("`{}` {}", fault.function, fault.cause);
    if !fault.frames.is_empty() {
        let frames: Vec<&str> = fault
            .frames
            .iter()
            .take(FRAMES)
            .map(|frame| frame.trim())
            .collect();
        line.push_str(&format!(", in {}", frames.join(" < ")));
    }
    if let Some(last) = fault.log_lines.last() {
        line.push_str(&format!("; its last log line: {last}"));
    }
    line
}

/// What kept an instance from being made.
pub(crate) fn why(error: &PluginError) -> String {
    match error {
        PluginError::Guest(fault) => in_one_line(fault),
        other => other.to_string(),
    }
}
