//! However many jobs: the same output, the same counters, the same errors.

use std::{fs, io::Read, process::Stdio, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{
    COMBINATIONS, Command, Dir, ParserStats, Run, SourceStats,
    guest::{Guest, PARSE},
    program, real_traces, shared_cache,
};

/// One thread; several of them; the number of cores.
const JOBS: [&[&str]; 4] = [&["--jobs", "1"], &["--jobs", "2"], &["--jobs", "4"], &[]];

/// What `Stats::findings` tells of the whole run, and what both sides counted.
type Figures = ((u64, u64, u64, u64), SourceStats, ParserStats);

/// All that may not depend on jobs.
#[derive(Debug, PartialEq)]
struct Same {
    code: Option<i32>,
    output: Vec<u8>,
    /// None if it failed.
    figures: Option<Figures>,
    /// What the host says; what a plugin says of a guess is told to nobody.
    remarks: Vec<String>,
}

fn same(run: &Run) -> Result<Same> {
    let figures = match run.code {
        Some(0) => {
            let stats = run.stats()?;
            Some((stats.findings(), stats.source, stats.parser))
        }
        _ => None,
    };
    let remarks = run.remarks().into_iter();
    Ok(Same {
        code: run.code,
        // What came before an error is written, or not.
        output: figures.map(|_| run.stdout.clone()).unwrap_or_default(),
        figures,
        remarks: remarks
            .filter(|line| line.starts_with("chipmunk-plugins:"))
            .map(str::to_owned)
            .collect(),
    })
}

/// Runs `input` with all sides, formats and jobs.
fn compare(input: &std::path::Path, more: &[&str]) -> Result<()> {
    for format in ["raw", "text", "csv", "jsonl", "none"] {
        for sides in COMBINATIONS {
            let mut first = None;
            for jobs in JOBS {
                let run = Command::export(input, sides)?
                    .args(["--format", format])
                    .args(more)
                    .args(jobs)
                    .run()?;
                let found = same(&run)?;
                match &first {
                    None => first = Some(found),
                    Some(first) => ensure!(
                        *first == found,
                        "{} {format} {sides:?} {jobs:?}: {:?} instead of {:?}",
                        input.display(),
                        (&found.figures, &found.remarks, found.output.len()),
                        (&first.figures, &first.remarks, first.output.len()),
                    ),
                }
            }
        }
    }
    Ok(())
}

#[test]
fn generated_traces_come_out_the_same() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(30_525, 8, 150, 1)?;
    compare(&dir.path("trace.dlt"), &[])?;
    // As many gaps as messages; chunks that most messages cross.
    dir.trace(8_000, 4_000, 209, 2)?;
    compare(&dir.path("trace.dlt"), &["--chunk-bytes", "40000"])
}

#[test]
fn damaged_traces_come_out_the_same() -> Result<()> {
    let dir = Dir::new()?;
    let mut trace = dir.trace(20_000, 20, 209, 3)?;
    // Headers that lie, patterns in payloads, a long gap, a cut end.
    for (index, at) in (5_000..trace.len() - 200_000).step_by(9_973).enumerate() {
        let bytes: &[u8] = match index % 3 {
            0 => b"DLT\x01",
            1 => b"DLT\x01\0\0\0\0\0\0\0\0ECU1\x21\0\xff\xff",
            _ => &[0xff; 40],
        };
        if let Some(place) = trace.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
    let middle = trace.len() / 2;
    trace.splice(middle..middle, vec![b'x'; 300_000]);
    trace.truncate(trace.len() - 77);
    dir.write("damaged.dlt", trace)?;
    compare(&dir.path("damaged.dlt"), &[])?;
    compare(&dir.path("damaged.dlt"), &["--chunk-bytes", "70000"])
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn real_traces_come_out_the_same() -> Result<()> {
    for entry in fs::read_dir(real_traces())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "dlt") {
            compare(&path, &["--chunk-bytes", "40000"])?;
        }
    }
    Ok(())
}

#[test]
fn lines_of_text_come_out_the_same() -> Result<()> {
    let dir = Dir::new()?;
    let text: String = (0..60_000)
        .map(|line| format!("{line}: {}\r\n", "words and ".repeat(line % 7)))
        .collect();
    let input = dir.write("log", text)?;
    let mut outputs = Vec::new();
    for parser in ["native:text", "text-parser"] {
        for jobs in JOBS {
            let run = Command::export(&input, ("native", parser))?
                .args(["--chunk-bytes", "50000"])
                .args(jobs)
                .run()?
                .succeeded()?;
            let found = same(&run)?;
            outputs.push((parser, jobs, found));
        }
    }
    let (_, _, first) = outputs.first().context("there were runs")?;
    for (parser, jobs, found) in &outputs {
        ensure!(
            first.output == found.output && first.figures == found.figures,
            "{parser} {jobs:?}"
        );
    }
    Ok(())
}

