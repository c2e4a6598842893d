//! TCP: a socket's states, and the two streams of a connection.
//!
//! `start-…` does the work and `finish-…` tells how it went; only connecting takes time. The states are those of the
//! specification's "Operational semantics of WASI TCP sockets": after a failed connection a socket is good for nothing more.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketType, sockopt};
use wasmer_component::{ComponentType, Lift, Lower};

use super::grant::Use;
use super::options::{self, not_zero};
use super::{
    ErrorCode, Family, NetResult, Network, Outbox, Policy, Ticket, is_remote, is_unicast, of_family,
};
use crate::readiness::{Readiness, is_ready};
use crate::stream::{Chunk, InputStream, OutputStream, StreamError, StreamResult};

/// How many bytes one `check-write` permits.
const PERMIT: usize = 256 * 1024;
/// The most bytes one read gives.
const MAX_READ: usize = 1024 * 1024;
/// What `listen` gets unless the guest says otherwise.
const DEFAULT_BACKLOG: i32 = 128;

/// `shutdown-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
pub(crate) enum ShutdownType {
    Receive,
    Send,
    Both,
}

/// `tcp-socket`.
pub(crate) struct TcpSocket {
    fd: Arc<OwnedFd>,
    family: Family,
    state: State,
    backlog: i32,
    ticket: Ticket,
}

enum State {
    Unbound,
    Binding(NetResult<()>),
    Bound,
    StartingToListen(NetResult<()>),
    Listening,
    /// The kernel is connecting, or could not even begin.
    Connecting(NetResult<()>),
    Connected(Arc<Connection>),
    Closed,
}

impl TcpSocket {
    /// A socket that is not bound. It needs no grant, as it can do nothing yet.
    pub fn new(network: &Network, family: Family) -> NetResult<Self> {
        let ticket = network.socket_ticket()?;
        Ok(TcpSocket {
            fd: Arc::new(options::socket(family, SocketType::STREAM)?),
            family,
            state: State::Unbound,
            backlog: DEFAULT_BACKLOG,
            ticket,
        })
    }

