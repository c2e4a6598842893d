//! What can go wrong between a name on the command line and the last byte of a trace.
//!
//! One enum a boundary: what a file is ([`FormatError`]), what `plugins.toml` says ([`ConfigError`]), what the user sets
//! ([`SettingError`]), what a guest did ([`GuestFault`]); [`PluginError`] joins them with the plugin's name. Messages name the
//! thing and, where there is one, the remedy; nothing here is worth matching on but the case.

use std::path::PathBuf;

use crate::contract::{ApiVersion, ConfigSchemaType, Kind, Offered};

/// Why a file is not a plugin that this host runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No wasm at all.
    #[error("it is not WebAssembly: it does not begin with `\\0asm`{}", if *.text { " (it looks like text; a `.wat` file must be translated first: `wasm-tools parse IN.wat -o OUT.wasm`)" } else { "" })]
    NotWasm {
        /// Its beginning looks like text.
        text: bool,
    },
    /// A core module instead of a component.
    #[error(
        "it is a core WebAssembly module, {}: build it for the target `wasm32-wasip2`, or make a component of it \
         with `wasm-tools component new IN.wasm -o OUT.wasm` (with `--adapt` when it uses WASI preview 1)",
        if cfg!(feature = "wasix") {
            "and exports no function of an interface, as a plugin would"
        } else {
            "and this program was built without the feature `wasix`, which runs those"
        }
    )]
    CoreModule,
    /// Wasm, but not readable.
    #[error(
        "its WebAssembly is broken at byte offset {offset}: {message}; build it again or fetch it again"
    )]
    Broken {
        /// Offset in the file, in bytes.
        offset: usize,
        /// What the reader says.
        message: String,
    },
    /// A component that is no plugin.
    #[error(
        "it is a component of another world: it exports {}, and a plugin exports `chipmunk:parser/parser` or \
         `chipmunk:bytesource/byte-source`, in one of the versions {v}", quoted_or(.exports, "nothing"), v = ApiVersion::SUPPORTED
    )]
    OtherWorld {
        /// What it exports.
        exports: Vec<String>,
    },
    /// A plugin of an API that this host does not know.
    #[error(
        "it exports `{interface}`, and this host has the API in the versions {v}: use a newer host, or a build of the plugin for \
         one of them", v = ApiVersion::SUPPORTED
    )]
    UnknownApi {
        /// The export that says so.
        interface: String,
    },
    /// It needs something that this host does not have.
    #[error("it imports `{import}`, which this host does not have: {}", offered_in_words(*.offered))]
    UnknownImport {
        /// The import.
        import: String,
        /// What comes near.
        offered: Offered,
    },
}

/// What is wrong with `plugins.toml`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, or not ours.
    #[error("{path}:{line}: {message}", path = .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, with the keys that are known.
        message: String,
    },
    /// It is well formed, but an entry cannot be used.
    #[error("{path}:{line}: plugin `{plugin}`: {message}", path = .path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Line of the entry's name, from 1.
        line: usize,
        /// The entry's name.
        plugin: String,
        /// What is wrong, and what to write instead.
        message: String,
    },
}

/// Where a configuration value was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// With `--set`, or a flag that stands for it.
    CommandLine,
    /// In `plugins.toml`.
    File,
}

impl Origin {
    /// What to do about a wrong value of the item `id`.
    fn remedy(self, id: &str) -> String {
        match self {
            Self::CommandLine => format!("correct `--set {id}=...`"),
            Self::File => {
                format!(
                    "correct `{id}` under `[plugins.config]` in plugins.toml, or give another with `--set {id}=...`"
                )
            }
        }
    }
}

