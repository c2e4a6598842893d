//! What a guest is allowed to reach: directories and single files, to read or to write, under a path of the guest's.
//!
//! A [`Grant`] names; [`open`] opens all of them together, because they meet: WASI gives a guest a list of directories with
//! paths, and its C library takes the one whose path is the longest prefix of the path asked for, and only that one. So two
//! files of one directory must be in one preopened directory; and a single file inside a granted directory, in a preopened
//! directory of its own, must not hide its neighbours.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::fs::{
    Directory, FsResult, GuestPath, HostDirectory, HostFile, Node, OpenHow, ReadOnly, Selected,
    Selection, Stat, read_ahead,
};

/// A directory or a file, and what may be done with it. Read-only unless said otherwise, and seen by the guest under the
/// same absolute path as on the host unless said otherwise.
#[derive(Clone)]
pub struct Grant {
    what: What,
    writable: bool,
    guest_path: Option<String>,
}

#[derive(Clone)]
enum What {
    Directory(PathBuf),
    File(PathBuf),
    Tree(Arc<dyn Directory>),
    Temporary,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what: &dyn fmt::Debug = match &self.what {
            What::Directory(path) | What::File(path) => path,
            What::Tree(_) => &"tree",
            What::Temporary => &"temporary",
        };
        f.debug_struct("Grant")
            .field("what", what)
            .field("writable", &self.writable)
            .field("guest_path", &self.guest_path)
            .finish()
    }
}

impl Grant {
    /// A directory of the host with everything in it.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Grant {
            what: What::Directory(path.into()),
            writable: false,
            guest_path: None,
        }
    }

    /// One file of the host (a pipe or a device too), and nothing beside it. To be read it must be there when the grant is
    /// opened; to be written it may be made by the guest.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Grant {
            what: What::File(path.into()),
            writable: false,
            guest_path: None,
        }
    }

    /// Any other tree, under `guest_path`: one in memory, or of the embedder's own making.
    pub fn tree(root: Arc<dyn Directory>, guest_path: impl Into<String>) -> Self {
        Grant {
            what: What::Tree(root),
            writable: false,
            guest_path: Some(guest_path.into()),
        }
    }

    /// A directory of the guest's own, under `guest_path`, empty and to be written: it is made in the system's place for such
    /// things when the context is built, for this process alone, and removed with the context.
    pub fn temporary(guest_path: impl Into<String>) -> Self {
        Grant {
            what: What::Temporary,
            writable: true,
            guest_path: Some(guest_path.into()),
        }
    }

    /// Allows writing.
    #[must_use]
    pub fn read_write(mut self) -> Self {
        self.writable = true;
        self
    }

    /// Shows it to the guest under this path: an absolute one, or one that is relative to what the guest takes for its working
    /// directory, `.` being that directory itself.
    #[must_use]
    pub fn at(mut self, guest_path: impl Into<String>) -> Self {
        self.guest_path = Some(guest_path.into());
        self
    }

    /// The path under which the guest will find it: what to tell a plugin in its configuration. A relative host path, or one
    /// with `..` in it, is made absolute first.
    ///
    /// Errors: [`GrantError`], when the directory it lies in cannot be found, or its path is nothing a guest can say.
    pub fn guest_path(&self) -> Result<String, GrantError> {
        let path = match (&self.guest_path, &self.what) {
            (Some(path), _) => path.clone(),
            (None, What::Directory(path) | What::File(path)) => {
                let absolute = absolute(path, matches!(self.what, What::File(_)))?;
                absolute
                    .into_os_string()
                    .into_string()
                    .map_err(|_| GrantError::NotUtf8 { path: path.clone() })?
            }
            (None, What::Tree(_) | What::Temporary) => String::new(),
        };
        let names = path.strip_prefix('/').unwrap_or(&path);
        let clean = matches!(&*path, "/" | ".")
            || (GuestPath::new(names).is_ok()
                && names
                    .split('/')
                    .all(|name| !matches!(name, "" | "." | "..")));
        if clean {
            Ok(path)
        } else {
            Err(GrantError::GuestPath { path })
        }
    }
}

