//! Files and directories: the same guest on a tree in memory and on one of the host, with less and less granted; and what it
//! left behind, seen from the host.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wasmer_component::LimitKind;
use wasmer_component_wasi::fs::{GuestPath, MemoryTree};
use wasmer_component_wasi::{Grant, WasiCtx, WasiCtxBuilder};

use crate::common::{run, run_within};

fn with(grant: Grant) -> WasiCtxBuilder {
    let mut wasi = WasiCtx::builder();
    wasi.grant(grant);
    wasi
}

fn work(dir: &TempDir) -> Grant {
    Grant::directory(dir.path()).at("/work")
}

/// Every name below `path` and what is in the file, or where the link leads.
fn listing(path: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut todo = vec![path.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry
                .path()
                .strip_prefix(path)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let kind = entry.file_type().unwrap();
            let contents = if kind.is_dir() {
                todo.push(entry.path());
                "folder".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", fs::read_link(entry.path()).unwrap().display())
            } else {
                fs::read_to_string(entry.path()).unwrap()
            };
            all.push((name, contents));
        }
    }
    all.sort();
    all
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected
        .iter()
        .map(|(name, contents)| (name.to_string(), contents.to_string()));
    pairs.collect()
}

#[test]
fn every_function_on_a_directory_of_the_host() {
    let dir = TempDir::new().unwrap();
    run(
        "filesystem",
        &["everything"],
        &mut with(work(&dir).read_write()),
    )
    .good();
    let expected = [
        ("folder", "folder"),
        ("folder/inner", ""),
        ("folder/link", "-> left.txt"),
        ("left.txt", "left behind by the guest"),
    ];
    assert_eq!(listing(dir.path()), pairs(&expected));
}

#[test]
fn every_function_on_a_tree_in_memory() {
    let tree = MemoryTree::new(8 << 20);
    run(
        "filesystem",
        &["everything"],
        &mut with(Grant::tree(tree.root(), "/work").read_write()),
    )
    .good();
    assert_eq!(
        tree.read_file("left.txt").unwrap(),
        b"left behind by the guest"
    );
    assert_eq!(tree.read_file("folder/inner").unwrap(), b"");
    let link = tree
        .root()
        .read_link_at(GuestPath::new("folder/link").unwrap());
    assert_eq!(link.as_deref(), Ok("left.txt"));
}

#[test]
fn nothing_of_a_read_only_grant_can_be_changed() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for file in ["file", "folder/inner"] {
        fs::write(dir.path().join(file), "untouched").unwrap();
    }
    symlink("file", dir.path().join("link")).unwrap();
    let before = listing(dir.path());
    let modified = fs::metadata(dir.path().join("file"))
        .unwrap()
        .modified()
        .unwrap();
    run("filesystem", &["read-only"], &mut with(work(&dir))).good();
    assert_eq!(listing(dir.path()), before);
    assert_eq!(
        fs::metadata(dir.path().join("file"))
            .unwrap()
            .modified()
            .unwrap(),
        modified
    );

    let tree = MemoryTree::new(1 << 20);
    tree.create_directory("folder").unwrap();
    for file in ["file", "folder/inner"] {
        tree.write_file(file, b"untouched").unwrap();
    }
    let (link, file) = (
        GuestPath::new("link").unwrap(),
        GuestPath::new("file").unwrap(),
    );
    tree.root().symlink_at(file, link).unwrap();
    run(
        "filesystem",
        &["read-only"],
        &mut with(Grant::tree(tree.root(), "/work")),
    )
    .good();
    assert_eq!(tree.read_file("file").unwrap(), b"untouched");
}

#[test]
fn one_file_is_granted_and_nothing_beside_it() {
    let dir = TempDir::new().unwrap();
    for file in ["host-name", "beside"] {
        fs::write(dir.path().join(file), "untouched").unwrap();
    }
    let before = listing(dir.path());
    let file = dir.path().join("host-name");
    run(
        "filesystem",
        &["single-file", "/some/where"],
        &mut with(Grant::file(&file).at("/some/where/granted")),
    )
    .good();
    assert_eq!(listing(dir.path()), before);

    // Under its own path unless said otherwise.
    fs::rename(&file, dir.path().join("granted")).unwrap();
    let path = dir.path().to_str().unwrap();
    run(
        "filesystem",
        &["single-file", path],
        &mut with(Grant::file(dir.path().join("granted"))),
    )
    .good();

    for file in ["there", "not-yet"] {
        if file == "there" {
            fs::write(dir.path().join(file), "much longer than what is written").unwrap();
        }
        let grant = Grant::file(dir.path().join(file))
            .read_write()
            .at("/granted");
        run("filesystem", &["single-file-written"], &mut with(grant)).good();
        assert_eq!(
            fs::read_to_string(dir.path().join(file)).unwrap(),
            "written"
        );
    }
    assert!(!dir.path().join("new").exists());
}

#[test]
fn nothing_is_granted_by_default() {
    run("filesystem", &["nothing"], &mut WasiCtx::builder()).good();
}

#[test]
fn trees_do_not_mix() {
    let (dir, tree) = (TempDir::new().unwrap(), MemoryTree::new(1 << 20));
    let mut wasi = with(work(&dir).read_write());
    wasi.grant(Grant::tree(tree.root(), "/memory").read_write());
    run("filesystem", &["two"], &mut wasi).good();
    assert_eq!(tree.read_file("in-memory").unwrap(), b"m");
    assert_eq!(listing(dir.path()), pairs(&[("on-disk", "d")]));
}

