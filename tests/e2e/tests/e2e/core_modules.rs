//! Plugins that are core modules, of which nothing made a component: they run on wasmer-wasix, and nobody can tell from the outside.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{
    Command, Dir, Run, core_plugin, dlt,
    guest::{Guest, PARSE, READ},
};
use chipmunk_payload::{SourceWriter, State};
use serde_json::{Value, json};

fn core(name: &str) -> Result<String> {
    text(core_plugin(name)?)
}

fn text(path: PathBuf) -> Result<String> {
    path.into_os_string()
        .into_string()
        .map_err(|path| anyhow::anyhow!("{path:?}"))
}

#[test]
fn they_give_what_components_and_native_code_give() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(30_525, 8, 150, 1)?;
    let (source, parser) = (core("file-source")?, core("dlt-parser")?);
    for format in ["raw", "text", "none"] {
        let export = |sides| -> Result<_> {
            let command = Command::export(dir.path("trace.dlt"), sides)?.args(["--format", format]);
            let run = command.run()?.succeeded()?;
            let stats = run.stats()?;
            Ok((run.stdout, stats.findings(), stats.source, stats.parser))
        };
        let native = export(("native", "native"))?;
        let components = export(("file-source", "dlt-parser"))?;
        if format == "raw" {
            ensure!(native.0 == dlt::messages(&trace).concat());
        }
        for sides in [
            (source.as_str(), "native"),
            ("native", parser.as_str()),
            (source.as_str(), parser.as_str()),
            (source.as_str(), "dlt-parser"),
            ("file-source", parser.as_str()),
        ] {
            let found = export(sides)?;
            ensure!(found.0 == native.0, "{format} {sides:?}");
            ensure!(found.1 == native.1, "{format} {sides:?} {:?}", found.1);
            if sides == (source.as_str(), parser.as_str()) {
                ensure!(found == components, "{format} {sides:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn lines_of_text_are_those_of_native_code() -> Result<()> {
    let dir = Dir::new()?;
    let lines: String = (0..5000).map(|n| format!("line {n}, ä\r\n")).collect();
    dir.write("lines.txt", lines + "the last\n\u{fffd}\n")?;
    let export = |sides| -> Result<Vec<u8>> {
        let command = Command::export(dir.path("lines.txt"), sides)?;
        Ok(command.run()?.succeeded()?.stdout)
    };
    let native = export(("native", "native:text"))?;
    ensure!(native.len() > 50_000);
    ensure!(export((&core("file-source")?, &core("text-parser")?))? == native);
    Ok(())
}

#[test]
fn the_standard_input_is_read_to_its_end() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(2_000, 3, 200, 3)?;
    let (source, parser) = (core("file-source")?, core("dlt-parser")?);
    let command = Command::export("-", (&source, &parser))?.args(["--format", "raw"]);
    let run = command.stdin(trace.clone()).run()?.succeeded()?;
    ensure!(run.stdout == dlt::messages(&trace).concat());
    Ok(())
}

#[test]
fn the_command_says_what_they_are() -> Result<()> {
    let parser = core("dlt-parser")?;
    let run = Command::new(["inspect", &parser, "--json"])?
        .run()?
        .succeeded()?;
    let shown: Value = serde_json::from_slice(&run.stdout)?;
    let part = |name: &str| shown.get(name).cloned().unwrap_or_default();
    assert_eq!(
        [
            part("kind"),
            part("api"),
            part("interface"),
            part("flavour"),
            part("core_module")
        ],
        [
            json!("parser"),
            json!("0.2.0"),
            json!("chipmunk:parser/parser@0.2.0"),
            json!("wasix"),
            json!(true)
        ]
    );
    let imports = part("imports");
    let imports: Vec<_> = imports
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    ensure!(imports.contains(&"wasi_snapshot_preview1"), "{imports:?}");

    for name in ["dlt-parser", "file-source", "text-parser", "pcap-source"] {
        let run = Command::new(["validate", &core(name)?])?
            .run()?
            .succeeded()?;
        ensure!(run.text()?.contains("WASIX, core module"), "{run:?}");
    }

    let dir = Dir::new()?;
    std::fs::create_dir(dir.path("plugins"))?;
    std::fs::copy(parser, dir.path("plugins/core-dlt.wasm"))?;
    let run = Command::new(["list"])?
        .env("CHIPMUNK_PLUGINS_DIR", &text(dir.path("plugins"))?)
        .run()?
        .succeeded()?;
    let line = run.text()?.lines().find(|line| line.contains("core-dlt"));
    let line = line.with_context(|| format!("{run:?}"))?;
    ensure!(line.contains("parser") && line.contains("WASIX"), "{line}");
    Ok(())
}

/// Compiled once, like any plugin.
#[test]
fn they_are_cached() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 150, 1)?;
    let parser = core("dlt-parser")?;
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let command = Command::export(dir.path("trace.dlt"), ("native", &parser))?;
        let run = command.cache(&dir.path("cache")).run()?.succeeded()?;
        outcomes.push(run.stats()?.cache);
    }
    assert_eq!(outcomes, [Some("miss".to_owned()), Some("hit".to_owned())]);
    Ok(())
}

