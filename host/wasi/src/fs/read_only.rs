//! Any tree, without the right to change it.
//!
//! A wrapper and not a flag that others must remember to ask: what is reached through a [`ReadOnly`] directory is wrapped too.
//! Linking out of it counts as a change: a second name in a writable place would be a way to write the file.

use std::any::Any;
use std::sync::Arc;

use super::{
    Advice, Directory, Entries, ErrorCode, File, FsResult, GuestPath, Kind, NewTime, Node, OpenHow,
    Stat, read_ahead,
};
use crate::readiness::Readiness;

/// A directory or file of which nothing can be changed: every attempt is `read-only`.
pub struct ReadOnly<T: ?Sized>(Arc<T>);

impl<T: ?Sized> ReadOnly<T> {
    /// Takes the right to change anything away.
    pub fn new(inner: Arc<T>) -> Self {
        ReadOnly(inner)
    }
}

impl Directory for ReadOnly<dyn Directory> {
    fn writable(&self) -> bool {
        false
    }

    fn open_at(&self, path: GuestPath<'_>, how: OpenHow) -> FsResult<Node> {
        if how.changes() {
            return Err(ErrorCode::ReadOnly);
        }
        Ok(match self.0.open_at(path, how)? {
            Node::File(file) => Node::File(Arc::new(ReadOnly(read_ahead(file)))),
            Node::Directory(directory) => Node::Directory(Arc::new(ReadOnly(directory))),
        })
    }

    fn stat(&self) -> FsResult<Stat> {
        self.0.stat()
    }

    fn stat_at(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Stat> {
        self.0.stat_at(path, follow)
    }

    fn set_times(&self, _: NewTime, _: NewTime) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn set_times_at(&self, _: GuestPath<'_>, _: bool, _: NewTime, _: NewTime) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn entries(&self) -> FsResult<Entries> {
        self.0.entries()
    }

    fn create_directory_at(&self, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn link_at(
        &self,
        _: GuestPath<'_>,
        _: bool,
        _: &dyn Directory,
        _: GuestPath<'_>,
    ) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn read_link_at(&self, path: GuestPath<'_>) -> FsResult<String> {
        self.0.read_link_at(path)
    }

    fn remove_directory_at(&self, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn rename_at(&self, _: GuestPath<'_>, _: &dyn Directory, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn symlink_at(&self, _: GuestPath<'_>, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn unlink_file_at(&self, _: GuestPath<'_>) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn sync(&self) -> FsResult<()> {
        Ok(())
    }

    // Not the wrapped directory: it must not be found as the target of a rename or a link.
    fn as_any(&self) -> &dyn Any {
        &()
    }
}

impl File for ReadOnly<dyn File> {
    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn writable(&self) -> bool {
        false
    }

    fn stat(&self) -> FsResult<Stat> {
        self.0.stat()
    }

    fn size(&self) -> FsResult<u64> {
        self.0.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> FsResult<usize> {
        Err(ErrorCode::ReadOnly)
    }

    fn append(&self, _: &[u8]) -> FsResult<usize> {
        Err(ErrorCode::ReadOnly)
    }

    fn set_size(&self, _: u64) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn set_times(&self, _: NewTime, _: NewTime) -> FsResult<()> {
        Err(ErrorCode::ReadOnly)
    }

    fn sync(&self, _: bool) -> FsResult<()> {
        Ok(())
    }

    fn advise(&self, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        self.0.advise(offset, length, advice)
    }

    fn readable(&self) -> Readiness {
        self.0.readable()
    }
}
