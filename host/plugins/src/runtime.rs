//! The plugins of one program: found, loaded, started, looked at.
//!
//! A [`PluginRuntime`] joins registry, artifact cache and engine. What it opens is independent of it: a proxy owns its guest
//! and lives as long as it is wanted. The engine of a compiler is made when the first plugin is loaded that wants it, so that a program that
//! uses none pays for none.

mod precompile;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chipmunk_payload::SourceChunk;
use chipmunk_pipeline::{Parser as _, ParserError};
use serde::Serialize;
use wasmer_component::{Component, Engine, NativeFunction};

use crate::cache::{
    ArtifactCache, ArtifactKey, CacheOutcome, ContentHash, DEFAULT_MAX_BYTES, Filed, Note, now,
};
use crate::compiled::Compiled;
use crate::config::{Grants, Limits, PluginCompiler, PluginsFile, RawValue};
use crate::contract::{
    ApiVersion, ConfigItem, ConfigSchemaItem, ConfigValue, Description, Flavour, Kind, LogLevel,
    Output, RenderOptions, SourceCapabilities, Version, describe,
};
use crate::error::{FaultCause, PluginError};
use crate::factory::PluginFactory;
use crate::facts::Facts;
use crate::guest::{Chunk, ParserGuest, ReadFailure, SourceGuest};
use crate::opener::ParserOpener;
use crate::proxy::{ByteSourceProxy, ParserProxy, ReadAhead, check_length, parser_proxy};
use crate::registry::{PluginEntry, PluginRegistry};
use crate::schema::{Configuration, Given, Input, Settings, configure};

pub use precompile::Precompiled;

/// The configuration item by which a live source is told whether to wait at the end of its input, `true` or `false`. One that has no such
/// item always may.
pub const FOLLOW: &str = "follow";

/// Where a runtime looks and keeps things.
#[derive(Debug, Clone, Default)]
pub struct RuntimeOptions {
    /// A `plugins.toml`.
    pub config_file: Option<PathBuf>,
    /// Plugins directories; `None`: [`PluginRegistry::default_directories`].
    pub directories: Option<Vec<PathBuf>>,
    /// Where compiled plugins are kept.
    pub cache: CacheChoice,
    /// What plugins are compiled with, whatever `plugins.toml` says; `None`: what it says, or Cranelift.
    pub compiler: Option<PluginCompiler>,
}

/// Where compiled plugins are kept on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// In [`DiskCache::default_directory`](crate::DiskCache::default_directory).
    #[default]
    Default,
    /// There.
    Directory(PathBuf),
    /// Nowhere.
    Off,
}

/// What a source is opened with.
#[derive(Debug)]
pub struct SourceRequest<'a> {
    /// Settings of the command line.
    pub settings: &'a Settings,
    /// What the source is to read, when that is not all in the settings.
    pub input: Option<&'a Input>,
    /// Bytes to ask for at a time; limited by half of the plugin's `max-output-bytes`.
    pub chunk_bytes: usize,
    /// Log lines below are not wanted.
    pub log_level: LogLevel,
}

/// What a parser is opened with.
#[derive(Debug)]
pub struct ParserRequest<'a> {
    /// Settings of the command line.
    pub settings: &'a Settings,
    /// What will be read of each message.
    pub output: Output,
    /// What the reader is going to put between the cells of a message, so that a parser of API 0.1.0 may do so on the way; none for who
    /// wants them apart.
    pub separator: Option<&'a str>,
    /// Log lines below are not wanted.
    pub log_level: LogLevel,
}

/// A plugin that was opened.
#[derive(Debug)]
pub struct Opened<T> {
    /// What the pipeline takes.
    pub proxy: T,
    /// How it came to be.
    pub start: StartInfo,
}

/// How a plugin was started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StartInfo {
    /// Its name.
    pub plugin: String,
    /// Its own version.
    pub version: Version,
    /// Whether it was compiled before.
    pub cache: CacheOutcome,
    /// What compiled it.
    pub compiler: &'static str,
    /// From its name to being ready to be called, in milliseconds.
    pub start_ms: f64,
}

