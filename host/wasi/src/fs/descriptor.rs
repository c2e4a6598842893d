//! What a guest holds when it has opened something: an object and the flags it was opened with.
//!
//! Two rights meet here. What the *grant* allows is in the object itself ([`ReadOnly`](super::ReadOnly) and the like) and is
//! inherited by everything opened through it; what the *guest* asked for when opening is in the flags. C libraries open
//! directories for reading and then create files in them, so a directory's flags report what the grant allows and do not
//! narrow it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Advice, Directory, Entries, ErrorCode, File, FsResult, GuestPath, Kind, NewTime, Node, OpenHow,
    Stat,
};
use crate::readiness;
use crate::stream::{Chunk, FileInput, FileOutput, MAX_CHUNK};

/// How a descriptor was opened: `descriptor-flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DescriptorFlags {
    /// Data can be read.
    pub read: bool,
    /// Data can be written.
    pub write: bool,
    /// A write ends when data and metadata are on the disk.
    pub file_integrity_sync: bool,
    /// A write ends when the data is on the disk.
    pub data_integrity_sync: bool,
    /// Reads do as writes do.
    pub requested_write_sync: bool,
    /// The directory's contents can be changed.
    pub mutate_directory: bool,
}

/// What to do on opening: `open-flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags {
    /// Make a file if there is none.
    pub create: bool,
    /// Fail if it is no directory.
    pub directory: bool,
    /// With `create`: fail if there is something.
    pub exclusive: bool,
    /// Cut a file to length 0.
    pub truncate: bool,
}

/// An open file or directory of a guest.
pub struct Descriptor {
    node: Node,
    flags: DescriptorFlags,
    promised: Arc<Promised>,
}

/// What a read whose result was promised before it was made leaves behind.
#[derive(Default)]
struct Promised {
    /// It failed; the next one reports it.
    failed: Mutex<Option<ErrorCode>>,
    /// How long a regular file is known to be, in bytes: asked again when a read comes to the end of it.
    size: AtomicU64,
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor")
            .field("kind", &self.kind())
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

impl Descriptor {
    /// A directory that the guest is given from the start.
    pub fn preopened(directory: Arc<dyn Directory>) -> Self {
        Self::new(Node::Directory(directory), DescriptorFlags::default())
    }

    fn new(node: Node, asked: DescriptorFlags) -> Self {
        let flags = match &node {
            Node::File(_) => DescriptorFlags {
                mutate_directory: false,
                ..asked
            },
            Node::Directory(directory) => DescriptorFlags {
                read: true,
                write: false,
                mutate_directory: directory.writable(),
                ..asked
            },
        };
        Descriptor {
            node,
            flags,
            promised: Arc::default(),
        }
    }

    fn file(&self) -> FsResult<&Arc<dyn File>> {
        match &self.node {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(ErrorCode::BadDescriptor),
        }
    }

    fn directory(&self) -> FsResult<&dyn Directory> {
        match &self.node {
            Node::File(_) => Err(ErrorCode::NotDirectory),
            Node::Directory(directory) => Ok(&**directory),
        }
    }

    fn to_read(&self) -> FsResult<&Arc<dyn File>> {
        let file = self.file()?;
        if self.flags.read {
            Ok(file)
        } else {
            Err(ErrorCode::BadDescriptor)
        }
    }

    fn to_write(&self) -> FsResult<&Arc<dyn File>> {
        let file = self.file()?;
        if self.flags.write {
            Ok(file)
        } else {
            Err(ErrorCode::BadDescriptor)
        }
    }

    /// The flags in force.
    pub fn flags(&self) -> DescriptorFlags {
        self.flags
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match &self.node {
            Node::File(file) => file.kind(),
            Node::Directory(_) => Kind::Directory,
        }
    }

    /// A stream of the contents from `offset` on.
    pub fn read_via_stream(&self, offset: u64) -> FsResult<FileInput> {
        Ok(FileInput::new(self.to_read()?.clone(), offset))
    }

    /// A stream that writes from `offset` on.
    pub fn write_via_stream(&self, offset: u64) -> FsResult<FileOutput> {
        Ok(FileOutput::at(self.to_write()?.clone(), offset))
    }

    /// A stream that writes at the end.
    pub fn append_via_stream(&self) -> FsResult<FileOutput> {
        Ok(FileOutput::at_end(self.to_write()?.clone()))
    }

