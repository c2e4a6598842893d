//! Opens the two sides of an export: native or plugin, by what the command line chose.
//!
//! Native sides take the same settings as the plugins of their kind, so that one command line does for both.

use std::{fs::File, path::PathBuf};

use anyhow::Context;
use chipmunk_pipeline::{
    BatchParser, ByteSource, CacheUse,
    export::Captions,
    native::{
        self, DltCoreParser, DltOptions, DltOutput, DltReader, StreamSource, TextOptions,
        TextOutput, TextReader,
    },
};
use chipmunk_plugins::{
    CacheOutcome, Input, Kind, Output, ParserProxy, ParserRequest, PluginRuntime, RuntimeOptions,
    Settings, SourceRequest,
    contract::{ConfigSchemaType, ParserCapabilities},
};

use crate::{
    Usage,
    args::{
        Endpoint, ExportArguments, Format, LogLevel, ParserChoice, RegistryArguments, Setting,
        SourceChoice,
    },
};

/// The configuration item that `--argument-separator` sets.
const ARGUMENT_SEPARATOR: &str = "argument-separator";

/// The configuration item that `--separator` sets in parsers that join columns themselves.
const COLUMN_SEPARATOR: &str = "column-separator";

/// The configuration item of the DLT parsers that says whether messages have storage headers.
const STORAGE_HEADER: &str = "storage-header";

/// The configuration item of the text parsers that says where lines are split.
const COLUMN_SPLIT: &str = "column-split";

/// Both sides, ready to run.
pub struct Sides {
    pub source: Box<dyn ByteSource>,
    pub parser: ParserSide,
    /// What the parser calls its columns.
    pub captions: Captions,
    /// Whether compiled plugins came from the cache; none if no plugin takes part.
    pub cache: Option<CacheUse>,
}

/// The parsers there are, so that the loop is compiled for each.
pub enum ParserSide {
    Native(Box<BatchParser<DltReader>>),
    DltCore(Box<DltCoreParser>),
    Text(Box<BatchParser<TextReader>>),
    Plugin(Box<ParserProxy>),
}

/// The runtime of the plugins that `--config` and the default directories have.
pub fn runtime(arguments: &RegistryArguments) -> anyhow::Result<PluginRuntime> {
    Ok(PluginRuntime::new(RuntimeOptions {
        config_file: arguments.config.clone(),
        ..RuntimeOptions::default()
    })?)
}

/// Opens source and parser. `file` is the input, if it is not the standard input.
pub fn open(
    arguments: &ExportArguments,
    file: Option<StreamSource<File>>,
    log: LogLevel,
) -> anyhow::Result<Sides> {
    let mut opening = Opening {
        arguments,
        log: plugin_log_level(log),
        settings: export_settings(arguments),
        runtime: None,
        captions: Captions::default(),
        cache: None,
    };
    // The parser first: it may add a setting.
    let parser = opening.parser()?;
    let source = opening.source(file)?;
    opening
        .settings
        .finish()
        .map_err(|error| Usage(error.to_string()))?;
    Ok(Sides {
        source,
        parser,
        captions: opening.captions,
        cache: opening.cache,
    })
}

/// What `--set` says.
pub fn settings(given: &[Setting]) -> Settings {
    let mut settings = Settings::default();
    for setting in given {
        settings.set(&setting.id, &setting.value);
    }
    settings
}

fn export_settings(arguments: &ExportArguments) -> Settings {
    let mut settings = settings(&arguments.settings);
    if let Some(separator) = &arguments.argument_separator {
        settings.set(ARGUMENT_SEPARATOR, separator);
    }
    settings
}

/// Plugins know no `off`: what they say is dropped by the host's own log then.
fn plugin_log_level(level: LogLevel) -> chipmunk_plugins::LogLevel {
    use chipmunk_plugins::LogLevel as Level;
    match level {
        LogLevel::Off | LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    }
}

struct Opening<'a> {
    arguments: &'a ExportArguments,
    log: chipmunk_plugins::LogLevel,
    settings: Settings,
    /// Made when the first plugin is asked for.
    runtime: Option<PluginRuntime>,
    captions: Captions,
    cache: Option<CacheUse>,
}

