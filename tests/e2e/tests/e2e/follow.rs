//! `--follow`: an input that grows, and Ctrl-C.
#![cfg(unix)]

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use chipmunk_e2e::{Command, Dir, dlt, program, shared_cache};

const SIDES: [(&str, &str); 3] = [
    ("native", "native"),
    ("native", "dlt-parser"),
    ("file-source", "dlt-parser"),
];

fn append(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(bytes)?)
}

fn interrupt(id: u32) -> Result<()> {
    let signal = std::process::Command::new("kill")
        .args(["-INT", &id.to_string()])
        .status()?;
    ensure!(signal.success(), "there is no `kill`");
    Ok(())
}

/// An export to the standard output that follows.
struct Following {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Following {
    fn start(input: &Path, (source, parser): (&str, &str), jobs: &str) -> Result<Self> {
        let mut child = std::process::Command::new(program()?)
            .args([
                "export", "--follow", "--source", source, "--parser", parser, "--jobs", jobs,
            ])
            .arg(input)
            .env("CHIPMUNK_PLUGINS_CACHE", shared_cache()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("it is piped")?);
        Ok(Self { child, lines })
    }

    /// The next line; waits for it.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.lines.read_line(&mut line)? > 0, "it has ended");
        Ok(line)
    }

    /// Ends it; what it still had to write, and what it said.
    fn finish(mut self) -> Result<(String, String)> {
        interrupt(self.child.id())?;
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest)?;
        let output = self.child.wait_with_output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.code() == Some(0),
            "{:?}: {said}",
            output.status
        );
        Ok((rest, said))
    }
}

#[test]
fn messages_appear_when_they_are_written() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(40, 0, 150, 1)?;
    let messages = dlt::messages(&trace);
    let text = Command::export(dir.path("trace.dlt"), ("native", "native"))?.run()?;
    let expected: Vec<&str> = text.text()?.split_inclusive('\n').collect();
    assert_eq!((messages.len(), expected.len()), (40, 40));
    for sides in SIDES {
        for jobs in ["1", "2"] {
            let growing = dir.path("growing.dlt");
            fs::write(&growing, messages[..10].concat())?;
            let mut following = Following::start(&growing, sides, jobs)?;
            for line in &expected[..10] {
                assert_eq!(following.line()?, *line, "{sides:?} {jobs}");
            }
            for (message, line) in messages[10..30].iter().zip(&expected[10..30]) {
                // In two pieces: no half message is shown, and none is lost.
                let (one, other) = message.split_at(30);
                append(&growing, one)?;
                append(&growing, other)?;
                assert_eq!(following.line()?, *line, "{sides:?} {jobs}");
            }
            // What is written before the signal counts.
            append(&growing, &messages[30..].concat())?;
            let (rest, said) = following.finish()?;
            assert_eq!(rest, expected[30..].concat(), "{sides:?} {jobs}");
            assert_eq!(said, "", "{sides:?} {jobs}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_cut_is_followed_from_its_beginning() -> Result<()> {
    let dir = Dir::new()?;
    for source in ["native", "file-source"] {
        let log = dir.write("log", "one\ntwo\n")?;
        let mut following = Following::start(&log, (source, "native:text"), "2")?;
        assert_eq!(
            (following.line()?, following.line()?),
            ("one\n".into(), "two\n".into())
        );
        fs::write(&log, "3\n")?;
        assert_eq!(following.line()?, "3\n");
        append(&log, b"four\n")?;
        assert_eq!(following.line()?, "four\n");
        let (rest, said) = following.finish()?;
        assert_eq!(rest, "");
        ensure!(
            said.contains("was truncated; reading on from its beginning"),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn a_file_that_is_replaced_is_followed_by_native_code_and_told_of_with_a_plugin() -> Result<()> {
    let dir = Dir::new()?;
    let log = dir.write("log", "one\n")?;
    let rotate = || -> Result<()> {
        fs::rename(&log, dir.path("log.1"))?;
        fs::write(&log, "another\n")?;
        Ok(())
    };
    let mut following = Following::start(&log, ("native", "native:text"), "2")?;
    assert_eq!(following.line()?, "one\n");
    rotate()?;
    assert_eq!(following.line()?, "another\n");
    let (_, said) = following.finish()?;
    ensure!(
        said.contains("was replaced by another file; reading on"),
        "{said}"
    );

    fs::write(&log, "one\n")?;
    let mut following = Following::start(&log, ("file-source", "native:text"), "2")?;
    assert_eq!(following.line()?, "one\n");
    rotate()?;
    std::thread::sleep(Duration::from_millis(400));
    append(&dir.path("log.1"), b"two\n")?;
    assert_eq!(following.line()?, "two\n");
    let (_, said) = following.finish()?;
    ensure!(
        said.contains("the plugin goes on with the old one"),
        "{said}"
    );
    Ok(())
}

#[test]
fn ctrl_c_finishes_the_output_file() -> Result<()> {
    for sides in SIDES {
        for jobs in ["1", "2"] {
            let dir = Dir::new()?;
            let trace = dir.trace(2_000, 0, 150, 1)?;
            let input = dir.path("trace.dlt");
            let running = Command::export(&input, sides)?
                .args(["--follow", "--format", "raw", "--jobs", jobs, "-o"])
                .arg(dir.path("out"))
                .start()?;
            // Until the output is in the making under its temporary name.
            let begun = std::time::Instant::now();
            while written(&dir)? < trace.len() as u64 {
                if begun.elapsed() > Duration::from_secs(300) {
                    bail!("{sides:?}: {} bytes are written", written(&dir)?);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(dir.names()?.len(), 2);
            interrupt(running.id())?;
            let run = running.wait()?.succeeded()?;
            assert_eq!(dir.names()?, ["out", "trace.dlt"], "{sides:?}");
            ensure!(dir.read("out")? == trace, "{sides:?} {jobs}");
            assert_eq!(run.stats()?.messages, 2_000);
        }
    }
    Ok(())
}

/// Bytes of the file that is neither the trace nor the output.
fn written(dir: &Dir) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir.path("."))? {
        let entry = entry?;
        if entry.file_name() != "trace.dlt" && entry.file_name() != "out" {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[test]
fn what_cannot_be_followed_is_refused() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(1, 0, 150, 1)?;
    for sides in SIDES {
        Command::export("-", sides)?
            .arg("--follow")
            .run()?
            .refused(2, &["--follow needs a file"])?;
    }
    Command::export(dir.path("trace.dlt"), ("pcap-source", "native"))?
        .arg("--follow")
        .run()?
        .refused(2, &["pcap-source cannot follow", "--source native"])?;
    Ok(())
}
