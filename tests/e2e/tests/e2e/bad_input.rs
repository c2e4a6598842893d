//! Input and arguments that are not as they should be: each gets a clear error, none a panic.
//!
//! Damage in the input is no failure: a warning, and with `--strict` status 1.

use std::fs;

use anyhow::{Result, ensure};
use chipmunk_e2e::{COMBINATIONS, Command, Dir, dlt};

#[test]
fn an_empty_file_has_no_messages() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("empty.dlt", "")?;
    for sides in COMBINATIONS {
        for format in ["raw", "text", "none"] {
            let command = Command::export(dir.path("empty.dlt"), sides)?;
            let run = command
                .args(["--strict", "--format", format])
                .run()?
                .succeeded()?;
            assert_eq!(
                (run.stdout.as_slice(), run.remarks()),
                (&b""[..], vec![]),
                "{sides:?} {format}"
            );
            assert_eq!(run.stats()?.findings(), (0, 0, 0, 0), "{sides:?} {format}");
        }
    }
    Ok(())
}

#[test]
fn a_file_of_garbage_is_one_warning() -> Result<()> {
    let dir = Dir::new()?;
    let garbage: Vec<u8> = (0..100_000_u32).map(|number| (number % 61) as u8).collect();
    dir.write("garbage.dlt", &garbage)?;
    for sides in COMBINATIONS {
        for (strict, code) in [(&[][..], 0), (&["--strict"], 1)] {
            let run = Command::export(dir.path("garbage.dlt"), sides)?
                .args(strict)
                .run()?;
            let stats = run.stats()?;
            assert_eq!(stats.findings(), (0, 100_000, 100_000, 0), "{sides:?}");
            // One run of garbage is one item, not one a byte.
            ensure!(stats.parser.p_err <= 2, "{sides:?} {stats:?}");
            let warning = "chipmunk-plugins: warning: 100000 of 100000 bytes are no messages and were skipped, the first at offset 0";
            assert_eq!(run.remarks(), [warning], "{sides:?}");
            run.refused(code, &[])?;
        }
    }
    Ok(())
}

#[test]
fn a_truncated_last_message_is_a_warning() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(50, 0, 150, 1)?;
    let messages = dlt::messages(&trace);
    let last = messages.last().map_or(0, |message| message.len());
    let (head, size) = (trace.len() - last, trace.len() - 5);
    dir.write("cut.dlt", &trace[..size])?;
    for sides in COMBINATIONS {
        for (strict, code) in [(&[][..], 0), (&["--strict"], 1)] {
            let run = Command::export(dir.path("cut.dlt"), sides)?
                .args(["--format", "raw"])
                .args(strict)
                .run()?;
            assert_eq!(
                (run.code, run.stdout.as_slice()),
                (Some(code), &trace[..head]),
                "{sides:?}"
            );
            assert_eq!(
                run.stats()?.findings(),
                (49, size as u64, (last - 5) as u64, 0),
                "{sides:?}"
            );
            let warning = format!(
                "chipmunk-plugins: warning: {} of {size} bytes are no messages and were skipped, the first at offset {head}",
                last - 5
            );
            assert_eq!(run.remarks(), [warning], "{sides:?}");
        }
    }
    Ok(())
}

#[test]
fn a_missing_file_is_named() -> Result<()> {
    let dir = Dir::new()?;
    for sides in COMBINATIONS {
        let run = Command::export(dir.path("missing.dlt"), sides)?
            .arg("-o")
            .arg(dir.path("out"))
            .run()?;
        run.refused(1, &["missing.dlt"])?;
    }
    assert_eq!(dir.names()?, [""; 0]);
    Ok(())
}

