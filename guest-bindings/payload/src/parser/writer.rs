//! Lays the archive of a batch out, byte for byte as rkyv would.
//!
//! The text arena is the beginning of the archive and grows in the vector that becomes it. Cells, items and
//! attachments are collected in their archived form beside it, and appended when the batch is finished: one copy of
//! the small part, none of the large one, and no allocation per message. What is allocated per batch is the archive
//! itself, since it is handed out; its size is guessed from the batch before.

use core::ops::Range;

use alloc::{string::String, vec::Vec};

use super::{AttachmentRef, ItemKind, SkipReason, Tail, TextArena, TextCursor};
use crate::layout::{
    ALIGN, ARRAY_SIZE, MAX_ARCHIVE_BYTES, TRAILER_SIZE,
    parser::{
        ATTACHMENT_SIZE, CELL_SIZE, FLAG_CREATED, FLAG_DAMAGED, FLAG_MODIFIED, ITEM_SIZE, MAGIC,
        MESSAGE_NUMBER_SIZE, ROOT_SIZE, TAIL_COMPLETE, TAIL_END, TAIL_ERROR, TAIL_FULL,
        TAIL_INCOMPLETE, TAIL_SIZE, VERSION,
    },
};

/// Makes one batch after the other.
///
/// For each message: push its text, [`end_cell`](Self::end_cell) after each piece, then
/// [`message`](Self::message). Other items need no text. Then [`finish`](Self::finish).
///
/// Offsets and lengths are bytes of the input. Items follow one another in it without gaps: each begins where the one
/// before it stopped consuming.
#[derive(Debug)]
pub struct BatchWriter {
    text: TextArena,
    cells: Vec<[u8; CELL_SIZE]>,
    items: Vec<[u8; ITEM_SIZE]>,
    attachments: Vec<Attachment>,
    /// Text of attachments: no cells, so it must not lie between those of the arena; it comes behind them.
    attachment_text: String,
    attachment_data: Vec<u8>,
    attachment_messages: Vec<[u8; MESSAGE_NUMBER_SIZE]>,
    /// Bytes that the arrays of attachments take in the archive, but for their text. Kept, since
    /// [`is_full`](Self::is_full) asks after every item, and most batches have no attachments.
    attachments_size: usize,
    /// Where the cells of the open item begin, in cells and in bytes of text.
    open_cells: usize,
    open_text: usize,
    /// Where the open cell begins.
    cell_start: usize,
    consumed: u64,
    max_bytes: usize,
    /// The most that one item is expected to add to an archive, in bytes.
    largest_item: usize,
    /// Bytes of the last archives, as a guess at the next.
    capacity_hint: usize,
}

/// An attachment whose ranges are still relative to the text of attachments.
#[derive(Debug)]
struct Attachment {
    data_end: usize,
    messages_end: usize,
    size: u64,
    name: Range<usize>,
    created: Option<Range<usize>>,
    modified: Option<Range<usize>>,
}

impl Default for BatchWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchWriter {
    /// A writer of batches that may be as large as an archive can be.
    pub fn new() -> Self {
        Self::with_max_bytes(u32::MAX)
    }

    /// A writer of batches of at most `max` bytes: see [`is_full`](Self::is_full).
    pub fn with_max_bytes(max: u32) -> Self {
        let max_bytes = (max as usize).min(MAX_ARCHIVE_BYTES);
        Self {
            text: TextArena::default(),
            cells: Vec::new(),
            items: Vec::new(),
            attachments: Vec::new(),
            attachment_text: String::new(),
            attachment_data: Vec::new(),
            attachment_messages: Vec::new(),
            attachments_size: 0,
            open_cells: 0,
            open_text: 0,
            cell_start: 0,
            consumed: 0,
            max_bytes,
            largest_item: max_bytes / 16,
            capacity_hint: 0,
        }
    }

    /// Where to write the text of the open cell.
    #[inline]
    pub fn text(&mut self) -> &mut TextArena {
        if self.text.capacity() == 0 {
            self.reserve_archive();
        }
        &mut self.text
    }

    /// As [`TextArena::append`], for many cells at once.
    #[inline(always)]
    pub fn append_cells<R>(
        &mut self,
        room: usize,
        write: impl FnOnce(&mut CellCursor<'_, '_>) -> R,
    ) -> R {
        if self.text.capacity() == 0 {
            self.reserve_archive();
        }
        self.text.append(room, |to| {
            write(&mut CellCursor {
                text: to,
                cells: &mut self.cells,
                cell_start: &mut self.cell_start,
            })
        })
    }

