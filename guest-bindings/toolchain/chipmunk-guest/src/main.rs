//! What building a plugin in C, C++ or Zig needs beside a compiler: bindings of WIT files, and a component of the core
//! module that the linker made.
//!
//! The generators and the encoder are the crates behind `wit-bindgen` and `wasm-tools`. Installing those commands takes a quarter of an
//! hour where this one takes a minute, and the adapter that turns the C library's system calls into WASI 0.2 would have to be
//! fetched by hand beside them. Rust, JavaScript and Python plugins do not need it: their own tools do both.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

const USAGE: &str = "\
Usage: chipmunk-guest bindings c|cpp WIT WORLD FOLDER     write bindings of a world
       chipmunk-guest component CORE.wasm COMPONENT.wasm  make a component of a core module that has
                                                          the object file of its bindings linked in
       chipmunk-guest embed [--utf16] WIT WORLD IN.wasm OUT.wasm
                                                          write the world into a core module made
                                                          without bindings
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--version"] => {
            println!("chipmunk-guest {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        ["bindings", language, wit, world, folder] => bindings(language, wit, world, folder),
        ["component", core, component] => encode(core, component),
        ["embed", wit, world, core, out] => embed(wit, world, core, out, StringEncoding::UTF8),
        ["embed", "--utf16", wit, world, core, out] => {
            embed(wit, world, core, out, StringEncoding::UTF16)
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chipmunk-guest: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the files of a world's bindings. Those that would be as they are keep their time, so that `make` and its
/// kind see what is new.
fn bindings(language: &str, wit: &str, world: &str, folder: &str) -> Result<()> {
    let mut generator: Box<dyn WorldGenerator> = match language {
        "c" => wit_bindgen_c::Opts::default().build(),
        "cpp" => wit_bindgen_cpp::Opts::default().build(None),
        other => bail!("there are bindings for c and cpp, not for {other}"),
    };
    let (mut resolve, world) = world_of(wit, world)?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    fs::create_dir_all(folder).with_context(|| format!("{folder} cannot be made"))?;
    for (name, contents) in files.iter() {
        let path = Path::new(folder).join(name);
        if fs::read(&path).is_ok_and(|old| old == contents) {
            continue;
        }
        fs::write(&path, contents)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn world_of(wit: &str, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(wit)
        .with_context(|| format!("{wit} is no folder of WIT files"))?;
    let world = resolve
        .select_world(&[package], Some(world))
        .with_context(|| format!("{wit} has no world {world}"))?;
    Ok((resolve, world))
}

/// A component of a core module. What it imports of WASI preview 1, the C library's road to the system, becomes WASI 0.2; of
/// a module that imports none of it the component does not either.
fn encode(core: &str, component: &str) -> Result<()> {
    let module = fs::read(core).with_context(|| format!("{core} cannot be read"))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.adapter(ADAPTER_NAME, ADAPTER))
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{core} does not make a component"))?;
    fs::write(component, encoded).with_context(|| format!("{component} cannot be written"))
}

fn embed(wit: &str, world: &str, core: &str, out: &str, encoding: StringEncoding) -> Result<()> {
    let mut module = fs::read(core).with_context(|| format!("{core} cannot be read"))?;
    let (resolve, world) = world_of(wit, world)?;
    embed_component_metadata(&mut module, &resolve, world, encoding, false)?;
    fs::write(out, module).with_context(|| format!("{out} cannot be written"))
}
