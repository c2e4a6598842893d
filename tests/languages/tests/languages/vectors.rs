//! Archives of a language's encoder beside those of the Rust payload crate.
//!
//! A vector is a list of steps. They are taken with the payload crate's writers, and written as a script that the
//! language's plugin `vectors` gets as the input of `parse`: it takes the same steps with its own encoder and returns the archive.
//! All numbers are little endian; a text or a run of bytes is its length, a `u32`, and then its bytes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use chipmunk_payload::{AttachmentRef, BatchWriter, SkipReason, SourceWriter, State, Tail};
use wasmer_component::{
    Component, ComponentType, Config, Engine, Lift, Linker, Lower, Store, StoreContextMut,
};
use wasmer_component_wasi::WasiCtx;

/// An archive, and how it is made.
pub struct Vector {
    name: &'static str,
    script: Vec<u8>,
    archive: Vec<u8>,
}

/// Takes steps, and writes them down.
struct Steps {
    script: Vec<u8>,
    batch: BatchWriter,
}

impl Steps {
    fn new(max: u32) -> Self {
        let steps = Self {
            script: Vec::new(),
            batch: BatchWriter::with_max_bytes(max),
        };
        steps.op(b'B').number(max)
    }

    fn op(mut self, op: u8) -> Self {
        self.script.push(op);
        self
    }

    fn number(mut self, number: u32) -> Self {
        self.script.extend(number.to_le_bytes());
        self
    }

    fn wide(mut self, number: u64) -> Self {
        self.script.extend(number.to_le_bytes());
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mut steps = self.number(bytes.len() as u32);
        steps.script.extend(bytes);
        steps
    }

    fn text(mut self, text: &str) -> Self {
        self.batch.text().push_str(text);
        self.op(b't').bytes(text.as_bytes())
    }

    fn lossy(mut self, text: &[u8]) -> Self {
        self.batch.text().push_lossy(text);
        self.op(b'l').bytes(text)
    }

    fn end_cell(mut self) -> Self {
        self.batch.end_cell();
        self.op(b'c')
    }

    fn message(mut self, consumed: u32, start: u32, len: u32, damaged: bool) -> Self {
        self.batch.message(consumed, start..start + len, damaged);
        let steps = self.op(b'm').number(consumed).number(start).number(len);
        steps.op(damaged.into())
    }

    fn filtered(mut self, consumed: u32) -> Self {
        self.batch.filtered(consumed);
        self.op(b'f').number(consumed)
    }

    fn skipped(mut self, consumed: u32, reason: SkipReason, code: u8) -> Self {
        self.batch.skipped(consumed, reason);
        self.op(b's').number(consumed).op(code)
    }

    fn attachment(
        mut self,
        consumed: u32,
        message: Option<(u32, u32)>,
        a: &AttachmentRef<'_>,
    ) -> Self {
        let range = message.map(|(start, len)| start..start + len);
        self.batch.attachment(consumed, range, a);
        let (start, len) = message.unwrap_or_default();
        let mut steps = self.op(b'a').number(consumed).op(message.is_some().into());
        steps = steps
            .number(start)
            .number(len)
            .bytes(a.name.as_bytes())
            .wide(a.size);
        for date in [a.created, a.modified] {
            steps = steps.op(date.is_some().into());
            if let Some(date) = date {
                steps = steps.bytes(date.as_bytes());
            }
        }
        steps = steps.number(a.messages.len() as u32);
        for number in a.messages {
            steps = steps.wide(*number);
        }
        steps.bytes(a.data)
    }

    /// Asks whether the batch is full; ends the vector if so.
    fn full(self) -> (Self, bool) {
        let full = self.batch.is_full();
        (self.op(b'F'), full)
    }

    fn finish(mut self, name: &'static str, tail: Tail<'_>) -> Vector {
        let (state, needed, error) = match tail {
            Tail::Complete => (0, 0, ""),
            Tail::Incomplete { needed } => (1, needed, ""),
            Tail::Full => (2, 0, ""),
            Tail::End => (3, 0, ""),
            Tail::Error(error) => (4, 0, error),
        };
        let archive = self.batch.finish(tail);
        let script = self
            .op(b'z')
            .op(state)
            .number(needed)
            .bytes(error.as_bytes())
            .script;
        Vector {
            name,
            script,
            archive,
        }
    }
}

