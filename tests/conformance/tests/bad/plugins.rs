//! What goes wrong before any work is done.

use anyhow::Result;
use chipmunk_conformance::CheckOutcome;
use chipmunk_e2e::guest::Guest;

use crate::guests::{Lines, REFUSES, lines};
use crate::{fails, report_of};

fn good() -> Guest {
    lines(&Lines::default())
}

/// A parser with one item in its schema: this id, and this kind of value.
fn with_item(id: &str, kind: [u32; 5]) -> Guest {
    const ITEM: u32 = 256;
    const ID: u32 = 512;
    let mut item = vec![ID, id.len() as u32, ID, id.len() as u32, 0, 0, 0];
    item.extend(kind);
    let item: Vec<u8> = item.into_iter().flat_map(u32::to_le_bytes).collect();
    good()
        .data(ID, id.as_bytes())
        .data(ITEM, &item)
        .data(32, &[ITEM, 1].map(u32::to_le_bytes).concat())
}

#[test]
fn it_is_no_plugin() -> Result<()> {
    for (component, message) in [
        (b"no wasm".to_vec(), "not WebAssembly"),
        (wat::parse_str("(component)")?, "another world"),
        (
            wat::parse_str(
                r#"(component (import "acme:db/client@1.0.0" (instance)) (instance $i) (export "chipmunk:parser/parser@0.2.0" (instance $i)))"#,
            )?,
            "acme:db/client@1.0.0",
        ),
        (
            wat::parse_str(
                r#"(component (instance $i) (export "chipmunk:parser/parser@0.2.0" (instance $i)))"#,
            )?,
            "no function",
        ),
    ] {
        let report = report_of(&component)?;
        assert_eq!(report.names(CheckOutcome::Failed), ["world"], "{report}");
        assert!(report.to_string().contains(message), "{report}");
    }
    Ok(())
}

#[test]
fn it_traps_when_it_is_asked_what_it_is() -> Result<()> {
    let guest = good().function("get-config-schemas", "(result i32) unreachable");
    fails(&guest, "world", "`get-config-schemas` trapped")
}

#[test]
fn it_is_another_version_every_time() -> Result<()> {
    let guest = good().function(
        "get-version",
        "(result i32) (i32.store8 (i32.const 20) (i32.add (i32.const 1) (i32.load8_u (i32.const 20)))) i32.const 16",
    );
    fails(&guest, "life-cycle", "Version was answered differently")
}

#[test]
fn it_does_not_bear_to_be_asked_in_another_order() -> Result<()> {
    let guest = good()
        .more("(global $asked (mut i32) (i32.const 0))")
        .function(
            "get-version",
            "(result i32) (global.set $asked (i32.const 1)) i32.const 16",
        )
        .function(
            "get-capabilities",
            "(result i32) (if (i32.eqz (global.get $asked)) (then unreachable)) i32.const 2",
        );
    // A host asks for the capabilities of a session before anything else; so nothing works, and all of it for this reason.
    fails(&guest, "life-cycle", "`get-capabilities` trapped")
}

#[test]
fn its_ids_are_not_in_kebab_case() -> Result<()> {
    fails(
        &with_item("storageHeader", [0, 1, 0, 0, 0]),
        "schema",
        "kebab-case",
    )
}

#[test]
fn the_default_is_not_one_of_the_options() -> Result<()> {
    // One option, the id's first letter; the default is the whole id.
    const LIST: u32 = 640;
    let guest = with_item("mode", [6, LIST, 1, 512, 4])
        .data(LIST, &[512, 1].map(u32::to_le_bytes).concat());
    fails(&guest, "schema", "the default is not one of the options")
}

#[test]
fn it_refuses_its_own_defaults() -> Result<()> {
    let guest = good().function(
        "init",
        &format!("(param i32 i32 i32 i32 i32) (result i32) {REFUSES}"),
    );
    fails(&guest, "defaults", "only ranges")
}

#[test]
fn it_traps_over_a_configuration_that_is_wrong() -> Result<()> {
    let guest = good().function(
        "init",
        "(param i32 i32 i32 i32 i32) (result i32)
        (if (local.get 4) (then unreachable))
        (global.set $limit (local.get 2)) (select (i32.const 64) (i32.const 96) (i32.eqz (local.get 1)))",
    );
    fails(
        &guest,
        "bad-configuration",
        "an item that is not in the schema",
    )
}

#[test]
fn it_needs_a_directory() -> Result<()> {
    const FILESYSTEM: &str = "
        package wasi:filesystem@0.2.6;
        interface types { resource descriptor; }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }";
    let guest = good()
        .import(
            FILESYSTEM,
            "wasi:filesystem/preopens@0.2.6",
            r#"(import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))"#,
        )
        .function(
            "init",
            "(param i32 i32 i32 i32 i32) (result i32)
            (call $directories (i32.const 1024))
            (global.set $limit (local.get 2))
            (select (i32.const 64) (i32.const 96)
                (i32.and (i32.eqz (local.get 1)) (i32.gt_u (i32.load (i32.const 1028)) (i32.const 0))))",
        );
    fails(&guest, "imports", "when it is granted a directory")
}

#[test]
fn it_throws_dice() -> Result<()> {
    const RANDOM: &str =
        "package wasi:random@0.2.6; interface random { get-random-u64: func() -> u64; }";
    let guest = lines(&Lines {
        // A line in sixteen is left out, and nobody knows which.
        each: "(local.set $time (call $dice))".to_owned(),
        kind: "(select (i32.const 3) (i32.const 0) (i64.eqz (i64.and (local.get $time) (i64.const 15))))".to_owned(),
        ..Lines::default()
    })
    .import(
        RANDOM,
        "wasi:random/random@0.2.6",
        r#"(import "wasi:random/random@0.2.6" "get-random-u64" (func $dice (result i64)))"#,
    );
    fails(
        &guest,
        "determinism",
        "given to two instances in the same way",
    )
}
