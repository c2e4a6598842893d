//! Do the example plugins do the same in every language? `cargo test --release --workspace --test languages [LANGUAGE]...`
//!
//! For each language whose plugins are built (`just plugin LANGUAGE`, into `target/plugins-languages`): the archives that its
//! encoder makes are those of the Rust payload crate (`vectors`), and its text parser and file source give what native code
//! gives, on texts with every line ending, cut anywhere (`plugins`). For each language that is set up, the same of what `chipmunk-plugins
//! new` writes (`projects`).
//!
//! A language that is not built is told as skipped and not counted as passed; with `CHIPMUNK_PLUGINS_LANGUAGES=all`, as in CI, it is a
//! failure. Rust has no vectors of its own: its encoder is the one that the others are compared with.

mod plugins;
mod projects;
mod vectors;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

/// The languages, and whether they have an encoder of their own.
const LANGUAGES: [(&str, bool); 6] = [
    ("rust", false),
    ("c", true),
    ("cpp", true),
    ("zig", true),
    ("python", true),
    ("js", true),
];

/// The plugins of one language.
struct Built {
    text_parser: PathBuf,
    file_source: PathBuf,
    vectors: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // What the usual harness is asked by tools that look for tests.
    if arguments.iter().any(|argument| argument == "--list") {
        return Ok(ExitCode::SUCCESS);
    }
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let all = std::env::var_os("CHIPMUNK_PLUGINS_LANGUAGES").is_some_and(|which| which == "all");
    let vectors = vectors::all();
    let present = projects::present()?;
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    for (language, encodes) in LANGUAGES {
        if !wanted.is_empty() && !wanted.contains(&language) {
            continue;
        }
        let Some(built) = built(language, encodes)? else {
            println!("skipped: {language}: it is not built; run: just plugin {language}");
            skipped += 1;
            continue;
        };
        let mut outcomes = Vec::new();
        if let Some(plugin) = &built.vectors {
            outcomes.push(("archives", vectors::compare(plugin, &vectors)));
        }
        outcomes.push(("text parser and file source", plugins::compare(&built)));
        if present.iter().any(|present| present == language) {
            outcomes.push(("new projects", projects::compare(language)));
        } else {
            println!(
                "skipped: {language}: new projects: it is not set up; run: just setup {language}"
            );
            skipped += 1;
        }
        for (what, outcome) in outcomes {
            match outcome {
                Ok(figures) => {
                    passed += 1;
                    println!("passed: {language}: {what}: {figures}");
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILED: {language}: {what}: {error:#}");
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} languages skipped");
    if all && skipped > 0 {
        println!("CHIPMUNK_PLUGINS_LANGUAGES=all: no language may be skipped");
    }
    Ok(if failed == 0 && !(all && skipped > 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where a language's plugins are, if all of them are there.
fn built(language: &str, encodes: bool) -> Result<Option<Built>> {
    let target = chipmunk_e2e::target()?;
    let folder = match language {
        "rust" => target.join("plugins"),
        other => target.join("plugins-languages").join(other),
    };
    let file = |name: &str| Some(folder.join(name)).filter(|file| file.is_file());
    let vectors = file("vectors.wasm");
    let (Some(text_parser), Some(file_source)) =
        (file("text-parser.wasm"), file("file-source.wasm"))
    else {
        return Ok(None);
    };
    if encodes && vectors.is_none() {
        return Ok(None);
    }
    Ok(Some(Built {
        text_parser,
        file_source,
        vectors: vectors.filter(|_| encodes),
    }))
}
