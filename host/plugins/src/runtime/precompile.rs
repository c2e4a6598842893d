//! Compiling plugins before they are wanted, so that no session waits for a compiler.

use std::path::PathBuf;

use serde::Serialize;

use super::{CacheChoice, PluginRuntime};
use crate::cache::{ArtifactKey, CacheOutcome, DIRECTORY_VARIABLE, DiskCache};
use crate::error::PluginError;

/// What [`PluginRuntime::precompile`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Precompiled {
    /// The plugin's name.
    pub plugin: String,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was compiled before. A hit is a whole artifact that was loaded.
    pub cache: CacheOutcome,
    /// What compiled it.
    pub compiler: String,
    /// Length of its file in bytes.
    pub wasm_bytes: u64,
    /// Length of the artifact's file in bytes.
    pub artifact_bytes: u64,
    /// How long compiling took, now or then, in milliseconds.
    pub compile_ms: u64,
}

impl PluginRuntime {
    /// Compiles the plugin called `name_or_path` into the cache on disk, if it is not there.
    ///
    /// # Errors
    /// As [`PluginRuntime::factory`]; [`PluginError::Cache`] when there is no cache on disk, or the artifact cannot be kept.
    pub fn precompile(&self, name_or_path: &str) -> Result<Precompiled, PluginError> {
        let disk = self.disk()?;
        let loaded = self.read(self.registry.resolve(name_or_path)?)?;
        let (hash, path, wasm_bytes) = (
            loaded.hash,
            loaded.entry.path.clone(),
            loaded.content.len() as u64,
        );
        let (factory, cache) = self.compile(loaded)?;
        // That it can be compiled is not all: a plugin that cannot say what it is cannot be used either.
        factory.facts()?;
        let engine = factory.engine();
        let fingerprint = factory.description().fingerprint(engine);
        let artifact = disk.find(&ArtifactKey::new(&hash, &fingerprint));
        let artifact = artifact.ok_or_else(|| PluginError::Cache {
            message: format!(
                "plugin `{}` was compiled, but its artifact could not be kept in {}: is the disk full, or the artifact larger than \
                 the {} bytes that the cache may have?",
                factory.entry().name,
                disk.directory().display(),
                disk.max_bytes()
            ),
        })?;
        Ok(Precompiled {
            plugin: factory.entry().name.clone(),
            path,
            cache,
            compiler: engine.compiler().name().to_owned(),
            wasm_bytes,
            artifact_bytes: artifact.bytes,
            compile_ms: artifact.note.map_or(0, |note| note.compile_ms),
        })
    }

    /// The cache on disk.
    ///
    /// # Errors
    /// [`PluginError::Cache`] with the reason why there is none.
    pub fn disk(&self) -> Result<&DiskCache, PluginError> {
        self.cache.disk().ok_or_else(|| PluginError::Cache {
            message: self.no_disk.clone().unwrap_or_default(),
        })
    }
}

impl CacheChoice {
    /// The cache that is meant; its directory is made if it is not there.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(&self, max_bytes: u64) -> Result<DiskCache, String> {
        let directory = self.directory()?;
        DiskCache::try_open(&directory, max_bytes).map_err(|reason| {
            format!(
                "{} cannot be used for compiled plugins: {reason}",
                directory.display()
            )
        })
    }

    /// As [`CacheChoice::open`], of a cache that is there: `None` if nothing was ever kept.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open_existing(&self, max_bytes: u64) -> Result<Option<DiskCache>, String> {
        // Whatever else is wrong with the directory is for `open` to say.
        match std::fs::symlink_metadata(self.directory()?) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => self.open(max_bytes).map(Some),
        }
    }

    /// The directory that is meant, there or not.
    ///
    /// # Errors
    /// Why there is none.
    pub fn directory(&self) -> Result<PathBuf, String> {
        match self {
            Self::Default => DiskCache::default_directory().ok_or_else(|| {
                format!(
                    "no directory is known for compiled plugins, or {DIRECTORY_VARIABLE} switches the cache off; name one there"
                )
            }),
            Self::Directory(directory) => Ok(directory.clone()),
            Self::Off => Err("the cache of compiled plugins is switched off".to_owned()),
        }
    }
}
