//! The standard library, and below it a C library and the adapter from preview 1: how most programs use WASI.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant, SystemTime};

// The numbers of preview 1; the standard library has no names for all of them.
const EXIST: i32 = 20;
const ISDIR: i32 = 31;
const NOENT: i32 = 44;
const NOTDIR: i32 = 54;
const NOTEMPTY: i32 = 55;
const ROFS: i32 = 69;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (case, rest) = arguments.split_first().expect("the name of a case");
    match case.as_str() {
        "files" => files(),
        "read-only" => read_only(),
        "outside" => outside(rest),
        "relative" => relative(rest.first().map_or(".", |directory| directory)),
        "copy-lines" => copy_lines(),
        "sockets" => sockets(),
        "panic" => panic!("on purpose"),
        _ => panic!("no case {case}"),
    }
}

#[track_caller]
fn fails<T>(outcome: io::Result<T>, expected: i32) {
    match outcome {
        Ok(_) => panic!("it did not fail"),
        Err(error) => assert_eq!(error.raw_os_error(), Some(expected), "{error}"),
    }
}

/// In `/work`, which is empty and can be written.
fn files() {
    fs::create_dir_all("/work/a/b/c").unwrap();
    fails(fs::create_dir("/work/a"), EXIST);
    fs::write("/work/a/text", "first\n").unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open("/work/a/text")
        .unwrap();
    file.write_all(b"second\n").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"third\n").unwrap();
    drop(file);
    assert_eq!(
        fs::read_to_string("/work/a/text").unwrap(),
        "first\nsecond\nthird\n"
    );

    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/work/a/text")
        .unwrap();
    file.seek(SeekFrom::End(-6)).unwrap();
    file.write_all(b"THIRD").unwrap();
    file.rewind().unwrap();
    let mut lines = io::BufReader::new(&file).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    file.seek(SeekFrom::Start(6)).unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second\nTHIRD\n");
    assert_eq!(file.read(&mut [0; 10]).unwrap(), 0);
    file.set_len(5).unwrap();
    file.sync_all().unwrap();
    file.sync_data().unwrap();
    assert_eq!(
        (
            file.metadata().unwrap().len(),
            file.stream_position().unwrap()
        ),
        (5, 19)
    );
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    file.set_modified(modified).unwrap();
    assert_eq!(
        fs::metadata("/work/a/text").unwrap().modified().unwrap(),
        modified
    );
    drop(file);

    fs::hard_link("/work/a/text", "/work/a/linked").unwrap();
    fs::rename("/work/a/linked", "/work/a/b/moved").unwrap();
    assert_eq!(fs::read("/work/a/b/moved").unwrap(), b"first");
    assert_eq!(fs::copy("/work/a/text", "/work/a/copy").unwrap(), 5);
    let mut names: Vec<_> = fs::read_dir("/work/a")
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                entry.file_type().unwrap().is_dir(),
            )
        })
        .collect();
    names.sort();
    let expected = [("b", true), ("copy", false), ("text", false)];
    assert_eq!(
        names,
        expected.map(|(name, is_dir)| (name.to_owned(), is_dir))
    );
    fails(fs::remove_dir("/work/a"), NOTEMPTY);
    fails(fs::remove_file("/work/a/none"), NOENT);
    fails(File::open("/work/none"), NOENT);
    fails(fs::read_dir("/work/a/text"), NOTDIR);
    fails(OpenOptions::new().write(true).open("/work/a"), ISDIR);
    fails(
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open("/work/a/text"),
        EXIST,
    );

    let mut big = File::create("/work/big").unwrap();
    let pattern: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    for _ in 0..3 {
        big.write_all(&pattern).unwrap();
    }
    drop(big);
    let mut big = File::open("/work/big").unwrap();
    let mut all = Vec::new();
    big.read_to_end(&mut all).unwrap();
    assert!(all.len() == 3 << 20 && all.chunks(1 << 20).all(|part| part == pattern));
    fs::remove_dir_all("/work/a").unwrap();
    fs::remove_file("/work/big").unwrap();

    // The adapter from preview 1 has no more than 128 descriptors.
    let many: Vec<File> = (0..100)
        .map(|number| File::create(format!("/work/{number}")).unwrap())
        .collect();
    assert_eq!(fs::read_dir("/work").unwrap().count(), many.len());
    drop(many);
    for number in 0..100 {
        fs::remove_file(format!("/work/{number}")).unwrap();
    }
    fs::write("/work/result", "done").unwrap();

    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(10));
    assert!(start.elapsed() >= Duration::from_millis(10));
}

/// `/work` holds `file`, which says `untouched`.
fn read_only() {
    assert_eq!(fs::read_to_string("/work/file").unwrap(), "untouched");
    let mut file = File::open("/work/file").unwrap();
    assert!(file.write_all(b"x").is_err());
    for outcome in [
        OpenOptions::new().append(true).open("/work/file").map(drop),
        File::create("/work/new").map(drop),
        fs::create_dir("/work/new"),
        fs::rename("/work/file", "/work/new"),
        fs::remove_file("/work/file"),
    ] {
        fails(outcome, ROFS);
    }
}

/// Nothing but `/work` is there, whatever the arguments name.
fn outside(arguments: &[String]) {
    for path in arguments {
        assert!(File::open(path).is_err(), "{path}");
        assert!(fs::metadata(path).is_err(), "{path}");
        assert!(File::create(path).is_err(), "{path}");
        assert!(fs::read_dir(path).is_err(), "{path}");
    }
}

/// The directory that is granted, seen from where the guest is.
fn relative(directory: &str) {
    let path = format!("{directory}/file");
    assert_eq!(fs::read_to_string(&path).unwrap(), "untouched", "{path}");
    let path = path.trim_start_matches("./");
    assert_eq!(fs::read_to_string(path).unwrap(), "untouched", "{path}");
}

fn copy_lines() {
    for line in io::stdin().lock().lines() {
        println!("<{}>", line.unwrap());
    }
}

/// Whether libc has sockets or not, nothing is granted.
fn sockets() {
    assert!(std::net::TcpStream::connect("127.0.0.1:80").is_err());
    assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err());
}
