//! The same scripts on both runtimes.

use std::path::PathBuf;

/// Says whether all was equal.
pub fn run(scripts: &[PathBuf]) -> anyhow::Result<bool> {
    anyhow::ensure!(scripts.is_empty(), "scripts are not compared yet");
    Ok(true)
}
