//! `wasi:sockets`: networks, TCP, UDP, and looking up names.
//!
//! Standard libraries import all of it whether the program uses it or not, so it is always there. A guest gets the network's
//! handle, which says nothing; what it may do is asked in [`net`](crate::net), address by address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use wasmer_component::{
    ComponentType, Error, Lift, Linker, LinkerInstance, Lower, Resource, Result,
};

use super::interface;
use super::io::{Input, Output, Pollable, drop_parent, subscribe};
use crate::net::{
    Datagram, Family, Incoming, Lookup, NetResult, Outgoing, Outgoings, ShutdownType, TcpSocket,
    UdpSocket,
};
use crate::stream::StreamFailure;
use crate::{WasiCtx, WasiView};

/// `network`.
struct Network;

type Ipv4Address = (u8, u8, u8, u8);
type Ipv6Address = (u16, u16, u16, u16, u16, u16, u16, u16);

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum IpAddress {
    Ipv4(Ipv4Address),
    Ipv6(Ipv6Address),
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(ip) => IpAddress::Ipv4(ip.octets().into()),
            IpAddr::V6(ip) => IpAddress::Ipv6(ip.segments().into()),
        }
    }
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

impl From<IpSocketAddress> for SocketAddr {
    fn from(address: IpSocketAddress) -> Self {
        match address {
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }) => {
                SocketAddrV4::new(Ipv4Addr::from_octets(address.into()), port).into()
            }
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port,
                flow_info,
                address,
                scope_id,
            }) => SocketAddrV6::new(
                Ipv6Addr::from_segments(address.into()),
                port,
                flow_info,
                scope_id,
            )
            .into(),
        }
    }
}

impl From<SocketAddr> for IpSocketAddress {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => IpSocketAddress::Ipv4(Ipv4SocketAddress {
                port: address.port(),
                address: address.ip().octets().into(),
            }),
            SocketAddr::V6(address) => IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: address.port(),
                flow_info: address.flowinfo(),
                address: address.ip().segments().into(),
                scope_id: address.scope_id(),
            }),
        }
    }
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

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut network = linker.instance(&interface("wasi:sockets/network"))?;
    resource::<Network, T>(&mut network, "network")?;
    network.func_wrap(
        "network-error-code",
        |mut cx, (failure,): (Resource<StreamFailure>,)| {
            Ok((cx.data_mut().wasi().table.get(&failure)?.network,))
        },
    )?;

    linker
        .instance(&interface("wasi:sockets/instance-network"))?
        .func_wrap("instance-network", |mut cx, (): ()| {
            Ok((cx.data_mut().wasi().table.push(Network)?,))
        })?;

    lookup(&mut linker.instance(&interface("wasi:sockets/ip-name-lookup"))?)?;

    linker
        .instance(&interface("wasi:sockets/tcp-create-socket"))?
        .func_wrap("create-tcp-socket", |mut cx, (family,): (Family,)| {
            let ctx = cx.data_mut().wasi();
            let socket = TcpSocket::new(&ctx.network, family);
            Ok((push(ctx, socket)?,))
        })?;
    linker
        .instance(&interface("wasi:sockets/udp-create-socket"))?
        .func_wrap("create-udp-socket", |mut cx, (family,): (Family,)| {
            let ctx = cx.data_mut().wasi();
            let socket = UdpSocket::new(&ctx.network, family);
            Ok((push(ctx, socket)?,))
        })?;

    tcp(&mut linker.instance(&interface("wasi:sockets/tcp"))?)?;
    udp(&mut linker.instance(&interface("wasi:sockets/udp"))?)
}

fn resource<R: Send + 'static, T: WasiView>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
) -> Result<()> {
    instance.resource::<R>(name, |mut cx, rep| {
        drop_parent::<R>(cx.data_mut().wasi(), rep)
    })?;
    Ok(())
}

/// Gives what was made a handle.
///
/// Errors: the table is full.
fn push<R: Send + 'static>(
    ctx: &mut WasiCtx,
    made: NetResult<R>,
) -> Result<NetResult<Resource<R>>> {
    Ok(match made {
        Ok(made) => Ok(ctx.table.push(made)?),
        Err(code) => Err(code),
    })
}

/// Whether the guest has the handle of a network, as everything that reaches out wants.
fn check(ctx: &WasiCtx, network: &Resource<Network>) -> Result<()> {
    ctx.table.get(network).map(drop)
}

/// A method that needs nothing but the socket.
macro_rules! method {
    ($instance:ident, $type:ty, $name:expr, |$this:ident $(, $param:ident: $ty:ty)*| $body:expr) => {
        $instance.func_wrap($name, |mut cx, (this, $($param,)*): (Resource<$type>, $($ty,)*)| {
            let $this = cx.data_mut().wasi().table.get_mut(&this)?;
            Ok(($body,))
        })?;
    };
}

