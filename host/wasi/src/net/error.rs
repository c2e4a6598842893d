//! The error codes of `wasi:sockets`, and how the system's become one.

use rustix::io::Errno;
use wasmer_component::{ComponentType, Lift, Lower};

use crate::stream::{StreamError, StreamFailure};

/// Why a network operation failed: `error-code` of `wasi:sockets/network`, case by case in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, ComponentType, Lift, Lower)]
#[component(enum)]
#[allow(missing_docs)] // each case is its message
pub enum ErrorCode {
    #[error("unknown network error")]
    Unknown,
    #[error("access denied")]
    AccessDenied,
    #[error("not supported")]
    NotSupported,
    #[error("invalid argument")]
    InvalidArgument,
    #[error("out of memory")]
    OutOfMemory,
    #[error("timed out")]
    Timeout,
    #[error("another operation is in progress")]
    ConcurrencyConflict,
    #[error("no operation is in progress")]
    NotInProgress,
    #[error("the operation would block")]
    WouldBlock,
    #[error("not possible in this state of the socket")]
    InvalidState,
    #[error("too many sockets")]
    NewSocketLimit,
    #[error("address not bindable")]
    AddressNotBindable,
    #[error("address in use")]
    AddressInUse,
    #[error("remote address unreachable")]
    RemoteUnreachable,
    #[error("connection refused")]
    ConnectionRefused,
    #[error("connection reset")]
    ConnectionReset,
    #[error("connection aborted")]
    ConnectionAborted,
    #[error("datagram too large")]
    DatagramTooLarge,
    #[error("name unresolvable")]
    NameUnresolvable,
    #[error("temporary resolver failure")]
    TemporaryResolverFailure,
    #[error("permanent resolver failure")]
    PermanentResolverFailure,
}

impl From<Errno> for ErrorCode {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ACCESS | Errno::PERM => ErrorCode::AccessDenied,
            Errno::NOTSUP | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT | Errno::NOPROTOOPT => {
                ErrorCode::NotSupported
            }
            Errno::INVAL => ErrorCode::InvalidArgument,
            Errno::NOMEM | Errno::NOBUFS => ErrorCode::OutOfMemory,
            Errno::TIMEDOUT => ErrorCode::Timeout,
            Errno::ALREADY => ErrorCode::ConcurrencyConflict,
            Errno::AGAIN => ErrorCode::WouldBlock,
            Errno::ISCONN | Errno::NOTCONN | Errno::DESTADDRREQ => ErrorCode::InvalidState,
            Errno::MFILE | Errno::NFILE => ErrorCode::NewSocketLimit,
            Errno::ADDRNOTAVAIL => ErrorCode::AddressNotBindable,
            Errno::ADDRINUSE => ErrorCode::AddressInUse,
            Errno::HOSTUNREACH | Errno::HOSTDOWN | Errno::NETUNREACH | Errno::NETDOWN => {
                ErrorCode::RemoteUnreachable
            }
            Errno::CONNREFUSED => ErrorCode::ConnectionRefused,
            Errno::CONNRESET | Errno::PIPE => ErrorCode::ConnectionReset,
            Errno::CONNABORTED => ErrorCode::ConnectionAborted,
            Errno::MSGSIZE => ErrorCode::DatagramTooLarge,
            _ => {
                tracing::debug!(%errno, "network error without a code of its own");
                ErrorCode::Unknown
            }
        }
    }
}

impl From<ErrorCode> for StreamError {
    fn from(code: ErrorCode) -> Self {
        StreamError::Failed(StreamFailure {
            message: code.to_string(),
            code: None,
            network: Some(code),
        })
    }
}
