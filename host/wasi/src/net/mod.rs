//! The network as this crate sees it: sockets of the host, and what of the network a guest was granted.
//!
//! A guest reaches nothing by itself: every address it binds, connects or sends to, and every name it looks up, is held against
//! its [`NetworkGrant`]s first. Everything is non-blocking; waiting is done by the bindings, on the descriptors that the sockets
//! name as their [`Readiness`](crate::readiness::Readiness), so that a wait ends at the call's deadline.
//!
//! - [`NetworkGrant`] and [`AddressRange`] say what is allowed, also as text.
//! - `tcp`, `udp` and `lookup` are the state machines of `wasi:sockets`; the bindings only translate types.
//! - IPv6 sockets are never dual-stack, and IPv4-mapped addresses are refused, as the specification has it: a grant of an IPv4
//!   address cannot be asked for in another spelling.

mod error;
mod grant;
mod lookup;
mod name;
mod options;
mod outbox;
mod tcp;
mod udp;

pub use error::ErrorCode;
pub(crate) use grant::Policy;
pub use grant::{AddressRange, NetworkGrant, NetworkGrantError};
pub(crate) use lookup::Lookup;
pub(crate) use options::Family;
pub(crate) use outbox::Outbox;
pub(crate) use tcp::{ShutdownType, TcpSocket};
pub(crate) use udp::{Datagram, Incoming, Outgoing, Outgoings, UdpSocket};

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The result of everything in `net`.
pub type NetResult<T> = Result<T, ErrorCode>;

/// The most sockets one guest may have open.
const MAX_SOCKETS: usize = 256;
/// The most names one guest may look up at the same time.
const MAX_LOOKUPS: usize = 16;

/// What one guest has of the network.
pub(crate) struct Network {
    pub policy: Policy,
    /// What was written and the kernel has not taken yet.
    pub outbox: Arc<Outbox>,
    sockets: Arc<()>,
    lookups: Arc<()>,
}

impl Network {
    pub fn new(grants: &[NetworkGrant]) -> Self {
        Network {
            policy: Policy::new(grants),
            outbox: Arc::default(),
            sockets: Arc::default(),
            lookups: Arc::default(),
        }
    }

    /// The place of one more socket, which is free again when it is dropped.
    pub fn socket_ticket(&self) -> NetResult<Ticket> {
        ticket(&self.sockets, MAX_SOCKETS).ok_or(ErrorCode::NewSocketLimit)
    }

    /// The place of one more lookup.
    pub fn lookup_ticket(&self) -> NetResult<Ticket> {
        ticket(&self.lookups, MAX_LOOKUPS).ok_or(ErrorCode::TemporaryResolverFailure)
    }
}

/// One of a limited number of places.
pub(crate) type Ticket = Arc<()>;

fn ticket(all: &Arc<()>, limit: usize) -> Option<Ticket> {
    (Arc::strong_count(all) <= limit).then(|| all.clone())
}

/// Whether an address is one that a socket of this family can have at all.
fn of_family(family: Family, address: SocketAddr) -> NetResult<()> {
    match (family, address.ip()) {
        (Family::Ipv4, IpAddr::V4(_)) => Ok(()),
        (Family::Ipv6, IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_none() => Ok(()),
        _ => Err(ErrorCode::InvalidArgument),
    }
}

/// Whether an address names one place to send to.
fn is_remote(address: SocketAddr) -> NetResult<()> {
    if address.ip().is_unspecified() || address.port() == 0 {
        return Err(ErrorCode::InvalidArgument);
    }
    Ok(())
}

/// Whether an address belongs to one host.
fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_multicast(),
    }
}
