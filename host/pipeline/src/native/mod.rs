//! The native sides: what plugins are measured against, and what a host uses that needs no plugin.
//!
//! - [`StreamSource`] reads a file or a stream such as the standard input.
//! - [`FollowSource`] reads a file that grows.
//! - [`dlt_parser`] reads DLT by `chipmunk-dlt`, the very reader that the plugin `dlt-parser` is made of.
//! - [`DltCoreParser`] reads DLT by the crate `dlt-core`, message by message: the plain yardstick.
//! - [`text_parser`] reads lines of text by `chipmunk-text`, as the plugin `text-parser` does.

mod archiver;
mod dlt;
mod dlt_core;
mod file;
mod follow;
mod text;

pub use dlt::{DltOptions, DltOutput, DltReader, dlt_parser};
pub use dlt_core::{DltCoreMessage, DltCoreParser};
pub use file::StreamSource;
pub use follow::{FollowSource, Turn};
pub use text::{TextOptions, TextOutput, TextReader, text_parser};

/// Where a batch of a native parser ends that would grow beyond so many bytes.
const MAX_ARCHIVE_BYTES: u32 = 64 << 20;
