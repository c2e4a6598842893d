//! What surrounds a program: arguments, environment, streams, clocks, random numbers; and the standard library on top of it.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracing::field::{Field, Visit};
use wasmer_component::LimitKind;
use wasmer_component_wasi::fs::MemoryTree;
use wasmer_component_wasi::stream::{BytesInput, FileDescriptorInput};
use wasmer_component_wasi::{Grant, WasiCtx};

use crate::common::{run, run_with_output, run_within};

#[test]
fn arguments_environment_and_directory_are_those_given() {
    let mut wasi = WasiCtx::builder();
    wasi.environment("NAME", "value")
        .environment("EMPTY", "")
        .working_directory("/work");
    run("system", &["surroundings", "ä", "", "b c"], &mut wasi).good();
    run("system", &["nothing"], &mut WasiCtx::builder()).good();
}

#[test]
fn exits_end_the_run() {
    // The adapter knows success and failure only.
    let code = |case| {
        run("system", &[case], &mut WasiCtx::builder())
            .result
            .unwrap()
    };
    assert_eq!((code("success"), code("exit")), (0, 1));
    let panicked = run("posix", &["panic"], &mut WasiCtx::builder());
    assert!(
        panicked.stderr.contains("on purpose"),
        "{}",
        panicked.stderr
    );
    assert!(panicked.trap().to_string().contains("unreachable"));
}

#[test]
fn clocks_tell_the_time_and_are_waited_for() {
    let start = Instant::now();
    run("system", &["clocks"], &mut WasiCtx::builder()).good();
    assert!(start.elapsed() >= Duration::from_millis(70));
    let limit = Duration::from_millis(100);
    let error = run_within(
        "system",
        &["sleep-for-ever"],
        &mut WasiCtx::builder(),
        limit,
    )
    .trap();
    assert!(error.is_limit(LimitKind::Time), "{error}");
}

#[test]
fn runs_with_fixed_clocks_and_seeds_are_the_same() {
    let clocks = |start| {
        let mut wasi = WasiCtx::builder();
        wasi.fixed_clocks(Duration::from_secs(start), Duration::from_micros(1));
        run("system", &["fixed-clocks"], &mut wasi).good()
    };
    let start = Instant::now();
    assert_eq!(clocks(1000), clocks(1000));
    assert_ne!(clocks(1000), clocks(2000));
    assert!(clocks(1000).contains("seconds: 4600"), "{}", clocks(1000));
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "an hour has passed"
    );

    let random = |seed: Option<u64>| {
        let mut wasi = WasiCtx::builder();
        if let Some(seed) = seed {
            wasi.random_seed(seed);
        }
        run("system", &["random"], &mut wasi).good()
    };
    assert_eq!(random(Some(7)), random(Some(7)));
    assert_ne!(random(Some(7)), random(Some(8)));
    assert_ne!(random(None), random(None));
    let error = run("system", &["too-much-random"], &mut WasiCtx::builder()).trap();
    assert!(error.to_string().contains("random"), "{error}");
}

#[test]
fn input_comes_and_goes_on_to_the_output() {
    let text: String = (0..10_000).map(|number| format!("{number}\n")).collect();
    let echoed = run(
        "system",
        &["echo"],
        WasiCtx::builder().stdin(BytesInput::new(text.clone())),
    );
    assert_eq!(echoed.good(), text);
    run(
        "system",
        &["input"],
        WasiCtx::builder().stdin(BytesInput::new("one\ntwo\nthree")),
    )
    .good();
    let copied = run(
        "posix",
        &["copy-lines"],
        WasiCtx::builder().stdin(BytesInput::new("a\nb")),
    );
    assert_eq!(copied.good(), "<a>\n<b>\n");

    // Slowly, through a pipe.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let host = std::thread::spawn(move || {
        use std::io::Write as _;
        for part in ["sl", "ow", "ly"] {
            std::thread::sleep(Duration::from_millis(20));
            writer.write_all(part.as_bytes()).unwrap();
        }
    });
    let echoed = run(
        "system",
        &["echo"],
        WasiCtx::builder().stdin(FileDescriptorInput::new(reader)),
    );
    assert_eq!(echoed.good(), "slowly");
    host.join().unwrap();
}

/// Keeps what goes to the log: guest, stream, line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<[String; 3]>>>);

#[derive(Default)]
struct Line([String; 3]);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let place = match field.name() {
            "guest" => 0,
            "stream" => 1,
            _ => 2,
        };
        self.0[place] = format!("{value:?}").trim_matches('"').to_owned();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "guest"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn output_goes_to_the_log_line_by_line_unless_said_otherwise() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        run_with_output("system", &["lines"], WasiCtx::builder().name("talker")).unwrap();
    });
    let lines = log.0.lock().unwrap().clone();
    let expected = [
        ["talker", "stderr", "meanwhile"],
        ["talker", "stdout", "a line in two parts"],
        ["talker", "stdout", "another"],
        ["talker", "stderr", "not \u{fffd} text"],
        ["talker", "stdout", "no end"],
    ];
    assert_eq!(lines, expected.map(|line| line.map(String::from)));
}

