//! What a plugin says of itself before it is initialised: version, schema, capabilities, how messages are shown.
//!
//! Asking takes an instance. A plugin that is asked has no grant at all: no file, no environment, no network. What it answers can
//! therefore only depend on what it is, and is kept with its artifact, so that it is asked once, when it is compiled, and not at every
//! start.

use serde::{Deserialize, Serialize};

use crate::contract::{
    ConfigSchemaItem, ParserCapabilities, RenderOptions, Session, SourceCapabilities, Version,
};
use crate::error::GuestFault;

/// Part of the key of an artifact; to be changed when other facts are kept, or the same ones are found otherwise. History:
/// - 1: the first.
pub(crate) const VERSION: u32 = 1;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// Its own version.
    pub version: Version,
    /// What can be configured.
    pub schema: Vec<ConfigSchemaItem>,
    /// What it can do, in the words of the WIT.
    pub capabilities: Vec<String>,
    /// How its messages are shown; parsers only.
    pub render_options: Option<RenderOptions>,
}

impl Facts {
    /// Asks the plugin.
    ///
    /// # Errors
    /// One of its functions failed.
    pub fn ask(session: &mut Session) -> Result<Self, GuestFault> {
        Ok(Self {
            version: session.version()?,
            schema: session.schema()?,
            capabilities: session
                .capabilities()?
                .into_iter()
                .map(str::to_owned)
                .collect(),
            render_options: session.render_options()?,
        })
    }

    /// What it can do as a parser; nothing if it is none.
    pub fn parser_capabilities(&self) -> ParserCapabilities {
        ParserCapabilities::named(&self.capabilities)
    }

    /// What it can do as a source; nothing if it is none.
    pub fn source_capabilities(&self) -> SourceCapabilities {
        SourceCapabilities::named(&self.capabilities)
    }
}