/// One line of `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it is, when it can be used.
    pub kind: Option<Kind>,
    /// The API it is of.
    pub api: Option<ApiVersion>,
    /// What it needs of the host.
    pub flavour: Option<Flavour>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// All that can be said of a plugin without giving it work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Length of its file in bytes.
    pub bytes: usize,
    /// BLAKE3 hash of its file, in hex: the value for `blake3` in plugins.toml.
    pub blake3: String,
    /// A parser or a source.
    pub kind: Kind,
    /// The API it is of.
    pub api: ApiVersion,
    /// The interface it exports, with its version.
    pub interface: String,
    /// What it needs of the host.
    pub flavour: Flavour,
    /// Whether it is a core module, and not a component.
    pub core_module: bool,
    /// Its own version.
    pub version: Version,
    /// What it can do, in the words of the WIT.
    pub capabilities: Vec<String>,
    /// What can be configured.
    pub schema: Vec<ConfigSchemaItem>,
    /// What plugins.toml says of it, by item id.
    pub config: BTreeMap<String, RawValue>,
    /// How its messages are shown; parsers only.
    pub render_options: Option<RenderOptions>,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it may do with the world outside.
    pub grants: Grants,
    /// How much of it.
    pub limits: Limits,
    /// Whether it was compiled before.
    pub cache: CacheOutcome,
    /// What compiled it.
    pub compiler: &'static str,
}

/// The result of [`PluginRuntime::validate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// The plugin's name.
    pub plugin: String,
    /// What was checked, in order. Nothing is checked behind the first failure.
    pub checks: Vec<Check>,
}

impl Validation {
    /// Whether nothing failed.
    pub fn is_ok(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.outcome != CheckOutcome::Failed)
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was found, or what is wrong.
    pub message: String,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// Well.
    Passed,
    /// There was nothing to check, or no way to.
    Skipped,
    /// Not well.
    Failed,
}

/// A file that was read and described, before anything is compiled.
struct Loaded {
    entry: PluginEntry,
    content: Vec<u8>,
    hash: ContentHash,
    description: Description,
}

/// Finds, loads and opens plugins.
#[derive(Debug)]
pub struct PluginRuntime {
    registry: PluginRegistry,
    cache: ArtifactCache<Compiled>,
    /// Why there is no cache on disk.
    no_disk: Option<String>,
    /// What plugins are compiled with whatever else is said.
    compiler: Option<PluginCompiler>,
    /// Made when a plugin is loaded that is to be compiled with it.
    engines: Mutex<HashMap<PluginCompiler, Engine>>,
}

impl PluginRuntime {
    /// A runtime; reads `plugins.toml` and lists the directories, loads nothing.
    ///
    /// # Errors
    /// [`PluginError::Config`].
    pub fn new(options: RuntimeOptions) -> Result<Self, PluginError> {
        let file = options
            .config_file
            .as_deref()
            .map(PluginsFile::read)
            .transpose()?;
        let directories = options
            .directories
            .unwrap_or_else(PluginRegistry::default_directories);
        let (disk, no_disk) = match options.cache.open(DEFAULT_MAX_BYTES) {
            Ok(disk) => (Some(disk), None),
            Err(reason) => {
                if options.cache != CacheChoice::Off {
                    tracing::warn!("plugins are compiled at every start: {reason}");
                }
                (None, Some(reason))
            }
        };
        Ok(Self {
            registry: PluginRegistry::new(file, &directories),
            cache: ArtifactCache::new(disk),
            no_disk,
            compiler: options.compiler,
            engines: Mutex::default(),
        })
    }

    /// The plugins there are.
    pub fn registry(&self) -> &PluginRegistry {
        &self.registry
    }

    /// Where the functions of all plugins that were loaded are in memory, each with its plugin's name: for profilers.
    pub fn native_functions(&self) -> Vec<(String, NativeFunction)> {
        let loaded = self.cache.in_memory();
        let functions = loaded.iter().flat_map(|plugin| plugin.native_functions());
        functions.collect()
    }

