//! A file for each subcommand.

pub mod cache;
pub mod conformance;
pub mod export;
pub mod generate;
pub mod inspect;
pub mod list;
pub mod new;
pub mod precompile;
pub mod profile;
pub mod validate;
