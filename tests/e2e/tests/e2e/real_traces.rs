//! Traces that were recorded by others, where they are present beside the project.

use std::{fs, path::PathBuf};

use anyhow::{Result, ensure};
use chipmunk_e2e::{COMBINATIONS, Command, Run, real_traces};

/// Undamaged traces and how many messages they have by the independent reader that the folder's README names.
const UNDAMAGED: [(&str, u64); 6] = [
    ("rapiddlt_68b_verbose.dlt", 10_000),
    ("rapiddlt_93b_verbose.dlt", 10_000),
    ("daemon_testfile.dlt", 105),
    ("daemon_testfile_extended.dlt", 111),
    ("chipmunk_attachments.dlt", 9),
    ("chipmunk_someip_someip.dlt", 6),
];

fn export(trace: &PathBuf, sides: (&str, &str), arguments: &[&str]) -> Result<Run> {
    Command::export(trace, sides)?
        .args(arguments)
        .run()?
        .succeeded()
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn undamaged_traces_come_out_as_they_went_in() -> Result<()> {
    let folder = real_traces();
    for (name, messages) in UNDAMAGED {
        let trace = folder.join(name);
        let content = fs::read(&trace)?;
        for sides in COMBINATIONS {
            let run = export(&trace, sides, &["--format", "raw", "--strict"])?;
            ensure!(run.stdout == content, "{name} {sides:?}");
            let (found, loaded, skipped, _) = run.stats()?.findings();
            assert_eq!(
                (found, loaded, skipped),
                (messages, content.len() as u64, 0),
                "{name} {sides:?}"
            );
            assert_eq!(run.remarks(), [""; 0], "{name} {sides:?}");
        }
    }
    Ok(())
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn plugins_show_the_text_that_native_code_shows() -> Result<()> {
    let folder = real_traces();
    let separators = ["--separator", "\u{4}", "--argument-separator", "\u{5}"];
    for (name, messages) in UNDAMAGED {
        let trace = folder.join(name);
        for arguments in [&[][..], &separators] {
            let native = export(&trace, ("native", "native"), arguments)?;
            // A line a message: line breaks in strings are taken out.
            assert_eq!(native.text()?.lines().count() as u64, messages, "{name}");
            for sides in COMBINATIONS {
                let run = export(&trace, sides, arguments)?;
                ensure!(
                    run.stdout == native.stdout,
                    "{name} {sides:?} {arguments:?}"
                );
                assert_eq!(
                    run.stats()?.findings(),
                    native.stats()?.findings(),
                    "{name} {sides:?}"
                );
            }
        }
    }
    Ok(())
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn the_trace_that_crashed_a_parser_ends_and_loses_nothing() -> Result<()> {
    let folder = real_traces();
    let trace = folder.join("chipmunk_lukas_crash.dlt");
    let size = fs::metadata(&trace)?.len();
    for format in ["raw", "text"] {
        let native = export(&trace, ("native", "native"), &["--format", format])?;
        let (messages, loaded, skipped, damaged) = native.stats()?.findings();
        ensure!(
            messages > 0 && loaded == size && damaged <= messages,
            "{}",
            native.stderr
        );
        if format == "raw" {
            assert_eq!(native.stdout.len() as u64 + skipped, size);
        }
        for sides in COMBINATIONS {
            for chunk in ["--chunk-bytes=1000", "--chunk-bytes=1048576"] {
                let run = export(&trace, sides, &["--format", format, chunk])?;
                ensure!(run.stdout == native.stdout, "{sides:?} {format} {chunk}");
                assert_eq!(
                    run.stats()?.findings(),
                    native.stats()?.findings(),
                    "{sides:?} {format} {chunk}"
                );
            }
        }
    }
    Ok(())
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn protocol_version_2_is_refused_and_not_misread() -> Result<()> {
    let folder = real_traces();
    let trace = folder.join("daemon_testfile_v2.dlt");
    for sides in COMBINATIONS {
        for format in ["raw", "text", "none"] {
            let run = Command::export(&trace, sides)?
                .args(["--format", format])
                .run()?;
            run.refused(1, &["version 2"])?;
        }
    }
    Ok(())
}
