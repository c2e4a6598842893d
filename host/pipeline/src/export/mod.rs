//! Exporters: sinks that write what they are given.
//!
//! An exporter knows neither files nor formats' names; it writes to any [`Write`](std::io::Write), through a buffer of its own where
//! that helps, and `finish` says whether all of it arrived.
//!
//! A new format is a [`Format`]: [`Exporter`] makes a sink of it, and it works in all modes of the pipeline. Raw bytes and nothing
//! at all have sinks of their own beside that, which save the copy into a buffer.

mod captions;
mod csv;
mod format;
mod jsonl;
mod none;
mod raw;
mod scan;
mod table;
mod text;

pub use captions::Captions;
pub use csv::{CsvExporter, CsvFormat};
pub use format::{Exporter, Format};
pub use jsonl::{JsonlExporter, JsonlFormat};
pub use none::NoneExporter;
pub use raw::{RawExporter, RawFormat};
pub use text::{TextExporter, TextFormat};
