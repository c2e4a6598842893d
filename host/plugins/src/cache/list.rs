//! What is in the cache on disk, and emptying it: for `cache list` and `cache clear`.
//!
//! Only files that are named as this cache names its own are looked at. Whatever else is in the directory is somebody else's.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::note::Note;
use super::{
    ArtifactKey, DiskCache, Header, OpenFailure, SUFFIX, TEMPORARY_AGE, TEMPORARY_PREFIX, open_own,
};

/// A note longer than this is no note: schemas are a few kilobytes.
const LONGEST_NOTE: u64 = 1 << 20;

/// One artifact in the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedArtifact {
    /// Its file.
    pub path: PathBuf,
    /// Length of its file in bytes.
    pub bytes: u64,
    /// When it was loaded or written last.
    pub used: SystemTime,
    /// What is known of it. `None`: the file is damaged, or of another version; it will be removed when it is asked for, or goes when
    /// room is needed.
    pub note: Option<Note>,
}

/// What [`DiskCache::clear`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Artifacts that were removed.
    pub removed: usize,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Artifacts that were used since.
    pub kept: usize,
    /// Their bytes.
    pub kept_bytes: u64,
    /// Files that could not be removed, and why.
    pub failed: Vec<(PathBuf, String)>,
}

impl DiskCache {
    /// The artifacts, those used last first. Their contents are not checked; that happens when one is loaded.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn entries(&self) -> std::io::Result<Vec<CachedArtifact>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.directory())? {
            let entry = entry?;
            if !is_artifact(&entry.file_name().to_string_lossy()) {
                continue;
            }
            // Another process may have removed it by now.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            found.push(CachedArtifact {
                note: read_note(&entry.path()),
                path: entry.path(),
                bytes: metadata.len(),
                used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
        found.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
        Ok(found)
    }

    /// The artifact filed under `key`, if one is.
    pub fn find(&self, key: &ArtifactKey) -> Option<CachedArtifact> {
        let path = self.directory().join(key.file_name());
        let metadata = std::fs::symlink_metadata(&path).ok()?;
        metadata.is_file().then(|| CachedArtifact {
            note: read_note(&path),
            bytes: metadata.len(),
            used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            path,
        })
    }

    /// How much it may hold, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Removes all artifacts that were not used for `unused_for`; all there are without it. Plugins that run are not disturbed.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn clear(&self, unused_for: Option<Duration>) -> std::io::Result<Cleared> {
        let now = SystemTime::now();
        let mut cleared = Cleared::default();
        for artifact in self.entries()? {
            // One from the future was used just now, by a clock that was set back since.
            let age = now.duration_since(artifact.used).unwrap_or_default();
            if unused_for.is_some_and(|least| age < least) {
                cleared.kept += 1;
                cleared.kept_bytes = cleared.kept_bytes.saturating_add(artifact.bytes);
                continue;
            }
            match std::fs::remove_file(&artifact.path) {
                Ok(()) => {
                    cleared.removed += 1;
                    cleared.removed_bytes = cleared.removed_bytes.saturating_add(artifact.bytes);
                }
                // Another process was quicker.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => cleared.failed.push((artifact.path, error.to_string())),
            }
        }
        self.remove_left_over();
        Ok(cleared)
    }

    /// Removes what dead writers left.
    pub(super) fn remove_left_over(&self) {
        let Ok(entries) = std::fs::read_dir(self.directory()) else {
            return;
        };
        let now = SystemTime::now();
        for entry in entries.filter_map(Result::ok) {
            let is_old = || {
                let written = entry.metadata().ok()?.modified().ok()?;
                Some(now.duration_since(written).ok()? > TEMPORARY_AGE)
            };
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(TEMPORARY_PREFIX) && is_old() == Some(true) {
                self.discard(&entry.path(), "left by a writer that died");
            }
        }
    }
}

/// Whether a file is named as the cache names its own: a key in hex.
pub(super) fn is_artifact(name: &str) -> bool {
    name.strip_suffix(SUFFIX)
        .is_some_and(|key| key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn read_note(path: &std::path::Path) -> Option<Note> {
    let mut file: File = match open_own(path) {
        Ok(file) => file,
        Err(OpenFailure::Absent | OpenFailure::Refused(_)) => return None,
    };
    let mut header = [0; Header::BYTES];
    file.read_exact(&mut header).ok()?;
    let length = Header::parse(&header)?.note_bytes;
    if length > LONGEST_NOTE {
        return None;
    }
    let mut note = Vec::new();
    file.take(length).read_to_end(&mut note).ok()?;
    Note::from_bytes(&note)
}
