//! Tells the program which releases of the two runtimes it was built with.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let lock = std::fs::read_to_string(lock)?;
    for (name, variable) in [
        ("wasmtime", "WASMTIME_VERSION"),
        ("wasmer", "WASMER_VERSION"),
    ] {
        let version = version(&lock, name).ok_or_else(|| format!("Cargo.lock has no {name}"))?;
        println!("cargo::rustc-env={variable}={version}");
    }
    Ok(())
}

fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let name = format!("name = \"{name}\"\n");
    let package = lock
        .split("[[package]]")
        .find(|package| package.contains(&name))?;
    package.split("version = \"").nth(1)?.split('"').next()
}
