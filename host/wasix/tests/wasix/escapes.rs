//! Every way out of a grant that there is a name for. The secret lies beside the granted directory; no call may read it, change it, or
//! put anything beside it.

use crate::common::*;
use crate::files::DIR;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};
use wasmer_component_wasi::Grant;

const SECRET: &str = "the secret";

/// `granted/` and, beside it, `secret` and `outside/`.
struct House {
    root: TempDir,
}

impl House {
    fn new() -> House {
        let root = tempdir().unwrap();
        std::fs::write(root.path().join("secret"), SECRET).unwrap();
        std::fs::create_dir_all(root.path().join("granted/sub")).unwrap();
        std::fs::create_dir(root.path().join("outside")).unwrap();
        std::fs::write(root.path().join("outside/file"), SECRET).unwrap();
        std::fs::write(root.path().join("granted/file"), "harmless").unwrap();
        House { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn guest(&self) -> Guest {
        Guest::probe(|wasi| {
            wasi.grant(
                Grant::directory(self.path("granted"))
                    .read_write()
                    .at("/granted"),
            );
        })
    }

    /// Everything outside is as it was.
    fn check(&self) {
        let mut names: Vec<_> = std::fs::read_dir(self.root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["granted", "outside", "secret"]);
        for secret in ["secret", "outside/file"] {
            assert_eq!(std::fs::read_to_string(self.path(secret)).unwrap(), SECRET);
        }
        assert_eq!(std::fs::read_dir(self.path("outside")).unwrap().count(), 1);
    }
}

/// Tries everything that can be done with a path; nothing may succeed.
fn try_all(guest: &mut Guest, fd: u32, path: &str) {
    let opened = guest.contents(fd, path);
    assert!(opened.is_err(), "{path}: read {opened:?}");
    for (flags, rights) in [
        (0, READ),
        (0, READ | WRITE),
        (CREATE, READ | WRITE),
        (CREATE | TRUNCATE, WRITE),
        (CREATE | EXCLUSIVE, ALL),
        (DIRECTORY, READ),
        (0, ALL),
    ] {
        let opened = guest.open(fd, path, flags, rights);
        assert!(
            opened.is_err(),
            "{path}: opened with {flags} and {rights:x}"
        );
        let (unfollowed, _) = guest.call::<_, (u32, u32)>("open", (fd, 0u32, path, flags, rights));
        assert_ne!(
            unfollowed, SUCCESS,
            "{path}: opened with {flags} and {rights:x}"
        );
    }
    for name in ["create-directory", "remove-directory"] {
        assert_ne!(
            guest.call::<_, u32>(name, (fd, path)),
            SUCCESS,
            "{name} {path}"
        );
    }
    assert_ne!(
        guest.call::<_, u32>("rename", (fd, path, DIR, "taken")),
        SUCCESS,
        "{path}"
    );
    assert_ne!(
        guest.call::<_, u32>("link", (fd, path, DIR, "taken")),
        SUCCESS,
        "{path}"
    );
    assert_ne!(
        guest.call::<_, u32>("link", (DIR, "file", fd, path)),
        SUCCESS,
        "{path}"
    );
    assert_ne!(
        guest.call::<_, u32>("rename", (DIR, "file", fd, path)),
        SUCCESS,
        "{path}"
    );
    assert!(guest.bytes("stat", (fd, 1u32, path)).is_err(), "{path}");
}

#[test]
fn parent_directories_and_absolute_paths_lead_nowhere() {
    let house = House::new();
    let mut guest = house.guest();
    let secret = house.path("secret").to_str().unwrap().to_owned();
    for path in [
        "../secret",
        "sub/../../secret",
        "./.././secret",
        "../granted/../secret",
        "../outside/file",
        "../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        secret.as_str(),
        "/../secret",
        "/granted/../secret",
        "/granted/../../etc/passwd",
        "..",
        "/proc/self/root/etc/passwd",
        "/dev/stdin/../../etc/passwd",
    ] {
        if path != ".." {
            try_all(&mut guest, DIR, path);
            // The root that wasmer-wasix gives to every guest.
            try_all(&mut guest, 3, path.trim_start_matches('/'));
        }
        assert!(guest.contents(DIR, path).is_err(), "{path}");
    }
    // What `..` shows is wasmer-wasix's own root: the names of grants.
    if let Ok(names) = guest.names(DIR, "..") {
        let known = ["", "granted"];
        assert!(
            names
                .iter()
                .all(|name| known.contains(&name.trim_matches('/'))),
            "{names:?}"
        );
    }
    assert_eq!(guest.contents(DIR, "file"), Ok("harmless".into()));
    house.check();
}

#[test]
fn links_that_were_there_before_lead_nowhere() {
    let house = House::new();
    for (contents, name) in [
        (house.path("secret"), "absolute"),
        (PathBuf::from("../secret"), "relative"),
        (PathBuf::from("sub/../../secret"), "winding"),
        (house.path("outside"), "directory"),
        (PathBuf::from("../outside"), "relative-directory"),
        (PathBuf::from("/etc/passwd"), "system"),
        (PathBuf::from("/"), "root"),
        (PathBuf::from("chain-2"), "chain"),
        (PathBuf::from("../secret"), "chain-2"),
    ] {
        symlink(contents, house.path("granted").join(name)).unwrap();
    }
    let mut guest = house.guest();
    for path in [
        "absolute",
        "relative",
        "winding",
        "system",
        "chain",
        "directory/file",
        "relative-directory/file",
        "root/etc/passwd",
        "sub/../relative",
    ] {
        let read = guest.contents(DIR, path);
        assert!(read.is_err(), "{path}: {read:?}");
        let opened = guest.open(DIR, path, CREATE, READ | WRITE);
        assert!(opened.is_err(), "{path}: opened");
        let truncated = guest.open(DIR, path, CREATE | TRUNCATE, WRITE);
        assert!(truncated.is_err(), "{path}: truncated");
    }
    for path in ["directory", "relative-directory", "root"] {
        assert!(guest.names(DIR, path).is_err(), "{path}");
        let inside = format!("{path}/new");
        assert!(guest.write(DIR, &inside, "x").is_err(), "{path}");
        assert_ne!(
            guest.call::<_, u32>("create-directory", (DIR, &*inside)),
            SUCCESS
        );
        assert_ne!(
            guest.call::<_, u32>("rename", (DIR, "file", DIR, &*inside)),
            SUCCESS
        );
        assert_ne!(
            guest.call::<_, u32>("symlink", ("x", DIR, &*inside)),
            SUCCESS
        );
    }
    house.check();
}

/// The guest makes the links itself, or tries to.
#[test]
fn links_of_the_guests_own_lead_nowhere() {
    let house = House::new();
    let mut guest = house.guest();
    let secret = house.path("secret").to_str().unwrap().to_owned();
    for (number, contents) in [
        "../secret",
        "../../secret",
        secret.as_str(),
        "/etc/passwd",
        "sub/../../secret",
        "..",
        "../outside",
        "/",
    ]
    .into_iter()
    .enumerate()
    {
        let link = format!("link-{number}");
        let _ = guest.call::<_, u32>("symlink", (contents, DIR, &*link));
        for path in [
            link.clone(),
            format!("{link}/file"),
            format!("{link}/secret"),
            format!("{link}/etc/passwd"),
        ] {
            let read = guest.contents(DIR, &path);
            assert!(read.is_err(), "{contents}, {path}: {read:?}");
            // Where there is no link now, this makes a file.
            if guest.write(DIR, &path, "x").is_ok() {
                assert!(house.path("granted").join(&path).is_file());
            }
        }
    }
    house.check();
}

/// The host's side changes under a guest that has looked before: what wasmer-wasix remembers of a path is worth nothing.
#[test]
fn links_planted_during_the_run_lead_nowhere() {
    let house = House::new();
    std::fs::write(house.path("granted/sub/file"), "harmless").unwrap();
    let mut guest = house.guest();
    // Known as a directory with a file, and as a file.
    assert_eq!(guest.contents(DIR, "sub/file"), Ok("harmless".into()));
    assert_eq!(guest.contents(DIR, "file"), Ok("harmless".into()));
    std::fs::remove_dir_all(house.path("granted/sub")).unwrap();
    symlink(house.path("outside"), house.path("granted/sub")).unwrap();
    std::fs::remove_file(house.path("granted/file")).unwrap();
    symlink("../secret", house.path("granted/file")).unwrap();
    for path in ["sub/file", "file"] {
        let read = guest.contents(DIR, path);
        assert_ne!(read, Ok(SECRET.into()), "{path}");
        if let Ok(file) = guest.open(DIR, path, 0, READ | WRITE) {
            let read = guest.bytes("read", (file, 100u32));
            assert_ne!(read, Ok(SECRET.into()), "{path}");
            let _ = guest.call::<_, (u32, u32)>("write", (file, &b"overwritten"[..]));
            let _ = guest.call::<_, u32>("set-size", (file, 0u64));
        }
        let _ = guest.write(DIR, path, "overwritten");
    }
    let _ = guest.write(DIR, "sub/new", "x");
    let _ = guest.call::<_, u32>("create-directory", (DIR, "sub/newer"));
    let _ = guest.call::<_, u32>("unlink", (DIR, "sub/file"));
    let _ = guest.call::<_, u32>("rename", (DIR, "sub/file", DIR, "taken"));
    let _ = guest.call::<_, u32>("link", (DIR, "sub/file", DIR, "linked"));
    house.check();
    assert!(!house.path("granted/taken").exists() && !house.path("granted/linked").exists());
}

/// A directory becomes a link and back all the time while the guest goes through it.
#[test]
fn a_race_is_never_won() {
    let house = House::new();
    std::fs::create_dir(house.path("granted/swap")).unwrap();
    std::fs::write(house.path("granted/swap/file"), "harmless").unwrap();
    symlink(house.path("outside"), house.path("granted/evil")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (swap, evil, spare) = (
                house.path("granted/swap"),
                house.path("granted/evil"),
                house.path("granted/spare"),
            );
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = std::fs::rename(&swap, &spare);
                let _ = std::fs::rename(&evil, &swap);
                let _ = std::fs::rename(&swap, &evil);
                let _ = std::fs::rename(&spare, &swap);
            }
        });
        // A new guest now and then, so that nothing is remembered.
        for _ in 0..20 {
            let mut guest = house.guest();
            for _ in 0..50 {
                let read = guest.contents(DIR, "swap/file");
                assert_ne!(read, Ok(SECRET.into()));
                let _ = guest.write(DIR, "swap/new", "x");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    house.check();
}

#[test]
fn odd_paths_are_errors() {
    let house = House::new();
    let mut guest = house.guest();
    let long_name = "n".repeat(300);
    let long_path = "sub/".repeat(2000);
    for path in [
        "",
        "file\0",
        "\0",
        "sub\0/../file",
        &*long_name,
        &*long_path,
    ] {
        let read = guest.contents(DIR, path);
        assert!(read.is_err(), "{path:?}: {read:?}");
        assert!(guest.write(DIR, path, "x").is_err(), "{path:?}");
    }
    assert_eq!(guest.contents(DIR, "file/"), Err(NOTDIR));
    assert_eq!(guest.contents(DIR, "./sub//../file"), Ok("harmless".into()));
    house.check();
}

/// Two grants are no bridge: what may only be read stays so, from whatever side it is reached.
#[test]
fn links_between_grants_give_no_more_rights() {
    let house = House::new();
    std::fs::create_dir(house.path("granted/readonly")).unwrap();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(
            Grant::directory(house.path("granted"))
                .read_write()
                .at("/granted"),
        )
        .grant(Grant::directory(house.path("outside")).at("/outside"));
    });
    let _ = guest.call::<_, u32>("symlink", ("../outside/file", DIR, "bridge"));
    // Reading is granted; writing is not, whatever way is taken.
    assert!(guest.open(DIR, "bridge", 0, READ | WRITE).is_err());
    assert!(guest.write(DIR, "bridge", "x").is_err());
    assert_ne!(
        guest.call::<_, u32>("rename", (DIR + 1, "file", DIR, "mine")),
        SUCCESS
    );
    assert_ne!(
        guest.call::<_, u32>("link", (DIR + 1, "file", DIR, "mine")),
        SUCCESS
    );
    assert!(guest.open(DIR, "mine", 0, READ | WRITE).is_err());
    house.check();
}
