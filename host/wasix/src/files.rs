//! The granted directories as one file system of wasmer-wasix's.
//!
//! wasmer-wasix has its own idea of a file system: one tree, whose objects it names by absolute paths, which it resolves itself, component
//! by component, links and all. Nothing of that is trusted here. A path is only ever looked up among the grants, by its longest
//! prefix, and what remains goes to that grant's tree (`wasmer_component_wasi::fs`), which resolves it anew beneath an open
//! directory; one that leads out, be it through a link that was not there a moment ago, is an error there. Where nothing is
//! granted there is nothing, but for the directories on the way to a grant.
//!
//! wasmer-wasix knows fewer errors than WASI does ([`fs_error`]), and opens a file only once for all of a guest's descriptors, for
//! writing too if it can.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use wasmer_component_wasi::fs::{
    Directory, ErrorCode, File, FsResult, GuestPath, Kind, NewTime, Node, OpenHow, Stat, Timestamp,
};
use wasmer_component_wasi::readiness::{Late, Readiness};
use wasmer_wasix::virtual_fs::{
    AsyncRead, AsyncSeek, AsyncWrite, DirEntry, FileOpener, FileSystem, FileType, FsError,
    Metadata, OpenOptions, OpenOptionsConfig, ReadBuf, ReadDir, VirtualFile,
};

use crate::waiting::{Alarm, Deadline, poll_ready};

type Result<T, E = FsError> = std::result::Result<T, E>;

/// What a guest was granted.
pub(crate) struct Granted {
    /// Absolute path and tree of each.
    directories: Vec<(String, Arc<dyn Directory>)>,
    deadline: Deadline,
}

impl Granted {
    pub fn new(directories: Vec<(String, Arc<dyn Directory>)>, deadline: Deadline) -> Self {
        Granted {
            directories,
            deadline,
        }
    }

    /// The tree in which a path is looked up, and the way in it; `.` for the tree's own directory.
    fn find<'a>(&self, path: &'a Path) -> Result<(&Arc<dyn Directory>, &'a str)> {
        let path = text(path)?;
        self.directories
            .iter()
            .filter_map(|(granted, tree)| Some((granted, tree, beneath(path, granted)?)))
            .max_by_key(|(granted, ..)| granted.len())
            .map(|(_, tree, way)| (tree, if way.is_empty() { "." } else { way }))
            .ok_or(FsError::EntryNotFound)
    }

    /// Looks a path up and does something with it in its tree.
    fn at<R>(
        &self,
        path: &Path,
        act: impl FnOnce(&Arc<dyn Directory>, GuestPath<'_>) -> FsResult<R>,
    ) -> Result<R> {
        let (tree, way) = self.find(path)?;
        GuestPath::new(way)
            .and_then(|way| act(tree, way))
            .map_err(fs_error)
    }

    /// The same with two paths, in the trees of both.
    fn between<R>(
        &self,
        from: &Path,
        to: &Path,
        act: impl FnOnce(&dyn Directory, GuestPath<'_>, &dyn Directory, GuestPath<'_>) -> FsResult<R>,
    ) -> Result<R> {
        let ((from, old), (to, new)) = (self.find(from)?, self.find(to)?);
        let act = || match to.writable() {
            true => act(&**from, GuestPath::new(old)?, &**to, GuestPath::new(new)?),
            false => Err(ErrorCode::ReadOnly),
        };
        act().map_err(fs_error)
    }

    /// The names that lead from `path` on to grants, if it lies on the way to any. The root always does.
    fn on_the_way(&self, path: &Path) -> Option<Vec<String>> {
        let path = text(path).ok()?;
        let mut names: Vec<String> = self
            .directories
            .iter()
            .filter_map(|(granted, _)| beneath(granted, path))
            .filter_map(|way| Some(way.split('/').find(|name| !name.is_empty())?.to_owned()))
            .collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty() || path == "/").then_some(names)
    }

    fn stat(&self, path: &Path, follow: bool) -> Result<Metadata> {
        match self.at(path, |tree, way| tree.stat_at(way, follow)) {
            Ok(stat) => Ok(metadata(&stat)),
            Err(FsError::EntryNotFound) if self.on_the_way(path).is_some() => Ok(Metadata {
                ft: FileType::new_dir(),
                ..Metadata::default()
            }),
            Err(e) => Err(e),
        }
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.directories.iter().map(|(path, _)| path);
        f.debug_list().entries(paths).finish()
    }
}

/// A path as text. All that wasmer-wasix has were text before.
fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or(FsError::InvalidInput)
}

