//! Unit tests of plugins, natively: the archives are made and checked as in a host, but nothing is WebAssembly.
//!
//! [`parse_all`] and [`read_all`] run a plugin over a whole input in chunks of any size; comparing the outcome for
//! several sizes finds most mistakes at the ends of chunks. [`take_log`] gives what the plugin logged.

use std::{cell::RefCell, fmt};

use chipmunk_payload::{AlignedBytes, Batch, ItemKind, PayloadError, SourceChunk};

use crate::{
    BatchWriter, ByteSource, Config, ConfigItem, ConfigValue, InitError, Input, Level, Output,
    Parser, SkipReason, SourceError, SourceWriter, State, Tail, export,
};

/// One item that a parser found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A message.
    Message {
        /// Its own bytes.
        raw: Vec<u8>,
        /// Its cells.
        cells: Vec<String>,
        /// Its payload does not decode as its header declares.
        damaged: bool,
        /// An attachment came with it.
        attachment: Option<Attached>,
    },
    /// An attachment without a message.
    Attachment(Attached),
    /// So many bytes of a message that is left out.
    Filtered(usize),
    /// So many bytes that are no message, and why.
    Skipped(usize, SkipReason),
}

/// An attachment that a parser found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its file name.
    pub name: String,
    /// Its size as announced, in bytes.
    pub size: u64,
    /// When it was created, in the trace's own words.
    pub created: Option<String>,
    /// When it was last modified, in the trace's own words.
    pub modified: Option<String>,
    /// The numbers of the messages that carried it.
    pub messages: Vec<u64>,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Found {
    /// An undamaged message without an attachment.
    pub fn message(raw: &[u8], cells: &[&str]) -> Self {
        let cells = cells.iter().map(|cell| cell.to_string()).collect();
        Found::Message {
            raw: raw.to_vec(),
            cells,
            damaged: false,
            attachment: None,
        }
    }
}

/// Why a plugin did not get to the end of a test's input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TestError {
    /// It could not be made.
    Init(InitError),
    /// Its archive would be refused by the host.
    Payload(PayloadError),
    /// The parser's tail is an error.
    Parse(String),
    /// The source's `read` failed.
    Read(SourceError),
    /// The plugin asks for what will not come, so that a host would call it forever: says for what.
    Stuck(String),
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TestError::Init(error) => write!(f, "the plugin could not be initialised: {error:?}"),
            TestError::Payload(error) => write!(f, "the plugin's archive is wrong: {error}"),
            TestError::Parse(error) => write!(f, "the parser gave up: {error}"),
            TestError::Read(error) => write!(f, "the source gave up: {error:?}"),
            TestError::Stuck(what) => write!(f, "the plugin does not get on: {what}"),
        }
    }
}

impl std::error::Error for TestError {}

/// Archives in these tests may have so many bytes. Little, so that full batches are tested too.
const MAX_ARCHIVE_BYTES: u32 = 64 * 1024;

/// Runs a parser over `input` as a host does, giving it `chunk` bytes more (at least 1) whenever it wants more, and
/// returns all it found. Skipped runs that follow one another for the same reason are put together: how they are
/// divided depends on the chunks.
///
/// # Errors
/// See [`TestError`].
pub fn parse_all<P: Parser>(
    config: &[(&str, ConfigValue)],
    output: Output,
    input: &[u8],
    chunk: usize,
) -> Result<Vec<Found>, TestError> {
    let (mut parser, mut out): (P, BatchWriter) =
        export::new_parser(output, MAX_ARCHIVE_BYTES, items(config)).map_err(TestError::Init)?;
    let mut found = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut wants_more = true;
    loop {
        if wants_more {
            end = input.len().min(end + chunk.max(1));
        }
        let at_end = end == input.len();
        let data = input.get(start..end).unwrap_or_default();
        let tail = parser.parse(
            Input {
                data,
                timestamp: None,
                at_end,
            },
            &mut out,
        );
        let batch = Batch::check(AlignedBytes::from(out.finish(tail)), data.len())
            .map_err(TestError::Payload)?;
        append(&mut found, &batch, data);
        start += batch.consumed();
        match batch.tail() {
            Tail::Complete | Tail::Incomplete { .. } if at_end && start == end => return Ok(found),
            Tail::Incomplete { .. } if at_end => {
                return Err(TestError::Stuck(format!(
                    "the input ends, but it waits for more behind byte {start}"
                )));
            }
            Tail::Complete | Tail::Incomplete { .. } => wants_more = true,
            Tail::Full => wants_more = false,
            Tail::End => return Ok(found),
            Tail::Error(error) => return Err(TestError::Parse(error.to_string())),
        }
    }
}

