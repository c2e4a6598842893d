//! What a parser found, wherever the host cut the input: items at their offsets in the whole input.
//!
//! Two runs over the same input are to give equal lists. How a run of skipped bytes is divided depends on the cuts, as the
//! contract allows, so neighbours with the same reason are one here.

use std::fmt;
use std::ops::Range;

use chipmunk_payload::{Batch, ItemKind, SkipReason};

/// One item. Offsets are bytes of the whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub kind: ItemKind,
    pub offset: usize,
    pub consumed: usize,
    pub raw: Range<usize>,
    pub damaged: bool,
    pub reason: SkipReason,
    pub cells: Vec<Box<str>>,
    pub attachment: Option<Box<Attached>>,
}

/// The attachment of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    name: String,
    size: u64,
    created: Option<String>,
    modified: Option<String>,
    messages: Vec<u64>,
    data: Vec<u8>,
}

impl Found {
    /// Whether the two are the same but for what is shown of them: the output that was asked for may not change where messages are.
    pub fn lies_as(&self, other: &Self) -> bool {
        (self.kind, self.offset, self.consumed, &self.raw)
            == (other.kind, other.offset, other.consumed, &other.raw)
    }

    /// The same item in an input that begins `by` bytes later.
    pub fn moved(mut self, by: usize) -> Self {
        self.offset += by;
        if self.kind.has_message() {
            self.raw = self.raw.start + by..self.raw.end + by;
        }
        self
    }

    pub fn end(&self) -> usize {
        self.offset + self.consumed
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset, consumed, ..
        } = self;
        match self.kind {
            ItemKind::Message => write!(f, "a message")?,
            ItemKind::Attachment => write!(f, "an attachment")?,
            ItemKind::MessageAndAttachment => write!(f, "a message with an attachment")?,
            ItemKind::Filtered => write!(f, "a filtered message")?,
            ItemKind::Skipped => write!(f, "skipped bytes ({})", reason(self.reason))?,
        }
        write!(f, " at byte {offset}, {consumed} long")?;
        if self.damaged {
            write!(f, ", damaged")?;
        }
        if self.kind.has_message() && (self.raw.start != *offset || self.raw.len() != *consumed) {
            write!(f, ", its own bytes {}..{}", self.raw.start, self.raw.end)?;
        }
        if !self.cells.is_empty() {
            let text: Vec<String> = self.cells.iter().map(|cell| shown(cell)).collect();
            write!(f, ", {}", text.join(" | "))?;
        }
        Ok(())
    }
}

fn reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Unspecified => "no reason given",
        SkipReason::Garbage => "garbage",
        SkipReason::Truncated => "truncated",
        SkipReason::Malformed => "malformed",
        SkipReason::Unsupported => "unsupported",
    }
}

/// The beginning of a text, as it may be shown.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let begin: String = text.chars().take(MOST).collect();
    let more = if begin.len() < text.len() { "..." } else { "" };
    format!("\"{}{more}\"", begin.escape_debug())
}

/// Appends the items of a batch that was made of the input from `base` on.
pub(super) fn append(items: &mut Vec<Found>, batch: &Batch, base: usize) {
    for (index, item) in batch.iter().enumerate() {
        let attachment = batch.attachment(index).map(|attachment| {
            Box::new(Attached {
                name: attachment.name.to_owned(),
                size: attachment.size,
                created: attachment.created.map(str::to_owned),
                modified: attachment.modified.map(str::to_owned),
                messages: attachment.messages().collect(),
                data: attachment.data.to_vec(),
            })
        });
        let found = Found {
            kind: item.kind,
            offset: item.offset,
            consumed: item.consumed,
            // Where there is no message, a range of nothing says nothing.
            raw: if item.kind.has_message() {
                item.raw.clone()
            } else {
                0..0
            },
            damaged: item.damaged,
            reason: item.reason,
            cells: batch.cells(index).map(Box::from).collect(),
            attachment,
        };
        push(items, found.moved(base));
    }
}

/// Appends an item, or lengthens the last one if both are skipped bytes for the same reason.
pub(super) fn push(items: &mut Vec<Found>, found: Found) {
    match items.last_mut() {
        Some(last)
            if last.kind == ItemKind::Skipped
                && found.kind == ItemKind::Skipped
                && last.reason == found.reason =>
        {
            last.consumed += found.consumed;
        }
        _ => items.push(found),
    }
}

/// Where two lists of items differ first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub index: usize,
    pub first: Option<Found>,
    pub second: Option<Found>,
}

impl Difference {
    /// The two lists' first difference, by `same`.
    pub fn of(
        first: &[Found],
        second: &[Found],
        same: impl Fn(&Found, &Found) -> bool,
    ) -> Option<Self> {
        let equal = first
            .iter()
            .zip(second)
            .take_while(|(a, b)| same(a, b))
            .count();
        if equal == first.len() && equal == second.len() {
            return None;
        }
        Some(Self {
            index: equal,
            first: first.get(equal).cloned(),
            second: second.get(equal).cloned(),
        })
    }

    /// In words: `once` and `then` say which list is which.
    pub fn tell(&self, once: &str, then: &str) -> String {
        let item = |found: &Option<Found>| {
            found
                .as_ref()
                .map_or_else(|| "nothing more".to_owned(), Found::to_string)
        };
        format!(
            "item {} is {} {once}, and {} {then}",
            self.index,
            item(&self.first),
            item(&self.second)
        )
    }
}
