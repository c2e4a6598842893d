//! Files that are no plugins, and plugins that misbehave: an error that names plugin and cause, status 1, no output.

use std::time::Duration;

use anyhow::{Result, ensure};
use chipmunk_e2e::{
    Command, Dir, Run,
    guest::{Guest, PARSE, READ},
    plugin,
};
use chipmunk_payload::{BatchWriter, SourceWriter, State, Tail};

/// A folder with a trace, and a plugins.toml with short limits for the plugin `bad`.
fn house() -> Result<Dir> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    dir.write(
        "plugins.toml",
        "[[plugins]]\nname = \"bad\"\npath = \"bad.wasm\"\nlimits.call-timeout-ms = 1000\nlimits.memory-bytes = 16777216\n",
    )?;
    Ok(dir)
}

fn export(dir: &Dir, sides: (&str, &str)) -> Result<Run> {
    let command = Command::export(dir.path("trace.dlt"), sides)?.cache(&dir.path("cache"));
    command
        .arg("--config")
        .arg(dir.path("plugins.toml"))
        .arg("-o")
        .arg(dir.path("out"))
        .run()
}

/// What is said when `guest` takes part: it names the plugin, and there is no output.
fn error_of(guest: &Guest, sides: (&str, &str)) -> Result<String> {
    let dir = house()?;
    dir.write("bad.wasm", guest.build()?)?;
    let error = export(&dir, sides)?.refused(1, &["plugin `bad`"])?;
    assert_eq!(
        dir.names()?,
        ["bad.wasm", "cache", "plugins.toml", "trace.dlt"],
        "{error}"
    );
    Ok(error)
}

const PARSER: (&str, &str) = ("native", "bad");
const SOURCE: (&str, &str) = ("bad", "native");

#[track_caller]
fn has(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "nothing is said of `{word}`: {error}");
    }
}

#[test]
fn files_that_are_no_plugins() -> Result<()> {
    let dir = house()?;
    let export_of = |other: &str| {
        wat::parse_str(format!(
            "(component (instance $i) (export \"{other}\" (instance $i)))"
        ))
    };
    let imports = wat::parse_str(
        r#"(component (import "acme:db/client@1.0.0" (instance)) (instance $i) (export "chipmunk:parser/parser@0.2.0" (instance $i)))"#,
    )?;
    let mut cut = std::fs::read(plugin("dlt-parser")?)?;
    cut.truncate(cut.len() / 2);
    let cases: [(Vec<u8>, &[&str]); 9] = [
        (Vec::new(), &["it is not WebAssembly"]),
        (b"\x7fELF\x02\x01\x01".to_vec(), &["it is not WebAssembly"]),
        (
            b"(component)".to_vec(),
            &["it is not WebAssembly", "wasm-tools parse"],
        ),
        (
            wat::parse_str("(module)")?,
            &["a core WebAssembly module", "wasm-tools component new"],
        ),
        (
            export_of("wasi:cli/run@0.2.0")?,
            &[
                "another world",
                "wasi:cli/run@0.2.0",
                "chipmunk:parser/parser",
                "0.1.0 and 0.2.0",
            ],
        ),
        (
            wat::parse_str("(component)")?,
            &["another world", "it exports nothing"],
        ),
        (
            export_of("chipmunk:parser/parser@0.9.0")?,
            &[
                "chipmunk:parser/parser@0.9.0",
                "0.1.0 and 0.2.0",
                "newer host",
            ],
        ),
        (imports, &["acme:db/client@1.0.0", "does not have"]),
        (cut, &["broken at byte offset"]),
    ];
    for (content, words) in cases {
        let path = dir.write("bad.wasm", content)?.display().to_string();
        // By its name and by its path, in every place where a plugin can be named.
        for name in ["bad", &path] {
            for sides in [("native", name), (name, "native"), (name, name)] {
                let error = export(&dir, sides)?.refused(1, &["bad.wasm"])?;
                has(&error, words);
            }
            let config = dir.path("plugins.toml");
            let error = Command::new(["inspect", name, "--config"])?
                .arg(&config)
                .run()?
                .refused(1, &["bad.wasm"])?;
            has(&error, words);
            let run = Command::new(["validate", name, "--config"])?
                .arg(&config)
                .run()?;
            assert_eq!(run.code, Some(1), "{}", run.stderr);
            has(run.text()?, words);
        }
    }
    ensure!(!dir.path("out").exists());
    Ok(())
}

#[test]
fn an_interface_without_its_functions() -> Result<()> {
    let dir = house()?;
    let empty = wat::parse_str(
        "(component (instance $i) (export \"chipmunk:parser/parser@0.2.0\" (instance $i)))",
    )?;
    dir.write("bad.wasm", empty)?;
    export(&dir, PARSER)?.refused(1, &["plugin `bad` cannot be started", "get-version"])?;
    Ok(())
}

