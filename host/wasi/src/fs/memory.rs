//! A tree in memory that behaves as a host directory does, down to the error codes.
//!
//! One lock guards the whole tree: a plugin is one thread, and simple is right here. Objects are numbered as inodes are, so
//! that an unlinked file lives on while it is open. What a tree holds is bounded: contents and a fixed price for every
//! object count against a capacity, and beyond it is `insufficient-space`.
//!
//! The tests run the same cases on this and on a host directory; where they differ, this is wrong.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Directory, Entries, Entry, ErrorCode, File, FsResult, GuestPath, Kind, MAX_NAME, NewTime, Node,
    OpenHow, Stat, Timestamp,
};

/// What an object costs beside its contents, in bytes.
const OBJECT_COST: u64 = 256;
/// How many symbolic links one path may lead through; what Linux allows.
const MAX_LINKS: u32 = 40;
/// The number of the root.
const ROOT: u64 = 1;

/// A tree in memory. Clones are handles to the same tree; a handle can be granted to a guest as a directory, and read and
/// filled by the host.
#[derive(Clone)]
pub struct MemoryTree(Arc<Tree>);

impl MemoryTree {
    /// An empty tree that holds at most `capacity` bytes (contents, and a little for every object).
    pub fn new(capacity: u64) -> Self {
        static NEXT_DEVICE: AtomicU64 = AtomicU64::new(0);
        let root = Inode::new(Body::Directory(BTreeMap::new()));
        MemoryTree(Arc::new(Tree {
            device: u64::MAX - NEXT_DEVICE.fetch_add(1, Ordering::Relaxed),
            state: Mutex::new(State {
                inodes: HashMap::from([(ROOT, root)]),
                next: ROOT + 1,
                used: OBJECT_COST,
                capacity,
            }),
        }))
    }

    /// The root, for [`Grant::tree`](crate::Grant::tree) or for the host's own use.
    pub fn root(&self) -> Arc<dyn Directory> {
        MemoryDirectory::open(&self.0, &mut self.0.lock(), ROOT)
    }

    /// Makes or replaces the file at `path` (relative, its directory must exist).
    pub fn write_file(&self, path: &str, contents: &[u8]) -> FsResult<()> {
        let how = OpenHow {
            write: true,
            create: true,
            truncate: true,
            follow: true,
            ..OpenHow::default()
        };
        let Node::File(file) = self.root().open_at(GuestPath::new(path)?, how)? else {
            return Err(ErrorCode::IsDirectory);
        };
        file.write_at(contents, 0).map(drop)
    }

    /// The contents of the file at `path`.
    pub fn read_file(&self, path: &str) -> FsResult<Vec<u8>> {
        let how = OpenHow {
            read: true,
            follow: true,
            ..OpenHow::default()
        };
        let Node::File(file) = self.root().open_at(GuestPath::new(path)?, how)? else {
            return Err(ErrorCode::IsDirectory);
        };
        let size = usize::try_from(file.size()?).map_err(|_| ErrorCode::InsufficientMemory)?;
        let mut contents = vec![0; size];
        let read = file.read_at(&mut contents, 0)?;
        contents.truncate(read);
        Ok(contents)
    }

    /// Makes a directory at `path`, whose parent must exist.
    pub fn create_directory(&self, path: &str) -> FsResult<()> {
        self.root().create_directory_at(GuestPath::new(path)?)
    }
}

struct Tree {
    device: u64,
    state: Mutex<State>,
}

impl Tree {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    inodes: HashMap<u64, Inode>,
    next: u64,
    used: u64,
    capacity: u64,
}

struct Inode {
    links: u64,
    handles: u64,
    accessed: Timestamp,
    modified: Timestamp,
    changed: Timestamp,
    body: Body,
}

enum Body {
    File(Vec<u8>),
    Directory(BTreeMap<String, u64>),
    Link(String),
}

