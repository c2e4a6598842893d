//! The host's own files, through `cap-std`.
//!
//! A [`HostDirectory`] is an open directory; every path is resolved beneath it by the kernel (`openat2` with
//! `RESOLVE_BENEATH`) or, where the kernel cannot, by `cap-std` name by name with open directories. So nothing that other
//! processes do to the tree meanwhile, links planted or directories moved away, leads outside.
//!
//! Everything is opened non-blocking: opening a named pipe must not hang the host. Regular files do not care; pipes and
//! devices answer `would-block` and say through [`File::readable`] when to come back, so that waiting can end at the call's
//! deadline.

use std::any::Any;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use cap_fs_ext::{
    DirExt as _, FileTypeExt as _, FollowSymlinks, OpenOptionsFollowExt as _,
    OpenOptionsSyncExt as _, SystemTimeSpec,
};
use cap_std::fs::{Dir, FileType, Metadata, MetadataExt as _, OpenOptions};

use super::{
    Advice, Directory, Entries, Entry, ErrorCode, File, FsResult, GuestPath, Kind, NewTime, Node,
    OpenHow, Stat, Timestamp,
};
use crate::readiness::Readiness;

/// The most files and directories of one granted directory that may be open at a time: a process has few descriptors, and the
/// guest is not alone in it.
const MAX_OPEN: usize = 512;

/// A directory of the host.
pub struct HostDirectory {
    dir: Dir,
    /// One for each that is open of those reached through the same grant.
    open: Arc<()>,
}

impl HostDirectory {
    /// Opens `path` with the process's own rights. This is where authority comes from: what is reachable from here on is
    /// what lies in this directory.
    ///
    /// Errors: those of the system, as they are, for a message to the user.
    pub fn open(path: &std::path::Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, cap_std::ambient_authority())?;
        Ok(HostDirectory {
            dir,
            open: Arc::default(),
        })
    }

    /// The place of one more open file or directory.
    fn ticket(&self) -> FsResult<Arc<()>> {
        if Arc::strong_count(&self.open) > MAX_OPEN {
            return Err(ErrorCode::InsufficientMemory);
        }
        Ok(self.open.clone())
    }

    fn same_kind(directory: &dyn Directory) -> FsResult<&Dir> {
        directory
            .as_any()
            .downcast_ref::<HostDirectory>()
            .map(|host| &host.dir)
            .ok_or(ErrorCode::CrossDevice)
    }

    fn metadata(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Metadata> {
        Ok(if follow || path.has_trailing_slash() {
            self.dir.metadata(path)?
        } else {
            self.dir.symlink_metadata(path)?
        })
    }
}

