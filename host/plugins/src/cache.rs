//! Compiled artifacts, kept from one run to the next.
//!
//! Compiling a plugin takes a tenth of a second and more, loading its artifact less than a millisecond. Two floors:
//! [`ArtifactCache`] in memory, by the content of the `.wasm`, and below it a [`DiskCache`] of files. The key of a file is the
//! BLAKE3 hash of content and *fingerprint*; the fingerprint is the engine's and names everything that the artifact depends
//! on besides the content (wasmer's and our artifact version, compiler and settings, target, CPU features). An artifact of
//! another engine therefore has another key, and none is ever loaded that does not fit. Beside each artifact is a [`Note`].
//!
//! **Trust.** An artifact is native code, and loading one is trusting whoever wrote it. The checksum in the file finds
//! damage, not malice. What keeps others out is the directory: it must belong to the running user and be closed to all
//! others (mode 0700), and so must be each file (no link, the user's own). Where that is not so, or cannot be checked (not
//! Unix), there is no cache on disk, and a warning in the log says why.
//!
//! **Failure.** A cache that fails is a cache miss: nothing here returns an error. Damaged and foreign files are removed.
//!
//! **Writers.** Each writes a temporary file of its own and renames it, so that readers see whole files only and the last of
//! several writers of the same artifact wins. The size is bounded: after a write the files used longest ago go. A read
//! sets the file's modification time, which is what *used* means here (access times are often switched off).

mod list;
mod note;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;
use tracing::{debug, warn};
use xxhash_rust::xxh3::Xxh3;

pub use list::{CachedArtifact, Cleared};
pub use note::Note;
pub(crate) use note::now;

/// Names the environment variable that moves the cache's directory; empty switches the cache on disk off.
pub const DIRECTORY_VARIABLE: &str = "CHIPMUNK_PLUGINS_CACHE";

/// How much the directory may hold by default, in bytes: some hundred plugins.
pub const DEFAULT_MAX_BYTES: u64 = 512 << 20;

/// First bytes of every file. The digit is the version of the layout below: 1 had no note, and BLAKE3 for a checksum.
const MAGIC: [u8; 8] = *b"CHPLART2";
const SUFFIX: &str = ".artifact";
const TEMPORARY_PREFIX: &str = ".tmp-";
/// A temporary file older than this was left by a writer that died.
const TEMPORARY_AGE: Duration = Duration::from_secs(60 * 60);

/// Whether an artifact was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheOutcome {
    /// It was loaded, from memory or disk.
    Hit,
    /// It was compiled.
    Miss,
}

/// What an artifact is filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArtifactKey([u8; 32]);

