//! `wasi:filesystem`: descriptors, directory listings, and the directories a guest starts with.

use wasmer_component::{ComponentType, Lift, Linker, Lower, Resource, Result, flags};

use super::guest_bytes::GuestBytes;
use super::interface;
use super::io::{Input, Output, failure_code, list};
use crate::fs::{
    self, Advice, Descriptor, Entries, Entry, FsResult, Kind, NewTime, Stat, Timestamp,
    metadata_hash,
};
use crate::stream::StreamFailure;
use crate::{WasiCtx, WasiView};

flags! {
    DescriptorFlags {
        const READ;
        const WRITE;
        const FILE_INTEGRITY_SYNC;
        const DATA_INTEGRITY_SYNC;
        const REQUESTED_WRITE_SYNC;
        const MUTATE_DIRECTORY;
    }
}

impl From<DescriptorFlags> for fs::DescriptorFlags {
    fn from(flags: DescriptorFlags) -> Self {
        fs::DescriptorFlags {
            read: flags.contains(DescriptorFlags::READ),
            write: flags.contains(DescriptorFlags::WRITE),
            file_integrity_sync: flags.contains(DescriptorFlags::FILE_INTEGRITY_SYNC),
            data_integrity_sync: flags.contains(DescriptorFlags::DATA_INTEGRITY_SYNC),
            requested_write_sync: flags.contains(DescriptorFlags::REQUESTED_WRITE_SYNC),
            mutate_directory: flags.contains(DescriptorFlags::MUTATE_DIRECTORY),
        }
    }
}

impl From<fs::DescriptorFlags> for DescriptorFlags {
    fn from(flags: fs::DescriptorFlags) -> Self {
        let mut bits = DescriptorFlags::empty();
        for (set, bit) in [
            (flags.read, DescriptorFlags::READ),
            (flags.write, DescriptorFlags::WRITE),
            (
                flags.file_integrity_sync,
                DescriptorFlags::FILE_INTEGRITY_SYNC,
            ),
            (
                flags.data_integrity_sync,
                DescriptorFlags::DATA_INTEGRITY_SYNC,
            ),
            (
                flags.requested_write_sync,
                DescriptorFlags::REQUESTED_WRITE_SYNC,
            ),
            (flags.mutate_directory, DescriptorFlags::MUTATE_DIRECTORY),
        ] {
            if set {
                bits |= bit;
            }
        }
        bits
    }
}

flags! {
    PathFlags {
        const SYMLINK_FOLLOW;
    }
}

impl PathFlags {
    fn follow(self) -> bool {
        self.contains(PathFlags::SYMLINK_FOLLOW)
    }
}

flags! {
    OpenFlags {
        const CREATE;
        const DIRECTORY;
        const EXCLUSIVE;
        const TRUNCATE;
    }
}