/// Every vector.
pub fn all() -> Vec<Vector> {
    let none = || Steps::new(u32::MAX);
    let mut vectors = vec![
        none().finish("empty, complete", Tail::Complete),
        none().finish("empty, incomplete", Tail::Incomplete { needed: 77 }),
        none().finish("empty, full", Tail::Full),
        none().finish("empty, end", Tail::End),
        none().finish("empty, error", Tail::Error("kaputt: größer als 日本 🦀")),
        none().finish("empty, error without a text", Tail::Error("")),
        none()
            .text("hi")
            .end_cell()
            .text("größer")
            .message(7, 4, 3, false)
            .skipped(5, SkipReason::Garbage, 1)
            .finish("the document's example", Tail::Incomplete { needed: 12 }),
        none()
            .message(1, 0, 1, true)
            .filtered(2)
            .skipped(3, SkipReason::Unspecified, 0)
            .skipped(0, SkipReason::Garbage, 1)
            .skipped(4, SkipReason::Truncated, 2)
            .skipped(5, SkipReason::Malformed, 3)
            .skipped(6, SkipReason::Unsupported, 4)
            .text("dropped")
            .end_cell()
            .filtered(7)
            .text("dropped as well")
            .skipped(8, SkipReason::Garbage, 1)
            .text("and this")
            .finish("items of every kind", Tail::End),
        none()
            .end_cell()
            .text("")
            .end_cell()
            .text("日本語 🦀")
            .end_cell()
            .message(10, 0, 10, false)
            .lossy("latin: é\u{e9}".as_bytes())
            .lossy(b" bad: \xff\xe2\x82x\xf0\x9f\xa6 \xc0\x80\xed\xa0\x80\xf4\x90\x80\x80 \xe0\x9f\xbf and a good deal of ASCII behind it")
            .message(u32::MAX, 1, 2, false)
            .finish("cells", Tail::Error("with text before it")),
        attachments(),
        none().text("x").message(1, 0, 1, false).finish("the writer again", Tail::Complete),
        many(),
        full(),
    ];
    vectors.extend(chunks());
    vectors
}

fn attachments() -> Vector {
    let numbers: Vec<u64> = (0..5).map(|n| n << 31).collect();
    let plain = AttachmentRef {
        name: "plain.txt",
        size: 3,
        data: b"abc",
        ..AttachmentRef::default()
    };
    let dated = AttachmentRef {
        name: "größe.bin",
        size: u64::MAX - 1,
        created: Some("2026-01-01"),
        modified: Some(""),
        messages: &numbers,
        data: &[0, 255, 7, 8, 9],
    };
    let modified = AttachmentRef {
        modified: Some("gestern"),
        name: "",
        ..plain
    };
    Steps::new(1 << 20)
        .text("a cell")
        .attachment(10, Some((2, 5)), &plain)
        .text("dropped")
        .attachment(11, None, &dated)
        .text("message between")
        .message(5, 0, 5, false)
        .attachment(12, None, &modified)
        .attachment(13, Some((0, 13)), &AttachmentRef::default())
        .finish("attachments", Tail::Error("behind them"))
}

fn many() -> Vector {
    let mut steps = Steps::new(u32::MAX);
    for number in 0..100_000u32 {
        steps = match number % 10 {
            7 => steps.filtered(number),
            8 => steps.skipped(number, SkipReason::Garbage, 1),
            _ => steps
                .text(&format!("message {number} — ä"))
                .end_cell()
                .text("second")
                .message(number, 0, number / 2, number % 3 == 0),
        };
    }
    steps.finish("100,000 items", Tail::Complete)
}

/// Ends where the batch is full: one too few or too many would make another archive.
fn full() -> Vector {
    let mut steps = Steps::new(10_000);
    loop {
        let (next, full) = steps
            .text("some text of a message")
            .message(30, 0, 30, false)
            .full();
        if full {
            let Steps { script, mut batch } = next;
            return Vector {
                name: "full",
                script,
                archive: batch.finish(Tail::Full),
            };
        }
        steps = next;
    }
}

fn chunks() -> Vec<Vector> {
    let script = || Steps::new(0);
    let chunk = |name, bytes: &[u8], segment: bool, state: State| {
        let mut writer = SourceWriter::with_capacity(bytes.len());
        writer.push(bytes);
        let mut steps = script()
            .op(b'S')
            .number(bytes.len() as u32)
            .op(b'b')
            .bytes(bytes);
        if segment {
            writer.segment(42, Some(1_700_000_000_123_456_789));
            writer.segment(60, None);
            steps = steps
                .op(b'k')
                .number(42)
                .op(1)
                .wide(1_700_000_000_123_456_789);
            steps = steps.op(b'k').number(60).op(0).wide(0);
        }
        let (code, retry) = match state {
            State::More => (0, 0),
            State::End => (1, 0),
            State::RetryLater { after_ms } => (2, after_ms),
        };
        Vector {
            name,
            archive: writer.finish(state),
            script: steps.op(b'Z').number(code).number(retry).script,
        }
    };
    let large: Vec<u8> = (0..300_001u32).map(|n| (n * 7) as u8).collect();
    vec![
        chunk("an empty chunk, end", b"", false, State::End),
        chunk(
            "an empty chunk, try again",
            b"",
            false,
            State::RetryLater { after_ms: 250 },
        ),
        chunk("a chunk", b"abcde", false, State::More),
        chunk("segments", b"abcdefg", true, State::End),
        chunk("a large chunk", &large, false, State::More),
    ]
}