impl Inode {
    fn new(body: Body) -> Self {
        let now = Timestamp::now();
        Inode {
            links: 1,
            handles: 0,
            accessed: now,
            modified: now,
            changed: now,
            body,
        }
    }

    fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::RegularFile,
            Body::Directory(_) => Kind::Directory,
            Body::Link(_) => Kind::SymbolicLink,
        }
    }

    fn size(&self) -> u64 {
        match &self.body {
            Body::File(contents) => contents.len() as u64,
            Body::Directory(_) => 0,
            Body::Link(contents) => contents.len() as u64,
        }
    }

    fn touch(&mut self) {
        self.modified = Timestamp::now();
        self.changed = self.modified;
    }

    fn set_times(&mut self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        for time in [accessed, modified] {
            if let NewTime::At(time) = time {
                time.to_system()?;
            }
        }
        let apply = |slot: &mut Timestamp, time| match time {
            NewTime::Keep => {}
            NewTime::Now => *slot = Timestamp::now(),
            NewTime::At(time) => *slot = time,
        };
        apply(&mut self.accessed, accessed);
        apply(&mut self.modified, modified);
        self.changed = Timestamp::now();
        Ok(())
    }
}

/// What to do when a path ends in a symbolic link.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Go where it leads.
    Follow,
    /// Take the link itself, unless a slash after it says that a directory is meant.
    Keep,
    /// Take the link itself.
    KeepAlways,
}

impl Last {
    fn follow(follow: bool) -> Self {
        if follow { Last::Follow } else { Last::Keep }
    }
}

/// Where a path leads.
enum Place {
    /// To a directory without naming it: `.`, `a/..`.
    Itself(u64),
    /// To a name in a directory, where there is something or not.
    Name {
        parent: u64,
        name: String,
        inode: Option<u64>,
        slash: bool,
    },
}

impl State {
    fn inode(&self, number: u64) -> FsResult<&Inode> {
        self.inodes.get(&number).ok_or(ErrorCode::NoEntry)
    }

    fn inode_mut(&mut self, number: u64) -> FsResult<&mut Inode> {
        self.inodes.get_mut(&number).ok_or(ErrorCode::NoEntry)
    }

