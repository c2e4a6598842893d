//! UDP: a socket, and the two streams of datagrams it gives.
//!
//! `stream` may be called again to associate the socket with another address; only the streams given last work then. The
//! association is the kernel's, so that errors of the network come back, but what was received before it is sorted out here.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketType};

use super::grant::Use;
use super::options;
use super::{ErrorCode, Family, NetResult, Network, Policy, Ticket, is_remote, of_family};
use crate::readiness::{Readiness, is_ready};

/// The most datagrams one `receive` gives, and one `check-send` permits.
const MAX_DATAGRAMS: u64 = 64;
/// A datagram is never longer, in bytes.
const MAX_DATAGRAM: usize = 64 * 1024;

/// Bytes, and the address of the other side.
pub(crate) struct Datagram<A> {
    pub data: Vec<u8>,
    pub remote: A,
}

/// What `send` is given: without an address it goes to the one that the streams are associated with.
pub(crate) type Outgoings = Vec<Datagram<Option<SocketAddr>>>;

/// `udp-socket`.
pub(crate) struct UdpSocket {
    shared: Arc<Shared>,
    family: Family,
    state: State,
}

enum State {
    Unbound,
    Binding(NetResult<()>),
    Bound,
}

struct Shared {
    fd: Arc<OwnedFd>,
    association: Mutex<Association>,
    _ticket: Ticket,
}

#[derive(Debug, Clone, Copy, Default)]
struct Association {
    /// Which call of `stream` it is of.
    number: u64,
    remote: Option<SocketAddr>,
}

impl Shared {
    fn association(&self) -> MutexGuard<'_, Association> {
        self.association
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// With whom the streams of that number speak.
    fn current(&self, number: u64) -> NetResult<Option<SocketAddr>> {
        let association = *self.association();
        if association.number == number {
            Ok(association.remote)
        } else {
            Err(ErrorCode::InvalidState)
        }
    }
}

impl UdpSocket {
    /// A socket that is not bound.
    pub fn new(network: &Network, family: Family) -> NetResult<Self> {
        if !network.policy.has_udp() {
            return Err(ErrorCode::AccessDenied);
        }
        let ticket = network.socket_ticket()?;
        let shared = Shared {
            fd: Arc::new(options::socket(family, SocketType::DGRAM)?),
            association: Mutex::default(),
            _ticket: ticket,
        };
        Ok(UdpSocket {
            shared: Arc::new(shared),
            family,
            state: State::Unbound,
        })
    }

    pub fn start_bind(&mut self, policy: &Policy, address: SocketAddr) -> NetResult<()> {
        match self.state {
            State::Unbound => {}
            State::Binding(_) => return Err(ErrorCode::ConcurrencyConflict),
            State::Bound => return Err(ErrorCode::InvalidState),
        }
        of_family(self.family, address)?;
        if !policy.allows(Use::UdpBind, address) {
            return Err(ErrorCode::AccessDenied);
        }
        let outcome = rustix::net::bind(&self.shared.fd, &address).map_err(ErrorCode::from);
        self.state = State::Binding(outcome);
        Ok(())
    }

    pub fn finish_bind(&mut self) -> NetResult<()> {
        let State::Binding(outcome) = self.state else {
            return Err(ErrorCode::NotInProgress);
        };
        self.state = if outcome.is_ok() {
            State::Bound
        } else {
            State::Unbound
        };
        outcome
    }

    pub fn stream(
        &mut self,
        policy: &Policy,
        remote: Option<SocketAddr>,
    ) -> NetResult<(Incoming, Outgoing)> {
        let State::Bound = self.state else {
            return Err(ErrorCode::InvalidState);
        };
        if let Some(remote) = remote {
            of_family(self.family, remote)?;
            is_remote(remote)?;
            if !policy.allows(Use::UdpSend, remote) {
                return Err(ErrorCode::AccessDenied);
            }
        }
        let fd = &self.shared.fd;
        let mut association = self.shared.association();
        if association.remote.is_some() {
            let local = options::local_address(fd)?;
            rustix::net::connect_unspec(fd)?;
            // Linux forgets a port that it had chosen itself.
            if options::local_address(fd).is_ok_and(|now| now.port() != local.port()) {
                rustix::net::bind(fd, &local)?;
            }
            association.remote = None;
        }
        if let Some(remote) = remote {
            rustix::net::connect(fd, &remote)?;
            association.remote = Some(remote);
        }
        association.number += 1;
        let number = association.number;
        Ok((
            Incoming {
                shared: self.shared.clone(),
                number,
                buffer: Vec::new(),
            },
            Outgoing {
                shared: self.shared.clone(),
                number,
                permit: 0,
                family: self.family,
            },
        ))
    }

    pub fn local_address(&self) -> NetResult<SocketAddr> {
        let State::Bound = self.state else {
            return Err(ErrorCode::InvalidState);
        };
        options::local_address(&self.shared.fd)
    }

    pub fn remote_address(&self) -> NetResult<SocketAddr> {
        self.shared
            .association()
            .remote
            .ok_or(ErrorCode::InvalidState)
    }

    pub fn family(&self) -> Family {
        self.family
    }

    pub fn hop_limit(&self) -> NetResult<u8> {
        options::hop_limit(&self.shared.fd, self.family)
    }

