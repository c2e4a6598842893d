//! Files and directories as this crate sees them: a synchronous trait of our own, and the trees behind it.
//!
//! Why a trait of our own: the host's files must be reached only through `cap-std`, which resolves every path beneath an
//! open directory and so cannot be led out of it by `..`, by symbolic links, or by renames during the resolution; the
//! virtual file systems at hand check paths as text. And a tree in memory must behave the same, so that a plugin can be
//! tested, or run, without any file.
//!
//! - [`Directory`] and [`File`] are the trait; everything is relative to an open directory, as in the `*at` calls of POSIX.
//! - [`HostDirectory`] and [`HostFile`] are the host's, [`MemoryTree`] is the one in memory.
//! - [`ReadOnly`] takes the right to change anything away from any tree; [`Selection`] shows single files and nothing else.
//! - [`Descriptor`] adds what a guest's handle has: the flags it was opened with. The WASI bindings only translate types.
//!
//! Rights are enforced here, by the objects a guest can reach, and nowhere else: there is no list of allowed paths.

mod ahead;
mod descriptor;
mod error;
mod host;
mod memory;
mod path;
mod read_only;
mod selection;

pub(crate) use ahead::read_ahead;
pub(crate) use descriptor::read_fully;
pub use descriptor::{Descriptor, DescriptorFlags, OpenFlags, metadata_hash};
pub use error::{ErrorCode, FsResult};
pub use host::{HostDirectory, HostFile};
pub use memory::MemoryTree;
pub use path::{GuestPath, MAX_NAME, MAX_PATH};
pub use read_only::ReadOnly;
pub use selection::{Selected, Selection};

use crate::readiness::Readiness;
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmer_component::{ComponentType, Lift, Lower};

/// What an object in a file system is: `descriptor-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(enum)]
pub enum Kind {
    /// None of the others.
    Unknown,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharacterDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// A symbolic link.
    SymbolicLink,
    /// A regular file.
    RegularFile,
    /// A socket.
    Socket,
}

/// A point in time: seconds and nanoseconds (below 1,000,000,000) since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// The system clock's time now.
    pub fn now() -> Self {
        Self::from_system(SystemTime::now()).unwrap_or_default()
    }

    /// `None` before 1970, which WASI cannot say.
    pub fn from_system(time: SystemTime) -> Option<Self> {
        time.duration_since(UNIX_EPOCH).ok().map(Self::from)
    }

    /// The same time as the standard library says it. `invalid` if the nanoseconds are a second or more, `overflow` if the
    /// host cannot say it.
    pub fn to_system(self) -> FsResult<SystemTime> {
        if self.nanoseconds >= 1_000_000_000 {
            return Err(ErrorCode::Invalid);
        }
        UNIX_EPOCH
            .checked_add(Duration::new(self.seconds, self.nanoseconds))
            .ok_or(ErrorCode::Overflow)
    }
}

impl From<Duration> for Timestamp {
    fn from(since_epoch: Duration) -> Self {
        Timestamp {
            seconds: since_epoch.as_secs(),
            nanoseconds: since_epoch.subsec_nanos(),
        }
    }
}

/// What to do with a timestamp: `new-timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum NewTime {
    /// Leave it as it is.
    #[component(name = "no-change")]
    Keep,
    /// The system's time now.
    Now,
    /// This time.
    #[component(name = "timestamp")]
    At(Timestamp),
}

/// What is known of an object: `descriptor-stat`, and its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Number of hard links.
    pub links: u64,
    /// Bytes: of a file its length, of a symbolic link the length of the path in it.
    pub size: u64,
    /// Last access.
    pub accessed: Option<Timestamp>,
    /// Last change of the contents.
    pub modified: Option<Timestamp>,
    /// Last change of the contents or of what is known about it.
    pub changed: Option<Timestamp>,
    /// With `inode` the identity of the object. Not shown to guests.
    pub device: u64,
    /// See `device`.
    pub inode: u64,
}

/// How a file is going to be read: `advice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
pub enum Advice {
    /// Nothing is known.
    Normal,
    /// From lower to higher offsets.
    Sequential,
    /// In any order.
    Random,
    /// Soon.
    WillNeed,
    /// Not soon.
    DontNeed,
    /// Once.
    NoReuse,
}

/// How to open an object. All `false` opens what exists, without following a last symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenHow {
    /// The contents will be read.
    pub read: bool,
    /// The contents will be written.
    pub write: bool,
    /// Make a file if there is none.
    pub create: bool,
    /// With `create`: fail if there is something.
    pub exclusive: bool,
    /// Cut a file to length 0.
    pub truncate: bool,
    /// Fail if it is not a directory.
    pub directory: bool,
    /// If the path names a symbolic link, open what it leads to.
    pub follow: bool,
}

