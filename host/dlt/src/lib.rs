//! Reads DLT traces (AUTOSAR "Diagnostic Log and Trace", protocol version 1) into batches.
//!
//! One [`Reader`] serves everybody: the host's native parser and the plugin `dlt-parser`, so that both give the same
//! messages, the same text and the same counts. It allocates nothing per message: text is written straight into the
//! batch, and only the text that was asked for ([`Output`]).
//!
//! - Every message that is there comes out, also one whose payload does not decode: it is marked as damaged, shows the
//!   arguments that decode, and the rest as a hex list. Whether it is damaged is found out with every output.
//! - Anything else is skipped in runs, each one item with its reason.
//! - Results do not depend on how the input is cut into chunks.
//!
//! What is a message is decided in `reader`, cut up in `header`, decoded in `payload` and written in `text`.
//! [`generate`] makes traces to test with. FIBEX descriptions of non-verbose messages are not read.
//!
//! ```
//! use chipmunk_dlt::{Options, Output, Reader};
//! use chipmunk_payload::{AlignedBytes, Batch, BatchWriter, Tail};
//!
//! let trace = b"DLT\x01\x20\x78\x53\x65\x10\x27\x00\x00ECU1\
//!     \x21\x07\x00\x18\x41\x01APP\0CON\0\x00\x02\x00\x00\x04\x00Hi!\0";
//! let mut reader = Reader::new(Options { output: Output::Line, column_separator: "|".into(), ..Options::default() });
//! let mut out = BatchWriter::new();
//! let tail = reader.read(trace, true, &mut out);
//! let batch = Batch::check(AlignedBytes::from(out.finish(tail)), trace.len())?;
//! assert_eq!(
//!     batch.cells(0).collect::<Vec<_>>(),
//!     ["2023-11-14T13:37:36.010000000Z|ECU1|1||7|||APP|CON|LogLevel INFO| Hi!"],
//! );
//! # Ok::<(), chipmunk_payload::PayloadError>(())
//! ```

mod float;
pub mod generate;
mod header;
mod payload;
mod plain;
mod reader;
mod service;
mod text;

pub use reader::{Reader, Skipped};

/// How to read, and what to write of each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether a storage header is before every message, as in files; without, as on the wire.
    pub storage_header: bool,
    /// What is written of each message.
    pub output: Output,
    /// What stands between two columns of a line. Not used with [`Output::Columns`], whose cells are not joined here.
    pub column_separator: String,
    /// What stands before each argument of a payload.
    pub argument_separator: String,
}

impl Default for Options {
    /// With storage headers, as columns; a tab and a space as separators.
    fn default() -> Self {
        Options {
            storage_header: true,
            output: Output::Columns,
            column_separator: "\t".to_owned(),
            argument_separator: " ".to_owned(),
        }
    }
}

/// What is written of each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Nothing but where it is in the input: no cells.
    Ranges,
    /// The columns joined by the column separator: one cell.
    Line,
    /// One cell a column: those of [`COLUMNS`]. Without storage headers ten, of which the first, empty one stands for time
    /// and ECU: joined, they give the same line.
    Columns,
}

/// A column's heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading itself.
    pub caption: &'static str,
    /// One sentence about what is in the column.
    pub description: &'static str,
    /// Width to show it in, in characters; -1 for the rest of the line.
    pub width: i16,
}

/// The columns of a message with a storage header.
pub const COLUMNS: [Column; 11] = [
    column("Datetime", "When the logger stored the message, UTC.", 30),
    column("ECUID", "The control unit, by the storage header.", 6),
    column("VERS", "The version of the DLT protocol.", 4),
    column("SID", "The session, where the message names one.", 10),
    column("MCNT", "The sender's message counter, 0 to 255.", 4),
    column(
        "TMS",
        "The sender's clock in units of 0.1 ms, where the message has it.",
        10,
    ),
    column("EID", "The control unit, by the message itself.", 6),
    column("APID", "The application.", 6),
    column("CTID", "The application's context.", 6),
    column(
        "MSTP",
        "The kind of message, with its log level where it is a log.",
        16,
    ),
    column("PAYLOAD", "The arguments, or what is known of them.", -1),
];

const fn column(caption: &'static str, description: &'static str, width: i16) -> Column {
    Column {
        caption,
        description,
        width,
    }
}
