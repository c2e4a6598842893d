//! What the proxies need of a running plugin, and no more.
//!
//! Two traits, one call each. A session over the engine implements them, for both versions of the API; another flavour of guest
//! is another implementation, and the proxies stay as they are. The tests' hostile guests are plain Rust.

use chipmunk_payload::AlignedBytes;
use chipmunk_pipeline::ParserSplit;

use crate::contract::SourceError;
use crate::error::{FaultCause, GuestFault};

/// A running parser plugin.
pub trait ParserGuest: std::fmt::Debug + Send {
    /// Calls the guest's `parse`, and puts the archive it returns into `archive`, whose buffer is used again. The archive is
    /// not checked yet, except for its size.
    ///
    /// # Errors
    /// A fault ends the session: every later call fails as well.
    fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        archive: &mut AlignedBytes,
    ) -> Result<(), GuestFault>;

    /// Calls of the guest's `parse` that the last [`parse`](Self::parse) took: one, where the API has batches; with API 0.1.0 also
    /// several, or none.
    fn calls(&self) -> u64 {
        1
    }

    /// The fault of a guest whose archive turned out to be bad. Ends the session.
    fn fail(&mut self, cause: FaultCause) -> GuestFault;

    /// Where the time of all calls of [`parse`](Self::parse) went, as far as it is known.
    fn split(&self) -> ParserSplit {
        ParserSplit::default()
    }
}

/// A running byte-source plugin.
pub trait SourceGuest: std::fmt::Debug + Send {
    /// Calls the guest's `read` for at most `len` bytes, and shows what it returns to `take`, once, where it lies. What
    /// `take` finds wrong with it ends the session.
    ///
    /// # Errors
    /// [`ReadFailure::Refused`] is the guest's own answer, and it may be asked again; a fault ends the session.
    fn read(&mut self, len: u64, take: &mut Take<'_>) -> Result<(), ReadFailure>;
}

/// Looks at what a source returned where it lies, and says what is wrong with it.
pub type Take<'a> = dyn FnMut(Chunk<'_>) -> Result<(), FaultCause> + 'a;

/// What a source's `read` returns. Nothing of it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// An archive of `chipmunk-payload`.
    Archive(&'a [u8]),
    /// The bytes of the trace and nothing else (API 0.1.0): none at the end.
    Bytes(&'a [u8]),
}

/// Why a guest read nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// The guest says so.
    Refused {
        /// The plugin's name.
        plugin: String,
        /// The guest's words.
        error: SourceError,
    },
    /// The guest failed.
    Fault(Box<GuestFault>),
}

impl From<GuestFault> for ReadFailure {
    fn from(fault: GuestFault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<ReadFailure> for chipmunk_pipeline::SourceError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Refused {
                plugin,
                error: SourceError::Io(text),
            } => Self::Io(std::io::Error::other(format!("plugin `{plugin}`: {text}"))),
            ReadFailure::Refused { plugin, error } => {
                Self::Unrecoverable(format!("plugin `{plugin}`: {error}"))
            }
            ReadFailure::Fault(fault) => Self::Unrecoverable(fault.report()),
        }
    }
}
