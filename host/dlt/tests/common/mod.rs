//! What the tests share: driving the reader over any cut of an input, and the text that dlt-core's view of a message
//! gives.

#![allow(dead_code)] // Each test file uses its part.

use std::path::PathBuf;

use chipmunk_dlt::{Options, Output, Reader};
use chipmunk_payload::{AlignedBytes, Batch, BatchWriter, ItemKind, SkipReason, Tail};
use dlt_core::dlt::{
    Argument, FixedPointValue, Message, MessageType, NetworkTraceType, PayloadContent, Value,
};

/// What a reader made of an input: all items, and the error it ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub items: Vec<Item>,
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Message {
        bytes: Vec<u8>,
        damaged: bool,
        cells: Vec<String>,
    },
    Skipped {
        bytes: Vec<u8>,
        reason: SkipReason,
    },
}

impl Outcome {
    pub fn messages(&self) -> Vec<&[u8]> {
        self.items
            .iter()
            .filter_map(|item| match item {
                Item::Message { bytes, .. } => Some(bytes.as_slice()),
                Item::Skipped { .. } => None,
            })
            .collect()
    }

    pub fn cells(&self) -> Vec<&[String]> {
        self.items
            .iter()
            .filter_map(|item| match item {
                Item::Message { cells, .. } => Some(cells.as_slice()),
                Item::Skipped { .. } => None,
            })
            .collect()
    }

    pub fn damaged(&self) -> usize {
        self.items
            .iter()
            .filter(|item| matches!(item, Item::Message { damaged: true, .. }))
            .count()
    }

    pub fn skipped(&self) -> Vec<(usize, SkipReason)> {
        self.items
            .iter()
            .filter_map(|item| match item {
                Item::Message { .. } => None,
                Item::Skipped { bytes, reason } => Some((bytes.len(), *reason)),
            })
            .collect()
    }

    /// All bytes, in order: must be the input.
    pub fn bytes(&self) -> Vec<u8> {
        self.items
            .iter()
            .flat_map(|item| match item {
                Item::Message { bytes, .. } | Item::Skipped { bytes, .. } => bytes.clone(),
            })
            .collect()
    }

    /// With adjacent skipped items made one: what does not depend on cuts.
    pub fn joined(mut self) -> Outcome {
        let mut items: Vec<Item> = Vec::new();
        for item in self.items {
            match (items.last_mut(), item) {
                (Some(Item::Skipped { bytes: before, .. }), Item::Skipped { bytes, .. }) => {
                    before.extend(bytes)
                }
                (_, item) => items.push(item),
            }
        }
        self.items = items;
        self
    }
}

pub fn options(output: Output) -> Options {
    Options {
        output,
        column_separator: "\u{4}".into(),
        argument_separator: "\u{5}".into(),
        ..Options::default()
    }
}

/// Reads all of `input` at once.
pub fn read(input: &[u8], options: Options) -> Outcome {
    read_cut(input, options, u32::MAX, |_| input.len())
}

/// Reads `input` in chunks, the size of each of which is asked of `next` with the offset it begins at; at most `max_bytes` an
/// archive.
pub fn read_cut(
    input: &[u8],
    options: Options,
    max_bytes: u32,
    mut next: impl FnMut(usize) -> usize,
) -> Outcome {
    let mut reader = Reader::new(options);
    let mut out = BatchWriter::with_max_bytes(max_bytes);
    let mut outcome = Outcome {
        items: Vec::new(),
        error: None,
    };
    let (mut start, mut end) = (0, 0);
    loop {
        end = (end + next(end).max(1)).min(input.len());
        let at_end = end == input.len();
        loop {
            let chunk = &input[start..end];
            let tail = reader.read(chunk, at_end, &mut out);
            let archive = out.finish(tail);
            let batch =
                Batch::check(AlignedBytes::from(archive), chunk.len()).expect("our own archive");
            for index in 0..batch.len() {
                let item = batch.item(index).expect("an item");
                let consumed = item.consumed;
                outcome.items.push(match item.kind {
                    ItemKind::Message => {
                        assert_eq!(item.raw, item.offset..item.offset + consumed, "raw is all");
                        Item::Message {
                            bytes: chunk[item.raw.clone()].to_vec(),
                            damaged: item.damaged,
                            cells: batch.cells(index).map(str::to_owned).collect(),
                        }
                    }
                    ItemKind::Skipped => Item::Skipped {
                        bytes: chunk[item.offset..][..consumed].to_vec(),
                        reason: item.reason,
                    },
                    other => panic!("a DLT reader has no {other:?}"),
                });
            }
            start += batch.consumed();
            match tail {
                Tail::Full => assert!(!batch.is_empty(), "full, and nothing in it"),
                Tail::Incomplete { .. } => {
                    assert!(!at_end, "nothing can follow");
                    break;
                }
                Tail::Complete => {
                    assert_eq!(start, end, "complete, and something left");
                    break;
                }
                Tail::Error(error) => {
                    assert!(at_end && start == end);
                    outcome.error = Some(error.to_owned());
                    break;
                }
                Tail::End => panic!("a DLT reader does not end by itself"),
            }
        }
        if at_end {
            return outcome;
        }
    }
}

