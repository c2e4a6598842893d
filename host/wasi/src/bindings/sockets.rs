//! `wasi:sockets`, refused: everything is there to be linked, and no socket can be made.
//!
//! Standard libraries import these interfaces whether the program uses them or not. A guest gets the network's handle, which
//! says nothing, and every attempt to make a socket or look up a name is `access-denied`. As there are no sockets, their
//! methods are never reached: a handle that is none traps before.

use wasmer_component::{
    ComponentType, Error, Lift, Linker, LinkerInstance, Lower, Resource, Result,
};

use super::interface;
use super::io::{Input, Output, Pollable};
use crate::WasiView;
use crate::stream::StreamFailure;

/// `network`.
struct Network;
/// `tcp-socket`.
struct TcpSocket;
/// `udp-socket`.
struct UdpSocket;
/// `incoming-datagram-stream`.
struct IncomingDatagrams;
/// `outgoing-datagram-stream`.
struct OutgoingDatagrams;
/// `resolve-address-stream`.
struct Addresses;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
enum ErrorCode {
    Unknown,
    AccessDenied,
    NotSupported,
    InvalidArgument,
    OutOfMemory,
    Timeout,
    ConcurrencyConflict,
    NotInProgress,
    WouldBlock,
    InvalidState,
    NewSocketLimit,
    AddressNotBindable,
    AddressInUse,
    RemoteUnreachable,
    ConnectionRefused,
    ConnectionReset,
    ConnectionAborted,
    DatagramTooLarge,
    NameUnresolvable,
    TemporaryResolverFailure,
    PermanentResolverFailure,
}

#[derive(ComponentType, Lift, Lower)]
#[component(enum)]
enum IpAddressFamily {
    Ipv4,
    Ipv6,
}

