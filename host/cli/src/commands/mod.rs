//! A file for each subcommand.

pub mod conformance;
pub mod export;
pub mod generate;
pub mod inspect;
pub mod list;
pub mod new;
pub mod validate;