impl Opening<'_> {
    fn parser(&mut self) -> anyhow::Result<ParserSide> {
        Ok(match &self.arguments.parser {
            ParserChoice::Native => {
                ParserSide::Native(Box::new(native::dlt_parser(self.dlt_options()?)))
            }
            ParserChoice::NativeDltCore => {
                let options = self.dlt_options()?;
                ParserSide::DltCore(Box::new(DltCoreParser::new(
                    options.storage_header,
                    &options.argument_separator,
                )))
            }
            ParserChoice::NativeText => {
                ParserSide::Text(Box::new(native::text_parser(&self.text_options())))
            }
            ParserChoice::Plugin(name) => {
                let output = self.plugin_output(name)?;
                let runtime = self.runtime.as_ref().context("the runtime is made")?;
                let opened = runtime.open_parser(
                    name,
                    &ParserRequest {
                        settings: &self.settings,
                        output,
                        log_level: self.log,
                    },
                )?;
                self.note(opened.start.cache);
                ParserSide::Plugin(Box::new(opened.proxy))
            }
        })
    }

    fn source(&mut self, file: Option<StreamSource<File>>) -> anyhow::Result<Box<dyn ByteSource>> {
        let chunk_bytes = usize::try_from(self.arguments.chunk_bytes).unwrap_or(usize::MAX);
        match (&self.arguments.source, file) {
            (SourceChoice::Native, Some(file)) => Ok(Box::new(file.with_chunk_bytes(chunk_bytes))),
            (SourceChoice::Native, None) => Ok(Box::new(
                StreamSource::stdin().with_chunk_bytes(chunk_bytes),
            )),
            (SourceChoice::Plugin(name), _) => {
                self.runtime()?;
                let runtime = self.runtime.as_ref().context("the runtime is made")?;
                let opened = runtime.open_source(
                    name,
                    &SourceRequest {
                        settings: &self.settings,
                        input: Some(&plugin_input(&self.arguments.input)),
                        chunk_bytes,
                        log_level: self.log,
                    },
                )?;
                self.note(opened.start.cache);
                Ok(Box::new(opened.proxy))
            }
        }
    }

    fn runtime(&mut self) -> anyhow::Result<&PluginRuntime> {
        match &mut self.runtime {
            Some(runtime) => Ok(runtime),
            none => Ok(none.insert(runtime(&self.arguments.registry)?)),
        }
    }

    /// What to ask the parser for.
    ///
    /// Text is columns that the host joins with `--separator`. A parser that offers lines and has an item for the separator
    /// does the same itself and faster, so it is asked for lines, with that item set.
    fn plugin_output(&mut self, name: &str) -> anyhow::Result<Output> {
        let format = self.arguments.format;
        let runtime = self.runtime()?;
        let (factory, cache) = runtime.factory(name, Some(Kind::Parser))?;
        let mut session = factory.ask()?;
        let capabilities = session.parser_capabilities()?;
        let joins = format == Format::Text
            && capabilities.contains(ParserCapabilities::LINE)
            && session.schema()?.iter().any(|item| {
                item.id == COLUMN_SEPARATOR && matches!(item.input_type, ConfigSchemaType::Text(_))
            });
        if takes_columns(format) {
            let options = session.render_options()?;
            let columns = options.and_then(|options| options.columns_options);
            let columns = columns.map_or_else(Vec::new, |options| options.columns);
            self.captions = Captions::new(columns.into_iter().map(|column| column.caption));
        }
        self.note(cache);
        if joins {
            self.settings
                .set(COLUMN_SEPARATOR, &self.arguments.separator);
        }
        Ok(match format {
            Format::Raw => Output::Ranges,
            Format::Text if joins => Output::Line,
            Format::Text | Format::Csv | Format::Jsonl
                if capabilities.contains(ParserCapabilities::COLUMNS) =>
            {
                Output::Columns
            }
            Format::Text | Format::Csv | Format::Jsonl => Output::Line,
            Format::None if capabilities.contains(ParserCapabilities::RANGES) => Output::Ranges,
            Format::None if capabilities.contains(ParserCapabilities::LINE) => Output::Line,
            Format::None => Output::Columns,
        })
    }

    /// The options of the native DLT parsers.
    fn dlt_options(&mut self) -> Result<DltOptions, Usage> {
        self.captions = Captions::new(chipmunk_dlt::COLUMNS.map(|column| column.caption));
        let last = |id| {
            self.settings
                .take(id)
                .last()
                .map(|value| (*value).to_owned())
        };
        let mut options = DltOptions {
            output: match self.arguments.format {
                Format::Text => DltOutput::Line,
                Format::Csv | Format::Jsonl => DltOutput::Columns,
                Format::Raw | Format::None => DltOutput::Ranges,
            },
            ..DltOptions::default()
        };
        if let Some(value) = last(STORAGE_HEADER) {
            options.storage_header = value.parse().map_err(|_| {
                Usage(format!(
                    "--set {STORAGE_HEADER}={value}: the value is `true` or `false`"
                ))
            })?;
        }
        if let Some(value) = last(ARGUMENT_SEPARATOR) {
            options.argument_separator = value;
        }
        // As with the plugin, the flag is what counts.
        last(COLUMN_SEPARATOR);
        options.column_separator = self.arguments.separator.clone();
        Ok(options)
    }

    /// The options of the native text parser.
    fn text_options(&mut self) -> TextOptions {
        self.captions = Captions::new([chipmunk_text::CAPTION]);
        let split = self.settings.take(COLUMN_SPLIT);
        TextOptions {
            output: match self.arguments.format {
                Format::Text | Format::Csv | Format::Jsonl => TextOutput::Columns,
                Format::Raw | Format::None => TextOutput::Ranges,
            },
            separator: split
                .last()
                .map_or_else(String::new, |split| (*split).to_owned()),
        }
    }

    fn note(&mut self, outcome: CacheOutcome) {
        let outcome = match outcome {
            CacheOutcome::Hit => CacheUse::Hit,
            CacheOutcome::Miss => CacheUse::Miss,
        };
        self.cache = Some(self.cache.map_or(outcome, |before| before.and(outcome)));
    }
}

/// Whether the format tells a message's columns apart, and names them.
fn takes_columns(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Jsonl)
}

fn plugin_input(endpoint: &Endpoint) -> Input {
    match endpoint {
        Endpoint::Stream => Input::Stdin,
        Endpoint::File(path) => Input::File(PathBuf::from(path)),
    }
}