/// A parser of lines that traps at an exclamation mark.
fn trapping() -> Guest {
    let parse = format!(
        "{PARSE} (local $at i32) (local $start i32) (local $end i32) (local $item i32) (local $byte i32)
        (global.set $top (i32.const 65536))
        (if (i32.lt_u (memory.size) (i32.const 256)) (then (drop (memory.grow (i32.const 256)))))
        (local.set $at (local.get $ptr))
        (local.set $start (local.get $ptr))
        (local.set $end (i32.add (local.get $ptr) (local.get $len)))
        (local.set $item (i32.const 8388608))
        (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $byte (i32.load8_u (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (if (i32.eq (local.get $byte) (i32.const 33)) (then unreachable))
            (if (i32.eq (local.get $byte) (i32.const 10)) (then
                (i32.store (local.get $item) (i32.sub (local.get $at) (local.get $start)))
                (i32.store offset=4 (local.get $item) (i32.const 0))
                (i32.store offset=8 (local.get $item) (i32.sub (local.get $at) (local.get $start)))
                (i32.store offset=12 (local.get $item) (i32.const 0))
                (i32.store offset=16 (local.get $item) (i32.const 0))
                (local.set $item (i32.add (local.get $item) (i32.const 20)))
                (local.set $start (local.get $at))))
            (br $next)))
        (memory.fill (local.get $item) (i32.const 0) (i32.const 72))
        (i32.store (local.get $item) (i32.sub (i32.const 8388608) (local.get $item)))
        (i32.store offset=8 (local.get $item) (i32.sub (i32.const 8388600) (local.get $item)))
        (i32.store offset=16 (local.get $item) (i32.sub (i32.const 8388592) (local.get $item)))
        (i32.store offset=20 (local.get $item)
            (i32.div_u (i32.sub (local.get $item) (i32.const 8388608)) (i32.const 20)))
        (i32.store offset=24 (local.get $item) (i32.const -24))
        (i32.store offset=32 (local.get $item) (i32.const -32))
        (i32.store offset=40 (local.get $item) (i32.const -40))
        (i32.store8 offset=48 (local.get $item) (i32.ne (local.get $start) (local.get $end)))
        (i32.store offset=64 (local.get $item) (i32.const 0x41504d43))
        (i32.store offset=68 (local.get $item) (i32.const 1))
        (i32.store (i32.const 128) (i32.const 8388608))
        (i32.store (i32.const 132) (i32.sub (i32.add (local.get $item) (i32.const 72)) (i32.const 8388608)))
        i32.const 128"
    );
    // Finds its way, and has ranges.
    Guest::parser()
        .function("get-capabilities", "(result i32) i32.const 3")
        .function("parse", &parse)
}

#[test]
fn a_trap_in_the_middle_is_the_same_error_and_leaves_no_half_file() -> Result<()> {
    let dir = Dir::new()?;
    let parser = dir
        .write("lines.wasm", trapping().build()?)?
        .display()
        .to_string();
    let lines: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
    let good = dir.write("good", &lines)?;
    let (before, after) = lines.split_at(lines.len() / 2);
    let bad = dir.write("bad", format!("{before}!{after}"))?;
    let mut errors = Vec::new();
    for jobs in JOBS {
        let run = |input: &std::path::Path| {
            Command::export(input, ("native", &parser))?
                .cache(&dir.path("cache"))
                .args(["--format", "raw", "--chunk-bytes", "50000", "-o"])
                .arg(dir.path("out"))
                .args(jobs)
                .run()
        };
        run(&good)?.succeeded()?;
        ensure!(dir.read("out")? == lines.as_bytes(), "{jobs:?}");
        fs::remove_file(dir.path("out"))?;
        let error = run(&bad)?.refused(1, &["plugin `lines`", "unreachable", "at byte"])?;
        errors.push(error);
        assert_eq!(
            dir.names()?,
            ["bad", "cache", "good", "lines.wasm"],
            "{jobs:?}"
        );
    }
    let first = errors.first().context("there were runs")?;
    ensure!(errors.iter().all(|error| error == first), "{errors:?}");
    Ok(())
}

#[test]
fn a_message_that_never_ends_is_an_error_within_the_memory_that_was_allowed() -> Result<()> {
    let dir = Dir::new()?;
    let mut endless = b"a line\n".repeat(10_000);
    endless.resize(60 << 20, b'x');
    let input = dir.write("log", endless)?;
    dir.write("plugins.toml", "[pipeline]\nmax-message-bytes = 4000000\n")?;
    for parser in ["native:text", "text-parser"] {
        for jobs in ["1", "4"] {
            let limits: [&[&str]; 3] = [
                &[],
                &["--max-message-bytes", "2000000"],
                &["--config", "plugins.toml"],
            ];
            for (arguments, limit) in limits.iter().zip([16_777_216, 2_000_000, 4_000_000]) {
                let run = Command::export(&input, ("native", parser))?
                    .current_dir(&dir.path("."))
                    .args(["-o", "out", "--jobs", jobs])
                    .args(*arguments)
                    .run()?;
                let words = format!(
                    "at byte 70000 of the trace: no end of the message within {limit} bytes"
                );
                run.refused(1, &[&words])?;
            }
        }
    }
    assert_eq!(dir.names()?, ["log", "plugins.toml"]);
    Ok(())
}

#[test]
fn memory_does_not_grow_with_the_input() -> Result<()> {
    const MEGABYTE: u64 = 1 << 20;
    const CHUNK: u64 = 256 << 10;
    let dir = Dir::new()?;
    let trace = dir.trace(310_000, 100, 209, 1)?;
    ensure!(trace.len() as u64 > 60 * MEGABYTE);
    for sides in COMBINATIONS {
        for jobs in [1, 2, 4] {
            let run = Command::export(dir.path("trace.dlt"), sides)?
                .args(["--jobs", &jobs.to_string(), "-o"])
                .arg(dir.path("out"))
                .run()?
                .succeeded()?;
            let peak = run.stats()?.peak_rss_bytes;
            ensure!(
                peak <= 64 * MEGABYTE + 2 * CHUNK * jobs,
                "{sides:?}, {jobs} jobs: {peak} bytes"
            );
        }
    }
    Ok(())
}

/// Writes to the standard input piece by piece, and reads the standard output slowly.
#[test]
fn a_pipe_on_either_side_works_in_every_mode() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(20_000, 5, 209, 4)?;
    let expected = Command::export(dir.path("trace.dlt"), ("native", "native"))?
        .args(["--jobs", "1"])
        .run()?
        .succeeded()?
        .stdout;
    for sides in COMBINATIONS {
        for jobs in ["1", "2", "4"] {
            let mut child = std::process::Command::new(program()?)
                .args([
                    "export", "-", "--source", sides.0, "--parser", sides.1, "--jobs", jobs,
                ])
                .env("CHIPMUNK_PLUGINS_CACHE", shared_cache()?)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let mut stdin = child.stdin.take().context("it is piped")?;
            let mut stdout = child.stdout.take().context("it is piped")?;
            let found = thread::scope(|scope| {
                scope.spawn(|| {
                    for piece in trace.chunks(100_003) {
                        if std::io::Write::write_all(&mut stdin, piece).is_err() {
                            break;
                        }
                    }
                    drop(stdin);
                });
                let mut found = Vec::new();
                let mut buffer = vec![0; 500_000];
                // Longer than all queues are deep.
                thread::sleep(Duration::from_millis(100));
                while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                    found.extend_from_slice(&buffer[..read]);
                    thread::sleep(Duration::from_millis(1));
                }
                found
            });
            ensure!(child.wait()?.success(), "{sides:?} {jobs}");
            ensure!(found == expected, "{sides:?} {jobs}");
        }
    }
    Ok(())
}

#[test]
fn a_closed_pipe_ends_all_threads_quietly_while_the_input_is_still_open() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(20_000, 0, 209, 5)?;
    for sides in COMBINATIONS {
        for jobs in ["1", "2", "4"] {
            let mut child = std::process::Command::new(program()?)
                .args([
                    "export", "-", "--source", sides.0, "--parser", sides.1, "--jobs", jobs,
                ])
                .env("CHIPMUNK_PLUGINS_CACHE", shared_cache()?)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            drop(child.stdout.take());
            let mut stdin = child.stdin.take().context("it is piped")?;
            // It may end before all of it is written.
            let _ = std::io::Write::write_all(&mut stdin, &trace);
            // The standard input stays open until it has ended.
            let output = child.wait_with_output()?;
            drop(stdin);
            assert_eq!(
                (
                    output.status.code(),
                    String::from_utf8(output.stderr)?.as_str()
                ),
                (Some(0), ""),
                "{sides:?} {jobs}"
            );
        }
    }
    Ok(())
}
