//! Wherever a chunk ends and wherever a trace ends: not one byte is lost, and nobody sees a difference.

use anyhow::{Result, ensure};
use chipmunk_e2e::{COMBINATIONS, Command, Dir, Run, dlt};

fn export(dir: &Dir, input: &str, sides: (&str, &str), format: &str, chunk: usize) -> Result<Run> {
    let command = Command::export(dir.path(input), sides)?.args(["--format", format]);
    command
        .arg(format!("--chunk-bytes={chunk}"))
        .run()?
        .succeeded()
}

/// Exports with each chunk size, and compares with what native code does with one chunk.
fn same(dir: &Dir, sides: (&str, &str), chunks: impl Iterator<Item = usize>) -> Result<()> {
    let trace = dir.read("trace.dlt")?;
    let raw = dlt::messages(&trace).concat();
    let text = export(
        dir,
        "trace.dlt",
        ("native", "native"),
        "text",
        trace.len() + 1,
    )?
    .stdout;
    let findings = (
        dlt::messages(&trace).len() as u64,
        trace.len() as u64,
        (trace.len() - raw.len()) as u64,
        0,
    );
    for chunk in chunks {
        for (format, expected) in [("raw", &raw), ("text", &text)] {
            let run = export(dir, "trace.dlt", sides, format, chunk)?;
            ensure!(
                run.stdout == *expected,
                "{sides:?} {format}: chunks of {chunk} bytes give other output"
            );
            ensure!(
                run.stats()?.findings() == findings,
                "{sides:?} {format}: chunks of {chunk} bytes: {}",
                run.stderr
            );
        }
    }
    Ok(())
}

/// Some 2 KB: twenty messages and two runs of garbage.
fn small() -> Result<Dir> {
    let dir = Dir::new()?;
    dir.trace(20, 2, 90, 7)?;
    Ok(dir)
}

#[test]
fn chunks_of_every_size_natively() -> Result<()> {
    let dir = small()?;
    let size = dir.read("trace.dlt")?.len();
    ensure!((1_500..4_000).contains(&size), "{size}");
    same(&dir, ("native", "native"), 1..=size + 1)
}

#[test]
fn chunks_of_one_byte_and_up_through_both_plugins() -> Result<()> {
    let dir = small()?;
    let size = dir.read("trace.dlt")?.len();
    same(
        &dir,
        ("file-source", "dlt-parser"),
        (1..=64)
            .chain((65..size).step_by(97))
            .chain([size - 1, size, size + 1]),
    )
}

#[test]
fn chunks_of_one_byte_and_up_through_one_plugin() -> Result<()> {
    let dir = small()?;
    let size = dir.read("trace.dlt")?.len();
    for sides in [("native", "dlt-parser"), ("file-source", "native")] {
        same(
            &dir,
            sides,
            (1..=24)
                .chain((25..size).step_by(211))
                .chain([size - 1, size]),
        )?;
    }
    Ok(())
}

#[test]
fn chunks_of_any_size_on_a_larger_trace() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(12_000, 40, 180, 8)?;
    ensure!((1 << 20..4 << 20).contains(&trace.len()), "{}", trace.len());
    // Numerical Recipes' generator: any will do, and the same in each run.
    let mut state = 1_u32;
    let mut sizes = Vec::new();
    for _ in 0..12 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        sizes.push(500 + (state >> 8) as usize % 400_000);
    }
    for sides in COMBINATIONS {
        same(&dir, sides, sizes.iter().copied())?;
    }
    Ok(())
}

#[test]
fn a_trace_that_is_cut_anywhere_gives_the_messages_before_the_cut() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(3, 0, 100, 9)?;
    let messages = dlt::messages(&trace);
    let whole: usize = messages.iter().take(2).map(|message| message.len()).sum();
    for end in whole..trace.len() {
        let (head, cut) = (&trace[..whole], &trace[whole..end]);
        dir.write("cut.dlt", &trace[..end])?;
        for (sides, chunk) in [
            (("native", "native"), 50),
            (("file-source", "dlt-parser"), 50),
            (("file-source", "dlt-parser"), 1 << 20),
        ] {
            let run = export(&dir, "cut.dlt", sides, "raw", chunk)?;
            ensure!(run.stdout == head, "{sides:?}: cut at {end}");
            ensure!(
                run.stats()?.findings() == (2, end as u64, cut.len() as u64, 0),
                "{sides:?}: cut at {end}: {}",
                run.stderr
            );
        }
    }
    Ok(())
}
