//! The `chipmunk-plugins` command.
//!
//! [`args`] declares the command line, [`commands`] has a file for each subcommand, and the others are what a command
//! needs: [`sides`] opens sources and parsers, [`output`] leaves whole files or none, [`progress`] shows a bar where somebody
//! looks, [`stats`] shows figures, [`ways`] has one thread or several, [`project`] is what `new` writes. What the work itself
//! is lives in the libraries.
//!
//! The exit status is 0 for done, 1 for failed, 2 for wrong usage.

mod args;
mod commands;
mod output;
mod progress;
mod project;
mod sides;
mod stats;
mod ways;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    time::Instant,
};

use chipmunk_plugins::PluginError;
use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use args::{Arguments, Command, LogLevel};

/// How a command ended that did not fail.
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Everything was done, and the status is to say that something is not right with the input.
    Damaged,
}

/// The command line asks for something that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

fn main() -> ExitCode {
    let started = Instant::now();
    let arguments = Arguments::parse();
    let level = arguments.log;
    log_to_stderr(level);

    let outcome = match arguments.command {
        Command::Export(arguments) => commands::export::run(&arguments, level, started),
        Command::List(arguments) => commands::list::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Validate(arguments) => commands::validate::run(&arguments),
        Command::New(arguments) => commands::new::run(&arguments),
        Command::Conformance(arguments) => commands::conformance::run(&arguments),
        Command::Precompile(arguments) => commands::precompile::run(&arguments),
        Command::Cache(command) => commands::cache::run(&command),
        Command::Profile(arguments) => commands::profile::run(&arguments),
        Command::Gen(command) => commands::generate::run(&command),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Damaged) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Our errors name their causes themselves.
            output::tell(&error);
            if is_usage(&error) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// It is the command line that has to be corrected: what clap could not know without having looked at the plugins.
fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>()
        || error
            .downcast_ref::<PluginError>()
            .is_some_and(PluginError::is_usage)
}

fn log_to_stderr(level: LogLevel) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        // No colours in a file or a pipe.
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
}

/// Whoever reads our output has seen enough: that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<output::WriteError>()
            .is_some_and(output::WriteError::is_broken_pipe)
    })
}
