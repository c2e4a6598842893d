//! Nothing leads out of a grant: not paths, not symbolic links planted before or during the run, not directories that are
//! moved while they are used. On real directories, with a file outside that must stay unread and unchanged.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wasmer_component_wasi::fs::{
    Descriptor, DescriptorFlags, Entry, ErrorCode, FsResult, Kind, MemoryTree, NewTime, OpenFlags,
};
use wasmer_component_wasi::{Grant, GrantError, WasiCtx};

const SECRET: &str = "secret";

/// `outside/secret` beside `inside/`, which is to be granted.
struct Place {
    _temporary: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("inside")).unwrap();
        std::fs::create_dir(root.join("outside")).unwrap();
        std::fs::write(root.join("outside/secret"), SECRET).unwrap();
        Place {
            _temporary: temporary,
            root,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, contents: &str) {
        std::fs::write(self.path(path), contents).unwrap();
    }

    fn assert_outside_untouched(&self) {
        let names: Vec<_> = std::fs::read_dir(self.path("outside"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, ["secret"]);
        assert_eq!(
            std::fs::read_to_string(self.path("outside/secret")).unwrap(),
            SECRET
        );
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn preopens(
    grants: impl IntoIterator<Item = Grant>,
) -> Result<Vec<(String, Descriptor)>, GrantError> {
    let mut builder = WasiCtx::builder();
    for grant in grants {
        builder.grant(grant);
    }
    Ok(builder
        .build()?
        .directories()
        .map(|(path, directory)| (path.to_owned(), Descriptor::preopened(directory.clone())))
        .collect())
}

fn only(grant: Grant) -> Descriptor {
    let mut all = preopens([grant]).unwrap();
    assert_eq!(all.len(), 1);
    all.pop().unwrap().1
}

/// What a C library does with an absolute path: the longest path of a preopened directory that it starts with.
fn open(
    preopens: &[(String, Descriptor)],
    path: &str,
    open: OpenFlags,
    flags: DescriptorFlags,
) -> FsResult<Descriptor> {
    let (directory, rest) = preopens
        .iter()
        .filter_map(|(preopen, directory)| {
            let rest = path.strip_prefix(preopen.trim_end_matches('/'))?;
            if rest.is_empty() {
                Some((preopen, directory, "."))
            } else {
                Some((preopen, directory, rest.strip_prefix('/')?))
            }
        })
        .max_by_key(|(preopen, ..)| preopen.len())
        .map(|(_, directory, rest)| (directory, rest))
        .ok_or(ErrorCode::NoEntry)?;
    directory.open_at(true, rest, open, flags)
}

fn read_flags() -> DescriptorFlags {
    DescriptorFlags {
        read: true,
        ..DescriptorFlags::default()
    }
}

fn write_flags() -> DescriptorFlags {
    DescriptorFlags {
        read: true,
        write: true,
        ..DescriptorFlags::default()
    }
}

fn create() -> OpenFlags {
    OpenFlags {
        create: true,
        ..OpenFlags::default()
    }
}

fn read(directory: &Descriptor, path: &str) -> FsResult<String> {
    contents(directory.open_at(true, path, OpenFlags::default(), read_flags())?)
}

fn contents(file: Descriptor) -> FsResult<String> {
    let (chunk, _) = file.read(1000, 0)?;
    Ok(String::from_utf8(chunk.into_bytes()).unwrap())
}

fn error<T>(result: FsResult<T>) -> ErrorCode {
    result.err().expect("an error")
}

#[test]
fn links_planted_before_do_not_lead_out() {
    let place = Place::new();
    symlink("../outside/secret", place.path("inside/relative")).unwrap();
    symlink(place.path("outside/secret"), place.path("inside/absolute")).unwrap();
    symlink("../outside", place.path("inside/directory")).unwrap();
    symlink("/proc/self/cwd", place.path("inside/magic")).unwrap();
    let inside = only(Grant::directory(place.path("inside")).read_write());
    for path in [
        "relative",
        "absolute",
        "directory/secret",
        "directory/new",
        "magic/Cargo.toml",
    ] {
        for (open, flags) in [
            (OpenFlags::default(), read_flags()),
            (OpenFlags::default(), write_flags()),
            (create(), write_flags()),
            (
                OpenFlags {
                    truncate: true,
                    ..OpenFlags::default()
                },
                write_flags(),
            ),
        ] {
            assert_eq!(
                error(inside.open_at(true, path, open, flags)),
                ErrorCode::NotPermitted,
                "{path}"
            );
        }
        assert_eq!(
            error(inside.stat_at(true, path)),
            ErrorCode::NotPermitted,
            "{path}"
        );
        let times = inside.set_times_at(true, path, NewTime::Now, NewTime::Now);
        assert_eq!(times, Err(ErrorCode::NotPermitted), "{path}");
    }
    for path in ["directory/secret", "directory/new"] {
        assert_eq!(inside.unlink_file_at(path), Err(ErrorCode::NotPermitted));
        assert_eq!(
            inside.create_directory_at(path),
            Err(ErrorCode::NotPermitted)
        );
        assert_eq!(
            inside.rename_at(path, &inside, "stolen"),
            Err(ErrorCode::NotPermitted)
        );
        assert_eq!(
            inside.link_at(false, path, &inside, "stolen"),
            Err(ErrorCode::NotPermitted)
        );
        assert_eq!(inside.symlink_at("x", path), Err(ErrorCode::NotPermitted));
    }
    assert_eq!(
        inside.read_link_at("absolute"),
        Err(ErrorCode::NotPermitted)
    );
    // A hard link to a symbolic link is one more symbolic link, as powerless.
    if inside.link_at(false, "relative", &inside, "again").is_ok() {
        assert_eq!(read(&inside, "again"), Err(ErrorCode::NotPermitted));
    }
    place.assert_outside_untouched();
}

#[test]
fn an_open_directory_that_is_moved_out_stays_a_jail() {
    let place = Place::new();
    std::fs::create_dir(place.path("inside/d")).unwrap();
    let inside = only(Grant::directory(place.path("inside")).read_write());
    let d = inside
        .open_at(true, "d", OpenFlags::default(), read_flags())
        .unwrap();
    std::fs::rename(place.path("inside/d"), place.path("moved")).unwrap();
    assert_eq!(read(&d, "../outside/secret"), Err(ErrorCode::NotPermitted));
    assert_eq!(read(&d, ".."), Err(ErrorCode::NotPermitted));
}

/// A directory on the way is swapped for a link to the outside, as fast as another thread can, while the guest goes that way.
#[test]
fn races_with_renames_and_links_are_lost_by_the_guest_only() {
    let place = Place::new();
    std::fs::create_dir(place.path("inside/way")).unwrap();
    place.write("inside/way/secret", "mine");
    symlink("../outside", place.path("inside/trap")).unwrap();
    let inside = only(Grant::directory(place.path("inside")).read_write());
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (stop, root) = (stop.clone(), place.path("inside"));
        move || {
            while !stop.load(Ordering::Relaxed) {
                std::fs::rename(root.join("way"), root.join("parked")).unwrap();
                std::fs::rename(root.join("trap"), root.join("way")).unwrap();
                std::fs::rename(root.join("way"), root.join("trap")).unwrap();
                std::fs::rename(root.join("parked"), root.join("way")).unwrap();
            }
        }
    });
    let end = Instant::now() + Duration::from_millis(400);
    let mut reached = 0;
    while Instant::now() < end {
        match read(&inside, "way/secret") {
            Ok(text) => {
                assert_eq!(text, "mine");
                reached += 1;
            }
            Err(code) => assert!(
                matches!(
                    code,
                    ErrorCode::NotPermitted | ErrorCode::NoEntry | ErrorCode::WouldBlock
                ),
                "{code:?}"
            ),
        }
        let _ = inside.open_at(true, "way/planted", create(), write_flags());
        let _ = inside.create_directory_at("way/made");
        let _ = inside.rename_at("way/planted", &inside, "way/renamed");
        let _ = inside.unlink_file_at("way/secret2");
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(reached > 0);
    place.assert_outside_untouched();
}

#[test]
fn a_read_only_directory_changes_in_no_way() {
    let place = Place::new();
    place.write("inside/f", "text");
    std::fs::create_dir(place.path("inside/d")).unwrap();
    let inside = only(Grant::directory(place.path("inside")));
    assert!(!inside.flags().mutate_directory);
    assert_eq!(read(&inside, "f"), Ok("text".into()));
    let truncate = OpenFlags {
        truncate: true,
        ..OpenFlags::default()
    };
    let mutate = DescriptorFlags {
        mutate_directory: true,
        ..read_flags()
    };
    for (path, open, flags) in [
        ("f", OpenFlags::default(), write_flags()),
        ("f", truncate, read_flags()),
        ("f", create(), read_flags()),
        ("new", create(), read_flags()),
        ("d", OpenFlags::default(), mutate),
    ] {
        assert_eq!(
            error(inside.open_at(true, path, open, flags)),
            ErrorCode::ReadOnly,
            "{path}"
        );
    }
    let d = inside
        .open_at(true, "d", OpenFlags::default(), read_flags())
        .unwrap();
    assert!(!d.flags().mutate_directory);
    for directory in [&inside, &d] {
        assert_eq!(directory.create_directory_at("x"), Err(ErrorCode::ReadOnly));
        assert_eq!(directory.remove_directory_at("d"), Err(ErrorCode::ReadOnly));
        assert_eq!(directory.unlink_file_at("f"), Err(ErrorCode::ReadOnly));
        assert_eq!(directory.symlink_at("f", "x"), Err(ErrorCode::ReadOnly));
        assert_eq!(
            directory.rename_at("f", directory, "x"),
            Err(ErrorCode::ReadOnly)
        );
        assert_eq!(
            directory.link_at(false, "f", directory, "x"),
            Err(ErrorCode::ReadOnly)
        );
        assert_eq!(
            directory.set_times(NewTime::Now, NewTime::Now),
            Err(ErrorCode::ReadOnly)
        );
        let times = directory.set_times_at(true, "f", NewTime::Now, NewTime::Now);
        assert_eq!(times, Err(ErrorCode::ReadOnly));
    }
    let f = inside
        .open_at(true, "f", OpenFlags::default(), read_flags())
        .unwrap();
    assert_eq!(
        f.set_times(NewTime::Now, NewTime::Now),
        Err(ErrorCode::ReadOnly)
    );
    assert_eq!(f.set_size(0), Err(ErrorCode::ReadOnly));
}

#[test]
fn a_file_cannot_be_linked_or_moved_from_a_read_only_grant_to_a_writable_one() {
    let place = Place::new();
    std::fs::create_dir(place.path("inside/read")).unwrap();
    std::fs::create_dir(place.path("inside/write")).unwrap();
    place.write("inside/read/f", "text");
    place.write("inside/write/g", "text");
    let all = preopens([
        Grant::directory(place.path("inside/read")).at("/read"),
        Grant::directory(place.path("inside/write"))
            .read_write()
            .at("/write"),
    ])
    .unwrap();
    let [(_, from), (_, to)] = &all[..] else {
        panic!("two directories")
    };
    assert_eq!(from.link_at(false, "f", to, "x"), Err(ErrorCode::ReadOnly));
    assert_eq!(from.rename_at("f", to, "x"), Err(ErrorCode::ReadOnly));
    assert_eq!(to.rename_at("g", from, "x"), Err(ErrorCode::ReadOnly));
    assert_eq!(to.link_at(false, "g", from, "x"), Err(ErrorCode::ReadOnly));
}

#[test]
fn a_read_only_file_is_all_that_is_there() {
    let place = Place::new();
    place.write("inside/f", "text");
    place.write("inside/neighbour", SECRET);
    let grant = Grant::file(place.path("inside/f"));
    assert_eq!(grant.guest_path().unwrap(), text(&place.path("inside/f")));
    let all = preopens([grant]).unwrap();
    let [(path, directory)] = &all[..] else {
        panic!("one directory")
    };
    assert_eq!(path, text(&place.path("inside")));
    for path in ["f", "./f", ".//f"] {
        assert_eq!(read(directory, path), Ok("text".into()), "{path}");
    }
    let entries: Vec<_> = directory.entries().unwrap().map(Result::unwrap).collect();
    assert_eq!(
        entries,
        [Entry {
            kind: Kind::RegularFile,
            name: "f".into()
        }]
    );
    assert_eq!(directory.stat().unwrap().kind, Kind::Directory);
    assert_eq!(directory.stat_at(false, "f").unwrap().size, 4);

    for path in ["neighbour", "d/neighbour", "d/../neighbour"] {
        assert_eq!(read(directory, path), Err(ErrorCode::NoEntry), "{path}");
        assert_eq!(
            error(directory.stat_at(true, path)),
            ErrorCode::NoEntry,
            "{path}"
        );
    }
    for path in ["..", "../inside/neighbour", "../outside/secret"] {
        assert_eq!(
            read(directory, path),
            Err(ErrorCode::NotPermitted),
            "{path}"
        );
        assert_eq!(
            error(directory.stat_at(true, path)),
            ErrorCode::NotPermitted,
            "{path}"
        );
    }
    assert_eq!(read(directory, "f/"), Err(ErrorCode::NotDirectory));
    assert_eq!(read(directory, "f/x"), Err(ErrorCode::NotDirectory));
    let again = directory
        .open_at(true, ".", OpenFlags::default(), read_flags())
        .unwrap();
    assert_eq!(read(&again, "neighbour"), Err(ErrorCode::NoEntry));

    assert_eq!(
        error(directory.open_at(true, "f", OpenFlags::default(), write_flags())),
        ErrorCode::ReadOnly
    );
    assert_eq!(
        error(directory.open_at(true, "new", create(), write_flags())),
        ErrorCode::ReadOnly
    );
    assert_eq!(directory.unlink_file_at("f"), Err(ErrorCode::Access));
    assert_eq!(directory.create_directory_at("d"), Err(ErrorCode::Access));
    assert_eq!(directory.symlink_at("f", "s"), Err(ErrorCode::Access));
    assert_eq!(
        directory.rename_at("f", directory, "g"),
        Err(ErrorCode::ReadOnly)
    );
    assert_eq!(
        directory.link_at(false, "f", directory, "g"),
        Err(ErrorCode::ReadOnly)
    );
    assert!(!place.path("inside/new").exists());
}

#[test]
fn a_read_only_file_is_the_one_that_was_granted() {
    let place = Place::new();
    place.write("inside/f", "text");
    let directory = only(Grant::file(place.path("inside/f")));
    std::fs::remove_file(place.path("inside/f")).unwrap();
    symlink("../outside/secret", place.path("inside/f")).unwrap();
    assert_eq!(read(&directory, "f"), Ok("text".into()));
    assert_eq!(
        directory.stat_at(true, "f").unwrap().kind,
        Kind::RegularFile
    );
}

#[test]
fn a_writable_file_is_opened_by_name_and_never_through_a_link() {
    let place = Place::new();
    let directory = only(Grant::file(place.path("inside/out")).read_write());
    assert!(directory.flags().mutate_directory);
    assert_eq!(read(&directory, "out"), Err(ErrorCode::NoEntry));
    assert_eq!(directory.entries().unwrap().count(), 0);
    let out = directory
        .open_at(true, "out", create(), write_flags())
        .unwrap();
    assert_eq!(out.write(b"made", 0), Ok(4));
    assert_eq!(
        std::fs::read_to_string(place.path("inside/out")).unwrap(),
        "made"
    );
    assert_eq!(
        error(directory.open_at(true, "other", create(), write_flags())),
        ErrorCode::Access
    );
    assert_eq!(
        directory.rename_at("out", &directory, "other"),
        Err(ErrorCode::Access)
    );

    std::fs::remove_file(place.path("inside/out")).unwrap();
    symlink("../outside/secret", place.path("inside/out")).unwrap();
    for open in [
        OpenFlags::default(),
        create(),
        OpenFlags {
            truncate: true,
            ..create()
        },
    ] {
        assert_eq!(
            error(directory.open_at(true, "out", open, write_flags())),
            ErrorCode::Loop
        );
    }
    place.assert_outside_untouched();
}

#[test]
fn a_link_is_followed_when_the_user_grants_it() {
    let place = Place::new();
    place.write("inside/real", "text");
    symlink("inside/real", place.path("latest")).unwrap();
    assert_eq!(
        read(&only(Grant::file(place.path("latest"))), "latest"),
        Ok("text".into())
    );
    let writable = only(Grant::file(place.path("latest")).read_write());
    let file = writable
        .open_at(true, "latest", OpenFlags::default(), write_flags())
        .unwrap();
    assert_eq!(file.write(b"T", 0), Ok(1));
    assert_eq!(
        std::fs::read_to_string(place.path("inside/real")).unwrap(),
        "Text"
    );
}

#[test]
fn files_of_one_directory_share_it() {
    let place = Place::new();
    place.write("inside/a", "a");
    place.write("inside/b", "b");
    let all = preopens([
        Grant::file(place.path("inside/a")),
        Grant::file(place.path("inside/b")).read_write(),
        Grant::file(place.path("outside/secret")).at(format!("{}/c", text(&place.path("inside")))),
    ])
    .unwrap();
    let [(_, directory)] = &all[..] else {
        panic!("one directory")
    };
    for (name, contents) in [("a", "a"), ("b", "b"), ("c", SECRET)] {
        assert_eq!(read(directory, name), Ok(contents.into()));
    }
    assert_eq!(
        error(directory.open_at(true, "a", OpenFlags::default(), write_flags())),
        ErrorCode::ReadOnly
    );
    assert!(
        directory
            .open_at(true, "b", OpenFlags::default(), write_flags())
            .is_ok()
    );
}

#[test]
fn nested_grants_are_found_by_the_longest_path() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("inside/sub/deep")).unwrap();
    place.write("inside/f", "1");
    place.write("inside/sub/f", "2");
    place.write("inside/sub/deep/f", "3");
    let root = text(&place.path("inside")).to_owned();
    let all = preopens([
        Grant::directory(&root),
        Grant::directory(format!("{root}/sub/deep")).read_write(),
        Grant::file(format!("{root}/sub/out")).read_write(),
    ])
    .unwrap();
    let read = |path: &str| {
        contents(open(
            &all,
            &format!("{root}/{path}"),
            OpenFlags::default(),
            read_flags(),
        )?)
    };
    // The writable file's directory must not hide what the directory around it shows.
    assert_eq!(read("f"), Ok("1".into()));
    assert_eq!(read("sub/f"), Ok("2".into()));
    assert_eq!(read("sub/deep/f"), Ok("3".into()));
    let write =
        |path: &str| open(&all, &format!("{root}/{path}"), create(), write_flags()).map(drop);
    assert_eq!(write("new"), Err(ErrorCode::ReadOnly));
    assert_eq!(write("sub/new"), Err(ErrorCode::ReadOnly));
    assert_eq!(write("sub/out"), Ok(()));
    assert_eq!(write("sub/deep/new"), Ok(()));
    let (_, sub) = all.iter().find(|(path, _)| path.ends_with("/sub")).unwrap();
    let mut names: Vec<_> = sub
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().name)
        .collect();
    names.sort();
    assert_eq!(names, ["deep", "f", "out"]);
}

