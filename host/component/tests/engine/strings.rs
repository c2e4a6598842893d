//! The three string encodings, both ways: utf8, utf16, and latin1+utf16 with its tag bit.

use crate::common::{LIBC, echo, engine, instantiate, instantiate_with};
use wasmer_component::{Error, Linker};

const ENCODINGS: [&str; 3] = [
    "string-encoding=utf8",
    "string-encoding=utf16",
    "string-encoding=latin1+utf16",
];

#[test]
fn every_string_echoes_in_every_encoding() {
    let long_ascii = "log line ".repeat(20_000);
    let late_wide = format!("{}ж", "é".repeat(1000));
    for encoding in ENCODINGS {
        let engine = engine();
        let mut linker = Linker::<()>::new(&engine);
        linker
            .instance("test:abi/host")
            .unwrap()
            .func_wrap("f", |_cx, (v,): (String,)| Ok((v,)))
            .unwrap();
        let (mut store, instance) = instantiate_with(
            &engine,
            &linker,
            (),
            &echo(&[], "string", &["i32", "i32"], encoding),
        )
        .unwrap();
        let f = instance
            .get_typed_func::<(&str,), (String,)>(&mut store, "f")
            .unwrap();
        for text in [
            "",
            "a",
            "ascii only",
            "Ünïcödé",
            "жук",
            "🐿 mixed é ж",
            "\0",
            &long_ascii,
            &late_wide,
        ] {
            let (back,) = f.call(&mut store, (text,)).unwrap();
            assert_eq!(back, text, "{encoding}");
        }
    }
}

/// Length and bytes as the guest sees them after lowering.
fn lowered(encoding: &str, text: &str) -> (u32, Vec<u8>) {
    let component = format!(
        r#"(component
             {LIBC}
             (core module $m
               (import "libc" "memory" (memory 1))
               (func (export "len") (param i32 i32) (result i32) (local.get 1))
               (func (export "bytes") (param $at i32) (param $len i32) (result i32)
                 (i32.store (i32.const 16) (local.get $at))
                 (i32.store (i32.const 20) (i32.const 16))
                 (i32.const 16)))
             (core instance $m (instantiate $m (with "libc" (instance $libc))))
             (func (export "len") (param "s" string) (result u32)
               (canon lift (core func $m "len") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {encoding}))
             (func (export "bytes") (param "s" string) (result (list u8))
               (canon lift (core func $m "bytes") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {encoding})))"#
    );
    let (mut store, instance) = instantiate(&component).unwrap();
    let (len,) = instance
        .get_typed_func::<(&str,), (u32,)>(&mut store, "len")
        .unwrap()
        .call(&mut store, (text,))
        .unwrap();
    let (bytes,) = instance
        .get_typed_func::<(&str,), (Vec<u8>,)>(&mut store, "bytes")
        .unwrap()
        .call(&mut store, (text,))
        .unwrap();
    (len, bytes)
}

const TAG: u32 = 1 << 31;

#[test]
fn lowering_writes_each_encoding_as_specified() {
    let (len, bytes) = lowered(ENCODINGS[0], "aé🐿");
    assert_eq!((len, &bytes[..7]), (7, "aé🐿".as_bytes()));

    let (len, bytes) = lowered(ENCODINGS[1], "aé🐿");
    assert_eq!(
        (len, &bytes[..8]),
        (4, &[0x61, 0, 0xe9, 0, 0x3d, 0xd8, 0x3f, 0xdc][..])
    );

    let (len, bytes) = lowered(ENCODINGS[2], "aé");
    assert_eq!((len, &bytes[..2]), (2, &[0x61, 0xe9][..]));

    let (len, bytes) = lowered(ENCODINGS[2], "aéж");
    assert_eq!(
        (len, &bytes[..6]),
        (3 | TAG, &[0x61, 0, 0xe9, 0, 0x36, 0x04][..])
    );

    for encoding in ENCODINGS {
        assert_eq!(lowered(encoding, "").0 & !TAG, 0, "{encoding}");
    }
}

/// What `f: func() -> string` gives that returns (16, len) and has `bytes` at 16 (and `end` as the last bytes of its page).
fn lifted(encoding: &str, at: u32, len: u32, bytes: &str) -> Result<String, Error> {
    let (mut store, instance) = instantiate(&format!(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (data (i32.const 16) "{bytes}")
               (func (export "f") (result i32)
                 (i32.store (i32.const 0) (i32.const {at}))
                 (i32.store (i32.const 4) (i32.const {len}))
                 (i32.const 0)))
             (core instance $m (instantiate $m))
             (func (export "f") (result string) (canon lift (core func $m "f") (memory (core memory $m "memory")) {encoding})))"#
    ))?;
    let f = instance.get_typed_func::<(), (String,)>(&mut store, "f")?;
    f.call(&mut store, ()).map(|(text,)| text)
}