    fn directory(&self, number: u64) -> FsResult<&BTreeMap<String, u64>> {
        match &self.inode(number)?.body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    fn directory_mut(&mut self, number: u64) -> FsResult<&mut BTreeMap<String, u64>> {
        let inode = self.inode_mut(number)?;
        inode.touch();
        match &mut inode.body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    fn walk(&self, base: u64, path: GuestPath<'_>, last: Last) -> FsResult<Place> {
        fn push(todo: &mut Vec<String>, path: &str) {
            todo.extend(
                path.split('/')
                    .rev()
                    .filter(|name| !name.is_empty())
                    .map(String::from),
            );
        }
        let mut way = vec![base];
        let mut todo = Vec::new();
        push(&mut todo, path.as_str());
        let mut slash = path.has_trailing_slash();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            let here = way.last().copied().unwrap_or(base);
            match name.as_str() {
                "." => continue,
                ".." => {
                    if way.len() == 1 {
                        return Err(ErrorCode::NotPermitted);
                    }
                    way.pop();
                    continue;
                }
                _ => {}
            }
            if name.len() > MAX_NAME {
                return Err(ErrorCode::NameTooLong);
            }
            let is_last = todo.is_empty();
            let Some(&number) = self.directory(here)?.get(&name) else {
                if !is_last {
                    return Err(ErrorCode::NoEntry);
                }
                return Ok(Place::Name {
                    parent: here,
                    name,
                    inode: None,
                    slash,
                });
            };
            let follow = !is_last || last == Last::Follow || (slash && last == Last::Keep);
            match &self.inode(number)?.body {
                Body::Link(contents) if follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(ErrorCode::Loop);
                    }
                    if contents.starts_with('/') {
                        return Err(ErrorCode::NotPermitted);
                    }
                    slash |= is_last && contents.ends_with('/');
                    push(&mut todo, contents);
                }
                _ if is_last => {
                    return Ok(Place::Name {
                        parent: here,
                        name,
                        inode: Some(number),
                        slash,
                    });
                }
                Body::Directory(_) => way.push(number),
                _ => return Err(ErrorCode::NotDirectory),
            }
        }
        Ok(Place::Itself(way.last().copied().unwrap_or(base)))
    }

    /// What is at `path`, which must be there.
    fn find(&self, base: u64, path: GuestPath<'_>, last: Last) -> FsResult<u64> {
        match self.walk(base, path, last)? {
            Place::Itself(number) => Ok(number),
            Place::Name {
                inode: Some(number),
                slash,
                ..
            } => {
                if slash && self.inode(number)?.kind() != Kind::Directory {
                    return Err(ErrorCode::NotDirectory);
                }
                Ok(number)
            }
            Place::Name { inode: None, .. } => Err(ErrorCode::NoEntry),
        }
    }

    fn charge(&mut self, bytes: u64) -> FsResult<()> {
        let used = self
            .used
            .checked_add(bytes)
            .filter(|used| *used <= self.capacity);
        self.used = used.ok_or(ErrorCode::InsufficientSpace)?;
        Ok(())
    }

    /// Makes something new under a name that is free.
    fn create(&mut self, parent: u64, name: String, body: Body) -> FsResult<u64> {
        if self.inode(parent)?.links == 0 {
            return Err(ErrorCode::NoEntry);
        }
        let inode = Inode::new(body);
        self.charge(OBJECT_COST.saturating_add(inode.size()))?;
        let number = self.next;
        self.directory_mut(parent)?.insert(name, number);
        self.next += 1;
        self.inodes.insert(number, inode);
        Ok(number)
    }

    /// Takes one name away from an object.
    fn unlink(&mut self, number: u64) {
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.links = inode.links.saturating_sub(1);
            inode.changed = Timestamp::now();
        }
        self.free_if_unused(number);
    }

    fn free_if_unused(&mut self, number: u64) {
        if self
            .inodes
            .get(&number)
            .is_some_and(|inode| inode.links == 0 && inode.handles == 0)
        {
            let size = self.inodes.remove(&number).map_or(0, |inode| inode.size());
            self.used = self.used.saturating_sub(OBJECT_COST.saturating_add(size));
        }
    }

    /// Whether the directory `number` is `top` or lies in it.
    fn lies_in(&self, number: u64, top: u64) -> bool {
        let mut todo = vec![top];
        while let Some(next) = todo.pop() {
            if next == number {
                return true;
            }
            if let Ok(entries) = self.directory(next) {
                todo.extend(entries.values());
            }
        }
        false
    }

    fn resize(&mut self, number: u64, size: u64) -> FsResult<()> {
        // Where files of the host end too; below it is a matter of space.
        if size > i64::MAX as u64 {
            return Err(ErrorCode::FileTooLarge);
        }
        let old = self.inode(number)?.size();
        if size > old {
            self.charge(size - old)?;
        }
        let length = usize::try_from(size).map_err(|_| ErrorCode::FileTooLarge)?;
        let inode = self.inode_mut(number)?;
        if let Body::File(contents) = &mut inode.body {
            contents.resize(length, 0);
            contents.shrink_to(length.saturating_mul(2));
        }
        inode.touch();
        if size < old {
            self.used = self.used.saturating_sub(old - size);
        }
        Ok(())
    }

    fn write(&mut self, number: u64, bytes: &[u8], offset: u64) -> FsResult<usize> {
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(ErrorCode::FileTooLarge)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        if end > self.inode(number)?.size() {
            self.resize(number, end)?;
        }
        let inode = self.inode_mut(number)?;
        inode.touch();
        let Body::File(contents) = &mut inode.body else {
            return Err(ErrorCode::BadDescriptor);
        };
        let start = usize::try_from(offset).map_err(|_| ErrorCode::FileTooLarge)?;
        let place = contents
            .get_mut(start..start + bytes.len())
            .ok_or(ErrorCode::Io)?;
        place.copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn stat(&self, device: u64, number: u64) -> FsResult<Stat> {
        let inode = self.inode(number)?;
        Ok(Stat {
            kind: inode.kind(),
            links: inode.links,
            size: inode.size(),
            accessed: Some(inode.accessed),
            modified: Some(inode.modified),
            changed: Some(inode.changed),
            device,
            inode: number,
        })
    }
}

