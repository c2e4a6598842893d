//! Checks a batch once, and then reads it in place.
//!
//! The order: magic and version, which say what the rest means; rkyv's checked access, which says that every array
//! lies in the archive; one pass over the numbers, which says that they make sense together and with the input. The
//! pass is written for speed, since it runs over every message there is: loops without exits that the compiler can
//! vectorise find out *whether* something is wrong, and only then a slow loop finds out what.

use core::ops::Range;

use alloc::vec::Vec;

use rkyv::rend::u32_le;

use super::{ItemKind, SkipReason, TailView, cursor::copy};
use crate::{
    AlignedBytes, Part, PayloadError, Problem,
    layout::{
        ALIGN, ARRAY_SIZE, TRAILER_SIZE,
        parser::{
            ATTACHMENT_SIZE, CELL_SIZE, FLAG_CREATED, FLAG_DAMAGED, FLAG_MODIFIED, ITEM_SIZE,
            MAGIC, MESSAGE_NUMBER_SIZE, ROOT_SIZE, TAIL_COMPLETE, TAIL_END, TAIL_ERROR, TAIL_FULL,
            TAIL_INCOMPLETE, TAIL_OFFSET, VERSION,
        },
    },
    schema::{ArchivedAttachment, ArchivedItem, ArchivedMessageNumber, ArchivedParserRoot},
};

/// A parser's archive that was checked, with what it takes to find any item in it at once.
///
/// Share it behind an `Arc`: a message is then a batch and an index, and costs no allocation.
#[derive(Debug)]
pub struct Batch {
    /// Never changed after the check.
    bytes: AlignedBytes,
    /// Where each item begins in the input.
    starts: Vec<u32>,
    /// The items that have attachments, in order.
    with_attachment: Vec<u32>,
    consumed: u32,
}

/// One item of a batch. All offsets and ranges are bytes of the input, from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemView {
    /// What it is.
    pub kind: ItemKind,
    /// Where it begins.
    pub offset: usize,
    /// How many bytes belong to it.
    pub consumed: usize,
    /// The message's own bytes; empty for an item without a message.
    pub raw: Range<usize>,
    /// The message's payload does not decode as its header declares.
    pub damaged: bool,
    /// Why it was skipped, if it was.
    pub reason: SkipReason,
    /// Its cells, as positions among all cells of the batch.
    pub cells: Range<usize>,
}

/// An attachment of a batch: a file, say, that was sent in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentView<'a> {
    /// Its file name.
    pub name: &'a str,
    /// Its size in bytes as announced, which need not be the length of `data`.
    pub size: u64,
    /// When it was created, in the trace's own words.
    pub created: Option<&'a str>,
    /// When it was last modified, in the trace's own words.
    pub modified: Option<&'a str>,
    /// Its bytes.
    pub data: &'a [u8],
    messages: &'a [ArchivedMessageNumber],
}

impl<'a> AttachmentView<'a> {
    /// The numbers of the messages that carried it, as the parser counts them: from 0 over all batches of a trace. They
    /// are not checked against the messages that there were.
    pub fn messages(&self) -> MessageNumbers<'a> {
        MessageNumbers {
            numbers: self.messages.iter(),
        }
    }
}

/// The numbers of the messages that carried an attachment, from [`AttachmentView::messages`].
#[derive(Debug, Clone)]
pub struct MessageNumbers<'a> {
    numbers: core::slice::Iter<'a, ArchivedMessageNumber>,
}

impl Iterator for MessageNumbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let number = self.numbers.next()?;
        Some(join(number.low, number.high))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl ExactSizeIterator for MessageNumbers<'_> {}

impl Batch {
    /// Checks an archive that a parser made of an input of `input_len` bytes.
    ///
    /// # Errors
    /// Everything that is wrong with an archive is the plugin's fault and refuses it as a whole; see
    /// [`PayloadError`].
    pub fn check(bytes: AlignedBytes, input_len: usize) -> Result<Batch, PayloadError> {
        let root = access(&bytes)?;
        let text = check_text(&bytes, root)?;
        check_cells(&bytes, root, text)?;
        let Starts {
            starts,
            with_attachment,
            consumed,
        } = check_items(&bytes, root, input_len)?;
        check_attachments(&bytes, root, text)?;
        check_tail(&bytes, root, text, consumed, input_len)?;
        Ok(Batch {
            bytes,
            starts,
            with_attachment,
            consumed,
        })
    }