    pub fn start_bind(&mut self, policy: &Policy, address: SocketAddr) -> NetResult<()> {
        tcp_granted(policy)?;
        match self.state {
            State::Unbound => {}
            State::Binding(_) | State::Connecting(_) | State::StartingToListen(_) => {
                return Err(ErrorCode::ConcurrencyConflict);
            }
            _ => return Err(ErrorCode::InvalidState),
        }
        of_family(self.family, address)?;
        if !is_unicast(address.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        if !policy.allows(Use::TcpListen, address) {
            return Err(ErrorCode::AccessDenied);
        }
        // A server must be able to come back while connections of its predecessor linger.
        sockopt::set_socket_reuseaddr(&self.fd, true)?;
        self.state = State::Binding(rustix::net::bind(&self.fd, &address).map_err(ErrorCode::from));
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

    pub fn start_connect(&mut self, policy: &Policy, address: SocketAddr) -> NetResult<()> {
        tcp_granted(policy)?;
        match self.state {
            State::Unbound | State::Bound => {}
            State::Binding(_) | State::Connecting(_) | State::StartingToListen(_) => {
                return Err(ErrorCode::ConcurrencyConflict);
            }
            _ => return Err(ErrorCode::InvalidState),
        }
        of_family(self.family, address)?;
        is_remote(address)?;
        if !is_unicast(address.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        if !policy.allows(Use::TcpConnect, address) {
            return Err(ErrorCode::AccessDenied);
        }
        self.state = State::Connecting(match rustix::net::connect(&self.fd, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(()),
            Err(error) => Err(connect_error(error)),
        });
        Ok(())
    }

    pub fn finish_connect(&mut self, outbox: &Arc<Outbox>) -> NetResult<(TcpInput, TcpOutput)> {
        let State::Connecting(begun) = self.state else {
            return Err(ErrorCode::NotInProgress);
        };
        let outcome = match begun {
            Ok(()) if !is_ready(&Readiness::Writable(self.fd.clone())) => {
                return Err(ErrorCode::WouldBlock);
            }
            Ok(()) => match sockopt::socket_error(&self.fd) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) | Err(error) => Err(connect_error(error)),
            },
            Err(code) => Err(code),
        };
        if let Err(code) = outcome {
            self.state = State::Closed;
            return Err(code);
        }
        let connection = Arc::new(Connection::new(self.fd.clone(), outbox));
        self.state = State::Connected(connection.clone());
        Ok((TcpInput::new(connection.clone()), TcpOutput(connection)))
    }

    pub fn start_listen(&mut self, policy: &Policy) -> NetResult<()> {
        tcp_granted(policy)?;
        match self.state {
            State::Bound => {}
            State::Binding(_) | State::Connecting(_) | State::StartingToListen(_) => {
                return Err(ErrorCode::ConcurrencyConflict);
            }
            _ => return Err(ErrorCode::InvalidState),
        }
        let outcome = rustix::net::listen(&self.fd, self.backlog).map_err(ErrorCode::from);
        self.state = State::StartingToListen(outcome);
        Ok(())
    }

    pub fn finish_listen(&mut self) -> NetResult<()> {
        let State::StartingToListen(outcome) = self.state else {
            return Err(ErrorCode::NotInProgress);
        };
        self.state = if outcome.is_ok() {
            State::Listening
        } else {
            State::Closed
        };
        outcome
    }

    pub fn accept(&mut self, network: &Network) -> NetResult<(TcpSocket, TcpInput, TcpOutput)> {
        tcp_granted(&network.policy)?;
        if !matches!(self.state, State::Listening) {
            return Err(ErrorCode::InvalidState);
        }
        let ticket = network.socket_ticket()?;
        let fd = Arc::new(self.next_connection()?);
        let connection = Arc::new(Connection::new(fd.clone(), &network.outbox));
        let socket = TcpSocket {
            fd,
            family: self.family,
            state: State::Connected(connection.clone()),
            backlog: DEFAULT_BACKLOG,
            ticket,
        };
        Ok((
            socket,
            TcpInput::new(connection.clone()),
            TcpOutput(connection),
        ))
    }

    fn next_connection(&self) -> NetResult<OwnedFd> {
        // A connection that is gone again by now is nothing to tell; but a peer that does only that must not keep us here.
        for _ in 0..64 {
            match options::accept(&self.fd) {
                Ok(fd) => return Ok(fd),
                Err(
                    Errno::INTR
                    | Errno::CONNABORTED
                    | Errno::PROTO
                    | Errno::NETDOWN
                    | Errno::NETUNREACH
                    | Errno::HOSTDOWN
                    | Errno::HOSTUNREACH
                    | Errno::OPNOTSUPP,
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ErrorCode::WouldBlock)
    }

    pub fn local_address(&self) -> NetResult<SocketAddr> {
        match self.state {
            State::Unbound | State::Binding(_) | State::Closed => Err(ErrorCode::InvalidState),
            _ => options::local_address(&self.fd),
        }
    }

    pub fn remote_address(&self) -> NetResult<SocketAddr> {
        let State::Connected(_) = self.state else {
            return Err(ErrorCode::InvalidState);
        };
        let address = rustix::net::getpeername(&self.fd)?.ok_or(ErrorCode::InvalidState)?;
        SocketAddr::try_from(address).map_err(ErrorCode::from)
    }

    pub fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening)
    }

    pub fn family(&self) -> Family {
        self.family
    }

    pub fn set_backlog(&mut self, value: u64) -> NetResult<()> {
        not_zero(value)?;
        let backlog = i32::try_from(value).unwrap_or(i32::MAX);
        match self.state {
            State::Unbound | State::Binding(_) | State::Bound | State::StartingToListen(_) => {}
            State::Listening => rustix::net::listen(&self.fd, backlog)?,
            _ => return Err(ErrorCode::InvalidState),
        }
        self.backlog = backlog;
        Ok(())
    }

    pub fn keep_alive(&self) -> NetResult<bool> {
        Ok(sockopt::socket_keepalive(&self.fd)?)
    }

    pub fn set_keep_alive(&self, value: bool) -> NetResult<()> {
        Ok(sockopt::set_socket_keepalive(&self.fd, value)?)
    }

    pub fn keep_alive_idle_time(&self) -> NetResult<u64> {
        Ok(nanoseconds(sockopt::tcp_keepidle(&self.fd)?))
    }

    pub fn set_keep_alive_idle_time(&self, value: u64) -> NetResult<()> {
        not_zero(value)?;
        Ok(sockopt::set_tcp_keepidle(&self.fd, seconds(value))?)
    }

    pub fn keep_alive_interval(&self) -> NetResult<u64> {
        Ok(nanoseconds(sockopt::tcp_keepintvl(&self.fd)?))
    }

    pub fn set_keep_alive_interval(&self, value: u64) -> NetResult<()> {
        not_zero(value)?;
        Ok(sockopt::set_tcp_keepintvl(&self.fd, seconds(value))?)
    }

    pub fn keep_alive_count(&self) -> NetResult<u32> {
        Ok(sockopt::tcp_keepcnt(&self.fd)?)
    }

    pub fn set_keep_alive_count(&self, value: u32) -> NetResult<()> {
        not_zero(value)?;
        // The most that Linux takes.
        Ok(sockopt::set_tcp_keepcnt(&self.fd, value.min(127))?)
    }

    pub fn hop_limit(&self) -> NetResult<u8> {
        options::hop_limit(&self.fd, self.family)
    }

    pub fn set_hop_limit(&self, value: u8) -> NetResult<()> {
        options::set_hop_limit(&self.fd, self.family, value)
    }

    pub fn receive_buffer_size(&self) -> NetResult<u64> {
        options::receive_buffer(&self.fd)
    }

    pub fn set_receive_buffer_size(&self, value: u64) -> NetResult<()> {
        options::set_receive_buffer(&self.fd, value)
    }

    pub fn send_buffer_size(&self) -> NetResult<u64> {
        options::send_buffer(&self.fd)
    }

    pub fn set_send_buffer_size(&self, value: u64) -> NetResult<()> {
        options::set_send_buffer(&self.fd, value)
    }

    pub fn shutdown(&self, what: ShutdownType) -> NetResult<()> {
        let State::Connected(connection) = &self.state else {
            return Err(ErrorCode::InvalidState);
        };
        if matches!(what, ShutdownType::Receive | ShutdownType::Both) {
            connection.stop_receiving()?;
        }
        if matches!(what, ShutdownType::Send | ShutdownType::Both) {
            connection.stop_sending()?;
        }
        Ok(())
    }

    /// When `finish-connect` or `accept` has something to tell; all else is ready at once.
    pub fn readiness(&self) -> Readiness {
        match self.state {
            State::Connecting(Ok(())) => Readiness::Writable(self.fd.clone()),
            State::Listening => Readiness::Readable(self.fd.clone()),
            _ => Readiness::Ready,
        }
    }
}

impl std::fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpSocket")
            .field("family", &self.family)
            .field("open", &Arc::strong_count(&self.ticket))
            .finish_non_exhaustive()
    }
}

