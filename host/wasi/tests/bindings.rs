//! The interfaces as a guest sees them: small core modules in text, made components of a world that imports what they need,
//! each in another 0.2.x. What stands behind the interfaces is tested in `trees` and `confinement`; here, that it arrives.

use std::time::{Duration, Instant};

use wasmer_component::{
    Component, Config, Engine, Error, Instance, LimitKind, Linker, Result, Store,
};
use wasmer_component_wasi::fs::{ErrorCode, MemoryTree};
use wasmer_component_wasi::stream::{BytesInput, BytesOutput, FileDescriptorInput, LineOutput};
use wasmer_component_wasi::{Exit, Grant, WasiCtx, WasiCtxBuilder};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component of the world `guest` in `wit` whose code is `functions`, beside a memory and an allocator that never frees.
fn component(wit: &str, imports: &str, functions: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            {imports}
            (memory (export "memory") 16)
            (global $top (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $top (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
                (global.get $top)
                (global.set $top (i32.add (global.get $top) (local.get 3))))
            {functions})"#
    );
    let mut module = wat::parse_str(&module).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("guest.wit", &format!("package test:guest;\n{wit}"))
        .unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

struct Guest {
    store: Store<WasiCtx>,
    instance: Instance,
}

impl Guest {
    fn new(component: &[u8], wasi: &mut WasiCtxBuilder) -> Self {
        let engine = Engine::new(&Config::new()).unwrap();
        let mut linker = Linker::new(&engine);
        wasmer_component_wasi::add_to_linker(&mut linker).unwrap();
        let component = Component::new(&engine, component).unwrap();
        let mut store = Store::new(&engine, wasi.build().unwrap()).unwrap();
        let instance = linker.instantiate(&mut store, &component).unwrap();
        Guest { store, instance }
    }

    fn call<P, R>(&mut self, name: &str, params: P) -> Result<R>
    where
        P: wasmer_component::LowerParams,
        R: wasmer_component::LiftResult,
    {
        let function = self
            .instance
            .get_typed_func::<P, R>(&mut self.store, name)?;
        function.call(&mut self.store, params)
    }
}

#[test]
fn fixed_clocks_are_seen_and_put_forward() {
    let component = component(
        "package wasi:io@0.2.3 { interface poll { resource pollable { block: func(); } } }
        package wasi:clocks@0.2.3 {
            interface wall-clock {
                record datetime { seconds: u64, nanoseconds: u32 }
                now: func() -> datetime;
            }
            interface monotonic-clock {
                use wasi:io/poll@0.2.3.{pollable};
                now: func() -> u64;
                resolution: func() -> u64;
                subscribe-duration: func(when: u64) -> pollable;
            }
        }
        world guest {
            import wasi:clocks/wall-clock@0.2.3;
            import wasi:clocks/monotonic-clock@0.2.3;
            export wall: func() -> tuple<u64, u32>;
            export monotonic: func() -> u64;
            export sleep: func(duration: u64);
        }",
        r#"(import "wasi:clocks/wall-clock@0.2.3" "now" (func $wall (param i32)))
        (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $now (result i64)))
        (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-duration" (func $subscribe (param i64) (result i32)))
        (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
        (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop (param i32)))"#,
        r#"(func (export "wall") (result i32) (call $wall (i32.const 256)) (i32.const 256))
        (func (export "monotonic") (result i64) (call $now))
        (func (export "sleep") (param i64) (local i32)
            (local.set 1 (call $subscribe (local.get 0)))
            (call $block (local.get 1))
            (call $drop (local.get 1)))"#,
    );
    let step = Duration::from_nanos(10);
    let mut guest = Guest::new(
        &component,
        WasiCtx::builder().fixed_clocks(Duration::from_secs(1_000), step),
    );
    assert_eq!(
        guest.call::<_, ((u64, u32),)>("wall", ()).unwrap(),
        ((1_000, 10),)
    );
    assert_eq!(guest.call::<_, (u64,)>("monotonic", ()).unwrap(), (20,));
    // An hour passes at once: 30 when the sleep begins.
    let hour = 3_600_000_000_000;
    guest.call::<_, ()>("sleep", (hour,)).unwrap();
    assert_eq!(
        guest.call::<_, (u64,)>("monotonic", ()).unwrap(),
        (hour + 40,)
    );

    let mut guest = Guest::new(&component, &mut WasiCtx::builder());
    let start = Instant::now();
    guest.call::<_, ()>("sleep", (20_000_000u64,)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    // Nobody can interrupt the host, so it has to end the wait itself.
    guest
        .store
        .set_call_timeout(Some(Duration::from_millis(50)));
    let error = guest.call::<_, ()>("sleep", (u64::MAX,)).unwrap_err();
    assert!(error.is_limit(LimitKind::Time), "{error}");
}

#[test]
fn arguments_and_environment_arrive_and_exits_end_the_call() {
    let component = component(
        "package wasi:cli@0.2.0 {
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                get-arguments: func() -> list<string>;
                initial-cwd: func() -> option<string>;
            }
            interface exit { exit: func(status: result); exit-with-code: func(status-code: u8); }
        }
        world guest {
            import wasi:cli/environment@0.2.0;
            import wasi:cli/exit@0.2.0;
            export environment: func() -> list<tuple<string, string>>;
            export arguments: func() -> list<string>;
            export directory: func() -> option<string>;
            export quit: func(failed: bool);
            export quit-with: func(code: u8);
        }",
        r#"(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
        (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
        (import "wasi:cli/environment@0.2.0" "initial-cwd" (func $directory (param i32)))
        (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
        (import "wasi:cli/exit@0.2.0" "exit-with-code" (func $exit-with (param i32)))"#,
        r#"(func (export "environment") (result i32) (call $environment (i32.const 256)) (i32.const 256))
        (func (export "arguments") (result i32) (call $arguments (i32.const 256)) (i32.const 256))
        (func (export "directory") (result i32) (call $directory (i32.const 256)) (i32.const 256))
        (func (export "quit") (param i32) (call $exit (local.get 0)) unreachable)
        (func (export "quit-with") (param i32) (call $exit-with (local.get 0)) unreachable)"#,
    );
    type Environment = (Vec<(String, String)>,);
    let mut guest = Guest::new(&component, &mut WasiCtx::builder());
    assert_eq!(
        guest.call::<_, Environment>("environment", ()).unwrap(),
        (vec![],)
    );
    assert_eq!(
        guest.call::<_, (Vec<String>,)>("arguments", ()).unwrap(),
        (vec![],)
    );
    assert_eq!(
        guest.call::<_, (Option<String>,)>("directory", ()).unwrap(),
        (None,)
    );

    let mut wasi = WasiCtx::builder();
    wasi.arguments(["program", "ä"])
        .environment("NAME", "value")
        .working_directory("/in");
    let mut guest = Guest::new(&component, &mut wasi);
    let environment = vec![("NAME".to_owned(), "value".to_owned())];
    assert_eq!(
        guest.call::<_, Environment>("environment", ()).unwrap(),
        (environment,)
    );
    assert_eq!(
        guest.call::<_, (Vec<String>,)>("arguments", ()).unwrap(),
        (vec!["program".to_owned(), "ä".to_owned()],)
    );
    assert_eq!(
        guest.call::<_, (Option<String>,)>("directory", ()).unwrap(),
        (Some("/in".to_owned()),)
    );

    let exit = |error: Error| error.downcast_ref::<Exit>().copied();
    assert_eq!(
        guest.call::<_, ()>("quit", (true,)).map_err(exit),
        Err(Some(Exit { code: 1 }))
    );
    let mut guest = Guest::new(&component, &mut wasi);
    assert_eq!(
        guest.call::<_, ()>("quit", (false,)).map_err(exit),
        Err(Some(Exit { code: 0 }))
    );
    let mut guest = Guest::new(&component, &mut wasi);
    assert_eq!(
        guest.call::<_, ()>("quit-with", (42u8,)).map_err(exit),
        Err(Some(Exit { code: 42 }))
    );
}

#[test]
fn random_bytes_are_those_of_the_seed() {
    let component = component(
        "package wasi:random@0.2.12 {
            interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }
            interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
        }
        world guest {
            import wasi:random/random@0.2.12;
            import wasi:random/insecure-seed@0.2.12;
            export bytes: func(len: u64) -> list<u8>;
            export seed: func() -> tuple<u64, u64>;
        }",
        r#"(import "wasi:random/random@0.2.12" "get-random-bytes" (func $bytes (param i64 i32)))
        (import "wasi:random/insecure-seed@0.2.12" "insecure-seed" (func $seed (param i32)))"#,
        r#"(func (export "bytes") (param i64) (result i32)
            (call $bytes (local.get 0) (i32.const 256)) (i32.const 256))
        (func (export "seed") (result i32) (call $seed (i32.const 256)) (i32.const 256))"#,
    );
    let numbers = |wasi: &mut WasiCtxBuilder| {
        let mut guest = Guest::new(&component, wasi);
        let (bytes,): (Vec<u8>,) = guest.call("bytes", (33u64,)).unwrap();
        assert_eq!(bytes.len(), 33);
        (bytes, guest.call::<_, ((u64, u64),)>("seed", ()).unwrap())
    };
    assert_eq!(
        numbers(WasiCtx::builder().random_seed(3)),
        numbers(WasiCtx::builder().random_seed(3))
    );
    assert_ne!(
        numbers(WasiCtx::builder().random_seed(3)),
        numbers(WasiCtx::builder().random_seed(4))
    );
    assert_ne!(
        numbers(&mut WasiCtx::builder()),
        numbers(&mut WasiCtx::builder())
    );
    let mut guest = Guest::new(&component, &mut WasiCtx::builder());
    let error = guest
        .call::<_, (Vec<u8>,)>("bytes", (u64::MAX,))
        .unwrap_err();
    assert!(error.to_string().contains("more random bytes"), "{error}");
}

