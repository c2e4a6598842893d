//! From a captured packet to the UDP payload in it.
//!
//! The headers of IP and UDP, their extensions and VLAN tags are etherparse's; what different links put before them is
//! told apart here, by the numbers of <https://www.tcpdump.org/linktypes.html>.

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice, UdpSlice, ip_number};

/// What is in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// A UDP payload.
    Udp {
        /// Source and destination.
        ports: [u16; 2],
        payload: &'a [u8],
        /// The packet was longer than what was captured of it.
        cut: bool,
    },
    /// A part of an IP packet.
    Fragment,
    /// Something else.
    Other,
    /// It is too short, or contradicts itself.
    Broken,
    /// It comes from a link of a kind that is not known here.
    UnsupportedLink,
}

/// What is in the packet `bytes`, which comes from a link of type `link`.
pub fn content(link: u16, bytes: &[u8]) -> Content<'_> {
    match link {
        // Ethernet.
        1 => LaxSlicedPacket::from_ethernet(bytes).map_or(Content::Broken, |packet| udp(&packet)),
        // BSD loopback: four bytes that name the family, in one byte order or the other. IP says itself which it is.
        0 | 108 => bytes.get(4..).map_or(Content::Broken, ip),
        // Raw IP, also under its older numbers.
        12 | 14 | 101 | 228 | 229 => ip(bytes),
        // Linux "cooked" captures.
        113 => cooked(bytes, 14, 16),
        276 => cooked(bytes, 0, 20),
        _ => Content::UnsupportedLink,
    }
}

fn ip(bytes: &[u8]) -> Content<'_> {
    LaxSlicedPacket::from_ip(bytes).map_or(Content::Broken, |packet| udp(&packet))
}

/// A header of `len` bytes with an Ethernet type at `at`.
fn cooked(bytes: &[u8], at: usize, len: usize) -> Content<'_> {
    let ether_type = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    match (ether_type, bytes.get(len..)) {
        (Some(ether_type), Some(payload)) => udp(&LaxSlicedPacket::from_ether_type(
            EtherType(u16::from_be_bytes(*ether_type)),
            payload,
        )),
        _ => Content::Broken,
    }
}

