//! The text parser and the file source of a language beside native code.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir};

use crate::Built;

/// What an export is asked for beside its two sides.
const WAYS: [&[&str]; 7] = [
    &["--format", "raw"],
    &["--format", "text"],
    &[
        "--format",
        "text",
        "--set",
        "column-split=,",
        "--separator",
        " | ",
    ],
    &[
        "--format",
        "text",
        "--set",
        "column-split=, ",
        "--chunk-bytes",
        "1000",
    ],
    &["--format", "raw", "--chunk-bytes", "77"],
    &["--format", "csv"],
    &["--format", "jsonl", "--set", "column-split=,"],
];

/// Exports every text in every way through the language's plugins, and says how many exports were the same.
pub fn compare(built: &Built) -> Result<String> {
    let dir = Dir::new()?;
    let parser = built.text_parser.to_str().context("a path in UTF-8")?;
    let source = built.file_source.to_str().context("a path in UTF-8")?;
    let mut compared = 0;
    for (name, text) in texts() {
        let input = dir.write(name, &text)?;
        for way in WAYS {
            let export = |sides: (&str, &str)| -> Result<Vec<u8>> {
                let run = Command::export(&input, sides)?.args(way).run()?.succeeded();
                Ok(run
                    .with_context(|| format!("{name} by {sides:?}, {way:?}"))?
                    .stdout)
            };
            let expected = export(("native", "native:text"))?;
            for sides in [
                ("native", parser),
                (source, parser),
                (source, "native:text"),
            ] {
                let given = export(sides)?;
                ensure!(
                    given == expected,
                    "{name} by {sides:?}, {way:?}: {} bytes that differ from the {} of native code from byte {} on",
                    given.len(),
                    expected.len(),
                    given
                        .iter()
                        .zip(&expected)
                        .take_while(|(a, b)| a == b)
                        .count(),
                );
                compared += 1;
            }
            if way.contains(&"raw") {
                ensure!(
                    expected == text,
                    "{name}: the messages' own bytes are not the input"
                );
            }
        }
    }
    Ok(format!("{compared} exports as native code makes them"))
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let mixed = {
        let lines: [&[u8]; 9] = [
            b"",
            b"plain",
            b"a,b,c",
            b", leading, and trailing, ",
            "größer, 日本語 🦀".as_bytes(),
            b"bad \xff\xe2\x82 x, \xf0\x9f\xa6",
            b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe0\x9f\xbf",
            b"\xef\xbb\xbfwith a byte order mark\0and a nul",
            b"a line that is longer than a vector register, or two of them; and \xc3\xa9 in the end",
        ];
        let endings: [&[u8]; 4] = [b"\n", b"\r\n", b"\r", b"\n\r"];
        let mut text = Vec::new();
        for number in 0..3000 {
            text.extend_from_slice(lines.get(number * 7 % 9).copied().unwrap_or_default());
            text.extend_from_slice(endings.get(number * 5 % 4).copied().unwrap_or_default());
        }
        text
    };
    vec![
        ("empty", Vec::new()),
        ("one-line", b"no ending".to_vec()),
        ("return-at-the-end", b"one\rtwo\r".to_vec()),
        ("mixed", mixed),
        (
            "long-line",
            [b"x, ".repeat(100_000), b"\nend".to_vec()].concat(),
        ),
        (
            "many-lines",
            b"the same line, again and again\n".repeat(20_000),
        ),
    ]
}