#[track_caller]
fn assert_trap(outcome: Result<String, Error>, part: &str) {
    match outcome {
        // a length beyond everything may also be met as the limit on lists
        Err(Error::Limit(_)) if part.is_empty() => {}
        Err(error @ Error::Trap(_)) => {
            let text = error.to_string();
            assert!(
                text.contains(part),
                "the trap does not speak of `{part}`: {text}"
            );
        }
        other => panic!("expected a trap about `{part}`, got {other:?}"),
    }
}

#[test]
fn utf8_is_validated() {
    assert_eq!(lifted(ENCODINGS[0], 16, 3, r"a\c3\a9").unwrap(), "aé");
    assert_trap(lifted(ENCODINGS[0], 16, 2, r"a\c3\a9"), "utf");
    assert_trap(lifted(ENCODINGS[0], 16, 3, r"\ed\a0\80"), "utf"); // a surrogate
    assert_trap(lifted(ENCODINGS[0], 16, 2, r"\c0\80"), "utf"); // an overlong zero
    assert_trap(lifted(ENCODINGS[0], 16, 1, r"\ff"), "utf");
}

#[test]
fn utf16_is_aligned_in_bounds_and_without_lone_surrogates() {
    assert_eq!(
        lifted(ENCODINGS[1], 16, 3, r"a\00\3d\d8\3f\dc").unwrap(),
        "a🐿"
    );
    assert_trap(lifted(ENCODINGS[1], 16, 2, r"a\00\3d\d8\3f\dc"), "utf"); // high alone
    assert_trap(lifted(ENCODINGS[1], 16, 1, r"\3f\dc"), "utf"); // low alone
    assert_trap(lifted(ENCODINGS[1], 17, 1, r"aa"), "align");
    assert_trap(lifted(ENCODINGS[1], 17, 0, r"aa"), "align");
    assert_trap(lifted(ENCODINGS[1], 65534, 2, ""), "bounds");
    assert_eq!(lifted(ENCODINGS[1], 65534, 1, "").unwrap(), "\0");
    assert_eq!(lifted(ENCODINGS[1], 65536, 0, "").unwrap(), "");
    assert_trap(lifted(ENCODINGS[1], 16, 0x8000_0008, ""), "");
}

#[test]
fn latin1_and_utf16_are_told_apart_by_the_tag() {
    assert_eq!(lifted(ENCODINGS[2], 16, 3, r"a\e9\ff").unwrap(), "aéÿ");
    assert_eq!(
        lifted(ENCODINGS[2], 16, 3 | TAG, r"a\00\3d\d8\3f\dc").unwrap(),
        "a🐿"
    );
    assert_trap(lifted(ENCODINGS[2], 16, 1 | TAG, r"\3d\d8"), "utf");
    assert_trap(lifted(ENCODINGS[2], 17, 3, ""), "align");
    assert_trap(lifted(ENCODINGS[2], 17, TAG, ""), "align");
    // as latin1 this fits, as utf16 it does not
    assert_eq!(lifted(ENCODINGS[2], 65532, 4, "").unwrap(), "\0\0\0\0");
    assert_trap(lifted(ENCODINGS[2], 65532, 4 | TAG, ""), "bounds");
    assert_trap(lifted(ENCODINGS[2], 65532, 5, ""), "bounds");
}

/// A guest that asks for utf8 and has an allocator that cannot shrink is never asked for more than once
/// with the same block: old pointer and size always name the block handed out before.
#[test]
fn realloc_is_told_the_block_it_gave() {
    for encoding in ENCODINGS {
        let component = format!(
            r#"(component
                 (core module $libc
                   (memory (export "memory") 4)
                   (global $last (mut i32) (i32.const 0))
                   (global $last_size (mut i32) (i32.const 0))
                   (global $top (mut i32) (i32.const 1024))
                   (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                     (if (i32.or (i32.ne (local.get $old) (global.get $last)) (i32.ne (local.get $old_size) (global.get $last_size)))
                       (then unreachable))
                     (global.set $last (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
                     (global.set $last_size (local.get $size))
                     (global.set $top (i32.add (global.get $last) (local.get $size)))
                     (memory.copy (global.get $last) (local.get $old)
                       (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
                     (global.get $last))
                   (func (export "f") (param $at i32) (param $len i32) (result i32)
                     (i32.store (i32.const 0) (local.get $at))
                     (i32.store (i32.const 4) (local.get $len))
                     (i32.const 0)))
                 (core instance $libc (instantiate $libc))
                 (func (export "f") (param "s" string) (result string)
                   (canon lift (core func $libc "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {encoding})))"#
        );
        for text in [
            "plain",
            "é late",
            "ж wide",
            "long ".repeat(1000).as_str(),
            format!("{}ж{}", "é".repeat(300), "é".repeat(300)).as_str(),
        ] {
            let (mut store, instance) = instantiate(&component).unwrap();
            let f = instance
                .get_typed_func::<(&str,), (String,)>(&mut store, "f")
                .unwrap();
            assert_eq!(
                f.call(&mut store, (text,)).unwrap(),
                (text.to_owned(),),
                "{encoding}"
            );
        }
    }
}