impl ArtifactKey {
    /// The key of the artifact that the engine with this `fingerprint` makes of a `.wasm` with this hash.
    pub fn new(content: &ContentHash, fingerprint: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("chipmunk-plugins artifact key v1");
        // Of fixed length, so that content and fingerprint cannot run into each other.
        hasher.update(content.0.as_bytes());
        hasher.update(&crate::facts::VERSION.to_le_bytes());
        hasher.update(fingerprint.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    fn file_name(&self) -> String {
        format!("{}{SUFFIX}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// The BLAKE3 hash of a `.wasm` file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(blake3::Hash);

impl ContentHash {
    /// Of these bytes.
    pub fn of(content: &[u8]) -> Self {
        Self(blake3::hash(content))
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

/// The first bytes of a file, all numbers little endian: magic, key, XXH3-128 of everything behind the header, length of the note,
/// length of the artifact, and zeros. The note follows, then zeros up to a multiple of 16, then the artifact, so that it can be
/// used where the file is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    key: [u8; 32],
    checksum: u128,
    note_bytes: u64,
    artifact_bytes: u64,
}

impl Header {
    const BYTES: usize = 80;
    /// What an artifact in the file is aligned to.
    const ALIGNMENT: usize = 16;

    /// `None` when it is of another kind or version.
    fn parse(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        let (checksum, rest) = rest.split_first_chunk::<16>()?;
        let (note_bytes, rest) = rest.split_first_chunk::<8>()?;
        let (artifact_bytes, zeros) = rest.split_first_chunk::<8>()?;
        (*magic == MAGIC && zeros.iter().all(|&byte| byte == 0)).then_some(Self {
            key: *key,
            checksum: u128::from_le_bytes(*checksum),
            note_bytes: u64::from_le_bytes(*note_bytes),
            artifact_bytes: u64::from_le_bytes(*artifact_bytes),
        })
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let parts: [&[u8]; 5] = [
            &MAGIC,
            &self.key,
            &self.checksum.to_le_bytes(),
            &self.note_bytes.to_le_bytes(),
            &self.artifact_bytes.to_le_bytes(),
        ];
        let mut bytes = [0; Self::BYTES];
        for (place, byte) in bytes.iter_mut().zip(parts.concat()) {
            *place = byte;
        }
        bytes
    }
}

/// What a file of the cache holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// The artifact; memory that is mapped and does not change.
    pub artifact: Bytes,
    /// What is known of it. `None`: a note that this version does not understand.
    pub note: Option<Note>,
}

/// Artifacts as files of a directory that only the running user can reach.
#[derive(Debug)]
pub struct DiskCache {
    directory: PathBuf,
    max_bytes: u64,
}

impl DiskCache {
    /// Opens the cache in `directory`, which is made when it is not there. `None`, with a warning in the log, when the
    /// directory cannot be made or is not the user's own and closed to others.
    pub fn open(directory: &Path, max_bytes: u64) -> Option<Self> {
        match Self::try_open(directory, max_bytes) {
            Ok(cache) => Some(cache),
            Err(reason) => {
                warn!(
                    directory = %directory.display(),
                    "no cache of compiled plugins, they are compiled at every start: {reason}"
                );
                None
            }
        }
    }

    /// As [`DiskCache::open`], for who wants the cache itself.
    ///
    /// # Errors
    /// Why the directory is not used.
    pub fn try_open(directory: &Path, max_bytes: u64) -> Result<Self, String> {
        prepare(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            max_bytes,
        })
    }

    /// The directory to use without being told: [`DIRECTORY_VARIABLE`], or `chipmunk-plugins/modules` in the user's cache
    /// directory. `None` when neither is known, or when the variable is empty.
    pub fn default_directory() -> Option<PathBuf> {
        if let Some(named) = std::env::var_os(DIRECTORY_VARIABLE) {
            return (!named.is_empty()).then(|| PathBuf::from(named));
        }
        // The XDG specification: relative paths in the variable are invalid and to be ignored.
        let xdg = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute());
        let base = xdg.or_else(|| {
            std::env::home_dir()
                .filter(|home| home.is_absolute())
                .map(|home| home.join(".cache"))
        });
        base.map(|base| base.join("chipmunk-plugins").join("modules"))
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The artifact filed under `key`. `None` when there is none; a file that is damaged, or not what its name says, is
    /// removed.
    pub fn load(&self, key: &ArtifactKey) -> Option<Filed> {
        let path = self.directory.join(key.file_name());
        let file = match open_own(&path) {
            Ok(file) => file,
            Err(OpenFailure::Absent) => return None,
            Err(OpenFailure::Refused(reason)) => {
                self.discard(&path, &reason);
                return None;
            }
        };
        match map_checked(&file, key) {
            Ok(filed) => {
                // Not being able to say that it was used makes it go earlier, no more.
                let _ = file.set_modified(SystemTime::now());
                Some(filed)
            }
            Err(reason) => {
                self.discard(&path, &reason);
                None
            }
        }
    }

    /// Files `artifact` under `key`, and removes what is too much. Failing is noted in the log only; true if it is there now.
    pub fn store(&self, key: &ArtifactKey, note: &Note, artifact: &[u8]) -> bool {
        let written = self.write(key, &note.to_bytes(), artifact);
        if let Err(error) = &written {
            debug!(directory = %self.directory.display(), "a compiled plugin could not be kept: {error}");
        }
        self.prune();
        written.is_ok()
    }

    /// Removes the artifact filed under `key`, which turned out not to be usable.
    pub fn remove(&self, key: &ArtifactKey) {
        self.discard(
            &self.directory.join(key.file_name()),
            "the engine does not take it",
        );
    }

    fn discard(&self, path: &Path, reason: &str) {
        debug!(file = %path.display(), "removed from the cache: {reason}");
        let _ = std::fs::remove_file(path);
    }

    fn write(&self, key: &ArtifactKey, note: &[u8], artifact: &[u8]) -> std::io::Result<()> {
        let padding = note.len().next_multiple_of(Header::ALIGNMENT) - note.len();
        let padding = [0; Header::ALIGNMENT]
            .get(..padding)
            .unwrap_or_default()
            .to_vec();
        let mut checksum = Xxh3::new();
        for part in [note, &padding, artifact] {
            checksum.update(part);
        }
        let header = Header {
            key: key.0,
            checksum: checksum.digest128(),
            note_bytes: note.len() as u64,
            artifact_bytes: artifact.len() as u64,
        };
        // Made with mode 0600, and removed when dropped before `persist`.
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempfile_in(&self.directory)?;
        for part in [&header.to_bytes(), note, &padding, artifact] {
            file.write_all(part)?;
        }
        file.flush()?;
        // No fsync: a file that a power failure tore is found by its checksum.
        file.persist(self.directory.join(key.file_name()))
            .map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the files used longest ago until the rest fits, and what dead writers left.
    fn prune(&self) {
        self.remove_left_over();
        let Ok(entries) = std::fs::read_dir(&self.directory) else {
            return;
        };
        let mut files = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            if !list::is_artifact(&entry.file_name().to_string_lossy()) {
                continue;
            }
            // Another process may have removed it by now.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((used, metadata.len(), entry.path()));
        }
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        files.sort();
        for (_, length, path) in files {
            if total <= self.max_bytes {
                break;
            }
            self.discard(&path, "used longest ago, and the cache is full");
            total = total.saturating_sub(length);
        }
    }
}

/// Maps and checks the whole file; says what is wrong with it otherwise.
fn map_checked(file: &File, key: &ArtifactKey) -> Result<Filed, String> {
    // SAFETY: the memory must not change. The file is this user's own and nobody else can write it (`open_own`), in a directory that
    // nobody else can reach (`prepare`); this cache never writes into a file that has its name, but makes another one and
    // renames it; and a file that is removed stays as long as it is mapped.
    let mapped = unsafe { memmap2::Mmap::map(file) };
    let mapped = Bytes::from_owner(mapped.map_err(|error| format!("it cannot be read: {error}"))?);
    let (header, body) = mapped
        .split_first_chunk::<{ Header::BYTES }>()
        .ok_or("it is too short")?;
    let header = Header::parse(header).ok_or("it is of another kind or version")?;
    if header.key != key.0 {
        return Err("it belongs to another plugin or engine".to_owned());
    }
    let parts = || {
        let note = usize::try_from(header.note_bytes).ok()?;
        let begin = note.checked_next_multiple_of(Header::ALIGNMENT)?;
        let artifact = usize::try_from(header.artifact_bytes).ok()?;
        (begin.checked_add(artifact)? == body.len()).then_some((note, begin))
    };
    let (note, begin) = parts().ok_or("its length is not what its header says")?;
    if xxhash_rust::xxh3::xxh3_128(body) != header.checksum {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(Filed {
        note: body.get(..note).and_then(Note::from_bytes),
        artifact: mapped.slice(Header::BYTES + begin..),
    })
}

enum OpenFailure {
    Absent,
    Refused(String),
}

#[cfg(unix)]
fn prepare(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let result = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    result.map_err(|error| format!("it cannot be made: {error}"))?;
    let metadata = std::fs::symlink_metadata(directory)
        .map_err(|error| format!("it cannot be looked at: {error}"))?;
    if !metadata.is_dir() {
        return Err("it is a link, or no directory".to_owned());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user".to_owned());
    }
    let mode = metadata.mode() & 0o7777;
    if mode != 0o700 {
        return Err(format!(
            "its mode is {mode:03o}; do `chmod 700` so that nobody else can put code there"
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn prepare(_directory: &Path) -> Result<(), String> {
    Err("who may write there cannot be checked on this system".to_owned())
}

#[cfg(unix)]
fn open_own(path: &Path) -> Result<File, OpenFailure> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    // A link is not followed, and a pipe with no writer is not waited for.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => OpenFailure::Absent,
            _ => OpenFailure::Refused(format!("it cannot be opened: {error}")),
        })?;
    let metadata = file
        .metadata()
        .map_err(|error| OpenFailure::Refused(format!("it cannot be looked at: {error}")))?;
    if !metadata.is_file()
        || metadata.uid() != rustix::process::geteuid().as_raw()
        || metadata.mode() & 0o022 != 0
    {
        return Err(OpenFailure::Refused(
            "it is not a file that only this user can write".to_owned(),
        ));
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open_own(_path: &Path) -> Result<File, OpenFailure> {
    Err(OpenFailure::Absent)
}

/// Compiled components by content: in memory, and on disk where there is a [`DiskCache`].
///
/// `C` is the component. It is a parameter so that this file knows nothing of compilers.
#[derive(Debug)]
pub struct ArtifactCache<C> {
    memory: Mutex<HashMap<ArtifactKey, Arc<C>>>,
    disk: Option<DiskCache>,
}

impl<C> ArtifactCache<C> {
    /// A cache over `disk`.
    pub fn new(disk: Option<DiskCache>) -> Self {
        Self {
            memory: Mutex::new(HashMap::new()),
            disk,
        }
    }

    /// All that are in memory.
    pub fn in_memory(&self) -> Vec<Arc<C>> {
        self.lock().values().cloned().collect()
    }

    /// The floor below.
    pub fn disk(&self) -> Option<&DiskCache> {
        self.disk.as_ref()
    }

    /// The component filed under `key`: from memory, or from disk through `load`, or from `compile`, which returns the artifact
    /// to keep as well where it has one. An artifact that `load` refuses is removed and compiled anew.
    ///
    /// Two threads that ask for the same key at once may both compile; the first to end is kept.
    ///
    /// # Errors
    /// Those of `compile`.
    pub fn get<E: std::fmt::Display>(
        &self,
        key: ArtifactKey,
        load: impl FnOnce(Filed) -> Result<Arc<C>, E>,
        compile: impl FnOnce() -> Result<(Arc<C>, Option<(Note, Vec<u8>)>), E>,
    ) -> Result<(Arc<C>, CacheOutcome), E> {
        if let Some(component) = self.lock().get(&key) {
            return Ok((component.clone(), CacheOutcome::Hit));
        }
        if let Some(filed) = self.disk.as_ref().and_then(|disk| disk.load(&key)) {
            match load(filed) {
                Ok(component) => return Ok((self.keep(key, component), CacheOutcome::Hit)),
                Err(error) => {
                    debug!("a cached artifact was refused: {error}");
                    self.disk.iter().for_each(|disk| disk.remove(&key));
                }
            }
        }
        let (component, artifact) = compile()?;
        if let (Some(disk), Some((note, artifact))) = (&self.disk, artifact) {
            disk.store(&key, &note, &artifact);
        }
        Ok((self.keep(key, component), CacheOutcome::Miss))
    }

    fn keep(&self, key: ArtifactKey, component: Arc<C>) -> Arc<C> {
        self.lock().entry(key).or_insert(component).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ArtifactKey, Arc<C>>> {
        // Nothing panics while it is held; if something did, the map is whole all the same.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn cache(max_bytes: u64) -> (tempfile::TempDir, DiskCache) {
        let dir = tempfile::tempdir().expect("temp dir");
        let cache =
            DiskCache::open(&dir.path().join("a/b"), max_bytes).expect("a fresh directory is ours");
        (dir, cache)
    }

    fn key(name: &str) -> ArtifactKey {
        ArtifactKey::new(&ContentHash::of(name.as_bytes()), "engine")
    }

    fn note() -> Note {
        Note {
            plugin: "x".to_owned(),
            blake3: "00".to_owned(),
            wasm_bytes: 8,
            compiler: "none".to_owned(),
            compile_ms: 1,
            compiled_at: 2,
            facts: None,
        }
    }

    fn store(cache: &DiskCache, key: &ArtifactKey, artifact: &[u8]) {
        assert!(cache.store(key, &note(), artifact));
    }

    /// The artifact, which has the note that all have here.
    fn load(cache: &DiskCache, key: &ArtifactKey) -> Option<Vec<u8>> {
        let filed = cache.load(key)?;
        assert_eq!(filed.note, Some(note()));
        assert!(
            filed
                .artifact
                .as_ptr()
                .addr()
                .is_multiple_of(Header::ALIGNMENT)
        );
        Some(filed.artifact.to_vec())
    }

    fn files(cache: &DiskCache) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(cache.directory()).expect("the directory is there");
        let mut paths: Vec<_> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        paths
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        assert_eq!(load(&cache, &key("x")), None);
        store(&cache, &key("x"), b"artifact of x");
        store(&cache, &key("empty"), b"");
        assert_eq!(load(&cache, &key("x")), Some(b"artifact of x".to_vec()));
        assert_eq!(load(&cache, &key("empty")), Some(Vec::new()));
        store(&cache, &key("x"), b"another");
        assert_eq!(load(&cache, &key("x")), Some(b"another".to_vec()));
    }

    #[test]
    fn directory_and_files_are_closed_to_others() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        store(&cache, &key("x"), b"artifact");
        let mode = |path: &Path| {
            std::fs::metadata(path)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o7777
        };
        assert_eq!(mode(cache.directory()), 0o700);
        assert_eq!(
            files(&cache)
                .iter()
                .map(|path| mode(path))
                .collect::<Vec<_>>(),
            [0o600]
        );
    }

    #[test]
    fn a_directory_open_to_others_is_no_cache() {
        let dir = tempfile::tempdir().expect("temp dir");
        for mode in [0o755, 0o770, 0o777, 0o1777] {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode))
                .expect("it is ours");
            assert!(DiskCache::open(dir.path(), 1).is_none(), "mode {mode:o}");
        }
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700))
            .expect("it is ours");
        assert!(DiskCache::open(dir.path(), 1).is_some());
    }

    #[test]
    fn links_and_files_are_no_cache() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (real, link, file) = (
            dir.path().join("real"),
            dir.path().join("link"),
            dir.path().join("file"),
        );
        assert!(DiskCache::open(&real, 1).is_some());
        std::os::unix::fs::symlink(&real, &link).expect("links can be made");
        std::fs::write(&file, b"").expect("files can be written");
        assert!(DiskCache::open(&link, 1).is_none());
        assert!(DiskCache::open(&file, 1).is_none());
    }

    #[test]
    fn every_damage_is_a_miss_and_the_file_goes() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        store(&cache, &key("x"), b"artifact");
        let path = files(&cache).pop().expect("one file");
        let whole = std::fs::read(&path).expect("it is readable");
        let damage = |content: &[u8]| {
            std::fs::write(&path, content).expect("it is writable");
            assert_eq!(load(&cache, &key("x")), None, "{content:02x?}");
            assert!(!path.exists());
        };
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 0x10);
            damage(&flipped);
            damage(whole.get(..at).unwrap_or_default());
        }
        damage(&[whole.as_slice(), b"more"].concat());
        std::fs::write(&path, &whole).expect("it is writable");
        assert_eq!(load(&cache, &key("x")), Some(b"artifact".to_vec()));
    }

    #[test]
    fn a_file_of_another_key_engine_or_owner_is_not_taken() {
        let (dir, cache) = cache(DEFAULT_MAX_BYTES);
        let content = ContentHash::of(b"x");
        let (one, two) = (
            ArtifactKey::new(&content, "engine 1"),
            ArtifactKey::new(&content, "engine 2"),
        );
        store(&cache, &one, b"artifact");
        assert_eq!(load(&cache, &two), None);
        // Renamed to the other's name.
        let path = |key: &ArtifactKey| cache.directory().join(key.file_name());
        std::fs::rename(path(&one), path(&two)).expect("both are there");
        assert_eq!(load(&cache, &two), None);
        assert!(files(&cache).is_empty());
        // A link to a good file elsewhere.
        store(&cache, &one, b"artifact");
        let elsewhere = dir.path().join("elsewhere");
        std::fs::rename(path(&one), &elsewhere).expect("both are there");
        std::os::unix::fs::symlink(&elsewhere, path(&one)).expect("links can be made");
        assert_eq!(load(&cache, &one), None);
        // A file that others can write.
        store(&cache, &one, b"artifact");
        std::fs::set_permissions(path(&one), std::fs::Permissions::from_mode(0o666))
            .expect("it is ours");
        assert_eq!(load(&cache, &one), None);
    }

    #[test]
    fn the_files_used_longest_ago_go_when_it_is_full() {
        let note = note().to_bytes().len();
        let file = Header::BYTES + note.next_multiple_of(Header::ALIGNMENT) + 100;
        let (_dir, cache) = cache(3 * file as u64);
        let at = |name: &str, seconds: u64| {
            let path = cache.directory().join(key(name).file_name());
            let file = OpenOptions::new()
                .write(true)
                .open(path)
                .expect("it is there");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
                .expect("it is ours");
        };
        for (seconds, name) in ["a", "b", "c"].iter().enumerate() {
            store(&cache, &key(name), &[0; 100]);
            at(name, seconds as u64);
        }
        assert!(load(&cache, &key("a")).is_some(), "and so it was used last");
        store(&cache, &key("d"), &[0; 100]);
        let left = ["a", "b", "c", "d"].map(|name| load(&cache, &key(name)).is_some());
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn what_dead_writers_left_is_removed_and_living_writers_are_left_alone() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        let (dead, living) = (
            cache.directory().join(".tmp-dead"),
            cache.directory().join(".tmp-living"),
        );
        for path in [&dead, &living] {
            std::fs::write(path, b"half").expect("it is writable");
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&dead)
            .expect("it is there");
        file.set_modified(SystemTime::UNIX_EPOCH)
            .expect("it is ours");
        store(&cache, &key("x"), b"artifact");
        assert_eq!((dead.exists(), living.exists()), (false, true));
    }

    #[test]
    fn memory_comes_before_disk_and_disk_before_compiling() {
        let (_dir, disk) = cache(DEFAULT_MAX_BYTES);
        let directory = disk.directory().to_owned();
        let compiled = AtomicUsize::new(0);
        let get = |cache: &ArtifactCache<Vec<u8>>| {
            let compile = || {
                compiled.fetch_add(1, Ordering::Relaxed);
                Ok::<_, String>((
                    Arc::new(b"native".to_vec()),
                    Some((note(), b"native".to_vec())),
                ))
            };
            let (component, outcome) = cache.get(
                key("x"),
                |filed| Ok(Arc::new(filed.artifact.to_vec())),
                compile,
            )?;
            Ok::<_, String>((component.to_vec(), outcome))
        };
        let first = ArtifactCache::new(Some(disk));
        assert_eq!(get(&first), Ok((b"native".to_vec(), CacheOutcome::Miss)));
        assert_eq!(get(&first), Ok((b"native".to_vec(), CacheOutcome::Hit)));
        let second = ArtifactCache::new(DiskCache::open(&directory, DEFAULT_MAX_BYTES));
        assert_eq!(get(&second), Ok((b"native".to_vec(), CacheOutcome::Hit)));
        assert_eq!(compiled.load(Ordering::Relaxed), 1);
        let none = ArtifactCache::new(None);
        assert_eq!(get(&none), Ok((b"native".to_vec(), CacheOutcome::Miss)));
    }

    #[test]
    fn an_artifact_that_the_engine_refuses_is_compiled_anew() {
        let (_dir, disk) = cache(DEFAULT_MAX_BYTES);
        store(&disk, &key("x"), b"old");
        let directory = disk.directory().to_owned();
        let cache = ArtifactCache::new(Some(disk));
        let got = cache.get(
            key("x"),
            |_| Err("no"),
            || Ok((Arc::new(1), Some((note(), b"new".to_vec())))),
        );
        assert_eq!(
            got.map(|(component, outcome)| (*component, outcome)),
            Ok((1, CacheOutcome::Miss))
        );
        let disk = DiskCache::open(&directory, DEFAULT_MAX_BYTES).expect("as before");
        assert_eq!(load(&disk, &key("x")), Some(b"new".to_vec()));
    }

    #[test]
    fn entries_are_the_artifacts_with_their_notes_the_last_used_first() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        assert_eq!(cache.entries().ok(), Some(Vec::new()));
        let path = |name: &str| cache.directory().join(key(name).file_name());
        let used = |name: &str, seconds: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let file = OpenOptions::new().write(true).open(path(name));
            file.and_then(|file| file.set_modified(time))
                .expect("it is ours");
            time
        };
        store(&cache, &key("old"), b"artifact");
        store(&cache, &key("new"), b"another");
        std::fs::write(path("damaged"), b"CHPLART2 and nothing").expect("it is writable");
        std::fs::write(cache.directory().join("foreign.artifact"), b"x").expect("it is writable");
        let entry = |name: &str, seconds: u64, note: Option<Note>| CachedArtifact {
            used: used(name, seconds),
            bytes: std::fs::metadata(path(name)).map_or(0, |metadata| metadata.len()),
            path: path(name),
            note,
        };
        let expected = vec![
            entry("new", 30, Some(note())),
            entry("damaged", 20, None),
            entry("old", 10, Some(note())),
        ];
        assert_eq!(cache.entries().ok(), Some(expected.clone()));
        assert_eq!(cache.find(&key("old")), expected.last().cloned());
        assert_eq!(cache.find(&key("none")), None);
    }

    #[test]
    fn clearing_takes_what_was_not_used_and_nothing_that_is_not_the_caches() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        for name in ["a", "b", "c"] {
            store(&cache, &key(name), name.as_bytes());
        }
        let bytes = |names: &[&str]| {
            let sizes = names
                .iter()
                .map(|name| cache.find(&key(name)).map_or(0, |found| found.bytes));
            sizes.sum::<u64>()
        };
        let file = OpenOptions::new()
            .write(true)
            .open(cache.directory().join(key("a").file_name()));
        file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
            .expect("it is ours");
        let foreign = ["notes.txt", "0123.artifact", ".tmp-of-a-writer"];
        for name in foreign {
            std::fs::write(cache.directory().join(name), b"x").expect("it is writable");
        }
        let (removed_bytes, kept_bytes) = (bytes(&["a"]), bytes(&["b", "c"]));
        assert_eq!(
            cache.clear(Some(Duration::from_secs(60))).ok(),
            Some(Cleared {
                removed: 1,
                removed_bytes,
                kept: 2,
                kept_bytes,
                failed: Vec::new()
            })
        );
        // What is mapped stays readable.
        let mapped = cache.load(&key("b")).expect("it is there");
        assert_eq!(
            cache.clear(None).ok(),
            Some(Cleared {
                removed: 2,
                removed_bytes: kept_bytes,
                ..Cleared::default()
            })
        );
        assert_eq!(mapped.artifact.as_ref(), b"b");
        let mut left: Vec<_> = files(&cache)
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        left.sort();
        let mut expected = foreign.map(str::to_owned);
        expected.sort();
        assert_eq!(left, expected);
    }

    /// The artifact that everybody writes under this key in the tests of concurrency: of a length that depends on the writer.
    fn artifact(writer: usize) -> Vec<u8> {
        vec![writer as u8; 50_000 + writer * 1_000]
    }

    fn write_and_read(directory: &Path, writer: usize) {
        let cache = DiskCache::open(directory, 2_000_000).expect("it was made before");
        for round in 0..50 {
            let key = key(&format!("shared {}", round % 3));
            store(&cache, &key, &artifact(writer));
            // Somebody's whole artifact, or none if it was just removed as damaged or old: never a mixture.
            if let Some(read) = load(&cache, &key) {
                let writer = read.first().copied().map_or(0, usize::from);
                assert_eq!(read, artifact(writer));
            }
        }
    }

    #[test]
    fn many_threads_write_and_read_whole_files_only() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        std::thread::scope(|scope| {
            for writer in 1..=8 {
                let directory = cache.directory();
                scope.spawn(move || write_and_read(directory, writer));
            }
        });
        assert_eq!(files(&cache).len(), 3);
    }

    const CHILD: &str = "CHIPMUNK_PLUGINS_TEST_CACHE_CHILD";

    #[test]
    #[ignore = "the processes of the next test"]
    fn child_process() {
        let Ok(told) = std::env::var(CHILD) else {
            return;
        };
        let (writer, directory) = told.split_once(':').expect("as the parent writes it");
        write_and_read(Path::new(directory), writer.parse().expect("a number"));
    }

    #[test]
    fn many_processes_write_and_read_whole_files_only() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        let program = std::env::current_exe().expect("a test has a program");
        let children: Vec<_> = (1..=4)
            .map(|writer| {
                Command::new(&program)
                    .args([
                        "--exact",
                        "cache::tests::child_process",
                        "--ignored",
                        "--quiet",
                    ])
                    .env(CHILD, format!("{writer}:{}", cache.directory().display()))
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .expect("the test can start itself")
            })
            .collect();
        for mut child in children {
            assert!(child.wait().expect("it ends").success());
        }
        assert_eq!(files(&cache).len(), 3);
        for round in 0..3 {
            assert!(load(&cache, &key(&format!("shared {round}"))).is_some());
        }
    }
}