/// What keeps an object alive while it is open.
struct Handle {
    tree: Arc<Tree>,
    number: u64,
}

impl Handle {
    fn open(tree: &Arc<Tree>, state: &mut State, number: u64) -> Self {
        if let Some(inode) = state.inodes.get_mut(&number) {
            inode.handles += 1;
        }
        Handle {
            tree: tree.clone(),
            number,
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.tree.lock();
        if let Some(inode) = state.inodes.get_mut(&self.number) {
            inode.handles = inode.handles.saturating_sub(1);
        }
        state.free_if_unused(self.number);
    }
}

struct MemoryDirectory(Handle);

impl MemoryDirectory {
    fn open(tree: &Arc<Tree>, state: &mut State, number: u64) -> Arc<dyn Directory> {
        Arc::new(MemoryDirectory(Handle::open(tree, state, number)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.tree.lock()
    }

    /// The other directory's number, if it is of the same tree.
    fn same_tree(&self, other: &dyn Directory) -> FsResult<u64> {
        let other = other
            .as_any()
            .downcast_ref::<MemoryDirectory>()
            .ok_or(ErrorCode::CrossDevice)?;
        if !Arc::ptr_eq(&self.0.tree, &other.0.tree) {
            return Err(ErrorCode::CrossDevice);
        }
        Ok(other.0.number)
    }
}

impl Directory for MemoryDirectory {
    fn open_at(&self, path: GuestPath<'_>, how: OpenHow) -> FsResult<Node> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (number, slash) = match state.walk(self.0.number, path, Last::follow(how.follow))? {
            Place::Itself(number) => (number, true),
            Place::Name {
                inode: Some(number),
                slash,
                ..
            } => (number, slash),
            Place::Name { inode: None, .. } if !how.create => return Err(ErrorCode::NoEntry),
            Place::Name {
                inode: None,
                slash: true,
                ..
            } => return Err(ErrorCode::IsDirectory),
            Place::Name {
                parent,
                name,
                inode: None,
                slash: false,
            } => {
                let number = state.create(parent, name, Body::File(Vec::new()))?;
                let handle = Handle::open(&self.0.tree, state, number);
                return Ok(Node::File(Arc::new(MemoryFile(handle))));
            }
        };
        if how.create && how.exclusive {
            return Err(ErrorCode::Exist);
        }
        match state.inode(number)?.kind() {
            Kind::Directory if how.changes() => Err(ErrorCode::IsDirectory),
            Kind::Directory => Ok(Node::Directory(MemoryDirectory::open(
                &self.0.tree,
                state,
                number,
            ))),
            _ if slash || how.directory => Err(ErrorCode::NotDirectory),
            Kind::SymbolicLink => Err(ErrorCode::Loop),
            _ => {
                if how.truncate {
                    state.resize(number, 0)?;
                }
                Ok(Node::File(Arc::new(MemoryFile(Handle::open(
                    &self.0.tree,
                    state,
                    number,
                )))))
            }
        }
    }

    fn stat(&self) -> FsResult<Stat> {
        self.lock().stat(self.0.tree.device, self.0.number)
    }

    fn stat_at(&self, path: GuestPath<'_>, follow: bool) -> FsResult<Stat> {
        let state = self.lock();
        let number = state.find(self.0.number, path, Last::follow(follow))?;
        state.stat(self.0.tree.device, number)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        self.lock()
            .inode_mut(self.0.number)?
            .set_times(accessed, modified)
    }

    fn set_times_at(
        &self,
        path: GuestPath<'_>,
        follow: bool,
        accessed: NewTime,
        modified: NewTime,
    ) -> FsResult<()> {
        let mut state = self.lock();
        let number = state.find(self.0.number, path, Last::follow(follow))?;
        state.inode_mut(number)?.set_times(accessed, modified)
    }

    fn entries(&self) -> FsResult<Entries> {
        let state = self.lock();
        let entries: Vec<_> = state
            .directory(self.0.number)?
            .iter()
            .map(|(name, number)| {
                let kind = state.inode(*number)?.kind();
                Ok(Entry {
                    kind,
                    name: name.clone(),
                })
            })
            .collect();
        Ok(Box::new(entries.into_iter()))
    }

    fn create_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        let mut state = self.lock();
        match state.walk(self.0.number, path, Last::KeepAlways)? {
            Place::Name {
                parent,
                name,
                inode: None,
                ..
            } => state
                .create(parent, name, Body::Directory(BTreeMap::new()))
                .map(drop),
            _ => Err(ErrorCode::Exist),
        }
    }

