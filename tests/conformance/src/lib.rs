//! Does a plugin keep its contract? The kit behind `chipmunk-plugins conformance`, for the authors of plugins.
//!
//! # The problem
//! The contract of `wit/` says more than types can: that the same input gives the same items wherever it is cut, that nothing grows
//! without end, that garbage is skipped and not trapped over. A plugin that breaks such a promise works in its author's hands and
//! fails in its user's, with a trace that nobody else has.
//!
//! # What it does
//! [`Kit::run`] goes through the life of a plugin many times, as hosts do and as bad luck does, and makes a [`Report`] of
//! [checks](CHECKS), each with a name, an outcome, and, if it failed, where and what to do. `README.md` beside this crate has
//! a paragraph on each. The plugin is run as the host runs it, by the same factory and sessions, in new instances all the time.
//!
//! The kit makes inputs of its own (text, a DLT trace, a capture of packets, garbage); a plugin for another format needs one that
//! it understands, which is then cut, repeated and damaged. How much is tried depends on how fast the guest is, so that the whole stays
//! within [`Kit::budget`] or about that.
//!
//! # What it does not do
//! It does not know what is in an input: that messages are *right* is for the plugin's own tests. And it stays below the
//! limits of the host: a plugin that needs more memory or time than plugins.toml gives it has failed.
//!
//! ```no_run
//! use chipmunk_conformance::Kit;
//! use chipmunk_plugins::{PluginRuntime, RuntimeOptions, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = PluginRuntime::new(RuntimeOptions::default())?;
//! let settings = Settings::parse(["storage-header=true"])?;
//! let report = Kit::new(&settings).run(&runtime, "dlt-parser.wasm")?;
//! print!("{report}");
//! assert!(report.is_ok());
//! # Ok(())
//! # }
//! ```

mod inputs;
mod life;
mod pace;
mod parser;
mod plateau;
mod report;
mod source;
mod subject;

use std::path::Path;
use std::time::{Duration, Instant};

use chipmunk_plugins::contract::Session;
use chipmunk_plugins::schema::Configuration;
use chipmunk_plugins::{Kind, PluginError, PluginRuntime, SettingError, Settings};

pub use chipmunk_plugins::runtime::CheckOutcome;
pub use report::{Check, Report};

use inputs::Sample;
use report::Record;
use subject::Subject;

/// The names of all checks, in the order of a report; those that are for one kind of plugin only are left out of the other's.
pub const CHECKS: [&str; 27] = [
    "world",
    "life-cycle",
    "schema",
    "imports",
    "defaults",
    "bad-configuration",
    "missing-file",
    "reads",
    "parses",
    "archives",
    "consumed",
    "progress",
    "outputs",
    "lengths",
    "determinism",
    "independence",
    "cuts",
    "end",
    "needed",
    "archive-limit",
    "timestamps",
    "segments",
    "empty-input",
    "garbage",
    "memory",
    "large-input",
    "resynchronises",
];

/// How a plugin is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Kit<'a> {
    /// Settings of the command line: values of the plugin's configuration items.
    pub settings: &'a Settings,
    /// An input of the plugin's own format; without, the kit makes some.
    pub input: Option<&'a Path>,
    /// What random choices follow from.
    pub seed: u64,
    /// How long all of it should take about. A guest that is fast needs less, a very slow one more.
    pub budget: Duration,
    /// How long a call may take, in milliseconds, if that is less than what plugins.toml says.
    pub call_timeout_ms: u64,
}

/// Why a plugin was not looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// There is no such plugin, or it cannot be read.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A setting does not fit the plugin.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The input cannot be read, or nothing can be written beside the kit.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it did not go.
        source: std::io::Error,
    },
}

/// Bytes that are read of an input.
const INPUT_BYTES: u64 = 64 << 20;

impl<'a> Kit<'a> {
    /// The usual kit.
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            input: None,
            seed: 1,
            budget: Duration::from_secs(20),
            call_timeout_ms: 10_000,
        }
    }

    /// Looks at the plugin called `name_or_path`.
    ///
    /// # Errors
    /// [`KitError`]: what was asked for cannot be done. What is wrong with the plugin is in the report.
    pub fn run(&self, runtime: &PluginRuntime, name_or_path: &str) -> Result<Report, KitError> {
        let begin = Instant::now();
        let entry = runtime.registry().resolve(name_or_path)?;
        let given = self.given()?;
        let folder = tempfile::Builder::new()
            .prefix("chipmunk-conformance-")
            .tempdir()
            .and_then(|folder| Ok((folder.path().canonicalize()?, folder)));
        let (path, _folder) = folder.map_err(|source| KitError::Io {
            what: "the kit has no place for its files".to_owned(),
            source,
        })?;
        let mut record = Record::default();
        let subject = life::world(runtime, self, name_or_path, &mut record);
        let (kind, api) = match &subject {
            Some(subject) => {
                let description = subject.factory.description();
                (Some(description.kind), Some(description.api))
            }
            None => (None, None),
        };
        if let Some(subject) = &subject {
            self.look(subject, given, &path, &mut record)?;
        }
        Ok(Report {
            plugin: entry.name,
            path: Some(entry.path),
            kind,
            api,
            seed: self.seed,
            checks: record.checks,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    /// The input that was given, for a parser.
    fn given(&self) -> Result<Option<Sample>, KitError> {
        use std::io::Read as _;
        let Some(path) = self.input else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(INPUT_BYTES).read_to_end(&mut bytes))
            .map_err(|source| KitError::Io {
                what: format!("cannot read {}", path.display()),
                source,
            })?;
        Ok(Some(Sample::new(path.display().to_string(), bytes)))
    }

    /// All checks behind `world`.
    fn look(
        &self,
        subject: &Subject<'_>,
        given: Option<Sample>,
        folder: &Path,
        record: &mut Record,
    ) -> Result<(), KitError> {
        record.check("life-cycle", &[], || life::life_cycle(subject));
        record.check("schema", &[], || life::schema(subject));
        if record.has_failed("schema") {
            record.skip_all(&["imports", "defaults"], "`schema` failed");
            return Ok(());
        }
        match subject.kind() {
            Kind::Parser => {
                let configuration = subject.configuration(None)?;
                self.settings.finish()?;
                let outcome = life::initialise(subject, &configuration);
                if self.start(subject, &configuration, outcome, record) {
                    parser::check(self, subject, &configuration, given, record);
                }
            }
            Kind::ByteSource => {
                let candidates =
                    source::candidates(self, subject, folder).map_err(|source| KitError::Io {
                        what: "the kit cannot write its files".to_owned(),
                        source,
                    })?;
                let chosen = source::choose(subject, candidates)?;
                self.settings.finish()?;
                if let Some((input, configuration, outcome)) = chosen
                    && self.start(subject, &configuration, outcome, record)
                {
                    record.check("missing-file", &[], || {
                        life::missing_file(subject, &configuration, folder)
                    });
                    source::check(self, subject, &configuration, &input, folder, record);
                }
            }
        }
        Ok(())
    }

    /// The checks of `init`. Whether there is any point in going on.
    fn start(
        &self,
        subject: &Subject<'_>,
        configuration: &Configuration,
        mut outcome: Result<Session, PluginError>,
        record: &mut Record,
    ) -> bool {
        record.check("imports", &[], || {
            life::imports(subject, configuration, &outcome)
        });
        record.check("defaults", &["life-cycle", "imports"], || {
            life::defaults(subject, configuration, &mut outcome)
        });
        if outcome.is_err() {
            return false;
        }
        record.check("bad-configuration", &[], || {
            life::bad_configuration(subject, configuration)
        });
        true
    }
}