    /// What was written since the last cell is a cell, also if it is nothing.
    #[inline]
    pub fn end_cell(&mut self) {
        let end = self.text.len();
        self.cell_start = end;
        self.cells.push(le(end));
    }

    /// The next item is a message: the cells since the last item are its own. Text that was not made a cell becomes one.
    ///
    /// `consumed` bytes of the input belong to the item. `raw` is where among them the message's own bytes are.
    /// `damaged` says that its payload does not decode as its header declares.
    #[inline]
    pub fn message(&mut self, consumed: u32, raw: Range<u32>, damaged: bool) {
        self.close_cell();
        let flags = if damaged { FLAG_DAMAGED } else { 0 };
        self.push_item(
            consumed,
            raw,
            ItemKind::Message,
            flags,
            SkipReason::Unspecified,
        );
    }

    /// The next `consumed` bytes are a message that the configuration leaves out. Open text is dropped.
    pub fn filtered(&mut self, consumed: u32) {
        self.discard();
        self.push_item(
            consumed,
            0..0,
            ItemKind::Filtered,
            0,
            SkipReason::Unspecified,
        );
    }

    /// The next `consumed` bytes are no message. Open text is dropped. Skipping nothing adds no item.
    pub fn skipped(&mut self, consumed: u32, reason: SkipReason) {
        self.discard();
        if consumed > 0 {
            self.push_item(consumed, 0..0, ItemKind::Skipped, 0, reason);
        }
    }

    /// The next `consumed` bytes complete an attachment. With `message`, they also are a message, to which the cells
    /// since the last item belong; without, open text is dropped.
    pub fn attachment(
        &mut self,
        consumed: u32,
        message: Option<Range<u32>>,
        attachment: &AttachmentRef<'_>,
    ) {
        let AttachmentRef {
            name,
            size,
            created,
            modified,
            messages,
            data,
        } = *attachment;
        let mut text = |text: &str| {
            let start = self.attachment_text.len();
            self.attachment_text.push_str(text);
            start..self.attachment_text.len()
        };
        let name = text(name);
        let created = created.map(&mut text);
        let modified = modified.map(&mut text);
        self.attachment_data.extend_from_slice(data);
        self.attachment_messages
            .extend(messages.iter().map(|number| number.to_le_bytes()));
        self.attachments.push(Attachment {
            data_end: self.attachment_data.len(),
            messages_end: self.attachment_messages.len(),
            size,
            name,
            created,
            modified,
        });
        self.attachments_size = self.attachment_data.len().next_multiple_of(ALIGN)
            + self.attachments.len() * ATTACHMENT_SIZE
            + self.attachment_messages.len() * MESSAGE_NUMBER_SIZE;
        match message {
            Some(raw) => {
                self.close_cell();
                self.push_item(
                    consumed,
                    raw,
                    ItemKind::MessageAndAttachment,
                    0,
                    SkipReason::Unspecified,
                );
            }
            None => {
                self.discard();
                self.push_item(
                    consumed,
                    0..0,
                    ItemKind::Attachment,
                    0,
                    SkipReason::Unspecified,
                );
            }
        }
    }

    /// Drops the text and the cells since the last item: for a parser that finds out late that it is no message.
    #[inline]
    pub fn discard(&mut self) {
        self.text.truncate(self.open_text);
        self.cells.truncate(self.open_cells);
        self.cell_start = self.open_text;
    }

    /// Items in the batch so far.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the batch has no items yet.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of the input that the items so far consume.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Bytes that the archive would have if it were finished now.
    #[inline]
    pub fn archived_len(&self) -> usize {
        self.archived_len_with(0)
    }

    /// As `archived_len`, with so many bytes of text in the tail.
    #[inline]
    fn archived_len_with(&self, error: usize) -> usize {
        (self.text.len() + self.attachment_text.len() + error).next_multiple_of(ALIGN)
            + self.cells.len() * CELL_SIZE
            + self.items.len() * ITEM_SIZE
            + self.attachments_size
            + ROOT_SIZE
    }

    /// Whether it is time to finish with [`Tail::Full`]: another item might make the archive larger than it may be. It
    /// is taken to be as large as the largest so far, and no less than a sixteenth of what the archive may have. Ask
    /// after each item; before the first one the answer is no.
    ///
    /// An item that is larger still can exceed the limit. A parser that is to keep it strictly compares
    /// [`archived_len`](Self::archived_len) before it closes an item, and [`discard`](Self::discard)s that item.
    #[inline]
    pub fn is_full(&self) -> bool {
        !self.items.is_empty() && self.archived_len() + self.largest_item > self.max_bytes
    }

