//! `plugins.toml`: which plugins there are, how they are configured, what they may do.
//!
//! ```toml
//! directories = ["plugins"]              # every *.wasm in them is a plugin, named by its file's stem
//! compiler = "cranelift"                 # the default of all plugins: cranelift, llvm or singlepass, as far as they are built in
//!
//! [[plugins]]
//! name = "dlt-parser"
//! kind = "parser"                        # optional: what it must be
//! path = "plugins/dlt-parser.wasm"       # relative to this file; left out: the file of that name in the directories
//! # Optional: refuse any other file. `inspect` prints the hash.
//! blake3 = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
//! compiler = "cranelift"                 # optional: what this one is compiled with; `--compiler` goes before both
//!
//! [plugins.config]                       # values for the items of the plugin's schema (`inspect` lists them)
//! storage-header = true
//! # Paths are relative to this file as well, and may be read by the plugin: catalogues = ["names.xml", "more.xml"]
//!
//! [plugins.grants]                       # a plugin may do nothing that is not said here
//! directories = [{ host = "/var/log", guest = "/logs", access = "read" }]
//! files = [{ host = "names.xml" }]       # the guest sees it under the same absolute path, unless `guest` says another
//! environment = { LANG = "C" }           # nothing is inherited
//! # tcp-connect, tcp-listen, udp-bind and udp-send with ADDRESS[/PREFIX]:PORTS; lookup with a name
//! network = ["udp-bind 0.0.0.0:3490", "tcp-connect 10.0.0.0/8:3490-3499", "lookup ecu.example.com"]
//!
//! [plugins.limits]                       # the defaults:
//! memory-bytes = 536870912               # of all the plugin's memories together
//! call-timeout-ms = 30000                # for one call
//! max-output-bytes = 67108864            # what one call may return
//!
//! [pipeline]                             # how the host moves bytes; options of the command line come before it
//! jobs = 2                               # parser instances at a time; the number of cores when left out
//! chunk-bytes = 262144                   # read at a time; in memory are two chunks a job and two more, and what is made of them
//! max-message-bytes = 16777216           # how much is kept while the end of a message is waited for
//! ```
//!
//! Unknown keys are errors, as are two plugins of one name. This file reads and checks the form only: whether values fit a
//! plugin's schema is for [`crate::schema`], whether a file exists for the runtime, when the plugin is used.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use wasmer_component_wasi::net::NetworkGrant;

use crate::contract::Kind;
use crate::error::ConfigError;

/// What a plugin may do at most. Limits are on from the start; what they stop ends the plugin's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes that the plugin's memories may have together. Default: 512 MiB.
    pub memory_bytes: u64,
    /// Milliseconds that one call may take. Default: 30 s, three orders of magnitude above what a chunk takes, so that only
    /// a plugin that hangs meets it. A source that reads standard input waits for who writes there: it has an hour at least.
    pub call_timeout_ms: u64,
    /// Bytes that one call may return. Default: 64 MiB. A parser is told, and ends its batch before; a source is never
    /// asked for more than half of it.
    pub max_output_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            call_timeout_ms: 30_000,
            max_output_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// The time limit of one call.
    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
}

/// What makes machine code of plugins. Which of them there are is decided when the program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginCompiler {
    /// Compiles fast, runs fast.
    #[default]
    Cranelift,
    /// Compiles ten times as long, for the last bit of speed.
    Llvm,
    /// Compiles in no time, runs at a third of the speed; refuses plugins with SIMD.
    Singlepass,
}

impl PluginCompiler {
    /// All that there could be.
    pub const ALL: [Self; 3] = [Self::Cranelift, Self::Llvm, Self::Singlepass];

    /// Its name in plugins.toml and on the command line.
    pub fn name(self) -> &'static str {
        wasmer_component::Compiler::from(self).name()
    }
}

impl From<PluginCompiler> for wasmer_component::Compiler {
    fn from(compiler: PluginCompiler) -> Self {
        match compiler {
            PluginCompiler::Cranelift => Self::Cranelift,
            PluginCompiler::Llvm => Self::Llvm,
            PluginCompiler::Singlepass => Self::Singlepass,
        }
    }
}

