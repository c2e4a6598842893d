//! Tables: what CSV and JSON Lines have in common, which is how the cells of a message come to stand under captions.
//!
//! A parser gives as many cells as it has captions. Where it does not, every row has all columns nevertheless:
//!
//! - Fewer cells are the last ones: what is missing is missing in front. So a line of which the parser could make nothing stands
//!   where text stands, and a DLT message without a storage header has no time and no ECU of it.
//! - More cells are joined to the last column, with the separator between them.
//! - One cell where there are several captions may be all of them, joined by U+0004, as parsers of API 0.1.0 have it.
//!
//! Nothing is allocated for a message. How a value is written is its [`Notation`]'s.

use std::io;

use super::{Captions, Format};
use crate::{Item, LogMessage, message::COLUMN_SENTINEL};

/// How a table is written.
pub trait Notation: Clone + Send {
    /// Appends what stands before all rows.
    fn header(&self, out: &mut Vec<u8>);

    /// Appends what stands before the value in the column `column`, from 0.
    fn open(&self, column: usize, out: &mut Vec<u8>);

    /// Appends a value.
    fn value(&self, value: &str, out: &mut Vec<u8>);

    /// Appends the first part of a value that is made of several.
    fn first_part(&self, part: &str, out: &mut Vec<u8>);

    /// Appends a further part of it.
    fn next_part(&self, part: &str, out: &mut Vec<u8>);

    /// Appends what stands behind the last part of it.
    fn end_parts(&self, out: &mut Vec<u8>);

    /// Appends what stands behind the last value of a row.
    fn end_row(&self, out: &mut Vec<u8>);
}

/// One row a message, in a notation.
#[derive(Debug, Clone)]
pub struct TableFormat<N> {
    notation: N,
    columns: usize,
    separator: String,
    /// A line that is taken apart, kept to be allocated once.
    line: String,
}

impl<N> TableFormat<N> {
    pub(super) fn of(notation: N, captions: &Captions, separator: impl Into<String>) -> Self {
        Self {
            notation,
            columns: captions.names().len(),
            separator: separator.into(),
            line: String::new(),
        }
    }
}

impl<N: Notation> Format for TableFormat<N> {
    fn header(&self, out: &mut Vec<u8>) {
        self.notation.header(out);
    }

    #[inline]
    fn item<T: LogMessage>(&mut self, item: &Item<'_, T>, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(message) = item.message() else {
            return Ok(());
        };
        let count = message.cell_count();
        if count == 1 && self.columns > 1 {
            self.line.clear();
            message.each_cell(|cell| self.line.push_str(cell));
            let mut row = Row::begin(self, self.line.split(COLUMN_SENTINEL).count(), out);
            self.line
                .split(COLUMN_SENTINEL)
                .for_each(|cell| row.cell(cell));
            row.end();
        } else {
            let mut row = Row::begin(self, count, out);
            message.each_cell(|cell| row.cell(cell));
            row.end();
        }
        Ok(())
    }
}

/// A row that is being written.
struct Row<'a, N> {
    table: &'a TableFormat<N>,
    out: &'a mut Vec<u8>,
    /// The next column to be written.
    column: usize,
    /// There are more cells than columns.
    joins: bool,
}

impl<'a, N: Notation> Row<'a, N> {
    #[inline]
    fn begin(table: &'a TableFormat<N>, cells: usize, out: &'a mut Vec<u8>) -> Self {
        let mut row = Self {
            table,
            out,
            column: 0,
            joins: cells > table.columns,
        };
        row.leave_empty(table.columns.saturating_sub(cells));
        row
    }

    #[inline]
    fn cell(&mut self, cell: &str) {
        let TableFormat {
            notation,
            columns,
            separator,
            ..
        } = self.table;
        if self.column < *columns {
            notation.open(self.column, self.out);
            self.column += 1;
            if self.joins && self.column == *columns {
                notation.first_part(cell, self.out);
            } else {
                notation.value(cell, self.out);
            }
        } else if self.joins {
            notation.next_part(separator, self.out);
            notation.next_part(cell, self.out);
        }
    }

    fn leave_empty(&mut self, columns: usize) {
        for _ in 0..columns {
            self.cell("");
        }
    }

    #[inline]
    fn end(self) {
        if self.joins {
            self.table.notation.end_parts(self.out);
        }
        self.table.notation.end_row(self.out);
    }
}
