//! The command line, declared. What the declaration means is up to [`commands`](crate::commands).
//!
//! Errors in here are errors of usage: clap reports them and the program ends with status 2.

mod cache;
mod new;
mod profile;

use std::{fmt, path::PathBuf, str::FromStr};

use chipmunk_plugins::PluginCompiler;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

pub use cache::{CacheClearArguments, CacheCommand, CacheListArguments, PrecompileArguments};
pub use profile::ProfileArguments;

pub use new::{Language, NewArguments, ProjectKind};

/// Reads, parses and exports logs and traces with plugins that are WebAssembly components.
#[derive(Debug, Parser, PartialEq)]
#[command(name = "chipmunk-plugins", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,

    /// Which log lines to show on the standard error: those of this level and above
    #[arg(long, global = true, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Warn)]
    pub log: LogLevel,
}

#[derive(Debug, Subcommand, PartialEq)]
pub enum Command {
    /// Read a trace, parse it, and write its messages
    Export(ExportArguments),
    /// Show the plugins there are
    List(ListArguments),
    /// Show what a plugin is and can do, and what can be configured
    Inspect(InspectArguments),
    /// Check that a plugin keeps its contract as far as that shows without input
    Validate(ValidateArguments),
    /// Make a project for a plugin, ready to be built
    New(NewArguments),
    /// Check that a plugin keeps all of its contract, with inputs cut, repeated and damaged
    Conformance(ConformanceArguments),
    /// Compile plugins before they are wanted
    Precompile(PrecompileArguments),
    /// Look at the cache of compiled plugins, or empty it
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Draw where the time of an export goes, in the host and in its plugins: a flamegraph
    Profile(ProfileArguments),
    /// Make a trace to try things with
    #[command(subcommand)]
    Gen(GenCommand),
}

/// Where plugins are found.
#[derive(Debug, Args, PartialEq, Default)]
pub struct RegistryArguments {
    /// A plugins.toml with plugins, their configuration, grants and limits
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What plugins are compiled with: `cranelift`, or `llvm` or `singlepass` where they are built in
    /// [default: what plugins.toml says, or cranelift]
    #[arg(long, value_name = "COMPILER", value_parser = compiler_parser())]
    pub compiler: Option<PluginCompiler>,
}

fn compiler_parser() -> impl TypedValueParser<Value = PluginCompiler> {
    PossibleValuesParser::new(PluginCompiler::ALL.map(PluginCompiler::name)).map(|name| {
        let mut all = PluginCompiler::ALL.into_iter();
        all.find(|compiler| compiler.name() == name)
            .unwrap_or_default()
    })
}

#[derive(Debug, Args, PartialEq)]
pub struct ExportArguments {
    /// The trace: a file, or `-` for the standard input
    #[arg(value_name = "INPUT")]
    pub input: Endpoint,

    /// Where to write: a file, or `-` for the standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    pub output: Endpoint,

    /// What reads the input: `native`, the name of a plugin, or the path of a .wasm
    #[arg(long, value_name = "SOURCE", default_value = "file-source")]
    pub source: SourceChoice,

    /// What finds the messages: `native`, `native:dlt-core`, `native:text`, the name of a plugin, or the path of a .wasm
    #[arg(long, value_name = "PARSER", default_value = "dlt-parser")]
    pub parser: ParserChoice,

    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// How many chunks to parse at the same time. With 1 all is done by one thread; with more, reading and writing have
    /// threads of their own, and a parser that finds its way from anywhere in the input has so many instances. What is written is
    /// always the same [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// At the end of the input wait for more, as it grows, until Ctrl-C; the output is then finished
    #[arg(long)]
    pub follow: bool,

    /// End with status 1 if there is anything in the input that is no message
    #[arg(long)]
    pub strict: bool,

    /// With `--format text`: what stands between the columns of a message
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "\t",
        hide_default_value = true,
        long_help = "With `--format text`: what stands between the columns of a message; with `csv` and `jsonl`: \
                     between those that have no caption of their own, and share the last one [default: a tab]"
    )]
    pub separator: String,

    /// With `--format text`, `csv` and `jsonl`: what stands before each argument of a message's payload, where the
    /// parser has such a configuration item (`argument-separator`) [default: the parser's, a space]
    #[arg(long, value_name = "TEXT")]
    pub argument_separator: Option<String>,

    /// Sets a configuration item of the source or the parser, whichever has it; may be repeated
    #[arg(long = "set", value_name = "ID=VALUE")]
    pub settings: Vec<Setting>,

    #[command(flatten)]
    pub registry: RegistryArguments,

    /// Write to a file where the plugins' functions are in memory, in the form that `perf` reads as /tmp/perf-PID.map
    #[arg(long, value_name = "FILE")]
    pub perf_map: Option<PathBuf>,

    /// Show figures of the run on the standard error, as a table or as one line of JSON
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "table")]
    pub stats: Option<StatsForm>,

    /// How many bytes to read at a time, at least one [default: 262144]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub chunk_bytes: Option<u64>,

    /// How much to keep while the end of a message is waited for [default: 16777216]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub max_message_bytes: Option<u64>,
}