    fn link_at(
        &self,
        old: GuestPath<'_>,
        follow: bool,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()> {
        if follow {
            return Err(ErrorCode::Invalid);
        }
        let new_base = self.same_tree(new_directory)?;
        let mut state = self.lock();
        let number = state.find(self.0.number, old, Last::Keep)?;
        if state.inode(number)?.kind() == Kind::Directory {
            return Err(ErrorCode::NotPermitted);
        }
        match state.walk(new_base, new, Last::KeepAlways)? {
            Place::Name {
                parent,
                name,
                inode: None,
                slash: false,
            } => {
                if state.inode(parent)?.links == 0 {
                    return Err(ErrorCode::NoEntry);
                }
                state.directory_mut(parent)?.insert(name, number);
                let inode = state.inode_mut(number)?;
                inode.links += 1;
                inode.changed = Timestamp::now();
                Ok(())
            }
            Place::Name { inode: None, .. } => Err(ErrorCode::NoEntry),
            _ => Err(ErrorCode::Exist),
        }
    }

    fn read_link_at(&self, path: GuestPath<'_>) -> FsResult<String> {
        let state = self.lock();
        let number = state.find(self.0.number, path, Last::Keep)?;
        match &state.inode(number)?.body {
            Body::Link(contents) if contents.starts_with('/') => Err(ErrorCode::NotPermitted),
            Body::Link(contents) => Ok(contents.clone()),
            _ => Err(ErrorCode::Invalid),
        }
    }

    fn remove_directory_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        let mut state = self.lock();
        match state.walk(self.0.number, path, Last::KeepAlways)? {
            Place::Itself(_) => Err(ErrorCode::Invalid),
            Place::Name { inode: None, .. } => Err(ErrorCode::NoEntry),
            Place::Name {
                parent,
                name,
                inode: Some(number),
                ..
            } => {
                if !state.directory(number)?.is_empty() {
                    return Err(ErrorCode::NotEmpty);
                }
                state.directory_mut(parent)?.remove(&name);
                state.unlink(number);
                Ok(())
            }
        }
    }