    pub fn set_hop_limit(&self, value: u8) -> NetResult<()> {
        options::set_hop_limit(&self.shared.fd, self.family, value)
    }

    pub fn receive_buffer_size(&self) -> NetResult<u64> {
        options::receive_buffer(&self.shared.fd)
    }

    pub fn set_receive_buffer_size(&self, value: u64) -> NetResult<()> {
        options::set_receive_buffer(&self.shared.fd, value)
    }

    pub fn send_buffer_size(&self) -> NetResult<u64> {
        options::send_buffer(&self.shared.fd)
    }

    pub fn set_send_buffer_size(&self, value: u64) -> NetResult<()> {
        options::set_send_buffer(&self.shared.fd, value)
    }
}

/// `incoming-datagram-stream`.
pub(crate) struct Incoming {
    shared: Arc<Shared>,
    number: u64,
    /// As long as the longest datagram, once it was needed.
    buffer: Vec<u8>,
}

impl Incoming {
    /// Up to `max` datagrams that are there now.
    pub fn receive(&mut self, max: u64) -> NetResult<Vec<Datagram<SocketAddr>>> {
        let only = self.shared.current(self.number)?;
        let mut datagrams = Vec::new();
        if max == 0 {
            return Ok(datagrams);
        }
        self.buffer.resize(MAX_DATAGRAM, 0);
        // What is sorted out counts too, so that a flood of it does not keep us here.
        for _ in 0..max.min(MAX_DATAGRAMS) {
            let received = rustix::net::recvfrom(
                &self.shared.fd,
                self.buffer.as_mut_slice(),
                RecvFlags::empty(),
            );
            match received {
                Ok((length, _, sender)) => {
                    let sender = sender.and_then(|sender| SocketAddr::try_from(sender).ok());
                    let data = self.buffer.get(..length).unwrap_or(&[]);
                    match sender {
                        Some(remote) if only.is_none_or(|only| same(only, remote)) => {
                            datagrams.push(Datagram {
                                data: data.to_vec(),
                                remote,
                            });
                        }
                        _ => {}
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // What was received before is given first; a lasting error comes again.
                Err(_) if !datagrams.is_empty() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(datagrams)
    }

    pub fn readiness(&self) -> Readiness {
        Readiness::Readable(self.shared.fd.clone())
    }
}

/// Flow labels and scopes that a guest need not name do not tell addresses apart.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

/// `outgoing-datagram-stream`.
pub(crate) struct Outgoing {
    shared: Arc<Shared>,
    number: u64,
    permit: u64,
    family: Family,
}

/// A guest sends more datagrams than `check-send` permitted.
pub(crate) struct NotPermitted;

impl Outgoing {
    /// How many datagrams the next `send` may have.
    pub fn check_send(&mut self) -> NetResult<u64> {
        self.shared.current(self.number)?;
        self.permit = if is_ready(&self.readiness()) {
            MAX_DATAGRAMS
        } else {
            0
        };
        Ok(self.permit)
    }

    /// Sends, and says how many datagrams were sent.
    ///
    /// Errors: the guest was not permitted to call.
    pub fn send(
        &mut self,
        policy: &Policy,
        datagrams: &Outgoings,
    ) -> Result<NetResult<u64>, NotPermitted> {
        let count = datagrams.len() as u64;
        if count > self.permit {
            return Err(NotPermitted);
        }
        self.permit -= count;
        let associated = match self.shared.current(self.number) {
            Ok(associated) => associated,
            Err(code) => return Ok(Err(code)),
        };
        let mut sent = 0;
        for datagram in datagrams {
            match self.send_one(policy, associated, datagram) {
                Ok(()) => sent += 1,
                Err(ErrorCode::WouldBlock) => break,
                Err(code) if sent == 0 => return Ok(Err(code)),
                Err(_) => break,
            }
        }
        Ok(Ok(sent))
    }

    fn send_one(
        &self,
        policy: &Policy,
        associated: Option<SocketAddr>,
        datagram: &Datagram<Option<SocketAddr>>,
    ) -> NetResult<()> {
        let fd = &self.shared.fd;
        let data = &datagram.data;
        let outcome = match (datagram.remote, associated) {
            (None, None) => return Err(ErrorCode::InvalidArgument),
            (Some(remote), Some(associated)) if !same(remote, associated) => {
                return Err(ErrorCode::InvalidArgument);
            }
            (_, Some(_)) => loop {
                match rustix::net::send(fd, data, SendFlags::NOSIGNAL) {
                    Err(Errno::INTR) => {}
                    outcome => break outcome,
                }
            },
            (Some(remote), None) => {
                of_family(self.family, remote)?;
                is_remote(remote)?;
                if !policy.allows(Use::UdpSend, remote) {
                    return Err(ErrorCode::AccessDenied);
                }
                loop {
                    match rustix::net::sendto(fd, data, SendFlags::NOSIGNAL, &remote) {
                        Err(Errno::INTR) => {}
                        outcome => break outcome,
                    }
                }
            }
        };
        outcome.map(drop).map_err(ErrorCode::from)
    }

    pub fn readiness(&self) -> Readiness {
        Readiness::Writable(self.shared.fd.clone())
    }
}
