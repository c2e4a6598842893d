//! What a guest sees of the world: arguments, environment, output, clocks, random numbers, WASIX's working directory; and how it ends.

use crate::common::*;
use tempfile::tempdir;
use wasmer_component::Error;
use wasmer_component_wasi::Grant;
use wasmer_component_wasix::Exit;

#[test]
fn nothing_is_given_that_was_not_granted() {
    let mut guest = Guest::probe(|_| {});
    assert_eq!(guest.bytes("environment", ()), Ok(Vec::new()));
    assert_eq!(guest.bytes("arguments", ()), Ok(b"\0".to_vec()));
    // wasmer-wasix's own root, and the one in which grants would be.
    for fd in [3, 4] {
        assert_eq!(guest.bytes("preopened", (fd,)), Ok(b"/".to_vec()));
        assert_eq!(guest.contents(fd, "etc/passwd"), Err(NOENT));
        assert_eq!(guest.contents(fd, "tmp"), Err(NOENT));
        let refused = if fd == 3 { PERM } else { NOENT };
        assert_eq!(guest.write(fd, "new", "x"), Err(refused));
        assert_ne!(
            guest.call::<_, u32>("create-directory", (fd, "new")),
            SUCCESS
        );
    }
    assert_eq!(guest.bytes("preopened", (5u32,)), Err(BADF));
    assert_eq!(guest.names(4, "."), Ok(Vec::new()));
    // An input that is at its end.
    assert_eq!(guest.bytes("read", (0u32, 10u32)), Ok(Vec::new()));
}

#[test]
fn arguments_and_environment_are_the_contexts() {
    let mut guest = Guest::probe(|wasi| {
        wasi.arguments(["program", "--flag"])
            .environment("NAME", "value")
            .environment("EMPTY", "");
    });
    assert_eq!(
        guest.bytes("arguments", ()),
        Ok(b"program\0--flag\0".to_vec())
    );
    assert_eq!(
        guest.bytes("environment", ()),
        Ok(b"NAME=value\0EMPTY=\0".to_vec())
    );
}

#[test]
fn output_comes_line_by_line() {
    let mut guest = Guest::probe(|_| {});
    for (fd, text) in [
        (1u32, "half a "),
        (1, "line\nand "),
        (2, "an error\n"),
        (1, "another\n"),
    ] {
        let (errno, written) = guest.call::<_, (u32, u32)>("write", (fd, text.as_bytes()));
        assert_eq!((errno, written as usize), (SUCCESS, text.len()));
    }
    assert_eq!(
        *guest.output.lock().unwrap(),
        ["half a line", "an error", "and another"]
    );
}

#[test]
fn clocks_and_random_numbers_are_the_systems() {
    let mut guest = Guest::probe(|_| {});
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let says = guest.call::<_, u64>("now", (0u32,));
    assert!(
        says.abs_diff(now.as_nanos() as u64) < 60_000_000_000,
        "{says}"
    );
    let (first, second) = (
        guest.call::<_, u64>("now", (1u32,)),
        guest.call::<_, u64>("now", (1u32,)),
    );
    assert!(first <= second);
    let (one, other) = (
        guest.bytes("random", (32u32,)),
        guest.bytes("random", (32u32,)),
    );
    assert_ne!(one, other);
}

#[test]
fn exiting_ends_the_call_with_the_code() {
    let mut guest = Guest::probe(|_| {});
    let error = guest.try_call::<_, ()>("exit", (3u32,)).unwrap_err();
    assert_eq!(
        error.downcast_ref::<Exit>(),
        Some(&Exit { code: 3 }),
        "{error}"
    );
    let again = guest.try_call::<_, (u32,)>("sleep", (1u64,));
    assert!(matches!(again, Err(Error::Poisoned { .. })));
}

/// WASIX's libc opens absolute paths, and has a working directory.
#[test]
fn wasix_guests_use_absolute_paths() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "deep").unwrap();
    let mut guest = Guest::wasix(|wasi| {
        wasi.grant(Grant::directory(dir.path()).at("/var/log/traces"));
    });
    assert_eq!(
        guest.bytes("read", ("/var/log/traces/a",)),
        Ok(b"deep".to_vec())
    );
    assert_eq!(guest.bytes("read", ("/var/log/traces/none",)), Err(NOENT));
    for path in [
        "/etc/passwd",
        "/var/log/../../etc/passwd",
        "/var/log/traces/../../../etc/passwd",
    ] {
        assert_eq!(guest.bytes("read", (path,)), Err(NOENT), "{path}");
    }
    assert_eq!(guest.bytes("directory", ()), Ok(b"/".to_vec()));
    assert_eq!(
        guest.call::<_, u32>("change-directory", ("/var/log",)),
        SUCCESS
    );
    assert_eq!(guest.bytes("directory", ()), Ok(b"/var/log".to_vec()));
    assert_ne!(guest.call::<_, u32>("change-directory", ("/etc",)), SUCCESS);
    assert_eq!(guest.call::<_, u32>("processors", ()), 1);
}
