//! What every tree must do, whatever is behind it: each case runs on a host directory and on a tree in memory, with the same
//! expectations, which are those of the specification (or of POSIX where it is silent).

use std::sync::Arc;

use wasmer_component_wasi::fs::{
    Descriptor, DescriptorFlags, Directory, Entry, ErrorCode, FsResult, HostDirectory, Kind,
    MemoryTree, NewTime, OpenFlags, Timestamp,
};

fn on_every_tree(case: impl Fn(&Descriptor)) {
    let host = tempfile::tempdir().unwrap();
    case(&Descriptor::preopened(Arc::new(
        HostDirectory::open(host.path()).unwrap(),
    )));
    case(&Descriptor::preopened(MemoryTree::new(1 << 20).root()));
}

const READ: DescriptorFlags = DescriptorFlags {
    read: true,
    write: false,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};
const WRITE: DescriptorFlags = DescriptorFlags {
    write: true,
    read: false,
    ..READ
};
const BOTH: DescriptorFlags = DescriptorFlags {
    write: true,
    ..READ
};
const PLAIN: OpenFlags = OpenFlags {
    create: false,
    directory: false,
    exclusive: false,
    truncate: false,
};
const CREATE: OpenFlags = OpenFlags {
    create: true,
    ..PLAIN
};
const DIRECTORY: OpenFlags = OpenFlags {
    directory: true,
    ..PLAIN
};

fn file(root: &Descriptor, path: &str, contents: &str) {
    let open = OpenFlags {
        truncate: true,
        ..CREATE
    };
    let file = root.open_at(true, path, open, BOTH).unwrap();
    assert_eq!(file.write(contents.as_bytes(), 0), Ok(contents.len()));
}

fn contents(root: &Descriptor, path: &str) -> FsResult<String> {
    let (chunk, _) = root.open_at(true, path, PLAIN, READ)?.read(1 << 20, 0)?;
    Ok(String::from_utf8(chunk.into_bytes()).unwrap())
}

fn error<T>(result: FsResult<T>) -> ErrorCode {
    result.err().expect("an error")
}