impl OpenHow {
    /// Whether opening like this, or what the opened object then allows, changes anything.
    pub fn changes(&self) -> bool {
        self.write || self.create || self.truncate
    }
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Entry {
    /// What it is (a symbolic link is not followed).
    #[component(name = "type")]
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// The entries of a directory, without `.` and `..`, in no order. A name that is not UTF-8 is an `illegal-byte-sequence` in
/// its place; the ones after it still come.
pub type Entries = Box<dyn Iterator<Item = FsResult<Entry>> + Send>;

/// What [`Directory::open_at`] found.
#[derive(Clone)]
pub enum Node {
    /// Anything that has contents.
    File(Arc<dyn File>),
    /// A directory.
    Directory(Arc<dyn Directory>),
}

/// An open directory. Paths are resolved beneath it and cannot leave it: one that would (through `..`, or an absolute or
/// outward symbolic link) is `not-permitted`.
///
/// Methods without a comment are the POSIX calls of that name and fail with the codes POSIX names.
pub trait Directory: Send + Sync + 'static {
    /// Whether anything can be changed through this directory at all.
    fn writable(&self) -> bool {
        true
    }
    /// Opens a file or directory. `how.directory` excludes creating and truncating; `is-directory` if a directory would be
    /// written. A last symbolic link that is not to be followed is `loop`.
    fn open_at(&self, path: GuestPath<'_>, how: OpenHow) -> FsResult<Node>;
    /// This directory.
    fn stat(&self) -> FsResult<Stat>;
    /// What `path` names.
    fn stat_at(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Stat>;
    /// Access and modification time of this directory.
    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()>;
    /// Access and modification time of what `path` names.
    fn set_times_at(
        &self,
        path: GuestPath<'_>,
        follow: bool,
        accessed: NewTime,
        modified: NewTime,
    ) -> FsResult<()>;
    /// What is in it.
    fn entries(&self) -> FsResult<Entries>;
    /// `mkdirat`.
    fn create_directory_at(&self, path: GuestPath<'_>) -> FsResult<()>;
    /// `linkat`; `cross-device` if `new_directory` belongs to another kind of tree.
    fn link_at(
        &self,
        old: GuestPath<'_>,
        follow: bool,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()>;
    /// `readlinkat`; `not-permitted` if the link is absolute, `invalid` if it is no link.
    fn read_link_at(&self, path: GuestPath<'_>) -> FsResult<String>;
    /// `unlinkat` of a directory.
    fn remove_directory_at(&self, path: GuestPath<'_>) -> FsResult<()>;
    /// `renameat`; `cross-device` if `new_directory` belongs to another kind of tree.
    fn rename_at(
        &self,
        old: GuestPath<'_>,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()>;
    /// `symlinkat`; `not-permitted` if `contents` is absolute.
    fn symlink_at(&self, contents: GuestPath<'_>, path: GuestPath<'_>) -> FsResult<()>;
    /// `unlinkat` of anything but a directory.
    fn unlink_file_at(&self, path: GuestPath<'_>) -> FsResult<()>;
    /// Waits until what was changed is on the disk.
    fn sync(&self) -> FsResult<()>;
    /// For operations on two directories, which must be of one kind.
    fn as_any(&self) -> &dyn Any;
}

/// An open file. All reading and writing says where; there is no position.
pub trait File: Send + Sync + 'static {
    /// What it is. Of what is not a [`Kind::RegularFile`], offsets mean nothing and reading takes what comes next.
    fn kind(&self) -> Kind;
    /// Whether anything can be changed through this file at all.
    fn writable(&self) -> bool {
        true
    }
    /// Whether each reading is a call of the system, so that few long ones cost less than many short ones.
    fn calls_the_system(&self) -> bool {
        false
    }
    /// What is known of it.
    fn stat(&self) -> FsResult<Stat>;
    /// Its length in bytes now.
    fn size(&self) -> FsResult<u64> {
        self.stat().map(|stat| stat.size)
    }
    /// Reads up to `buffer.len()` bytes from `offset` on; 0 is the end. Never blocks for long: `would-block` if a pipe or
    /// device has nothing now.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> FsResult<usize>;
    /// Writes from `offset` on and says how many bytes it took.
    fn write_at(&self, bytes: &[u8], offset: u64) -> FsResult<usize>;
    /// Writes at the end, wherever that is at this moment, and says how many bytes it took.
    fn append(&self, bytes: &[u8]) -> FsResult<usize>;
    /// Cuts or extends (with zeros) to `size` bytes.
    fn set_size(&self, size: u64) -> FsResult<()>;
    /// Access and modification time.
    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()>;
    /// Waits until the contents are on the disk, and if not `data_only` everything known about them too.
    fn sync(&self, data_only: bool) -> FsResult<()>;
    /// How it is going to be read from `offset` on, for `length` bytes (0: to the end). May do nothing.
    fn advise(&self, _offset: u64, _length: u64, _advice: Advice) -> FsResult<()> {
        Ok(())
    }
    /// When [`File::read_at`] will not be `would-block`.
    fn readable(&self) -> Readiness {
        Readiness::Ready
    }
    /// When [`File::write_at`] will not be `would-block`, for a pipe's least at once (4096 bytes).
    fn accepting(&self) -> Readiness {
        Readiness::Ready
    }
}