/// What is wrong with a configuration value, from the registry, from `--set`, or from INPUT.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// Not of the form ID=VALUE.
    #[error("`{text}` is not a setting: write ID=VALUE")]
    Form {
        /// What was given.
        text: String,
    },
    /// No such item.
    #[error("there is no configuration item `{id}`{}; {}", suggestion(.id, .known), known_items(.known))]
    Unknown {
        /// What was given.
        id: String,
        /// The items there are.
        known: Vec<String>,
        /// Where it was given.
        origin: Origin,
    },
    /// Not of the item's type.
    #[error("configuration item `{id}` takes {}, not `{value}`; {}", kind_in_words(.expected), .origin.remedy(.id))]
    Type {
        /// The item.
        id: String,
        /// Its type.
        expected: Box<ConfigSchemaType>,
        /// What was given.
        value: String,
        /// Where it was given.
        origin: Origin,
    },
    /// Not one of the options.
    #[error(
        "configuration item `{id}` has no option `{value}`{}; its options are {}; {}",
        suggestion(.value, .options), quoted_or(.options, "none"), .origin.remedy(.id)
    )]
    Option {
        /// The item.
        id: String,
        /// What was given.
        value: String,
        /// The options there are.
        options: Vec<String>,
        /// Where it was given.
        origin: Origin,
    },
    /// A file or directory that is not there, or is something else.
    #[error(
        "configuration item `{id}` takes {}, and `{path}` cannot be used: {reason}; {}",
        kind_in_words(.expected), .origin.remedy(.id), path = .path.display()
    )]
    Path {
        /// The item.
        id: String,
        /// Its type.
        expected: Box<ConfigSchemaType>,
        /// The path, as given; what plugins.toml says is relative to that file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Where it was given.
        origin: Origin,
    },
    /// INPUT cannot be read.
    #[error("cannot read the input {path}: {reason}", path = .path.display())]
    Input {
        /// The path, as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The source has no item that INPUT could be the value of.
    #[error(
        "the source takes no files, so that INPUT has no place in its configuration; {}", known_items(.known)
    )]
    NoInputItem {
        /// The items there are.
        known: Vec<String>,
    },
    /// The source has several.
    #[error(
        "the source takes files in {}: say which of them the input is, by its path once more: `--set {}={input}`",
        quoted_or(.items, "no item"), .items.first().map_or("ID", String::as_str)
    )]
    ManyInputItems {
        /// The items of type *files*.
        items: Vec<String>,
        /// INPUT, as given.
        input: String,
    },
    /// The item that INPUT is the value of is set as well, to something else.
    #[error("configuration item `{id}` is the input already: leave out `--set {id}=...`")]
    InputSetTwice {
        /// The item.
        id: String,
    },
    /// The plugin's own schema is unusable.
    #[error("the plugin's schema is wrong at item `{id}`: {reason}; its author has to correct it")]
    Schema {
        /// The item.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

impl SettingError {
    /// Whether it is the command line that has to be corrected: not `plugins.toml`, not the plugin, and no file that is missing
    /// where INPUT should be.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Form { .. }
            | Self::NoInputItem { .. }
            | Self::ManyInputItems { .. }
            | Self::InputSetTwice { .. } => true,
            Self::Unknown { origin, .. }
            | Self::Type { origin, .. }
            | Self::Option { origin, .. }
            | Self::Path { origin, .. } => *origin == Origin::CommandLine,
            Self::Input { .. } | Self::Schema { .. } => false,
        }
    }
}

/// What ended a plugin's session: the guest misbehaved, reached a limit, or could not be run.
///
/// Its `Display` is one line; [`GuestFault::details`] has the guest's function names and its last log lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}`: `{function}` {cause}")]
pub struct GuestFault {
    /// The plugin's name.
    pub plugin: String,
    /// The function of its interface that the host had called.
    pub function: &'static str,
    /// What happened.
    pub cause: FaultCause,
    /// The guest's functions that were running, innermost first, where known.
    pub frames: Vec<String>,
    /// The last lines the guest wrote to its log, oldest first.
    pub log_lines: Vec<String>,
}

impl GuestFault {
    /// The lines to show below the message: guest functions and last log lines. Empty when neither is known.
    pub fn details(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        if !self.frames.is_empty() {
            text.push_str("  in the plugin's functions, innermost first:\n");
            for frame in &self.frames {
                let _ = writeln!(text, "    {frame}");
            }
        }
        if !self.log_lines.is_empty() {
            text.push_str("  the plugin's last log lines:\n");
            for line in &self.log_lines {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }

    /// The message and, where there are any, the details below it.
    pub fn report(&self) -> String {
        let details = self.details();
        if details.is_empty() {
            self.to_string()
        } else {
            format!("{self}\n{}", details.trim_end())
        }
    }
}

/// The ways a guest call ends badly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultCause {
    /// The guest trapped.
    #[error("trapped: {0}")]
    Trap(String),
    /// The call took longer than the limit.
    #[error(
        "did not return within {limit_ms} ms and was stopped; raise `call-timeout-ms` under `[plugins.limits]` in plugins.toml \
         if it needs longer"
    )]
    Timeout {
        /// The limit.
        limit_ms: u64,
    },
    /// The guest wanted more memory than it may have.
    #[error(
        "needed more than the {limit} bytes of memory it may have; raise `memory-bytes` under `[plugins.limits]` in plugins.toml \
         if it needs more"
    )]
    Memory {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The guest returned more than the host takes.
    #[error(
        "returned more than the {limit} bytes it may; raise `max-output-bytes` under `[plugins.limits]` in plugins.toml if that is \
         right"
    )]
    Output {
        /// The limit, in bytes.
        limit: u32,
    },
    /// What the guest returned is not what the contract says.
    #[error("returned something that the contract does not allow: {0}")]
    Contract(String),
    /// The plugin's own words for what it could not do.
    #[error("failed: {0}")]
    Refused(String),
    /// An earlier call failed, and nothing was called.
    #[error("was not called: an earlier call ended this plugin's session")]
    Ended,
    /// The engine could not do the call.
    #[error("could not be called: {0}")]
    Engine(String),
}

