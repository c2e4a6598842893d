//! Plugins as sources and parsers of the pipeline.
//!
//! [`ParserProxy`] and [`ByteSourceProxy`] make one guest call a chunk and answer everything else themselves.
//! [`ThreadedSource`] is the byte source for hosts whose threads must not block.

mod buffer;
mod parser;
mod source;
mod threaded;

pub(crate) use buffer::check_length;
pub use parser::{GuestReader, ParserProxy, parser_proxy};
pub use source::{ByteSourceProxy, ReadAhead};
pub use threaded::ThreadedSource;