    /// Items in the batch.
    #[inline]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether the batch has no items.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes of the input that the items consume together.
    #[inline]
    pub fn consumed(&self) -> usize {
        self.consumed as usize
    }

    /// Item `index`, if there are so many.
    #[inline]
    pub fn item(&self, index: usize) -> Option<ItemView> {
        let items = self.root().items.as_slice();
        let start = *self.starts.get(index)?;
        Some(view(
            items.get(index)?,
            start as usize,
            cells_before(items, index),
        ))
    }

    /// All items, in order.
    pub fn iter(&self) -> Items<'_> {
        Items {
            items: self.root().items.as_slice().iter(),
            offset: 0,
            cells: 0,
        }
    }

    /// The cells of item `index`: none if there is no such item.
    #[inline]
    pub fn cells(&self, index: usize) -> Cells<'_> {
        let root = self.root();
        let items = root.items.as_slice();
        let (first, end) = match items.get(index) {
            Some(item) => (
                cells_before(items, index),
                item.cells_end.to_native() as usize,
            ),
            None => (0, 0),
        };
        let cells = root.cells.as_slice();
        Cells {
            text: root.text.as_slice(),
            at: match first {
                0 => 0,
                first => cells
                    .get(first - 1)
                    .map_or(0, |end| end.to_native() as usize),
            },
            ends: cells.get(first..end).unwrap_or_default().iter(),
        }
    }

    /// The attachment of item `index`, if it has one.
    pub fn attachment(&self, index: usize) -> Option<AttachmentView<'_>> {
        let index = u32::try_from(index).ok()?;
        let position = self.with_attachment.binary_search(&index).ok()?;
        let root = self.root();
        let attachments = root.attachments.as_slice();
        let attachment = attachments.get(position)?;
        let (data_end, messages_end) = ends(attachment);
        let (data_start, messages_start) = match position {
            0 => (0, 0),
            position => ends(attachments.get(position - 1)?),
        };
        let text = |start: &u32_le, len: &u32_le| {
            let start = start.to_native() as usize;
            let bytes = root
                .text
                .as_slice()
                .get(start..start + len.to_native() as usize);
            bytes
                .and_then(|bytes| core::str::from_utf8(bytes).ok())
                .unwrap_or_default()
        };
        let flags = attachment.flags.to_native();
        Some(AttachmentView {
            name: text(&attachment.name_start, &attachment.name_len),
            size: join(attachment.size_low, attachment.size_high),
            created: (flags & FLAG_CREATED != 0)
                .then(|| text(&attachment.created_start, &attachment.created_len)),
            modified: (flags & FLAG_MODIFIED != 0)
                .then(|| text(&attachment.modified_start, &attachment.modified_len)),
            data: root.data.as_slice().get(data_start..data_end)?,
            messages: root
                .attachment_messages
                .as_slice()
                .get(messages_start..messages_end)?,
        })
    }

    /// How the batch ended.
    pub fn tail(&self) -> TailView<'_> {
        let root = self.root();
        match root.tail.state {
            TAIL_COMPLETE => TailView::Complete,
            TAIL_INCOMPLETE => TailView::Incomplete {
                needed: root.tail.needed.to_native(),
            },
            TAIL_FULL => TailView::Full,
            TAIL_END => TailView::End,
            _ => {
                let start = root.tail.error_start.to_native() as usize;
                let text = root
                    .text
                    .as_slice()
                    .get(start..start + root.tail.error_len.to_native() as usize);
                TailView::Error(
                    text.and_then(|text| core::str::from_utf8(text).ok())
                        .unwrap_or_default(),
                )
            }
        }
    }

    /// Bytes of the archive.
    pub fn archived_len(&self) -> usize {
        self.bytes.len()
    }

    /// The archive's bytes, or their buffer to be used again.
    pub fn into_bytes(self) -> AlignedBytes {
        self.bytes
    }

    #[inline]
    fn root(&self) -> &ArchivedParserRoot {
        // SAFETY: `check`, the only way to make a `Batch`, had `rkyv::access` check a root of this type at the end of
        // these very bytes. They have not changed since: the field is private, nothing here writes to it, and
        // moving an `AlignedBytes` does not move the heap buffer that its bytes are in.
        unsafe { rkyv::access_unchecked::<ArchivedParserRoot>(&self.bytes) }
    }
}

/// The items of a batch, from [`Batch::iter`].
#[derive(Debug, Clone)]
pub struct Items<'a> {
    items: core::slice::Iter<'a, ArchivedItem>,
    offset: usize,
    cells: usize,
}

