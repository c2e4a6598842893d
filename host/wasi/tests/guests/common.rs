//! Finding, compiling and running guest programs.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use wasmer_component::{Component, Config, Engine, Error, Linker, Store};
use wasmer_component_wasi::stream::BytesOutput;
use wasmer_component_wasi::{Exit, WasiCtx, WasiCtxBuilder};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&Config::new()).unwrap());

/// Where `just wasi-guests` puts the programs: beside the build folder that this test is in.
fn folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("wasi-guests")
}

/// A program, compiled once however many tests run it.
fn program(name: &str) -> Component {
    static COMPILED: Mutex<Vec<(String, Component)>> = Mutex::new(Vec::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, component)) = compiled.iter().find(|(known, _)| known == name) {
        return component.clone();
    }
    let path = folder().join(name).with_extension("wasm");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "there is no guest program {}: {error}; run: just wasi-guests",
            path.display()
        )
    });
    let component = Component::new(&ENGINE, &bytes).unwrap();
    compiled.push((name.to_owned(), component.clone()));
    component
}

/// How a run ended, and what it printed.
pub struct Outcome {
    pub result: Result<u8, Error>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// What was printed, if the program came to a good end.
    #[track_caller]
    pub fn good(self) -> String {
        match self.result {
            Ok(0) => self.stdout,
            Ok(code) => panic!("the guest exited with {code}:\n{}", self.stderr),
            Err(error) => panic!("{error}\n{}", self.stderr),
        }
    }

    /// What the program ended with before it could exit.
    #[track_caller]
    pub fn trap(self) -> Error {
        match self.result {
            Ok(code) => panic!("the guest exited with {code}:\n{}", self.stderr),
            Err(error) => error,
        }
    }
}

/// Runs a case of a program with what `wasi` grants it.
pub fn run(name: &str, arguments: &[&str], wasi: &mut WasiCtxBuilder) -> Outcome {
    run_within(name, arguments, wasi, Duration::from_secs(60))
}

/// As [`run`], with a limit of time.
pub fn run_within(
    name: &str,
    arguments: &[&str],
    wasi: &mut WasiCtxBuilder,
    limit: Duration,
) -> Outcome {
    let (stdout, stderr) = (BytesOutput::new(1 << 20), BytesOutput::new(1 << 20));
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    let result = call(name, arguments, wasi, limit);
    let text = |output: &BytesOutput| String::from_utf8_lossy(&output.contents()).into_owned();
    Outcome {
        result,
        stdout: text(&stdout),
        stderr: text(&stderr),
    }
}

/// Runs a case whose output goes wherever `wasi` has it go.
pub fn run_with_output(
    name: &str,
    arguments: &[&str],
    wasi: &mut WasiCtxBuilder,
) -> Result<u8, Error> {
    call(name, arguments, wasi, Duration::from_secs(60))
}

/// The store, and with it all that the guest had, is gone when this returns.
fn call(
    name: &str,
    arguments: &[&str],
    wasi: &mut WasiCtxBuilder,
    limit: Duration,
) -> Result<u8, Error> {
    wasi.arguments([name]).arguments(arguments.iter().copied());
    let mut linker = Linker::<WasiCtx>::new(&ENGINE);
    wasmer_component_wasi::add_to_linker(&mut linker).unwrap();
    if name == "http" {
        wasmer_component_wasi::add_http_to_linker(&mut linker).unwrap();
    }
    let mut store = Store::new(&ENGINE, wasi.build().unwrap()).unwrap();
    store.set_call_timeout(Some(limit));
    let instance = linker.instantiate(&mut store, &program(name)).unwrap();
    let run = instance
        .get_typed_func::<(), (Result<(), ()>,)>(&mut store, ("wasi:cli/run@0.2.0", "run"))
        .unwrap();
    match run.call(&mut store, ()) {
        Ok((done,)) => Ok(u8::from(done.is_err())),
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(exit) => Ok(exit.code),
            None => Err(error),
        },
    }
}