    fn rename_at(
        &self,
        old: GuestPath<'_>,
        new_directory: &dyn Directory,
        new: GuestPath<'_>,
    ) -> FsResult<()> {
        let new_base = self.same_tree(new_directory)?;
        let mut state = self.lock();
        let old = state.walk(self.0.number, old, Last::KeepAlways)?;
        let new = state.walk(new_base, new, Last::KeepAlways)?;
        let (
            Place::Name {
                parent,
                name,
                inode,
                slash,
            },
            Place::Name { .. },
        ) = (old, &new)
        else {
            return Err(ErrorCode::Busy);
        };
        let Place::Name {
            parent: new_parent,
            name: new_name,
            inode: replaced,
            slash: new_slash,
        } = new
        else {
            return Err(ErrorCode::Busy);
        };
        let number = inode.ok_or(ErrorCode::NoEntry)?;
        let is_directory = state.inode(number)?.kind() == Kind::Directory;
        if (slash || new_slash) && !is_directory {
            return Err(ErrorCode::NotDirectory);
        }
        if is_directory && state.lies_in(new_parent, number) {
            return Err(ErrorCode::Invalid);
        }
        if state.inode(new_parent)?.links == 0 {
            return Err(ErrorCode::NoEntry);
        }
        if let Some(replaced) = replaced {
            if replaced == number {
                return Ok(());
            }
            match (is_directory, state.directory(replaced)) {
                (true, Ok(entries)) if !entries.is_empty() => return Err(ErrorCode::NotEmpty),
                (true, Err(error)) => return Err(error),
                (false, Ok(_)) => return Err(ErrorCode::IsDirectory),
                _ => {}
            }
        }
        state.directory_mut(parent)?.remove(&name);
        state.directory_mut(new_parent)?.insert(new_name, number);
        if let Some(replaced) = replaced {
            state.unlink(replaced);
        }
        Ok(())
    }

    fn symlink_at(&self, contents: GuestPath<'_>, path: GuestPath<'_>) -> FsResult<()> {
        let mut state = self.lock();
        match state.walk(self.0.number, path, Last::KeepAlways)? {
            Place::Name {
                parent,
                name,
                inode: None,
                slash: false,
            } => {
                let body = Body::Link(contents.as_str().to_owned());
                state.create(parent, name, body).map(drop)
            }
            Place::Name { inode: None, .. } => Err(ErrorCode::NoEntry),
            Place::Name {
                inode: Some(number),
                slash: true,
                ..
            } if state.inode(number)?.kind() != Kind::Directory => Err(ErrorCode::NotDirectory),
            _ => Err(ErrorCode::Exist),
        }
    }

    fn unlink_file_at(&self, path: GuestPath<'_>) -> FsResult<()> {
        let mut state = self.lock();
        match state.walk(self.0.number, path, Last::KeepAlways)? {
            Place::Itself(_) => Err(ErrorCode::IsDirectory),
            Place::Name { inode: None, .. } => Err(ErrorCode::NoEntry),
            Place::Name {
                parent,
                name,
                inode: Some(number),
                slash,
            } => {
                if state.inode(number)?.kind() == Kind::Directory {
                    return Err(ErrorCode::IsDirectory);
                }
                if slash {
                    return Err(ErrorCode::NotDirectory);
                }
                state.directory_mut(parent)?.remove(&name);
                state.unlink(number);
                Ok(())
            }
        }
    }

    fn sync(&self) -> FsResult<()> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct MemoryFile(Handle);

impl MemoryFile {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.tree.lock()
    }
}

impl File for MemoryFile {
    fn kind(&self) -> Kind {
        Kind::RegularFile
    }

    fn stat(&self) -> FsResult<Stat> {
        self.lock().stat(self.0.tree.device, self.0.number)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        let mut state = self.lock();
        let inode = state.inode_mut(self.0.number)?;
        inode.accessed = Timestamp::now();
        let Body::File(contents) = &inode.body else {
            return Err(ErrorCode::BadDescriptor);
        };
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|start| contents.get(start..))
            .unwrap_or(&[]);
        let (Some(from), Some(to)) = (rest.get(..buffer.len().min(rest.len())), {
            let length = buffer.len().min(rest.len());
            buffer.get_mut(..length)
        }) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        Ok(from.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> FsResult<usize> {
        self.lock().write(self.0.number, bytes, offset)
    }

    fn append(&self, bytes: &[u8]) -> FsResult<usize> {
        let mut state = self.lock();
        let end = state.inode(self.0.number)?.size();
        state.write(self.0.number, bytes, end)
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        self.lock().resize(self.0.number, size)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        self.lock()
            .inode_mut(self.0.number)?
            .set_times(accessed, modified)
    }

    fn sync(&self, _data_only: bool) -> FsResult<()> {
        Ok(())
    }
}
