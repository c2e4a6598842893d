//! What was written of a batch, read back before it becomes an archive: for who answers in another form, such as the lists of
//! records of API 0.1.0, over a parser that writes batches.

use super::{BatchWriter, ItemKind};

/// An item that was written: see [`BatchWriter::written`].
#[derive(Debug, Clone)]
pub struct WrittenItem<'a> {
    /// What it is.
    pub kind: ItemKind,
    /// Bytes of the input that belong to it.
    pub consumed: u32,
    /// The text of its cells.
    pub cells: WrittenCells<'a>,
}

/// The text of an item's cells.
#[derive(Debug, Clone)]
pub struct WrittenCells<'a> {
    text: &'a str,
    start: usize,
    ends: core::slice::Iter<'a, [u8; 4]>,
}

impl BatchWriter {
    /// The items in the batch so far, in order. What follows the last of them, such as a cell of an open item, is not among them.
    pub fn written(&self) -> impl Iterator<Item = WrittenItem<'_>> {
        let (text, cells, items) = self.so_far();
        let (mut first, mut start) = (0, 0);
        items.iter().map(move |item| {
            let [consumed, _, _, cells_end, codes] = item.as_chunks().0 else {
                unreachable!("an item is five words")
            };
            let end = u32::from_le_bytes(*cells_end) as usize;
            let ends = cells.get(first..end).unwrap_or_default();
            let cells = WrittenCells {
                text,
                start,
                ends: ends.iter(),
            };
            first = end;
            if let Some(last) = ends.last() {
                start = u32::from_le_bytes(*last) as usize;
            }
            WrittenItem {
                kind: ItemKind::from_code(codes[0]).unwrap_or(ItemKind::Skipped),
                consumed: u32::from_le_bytes(*consumed),
                cells,
            }
        })
    }
}

impl<'a> Iterator for WrittenCells<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let end = u32::from_le_bytes(*self.ends.next()?) as usize;
        let cell = self.text.get(self.start..end);
        self.start = end;
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::parser::SkipReason;

    #[test]
    fn items_are_read_back_as_they_were_written() {
        let mut out = BatchWriter::new();
        assert!(out.written().next().is_none());
        for cells in [&["Grüße", "", "b"][..], &[], &["c"]] {
            for cell in cells {
                out.text().push_str(cell);
                out.end_cell();
            }
            out.message(7, 1..6, false);
            out.skipped(9, SkipReason::Garbage);
        }
        out.text().push_str("of an item that is open");
        out.end_cell();
        let written: Vec<_> = out
            .written()
            .map(|item| (item.kind, item.consumed, item.cells.collect::<Vec<_>>()))
            .collect();
        let message = |cells: &[&'static str]| (ItemKind::Message, 7, cells.to_vec());
        let skipped = (ItemKind::Skipped, 9, Vec::new());
        let expected = [
            message(&["Grüße", "", "b"]),
            skipped.clone(),
            message(&[]),
            skipped.clone(),
            message(&["c"]),
            skipped,
        ];
        assert_eq!(written, expected);
        out.clear();
        assert!(out.is_empty() && out.written().next().is_none());
    }
}
