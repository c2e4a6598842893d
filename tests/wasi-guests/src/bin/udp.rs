//! `wasi:sockets/udp`: states, codes, datagrams, and talking to the host.

use wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use wasi::sockets::udp::{
    IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasi::sockets::udp_create_socket::create_udp_socket;
use wasi_guests::{finish, loopback, network, port, run, text, unspecified, v4, v6, wait};

const FAMILIES: [IpAddressFamily; 2] = [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6];

fn main() {
    run(&[
        ("everything", everything),
        ("echo", echo),
        ("denied", denied),
        ("partly-denied", partly_denied),
        ("unpermitted", unpermitted),
    ]);
}

fn bind(socket: &UdpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    let pollable = socket.subscribe();
    socket.start_bind(&network(), address)?;
    finish(&pollable, || socket.finish_bind())
}

fn bound(address: IpSocketAddress) -> UdpSocket {
    let family = match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    };
    let socket = create_udp_socket(family).unwrap();
    bind(&socket, address).unwrap();
    socket
}

fn datagram(data: &[u8], remote_address: Option<IpSocketAddress>) -> OutgoingDatagram {
    OutgoingDatagram {
        data: data.to_vec(),
        remote_address,
    }
}

fn send(stream: &OutgoingDatagramStream, datagrams: &[OutgoingDatagram]) -> Result<u64, ErrorCode> {
    let pollable = stream.subscribe();
    wait(&pollable);
    assert!(stream.check_send().unwrap() as usize >= datagrams.len());
    stream.send(datagrams)
}

fn receive(stream: &IncomingDatagramStream, count: usize) -> Vec<IncomingDatagram> {
    let mut all = Vec::new();
    let pollable = stream.subscribe();
    while all.len() < count {
        wait(&pollable);
        all.extend(stream.receive((count - all.len()) as u64).unwrap());
    }
    all
}

fn code<T>(outcome: Result<T, ErrorCode>) -> Option<ErrorCode> {
    outcome.err()
}

fn everything(_: &[String]) {
    for family in FAMILIES {
        states(family);
        exchange(family);
        associations(family);
    }
}