    /// The plugins there are, and what each is; compiles nothing.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |entry: &PluginEntry| {
            let loaded = self.read(entry.clone());
            let description = loaded.as_ref().ok().map(|loaded| &loaded.description);
            Listed {
                name: entry.name.clone(),
                path: entry.path.clone(),
                kind: description.map(|description| description.kind),
                api: description.map(|description| description.api),
                flavour: description.map(|description| description.flavour),
                problem: loaded.as_ref().err().map(ToString::to_string),
            }
        };
        self.registry.entries().iter().map(listed).collect()
    }

    /// What the plugin called `name_or_path` is, without compiling it.
    ///
    /// # Errors
    /// It cannot be found or read, or is no plugin of this host.
    pub fn describe(&self, name_or_path: &str) -> Result<Description, PluginError> {
        Ok(self.read(self.registry.resolve(name_or_path)?)?.description)
    }

    /// The factory of the plugin called `name_or_path`, which must be a `wanted` where that is said.
    ///
    /// # Errors
    /// It cannot be found, read or compiled, or is no plugin of this host.
    pub fn factory(
        &self,
        name_or_path: &str,
        wanted: Option<Kind>,
    ) -> Result<(PluginFactory, CacheOutcome), PluginError> {
        let loaded = self.read(self.registry.resolve(name_or_path)?)?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != loaded.description.kind) {
            return Err(PluginError::Kind {
                plugin: loaded.entry.name,
                path: loaded.entry.path,
                is: loaded.description.kind,
                wanted,
            });
        }
        self.compile(loaded)
    }

    /// Opens a byte source: loads it, gives it its configuration, initialises it.
    ///
    /// # Errors
    /// Anything from a name that does not exist to what the plugin's `init` refuses.
    pub fn open_source(
        &self,
        name_or_path: &str,
        request: &SourceRequest<'_>,
    ) -> Result<Opened<ByteSourceProxy>, PluginError> {
        let begin = Instant::now();
        let (factory, cache) = self.factory(name_or_path, Some(Kind::ByteSource))?;
        let (configuration, version) = self.configure(&factory, request.settings, request.input)?;
        let capabilities = factory.facts()?.source_capabilities();
        let told_not_to = configuration
            .items
            .iter()
            .any(|item| item.id == FOLLOW && item.value == ConfigValue::Boolean(false));
        let read_ahead = if configuration.grants.stdin {
            ReadAhead::Never
        } else if capabilities.contains(SourceCapabilities::LIVE) && !told_not_to {
            ReadAhead::BehindFullChunks
        } else {
            ReadAhead::Always
        };
        let guest = factory.source(&configuration, request.log_level)?;
        let chunk_bytes = request
            .chunk_bytes
            .min(factory.limits().max_output_bytes as usize / 2);
        let guest: Box<dyn SourceGuest> = Box::new(guest);
        let start = start_info(&factory, version, cache, begin);
        Ok(Opened {
            proxy: ByteSourceProxy::new(guest, chunk_bytes).with_read_ahead(read_ahead),
            start,
        })
    }

    /// Opens a parser: loads it, gives it its configuration, initialises it.
    ///
    /// # Errors
    /// As [`PluginRuntime::open_source`], and [`PluginError::Capability`] when it does not offer the output.
    pub fn open_parser(
        &self,
        name_or_path: &str,
        request: &ParserRequest<'_>,
    ) -> Result<Opened<ParserProxy>, PluginError> {
        let begin = Instant::now();
        let (factory, cache) = self.factory(name_or_path, Some(Kind::Parser))?;
        let mut opened = self.open_parser_of(&factory, cache, request)?;
        opened.start.start_ms = milliseconds_since(begin);
        Ok(opened)
    }

    /// As [`PluginRuntime::open_parser`], of a factory of this runtime that was looked at before.
    ///
    /// # Errors
    /// As [`PluginRuntime::open_parser`].
    pub fn open_parser_of(
        &self,
        factory: &PluginFactory,
        cache: CacheOutcome,
        request: &ParserRequest<'_>,
    ) -> Result<Opened<ParserProxy>, PluginError> {
        let begin = Instant::now();
        let (configuration, version) = self.configure(factory, request.settings, None)?;
        let mut guest = factory.parser(&configuration, request.output, request.log_level)?;
        if let Some(separator) = request.separator {
            guest.join_columns(separator);
        }
        let guest: Box<dyn ParserGuest> = Box::new(guest);
        let start = start_info(factory, version, cache, begin);
        Ok(Opened {
            proxy: parser_proxy(guest),
            start,
        })
    }

    /// What opens the parser of `factory`, with this request, as often as it is asked to. Opens none yet.
    ///
    /// # Errors
    /// As [`PluginRuntime::open_parser`], but for what goes wrong in `init`.
    pub fn parser_opener(
        &self,
        factory: PluginFactory,
        request: &ParserRequest<'_>,
    ) -> Result<ParserOpener, PluginError> {
        let (configuration, _) = self.configure(&factory, request.settings, None)?;
        let (output, log_level) = (request.output, request.log_level);
        Ok(ParserOpener::new(factory, configuration, output, log_level))
    }

    /// Looks at a plugin: compiles and instantiates it, with no grant at all, and asks it what it can do.
    ///
    /// # Errors
    /// As [`PluginRuntime::factory`], and what goes wrong in the plugin's functions.
    pub fn inspect(&self, name_or_path: &str) -> Result<Inspection, PluginError> {
        let loaded = self.read(self.registry.resolve(name_or_path)?)?;
        let bytes = loaded.content.len();
        let (factory, cache) = self.compile(loaded)?;
        let Facts {
            version,
            schema,
            capabilities,
            render_options,
        } = factory.facts()?.clone();
        let (entry, description) = (factory.entry(), factory.description());
        Ok(Inspection {
            name: entry.name.clone(),
            path: entry.path.clone(),
            bytes,
            blake3: factory.hash().to_string(),
            kind: description.kind,
            api: description.api,
            interface: description.interface.clone(),
            flavour: description.flavour,
            core_module: description.core_module,
            version,
            capabilities,
            schema,
            config: entry.config.clone(),
            render_options,
            imports: description.imports.clone(),
            grants: entry.grants.clone(),
            limits: entry.limits,
            cache,
            compiler: factory.engine().compiler().name(),
        })
    }

    /// Goes through a plugin as a host would, and says how far it gets: file, format, compilation, functions, schema,
    /// configuration of plugins.toml and `settings`, `init`, and for parsers a first call with nothing and one with garbage.
    pub fn validate(&self, name_or_path: &str, settings: &Settings) -> Validation {
        let mut validation = Validation {
            plugin: name_or_path.to_owned(),
            checks: Vec::new(),
        };
        let checks = &mut validation.checks;
        let Some(loaded) = check(checks, "file and format", || {
            let loaded = self.read(self.registry.resolve(name_or_path)?)?;
            let Description {
                kind,
                api,
                flavour,
                core_module,
                ..
            } = &loaded.description;
            let form = match core_module {
                true => ", core module",
                false => "",
            };
            let message = format!(
                "{} bytes, a {kind} of API {api}, {flavour}{form}",
                loaded.content.len()
            );
            Ok((loaded, message))
        }) else {
            return validation;
        };
        let Some(factory) = check(checks, "compilation", || {
            let (factory, cache) = self.compile(loaded)?;
            let message = match cache {
                CacheOutcome::Hit => "taken from the cache",
                CacheOutcome::Miss => "compiled",
            };
            Ok((factory, message.to_owned()))
        }) else {
            return validation;
        };
        let Some((schema, capabilities)) = check(checks, "functions that describe it", || {
            let mut session = factory.ask()?;
            let (version, schema, capabilities) = (
                session.version()?,
                session.schema()?,
                session.capabilities()?,
            );
            session.render_options()?;
            let can = if capabilities.is_empty() {
                "nothing in particular".to_owned()
            } else {
                capabilities.join(", ")
            };
            let message = format!(
                "version {version}, {} configuration items, can do: {can}",
                schema.len()
            );
            Ok(((schema, capabilities), message))
        }) else {
            return validation;
        };
        let Some(configuration) = check(checks, "schema and configuration", || {
            let configuration = self.configure_by(&factory, &schema, settings, None)?;
            Ok((
                configuration,
                "every item has a value of its type".to_owned(),
            ))
        }) else {
            return validation;
        };
        match factory.description().kind {
            Kind::Parser => validate_parser(checks, &factory, &configuration, &capabilities),
            Kind::ByteSource => validate_source(checks, &factory, &configuration),
        }
        validation
    }

    fn read(&self, entry: PluginEntry) -> Result<Loaded, PluginError> {
        let content = std::fs::read(&entry.path).map_err(|source| PluginError::Read {
            plugin: entry.name.clone(),
            path: entry.path.clone(),
            source,
        })?;
        let hash = ContentHash::of(&content);
        if let Some(wanted) = entry
            .blake3
            .as_ref()
            .filter(|wanted| **wanted != hash.to_string())
        {
            return Err(PluginError::Hash {
                plugin: entry.name,
                path: entry.path,
                found: hash.to_string(),
                wanted: wanted.clone(),
            });
        }
        let description = describe(&content).map_err(|source| PluginError::Format {
            plugin: entry.name.clone(),
            path: entry.path.clone(),
            source,
        })?;
        match entry.kind {
            Some(wanted) if wanted != description.kind => Err(PluginError::Kind {
                plugin: entry.name,
                path: entry.path,
                is: description.kind,
                wanted,
            }),
            _ => Ok(Loaded {
                entry,
                content,
                hash,
                description,
            }),
        }
    }

    fn compile(&self, loaded: Loaded) -> Result<(PluginFactory, CacheOutcome), PluginError> {
        let engine = &self.engine(&loaded.entry)?;
        let fingerprint = loaded.description.fingerprint(engine);
        let key = ArtifactKey::new(&loaded.hash, &fingerprint);
        let load = |filed: Filed| {
            // SAFETY: `deserialize_bytes` demands that the bytes come from `serialize`, from where nobody else can write, and that
            // they do not change. They come from a `DiskCache`: its directory belongs to the running user and is closed to all
            // others, which was checked when it was opened, and so was each file when it was mapped; a file is never written
            // again; what is in the files was written by `store`, from `serialize`, as the checksum confirms, by an engine of
            // this very fingerprint, which is part of the key in the file's header.
            let component = unsafe { Component::deserialize_bytes(engine, filed.artifact) }?;
            let facts = filed.note.and_then(|note| note.facts);
            Ok(Arc::new(Compiled::new(
                loaded.entry.name.clone(),
                component,
                facts,
            )))
        };
        let factory = |compiled: Arc<Compiled>| {
            PluginFactory::new(
                engine.clone(),
                compiled,
                loaded.entry.clone(),
                loaded.description.clone(),
                loaded.hash,
            )
        };
        let compile = || {
            let begin = Instant::now();
            let component = loaded.description.compile(engine, &loaded.content)?;
            let compile_ms = begin.elapsed().as_millis();
            let compiled = Compiled::new(loaded.entry.name.clone(), component, None);
            let compiled = Arc::new(compiled);
            // Without an artifact the plugin runs, and is compiled again the next time.
            let artifact = compiled
                .serialize()
                .inspect_err(|error| tracing::debug!("no artifact: {error}"))
                .ok();
            let note = |factory: PluginFactory| Note {
                plugin: loaded.entry.name.clone(),
                blake3: loaded.hash.to_string(),
                wasm_bytes: loaded.content.len() as u64,
                compiler: engine.compiler().name().to_owned(),
                compile_ms: u64::try_from(compile_ms).unwrap_or(u64::MAX),
                compiled_at: now(),
                facts: factory.first_facts().cloned(),
            };
            let artifact = artifact.map(|artifact| (note(factory(compiled.clone())), artifact));
            Ok((compiled, artifact))
        };
        let result: Result<_, wasmer_component::Error> = self.cache.get(key, load, compile);
        let (compiled, outcome) = result.map_err(|error| PluginError::Compile {
            plugin: loaded.entry.name.clone(),
            path: loaded.entry.path.clone(),
            message: error.to_string(),
        })?;
        Ok((factory(compiled), outcome))
    }

    /// The engine that a plugin is compiled with.
    fn engine(&self, entry: &PluginEntry) -> Result<Engine, PluginError> {
        let wanted = self.compiler.or(entry.compiler).unwrap_or_default();
        let compiler = wasmer_component::Compiler::from(wanted);
        if !compiler.is_built_in() {
            return Err(PluginError::Compiler {
                plugin: entry.name.clone(),
                compiler: wanted.name(),
                built_in: PluginCompiler::ALL
                    .into_iter()
                    .filter(|compiler| wasmer_component::Compiler::from(*compiler).is_built_in())
                    .map(PluginCompiler::name)
                    .collect(),
            });
        }
        // A map of engines is whole whatever panicked.
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&wanted) {
            return Ok(engine.clone());
        }
        let config = wasmer_component::Config::new().compiler(compiler);
        let engine = Engine::new(&config).map_err(|error| PluginError::Engine {
            message: error.to_string(),
        })?;
        engines.insert(wanted, engine.clone());
        Ok(engine)
    }

    /// Gives every item of the plugin's schema its value.
    fn configure(
        &self,
        factory: &PluginFactory,
        settings: &Settings,
        input: Option<&Input>,
    ) -> Result<(Configuration, Version), PluginError> {
        let facts = factory.facts()?;
        Ok((
            self.configure_by(factory, &facts.schema, settings, input)?,
            facts.version,
        ))
    }

    fn configure_by(
        &self,
        factory: &PluginFactory,
        schema: &[ConfigSchemaItem],
        settings: &Settings,
        input: Option<&Input>,
    ) -> Result<Configuration, PluginError> {
        let entry = factory.entry();
        let given = Given {
            config: &entry.config,
            base: &entry.base,
            settings,
            input,
            grants: &entry.grants,
        };
        configure(schema, &given).map_err(|source| PluginError::Setting {
            plugin: entry.name.clone(),
            source: Box::new(source),
        })
    }
}

