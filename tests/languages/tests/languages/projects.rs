//! What `chipmunk-plugins new` writes: a project for a parser and one for a source are made, built and tested by their own
//! scripts, the conformance kit among them, outside of the checkout, and their plugins are compared as the examples are.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{Command, Dir, program, shared_cache, target};

use crate::{Built, plugins};

/// The languages that are set up on this machine.
pub fn present() -> Result<Vec<String>> {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-bindings/toolchain/languages.sh");
    let output = std::process::Command::new(&script)
        .arg("--present")
        .stdin(Stdio::null())
        .output()
        .with_context(|| script.display().to_string())?;
    ensure!(output.status.success(), "languages.sh --present failed");
    let names = String::from_utf8(output.stdout)?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Makes both projects in `language`, and says what was done with them.
pub fn compare(language: &str) -> Result<String> {
    let dir = Dir::new()?;
    let built = Built {
        text_parser: project(&dir, "parser", language)?,
        file_source: project(&dir, "source", language)?,
        vectors: None,
    };
    let compared = plugins::compare(&built)?;
    Ok(format!("both build and pass their own tests; {compared}"))
}

/// Makes a project, and gives the plugin that it builds.
fn project(dir: &Dir, kind: &str, language: &str) -> Result<PathBuf> {
    let name = format!("some-{kind}");
    let folder = dir.path(&name);
    Command::new(["new", kind, &name, "--lang", language, "--path"])?
        .arg(&folder)
        .run()?
        .succeeded()?;
    let output = std::process::Command::new(folder.join("test.sh"))
        .current_dir("/")
        .env("CHIPMUNK_PLUGINS", program()?)
        .env("CHIPMUNK_PLUGINS_CACHE", shared_cache()?)
        // Kept, so that crates are compiled once.
        .env("CARGO_TARGET_DIR", target()?.join("new-projects"))
        .stdin(Stdio::null())
        .output()
        .with_context(|| folder.join("test.sh").display().to_string())?;
    ensure!(
        output.status.success(),
        "test.sh of a {kind} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder.join(format!("{name}.wasm")))
}
