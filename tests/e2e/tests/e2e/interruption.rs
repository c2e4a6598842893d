//! What ends a run from outside: nobody reads any more, or Ctrl-C.

use anyhow::Result;
#[cfg(unix)]
use anyhow::ensure;
use chipmunk_e2e::{COMBINATIONS, Command, Dir};

#[test]
fn a_closed_pipe_ends_it_quietly() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(20_000, 0, 150, 1)?;
    for sides in COMBINATIONS {
        for format in ["raw", "text"] {
            let command = Command::new([
                "export", "--source", sides.0, "--parser", sides.1, "--format", format,
            ])?;
            let run = command.arg(dir.path("trace.dlt")).run_with_closed_pipe()?;
            assert_eq!(
                (run.code, run.stderr.as_str()),
                (Some(0), ""),
                "{sides:?} {format}"
            );
        }
    }
    for arguments in [&["list"][..], &["inspect", "dlt-parser"], &["--help"]] {
        let run = Command::new(arguments)?.run_with_closed_pipe()?;
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
    Ok(())
}

/// The input does not end, so that the run is certainly not over when the signal comes.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_file() -> Result<()> {
    use std::{io::Write, thread, time::Duration};
    for sides in [("native", "native"), ("file-source", "dlt-parser")] {
        let dir = Dir::new()?;
        let trace = dir.trace(10_000, 0, 150, 1)?;
        dir.write("out", "from before")?;
        let command =
            Command::export("-", sides)?.args(["--format", "raw", "--chunk-bytes", "65536", "-o"]);
        let mut running = command.arg(dir.path("out")).start()?;
        let mut stdin = running.take_stdin()?;
        stdin.write_all(&trace)?;
        while dir.names()?.len() < 3 && !running.has_ended()? {
            thread::sleep(Duration::from_millis(5));
        }
        let signal = std::process::Command::new("kill")
            .args(["-INT", &running.id().to_string()])
            .status()?;
        ensure!(signal.success(), "there is no `kill`");
        let run = running.wait()?;
        drop(stdin);
        run.refused(1, &["interrupted"])?;
        assert_eq!(dir.names()?, ["out", "trace.dlt"], "{sides:?}");
        assert_eq!(dir.read("out")?, b"from before", "{sides:?}");
    }
    Ok(())
}
