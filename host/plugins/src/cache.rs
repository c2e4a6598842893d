//! Compiled artifacts, kept from one run to the next.
//!
//! Compiling a plugin takes a fifth of a second and more, loading its artifact less than a millisecond. Two floors:
//! [`ArtifactCache`] in memory, by the content of the `.wasm`, and below it a [`DiskCache`] of files. The key of a file is the
//! BLAKE3 hash of content and *fingerprint*; the fingerprint is the engine's and names everything that the artifact depends
//! on besides the content (wasmer's and our artifact version, compiler and settings, target, CPU features). An artifact of
//! another engine therefore has another key, and none is ever loaded that does not fit.
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

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tracing::{debug, warn};

/// Names the environment variable that moves the cache's directory; empty switches the cache on disk off.
pub const DIRECTORY_VARIABLE: &str = "CHIPMUNK_PLUGINS_CACHE";

/// How much the directory may hold by default, in bytes: some hundred plugins.
pub const DEFAULT_MAX_BYTES: u64 = 512 << 20;

/// First bytes of every file. The digit is the version of the layout below.
const MAGIC: [u8; 8] = *b"CHPLART1";
/// Magic, key, checksum of the artifact, length of the artifact (little endian).
const HEADER_BYTES: usize = 8 + 32 + 32 + 8;
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
        match prepare(directory) {
            Ok(()) => Some(Self {
                directory: directory.to_owned(),
                max_bytes,
            }),
            Err(reason) => {
                warn!(
                    directory = %directory.display(),
                    "no cache of compiled plugins, they are compiled at every start: {reason}"
                );
                None
            }
        }
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
    pub fn load(&self, key: &ArtifactKey) -> Option<Vec<u8>> {
        let path = self.directory.join(key.file_name());
        let file = match open_own(&path) {
            Ok(file) => file,
            Err(OpenFailure::Absent) => return None,
            Err(OpenFailure::Refused(reason)) => {
                self.discard(&path, &reason);
                return None;
            }
        };
        match read_checked(&file, key) {
            Ok(artifact) => {
                // Not being able to say that it was used makes it go earlier, no more.
                let _ = file.set_modified(SystemTime::now());
                Some(artifact)
            }
            Err(reason) => {
                self.discard(&path, &reason);
                None
            }
        }
    }

    /// Files `artifact` under `key`, and removes what is too much. Failing is noted in the log only.
    pub fn store(&self, key: &ArtifactKey, artifact: &[u8]) {
        if let Err(error) = self.write(key, artifact) {
            debug!(directory = %self.directory.display(), "a compiled plugin could not be kept: {error}");
        }
        self.prune();
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

    fn write(&self, key: &ArtifactKey, artifact: &[u8]) -> std::io::Result<()> {
        // Made with mode 0600, and removed when dropped before `persist`.
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempfile_in(&self.directory)?;
        file.write_all(&MAGIC)?;
        file.write_all(&key.0)?;
        file.write_all(blake3::hash(artifact).as_bytes())?;
        file.write_all(&(artifact.len() as u64).to_le_bytes())?;
        file.write_all(artifact)?;
        file.flush()?;
        // No fsync: a file that a power failure tore is found by its checksum.
        file.persist(self.directory.join(key.file_name()))
            .map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the files used longest ago until the rest fits, and what dead writers left.
    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.directory) else {
            return;
        };
        let now = SystemTime::now();
        let mut files = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Another process may have removed it by now.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.starts_with(TEMPORARY_PREFIX) {
                if now
                    .duration_since(used)
                    .is_ok_and(|age| age > TEMPORARY_AGE)
                {
                    self.discard(&entry.path(), "left by a writer that died");
                }
            } else if name.ends_with(SUFFIX) {
                files.push((used, metadata.len(), entry.path()));
            }
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

/// Reads and checks the whole file; says what is wrong with it otherwise.
fn read_checked(mut file: &File, key: &ArtifactKey) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header).map_err(unreadable)?;
    let (magic, rest) = header.split_at(8);
    let (filed_under, rest) = rest.split_at(32);
    let (checksum, length) = rest.split_at(32);
    if magic != MAGIC {
        return Err("it is of another kind or version".to_owned());
    }
    if filed_under != key.0 {
        return Err("it belongs to another plugin or engine".to_owned());
    }
    let length = length
        .try_into()
        .map(u64::from_le_bytes)
        .unwrap_or(u64::MAX);
    let present = file.metadata().map_err(unreadable)?.len();
    // Before anything is allocated by a number out of the file.
    if present.checked_sub(HEADER_BYTES as u64) != Some(length) {
        return Err("its length is not what its header says".to_owned());
    }
    let mut artifact = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.read_to_end(&mut artifact).map_err(unreadable)?;
    if blake3::hash(&artifact).as_bytes() != checksum {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(artifact)
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
        load: impl FnOnce(&[u8]) -> Result<C, E>,
        compile: impl FnOnce() -> Result<(C, Option<Vec<u8>>), E>,
    ) -> Result<(Arc<C>, CacheOutcome), E> {
        if let Some(component) = self.lock().get(&key) {
            return Ok((component.clone(), CacheOutcome::Hit));
        }
        if let Some(artifact) = self.disk.as_ref().and_then(|disk| disk.load(&key)) {
            match load(&artifact) {
                Ok(component) => return Ok((self.keep(key, component), CacheOutcome::Hit)),
                Err(error) => {
                    debug!("a cached artifact was refused: {error}");
                    self.disk.iter().for_each(|disk| disk.remove(&key));
                }
            }
        }
        let (component, artifact) = compile()?;
        if let (Some(disk), Some(artifact)) = (&self.disk, artifact) {
            disk.store(&key, &artifact);
        }
        Ok((self.keep(key, component), CacheOutcome::Miss))
    }

    fn keep(&self, key: ArtifactKey, component: C) -> Arc<C> {
        self.lock()
            .entry(key)
            .or_insert_with(|| Arc::new(component))
            .clone()
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
        assert_eq!(cache.load(&key("x")), None);
        cache.store(&key("x"), b"artifact of x");
        cache.store(&key("empty"), b"");
        assert_eq!(cache.load(&key("x")), Some(b"artifact of x".to_vec()));
        assert_eq!(cache.load(&key("empty")), Some(Vec::new()));
        cache.store(&key("x"), b"another");
        assert_eq!(cache.load(&key("x")), Some(b"another".to_vec()));
    }

    #[test]
    fn directory_and_files_are_closed_to_others() {
        let (_dir, cache) = cache(DEFAULT_MAX_BYTES);
        cache.store(&key("x"), b"artifact");
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
        cache.store(&key("x"), b"artifact");
        let path = files(&cache).pop().expect("one file");
        let whole = std::fs::read(&path).expect("it is readable");
        let damage = |content: &[u8]| {
            std::fs::write(&path, content).expect("it is writable");
            assert_eq!(cache.load(&key("x")), None, "{content:02x?}");
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
        assert_eq!(cache.load(&key("x")), Some(b"artifact".to_vec()));
    }

    #[test]
    fn a_file_of_another_key_engine_or_owner_is_not_taken() {
        let (dir, cache) = cache(DEFAULT_MAX_BYTES);
        let content = ContentHash::of(b"x");
        let (one, two) = (
            ArtifactKey::new(&content, "engine 1"),
            ArtifactKey::new(&content, "engine 2"),
        );
        cache.store(&one, b"artifact");
        assert_eq!(cache.load(&two), None);
        // Renamed to the other's name.
        let path = |key: &ArtifactKey| cache.directory().join(key.file_name());
        std::fs::rename(path(&one), path(&two)).expect("both are there");
        assert_eq!(cache.load(&two), None);
        assert!(files(&cache).is_empty());
        // A link to a good file elsewhere.
        cache.store(&one, b"artifact");
        let elsewhere = dir.path().join("elsewhere");
        std::fs::rename(path(&one), &elsewhere).expect("both are there");
        std::os::unix::fs::symlink(&elsewhere, path(&one)).expect("links can be made");
        assert_eq!(cache.load(&one), None);
        // A file that others can write.
        cache.store(&one, b"artifact");
        std::fs::set_permissions(path(&one), std::fs::Permissions::from_mode(0o666))
            .expect("it is ours");
        assert_eq!(cache.load(&one), None);
    }

    #[test]
    fn the_files_used_longest_ago_go_when_it_is_full() {
        let (_dir, cache) = cache(3 * (HEADER_BYTES as u64 + 100));
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
            cache.store(&key(name), &[0; 100]);
            at(name, seconds as u64);
        }
        assert!(cache.load(&key("a")).is_some(), "and so it was used last");
        cache.store(&key("d"), &[0; 100]);
        let left = ["a", "b", "c", "d"].map(|name| cache.load(&key(name)).is_some());
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
        cache.store(&key("x"), b"artifact");
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
                Ok::<_, String>((b"native".to_vec(), Some(b"native".to_vec())))
            };
            let (component, outcome) = cache.get(key("x"), |bytes| Ok(bytes.to_vec()), compile)?;
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
        disk.store(&key("x"), b"old");
        let directory = disk.directory().to_owned();
        let cache = ArtifactCache::new(Some(disk));
        let got = cache.get(key("x"), |_| Err("no"), || Ok((1, Some(b"new".to_vec()))));
        assert_eq!(
            got.map(|(component, outcome)| (*component, outcome)),
            Ok((1, CacheOutcome::Miss))
        );
        let disk = DiskCache::open(&directory, DEFAULT_MAX_BYTES).expect("as before");
        assert_eq!(disk.load(&key("x")), Some(b"new".to_vec()));
    }

    /// The artifact that everybody writes under this key in the tests of concurrency: of a length that depends on the writer.
    fn artifact(writer: usize) -> Vec<u8> {
        vec![writer as u8; 50_000 + writer * 1_000]
    }

    fn write_and_read(directory: &Path, writer: usize) {
        let cache = DiskCache::open(directory, 2_000_000).expect("it was made before");
        for round in 0..50 {
            let key = key(&format!("shared {}", round % 3));
            cache.store(&key, &artifact(writer));
            // Somebody's whole artifact, or none if it was just removed as damaged or old: never a mixture.
            if let Some(read) = cache.load(&key) {
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
            assert!(cache.load(&key(&format!("shared {round}"))).is_some());
        }
    }
}