/// The way from `directory` to `path`, both absolute, if there is one.
fn beneath<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    match rest {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

impl FileSystem for Granted {
    fn readlink(&self, path: &Path) -> Result<PathBuf> {
        self.at(path, |tree, way| tree.read_link_at(way))
            .map(PathBuf::from)
    }

    fn read_dir(&self, path: &Path) -> Result<ReadDir> {
        let how = OpenHow {
            read: true,
            directory: true,
            ..OpenHow::default()
        };
        let entries = self.at(path, |tree, way| match tree.open_at(way, how)? {
            Node::Directory(directory) => directory.entries(),
            Node::File(_) => Err(ErrorCode::NotDirectory),
        });
        let mut found = BTreeMap::new();
        match (entries, self.on_the_way(path)) {
            (Ok(entries), _) => {
                // Names that are not UTF-8 cannot be said to a guest.
                for entry in entries.flatten() {
                    found.insert(entry.name, file_type(entry.kind));
                }
            }
            (Err(FsError::EntryNotFound), Some(names)) => {
                found.extend(names.into_iter().map(|name| (name, FileType::new_dir())));
            }
            (Err(e), _) => return Err(e),
        }
        let entries = found.into_iter().map(|(name, ft)| DirEntry {
            path: path.join(name),
            metadata: Ok(Metadata {
                ft,
                ..Metadata::default()
            }),
        });
        Ok(ReadDir::new(entries.collect()))
    }

    fn create_dir(&self, path: &Path) -> Result<()> {
        self.at(path, |tree, way| tree.create_directory_at(way))
    }

    fn create_symlink(&self, source: &Path, target: &Path) -> Result<()> {
        let contents = GuestPath::new(text(source)?).map_err(fs_error)?;
        self.at(target, |tree, way| tree.symlink_at(contents, way))
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.at(path, |tree, way| tree.remove_directory_at(way))
    }

    fn rename<'a>(
        &'a self,
        from: &'a Path,
        to: &'a Path,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        let renamed = self.between(from, to, |from, old, to, new| from.rename_at(old, to, new));
        Box::pin(std::future::ready(renamed))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.stat(path, true)
    }

    fn symlink_metadata(&self, path: &Path) -> Result<Metadata> {
        self.stat(path, false)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.at(path, |tree, way| tree.unlink_file_at(way))
    }

    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for Granted {
    fn open(
        &self,
        path: &Path,
        options: &OpenOptionsConfig,
    ) -> Result<Box<dyn VirtualFile + Send + Sync>> {
        let write = options.write() || options.append();
        let how = OpenHow {
            read: options.read() || !write,
            write,
            create: options.create() || options.create_new(),
            exclusive: options.create_new(),
            truncate: options.truncate(),
            // Links were followed when the path was resolved. What is one now was not one then.
            follow: false,
            ..OpenHow::default()
        };
        let (tree, way) = self.find(path)?;
        let node = GuestPath::new(way).and_then(|way| tree.open_at(way, how));
        match node.map_err(fs_error)? {
            Node::File(file) => Ok(Box::new(OpenFile {
                file,
                tree: tree.clone(),
                way: way.to_owned(),
                write,
                append: options.append(),
                position: 0,
                deadline: self.deadline.clone(),
                alarm: None,
            })),
            Node::Directory(_) => Err(FsError::NotAFile),
        }
    }
}

/// An open file, with the position that wasmer-wasix sets before it reads or writes.
struct OpenFile {
    file: Arc<dyn File>,
    tree: Arc<dyn Directory>,
    way: String,
    write: bool,
    append: bool,
    position: u64,
    deadline: Deadline,
    alarm: Option<Alarm>,
}

impl OpenFile {
    /// Does something as soon as it does not block, at most until the deadline of the guest's call.
    fn patiently<R>(
        &self,
        readiness: impl Fn(&dyn File) -> Readiness,
        mut act: impl FnMut(&dyn File) -> FsResult<R>,
    ) -> io::Result<R> {
        loop {
            match act(&*self.file) {
                Err(ErrorCode::WouldBlock) => {}
                done => return done.map_err(io_error),
            }
            if let Err(Late) = self.deadline.wait(readiness(&*self.file)) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn time(&self, time: impl FnOnce(&Stat) -> Option<Timestamp>) -> u64 {
        self.file.stat().map_or(0, |stat| nanoseconds(time(&stat)))
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes as u64);
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile").finish_non_exhaustive()
    }
}

impl AsyncRead for OpenFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let position = self.position;
        let place = buffer.initialize_unfilled();
        let read = self.patiently(File::readable, |file| file.read_at(place, position));
        Poll::Ready(read.map(|bytes| {
            buffer.advance(bytes);
            self.advance(bytes);
        }))
    }
}

impl AsyncWrite for OpenFile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.write {
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        }
        let (position, append) = (self.position, self.append);
        let written = self.patiently(File::accepting, |file| match append {
            true => file.append(bytes),
            false => file.write_at(bytes, position),
        });
        Poll::Ready(written.inspect(|bytes| self.advance(*bytes)))
    }

    /// Nothing is kept back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for OpenFile {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => {
                self.position = position;
                return Ok(());
            }
            SeekFrom::Current(offset) => (self.position, offset),
            SeekFrom::End(offset) => (self.file.size().map_err(io_error)?, offset),
        };
        self.position = base
            .checked_add_signed(offset)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}

