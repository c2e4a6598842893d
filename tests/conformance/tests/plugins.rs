//! Nothing but a test: `plugins`.
//! Every plugin of the repository keeps its contract: `cargo test --release --workspace --test plugins [NAME]...`
//!
//! The real plugins, the example plugins of every guest language that is built (`just plugin LANGUAGE`), and those of API 0.1.0. One that is not built is
//! told as skipped and not counted as passed; with `CHIPMUNK_PLUGINS_LANGUAGES=all`, as in CI, it is a failure.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use chipmunk_conformance::{CheckOutcome, Kit};
use chipmunk_plugins::{CacheChoice, PluginRuntime, RuntimeOptions, Settings};

const PLUGINS: [&str; 4] = ["dlt-parser", "file-source", "pcap-source", "text-parser"];
const LANGUAGES: [&str; 5] = ["c", "cpp", "zig", "js", "python"];
const EXAMPLES: [&str; 2] = ["text-parser", "file-source"];
const API_0_1_0: [&str; 5] = [
    "dlt-parser",
    "file-source",
    "text-parser",
    "c-file-source",
    "c-text-parser",
];

/// Faults that are not ours to mend: plugin, check, and why. Each is told in every run, and one that is gone is a failure, so that it is
/// taken off the list.
const KNOWN: [(&str, &str, &str); 1] = [(
    "file-source in python",
    "memory",
    "componentize-py's libc never frees what it read: a source keeps all it reads",
)];

/// What is to be looked at: a name, a file, and how to get it.
struct Candidate {
    name: String,
    path: PathBuf,
    remedy: String,
    /// More than its defaults, which are looked at as well.
    settings: Vec<&'static str>,
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
    let runtime = PluginRuntime::new(RuntimeOptions {
        config_file: None,
        directories: Some(Vec::new()),
        cache: CacheChoice::Directory(chipmunk_e2e::shared_cache()?),
        compiler: None,
    })?;
    let (mut passed, mut known, mut skipped, mut failed) = (0, 0, 0, 0);
    for candidate in candidates(&chipmunk_e2e::target()?) {
        let Candidate {
            name,
            path,
            remedy,
            settings,
        } = &candidate;
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word)) {
            continue;
        }
        if !path.is_file() {
            println!("skipped: {name}: it is not built; run: {remedy}");
            skipped += 1;
            continue;
        }
        let settings = Settings::parse(settings)?;
        let kit = Kit {
            budget: Duration::from_secs(8),
            ..Kit::new(&settings)
        };
        let report = kit.run(&runtime, &path.to_string_lossy())?;
        let expected = KNOWN.iter().find(|(plugin, ..)| plugin == name);
        let faults = report.names(CheckOutcome::Failed);
        if let Some((_, check, why)) = expected
            && faults == [*check]
        {
            known += 1;
            println!("known fault: {name}: `{check}`: {why}");
        } else if let Some((_, check, _)) = expected
            && report.names(CheckOutcome::Passed).contains(check)
        {
            failed += 1;
            println!("FAILED: {name}: `{check}` passes: take it off the list of known faults");
        } else if report.is_ok() {
            passed += 1;
            println!(
                "passed: {name}: {} checks, {} skipped ({}), {:.1} s",
                report.count(CheckOutcome::Passed),
                report.count(CheckOutcome::Skipped),
                report.names(CheckOutcome::Skipped).join(", "),
                report.seconds
            );
        } else {
            failed += 1;
            println!("FAILED: {name}:\n{report}");
        }
    }
    println!("{known} with a known fault, neither passed nor failed");
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if all && skipped > 0 {
        println!("CHIPMUNK_PLUGINS_LANGUAGES=all: no plugin may be skipped");
    }
    Ok(if failed == 0 && !(all && skipped > 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn candidates(target: &Path) -> Vec<Candidate> {
    let mut all = Vec::new();
    for name in PLUGINS {
        let path = target.join("plugins").join(format!("{name}.wasm"));
        all.push(Candidate {
            name: name.to_owned(),
            path: path.clone(),
            remedy: "just build".to_owned(),
            settings: Vec::new(),
        });
        let other = match name {
            "dlt-parser" => "storage-header=false",
            "text-parser" => "column-split=,",
            _ => continue,
        };
        all.push(Candidate {
            name: format!("{name} with {other}"),
            path,
            remedy: "just build".to_owned(),
            settings: vec![other],
        });
    }
    for language in LANGUAGES {
        for name in EXAMPLES {
            all.push(Candidate {
                name: format!("{name} in {language}"),
                path: target
                    .join("plugins-languages")
                    .join(language)
                    .join(format!("{name}.wasm")),
                remedy: format!("just plugin {language}"),
                settings: Vec::new(),
            });
        }
    }
    for name in API_0_1_0 {
        all.push(Candidate {
            name: format!("{name} of API 0.1.0"),
            path: target.join("plugins-0.1.0").join(format!("{name}.wasm")),
            remedy: "just api-0_1_0".to_owned(),
            settings: Vec::new(),
        });
    }
    all
}
