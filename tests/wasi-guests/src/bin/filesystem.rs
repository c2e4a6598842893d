//! `wasi:filesystem`, function by function, with the code of each failure. The first directory granted is the one worked in.

use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{
    Advice, Datetime, Descriptor, DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp,
    OpenFlags, PathFlags, filesystem_error_code,
};
use wasi::io::streams::StreamError;
use wasi_guests::run;

fn main() {
    run(&[
        ("everything", everything),
        ("read-only", read_only),
        ("single-file", single_file),
        ("single-file-written", single_file_written),
        ("nothing", nothing),
        ("two", two),
        ("escape", escape),
        ("race", race),
        ("pipe", pipe),
        ("wait-for-pipe", wait_for_pipe),
        ("fill-pipe", fill_pipe),
        ("many", many),
    ]);
}

const NOTHING: PathFlags = PathFlags::empty();
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

fn root() -> Descriptor {
    let (root, _) = get_directories().into_iter().next().expect("a directory");
    root
}

fn code<T>(outcome: Result<T, ErrorCode>) -> Option<ErrorCode> {
    outcome.err()
}

/// What both have to fail with.
#[track_caller]
fn fails<T>(outcome: Result<T, ErrorCode>, expected: ErrorCode) {
    assert_eq!(code(outcome), Some(expected));
}

/// What may fail in one of two ways, as systems differ.
#[track_caller]
fn fails_either<T>(outcome: Result<T, ErrorCode>, expected: [ErrorCode; 2]) {
    let code = code(outcome).expect("a failure");
    assert!(
        expected.contains(&code),
        "{code:?}, not one of {expected:?}"
    );
}

fn create(dir: &Descriptor, path: &str, contents: &[u8]) -> Descriptor {
    let file = dir
        .open_at(NOTHING, path, OpenFlags::CREATE, READ | WRITE)
        .unwrap();
    assert_eq!(file.write(contents, 0).unwrap(), contents.len() as u64);
    file
}

fn contents(dir: &Descriptor, path: &str) -> Vec<u8> {
    let file = dir.open_at(FOLLOW, path, OpenFlags::empty(), READ).unwrap();
    let (bytes, end) = file.read(1 << 20, 0).unwrap();
    assert!(end);
    bytes
}