impl Directory for HostDirectory {
    fn open_at(&self, path: GuestPath<'_>, how: OpenHow) -> FsResult<Node> {
        let open = self.ticket()?;
        if how.directory {
            let dir = if how.follow {
                self.dir.open_dir(path)?
            } else {
                self.dir.open_dir_nofollow(path)?
            };
            return Ok(Node::Directory(Arc::new(HostDirectory { dir, open })));
        }
        let mut options = OpenOptions::new();
        // The system wants one of them; and to create or truncate it wants `write`. What the guest may do with the handle is
        // the descriptor's business.
        let write = how.changes();
        options
            .read(how.read || !write)
            .write(write)
            .truncate(how.truncate);
        if how.create && how.exclusive {
            options.create_new(true);
        } else {
            options.create(how.create);
        }
        options.follow(if how.follow {
            FollowSymlinks::Yes
        } else {
            FollowSymlinks::No
        });
        options.nonblock(true);
        let file = match self.dir.open_with(path, &options) {
            // The system wants `write` for creating, and the file is there and may only be read.
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::ACCESS.raw_os_error())
                    && !(how.write || how.truncate || how.exclusive) =>
            {
                self.dir
                    .open_with(path, options.create(false).write(false).read(true))?
            }
            file => file?,
        }
        .into_std();
        let kind = Metadata::from_file(&file).map(|metadata| kind_of(&metadata.file_type()))?;
        Ok(if kind == Kind::Directory {
            let dir = Dir::from_std_file(file);
            Node::Directory(Arc::new(HostDirectory { dir, open }))
        } else {
            Node::File(Arc::new(HostFile::with_kind(file, kind, open)))
        })
    }

    fn stat(&self) -> FsResult<Stat> {
        Ok(stat_of(&self.dir.dir_metadata()?))
    }

    fn stat_at(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Stat> {
        Ok(stat_of(&self.metadata(path, follow)?))
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        Ok(self
            .dir
            .set_times(".", time_spec(accessed)?, time_spec(modified)?)?)
    }

    fn set_times_at(
        &self,
        path: GuestPath<'_>,
        follow: bool,
        accessed: NewTime,
        modified: NewTime,
    ) -> FsResult<()> {
        let (accessed, modified) = (time_spec(accessed)?, time_spec(modified)?);
        // Following means opening, and opening a pipe to write would block.
        let kind = kind_of(&self.metadata(path, follow)?.file_type());
        if !matches!(
            kind,
            Kind::RegularFile | Kind::Directory | Kind::SymbolicLink
        ) {
            return Err(ErrorCode::Unsupported);
        }
        if follow {
            self.dir.set_times(path, accessed, modified)?;
        } else {
            self.dir.set_symlink_times(path, accessed, modified)?;
        }
        Ok(())
    }

    fn entries(&self) -> FsResult<Entries> {
        let open = self.ticket()?;
        Ok(Box::new(self.dir.entries()?.map(move |entry| {
            // As long as the stream is there, so is its descriptor.
            let _ = &open;
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|_| ErrorCode::IllegalByteSequence)?;
            Ok(Entry {
                kind: kind_of(&entry.file_type()?),
                name,
            })
        })))
    }

    fn create_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        Ok(self.dir.create_dir(path)?)
    }

    fn link_at(
        &self,
        old: GuestPath<'_>,
        follow: bool,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()> {
        if follow {
            // cap-std links what the path names; following would need the link's target by name, which can move meanwhile.
            return Err(ErrorCode::Invalid);
        }
        Ok(self
            .dir
            .hard_link(old, Self::same_kind(new_directory)?, new)?)
    }

    fn read_link_at(&self, path: GuestPath<'_>) -> FsResult<String> {
        self.dir
            .read_link(path)?
            .into_os_string()
            .into_string()
            .map_err(|_| ErrorCode::IllegalByteSequence)
    }

    fn remove_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        // cap-std takes a trailing slash for `/.`, which cannot be removed.
        Ok(self.dir.remove_dir(path.as_str().trim_end_matches('/'))?)
    }

    fn rename_at(
        &self,
        old: GuestPath<'_>,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()> {
        let new_directory = Self::same_kind(new_directory)?;
        // cap-std ignores the slash.
        if new.has_trailing_slash() && !self.dir.symlink_metadata(old)?.is_dir() {
            return Err(ErrorCode::NotDirectory);
        }
        Ok(self.dir.rename(old, new_directory, new)?)
    }

    fn symlink_at(&self, contents: GuestPath<'_>, path: GuestPath<'_>) -> FsResult<()> {
        if path.has_trailing_slash() {
            // What the link would be cannot be a directory; cap-std ignores the slash.
            return Err(match self.metadata(path, false) {
                Ok(_) => ErrorCode::Exist,
                Err(ErrorCode::NotDirectory) => ErrorCode::NotDirectory,
                Err(_) => ErrorCode::NoEntry,
            });
        }
        Ok(self.dir.symlink(contents, path)?)
    }

    fn unlink_file_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        Ok(self.dir.remove_file(path)?)
    }

    fn sync(&self) -> FsResult<()> {
        Ok(self.dir.open(".")?.sync_all()?)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A file of the host: regular, a pipe, or a device.
pub struct HostFile {
    file: Arc<std::fs::File>,
    kind: Kind,
    _open: Arc<()>,
}

impl HostFile {
    /// Takes over an open file.
    ///
    /// Errors: the system's, when it cannot say what the file is; `is-a-directory`.
    pub fn new(file: std::fs::File) -> io::Result<Self> {
        let kind = kind_of(&Metadata::from_file(&file)?.file_type());
        if kind == Kind::Directory {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self::with_kind(file, kind, Arc::default()))
    }

    fn with_kind(file: std::fs::File, kind: Kind, open: Arc<()>) -> Self {
        HostFile {
            file: Arc::new(file),
            kind,
            _open: open,
        }
    }

    fn is_regular(&self) -> bool {
        self.kind == Kind::RegularFile
    }
}

impl AsFd for HostFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Repeats what a signal interrupted. Only for calls that do not block.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            outcome => return outcome,
        }
    }
}

impl File for HostFile {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn calls_the_system(&self) -> bool {
        true
    }

    fn stat(&self) -> FsResult<Stat> {
        Ok(stat_of(&Metadata::from_file(&self.file)?))
    }