impl From<OpenFlags> for fs::OpenFlags {
    fn from(flags: OpenFlags) -> Self {
        fs::OpenFlags {
            create: flags.contains(OpenFlags::CREATE),
            directory: flags.contains(OpenFlags::DIRECTORY),
            exclusive: flags.contains(OpenFlags::EXCLUSIVE),
            truncate: flags.contains(OpenFlags::TRUNCATE),
        }
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct DescriptorStat {
    #[component(name = "type")]
    kind: Kind,
    link_count: u64,
    size: u64,
    data_access_timestamp: Option<Timestamp>,
    data_modification_timestamp: Option<Timestamp>,
    status_change_timestamp: Option<Timestamp>,
}

impl From<Stat> for DescriptorStat {
    fn from(stat: Stat) -> Self {
        DescriptorStat {
            kind: stat.kind,
            link_count: stat.links,
            size: stat.size,
            data_access_timestamp: stat.accessed,
            data_modification_timestamp: stat.modified,
            status_change_timestamp: stat.changed,
        }
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct MetadataHashValue {
    lower: u64,
    upper: u64,
}

impl MetadataHashValue {
    fn of(stat: &Stat, ctx: &WasiCtx) -> Self {
        let (lower, upper) = metadata_hash(stat, ctx.secret);
        MetadataHashValue { lower, upper }
    }
}

type Fd = Resource<Descriptor>;

/// Gives what was opened a handle.
///
/// Errors: the table is full.
fn push<R: Send + 'static>(
    ctx: &mut WasiCtx,
    opened: FsResult<R>,
) -> Result<FsResult<Resource<R>>> {
    Ok(match opened {
        Ok(opened) => Ok(ctx.table.push(opened)?),
        Err(code) => Err(code),
    })
}

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut preopens = linker.instance(&interface("wasi:filesystem/preopens"))?;
    preopens.func_wrap("get-directories", |mut cx, (): ()| {
        let ctx = cx.data_mut().wasi();
        let mut directories = Vec::with_capacity(ctx.directories.len());
        for (directory, path) in &ctx.directories {
            let descriptor = ctx.table.push(Descriptor::preopened(directory.clone()))?;
            directories.push((descriptor, path.clone()));
        }
        Ok((directories,))
    })?;

    let mut types = linker.instance(&interface("wasi:filesystem/types"))?;
    types.resource::<Descriptor>("descriptor", |mut cx, rep| {
        cx.data_mut()
            .wasi()
            .table
            .delete(Resource::<Descriptor>::new_own(rep))
            .map(drop)
    })?;
    types.resource::<Entries>("directory-entry-stream", |mut cx, rep| {
        cx.data_mut()
            .wasi()
            .table
            .delete(Resource::<Entries>::new_own(rep))
            .map(drop)
    })?;
    types.func_wrap(
        "filesystem-error-code",
        |mut cx, (failure,): (Resource<StreamFailure>,)| {
            Ok((failure_code(cx.data_mut().wasi(), &failure)?,))
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut cx, (this,): (Resource<Entries>,)| {
            let entry: FsResult<Option<Entry>> = cx
                .data_mut()
                .wasi()
                .table
                .get_mut(&this)?
                .next()
                .transpose();
            Ok((entry,))
        },
    )?;

    // A method that needs nothing but the descriptor.
    macro_rules! method {
        ($name:literal, |$this:ident $(, $param:ident: $ty:ty)*| $body:expr) => {
            types.func_wrap(
                concat!("[method]descriptor.", $name),
                |mut cx, (this, $($param,)*): (Fd, $($ty,)*)| {
                    let $this = cx.data_mut().wasi().table.get(&this)?;
                    Ok(($body,))
                },
            )?;
        };
    }
    method!("advise", |fd, offset: u64, length: u64, advice: Advice| fd
        .advise(offset, length, advice));
    method!("sync-data", |fd| fd.sync(true));
    method!("sync", |fd| fd.sync(false));
    method!("get-flags", |fd| FsResult::Ok(DescriptorFlags::from(
        fd.flags()
    )));
    method!("get-type", |fd| FsResult::Ok(fd.kind()));
    method!("set-size", |fd, size: u64| fd.set_size(size));
    method!("set-times", |fd, accessed: NewTime, modified: NewTime| fd
        .set_times(accessed, modified));
    method!("read", |fd, length: u64, offset: u64| {
        fd.read(length, offset)
            .map(|(chunk, end)| (list(chunk), end))
    });
    method!("write", |fd, bytes: GuestBytes, offset: u64| {
        fd.write(bytes.as_slice(), offset)
            .map(|written| written as u64)
    });
    method!("create-directory-at", |fd, path: String| fd
        .create_directory_at(&path));
    method!("stat", |fd| fd.stat().map(DescriptorStat::from));
    method!("stat-at", |fd, flags: PathFlags, path: String| {
        fd.stat_at(flags.follow(), &path).map(DescriptorStat::from)
    });
    method!(
        "set-times-at",
        |fd, flags: PathFlags, path: String, accessed: NewTime, modified: NewTime| {
            fd.set_times_at(flags.follow(), &path, accessed, modified)
        }
    );
    method!("readlink-at", |fd, path: String| fd.read_link_at(&path));
    method!("remove-directory-at", |fd, path: String| fd
        .remove_directory_at(&path));
    method!("symlink-at", |fd, old: String, new: String| fd
        .symlink_at(&old, &new));
    method!("unlink-file-at", |fd, path: String| fd
        .unlink_file_at(&path));

    // Those that open something, or need a second descriptor or the context.
    types.func_wrap(
        "[method]descriptor.open-at",
        |mut cx,
         (this, path_flags, path, open, flags): (
            Fd,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let ctx = cx.data_mut().wasi();
            let opened = ctx.table.get(&this)?.open_at(
                path_flags.follow(),
                &path,
                open.into(),
                flags.into(),
            );
            Ok((push(ctx, opened)?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut cx, (this, offset): (Fd, u64)| {
            let ctx = cx.data_mut().wasi();
            let stream = ctx.table.get(&this)?.read_via_stream(offset);
            Ok((push(ctx, stream.map(|stream| Box::new(stream) as Input))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut cx, (this, offset): (Fd, u64)| {
            let ctx = cx.data_mut().wasi();
            let stream = ctx.table.get(&this)?.write_via_stream(offset);
            Ok((push(ctx, stream.map(Output::new))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut cx, (this,): (Fd,)| {
            let ctx = cx.data_mut().wasi();
            let stream = ctx.table.get(&this)?.append_via_stream();
            Ok((push(ctx, stream.map(Output::new))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.read-directory",
        |mut cx, (this,): (Fd,)| {
            let ctx = cx.data_mut().wasi();
            let entries = ctx.table.get(&this)?.entries();
            Ok((push(ctx, entries)?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.link-at",
        |mut cx, (this, flags, old, other, new): (Fd, PathFlags, String, Fd, String)| {
            let table = &cx.data_mut().wasi().table;
            Ok((table
                .get(&this)?
                .link_at(flags.follow(), &old, table.get(&other)?, &new),))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.rename-at",
        |mut cx, (this, old, other, new): (Fd, String, Fd, String)| {
            let table = &cx.data_mut().wasi().table;
            Ok((table.get(&this)?.rename_at(&old, table.get(&other)?, &new),))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.is-same-object",
        |mut cx, (this, other): (Fd, Fd)| {
            let table = &cx.data_mut().wasi().table;
            Ok((table.get(&this)?.is_same_object(table.get(&other)?),))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.metadata-hash",
        |mut cx, (this,): (Fd,)| {
            let ctx = cx.data_mut().wasi();
            let stat = ctx.table.get(&this)?.stat();
            Ok((stat.map(|stat| MetadataHashValue::of(&stat, ctx)),))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.metadata-hash-at",
        |mut cx, (this, flags, path): (Fd, PathFlags, String)| {
            let ctx = cx.data_mut().wasi();
            let stat = ctx.table.get(&this)?.stat_at(flags.follow(), &path);
            Ok((stat.map(|stat| MetadataHashValue::of(&stat, ctx)),))
        },
    )?;
    Ok(())
}
