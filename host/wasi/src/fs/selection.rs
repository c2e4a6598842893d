//! A directory that shows single files and nothing else.
//!
//! WASI knows preopened directories only, so a grant of one file is a directory in which that name alone can be opened,
//! looked at and listed. All else is refused: a name that was not granted is `no-entry` to read and `access` to make, and
//! nothing can be renamed, linked or removed, since that is a right to the directory and not to the file.
//!
//! A read-only file is opened when it is granted, and every opening by the guest is that one open file: whatever happens to
//! the name afterwards, the guest has the file its user meant, pipes and the targets of symbolic links included. A writable
//! file may not exist yet; it is opened by name in its real directory, never through a symbolic link.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{
    Directory, Entries, Entry, ErrorCode, File, FsResult, GuestPath, Kind, NewTime, Node, OpenHow,
    ReadOnly, Stat,
};

/// One file that is shown.
#[derive(Clone)]
pub enum Selected {
    /// This file, to read.
    Open(Arc<dyn File>),
    /// The file of this name in this directory, to read and write; there may be none yet.
    Named {
        /// Where it is.
        directory: Arc<dyn Directory>,
        /// What it is called there.
        name: String,
    },
}

impl Selected {
    fn stat(&self) -> FsResult<Stat> {
        match self {
            Selected::Open(file) => file.stat(),
            Selected::Named { directory, name } => directory.stat_at(GuestPath::new(name)?, false),
        }
    }

    fn open(&self, how: OpenHow) -> FsResult<Node> {
        match self {
            Selected::Open(_) if how.create && how.exclusive => Err(ErrorCode::Exist),
            Selected::Open(_) if how.changes() => Err(ErrorCode::ReadOnly),
            Selected::Open(file) => Ok(Node::File(Arc::new(ReadOnly::new(file.clone())))),
            Selected::Named { directory, name } => {
                let how = OpenHow {
                    follow: false,
                    ..how
                };
                match directory.open_at(GuestPath::new(name)?, how)? {
                    node @ Node::File(_) => Ok(node),
                    // Somebody put a directory where the file was; it was not granted.
                    Node::Directory(_) => Err(ErrorCode::IsDirectory),
                }
            }
        }
    }
}

/// A directory of [`Selected`] files, and what of another directory shows behind them.
#[derive(Clone)]
pub struct Selection(Arc<Inner>);

struct Inner {
    files: BTreeMap<String, Selected>,
    rest: Option<Arc<dyn Directory>>,
    number: u64,
}

impl Selection {
    /// Shows `files` under their names. Everything else is looked for in `rest`, read-only; without it nothing else is there.
    pub fn new(files: BTreeMap<String, Selected>, rest: Option<Arc<dyn Directory>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let rest = rest.map(|rest| Arc::new(ReadOnly::new(rest)) as Arc<dyn Directory>);
        Selection(Arc::new(Inner {
            files,
            rest,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }))
    }

    fn file(&self, path: GuestPath<'_>) -> Option<&Selected> {
        self.0.files.get(path.single_name()?)
    }

    /// What to say about a path that is none of the files, when nothing is behind.
    fn elsewhere(&self, path: GuestPath<'_>) -> ErrorCode {
        match path.names().next() {
            Some("..") => ErrorCode::NotPermitted,
            Some(first) if self.0.files.contains_key(first) => ErrorCode::NotDirectory,
            _ => ErrorCode::NoEntry,
        }
    }

    fn refuse(&self, path: GuestPath<'_>) -> ErrorCode {
        if path.is_here() || self.file(path).is_some() {
            ErrorCode::Exist
        } else {
            ErrorCode::Access
        }
    }
}

impl Directory for Selection {
    fn writable(&self) -> bool {
        self.0
            .files
            .values()
            .any(|file| matches!(file, Selected::Named { .. }))
    }

