//! A call's time limit ends whatever a guest waits in.

use crate::common::*;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use wasmer_component::{Error, LimitKind};
use wasmer_component_wasi::stream::{BytesInput, FileDescriptorInput};

const SHORT: Duration = Duration::from_millis(100);
const LONG: u64 = 3_600_000_000_000;

/// Runs a call that never ends; it must end with the time-out, and soon.
fn ends(mut guest: Guest, call: impl FnOnce(&mut Guest) -> Result<(), Error>) {
    guest.store.set_call_timeout(Some(SHORT));
    let begin = Instant::now();
    let error = call(&mut guest).expect_err("it waits for what never comes");
    let took = begin.elapsed();
    assert!(error.is_limit(LimitKind::Time), "{error}");
    assert!(SHORT <= took && took < Duration::from_secs(20), "{took:?}");
    let again = call_again(&mut guest);
    assert!(matches!(again, Err(Error::Poisoned { .. })), "{again:?}");
}

fn call_again(guest: &mut Guest) -> Result<(u32,), Error> {
    guest.try_call("sleep", (1000u64,))
}

/// A pipe that nobody writes to, and its other end.
fn silent() -> (FileDescriptorInput, OwnedFd) {
    let (read, write) = std::io::pipe().expect("the system has one");
    (FileDescriptorInput::new(OwnedFd::from(read)), write.into())
}

#[test]
fn sleeping() {
    let mut guest = Guest::probe(|_| {});
    let begin = Instant::now();
    assert_eq!(guest.call::<_, u32>("sleep", (20_000_000u64,)), SUCCESS);
    assert!(begin.elapsed() >= Duration::from_millis(20));
    ends(guest, |guest| {
        guest.try_call::<_, (u32,)>("sleep", (LONG,)).map(drop)
    });

    let mut guest = Guest::wasix(|_| {});
    assert_eq!(guest.call::<_, u32>("sleep", (1_000_000u64,)), SUCCESS);
    ends(guest, |guest| {
        guest.try_call::<_, (u32,)>("sleep", (LONG,)).map(drop)
    });
    // So long that no clock can say when it is over.
    ends(Guest::wasix(|_| {}), |guest| {
        guest.try_call::<_, (u32,)>("sleep", (u64::MAX,)).map(drop)
    });
}

#[test]
fn a_futex() {
    ends(Guest::wasix(|_| {}), |guest| {
        guest.try_call::<(), (u32,)>("wait", ()).map(drop)
    });
}

#[test]
fn reading_standard_input() {
    let (input, _other_end) = silent();
    let guest = Guest::probe(|wasi| {
        wasi.stdin(input);
    });
    ends(guest, |guest| {
        guest
            .try_call::<_, ((u32, Vec<u8>),)>("read", (0u32, 10u32))
            .map(drop)
    });
}

#[test]
fn polling_standard_input() {
    let (input, _other_end) = silent();
    let guest = Guest::probe(|wasi| {
        wasi.stdin(input);
    });
    ends(guest, |guest| {
        guest.try_call::<_, (u32,)>("wait", (0u32,)).map(drop)
    });
}

#[test]
fn what_comes_in_time_is_read() {
    let (input, other_end) = silent();
    let mut guest = Guest::probe(|wasi| {
        wasi.stdin(input);
    });
    guest.store.set_call_timeout(Some(Duration::from_secs(60)));
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let mut other_end = std::fs::File::from(other_end);
        std::io::Write::write_all(&mut other_end, b"late").unwrap();
    });
    assert_eq!(guest.call::<_, u32>("wait", (0u32,)), SUCCESS);
    assert_eq!(guest.bytes("read", (0u32, 10u32)), Ok(b"late".to_vec()));
    writer.join().unwrap();
    // Now it is closed.
    assert_eq!(guest.bytes("read", (0u32, 10u32)), Ok(Vec::new()));

    let mut guest = Guest::probe(|wasi| {
        wasi.stdin(BytesInput::new(*b"abc"));
    });
    assert_eq!(guest.bytes("read", (0u32, 2u32)), Ok(b"ab".to_vec()));
    assert_eq!(guest.bytes("read", (0u32, 2u32)), Ok(b"c".to_vec()));
    assert_eq!(guest.bytes("read", (0u32, 2u32)), Ok(Vec::new()));
}

/// A store may move to another thread between calls, with all that waits in it.
#[test]
fn a_guest_may_move_between_threads() {
    let mut guest = Guest::probe(|_| {});
    assert_eq!(guest.call::<_, u32>("sleep", (1_000_000u64,)), SUCCESS);
    let mut guest = std::thread::spawn(move || {
        assert_eq!(guest.call::<_, u32>("sleep", (1_000_000u64,)), SUCCESS);
        guest
    })
    .join()
    .unwrap();
    assert_eq!(guest.call::<_, u32>("sleep", (1_000_000u64,)), SUCCESS);
}
