//! Guests written in text that do what the tests say, on wasmer-wasix: what is granted works, what is not has the right error, and
//! nothing leads out.
//!
//! `cargo test -p wasmer-component-wasix --test wasix escapes::` runs one topic.

mod common;
mod denied;
mod escapes;
mod files;
mod surroundings;
mod waiting;