/// What a plugin may do with a directory or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Look at it.
    #[default]
    Read,
    /// Change it as well.
    ReadWrite,
}

/// A directory of the host that a plugin may use, with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectoryGrant {
    /// The directory. Relative to `plugins.toml`; absolute once read.
    pub host: PathBuf,
    /// Its absolute path inside the plugin; the host's path when left out.
    #[serde(default)]
    pub guest: Option<String>,
    /// What may be done with it.
    #[serde(default)]
    pub access: Access,
}

/// A single file of the host that a plugin may use; its directory stays out of reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileGrant {
    /// The file. Relative to `plugins.toml`; absolute once read.
    pub host: PathBuf,
    /// Its absolute path inside the plugin; the host's path when left out.
    #[serde(default)]
    pub guest: Option<String>,
    /// What may be done with it.
    #[serde(default)]
    pub access: Access,
}

/// All that a plugin may do with the world outside. Empty by default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Grants {
    /// Directories.
    pub directories: Vec<DirectoryGrant>,
    /// Single files.
    pub files: Vec<FileGrant>,
    /// Environment variables. Nothing is inherited from the host's own.
    pub environment: BTreeMap<String, String>,
    /// What of the network. Each is a text in the file; see [`NetworkGrant`].
    #[serde(with = "network")]
    pub network: Vec<NetworkGrant>,
    /// The plugin's standard input is the host's. Only INPUT `-` grants it, never `plugins.toml`.
    #[serde(skip_deserializing)]
    pub stdin: bool,
}

/// Grants of the network as texts.
mod network {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use wasmer_component_wasi::net::NetworkGrant;

    pub fn serialize<S: Serializer>(
        grants: &[NetworkGrant],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(grants.iter().map(NetworkGrant::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<NetworkGrant>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let grants = texts.iter().map(|text| text.parse());
        grants.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// A configuration value as `plugins.toml` has it, before a schema gave it a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a configuration value is `true` or `false`, a number, a text, or a list of texts"
)]
pub enum RawValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text, or one path, or an option.
    Text(String),
    /// Paths.
    List(Vec<String>),
}

impl std::fmt::Display for RawValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::List(values) => write!(f, "{values:?}"),
        }
    }
}

/// One plugin of `plugins.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredPlugin {
    /// Its name, unique in the file.
    pub name: String,
    /// What it must be, where the file says so.
    pub kind: Option<Kind>,
    /// Its file, absolute or relative to the working directory; `None`: look for it in the directories.
    pub path: Option<PathBuf>,
    /// The BLAKE3 hash its file must have, in lower-case hex.
    pub blake3: Option<String>,
    /// What it is compiled with, where the file says so, of this plugin or of all.
    pub compiler: Option<PluginCompiler>,
    /// Configuration values by item id. Paths in them are still as written, relative to [`PluginsFile::base`].
    pub config: BTreeMap<String, RawValue>,
    /// What it may do.
    pub grants: Grants,
    /// How much of it.
    pub limits: Limits,
}

/// A `plugins.toml`, read.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginsFile {
    /// The file's own directory: relative paths in the file begin there.
    pub base: PathBuf,
    /// Directories whose `*.wasm` files are plugins.
    pub directories: Vec<PathBuf>,
    /// What all plugins are compiled with that say nothing else, those of directories as well.
    pub compiler: Option<PluginCompiler>,
    /// The plugins, in the order of the file.
    pub plugins: Vec<ConfiguredPlugin>,
    /// How the host works.
    pub pipeline: PipelineSettings,
}