/// A grant that cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The directory or file cannot be opened.
    #[error("cannot grant {}: {source}", path.display())]
    Open {
        /// The path on the host.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is a directory.
    #[error("cannot grant {} as a file: it is a directory; grant the directory instead", path.display())]
    IsDirectory {
        /// The path on the host.
        path: PathBuf,
    },
    /// The path on the host has no name in UTF-8, and guests know no other.
    #[error("cannot grant {} under its own path, which is not UTF-8; name a path for the guest", path.display())]
    NotUtf8 {
        /// The path on the host.
        path: PathBuf,
    },
    /// The path for the guest is none.
    #[error(
        "{path:?} is no path for a guest: it must be `/`, `.`, or names with one `/` between them and none of them `.` or `..`"
    )]
    GuestPath {
        /// The path for the guest.
        path: String,
    },
    /// Two grants of directories have the same path for the guest.
    #[error("two directories are granted under the path {path}; give one of them another")]
    Twice {
        /// The path for the guest.
        path: String,
    },
}

/// A directory that a guest starts with, and its path.
pub(crate) type Preopen = (Arc<dyn Directory>, String);

/// What [`open`] opens.
pub(crate) struct Opened {
    pub directories: Vec<Preopen>,
    pub temporary: Vec<TempDir>,
}

/// Opens grants: the directories to give to the guest, with their paths, in the order in which they were granted; single files
/// come last.
///
/// Errors: the first grant that cannot be given.
pub(crate) fn open(grants: &[Grant]) -> Result<Opened, GrantError> {
    let mut temporary = Vec::new();
    let mut directories: Vec<Preopen> = Vec::new();
    let mut writable: Vec<String> = Vec::new();
    let mut files: BTreeMap<String, BTreeMap<String, Selected>> = BTreeMap::new();

    for grant in grants {
        let path = grant.guest_path()?;
        let directory = match &grant.what {
            What::Directory(host) => {
                let directory =
                    HostDirectory::open(host).map_err(|source| open_error(host, source))?;
                Arc::new(directory) as Arc<dyn Directory>
            }
            What::Tree(root) => root.clone(),
            What::Temporary => {
                let made = tempfile::Builder::new()
                    .prefix("wasi-")
                    .tempdir()
                    .map_err(|source| open_error(&std::env::temp_dir(), source))?;
                let directory = HostDirectory::open(made.path())
                    .map_err(|source| open_error(made.path(), source))?;
                temporary.push(made);
                Arc::new(directory) as Arc<dyn Directory>
            }
            What::File(host) => {
                let (parent, name) = match path.rsplit_once('/') {
                    None => (".", &*path),
                    Some(("", name)) => ("/", name),
                    Some(parts) => parts,
                };
                if matches!(name, "" | ".") {
                    return Err(GrantError::GuestPath { path });
                }
                let selected = select(host, grant.writable)?;
                let files = files.entry(parent.to_owned()).or_default();
                match files.get(name) {
                    // Granted to read as well: the more counts.
                    Some(Selected::Named { .. }) => {}
                    _ => {
                        files.insert(name.to_owned(), selected);
                    }
                }
                continue;
            }
        };
        let directory = if grant.writable {
            writable.push(path.clone());
            directory
        } else {
            Arc::new(ReadOnly::new(directory))
        };
        if directories.iter().any(|(_, other)| *other == path) {
            return Err(GrantError::Twice { path });
        }
        directories.push((directory, path));
    }

    for (parent, mut files) in files {
        let around = directories
            .iter()
            .filter_map(|(directory, path)| Some((path, directory, beneath(&parent, path)?)))
            .max_by_key(|(path, ..)| path.len());
        let mut may_write = false;
        let rest = match around {
            Some((path, directory, way)) => {
                may_write = writable.contains(path);
                if way.is_empty() {
                    Some(directory.clone())
                } else {
                    enter(&**directory, way)
                }
            }
            None => None,
        };
        if let Some(rest) = &rest {
            files.retain(|name, file| {
                let more = matches!(file, Selected::Named { .. }) && !may_write;
                more || !shows(&**rest, name, file)
            });
            if files.is_empty() {
                continue;
            }
        }
        let selection: Arc<dyn Directory> = Arc::new(Selection::new(files, rest));
        match directories.iter_mut().find(|(_, path)| *path == parent) {
            Some((directory, _)) => *directory = selection,
            None => directories.push((selection, parent)),
        }
    }
    Ok(Opened {
        directories,
        temporary,
    })
}

