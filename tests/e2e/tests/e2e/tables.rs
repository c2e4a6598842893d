//! `--format csv` and `--format jsonl`: the columns of the messages under the parser's captions, whoever parses.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{COMBINATIONS, Command, Dir, component_plugin, guest::Guest};
use chipmunk_payload::{BatchWriter, Tail};
use serde_json::{Value, json};

/// What an export writes.
fn export(dir: &Dir, input: &str, sides: (&str, &str), arguments: &[&str]) -> Result<Vec<u8>> {
    let command = Command::export(dir.path(input), sides)?.args(arguments);
    let run = command.run()?.succeeded();
    Ok(run
        .with_context(|| format!("{sides:?} {arguments:?}"))?
        .stdout)
}

/// The records of a CSV, by a reader that knows RFC 4180 and nothing of ours.
fn records(csv: &str) -> Result<Vec<Vec<String>>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut rest = csv.chars().peekable();
    while let Some(char) = rest.next() {
        let record = records.last_mut().context("a record")?;
        let field = record.last_mut().context("a field")?;
        match char {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\r' if !quoted => {
                ensure!(rest.next() == Some('\n'), "a line ends with CR LF");
                records.push(vec![String::new()]);
            }
            '"' | '\n' if !quoted => anyhow::bail!("`{char}` outside of quotes: {record:?}"),
            other => field.push(other),
        }
    }
    ensure!(
        records.pop() == Some(vec![String::new()]),
        "the last line has an end"
    );
    Ok(records)
}

fn objects(jsonl: &[u8]) -> Result<Vec<Value>> {
    let lines = std::str::from_utf8(jsonl)?.lines();
    lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

const CAPTIONS: [&str; 11] = [
    "Datetime", "ECUID", "VERS", "SID", "MCNT", "TMS", "EID", "APID", "CTID", "MSTP", "PAYLOAD",
];

#[test]
fn tables_of_a_trace_are_its_text_and_the_same_by_every_parser() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(5_000, 5, 150, 3)?;
    let text = export(
        &dir,
        "trace.dlt",
        ("native", "native"),
        &["--separator", "\u{4}"],
    )?;
    let lines: Vec<Vec<&str>> = std::str::from_utf8(&text)?
        .lines()
        .map(|line| line.split('\u{4}').collect())
        .collect();
    let csv = export(
        &dir,
        "trace.dlt",
        ("native", "native"),
        &["--format", "csv"],
    )?;
    let records = records(std::str::from_utf8(&csv)?)?;
    assert_eq!(records.first().context("captions")?, &CAPTIONS);
    ensure!(records.get(1..).context("rows")? == lines);

    let jsonl = export(
        &dir,
        "trace.dlt",
        ("native", "native"),
        &["--format", "jsonl"],
    )?;
    let expected: Vec<Value> = lines
        .iter()
        .map(|line| CAPTIONS.iter().zip(line).map(|(key, value)| (*key, *value)))
        .map(|object| {
            object
                .map(|(key, value)| (key.to_owned(), json!(value)))
                .collect()
        })
        .collect();
    ensure!(objects(&jsonl)? == expected);

    let component = component_plugin("dlt-parser")?.display().to_string();
    for sides in COMBINATIONS.into_iter().chain([
        ("native", component.as_str()),
        ("native", "native:dlt-core"),
    ]) {
        for (format, expected) in [("csv", &csv), ("jsonl", &jsonl)] {
            let found = export(&dir, "trace.dlt", sides, &["--format", format])?;
            ensure!(found == *expected, "{format} by {sides:?}");
        }
    }
    Ok(())
}

#[test]
fn messages_without_storage_headers_have_the_same_captions() -> Result<()> {
    let dir = Dir::new()?;
    // A message as on the wire: verbose, one text.
    dir.write(
        "wire.dlt",
        b"\x21\x07\x00\x18\x41\x01APP\0CON\0\x00\x02\x00\x00\x04\x00Hi!\0",
    )?;
    let expected: Value = CAPTIONS
        .iter()
        .zip([
            "",
            "",
            "1",
            "",
            "7",
            "",
            "",
            "APP",
            "CON",
            "LogLevel INFO",
            " Hi!",
        ])
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let wire = ["--format", "jsonl", "--set", "storage-header=false"];
    for sides in COMBINATIONS
        .into_iter()
        .chain([("native", "native:dlt-core")])
    {
        let found = export(&dir, "wire.dlt", sides, &wire)?;
        assert_eq!(
            objects(&found)?,
            std::slice::from_ref(&expected),
            "{sides:?}"
        );
    }
    Ok(())
}

#[test]
fn lines_have_one_column() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("notes.txt", "one, \"two\"\r\n\nbad \u{7f}\t\\ end")?;
    for sides in [("native", "native:text"), ("file-source", "text-parser")] {
        for (arguments, expected) in [
            (
                &["--format", "csv"][..],
                "Text\r\n\"one, \"\"two\"\"\"\r\n\"\"\r\nbad \u{7f}\t\\ end\r\n",
            ),
            (
                &["--format", "jsonl"],
                "{\"Text\":\"one, \\\"two\\\"\"}\n{\"Text\":\"\"}\n{\"Text\":\"bad \u{7f}\\t\\\\ end\"}\n",
            ),
            // Columns that no caption is for share the last one.
            (
                &[
                    "--format",
                    "csv",
                    "--set",
                    "column-split=, ",
                    "--separator",
                    ";",
                ],
                "Text\r\n\"one;\"\"two\"\"\"\r\n\"\"\r\nbad \u{7f}\t\\ end\r\n",
            ),
        ] {
            let found = export(&dir, "notes.txt", sides, arguments)?;
            assert_eq!(
                String::from_utf8(found)?,
                expected,
                "{sides:?} {arguments:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_parser_that_names_no_columns_has_a_message() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("in", "x")?;
    let mut batch = BatchWriter::new();
    batch.text().push_str("all, of it");
    batch.end_cell();
    batch.message(1, 0..1, false);
    dir.write(
        "plain.wasm",
        Guest::parser()
            .archive(&batch.finish(Tail::Complete))
            .build()?,
    )?;
    let plugin = dir.path("plain.wasm").display().to_string();
    let table = |format| -> Result<String> {
        let command = Command::export(dir.path("in"), ("native", plugin.as_str()))?
            .cache(&dir.path("cache"))
            .args(["--format", format]);
        Ok(String::from_utf8(command.run()?.succeeded()?.stdout)?)
    };
    assert_eq!(table("csv")?, "message\r\n\"all, of it\"\r\n");
    assert_eq!(table("jsonl")?, "{\"message\":\"all, of it\"}\n");
    Ok(())
}