    /// The archive of the batch. The writer is then empty, and ready for the next one; it keeps its buffers but the
    /// archive's.
    ///
    /// A batch that is larger than any archive can be (2 GiB) comes out as an archive of no items whose tail says so.
    pub fn finish(&mut self, tail: Tail<'_>) -> Vec<u8> {
        self.discard();
        let error = match tail {
            Tail::Error(error) => error,
            _ => "",
        };
        let total = self.archived_len_with(error.len());
        let out = if total < MAX_ARCHIVE_BYTES {
            self.lay_out(tail, error, total)
        } else {
            self.clear();
            const TOO_LARGE: &str =
                "the parser made a batch of more than 2 GiB, which no archive can hold";
            let total = self.archived_len_with(TOO_LARGE.len());
            self.lay_out(Tail::Error(TOO_LARGE), TOO_LARGE, total)
        };
        // A little more than the last one, and only slowly less.
        self.capacity_hint =
            (out.len() + out.len() / 16).max(self.capacity_hint - self.capacity_hint / 16);
        self.clear();
        out
    }

    /// Takes the buffer of an archive that is no longer used, for the next one. For hosts, whose parsers are not
    /// asked for a fresh vector every time.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        if self.text.is_empty() && buffer.capacity() > self.text.capacity() {
            self.text.give(buffer);
        }
    }

    fn lay_out(&mut self, tail: Tail<'_>, error: &str, total: usize) -> Vec<u8> {
        let mut out = self.text.take();
        // Exactly: whoever turns the archive into a boxed slice then moves nothing.
        out.reserve_exact(total - out.len());
        let attachment_text = out.len();
        out.extend_from_slice(self.attachment_text.as_bytes());
        let error_start = out.len();
        out.extend_from_slice(error.as_bytes());
        let text_len = out.len();

        pad(&mut out);
        let cells = out.len();
        out.extend_from_slice(self.cells.as_flattened());
        let items = out.len();
        out.extend_from_slice(self.items.as_flattened());
        let data = out.len();
        out.extend_from_slice(&self.attachment_data);
        pad(&mut out);
        let attachments = out.len();
        for attachment in &self.attachments {
            out.extend_from_slice(attachment.archived(attachment_text).as_flattened());
        }
        let messages = out.len();
        out.extend_from_slice(self.attachment_messages.as_flattened());

        let root = out.len();
        let arrays = [
            (0, text_len),
            (cells, self.cells.len()),
            (items, self.items.len()),
            (data, self.attachment_data.len()),
            (attachments, self.attachments.len()),
            (messages, self.attachment_messages.len()),
        ];
        for (position, (start, count)) in arrays.into_iter().enumerate() {
            out.extend_from_slice(&array(root + position * ARRAY_SIZE, start, count));
        }
        let (state, needed, error_range) = match tail {
            Tail::Complete => (TAIL_COMPLETE, 0, (0, 0)),
            Tail::Incomplete { needed } => (TAIL_INCOMPLETE, needed, (0, 0)),
            Tail::Full => (TAIL_FULL, 0, (0, 0)),
            Tail::End => (TAIL_END, 0, (0, 0)),
            Tail::Error(_) => (TAIL_ERROR, 0, (error_start, error.len())),
        };
        let tail: [[u8; 4]; TAIL_SIZE / 4] = [
            [state, 0, 0, 0],
            needed.to_le_bytes(),
            le(error_range.0),
            le(error_range.1),
        ];
        out.extend_from_slice(tail.as_flattened());
        out.extend_from_slice(&trailer(MAGIC, VERSION));
        out
    }

    /// Text that is not in a cell yet becomes one.
    #[inline]
    fn close_cell(&mut self) {
        if self.text.len() > self.cell_start {
            self.end_cell();
        }
    }

    #[inline]
    fn push_item(
        &mut self,
        consumed: u32,
        raw: Range<u32>,
        kind: ItemKind,
        flags: u8,
        reason: SkipReason,
    ) {
        let size = ITEM_SIZE
            + (self.cells.len() - self.open_cells) * CELL_SIZE
            + (self.text.len() - self.open_text);
        let size = match self.attachments.last() {
            Some(_) if kind.has_attachment() => size + self.last_attachment_size(),
            _ => size,
        };
        self.largest_item = self.largest_item.max(size);
        self.open_cells = self.cells.len();
        self.open_text = self.text.len();
        self.cell_start = self.text.len();
        self.consumed += u64::from(consumed);

        let mut item = [0; ITEM_SIZE];
        let words = [
            consumed.to_le_bytes(),
            raw.start.to_le_bytes(),
            raw.end.saturating_sub(raw.start).to_le_bytes(),
            le(self.cells.len()),
            [kind.code(), flags, reason.code(), 0],
        ];
        item.copy_from_slice(words.as_flattened());
        self.items.push(item);
    }

    #[cold]
    fn last_attachment_size(&self) -> usize {
        let mut ends = self
            .attachments
            .iter()
            .rev()
            .map(|attachment| (attachment.data_end, attachment.messages_end));
        let (data_end, messages_end) = ends.next().unwrap_or_default();
        let (data_start, messages_start) = ends.next().unwrap_or_default();
        // Names and dates are short; half a kilobyte stands for them.
        ATTACHMENT_SIZE
            + (data_end - data_start)
            + (messages_end - messages_start) * MESSAGE_NUMBER_SIZE
            + 512
    }

    fn reserve_archive(&mut self) {
        self.text
            .reserve(self.capacity_hint.clamp(256, self.max_bytes.max(256)));
    }

    /// The text, the ends of cells in it, and the items, as the archive will have them.
    pub(super) fn so_far(&self) -> (&str, &[[u8; CELL_SIZE]], &[[u8; ITEM_SIZE]]) {
        (self.text.as_str(), &self.cells, &self.items)
    }

    /// Forgets the batch, but not the buffers.
    pub fn clear(&mut self) {
        self.text.truncate(0);
        self.cells.clear();
        self.items.clear();
        self.attachments.clear();
        self.attachment_text.clear();
        self.attachment_data.clear();
        self.attachment_messages.clear();
        self.attachments_size = 0;
        self.open_cells = 0;
        self.open_text = 0;
        self.cell_start = 0;
        self.consumed = 0;
    }
}