impl Iterator for Items<'_> {
    type Item = ItemView;

    #[inline]
    fn next(&mut self) -> Option<ItemView> {
        let view = view(self.items.next()?, self.offset, self.cells);
        self.offset += view.consumed;
        self.cells = view.cells.end;
        Some(view)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for Items<'_> {}

impl Cells<'_> {
    /// Appends the cells to `out`, with `separator` between two of them.
    #[inline]
    pub fn join_into(mut self, separator: &str, out: &mut Vec<u8>) {
        if self.ends.len() == 1 {
            // A line, say.
            if let Some(only) = self.next() {
                out.extend_from_slice(only.as_bytes());
            }
        } else {
            self.join_several_into(separator, out);
        }
    }

    fn join_several_into(self, separator: &str, out: &mut Vec<u8>) {
        let Some(last) = self.ends.as_slice().last() else {
            return;
        };
        let separator = separator.as_bytes();
        let text = (last.to_native() as usize).saturating_sub(self.at);
        let mut left = self.ends.len() - 1;
        out.reserve(text + left * separator.len());
        let mut append = |bytes: &[u8]| {
            let end = out.len();
            // SAFETY: room for the text of all cells and a separator between each two of them was reserved, which nobody else can
            // refer to; what is appended here is no more than that. Then these are bytes that were written.
            unsafe {
                copy(bytes.as_ptr(), out.as_mut_ptr().add(end), bytes.len());
                out.set_len(end + bytes.len());
            }
        };
        for cell in self {
            append(cell.as_bytes());
            if left > 0 {
                left -= 1;
                append(separator);
            }
        }
    }
}

/// The cells of an item, from [`Batch::cells`].
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    /// The text of a checked batch: valid UTF-8, and every end in `ends` is in it and on a character's boundary.
    text: &'a [u8],
    at: usize,
    ends: core::slice::Iter<'a, u32_le>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let end = self.ends.next()?.to_native() as usize;
        let start = core::mem::replace(&mut self.at, end);
        // SAFETY: `Cells` is only made by a checked `Batch`. The check found that the ends of cells ascend and that the
        // last is within the text, so `start <= end <= text.len()`; that the text is valid UTF-8; and that
        // each end is the boundary of a character, so the part between two of them is valid UTF-8 too.
        Some(unsafe { core::str::from_utf8_unchecked(self.text.get_unchecked(start..end)) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for Cells<'_> {}

/// A `u64` from its halves.
fn join(low: u32_le, high: u32_le) -> u64 {
    u64::from(low.to_native()) | u64::from(high.to_native()) << 32
}

/// Where an attachment's bytes end, and the numbers of its messages.
fn ends(attachment: &ArchivedAttachment) -> (usize, usize) {
    (
        attachment.data_end.to_native() as usize,
        attachment.messages_end.to_native() as usize,
    )
}

#[inline]
fn view(item: &ArchivedItem, offset: usize, cells_start: usize) -> ItemView {
    let raw = offset + item.raw_start.to_native() as usize;
    ItemView {
        // Both codes were checked; what follows `unwrap_or` is never used.
        kind: ItemKind::from_code(item.kind).unwrap_or(ItemKind::Skipped),
        offset,
        consumed: item.consumed.to_native() as usize,
        raw: raw..raw + item.raw_len.to_native() as usize,
        damaged: item.flags & FLAG_DAMAGED != 0,
        reason: SkipReason::from_code(item.reason).unwrap_or_default(),
        cells: cells_start..item.cells_end.to_native() as usize,
    }
}

#[inline]
fn cells_before(items: &[ArchivedItem], index: usize) -> usize {
    match index {
        0 => 0,
        index => items
            .get(index - 1)
            .map_or(0, |item| item.cells_end.to_native() as usize),
    }
}

/// Magic, version, and that every array lies in the archive.
fn access(bytes: &[u8]) -> Result<&ArchivedParserRoot, PayloadError> {
    check_trailer(bytes, ROOT_SIZE, MAGIC, VERSION)?;
    rkyv::access::<ArchivedParserRoot, rkyv::rancor::Failure>(bytes).map_err(|_| {
        let arrays = [
            (Part::Text, 1),
            (Part::Cell, CELL_SIZE as i64),
            (Part::Item, ITEM_SIZE as i64),
            (Part::Bytes, 1),
            (Part::Attachment, ATTACHMENT_SIZE as i64),
            (Part::MessageNumber, MESSAGE_NUMBER_SIZE as i64),
        ];
        explain_arrays(bytes, bytes.len() - ROOT_SIZE, &arrays)
    })
}

/// What the last eight bytes of an archive say.
pub(crate) fn check_trailer(
    bytes: &[u8],
    least: usize,
    expected: [u8; 4],
    known: u32,
) -> Result<(), PayloadError> {
    let len = bytes.len();
    let trailer = bytes
        .last_chunk::<TRAILER_SIZE>()
        .filter(|_| len >= least && len.is_multiple_of(ALIGN));
    let Some(&[a, b, c, d, version @ ..]) = trailer else {
        return Err(PayloadError::Length { len, least });
    };
    let found = [a, b, c, d];
    if found != expected {
        return Err(PayloadError::Magic {
            offset: len - TRAILER_SIZE,
            expected,
            found,
        });
    }
    let found = u32::from_le_bytes(version);
    if found != known {
        return Err(PayloadError::Version {
            offset: len - 4,
            found,
            known,
        });
    }
    Ok(())
}

/// Which array rkyv's check did not like: `arrays` are those of the root, with the sizes of their elements.
#[cold]
pub(crate) fn explain_arrays(bytes: &[u8], root: usize, arrays: &[(Part, i64)]) -> PayloadError {
    let mut end_before = 0;
    for (position, &(array, size)) in arrays.iter().enumerate() {
        let offset = root + position * ARRAY_SIZE;
        let Some(&[a, b, c, d, count @ ..]) = bytes
            .get(offset..)
            .and_then(|entry| entry.first_chunk::<ARRAY_SIZE>())
        else {
            break;
        };
        let count = u32::from_le_bytes(count);
        let start = offset as i64 + i64::from(i32::from_le_bytes([a, b, c, d]));
        let end = start.saturating_add(i64::from(count) * size);
        let aligned = size == 1 || start % ALIGN as i64 == 0;
        if start < end_before || end > root as i64 || !aligned {
            return PayloadError::Array {
                array,
                offset,
                count,
            };
        }
        end_before = end;
    }
    PayloadError::Array {
        array: Part::Root,
        offset: root,
        count: 1,
    }
}

/// Where `part` lies in the archive `bytes`: for errors.
pub(crate) fn offset_in<T: ?Sized>(bytes: &[u8], part: &T) -> usize {
    core::ptr::from_ref(part)
        .addr()
        .wrapping_sub(bytes.as_ptr().addr())
}

fn check_text<'a>(bytes: &[u8], root: &'a ArchivedParserRoot) -> Result<&'a str, PayloadError> {
    let text = root.text.as_slice();
    core::str::from_utf8(text).map_err(|error| PayloadError::Text {
        offset: text.first().map_or(0, |first| offset_in(bytes, first)) + error.valid_up_to(),
    })
}

