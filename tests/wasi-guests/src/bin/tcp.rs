//! `wasi:sockets/tcp`: states, codes, streams, and talking to the host.

use wasi::io::streams::{InputStream, OutputStream, StreamError};
use wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use wasi::sockets::tcp::{ShutdownType, TcpSocket};
use wasi::sockets::tcp_create_socket::create_tcp_socket;
use wasi_guests::{finish, loopback, network, port, run, text, unspecified, v4, v6, wait};

const FAMILIES: [IpAddressFamily; 2] = [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6];

fn main() {
    run(&[
        ("everything", everything),
        ("talk", talk),
        ("listen", listen),
        ("denied", denied),
        ("partly-denied", partly_denied),
        ("connect-for-ever", connect_for_ever),
        ("socket-before-pollable", socket_before_pollable),
        ("many", many),
    ]);
}

fn bind(socket: &TcpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    let pollable = socket.subscribe();
    socket.start_bind(&network(), address)?;
    finish(&pollable, || socket.finish_bind())
}

fn connect(
    socket: &TcpSocket,
    address: IpSocketAddress,
) -> Result<(InputStream, OutputStream), ErrorCode> {
    let pollable = socket.subscribe();
    socket.start_connect(&network(), address)?;
    finish(&pollable, || socket.finish_connect())
}

fn start_listening(socket: &TcpSocket) -> Result<(), ErrorCode> {
    let pollable = socket.subscribe();
    socket.start_listen()?;
    finish(&pollable, || socket.finish_listen())
}

fn accept(socket: &TcpSocket) -> Result<(TcpSocket, InputStream, OutputStream), ErrorCode> {
    let pollable = socket.subscribe();
    finish(&pollable, || socket.accept())
}

/// A listener on a free port.
fn listener(family: IpAddressFamily) -> (TcpSocket, IpSocketAddress) {
    let socket = create_tcp_socket(family).unwrap();
    bind(&socket, loopback(family, 0)).unwrap();
    start_listening(&socket).unwrap();
    let address = socket.local_address().unwrap();
    (socket, address)
}