    fn open_at(&self, path: GuestPath<'_>, how: OpenHow) -> FsResult<Node> {
        if let Some(file) = self.file(path) {
            if how.directory || path.has_trailing_slash() {
                return Err(ErrorCode::NotDirectory);
            }
            return file.open(how);
        }
        if path.is_here() {
            if how.changes() {
                return Err(ErrorCode::IsDirectory);
            }
            return Ok(Node::Directory(Arc::new(self.clone())));
        }
        match &self.0.rest {
            Some(rest) => rest.open_at(path, how),
            None => match self.elsewhere(path) {
                ErrorCode::NoEntry if how.changes() => Err(ErrorCode::Access),
                error => Err(error),
            },
        }
    }

    fn stat(&self) -> FsResult<Stat> {
        match &self.0.rest {
            Some(rest) => rest.stat(),
            None => Ok(Stat {
                kind: Kind::Directory,
                links: 1,
                size: 0,
                accessed: None,
                modified: None,
                changed: None,
                device: 0,
                inode: self.0.number,
            }),
        }
    }

    fn stat_at(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Stat> {
        if let Some(file) = self.file(path) {
            if path.has_trailing_slash() {
                return Err(ErrorCode::NotDirectory);
            }
            return file.stat();
        }
        if path.is_here() {
            return self.stat();
        }
        match &self.0.rest {
            Some(rest) => rest.stat_at(path, follow),
            None => Err(self.elsewhere(path)),
        }
    }

    fn set_times(&self, _: NewTime, _: NewTime) -> FsResult<()> {
        Err(ErrorCode::Access)
    }

    fn set_times_at(
        &self,
        path: GuestPath<'_>,
        _follow: bool,
        accessed: NewTime,
        modified: NewTime,
    ) -> FsResult<()> {
        match self.file(path) {
            Some(_) if path.has_trailing_slash() => Err(ErrorCode::NotDirectory),
            Some(Selected::Open(_)) => Err(ErrorCode::ReadOnly),
            Some(Selected::Named { directory, name }) => {
                directory.set_times_at(GuestPath::new(name)?, false, accessed, modified)
            }
            None => Err(ErrorCode::Access),
        }
    }

    fn entries(&self) -> FsResult<Entries> {
        let mut entries = Vec::new();
        for (name, file) in &self.0.files {
            match file.stat() {
                Ok(stat) => entries.push(Ok(Entry {
                    kind: stat.kind,
                    name: name.clone(),
                })),
                Err(ErrorCode::NoEntry) => {}
                Err(error) => entries.push(Err(error)),
            }
        }
        let Some(rest) = &self.0.rest else {
            return Ok(Box::new(entries.into_iter()));
        };
        let own = self.0.clone();
        let rest = rest.entries()?.filter(move |entry| match entry {
            Ok(entry) => !own.files.contains_key(&entry.name),
            Err(_) => true,
        });
        Ok(Box::new(entries.into_iter().chain(rest)))
    }

    fn create_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        Err(self.refuse(path))
    }

    fn link_at(
        &self,
        _: GuestPath<'_>,
        _: bool,
        _: &dyn Directory,
        _: GuestPath<'_>,
    ) -> FsResult<()> {
        Err(ErrorCode::Access)
    }

    fn read_link_at(&self, path: GuestPath<'_>) -> FsResult<String> {
        if path.is_here() || self.file(path).is_some() {
            return Err(ErrorCode::Invalid);
        }
        match &self.0.rest {
            Some(rest) => rest.read_link_at(path),
            None => Err(self.elsewhere(path)),
        }
    }

    fn remove_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        Err(if self.file(path).is_some() {
            ErrorCode::NotDirectory
        } else {
            ErrorCode::Access
        })
    }

    fn rename_at(&self, _: GuestPath<'_>, _: &dyn Directory, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::Access)
    }

    fn symlink_at(&self, _: GuestPath<'_>, path: GuestPath<'_>) -> FsResult<()> {
        Err(self.refuse(path))
    }

    fn unlink_file_at(&self, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::Access)
    }

    fn sync(&self) -> FsResult<()> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        &()
    }
}