/// What can go wrong with a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// No plugin of that name.
    #[error("there is no plugin `{name}`; {}; or give the path of a `.wasm` file", known_plugins(.known, .searched))]
    NotFound {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// The directories that were searched.
        searched: Vec<PathBuf>,
    },
    /// The registry has the name, but no file for it.
    #[error("plugin `{name}` has no `path` in plugins.toml, and there is no `{name}.wasm` in {}", paths(.searched))]
    NoFile {
        /// The name.
        name: String,
        /// The directories that were searched.
        searched: Vec<PathBuf>,
    },
    /// The plugin's file cannot be read.
    #[error("cannot read plugin `{plugin}` from {path}: {source}", path = .path.display())]
    Read {
        /// The plugin.
        plugin: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The plugin's file is not a plugin that this host runs.
    #[error("{path} cannot be used as plugin `{plugin}`: {source}", path = .path.display())]
    Format {
        /// The plugin.
        plugin: String,
        /// Its file.
        path: PathBuf,
        /// What it is instead.
        source: FormatError,
    },
    /// A parser where a source is wanted, or the other way round.
    #[error("plugin `{plugin}` ({path}) is a {is}, and a {wanted} is wanted here", path = .path.display())]
    Kind {
        /// The plugin.
        plugin: String,
        /// Its file.
        path: PathBuf,
        /// What it is.
        is: Kind,
        /// What was asked for.
        wanted: Kind,
    },
    /// The file is not the one that the registry means.
    #[error(
        "plugin `{plugin}`: {path} has the BLAKE3 hash {found}, and plugins.toml says {wanted}: it is not the file that was \
         registered; restore it, or correct `blake3`", path = .path.display()
    )]
    Hash {
        /// The plugin.
        plugin: String,
        /// Its file.
        path: PathBuf,
        /// What its content hashes to, in hex.
        found: String,
        /// What the registry says.
        wanted: String,
    },
    /// The component cannot be compiled.
    #[error("plugin `{plugin}` ({path}) cannot be compiled: {message}", path = .path.display())]
    Compile {
        /// The plugin.
        plugin: String,
        /// Its file.
        path: PathBuf,
        /// What the engine says.
        message: String,
    },
    /// The component cannot be instantiated, or lacks a function of its world.
    #[error("plugin `{plugin}` cannot be started: {message}")]
    Start {
        /// The plugin.
        plugin: String,
        /// What the engine says.
        message: String,
    },
    /// The component calls what this host does not have.
    #[error("plugin `{plugin}` cannot be started: it needs the import `{import}`, which this host does not have{}; {remedy}", offered_as(.offered))]
    Import {
        /// The plugin.
        plugin: String,
        /// The import, as `interface` or `interface#item`.
        import: String,
        /// The same interface in another version.
        offered: Option<String>,
        /// What to do.
        remedy: &'static str,
    },
    /// A directory or file cannot be granted.
    #[error("plugin `{plugin}`: {message}; see `[plugins.grants]` in plugins.toml")]
    Grant {
        /// The plugin.
        plugin: String,
        /// The path on the host, and why.
        message: String,
    },
    /// The plugin's directory for temporary files cannot be made.
    #[error(
        "plugin `{plugin}`: there is no directory for its temporary files: {source}; set TMPDIR to a directory that can be written"
    )]
    Sandbox {
        /// The plugin.
        plugin: String,
        /// Why.
        source: std::io::Error,
    },
    /// The plugin cannot do what was asked of it.
    #[error("plugin `{plugin}` does not offer {what}; {remedy}")]
    Capability {
        /// The plugin.
        plugin: String,
        /// What was asked for.
        what: String,
        /// What to do instead.
        remedy: String,
    },
    /// A configuration value does not fit.
    #[error("plugin `{plugin}`: {source}")]
    Setting {
        /// The plugin.
        plugin: String,
        /// What is wrong.
        source: Box<SettingError>,
    },
    /// A setting fits none of the plugins.
    #[error(transparent)]
    Settings(Box<SettingError>),
    /// The registry's file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The compiler was not built into this program.
    #[error(
        "plugin `{plugin}` is to be compiled with `{compiler}`, which this program was built without (it has: {}); build it with the \
         feature `{compiler}`: cargo build --release --workspace --bin chipmunk-plugins --features {compiler}{}",
        .built_in.join(", "), llvm_first(.compiler)
    )]
    Compiler {
        /// The plugin.
        plugin: String,
        /// The compiler, which is also the name of the feature.
        compiler: &'static str,
        /// The compilers there are.
        built_in: Vec<&'static str>,
    },
    /// There is no cache of compiled plugins, or it does not keep one.
    #[error("{message}")]
    Cache {
        /// What is wrong, and what to do.
        message: String,
    },
    /// The engine could not be made.
    #[error("the WebAssembly engine cannot be used: {message}")]
    Engine {
        /// What the engine says.
        message: String,
    },
    /// The guest failed.
    #[error("{}", .0.report())]
    Guest(Box<GuestFault>),
}