/// The way from `directory` to `path`, both clean, if there is one.
fn beneath<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    match (path, directory) {
        (".", ".") => return Some(""),
        (path, ".") => return (!path.starts_with('/')).then_some(path),
        _ => {}
    }
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix('/')
    }
}

fn enter(directory: &dyn Directory, way: &str) -> Option<Arc<dyn Directory>> {
    let how = OpenHow {
        read: true,
        directory: true,
        follow: true,
        ..OpenHow::default()
    };
    match directory.open_at(GuestPath::new(way).ok()?, how) {
        Ok(Node::Directory(directory)) => Some(directory),
        _ => None,
    }
}

/// Whether `directory` has this very file under `name`, there or yet to be made.
fn shows(directory: &dyn Directory, name: &str, file: &Selected) -> bool {
    let same = |one: FsResult<Stat>, other: FsResult<Stat>| match (one, other) {
        (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
        _ => false,
    };
    match file {
        Selected::Open(file) => {
            let there = GuestPath::new(name).and_then(|name| directory.stat_at(name, true));
            same(there, file.stat())
        }
        Selected::Named {
            directory: real,
            name: real_name,
        } => name == real_name && same(directory.stat(), real.stat()),
    }
}

/// Opens one file to be read, or finds the directory in which it is to be written.
fn select(host: &Path, writable: bool) -> Result<Selected, GrantError> {
    let error = |source| open_error(host, source);
    if !writable {
        // Non-blocking: a named pipe that nobody writes to yet must not hang the host.
        let file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
            .open(host)
            .map_err(error)?;
        let file = HostFile::new(file).map_err(error)?;
        return Ok(Selected::Open(read_ahead(Arc::new(file))));
    }
    // The file that is meant is the one at the end of all symbolic links of today; from then on none is followed.
    let real = match std::fs::canonicalize(host) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => absolute(host, true)?,
        real => real.map_err(error)?,
    };
    if real.is_dir() {
        return Err(GrantError::IsDirectory {
            path: host.to_owned(),
        });
    }
    let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(GrantError::IsDirectory {
            path: host.to_owned(),
        });
    };
    let name = name
        .to_str()
        .ok_or_else(|| GrantError::NotUtf8 {
            path: host.to_owned(),
        })?
        .to_owned();
    let directory = Arc::new(HostDirectory::open(parent).map_err(error)?);
    Ok(Selected::Named { directory, name })
}

fn open_error(host: &Path, source: io::Error) -> GrantError {
    let path = host.to_owned();
    match source.kind() {
        io::ErrorKind::IsADirectory => GrantError::IsDirectory { path },
        _ => GrantError::Open { path, source },
    }
}

/// The path as it is when it says plainly where it leads, and otherwise the real one: of a file its directory's, and its name.
fn absolute(path: &Path, is_file: bool) -> Result<PathBuf, GrantError> {
    // Components drop `.` on their own, except the first one.
    let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    if plain {
        return Ok(path.components().collect());
    }
    let error = |source| open_error(path, source);
    match path.file_name() {
        Some(name) if is_file => {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            Ok(parent
                .unwrap_or(Path::new("."))
                .canonicalize()
                .map_err(error)?
                .join(name))
        }
        _ => path.canonicalize().map_err(error),
    }
}
