//! The command line of `profile`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, RegistryArguments, Setting};

#[derive(Debug, Args, PartialEq)]
pub struct ProfileArguments {
    /// The trace: a file
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// The picture
    #[arg(short, long, value_name = "FILE", default_value = "flame.svg")]
    pub output: PathBuf,

    /// What reads the input, as for `export`
    #[arg(long, value_name = "SOURCE", default_value = "file-source")]
    pub source: String,

    /// What finds the messages, as for `export`
    #[arg(long, value_name = "PARSER", default_value = "dlt-parser")]
    pub parser: String,

    /// What to write, as for `export`; it goes nowhere
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// The most threads to use, as for `export`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,

    /// Sets a configuration item, as for `export`
    #[arg(long = "set", value_name = "ID=VALUE")]
    pub settings: Vec<Setting>,

    #[command(flatten)]
    pub registry: RegistryArguments,

    /// Export again and again until so many seconds have passed, at least once
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub duration: u64,

    /// How often to look, in times a second
    #[arg(long, value_name = "N", default_value_t = 997, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub frequency: u32,

    /// Leave out of the picture what has less than so many percent of all samples
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub least: f64,

    /// Write the stacks as text as well, a line each, for other tools
    #[arg(long, value_name = "FILE")]
    pub folded: Option<PathBuf>,
}
