//! What of the network a guest may use: addresses and ports to connect to, to listen on, to exchange datagrams with, and names
//! to look up.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::name::ascii;

/// Addresses and ports: `ADDRESS[/PREFIX]:PORTS`.
///
/// `ADDRESS` is an IPv4 address, an IPv6 address in brackets, or `*` for any; `PREFIX` is the number of leading bits that count
/// (`10.0.0.0/8:*`, `[fe80::]/10:5000`); `PORTS` is a port, a range `FIRST-LAST`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRange {
    /// The network and how many bits of it count; `None` is every address of both families.
    network: Option<(IpAddr, u8)>,
    ports: RangeInclusive<u16>,
}

impl AddressRange {
    /// One address and port.
    pub fn one(address: SocketAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        AddressRange {
            network: Some((address.ip(), bits)),
            ports: address.port()..=address.port(),
        }
    }

    /// Every port of one address. Port 0, "any free one", is among them.
    pub fn all_ports(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        AddressRange {
            network: Some((address, bits)),
            ports: 0..=u16::MAX,
        }
    }

    /// Every address and port.
    pub fn everything() -> Self {
        AddressRange {
            network: None,
            ports: 0..=u16::MAX,
        }
    }

    /// Whether `address` is one of these.
    pub fn contains(&self, address: SocketAddr) -> bool {
        let inside = match (self.network, address.ip()) {
            (None, _) => true,
            (Some((IpAddr::V4(network), bits)), IpAddr::V4(ip)) => same_bits(
                u128::from(network.to_bits()),
                u128::from(ip.to_bits()),
                bits,
                32,
            ),
            (Some((IpAddr::V6(network), bits)), IpAddr::V6(ip)) => {
                same_bits(network.to_bits(), ip.to_bits(), bits, 128)
            }
            _ => false,
        };
        inside && self.ports.contains(&address.port())
    }
}

fn same_bits(one: u128, other: u128, bits: u8, width: u8) -> bool {
    let ignored = u32::from(width.saturating_sub(bits));
    // Shifting by the whole width, for a prefix of 0, leaves nothing to compare.
    (one ^ other).checked_shr(ignored).unwrap_or(0) == 0
}

impl FromStr for AddressRange {
    type Err = NetworkGrantError;

    fn from_str(text: &str) -> Result<Self, NetworkGrantError> {
        let error = |reason| NetworkGrantError {
            text: text.to_owned(),
            reason,
        };
        let (address, ports) = text
            .rsplit_once(':')
            .ok_or_else(|| error("a port is missing: write ADDRESS:PORT, or :* for every port"))?;
        let ports = match ports.split_once('-') {
            _ if ports == "*" => 0..=u16::MAX,
            None => port(ports).map(|port| port..=port).map_err(error)?,
            Some((first, last)) => {
                let range = port(first).map_err(error)?..=port(last).map_err(error)?;
                if range.is_empty() {
                    return Err(error("the first port is above the last"));
                }
                range
            }
        };
        if address == "*" {
            return Ok(AddressRange {
                network: None,
                ports,
            });
        }
        let (address, bits) = match address.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (address, None),
        };
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let ip = match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().map(IpAddr::V6),
            None => address.parse::<std::net::Ipv4Addr>().map(IpAddr::V4),
        };
        let ip = ip.map_err(|_| {
            error("no address: write an IPv4 address, an IPv6 address in brackets, or *")
        })?;
        let width: u8 = if ip.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or_else(|| error("the prefix is not a number of bits of the address"))?,
        };
        Ok(AddressRange {
            network: Some((ip, bits)),
            ports,
        })
    }
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port is a number up to 65535")
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.network {
            None => f.write_str("*")?,
            Some((IpAddr::V4(ip), 32)) => write!(f, "{ip}")?,
            Some((IpAddr::V4(ip), bits)) => write!(f, "{ip}/{bits}")?,
            Some((IpAddr::V6(ip), 128)) => write!(f, "[{ip}]")?,
            Some((IpAddr::V6(ip), bits)) => write!(f, "[{ip}]/{bits}")?,
        }
        match (self.ports.start(), self.ports.end()) {
            (0, &u16::MAX) => f.write_str(":*"),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

/// One thing that a guest may do with the network. As text, in [`FromStr`] and [`fmt::Display`]: `tcp-connect 127.0.0.1:3490`,
/// `tcp-listen [::1]:*`, `udp-bind *:3490-3499`, `udp-send 10.0.0.0/8:*`, `lookup example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkGrant {
    /// Connect to these addresses.
    TcpConnect(AddressRange),
    /// Bind a TCP socket to these addresses, and listen there. A port of 0 asks for any free one and must be in the range.
    TcpListen(AddressRange),
    /// Bind a UDP socket to these addresses, and receive there from whoever sends.
    UdpBind(AddressRange),
    /// Send datagrams to these addresses. The socket has to be bound, which is [`NetworkGrant::UdpBind`].
    UdpSend(AddressRange),
    /// Look up the addresses of this name, without regard to case or to how it is spelt beyond ASCII; `*` is every name,
    /// `*.example.com` every name below that one.
    /// Connecting to what is found is another grant.
    Lookup(String),
}