#[test]
fn a_file_inside_a_granted_directory_needs_no_directory_of_its_own() {
    let place = Place::new();
    place.write("inside/f", "1");
    let inside = || Grant::directory(place.path("inside"));
    let f = || Grant::file(place.path("inside/f"));
    let paths = |grants: [Grant; 2]| -> Vec<(String, bool)> {
        let all = preopens(grants).unwrap();
        all.iter()
            .map(|(path, directory)| (path.clone(), directory.flags().mutate_directory))
            .collect()
    };
    let path = text(&place.path("inside")).to_owned();
    assert_eq!(paths([inside(), f()]), [(path.clone(), false)]);
    assert_eq!(
        paths([inside().read_write(), f().read_write()]),
        [(path.clone(), true)]
    );
    // More is granted to the file than to its directory.
    let all = preopens([inside(), f().read_write()]).unwrap();
    let [(_, directory)] = &all[..] else {
        panic!("one directory")
    };
    assert!(
        directory
            .open_at(true, "f", OpenFlags::default(), write_flags())
            .is_ok()
    );
    assert_eq!(
        error(directory.open_at(true, "g", create(), write_flags())),
        ErrorCode::ReadOnly
    );
    // A file from elsewhere, shown in a directory.
    let elsewhere = Grant::file(place.path("outside/secret")).at(format!("{path}/shown"));
    let all = preopens([inside(), elsewhere]).unwrap();
    let [(_, directory)] = &all[..] else {
        panic!("one directory")
    };
    assert_eq!(read(directory, "shown"), Ok(SECRET.into()));
    assert_eq!(read(directory, "f"), Ok("1".into()));
}

