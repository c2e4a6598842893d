//! `profile`: a picture of host and guest, with names on both sides.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir};

/// The number before `what` in what the command says.
fn percent(said: &str, what: &str) -> Result<u32> {
    let (before, _) = said.split_once(what).context("it is not told")?;
    let number = before.rsplit([',', ' ']).find(|word| !word.is_empty());
    Ok(number.context("there is no number")?.parse()?)
}

#[test]
fn both_sides_are_in_the_picture_with_their_names() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(200_000, 0, 200, 1)?;
    for jobs in ["1", "2"] {
        let run = Command::new(["profile", "--duration", "1", "--jobs", jobs])?
            .arg(dir.path("trace.dlt"))
            .arg("--output")
            .arg(dir.path("flame.svg"))
            .arg("--folded")
            .arg(dir.path("stacks.txt"))
            .run()?
            .succeeded()?;
        let said = run.stderr.as_str();
        ensure!(percent(said, " % attributed")? > 80, "{said}");
        ensure!(percent(said, " % in plugins")? > 20, "{said}");
        let picture = fs::read_to_string(dir.path("flame.svg"))?;
        ensure!(picture.contains("</svg>"), "the picture is not whole");
        let stacks = fs::read_to_string(dir.path("stacks.txt"))?;
        for name in [
            "chipmunk_dlt::reader::Reader",
            "chipmunk_pipeline::",
            "wasmer_component::",
        ] {
            ensure!(picture.contains(name), "{jobs}: no {name} in the picture");
            ensure!(stacks.contains(name), "{jobs}: no {name} in the stacks");
        }
        // One stack that goes from the host through wasmer into the guest.
        let through = stacks.lines().any(|line| {
            let host = line.find("wasmer_component::");
            let guest = line.find("chipmunk_dlt::text::");
            matches!((host, guest), (Some(host), Some(guest)) if host < guest && line.contains("_[j]"))
        });
        ensure!(through, "{jobs}: no stack goes from host to guest");
    }
    Ok(())
}

#[test]
fn what_cannot_be_profiled_is_told() -> Result<()> {
    let dir = Dir::new()?;
    let picture = dir.path("flame.svg");
    let absent = Command::new(["profile", "absent.dlt", "--output"])?
        .arg(&picture)
        .run()?;
    absent.refused(1, &["absent.dlt", "ended with status 1"])?;
    ensure!(!picture.exists(), "there is a picture of nothing");
    dir.trace(10, 0, 100, 1)?;
    Command::new(["profile", "--output", "absent/flame.svg"])?
        .arg(dir.path("trace.dlt"))
        .run()?
        .refused(1, &["absent/flame.svg"])?;
    Ok(())
}