fn names(dir: &Descriptor) -> Vec<(String, DescriptorType)> {
    let stream = dir.read_directory().unwrap();
    let mut names = Vec::new();
    while let Some(entry) = stream.read_directory_entry().unwrap() {
        names.push((entry.name, entry.type_));
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    names
}

fn everything(_: &[String]) {
    let root = root();
    assert_eq!(root.get_type().unwrap(), DescriptorType::Directory);
    assert!(
        root.get_flags()
            .unwrap()
            .contains(READ | DescriptorFlags::MUTATE_DIRECTORY)
    );
    opening(&root);
    positioned(&root);
    streams(&root);
    sizes_and_times(&root);
    directories(&root);
    links(&root);
    symbolic_links(&root);
    renaming(&root);
    removing(&root);
    paths(&root);
    identity(&root);
    assert_eq!(names(&root), []);
    // For the host to find.
    create(&root, "left.txt", b"left behind by the guest");
    root.create_directory_at("folder").unwrap();
    create(&root, "folder/inner", b"");
    root.symlink_at("left.txt", "folder/link").unwrap();
}

fn opening(root: &Descriptor) {
    let none = OpenFlags::empty();
    fails(
        root.open_at(NOTHING, "file", none, READ),
        ErrorCode::NoEntry,
    );
    let file = root
        .open_at(NOTHING, "file", OpenFlags::CREATE, WRITE)
        .unwrap();
    assert_eq!(file.get_type().unwrap(), DescriptorType::RegularFile);
    assert_eq!(file.get_flags().unwrap(), WRITE);
    file.write(b"some", 0).unwrap();
    // Opened to write only, and to read only.
    fails(file.read(1, 0), ErrorCode::BadDescriptor);
    fails(file.read_via_stream(0), ErrorCode::BadDescriptor);
    let reading = root.open_at(NOTHING, "file", none, READ).unwrap();
    fails(reading.write(b"x", 0), ErrorCode::BadDescriptor);
    fails(reading.write_via_stream(0), ErrorCode::BadDescriptor);
    fails(reading.append_via_stream(), ErrorCode::BadDescriptor);
    let neither = root
        .open_at(NOTHING, "file", none, DescriptorFlags::empty())
        .unwrap();
    fails(neither.read(1, 0), ErrorCode::BadDescriptor);
    assert_eq!(neither.stat().unwrap().size, 4);
    // Creating what is there, exclusively or not.
    fails(
        root.open_at(
            NOTHING,
            "file",
            OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            WRITE,
        ),
        ErrorCode::Exist,
    );
    drop(
        root.open_at(NOTHING, "file", OpenFlags::CREATE, READ)
            .unwrap(),
    );
    assert_eq!(contents(root, "file"), b"some");
    drop(
        root.open_at(NOTHING, "file", OpenFlags::TRUNCATE, WRITE)
            .unwrap(),
    );
    assert_eq!(contents(root, "file"), b"");
    // Files are no directories, and directories no files.
    fails(
        root.open_at(NOTHING, "file", OpenFlags::DIRECTORY, READ),
        ErrorCode::NotDirectory,
    );
    fails(
        root.open_at(NOTHING, "file/", none, READ),
        ErrorCode::NotDirectory,
    );
    fails(
        root.open_at(NOTHING, "file/inner", none, READ),
        ErrorCode::NotDirectory,
    );
    fails(
        root.open_at(NOTHING, ".", none, READ | WRITE),
        ErrorCode::IsDirectory,
    );
    fails(
        root.open_at(NOTHING, ".", OpenFlags::DIRECTORY, READ | WRITE),
        ErrorCode::IsDirectory,
    );
    fails(
        root.open_at(
            NOTHING,
            "new",
            OpenFlags::CREATE | OpenFlags::DIRECTORY,
            READ,
        ),
        ErrorCode::Invalid,
    );
    let again = root
        .open_at(NOTHING, ".", OpenFlags::DIRECTORY, READ)
        .unwrap();
    assert!(again.is_same_object(root));
    fails(again.read(1, 0), ErrorCode::BadDescriptor);
    fails(again.write(b"x", 0), ErrorCode::BadDescriptor);
    fails(again.set_size(0), ErrorCode::BadDescriptor);
    fails(again.advise(0, 0, Advice::Normal), ErrorCode::BadDescriptor);
    fails(
        file.open_at(NOTHING, "x", none, READ),
        ErrorCode::NotDirectory,
    );
    fails(file.read_directory(), ErrorCode::NotDirectory);
    fails(file.stat_at(NOTHING, "x"), ErrorCode::NotDirectory);
    root.unlink_file_at("file").unwrap();
    // What is open lives on.
    file.write(b"unseen", 0).unwrap();
    assert_eq!(reading.read(100, 0).unwrap().0, b"unseen");
}

fn positioned(root: &Descriptor) {
    let file = create(root, "file", b"0123456789");
    assert_eq!(file.read(4, 3).unwrap(), (b"3456".to_vec(), false));
    assert_eq!(file.read(4, 6).unwrap(), (b"6789".to_vec(), true));
    assert_eq!(file.read(100, 8).unwrap(), (b"89".to_vec(), true));
    assert_eq!(file.read(100, 10).unwrap(), (Vec::new(), true));
    assert_eq!(file.read(100, u64::MAX).unwrap(), (Vec::new(), true));
    assert_eq!(file.read(0, 0).unwrap().0, b"");
    assert_eq!(file.write(b"ab", 9).unwrap(), 2);
    assert_eq!(file.write(b"", 5000).unwrap(), 0);
    assert_eq!(file.stat().unwrap().size, 11);
    // A hole.
    assert_eq!(file.write(b"z", 14).unwrap(), 1);
    assert_eq!(contents(root, "file"), b"012345678ab\0\0\0z");
    fails_either(
        file.write(b"x", u64::MAX),
        [ErrorCode::FileTooLarge, ErrorCode::Invalid],
    );
    file.advise(0, 100, Advice::Sequential).unwrap();
    file.advise(0, 0, Advice::WillNeed).unwrap();
    file.sync_data().unwrap();
    file.sync().unwrap();
    root.sync().unwrap();
    root.unlink_file_at("file").unwrap();
}

fn streams(root: &Descriptor) {
    let file = create(root, "file", b"");
    let stream = file.write_via_stream(5).unwrap();
    stream.blocking_write_and_flush(b"Hello, ").unwrap();
    stream.blocking_write_and_flush(b"World!").unwrap();
    assert!(stream.check_write().unwrap() >= 4096);
    stream.write_zeroes(2).unwrap();
    stream.blocking_flush().unwrap();
    let appending = file.append_via_stream().unwrap();
    appending.blocking_write_and_flush(b"end").unwrap();
    file.set_size(22).unwrap();
    appending.blocking_write_and_flush(b".").unwrap();
    assert_eq!(contents(root, "file"), b"\0\0\0\0\0Hello, World!\0\0en.");

    let input = file.read_via_stream(5).unwrap();
    assert_eq!(input.blocking_read(5).unwrap(), b"Hello");
    assert_eq!(input.skip(2).unwrap(), 2);
    let pollable = input.subscribe();
    assert!(pollable.ready());
    pollable.block();
    drop(pollable);
    assert_eq!(input.read(6).unwrap(), b"World!");
    assert_eq!(input.read(0).unwrap(), b"");
    assert_eq!(input.blocking_read(1000).unwrap(), b"\0\0en.");
    assert!(matches!(input.blocking_read(1), Err(StreamError::Closed)));
    assert!(matches!(input.read(0), Err(StreamError::Closed)));
    // Two streams of one file do not know of each other.
    let (one, other) = (
        file.read_via_stream(0).unwrap(),
        file.read_via_stream(0).unwrap(),
    );
    assert_eq!(one.blocking_skip(10).unwrap(), 10);
    assert_eq!(other.blocking_skip(5).unwrap(), 5);
    // From a file to another, more than goes at once.
    let big = create(root, "big", &[]);
    let out = big.write_via_stream(0).unwrap();
    for _ in 0..100 {
        out.blocking_write_zeroes_and_flush(4096).unwrap();
    }
    let (from, copy) = (big.read_via_stream(0).unwrap(), create(root, "copy", &[]));
    let to = copy.write_via_stream(0).unwrap();
    while let Ok(moved) = to.blocking_splice(&from, 100_000) {
        assert!(moved > 0);
    }
    assert_eq!(copy.stat().unwrap().size, 409_600);
    // A stream outlives its descriptor, and its file's name.
    let last = file.read_via_stream(18).unwrap();
    drop(file);
    for name in ["file", "big", "copy"] {
        root.unlink_file_at(name).unwrap();
    }
    assert_eq!(last.blocking_read(100).unwrap(), b"\0\0en.");
    // What fails says why.
    let file = create(root, "file", b"");
    let stream = file.write_via_stream(u64::MAX - 10).unwrap();
    match stream.blocking_write_and_flush(b"beyond everything") {
        Err(StreamError::LastOperationFailed(error)) => {
            let code = filesystem_error_code(&error).expect("a code");
            assert!(
                matches!(code, ErrorCode::FileTooLarge | ErrorCode::Invalid),
                "{code:?}"
            );
            assert!(!error.to_debug_string().is_empty());
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(stream.check_write(), Err(StreamError::Closed)));
    root.unlink_file_at("file").unwrap();
}

fn at(seconds: u64, nanoseconds: u32) -> NewTimestamp {
    NewTimestamp::Timestamp(Datetime {
        seconds,
        nanoseconds,
    })
}

fn times(stat: &wasi::filesystem::types::DescriptorStat) -> [(u64, u32); 2] {
    [stat.data_access_timestamp, stat.data_modification_timestamp].map(|time| {
        let time = time.expect("a time");
        (time.seconds, time.nanoseconds)
    })
}

fn sizes_and_times(root: &Descriptor) {
    let file = create(root, "file", b"0123456789");
    file.set_size(4).unwrap();
    assert_eq!(contents(root, "file"), b"0123");
    file.set_size(6).unwrap();
    assert_eq!(contents(root, "file"), b"0123\0\0");
    let reading = root
        .open_at(NOTHING, "file", OpenFlags::empty(), READ)
        .unwrap();
    fails(reading.set_size(0), ErrorCode::Invalid);
    fails_either(
        file.set_size(u64::MAX),
        [ErrorCode::FileTooLarge, ErrorCode::Invalid],
    );

    file.set_times(at(1000, 5_000), at(2000, 6_000)).unwrap();
    assert_eq!(times(&file.stat().unwrap()), [(1000, 5_000), (2000, 6_000)]);
    file.set_times(NewTimestamp::NoChange, at(3000, 0)).unwrap();
    assert_eq!(
        times(&root.stat_at(NOTHING, "file").unwrap()),
        [(1000, 5_000), (3000, 0)]
    );
    root.set_times_at(NOTHING, "file", at(4000, 0), NewTimestamp::NoChange)
        .unwrap();
    assert_eq!(times(&file.stat().unwrap()), [(4000, 0), (3000, 0)]);
    file.set_times(NewTimestamp::Now, NewTimestamp::Now)
        .unwrap();
    let now = wasi::clocks::wall_clock::now().seconds;
    assert!(
        times(&file.stat().unwrap())
            .iter()
            .all(|(seconds, _)| now.abs_diff(*seconds) < 60)
    );
    fails(
        file.set_times(at(1, 1_000_000_000), NewTimestamp::NoChange),
        ErrorCode::Invalid,
    );
    fails(
        root.set_times_at(NOTHING, "none", at(1, 0), at(1, 0)),
        ErrorCode::NoEntry,
    );

    // A link has times of its own.
    root.symlink_at("file", "link").unwrap();
    file.set_times(at(1, 0), at(2, 0)).unwrap();
    root.set_times_at(NOTHING, "link", at(10, 0), at(20, 0))
        .unwrap();
    assert_eq!(
        times(&root.stat_at(NOTHING, "link").unwrap()),
        [(10, 0), (20, 0)]
    );
    assert_eq!(
        times(&root.stat_at(FOLLOW, "link").unwrap()),
        [(1, 0), (2, 0)]
    );
    root.set_times_at(FOLLOW, "link", at(3, 0), at(4, 0))
        .unwrap();
    assert_eq!(times(&file.stat().unwrap()), [(3, 0), (4, 0)]);
    let folder = root
        .open_at(NOTHING, ".", OpenFlags::DIRECTORY, READ)
        .unwrap();
    folder.set_times(at(5, 0), at(6, 0)).unwrap();
    assert_eq!(times(&folder.stat().unwrap())[1], (6, 0));
    root.unlink_file_at("link").unwrap();
    root.unlink_file_at("file").unwrap();
}

fn directories(root: &Descriptor) {
    root.create_directory_at("one").unwrap();
    root.create_directory_at("one/two/").unwrap();
    fails(root.create_directory_at("one"), ErrorCode::Exist);
    fails(root.create_directory_at("one/"), ErrorCode::Exist);
    fails(root.create_directory_at("."), ErrorCode::Exist);
    fails(root.create_directory_at("none/two"), ErrorCode::NoEntry);
    let one = root
        .open_at(NOTHING, "one", OpenFlags::DIRECTORY, READ)
        .unwrap();
    for number in 0..300 {
        create(&one, &format!("file-{number}"), b"");
    }
    one.symlink_at("nowhere", "link").unwrap();
    let listed = names(&one);
    assert_eq!(listed.len(), 302);
    assert!(listed.contains(&("two".into(), DescriptorType::Directory)));
    assert!(listed.contains(&("link".into(), DescriptorType::SymbolicLink)));
    assert!(listed.contains(&("file-299".into(), DescriptorType::RegularFile)));
    fails(
        root.create_directory_at("one/file-1/x"),
        ErrorCode::NotDirectory,
    );
    fails(root.remove_directory_at("one"), ErrorCode::NotEmpty);
    fails(
        root.remove_directory_at("one/file-1"),
        ErrorCode::NotDirectory,
    );
    fails(
        root.remove_directory_at("one/file-1/"),
        ErrorCode::NotDirectory,
    );
    fails(root.remove_directory_at("none"), ErrorCode::NoEntry);
    for (name, kind) in listed {
        if kind == DescriptorType::Directory {
            one.remove_directory_at(&format!("{name}/")).unwrap();
        } else {
            one.unlink_file_at(&name).unwrap();
        }
    }
    // Names beyond ASCII, and as long as they can be.
    let long = "n".repeat(255);
    for name in ["Действие", "名前", "a b", "%2e%2e", "back\\slash", &long] {
        create(&one, name, name.as_bytes());
        assert_eq!(contents(&one, name), name.as_bytes());
        assert_eq!(
            names(&one),
            [(name.to_owned(), DescriptorType::RegularFile)]
        );
        one.unlink_file_at(name).unwrap();
    }
    root.remove_directory_at("one").unwrap();
    // The directory is gone, its descriptor is not.
    fails(
        one.open_at(NOTHING, "x", OpenFlags::CREATE, WRITE),
        ErrorCode::NoEntry,
    );
}

fn links(root: &Descriptor) {
    let file = create(root, "file", b"linked");
    root.create_directory_at("folder").unwrap();
    let folder = root
        .open_at(NOTHING, "folder", OpenFlags::DIRECTORY, READ)
        .unwrap();
    root.link_at(NOTHING, "file", &folder, "other").unwrap();
    assert_eq!(file.stat().unwrap().link_count, 2);
    assert_eq!(contents(&folder, "other"), b"linked");
    file.write(b"LINKED", 0).unwrap();
    assert_eq!(contents(&folder, "other"), b"LINKED");
    fails(
        root.link_at(NOTHING, "file", &folder, "other"),
        ErrorCode::Exist,
    );
    fails(
        root.link_at(NOTHING, "file", root, "file"),
        ErrorCode::Exist,
    );
    fails(
        root.link_at(NOTHING, "file", root, "folder"),
        ErrorCode::Exist,
    );
    fails(
        root.link_at(NOTHING, "file", root, "new/"),
        ErrorCode::NoEntry,
    );
    fails(
        root.link_at(NOTHING, "none", root, "new"),
        ErrorCode::NoEntry,
    );
    fails_either(
        root.link_at(NOTHING, "folder", root, "new"),
        [ErrorCode::NotPermitted, ErrorCode::Access],
    );
    root.symlink_at("nowhere", "link").unwrap();
    fails(
        root.link_at(FOLLOW, "link", root, "new"),
        ErrorCode::Invalid,
    );
    root.link_at(NOTHING, "link", root, "new").unwrap();
    assert_eq!(root.readlink_at("new").unwrap(), "nowhere");
    fails(
        root.link_at(NOTHING, "file", root, "link"),
        ErrorCode::Exist,
    );
    for name in ["new", "link", "file", "folder/other"] {
        root.unlink_file_at(name).unwrap();
    }
    root.remove_directory_at("folder").unwrap();
    assert_eq!(file.stat().unwrap().link_count, 0);
}

fn symbolic_links(root: &Descriptor) {
    let none = OpenFlags::empty();
    create(root, "file", b"target");
    root.create_directory_at("folder").unwrap();
    create(root, "folder/inner", b"inner");
    root.symlink_at("file", "to-file").unwrap();
    root.symlink_at("folder", "to-folder").unwrap();
    root.symlink_at("../file", "folder/up").unwrap();
    root.symlink_at("loop", "loop").unwrap();
    root.symlink_at("nowhere", "dangling").unwrap();
    assert_eq!(root.readlink_at("to-file").unwrap(), "file");
    fails(root.readlink_at("file"), ErrorCode::Invalid);
    fails(root.readlink_at("none"), ErrorCode::NoEntry);
    assert_eq!(contents(root, "to-file"), b"target");
    assert_eq!(contents(root, "to-folder/inner"), b"inner");
    assert_eq!(contents(root, "to-folder/up"), b"target");
    assert_eq!(
        root.stat_at(NOTHING, "to-file").unwrap().type_,
        DescriptorType::SymbolicLink
    );
    assert_eq!(root.stat_at(NOTHING, "to-file").unwrap().size, 4);
    assert_eq!(
        root.stat_at(FOLLOW, "to-file").unwrap().type_,
        DescriptorType::RegularFile
    );
    assert_eq!(
        root.stat_at(NOTHING, "to-folder/").unwrap().type_,
        DescriptorType::Directory
    );
    fails(
        root.open_at(NOTHING, "to-file", none, READ),
        ErrorCode::Loop,
    );
    fails(
        root.open_at(NOTHING, "dangling", none, READ),
        ErrorCode::Loop,
    );
    fails_either(
        root.open_at(NOTHING, "to-folder", OpenFlags::DIRECTORY, READ),
        [ErrorCode::Loop, ErrorCode::NotDirectory],
    );
    fails(
        root.open_at(FOLLOW, "to-file", OpenFlags::DIRECTORY, READ),
        ErrorCode::NotDirectory,
    );
    fails(root.open_at(FOLLOW, "loop", none, READ), ErrorCode::Loop);
    fails(root.open_at(FOLLOW, "loop/x", none, READ), ErrorCode::Loop);
    fails(root.stat_at(FOLLOW, "loop"), ErrorCode::Loop);
    fails(
        root.open_at(FOLLOW, "dangling", none, READ),
        ErrorCode::NoEntry,
    );
    fails(root.stat_at(FOLLOW, "dangling"), ErrorCode::NoEntry);
    // Through a link that leads nowhere a file can be made.
    drop(
        root.open_at(FOLLOW, "dangling", OpenFlags::CREATE, WRITE)
            .unwrap(),
    );
    assert_eq!(
        root.stat_at(NOTHING, "nowhere").unwrap().type_,
        DescriptorType::RegularFile
    );
    fails(
        root.open_at(
            NOTHING,
            "loop",
            OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            WRITE,
        ),
        ErrorCode::Exist,
    );
    fails(root.symlink_at("x", "file"), ErrorCode::Exist);
    fails(root.symlink_at("x", "file/"), ErrorCode::NotDirectory);
    fails(root.symlink_at("x", "folder/"), ErrorCode::Exist);
    fails(root.symlink_at("x", "none/"), ErrorCode::NoEntry);
    fails(root.symlink_at("", "new"), ErrorCode::NoEntry);
    fails(root.symlink_at("/absolute", "new"), ErrorCode::NotPermitted);
    for name in [
        "file",
        "nowhere",
        "to-file",
        "to-folder",
        "folder/up",
        "folder/inner",
        "loop",
        "dangling",
    ] {
        root.unlink_file_at(name).unwrap();
    }
    root.remove_directory_at("folder").unwrap();
}

fn renaming(root: &Descriptor) {
    create(root, "source", b"moved");
    root.rename_at("source", root, "target").unwrap();
    fails(root.stat_at(NOTHING, "source"), ErrorCode::NoEntry);
    assert_eq!(contents(root, "target"), b"moved");
    create(root, "source", b"second");
    root.rename_at("source", root, "target").unwrap();
    assert_eq!(contents(root, "target"), b"second");
    root.rename_at("target", root, "target").unwrap();
    root.create_directory_at("folder").unwrap();
    fails(
        root.rename_at("target", root, "folder"),
        ErrorCode::IsDirectory,
    );
    fails(
        root.rename_at("folder", root, "target"),
        ErrorCode::NotDirectory,
    );
    fails(
        root.rename_at("target/", root, "other"),
        ErrorCode::NotDirectory,
    );
    fails(
        root.rename_at("target", root, "other/"),
        ErrorCode::NotDirectory,
    );
    fails(root.rename_at("none", root, "other"), ErrorCode::NoEntry);
    fails(
        root.rename_at("target", root, "none/other"),
        ErrorCode::NoEntry,
    );
    let folder = root
        .open_at(NOTHING, "folder", OpenFlags::DIRECTORY, READ)
        .unwrap();
    root.rename_at("target", &folder, "inner").unwrap();
    assert_eq!(contents(root, "folder/inner"), b"second");
    root.create_directory_at("empty").unwrap();
    fails(root.rename_at("empty", root, "folder"), ErrorCode::NotEmpty);
    fails(
        root.rename_at("folder", &folder, "itself"),
        ErrorCode::Invalid,
    );
    root.rename_at("folder/", root, "empty/").unwrap();
    assert_eq!(contents(root, "empty/inner"), b"second");
    // The descriptor went with its directory.
    assert_eq!(contents(&folder, "inner"), b"second");
    // A link is renamed itself.
    root.symlink_at("empty", "link").unwrap();
    root.rename_at("link", root, "renamed").unwrap();
    assert_eq!(root.readlink_at("renamed").unwrap(), "empty");
    root.unlink_file_at("renamed").unwrap();
    root.unlink_file_at("empty/inner").unwrap();
    root.remove_directory_at("empty").unwrap();
}

fn removing(root: &Descriptor) {
    create(root, "file", b"");
    root.create_directory_at("folder").unwrap();
    fails(root.unlink_file_at("file/"), ErrorCode::NotDirectory);
    fails_either(
        root.unlink_file_at("folder"),
        [ErrorCode::IsDirectory, ErrorCode::NotPermitted],
    );
    fails_either(
        root.unlink_file_at("folder/"),
        [ErrorCode::IsDirectory, ErrorCode::NotPermitted],
    );
    fails(root.unlink_file_at("none"), ErrorCode::NoEntry);
    root.symlink_at("folder", "link").unwrap();
    fails(root.remove_directory_at("link"), ErrorCode::NotDirectory);
    root.unlink_file_at("link").unwrap();
    root.unlink_file_at("file").unwrap();
    root.remove_directory_at("folder/").unwrap();
}

/// Paths that lead nowhere, in every function that takes one.
fn paths(root: &Descriptor) {
    let none = OpenFlags::empty();
    root.create_directory_at("dir").unwrap();
    root.create_directory_at("dir/nested").unwrap();
    create(root, "dir/nested/file", b"here");
    assert_eq!(
        contents(root, "dir/.//nested/../../dir/nested/../nested///./file"),
        b"here"
    );
    drop(root.open_at(NOTHING, "dir/nested///", none, READ).unwrap());
    let name = "n".repeat(256);
    let long = "n/".repeat(3000);
    let cases = [
        ("", ErrorCode::NoEntry),
        ("/", ErrorCode::NotPermitted),
        ("/dir/nested/file", ErrorCode::NotPermitted),
        ("..", ErrorCode::NotPermitted),
        ("dir/../..", ErrorCode::NotPermitted),
        ("dir/../../dir", ErrorCode::NotPermitted),
        ("dir/nested/../../../x", ErrorCode::NotPermitted),
        ("nul\0", ErrorCode::Invalid),
        ("dir\0/nested", ErrorCode::Invalid),
        (&name, ErrorCode::NameTooLong),
        (&long, ErrorCode::NameTooLong),
    ];
    for (path, expected) in cases {
        let outcomes = [
            code(root.open_at(FOLLOW, path, none, READ)),
            code(root.open_at(NOTHING, path, OpenFlags::CREATE, WRITE)),
            code(root.open_at(NOTHING, path, OpenFlags::DIRECTORY, READ)),
            code(root.stat_at(FOLLOW, path)),
            code(root.stat_at(NOTHING, path)),
            code(root.set_times_at(NOTHING, path, at(1, 0), at(1, 0))),
            code(root.create_directory_at(path)),
            code(root.readlink_at(path)),
            code(root.symlink_at("x", path)),
            code(root.link_at(NOTHING, path, root, "new")),
            code(root.link_at(NOTHING, "dir/nested/file", root, path)),
            code(root.rename_at(path, root, "new")),
            code(root.rename_at("dir/nested/file", root, path)),
            code(root.unlink_file_at(path)),
            code(root.remove_directory_at(path)),
            code(root.metadata_hash_at(FOLLOW, path)),
        ];
        for (place, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(
                outcome,
                Some(expected),
                "{:?}, function {place}",
                &path[..path.len().min(40)]
            );
        }
    }
    assert_eq!(names(root), [("dir".to_owned(), DescriptorType::Directory)]);
    root.unlink_file_at("dir/nested/file").unwrap();
    root.remove_directory_at("dir/nested").unwrap();
    root.remove_directory_at("dir").unwrap();
}

fn identity(root: &Descriptor) {
    let one = create(root, "one", b"1");
    let other = create(root, "other", b"1");
    let again = root
        .open_at(NOTHING, "one", OpenFlags::empty(), READ)
        .unwrap();
    assert!(one.is_same_object(&again));
    assert!(!one.is_same_object(&other));
    assert!(!one.is_same_object(root));
    let hash = |descriptor: &Descriptor| {
        let hash = descriptor.metadata_hash().unwrap();
        (hash.lower, hash.upper)
    };
    assert_eq!(hash(&one), hash(&again));
    let by_name = root.metadata_hash_at(NOTHING, "one").unwrap();
    assert_eq!(hash(&one), (by_name.lower, by_name.upper));
    assert_ne!(hash(&one), hash(&other));
    let before = hash(&one);
    one.write(b"longer", 0).unwrap();
    assert_ne!(hash(&one), before);
    root.symlink_at("one", "link").unwrap();
    let (link, target) = (
        root.metadata_hash_at(NOTHING, "link").unwrap(),
        root.metadata_hash_at(FOLLOW, "link").unwrap(),
    );
    assert_ne!(link.lower, target.lower);
    assert_eq!(hash(&one), (target.lower, target.upper));
    for name in ["one", "other", "link"] {
        root.unlink_file_at(name).unwrap();
    }
}

/// The directory holds `file`, `folder/` with `inner`, and `link` to `file`; nothing of it can be changed.
fn read_only(_: &[String]) {
    let root = root();
    let none = OpenFlags::empty();
    assert!(
        !root
            .get_flags()
            .unwrap()
            .contains(DescriptorFlags::MUTATE_DIRECTORY)
    );
    let folder = root
        .open_at(NOTHING, "folder", OpenFlags::DIRECTORY, READ)
        .unwrap();
    for (dir, file) in [(&root, "file"), (&folder, "inner")] {
        assert_eq!(contents(dir, file), b"untouched");
        fails(dir.open_at(NOTHING, file, none, WRITE), ErrorCode::ReadOnly);
        fails(
            dir.open_at(NOTHING, file, OpenFlags::TRUNCATE, READ),
            ErrorCode::ReadOnly,
        );
        fails(
            dir.open_at(NOTHING, "new", OpenFlags::CREATE, READ),
            ErrorCode::ReadOnly,
        );
        fails(
            dir.open_at(
                NOTHING,
                ".",
                OpenFlags::DIRECTORY,
                DescriptorFlags::MUTATE_DIRECTORY,
            ),
            ErrorCode::ReadOnly,
        );
        fails(
            dir.set_times_at(NOTHING, file, at(1, 0), at(1, 0)),
            ErrorCode::ReadOnly,
        );
        fails(dir.set_times(at(1, 0), at(1, 0)), ErrorCode::ReadOnly);
        fails(dir.create_directory_at("new"), ErrorCode::ReadOnly);
        fails(dir.symlink_at("x", "new"), ErrorCode::ReadOnly);
        fails(dir.link_at(NOTHING, file, dir, "new"), ErrorCode::ReadOnly);
        fails(dir.rename_at(file, dir, "new"), ErrorCode::ReadOnly);
        fails(dir.unlink_file_at(file), ErrorCode::ReadOnly);
        fails(dir.remove_directory_at("folder"), ErrorCode::ReadOnly);
        let open = dir.open_at(NOTHING, file, none, READ).unwrap();
        fails(open.write(b"x", 0), ErrorCode::BadDescriptor);
        fails(open.set_size(0), ErrorCode::ReadOnly);
        fails(open.set_times(at(1, 0), at(1, 0)), ErrorCode::ReadOnly);
        open.sync().unwrap();
    }
    assert_eq!(contents(&root, "link"), b"untouched");
    assert_eq!(root.readlink_at("link").unwrap(), "file");
}

/// One file is granted, to be read, and nothing beside it.
fn single_file(arguments: &[String]) {
    let (root, path) = get_directories().into_iter().next().unwrap();
    assert_eq!(path, arguments[0]);
    assert_eq!(contents(&root, "granted"), b"untouched");
    assert_eq!(
        names(&root),
        [("granted".to_owned(), DescriptorType::RegularFile)]
    );
    fails(
        root.open_at(NOTHING, "beside", OpenFlags::empty(), READ),
        ErrorCode::NoEntry,
    );
    fails(root.stat_at(NOTHING, "beside"), ErrorCode::NoEntry);
    fails(
        root.open_at(NOTHING, "../elsewhere", OpenFlags::empty(), READ),
        ErrorCode::NotPermitted,
    );
    let changed = [
        code(root.open_at(NOTHING, "granted", OpenFlags::empty(), WRITE)),
        code(root.open_at(NOTHING, "new", OpenFlags::CREATE, WRITE)),
        code(root.unlink_file_at("granted")),
        code(root.rename_at("granted", &root, "new")),
        code(root.link_at(NOTHING, "granted", &root, "new")),
        code(root.create_directory_at("new")),
        code(root.symlink_at("granted", "new")),
        code(root.set_times_at(NOTHING, "granted", at(1, 0), at(1, 0))),
    ];
    for (place, code) in changed.into_iter().enumerate() {
        assert!(
            matches!(code, Some(ErrorCode::ReadOnly | ErrorCode::Access)),
            "{place}: {code:?}"
        );
    }
}

/// One file is granted, to be written; it may not be there yet.
fn single_file_written(_: &[String]) {
    let root = root();
    let file = root
        .open_at(
            NOTHING,
            "granted",
            OpenFlags::CREATE | OpenFlags::TRUNCATE,
            WRITE,
        )
        .unwrap();
    file.write(b"written", 0).unwrap();
    fails(
        root.open_at(NOTHING, "beside", OpenFlags::CREATE, WRITE),
        ErrorCode::Access,
    );
    fails(root.unlink_file_at("granted"), ErrorCode::Access);
    fails(
        root.rename_at("granted", &root, "beside"),
        ErrorCode::Access,
    );
}

fn nothing(_: &[String]) {
    assert_eq!(get_directories().len(), 0);
}

/// Two trees, which do not mix.
fn two(_: &[String]) {
    let directories = get_directories();
    let paths: Vec<&str> = directories.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(paths, ["/work", "/memory"]);
    let [(work, _), (memory, _)] = &directories[..] else {
        panic!()
    };
    create(memory, "in-memory", b"m");
    create(work, "on-disk", b"d");
    fails(
        memory.rename_at("in-memory", work, "moved"),
        ErrorCode::CrossDevice,
    );
    fails(
        work.rename_at("on-disk", memory, "moved"),
        ErrorCode::CrossDevice,
    );
    fails(
        memory.link_at(NOTHING, "in-memory", work, "linked"),
        ErrorCode::CrossDevice,
    );
    assert!(!memory.is_same_object(work));
}

/// Every way out that somebody has planted: `out` and `out-dir` lead to what lies beside the grant, `absolute` names it.
fn escape(_: &[String]) {
    let root = root();
    let none = OpenFlags::empty();
    for path in [
        "out",
        "absolute",
        "out-dir/secret",
        "absolute-dir/secret",
        "inside/back/../../secret",
        "out-dir/../outside/secret",
    ] {
        for follow in [NOTHING, FOLLOW] {
            let outcomes = [
                code(root.open_at(follow, path, none, READ)),
                code(root.open_at(follow, path, OpenFlags::CREATE, WRITE)),
                code(root.open_at(follow, path, OpenFlags::TRUNCATE, WRITE)),
            ];
            for outcome in outcomes {
                assert!(
                    matches!(outcome, Some(ErrorCode::NotPermitted | ErrorCode::Loop)),
                    "{path}: {outcome:?}"
                );
            }
        }
        fails(root.stat_at(FOLLOW, path), ErrorCode::NotPermitted);
        fails(
            root.set_times_at(FOLLOW, path, at(1, 0), at(1, 0)),
            ErrorCode::NotPermitted,
        );
        fails(root.metadata_hash_at(FOLLOW, path), ErrorCode::NotPermitted);
    }
    for path in [
        "out-dir/new",
        "absolute-dir/new",
        "../new",
        "inside/../../new",
    ] {
        fails(root.create_directory_at(path), ErrorCode::NotPermitted);
        fails(root.symlink_at("x", path), ErrorCode::NotPermitted);
        fails(root.unlink_file_at(path), ErrorCode::NotPermitted);
        fails(root.remove_directory_at(path), ErrorCode::NotPermitted);
        fails(root.rename_at("file", &root, path), ErrorCode::NotPermitted);
        fails(
            root.link_at(NOTHING, "file", &root, path),
            ErrorCode::NotPermitted,
        );
        fails(root.rename_at(path, &root, "new"), ErrorCode::NotPermitted);
        fails(
            root.link_at(NOTHING, path, &root, "new"),
            ErrorCode::NotPermitted,
        );
    }
    // What a guest makes itself leads no further.
    root.symlink_at("../outside/secret", "made").unwrap();
    fails(
        root.open_at(FOLLOW, "made", none, READ),
        ErrorCode::NotPermitted,
    );
    root.symlink_at("..", "up").unwrap();
    fails(
        root.open_at(FOLLOW, "up", OpenFlags::DIRECTORY, READ),
        ErrorCode::NotPermitted,
    );
    fails(
        root.open_at(NOTHING, "up/outside/secret", none, READ),
        ErrorCode::NotPermitted,
    );
    // Renamed to where it would lead outside.
    root.create_directory_at("deep").unwrap();
    root.symlink_at("../../outside/secret", "deep/link")
        .unwrap();
    root.rename_at("deep/link", &root, "shallow").unwrap();
    fails(
        root.open_at(FOLLOW, "shallow", none, READ),
        ErrorCode::NotPermitted,
    );
}

/// The host moves things about meanwhile: whatever `swing/secret` leads to, it is never the secret.
fn race(arguments: &[String]) {
    let root = root();
    let mut seen = 0;
    for _ in 0..arguments[0].parse::<u32>().unwrap() {
        for path in [
            "swing/secret",
            "swing/../swing/secret",
            "moved/../secret",
            "moved/../../secret",
        ] {
            if let Ok(file) = root.open_at(FOLLOW, path, OpenFlags::empty(), READ) {
                let (bytes, _) = file.read(100, 0).unwrap();
                assert_eq!(String::from_utf8_lossy(&bytes), "harmless", "{path}");
                seen += 1;
            }
            let _ = root
                .open_at(FOLLOW, path, OpenFlags::CREATE, WRITE)
                .map(|file| file.write(b"harmless", 0));
        }
    }
    println!("{seen}");
}

/// `pipe` is a named pipe that somebody writes `piped` to, after a while.
fn pipe(_: &[String]) {
    let pipe = root()
        .open_at(NOTHING, "pipe", OpenFlags::empty(), READ)
        .unwrap();
    assert_eq!(pipe.get_type().unwrap(), DescriptorType::Fifo);
    let stream = pipe.read_via_stream(0).unwrap();
    let mut all = Vec::new();
    while let Ok(bytes) = stream.blocking_read(100) {
        all.extend(bytes);
    }
    assert_eq!(all, b"piped");
}

/// Nobody ever writes; the host ends it.
fn wait_for_pipe(_: &[String]) {
    let pipe = root()
        .open_at(NOTHING, "pipe", OpenFlags::empty(), READ | WRITE)
        .unwrap();
    let _ = pipe.read_via_stream(0).unwrap().blocking_read(1);
    unreachable!("something came out of an empty pipe");
}

/// Somebody reads slowly what is written to `pipe`.
fn fill_pipe(_: &[String]) {
    let pipe = root()
        .open_at(NOTHING, "pipe", OpenFlags::empty(), WRITE)
        .unwrap();
    let stream = pipe.write_via_stream(0).unwrap();
    for _ in 0..100 {
        stream.blocking_write_and_flush(&[b'x'; 4096]).unwrap();
    }
}

/// There is an end to what can be open, whatever it is held by, and to what was closed there is none.
fn many(_: &[String]) {
    let root = root();
    drop(create(&root, "file", b"x"));
    let open = || root.open_at(NOTHING, "file", OpenFlags::empty(), READ);
    let mut streams = Vec::new();
    let end = loop {
        match open() {
            Ok(file) => streams.push(file.read_via_stream(0).unwrap()),
            Err(code) => break code,
        }
        assert!(streams.len() < 5000);
    };
    assert_eq!(end, ErrorCode::InsufficientMemory);
    fails(root.read_directory(), ErrorCode::InsufficientMemory);
    streams.clear();
    for _ in 0..2000 {
        drop(open().unwrap());
    }
    root.unlink_file_at("file").unwrap();
}