    /// What the next `length` bytes from `offset` on are, to be filled in place, and whether the end is reached with them.
    /// At most [`MAX_CHUNK`] bytes at once.
    pub fn read(&self, length: u64, offset: u64) -> FsResult<(Chunk, bool)> {
        let file = self.to_read()?;
        if let Some(error) = self
            .promised
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            return Err(error);
        }
        let length = length.min(MAX_CHUNK as u64);
        let left = match file.kind() {
            Kind::RegularFile => self.left(file, length, offset)?,
            _ => 0,
        };
        if left == 0 {
            // The end; or a pipe, or a file of `/proc`, whose size says nothing. Only reading tells.
            if file.kind() != Kind::RegularFile && !readiness::is_ready(&file.readable()) {
                return Err(ErrorCode::WouldBlock);
            }
            let mut bytes = vec![0; length.min(64 * 1024) as usize];
            let read = file.read_at(&mut bytes, offset)?;
            bytes.truncate(read);
            return Ok((Chunk::from(bytes), read == 0));
        }
        let (file, promised) = (file.clone(), self.promised.clone());
        let chunk = Chunk::fill(length.min(left) as usize, move |buffer| {
            let read = read_fully(&*file, buffer, offset).unwrap_or_else(|error| {
                *promised
                    .failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(error);
                0
            });
            if read < buffer.len() {
                // Not as long as it was.
                promised.size.store(0, Ordering::Relaxed);
            }
            read
        });
        Ok((chunk, length >= left))
    }

    /// How many bytes of a regular file there are from `offset` on, if fewer than `length` would do.
    fn left(&self, file: &Arc<dyn File>, length: u64, offset: u64) -> FsResult<u64> {
        let known = self.promised.size.load(Ordering::Relaxed);
        let left = known.saturating_sub(offset);
        if left > length {
            return Ok(left);
        }
        let size = file.size()?;
        self.promised.size.store(size, Ordering::Relaxed);
        Ok(size.saturating_sub(offset))
    }

    /// Writes from `offset` on and says how many bytes were taken.
    pub fn write(&self, bytes: &[u8], offset: u64) -> FsResult<usize> {
        self.to_write()?.write_at(bytes, offset)
    }

    /// Says how the file is going to be read.
    pub fn advise(&self, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        self.file()?.advise(offset, length, advice)
    }

    /// Waits until changes are on the disk.
    pub fn sync(&self, data_only: bool) -> FsResult<()> {
        match &self.node {
            Node::File(file) if self.flags.write => file.sync(data_only),
            Node::Directory(directory) if self.flags.mutate_directory => directory.sync(),
            _ => Ok(()),
        }
    }

    /// Cuts or extends a file. `read-only` if the grant does not allow it, `invalid` if the file was not opened to write.
    pub fn set_size(&self, size: u64) -> FsResult<()> {
        let file = self.file()?;
        match (file.writable(), self.flags.write) {
            (false, _) => Err(ErrorCode::ReadOnly),
            (true, false) => Err(ErrorCode::Invalid),
            (true, true) => file.set_size(size),
        }
    }