#[derive(Debug, Args, PartialEq)]
pub struct ListArguments {
    #[command(flatten)]
    pub registry: RegistryArguments,
}

#[derive(Debug, Args, PartialEq)]
pub struct InspectArguments {
    /// The name of a plugin, or the path of a .wasm
    pub plugin: String,

    /// Show it as JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub registry: RegistryArguments,
}

#[derive(Debug, Args, PartialEq)]
pub struct ValidateArguments {
    /// The name of a plugin, or the path of a .wasm
    pub plugin: String,

    /// Sets a configuration item of the plugin; may be repeated
    #[arg(long = "set", value_name = "ID=VALUE")]
    pub settings: Vec<Setting>,

    #[command(flatten)]
    pub registry: RegistryArguments,
}

#[derive(Debug, Args, PartialEq)]
pub struct ConformanceArguments {
    /// The name of a plugin, or the path of a .wasm
    pub plugin: String,

    /// Sets a configuration item; may be repeated
    #[arg(long = "set", value_name = "ID=VALUE")]
    pub settings: Vec<Setting>,

    /// A trace of the plugin's own format; without, text, a DLT trace and a capture of packets are made
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// Show the report as one object of JSON
    #[arg(long)]
    pub json: bool,

    /// The same seed makes the same inputs and cuts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How long it should take about. A fast plugin needs less; of a slow one less is tried
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub seconds: u16,

    #[command(flatten)]
    pub registry: RegistryArguments,
}

#[derive(Debug, Subcommand, PartialEq)]
pub enum GenCommand {
    /// A DLT trace with storage headers
    Dlt(GenDltArguments),
}

#[derive(Debug, Args, PartialEq)]
pub struct GenDltArguments {
    /// How many messages
    #[arg(long, value_name = "N", default_value_t = 30_525)]
    pub messages: u64,

    /// How many runs of garbage between them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub garbage: u64,

    /// How many bytes a message has on average
    #[arg(long, value_name = "BYTES", default_value_t = 150)]
    pub message_bytes: u32,

    /// Destroy one message of so many, mostly by headers that lie; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub damage_every: u64,

    /// The same seed makes the same trace
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Where to write: a file, or `-` for the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Endpoint,
}

/// A file, or one of the process's own streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `-`
    Stream,
    /// A path
    File(PathBuf),
}

impl FromStr for Endpoint {
    type Err = EmptyPath;

    fn from_str(text: &str) -> Result<Self, EmptyPath> {
        match text {
            "" => Err(EmptyPath),
            "-" => Ok(Self::Stream),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// An empty path was given.
#[derive(Debug, thiserror::Error)]
#[error("the path is empty; name a file, or `-`")]
pub struct EmptyPath;

/// What reads the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChoice {
    Native,
    /// A name in the registry, or a path.
    Plugin(String),
}

impl FromStr for SourceChoice {
    type Err = NoSuchNative;

    fn from_str(text: &str) -> Result<Self, NoSuchNative> {
        match text {
            "native" => Ok(Self::Native),
            _ if text.starts_with("native:") || text.is_empty() => {
                Err(NoSuchNative { known: "`native`" })
            }
            plugin => Ok(Self::Plugin(plugin.to_owned())),
        }
    }
}

/// What finds the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParserChoice {
    Native,
    NativeDltCore,
    NativeText,
    /// A name in the registry, or a path.
    Plugin(String),
}

impl FromStr for ParserChoice {
    type Err = NoSuchNative;

    fn from_str(text: &str) -> Result<Self, NoSuchNative> {
        match text {
            "native" => Ok(Self::Native),
            "native:dlt-core" => Ok(Self::NativeDltCore),
            "native:text" => Ok(Self::NativeText),
            _ if text.starts_with("native:") || text.is_empty() => Err(NoSuchNative {
                known: "`native`, `native:dlt-core`, `native:text`",
            }),
            plugin => Ok(Self::Plugin(plugin.to_owned())),
        }
    }
}

/// `native:` something that there is not.
#[derive(Debug, thiserror::Error)]
#[error("there is no such thing; use {known}, the name of a plugin, or the path of a .wasm")]
pub struct NoSuchNative {
    known: &'static str,
}

/// One `--set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub id: String,
    pub value: String,
}

impl FromStr for Setting {
    type Err = NoSetting;

    fn from_str(text: &str) -> Result<Self, NoSetting> {
        match text.split_once('=') {
            Some((id, value)) if !id.is_empty() => Ok(Self {
                id: id.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(NoSetting),
        }
    }
}

/// A `--set` without an id or a value.
#[derive(Debug, thiserror::Error)]
#[error("write ID=VALUE; `chipmunk-plugins inspect PLUGIN` shows the ids")]
pub struct NoSetting;

/// What to write of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Each message's own bytes, in order
    Raw,
    /// One line of text a message
    Text,
    /// A table, its columns under the parser's captions
    Csv,
    /// One JSON object a message, its columns by the parser's captions
    Jsonl,
    /// Nothing: parse and count
    None,
}

/// How to show the figures of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatsForm {
    /// A table to read
    Table,
    /// One object on one line
    Json,
}