const STREAMS: &str = "package wasi:io@0.2.6 {
        interface error { resource error; }
        interface poll { resource pollable; poll: func(in: list<borrow<pollable>>) -> list<u32>; }
        interface streams {
            use error.{error};
            use poll.{pollable};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream {
                blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                subscribe: func() -> pollable;
            }
            resource output-stream {
                check-write: func() -> result<u64, stream-error>;
                write: func(contents: list<u8>) -> result<_, stream-error>;
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>;
                blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.6 {
        interface stdin { use wasi:io/streams@0.2.6.{input-stream}; get-stdin: func() -> input-stream; }
        interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
    }";

fn stdio() -> Vec<u8> {
    component(
        &format!(
            "{STREAMS}
            world guest {{
                import wasi:cli/stdin@0.2.6;
                import wasi:cli/stdout@0.2.6;
                export print: func(text: string) -> u8;
                export print-unasked: func(text: string);
                export zeroes: func(len: u64) -> u8;
                export copy: func(len: u64) -> u8;
                export read: func(len: u64) -> option<list<u8>>;
                export poll-stdin: func() -> list<u32>;
                export poll-nothing: func();
            }}"
        ),
        r#"(import "wasi:cli/stdin@0.2.6" "get-stdin" (func $stdin (result i32)))
        (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
        (import "wasi:io/streams@0.2.6" "[resource-drop]input-stream" (func $drop-input (param i32)))
        (import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $drop-output (param i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.check-write" (func $check (param i32 i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
            (func $print (param i32 i32 i32 i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-zeroes-and-flush"
            (func $zeroes (param i32 i64 i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-splice"
            (func $splice (param i32 i32 i64 i32)))
        (import "wasi:io/streams@0.2.6" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
        (import "wasi:io/streams@0.2.6" "[method]input-stream.subscribe" (func $subscribe (param i32) (result i32)))
        (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))
        (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop-pollable (param i32)))"#,
        r#"(func (export "print") (param i32 i32) (result i32) (local i32)
            (local.set 2 (call $stdout))
            (call $print (local.get 2) (local.get 0) (local.get 1) (i32.const 256))
            (call $drop-output (local.get 2))
            (i32.load8_u (i32.const 256)))
        (func (export "print-unasked") (param i32 i32) (local i32)
            (local.set 2 (call $stdout))
            (call $check (local.get 2) (i32.const 256))
            (call $write (local.get 2) (local.get 0) (i32.const 3) (i32.const 256))
            (call $write (local.get 2) (local.get 0) (i32.const 900000) (i32.const 256)))
        (func (export "zeroes") (param i64) (result i32)
            (call $zeroes (call $stdout) (local.get 0) (i32.const 256))
            (i32.load8_u (i32.const 256)))
        (func (export "copy") (param i64) (result i32)
            (call $splice (call $stdout) (call $stdin) (local.get 0) (i32.const 256))
            (i32.load8_u (i32.const 256)))
        (func (export "read") (param i64) (result i32) (local i32)
            (local.set 1 (call $stdin))
            (call $read (local.get 1) (local.get 0) (i32.const 256))
            (call $drop-input (local.get 1))
            ;; A result becomes an option: the cases the other way round, the list in the same place.
            (i32.store8 (i32.const 256) (i32.eqz (i32.load8_u (i32.const 256))))
            (i32.const 256))
        (func (export "poll-stdin") (result i32) (local i32)
            (local.set 0 (call $subscribe (call $stdin)))
            (i32.store (i32.const 300) (local.get 0))
            (call $poll (i32.const 300) (i32.const 1) (i32.const 256))
            (call $drop-pollable (local.get 0))
            (i32.const 256))
        (func (export "poll-nothing") (call $poll (i32.const 0) (i32.const 0) (i32.const 256)))"#,
    )
}

#[test]
fn output_comes_line_by_line_and_input_to_its_end() {
    let (sender, lines) = std::sync::mpsc::channel();
    let mut wasi = WasiCtx::builder();
    wasi.stdout(LineOutput::new(move |line| {
        sender.send(line.to_owned()).unwrap()
    }))
    .stdin(BytesInput::new("some text"));
    let mut guest = Guest::new(&stdio(), &mut wasi);
    for text in ["one\ntw", "o\r\n", "\nend"] {
        assert_eq!(guest.call::<_, (u8,)>("print", (text,)).unwrap(), (0,));
    }
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), ["one", "two", ""]);
    let read = |guest: &mut Guest, length: u64| {
        guest
            .call::<_, (Option<Vec<u8>>,)>("read", (length,))
            .unwrap()
            .0
    };
    assert_eq!(read(&mut guest, 4), Some(b"some".to_vec()));
    assert_eq!(
        guest.call::<_, (Vec<u32>,)>("poll-stdin", ()).unwrap(),
        (vec![0],)
    );
    // Another handle to the same input goes on where the first one was.
    assert_eq!(guest.call::<_, (u8,)>("copy", (3u64,)).unwrap(), (0,));
    assert_eq!(read(&mut guest, 100), Some(b"xt".to_vec()));
    assert_eq!(read(&mut guest, 100), None);
    drop((guest, wasi));
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), ["end te"]);
}

#[test]
fn writes_must_be_permitted_and_end_with_the_capacity() {
    let output = BytesOutput::new(4_097);
    let mut guest = Guest::new(&stdio(), WasiCtx::builder().stdout(output.clone()));
    assert_eq!(guest.call::<_, (u8,)>("zeroes", (4_096u64,)).unwrap(), (0,));
    assert_eq!(guest.call::<_, (u8,)>("print", ("x",)).unwrap(), (0,));
    assert_eq!(output.contents(), [vec![0; 4_096], b"x".to_vec()].concat());
    assert_eq!(
        guest.call::<_, (u8,)>("print", ("x",)).unwrap(),
        (1,),
        "closed"
    );

    let output = BytesOutput::new(1_000);
    let mut guest = Guest::new(&stdio(), WasiCtx::builder().stdout(output.clone()));
    let error = guest.call::<_, ()>("print-unasked", ("abc",)).unwrap_err();
    assert!(error.to_string().contains("check-write"), "{error}");
    assert_eq!(output.contents(), b"abc");

    let output = BytesOutput::new(10_000);
    let mut guest = Guest::new(&stdio(), WasiCtx::builder().stdout(output.clone()));
    let error = guest.call::<_, (u8,)>("zeroes", (4_097u64,)).unwrap_err();
    assert!(error.to_string().contains("4096"), "{error}");
    assert_eq!(output.contents(), b"");
}

#[test]
fn waiting_ends_with_the_deadline_of_the_call() {
    for function in ["read", "poll-stdin"] {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut guest = Guest::new(
            &stdio(),
            WasiCtx::builder().stdin(FileDescriptorInput::new(reader)),
        );
        guest
            .store
            .set_call_timeout(Some(Duration::from_millis(50)));
        let start = Instant::now();
        let error = match function {
            "read" => guest
                .call::<_, (Option<Vec<u8>>,)>("read", (10u64,))
                .unwrap_err(),
            _ => guest.call::<_, (Vec<u32>,)>("poll-stdin", ()).unwrap_err(),
        };
        assert!(error.is_limit(LimitKind::Time), "{function}: {error}");
        assert!(start.elapsed() < Duration::from_secs(5));
        drop(writer);
    }
}

#[test]
fn what_comes_through_a_pipe_is_read_when_it_comes() {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(
        &stdio(),
        WasiCtx::builder().stdin(FileDescriptorInput::new(reader)),
    );
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        writer.write_all(b"late").unwrap();
    });
    let (bytes,): (Option<Vec<u8>>,) = guest.call("read", (10u64,)).unwrap();
    assert_eq!(bytes, Some(b"late".to_vec()));
    later.join().unwrap();
    assert_eq!(
        guest
            .call::<_, (Option<Vec<u8>>,)>("read", (10u64,))
            .unwrap(),
        (None,)
    );
}