#[test]
fn a_grant_may_have_a_relative_path_for_the_guest() {
    let place = Place::new();
    place.write("inside/f", "1");
    std::fs::create_dir(place.path("inside/sub")).unwrap();
    place.write("inside/sub/g", "2");
    let all = preopens([
        Grant::directory(place.path("outside")).at("z/y"),
        Grant::directory(place.path("inside")).at("."),
        Grant::directory(place.path("inside")).at("/"),
        // In `.` already, under this name.
        Grant::file(place.path("inside/sub/g")).at("sub/g"),
        Grant::file(place.path("outside/secret")).at("shown"),
    ])
    .unwrap();
    let paths: Vec<&str> = all.iter().map(|(path, _)| &**path).collect();
    assert_eq!(paths, ["z/y", ".", "/"], "in the order of the grants");
    assert_eq!(read(&all[0].1, "secret"), Ok(SECRET.into()));
    assert_eq!(read(&all[1].1, "f"), Ok("1".into()));
    assert_eq!(read(&all[1].1, "sub/g"), Ok("2".into()));
    assert_eq!(read(&all[1].1, "shown"), Ok(SECRET.into()));
    assert_eq!(read(&all[2].1, "shown"), Err(ErrorCode::NoEntry));
    for (_, directory) in &all {
        assert_eq!(
            read(directory, "../outside/secret"),
            Err(ErrorCode::NotPermitted)
        );
    }
}

