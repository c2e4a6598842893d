//! `profile`: where the time of an export goes, as a flamegraph of host and plugins. Looking and drawing are `chipmunk-profile`'s;
//! what is looked at is this very program, exporting.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use chipmunk_profile::{Profile, draw, record};
use clap::ValueEnum;

use crate::{Outcome, args::ProfileArguments, output};

/// Where the export's output goes.
const NOWHERE: &str = "/dev/null";

/// Makes the profile.
pub fn run(arguments: &ProfileArguments) -> anyhow::Result<Outcome> {
    let program = std::env::current_exe().context("cannot find this very program")?;
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    // Before anything is measured: a wrong path is told at once.
    let mut picture = tempfile::NamedTempFile::new_in(folder_of(&arguments.output))
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;

    let begun = Instant::now();
    let mut profile = Profile::default();
    let mut runs = 0_u32;
    while runs == 0 || begun.elapsed() < Duration::from_secs(arguments.duration) {
        let guest_map = folder.path().join(format!("{runs}.map"));
        // What an export has to say it says once.
        let stderr = if runs == 0 {
            Stdio::inherit()
        } else {
            Stdio::null()
        };
        let mut command = export(&program, arguments, &guest_map);
        command.stderr(stderr);
        let seen = record(command, &guest_map, arguments.frequency)?;
        profile.merge(seen);
        runs = runs.saturating_add(1);
    }

    let summary = profile.summary();
    anyhow::ensure!(
        summary.samples > 0,
        "nothing was seen: the export was too short; use a larger input, or a longer --duration"
    );
    let title = format!(
        "export {} --source {} --parser {} --format {}",
        arguments
            .input
            .file_name()
            .unwrap_or_default()
            .to_string_lossy(),
        arguments.source,
        arguments.parser,
        format_name(arguments)
    );
    draw(
        &profile,
        &title,
        arguments.least,
        BufWriter::new(picture.as_file_mut()),
    )?;
    persist(picture, &arguments.output)
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    if let Some(path) = &arguments.folded {
        write_lines(path, &profile.folded())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let percent = |part: u64| 100.0 * part as f64 / summary.samples as f64;
    output::tell(&format_args!(
        "{} samples of {runs} exports, {:.0} % attributed, {:.0} % in plugins; see {}",
        summary.samples,
        percent(summary.attributed),
        percent(summary.in_guest),
        arguments.output.display()
    ));
    Ok(Outcome::Done)
}

/// The export that is looked at.
fn export(program: &Path, arguments: &ProfileArguments, guest_map: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["export", "--output", NOWHERE])
        .args(["--source", &arguments.source, "--parser", &arguments.parser])
        .args(["--format", &format_name(arguments)])
        .args(["--jobs", &arguments.jobs.to_string()])
        .arg("--perf-map")
        .arg(guest_map);
    for setting in &arguments.settings {
        command.arg(format!("--set={}={}", setting.id, setting.value));
    }
    if let Some(config) = &arguments.registry.config {
        command.arg("--config").arg(config);
    }
    if let Some(compiler) = arguments.registry.compiler {
        command.args(["--compiler", compiler.name()]);
    }
    command
        .arg("--")
        .arg(&arguments.input)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn format_name(arguments: &ProfileArguments) -> String {
    arguments
        .format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The picture appears when it is whole, and everybody may look at it, as at any new file.
fn persist(picture: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        picture.as_file().set_permissions(readable)?;
    }
    picture.persist(path).map(drop).map_err(|error| error.error)
}

fn write_lines(path: &Path, lines: &[String]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()
}
