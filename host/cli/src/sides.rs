//! Opens the two sides of an export: native or plugin, by what the command line chose.
//!
//! Native sides take the same settings as the plugins of their kind, so that one command line does for both.

use std::{
    fmt::Write,
    fs::File,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chipmunk_pipeline::{
    ByteSource, CacheUse, DEFAULT_BUFFER_LIMIT, DEFAULT_CHUNK_BYTES, Stop,
    export::Captions,
    native::{
        DltCoreParser, DltOptions, DltOutput, FollowSource, StreamSource, TextOptions, TextOutput,
        Turn,
    },
};
use chipmunk_plugins::{
    CacheOutcome, FOLLOW, Input, Kind, Output, ParserOpener, ParserProxy, ParserRequest,
    PluginFactory, PluginRuntime, RuntimeOptions, Settings, SourceRequest, StartInfo,
    config::{PipelineSettings, PluginsFile},
    contract::{ConfigSchemaType, ParserCapabilities},
};

use crate::{
    Usage,
    args::{
        Endpoint, ExportArguments, Format, LogLevel, ParserChoice, RegistryArguments, Setting,
        SourceChoice,
    },
    output,
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
    /// Whether the source may wait for bytes that do not exist yet, if its input is a regular file.
    pub source_waits: bool,
    pub parser: ParserSide,
    /// What the parser calls its columns.
    pub captions: Captions,
    /// Whether compiled plugins came from the cache; none if no plugin takes part.
    pub cache: Option<CacheUse>,
    /// What compiled them; `several` if not the same.
    pub compiler: Option<&'static str>,
}

/// The parsers there are, so that the loop is compiled for each. Those that can be split come with what more of them is made of.
pub enum ParserSide {
    Native(Box<DltOptions>),
    DltCore(Box<DltCoreParser>),
    Text(TextOptions),
    Plugin(Box<ParserProxy>),
    Plugins(Box<ParserProxy>, Box<ParserOpener>),
}

/// How much to do at a time: as the command line says, or plugins.toml, or by default.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub jobs: NonZeroUsize,
    pub chunk_bytes: usize,
    pub max_message_bytes: usize,
}

impl Sizes {
    pub fn new(arguments: &ExportArguments) -> anyhow::Result<Self> {
        let file = match &arguments.registry.config {
            Some(path) => PluginsFile::read(path)?.pipeline,
            None => PipelineSettings::default(),
        };
        let said = arguments
            .jobs
            .and_then(|jobs| NonZeroUsize::new(jobs.into()))
            .or(file.jobs.map(Into::into));
        let jobs = match said {
            Some(jobs) => jobs,
            None => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        };
        let bytes = |argument: Option<u64>, file: Option<std::num::NonZeroU32>, default| {
            argument
                .or(file.map(|bytes| bytes.get().into()))
                .map_or(default, |bytes| {
                    usize::try_from(bytes).unwrap_or(usize::MAX)
                })
        };
        Ok(Self {
            jobs,
            chunk_bytes: bytes(arguments.chunk_bytes, file.chunk_bytes, DEFAULT_CHUNK_BYTES),
            max_message_bytes: bytes(
                arguments.max_message_bytes,
                file.max_message_bytes,
                DEFAULT_BUFFER_LIMIT,
            ),
        })
    }
}

/// The runtime of the plugins that `--config` and the default directories have.
pub fn runtime(arguments: &RegistryArguments) -> anyhow::Result<PluginRuntime> {
    Ok(PluginRuntime::new(RuntimeOptions {
        config_file: arguments.config.clone(),
        compiler: arguments.compiler,
        ..RuntimeOptions::default()
    })?)
}