type Ipv4Address = (u8, u8, u8, u8);
type Ipv6Address = (u16, u16, u16, u16, u16, u16, u16, u16);

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum IpAddress {
    Ipv4(Ipv4Address),
    Ipv6(Ipv6Address),
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Ipv4SocketAddress {
    port: u16,
    address: Ipv4Address,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Ipv6SocketAddress {
    port: u16,
    flow_info: u32,
    address: Ipv6Address,
    scope_id: u32,
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum IpSocketAddress {
    Ipv4(Ipv4SocketAddress),
    Ipv6(Ipv6SocketAddress),
}

#[derive(ComponentType, Lift, Lower)]
#[component(enum)]
enum ShutdownType {
    Receive,
    Send,
    Both,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct IncomingDatagram {
    data: Vec<u8>,
    remote_address: IpSocketAddress,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct OutgoingDatagram {
    data: Vec<u8>,
    remote_address: Option<IpSocketAddress>,
}

type Denied<R> = std::result::Result<R, ErrorCode>;

/// A function that could only fail.
macro_rules! denied {
    ($instance:ident, $name:literal, ($($param:ty),*) -> $result:ty) => {
        $instance.func_wrap($name, |_cx, _: ($($param,)*)| -> Result<(Denied<$result>,)> {
            Ok((Err(ErrorCode::AccessDenied),))
        })?;
    };
}

/// A function without a code for failure, on a socket that nobody has.
macro_rules! unreachable_method {
    ($instance:ident, $name:literal, ($($param:ty),*) -> $result:ty) => {
        $instance.func_wrap($name, |_cx, _: ($($param,)*)| -> Result<($result,)> {
            Err(Error::trap("a socket was used and none was ever made"))
        })?;
    };
}

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut network = linker.instance(&interface("wasi:sockets/network"))?;
    resource::<Network, T>(&mut network, "network")?;
    network.func_wrap(
        "network-error-code",
        |_cx, _: (Resource<StreamFailure>,)| Ok((None::<ErrorCode>,)),
    )?;

    linker
        .instance(&interface("wasi:sockets/instance-network"))?
        .func_wrap("instance-network", |mut cx, (): ()| {
            Ok((cx.data_mut().wasi().table.push(Network)?,))
        })?;

    let mut lookup = linker.instance(&interface("wasi:sockets/ip-name-lookup"))?;
    resource::<Addresses, T>(&mut lookup, "resolve-address-stream")?;
    denied!(lookup, "resolve-addresses", (Resource<Network>, String) -> Resource<Addresses>);
    denied!(lookup, "[method]resolve-address-stream.resolve-next-address", (Resource<Addresses>) -> Option<IpAddress>);
    unreachable_method!(lookup, "[method]resolve-address-stream.subscribe", (Resource<Addresses>) -> Resource<Pollable>);

    let mut create = linker.instance(&interface("wasi:sockets/tcp-create-socket"))?;
    denied!(create, "create-tcp-socket", (IpAddressFamily) -> Resource<TcpSocket>);
    let mut create = linker.instance(&interface("wasi:sockets/udp-create-socket"))?;
    denied!(create, "create-udp-socket", (IpAddressFamily) -> Resource<UdpSocket>);

    tcp(&mut linker.instance(&interface("wasi:sockets/tcp"))?)?;
    udp(&mut linker.instance(&interface("wasi:sockets/udp"))?)
}

fn resource<R: Send + 'static, T: WasiView>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
) -> Result<()> {
    instance.resource::<R>(name, |mut cx, rep| {
        cx.data_mut()
            .wasi()
            .table
            .delete(Resource::<R>::new_own(rep))
            .map(drop)
    })?;
    Ok(())
}

fn tcp<T: WasiView>(tcp: &mut LinkerInstance<'_, T>) -> Result<()> {
    type Socket = Resource<TcpSocket>;
    type Streams = (Resource<Input>, Resource<Output>);
    resource::<TcpSocket, T>(tcp, "tcp-socket")?;
    denied!(tcp, "[method]tcp-socket.start-bind", (Socket, Resource<Network>, IpSocketAddress) -> ());
    denied!(tcp, "[method]tcp-socket.finish-bind", (Socket) -> ());
    denied!(tcp, "[method]tcp-socket.start-connect", (Socket, Resource<Network>, IpSocketAddress) -> ());
    denied!(tcp, "[method]tcp-socket.finish-connect", (Socket) -> Streams);
    denied!(tcp, "[method]tcp-socket.start-listen", (Socket) -> ());
    denied!(tcp, "[method]tcp-socket.finish-listen", (Socket) -> ());
    denied!(tcp, "[method]tcp-socket.accept", (Socket) -> (Socket, Resource<Input>, Resource<Output>));
    denied!(tcp, "[method]tcp-socket.local-address", (Socket) -> IpSocketAddress);
    denied!(tcp, "[method]tcp-socket.remote-address", (Socket) -> IpSocketAddress);
    unreachable_method!(tcp, "[method]tcp-socket.is-listening", (Socket) -> bool);
    unreachable_method!(tcp, "[method]tcp-socket.address-family", (Socket) -> IpAddressFamily);
    denied!(tcp, "[method]tcp-socket.set-listen-backlog-size", (Socket, u64) -> ());
    denied!(tcp, "[method]tcp-socket.keep-alive-enabled", (Socket) -> bool);
    denied!(tcp, "[method]tcp-socket.set-keep-alive-enabled", (Socket, bool) -> ());
    denied!(tcp, "[method]tcp-socket.keep-alive-idle-time", (Socket) -> u64);
    denied!(tcp, "[method]tcp-socket.set-keep-alive-idle-time", (Socket, u64) -> ());
    denied!(tcp, "[method]tcp-socket.keep-alive-interval", (Socket) -> u64);
    denied!(tcp, "[method]tcp-socket.set-keep-alive-interval", (Socket, u64) -> ());
    denied!(tcp, "[method]tcp-socket.keep-alive-count", (Socket) -> u32);
    denied!(tcp, "[method]tcp-socket.set-keep-alive-count", (Socket, u32) -> ());
    denied!(tcp, "[method]tcp-socket.hop-limit", (Socket) -> u8);
    denied!(tcp, "[method]tcp-socket.set-hop-limit", (Socket, u8) -> ());
    denied!(tcp, "[method]tcp-socket.receive-buffer-size", (Socket) -> u64);
    denied!(tcp, "[method]tcp-socket.set-receive-buffer-size", (Socket, u64) -> ());
    denied!(tcp, "[method]tcp-socket.send-buffer-size", (Socket) -> u64);
    denied!(tcp, "[method]tcp-socket.set-send-buffer-size", (Socket, u64) -> ());
    unreachable_method!(tcp, "[method]tcp-socket.subscribe", (Socket) -> Resource<Pollable>);
    denied!(tcp, "[method]tcp-socket.shutdown", (Socket, ShutdownType) -> ());
    Ok(())
}

fn udp<T: WasiView>(udp: &mut LinkerInstance<'_, T>) -> Result<()> {
    type Socket = Resource<UdpSocket>;
    type Incoming = Resource<IncomingDatagrams>;
    type Outgoing = Resource<OutgoingDatagrams>;
    resource::<UdpSocket, T>(udp, "udp-socket")?;
    resource::<IncomingDatagrams, T>(udp, "incoming-datagram-stream")?;
    resource::<OutgoingDatagrams, T>(udp, "outgoing-datagram-stream")?;
    denied!(udp, "[method]udp-socket.start-bind", (Socket, Resource<Network>, IpSocketAddress) -> ());
    denied!(udp, "[method]udp-socket.finish-bind", (Socket) -> ());
    denied!(udp, "[method]udp-socket.stream", (Socket, Option<IpSocketAddress>) -> (Incoming, Outgoing));
    denied!(udp, "[method]udp-socket.local-address", (Socket) -> IpSocketAddress);
    denied!(udp, "[method]udp-socket.remote-address", (Socket) -> IpSocketAddress);
    unreachable_method!(udp, "[method]udp-socket.address-family", (Socket) -> IpAddressFamily);
    denied!(udp, "[method]udp-socket.unicast-hop-limit", (Socket) -> u8);
    denied!(udp, "[method]udp-socket.set-unicast-hop-limit", (Socket, u8) -> ());
    denied!(udp, "[method]udp-socket.receive-buffer-size", (Socket) -> u64);
    denied!(udp, "[method]udp-socket.set-receive-buffer-size", (Socket, u64) -> ());
    denied!(udp, "[method]udp-socket.send-buffer-size", (Socket) -> u64);
    denied!(udp, "[method]udp-socket.set-send-buffer-size", (Socket, u64) -> ());
    unreachable_method!(udp, "[method]udp-socket.subscribe", (Socket) -> Resource<Pollable>);
    denied!(udp, "[method]incoming-datagram-stream.receive", (Incoming, u64) -> Vec<IncomingDatagram>);
    unreachable_method!(udp, "[method]incoming-datagram-stream.subscribe", (Incoming) -> Resource<Pollable>);
    denied!(udp, "[method]outgoing-datagram-stream.check-send", (Outgoing) -> u64);
    denied!(udp, "[method]outgoing-datagram-stream.send", (Outgoing, Vec<OutgoingDatagram>) -> u64);
    unreachable_method!(udp, "[method]outgoing-datagram-stream.subscribe", (Outgoing) -> Resource<Pollable>);
    Ok(())
}
