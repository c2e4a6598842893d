//! Write Chipmunk plugins in Rust.
//!
//! A plugin is a WebAssembly component. This crate makes one of a type of yours: implement one trait, [`Parser`] or
//! [`ByteSource`], and write one line, [`export_parser!`] or [`export_byte_source!`]. You will not meet WIT, bindings
//! or archives; where they matter, the contract behind this crate is in `wit/` and in `wit/PAYLOAD.md`.
//!
//! # A first plugin
//!
//! `chipmunk-plugins new parser line-parser --lang rust` makes a project that builds and is tested. By hand, a parser for lines of text: make a library, and have it built as a `cdylib`, which is what becomes the component:
//!
//! ```toml
//! [package]
//! name = "line-parser"
//! version = "1.0.0"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [dependencies]
//! chipmunk-plugin = { path = "../../guest-bindings/rust" }
//!
//! [profile.release]
//! lto = true
//! panic = "abort"
//! ```
//!
//! And this is all of `src/lib.rs`:
//!
//! ```
//! use chipmunk_plugin::{
//!     BatchWriter, ConfigSchemaItem, InitError, Input, Output, Parser, ParserConfig, Tail, info,
//! };
//!
//! struct LineParser {
//!     /// Lines that begin with this are left out.
//!     comment: String,
//!     with_text: bool,
//! }
//!
//! impl Parser for LineParser {
//!     // What the user can configure.
//!     fn config_schema() -> Vec<ConfigSchemaItem> {
//!         vec![
//!             ConfigSchemaItem::text("comment", "Comment", "#")
//!                 .describe("Lines that begin with this are left out; nothing is left out if it is empty."),
//!         ]
//!     }
//!
//!     // Called once, with a value for every item of the schema.
//!     fn new(config: &ParserConfig) -> Result<Self, InitError> {
//!         let comment = config.text("comment")?.to_string();
//!         info!("lines that begin with {comment:?} are left out");
//!         Ok(Self { comment, with_text: config.output != Output::Ranges })
//!     }
//!
//!     // Called with one chunk after the other.
//!     fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
//!         let mut rest = input.data;
//!         while !rest.is_empty() {
//!             if out.is_full() {
//!                 return Tail::Full;
//!             }
//!             let (line, consumed) = match rest.iter().position(|&byte| byte == b'\n') {
//!                 Some(end) => (&rest[..end], end + 1),
//!                 None if input.at_end => (rest, rest.len()),
//!                 None => return Tail::Incomplete { needed: 0 },
//!             };
//!             if !self.comment.is_empty() && line.starts_with(self.comment.as_bytes()) {
//!                 out.filtered(consumed as u32);
//!             } else {
//!                 if self.with_text {
//!                     out.text().push_lossy(line);
//!                     out.end_cell();
//!                 }
//!                 out.message(consumed as u32, 0..line.len() as u32, false);
//!             }
//!             rest = &rest[consumed..];
//!         }
//!         Tail::Complete
//!     }
//! }
//!
//! chipmunk_plugin::export_parser!(LineParser);
//!
//! // The same parser in a test, which runs natively.
//! use chipmunk_plugin::testing::{self, Found};
//!
//! let found = testing::parse_all::<LineParser>(&[], Output::Line, b"one\n# two\nthree", 4)?;
//! assert_eq!(found, [Found::message(b"one", &["one"]), Found::Filtered(6), Found::message(b"three", &["three"])]);
//! # Ok::<(), testing::TestError>(())
//! ```
//!
//! Build it, and see what the host makes of it:
//!
//! ```text
//! cargo build --release --target wasm32-wasip2
//! chipmunk-plugins inspect target/wasm32-wasip2/release/line_parser.wasm
//! chipmunk-plugins export notes.txt --parser target/wasm32-wasip2/release/line_parser.wasm --format text
//! ```
//!
//! # What a parser has to do
//!
//! [`Parser::parse`] is given a chunk of the input and describes it from its beginning, item by item, without gaps: a
//! [message](BatchWriter::message), something [filtered](BatchWriter::filtered), bytes that are no message and are
//! [skipped](BatchWriter::skipped). Every item says how many bytes it consumes. Then it returns why it stopped:
//!
//! | [`Tail`] | when | what comes next |
//! |---|---|---|
//! | `Complete` | everything is consumed | the next chunk |
//! | `Incomplete` | what is left is the beginning of something | the rest again, with more behind it |
//! | `Full` | [`BatchWriter::is_full`] says so | the rest again, at once |
//! | `End` | the format says that nothing follows | nothing |
//! | `Error` | the parser cannot go on | nothing; the user sees the text |
//!
//! - Skip garbage in one item, however long, and find the next message yourself. Never give up at the first wrong byte.
//! - When [`Input::at_end`] is set, nothing will follow: what is incomplete now stays so. Skip its first byte or
//!   bytes as [`SkipReason::Truncated`], and look for messages behind them.
//! - Render what [`ParserConfig::output`] asks for and nothing else. `Ranges`: no cells. `Line`: one cell. `Columns`: one cell
//!   for each column of [`Parser::render_options`].
//! - A file that the trace carries is an [attachment](BatchWriter::attachment) of the message, or of the bytes, that complete
//!   it. Its [messages](AttachmentRef::messages) are counted from 0 since `new`, over all chunks, and only those that are
//!   handed out count: not what is filtered or skipped.
//! - Text goes straight into the archive: `write!(out.text(), ...)` or the `push` methods of [`TextArena`]. Allocating a
//!   string per message is what makes parsers slow.
//!
//! # What a byte source has to do
//!
//! [`ByteSource::read`] puts up to as many bytes as the [`SourceWriter`] has room for into it, and says with [`State`] what comes
//! after them. The bytes are read to where they stay: with [`InputFile`], [`SourceWriter::read_from`], or into [`SourceWriter::spare`].
//! See there, and the plugin `file-source`, which is a page long.
//!
//! # What a plugin may do
//!
//! Everything in `std` compiles, but only what the host grants works: the files that the user chose in a configuration
//! item of type *files*, for reading; [`temp_directory`], for writing; the log ([`error!`] to [`trace!`]). A panic is caught
//! by nobody: it ends the plugin, and its message is the last line in the log.
//!
//! A plugin is instantiated once for each session. `new` may be called again on a running instance; the value made before
//! is dropped first.

// The macros name this crate's items by its name, also in this crate.
extern crate self as chipmunk_plugin;

#[doc(hidden)]
pub mod bindings;
mod config;
mod export;
mod file;
mod log;
mod parser;
mod sandbox;
mod source;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use bindings::byte_source::chipmunk::bytesource::bytesource_types::{
    Capabilities as SourceCapabilities, SourceError,
};
pub use bindings::parser::chipmunk::parser::parse_types::{
    Capabilities as ParserCapabilities, ColumnInfo, ColumnsRenderOptions, Output, RenderOptions,
};
pub use bindings::parser::chipmunk::shared::{
    logging::Level,
    shared_types::{
        ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue, InitError, Version,
    },
};
pub use chipmunk_payload::{
    AttachmentRef, BatchWriter, SkipReason, SourceWriter, State, Tail, TextArena,
};
pub use config::Config;
pub use file::InputFile;
pub use log::{log, set_log_level};
pub use parser::{Input, Parser, ParserConfig};
pub use sandbox::temp_directory;
pub use source::ByteSource;

#[doc(hidden)]
pub use wit_bindgen as __wit_bindgen;

/// For the export macros only.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::{
        Kept, ParserComponent, ParserSlot, SourceComponent, SourceSlot, package_version,
    };
}