impl FromStr for NetworkGrant {
    type Err = NetworkGrantError;

    fn from_str(text: &str) -> Result<Self, NetworkGrantError> {
        let error = |reason| NetworkGrantError {
            text: text.to_owned(),
            reason,
        };
        let (verb, object) = text.trim().split_once(char::is_whitespace).ok_or_else(|| {
            error("write what is allowed and where: tcp-connect 127.0.0.1:3490, for one")
        })?;
        let object = object.trim();
        match verb {
            "tcp-connect" => object.parse().map(NetworkGrant::TcpConnect),
            "tcp-listen" => object.parse().map(NetworkGrant::TcpListen),
            "udp-bind" => object.parse().map(NetworkGrant::UdpBind),
            "udp-send" => object.parse().map(NetworkGrant::UdpSend),
            "lookup" if object.contains(char::is_whitespace) => Err(error("one name at a time")),
            "lookup" if pattern(object).is_none() => Err(error("it is not the name of a host")),
            "lookup" => Ok(NetworkGrant::Lookup(object.to_owned())),
            _ => Err(error(
                "known are tcp-connect, tcp-listen, udp-bind, udp-send and lookup",
            )),
        }
    }
}

impl fmt::Display for NetworkGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkGrant::TcpConnect(range) => write!(f, "tcp-connect {range}"),
            NetworkGrant::TcpListen(range) => write!(f, "tcp-listen {range}"),
            NetworkGrant::UdpBind(range) => write!(f, "udp-bind {range}"),
            NetworkGrant::UdpSend(range) => write!(f, "udp-send {range}"),
            NetworkGrant::Lookup(name) => write!(f, "lookup {name}"),
        }
    }
}

/// What a grant says of names, in the spelling that they are compared in: a name, `*`, or `*.` and a name.
fn pattern(text: &str) -> Option<String> {
    match text.strip_prefix('*') {
        Some("") => Some("*".to_owned()),
        Some(rest) => Some(format!("*.{}", ascii(rest.strip_prefix('.')?).ok()?)),
        None => ascii(text).ok(),
    }
}

/// A text that is no [`NetworkGrant`] or [`AddressRange`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not say what of the network is granted: {reason}")]
pub struct NetworkGrantError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What is done with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    TcpConnect,
    TcpListen,
    UdpBind,
    UdpSend,
}

/// All grants of one guest, to be asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    addresses: Vec<(Use, AddressRange)>,
    names: Vec<String>,
}

impl Policy {
    pub fn new(grants: &[NetworkGrant]) -> Self {
        let mut policy = Policy::default();
        for grant in grants {
            let (usage, range) = match grant {
                NetworkGrant::TcpConnect(range) => (Use::TcpConnect, range),
                NetworkGrant::TcpListen(range) => (Use::TcpListen, range),
                NetworkGrant::UdpBind(range) => (Use::UdpBind, range),
                NetworkGrant::UdpSend(range) => (Use::UdpSend, range),
                NetworkGrant::Lookup(name) => {
                    // What is no name grants none.
                    policy.names.extend(pattern(name));
                    continue;
                }
            };
            policy.addresses.push((usage, range.clone()));
        }
        policy
    }