#[test]
fn a_stream_of_a_terminal_is_a_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut wasi = WasiCtx::builder();
    wasi.stdin(FileDescriptorInput::new(terminal.try_clone().unwrap()));
    assert_eq!(
        run("system", &["terminals"], &mut wasi).good(),
        "[true, false, false]\n"
    );
    assert_eq!(
        run("system", &["terminals"], &mut WasiCtx::builder()).good(),
        "[false, false, false]\n"
    );

    let mut wasi = WasiCtx::builder();
    wasi.output_file(terminal);
    assert!(matches!(
        run_with_output("system", &["terminals"], &mut wasi),
        Ok(0)
    ));
    let mut shown = [0; 64];
    let length = rustix::io::read(&controller, &mut shown).unwrap();
    assert_eq!(&shown[..length], b"[false, true, true]\r\n");
}

#[test]
fn output_goes_to_a_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, "before\n").unwrap();
    for _ in 0..2 {
        let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        run_with_output("system", &["lines"], WasiCtx::builder().output_file(file)).unwrap();
    }
    let once = b"a line in meanwhile\ntwo parts\nanother\r\nnot \xff text\nno end".as_slice();
    assert_eq!(fs::read(&path).unwrap(), [b"before\n", once, once].concat());

    let file = fs::File::create(&path).unwrap();
    run_with_output("system", &["much"], WasiCtx::builder().output_file(file)).unwrap();
    let numbers: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    assert_eq!(fs::read_to_string(&path).unwrap(), numbers);
}

#[test]
fn what_a_guest_must_not_do_is_a_trap() {
    let cases = [
        ("input-before-pollable", "before the pollables"),
        ("output-before-pollable", "before the pollables"),
        ("unpermitted", "check-write"),
        ("unpermitted-zeroes", "check-write"),
        ("more-than-a-page", "4096"),
        ("more-zeroes-than-a-page", "4096"),
        ("too-many-handles", "full"),
        ("poll-nothing", "empty list"),
    ];
    for (case, reason) in cases {
        let error = run("system", &[case], &mut WasiCtx::builder()).trap();
        assert!(error.to_string().contains(reason), "{case}: {error}");
    }
    let page = run("system", &["a-page"], &mut WasiCtx::builder()).good();
    assert_eq!(page.len(), 8192);
}

#[test]
fn the_standard_library_works_on_files() {
    let dir = TempDir::new().unwrap();
    let tree = MemoryTree::new(16 << 20);
    let host = Grant::directory(dir.path()).at("/work").read_write();
    run("posix", &["files"], WasiCtx::builder().grant(host)).good();
    assert_eq!(
        fs::read_to_string(dir.path().join("result")).unwrap(),
        "done"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let memory = Grant::tree(tree.root(), "/work").read_write();
    run("posix", &["files"], WasiCtx::builder().grant(memory)).good();
    assert_eq!(tree.read_file("result").unwrap(), b"done");
    run(
        "posix",
        &["files"],
        WasiCtx::builder().grant(Grant::temporary("/work")),
    )
    .good();
}

#[test]
fn the_standard_library_meets_the_limits_of_a_grant() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "untouched").unwrap();
    let grant = || Grant::directory(dir.path()).at("/work");
    run("posix", &["read-only"], WasiCtx::builder().grant(grant())).good();
    let secret = dir.path().join("file");
    let paths = [
        "outside",
        secret.to_str().unwrap(),
        "/etc/passwd",
        "/work/../etc/passwd",
        "../etc/passwd",
        "/",
        "/new",
        "/work/../new",
    ];
    run(
        "posix",
        &paths,
        WasiCtx::builder().grant(grant().read_write()),
    )
    .good();
    run(
        "posix",
        &["relative"],
        WasiCtx::builder().grant(Grant::directory(dir.path()).at("/")),
    )
    .good();
    // By a relative path too, as command lines have it.
    for path in [".", "inner/folder"] {
        let mut wasi = WasiCtx::builder();
        wasi.grant(Grant::directory(dir.path()).at(path));
        run("posix", &["relative", path], &mut wasi).good();
    }
    run("posix", &["sockets"], &mut WasiCtx::builder()).good();
    assert_eq!(fs::read_to_string(secret).unwrap(), "untouched");
}

#[test]
fn a_temporary_tree_is_gone_with_its_guest() {
    let mut wasi = WasiCtx::builder();
    wasi.grant(Grant::temporary("/work"));
    let ctx = wasi.build().unwrap();
    let place = ctx.temporary_directories().next().unwrap().to_owned();
    assert!(place.is_dir());
    drop(ctx);
    assert!(!place.exists());
}

#[test]
fn many_pollables_are_waited_for_as_one() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let mut wasi = WasiCtx::builder();
    run(
        "system",
        &["many-pollables"],
        wasi.stdin(FileDescriptorInput::new(reader)),
    )
    .good();
}