fn start_info(
    factory: &PluginFactory,
    version: Version,
    cache: CacheOutcome,
    begin: Instant,
) -> StartInfo {
    StartInfo {
        plugin: factory.entry().name.clone(),
        version,
        cache,
        compiler: factory.engine().compiler().name(),
        start_ms: milliseconds_since(begin),
    }
}

fn milliseconds_since(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

/// Notes how `run` went; its value, if well.
fn check<T>(
    checks: &mut Vec<Check>,
    what: &'static str,
    run: impl FnOnce() -> Result<(T, String), PluginError>,
) -> Option<T> {
    let (value, outcome, message) = match run() {
        Ok((value, message)) => (Some(value), CheckOutcome::Passed, message),
        Err(error) => (None, CheckOutcome::Failed, error.to_string()),
    };
    checks.push(Check {
        what,
        outcome,
        message,
    });
    value
}

/// Initialises the parser for the first output it offers, and calls it with nothing and with garbage.
fn validate_parser(
    checks: &mut Vec<Check>,
    factory: &PluginFactory,
    configuration: &Configuration,
    capabilities: &[&'static str],
) {
    let outputs = [
        ("ranges", Output::Ranges),
        ("line", Output::Line),
        ("columns", Output::Columns),
    ];
    let offered: Vec<_> = outputs
        .into_iter()
        .filter(|(name, _)| capabilities.contains(name))
        .collect();
    if offered.is_empty() {
        let message =
            "it offers none of `ranges`, `line`, `columns`: there is nothing to ask of it"
                .to_owned();
        checks.push(Check {
            what: "outputs",
            outcome: CheckOutcome::Failed,
            message,
        });
    }
    // A parser may insist on files that nobody has named here; to say so is no fault.
    let in_need = configuration.items.iter().any(names_nothing);
    for (name, output) in offered {
        let called = check(checks, "init and parse", || {
            let session = match factory.parser(configuration, output, LogLevel::Error) {
                Err(PluginError::Guest(fault))
                    if in_need && matches!(fault.cause, FaultCause::Refused(_)) =>
                {
                    let message = format!(
                        "output `{name}`: neither plugins.toml nor `--set` names the files it wants, and so {fault}"
                    );
                    return Ok(((), message));
                }
                session => session?,
            };
            let mut proxy = parser_proxy(session);
            for (input, at_end) in [
                (&b""[..], false),
                (GARBAGE, false),
                (GARBAGE, true),
                (b"", true),
            ] {
                try_parse(&mut proxy, factory, input, at_end)?;
            }
            Ok((
                (),
                match factory.description().api {
                    ApiVersion::V0_1 => {
                        format!("output `{name}`: answers garbage and its end as the contract says")
                    }
                    ApiVersion::V0_2 => format!(
                        "output `{name}`: answers nothing, garbage, and their end with valid archives"
                    ),
                },
            ))
        });
        if called.is_none() {
            return;
        }
    }
}

/// Bytes that are no message of anything.
const GARBAGE: &[u8] =
    b"\0\x01garbage, and nothing but garbage\xff\xfe\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn try_parse<G: ParserGuest>(
    proxy: &mut ParserProxy<G>,
    factory: &PluginFactory,
    input: &[u8],
    at_end: bool,
) -> Result<(), PluginError> {
    match proxy.parse_each(input, None, at_end, |_, _| ControlFlow::Continue(())) {
        Ok(()) | Err(ParserError::Incomplete | ParserError::Eof | ParserError::Parse(_)) => Ok(()),
        // What its own words say may well be true of garbage; a fault is not.
        Err(ParserError::Unrecoverable(message)) if !message.starts_with("plugin `") => Ok(()),
        Err(error) => Err(PluginError::Start {
            plugin: factory.entry().name.clone(),
            message: error.to_string(),
        }),
    }
}

/// Whether an item of paths has none.
fn names_nothing(item: &ConfigItem) -> bool {
    match &item.value {
        ConfigValue::Files(paths) | ConfigValue::Directories(paths) => paths.is_empty(),
        _ => false,
    }
}

/// Initialises the source, when plugins.toml says what it is to read, and reads once.
fn validate_source(
    checks: &mut Vec<Check>,
    factory: &PluginFactory,
    configuration: &Configuration,
) {
    if configuration.items.iter().any(names_nothing) {
        let message = "neither plugins.toml nor `--set` says what it is to read".to_owned();
        checks.push(Check {
            what: "init and read",
            outcome: CheckOutcome::Skipped,
            message,
        });
        return;
    }
    check(checks, "init and read", || {
        let mut session = factory.source(configuration, LogLevel::Error)?;
        let mut read = String::new();
        let result = session.read(1 << 16, &mut |chunk| {
            read = match chunk {
                Chunk::Archive(archive) => {
                    let chunk = SourceChunk::check(archive, 1 << 16)
                        .map_err(|error| FaultCause::Contract(error.to_string()))?;
                    format!("read {} bytes in a valid archive", chunk.bytes().len())
                }
                Chunk::Bytes(bytes) => {
                    check_length(bytes, 1 << 16)?;
                    format!("read {} bytes", bytes.len())
                }
            };
            Ok(())
        });
        match result {
            Ok(()) => Ok(((), read)),
            Err(ReadFailure::Refused { error, .. }) => {
                Ok(((), format!("refused in its own words: {error}")))
            }
            Err(ReadFailure::Fault(fault)) => Err(PluginError::Guest(fault)),
        }
    });
}
