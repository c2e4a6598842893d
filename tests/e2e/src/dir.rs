//! A folder for one test, gone when the test is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::Command;

/// A temporary folder.
#[derive(Debug)]
pub struct Dir {
    temp: TempDir,
}

impl Dir {
    /// An empty folder.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new() -> Result<Self> {
        let temp = tempfile::Builder::new().prefix("chipmunk-e2e-").tempdir();
        Ok(Self {
            temp: temp.context("there is no temporary folder")?,
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        self.temp.path()
    }

    /// A place in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Makes a file.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// It is not there.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path(name);
        fs::read(&path).with_context(|| path.display().to_string())
    }

    /// The names of all that is in the folder, sorted.
    ///
    /// # Errors
    /// The system refuses.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.temp.path())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Has the command make a trace, `trace.dlt`, and gives its content.
    ///
    /// # Errors
    /// The command fails.
    pub fn trace(
        &self,
        messages: u32,
        garbage: u32,
        message_bytes: u32,
        seed: u32,
    ) -> Result<Vec<u8>> {
        Command::new(["gen", "dlt", "-o"])?
            .arg(self.path("trace.dlt"))
            .arg(format!("--messages={messages}"))
            .arg(format!("--garbage={garbage}"))
            .arg(format!("--message-bytes={message_bytes}"))
            .arg(format!("--seed={seed}"))
            .run()?
            .succeeded()?;
        self.read("trace.dlt")
    }
}