/// A trace of the folder of real ones; tests that need it are ignored where there is none (`tests/present.rs`).
pub fn real_trace(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What dlt-core makes of the bytes of one message; `None` where it gives up.
pub fn by_dlt_core(bytes: &[u8], with_storage: bool) -> Option<Message> {
    match dlt_core::parse::dlt_message(bytes, None, with_storage) {
        Ok((_, dlt_core::parse::ParsedMessage::Item(message))) => Some(message),
        _ => None,
    }
}

/// The columns of dlt-core's message, as Chipmunk shows them (`\u{5}` before arguments).
pub fn columns(message: &Message) -> Vec<String> {
    let mut columns = Vec::new();
    match &message.storage_header {
        Some(storage) => {
            columns.push(time(
                storage.timestamp.seconds,
                storage.timestamp.microseconds,
            ));
            columns.push(storage.ecu_id.clone());
        }
        None => columns.extend([String::new(), String::new()]),
    }
    let header = &message.header;
    columns.push(header.version.to_string());
    columns.push(
        header
            .session_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
    );
    columns.push(header.message_counter.to_string());
    columns.push(
        header
            .timestamp
            .map(|time| time.to_string())
            .unwrap_or_default(),
    );
    columns.push(header.ecu_id.clone().unwrap_or_default());
    match &message.extended_header {
        Some(extended) => {
            columns.push(extended.application_id.clone());
            columns.push(extended.context_id.clone());
            columns.push(match &extended.message_type {
                kind @ MessageType::ApplicationTrace(_) => format!("{} ", kind.as_ref()),
                MessageType::Unknown((kind, info)) => {
                    format!("Unknown message type ({kind},{info})")
                }
                kind => kind.as_ref().to_owned(),
            });
        }
        None => columns.extend(["-", "-", "-"].map(str::to_owned)),
    }
    columns.push(match &message.payload {
        PayloadContent::Verbose(arguments) => arguments
            .iter()
            .map(|it| format!("\u{5}{}", argument(it)))
            .collect(),
        PayloadContent::NonVerbose(id, data) => {
            let bus = match message
                .extended_header
                .as_ref()
                .map(|extended| &extended.message_type)
            {
                Some(MessageType::NetworkTrace(bus)) => Some(match bus {
                    NetworkTraceType::Ipc => "Ipc",
                    NetworkTraceType::Can => "Can",
                    NetworkTraceType::Flexray => "Flexray",
                    NetworkTraceType::Most => "Most",
                    NetworkTraceType::Ethernet => "Ethernet",
                    NetworkTraceType::Someip => "Someip",
                    NetworkTraceType::Invalid => "Invalid",
                    NetworkTraceType::UserDefined(_) => "unknown network trace",
                }),
                _ => None,
            };
            match bus {
                Some(bus) => format!("\u{5}[{id}]\u{5} {bus}"),
                None => format!("\u{5}[{id}]\u{5} {data:02X?}"),
            }
        }
        PayloadContent::ControlMsg(service, _) => {
            match dlt_core::service_id::service_id_lookup(service.value()) {
                Some((name, _)) => format!("[{name}]"),
                None => "[Unknown CtrlCommand]".to_owned(),
            }
        }
        PayloadContent::NetworkTrace(slices) => slices
            .iter()
            .map(|slice| format!("\u{5}{slice:02X?}"))
            .collect(),
    });
    columns
}

fn argument(argument: &Argument) -> String {
    let name = argument.name.as_deref().unwrap_or_default();
    let unit = argument.unit.as_deref().unwrap_or_default();
    let value = match (real_value(argument), &argument.value) {
        (Some(value), _) => value.to_string(),
        (_, Value::Bool(value)) => value.to_string(),
        (_, Value::U8(value)) => value.to_string(),
        (_, Value::U16(value)) => value.to_string(),
        (_, Value::U32(value)) => value.to_string(),
        (_, Value::U64(value)) => value.to_string(),
        (_, Value::U128(value)) => value.to_string(),
        (_, Value::I8(value)) => value.to_string(),
        (_, Value::I16(value)) => value.to_string(),
        (_, Value::I32(value)) => value.to_string(),
        (_, Value::I64(value)) => value.to_string(),
        (_, Value::I128(value)) => value.to_string(),
        (_, Value::F32(value)) => value.to_string(),
        (_, Value::F64(value)) => value.to_string(),
        (_, Value::StringVal(text)) => text.lines().collect(),
        (_, Value::Raw(bytes)) => format!("{bytes:02X?}"),
    };
    format!("{name}{unit}{value}")
}

/// dlt-core's `to_real_value`, as it is in a release build: it overflows where the offset is negative.
fn real_value(argument: &Argument) -> Option<u64> {
    let fixed = argument.fixed_point.as_ref()?;
    let value = match argument.value {
        Value::I32(value) => f64::from(value),
        Value::I64(value) => value as f64,
        Value::U32(value) => f64::from(value),
        Value::U64(value) => value as f64,
        ref other => panic!("not fixed point: {other:?}"),
    };
    let offset = match fixed.offset {
        FixedPointValue::I32(offset) => offset as u64,
        FixedPointValue::I64(offset) => offset as u64,
    };
    let scaled = (value * f64::from(fixed.quantization)) as u64;
    match scaled.checked_add(offset) {
        Some(_) => argument.to_real_value(),
        None => Some(scaled.wrapping_add(offset)),
    }
}

/// RFC 3339, by counting through the calendar.
fn time(seconds: u32, microseconds: u32) -> String {
    let mut seconds = u64::from(seconds);
    let mut nanoseconds = u64::from(microseconds.wrapping_mul(1000));
    if nanoseconds >= 1_000_000_000 {
        if nanoseconds >= 2_000_000_000 || seconds % 60 != 59 {
            return format!("no valid timestamp for {seconds}s/{microseconds}us");
        }
        seconds += 1;
        nanoseconds -= 1_000_000_000;
    }
    let mut days = seconds / 86_400;
    let (mut year, mut month) = (1970, 1);
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if days < length {
            break;
        }
        days -= length;
        month += 1;
        if month == 13 {
            (year, month) = (year + 1, 1);
        }
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = if nanoseconds == 0 {
        String::new()
    } else {
        format!(".{nanoseconds:09}")
    };
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z",
        days + 1
    )
}