/// A linker that strips takes away what says which world it is; the names of its exports still say it.
#[test]
fn a_module_without_its_section_is_as_good() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(1_000, 3, 150, 1)?;
    let stripped = without_custom_sections(&std::fs::read(core_plugin("dlt-parser")?)?)
        .context("a core module")?;
    dir.write("stripped.wasm", stripped)?;
    let export = |parser: &str| -> Result<Vec<u8>> {
        let command = Command::export(dir.path("trace.dlt"), ("native", parser))?;
        Ok(command.run()?.succeeded()?.stdout)
    };
    ensure!(export(&text(dir.path("stripped.wasm"))?)? == export("native")?);
    Ok(())
}

/// Sections of number 0 are left out.
fn without_custom_sections(module: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = module.split_at_checked(8)?;
    let mut out = header.to_vec();
    while let Some((id, after)) = rest.split_first() {
        let (mut length, mut shift, mut body) = (0usize, 0, after);
        loop {
            let (byte, more) = body.split_first()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            body = more;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (_, next) = body.split_at_checked(length)?;
        if *id != 0 {
            out.extend_from_slice(rest.get(..rest.len() - next.len())?);
        }
        rest = next;
    }
    Some(out)
}

/// A folder with a trace and short limits for the plugin `bad`.
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
    command.arg("--config").arg(dir.path("plugins.toml")).run()
}

fn error_of(guest: &Guest, sides: (&str, &str), words: &[&str]) -> Result<Duration> {
    let dir = house()?;
    dir.write("bad.wasm", guest.build_core()?)?;
    let run = export(&dir, sides)?;
    let took = run.took;
    run.refused(1, &["plugin `bad`"]).and_then(|said| {
        for word in words {
            ensure!(said.contains(word), "nothing is said of `{word}`: {said}");
        }
        Ok(took)
    })
}

#[test]
fn limits_and_traps_are_those_of_components() -> Result<()> {
    let parser = ("native", "bad");
    let traps = Guest::parser()
        .function("parse", &format!("{PARSE} (call $deep) unreachable"))
        .more("(func $deep unreachable)");
    error_of(&traps, parser, &["`parse`", "unreachable", "deep"])?;
    let spins =
        Guest::parser().function("parse", &format!("{PARSE} (loop $on (br $on)) unreachable"));
    error_of(&spins, parser, &["`parse`", "1000 ms"])?;
    let grows = Guest::parser().function(
        "parse",
        &format!(
            "{PARSE} (loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable"
        ),
    );
    error_of(&grows, parser, &["`parse`", "16777216"])?;
    Ok(())
}

/// A wait inside wasmer-wasix ends with the call's time, and the exit of a guest is no exit of ours.
#[test]
fn waiting_and_exiting_end_the_plugin_only() -> Result<()> {
    let sleeps = Guest::source()
        .imports(
            r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))"#,
        )
        .function(
            "read",
            &format!(
                "{READ} (i32.store (i32.const 6016) (i32.const 1)) (i64.store (i32.const 6024) (i64.const 3600000000000))
                (drop (call $poll (i32.const 6000) (i32.const 6100) (i32.const 1) (i32.const 6200))) unreachable"
            ),
        );
    let took = error_of(&sleeps, ("bad", "native"), &["`read`", "1000 ms"])?;
    ensure!(took < Duration::from_secs(60), "{took:?}");
    let exits = Guest::source()
        .imports(r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#)
        .function(
            "read",
            &format!("{READ} (call $exit (i32.const 0)) unreachable"),
        );
    error_of(&exits, ("bad", "native"), &["`read`", "exited with code 0"])?;
    Ok(())
}