#[test]
fn polling_nothing_traps() {
    let mut guest = Guest::new(&stdio(), &mut WasiCtx::builder());
    let error = guest.call::<_, ()>("poll-nothing", ()).unwrap_err();
    assert!(
        matches!(error, Error::Trap(_)) && error.to_string().contains("empty list"),
        "{error}"
    );
}

#[test]
fn files_are_read_into_the_guest_and_errors_have_their_codes() {
    let component = component(
        "package wasi:filesystem@0.2.4 {
            interface types {
                enum error-code {
                    access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
                    illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
                    message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory,
                    insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty,
                    no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy,
                    cross-device,
                }
                flags descriptor-flags {
                    read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory,
                }
                flags path-flags { symlink-follow }
                flags open-flags { create, directory, exclusive, truncate }
                resource descriptor {
                    open-at: func(path-flags: path-flags, path: string, open-flags: open-flags,
                        %flags: descriptor-flags) -> result<descriptor, error-code>;
                    read: func(length: u64, offset: u64) -> result<tuple<list<u8>, bool>, error-code>;
                }
            }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
        }
        world guest {
            import wasi:filesystem/types@0.2.4;
            import wasi:filesystem/preopens@0.2.4;
            use wasi:filesystem/types@0.2.4.{error-code};
            export read: func(path: string, open: u8, length: u64, offset: u64)
                -> result<tuple<list<u8>, bool>, error-code>;
        }",
        r#"(import "wasi:filesystem/preopens@0.2.4" "get-directories" (func $directories (param i32)))
        (import "wasi:filesystem/types@0.2.4" "[method]descriptor.open-at"
            (func $open (param i32 i32 i32 i32 i32 i32 i32)))
        (import "wasi:filesystem/types@0.2.4" "[method]descriptor.read" (func $read (param i32 i64 i64 i32)))
        (import "wasi:filesystem/types@0.2.4" "[resource-drop]descriptor" (func $drop (param i32)))"#,
        r#"(func (export "read") (param $path i32) (param $len i32) (param $how i32) (param $n i64) (param $at i64)
            (result i32)
            (local $directory i32)
            (call $directories (i32.const 256))
            (local.set $directory (i32.load (i32.load (i32.const 256))))
            (call $open (local.get $directory) (i32.const 1) (local.get $path) (local.get $len)
                (local.get $how) (i32.const 1) (i32.const 300))
            (call $drop (local.get $directory))
            (if (i32.load8_u (i32.const 300)) (then
                (i32.store8 (i32.const 512) (i32.const 1))
                (i32.store8 (i32.const 516) (i32.load8_u (i32.const 304)))
                (return (i32.const 512))))
            (call $read (i32.load (i32.const 304)) (local.get $n) (local.get $at) (i32.const 512))
            (call $drop (i32.load (i32.const 304)))
            (i32.const 512))"#,
    );
    type Read = (std::result::Result<(Vec<u8>, bool), ErrorCode>,);
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("f"), "0123456789").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", host.path().join("out")).unwrap();
    let tree = MemoryTree::new(1 << 16);
    tree.write_file("f", b"0123456789").unwrap();
    for grant in [Grant::directory(host.path()), Grant::tree(tree.root(), "/")] {
        let mut guest = Guest::new(&component, WasiCtx::builder().grant(grant));
        let mut read = |path: &str, open: u8, length: u64, offset: u64| {
            guest
                .call::<_, Read>("read", (path, open, length, offset))
                .unwrap()
                .0
        };
        assert_eq!(read("f", 0, 4, 2), Ok((b"2345".to_vec(), false)));
        assert_eq!(read("f", 0, u64::MAX, 2), Ok((b"23456789".to_vec(), true)));
        assert_eq!(read("f", 0, 1, 10), Ok((vec![], true)));
        assert_eq!(read("f", 0, 1, u64::MAX), Ok((vec![], true)));
        assert_eq!(read("missing", 0, 1, 0), Err(ErrorCode::NoEntry));
        assert_eq!(read("../f", 0, 1, 0), Err(ErrorCode::NotPermitted));
        assert_eq!(read("f", 1, 1, 0), Err(ErrorCode::ReadOnly));
        assert_eq!(read("f", 2, 1, 0), Err(ErrorCode::NotDirectory));
        assert_eq!(read(".", 0, 1, 0), Err(ErrorCode::BadDescriptor));
    }
    let mut guest = Guest::new(
        &component,
        WasiCtx::builder().grant(Grant::directory(host.path())),
    );
    let (out,): Read = guest.call("read", ("out", 0u8, 1u64, 0u64)).unwrap();
    assert_eq!(out, Err(ErrorCode::NotPermitted));
}