    fn size(&self) -> FsResult<u64> {
        // Not `metadata`, which asks for much more, and this is asked for every read.
        Ok(u64::try_from(rustix::fs::fstat(&self.file)?.st_size).unwrap_or_default())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        if offset > i64::MAX as u64 {
            return Ok(0);
        }
        Ok(if self.is_regular() {
            uninterrupted(|| self.file.read_at(buffer, offset))?
        } else {
            uninterrupted(|| Ok(rustix::io::read(&self.file, &mut *buffer)?))?
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> FsResult<usize> {
        if offset > i64::MAX as u64 {
            return Err(ErrorCode::FileTooLarge);
        }
        Ok(if self.is_regular() {
            uninterrupted(|| self.file.write_at(bytes, offset))?
        } else {
            uninterrupted(|| Ok(rustix::io::write(&self.file, bytes)?))?
        })
    }

    #[cfg(target_os = "linux")]
    fn append(&self, bytes: &[u8]) -> FsResult<usize> {
        use rustix::io::ReadWriteFlags;
        if !self.is_regular() {
            return self.write_at(bytes, 0);
        }
        let slices = [io::IoSlice::new(bytes)];
        match uninterrupted(|| {
            Ok(rustix::io::pwritev2(
                &self.file,
                &slices,
                0,
                ReadWriteFlags::APPEND,
            )?)
        }) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.write_at(bytes, self.size()?)
            }
            outcome => Ok(outcome?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn append(&self, bytes: &[u8]) -> FsResult<usize> {
        // Without Linux's per-call append, another writer may come between these two.
        let end = if self.is_regular() { self.size()? } else { 0 };
        self.write_at(bytes, end)
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        if size > i64::MAX as u64 {
            return Err(ErrorCode::FileTooLarge);
        }
        Ok(uninterrupted(|| self.file.set_len(size))?)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        let now = std::time::SystemTime::now();
        let mut times = std::fs::FileTimes::new();
        match accessed {
            NewTime::Keep => {}
            NewTime::Now => times = times.set_accessed(now),
            NewTime::At(time) => times = times.set_accessed(time.to_system()?),
        }
        match modified {
            NewTime::Keep => {}
            NewTime::Now => times = times.set_modified(now),
            NewTime::At(time) => times = times.set_modified(time.to_system()?),
        }
        Ok(self.file.set_times(times)?)
    }

    fn sync(&self, data_only: bool) -> FsResult<()> {
        let outcome = if data_only {
            self.file.sync_data()
        } else {
            self.file.sync_all()
        };
        match outcome.map_err(ErrorCode::from) {
            // What cannot be synchronised, a pipe, has nothing on a disk.
            Err(ErrorCode::Invalid) if !self.is_regular() => Ok(()),
            outcome => outcome,
        }
    }

    #[cfg(target_os = "linux")]
    fn advise(&self, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        use rustix::fs::Advice as System;
        let advice = match advice {
            Advice::Normal => System::Normal,
            Advice::Sequential => System::Sequential,
            Advice::Random => System::Random,
            Advice::WillNeed => System::WillNeed,
            Advice::DontNeed => System::DontNeed,
            Advice::NoReuse => System::NoReuse,
        };
        if offset > i64::MAX as u64 || length > i64::MAX as u64 {
            return Err(ErrorCode::Invalid);
        }
        Ok(rustix::fs::fadvise(
            &self.file,
            offset,
            std::num::NonZeroU64::new(length),
            advice,
        )?)
    }

    fn readable(&self) -> Readiness {
        if self.is_regular() {
            Readiness::Ready
        } else {
            Readiness::Readable(self.file.clone())
        }
    }

    fn accepting(&self) -> Readiness {
        if self.is_regular() {
            Readiness::Ready
        } else {
            Readiness::Writable(self.file.clone())
        }
    }
}

fn kind_of(file_type: &FileType) -> Kind {
    if file_type.is_file() {
        Kind::RegularFile
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_symlink() {
        Kind::SymbolicLink
    } else if file_type.is_fifo() {
        Kind::Fifo
    } else if file_type.is_char_device() {
        Kind::CharacterDevice
    } else if file_type.is_block_device() {
        Kind::BlockDevice
    } else if file_type.is_socket() {
        Kind::Socket
    } else {
        Kind::Unknown
    }
}

fn stat_of(metadata: &Metadata) -> Stat {
    let timestamp = |seconds: i64, nanoseconds: i64| {
        Some(Timestamp {
            seconds: seconds.try_into().ok()?,
            nanoseconds: nanoseconds.try_into().ok()?,
        })
    };
    Stat {
        kind: kind_of(&metadata.file_type()),
        links: metadata.nlink(),
        size: metadata.len(),
        accessed: timestamp(metadata.atime(), metadata.atime_nsec()),
        modified: timestamp(metadata.mtime(), metadata.mtime_nsec()),
        changed: timestamp(metadata.ctime(), metadata.ctime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

fn time_spec(time: NewTime) -> FsResult<Option<SystemTimeSpec>> {
    Ok(match time {
        NewTime::Keep => None,
        NewTime::Now => Some(SystemTimeSpec::SymbolicNow),
        NewTime::At(time) => Some(SystemTimeSpec::Absolute(
            cap_std::time::SystemTime::from_std(time.to_system()?),
        )),
    })
}