/// A method `subscribe`.
macro_rules! subscribable {
    ($instance:ident, $type:ty, $name:expr, $pollable:expr) => {
        $instance.func_wrap($name, |mut cx, (this,): (Resource<$type>,)| {
            let ctx = cx.data_mut().wasi();
            ctx.table.get(&this)?;
            Ok((subscribe(ctx, $pollable(this.rep()))?,))
        })?;
    };
}

/// The methods that sockets of both kinds have.
macro_rules! socket {
    ($instance:ident, $type:ty, $resource:literal, $pollable:path) => {
        resource::<$type, T>($instance, $resource)?;
        $instance.func_wrap(
            concat!("[method]", $resource, ".start-bind"),
            |mut cx, (this, network, address): (Resource<$type>, Resource<Network>, IpSocketAddress)| {
                let ctx = cx.data_mut().wasi();
                check(ctx, &network)?;
                let socket = ctx.table.get_mut(&this)?;
                Ok((socket.start_bind(&ctx.network.policy, address.into()),))
            },
        )?;
        socket!(@ $instance, $type, $resource, "finish-bind", |this| this.finish_bind());
        socket!(@ $instance, $type, $resource, "local-address", |this| {
            this.local_address().map(IpSocketAddress::from)
        });
        socket!(@ $instance, $type, $resource, "remote-address", |this| {
            this.remote_address().map(IpSocketAddress::from)
        });
        socket!(@ $instance, $type, $resource, "address-family", |this| this.family());
        socket!(@ $instance, $type, $resource, "receive-buffer-size", |this| this.receive_buffer_size());
        socket!(@ $instance, $type, $resource, "set-receive-buffer-size", |this, value: u64| {
            this.set_receive_buffer_size(value)
        });
        socket!(@ $instance, $type, $resource, "send-buffer-size", |this| this.send_buffer_size());
        socket!(@ $instance, $type, $resource, "set-send-buffer-size", |this, value: u64| {
            this.set_send_buffer_size(value)
        });
        subscribable!($instance, $type, concat!("[method]", $resource, ".subscribe"), $pollable);
    };
    (@ $instance:ident, $type:ty, $resource:literal, $name:literal, $($rest:tt)*) => {
        method!($instance, $type, concat!("[method]", $resource, ".", $name), $($rest)*);
    };
}

fn lookup<T: WasiView>(lookup: &mut LinkerInstance<'_, T>) -> Result<()> {
    resource::<Lookup, T>(lookup, "resolve-address-stream")?;
    lookup.func_wrap(
        "resolve-addresses",
        |mut cx, (network, name): (Resource<Network>, String)| {
            let ctx = cx.data_mut().wasi();
            check(ctx, &network)?;
            let started = Lookup::start(&ctx.network, &name);
            Ok((push(ctx, started)?,))
        },
    )?;
    method!(
        lookup,
        Lookup,
        "[method]resolve-address-stream.resolve-next-address",
        |this| this.next().map(|address| address.map(IpAddress::from))
    );
    subscribable!(
        lookup,
        Lookup,
        "[method]resolve-address-stream.subscribe",
        Pollable::Lookup
    );
    Ok(())
}

