//! What C programs see, whose library keeps buffers, positions and an errno of its own between them and WASI: the program
//! `tests/wasi-guests/c/library.c` (compiled by `just wasi-guests` where there is a compiler for it) with and without grants, on a
//! tree in memory and on a directory of the host, and what it leaves behind.
//!
//! Without a compiler the cases are told as skipped and not counted as passed; with `CHIPMUNK_PLUGINS_LANGUAGES=all`, as in CI,
//! that is a failure.

#[path = "../examples/preview1/mod.rs"]
mod preview1;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;
use wasmer_component::{Component, Config, Engine, Linker, Store};
use wasmer_component_wasi::fs::MemoryTree;
use wasmer_component_wasi::stream::{BytesInput, BytesOutput, FileDescriptorInput};
use wasmer_component_wasi::{Exit, Grant, WasiCtx, WasiCtxBuilder};

type Failure = Box<dyn std::error::Error>;
type Case = fn(&Program) -> Result<(), Failure>;

const CASES: [(&str, Case); 8] = [
    ("files on a directory of the host", files_on_the_host),
    ("files in memory", files_in_memory),
    ("a read-only grant", read_only),
    ("what is outside a grant", outside),
    ("clocks", clocks),
    ("standard input", input),
    ("environment", environment),
    ("the end of a program", endings),
];

fn main() -> Result<ExitCode, Failure> {
    // What the usual harness is asked by tools that look for tests.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(ExitCode::SUCCESS);
    }
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).ok_or("no build folder")?;
    let path = target.join("wasi-guests/c-library.wasm");
    if !path.is_file() {
        let all =
            std::env::var_os("CHIPMUNK_PLUGINS_LANGUAGES").is_some_and(|which| which == "all");
        println!("skipped: WASI guests in C: not built; run: just setup c && just wasi-guests");
        println!("0 passed, 0 failed, {} skipped", CASES.len());
        return Ok(ExitCode::from(u8::from(all)));
    }
    let program = Program::new(&path)?;
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in CASES {
        match case(&program) {
            Ok(()) => {
                passed += 1;
                println!("passed: {name}");
            }
            Err(error) => {
                failed += 1;
                println!("FAILED: {name}: {error}");
            }
        }
    }
    println!("{passed} passed, {failed} failed, 0 skipped");
    Ok(ExitCode::from(u8::from(failed > 0)))
}

struct Program {
    engine: Engine,
    component: Component,
}

/// How a run ended: its exit code, or the trap; and what it printed.
struct Outcome {
    ended: Result<u8, String>,
    stdout: String,
    stderr: String,
}

impl Program {
    fn new(path: &Path) -> Result<Self, Failure> {
        let engine = Engine::new(&Config::new())?;
        let component = Component::new(&engine, &preview1::component(fs::read(path)?)?)?;
        Ok(Program { engine, component })
    }

    fn run(&self, arguments: &[&str], wasi: &mut WasiCtxBuilder) -> Result<Outcome, Failure> {
        let (stdout, stderr) = (BytesOutput::new(1 << 16), BytesOutput::new(1 << 16));
        wasi.arguments(["library"])
            .arguments(arguments.iter().copied())
            .stdout(stdout.clone())
            .stderr(stderr.clone());
        let mut linker = Linker::<WasiCtx>::new(&self.engine);
        wasmer_component_wasi::add_to_linker(&mut linker)?;
        let mut store = Store::new(&self.engine, wasi.build()?)?;
        store.set_call_timeout(Some(Duration::from_secs(60)));
        let instance = linker.instantiate(&mut store, &self.component)?;
        let run = instance
            .get_typed_func::<(), (Result<(), ()>,)>(&mut store, ("wasi:cli/run@0.2.0", "run"))?;
        let ended = match run.call(&mut store, ()) {
            Ok((done,)) => Ok(u8::from(done.is_err())),
            Err(error) => match error.downcast_ref::<Exit>() {
                Some(exit) => Ok(exit.code),
                None => Err(error.to_string()),
            },
        };
        let text = |output: &BytesOutput| String::from_utf8_lossy(&output.contents()).into_owned();
        Ok(Outcome {
            ended,
            stdout: text(&stdout),
            stderr: text(&stderr),
        })
    }

