//! Files that are granted: on the host, in memory, one by one, to read and to write.

use crate::common::*;
use std::sync::Arc;
use tempfile::tempdir;
use wasmer_component_wasi::Grant;
use wasmer_component_wasi::fs::{Directory, MemoryTree};

/// The first directory that a guest is given; 3 is wasmer-wasix's own root, in which nothing is.
pub const DIR: u32 = 4;

#[test]
fn a_directory_to_read_is_read_and_not_written() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "from the host").unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/b"), "deeper").unwrap();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::directory(dir.path()).at("/data"));
    });
    assert_eq!(guest.bytes("preopened", (DIR,)), Ok(b"/data".to_vec()));
    // The way to it, on which nothing else is.
    assert_eq!(guest.bytes("preopened", (DIR + 1,)), Ok(b"/".to_vec()));
    assert_eq!(guest.bytes("preopened", (DIR + 2,)), Err(BADF));
    assert_eq!(guest.names(DIR + 1, "."), Ok(vec!["data".into()]));
    assert_eq!(guest.contents(DIR, "a"), Ok("from the host".into()));
    assert_eq!(guest.contents(DIR, "sub/b"), Ok("deeper".into()));
    assert_eq!(guest.contents(DIR, "sub/../a"), Ok("from the host".into()));
    assert_eq!(guest.contents(DIR, "none"), Err(NOENT));
    assert_eq!(guest.contents(DIR, "a/none"), Err(NOTDIR));
    assert_eq!(guest.names(DIR, "."), Ok(vec!["a".into(), "sub".into()]));
    assert_eq!(guest.names(DIR, "sub"), Ok(vec!["b".into()]));

    assert_eq!(guest.open(DIR, "a", 0, WRITE), Err(PERM));
    assert_eq!(guest.open(DIR, "a", TRUNCATE, READ), Err(PERM));
    assert_eq!(guest.open(DIR, "new", CREATE, READ | WRITE), Err(PERM));
    assert_eq!(guest.call::<_, u32>("create-directory", (DIR, "new")), PERM);
    // wasmer-wasix looks first whether it is empty.
    assert_eq!(
        guest.call::<_, u32>("remove-directory", (DIR, "sub")),
        NOTEMPTY
    );
    assert_eq!(guest.call::<_, u32>("unlink", (DIR, "a")), PERM);
    assert_eq!(guest.call::<_, u32>("rename", (DIR, "a", DIR, "c")), PERM);
    assert_eq!(guest.call::<_, u32>("link", (DIR, "a", DIR, "c")), NOTSUP);
    assert_eq!(guest.call::<_, u32>("symlink", ("a", DIR, "c")), PERM);
    // A descriptor to read does not write, whatever wasmer-wasix shares behind it.
    let file = guest.open(DIR, "a", 0, READ).unwrap();
    assert_ne!(
        guest.call::<_, (u32, u32)>("write", (file, &b"x"[..])).0,
        SUCCESS
    );
    assert_ne!(guest.call::<_, u32>("set-size", (file, 0u64)), SUCCESS);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 2);
    assert_eq!(
        std::fs::read_to_string(dir.path().join("a")).unwrap(),
        "from the host"
    );
}

#[test]
fn a_directory_to_write_is_written() {
    let dir = tempdir().unwrap();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::directory(dir.path()).read_write().at("/out"));
    });
    guest.write(DIR, "a", "one").unwrap();
    guest.write(DIR, "a", "2").unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("a")).unwrap(), "2");
    assert_eq!(
        guest.open(DIR, "a", CREATE | EXCLUSIVE, READ | WRITE),
        Err(EXIST)
    );
    assert_eq!(
        guest.call::<_, u32>("create-directory", (DIR, "sub")),
        SUCCESS
    );
    assert_eq!(
        guest.call::<_, u32>("create-directory", (DIR, "sub")),
        EXIST
    );
    assert_eq!(
        guest.call::<_, u32>("rename", (DIR, "a", DIR, "sub/b")),
        SUCCESS
    );
    assert_eq!(
        std::fs::read_to_string(dir.path().join("sub/b")).unwrap(),
        "2"
    );
    assert_eq!(
        guest.call::<_, u32>("link", (DIR, "sub/b", DIR, "c")),
        NOTSUP
    );
    assert_eq!(
        guest.call::<_, u32>("symlink", ("sub/b", DIR, "d")),
        SUCCESS
    );
    assert_eq!(guest.contents(DIR, "d"), Ok("2".into()));
    assert_eq!(guest.bytes("read-link", (DIR, "d")), Ok(b"sub/b".to_vec()));
    assert_eq!(
        guest.call::<_, u32>("remove-directory", (DIR, "sub")),
        NOTEMPTY
    );
    let file = guest.open(DIR, "sub/b", 0, ALL).unwrap();
    assert_eq!(guest.call::<_, u32>("set-size", (file, 5u64)), SUCCESS);
    assert_eq!(
        guest.bytes("read-at", (file, 9u32, 0u64)),
        Ok(b"2\0\0\0\0".to_vec())
    );
    assert_eq!(guest.bytes("read-at", (file, 9u32, 5u64)), Ok(Vec::new()));
    assert_eq!(guest.call::<_, u32>("close", (file,)), SUCCESS);
    for name in ["sub/b", "d"] {
        assert_eq!(
            guest.call::<_, u32>("unlink", (DIR, name)),
            SUCCESS,
            "{name}"
        );
    }
    assert_eq!(
        guest.call::<_, u32>("remove-directory", (DIR, "sub")),
        SUCCESS
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_single_file_shows_nothing_beside_it() {
    let dir = tempdir().unwrap();
    for name in ["granted", "beside"] {
        std::fs::write(dir.path().join(name), name).unwrap();
    }
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::file(dir.path().join("granted")).at("/in/trace"));
    });
    assert_eq!(guest.bytes("preopened", (DIR,)), Ok(b"/in".to_vec()));
    assert_eq!(guest.contents(DIR, "trace"), Ok("granted".into()));
    assert_eq!(guest.names(DIR, "."), Ok(vec!["trace".into()]));
    for name in ["beside", "granted", "../in/beside"] {
        assert_eq!(guest.contents(DIR, name), Err(NOENT), "{name}");
    }
    assert_eq!(guest.open(DIR, "trace", 0, WRITE), Err(PERM));
}

