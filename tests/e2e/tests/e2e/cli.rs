//! The commands beside `export`.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir, component_plugin, dlt, plugin};
use serde_json::{Value, json};

#[test]
fn list_has_every_plugin_on_a_line() -> Result<()> {
    let run = Command::new(["list"])?.run()?.succeeded()?;
    let words: Vec<Vec<&str>> = run
        .text()?
        .lines()
        .map(|line| line.split_whitespace().take(5).collect())
        .collect();
    for (name, kind) in [
        ("dlt-parser", "parser"),
        ("file-source", "byte-source"),
        ("pcap-source", "byte-source"),
    ] {
        ensure!(
            words
                .iter()
                .any(|line| *line == [name, kind, "0.2.0", "WASI", "0.2"]),
            "{name}: {words:?}"
        );
    }
    assert_eq!(run.stderr, "");
    Ok(())
}

#[test]
fn list_says_why_a_plugin_cannot_be_used() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("old.wasm", wat::parse_str("(module)")?)?;
    dir.write("plugins.toml", "directories = [\".\"]\n")?;
    let run = Command::new(["list", "--config"])?
        .arg(dir.path("plugins.toml"))
        .run()?
        .succeeded()?;
    let mut lines = run
        .text()?
        .lines()
        .skip_while(|line| !line.starts_with("old "));
    ensure!(
        lines
            .next()
            .is_some_and(|line| line.contains("cannot be used")),
        "{}",
        run.text()?
    );
    ensure!(
        lines
            .next()
            .is_some_and(|line| line.contains("core WebAssembly module")),
        "{}",
        run.text()?
    );
    Ok(())
}

fn inspect(plugin: &str) -> Result<Value> {
    let run = Command::new(["inspect", plugin, "--json"])?
        .run()?
        .succeeded()?;
    Ok(serde_json::from_slice(&run.stdout)?)
}

#[test]
fn inspect_shows_what_a_plugin_is() -> Result<()> {
    let parser = inspect("dlt-parser")?;
    let part = |name: &str| parser.get(name).cloned().unwrap_or_default();
    assert_eq!(
        [
            part("name"),
            part("kind"),
            part("api"),
            part("interface"),
            part("flavour"),
            part("capabilities")
        ],
        [
            json!("dlt-parser"),
            json!("parser"),
            json!("0.2.0"),
            json!("chipmunk:parser/parser@0.2.0"),
            json!("wasi-0.2"),
            json!(["resynchronises", "ranges", "line", "columns"]),
        ]
    );
    let items = part("schema");
    let ids: Vec<_> = items
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(|item| item.get("id"))
        .collect();
    assert_eq!(
        ids,
        ["storage-header", "argument-separator", "column-separator"]
    );
    assert_eq!(
        part("bytes"),
        json!(std::fs::metadata(plugin("dlt-parser")?)?.len())
    );

    let source = inspect("file-source")?;
    assert_eq!(source.get("kind"), Some(&json!("byte-source")));
    Ok(())
}

#[test]
fn inspect_shows_people_the_same() -> Result<()> {
    for name in ["dlt-parser", "file-source", "pcap-source"] {
        let run = Command::new(["inspect", name])?.run()?.succeeded()?;
        let json = inspect(name)?;
        for part in ["name", "kind", "interface", "blake3"] {
            let value = json.get(part).and_then(Value::as_str).context(part)?;
            ensure!(run.text()?.contains(value), "{part}: {}", run.text()?);
        }
        assert_eq!(run.stderr, "", "{name}");
    }
    Ok(())
}

#[test]
fn validate_passes_every_plugin_built_either_way() -> Result<()> {
    for name in ["dlt-parser", "file-source", "pcap-source"] {
        for path in [plugin(name)?, component_plugin(name)?] {
            let run = Command::new(["validate"])?.arg(&path).run()?.succeeded()?;
            ensure!(
                !run.text()?.contains("FAILED") && run.text()?.contains("passed"),
                "{}",
                run.text()?
            );
        }
    }
    Ok(())
}

#[test]
fn gen_makes_the_same_trace_for_the_same_parameters() -> Result<()> {
    let (one, two, other) = (Dir::new()?, Dir::new()?, Dir::new()?);
    let trace = one.trace(1_000, 5, 120, 11)?;
    ensure!(two.trace(1_000, 5, 120, 11)? == trace);
    ensure!(other.trace(1_000, 5, 120, 12)? != trace);
    assert_eq!(dlt::messages(&trace).len(), 1_000);
    let arguments = [
        "gen",
        "dlt",
        "--messages=1000",
        "--garbage=5",
        "--message-bytes=120",
        "--seed=11",
        "-o",
        "-",
    ];
    ensure!(Command::new(arguments)?.run()?.succeeded()?.stdout == trace);
    Ok(())
}

#[test]
fn gen_makes_messages_of_the_size_asked_for() -> Result<()> {
    for size in [100, 150, 209, 1_000] {
        let dir = Dir::new()?;
        let trace = dir.trace(5_000, 0, size, 1)?;
        let average = trace.len() as f64 / 5_000.0;
        ensure!(
            (average - f64::from(size)).abs() < f64::from(size) / 20.0,
            "{average} instead of {size}"
        );
    }
    Ok(())
}

#[test]
fn help_and_version_are_there() -> Result<()> {
    for arguments in [
        &["--help"][..],
        &["export", "--help"],
        &["gen", "dlt", "--help"],
    ] {
        let run = Command::new(arguments)?.run()?.succeeded()?;
        ensure!(run.text()?.contains("Usage:"), "{arguments:?}");
    }
    let version = Command::new(["--version"])?.run()?.succeeded()?;
    assert_eq!(
        version.text()?,
        format!("chipmunk-plugins {}\n", env!("CARGO_PKG_VERSION"))
    );
    Ok(())
}

#[test]
fn statistics_can_be_a_table() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let run = Command::new(["export", "--stats", "--format", "none"])?
        .arg(dir.path("trace.dlt"))
        .run()?
        .succeeded()?;
    for row in ["messages     100\n", "c-cns 100 ", "m-ok 100 "] {
        ensure!(run.stderr.contains(row), "{row}: {}", run.stderr);
    }
    Ok(())
}