/// How the host moves bytes: the table `pipeline` of the file. What it leaves out is the program's to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PipelineSettings {
    /// How many parser instances work at the same time, at least one.
    pub jobs: Option<NonZeroU16>,
    /// How many bytes are read at a time, at least one. With `jobs`, it decides how much is in memory: at most two chunks and
    /// their output for each job, and two chunks more.
    pub chunk_bytes: Option<NonZeroU32>,
    /// How long a message may be, in bytes: how much is kept while its end is waited for.
    pub max_message_bytes: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FileForm {
    #[serde(default)]
    directories: Vec<PathBuf>,
    #[serde(default)]
    compiler: Option<PluginCompiler>,
    #[serde(default)]
    plugins: Vec<PluginForm>,
    #[serde(default)]
    pipeline: PipelineSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PluginForm {
    name: toml::Spanned<String>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default)]
    blake3: Option<String>,
    #[serde(default)]
    compiler: Option<PluginCompiler>,
    #[serde(default)]
    config: BTreeMap<String, RawValue>,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    limits: Limits,
}

impl PluginsFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`], with file and line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`], with file and line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let form: FileForm = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            line: line_of(text, error.span().unwrap_or(0..0)),
            message: error.message().trim_end().replace('\n', "; "),
        })?;
        let base = path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
            .to_owned();
        let mut plugins: Vec<ConfiguredPlugin> = Vec::with_capacity(form.plugins.len());
        for plugin in form.plugins {
            let line = line_of(text, plugin.name.span());
            let name = plugin.name.into_inner();
            let wrong = |message: String| ConfigError::Entry {
                path: path.to_owned(),
                line,
                plugin: name.clone(),
                message,
            };
            check_name(&name).map_err(wrong)?;
            if plugins.iter().any(|other| other.name == name) {
                return Err(wrong(
                    "is there twice; give one of them another name".to_owned(),
                ));
            }
            let blake3 = plugin
                .blake3
                .map(|hash| check_hash(&hash))
                .transpose()
                .map_err(wrong)?;
            check_limits(&plugin.limits).map_err(wrong)?;
            let mut grants = plugin.grants;
            let mounts = grants
                .directories
                .iter_mut()
                .map(|grant| (&mut grant.host, &grant.guest));
            let mounts = mounts.chain(
                grants
                    .files
                    .iter_mut()
                    .map(|grant| (&mut grant.host, &grant.guest)),
            );
            for (host, guest) in mounts {
                if let Some(guest) = guest.as_ref().filter(|guest| !guest.starts_with('/')) {
                    return Err(wrong(format!(
                        "the guest path `{guest}` must be absolute: write `/{guest}`"
                    )));
                }
                *host = base.join(&host);
            }
            plugins.push(ConfiguredPlugin {
                kind: plugin.kind,
                path: plugin.path.map(|path| base.join(path)),
                blake3,
                compiler: plugin.compiler.or(form.compiler),
                config: plugin.config,
                grants,
                limits: plugin.limits,
                name,
            });
        }
        let directories = form
            .directories
            .into_iter()
            .map(|dir| base.join(dir))
            .collect();
        Ok(Self {
            base,
            directories,
            compiler: form.compiler,
            plugins,
            pipeline: form.pipeline,
        })
    }
}

/// A name must not be mistaken for a path or for the host's own `native`.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if name.contains(['/', '\\']) || name.ends_with(".wasm") {
        return Err(
            "a name with a slash, or one that ends in `.wasm`, would be taken for a path"
                .to_owned(),
        );
    }
    if name == "native" || name.starts_with("native:") {
        return Err(
            "names that begin with `native` mean the host's own sources and parsers".to_owned(),
        );
    }
    Ok(())
}

fn check_hash(hash: &str) -> Result<String, String> {
    if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(hash.to_ascii_lowercase())
    } else {
        Err("`blake3` must be 64 hex digits, as `inspect` prints them".to_owned())
    }
}

fn check_limits(limits: &Limits) -> Result<(), String> {
    const LEAST_OUTPUT: u32 = 64 << 10;
    if limits.memory_bytes == 0 {
        return Err("`memory-bytes = 0` leaves nothing to run in".to_owned());
    }
    if limits.call_timeout_ms == 0 {
        return Err("`call-timeout-ms = 0` stops every call; to have practically no limit, write a large number".to_owned());
    }
    if limits.max_output_bytes < LEAST_OUTPUT {
        return Err(format!(
            "`max-output-bytes` must be at least {LEAST_OUTPUT}"
        ));
    }
    Ok(())
}