    pub fn allows(&self, usage: Use, address: SocketAddr) -> bool {
        self.addresses
            .iter()
            .any(|(granted, range)| *granted == usage && range.contains(address))
    }

    /// Whether anything of TCP is granted.
    pub fn has_tcp(&self) -> bool {
        self.addresses
            .iter()
            .any(|(granted, _)| matches!(granted, Use::TcpConnect | Use::TcpListen))
    }

    /// Whether anything of UDP is granted.
    pub fn has_udp(&self) -> bool {
        self.addresses
            .iter()
            .any(|(granted, _)| matches!(granted, Use::UdpBind | Use::UdpSend))
    }

    /// Whether any name may be looked up.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// `name` is in the spelling that names are compared in.
    pub fn allows_name(&self, name: &str) -> bool {
        self.names.iter().any(|granted| {
            granted == "*"
                || granted == name
                || granted
                    .strip_prefix('*')
                    .is_some_and(|end| end.starts_with('.') && name.ends_with(end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_contain_what_they_say() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80-90", "127.0.0.1:90", true),
            ("127.0.0.1:80-90", "127.0.0.1:91", false),
            ("127.0.0.1:*", "127.0.0.1:0", true),
            ("10.0.0.0/8:*", "10.255.1.2:9", true),
            ("10.0.0.0/8:*", "11.0.0.0:9", false),
            ("0.0.0.0/0:*", "1.2.3.4:5", true),
            ("0.0.0.0/0:*", "[::1]:5", false),
            ("*:5", "[::1]:5", true),
            ("*:5", "1.2.3.4:5", true),
            ("[::1]:5", "[::1]:5", true),
            ("[::1]:5", "127.0.0.1:5", false),
            ("[fe80::]/10:*", "[febf::1]:1", true),
            ("[fe80::]/10:*", "[fec0::1]:1", false),
            ("[::]/0:*", "[1::]:1", true),
        ];
        for (granted, asked, expected) in cases {
            assert_eq!(
                range(granted).contains(asked.parse().unwrap()),
                expected,
                "{granted} {asked}"
            );
            assert_eq!(
                range(granted).to_string(),
                granted.replace("0.0.0.0/32", "0.0.0.0")
            );
        }
    }

    #[test]
    fn texts_that_are_no_grants_are_refused_with_a_reason() {
        let cases = [
            ("127.0.0.1:80", "write what is allowed"),
            ("tcp 127.0.0.1:80", "known are"),
            ("tcp-connect 127.0.0.1", "a port is missing"),
            ("tcp-connect localhost:80", "no address"),
            ("tcp-connect ::1:80", "no address"),
            ("tcp-connect 127.0.0.1:80-70", "above the last"),
            ("tcp-connect 127.0.0.1:65536", "a number up to"),
            ("udp-bind 127.0.0.1/33:*", "the prefix"),
            ("lookup a b", "one name"),
            ("lookup a..b", "name of a host"),
            ("lookup *example.com", "name of a host"),
        ];
        for (text, reason) in cases {
            let error = text.parse::<NetworkGrant>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        for text in ["tcp-listen [::1]:0", "lookup *.example.com", "udp-send *:*"] {
            assert_eq!(text.parse::<NetworkGrant>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_are_granted_whole_or_below_a_star() {
        let names = |granted: &str| Policy::new(&[NetworkGrant::Lookup(granted.into())]);
        assert!(names("Example.com.").allows_name("example.com"));
        assert!(names("münchen.example").allows_name("xn--mnchen-3ya.example"));
        assert!(names("*.München.example").allows_name("www.xn--mnchen-3ya.example"));
        assert!(!names("no name").allows_name("no name"));
        assert!(!names("example.com").allows_name("www.example.com"));
        assert!(names("*.example.com").allows_name("www.example.com"));
        assert!(!names("*.example.com").allows_name("example.com"));
        assert!(!names("*.example.com").allows_name("badexample.com"));
        assert!(names("*").allows_name("anything"));
        assert!(!Policy::default().allows_name("localhost"));
    }
}
