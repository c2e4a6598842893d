//! What no plugin gets from wasmer-wasix, and what it hears instead.

use crate::common::*;
use std::net::TcpListener;
use wasmer_component::{Error, LinkError};
use wasmer_component_wasi::net::NetworkGrant;

#[test]
fn the_network_is_denied_even_where_it_is_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let grant: NetworkGrant = format!("tcp-connect {address}").parse().unwrap();
    let mut guest = Guest::wasix(|wasi| {
        wasi.network(grant);
    });
    assert_eq!(guest.call::<_, u32>("socket", ()), ACCESS);
    assert_eq!(guest.call::<_, u32>("look-up", ()), ACCESS);
    let mut guest = Guest::probe(|_| {});
    assert_eq!(guest.call::<_, u32>("receive", (0u32,)), ACCESS);
}

#[test]
fn processes_threads_and_code_are_denied() {
    let mut guest = Guest::wasix(|_| {});
    assert_eq!(guest.call::<_, u32>("thread", ()), PERM);
    assert_eq!(guest.call::<_, u32>("fork", ()), PERM);
    assert_eq!(guest.call::<_, u32>("pipe", ()), NOTSUP);
    assert_eq!(guest.call::<_, u32>("load", ()), NOTSUP);
    let error = guest.try_call::<(), ()>("exec", ()).unwrap_err();
    assert_eq!(
        error.to_string().lines().next(),
        Some("trap in test:wasix/wasix#exec: wasix_32v1 proc_exec is denied to plugins"),
    );
}

/// Imports that there is nothing for are named when the module is linked.
#[test]
fn unknown_imports_are_named() {
    let cases = [
        (
            r#"(import "wasi_snapshot_preview1" "no_such" (func))"#,
            "wasi_snapshot_preview1 no_such",
        ),
        (
            r#"(import "wasix_64v1" "fd_close" (func (param i32) (result i32)))"#,
            "wasix_64v1 fd_close",
        ),
        (r#"(import "env" "emscripten" (func))"#, "env emscripten"),
        (
            r#"(import "wasix_http_client_v1" "get" (func))"#,
            "wasix_http_client_v1 get",
        ),
    ];
    for (import, named) in cases {
        let text = format!(
            r#"(module {import} (memory (export "memory") 1) (func (export "test:wasix/small#f")))"#
        );
        let component = try_compile(&text, "small-guest").unwrap();
        let error = Guest::new(&component, "test:wasix/small", |_| {}).err();
        assert!(
            matches!(&error, Some(Error::Link(LinkError::Missing { import, .. })) if import == named),
            "{named}: {error:?}"
        );
    }
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_close" (func (param i64 i64) (result i32)))
        (memory (export "memory") 1) (func (export "test:wasix/small#f")))"#;
    let component = try_compile(text, "small-guest").unwrap();
    let error = Guest::new(&component, "test:wasix/small", |_| {}).err();
    let message = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(
        message.contains("fd_close") && message.contains("another type"),
        "{message}"
    );
}

/// WASI before the guest is there, from a start function, is a trap and no more.
#[test]
fn a_start_function_has_no_wasi_yet() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (func $start (drop (call $yield))) (start $start)
        (func (export "test:wasix/small#f")))"#;
    let component = try_compile(text, "small-guest").unwrap();
    let error = Guest::new(&component, "test:wasix/small", |_| {}).err();
    let message = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(
        message.contains("before the core module was instantiated"),
        "{message}"
    );
}

/// Pointers that lead nowhere are an error of the function's, or a trap, and never more.
#[test]
fn wild_pointers_are_errors() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "test:wasix/small#f")
          (if (i32.eqz (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0))) (then unreachable))
          (if (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0))) (then unreachable))
          (if (i32.eqz (call $random (i32.const 65530) (i32.const 100))) (then unreachable))
          (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const -1) (i32.const -1) (i32.const 0)
            (i64.const -1) (i64.const -1) (i32.const 0) (i32.const -1))) (then unreachable))
          (if (i32.eqz (call $poll (i32.const -1) (i32.const -1) (i32.const 3) (i32.const -1))) (then unreachable))))"#;
    let component = try_compile(text, "small-guest").unwrap();
    let mut guest = Guest::new(&component, "test:wasix/small", |_| {}).unwrap();
    guest.try_call::<(), ()>("f", ()).unwrap();
}
