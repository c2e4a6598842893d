//! What a plugin can reach: INPUT and what plugins.toml grants, and nothing beside it.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir, Run, guest::Guest, plugin};
use chipmunk_payload::{SourceWriter, State};

/// Two folders: `open` with INPUT and a link out of it, `closed` with a secret; and a spy that tries all ways.
fn house() -> Result<Dir> {
    let dir = Dir::new()?;
    for folder in ["open", "closed", "open/sub"] {
        std::fs::create_dir(dir.path(folder))?;
    }
    dir.write("open/input", "trace")?;
    dir.write("open/secret", "beside")?;
    dir.write("open/sub/deep", "below")?;
    dir.write("closed/secret", "elsewhere")?;
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../closed/secret", dir.path("open/link"))?;
        std::os::unix::fs::symlink("../closed", dir.path("open/folder"))?;
    }
    let absolute = dir.path("open/input").display().to_string();
    let guest = Guest::spy(&[
        "input",
        "secret",
        "sub/deep",
        "sub/../secret",
        "link",
        "folder/secret",
        "../closed/secret",
        "../open/input",
        "/etc/passwd",
        ".",
        "..",
        &absolute,
    ]);
    dir.write(
        "spy.wasm",
        guest
            .archive(&SourceWriter::with_capacity(0).finish(State::End))
            .build()?,
    )?;
    Ok(dir)
}

/// The names that the spy could open.
fn opened(dir: &Dir, toml: &str) -> Result<Vec<String>> {
    dir.write(
        "plugins.toml",
        format!("[[plugins]]\nname = \"spy\"\npath = \"spy.wasm\"\n{toml}"),
    )?;
    let command =
        Command::export(dir.path("open/input"), ("spy", "native"))?.cache(&dir.path("cache"));
    let run: Run = command
        .arg("--config")
        .arg(dir.path("plugins.toml"))
        .run()?
        .succeeded()?;
    let name = |line: &str| {
        let (_, line) = line.split_once("WARN ")?;
        let (name, _) = line.split_once(" plugin=")?;
        Some(name.to_owned())
    };
    let names: Option<_> = run.remarks().into_iter().map(name).collect();
    names.with_context(|| run.stderr.clone())
}

#[test]
fn a_source_can_open_its_input_and_nothing_beside_it() -> Result<()> {
    let dir = house()?;
    assert_eq!(opened(&dir, "")?, ["input", "."]);
    Ok(())
}

#[test]
fn a_granted_file_is_that_file_alone() -> Result<()> {
    let dir = house()?;
    let found = opened(
        &dir,
        "grants.files = [{ host = \"closed/secret\", guest = \"/other/secret\" }]\n",
    )?;
    // Two directories, each with one file in it.
    let mut found: Vec<_> = found.iter().filter(|name| *name != ".").collect();
    found.sort();
    assert_eq!(found, ["input", "secret"]);
    Ok(())
}

#[test]
fn a_granted_directory_has_no_way_out() -> Result<()> {
    let dir = house()?;
    let found = opened(
        &dir,
        "grants.directories = [{ host = \"open\", guest = \"/granted\" }]\n",
    )?;
    for name in ["input", "secret", "sub/deep", "sub/../secret"] {
        ensure!(found.iter().any(|found| found == name), "{name}: {found:?}");
    }
    for name in [
        "link",
        "folder/secret",
        "../closed/secret",
        "../open/input",
        "/etc/passwd",
        "..",
    ] {
        ensure!(
            !found.iter().any(|found| found == name),
            "{name}: {found:?}"
        );
    }
    Ok(())
}

#[test]
fn a_file_of_the_configuration_is_granted_with_it() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(20, 0, 150, 1)?;
    dir.write("input-is-not-this", "x")?;
    let source = plugin("file-source")?;
    // `validate` starts the source with what plugins.toml says: once with a file, once without.
    let toml = |config: &str| {
        dir.write(
            "plugins.toml",
            format!("[[plugins]]\nname = \"reader\"\npath = {source:?}\n{config}"),
        )
    };
    let validate = || {
        Command::new(["validate", "reader", "--config"])?
            .arg(dir.path("plugins.toml"))
            .run()
    };
    toml("config.input = \"trace.dlt\"\n")?;
    let run = validate()?.succeeded()?;
    ensure!(!run.text()?.contains("FAILED"), "{}", run.text()?);
    toml("config.input = \"missing.dlt\"\n")?;
    let run = validate()?;
    ensure!(
        run.code == Some(1) && run.text()?.contains("missing.dlt"),
        "{} {}",
        run.text()?,
        run.stderr
    );
    // INPUT of the command line is stronger than the file's.
    toml("config.input = \"input-is-not-this\"\n")?;
    let command = Command::export(dir.path("trace.dlt"), ("reader", "native"))?
        .args(["--format", "raw", "--config"]);
    assert_eq!(
        command
            .arg(dir.path("plugins.toml"))
            .run()?
            .succeeded()?
            .stdout,
        trace
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn input_behind_a_link_is_the_file_it_leads_to() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(20, 0, 150, 1)?;
    std::fs::create_dir(dir.path("links"))?;
    std::os::unix::fs::symlink("../trace.dlt", dir.path("links/link.dlt"))?;
    for input in [
        dir.path("links/link.dlt"),
        "links/link.dlt".into(),
        "./links/../trace.dlt".into(),
    ] {
        let command =
            Command::export(&input, ("file-source", "dlt-parser"))?.args(["--format", "raw"]);
        let run = command.current_dir(dir.root()).run()?.succeeded()?;
        ensure!(run.stdout == trace, "{}", input.display());
    }
    Ok(())
}

#[test]
fn names_of_every_kind_reach_the_plugin() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(20, 0, 150, 1)?;
    for name in [
        "with space.dlt",
        "ümläut €.dlt",
        "quote\"'.dlt",
        "-dash.dlt",
        "a=b.dlt",
    ] {
        dir.write(name, &trace)?;
        let command = Command::export(dir.path(name), ("file-source", "dlt-parser"))?
            .args(["--format", "raw"]);
        ensure!(command.run()?.succeeded()?.stdout == trace, "{name}");
    }
    Ok(())
}