#[test]
fn sockets_are_refused() {
    let component = component(
        "package wasi:sockets@0.2.1 {
            interface network {
                resource network;
                enum error-code {
                    unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
                    concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
                    address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
                    connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
                    permanent-resolver-failure,
                }
                enum ip-address-family { ipv4, ipv6 }
            }
            interface instance-network { use network.{network}; instance-network: func() -> network; }
            interface udp { resource udp-socket; }
            interface udp-create-socket {
                use network.{error-code, ip-address-family};
                use udp.{udp-socket};
                create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>;
            }
            interface ip-name-lookup {
                use network.{network, error-code};
                resource resolve-address-stream;
                resolve-addresses: func(network: borrow<network>, name: string)
                    -> result<resolve-address-stream, error-code>;
            }
        }
        world guest {
            import wasi:sockets/instance-network@0.2.1;
            import wasi:sockets/udp-create-socket@0.2.1;
            import wasi:sockets/ip-name-lookup@0.2.1;
            export socket: func() -> tuple<u8, u8>;
            export look-up: func(name: string) -> tuple<u8, u8>;
        }",
        r#"(import "wasi:sockets/instance-network@0.2.1" "instance-network" (func $network (result i32)))
        (import "wasi:sockets/udp-create-socket@0.2.1" "create-udp-socket" (func $create (param i32 i32)))
        (import "wasi:sockets/ip-name-lookup@0.2.1" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))"#,
        r#"(func $seen (result i32)
            ;; The case, and the code four bytes on, side by side.
            (i32.store8 (i32.const 257) (i32.load8_u (i32.const 260)))
            (i32.const 256))
        (func (export "socket") (result i32) (call $create (i32.const 0) (i32.const 256)) (call $seen))
        (func (export "look-up") (param i32 i32) (result i32)
            (call $resolve (call $network) (local.get 0) (local.get 1) (i32.const 256))
            (call $seen))"#,
    );
    let mut guest = Guest::new(&component, &mut WasiCtx::builder());
    let denied = (1, 1);
    assert_eq!(
        guest.call::<_, ((u8, u8),)>("socket", ()).unwrap(),
        (denied,)
    );
    assert_eq!(
        guest
            .call::<_, ((u8, u8),)>("look-up", ("localhost",))
            .unwrap(),
        (denied,)
    );
}
