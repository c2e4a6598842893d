//! From a compiled component to running sessions.
//!
//! A [`PluginFactory`] is a plugin that was found, checked and compiled. It makes any number of sessions, each in a store of
//! its own with its own limits and grants, which know nothing of each other. The flavour, decided by what the component
//! imports, says what the linker offers: a *plain* plugin gets our two interfaces and cannot even ask for anything else.

use std::sync::Arc;

use wasmer_component::{Engine, LinkError, Store, StoreLimits};

use crate::cache::ContentHash;
use crate::compiled::Compiled;
use crate::config::{Grants, Limits};
use crate::contract::{
    ApiVersion, Description, Flavour, GuestLog, HostState, LogLevel, Output, ParserCapabilities,
    ParserConfig, Session, SessionParts, SourceConfig,
};
use crate::error::PluginError;
use crate::facts::Facts;
use crate::registry::PluginEntry;
use crate::schema::Configuration;

/// Elements that a table may have: far more than a plugin has functions.
const TABLE_ELEMENTS: u32 = 1 << 20;

/// Milliseconds that a call may take at least when the plugin reads standard input, where it waits for whoever writes there.
const STDIN_CALL_TIMEOUT_MS: u64 = 60 * 60 * 1000;

/// A plugin that is ready to be instantiated.
#[derive(Debug)]
pub struct PluginFactory {
    engine: Engine,
    compiled: Arc<Compiled>,
    entry: PluginEntry,
    description: Description,
    hash: ContentHash,
}

impl PluginFactory {
    pub(crate) fn new(
        engine: Engine,
        compiled: Arc<Compiled>,
        entry: PluginEntry,
        description: Description,
        hash: ContentHash,
    ) -> Self {
        Self {
            engine,
            compiled,
            entry,
            description,
            hash,
        }
    }

    /// The plugin's entry in the registry.
    pub fn entry(&self) -> &PluginEntry {
        &self.entry
    }

    /// The engine it was compiled with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What its names say of it.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The hash of its file.
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// The same plugin with other limits, in sessions that are started from now on.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.entry.limits = limits;
        self
    }

    /// What it may use at most.
    pub fn limits(&self) -> &Limits {
        &self.entry.limits
    }

    /// A session without any grant, to ask the plugin what it is and what can be configured.
    ///
    /// # Errors
    /// The component cannot be instantiated, or is not of its world.
    pub fn ask(&self) -> Result<Session, PluginError> {
        self.start(&Grants::default(), LogLevel::Error)
    }

    /// What the plugin says of itself. It is asked if that is not known from when it was compiled.
    ///
    /// # Errors
    /// As [`PluginFactory::ask`]; one of its functions failed.
    pub fn facts(&self) -> Result<&Facts, PluginError> {
        self.compiled.facts(|| Ok(Facts::ask(&mut self.ask()?)?))
    }

    /// As [`PluginFactory::facts`] for a plugin that was just compiled. What goes wrong is told by the next [`PluginFactory::facts`].
    pub(crate) fn first_facts(&self) -> Option<&Facts> {
        self.compiled
            .facts_if_any(|| Ok(Facts::ask(&mut self.ask()?)?))
    }

    /// An initialised parser.
    ///
    /// # Errors
    /// As [`PluginFactory::ask`]; a grant cannot be given; the parser does not offer the output; its `init` failed or refused.
    pub fn parser(
        &self,
        configuration: &Configuration,
        output: Output,
        log_level: LogLevel,
    ) -> Result<Session, PluginError> {
        let capabilities = self.facts()?.parser_capabilities();
        if !capabilities.contains(ParserCapabilities::of(output)) {
            return Err(self.lacks(output, capabilities));
        }
        let mut session = self.start(&configuration.grants, log_level)?;
        let max_archive_bytes = self.entry.limits.max_output_bytes;
        session.init_parser(
            ParserConfig {
                log_level,
                output,
                max_archive_bytes,
            },
            &configuration.items,
        )?;
        Ok(session)
    }

    /// An initialised source.
    ///
    /// # Errors
    /// As [`PluginFactory::ask`]; a grant cannot be given; its `init` failed or refused.
    pub fn source(
        &self,
        configuration: &Configuration,
        log_level: LogLevel,
    ) -> Result<Session, PluginError> {
        let mut session = self.start(&configuration.grants, log_level)?;
        session.init_source(SourceConfig { log_level }, &configuration.items)?;
        Ok(session)
    }

    /// A session with these grants that is not initialised: for who goes through a plugin's life himself.
    ///
    /// # Errors
    /// As [`PluginFactory::ask`], and a grant cannot be given.
    pub fn start(&self, grants: &Grants, log_level: LogLevel) -> Result<Session, PluginError> {
        let mut limits = self.entry.limits;
        if grants.stdin {
            limits.call_timeout_ms = limits.call_timeout_ms.max(STDIN_CALL_TIMEOUT_MS);
        }
        let failed = |error| self.cannot_start(error);
        let log = GuestLog::new(&self.entry.name, log_level);
        let sandboxed = self.description.flavour != Flavour::Plain
            && self
                .description
                .imports_interface("chipmunk:shared/sandbox");
        let state = HostState::new(log.clone(), grants, sandboxed)?;
        let store_limits = StoreLimits {
            memory_bytes: Some(limits.memory_bytes),
            table_elements: Some(TABLE_ELEMENTS),
            list_bytes: limits.max_output_bytes as usize,
        };
        let mut store = Store::with_limits(&self.engine, state, store_limits).map_err(failed)?;
        store.set_call_timeout(Some(limits.call_timeout()));
        let instance = self
            .compiled
            .linked(self.description.flavour)
            .and_then(|linked| linked.instantiate(&mut store))
            .map_err(failed)?;
        Session::new(SessionParts {
            plugin: self.entry.name.as_str().into(),
            kind: self.description.kind,
            api: self.description.api,
            interface: self.description.interface.clone(),
            limits,
            log,
            store,
            instance,
        })
    }

    #[cold]
    fn cannot_start(&self, error: wasmer_component::Error) -> PluginError {
        let plugin = self.entry.name.clone();
        match error {
            wasmer_component::Error::Link(LinkError::Missing {
                import, offered, ..
            }) => PluginError::Import {
                plugin,
                remedy: if import.starts_with("wasi:http/") {
                    "no grant allows HTTP, but `grants.network` in plugins.toml allows `wasi:sockets`: build the plugin without HTTP"
                } else {
                    "no grant adds it: build the plugin without it"
                },
                import,
                offered,
            },
            error => PluginError::Start {
                plugin,
                message: error.to_string(),
            },
        }
    }

    fn lacks(&self, output: Output, capabilities: ParserCapabilities) -> PluginError {
        let (what, remedy) = match output {
            Output::Ranges if self.description.api == ApiVersion::V0_1 => (
                "the bytes of messages: parsers of API 0.1.0 return texts and do not say where in the input a message lies",
                "export with `--format text`, or use a build of the plugin for API 0.2.0",
            ),
            Output::Ranges => ("the bytes of messages", "export with `--format text`"),
            Output::Line => ("messages as lines of text", "export with `--format raw`"),
            Output::Columns => ("messages in columns", "ask for lines of text"),
        };
        PluginError::Capability {
            plugin: self.entry.name.clone(),
            what: format!("{what} (it offers: {})", capabilities.names().join(", ")),
            remedy: remedy.to_owned(),
        }
    }
}