/// Ends of cells ascend, stay within the text, and are boundaries of characters.
fn check_cells(bytes: &[u8], root: &ArchivedParserRoot, text: &str) -> Result<(), PayloadError> {
    let ends = root.cells.as_slice();
    let Some(last) = ends.last() else {
        return Ok(());
    };
    let mut wrong = last.to_native() as usize > text.len();
    for (end, next) in ends.iter().zip(ends.get(1..).unwrap_or_default()) {
        wrong |= end.to_native() > next.to_native();
    }
    if !wrong && !text.is_ascii() {
        for end in ends {
            wrong |= !text.is_char_boundary(end.to_native() as usize);
        }
    }
    if wrong {
        Err(explain_cells(bytes, ends, text))
    } else {
        Ok(())
    }
}

#[cold]
fn explain_cells(bytes: &[u8], ends: &[u32_le], text: &str) -> PayloadError {
    let mut before = 0;
    for (index, end) in ends.iter().enumerate() {
        let at = end.to_native() as usize;
        let problem = if at < before || at > text.len() {
            Problem::End
        } else if !text.is_char_boundary(at) {
            Problem::CharBoundary
        } else {
            before = at;
            continue;
        };
        return PayloadError::Entry {
            part: Part::Cell,
            index,
            offset: offset_in(bytes, end),
            problem,
        };
    }
    PayloadError::Array {
        array: Part::Cell,
        offset: offset_in(bytes, ends),
        count: ends.len() as u32,
    }
}

/// What the pass over the items finds out.
struct Starts {
    starts: Vec<u32>,
    with_attachment: Vec<u32>,
    consumed: u32,
}

