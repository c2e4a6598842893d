//! Native and plugin sides in all four combinations, and plugins built in two ways: the output is the same, byte for byte.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{COMBINATIONS, Command, Dir, ParserStats, component_plugin, dlt, plugin};

/// The prototype's run.
fn prototype(dir: &Dir) -> Result<Vec<u8>> {
    dir.trace(30_525, 8, 150, 1)
}

#[test]
fn raw_output_is_the_input_without_garbage() -> Result<()> {
    let dir = Dir::new()?;
    let trace = prototype(&dir)?;
    let expected = dlt::messages(&trace).concat();
    assert_ne!(expected.len(), trace.len());
    for sides in COMBINATIONS {
        let run = Command::export(dir.path("trace.dlt"), sides)?
            .args(["--format", "raw"])
            .run()?
            .succeeded()?;
        ensure!(run.stdout == expected, "{sides:?}");
    }
    Ok(())
}

#[test]
fn text_output_is_that_of_native_code() -> Result<()> {
    let dir = Dir::new()?;
    let trace = prototype(&dir)?;
    for separators in [
        &[][..],
        &["--separator", "\u{4}", "--argument-separator", "\u{5}"],
    ] {
        let text = |sides| -> Result<Vec<u8>> {
            let command = Command::export(dir.path("trace.dlt"), sides)?
                .args(["--format", "text"])
                .args(separators);
            Ok(command.run()?.succeeded()?.stdout)
        };
        let native = text(("native", "native"))?;
        let lines = native.split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(lines, dlt::messages(&trace).len());
        for sides in COMBINATIONS {
            ensure!(text(sides)? == native, "{sides:?} {separators:?}");
        }
    }
    Ok(())
}

#[test]
fn figures_are_those_of_the_prototype() -> Result<()> {
    let dir = Dir::new()?;
    let trace = prototype(&dir)?;
    let messages = dlt::messages(&trace);
    let skipped = trace.len() - messages.concat().len();
    for sides in COMBINATIONS {
        for format in ["none", "raw", "text"] {
            let command = Command::export(dir.path("trace.dlt"), sides)?;
            let run = command
                .arg("-o")
                .arg(dir.path("out"))
                .args(["--format", format])
                .run()?
                .succeeded()?;
            let stats = run.stats()?;
            let about = format!("{sides:?} {format} {stats:?}");
            assert_eq!(
                stats.findings(),
                (30_525, trace.len() as u64, skipped as u64, 0),
                "{about}"
            );
            assert_eq!(stats.source.c_cns, 30_533, "{about}");
            assert_eq!(
                stats.source.c_rld,
                stats.source.r_ok + stats.source.r_eof,
                "{about}"
            );
            assert_eq!((stats.source.r_eof, stats.source.r_err), (1, 0), "{about}");
            let expected = ParserStats {
                c_fn: 30_533,
                c_plg: stats.parser.c_plg,
                p_res: 30_533,
                m_ok: 30_525,
                m_damaged: 0,
                m_flt: 0,
                p_inc: 0,
                p_eof: 0,
                p_err: 8,
            };
            assert_eq!(stats.parser, expected, "{about}");
            // The trace is five chunks.
            ensure!((1..20).contains(&stats.parser.c_plg), "{about}");
            assert_eq!(
                stats.cache.is_none(),
                sides == ("native", "native"),
                "{about}"
            );
            ensure!(
                stats.seconds > 0.0 && stats.start_ms > 0.0 && stats.peak_rss_bytes > 1 << 20,
                "{about}"
            );
            let first = first_garbage(&trace).context("there is garbage")?;
            let warning = format!(
                "chipmunk-plugins: warning: {skipped} of {} bytes are no messages and were skipped, the first at offset {first}",
                trace.len()
            );
            assert_eq!(run.remarks(), [warning], "{about}");
        }
    }
    assert_eq!(dir.names()?, ["out", "trace.dlt"]);
    Ok(())
}