fn tcp_granted(policy: &Policy) -> NetResult<()> {
    if policy.has_tcp() {
        Ok(())
    } else {
        Err(ErrorCode::AccessDenied)
    }
}

fn connect_error(error: Errno) -> ErrorCode {
    match error {
        // No local port is left for an implicit bind.
        Errno::ADDRNOTAVAIL => ErrorCode::AddressInUse,
        Errno::AFNOSUPPORT => ErrorCode::InvalidArgument,
        error => error.into(),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whole seconds that the system takes: at least one, at most what Linux allows.
fn seconds(nanoseconds: u64) -> Duration {
    Duration::from_secs(nanoseconds.div_ceil(1_000_000_000).clamp(1, 32_767))
}

/// What socket and streams share.
pub(crate) struct Connection {
    fd: Arc<OwnedFd>,
    receiving: AtomicBool,
    sending: Mutex<Sending>,
    outbox: Weak<Outbox>,
}

#[derive(Default)]
struct Sending {
    /// What the kernel has not taken, from `sent` on.
    bytes: Vec<u8>,
    sent: usize,
    /// The guest may write nothing more.
    closed: bool,
    /// Tell the peer so when all is sent.
    then_shut_down: bool,
    /// Why nothing more can be sent; told once.
    failed: Option<ErrorCode>,
}

impl Connection {
    fn new(fd: Arc<OwnedFd>, outbox: &Arc<Outbox>) -> Self {
        Connection {
            fd,
            receiving: AtomicBool::new(true),
            sending: Mutex::default(),
            outbox: Arc::downgrade(outbox),
        }
    }

    pub fn fd(&self) -> Arc<OwnedFd> {
        self.fd.clone()
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what can be sent now, and says whether something is left.
    pub fn send_more(&self) -> bool {
        self.sending().proceed(&self.fd)
    }

    fn stop_receiving(&self) -> NetResult<()> {
        self.receiving.store(false, Ordering::Relaxed);
        shut_down(&self.fd, Shutdown::Read)
    }

    fn stop_sending(&self) -> NetResult<()> {
        let mut sending = self.sending();
        sending.closed = true;
        if sending.proceed(&self.fd) {
            sending.then_shut_down = true;
            Ok(())
        } else {
            shut_down(&self.fd, Shutdown::Write)
        }
    }
}

/// A connection that the peer has ended already is shut down.
fn shut_down(fd: &OwnedFd, how: Shutdown) -> NetResult<()> {
    match rustix::net::shutdown(fd, how) {
        Ok(()) | Err(Errno::NOTCONN) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Sending {
    fn is_pending(&self) -> bool {
        self.sent < self.bytes.len()
    }

    /// Offers `bytes` to the kernel; says how many it took.
    fn offer(&mut self, fd: &OwnedFd, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match rustix::net::send(fd, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => taken += sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    self.closed = true;
                    self.failed = Some(error.into());
                    // Nobody will ever take it.
                    return bytes.len();
                }
            }
        }
        taken
    }

    fn proceed(&mut self, fd: &OwnedFd) -> bool {
        if self.is_pending() {
            let bytes = std::mem::take(&mut self.bytes);
            let rest = bytes.get(self.sent..).unwrap_or(&[]);
            self.sent += self.offer(fd, rest);
            if self.sent < bytes.len() {
                self.bytes = bytes;
                return true;
            }
            self.sent = 0;
        }
        if std::mem::take(&mut self.then_shut_down) {
            // The peer is told, or is gone.
            let _ = rustix::net::shutdown(fd, Shutdown::Write);
        }
        false
    }
}

/// What the peer sends.
pub(crate) struct TcpInput {
    connection: Arc<Connection>,
    ended: bool,
}

impl TcpInput {
    fn new(connection: Arc<Connection>) -> Self {
        TcpInput {
            connection,
            ended: false,
        }
    }

    fn has_ended(&self) -> bool {
        self.ended || !self.connection.receiving.load(Ordering::Relaxed)
    }
}

impl InputStream for TcpInput {
    fn read(&mut self, max: usize) -> StreamResult<Chunk> {
        if self.has_ended() {
            return Err(StreamError::Closed);
        }
        if max == 0 {
            return Ok(Chunk::from(Vec::new()));
        }
        let fd = &self.connection.fd;
        // One byte asks for the end, of which the kernel says that no bytes are there.
        let waiting = rustix::io::ioctl_fionread(fd).map_or(MAX_READ, |waiting| waiting as usize);
        let mut bytes = vec![0; waiting.clamp(1, max.min(MAX_READ))];
        loop {
            match rustix::net::recv(fd, bytes.as_mut_slice(), RecvFlags::empty()) {
                Ok((0, _)) => {
                    self.ended = true;
                    return Err(StreamError::Closed);
                }
                Ok((read, _)) => {
                    bytes.truncate(read);
                    return Ok(Chunk::from(bytes));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Chunk::from(Vec::new())),
                Err(error) => {
                    self.ended = true;
                    return Err(ErrorCode::from(error).into());
                }
            }
        }
    }

    fn readiness(&self) -> Readiness {
        if self.has_ended() {
            Readiness::Ready
        } else {
            Readiness::Readable(self.connection.fd.clone())
        }
    }
}

/// What is sent to the peer.
pub(crate) struct TcpOutput(Arc<Connection>);

impl TcpOutput {
    /// What keeps a guest from writing.
    fn is_open(sending: &mut Sending) -> StreamResult<()> {
        match sending.failed.take() {
            // The peer is gone: an end like any other.
            Some(ErrorCode::ConnectionReset) => Err(StreamError::Closed),
            Some(code) => Err(code.into()),
            None if sending.closed => Err(StreamError::Closed),
            None => Ok(()),
        }
    }
}

impl OutputStream for TcpOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        let mut sending = self.0.sending();
        let pending = sending.proceed(&self.0.fd);
        Self::is_open(&mut sending)?;
        Ok(if pending { 0 } else { PERMIT })
    }

    fn write(&mut self, bytes: &[u8]) -> StreamResult<()> {
        let mut sending = self.0.sending();
        Self::is_open(&mut sending)?;
        let taken = if sending.is_pending() {
            0
        } else {
            sending.offer(&self.0.fd, bytes)
        };
        Self::is_open(&mut sending)?;
        if let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            sending.bytes.extend_from_slice(rest);
            drop(sending);
            if let Some(outbox) = self.0.outbox.upgrade() {
                outbox.add(&self.0);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        let mut sending = self.0.sending();
        sending.proceed(&self.0.fd);
        Self::is_open(&mut sending)
    }

    fn readiness(&self) -> Readiness {
        let sending = self.0.sending();
        if sending.is_pending() && !sending.closed {
            Readiness::Writable(self.0.fd.clone())
        } else {
            Readiness::Ready
        }
    }
}