/// Levels of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::error::ErrorKind> {
        Arguments::try_parse_from([&["chipmunk-plugins"], arguments].concat())
            .map_err(|error| error.kind())
    }

    fn export(arguments: &[&str]) -> ExportArguments {
        match parse(&[&["export"], arguments].concat())
            .expect("the arguments are right")
            .command
        {
            Command::Export(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_declaration_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn export_has_the_defaults_of_the_documentation() {
        assert_eq!(
            export(&["in.dlt"]),
            ExportArguments {
                input: Endpoint::File("in.dlt".into()),
                output: Endpoint::Stream,
                source: SourceChoice::Plugin("file-source".into()),
                parser: ParserChoice::Plugin("dlt-parser".into()),
                format: Format::Text,
                jobs: None,
                follow: false,
                strict: false,
                separator: "\t".into(),
                argument_separator: None,
                settings: vec![],
                registry: RegistryArguments::default(),
                perf_map: None,
                stats: None,
                chunk_bytes: None,
                max_message_bytes: None,
            }
        );
    }

    #[test]
    fn export_takes_all_of_its_options() {
        let arguments = export(&[
            "-",
            "-o",
            "out",
            "--source",
            "native",
            "--parser",
            "native:dlt-core",
            "--format",
            "raw",
            "--jobs",
            "2",
            "--follow",
            "--chunk-bytes",
            "1000",
            "--max-message-bytes",
            "2000",
            "--strict",
            "--separator",
            "\u{4}",
            "--argument-separator",
            "\u{5}",
            "--set",
            "a=b",
            "--set",
            "c=d=e",
            "--config",
            "plugins.toml",
            "--compiler",
            "llvm",
            "--stats=json",
        ]);
        assert_eq!(
            arguments,
            ExportArguments {
                input: Endpoint::Stream,
                output: Endpoint::File("out".into()),
                source: SourceChoice::Native,
                parser: ParserChoice::NativeDltCore,
                format: Format::Raw,
                jobs: Some(2),
                follow: true,
                strict: true,
                separator: "\u{4}".into(),
                argument_separator: Some("\u{5}".into()),
                settings: vec![
                    Setting {
                        id: "a".into(),
                        value: "b".into()
                    },
                    Setting {
                        id: "c".into(),
                        value: "d=e".into()
                    },
                ],
                registry: RegistryArguments {
                    config: Some("plugins.toml".into()),
                    compiler: Some(PluginCompiler::Llvm),
                },
                perf_map: None,
                stats: Some(StatsForm::Json),
                chunk_bytes: Some(1000),
                max_message_bytes: Some(2000),
            }
        );
    }

    #[test]
    fn stats_alone_is_a_table_and_takes_no_argument_away() {
        assert_eq!(export(&["--stats", "in"]).stats, Some(StatsForm::Table));
        assert_eq!(
            export(&["--stats", "in"]).input,
            Endpoint::File("in".into())
        );
    }

    #[test]
    fn separators_may_begin_with_a_dash_or_be_empty() {
        assert_eq!(export(&["in", "--separator=-"]).separator, "-");
        assert_eq!(export(&["in", "--separator="]).separator, "");
    }

    #[test]
    fn wrong_arguments_are_errors_of_usage() {
        use clap::error::ErrorKind::*;
        for (arguments, kind) in [
            (&["export"][..], MissingRequiredArgument),
            (&["export", ""], ValueValidation),
            (
                &["export", "in", "--source", "native:dlt-core"],
                ValueValidation,
            ),
            (
                &["export", "in", "--parser", "native:other"],
                ValueValidation,
            ),
            (&["export", "in", "--format", "xml"], InvalidValue),
            (&["export", "in", "--jobs", "0"], ValueValidation),
            (&["export", "in", "--compiler", "gcc"], InvalidValue),
            (&["export", "in", "--set", "no-value"], ValueValidation),
            (&["export", "in", "--stats=xml"], InvalidValue),
            (&["gen", "dlt"], MissingRequiredArgument),
            (&["fly"], InvalidSubcommand),
        ] {
            assert_eq!(parse(arguments), Err(kind), "{arguments:?}");
        }
    }

    #[test]
    fn gen_dlt_takes_what_the_documentation_says() {
        let arguments = parse(&[
            "gen",
            "dlt",
            "--messages",
            "5",
            "--garbage",
            "2",
            "--message-bytes",
            "99",
            "--seed",
            "3",
            "-o",
            "x.dlt",
            "--log",
            "debug",
        ]);
        assert_eq!(
            arguments,
            Ok(Arguments {
                log: LogLevel::Debug,
                command: Command::Gen(GenCommand::Dlt(GenDltArguments {
                    messages: 5,
                    garbage: 2,
                    message_bytes: 99,
                    damage_every: 0,
                    seed: 3,
                    output: Endpoint::File("x.dlt".into()),
                })),
            })
        );
    }
}
