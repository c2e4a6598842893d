//! The engine's tests, sorted by topic; one program, so that wasmer is linked once.
//!
//! `cargo test -p wasmer-component --test engine strings::` runs one topic.

mod artifact;
mod bulk;
mod calls;
mod common;
mod composition;
#[cfg(feature = "core-modules")]
mod core_modules;
mod derive;
mod flattening;
mod limits;
mod linking;
mod memory;
mod modules;
mod resources;
mod strings;
mod values;