#[test]
fn grants_that_cannot_be_given_say_why() {
    let place = Place::new();
    place.write("inside/f", "");
    let message = |grant: Grant| {
        let error = preopens([grant]).unwrap_err().to_string();
        error.replace(text(&place.root), "ROOT")
    };
    assert_eq!(
        message(Grant::file(place.path("inside/missing"))),
        "cannot grant ROOT/inside/missing: No such file or directory (os error 2)"
    );
    assert_eq!(
        message(Grant::directory(place.path("inside/f"))),
        "cannot grant ROOT/inside/f: Not a directory (os error 20)"
    );
    let directory =
        "cannot grant ROOT/inside as a file: it is a directory; grant the directory instead";
    assert_eq!(message(Grant::file(place.path("inside"))), directory);
    assert_eq!(
        message(Grant::file(place.path("inside")).read_write()),
        directory
    );
    for path in [
        "/a/../b", "/a//b", "/a/", "/a\0b", "", "..", "../a", "a/../b", "./a", "a/", "/.",
    ] {
        let grant = Grant::directory(place.path("inside")).at(path);
        assert!(
            matches!(preopens([grant]), Err(GrantError::GuestPath { .. })),
            "{path:?}"
        );
    }
    let twice =
        [place.path("inside"), place.path("outside")].map(|path| Grant::directory(path).at("/x"));
    assert_eq!(
        preopens(twice).unwrap_err().to_string(),
        "two directories are granted under the path /x; give one of them another"
    );
}

