//! The error codes of `wasi:filesystem`, and how the host's own errors become one.
//!
//! A guest sees a code and nothing else: no host path, no text of the operating system. What is known beyond the code
//! goes to `tracing` at debug level where it is dropped.

use std::io;

use wasmer_component::{ComponentType, Lift, Lower};

/// The result of everything in [`fs`](crate::fs).
pub type FsResult<T> = Result<T, ErrorCode>;

/// Why a file-system operation failed: `error-code` of `wasi:filesystem/types`, case by case in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, ComponentType, Lift, Lower)]
#[component(enum)]
#[allow(missing_docs)] // each case is its message
pub enum ErrorCode {
    #[error("permission denied")]
    Access,
    #[error("the operation would block")]
    WouldBlock,
    #[error("already in progress")]
    Already,
    #[error("bad descriptor")]
    BadDescriptor,
    #[error("device or resource busy")]
    Busy,
    #[error("resource deadlock would occur")]
    Deadlock,
    #[error("storage quota exceeded")]
    Quota,
    #[error("file exists")]
    Exist,
    #[error("file too large")]
    FileTooLarge,
    #[error("illegal byte sequence")]
    IllegalByteSequence,
    #[error("operation in progress")]
    InProgress,
    #[error("interrupted")]
    Interrupted,
    #[error("invalid argument")]
    Invalid,
    #[error("input or output error")]
    Io,
    #[error("is a directory")]
    IsDirectory,
    #[error("too many levels of symbolic links")]
    Loop,
    #[error("too many links")]
    TooManyLinks,
    #[error("message too large")]
    MessageSize,
    #[error("file name too long")]
    NameTooLong,
    #[error("no such device")]
    NoDevice,
    #[error("no such file or directory")]
    NoEntry,
    #[error("no locks available")]
    NoLock,
    #[error("not enough memory")]
    InsufficientMemory,
    #[error("no space left")]
    InsufficientSpace,
    #[error("not a directory")]
    NotDirectory,
    #[error("directory not empty")]
    NotEmpty,
    #[error("state not recoverable")]
    NotRecoverable,
    #[error("not supported")]
    Unsupported,
    #[error("inappropriate control operation")]
    NoTty,
    #[error("no such device or address")]
    NoSuchDevice,
    #[error("value too large")]
    Overflow,
    #[error("operation not permitted")]
    NotPermitted,
    #[error("broken pipe")]
    Pipe,
    #[error("read-only file system")]
    ReadOnly,
    #[error("invalid seek")]
    InvalidSeek,
    #[error("text file busy")]
    TextFileBusy,
    #[error("cross-device link")]
    CrossDevice,
}

impl From<rustix::io::Errno> for ErrorCode {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::ACCESS => ErrorCode::Access,
            Errno::AGAIN => ErrorCode::WouldBlock,
            Errno::ALREADY => ErrorCode::Already,
            Errno::BADF => ErrorCode::BadDescriptor,
            Errno::BUSY => ErrorCode::Busy,
            Errno::DEADLK => ErrorCode::Deadlock,
            Errno::DQUOT => ErrorCode::Quota,
            Errno::EXIST => ErrorCode::Exist,
            Errno::FBIG => ErrorCode::FileTooLarge,
            Errno::ILSEQ => ErrorCode::IllegalByteSequence,
            Errno::INPROGRESS => ErrorCode::InProgress,
            Errno::INTR => ErrorCode::Interrupted,
            Errno::INVAL => ErrorCode::Invalid,
            Errno::ISDIR => ErrorCode::IsDirectory,
            Errno::LOOP => ErrorCode::Loop,
            Errno::MLINK => ErrorCode::TooManyLinks,
            Errno::MSGSIZE => ErrorCode::MessageSize,
            Errno::NAMETOOLONG => ErrorCode::NameTooLong,
            Errno::NODEV => ErrorCode::NoDevice,
            Errno::NOENT => ErrorCode::NoEntry,
            Errno::NOLCK => ErrorCode::NoLock,
            // WASI has no code for too many open files.
            Errno::NOMEM | Errno::MFILE | Errno::NFILE => ErrorCode::InsufficientMemory,
            Errno::NOSPC => ErrorCode::InsufficientSpace,
            Errno::NOTDIR => ErrorCode::NotDirectory,
            Errno::NOTEMPTY => ErrorCode::NotEmpty,
            Errno::NOTRECOVERABLE => ErrorCode::NotRecoverable,
            Errno::NOTSUP | Errno::NOSYS => ErrorCode::Unsupported,
            Errno::NOTTY => ErrorCode::NoTty,
            Errno::NXIO => ErrorCode::NoSuchDevice,
            Errno::OVERFLOW => ErrorCode::Overflow,
            Errno::PERM => ErrorCode::NotPermitted,
            Errno::PIPE => ErrorCode::Pipe,
            Errno::ROFS => ErrorCode::ReadOnly,
            Errno::SPIPE => ErrorCode::InvalidSeek,
            Errno::TXTBSY => ErrorCode::TextFileBusy,
            Errno::XDEV => ErrorCode::CrossDevice,
            _ => ErrorCode::Io,
        }
    }
}

impl From<io::Error> for ErrorCode {
    fn from(error: io::Error) -> Self {
        if let Some(errno) = rustix::io::Errno::from_io_error(&error) {
            let code = ErrorCode::from(errno);
            if code == ErrorCode::Io {
                tracing::debug!(%error, "file system error without a code of its own");
            }
            return code;
        }
        // Errors made by a library, not by the system: cap-std reports a path that leads out of its directory as
        // "permission denied" without a number, which is what WASI calls not-permitted.
        match error.kind() {
            io::ErrorKind::PermissionDenied => ErrorCode::NotPermitted,
            io::ErrorKind::NotFound => ErrorCode::NoEntry,
            io::ErrorKind::AlreadyExists => ErrorCode::Exist,
            io::ErrorKind::InvalidInput => ErrorCode::Invalid,
            io::ErrorKind::InvalidData => ErrorCode::IllegalByteSequence,
            io::ErrorKind::WouldBlock => ErrorCode::WouldBlock,
            io::ErrorKind::Interrupted => ErrorCode::Interrupted,
            io::ErrorKind::Unsupported => ErrorCode::Unsupported,
            io::ErrorKind::NotADirectory => ErrorCode::NotDirectory,
            io::ErrorKind::IsADirectory => ErrorCode::IsDirectory,
            _ => {
                tracing::debug!(%error, "file system error without a code of its own");
                ErrorCode::Io
            }
        }
    }
}
