//! Names what std takes from libc, so that a toolchain with a hole in its libc fails when it is
//! made and not in somebody's plugin. Linked, never run.
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

fn main() -> std::io::Result<()> {
    let path = env::args().nth(1).unwrap_or_default();
    let mut found: HashMap<String, u64> = HashMap::new();
    for entry in fs::read_dir(&path)? {
        let entry = entry?;
        found.insert(entry.path().display().to_string(), entry.metadata()?.len());
    }
    fs::canonicalize(&path)?;
    fs::set_permissions(&path, fs::metadata(&path)?.permissions())?;
    fs::create_dir_all("a/b").and_then(|()| fs::remove_dir_all("a"))?;
    fs::rename("a", "b").and_then(|()| fs::hard_link("b", "c"))?;
    let mut text = String::new();
    fs::File::open(&path)?.read_to_string(&mut text)?;
    fs::File::create(&path)?.set_len(text.len() as u64)?;
    std::io::stdin().read_line(&mut text)?;
    std::io::stdout().write_all(text.as_bytes())?;

    let began = (Instant::now(), SystemTime::now());
    thread::sleep(Duration::from_millis(1));
    thread::Builder::new().spawn(|| ())?.join().ok();

    for address in "localhost:1".to_socket_addrs()? {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(&[0; 4])?;
        stream.read_exact(&mut [0; 4])?;
        println!("{:?} {:?}", stream.peer_addr()?, stream.local_addr()?);
        let socket = UdpSocket::bind(address)?;
        socket.send_to(&[0], address)?;
        socket.recv_from(&mut [0])?;
        TcpListener::bind(address)?.accept()?;
    }
    println!("{found:?} {began:?} {:?} {:?}", env::vars().count(), env::current_dir()?);
    Ok(())
}
