//! Our scripts pass, all of them, and as many directives of each as are written down here: a script that is cut short, or a directive
//! that is suddenly skipped, shows.

use component_wast::run_file;
use std::path::{Path, PathBuf};

/// Each script with the number of its directives that pass and that are skipped.
const SCRIPTS: &[(&str, usize, usize)] = &[
    ("async/declared.wast", 4, 1),
    ("calls/may-leave.wast", 28, 0),
    ("calls/post-return.wast", 19, 0),
    ("calls/traps.wast", 31, 0),
    ("linking/exceptions.wast", 10, 0),
    ("linking/imports.wast", 25, 0),
    ("linking/instances.wast", 21, 0),
    ("linking/modules.wast", 24, 0),
    ("linking/relays.wast", 19, 0),
    ("memory/pointers.wast", 43, 0),
    ("memory/realloc.wast", 35, 0),
    ("resources/destructors.wast", 6, 0),
    ("resources/handles.wast", 30, 0),
    ("resources/host.wast", 18, 0),
    ("resources/identity.wast", 15, 0),
    ("resources/own-and-borrow.wast", 13, 0),
    ("shape/joins.wast", 19, 0),
    ("shape/spilling.wast", 10, 0),
    ("strings/between-components.wast", 43, 0),
    ("strings/encodings.wast", 49, 0),
    ("strings/second-guesses.wast", 24, 0),
    ("validation/invalid.wast", 40, 0),
    ("validation/names-and-sizes.wast", 16, 0),
    ("values/chars.wast", 18, 0),
    ("values/compound.wast", 22, 0),
    ("values/discriminants.wast", 33, 0),
    ("values/numbers.wast", 31, 0),
];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

#[test]
fn every_script_passes() {
    let mut wrong = Vec::new();
    for (name, passed, skipped) in SCRIPTS {
        let report = run_file(&scripts().join(name));
        if (report.passed, report.failed, report.skipped) != (*passed, 0, *skipped) {
            wrong.push(format!("wanted {passed}/0/{skipped}: {report}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
}

#[test]
fn every_script_is_in_the_list() {
    let mut found = Vec::new();
    for topic in std::fs::read_dir(scripts()).expect("the scripts' folder") {
        let topic = topic.expect("a folder").path();
        for script in std::fs::read_dir(&topic).expect("a topic's folder") {
            let script = script.expect("a script").path();
            let name = script.strip_prefix(scripts()).expect("a script of ours");
            found.push(name.display().to_string());
        }
    }
    found.sort();
    let listed: Vec<String> = SCRIPTS
        .iter()
        .map(|(name, ..)| (*name).to_string())
        .collect();
    assert_eq!(found, listed);
}