#[test]
fn what_they_import_is_checked() -> Result<()> {
    let unknown =
        Guest::parser().imports(r#"(import "env" "emscripten_get_now" (func $now (result f64)))"#);
    error_of(
        &unknown,
        ("native", "bad"),
        &["imports `env`", "wasi_snapshot_preview1"],
    )?;
    let missing =
        Guest::parser().imports(r#"(import "wasi_snapshot_preview1" "no_such_call" (func $none))"#);
    error_of(
        &missing,
        ("native", "bad"),
        &["`wasi_snapshot_preview1 no_such_call`", "does not have"],
    )?;
    // None of WASI at all is fine.
    let dir = house()?;
    let plain = Guest::source().archive(&SourceWriter::with_capacity(0).finish(State::End));
    dir.write("bad.wasm", plain.build_core()?)?;
    export(&dir, ("bad", "native"))?.succeeded()?;
    Ok(())
}

/// The same grants for both, by the same words in plugins.toml.
#[test]
#[cfg(unix)]
fn grants_are_those_of_components() -> Result<()> {
    let dir = Dir::new()?;
    for folder in ["open", "closed", "open/sub"] {
        std::fs::create_dir(dir.path(folder))?;
    }
    dir.write("open/input", "trace")?;
    dir.write("open/secret", "beside")?;
    dir.write("open/sub/deep", "below")?;
    dir.write("closed/secret", "elsewhere")?;
    std::os::unix::fs::symlink("../closed/secret", dir.path("open/link"))?;
    std::os::unix::fs::symlink("../closed", dir.path("open/folder"))?;
    std::os::unix::fs::symlink(dir.path("closed"), dir.path("open/absolute"))?;
    let absolute = text(dir.path("open/input"))?;
    let guest = Guest::core_spy(&[
        "input",
        "secret",
        "sub/deep",
        "sub/../secret",
        "link",
        "folder/secret",
        "absolute/secret",
        "../closed/secret",
        "/etc/passwd",
        "etc/passwd",
        "../../../../../../etc/passwd",
        absolute.trim_start_matches('/'),
    ]);
    let guest = guest.archive(&SourceWriter::with_capacity(0).finish(State::End));
    dir.write("spy.wasm", guest.build_core()?)?;
    let opened = |toml: &str| -> Result<Vec<String>> {
        dir.write(
            "plugins.toml",
            format!("[[plugins]]\nname = \"spy\"\npath = \"spy.wasm\"\n{toml}"),
        )?;
        let command =
            Command::export(dir.path("open/input"), ("spy", "native"))?.cache(&dir.path("cache"));
        let run = command
            .arg("--config")
            .arg(dir.path("plugins.toml"))
            .run()?
            .succeeded()?;
        let name = |line: &str| {
            let (_, line) = line.split_once("WARN ")?;
            Some(line.split_once(" plugin=")?.0.to_owned())
        };
        let names: Option<_> = run.remarks().into_iter().map(name).collect();
        names.with_context(|| run.stderr.clone())
    };
    // Under its whole path, too, from the root in which grants are.
    let whole = absolute.trim_start_matches('/');
    let mut found = opened("")?;
    found.sort();
    found.dedup();
    assert_eq!(found, ["input", whole]);
    let granted = opened("grants.directories = [{ host = \"open\", guest = \"/granted\" }]\n")?;
    for name in ["input", "secret", "sub/deep", "sub/../secret"] {
        ensure!(
            granted.iter().any(|found| found == name),
            "{name}: {granted:?}"
        );
    }
    let all = ["input", "secret", "sub/deep", "sub/../secret", whole];
    ensure!(
        granted.iter().all(|name| all.contains(&name.as_str())),
        "{granted:?}"
    );
    Ok(())
}