#[derive(ComponentType, Lower)]
#[component(enum)]
enum Level {
    Error,
    #[expect(dead_code, reason = "levels that this host does not ask for")]
    Warn,
    #[expect(dead_code, reason = "levels that this host does not ask for")]
    Info,
    #[expect(dead_code, reason = "levels that this host does not ask for")]
    Debug,
    #[expect(dead_code, reason = "levels that this host does not ask for")]
    Trace,
}

#[derive(ComponentType, Lower)]
#[component(enum)]
enum Output {
    Ranges,
    #[expect(dead_code, reason = "outputs that this host does not ask for")]
    Line,
    #[expect(dead_code, reason = "outputs that this host does not ask for")]
    Columns,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct General {
    log_level: Level,
    output: Output,
    max_archive_bytes: u32,
}

#[derive(ComponentType, Lift, Debug)]
#[component(variant)]
#[expect(dead_code, reason = "read where it is shown")]
enum InitError {
    Config(String),
    Io(String),
    Unsupported(String),
    Other(String),
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Value {
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Boolean(bool),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Integer(i32),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Float(f32),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Text(String),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Directories(Vec<String>),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Files(Vec<String>),
    #[expect(dead_code, reason = "the plugin has no configuration")]
    Dropdown(String),
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Item {
    id: String,
    value: Value,
}

/// Has the plugin make every vector, and says how many bytes were the same.
pub fn compare(plugin: &Path, vectors: &[Vector]) -> Result<String> {
    const PARSER: &str = "chipmunk:parser/parser@0.2.0";

    let engine = Engine::new(&Config::new())?;
    let component = Component::new(&engine, &std::fs::read(plugin)?)?;
    let mut linker = Linker::<WasiCtx>::new(&engine);
    wasmer_component_wasi::add_to_linker(&mut linker)?;
    linker.instance("chipmunk:shared/logging@0.2.0")?.func_new(
        "log",
        |_: StoreContextMut<'_, WasiCtx>, _, line| {
            println!("    the plugin says {line:?}");
            Ok(None)
        },
    )?;
    linker
        .instance("chipmunk:shared/sandbox@0.2.0")?
        .func_wrap(
            "temp-directory",
            |_: StoreContextMut<'_, WasiCtx>, (): ()| {
                Ok((Err::<String, _>("there is none here".to_string()),))
            },
        )?;
    let wasi = WasiCtx::builder()
        .output_lines(|line| println!("    the plugin writes {line}"))
        .build()?;
    let mut store = Store::new(&engine, wasi)?;
    let instance = linker.instantiate(&mut store, &component)?;
    let general = General {
        log_level: Level::Error,
        output: Output::Ranges,
        max_archive_bytes: u32::MAX,
    };
    instance
        .get_typed_func::<(General, Vec<Item>), (Result<(), InitError>,)>(
            &mut store,
            (PARSER, "init"),
        )?
        .call(&mut store, (general, Vec::new()))?
        .0
        .map_err(|error| anyhow::anyhow!("init: {error:?}"))?;
    let parse = instance
        .get_typed_func::<(&[u8], Option<u64>, bool), (Vec<u8>,)>(&mut store, (PARSER, "parse"))?;
    let mut bytes = 0;
    for Vector {
        name,
        script,
        archive,
    } in vectors
    {
        let (made,) = parse
            .call(&mut store, (script.as_slice(), None, true))
            .with_context(|| format!("vector `{name}`"))?;
        let same = made.iter().zip(archive).take_while(|(a, b)| a == b).count();
        ensure!(
            made == *archive,
            "vector `{name}`: {} bytes that differ from the {} expected from byte {same} on",
            made.len(),
            archive.len(),
        );
        bytes += made.len();
    }
    Ok(format!(
        "{} archives of {bytes} bytes in all, equal to the payload crate's",
        vectors.len()
    ))
}