impl From<SettingError> for PluginError {
    fn from(error: SettingError) -> Self {
        Self::Settings(Box::new(error))
    }
}

impl PluginError {
    /// Whether it is the command line that asks for something that cannot be.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Setting { source, .. } | Self::Settings(source) => source.is_usage(),
            Self::Capability { .. } => true,
            _ => false,
        }
    }
}

impl From<GuestFault> for PluginError {
    fn from(fault: GuestFault) -> Self {
        Self::Guest(Box::new(fault))
    }
}

fn quoted_or(names: &[String], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The one of `known` that was probably meant by `given`.
fn suggestion(given: &str, known: &[String]) -> String {
    const LIKE: f64 = 0.75;
    let likeness = |name: &&String| strsim::normalized_damerau_levenshtein(given, name);
    let best = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best.filter(|best| likeness(best) >= LIKE) {
        Some(best) => format!(" (did you mean `{best}`?)"),
        None => String::new(),
    }
}

fn offered_as(offered: &Option<String>) -> String {
    match offered {
        Some(offered) => format!(" (it has `{offered}`)"),
        None => String::new(),
    }
}

fn offered_in_words(offered: Offered) -> String {
    match offered {
        Offered::Nothing => format!(
            "it has WASI 0.2 (`wasi:...@0.2.x`){core} and `chipmunk:shared/logging` and `chipmunk:shared/sandbox` ({}), and no grant \
             adds to that; build the plugin without the import",
            ApiVersion::SUPPORTED,
            core = if cfg!(feature = "wasix") {
                ", for core modules `wasi_snapshot_preview1` and `wasix_32v1`,"
            } else {
                ""
            },
        ),
        Offered::Versions => format!(
            "it has that interface in the versions {}; build the plugin for one of them",
            ApiVersion::SUPPORTED
        ),
        Offered::Wasi => {
            "it has WASI in version 0.2 (`wasi:...@0.2.x`); build the plugin for WASI 0.2"
                .to_owned()
        }
    }
}

fn known_items(known: &[String]) -> String {
    match known {
        [] => "it has no configuration items".to_owned(),
        known => format!("its items are {}", quoted_or(known, "")),
    }
}

fn paths(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// LLVM itself must be there, at the place that its build script is told.
fn llvm_first(compiler: &str) -> &'static str {
    match compiler {
        "llvm" => ", or `just build-llvm`, which installs LLVM as well",
        _ => "",
    }
}

fn known_plugins(known: &[String], searched: &[PathBuf]) -> String {
    let places = paths(searched);
    match (known, searched) {
        ([], []) => "no plugin is registered and no plugins directory exists".to_owned(),
        ([], _) => format!("no plugin was found in {places} (`just build` puts them there)"),
        (known, _) => format!("there are {}", quoted_or(known, "")),
    }
}

fn kind_in_words(kind: &ConfigSchemaType) -> &'static str {
    match kind {
        ConfigSchemaType::Boolean(_) => "`true` or `false`",
        ConfigSchemaType::Integer(_) => "a whole number from -2147483648 to 2147483647",
        ConfigSchemaType::Float(_) => "a number between -3.4e38 and 3.4e38",
        ConfigSchemaType::Text(_) => "a text",
        ConfigSchemaType::Directories => "paths of directories",
        ConfigSchemaType::Files(_) => "paths of files",
        ConfigSchemaType::Dropdown(_) => "one of its options",
    }
}
