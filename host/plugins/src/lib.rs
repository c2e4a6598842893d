//! Chipmunk's sources and parsers as plugins: WebAssembly components, found, compiled once, kept in their limits, and called a
//! chunk at a time.
//!
//! A [`PluginRuntime`] knows which plugins there are ([`PluginRegistry`], from `plugins.toml` and plugins directories),
//! compiles them or takes them from the [cache], and opens them as what the pipeline takes: a [`ByteSourceProxy`] is a
//! [`ByteSource`](chipmunk_pipeline::ByteSource), a [`ParserProxy`] is a [`Parser`](chipmunk_pipeline::Parser).
//!
//! ```no_run
//! use chipmunk_pipeline::{DEFAULT_CHUNK_BYTES, MessageProducer, export::RawExporter};
//! use chipmunk_plugins::{
//!     Input, LogLevel, Output, ParserRequest, PluginRuntime, RuntimeOptions, Settings, SourceRequest,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = PluginRuntime::new(RuntimeOptions::default())?;
//! let settings = Settings::parse(["storage-header=true"])?;
//! let input = Input::File("trace.dlt".into());
//! let source = runtime.open_source("file-source", &SourceRequest {
//!     settings: &settings,
//!     input: Some(&input),
//!     chunk_bytes: DEFAULT_CHUNK_BYTES,
//!     log_level: LogLevel::Warn,
//! })?;
//! let parser = runtime.open_parser("dlt-parser", &ParserRequest {
//!     settings: &settings,
//!     output: Output::Ranges,
//!     separator: None,
//!     log_level: LogLevel::Warn,
//! })?;
//! settings.finish()?; // a setting that neither of them knows is a mistake
//!
//! let mut exporter = RawExporter::new(std::io::stdout());
//! let mut producer = MessageProducer::new(source.proxy, parser.proxy);
//! pollster::block_on(producer.drive(&mut exporter))?;
//! exporter.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//! - A plugin gets what it was granted, and the file that it is to read; nothing else.
//! - Whatever a plugin returns is checked before it is used. A plugin that lies, traps, hangs or grows beyond its limits ends
//!   with an error that names it, the function and the cause ([`GuestFault`]); the host and other plugins go on.
//! - Compiled code is only ever loaded from a directory that nobody but the user can write ([cache]).
//! - This crate formats no message and reads no trace: it moves archives.

pub mod cache;
mod compiled;
pub mod config;
pub mod contract;
pub mod error;
pub mod factory;
pub mod facts;
pub mod guest;
pub mod opener;
pub mod proxy;
pub mod registry;
pub mod runtime;
pub mod schema;

pub use cache::{CacheOutcome, CachedArtifact, DiskCache};
pub use config::{Access, Grants, Limits, PluginCompiler};
pub use contract::{ApiVersion, Description, Flavour, Kind, LogLevel, Output, Version};
pub use error::{FaultCause, GuestFault, PluginError, SettingError};
pub use factory::PluginFactory;
pub use facts::Facts;
pub use opener::ParserOpener;
pub use proxy::{ByteSourceProxy, GuestReader, ParserProxy, ReadAhead, ThreadedSource};
pub use registry::{PluginEntry, PluginRegistry};
pub use runtime::{
    CacheChoice, FOLLOW, Inspection, Listed, Opened, ParserRequest, PluginRuntime, Precompiled,
    RuntimeOptions, SourceRequest, StartInfo, Validation,
};
pub use schema::{Input, Settings};