/// The line, from 1, in which `span` begins.
fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    1 + before.bytes().filter(|&b| b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PluginsFile, String> {
        PluginsFile::parse(Path::new("conf/plugins.toml"), text).map_err(|error| error.to_string())
    }

    fn error(text: &str) -> String {
        parse(text).expect_err("the text is wrong")
    }

    #[test]
    fn a_full_file_is_read_as_documented() {
        let hash = "0123456789ABCDEF".repeat(4);
        let text = format!(
            r#"
directories = ["more"]
compiler = "singlepass"

[[plugins]]
name = "dlt"
kind = "parser"
path = "dlt.wasm"
blake3 = "{hash}"

[plugins.config]
storage-header = true
depth = 3
scale = 0.5
mode = "fast"
files = ["a", "b"]

[plugins.grants]
directories = [{{ host = "logs", guest = "/logs", access = "read-write" }}]
files = [{{ host = "/etc/names.xml" }}]
environment = {{ LANG = "C" }}
network = ["tcp-listen [::1]:*", "lookup localhost"]

[plugins.limits]
memory-bytes = 1000000

[pipeline]
jobs = 3
chunk-bytes = 65536
max-message-bytes = 1000000
"#
        );
        let expected = PluginsFile {
            base: "conf".into(),
            directories: vec!["conf/more".into()],
            compiler: Some(PluginCompiler::Singlepass),
            plugins: vec![ConfiguredPlugin {
                name: "dlt".to_owned(),
                kind: Some(Kind::Parser),
                path: Some("conf/dlt.wasm".into()),
                blake3: Some(hash.to_ascii_lowercase()),
                compiler: Some(PluginCompiler::Singlepass),
                config: BTreeMap::from([
                    ("depth".to_owned(), RawValue::Integer(3)),
                    (
                        "files".to_owned(),
                        RawValue::List(vec!["a".to_owned(), "b".to_owned()]),
                    ),
                    ("mode".to_owned(), RawValue::Text("fast".to_owned())),
                    ("scale".to_owned(), RawValue::Float(0.5)),
                    ("storage-header".to_owned(), RawValue::Boolean(true)),
                ]),
                grants: Grants {
                    directories: vec![DirectoryGrant {
                        host: "conf/logs".into(),
                        guest: Some("/logs".to_owned()),
                        access: Access::ReadWrite,
                    }],
                    files: vec![FileGrant {
                        host: "/etc/names.xml".into(),
                        guest: None,
                        access: Access::Read,
                    }],
                    environment: BTreeMap::from([("LANG".to_owned(), "C".to_owned())]),
                    network: vec![
                        NetworkGrant::TcpListen("[::1]:*".parse().expect("a range")),
                        NetworkGrant::Lookup("localhost".to_owned()),
                    ],
                    stdin: false,
                },
                limits: Limits {
                    memory_bytes: 1_000_000,
                    ..Limits::default()
                },
            }],
            pipeline: PipelineSettings {
                jobs: NonZeroU16::new(3),
                chunk_bytes: NonZeroU32::new(65536),
                max_message_bytes: NonZeroU32::new(1_000_000),
            },
        };
        assert_eq!(parse(&text), Ok(expected));
    }

    #[test]
    fn the_example_above_is_right_and_its_limits_are_the_defaults() {
        let source = include_str!("config.rs");
        let text: String = source
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
            .collect();
        let file = parse(&text).expect("the example is right");
        let limits: Vec<_> = file.plugins.iter().map(|plugin| plugin.limits).collect();
        assert_eq!(limits, [Limits::default()]);
    }

    #[test]
    fn an_empty_file_and_a_bare_entry_have_defaults() {
        assert_eq!(
            parse(""),
            Ok(PluginsFile {
                base: "conf".into(),
                directories: vec![],
                compiler: None,
                plugins: vec![],
                pipeline: PipelineSettings::default(),
            })
        );
        let bare = parse("[[plugins]]\nname = \"x\"\n").map(|file| file.plugins);
        assert_eq!(
            bare,
            Ok(vec![ConfiguredPlugin {
                name: "x".to_owned(),
                kind: None,
                path: None,
                blake3: None,
                compiler: None,
                config: BTreeMap::new(),
                grants: Grants::default(),
                limits: Limits {
                    memory_bytes: 536_870_912,
                    call_timeout_ms: 30_000,
                    max_output_bytes: 67_108_864
                },
            }])
        );
    }

    #[test]
    fn a_plugins_own_compiler_goes_before_that_of_the_file() {
        let text = "compiler = \"llvm\"\n[[plugins]]\nname = \"a\"\n[[plugins]]\nname = \"b\"\ncompiler = \"cranelift\"\n";
        let compilers = parse(text).map(|file| {
            let each = file.plugins.iter().map(|plugin| plugin.compiler);
            (file.compiler, each.collect::<Vec<_>>())
        });
        let (llvm, cranelift) = (Some(PluginCompiler::Llvm), Some(PluginCompiler::Cranelift));
        assert_eq!(compilers, Ok((llvm, vec![llvm, cranelift])));
        let unknown = error("compiler = \"gcc\"");
        assert!(unknown.starts_with("conf/plugins.toml:1: "), "{unknown}");
        assert!(
            unknown.contains("`cranelift`, `llvm`, `singlepass`"),
            "{unknown}"
        );
    }

    #[test]
    fn unknown_keys_are_errors_with_file_and_line() {
        for (text, line, key) in [
            ("\nplugin = 1\n", 2, "plugin"),
            ("[[plugins]]\nname = \"x\"\ncolour = 1\n", 3, "colour"),
            (
                "[[plugins]]\nname = \"x\"\n[plugins.grants]\nsockets = true\n",
                4,
                "sockets",
            ),
            (
                "[[plugins]]\nname = \"x\"\n[plugins.grants]\nstdin = true\n",
                4,
                "stdin",
            ),
            (
                "[[plugins]]\nname = \"x\"\n\n[plugins.limits]\nmemory = 1\n",
                5,
                "memory",
            ),
            (
                "[[plugins]]\nname = \"x\"\n[plugins.grants]\nfiles = [{ path = \"x\" }]\n",
                4,
                "path",
            ),
        ] {
            let error = error(text);
            assert!(
                error.starts_with(&format!("conf/plugins.toml:{line}: ")),
                "{error}"
            );
            assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
        }
    }

    #[test]
    fn unusable_entries_are_errors_with_the_plugin_and_the_remedy() {
        let entry = |more: &str| format!("\n[[plugins]]\nname = \"x\"\n{more}");
        assert_eq!(
            error(&entry("[[plugins]]\nname = \"x\"")),
            "conf/plugins.toml:5: plugin `x`: is there twice; give one of them another name"
        );
        assert_eq!(
            error(&entry("blake3 = \"12\"")),
            "conf/plugins.toml:3: plugin `x`: `blake3` must be 64 hex digits, as `inspect` prints them"
        );
        assert_eq!(
            error(&entry(
                "grants.directories = [{ host = \"/a\", guest = \"a\" }]"
            )),
            "conf/plugins.toml:3: plugin `x`: the guest path `a` must be absolute: write `/a`"
        );
        let network = error(&entry("grants.network = [\"tcp-connect localhost:80\"]"));
        assert!(network.starts_with("conf/plugins.toml:4: "), "{network}");
        assert!(network.contains("write an IPv4 address"), "{network}");
        assert_eq!(
            error("[[plugins]]\nname = \"native:x\""),
            "conf/plugins.toml:2: plugin `native:x`: names that begin with `native` mean the host's own sources and parsers"
        );
        assert!(
            error(&entry("limits.call-timeout-ms = 0"))
                .contains("`call-timeout-ms = 0` stops every call")
        );
        assert!(error(&entry("limits.max-output-bytes = 1")).contains("at least 65536"));
        assert!(error(&entry("kind = \"sink\"")).starts_with("conf/plugins.toml:4: "));
    }
}
