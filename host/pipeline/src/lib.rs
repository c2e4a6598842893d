//! The host's side of log processing, without any wasm.
//!
//! Three nouns and how they meet. A [`ByteSource`] loads bytes and keeps those that nobody has consumed yet. A
//! [`Parser`] turns bytes into items: messages, attachments, or bytes to pass over. A [`MessageProducer`] joins the two:
//! it loads, parses, consumes what the items say, and hands every item, together with the bytes it came from, to
//! a [`Sink`], for example an exporter of [`export`].
//!
//! ```
//! use chipmunk_pipeline::{export::RawExporter, native, MessageProducer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut trace = b"DLT\x01".to_vec();
//! # trace.extend([0, 0, 0, 0, 0, 0, 0, 0]);
//! # trace.extend(b"ECU1\x21\x00\x00\x12\x41\x00APP1CTX1\x01\x02\x03\x04");
//! let source = native::StreamSource::from_reader("a trace in memory", std::io::Cursor::new(trace.clone()));
//! let parser = native::dlt_parser(native::DltOptions::default());
//! let mut exporter = RawExporter::new(Vec::new());
//! let mut producer = MessageProducer::new(source, parser);
//! pollster::block_on(producer.drive(&mut exporter))?;
//! assert_eq!(exporter.finish()?, trace);
//! assert_eq!(producer.report().parser.m_ok, 1);
//! # Ok(())
//! # }
//! ```
//!
//! The traits restate those of Chipmunk 4.2, so that a real Chipmunk adapts them in a page of newtypes. What is
//! new has a default: [`Parser::parse_end`], [`Parser::parse_each`], [`Parser::wants_more`], [`Parser::report`],
//! [`LogMessage::write_raw`] and what stands beside it.
//!
//! Parsers that make whole batches in the archive format of `chipmunk-payload` (the native DLT parser here, plugins in
//! `chipmunk-plugins`) implement [`BatchReader`] only; [`BatchParser`] makes a [`Parser`] of it, and is the one
//! place that knows how items, tails and counters follow from a batch.
//!
//! One thread does all of that. [`parallel`] does the same on several, for those who have a [`Format`](export::Format) and a writer.
//!
//! What this crate does not do: it knows no plugin, and it reads no configuration.

mod batch;
mod buffer;
mod counters;
pub mod export;
mod message;
pub mod native;
pub mod parallel;
mod parser;
mod producer;
mod source;
mod split;
mod statistics;
mod stop;

pub use batch::{BatchMessage, BatchParser, BatchReader, MessageBatch};
pub use buffer::ChunkBuffer;
pub use counters::{ParserCounters, ParserReport, ParserTally, SourceCounters};
pub use message::{Attachment, LogMessage};
pub use parser::{ParseOutput, ParseYield, Parser, ParserError};
pub use producer::{
    DEFAULT_BUFFER_LIMIT, Item, MessageProducer, ProduceError, ProducerReport, Sink, Step,
};
pub use source::{
    ByteSource, IncomeRequest, IncomeResponse, ReloadInfo, SourceError, SourceFilter,
    TransportProtocol,
};
pub use split::{ParserSplit, ProducerSplit, SourceSplit, Split, TimedWriter};
pub use statistics::{CacheUse, Statistics};
pub use stop::Stop;

/// How many bytes are read at a time where nobody says otherwise, in bytes.
///
/// A chunk, the text made of it and their copies on the other side of a plugin's border then stay in the second-level cache of a core: text
/// by two plugins was measured to take a tenth less time than with 1 MiB, native code the same.
pub const DEFAULT_CHUNK_BYTES: usize = 256 << 10;