fn udp<'a>(packet: &LaxSlicedPacket<'a>) -> Content<'a> {
    let ip = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => ip.payload(),
        Some(LaxNetSlice::Ipv6(ip)) => ip.payload(),
        Some(LaxNetSlice::Arp(_)) => return Content::Other,
        None if packet.stop_err.is_some() => return Content::Broken,
        None => return Content::Other,
    };
    if ip.fragmented {
        return Content::Fragment;
    }
    if ip.ip_number != ip_number::UDP {
        return Content::Other;
    }
    let content = |udp: &UdpSlice<'a>| {
        let missing = usize::from(udp.length()) > udp.slice().len();
        let ports = [udp.source_port(), udp.destination_port()];
        Content::Udp {
            ports,
            payload: udp.payload(),
            cut: ip.incomplete || missing,
        }
    };
    match &packet.transport {
        Some(TransportSlice::Udp(udp)) => content(udp),
        // A UDP header that says more than is there: what is there is good nevertheless.
        _ => UdpSlice::from_slice_lax(ip.payload).map_or(Content::Broken, |udp| content(&udp)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn built(
        builder: etherparse::PacketBuilderStep<etherparse::UdpHeader>,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut packet = Vec::new();
        builder.write(&mut packet, payload).unwrap();
        packet
    }

    fn ipv4(payload: &[u8]) -> Vec<u8> {
        built(
            PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(3490, 13400),
            payload,
        )
    }

    fn ipv6(payload: &[u8]) -> Vec<u8> {
        built(
            PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(3490, 13400),
            payload,
        )
    }

    fn behind(header: &[u8], packet: &[u8]) -> Vec<u8> {
        [header, packet].concat()
    }

    fn udp(payload: &[u8]) -> Content<'_> {
        Content::Udp {
            ports: [3490, 13400],
            payload,
            cut: false,
        }
    }

    #[test]
    fn payloads_are_found_behind_every_link() {
        let ethernet = PacketBuilder::ethernet2([1; 6], [2; 6]);
        let tagged = PacketBuilder::ethernet2([1; 6], [2; 6]).single_vlan(7.try_into().unwrap());
        let twice = PacketBuilder::ethernet2([1; 6], [2; 6])
            .double_vlan(7.try_into().unwrap(), 8.try_into().unwrap());
        let v4 = |step: etherparse::PacketBuilderStep<etherparse::Ethernet2Header>| {
            built(
                step.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(3490, 13400),
                b"dlt",
            )
        };
        // The least that Ethernet carries: the rest is padding, which is no payload.
        let mut padded = v4(ethernet);
        padded.resize(60, 0);
        assert_eq!(content(1, &padded), udp(b"dlt"));
        let packet = built(
            tagged
                .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                .udp(3490, 13400),
            b"dlt",
        );
        assert_eq!(content(1, &packet), udp(b"dlt"));
        let packet = built(twice.ipv6([1; 16], [2; 16], 64).udp(3490, 13400), b"dlt");
        assert_eq!(content(1, &packet), udp(b"dlt"));

        for link in [12, 14, 101, 228] {
            assert_eq!(content(link, &ipv4(b"dlt")), udp(b"dlt"));
        }
        for link in [12, 14, 101, 229] {
            assert_eq!(content(link, &ipv6(b"dlt")), udp(b"dlt"));
        }
        assert_eq!(
            content(0, &behind(&[2, 0, 0, 0], &ipv4(b"dlt"))),
            udp(b"dlt")
        );
        assert_eq!(
            content(108, &behind(&[0, 0, 0, 30], &ipv6(b"dlt"))),
            udp(b"dlt")
        );

        let mut header = [0; 16];
        header[14..].copy_from_slice(&[8, 0]);
        assert_eq!(content(113, &behind(&header, &ipv4(b"dlt"))), udp(b"dlt"));
        let mut header = [0; 20];
        header[..2].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(content(276, &behind(&header, &ipv6(b"dlt"))), udp(b"dlt"));

        assert_eq!(content(105, b"802.11"), Content::UnsupportedLink);
    }

    #[test]
    fn what_is_not_udp_is_told_apart() {
        let mut tcp = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(1, 2, 3, 4)
            .write(&mut tcp, b"x")
            .unwrap();
        assert_eq!(content(101, &tcp), Content::Other);
        let arp = behind(&[1; 12], &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert!(matches!(content(1, &arp), Content::Other | Content::Broken));
        assert_eq!(
            content(1, &behind(&[1; 12], &[0x88, 0xcc, 0])),
            Content::Other
        );

        let mut fragment = ipv4(b"dlt");
        fragment[6] = 0x20;
        assert_eq!(
            content(101, &fragment),
            Content::Fragment,
            "the first of several"
        );
        fragment[6..8].copy_from_slice(&[0, 9]);
        assert_eq!(
            content(101, &fragment),
            Content::Fragment,
            "the last of several"
        );
        // Next header 44, a fragment header that names UDP, offset 8.
        let mut fragment = ipv6(b"dlt");
        fragment[6] = 44;
        fragment.splice(40..40, [17, 0, 0, 9, 0, 0, 0, 1]);
        fragment[5] += 8;
        assert_eq!(content(101, &fragment), Content::Fragment);
    }

    #[test]
    fn packets_that_are_cut_give_what_there_is() {
        let packet = ipv4(b"payload");
        for len in 0..packet.len() {
            let expected = match len {
                0..28 => Content::Broken,
                _ => Content::Udp {
                    ports: [3490, 13400],
                    payload: &packet[28..len],
                    cut: true,
                },
            };
            assert_eq!(content(101, &packet[..len]), expected, "{len}");
        }
        let mut longer = ipv4(b"dlt");
        longer[25] += 9;
        assert_eq!(
            content(101, &longer),
            Content::Udp {
                ports: [3490, 13400],
                payload: b"dlt",
                cut: true
            }
        );
    }
}
