//! The plugin's log.
//!
//! Lines below the level that the host gave are not even formatted. In native tests, lines go to
//! [`testing::take_log`](crate::testing::take_log).

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
};

use crate::Level;

/// The least important level that is wanted, by its position in [`Level`].
static WANTED: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Sets the least important level that is wanted. The export macros do this with the host's level.
pub fn set_log_level(level: Level) {
    WANTED.store(level as u8, Ordering::Relaxed);
}

/// Writes a line to the host's log, if its level is wanted. The macros [`error!`](crate::error!) to
/// [`trace!`](crate::trace!) are shorter.
pub fn log(level: Level, line: fmt::Arguments<'_>) {
    if level as u8 <= WANTED.load(Ordering::Relaxed) {
        match line.as_str() {
            Some(line) => write(level, line),
            None => write(level, &line.to_string()),
        }
    }
}

#[cfg(target_family = "wasm")]
fn write(level: Level, line: &str) {
    crate::bindings::parser::chipmunk::shared::logging::log(level, line);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, line: &str) {
    crate::testing::log_line(level, line);
}

/// Has panics write their message to the log: the host shows its last lines when a plugin traps.
pub(crate) fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| write(Level::Error, &panic.to_string())));
}

/// Logs an error: the plugin cannot do what it was asked to.
#[macro_export]
macro_rules! error {
    ($($format:tt)+) => { $crate::log($crate::Level::Error, ::core::format_args!($($format)+)) };
}

/// Logs a warning: something is wrong, but the plugin can go on.
#[macro_export]
macro_rules! warn {
    ($($format:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($format)+)) };
}

/// Logs what a user may like to know.
#[macro_export]
macro_rules! info {
    ($($format:tt)+) => { $crate::log($crate::Level::Info, ::core::format_args!($($format)+)) };
}

/// Logs what helps to find faults.
#[macro_export]
macro_rules! debug {
    ($($format:tt)+) => { $crate::log($crate::Level::Debug, ::core::format_args!($($format)+)) };
}

/// Logs every detail.
#[macro_export]
macro_rules! trace {
    ($($format:tt)+) => { $crate::log($crate::Level::Trace, ::core::format_args!($($format)+)) };
}