fn tcp<T: WasiView>(tcp: &mut LinkerInstance<'_, T>) -> Result<()> {
    type Socket = Resource<TcpSocket>;
    socket!(tcp, TcpSocket, "tcp-socket", Pollable::Tcp);

    macro_rules! tcp {
        ($name:literal, $($rest:tt)*) => {
            method!(tcp, TcpSocket, concat!("[method]tcp-socket.", $name), $($rest)*);
        };
    }

    tcp.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut cx, (this, network, address): (Socket, Resource<Network>, IpSocketAddress)| {
            let ctx = cx.data_mut().wasi();
            check(ctx, &network)?;
            let socket = ctx.table.get_mut(&this)?;
            Ok((socket.start_connect(&ctx.network.policy, address.into()),))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.finish-connect",
        |mut cx, (this,): (Socket,)| {
            let ctx = cx.data_mut().wasi();
            let streams = ctx
                .table
                .get_mut(&this)?
                .finish_connect(&ctx.network.outbox);
            let streams: NetResult<_> = match streams {
                Ok((input, output)) => Ok((
                    ctx.table.push(Box::new(input) as Input)?,
                    ctx.table.push(Output::new(output))?,
                )),
                Err(code) => Err(code),
            };
            Ok((streams,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.start-listen",
        |mut cx, (this,): (Socket,)| {
            let ctx = cx.data_mut().wasi();
            let socket = ctx.table.get_mut(&this)?;
            Ok((socket.start_listen(&ctx.network.policy),))
        },
    )?;
    tcp!("finish-listen", |this| this.finish_listen());
    tcp.func_wrap("[method]tcp-socket.accept", |mut cx, (this,): (Socket,)| {
        let ctx = cx.data_mut().wasi();
        let accepted = ctx.table.get_mut(&this)?.accept(&ctx.network);
        let accepted: NetResult<_> = match accepted {
            Ok((socket, input, output)) => Ok((
                ctx.table.push(socket)?,
                ctx.table.push(Box::new(input) as Input)?,
                ctx.table.push(Output::new(output))?,
            )),
            Err(code) => Err(code),
        };
        Ok((accepted,))
    })?;
    tcp!("is-listening", |this| this.is_listening());
    tcp!("set-listen-backlog-size", |this, value: u64| this
        .set_backlog(value));
    tcp!("keep-alive-enabled", |this| this.keep_alive());
    tcp!("set-keep-alive-enabled", |this, value: bool| this
        .set_keep_alive(value));
    tcp!("keep-alive-idle-time", |this| this.keep_alive_idle_time());
    tcp!("set-keep-alive-idle-time", |this, value: u64| this
        .set_keep_alive_idle_time(value));
    tcp!("keep-alive-interval", |this| this.keep_alive_interval());
    tcp!("set-keep-alive-interval", |this, value: u64| this
        .set_keep_alive_interval(value));
    tcp!("keep-alive-count", |this| this.keep_alive_count());
    tcp!("set-keep-alive-count", |this, value: u32| this
        .set_keep_alive_count(value));
    tcp!("hop-limit", |this| this.hop_limit());
    tcp!("set-hop-limit", |this, value: u8| this.set_hop_limit(value));
    tcp!("shutdown", |this, what: ShutdownType| this.shutdown(what));
    Ok(())
}

fn udp<T: WasiView>(udp: &mut LinkerInstance<'_, T>) -> Result<()> {
    type Socket = Resource<UdpSocket>;
    socket!(udp, UdpSocket, "udp-socket", Pollable::Udp);
    resource::<Incoming, T>(udp, "incoming-datagram-stream")?;
    resource::<Outgoing, T>(udp, "outgoing-datagram-stream")?;

    macro_rules! udp {
        ($name:literal, $($rest:tt)*) => {
            method!(udp, UdpSocket, concat!("[method]udp-socket.", $name), $($rest)*);
        };
    }

    udp.func_wrap(
        "[method]udp-socket.stream",
        |mut cx, (this, remote): (Socket, Option<IpSocketAddress>)| {
            let ctx = cx.data_mut().wasi();
            let socket = ctx.table.get_mut(&this)?;
            let streams = socket.stream(&ctx.network.policy, remote.map(SocketAddr::from));
            let streams: NetResult<_> = match streams {
                Ok((incoming, outgoing)) => {
                    Ok((ctx.table.push(incoming)?, ctx.table.push(outgoing)?))
                }
                Err(code) => Err(code),
            };
            Ok((streams,))
        },
    )?;
    udp!("unicast-hop-limit", |this| this.hop_limit());
    udp!("set-unicast-hop-limit", |this, value: u8| this
        .set_hop_limit(value));

    method!(
        udp,
        Incoming,
        "[method]incoming-datagram-stream.receive",
        |this, max: u64| {
            this.receive(max).map(|datagrams| {
                let datagrams = datagrams.into_iter().map(|datagram| IncomingDatagram {
                    data: datagram.data,
                    remote_address: datagram.remote.into(),
                });
                datagrams.collect::<Vec<_>>()
            })
        }
    );
    subscribable!(
        udp,
        Incoming,
        "[method]incoming-datagram-stream.subscribe",
        Pollable::Incoming
    );
    method!(
        udp,
        Outgoing,
        "[method]outgoing-datagram-stream.check-send",
        |this| this.check_send()
    );
    udp.func_wrap(
        "[method]outgoing-datagram-stream.send",
        |mut cx, (this, datagrams): (Resource<Outgoing>, Vec<OutgoingDatagram>)| {
            let ctx = cx.data_mut().wasi();
            let datagrams: Outgoings = datagrams
                .into_iter()
                .map(|datagram| Datagram {
                    data: datagram.data,
                    remote: datagram.remote_address.map(SocketAddr::from),
                })
                .collect();
            let stream = ctx.table.get_mut(&this)?;
            match stream.send(&ctx.network.policy, &datagrams) {
                Ok(sent) => Ok((sent,)),
                Err(_) => Err(Error::trap(
                    "more datagrams were sent than check-send permitted",
                )),
            }
        },
    )?;
    subscribable!(
        udp,
        Outgoing,
        "[method]outgoing-datagram-stream.subscribe",
        Pollable::Outgoing
    );
    Ok(())
}