/// Opens source and parser. `file` is the input, if it is not the standard input.
pub fn open(
    arguments: &ExportArguments,
    file: Option<StreamSource<File>>,
    sizes: Sizes,
    log: LogLevel,
) -> anyhow::Result<Sides> {
    let mut opening = Opening {
        arguments,
        sizes,
        log: plugin_log_level(log),
        settings: export_settings(arguments),
        runtime: None,
        captions: Captions::default(),
        source_waits: false,
        cache: None,
        compiler: None,
    };
    // The parser first: it may add a setting.
    let parser = opening.parser()?;
    let source = opening.source(file)?;
    opening
        .settings
        .finish()
        .map_err(|error| Usage(error.to_string()))?;
    if let (Some(path), Some(runtime)) = (&arguments.perf_map, &opening.runtime) {
        std::fs::write(path, perf_map(runtime))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Sides {
        source,
        source_waits: opening.source_waits,
        parser,
        captions: opening.captions,
        cache: opening.cache,
        compiler: opening.compiler,
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

/// Where the plugins' functions are in memory, as `perf` reads it: address and length in hex, name.
fn perf_map(runtime: &PluginRuntime) -> String {
    let mut map = String::new();
    for (plugin, function) in runtime.native_functions() {
        // Writing to a string does not fail.
        let _ = writeln!(
            map,
            "{:x} {:x} {plugin}: {}",
            function.address,
            function.length,
            function.name.replace(['\n', '\r'], " ")
        );
    }
    map
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
    sizes: Sizes,
    log: chipmunk_plugins::LogLevel,
    settings: Settings,
    /// Made when the first plugin is asked for.
    runtime: Option<PluginRuntime>,
    captions: Captions,
    source_waits: bool,
    cache: Option<CacheUse>,
    compiler: Option<&'static str>,
}

impl Opening<'_> {
    fn parser(&mut self) -> anyhow::Result<ParserSide> {
        Ok(match &self.arguments.parser {
            ParserChoice::Native => ParserSide::Native(Box::new(self.dlt_options()?)),
            ParserChoice::NativeDltCore => {
                let options = self.dlt_options()?;
                ParserSide::DltCore(Box::new(DltCoreParser::new(
                    options.storage_header,
                    &options.argument_separator,
                )))
            }
            ParserChoice::NativeText => ParserSide::Text(self.text_options()),
            ParserChoice::Plugin(name) => {
                let (factory, cache) = self.runtime()?.factory(name, Some(Kind::Parser))?;
                let (output, splits) = self.plugin_output(&factory)?;
                let runtime = self.runtime.as_ref().context("the runtime is made")?;
                let request = ParserRequest {
                    settings: &self.settings,
                    output,
                    separator: matches!(self.arguments.format, Format::Text | Format::None)
                        .then_some(&*self.arguments.separator),
                    log_level: self.log,
                };
                let opened = runtime.open_parser_of(&factory, cache, &request)?;
                let opener = if splits {
                    // They also parse what is no part of the trace, and would tell of it.
                    let log_level = chipmunk_plugins::LogLevel::Error;
                    let request = ParserRequest {
                        log_level,
                        ..request
                    };
                    Some(runtime.parser_opener(factory, &request)?)
                } else {
                    None
                };
                self.note(&opened.start);
                let proxy = Box::new(opened.proxy);
                match opener {
                    Some(opener) => ParserSide::Plugins(proxy, Box::new(opener)),
                    None => ParserSide::Plugin(proxy),
                }
            }
        })
    }

    fn source(&mut self, file: Option<StreamSource<File>>) -> anyhow::Result<Box<dyn ByteSource>> {
        let chunk_bytes = self.sizes.chunk_bytes;
        let followed = self.followed()?;
        match (&self.arguments.source, file) {
            (SourceChoice::Native, Some(_)) if let Some((path, stop)) = followed => {
                let name = path.display().to_string();
                let tell = move |turn| {
                    let what = match turn {
                        Turn::Truncated => "was truncated",
                        Turn::Replaced => "was replaced by another file",
                    };
                    output::tell(&format_args!(
                        "warning: {name} {what}; reading on from its beginning"
                    ));
                };
                let source = FollowSource::open(path, stop, tell)?;
                self.source_waits = true;
                Ok(Box::new(source.with_chunk_bytes(chunk_bytes)))
            }
            (SourceChoice::Native, Some(file)) => Ok(Box::new(file.with_chunk_bytes(chunk_bytes))),
            (SourceChoice::Native, None) => Ok(Box::new(
                StreamSource::stdin().with_chunk_bytes(chunk_bytes),
            )),
            (SourceChoice::Plugin(name), _) => {
                if followed.is_some() {
                    self.set_follow(name)?;
                }
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
                self.note(&opened.start);
                self.source_waits = followed.is_some() || opened.proxy.may_wait();
                Ok(match followed {
                    Some((path, stop)) => {
                        Box::new(opened.proxy.with_stop(stop, tell_if_replaced(path)))
                    }
                    None => Box::new(opened.proxy),
                })
            }
        }
    }

    /// The file to follow, and what ends that; none if nothing is followed.
    fn followed(&self) -> anyhow::Result<Option<(PathBuf, Stop)>> {
        if !self.arguments.follow {
            return Ok(None);
        }
        let Endpoint::File(path) = &self.arguments.input else {
            return Err(Usage(
                "--follow needs a file; the standard input is read until it ends anyway".to_owned(),
            )
            .into());
        };
        let stop = Stop::new();
        output::stop_on_signals(stop.clone())?;
        Ok(Some((path.clone(), stop)))
    }

    /// Tells a source that it is to follow its file.
    fn set_follow(&mut self, name: &str) -> anyhow::Result<()> {
        let (factory, _) = self.runtime()?.factory(name, Some(Kind::ByteSource))?;
        let mut session = factory.ask()?;
        let can = session.schema()?.iter().any(|item| {
            item.id == FOLLOW && matches!(item.input_type, ConfigSchemaType::Boolean(_))
        });
        if can {
            self.settings.set(FOLLOW, "true");
        } else if !session.capabilities()?.contains(&"live") {
            return Err(Usage(format!(
                "the source {name} cannot follow a file: it has no configuration item `{FOLLOW}`; use --source native"
            ))
            .into());
        }
        Ok(())
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
    fn plugin_output(&mut self, factory: &PluginFactory) -> anyhow::Result<(Output, bool)> {
        let format = self.arguments.format;
        let facts = factory.facts()?;
        let capabilities = facts.parser_capabilities();
        let joins = format == Format::Text
            && capabilities.contains(ParserCapabilities::LINE)
            && facts.schema.iter().any(|item| {
                item.id == COLUMN_SEPARATOR && matches!(item.input_type, ConfigSchemaType::Text(_))
            });
        if takes_columns(format) {
            let options = facts.render_options.as_ref();
            let columns = options.and_then(|options| options.columns_options.as_ref());
            let columns = columns.map_or(&[][..], |options| &options.columns);
            self.captions = Captions::new(columns.iter().map(|column| column.caption.clone()));
        }
        // What a plugin says of a guess is told to nobody; whoever wants to hear all of it has one instance.
        use chipmunk_plugins::LogLevel as Level;
        let quiet = matches!(self.log, Level::Error | Level::Warn);
        let splits = self.sizes.jobs.get() > 1 && quiet && ParserOpener::splits(capabilities);
        if joins {
            self.settings
                .set(COLUMN_SEPARATOR, &self.arguments.separator);
        }
        let output = match format {
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
        };
        Ok((output, splits))
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

    fn note(&mut self, start: &StartInfo) {
        self.compiler = match self.compiler {
            Some(before) if before != start.compiler => Some("several"),
            _ => Some(start.compiler),
        };
        let outcome = match start.cache {
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

/// Tells, once, if another file is under the name: a plugin has the file that it was granted, and no other.
fn tell_if_replaced(path: PathBuf) -> impl FnMut() + Send + 'static {
    let first = identity(&path);
    let mut told = first.is_none();
    move || {
        if !told && identity(&path).is_some_and(|present| Some(present) != first) {
            told = true;
            output::tell(&format_args!(
                "warning: {} was replaced by another file; the plugin goes on with the old one, which it was granted: \
                 --source native follows the name",
                path.display()
            ));
        }
    }
}

/// What tells files apart, where the system has it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

fn plugin_input(endpoint: &Endpoint) -> Input {
    match endpoint {
        Endpoint::Stream => Input::Stdin,
        Endpoint::File(path) => Input::File(PathBuf::from(path)),
    }
}