#[test]
fn trees_in_memory_are_granted_like_directories() {
    let tree = MemoryTree::new(1 << 16);
    tree.create_directory("d").unwrap();
    tree.write_file("d/f", b"text").unwrap();
    let all = preopens([
        Grant::tree(tree.root(), "/ro"),
        Grant::tree(tree.root(), "/rw").read_write(),
    ])
    .unwrap();
    assert_eq!(
        contents(open(&all, "/ro/d/f", OpenFlags::default(), read_flags()).unwrap()),
        Ok("text".into())
    );
    assert_eq!(
        error(open(&all, "/ro/d/g", create(), write_flags())),
        ErrorCode::ReadOnly
    );
    open(&all, "/rw/d/g", create(), write_flags())
        .unwrap()
        .write(b"new", 0)
        .unwrap();
    assert_eq!(tree.read_file("d/g"), Ok(b"new".to_vec()));
}

#[test]
fn nothing_is_granted_by_default() {
    assert_eq!(WasiCtx::builder().build().unwrap().directories().count(), 0);
}

#[test]
fn a_named_pipe_is_read_without_hanging() {
    use wasmer_component_wasi::readiness::{Late, wait_for_some};
    use wasmer_component_wasi::stream::{InputStream, StreamError};
    let place = Place::new();
    let pipe = place.path("inside/pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from(0o600)).unwrap();
    // As a file of its own, and as one found in a directory.
    for (grant, name) in [
        (Grant::file(&pipe), "pipe"),
        (Grant::directory(place.path("inside")), "pipe"),
    ] {
        let directory = only(grant);
        let file = directory
            .open_at(true, name, OpenFlags::default(), read_flags())
            .unwrap();
        assert_eq!(file.kind(), Kind::Fifo);
        assert_eq!(error(file.read(10, 0)), ErrorCode::WouldBlock);
        let mut input = file.read_via_stream(0).unwrap();
        assert_eq!(input.read(10).unwrap().into_bytes(), b"");
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(wait_for_some(&[input.readiness()], Some(soon)), Err(Late));

        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, "through").unwrap()
        });
        let mut got = Vec::new();
        let late = Instant::now() + Duration::from_secs(10);
        loop {
            match input.read(4) {
                Ok(chunk) if chunk.is_empty() => {
                    wait_for_some(&[input.readiness()], Some(late)).unwrap();
                }
                Ok(chunk) => got.extend(chunk.into_bytes()),
                Err(error) => break assert_eq!(error, StreamError::Closed),
            }
        }
        assert_eq!(got, b"through");
        writer.join().unwrap();
    }
}