fn states(family: IpAddressFamily) {
    let socket = create_udp_socket(family).unwrap();
    assert_eq!(code(socket.finish_bind()), Some(ErrorCode::NotInProgress));
    assert_eq!(code(socket.stream(None)), Some(ErrorCode::InvalidState));
    assert_eq!(code(socket.local_address()), Some(ErrorCode::InvalidState));
    assert_eq!(code(socket.remote_address()), Some(ErrorCode::InvalidState));
    assert_eq!(socket.address_family(), family);
    assert_eq!(
        code(socket.set_unicast_hop_limit(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_receive_buffer_size(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_send_buffer_size(0)),
        Some(ErrorCode::InvalidArgument)
    );
    socket.set_receive_buffer_size(u64::MAX).unwrap();
    socket.set_unicast_hop_limit(42).unwrap();
    assert_eq!(socket.unicast_hop_limit().unwrap(), 42);
    socket.set_receive_buffer_size(65_536).unwrap();
    assert_eq!(socket.receive_buffer_size().unwrap(), 65_536);
    socket.set_send_buffer_size(65_536).unwrap();
    assert_eq!(socket.send_buffer_size().unwrap(), 65_536);

    let (other, nowhere) = match family {
        IpAddressFamily::Ipv4 => (IpAddressFamily::Ipv6, v4((192, 0, 2, 0), 0)),
        IpAddressFamily::Ipv6 => (
            IpAddressFamily::Ipv4,
            v6((0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 0),
        ),
    };
    let mapped = v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 80);
    assert_eq!(
        code(bind(&socket, loopback(other, 0))),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(bind(&socket, mapped)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(bind(&socket, nowhere)),
        Some(ErrorCode::AddressNotBindable)
    );
    let taken = bound(loopback(family, 0));
    assert_eq!(
        code(bind(&socket, taken.local_address().unwrap())),
        Some(ErrorCode::AddressInUse)
    );
    bind(&socket, loopback(family, 0)).unwrap();
    assert_ne!(port(socket.local_address().unwrap()), 0);
    assert_eq!(
        code(socket.start_bind(&network(), loopback(family, 0))),
        Some(ErrorCode::InvalidState)
    );
    for remote in [
        loopback(other, 80),
        mapped,
        loopback(family, 0),
        unspecified(family, 80),
    ] {
        assert_eq!(
            code(socket.stream(Some(remote))),
            Some(ErrorCode::InvalidArgument),
            "{remote:?}"
        );
    }
}

fn exchange(family: IpAddressFamily) {
    let server = bound(loopback(family, 0));
    let address = server.local_address().unwrap();
    let (incoming, answers) = server.stream(None).unwrap();
    assert_eq!(incoming.receive(10).unwrap().len(), 0);
    assert_eq!(incoming.receive(0).unwrap().len(), 0);

    let client = bound(unspecified(family, 0));
    let (replies, outgoing) = client.stream(Some(address)).unwrap();
    let sent = send(
        &outgoing,
        &[
            datagram(b"", None),
            datagram(b"one", Some(address)),
            datagram(&[7; 30_000], None),
        ],
    );
    assert_eq!(sent, Ok(3));
    let received = receive(&incoming, 3);
    let sizes: Vec<usize> = received
        .iter()
        .map(|datagram| datagram.data.len())
        .collect();
    assert_eq!(sizes, [0, 3, 30_000]);
    let from = received[1].remote_address;
    assert_eq!(port(from), port(client.local_address().unwrap()));

    assert_eq!(send(&answers, &[datagram(b"answer", Some(from))]), Ok(1));
    let received = receive(&replies, 1);
    assert_eq!(
        (
            received[0].data.as_slice(),
            text(received[0].remote_address)
        ),
        (b"answer".as_slice(), text(address))
    );

    // To nobody, to somebody else than agreed, and more than there can be.
    assert_eq!(
        send(&answers, &[datagram(b"x", None)]),
        Err(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        send(&answers, &[datagram(b"x", Some(unspecified(family, 9)))]),
        Err(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        send(&outgoing, &[datagram(b"x", Some(loopback(family, 9)))]),
        Err(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        send(&outgoing, &[datagram(&[0; 70_000], None)]),
        Err(ErrorCode::DatagramTooLarge)
    );
    // What was sent before the failure is told.
    assert_eq!(
        send(
            &outgoing,
            &[datagram(b"x", None), datagram(&[0; 70_000], None)]
        ),
        Ok(1)
    );
    assert_eq!(send(&outgoing, &[]), Ok(0));
}

fn associations(family: IpAddressFamily) {
    let (one, two) = (bound(loopback(family, 0)), bound(loopback(family, 0)));
    let (_, from_one) = one.stream(None).unwrap();
    let (_, from_two) = two.stream(None).unwrap();
    let socket = bound(unspecified(family, 0));
    let local = port(socket.local_address().unwrap());
    let here = loopback(family, local);

    // Received before the association, and not from whom it is with.
    assert_eq!(send(&from_two, &[datagram(b"two", Some(here))]), Ok(1));
    let (first, _) = socket.stream(Some(one.local_address().unwrap())).unwrap();
    assert_eq!(
        text(socket.remote_address().unwrap()),
        text(one.local_address().unwrap())
    );
    assert_eq!(send(&from_one, &[datagram(b"one", Some(here))]), Ok(1));
    let received = receive(&first, 1);
    assert_eq!(received[0].data, b"one");

    let (second, _) = socket.stream(Some(two.local_address().unwrap())).unwrap();
    assert_eq!(
        text(socket.remote_address().unwrap()),
        text(two.local_address().unwrap())
    );
    assert_eq!(code(first.receive(1)), Some(ErrorCode::InvalidState));
    assert_eq!(
        send(&from_two, &[datagram(b"two again", Some(here))]),
        Ok(1)
    );
    assert_eq!(receive(&second, 1)[0].data, b"two again");

    let (anybody, _) = socket.stream(None).unwrap();
    assert_eq!(code(socket.remote_address()), Some(ErrorCode::InvalidState));
    assert_eq!(port(socket.local_address().unwrap()), local);
    assert_eq!(send(&from_one, &[datagram(b"anybody", Some(here))]), Ok(1));
    assert_eq!(receive(&anybody, 1)[0].data, b"anybody");
}

/// Sends back what comes to the port given, so many times.
fn echo(arguments: &[String]) {
    let socket = bound(loopback(
        IpAddressFamily::Ipv4,
        arguments[0].parse().unwrap(),
    ));
    let (incoming, outgoing) = socket.stream(None).unwrap();
    for _ in 0..arguments[1].parse().unwrap() {
        for received in receive(&incoming, 1) {
            let back = datagram(&received.data, Some(received.remote_address));
            assert_eq!(send(&outgoing, &[back]), Ok(1));
        }
    }
}

/// Nothing of UDP is granted.
fn denied(_: &[String]) {
    for family in FAMILIES {
        assert_eq!(
            code(create_udp_socket(family)),
            Some(ErrorCode::AccessDenied)
        );
    }
}

/// Binding to any free port of the loopback address is granted, and sending to the port given.
fn partly_denied(arguments: &[String]) {
    let family = IpAddressFamily::Ipv4;
    let [granted, other] = [0, 1].map(|place| arguments[place].parse::<u16>().unwrap());
    let socket = create_udp_socket(family).unwrap();
    for address in [
        unspecified(family, 0),
        v4((127, 0, 0, 2), 0),
        loopback(family, other),
    ] {
        assert_eq!(
            code(bind(&socket, address)),
            Some(ErrorCode::AccessDenied),
            "{address:?}"
        );
    }
    bind(&socket, loopback(family, 0)).unwrap();
    assert_eq!(
        code(socket.stream(Some(loopback(family, other)))),
        Some(ErrorCode::AccessDenied)
    );
    let (_, outgoing) = socket.stream(None).unwrap();
    let refused = datagram(b"refused", Some(loopback(family, other)));
    assert_eq!(send(&outgoing, &[refused]), Err(ErrorCode::AccessDenied));
    let granted = datagram(b"granted", Some(loopback(family, granted)));
    assert_eq!(send(&outgoing, &[granted]), Ok(1));
}

fn unpermitted(_: &[String]) {
    let socket = bound(loopback(IpAddressFamily::Ipv4, 0));
    let to = socket.local_address().unwrap();
    let (_, outgoing) = socket.stream(None).unwrap();
    let _ = outgoing.send(&[datagram(b"x", Some(to))]);
    unreachable!("more was sent than permitted");
}
