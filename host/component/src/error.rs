//! What can go wrong, as one type.
//!
//! An embedder asks three things of an error: whose fault it is (the component's bytes, the linker's definitions, the running
//! guest, a host function, a limit), which function it happened in, and whether the instance can be used again. The
//! variants answer the first; [`Trap`] carries the second; after anything that comes out of a running guest the instance
//! is poisoned and answers [`Error::Poisoned`].

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a component, or not a valid one.
    #[error("not a valid component: {0}")]
    Translate(String),
    /// The component is valid and needs something that this runtime does not have.
    #[error("the component needs {0}, which this runtime does not have")]
    Unsupported(String),
    /// One of its core modules does not compile.
    #[error("core module {module} does not compile: {message}")]
    Compile {
        /// Index of the module in its component.
        module: usize,
        /// What the compiler said.
        message: String,
    },
    /// A compiled artifact cannot be used; compile the component again.
    #[error("the compiled artifact cannot be used: {0}")]
    Artifact(String),
    /// An import is not satisfied by the linker.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A name is not exported, or is exported as something else.
    #[error("{0}")]
    Export(String),
    /// The types given by the host are not those of the function.
    #[error("{function}: {mismatch}")]
    Type {
        /// The function's name.
        function: String,
        /// Where the types differ.
        mismatch: TypeMismatch,
    },
    /// The guest trapped.
    #[error(transparent)]
    Trap(#[from] Box<Trap>),
    /// The guest exceeded a limit that the host set.
    #[error(transparent)]
    Limit(#[from] Box<LimitExceeded>),
    /// A host function failed; the guest's call ended with it.
    #[error("{0}")]
    Host(Box<dyn std::error::Error + Send + Sync>),
    /// The instance trapped earlier, or was left in an unknown state, and takes no more calls.
    #[error(
        "{function} cannot be called: the instance failed before ({cause}); make a new instance"
    )]
    Poisoned {
        /// The function that was to be called.
        function: String,
        /// What happened to the instance.
        cause: String,
    },
    /// A resource handle of the host's side is not valid.
    #[error("{0}")]
    Resource(String),
    /// The engine could not be set up, or wasmer failed in a way that is nobody's fault here.
    #[error("{0}")]
    Engine(String),
}

impl Error {
    /// The failure of a host function, with an error type of the embedder's, which [`Error::downcast_ref`] finds again
    /// when it comes out of the call.
    pub fn host(error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Host(Box::new(error))
    }

    /// A trap raised by the host's side: the specification's own ("cannot leave component instance") or a host function
    /// that finds its caller broke a rule.
    #[cold]
    pub fn trap(message: impl Into<Cow<'static, str>>) -> Error {
        Error::Trap(Box::new(Trap {
            function: String::new(),
            message: message.into(),
            frames: Vec::new(),
        }))
    }

    /// The embedder's own error, if that is what this is.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::Host(e) => e.downcast_ref(),
            _ => None,
        }
    }

    /// Whether this is an exceeded limit of the given kind.
    pub fn is_limit(&self, kind: LimitKind) -> bool {
        matches!(self, Error::Limit(l) if l.kind == kind)
    }

    /// Names the function, where nobody has yet.
    pub(crate) fn in_function(mut self, name: &str) -> Error {
        match &mut self {
            Error::Trap(trap) if trap.function.is_empty() => trap.function = name.to_string(),
            Error::Limit(limit) if limit.function.is_empty() => limit.function = name.to_string(),
            _ => {}
        }
        self
    }
}

/// A trap: the guest did what it must not, or gave up by itself.
#[derive(Debug, Clone)]
pub struct Trap {
    /// The component-level function that was called, as `interface#function`.
    pub function: String,
    /// What happened.
    pub message: Cow<'static, str>,
    /// The guest's frames, innermost first. Empty when the host's side raised the trap.
    pub frames: Vec<Frame>,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.function.is_empty() {
            write!(f, "trap: {}", self.message)?;
        } else {
            write!(f, "trap in {}: {}", self.function, self.message)?;
        }
        for frame in self.frames.iter().take(MAX_FRAMES_SHOWN) {
            write!(f, "\n    at {frame}")?;
        }
        match self.frames.len().checked_sub(MAX_FRAMES_SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\n    and {more} more frames"),
        }
    }
}

const MAX_FRAMES_SHOWN: usize = 32;

impl std::error::Error for Trap {}