/// Where the first byte is that belongs to no message.
fn first_garbage(trace: &[u8]) -> Option<usize> {
    let mut offset = 0;
    for message in dlt::messages(trace) {
        if !trace.get(offset..)?.starts_with(message) {
            return Some(offset);
        }
        offset += message.len();
    }
    None
}

#[test]
fn both_ways_to_build_a_plugin_give_the_same() -> Result<()> {
    let dir = Dir::new()?;
    prototype(&dir)?;
    let by = |path: std::path::PathBuf| {
        path.into_os_string()
            .into_string()
            .map_err(|path| anyhow::anyhow!("{path:?}"))
    };
    for format in ["raw", "text"] {
        let mut outputs = Vec::new();
        for find in [plugin, component_plugin] {
            let (source, parser) = (by(find("file-source")?)?, by(find("dlt-parser")?)?);
            let command = Command::export(dir.path("trace.dlt"), (&source, &parser))?
                .args(["--format", format]);
            let run = command.run()?.succeeded()?;
            let stats = run.stats()?;
            outputs.push((run.stdout, stats.findings(), stats.source, stats.parser));
        }
        ensure!(outputs.first() == outputs.last(), "{format}");
    }
    Ok(())
}

#[test]
fn plain_dlt_core_gives_the_same_where_nothing_is_damaged() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(5_000, 0, 150, 2)?;
    for format in ["raw", "text"] {
        let export = |parser| -> Result<Vec<u8>> {
            let command = Command::export(dir.path("trace.dlt"), ("native", parser))?;
            Ok(command
                .args(["--format", format])
                .run()?
                .succeeded()?
                .stdout)
        };
        let native = export("native")?;
        ensure!(export("native:dlt-core")? == native, "{format}");
        assert_eq!(format == "raw", native == trace);
    }
    Ok(())
}

#[test]
fn the_standard_input_is_as_good_as_a_file() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(2_000, 3, 200, 3)?;
    let expected = dlt::messages(&trace).concat();
    for sides in COMBINATIONS {
        let command =
            Command::export("-", sides)?.args(["--format", "raw", "--chunk-bytes", "10000"]);
        let run = command.stdin(trace.clone()).run()?.succeeded()?;
        ensure!(run.stdout == expected, "{sides:?}");
        assert_eq!(run.stats()?.loaded_bytes, trace.len() as u64, "{sides:?}");
    }
    Ok(())
}

#[test]
fn an_output_file_is_what_the_standard_output_would_be() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(300, 1, 150, 4)?;
    dir.write("out.txt", "what was there before")?;
    let sides = ("file-source", "dlt-parser");
    let shown = Command::export(dir.path("trace.dlt"), sides)?
        .run()?
        .succeeded()?
        .stdout;
    let run = Command::export(dir.path("trace.dlt"), sides)?
        .arg("-o")
        .arg(dir.path("out.txt"))
        .run()?
        .succeeded()?;
    assert!(run.stdout.is_empty());
    assert_eq!(dir.read("out.txt")?, shown);
    assert_eq!(dir.names()?, ["out.txt", "trace.dlt"]);
    Ok(())
}

#[test]
fn messages_without_storage_headers_are_read_when_told_so() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(500, 0, 150, 5)?;
    let bare: Vec<u8> = dlt::messages(&trace)
        .iter()
        .filter_map(|message| message.get(16..))
        .flatten()
        .copied()
        .collect();
    dir.write("bare.dlt", &bare)?;
    let with = Command::export(dir.path("trace.dlt"), ("native", "native"))?
        .run()?
        .succeeded()?;
    // Lines lack the first two columns, but keep the separator in front of the third.
    let expected: Vec<String> = with
        .text()?
        .lines()
        .map(|line| {
            line.splitn(3, '\t')
                .last()
                .map(|rest| format!("\t{rest}"))
                .unwrap_or_default()
        })
        .collect();
    for sides in COMBINATIONS {
        let export = |format| -> Result<_> {
            let command = Command::export(dir.path("bare.dlt"), sides)?.args([
                "--set",
                "storage-header=false",
                "--format",
                format,
            ]);
            command.run()?.succeeded()
        };
        ensure!(export("raw")?.stdout == bare, "{sides:?}");
        let text = export("text")?;
        ensure!(
            text.text()?.lines().eq(expected.iter().map(String::as_str)),
            "{sides:?}"
        );
    }
    Ok(())
}

