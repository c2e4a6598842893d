//! Plugins of API 0.1.0, in Rust and C, as they would be built for another host: they run unmodified, on either side, beside plugins of
//! API 0.2.0 and native code, and what comes out is the same.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir, old_plugin};

/// A plugin's path as the command line takes it.
fn old(name: &str) -> Result<String> {
    let path = old_plugin(name)?;
    Ok(path.to_str().context("the path is text")?.to_owned())
}

fn export(trace: &Path, source: &str, parser: &str, more: &[&str]) -> Result<Vec<u8>> {
    let command = Command::export(trace, (source, parser))?.args(more);
    Ok(command.run()?.succeeded()?.stdout)
}

#[test]
fn messages_are_those_of_native_code_on_either_side() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(3_000, 20, 150, 1)?;
    let trace = dir.path("trace.dlt");
    let (source, parser) = (old("file-source")?, old("dlt-parser")?);
    for format in ["text", "csv", "jsonl"] {
        let native = export(&trace, "native", "native", &["--format", format])?;
        for messages in ["messages=joined", "messages=columns"] {
            for source in ["native", "file-source", &source] {
                for jobs in ["1", "2"] {
                    let more = ["--format", format, "--set", messages, "--jobs", jobs];
                    let found = export(&trace, source, &parser, &more)?;
                    ensure!(found == native, "{format} {messages} {source} {jobs}");
                }
            }
        }
        let found = export(&trace, &source, "dlt-parser", &["--format", format])?;
        ensure!(found == native, "{format}: the source alone");
    }
    Ok(())
}

#[test]
fn no_byte_is_lost_wherever_a_chunk_ends() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(60, 5, 120, 3)?;
    let trace = dir.path("trace.dlt");
    let (source, parser) = (old("file-source")?, old("dlt-parser")?);
    let native = export(&trace, "native", "native", &[])?;
    for bytes in ["1", "7", "64", "119", "120", "121", "1000", "4096", "65536"] {
        let found = export(&trace, &source, &parser, &["--chunk-bytes", bytes])?;
        ensure!(found == native, "chunks of {bytes} bytes");
    }
    Ok(())
}

#[test]
fn figures_are_those_of_native_code() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(3_000, 20, 150, 1)?;
    let (source, parser) = (old("file-source")?, old("dlt-parser")?);
    let stats = |source: &str, parser: &str| {
        Command::export(dir.path("trace.dlt"), (source, parser))?
            .args(["--format", "text", "--jobs", "1"])
            .run()?
            .succeeded()?
            .stats()
    };
    let (native, old) = (stats("native", "native")?, stats(&source, &parser)?);
    assert_eq!(
        (old.messages, old.loaded_bytes),
        (native.messages, native.loaded_bytes)
    );
    assert_eq!((old.parser.m_ok, old.parser.p_err), (3_000, 0));
    // An item without a value is garbage or filtered; API 0.1.0 does not say which, and the host does not guess.
    assert_eq!((old.skipped_bytes, native.skipped_bytes > 0), (0, true));
    Ok(())
}

#[test]
fn lines_are_lines_in_rust_and_in_c() -> Result<()> {
    let dir = Dir::new()?;
    let lines = "one\ntwo, three\n\nf\u{fc}nf\nlast\n";
    let text = dir.write("notes.txt", lines)?;
    let expected = lines.as_bytes();
    let names = ["text-parser", "c-text-parser"];
    let parsers: Vec<PathBuf> = names
        .into_iter()
        .filter_map(|name| old_plugin(name).ok())
        .collect();
    // C may not be set up; then `just test` has told so.
    ensure!(!parsers.is_empty(), "no text parser is built");
    for parser in &parsers {
        let parser = parser.to_str().context("the path is text")?;
        for bytes in ["1", "3", "4096"] {
            let found = export(&text, "native", parser, &["--chunk-bytes", bytes])?;
            let shown = String::from_utf8_lossy(&found);
            ensure!(found == expected, "{parser} {bytes}: {shown:?}");
        }
    }
    Ok(())
}

#[test]
fn raw_is_refused_and_the_reason_told() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 100, 1)?;
    let parser = old("dlt-parser")?;
    Command::export(dir.path("trace.dlt"), ("native", &parser))?
        .args(["--format", "raw"])
        .run()?
        .refused(2, &["API 0.1.0", "--format text", "API 0.2.0"])?;
    Ok(())
}

#[test]
fn they_are_shown_for_what_they_are() -> Result<()> {
    let run = Command::new(["inspect", &old("dlt-parser")?, "--json"])?
        .run()?
        .succeeded()?;
    for word in [
        r#""api":"0.1.0""#,
        r#""interface":"chipmunk:parser/parser@0.1.0""#,
        r#""id":"storage-header""#,
        r#""caption":"Datetime""#,
    ] {
        let shown: String = run.text()?.split_whitespace().collect();
        ensure!(shown.contains(word), "nothing is said of {word}: {shown}");
    }
    Ok(())
}
