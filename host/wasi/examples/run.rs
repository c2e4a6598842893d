//! Runs a command component (one that exports `wasi:cli/run`) with the directories it is given:
//!
//! ```sh
//! cargo run --release -p wasmer-component-wasi --example run -- program.wasm [--dir DIRECTORY]... [ARGUMENT]...
//! ```

use std::error::Error;
use std::process::ExitCode;

use wasmer_component::{Component, Config, Engine, Linker, Store};
use wasmer_component_wasi::stream::{FileDescriptorInput, LineOutput};
use wasmer_component_wasi::{Exit, Grant, WasiCtx};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or("which program?")?;

    let mut wasi = WasiCtx::builder();
    wasi.name("program")
        .arguments([&program])
        .stdin(FileDescriptorInput::stdin())
        .stdout(LineOutput::new(|line| println!("{line}")))
        .stderr(LineOutput::new(|line| eprintln!("{line}")));
    while let Some(argument) = arguments.next() {
        if argument == "--dir" {
            let directory = arguments.next().ok_or("which directory?")?;
            wasi.grant(Grant::directory(directory).read_write());
        } else {
            wasi.arguments([argument]);
        }
    }

    let engine = Engine::new(&Config::new())?;
    let mut linker = Linker::<WasiCtx>::new(&engine);
    wasmer_component_wasi::add_to_linker(&mut linker)?;
    let component = Component::new(&engine, &std::fs::read(program)?)?;
    let mut store = Store::new(&engine, wasi.build()?)?;
    let instance = linker.instantiate(&mut store, &component)?;
    let run = instance
        .get_typed_func::<(), (Result<(), ()>,)>(&mut store, ("wasi:cli/run@0.2.0", "run"))?;
    match run.call(&mut store, ()) {
        Ok((Ok(()),)) => Ok(ExitCode::SUCCESS),
        Ok((Err(()),)) => Ok(ExitCode::FAILURE),
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(exit) => Ok(ExitCode::from(exit.code)),
            None => Err(error.into()),
        },
    }
}
