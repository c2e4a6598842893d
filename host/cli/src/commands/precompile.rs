//! `precompile`: fills the cache, so that no export waits for a compiler.

use std::fmt::Write;

use chipmunk_plugins::{CacheOutcome, Precompiled};

use crate::{Outcome, args::PrecompileArguments, output, sides};

/// Compiles the plugins. One that cannot be compiled does not keep the others from it.
pub fn run(arguments: &PrecompileArguments) -> anyhow::Result<Outcome> {
    let runtime = sides::runtime(&arguments.registry)?;
    // Without a place to keep them in there is nothing to compile for.
    runtime.disk()?;
    let all = runtime.registry().entries().iter();
    let names: Vec<String> = match arguments.plugins.as_slice() {
        [] => all.map(|plugin| plugin.name.clone()).collect(),
        named => named.to_vec(),
    };
    if names.is_empty() {
        output::tell(
            &"there are no plugins; `just build` makes those of this project, `--config` names a plugins.toml",
        );
    }
    let mut compiled = Vec::new();
    let mut failed = 0_usize;
    for name in &names {
        match runtime.precompile(name) {
            Ok(plugin) => {
                if !arguments.json {
                    output::show(&line(&plugin))?;
                }
                compiled.push(plugin);
            }
            Err(error) => {
                output::tell(&error);
                failed += 1;
            }
        }
    }
    if arguments.json {
        output::show(&(serde_json::to_string_pretty(&compiled)? + "\n"))?;
    }
    match failed {
        0 => Ok(Outcome::Done),
        failed => anyhow::bail!("{failed} of {} plugins could not be compiled", names.len()),
    }
}

fn line(plugin: &Precompiled) -> String {
    let Precompiled {
        plugin: name,
        cache,
        compiler,
        wasm_bytes,
        artifact_bytes,
        compile_ms,
        ..
    } = plugin;
    let how = match cache {
        CacheOutcome::Hit => "in the cache already".to_owned(),
        CacheOutcome::Miss => format!("compiled in {compile_ms} ms"),
    };
    let mut line = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        line,
        "{name:<16} {how:<22} {wasm_bytes} bytes of WebAssembly, {artifact_bytes} compiled ({compiler})"
    );
    line
}