fn check_items(
    bytes: &[u8],
    root: &ArchivedParserRoot,
    input_len: usize,
) -> Result<Starts, PayloadError> {
    let items = root.items.as_slice();
    let mut starts = Vec::with_capacity(items.len());
    let mut consumed = 0u64;
    let mut cells = 0u32;
    let mut attachments = 0usize;
    let mut wrong = false;
    starts.extend(items.iter().map(|item| {
        // A sum that does not fit ends in the error below: no start is then looked at.
        let start = consumed as u32;
        consumed += u64::from(item.consumed.to_native());
        let cells_end = item.cells_end.to_native();
        wrong |= cells_end < cells;
        wrong |= problem_of_item(item, cells_end > cells).is_some();
        attachments += usize::from(has_attachment(item));
        cells = cells_end;
        start
    }));
    wrong |= cells as usize != root.cells.len();
    let limit = u32::try_from(input_len).unwrap_or(u32::MAX);
    let consumed = match u32::try_from(consumed) {
        Ok(consumed) if !wrong && consumed <= limit => consumed,
        _ => return Err(explain_items(bytes, root, limit)),
    };
    if attachments != root.attachments.len() {
        let (part, index) = (Part::Attachment, attachments.min(root.attachments.len()));
        let offset = offset_in(bytes, &root.attachments);
        return Err(PayloadError::Entry {
            part,
            index,
            offset,
            problem: Problem::Unmatched,
        });
    }
    let mut with_attachment = Vec::new();
    if attachments > 0 {
        with_attachment.reserve_exact(attachments);
        let having = items
            .iter()
            .zip(0..)
            .filter(|(item, _)| has_attachment(item));
        with_attachment.extend(having.map(|(_, index)| index));
    }
    Ok(Starts {
        starts,
        with_attachment,
        consumed,
    })
}

#[inline]
fn has_attachment(item: &ArchivedItem) -> bool {
    item.kind == ItemKind::Attachment.code() || item.kind == ItemKind::MessageAndAttachment.code()
}

/// What is wrong with an item by itself.
#[inline]
fn problem_of_item(item: &ArchivedItem, has_cells: bool) -> Option<Problem> {
    let consumed = item.consumed.to_native();
    let (raw_start, raw_len) = (item.raw_start.to_native(), item.raw_len.to_native());
    if item.kind == 0 && item.flags <= FLAG_DAMAGED && item.reason == 0 && item.zero == 0 {
        // By far the most frequent.
        return (raw_start > consumed || raw_len > consumed - raw_start).then_some(Problem::Range);
    }
    problem_of_rare_item(item, has_cells)
}

fn problem_of_rare_item(item: &ArchivedItem, has_cells: bool) -> Option<Problem> {
    let consumed = item.consumed.to_native();
    let (raw_start, raw_len) = (item.raw_start.to_native(), item.raw_len.to_native());
    let (Some(kind), Some(reason)) = (
        ItemKind::from_code(item.kind),
        SkipReason::from_code(item.reason),
    ) else {
        return Some(Problem::Code);
    };
    if item.flags & !FLAG_DAMAGED != 0 {
        return Some(Problem::Code);
    }
    let skipped = kind == ItemKind::Skipped;
    if item.zero != 0 || (!skipped && reason != SkipReason::Unspecified) {
        return Some(Problem::NotEmpty);
    }
    if !kind.has_message() && (raw_start != 0 || raw_len != 0 || has_cells || item.flags != 0) {
        return Some(Problem::NotEmpty);
    }
    if raw_start > consumed || raw_len > consumed - raw_start {
        return Some(Problem::Range);
    }
    (skipped && consumed == 0).then_some(Problem::NoProgress)
}

#[cold]
fn explain_items(bytes: &[u8], root: &ArchivedParserRoot, limit: u32) -> PayloadError {
    let items = root.items.as_slice();
    let mut consumed = 0u64;
    let mut cells = 0;
    for (index, item) in items.iter().enumerate() {
        let cells_end = item.cells_end.to_native();
        consumed += u64::from(item.consumed.to_native());
        let problem = if cells_end < cells || cells_end as usize > root.cells.len() {
            Some(Problem::End)
        } else if consumed > u64::from(limit) {
            Some(Problem::TooMuch)
        } else {
            problem_of_item(item, cells_end > cells)
        };
        if let Some(problem) = problem {
            return PayloadError::Entry {
                part: Part::Item,
                index,
                offset: offset_in(bytes, item),
                problem,
            };
        }
        cells = cells_end;
    }
    // Cells are left over.
    let offset = root
        .cells
        .as_slice()
        .get(cells as usize)
        .map_or(0, |cell| offset_in(bytes, cell));
    PayloadError::Entry {
        part: Part::Cell,
        index: cells as usize,
        offset,
        problem: Problem::Unmatched,
    }
}