#[test]
fn plugins_that_are_not_there() -> Result<()> {
    let dir = house()?;
    for sides in [("native", "no-such"), ("no-such", "native")] {
        export(&dir, sides)?.refused(
            1,
            &[
                "there is no plugin `no-such`",
                "`dlt-parser`",
                "`file-source`",
            ],
        )?;
    }
    export(&dir, ("native", "./no-such.wasm"))?.refused(1, &["no-such.wasm", "cannot read"])?;
    export(&dir, PARSER)?.refused(1, &["bad.wasm", "cannot read"])?;
    Ok(())
}

#[test]
fn a_source_is_no_parser() -> Result<()> {
    let dir = house()?;
    export(&dir, ("native", "file-source"))?.refused(
        1,
        &[
            "plugin `file-source`",
            "is a byte-source, and a parser is wanted",
        ],
    )?;
    export(&dir, ("dlt-parser", "native"))?.refused(
        1,
        &[
            "plugin `dlt-parser`",
            "is a parser, and a byte-source is wanted",
        ],
    )?;
    Ok(())
}

#[test]
fn a_plugin_that_is_not_the_registered_one() -> Result<()> {
    let dir = house()?;
    let parser = plugin("dlt-parser")?;
    let toml = format!(
        "[[plugins]]\nname = \"bad\"\npath = {parser:?}\nblake3 = \"{}\"\n",
        "0".repeat(64)
    );
    dir.write("plugins.toml", toml)?;
    export(&dir, PARSER)?.refused(1, &["plugin `bad`", "is not the file that was registered"])?;
    Ok(())
}

#[test]
fn a_plugins_file_that_is_wrong() -> Result<()> {
    for (text, words) in [
        (
            "[[plugins]]\nname = \"a\"\nflavor = \"plain\"\n",
            &["plugins.toml:3", "flavor"][..],
        ),
        ("[[plugins]\n", &["plugins.toml:1"]),
        (
            "[[plugins]]\nname = \"a\"\n[[plugins]]\nname = \"a\"\n",
            &["plugins.toml:4", "twice"],
        ),
        (
            "[[plugins]]\nname = \"a\"\ngrants.files = [{ host = \"x\", guest = \"y\" }]\n",
            &["plugins.toml:2", "absolute"],
        ),
    ] {
        let dir = house()?;
        dir.write("plugins.toml", text)?;
        export(&dir, ("native", "dlt-parser"))?.refused(1, words)?;
    }
    let dir = house()?;
    let command = Command::export(dir.path("trace.dlt"), ("native", "dlt-parser"))?.arg("--config");
    command
        .arg(dir.path("missing.toml"))
        .run()?
        .refused(1, &["missing.toml"])?;
    Ok(())
}

fn message(consumed: u32) -> Vec<u8> {
    let mut out = BatchWriter::new();
    out.text().push_str("text");
    out.end_cell();
    out.message(consumed, 0..consumed, false);
    // Full: the rest of the input is for the next call.
    out.finish(Tail::Full)
}

#[test]
fn guests_of_these_tests_work_when_they_behave() -> Result<()> {
    let dir = house()?;
    let size = dir.read("trace.dlt")?.len() as u64;
    dir.write("bad.wasm", Guest::parser().archive(&message(1)).build()?)?;
    let run = export(&dir, PARSER)?.succeeded()?;
    assert_eq!(run.stats()?.findings(), (size, size, 0, 0));
    assert_eq!(
        dir.read("out")?,
        "text\n".repeat(size as usize).into_bytes()
    );

    let mut bytes = SourceWriter::with_capacity(3);
    bytes.push(b"DLT");
    dir.write(
        "bad.wasm",
        Guest::source().archive(&bytes.finish(State::End)).build()?,
    )?;
    let run = export(&dir, SOURCE)?.succeeded()?;
    assert_eq!(run.stats()?.findings(), (0, 3, 3, 0));
    Ok(())
}

#[test]
fn a_trap_shows_the_guests_functions_and_its_log() -> Result<()> {
    let guest = Guest::parser()
        .data(2048, b"about to give up")
        .more("(func $deep_inside unreachable)")
        .function("parse", &format!("{PARSE} (call $log (i32.const 1) (i32.const 2048) (i32.const 16)) call $deep_inside i32.const 128"));
    has(
        &error_of(&guest, PARSER)?,
        &[
            "`parse` trapped",
            "unreachable",
            "deep_inside",
            "about to give up",
        ],
    );
    let guest = Guest::source().function("read", &format!("{READ} unreachable"));
    has(
        &error_of(&guest, SOURCE)?,
        &["`read` trapped", "unreachable"],
    );
    Ok(())
}

