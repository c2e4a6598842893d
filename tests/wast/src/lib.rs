//! Runs `.wast` scripts of the Component Model on `wasmer-component`.
//!
//! A script is a list of directives: components to be instantiated, calls of their functions with what must come of
//! them, components that must be refused. [`run_script`] carries one out, directive after directive, and counts; nothing that a script
//! does ends the run, not even a panic of the engine.
//!
//! # What counts
//! Every directive is one, also a bare component that is instantiated without fault. A text that is no script is one failure,
//! at the place where it stops being one; if the directives can be told apart, only those that cannot be read fail. After a
//! definition that failed, the directives that need it fail and say so; after one that was skipped they are skipped.
//!
//! *Skipped* is only what needs a proposal that this runtime leaves out on purpose (async, threads) or that is not standardised
//! yet (error-context, gc, 64-bit memories, values ...), each with its reason.
//!
//! # When messages match
//! A trap must be for the script's reason, in whatever words: see [`same_reason`]. Of what must be invalid, malformed or
//! unlinkable only *that* is compared, since the message is wasmparser's: any refusal by the validator (of the linker, for
//! unlinkable) passes, and a refusal in other words is reported as such with `--verbose`. A refusal for want of a feature in this runtime is
//! not one by the validator.
//!
//! # What scripts find
//! Components import from `host` and from the root what wasmtime's `wast` command offers, since its scripts rely on it (see `host`), and
//! core modules import from `spectest`. A named component offers what it exports to later components, under its name.
//!
//! # Left to others
//! The format to the `wast` crate, what components mean to `wasmer-component`, what core modules mean to wasmer.

mod core;
mod host;
mod messages;
mod proposals;
mod report;
mod script;
mod values;

pub use messages::same_reason;
pub use report::{Failure, FileReport, Skip, Total, Verdict};
pub use script::run_script;

use std::path::Path;

/// Runs the script in a file. A file that cannot be read, or is no text, is one failure.
pub fn run_file(path: &Path) -> FileReport {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => run_script(&name, &text),
        Err(error) => {
            let mut report = FileReport::new(name);
            let verdict = Verdict::failed("a text in UTF-8", error.to_string());
            report.add((1, 1), "parse", verdict);
            report
        }
    }
}
