//! What the guest programs share: choosing a case by the first argument, and waiting on pollables.

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};
use wasi::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};

/// A named case of a program.
pub type Case = (&'static str, fn(&[String]));

/// Runs the case that the first argument names, with the rest of the arguments.
///
/// Panics when there is none of that name: the host expects a clean exit.
pub fn run(cases: &[Case]) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().expect("the name of a case");
    let (_, case) = cases
        .iter()
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("no case {name}"));
    case(rest);
}

/// How long anything on loopback may take, in nanoseconds.
pub const PATIENCE: u64 = 5_000_000_000;

/// Waits for `pollable`, and panics when it takes too long.
pub fn wait(pollable: &Pollable) {
    let late = monotonic_clock::subscribe_duration(PATIENCE);
    assert_eq!(poll(&[pollable, &late]), [0], "nothing came in time");
}

/// Repeats what would block, waiting in between.
pub fn finish<T>(
    pollable: &Pollable,
    mut step: impl FnMut() -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    loop {
        match step() {
            Err(ErrorCode::WouldBlock) => wait(pollable),
            outcome => return outcome,
        }
    }
}

/// The network.
pub fn network() -> Network {
    wasi::sockets::instance_network::instance_network()
}

/// A port of the loopback address.
pub fn loopback(family: IpAddressFamily, port: u16) -> IpSocketAddress {
    match family {
        IpAddressFamily::Ipv4 => v4((127, 0, 0, 1), port),
        IpAddressFamily::Ipv6 => v6((0, 0, 0, 0, 0, 0, 0, 1), port),
    }
}

/// A port of every address, or any port of a socket that does not care.
pub fn unspecified(family: IpAddressFamily, port: u16) -> IpSocketAddress {
    match family {
        IpAddressFamily::Ipv4 => v4((0, 0, 0, 0), port),
        IpAddressFamily::Ipv6 => v6((0, 0, 0, 0, 0, 0, 0, 0), port),
    }
}

/// An IPv4 address and a port.
pub fn v4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

/// An IPv6 address and a port.
pub fn v6(address: (u16, u16, u16, u16, u16, u16, u16, u16), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv6(Ipv6SocketAddress {
        port,
        flow_info: 0,
        address,
        scope_id: 0,
    })
}

/// The port of an address.
pub fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

/// An address without its port, to compare.
pub fn text(address: IpSocketAddress) -> String {
    format!("{address:?}")
}
