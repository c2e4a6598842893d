//! Making sockets, and the options that TCP and UDP have in common. Sizes and times that the system cannot do are brought into
//! what it can, as the specification asks; a zero is an error.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};
use wasmer_component::{ComponentType, Lift, Lower};

use super::{ErrorCode, NetResult};

/// `ip-address-family`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
pub(crate) enum Family {
    Ipv4,
    Ipv6,
}

/// A new non-blocking socket, never dual-stack.
pub(super) fn socket(family: Family, kind: SocketType) -> NetResult<OwnedFd> {
    let domain = match family {
        Family::Ipv4 => AddressFamily::INET,
        Family::Ipv6 => AddressFamily::INET6,
    };
    #[cfg(not(target_vendor = "apple"))]
    let fd = {
        use rustix::net::SocketFlags;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        rustix::net::socket_with(domain, kind, flags, None)?
    };
    #[cfg(target_vendor = "apple")]
    let fd = unshared(rustix::net::socket(domain, kind, None)?)?;
    if family == Family::Ipv6 {
        sockopt::set_ipv6_v6only(&fd, true)?;
    }
    Ok(fd)
}

/// The next connection of a listener.
pub(super) fn accept(listener: impl AsFd) -> Result<OwnedFd, Errno> {
    #[cfg(not(target_vendor = "apple"))]
    {
        use rustix::net::SocketFlags;
        rustix::net::accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
    }
    #[cfg(target_vendor = "apple")]
    unshared(rustix::net::accept(listener)?)
}

#[cfg(target_vendor = "apple")]
fn unshared(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok(fd)
}

/// Where a socket is bound.
pub(super) fn local_address(fd: impl AsFd) -> NetResult<SocketAddr> {
    SocketAddr::try_from(rustix::net::getsockname(fd)?).map_err(ErrorCode::from)
}

pub(super) fn hop_limit(fd: impl AsFd, family: Family) -> NetResult<u8> {
    Ok(match family {
        Family::Ipv4 => u8::try_from(sockopt::ip_ttl(fd)?).unwrap_or(u8::MAX),
        Family::Ipv6 => sockopt::ipv6_unicast_hops(fd)?,
    })
}

pub(super) fn set_hop_limit(fd: impl AsFd, family: Family, value: u8) -> NetResult<()> {
    not_zero(value)?;
    match family {
        Family::Ipv4 => sockopt::set_ip_ttl(fd, value.into())?,
        Family::Ipv6 => sockopt::set_ipv6_unicast_hops(fd, Some(value))?,
    }
    Ok(())
}

pub(super) fn receive_buffer(fd: impl AsFd) -> NetResult<u64> {
    Ok(told(sockopt::socket_recv_buffer_size(fd)?))
}

pub(super) fn set_receive_buffer(fd: impl AsFd, value: u64) -> NetResult<()> {
    not_zero(value)?;
    Ok(sockopt::set_socket_recv_buffer_size(fd, asked(value))?)
}

pub(super) fn send_buffer(fd: impl AsFd) -> NetResult<u64> {
    Ok(told(sockopt::socket_send_buffer_size(fd)?))
}

pub(super) fn set_send_buffer(fd: impl AsFd, value: u64) -> NetResult<()> {
    not_zero(value)?;
    Ok(sockopt::set_socket_send_buffer_size(fd, asked(value))?)
}

pub(super) fn not_zero<N: Default + PartialEq>(value: N) -> NetResult<()> {
    if value == N::default() {
        return Err(ErrorCode::InvalidArgument);
    }
    Ok(())
}

/// Linux tells twice of what was asked for, the other half being its own bookkeeping.
fn told(size: usize) -> u64 {
    let size = size as u64;
    if cfg!(target_os = "linux") {
        size / 2
    } else {
        size
    }
}

fn asked(size: u64) -> usize {
    // Half of what an int can say, as it is doubled.
    usize::try_from(size.min(i32::MAX as u64 / 2)).unwrap_or(usize::MAX)
}