#[test]
fn a_small_limit_on_output_only_means_more_calls() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(5_000, 3, 150, 6)?;
    dir.write(
        "plugins.toml",
        "[[plugins]]\nname = \"dlt-parser\"\nlimits.max-output-bytes = 65536\n[[plugins]]\nname = \"file-source\"\nlimits.max-output-bytes = 65536\n",
    )?;
    for format in ["raw", "text"] {
        let export = |sides, more: &[&str]| -> Result<_> {
            let command = Command::export(dir.path("trace.dlt"), sides)?.args(["--format", format]);
            command
                .args(more)
                .current_dir(dir.root())
                .run()?
                .succeeded()
        };
        let native = export(("native", "native"), &[])?;
        let limited = export(("file-source", "dlt-parser"), &["--config", "plugins.toml"])?;
        ensure!(limited.stdout == native.stdout, "{format}");
        let (limited, native) = (limited.stats()?, native.stats()?);
        assert_eq!(limited.findings(), native.findings(), "{format}");
        // At most 65536 bytes a call, and half of that for the source.
        ensure!(
            limited.source.r_ok > 20 && limited.parser.c_plg > 20,
            "{format}: {limited:?}"
        );
    }
    Ok(())
}

#[test]
fn configuration_of_the_file_yields_to_that_of_the_command_line() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(50, 0, 150, 7)?;
    dir.write(
        "plugins.toml",
        "[[plugins]]\nname = \"dlt-parser\"\nconfig.argument-separator = \"|\"\n",
    )?;
    let export = |parser, more: &[&str]| -> Result<Vec<u8>> {
        let command = Command::export(dir.path("trace.dlt"), ("native", parser))?.args(more);
        Ok(command.current_dir(dir.root()).run()?.succeeded()?.stdout)
    };
    let by_flag = |separator| export("native", &["--argument-separator", separator]);
    let config = ["--config", "plugins.toml"];
    assert_eq!(export("dlt-parser", &config)?, by_flag("|")?);
    let set = ["--config", "plugins.toml", "--set", "argument-separator=+"];
    assert_eq!(export("dlt-parser", &set)?, by_flag("+")?);
    let flag = ["--config", "plugins.toml", "--argument-separator", "#"];
    assert_eq!(export("dlt-parser", &flag)?, by_flag("#")?);
    assert_ne!(by_flag("|")?, by_flag("+")?);
    Ok(())
}

#[test]
fn memory_does_not_grow_with_the_input() -> Result<()> {
    let dir = Dir::new()?;
    for format in ["raw", "text"] {
        let mut peaks = Vec::new();
        for messages in [20_000, 200_000] {
            dir.trace(messages, 20, 200, 8)?;
            let command = Command::export(dir.path("trace.dlt"), ("file-source", "dlt-parser"))?;
            let run = command
                .args(["--format", format, "-o"])
                .arg(dir.path("out"))
                .run()?
                .succeeded()?;
            let stats = run.stats()?;
            assert_eq!(stats.messages, u64::from(messages));
            peaks.push(stats.peak_rss_bytes);
        }
        let megabytes = |bytes: &u64| bytes / 1_000_000;
        let peaks: Vec<_> = peaks.iter().map(megabytes).collect();
        ensure!(
            matches!(peaks[..], [small, large] if large < 200 && large < small + 20),
            "{format}: {peaks:?} MB"
        );
    }
    Ok(())
}
