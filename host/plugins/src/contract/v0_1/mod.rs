//! API 0.1.0, Chipmunk's published one: what of it differs from 0.2.0.
//!
//! Configuration, logging, versions and render options are the same types under another version, and those of `types` serve
//! both. What differs is the work: `parse` returns a list of records instead of an archive, knows of no end, and can only
//! say *error*, where 0.2.0 says how much is garbage. `records` has the layout of the list and lifts it straight into a
//! batch; `parser` makes of a parser that knows only that interface one that answers with archives, and decides how much of
//! the input it is given at a time (`window`).
//!
//! # What a 0.1.0 parser cannot say, and what the host makes of that
//! - *Where in its input a message lies.* All that an item consumes is taken for the message's own bytes. `--format raw` is refused,
//!   since garbage may be among them.
//! - *What it skipped.* An item without a value counts as filtered. After a `parse` error the host passes over one byte and
//!   asks again, as Chipmunk does; that is what counts as skipped.
//! - *Columns.* Chipmunk shows a message as one text with U+0004 between its columns, and parsers return either columns or such a
//!   text. Both become the cells between U+0004, which the host joins as it is told.
//! - *That there is no end yet.* `at-end` is not among `parse`'s parameters. A parser that never answers `incomplete` may take the
//!   end of what it is given for the end of a message; the last message of such a parser is asked for again with more behind it.

mod parser;
mod records;
mod window;

pub(super) use parser::{Call, RecordParser};
pub(super) use records::{ParseResult, lift};
