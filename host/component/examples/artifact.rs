//! Compiles in one program and runs in another that has no compiler:
//!
//! ```text
//! cargo run --release --example artifact -- compile greet.wat greet.artifact
//! cargo run --release --no-default-features --example artifact -- run greet.artifact greet world
//! ```
//!
//! `just headless` does both, with a component of its own.

use std::error::Error;
use wasmer_component::{Component, Config, Engine, Linker, Store};

#[cfg(feature = "compiler")]
fn compile(source: &str, artifact: &str) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&Config::new())?;
    let component = Component::new(&engine, &wat::parse_file(source)?)?;
    std::fs::write(artifact, component.serialize()?)?;
    Ok(())
}

#[cfg(not(feature = "compiler"))]
fn compile(_: &str, _: &str) -> Result<(), Box<dyn Error>> {
    Err("this program was built without a compiler".into())
}

fn run(artifact: &str, function: &str, argument: &str) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&Config::new())?;
    // SAFETY: the artifact is trusted as the program is: whoever runs this has just made it.
    let component = unsafe { Component::deserialize(&engine, &std::fs::read(artifact)?)? };
    let mut store = Store::new(&engine, ())?;
    let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
    let function = instance.get_typed_func::<(&str,), (String,)>(&mut store, function)?;
    println!("{}", function.call(&mut store, (argument,))?.0);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["compile", source, artifact] => compile(source, artifact),
        ["run", artifact, function, argument] => run(artifact, function, argument),
        _ => Err(
            "usage: artifact compile FILE.wat FILE | artifact run FILE FUNCTION ARGUMENT".into(),
        ),
    }
}