    /// What is printed by a run that comes to a good end.
    fn good(&self, arguments: &[&str], wasi: &mut WasiCtxBuilder) -> Result<String, Failure> {
        let outcome = self.run(arguments, wasi)?;
        match outcome.ended {
            Ok(0) => Ok(outcome.stdout),
            ended => Err(format!("{arguments:?} ended with {ended:?}: {}", outcome.stderr).into()),
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Result<(), Failure> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{got:?} instead of {expected:?}").into())
    }
}

/// What the case `files` leaves, as it reads.
const LEFT: [(&str, &str); 9] = [
    ("unbuffered", "at once"),
    ("f", "new"),
    ("e", "Tnetwo"),
    ("many/0", ""),
    ("b", "a"),
    ("hard", "a"),
    ("empty/f", "f"),
    ("Größe", "u"),
    ("t", "t"),
];

fn files_on_the_host(program: &Program) -> Result<(), Failure> {
    let dir = TempDir::new()?;
    let grant = Grant::directory(dir.path()).at("/work").read_write();
    program.good(&["files"], WasiCtx::builder().grant(grant))?;
    for (name, contents) in LEFT {
        same(fs::read_to_string(dir.path().join(name))?, contents.into())?;
    }
    same(fs::read(dir.path().join("buffered"))?.len(), 1012)?;
    same(
        fs::read_link(dir.path().join("soft"))?,
        Path::new("empty/f").into(),
    )?;
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(dir.path())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let expected = [
        "Größe",
        "b",
        "buffered",
        "e",
        "empty",
        "f",
        "hard",
        "many",
        "soft",
        "t",
        "unbuffered",
    ];
    same(names, expected.map(String::from).to_vec())?;
    let seconds = |name: &str| -> Result<u64, Failure> {
        let modified = fs::metadata(dir.path().join(name))?.modified()?;
        Ok(modified.duration_since(UNIX_EPOCH)?.as_secs())
    };
    same((seconds("t")?, seconds(".")?), (3000, 200))
}

fn files_in_memory(program: &Program) -> Result<(), Failure> {
    let tree = MemoryTree::new(16 << 20);
    let grant = Grant::tree(tree.root(), "/work").read_write();
    program.good(&["files"], WasiCtx::builder().grant(grant))?;
    for (name, contents) in LEFT {
        same(tree.read_file(name)?, contents.as_bytes().to_vec())?;
    }
    Ok(())
}

/// A directory with something in it that must stay as it is.
fn untouched() -> Result<TempDir, Failure> {
    let dir = TempDir::new()?;
    fs::create_dir(dir.path().join("work"))?;
    fs::create_dir(dir.path().join("work/folder"))?;
    fs::write(dir.path().join("work/file"), "untouched")?;
    fs::write(dir.path().join("secret"), "secret")?;
    Ok(dir)
}

fn read_only(program: &Program) -> Result<(), Failure> {
    let dir = untouched()?;
    let file = dir.path().join("work/file");
    let modified = fs::metadata(&file)?.modified()?;
    let grant = Grant::directory(dir.path().join("work")).at("/work");
    program.good(&["read-only"], WasiCtx::builder().grant(grant))?;
    same(fs::read_to_string(&file)?, "untouched".into())?;
    same(fs::metadata(&file)?.modified()?, modified)?;
    same(fs::read_dir(dir.path().join("work"))?.count(), 2)?;

    let tree = MemoryTree::new(1 << 16);
    tree.create_directory("folder")?;
    tree.write_file("file", b"untouched")?;
    let grant = Grant::tree(tree.root(), "/work");
    program.good(&["read-only"], WasiCtx::builder().grant(grant))?;
    same(tree.read_file("file")?, b"untouched".to_vec())
}

fn outside(program: &Program) -> Result<(), Failure> {
    let dir = untouched()?;
    let secret = dir.path().join("secret");
    symlink("../secret", dir.path().join("work/planted"))?;
    symlink(&secret, dir.path().join("work/absolute"))?;
    let grant = Grant::directory(dir.path().join("work"))
        .at("/work")
        .read_write();
    let paths = [
        "outside",
        secret.to_str().ok_or("no UTF-8")?,
        "/etc/passwd",
        "/work/../secret",
        "../secret",
        "/new",
        "/work/folder/../../new",
    ];
    program.good(&paths, WasiCtx::builder().grant(grant.clone()))?;
    // Of links that lead out the names are inside: only what follows them fails.
    for link in ["/work/planted", "/work/absolute"] {
        let outcome = program.run(&["outside", link], WasiCtx::builder().grant(grant.clone()))?;
        if !outcome.stderr.contains("unlink(paths[i]) == -1") {
            return Err(format!("{link}: {}", outcome.stderr).into());
        }
    }
    same(fs::read_to_string(&secret)?, "secret".into())?;
    same(fs::read_dir(dir.path())?.count(), 2)
}

fn clocks(program: &Program) -> Result<(), Failure> {
    program.good(&["clocks"], &mut WasiCtx::builder()).map(drop)
}

fn input(program: &Program) -> Result<(), Failure> {
    let text = "one\ntwo\n3 4.5";
    let mut wasi = WasiCtx::builder();
    same(
        program.good(&["input"], wasi.stdin(BytesInput::new(text)))?,
        "read\n".into(),
    )?;
    let (reader, mut writer) = std::io::pipe()?;
    std::io::Write::write_all(&mut writer, text.as_bytes())?;
    drop(writer);
    let mut wasi = WasiCtx::builder();
    same(
        program.good(&["input"], wasi.stdin(FileDescriptorInput::new(reader)))?,
        "read\n".into(),
    )?;
    let (reader, writer) = std::io::pipe()?;
    let mut wasi = WasiCtx::builder();
    wasi.stdin(FileDescriptorInput::new(reader));
    program.good(&["wait-for-input"], &mut wasi)?;
    drop(writer);
    Ok(())
}

fn environment(program: &Program) -> Result<(), Failure> {
    let mut wasi = WasiCtx::builder();
    wasi.environment("NAME", "va=lue").environment("EMPTY", "");
    program
        .good(&["environment", "", "b c"], &mut wasi)
        .map(drop)
}

/// What is in a buffer gets out when a program ends as it should; other than 0 no code arrives, as the adapter knows none.
fn endings(program: &Program) -> Result<(), Failure> {
    let ordered = "main, second, first\n";
    let expected: [(&str, Option<u8>, &str); 6] = [
        ("return-0", Some(0), ordered),
        ("return-7", Some(1), ordered),
        ("exit-0", Some(0), ordered),
        ("exit-7", Some(1), ordered),
        ("exit-at-once", Some(0), ""),
        ("abort", None, ""),
    ];
    for (case, code, printed) in expected {
        let outcome = program.run(&[case], &mut WasiCtx::builder())?;
        same(
            (case, outcome.ended.ok(), &*outcome.stdout),
            (case, code, printed),
        )?;
    }
    Ok(())
}
