//! A parser that can be opened again and again: the instances among which a trace is split.

use crate::contract::{LogLevel, Output, ParserCapabilities};
use crate::error::PluginError;
use crate::factory::PluginFactory;
use crate::guest::ParserGuest;
use crate::proxy::GuestReader;
use crate::schema::Configuration;

/// Opens one parser plugin, with the same configuration each time. The plugin is compiled once; every instance has a store
/// of its own, with its own limits and grants.
#[derive(Debug)]
pub struct ParserOpener {
    factory: PluginFactory,
    configuration: Configuration,
    output: Output,
    log_level: LogLevel,
}

impl ParserOpener {
    pub(crate) fn new(
        factory: PluginFactory,
        configuration: Configuration,
        output: Output,
        log_level: LogLevel,
    ) -> Self {
        Self {
            factory,
            configuration,
            output,
            log_level,
        }
    }

    /// Another initialised instance.
    ///
    /// # Errors
    /// As [`PluginFactory::parser`].
    pub fn open(&self) -> Result<GuestReader<Box<dyn ParserGuest>>, PluginError> {
        let session = self
            .factory
            .parser(&self.configuration, self.output, self.log_level)?;
        Ok(GuestReader::new(Box::new(session)))
    }

    /// Whether a parser that can do so much may be given parts of a trace: it finds its way by itself, and makes no
    /// attachments, whose parts may be anywhere.
    pub fn splits(capabilities: ParserCapabilities) -> bool {
        capabilities.contains(ParserCapabilities::RESYNCHRONISES)
            && !capabilities.contains(ParserCapabilities::ATTACHMENTS)
    }
}