#[test]
fn a_tree_in_memory_is_one_of_files() {
    let tree = MemoryTree::new(1 << 20);
    let root: Arc<dyn Directory> = tree.root();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::tree(root.clone(), "/memory").read_write());
    });
    guest.write(DIR, "a", "in memory").unwrap();
    assert_eq!(guest.contents(DIR, "a"), Ok("in memory".into()));
    assert_eq!(
        guest.call::<_, u32>("symlink", ("/etc/passwd", DIR, "out")),
        PERM
    );
    drop(guest);
    let mut reader = Guest::probe(|wasi| {
        wasi.grant(Grant::tree(root.clone(), "/memory"));
    });
    assert_eq!(reader.contents(DIR, "a"), Ok("in memory".into()));
    assert_eq!(reader.open(DIR, "a", 0, WRITE), Err(PERM));
}

/// Grants inside of grants: the longest path decides.
#[test]
fn grants_may_lie_in_each_other() {
    let (outer, inner) = (tempdir().unwrap(), tempdir().unwrap());
    std::fs::create_dir(outer.path().join("sub")).unwrap();
    std::fs::write(outer.path().join("sub/hidden"), "hidden").unwrap();
    std::fs::write(inner.path().join("a"), "inner").unwrap();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::directory(outer.path()).at("/data"))
            .grant(Grant::directory(inner.path()).read_write().at("/data/sub"));
    });
    assert_eq!(guest.contents(DIR, "sub/a"), Ok("inner".into()));
    assert_eq!(guest.contents(DIR, "sub/hidden"), Err(NOENT));
    assert_eq!(
        guest.bytes("preopened", (DIR + 1,)),
        Ok(b"/data/sub".to_vec())
    );
    assert_eq!(guest.contents(DIR + 1, "a"), Ok("inner".into()));
    guest.write(DIR + 1, "b", "written").unwrap();
    assert_eq!(
        guest.call::<_, u32>("rename", (DIR + 1, "b", DIR, "b")),
        PERM
    );
    assert!(inner.path().join("b").exists());
}

#[test]
fn a_relative_path_is_one_from_the_working_directory() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "here").unwrap();
    for (name, way) in [(".", "a"), ("logs", "logs/a"), ("deep/logs", "deep/logs/a")] {
        let mut guest = Guest::probe(|wasi| {
            wasi.grant(Grant::directory(dir.path()).at(name));
        });
        assert_eq!(guest.bytes("preopened", (DIR,)), Ok(name.into()));
        assert_eq!(guest.contents(DIR, "a"), Ok("here".into()), "{name}");
        assert_eq!(guest.contents(3, way), Ok("here".into()), "{name}");
    }
}

/// A file's metadata is that of the file.
#[test]
fn stat_tells_size_and_type() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("a"), vec![0; 12345]).unwrap();
    let mut guest = Guest::probe(|wasi| {
        wasi.grant(Grant::directory(dir.path()).at("/data"));
    });
    let stat = guest.bytes("stat", (DIR, 1u32, "a")).unwrap();
    // Type at 16, size at 32.
    assert_eq!(stat.get(16), Some(&4));
    assert_eq!(stat.get(32..40), Some(&12345u64.to_le_bytes()[..]));
    let stat = guest.bytes("stat", (DIR, 1u32, ".")).unwrap();
    assert_eq!(stat.get(16), Some(&3));
}
