//! The command line of `new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args, PartialEq)]
pub struct NewArguments {
    /// What to make
    #[arg(value_enum)]
    pub kind: ProjectKind,

    /// The plugin's name, in kebab-case
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The language to write it in
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub lang: Language,

    /// The project's folder, which must not exist yet [default: NAME]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
}

/// The kinds of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProjectKind {
    /// Finds messages in bytes
    Parser,
    /// Fetches the bytes of a trace
    Source,
}

/// The languages that there is an SDK for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    C,
    Cpp,
    Zig,
    Js,
    Python,
}