/// One function of the guest in a trap's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The core module's name, if it has one.
    pub module: String,
    /// The function's name from the name section, demangled, if it has one.
    pub function: Option<String>,
    /// Index of the function in its module.
    pub index: u32,
    /// Bytes from the start of the module.
    pub offset: usize,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.function.as_deref().unwrap_or("<unnamed>");
        write!(
            f,
            "{name} ({}[{}]:{:#x})",
            self.module, self.index, self.offset
        )
    }
}

/// What the guest had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// Linear memory.
    Memory,
    /// Table elements.
    Table,
    /// Time in one call.
    Time,
    /// Bytes of lists and strings that cross the boundary at once.
    ListSize,
    /// Core instructions executed in one call.
    Operations,
}

/// A limit of the host that the guest exceeded.
#[derive(Debug, Clone)]
pub struct LimitExceeded {
    /// Which limit.
    pub kind: LimitKind,
    /// The component-level function that was called, as `interface#function`.
    pub function: String,
    /// The limit, in words with its unit.
    pub limit: String,
}

impl LimitExceeded {
    pub(crate) fn memory(bytes: u64) -> Error {
        Self::exceeded(LimitKind::Memory, format!("{bytes} bytes"))
    }

    pub(crate) fn table(elements: u32) -> Error {
        Self::exceeded(LimitKind::Table, format!("{elements} elements"))
    }

    pub(crate) fn time(limit: Duration) -> Error {
        Self::exceeded(LimitKind::Time, format!("{} ms", limit.as_millis()))
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn operations(limit: u64) -> Error {
        Self::exceeded(LimitKind::Operations, limit.to_string())
    }

    pub(crate) fn list(limit: usize) -> Error {
        Self::exceeded(LimitKind::ListSize, format!("{limit} bytes"))
    }

    #[cold]
    fn exceeded(kind: LimitKind, limit: String) -> Error {
        Error::Limit(Box::new(LimitExceeded {
            kind,
            function: String::new(),
            limit,
        }))
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            LimitKind::Memory => "linear memory",
            LimitKind::Table => "table size",
            LimitKind::Time => "time for one call",
            LimitKind::ListSize => "size of lists and strings",
            LimitKind::Operations => "instructions for one call",
        };
        let place = if self.function.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.function)
        };
        write!(f, "limit exceeded{place}: {what}, {}", self.limit)
    }
}

impl std::error::Error for LimitExceeded {}

/// An import that the linker does not satisfy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nothing of that name is defined.
    #[error("import {import} ({kind}) is not defined{}", offered.as_ref().map_or(String::new(), |o| format!("; the linker offers {o}")))]
    Missing {
        /// The import, as `interface` or `interface#item`.
        import: String,
        /// What the component wants there.
        kind: &'static str,
        /// A version or name that comes near.
        offered: Option<String>,
    },
    /// Something else is defined under that name.
    #[error("import {import} is a {wanted} and is defined as a {defined}")]
    Kind {
        /// The import, as `interface` or `interface#item`.
        import: String,
        /// What the component wants there.
        wanted: &'static str,
        /// What the linker has.
        defined: &'static str,
    },
    /// The types differ.
    #[error("import {import}: {mismatch}")]
    Type {
        /// The import, as `interface#item`.
        import: String,
        /// Where they differ.
        mismatch: TypeMismatch,
    },
    /// The name is defined already.
    #[error("{0} is defined already; use Linker::allow_shadowing to replace it")]
    Duplicate(String),
}

/// Where a type of the host and a type of the component differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeMismatch {
    /// The way to the difference: `parameter 2, field name`.
    path: Vec<String>,
    /// The host's type.
    expected: String,
    /// The component's type.
    found: String,
}

impl TypeMismatch {
    /// The host expects `expected`; the component has `found`.
    #[cold]
    pub fn new(expected: impl Into<String>, found: impl fmt::Display) -> TypeMismatch {
        TypeMismatch {
            path: Vec::new(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    /// The same difference, seen from one level further out.
    #[must_use]
    pub fn within(mut self, place: impl Into<String>) -> TypeMismatch {
        self.path.insert(0, place.into());
        self
    }
}

impl fmt::Display for TypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join(", "))?;
        }
        write!(
            f,
            "the host has {}, the component {}",
            self.expected, self.found
        )
    }
}

impl std::error::Error for TypeMismatch {}