fn names(directory: &Descriptor) -> Vec<Entry> {
    let mut entries: Vec<Entry> = directory.entries().unwrap().map(Result::unwrap).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

#[test]
fn synchronised_io_is_asked_for_by_sync_and_not_when_opening() {
    on_every_tree(|root| {
        file(root, "f", "text");
        for flags in [
            DescriptorFlags {
                file_integrity_sync: true,
                ..READ
            },
            DescriptorFlags {
                data_integrity_sync: true,
                ..BOTH
            },
            DescriptorFlags {
                requested_write_sync: true,
                ..BOTH
            },
        ] {
            let opened = root.open_at(true, "f", PLAIN, flags);
            assert_eq!(error(opened), ErrorCode::Unsupported, "{flags:?}");
            let made = root.open_at(true, "new", CREATE, flags);
            assert_eq!(error(made), ErrorCode::Unsupported, "{flags:?}");
        }
        assert_eq!(error(root.stat_at(true, "new")), ErrorCode::NoEntry);
        assert_eq!(contents(root, "f"), Ok("text".into()));
    });
}

#[test]
fn files_are_created_truncated_and_extended() {
    on_every_tree(|root| {
        assert_eq!(
            error(root.open_at(true, "a", PLAIN, READ)),
            ErrorCode::NoEntry
        );
        file(root, "a", "hello");
        assert_eq!(contents(root, "a"), Ok("hello".into()));
        let exclusive = OpenFlags {
            exclusive: true,
            ..CREATE
        };
        assert_eq!(
            error(root.open_at(true, "a", exclusive, READ)),
            ErrorCode::Exist
        );

        let a = root.open_at(true, "a", CREATE, BOTH).unwrap();
        assert_eq!(a.write(b"J", 0), Ok(1));
        assert_eq!(a.write(b"!", 7), Ok(1));
        assert_eq!(contents(root, "a"), Ok("Jello\0\0!".into()));
        assert_eq!(a.set_size(4), Ok(()));
        assert_eq!(a.set_size(6), Ok(()));
        assert_eq!(contents(root, "a"), Ok("Jell\0\0".into()));
        let truncate = OpenFlags {
            truncate: true,
            ..PLAIN
        };
        root.open_at(true, "a", truncate, WRITE).unwrap();
        assert_eq!(contents(root, "a"), Ok(String::new()));
    });
}

#[test]
fn reads_say_where_the_end_is() {
    on_every_tree(|root| {
        file(root, "a", "0123456789");
        let a = root.open_at(true, "a", PLAIN, READ).unwrap();
        let read = |length, offset| {
            let (chunk, end) = a.read(length, offset).unwrap();
            (String::from_utf8(chunk.into_bytes()).unwrap(), end)
        };
        assert_eq!(read(4, 0), ("0123".into(), false));
        assert_eq!(read(4, 6), ("6789".into(), true));
        assert_eq!(read(100, 8), ("89".into(), true));
        assert_eq!(read(4, 10), (String::new(), true));
        assert_eq!(read(4, u64::MAX), (String::new(), true));
        assert_eq!(read(0, 0), (String::new(), false));
    });
}

#[test]
fn a_descriptor_does_only_what_it_was_opened_for() {
    on_every_tree(|root| {
        file(root, "a", "x");
        let reader = root.open_at(true, "a", PLAIN, READ).unwrap();
        assert_eq!(reader.write(b"y", 0), Err(ErrorCode::BadDescriptor));
        assert_eq!(error(reader.write_via_stream(0)), ErrorCode::BadDescriptor);
        assert_eq!(error(reader.append_via_stream()), ErrorCode::BadDescriptor);
        assert_eq!(reader.set_size(0), Err(ErrorCode::Invalid));
        assert_eq!(reader.sync(false), Ok(()));
        assert_eq!(reader.flags(), READ);
        let writer = root.open_at(true, "a", PLAIN, WRITE).unwrap();
        assert_eq!(error(writer.read(1, 0)), ErrorCode::BadDescriptor);
        assert_eq!(error(writer.read_via_stream(0)), ErrorCode::BadDescriptor);
        assert_eq!((writer.sync(true), writer.sync(false)), (Ok(()), Ok(())));
        let nothing = root
            .open_at(true, "a", CREATE, DescriptorFlags::default())
            .unwrap();
        assert_eq!(error(nothing.read(1, 0)), ErrorCode::BadDescriptor);
        assert_eq!(nothing.kind(), Kind::RegularFile);
    });
}

#[test]
fn files_and_directories_are_not_mixed_up() {
    on_every_tree(|root| {
        file(root, "f", "x");
        root.create_directory_at("d").unwrap();
        let f = root.open_at(true, "f", PLAIN, READ).unwrap();
        assert_eq!(
            error(f.open_at(true, "x", PLAIN, READ)),
            ErrorCode::NotDirectory
        );
        assert_eq!(error(f.entries()), ErrorCode::NotDirectory);
        assert_eq!(
            error(root.open_at(true, "f", DIRECTORY, READ)),
            ErrorCode::NotDirectory
        );
        assert_eq!(
            error(root.open_at(true, "f/", PLAIN, READ)),
            ErrorCode::NotDirectory
        );
        assert_eq!(
            error(root.open_at(true, "f/x", PLAIN, READ)),
            ErrorCode::NotDirectory
        );
        assert_eq!(error(root.stat_at(true, "f/.")), ErrorCode::NotDirectory);

        let d = root.open_at(true, "d", PLAIN, READ).unwrap();
        assert_eq!(d.kind(), Kind::Directory);
        assert_eq!(error(d.read(1, 0)), ErrorCode::BadDescriptor);
        assert_eq!(error(d.read_via_stream(0)), ErrorCode::BadDescriptor);
        assert_eq!(d.write(b"", 0), Err(ErrorCode::BadDescriptor));
        assert_eq!(d.set_size(0), Err(ErrorCode::BadDescriptor));
        assert_eq!(
            error(root.open_at(true, "d", PLAIN, BOTH)),
            ErrorCode::IsDirectory
        );
        assert_eq!(
            error(root.open_at(true, "d", DIRECTORY, BOTH)),
            ErrorCode::IsDirectory
        );
        let both = OpenFlags {
            create: true,
            ..DIRECTORY
        };
        assert_eq!(
            error(root.open_at(true, "d", both, READ)),
            ErrorCode::Invalid
        );
        assert_eq!(root.unlink_file_at("d"), Err(ErrorCode::IsDirectory));
        assert_eq!(root.remove_directory_at("f"), Err(ErrorCode::NotDirectory));
    });
}

#[test]
fn what_no_path_may_be() {
    on_every_tree(|root| {
        let long = "n".repeat(256);
        let deep = "d/".repeat(3000);
        let outside = [
            ("", ErrorCode::NoEntry),
            ("/", ErrorCode::NotPermitted),
            ("/etc/passwd", ErrorCode::NotPermitted),
            ("..", ErrorCode::NotPermitted),
            ("../x", ErrorCode::NotPermitted),
            ("d/../../x", ErrorCode::NotPermitted),
            ("a\0b", ErrorCode::Invalid),
            (long.as_str(), ErrorCode::NameTooLong),
            (deep.as_str(), ErrorCode::NameTooLong),
        ];
        root.create_directory_at("d").unwrap();
        file(root, "f", "");
        for (path, code) in outside {
            assert_eq!(
                error(root.open_at(true, path, PLAIN, READ)),
                code,
                "open {path:?}"
            );
            assert_eq!(
                error(root.open_at(false, path, CREATE, BOTH)),
                code,
                "create {path:?}"
            );
            assert_eq!(error(root.stat_at(true, path)), code, "stat {path:?}");
            assert_eq!(error(root.read_link_at(path)), code, "readlink {path:?}");
            assert_eq!(
                root.rename_at("f", root, path),
                Err(code),
                "rename to {path:?}"
            );
            assert_eq!(
                root.rename_at(path, root, "new"),
                Err(code),
                "rename from {path:?}"
            );
            assert_eq!(
                root.link_at(false, "f", root, path),
                Err(code),
                "link to {path:?}"
            );
            assert_eq!(
                root.link_at(false, path, root, "new"),
                Err(code),
                "link from {path:?}"
            );
            assert_eq!(root.symlink_at("f", path), Err(code), "symlink at {path:?}");
            assert_eq!(root.unlink_file_at(path), Err(code), "unlink {path:?}");
            assert_eq!(root.create_directory_at(path), Err(code), "mkdir {path:?}");
            assert_eq!(root.remove_directory_at(path), Err(code), "rmdir {path:?}");
            let times = root.set_times_at(true, path, NewTime::Now, NewTime::Now);
            assert_eq!(times, Err(code), "times of {path:?}");
        }
        assert_eq!(
            root.symlink_at("/etc/passwd", "s"),
            Err(ErrorCode::NotPermitted)
        );
    });
}

#[test]
fn dots_inside_are_fine() {
    on_every_tree(|root| {
        root.create_directory_at("d").unwrap();
        root.create_directory_at("d/e/").unwrap();
        file(root, "d/e/../../f", "x");
        assert_eq!(contents(root, "./d/./..//f"), Ok("x".into()));
        let e = root.open_at(true, "d/e", DIRECTORY, READ).unwrap();
        assert_eq!(
            error(e.open_at(true, "../../f", PLAIN, READ)),
            ErrorCode::NotPermitted
        );
        assert!(
            root.open_at(true, ".", PLAIN, READ)
                .unwrap()
                .is_same_object(root)
        );
    });
}

#[test]
fn directories_list_what_is_in_them() {
    on_every_tree(|root| {
        assert_eq!(names(root), []);
        file(root, "f", "");
        root.create_directory_at("d").unwrap();
        root.symlink_at("f", "s").unwrap();
        let entry = |name: &str, kind| Entry {
            kind,
            name: name.into(),
        };
        let all = [
            entry("d", Kind::Directory),
            entry("f", Kind::RegularFile),
            entry("s", Kind::SymbolicLink),
        ];
        assert_eq!(names(root), all);
        // A stream starts at the beginning, whatever was read of another.
        assert_eq!(names(root), all);
        assert_eq!(root.remove_directory_at("d"), Ok(()));
        assert_eq!(root.unlink_file_at("f"), Ok(()));
        assert_eq!(names(root), [entry("s", Kind::SymbolicLink)]);
    });
}

#[test]
fn directories_are_made_and_removed() {
    on_every_tree(|root| {
        root.create_directory_at("d").unwrap();
        assert_eq!(root.create_directory_at("d"), Err(ErrorCode::Exist));
        assert_eq!(root.create_directory_at("no/d"), Err(ErrorCode::NoEntry));
        file(root, "d/f", "");
        assert_eq!(root.remove_directory_at("d"), Err(ErrorCode::NotEmpty));
        let d = root.open_at(true, "d", DIRECTORY, READ).unwrap();
        // Opened for reading, and as C libraries do, used to change: the grant decides.
        assert_eq!(d.unlink_file_at("f"), Ok(()));
        assert_eq!(root.remove_directory_at("d/"), Ok(()));
        assert_eq!(root.remove_directory_at("d"), Err(ErrorCode::NoEntry));
        assert_eq!(
            error(d.open_at(true, "f", CREATE, BOTH)),
            ErrorCode::NoEntry
        );
    });
}

#[test]
fn renaming_replaces_what_fits() {
    on_every_tree(|root| {
        file(root, "a", "a");
        file(root, "b", "b");
        root.create_directory_at("d").unwrap();
        root.create_directory_at("e").unwrap();
        root.create_directory_at("e/full").unwrap();
        assert_eq!(root.rename_at("a", root, "b"), Ok(()));
        assert_eq!(contents(root, "b"), Ok("a".into()));
        assert_eq!(root.rename_at("a", root, "c"), Err(ErrorCode::NoEntry));
        assert_eq!(root.rename_at("b", root, "d"), Err(ErrorCode::IsDirectory));
        assert_eq!(root.rename_at("d", root, "b"), Err(ErrorCode::NotDirectory));
        assert_eq!(root.rename_at("d", root, "e"), Err(ErrorCode::NotEmpty));
        assert_eq!(
            root.rename_at("e", root, "e/full/x"),
            Err(ErrorCode::Invalid)
        );
        assert_eq!(
            root.rename_at("b/", root, "x"),
            Err(ErrorCode::NotDirectory)
        );
        assert_eq!(root.rename_at("b", root, "b"), Ok(()));
        let d = root.open_at(true, "d", DIRECTORY, READ).unwrap();
        assert_eq!(root.rename_at("b", &d, "moved"), Ok(()));
        assert_eq!(contents(&d, "moved"), Ok("a".into()));
        assert_eq!(root.rename_at("e/full/", root, "full/"), Ok(()));
        let all: Vec<_> = names(root).into_iter().map(|entry| entry.name).collect();
        assert_eq!(all, ["d", "e", "full"]);
    });
}

#[test]
fn hard_links_are_the_same_object() {
    on_every_tree(|root| {
        file(root, "a", "x");
        root.create_directory_at("d").unwrap();
        assert_eq!(root.link_at(false, "a", root, "d/b"), Ok(()));
        assert_eq!(root.link_at(false, "a", root, "d/b"), Err(ErrorCode::Exist));
        assert_eq!(
            root.link_at(false, "no", root, "c"),
            Err(ErrorCode::NoEntry)
        );
        assert_eq!(
            root.link_at(false, "d", root, "c"),
            Err(ErrorCode::NotPermitted)
        );
        assert_eq!(root.link_at(true, "a", root, "c"), Err(ErrorCode::Invalid));
        let a = root.open_at(true, "a", PLAIN, READ).unwrap();
        let b = root.open_at(true, "d/b", PLAIN, READ).unwrap();
        assert!(a.is_same_object(&b) && !a.is_same_object(root));
        assert_eq!(a.stat().unwrap().links, 2);
        assert_eq!(root.unlink_file_at("a"), Ok(()));
        assert_eq!(contents(root, "d/b"), Ok("x".into()));
    });
}

#[test]
fn an_unlinked_file_lives_while_it_is_open() {
    on_every_tree(|root| {
        file(root, "a", "still");
        let a = root.open_at(true, "a", PLAIN, BOTH).unwrap();
        root.unlink_file_at("a").unwrap();
        file(root, "a", "other");
        assert_eq!(a.read(10, 0).unwrap().0.into_bytes(), b"still");
        assert_eq!(a.stat().unwrap().links, 0);
    });
}

#[test]
fn symbolic_links_are_followed_inside() {
    on_every_tree(|root| {
        root.create_directory_at("d").unwrap();
        file(root, "d/f", "x");
        root.symlink_at("d/f", "to-file").unwrap();
        root.symlink_at("d", "to-directory").unwrap();
        root.symlink_at("../to-file", "d/back").unwrap();
        assert_eq!(contents(root, "to-file"), Ok("x".into()));
        assert_eq!(contents(root, "to-directory/f"), Ok("x".into()));
        assert_eq!(contents(root, "to-directory/back"), Ok("x".into()));
        assert_eq!(root.read_link_at("to-file"), Ok("d/f".into()));
        assert_eq!(root.read_link_at("d"), Err(ErrorCode::Invalid));
        assert_eq!(
            error(root.open_at(false, "to-file", PLAIN, READ)),
            ErrorCode::Loop
        );
        assert!(root.open_at(false, "to-directory/f", PLAIN, READ).is_ok());
        assert_eq!(
            root.stat_at(false, "to-file").map(|s| (s.kind, s.size)),
            Ok((Kind::SymbolicLink, 3))
        );
        assert_eq!(
            root.stat_at(true, "to-file").map(|s| (s.kind, s.size)),
            Ok((Kind::RegularFile, 1))
        );
        assert_eq!(root.symlink_at("x", "to-file"), Err(ErrorCode::Exist));
        assert_eq!(root.unlink_file_at("to-directory"), Ok(()));
        assert_eq!(contents(root, "d/f"), Ok("x".into()));
    });
}

#[test]
fn symbolic_links_that_lead_nowhere() {
    on_every_tree(|root| {
        root.symlink_at("b", "a").unwrap();
        root.symlink_at("a", "b").unwrap();
        root.symlink_at("missing", "dangling").unwrap();
        assert_eq!(error(root.open_at(true, "a", PLAIN, READ)), ErrorCode::Loop);
        assert_eq!(error(root.stat_at(true, "a/x")), ErrorCode::Loop);
        assert_eq!(
            error(root.open_at(true, "dangling", PLAIN, READ)),
            ErrorCode::NoEntry
        );
        assert_eq!(
            root.stat_at(false, "dangling").map(|s| s.kind),
            Ok(Kind::SymbolicLink)
        );
        assert_eq!(root.create_directory_at("dangling"), Err(ErrorCode::Exist));
        file(root, "dangling", "made");
        assert_eq!(contents(root, "missing"), Ok("made".into()));
    });
}

#[test]
fn links_that_lead_outside_are_refused_when_used() {
    on_every_tree(|root| {
        root.create_directory_at("d").unwrap();
        root.symlink_at("../../outside", "d/out").unwrap();
        root.symlink_at("..", "up").unwrap();
        for path in ["d/out", "up/outside", "up", "up/"] {
            assert_eq!(
                error(root.open_at(true, path, PLAIN, READ)),
                ErrorCode::NotPermitted,
                "{path}"
            );
            assert_eq!(
                error(root.stat_at(true, path)),
                ErrorCode::NotPermitted,
                "{path}"
            );
            let created = root.open_at(true, path, CREATE, BOTH);
            assert!(
                matches!(
                    error(created),
                    ErrorCode::NotPermitted | ErrorCode::IsDirectory
                ),
                "{path}"
            );
        }
        assert_eq!(
            root.create_directory_at("up/x"),
            Err(ErrorCode::NotPermitted)
        );
        assert_eq!(root.unlink_file_at("up/x"), Err(ErrorCode::NotPermitted));
        assert_eq!(
            root.rename_at("d", root, "up/x"),
            Err(ErrorCode::NotPermitted)
        );
    });
}

#[test]
fn trailing_slashes_mean_directories() {
    on_every_tree(|root| {
        file(root, "f", "");
        root.create_directory_at("d").unwrap();
        assert_eq!(root.unlink_file_at("f/"), Err(ErrorCode::NotDirectory));
        assert_eq!(
            root.stat_at(true, "d/").map(|s| s.kind),
            Ok(Kind::Directory)
        );
        assert_eq!(root.symlink_at("f", "new/"), Err(ErrorCode::NoEntry));
        assert_eq!(root.symlink_at("f", "d/"), Err(ErrorCode::Exist));
        assert_eq!(root.symlink_at("f", "f/"), Err(ErrorCode::NotDirectory));
        assert_eq!(root.rename_at("d/", root, "e/"), Ok(()));
        assert_eq!(
            root.rename_at("f", root, "g/"),
            Err(ErrorCode::NotDirectory)
        );
    });
}

#[test]
fn times_are_set_and_kept() {
    let at = |seconds| {
        NewTime::At(Timestamp {
            seconds,
            nanoseconds: 500,
        })
    };
    let times = |stat: FsResult<wasmer_component_wasi::fs::Stat>| {
        let stat = stat.unwrap();
        (
            stat.accessed.unwrap().seconds,
            stat.modified.unwrap().seconds,
        )
    };
    on_every_tree(|root| {
        file(root, "f", "");
        root.create_directory_at("d").unwrap();
        let f = root.open_at(true, "f", PLAIN, READ).unwrap();
        assert_eq!(f.set_times(at(1000), at(2000)), Ok(()));
        assert_eq!(times(f.stat()), (1000, 2000));
        assert_eq!(
            f.stat().unwrap().modified,
            Some(Timestamp {
                seconds: 2000,
                nanoseconds: 500
            })
        );
        assert_eq!(
            root.set_times_at(true, "f", NewTime::Keep, at(3000)),
            Ok(())
        );
        assert_eq!(times(root.stat_at(true, "f")), (1000, 3000));
        assert_eq!(root.set_times_at(true, "d", at(5), at(6)), Ok(()));
        assert_eq!(times(root.stat_at(true, "d")), (5, 6));
        let d = root.open_at(true, "d", DIRECTORY, READ).unwrap();
        assert_eq!(d.set_times(at(7), NewTime::Now), Ok(()));
        assert!(times(d.stat()).0 == 7 && times(d.stat()).1 > 1_000_000_000);
        let bad = NewTime::At(Timestamp {
            seconds: 0,
            nanoseconds: 1_000_000_000,
        });
        assert_eq!(f.set_times(bad, NewTime::Keep), Err(ErrorCode::Invalid));
    });
}

#[test]
fn metadata_hashes_tell_changes() {
    use wasmer_component_wasi::fs::metadata_hash;
    on_every_tree(|root| {
        file(root, "f", "x");
        let hash = |secret| metadata_hash(&root.stat_at(true, "f").unwrap(), secret);
        let before = hash(1);
        assert_eq!(before, hash(1));
        assert_ne!(before, hash(2));
        file(root, "f", "xy");
        assert_ne!(before, hash(1));
    });
}

#[test]
fn streams_read_write_and_append() {
    use wasmer_component_wasi::stream::{InputStream, OutputStream, StreamError};
    on_every_tree(|root| {
        file(root, "f", "0123456789");
        let f = root.open_at(true, "f", PLAIN, BOTH).unwrap();
        let mut input = f.read_via_stream(2).unwrap();
        assert_eq!(input.read(3).unwrap().into_bytes(), b"234");
        assert_eq!(input.skip(2), Ok(2));
        let mut other = f.read_via_stream(0).unwrap();
        assert_eq!(other.read(1).unwrap().into_bytes(), b"0");
        assert_eq!(input.read(100).unwrap().into_bytes(), b"789");
        assert_eq!(input.read(1).err(), Some(StreamError::Closed));
        assert_eq!(input.read(0).err(), Some(StreamError::Closed));
        assert_eq!(input.skip(1), Err(StreamError::Closed));

        let mut append = f.append_via_stream().unwrap();
        let mut write = f.write_via_stream(1).unwrap();
        assert!(append.check_write().unwrap() > 0);
        append.write(b"AB").unwrap();
        write.write(b"x").unwrap();
        write.write(b"y").unwrap();
        append.write(b"C").unwrap();
        append.flush().unwrap();
        assert_eq!(contents(root, "f"), Ok("0xy3456789ABC".into()));
        // What has grown can be read on.
        assert_eq!(input.read(100).unwrap().into_bytes(), b"ABC");
    });
}

#[test]
fn a_file_that_shrinks_under_a_stream_ends_it() {
    use wasmer_component_wasi::stream::{InputStream, StreamError};
    on_every_tree(|root| {
        file(root, "f", "0123456789");
        let f = root.open_at(true, "f", PLAIN, BOTH).unwrap();
        let mut input = f.read_via_stream(0).unwrap();
        assert_eq!(input.read(2).unwrap().into_bytes(), b"01");
        f.set_size(4).unwrap();
        assert_eq!(input.read(100).unwrap().into_bytes(), b"23");
        assert_eq!(input.read(100).err(), Some(StreamError::Closed));
    });
}

#[test]
fn two_trees_are_two_devices() {
    let host = tempfile::tempdir().unwrap();
    let host: Arc<dyn Directory> = Arc::new(HostDirectory::open(host.path()).unwrap());
    let roots = [
        host,
        MemoryTree::new(1 << 20).root(),
        MemoryTree::new(1 << 20).root(),
    ];
    let roots = roots.map(Descriptor::preopened);
    for (i, one) in roots.iter().enumerate() {
        file(one, "f", "");
        for (j, other) in roots.iter().enumerate().filter(|(j, _)| *j != i) {
            assert_eq!(
                one.rename_at("f", other, "g"),
                Err(ErrorCode::CrossDevice),
                "{i} {j}"
            );
            assert_eq!(
                one.link_at(false, "f", other, "g"),
                Err(ErrorCode::CrossDevice),
                "{i} {j}"
            );
            assert!(!one.is_same_object(other), "{i} {j}");
        }
    }
}

#[test]
fn a_memory_tree_holds_no_more_than_its_capacity() {
    let tree = MemoryTree::new(4096);
    let root = Descriptor::preopened(tree.root());
    file(&root, "f", "x");
    let f = root.open_at(true, "f", PLAIN, BOTH).unwrap();
    assert_eq!(f.write(&[0; 4096], 0), Err(ErrorCode::InsufficientSpace));
    assert_eq!(f.write(b"x", 1 << 40), Err(ErrorCode::InsufficientSpace));
    assert_eq!(f.set_size(1 << 40), Err(ErrorCode::InsufficientSpace));
    // No file of the host is that long either.
    assert_eq!(f.write(b"x", u64::MAX - 1), Err(ErrorCode::FileTooLarge));
    assert_eq!(f.set_size(u64::MAX), Err(ErrorCode::FileTooLarge));
    assert_eq!(f.write(&[1; 2048], 0), Ok(2048));
    let mut made = 0;
    let full = loop {
        match root.create_directory_at(&format!("d{made}")) {
            Ok(()) => made += 1,
            Err(code) => break code,
        }
    };
    assert_eq!((full, made > 1), (ErrorCode::InsufficientSpace, true));
    // What is gone makes room.
    root.unlink_file_at("f").unwrap();
    drop(f);
    assert_eq!(root.create_directory_at("room"), Ok(()));
    assert_eq!(tree.read_file("f"), Err(ErrorCode::NoEntry));
}

#[test]
fn names_that_guests_cannot_say_do_not_hide_the_others() {
    use std::os::unix::ffi::OsStrExt as _;
    let host = tempfile::tempdir().unwrap();
    for name in [&b"a"[..], b"\xff", b"b"] {
        std::fs::write(host.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
    }
    let root = Descriptor::preopened(Arc::new(HostDirectory::open(host.path()).unwrap()));
    let (named, failed): (Vec<_>, Vec<_>) = root.entries().unwrap().partition(Result::is_ok);
    let mut named: Vec<String> = named.into_iter().map(|entry| entry.unwrap().name).collect();
    named.sort();
    assert_eq!(named, ["a", "b"]);
    assert_eq!(failed, [Err(ErrorCode::IllegalByteSequence)]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_whose_size_says_nothing_is_read_to_its_end() {
    use wasmer_component_wasi::stream::{InputStream, StreamError};
    let root = Descriptor::preopened(Arc::new(
        HostDirectory::open("/proc/self".as_ref()).unwrap(),
    ));
    let file = root.open_at(true, "limits", PLAIN, READ).unwrap();
    assert_eq!(file.stat().unwrap().size, 0);
    let expected = std::fs::read("/proc/self/limits").unwrap();
    let mut input = file.read_via_stream(0).unwrap();
    let (mut streamed, mut positioned) = (Vec::new(), Vec::new());
    loop {
        match input.read(100) {
            Ok(chunk) => streamed.extend(chunk.into_bytes()),
            Err(error) => break assert_eq!(error, StreamError::Closed),
        }
    }
    loop {
        let (chunk, end) = file.read(100, positioned.len() as u64).unwrap();
        positioned.extend(chunk.into_bytes());
        if end {
            break;
        }
    }
    assert_eq!(streamed, expected);
    assert_eq!(positioned, expected);
}
