//! What the end-to-end tests are written with.
//!
//! The tests run the command that a user runs, `target/release/chipmunk-plugins`, as a process, with the plugins that `just
//! build` puts where the command finds them. Nothing is linked in, so that nothing can differ from what is shipped. Three
//! nouns: a [`Dir`] is a folder for one test, a [`Command`] is one call of the program, and a [`Run`] is how that went.
//! [`guest`] makes plugins that misbehave; [`dlt`] is a second opinion on what is in a trace.
//!
//! What was not built is an error that says what to run, never a test that passes without having tested.

mod command;
mod dir;
pub mod dlt;
pub mod guest;
mod stats;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

pub use command::{Command, Run, Running};
pub use dir::Dir;
pub use stats::{ParserStats, SourceStats, Stats};

/// The folder that cargo builds into. Tests run from `TARGET/PROFILE/deps/`, links in the path resolved by the system.
///
/// # Errors
/// The test is elsewhere.
pub fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("where is the test itself?")?;
    let target = program.ancestors().nth(3);
    Ok(target
        .with_context(|| format!("{} is in no target folder", program.display()))?
        .to_owned())
}

/// The command under test.
///
/// # Errors
/// It is not built.
pub fn program() -> Result<PathBuf> {
    let name = format!("chipmunk-plugins{}", env::consts::EXE_SUFFIX);
    built(target()?.join("release").join(name), "just build")
}

/// A plugin, built with the plain `wasm32-wasip2` target.
///
/// # Errors
/// It is not built.
pub fn plugin(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    built(target()?.join("plugins").join(file), "just build")
}

/// A plugin, built with `cargo component build`.
///
/// # Errors
/// It is not built.
pub fn component_plugin(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    built(target()?.join("plugins-component").join(file), "just test")
}

/// A plugin as a core module, before anything made a component of it.
///
/// # Errors
/// It is not built.
pub fn core_plugin(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    built(target()?.join("plugins-core").join(file), "just build")
}

/// A plugin of API 0.1.0.
///
/// # Errors
/// It is not built.
pub fn old_plugin(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    built(target()?.join("plugins-0.1.0").join(file), "just api-0_1_0")
}

fn built(path: PathBuf, remedy: &str) -> Result<PathBuf> {
    ensure!(
        path.is_file(),
        "{} is not built; run: {remedy}",
        path.display()
    );
    Ok(path)
}

/// The cache of compiled plugins that the tests share, so that each plugin is compiled once: `TARGET/e2e-cache/BUILD`.
///
/// Every build of the program has its own. A program that is being worked on may compile otherwise than yesterday without
/// saying so in its artifacts' keys, and the tests are not to pass or fail by what yesterday's left.
///
/// # Errors
/// The program is not built, or the folder cannot be made.
pub fn shared_cache() -> Result<PathBuf> {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    if let Some(cache) = CACHE.get() {
        return Ok(cache.clone());
    }
    let program = fs::metadata(program()?)?;
    let age = program.modified()?.duration_since(SystemTime::UNIX_EPOCH)?;
    let name = format!("{}-{}", age.as_nanos(), program.len());
    let folder = target()?.join("e2e-cache");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.file_name() != *name {
            // Another run of the tests may have been quicker.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(CACHE.get_or_init(|| folder.join(name)).clone())
}

/// The folder of real traces, beside the project's root; tests that need it are ignored where there is none (`tests/present.rs`).
pub fn real_traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

/// The native and the plugin side of sources and of parsers, all four together: the first is the yardstick.
pub const COMBINATIONS: [(&str, &str); 4] = [
    ("native", "native"),
    ("native", "dlt-parser"),
    ("file-source", "native"),
    ("file-source", "dlt-parser"),
];
