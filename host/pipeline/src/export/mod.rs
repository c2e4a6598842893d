//! Exporters: sinks that write what they are given.
//!
//! An exporter knows neither files nor formats' names; it writes to any [`Write`](std::io::Write), through a buffer of its own where
//! that helps, and `finish` says whether all of it arrived.

mod none;
mod raw;
mod text;

pub use none::NoneExporter;
pub use raw::RawExporter;
pub use text::TextExporter;