/// There are as many attachments as items want: that was asked before.
fn check_attachments(
    bytes: &[u8],
    root: &ArchivedParserRoot,
    text: &str,
) -> Result<(), PayloadError> {
    let numbers = root.attachment_messages.as_slice();
    let (mut data, mut messages) = (0, 0);
    for (index, attachment) in root.attachments.as_slice().iter().enumerate() {
        let (data_end, messages_end) = ends(attachment);
        let end_is_wrong = data_end < data
            || data_end > root.data.len()
            || messages_end < messages
            || messages_end > numbers.len();
        let problem = if end_is_wrong {
            Some(Problem::End)
        } else {
            problem_of_attachment(attachment, text)
        };
        if let Some(problem) = problem {
            let offset = offset_in(bytes, attachment);
            return Err(PayloadError::Entry {
                part: Part::Attachment,
                index,
                offset,
                problem,
            });
        }
        (data, messages) = (data_end, messages_end);
    }
    if data != root.data.len() {
        let offset = offset_in(bytes, &root.data);
        return Err(PayloadError::Entry {
            part: Part::Bytes,
            index: 0,
            offset,
            problem: Problem::Unmatched,
        });
    }
    if let Some(number) = numbers.get(messages) {
        return Err(PayloadError::Entry {
            part: Part::MessageNumber,
            index: messages,
            offset: offset_in(bytes, number),
            problem: Problem::Unmatched,
        });
    }
    Ok(())
}

/// What is wrong with an attachment by itself.
fn problem_of_attachment(attachment: &ArchivedAttachment, text: &str) -> Option<Problem> {
    let flags = attachment.flags.to_native();
    if flags & !(FLAG_CREATED | FLAG_MODIFIED) != 0 {
        return Some(Problem::Code);
    }
    let dates = [
        (
            FLAG_CREATED,
            attachment.created_start.to_native(),
            attachment.created_len.to_native(),
        ),
        (
            FLAG_MODIFIED,
            attachment.modified_start.to_native(),
            attachment.modified_len.to_native(),
        ),
    ];
    for (flag, start, len) in dates {
        if flags & flag == 0 && (start != 0 || len != 0) {
            return Some(Problem::NotEmpty);
        }
        if let Some(problem) = problem_of_text(start, len, text) {
            return Some(problem);
        }
    }
    problem_of_text(
        attachment.name_start.to_native(),
        attachment.name_len.to_native(),
        text,
    )
}

/// What is wrong with a piece of text as a range of all text.
fn problem_of_text(start: u32, len: u32, text: &str) -> Option<Problem> {
    let (start, end) = (start as usize, (start as usize).checked_add(len as usize));
    match end {
        Some(end) if end <= text.len() => (!text.is_char_boundary(start)
            || !text.is_char_boundary(end))
        .then_some(Problem::CharBoundary),
        _ => Some(Problem::Range),
    }
}

fn check_tail(
    bytes: &[u8],
    root: &ArchivedParserRoot,
    text: &str,
    consumed: u32,
    input_len: usize,
) -> Result<(), PayloadError> {
    let tail = &root.tail;
    let (needed, error_start, error_len) = (
        tail.needed.to_native(),
        tail.error_start.to_native(),
        tail.error_len.to_native(),
    );
    let problem = if tail.state > TAIL_ERROR {
        Some(Problem::Code)
    } else if tail.zero != [0; 3]
        || (tail.state != TAIL_INCOMPLETE && needed != 0)
        || (tail.state != TAIL_ERROR && (error_start != 0 || error_len != 0))
    {
        Some(Problem::NotEmpty)
    } else if tail.state == TAIL_COMPLETE && consumed as usize != input_len {
        Some(Problem::NotComplete)
    } else if tail.state == TAIL_FULL && consumed == 0 {
        Some(Problem::NoProgress)
    } else {
        problem_of_text(error_start, error_len, text)
    };
    match problem {
        None => Ok(()),
        Some(problem) => {
            let offset = bytes.len() - ROOT_SIZE + TAIL_OFFSET;
            Err(PayloadError::Entry {
                part: Part::Tail,
                index: 0,
                offset,
                problem,
            })
        }
    }
}