/// One end of a connection. Dropped in this order.
struct End {
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

fn pair(family: IpAddressFamily) -> (End, End) {
    let (listener, address) = listener(family);
    let socket = create_tcp_socket(family).unwrap();
    let (input, output) = connect(&socket, address).unwrap();
    let client = End {
        input,
        output,
        socket,
    };
    let (socket, input, output) = accept(&listener).unwrap();
    (
        End {
            input,
            output,
            socket,
        },
        client,
    )
}

fn read_to_end(input: &InputStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match input.blocking_read(100_000) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return all,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn everything(_: &[String]) {
    for family in FAMILIES {
        states(family);
        addresses(family);
        options(family);
        exchange(family);
        ends(family);
        nothing_is_lost(family);
        the_other_side_goes(family);
    }
}

fn code<T>(outcome: Result<T, ErrorCode>) -> Option<ErrorCode> {
    outcome.err()
}

fn states(family: IpAddressFamily) {
    let any = loopback(family, 0);
    let unbound = create_tcp_socket(family).unwrap();
    assert_eq!(code(unbound.finish_bind()), Some(ErrorCode::NotInProgress));
    assert_eq!(
        code(unbound.finish_connect()),
        Some(ErrorCode::NotInProgress)
    );
    assert_eq!(
        code(unbound.finish_listen()),
        Some(ErrorCode::NotInProgress)
    );
    assert_eq!(code(unbound.start_listen()), Some(ErrorCode::InvalidState));
    assert_eq!(code(unbound.accept()), Some(ErrorCode::InvalidState));
    assert_eq!(
        code(unbound.shutdown(ShutdownType::Both)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(code(unbound.local_address()), Some(ErrorCode::InvalidState));
    assert_eq!(
        code(unbound.remote_address()),
        Some(ErrorCode::InvalidState)
    );
    assert!(!unbound.is_listening());
    assert_eq!(unbound.address_family(), family);
    unbound.start_bind(&network(), any).unwrap();
    assert_eq!(
        code(unbound.start_bind(&network(), any)),
        Some(ErrorCode::ConcurrencyConflict)
    );
    assert_eq!(
        code(unbound.start_listen()),
        Some(ErrorCode::ConcurrencyConflict)
    );
    unbound.finish_bind().unwrap();

    let bound = unbound;
    assert_eq!(
        code(bound.start_bind(&network(), any)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(code(bound.finish_bind()), Some(ErrorCode::NotInProgress));
    assert_eq!(code(bound.accept()), Some(ErrorCode::InvalidState));
    assert_ne!(port(bound.local_address().unwrap()), 0);
    start_listening(&bound).unwrap();

    let listening = bound;
    let address = listening.local_address().unwrap();
    assert!(listening.is_listening());
    assert_eq!(
        code(listening.start_listen()),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(
        code(listening.start_connect(&network(), address)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(
        code(listening.shutdown(ShutdownType::Send)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(code(listening.accept()), Some(ErrorCode::WouldBlock));
    assert_eq!(
        code(listening.remote_address()),
        Some(ErrorCode::InvalidState)
    );

    let connected = create_tcp_socket(family).unwrap();
    let (_input, _output) = connect(&connected, address).unwrap();
    assert_eq!(text(connected.remote_address().unwrap()), text(address));
    assert_eq!(
        code(connected.start_bind(&network(), any)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(
        code(connected.start_connect(&network(), address)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(
        code(connected.finish_connect()),
        Some(ErrorCode::NotInProgress)
    );
    assert_eq!(
        code(connected.set_listen_backlog_size(1)),
        Some(ErrorCode::InvalidState)
    );

    // After a connection that failed a socket is good for nothing.
    drop(listening);
    let refused = create_tcp_socket(family).unwrap();
    assert_eq!(
        code(connect(&refused, address)),
        Some(ErrorCode::ConnectionRefused)
    );
    assert_eq!(
        code(refused.start_connect(&network(), address)),
        Some(ErrorCode::InvalidState)
    );
    assert_eq!(code(refused.local_address()), Some(ErrorCode::InvalidState));
}

fn addresses(family: IpAddressFamily) {
    let other = match family {
        IpAddressFamily::Ipv4 => IpAddressFamily::Ipv6,
        IpAddressFamily::Ipv6 => IpAddressFamily::Ipv4,
    };
    let nowhere = match family {
        IpAddressFamily::Ipv4 => v4((192, 0, 2, 0), 0),
        IpAddressFamily::Ipv6 => v6((0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 0),
    };
    let multicast = match family {
        IpAddressFamily::Ipv4 => v4((224, 0, 0, 1), 80),
        IpAddressFamily::Ipv6 => v6((0xff02, 0, 0, 0, 0, 0, 0, 1), 80),
    };
    let mapped = v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 80);
    let socket = create_tcp_socket(family).unwrap();
    for address in [loopback(other, 0), multicast, mapped] {
        assert_eq!(
            code(bind(&socket, address)),
            Some(ErrorCode::InvalidArgument),
            "{address:?}"
        );
    }
    for address in [
        loopback(other, 80),
        multicast,
        mapped,
        unspecified(family, 80),
        loopback(family, 0),
    ] {
        assert_eq!(
            code(connect(&socket, address)),
            Some(ErrorCode::InvalidArgument),
            "{address:?}"
        );
    }
    assert_eq!(
        code(bind(&socket, nowhere)),
        Some(ErrorCode::AddressNotBindable)
    );
    let (_listening, taken) = listener(family);
    assert_eq!(code(bind(&socket, taken)), Some(ErrorCode::AddressInUse));
    bind(&socket, unspecified(family, 0)).unwrap();
    // A client may choose its own address.
    let (_input, _output) = connect(&socket, taken).unwrap();
}

fn options(family: IpAddressFamily) {
    let socket = create_tcp_socket(family).unwrap();
    assert_eq!(
        code(socket.set_hop_limit(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_listen_backlog_size(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_keep_alive_idle_time(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_keep_alive_interval(0)),
        Some(ErrorCode::InvalidArgument)
    );
    assert_eq!(
        code(socket.set_keep_alive_count(0)),
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
    // What is too much is made to fit.
    socket.set_listen_backlog_size(u64::MAX).unwrap();
    socket.set_keep_alive_idle_time(u64::MAX).unwrap();
    socket.set_keep_alive_interval(1).unwrap();
    socket.set_keep_alive_count(u32::MAX).unwrap();
    socket.set_receive_buffer_size(u64::MAX).unwrap();
    socket.set_send_buffer_size(u64::MAX).unwrap();
    assert_eq!(socket.keep_alive_interval().unwrap(), 1_000_000_000);
    socket.set_keep_alive_idle_time(42_000_000_000).unwrap();
    assert_eq!(socket.keep_alive_idle_time().unwrap(), 42_000_000_000);
    socket.set_keep_alive_enabled(true).unwrap();
    socket.set_hop_limit(42).unwrap();
    socket.set_receive_buffer_size(65_536).unwrap();
    socket.set_send_buffer_size(65_536).unwrap();
    bind(&socket, loopback(family, 0)).unwrap();
    start_listening(&socket).unwrap();
    socket.set_listen_backlog_size(3).unwrap();

    // Accepted sockets have the listener's options.
    let client = create_tcp_socket(family).unwrap();
    let (_input, _output) = connect(&client, socket.local_address().unwrap()).unwrap();
    let (accepted, _input, _output) = accept(&socket).unwrap();
    assert!(accepted.keep_alive_enabled().unwrap());
    assert_eq!(accepted.hop_limit().unwrap(), 42);
    assert_eq!(accepted.receive_buffer_size().unwrap(), 65_536);
    assert_eq!(accepted.send_buffer_size().unwrap(), 65_536);
}

fn exchange(family: IpAddressFamily) {
    let (server, client) = pair(family);
    assert_eq!(
        text(server.socket.remote_address().unwrap()),
        text(client.socket.local_address().unwrap())
    );
    assert_eq!(client.input.read(10).unwrap(), b"");
    client.output.blocking_write_and_flush(b"question").unwrap();
    let pollable = server.input.subscribe();
    wait(&pollable);
    drop(pollable);
    assert_eq!(server.input.read(4).unwrap(), b"ques");
    assert_eq!(server.input.blocking_read(100).unwrap(), b"tion");
    // Nothing more is there: the pollable of the clock is the one that is ready.
    let (input, clock) = (
        server.input.subscribe(),
        wasi::clocks::monotonic_clock::subscribe_duration(20_000_000),
    );
    assert_eq!(wasi::io::poll::poll(&[&input, &clock]), [1]);
    drop(input);
    for _ in 0..300 {
        assert!(server.output.check_write().unwrap() > 0);
        server.output.write(b"x").unwrap();
    }
    server.socket.shutdown(ShutdownType::Send).unwrap();
    assert_eq!(client.input.blocking_skip(100).unwrap(), 100);
    assert_eq!(read_to_end(&client.input).len(), 200);
    // Back to where it came from, by splice.
    client.output.blocking_write_and_flush(b"echo").unwrap();
    client.socket.shutdown(ShutdownType::Send).unwrap();
    let (echo, other) = pair(family);
    assert_eq!(echo.output.blocking_splice(&server.input, 100).unwrap(), 4);
    drop(echo);
    assert_eq!(read_to_end(&other.input), b"echo");
}

fn closed<T>(outcome: Result<T, StreamError>) -> bool {
    matches!(outcome, Err(StreamError::Closed))
}

fn ends(family: IpAddressFamily) {
    let (server, client) = pair(family);
    server.socket.shutdown(ShutdownType::Both).unwrap();
    drop(server);
    let pollable = client.input.subscribe();
    wait(&pollable);
    drop(pollable);
    assert!(closed(client.input.read(10)));
    assert!(closed(client.input.read(0)));
    assert!(closed(client.input.blocking_read(1)));

    let (server, client) = pair(family);
    server.output.blocking_write_and_flush(b"too late").unwrap();
    let pollable = client.input.subscribe();
    wait(&pollable);
    drop(pollable);
    client.socket.shutdown(ShutdownType::Receive).unwrap();
    assert!(closed(client.input.read(10)));
    assert!(closed(client.input.read(0)));
    assert!(client.output.check_write().unwrap() >= 3);
    client.socket.shutdown(ShutdownType::Send).unwrap();
    assert!(closed(client.output.write(b"Hi!")));
    assert!(closed(client.output.check_write()));
    assert!(closed(client.output.flush()));
    assert!(closed(client.output.blocking_write_and_flush(b"Hi!")));
}

/// Much is written, and everything given up at once; the peer, on the same thread, gets all of it.
fn nothing_is_lost(family: IpAddressFamily) {
    for shut_down in [true, false] {
        let (server, client) = pair(family);
        client.socket.set_send_buffer_size(1024).unwrap();
        let mut sent = 0;
        loop {
            let permit = client.output.check_write().unwrap() as usize;
            if permit == 0 {
                break;
            }
            client.output.write(&vec![7; permit]).unwrap();
            sent += permit;
        }
        let pollable = client.output.subscribe();
        assert!(!pollable.ready());
        drop(pollable);
        if shut_down {
            client.socket.shutdown(ShutdownType::Send).unwrap();
        } else {
            drop(client);
        }
        let received = read_to_end(&server.input);
        assert_eq!(
            (received.len(), received.iter().all(|byte| *byte == 7)),
            (sent, true)
        );
    }
}

fn the_other_side_goes(family: IpAddressFamily) {
    let (server, client) = pair(family);
    // Unread bytes make the kernel reset the connection.
    client.output.blocking_write_and_flush(b"unread").unwrap();
    let pollable = server.input.subscribe();
    wait(&pollable);
    drop(pollable);
    drop(server);
    while client
        .output
        .blocking_write_and_flush(b"anybody there?")
        .is_ok()
    {}
    assert!(closed(client.output.check_write()));
    assert!(client.input.blocking_read(1).is_err());
    assert!(closed(client.input.read(1)));
}

/// Connects to the host on the port given, says what it is told and listens until the end.
fn talk(arguments: &[String]) {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).unwrap();
    let address = loopback(IpAddressFamily::Ipv4, arguments[0].parse().unwrap());
    let (input, output) = connect(&socket, address).unwrap();
    output
        .blocking_write_and_flush(arguments[1].as_bytes())
        .unwrap();
    socket.shutdown(ShutdownType::Send).unwrap();
    print!("{}", String::from_utf8(read_to_end(&input)).unwrap());
}

/// Listens on the port given, prints what one client sends and answers with its length.
fn listen(arguments: &[String]) {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).unwrap();
    bind(
        &socket,
        loopback(IpAddressFamily::Ipv4, arguments[0].parse().unwrap()),
    )
    .unwrap();
    start_listening(&socket).unwrap();
    let (_client, input, output) = accept(&socket).unwrap();
    let heard = read_to_end(&input);
    output
        .blocking_write_and_flush(heard.len().to_string().as_bytes())
        .unwrap();
    print!("{}", String::from_utf8(heard).unwrap());
}

/// Nothing of TCP is granted.
fn denied(_: &[String]) {
    for family in FAMILIES {
        let socket = create_tcp_socket(family).unwrap();
        assert_eq!(
            code(bind(&socket, loopback(family, 0))),
            Some(ErrorCode::AccessDenied)
        );
        assert_eq!(
            code(connect(&socket, loopback(family, 80))),
            Some(ErrorCode::AccessDenied)
        );
        assert_eq!(
            code(start_listening(&socket)),
            Some(ErrorCode::AccessDenied)
        );
        assert_eq!(code(socket.accept()), Some(ErrorCode::AccessDenied));
    }
}

/// Connecting to the ports given is granted and nothing else.
fn partly_denied(arguments: &[String]) {
    let family = IpAddressFamily::Ipv4;
    let [granted, other] = [0, 1].map(|place| arguments[place].parse::<u16>().unwrap());
    let socket = create_tcp_socket(family).unwrap();
    for address in [
        loopback(family, other),
        v4((127, 0, 0, 2), granted),
        v4((192, 0, 2, 1), granted),
    ] {
        assert_eq!(
            code(connect(&socket, address)),
            Some(ErrorCode::AccessDenied),
            "{address:?}"
        );
    }
    for address in [
        loopback(family, 0),
        loopback(family, granted),
        unspecified(family, 0),
    ] {
        assert_eq!(
            code(bind(&socket, address)),
            Some(ErrorCode::AccessDenied),
            "{address:?}"
        );
    }
    // A refusal leaves the socket as it was.
    let (input, _output) = connect(&socket, loopback(family, granted)).unwrap();
    assert_eq!(read_to_end(&input), b"granted");
}

/// Waits for a connection that nobody makes; the host ends it.
fn connect_for_ever(_: &[String]) {
    let (listening, _) = listener(IpAddressFamily::Ipv4);
    listening.subscribe().block();
    unreachable!("somebody connected");
}

fn socket_before_pollable(_: &[String]) {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).unwrap();
    let _pollable = socket.subscribe();
    drop(socket);
    unreachable!("a parent was dropped before its child");
}

/// There is an end to sockets, and to what was closed there is none.
fn many(_: &[String]) {
    let mut sockets = Vec::new();
    let end = loop {
        match create_tcp_socket(IpAddressFamily::Ipv4) {
            Ok(socket) => sockets.push(socket),
            Err(code) => break code,
        }
    };
    assert_eq!((sockets.len(), end), (256, ErrorCode::NewSocketLimit));
    sockets.clear();
    for _ in 0..1000 {
        drop(create_tcp_socket(IpAddressFamily::Ipv6).unwrap());
    }
}
