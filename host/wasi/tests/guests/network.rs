//! Sockets on the loopback address: guests among themselves, with the host, and without grants.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use wasmer_component::LimitKind;
use wasmer_component_wasi::{WasiCtx, WasiCtxBuilder};

use crate::common::{run, run_within};

fn granted(grants: &[String]) -> WasiCtxBuilder {
    let mut wasi = WasiCtx::builder();
    for grant in grants {
        wasi.network(grant.parse().unwrap());
    }
    wasi
}

fn all() -> WasiCtxBuilder {
    granted(
        &[
            "tcp-connect *:*",
            "tcp-listen *:*",
            "udp-bind *:*",
            "udp-send *:*",
        ]
        .map(String::from),
    )
}

/// A port that nobody had a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn tcp_has_the_states_codes_and_streams_of_the_specification() {
    run("tcp", &["everything"], &mut all()).good();
}

#[test]
fn tcp_guest_connects_to_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut heard = String::new();
        peer.read_to_string(&mut heard).unwrap();
        // Slowly, so that the guest has to wait.
        for part in ["an", "swer"] {
            std::thread::sleep(Duration::from_millis(20));
            peer.write_all(part.as_bytes()).unwrap();
        }
        heard
    });
    let mut wasi = granted(&[format!("tcp-connect 127.0.0.1:{port}")]);
    let said = run("tcp", &["talk", &port.to_string(), "question"], &mut wasi).good();
    assert_eq!(
        (said.as_str(), host.join().unwrap().as_str()),
        ("answer", "question")
    );
}

#[test]
fn tcp_host_connects_to_the_guest() {
    let port = free_port();
    let host = std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut peer = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(peer) => break peer,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        peer.write_all(&[b'x'; 300_000]).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        answer
    });
    let mut wasi = granted(&[format!("tcp-listen 127.0.0.1:{port}")]);
    let heard = run("tcp", &["listen", &port.to_string()], &mut wasi).good();
    assert_eq!(
        (heard.len(), host.join().unwrap().as_str()),
        (300_000, "300000")
    );
}

#[test]
fn tcp_is_denied_without_a_grant_of_address_and_port() {
    run("tcp", &["denied"], &mut WasiCtx::builder()).good();
    // Grants of other things are none.
    let mut udp = granted(&[
        "udp-bind *:*".into(),
        "udp-send *:*".into(),
        "lookup *".into(),
    ]);
    run("tcp", &["denied"], &mut udp).good();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let host = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"granted").unwrap();
        drop(peer);
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_err()
    });
    let mut wasi = granted(&[format!("tcp-connect 127.0.0.1:{port}")]);
    let other_port = other.local_addr().unwrap().port().to_string();
    run(
        "tcp",
        &["partly-denied", &port.to_string(), &other_port],
        &mut wasi,
    )
    .good();
    assert!(host.join().unwrap(), "more than one connection was made");
    assert!(
        other.accept().is_err(),
        "a connection that was not granted was made"
    );
}

#[test]
fn waiting_for_a_connection_ends_with_the_calls_time() {
    let start = Instant::now();
    let limit = Duration::from_millis(100);
    let error = run_within("tcp", &["connect-for-ever"], &mut all(), limit).trap();
    assert!(error.is_limit(LimitKind::Time), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn sockets_are_limited_and_closed() {
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = open();
    run("tcp", &["many"], &mut all()).good();
    // Other tests open and close files meanwhile.
    assert!(open() < before + 100, "{} of {before}", open());
}

#[test]
fn a_socket_cannot_go_before_its_pollable() {
    let error = run("tcp", &["socket-before-pollable"], &mut all()).trap();
    assert!(
        error.to_string().contains("before the pollables"),
        "{error}"
    );
}

#[test]
fn udp_has_the_states_codes_and_streams_of_the_specification() {
    run("udp", &["everything"], &mut all()).good();
}

#[test]
fn udp_guest_and_host_exchange_datagrams() {
    let port = free_port();
    let host = std::thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut buffer = [0; 100];
        // Until the guest is there, what is sent is lost.
        for message in ["one", "two"] {
            while !matches!(socket.recv(&mut buffer), Ok(length) if &buffer[..length] == message.as_bytes())
            {
                assert!(Instant::now() < deadline, "no answer");
                let _ = socket.send_to(message.as_bytes(), ("127.0.0.1", port));
            }
        }
    });
    let mut wasi = granted(&[
        format!("udp-bind 127.0.0.1:{port}"),
        "udp-send 127.0.0.0/8:*".into(),
    ]);
    run("udp", &["echo", &port.to_string(), "2"], &mut wasi).good();
    host.join().unwrap();
}

#[test]
fn udp_is_denied_without_a_grant_of_address_and_port() {
    run("udp", &["denied"], &mut WasiCtx::builder()).good();
    let mut tcp = granted(&["tcp-connect *:*".into(), "tcp-listen *:*".into()]);
    run("udp", &["denied"], &mut tcp).good();

    let (socket, other) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let mut wasi = granted(&[
        "udp-bind 127.0.0.1:0".into(),
        format!("udp-send 127.0.0.1:{}", port(&socket)),
    ]);
    let ports = [port(&socket).to_string(), port(&other).to_string()];
    run("udp", &["partly-denied", &ports[0], &ports[1]], &mut wasi).good();
    let mut buffer = [0; 100];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"granted");
    other.set_nonblocking(true).unwrap();
    assert!(
        other.recv(&mut buffer).is_err(),
        "a datagram came that was not granted"
    );
}

#[test]
fn datagrams_beyond_the_permit_are_a_trap() {
    let error = run("udp", &["unpermitted"], &mut all()).trap();
    assert!(error.to_string().contains("check-send"), "{error}");
}

#[test]
fn names_are_looked_up_when_granted() {
    run(
        "lookup",
        &["localhost"],
        &mut granted(&["lookup localhost".into()]),
    )
    .good();
    run("lookup", &["denied"], &mut all()).good();
}

#[test]
fn http_is_linked_on_request_and_refused() {
    run("http", &[], &mut all()).good();
}