/// A grant `inside` beside `outside/secret`, with every way out that a link can be.
fn prison() -> TempDir {
    let dir = TempDir::new().unwrap();
    let at = |path: &str| dir.path().join(path);
    for folder in ["outside", "grant", "grant/inside"] {
        fs::create_dir(at(folder)).unwrap();
    }
    fs::write(at("outside/secret"), "secret").unwrap();
    fs::write(at("secret"), "secret").unwrap();
    fs::write(at("grant/file"), "harmless").unwrap();
    symlink("../outside/secret", at("grant/out")).unwrap();
    symlink("../outside", at("grant/out-dir")).unwrap();
    symlink(at("outside/secret"), at("grant/absolute")).unwrap();
    symlink(at("outside"), at("grant/absolute-dir")).unwrap();
    symlink("..", at("grant/inside/back")).unwrap();
    dir
}

#[test]
fn no_link_leads_out_of_a_grant() {
    let dir = prison();
    let grant = Grant::directory(dir.path().join("grant"))
        .at("/work")
        .read_write();
    run("filesystem", &["escape"], &mut with(grant)).good();
    for secret in ["outside/secret", "secret"] {
        assert_eq!(
            fs::read_to_string(dir.path().join(secret)).unwrap(),
            "secret"
        );
    }
    assert_eq!(fs::read_dir(dir.path().join("outside")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn no_race_leads_out_of_a_grant() {
    let dir = prison();
    let at = |path: &str| dir.path().join(path);
    fs::create_dir(at("grant/harmless")).unwrap();
    fs::write(at("grant/harmless/secret"), "harmless").unwrap();
    fs::write(at("grant/secret"), "harmless").unwrap();
    fs::create_dir(at("grant/inside/moved")).unwrap();
    let (stop, rounds) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let root = dir.path().to_owned();
    let host = std::thread::spawn({
        let (stop, rounds) = (stop.clone(), rounds.clone());
        move || {
            let at = |path: &str| root.join(path);
            while !stop.load(Ordering::Relaxed) {
                // A name that is now a directory, now a link inside, now one outside.
                for target in ["harmless", "../outside", "harmless"] {
                    symlink(target, at("grant/next")).unwrap();
                    fs::rename(at("grant/next"), at("grant/swing")).unwrap();
                }
                // A directory whose parent is now inside, now outside.
                for (from, to) in [
                    ("grant/inside/moved", "grant/moved"),
                    ("grant/moved", "outside/moved"),
                    ("outside/moved", "grant/inside/moved"),
                ] {
                    fs::rename(at(from), at(to)).unwrap();
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    // On a busy machine the two sides may hardly meet in one run.
    let (mut seen, mut runs) = (0, 0);
    while runs == 0 || ((seen == 0 || rounds.load(Ordering::Relaxed) <= 100) && runs < 50) {
        let grant = Grant::directory(at("grant")).at("/work").read_write();
        let outcome = run("filesystem", &["race", "3000"], &mut with(grant));
        seen += outcome.good().trim().parse::<u32>().unwrap();
        runs += 1;
    }
    stop.store(true, Ordering::Relaxed);
    host.join().unwrap();
    let rounds = rounds.load(Ordering::Relaxed);
    assert!(
        seen > 0 && rounds > 100,
        "no race in {runs} runs: {seen} seen, {rounds} rounds"
    );
    for secret in ["outside/secret", "secret"] {
        assert_eq!(fs::read_to_string(at(secret)).unwrap(), "secret");
    }
}

fn make_pipe(path: &Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
}

#[test]
fn what_comes_through_a_named_pipe_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("pipe");
    make_pipe(&path);
    // Held open from the start, so that the guest does not find a pipe without a writer.
    let mut writer = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let host = std::thread::spawn(move || {
        use std::io::Write as _;
        std::thread::sleep(Duration::from_millis(50));
        writer.write_all(b"piped").unwrap();
        std::thread::sleep(Duration::from_millis(50));
    });
    run("filesystem", &["pipe"], &mut with(work(&dir))).good();
    host.join().unwrap();
}

#[test]
fn waiting_for_a_pipe_ends_with_the_calls_time() {
    let dir = TempDir::new().unwrap();
    make_pipe(&dir.path().join("pipe"));
    let start = Instant::now();
    let mut wasi = with(work(&dir).read_write());
    let error = run_within(
        "filesystem",
        &["wait-for-pipe"],
        &mut wasi,
        Duration::from_millis(100),
    )
    .trap();
    assert!(error.is_limit(LimitKind::Time), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_pipe_is_written_as_fast_as_it_is_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("pipe");
    make_pipe(&path);
    let reader = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let host = std::thread::spawn(move || {
        use std::io::Read as _;
        let (mut reader, mut all, mut buffer) = (reader, 0, vec![0; 50_000]);
        while all < 409_600 {
            std::thread::sleep(Duration::from_millis(2));
            all += reader.read(&mut buffer).unwrap();
        }
        all
    });
    run(
        "filesystem",
        &["fill-pipe"],
        &mut with(work(&dir).read_write()),
    )
    .good();
    assert_eq!(host.join().unwrap(), 409_600);
}

#[test]
fn a_guest_cannot_take_all_descriptors_of_the_host() {
    let dir = TempDir::new().unwrap();
    run("filesystem", &["many"], &mut with(work(&dir).read_write())).good();
    assert_eq!(listing(dir.path()), []);
}