impl VirtualFile for OpenFile {
    fn last_accessed(&self) -> u64 {
        self.time(|stat| stat.accessed)
    }

    fn last_modified(&self) -> u64 {
        self.time(|stat| stat.modified)
    }

    fn created_time(&self) -> u64 {
        self.time(|stat| stat.changed)
    }

    fn set_times(&mut self, accessed: Option<u64>, modified: Option<u64>) -> Result<()> {
        let time = |nanoseconds: Option<u64>| match nanoseconds {
            Some(nanoseconds) => NewTime::At(Timestamp {
                seconds: nanoseconds / 1_000_000_000,
                nanoseconds: (nanoseconds % 1_000_000_000) as u32,
            }),
            None => NewTime::Keep,
        };
        self.file
            .set_times(time(accessed), time(modified))
            .map_err(fs_error)
    }

    fn size(&self) -> u64 {
        self.file.size().unwrap_or(0)
    }

    fn set_len(&mut self, size: u64) -> Result<()> {
        if !self.write {
            return Err(FsError::PermissionDenied);
        }
        self.file.set_size(size).map_err(fs_error)
    }

    fn unlink(&mut self) -> Result<()> {
        GuestPath::new(&self.way)
            .and_then(|way| self.tree.unlink_file_at(way))
            .map_err(fs_error)
    }

    fn poll_read_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let readable = self.file.readable();
        poll_ready(&readable, &mut self.alarm, cx)
    }

    fn poll_write_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let accepting = self.file.accepting();
        poll_ready(&accepting, &mut self.alarm, cx)
    }
}

fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        ft: file_type(stat.kind),
        accessed: nanoseconds(stat.accessed),
        created: nanoseconds(stat.changed),
        modified: nanoseconds(stat.modified),
        len: stat.size,
    }
}

fn nanoseconds(time: Option<Timestamp>) -> u64 {
    time.map_or(0, |time| {
        time.seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(time.nanoseconds.into())
    })
}

fn file_type(kind: Kind) -> FileType {
    let mut ty = FileType::default();
    match kind {
        Kind::Directory => ty.dir = true,
        Kind::RegularFile => ty.file = true,
        Kind::SymbolicLink => ty.symlink = true,
        Kind::BlockDevice => ty.block_device = true,
        Kind::Fifo => ty.fifo = true,
        Kind::Socket => ty.socket = true,
        // wasmer-wasix must be told something: it panics at what is nothing of all this.
        Kind::CharacterDevice | Kind::Unknown => ty.char_device = true,
    }
    ty
}

/// The nearest that wasmer-wasix knows. What may not be written is its `PermissionDenied`, whatever the reason: then it tries again to
/// open the file for reading only.
fn fs_error(code: ErrorCode) -> FsError {
    match code {
        ErrorCode::Access
        | ErrorCode::NotPermitted
        | ErrorCode::ReadOnly
        | ErrorCode::TextFileBusy => FsError::PermissionDenied,
        ErrorCode::NoEntry => FsError::EntryNotFound,
        ErrorCode::Exist => FsError::AlreadyExists,
        ErrorCode::NotDirectory => FsError::BaseNotDirectory,
        ErrorCode::IsDirectory => FsError::NotAFile,
        ErrorCode::NotEmpty => FsError::DirectoryNotEmpty,
        ErrorCode::BadDescriptor => FsError::InvalidFd,
        ErrorCode::Pipe => FsError::BrokenPipe,
        ErrorCode::Interrupted => FsError::Interrupted,
        ErrorCode::WouldBlock => FsError::WouldBlock,
        ErrorCode::NoDevice | ErrorCode::NoSuchDevice => FsError::NoDevice,
        // Its name says otherwise; the guest sees that there is no space left.
        ErrorCode::InsufficientSpace | ErrorCode::Quota | ErrorCode::FileTooLarge => {
            FsError::WriteZero
        }
        ErrorCode::Invalid
        | ErrorCode::Loop
        | ErrorCode::NameTooLong
        | ErrorCode::TooManyLinks
        | ErrorCode::IllegalByteSequence
        | ErrorCode::InvalidSeek
        | ErrorCode::Overflow => FsError::InvalidInput,
        // Not its `Unsupported`, of which it makes links in its own head.
        _ => FsError::IOError,
    }
}

/// The same for reading and writing.
fn io_error(code: ErrorCode) -> io::Error {
    let kind = match code {
        ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => {
            io::ErrorKind::PermissionDenied
        }
        ErrorCode::NoEntry => io::ErrorKind::NotFound,
        ErrorCode::Pipe => io::ErrorKind::BrokenPipe,
        ErrorCode::Interrupted => io::ErrorKind::Interrupted,
        ErrorCode::Unsupported => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    };
    kind.into()
}
