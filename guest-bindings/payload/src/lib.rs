//! The archives that Chipmunk plugins and their host exchange.
//!
//! `parse` and `read` answer with one byte list each, so that a call costs the same whether it brings one message or
//! ten thousand. What is in the list is an archive in rkyv's default format, of a schema that is small and frozen:
//! see `wit/PAYLOAD.md` for every byte of it. This crate is its only implementation in Rust.
//!
//! - [`parser`]: what a parser found in a chunk. [`BatchWriter`] makes it, [`Batch`] reads it.
//! - [`source`]: what a byte source read. [`SourceWriter`] makes it, [`SourceChunk`] reads it.
//!
//! ```
//! use chipmunk_payload::{AlignedBytes, Batch, BatchWriter, Tail};
//!
//! let input = b"hello\nwor";
//! let mut out = BatchWriter::new();
//! out.text().push_str("hello");
//! out.end_cell();
//! out.message(6, 0..5, false);
//! let archive: Vec<u8> = out.finish(Tail::Incomplete { needed: 1 });
//!
//! let batch = Batch::check(AlignedBytes::from(archive), input.len())?;
//! assert_eq!(batch.len(), 1);
//! assert_eq!(batch.cells(0).collect::<Vec<_>>(), ["hello"]);
//! assert_eq!(batch.item(0).map(|item| item.raw), Some(0..5));
//! assert_eq!(batch.consumed(), 6);
//! # Ok::<(), chipmunk_payload::PayloadError>(())
//! ```
//!
//! # Why the writers do not use rkyv
//!
//! rkyv serialises a value that exists. A parser would have to build that value first, one vector and one string
//! after the other, and rkyv would copy it. The writers here lay the same bytes out directly: the text arena grows in
//! its final place, the fixed-size entries are collected beside it and appended once. The tests hold the result
//! against what rkyv makes of the same value, byte for byte, and the layout's constants are asserted against rkyv's
//! types when this crate is compiled. So a guest needs neither rkyv nor bytecheck: it leaves the feature `reader` out.
//!
//! # What reading checks
//!
//! Everything. A plugin's archive is foreign data: the readers accept an archive as a whole or refuse it with an error
//! that names the place, and what they then hand out needs no further check. They allocate nothing that is larger
//! than the archive itself, whatever it claims.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod aligned;
#[cfg(feature = "reader")]
mod error;
pub mod layout;
pub mod parser;
#[cfg(feature = "reader")]
mod schema;
pub mod source;
#[cfg(all(test, feature = "reader"))]
mod tests;

pub use aligned::AlignedBytes;
#[cfg(feature = "reader")]
pub use error::{Part, PayloadError, Problem};
pub use parser::{
    AttachmentRef, BatchWriter, CellCursor, ItemKind, SkipReason, Tail, TextArena, TextCursor,
    WrittenCells, WrittenItem,
};
#[cfg(feature = "reader")]
pub use parser::{AttachmentView, Batch, Cells, ItemView, Items, MessageNumbers, TailView};
#[cfg(feature = "reader")]
pub use source::SourceChunk;
pub use source::{Segment, SourceWriter, State};