/// Writes the cells of a message: see [`BatchWriter::append_cells`].
#[derive(Debug)]
pub struct CellCursor<'a, 'text> {
    /// Where to write the text of the open cell.
    pub text: &'a mut TextCursor<'text>,
    cells: &'a mut Vec<[u8; CELL_SIZE]>,
    cell_start: &'a mut usize,
}

impl CellCursor<'_, '_> {
    /// As [`BatchWriter::end_cell`].
    #[inline(always)]
    pub fn end_cell(&mut self) {
        let end = self.text.len();
        *self.cell_start = end;
        self.cells.push(le(end));
    }
}

impl Attachment {
    /// As in the archive, where the text of attachments begins at `text`.
    fn archived(&self, text: usize) -> [[u8; 4]; ATTACHMENT_SIZE / 4] {
        let range = |range: Option<&Range<usize>>| match range {
            Some(range) => (le(text + range.start), le(range.len())),
            None => (le(0), le(0)),
        };
        let (name_start, name_len) = range(Some(&self.name));
        let (created_start, created_len) = range(self.created.as_ref());
        let (modified_start, modified_len) = range(self.modified.as_ref());
        let created = if self.created.is_some() {
            FLAG_CREATED
        } else {
            0
        };
        let modified = if self.modified.is_some() {
            FLAG_MODIFIED
        } else {
            0
        };
        [
            le(self.data_end),
            le(self.messages_end),
            (self.size as u32).to_le_bytes(),
            ((self.size >> 32) as u32).to_le_bytes(),
            (created | modified).to_le_bytes(),
            name_start,
            name_len,
            created_start,
            created_len,
            modified_start,
            modified_len,
        ]
    }
}

/// A length or position as the archive's `u32`. Larger ones do not occur: `finish` refuses such batches as a whole.
#[inline]
pub(crate) fn le(number: usize) -> [u8; 4] {
    (number as u32).to_le_bytes()
}

/// Zeros up to the next aligned position.
pub(crate) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGN), 0);
}

/// An array's entry in the root, where the entry is at `entry`.
pub(crate) fn array(entry: usize, start: usize, count: usize) -> [u8; ARRAY_SIZE] {
    let relative = (start as u32).wrapping_sub(entry as u32);
    let mut bytes = [0; ARRAY_SIZE];
    bytes.copy_from_slice([relative.to_le_bytes(), le(count)].as_flattened());
    bytes
}

/// The end of every archive.
pub(crate) fn trailer(magic: [u8; 4], version: u32) -> [u8; TRAILER_SIZE] {
    let mut bytes = [0; TRAILER_SIZE];
    bytes.copy_from_slice([magic, version.to_le_bytes()].as_flattened());
    bytes
}