fn append(found: &mut Vec<Found>, batch: &Batch, data: &[u8]) {
    for (index, item) in batch.iter().enumerate() {
        let attachment = batch.attachment(index).map(|attachment| Attached {
            name: attachment.name.to_string(),
            size: attachment.size,
            created: attachment.created.map(str::to_string),
            modified: attachment.modified.map(str::to_string),
            messages: attachment.messages().collect(),
            data: attachment.data.to_vec(),
        });
        match (item.kind, attachment) {
            (ItemKind::Message | ItemKind::MessageAndAttachment, attachment) => {
                found.push(Found::Message {
                    raw: data.get(item.raw).unwrap_or_default().to_vec(),
                    cells: batch.cells(index).map(str::to_string).collect(),
                    damaged: item.damaged,
                    attachment,
                })
            }
            (ItemKind::Attachment, Some(attachment)) => found.push(Found::Attachment(attachment)),
            // A checked batch has an attachment for each item that has one.
            (ItemKind::Attachment, None) => {}
            (ItemKind::Filtered, _) => found.push(Found::Filtered(item.consumed)),
            (ItemKind::Skipped, _) => match found.last_mut() {
                Some(Found::Skipped(bytes, reason)) if *reason == item.reason => {
                    *bytes += item.consumed
                }
                _ => found.push(Found::Skipped(item.consumed, item.reason)),
            },
        }
    }
}

/// All that a source gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllRead {
    /// The bytes of all chunks.
    pub bytes: Vec<u8>,
    /// The segments of all chunks: where each ends in `bytes`, how much was skipped before it, its timestamp.
    pub segments: Vec<(usize, u32, Option<u64>)>,
    /// Calls of `read`.
    pub calls: usize,
}

/// Runs a source to its end as a host does, asking for `len` bytes at a time, and returns all it gave.
///
/// # Errors
/// See [`TestError`]. A source that says "retry later" is stuck here.
pub fn read_all<S: ByteSource>(
    config: &[(&str, ConfigValue)],
    len: usize,
) -> Result<AllRead, TestError> {
    let config = Config::new(S::config_schema(), items(config)).map_err(TestError::Init)?;
    let mut source = S::new(&config).map_err(TestError::Init)?;
    let mut all = AllRead::default();
    loop {
        let mut out = SourceWriter::with_capacity(len);
        let state = source.read(&mut out).map_err(TestError::Read)?;
        let archive = out.finish(state);
        let chunk = SourceChunk::check(&archive, len).map_err(TestError::Payload)?;
        all.calls += 1;
        let before = all.bytes.len();
        all.bytes.extend_from_slice(chunk.bytes());
        let segment = |segment: chipmunk_payload::Segment| {
            (before + segment.end, segment.skipped, segment.timestamp)
        };
        all.segments.extend(chunk.segments().map(segment));
        match chunk.state() {
            State::End => return Ok(all),
            State::More => {}
            State::RetryLater { after_ms } => {
                return Err(TestError::Stuck(format!(
                    "it says to try again after {after_ms} ms"
                )));
            }
        }
    }
}

fn items(config: &[(&str, ConfigValue)]) -> Vec<ConfigItem> {
    config
        .iter()
        .map(|(id, value)| ConfigItem {
            id: id.to_string(),
            value: value.clone(),
        })
        .collect()
}

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// What was logged in this thread since the last call.
pub fn take_log() -> Vec<(Level, String)> {
    LINES.take()
}

pub(crate) fn log_line(level: Level, line: &str) {
    LINES.with_borrow_mut(|lines| lines.push((level, line.to_string())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttachmentRef, ParserConfig};

    /// Every byte is a message, and a full stop completes a file that all messages since the last one carried.
    struct Sentences {
        messages: u64,
        file: Vec<u64>,
        data: Vec<u8>,
    }

    impl Parser for Sentences {
        fn new(_: &ParserConfig) -> Result<Self, InitError> {
            Ok(Self {
                messages: 0,
                file: Vec::new(),
                data: Vec::new(),
            })
        }

        fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
            for &byte in input.data {
                self.file.push(self.messages);
                self.messages += 1;
                self.data.push(byte);
                if byte != b'.' {
                    out.message(1, 0..1, false);
                    continue;
                }
                let sentence = AttachmentRef {
                    name: "sentence",
                    size: self.data.len() as u64,
                    modified: Some("today"),
                    messages: &self.file,
                    data: &self.data,
                    ..AttachmentRef::default()
                };
                out.attachment(1, Some(0..1), &sentence);
                self.file.clear();
                self.data.clear();
            }
            Tail::Complete
        }
    }

    #[test]
    fn an_attachment_names_the_messages_of_all_chunks_that_carried_it() {
        let sentence = |text: &str, messages: &[u64]| Attached {
            name: "sentence".to_string(),
            size: text.len() as u64,
            created: None,
            modified: Some("today".to_string()),
            messages: messages.to_vec(),
            data: text.as_bytes().to_vec(),
        };
        let last = |attached: Attached| Found::Message {
            raw: b".".to_vec(),
            cells: vec![],
            damaged: false,
            attachment: Some(attached),
        };
        let expected = [
            Found::message(b"a", &[]),
            last(sentence("a.", &[0, 1])),
            Found::message(b"b", &[]),
            Found::message(b"c", &[]),
            last(sentence("bc.", &[2, 3, 4])),
        ];
        for chunk in 1..6 {
            let found = parse_all::<Sentences>(&[], Output::Ranges, b"a.bc.", chunk);
            assert_eq!(found.as_deref(), Ok(&expected[..]), "chunks of {chunk}");
        }
    }
}