    /// Access and modification time.
    pub fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        match &self.node {
            Node::File(file) => file.set_times(accessed, modified),
            Node::Directory(directory) => directory.set_times(accessed, modified),
        }
    }

    /// What is known of it.
    pub fn stat(&self) -> FsResult<Stat> {
        match &self.node {
            Node::File(file) => file.stat(),
            Node::Directory(directory) => directory.stat(),
        }
    }

    /// Opens what `path` leads to.
    ///
    /// Errors beside those of [`Directory::open_at`]: `read-only` if anything would be changed and the grant does not allow
    /// it; `invalid` for a directory to be created or truncated; `is-directory` for one to be written; `unsupported` for the
    /// flags of synchronised I/O, whose meaning the specification leaves open: who needs bytes on a disk calls
    /// [`Descriptor::sync`].
    pub fn open_at(
        &self,
        follow: bool,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Descriptor> {
        let directory = self.directory()?;
        let path = GuestPath::new(path)?;
        if open.directory && (open.create || open.exclusive || open.truncate) {
            return Err(ErrorCode::Invalid);
        }
        if flags.file_integrity_sync || flags.data_integrity_sync || flags.requested_write_sync {
            return Err(ErrorCode::Unsupported);
        }
        let changes = flags.write || flags.mutate_directory || open.truncate || open.create;
        if changes && !directory.writable() {
            return Err(ErrorCode::ReadOnly);
        }
        let how = OpenHow {
            read: flags.read,
            write: flags.write,
            create: open.create,
            exclusive: open.exclusive,
            truncate: open.truncate,
            directory: open.directory,
            follow,
        };
        let node = directory.open_at(path, how)?;
        if flags.write && matches!(node, Node::Directory(_)) {
            return Err(ErrorCode::IsDirectory);
        }
        Ok(Descriptor::new(node, flags))
    }

    /// The entries of a directory.
    pub fn entries(&self) -> FsResult<Entries> {
        self.directory()?.entries()
    }

    /// What is known of what `path` leads to.
    pub fn stat_at(&self, follow: bool, path: &str) -> FsResult<Stat> {
        self.directory()?.stat_at(GuestPath::new(path)?, follow)
    }

    /// Access and modification time of what `path` leads to.
    pub fn set_times_at(
        &self,
        follow: bool,
        path: &str,
        accessed: NewTime,
        modified: NewTime,
    ) -> FsResult<()> {
        self.directory()?
            .set_times_at(GuestPath::new(path)?, follow, accessed, modified)
    }

    /// Makes a directory.
    pub fn create_directory_at(&self, path: &str) -> FsResult<()> {
        self.directory()?.create_directory_at(GuestPath::new(path)?)
    }

    /// Gives a file a second name, which may be in another directory.
    pub fn link_at(&self, follow: bool, old: &str, other: &Descriptor, new: &str) -> FsResult<()> {
        let (from, to) = self.to_other(other)?;
        from.link_at(GuestPath::new(old)?, follow, to, GuestPath::new(new)?)
    }

    /// Where a symbolic link leads.
    pub fn read_link_at(&self, path: &str) -> FsResult<String> {
        self.directory()?.read_link_at(GuestPath::new(path)?)
    }

    /// Removes an empty directory.
    pub fn remove_directory_at(&self, path: &str) -> FsResult<()> {
        self.directory()?.remove_directory_at(GuestPath::new(path)?)
    }

    /// Renames, and if need be replaces what has the new name.
    pub fn rename_at(&self, old: &str, other: &Descriptor, new: &str) -> FsResult<()> {
        let (from, to) = self.to_other(other)?;
        from.rename_at(GuestPath::new(old)?, to, GuestPath::new(new)?)
    }

    /// Makes a symbolic link at `path`.
    pub fn symlink_at(&self, contents: &str, path: &str) -> FsResult<()> {
        self.directory()?
            .symlink_at(GuestPath::new(contents)?, GuestPath::new(path)?)
    }

    /// Removes anything but a directory.
    pub fn unlink_file_at(&self, path: &str) -> FsResult<()> {
        self.directory()?.unlink_file_at(GuestPath::new(path)?)
    }

    /// This directory and the one that something of it shall get into.
    fn to_other<'a>(
        &'a self,
        other: &'a Descriptor,
    ) -> FsResult<(&'a dyn Directory, &'a dyn Directory)> {
        let (from, to) = (self.directory()?, other.directory()?);
        // Rather than "cross-device", which a read-only wrapper would look like.
        if !to.writable() || !from.writable() {
            return Err(ErrorCode::ReadOnly);
        }
        Ok((from, to))
    }

    /// Whether both are the same object. Objects that cannot be looked at are not.
    pub fn is_same_object(&self, other: &Descriptor) -> bool {
        match (self.stat(), other.stat()) {
            (Ok(this), Ok(other)) => (this.device, this.inode) == (other.device, other.inode),
            _ => false,
        }
    }
}

/// A hash of what changes when an object is changed or replaced, as two halves. `secret` keeps guests from working back.
pub fn metadata_hash(stat: &Stat, secret: u64) -> (u64, u64) {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (
            which,
            secret,
            stat.device,
            stat.inode,
            stat.kind,
            stat.size,
            stat.modified,
        )
            .hash(&mut hasher);
        hasher.finish()
    };
    (half(0), half(1))
}

/// Reads until the buffer is full or the file ends.
///
/// Errors: the first one, if nothing was read before it; else it will show again.
pub(crate) fn read_fully(file: &dyn File, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if filled == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(filled)
}