#[test]
fn a_call_that_does_not_end_is_stopped_in_time() -> Result<()> {
    let endless = "(loop $forever (br $forever)) unreachable";
    for (guest, sides, function) in [
        (
            Guest::parser().function("parse", &format!("{PARSE} {endless}")),
            PARSER,
            "`parse`",
        ),
        (
            Guest::source().function("read", &format!("{READ} {endless}")),
            SOURCE,
            "`read`",
        ),
        (
            Guest::parser().function(
                "init",
                &format!("(param i32 i32 i32 i32 i32) (result i32) {endless}"),
            ),
            PARSER,
            "`init`",
        ),
        (
            Guest::source().function("get-config-schemas", &format!("(result i32) {endless}")),
            SOURCE,
            "`get-config-schemas`",
        ),
    ] {
        let begin = std::time::Instant::now();
        let error = error_of(&guest, sides)?;
        has(
            &error,
            &[
                &format!("{function} did not return within 1000 ms"),
                "call-timeout-ms",
            ],
        );
        // Compiling a small guest and stopping it: far from the default limit, which is half a minute.
        ensure!(
            begin.elapsed() < Duration::from_secs(20),
            "{:?}",
            begin.elapsed()
        );
    }
    Ok(())
}

#[test]
fn a_start_function_that_does_not_end_is_stopped_in_time() -> Result<()> {
    let guest = Guest::parser().more("(func $begin (loop $forever (br $forever))) (start $begin)");
    has(&error_of(&guest, PARSER)?, &["cannot be started"]);
    Ok(())
}

#[test]
fn memory_has_a_limit() -> Result<()> {
    // Grows by 1 MiB for ever, and gives up when it gets none.
    let hog = "(loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) unreachable";
    let error = error_of(
        &Guest::parser().function("parse", &format!("{PARSE} {hog}")),
        PARSER,
    )?;
    has(
        &error,
        &[
            "`parse` needed more than the 16777216 bytes of memory",
            "memory-bytes",
        ],
    );
    let error = error_of(
        &Guest::source().function("read", &format!("{READ} {hog}")),
        SOURCE,
    )?;
    has(
        &error,
        &[
            "`read` needed more than the 16777216 bytes of memory",
            "memory-bytes",
        ],
    );
    Ok(())
}

#[test]
fn endless_recursion_is_a_trap() -> Result<()> {
    let guest = Guest::parser()
        .more("(func $deeper call $deeper)")
        .function("parse", &format!("{PARSE} call $deeper i32.const 128"));
    has(&error_of(&guest, PARSER)?, &["`parse` trapped", "stack"]);
    Ok(())
}

#[test]
fn archives_that_are_wrong() -> Result<()> {
    let whole = message(1);
    let mut magic = whole.clone();
    magic
        .iter_mut()
        .rev()
        .take(8)
        .for_each(|byte| *byte ^= 0x55);
    let mut pointer = whole.clone();
    // The root is in front of magic and version; its first pointer leads far away.
    let root = pointer.len() - 12;
    pointer
        .iter_mut()
        .skip(root)
        .take(4)
        .for_each(|byte| *byte = 0x7f);
    let cases = [
        ("nothing", Vec::new()),
        ("no archive", b"a list of records, perhaps".to_vec()),
        ("wrong magic", magic),
        (
            "cut",
            whole.get(..whole.len() - 4).unwrap_or_default().to_vec(),
        ),
        ("a pointer outside", pointer),
    ];
    for (what, archive) in cases {
        let error = error_of(&Guest::parser().archive(&archive), PARSER)?;
        ensure!(
            error.contains("`parse` returned something that the contract does not allow"),
            "{what}: {error}"
        );
        let error = error_of(&Guest::source().archive(&archive), SOURCE)?;
        ensure!(
            error.contains("`read` returned something that the contract does not allow"),
            "{what}: {error}"
        );
    }
    Ok(())
}

#[test]
fn more_bytes_than_there_are() -> Result<()> {
    let error = error_of(&Guest::parser().archive(&message(1 << 30)), PARSER)?;
    has(
        &error,
        &[
            "`parse` returned something that the contract does not allow",
            "more bytes than there were",
        ],
    );

    let mut bytes = SourceWriter::with_capacity(64);
    bytes.push(&[b'x'; 64]);
    let guest = Guest::source().archive(&bytes.finish(State::More));
    let dir = house()?;
    dir.write("bad.wasm", guest.build()?)?;
    let command = Command::export(dir.path("trace.dlt"), SOURCE)?
        .cache(&dir.path("cache"))
        .arg("--chunk-bytes=63");
    let run = command
        .arg("--config")
        .arg(dir.path("plugins.toml"))
        .run()?;
    run.refused(
        1,
        &[
            "plugin `bad`",
            "`read` returned something that the contract does not allow",
            "than were asked for",
        ],
    )?;
    Ok(())
}

#[test]
fn lists_that_lie_outside_memory() -> Result<()> {
    for (what, list) in [
        ("behind memory", [0x0100_0000_u32, 16]),
        ("across its end", [2 * 65536 - 8, 16]),
        ("around the address space", [0xffff_fff0, 0x20]),
        ("as long as can be", [0, u32::MAX]),
    ] {
        let bytes = list.map(u32::to_le_bytes).concat();
        let error = error_of(&Guest::parser().data(128, &bytes), PARSER)?;
        ensure!(error.contains("plugin `bad`: `parse` "), "{what}: {error}");
        let error = error_of(&Guest::source().data(132, &bytes), SOURCE)?;
        ensure!(error.contains("plugin `bad`: `read` "), "{what}: {error}");
    }
    Ok(())
}