#[test]
fn a_directory_is_named() -> Result<()> {
    let dir = Dir::new()?;
    for sides in COMBINATIONS {
        let error = Command::export(dir.root(), sides)?
            .run()?
            .refused(1, &["directory"])?;
        ensure!(error.contains(&dir.root().display().to_string()), "{error}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
#[cfg_attr(
    not(files_can_be_closed),
    ignore = "skipped: this user can read every file"
)]
fn an_unreadable_file_is_named() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new()?;
    let path = dir.write("closed.dlt", "DLT")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))?;
    for sides in COMBINATIONS {
        Command::export(&path, sides)?
            .run()?
            .refused(1, &["closed.dlt"])?;
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn output_onto_the_input_is_refused() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(10, 0, 150, 1)?;
    std::os::unix::fs::symlink(dir.path("trace.dlt"), dir.path("soft.dlt"))?;
    fs::hard_link(dir.path("trace.dlt"), dir.path("hard.dlt"))?;
    for sides in COMBINATIONS {
        for (input, output) in [
            ("trace.dlt", "trace.dlt"),
            ("trace.dlt", "soft.dlt"),
            ("soft.dlt", "trace.dlt"),
            ("trace.dlt", "hard.dlt"),
        ] {
            let command = Command::export(dir.path(input), sides)?.args(["--format", "raw", "-o"]);
            command
                .arg(dir.path(output))
                .run()?
                .refused(2, &[output, "is the input itself"])?;
        }
    }
    assert_eq!(dir.read("trace.dlt")?, trace);
    assert_eq!(dir.names()?, ["hard.dlt", "soft.dlt", "trace.dlt"]);
    Ok(())
}

#[test]
fn an_output_that_cannot_be_written_is_named() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 150, 1)?;
    for (output, words) in [
        (
            dir.path("missing").join("out"),
            ["missing", "there is no folder"],
        ),
        (
            dir.root().to_owned(),
            ["chipmunk-e2e-", "it is a directory"],
        ),
    ] {
        let run = Command::export(dir.path("trace.dlt"), ("file-source", "dlt-parser"))?
            .arg("-o")
            .arg(output)
            .run()?;
        run.refused(1, &words)?;
    }
    Ok(())
}

#[test]
fn settings_that_fit_nothing_are_refused() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 150, 1)?;
    for sides in COMBINATIONS {
        let set = |setting: &str| -> Result<_> {
            Command::export(dir.path("trace.dlt"), sides)?
                .args(["--set", setting])
                .run()
        };
        set("storage-haeder=true")?.refused(
            2,
            &["storage-haeder", "argument-separator", "storage-header"],
        )?;
        set("no-value")?.refused(2, &["no-value", "ID=VALUE"])?;
        set("storage-header=perhaps")?
            .refused(2, &["storage-header", "perhaps", "`true` or `false`"])?;
    }
    // INPUT is that item's value already.
    let command = Command::export(dir.path("trace.dlt"), ("file-source", "native"))?;
    command
        .args(["--set", "input=elsewhere.dlt"])
        .run()?
        .refused(2, &["`input`", "leave out"])?;
    Ok(())
}

#[test]
fn wrong_usage_is_status_2() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 150, 1)?;
    let trace = dir.path("trace.dlt").display().to_string();
    for arguments in [
        &[][..],
        &["exprot"],
        &["export"],
        &["export", &trace, "more"],
        &["export", &trace, "--format", "xml"],
        &["export", &trace, "--source", "native:dlt-core"],
        &["export", &trace, "--parser", "native:other"],
        &["export", &trace, "--chunk-bytes", "0"],
        &["export", &trace, "--chunk-bytes", "-1"],
        &["export", &trace, "--jobs", "0"],
        &["export", &trace, "--stats=xml"],
        &["export", &trace, "--log", "loud"],
        &["export", ""],
        &["export", &trace, "-o", ""],
        &["inspect"],
        &["validate"],
        &["gen"],
        &["gen", "dlt"],
        &["gen", "dlt", "-o", "-", "--messages", "many"],
    ] {
        let run = Command::new(arguments)?.current_dir(dir.root()).run()?;
        let error = run.refused(2, &[])?;
        ensure!(!error.trim().is_empty(), "{arguments:?}");
    }
    assert_eq!(dir.names()?, ["trace.dlt"]);
    Ok(())
}
