//! A file that grows, is cut, or is replaced while it is read.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use chipmunk_pipeline::{
    ByteSource, Stop,
    native::{FollowSource, Turn},
};

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("it can be made");
    file.write_all(bytes).expect("there is room");
}

struct Followed {
    source: FollowSource,
    stop: Stop,
    turns: Arc<Mutex<Vec<Turn>>>,
}

fn follow(path: &Path) -> Followed {
    let stop = Stop::new();
    let turns = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&turns);
    let tell = move |turn| noted.lock().unwrap().push(turn);
    Followed {
        source: FollowSource::open(path, stop.clone(), tell).expect("it is a file"),
        stop,
        turns,
    }
}

impl Followed {
    /// What the next load brings; none at the end.
    fn load(&mut self) -> Option<String> {
        pollster::block_on(self.source.load(None)).expect("it can be read")?;
        let text = String::from_utf8(self.source.current_slice().to_vec()).unwrap();
        self.source.consume(usize::MAX);
        Some(text)
    }

    /// What comes while somebody does something.
    fn load_during(&mut self, act: impl FnOnce() + Send) -> Option<String> {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(80));
                act();
            });
            self.load()
        })
    }

    fn turns(&self) -> Vec<Turn> {
        self.turns.lock().unwrap().clone()
    }
}

#[test]
fn what_is_appended_is_read_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "one ").unwrap();
    let mut followed = follow(&path);
    assert_eq!(followed.load().as_deref(), Some("one "));
    let two = followed.load_during(|| append(&path, b"two "));
    assert_eq!(two.as_deref(), Some("two "));
    // What was there before the word is not lost.
    append(&path, b"three");
    followed.stop.stop();
    assert_eq!(followed.load().as_deref(), Some("three"));
    assert_eq!(followed.load(), None);
    let counters = followed.source.counters();
    assert_eq!((counters.c_rld, counters.r_ok, counters.r_eof), (4, 3, 1));
    assert_eq!(followed.turns(), []);
}

#[test]
fn stopping_ends_a_wait_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "").unwrap();
    let mut followed = follow(&path);
    let stop = followed.stop.clone();
    let begun = Instant::now();
    assert_eq!(
        followed.load_during(|| {
            stop.stop();
        }),
        None
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_file_that_is_cut_is_read_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "a long beginning").unwrap();
    let mut followed = follow(&path);
    assert_eq!(followed.load().as_deref(), Some("a long beginning"));
    let after = followed.load_during(|| fs::write(&path, "short").unwrap());
    assert_eq!(after.as_deref(), Some("short"));
    assert_eq!(followed.turns(), [Turn::Truncated]);
}

#[test]
fn another_file_under_the_name_is_read_behind_all_of_the_old_one() {
    for new in ["x", "a new one that is longer"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "the old").unwrap();
        let mut followed = follow(&path);
        assert_eq!(followed.load().as_deref(), Some("the old"));
        append(&path, b" file");
        fs::rename(&path, folder.path().join("log.1")).unwrap();
        fs::write(&path, new).unwrap();
        assert_eq!(followed.load().as_deref(), Some(" file"));
        assert_eq!(followed.load().as_deref(), Some(new));
        assert_eq!(followed.turns(), [Turn::Replaced]);
        let more = followed.load_during(|| append(&path, b"more"));
        assert_eq!(more.as_deref(), Some("more"));
    }
}

#[test]
fn a_file_that_is_gone_for_a_while_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "the old").unwrap();
    let mut followed = follow(&path);
    assert_eq!(followed.load().as_deref(), Some("the old"));
    fs::remove_file(&path).unwrap();
    let new = followed.load_during(|| fs::write(&path, "new").unwrap());
    assert_eq!(new.as_deref(), Some("new"));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (path, why) in [
        (folder.path().to_owned(), "no regular file"),
        (folder.path().join("none"), "No such file"),
    ] {
        let error = FollowSource::open(&path, Stop::new(), drop).expect_err("it is none");
        let error = error.to_string();
        assert!(
            error.starts_with(&format!("cannot follow {}", path.display())) && error.contains(why),
            "{error}"
        );
    }
}
