//! `component-toolchains COMPONENT.wasm...`: does what a toolchain made of the world `test:kit/kit` load, link and run?
//!
//! The world (`wit/kit.wit`) has every kind of value that WIT knows, resources in both directions, and functions of the host that
//! guests call. Each component gets the same calls, whose results are known: guests give back what they get, or what
//! they made of the host's answers. For each, one line says what it needs and what it costs; then come its faults, if any.
//!
//! How the components are made is not known here: see `README.md` in this folder.

mod calls;
mod host;

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use wasmer_component::{Component, Config, Engine, Linker, Store};
use wasmer_component_wasi::{WasiCtx, stream::LineOutput};

use host::Host;

/// Faults of toolchains themselves, by the name of the component and the beginning of the fault; the `wasmtime` crate
/// meets the same. `README.md` says what is wrong.
const KNOWN: [(&str, &str); 4] = [
    ("cpp", "shapes"),
    ("cpp", "count-lent: "),
    ("js-quickjs", "count-lent: "),
    ("js-quickjs", "joined things: "),
];

fn main() -> Result<ExitCode> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("Usage: component-toolchains COMPONENT.wasm...");
        return Ok(ExitCode::from(2));
    }
    let engine = Engine::new(&Config::new())?;
    println!(
        "{:<28} {:>9} {:>9} {:>8} {:>9} {:>9}  imports of WASI",
        "component", "bytes", "compile", "load", "inst.", "calls"
    );
    let (mut passed, mut failed) = (0, 0);
    for file in &files {
        match run(&engine, Path::new(file)) {
            Ok(faults) => {
                let name = stem(Path::new(file));
                let (known, faults): (Vec<&String>, Vec<&String>) =
                    faults.iter().partition(|fault| {
                        let same = |(of, what): &(&str, &str)| {
                            name.starts_with(of) && fault.starts_with(what)
                        };
                        KNOWN.iter().any(same)
                    });
                for fault in known {
                    let first = fault.lines().next().unwrap_or_default();
                    println!("    known fault of this toolchain: {first}");
                }
                for fault in &faults {
                    println!("    fault: {fault}");
                }
                if faults.is_empty() {
                    passed += 1;
                } else {
                    failed += 1;
                }
            }
            Err(error) => {
                failed += 1;
                println!("{file}\n    fault: {error:#}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One component, from its file to its last call; what it did wrong.
fn run(engine: &Engine, file: &Path) -> Result<Vec<String>> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (compiled, compile_time) = timed(|| Component::new(engine, &bytes));
    let artifact = compiled?.serialize()?;
    // SAFETY: the artifact was made by this process a moment ago.
    let (component, load_time) = timed(|| unsafe { Component::deserialize(engine, &artifact) });
    let component = component?;

    let mut linker = Linker::<Host>::new(engine);
    wasmer_component_wasi::add_to_linker(&mut linker)?;
    host::add_to_linker(&mut linker)?;
    let wasi = WasiCtx::builder()
        .stdout(LineOutput::new(|_| {}))
        .stderr(LineOutput::new(|line| println!("    stderr: {line}")))
        .build()?;
    let mut store = Store::new(engine, Host::new(wasi))?;
    let (instance, instantiate_time) = timed(|| linker.instantiate(&mut store, &component));
    let (faults, calls_time) = match instance {
        Ok(_) => timed(|| calls::faults(&linker, &component, &mut store)),
        Err(error) => (
            vec![format!("it is not instantiated: {error}")],
            Duration::ZERO,
        ),
    };

    let name = stem(file);
    let wasi: Vec<&str> = component
        .imports()
        .filter_map(|(name, _)| name.strip_prefix("wasi:"))
        .collect();
    let wasi = match wasi.first() {
        None => "none".to_string(),
        Some(first) => format!("{}, as {first}", wasi.len()),
    };
    println!(
        "{name:<28} {:>9} {:>6.2} s {:>5.1} ms {:>6.2} ms {:>6.2} ms  {wasi}",
        bytes.len(),
        compile_time.as_secs_f64(),
        load_time.as_secs_f64() * 1e3,
        instantiate_time.as_secs_f64() * 1e3,
        calls_time.as_secs_f64() * 1e3,
    );
    Ok(faults)
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
