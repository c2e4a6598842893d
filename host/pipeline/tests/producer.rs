//! The producer's flow, with sources and parsers that follow a script.

mod common;

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use chipmunk_pipeline::{
    ByteSource, ChunkBuffer, Item, LogMessage, MessageProducer, ParseOutput, ParseYield, Parser,
    ParserError, ProduceError, ProducerReport, ReloadInfo, Sink, SourceError, SourceFilter, Step,
};
use common::{Chunks, raw, try_raw};

/// A message is its bytes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
struct Bytes(Vec<u8>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl LogMessage for Bytes {
    fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<usize> {
        writer.write_all(&self.0)?;
        Ok(self.0.len())
    }
}

/// One call of the parser: what it answers.
type Answer = Result<Vec<ParseOutput<Bytes>>, ParserError>;

/// The inputs of the calls, and whether they were at the end.
type Seen = Arc<Mutex<Vec<(String, bool)>>>;

/// Answers call by call from a script, and notes what it was given.
struct Scripted {
    answers: VecDeque<Answer>,
    seen: Seen,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Answer>) -> (Self, Seen) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let parser = Self {
            answers: answers.into_iter().collect(),
            seen: Arc::clone(&seen),
        };
        (parser, seen)
    }

    fn answer(&mut self, input: &[u8], at_end: bool) -> Answer {
        let input = String::from_utf8_lossy(input).into_owned();
        self.seen.lock().unwrap().push((input, at_end));
        self.answers
            .pop_front()
            .expect("one call more than scripted")
    }
}

impl Parser for Scripted {
    type Output = Bytes;

    fn parse(
        &mut self,
        input: &[u8],
        _: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<Bytes>>, ParserError> {
        Ok(self.answer(input, false)?.into_iter())
    }

    fn parse_end(
        &mut self,
        input: &[u8],
        _: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<Bytes>>, ParserError> {
        Ok(self.answer(input, true)?.into_iter())
    }
}

fn message(text: &str) -> ParseOutput<Bytes> {
    ParseOutput {
        consumed: text.len(),
        message: Some(ParseYield::Message(Bytes(text.into()))),
    }
}

fn filtered(consumed: usize) -> ParseOutput<Bytes> {
    ParseOutput {
        consumed,
        message: None,
    }
}

fn chunks(chunks: &[&str]) -> Chunks {
    Chunks::new(chunks.iter().map(|chunk| chunk.as_bytes().to_vec()))
}

fn calls(seen: &Seen) -> Vec<(String, bool)> {
    seen.lock().unwrap().clone()
}

fn call(input: &str, at_end: bool) -> (String, bool) {
    (input.to_owned(), at_end)
}

fn skips(report: ProducerReport) -> (u64, Option<u64>) {
    (report.skipped_bytes, report.first_skip)
}

#[test]
fn the_rest_comes_again_with_more_behind_it() {
    let (parser, seen) = Scripted::new([
        Ok(vec![message("ab")]),
        Err(ParserError::Incomplete),
        Ok(vec![message("cd"), filtered(1)]),
    ]);
    let (out, report) = raw(chunks(&["abc", "de"]), parser);
    assert_eq!(out, b"abcd");
    assert_eq!(
        calls(&seen),
        [call("abc", false), call("c", false), call("cde", false)]
    );
    assert_eq!((report.loaded_bytes, skips(report)), (5, (0, None)));
    assert_eq!(report.source.c_cns, 3, "one consume an item");
}

#[test]
fn incomplete_at_the_end_is_asked_once_more_and_then_skipped() {
    let (parser, seen) = Scripted::new([
        Ok(vec![message("ab")]),
        Err(ParserError::Incomplete),
        Ok(vec![message("c")]),
        Err(ParserError::Incomplete),
    ]);
    let (out, report) = raw(chunks(&["abcde"]), parser);
    assert_eq!(out, b"abc");
    assert_eq!(
        calls(&seen),
        [
            call("abcde", false),
            call("cde", false),
            call("cde", true),
            call("de", true)
        ]
    );
    assert_eq!(skips(report), (2, Some(3)));
}

#[test]
fn a_parse_error_drops_one_byte() {
    let error = || Err(ParserError::Parse("no message".into()));
    let (parser, seen) = Scripted::new([
        Ok(vec![message("a")]),
        error(),
        error(),
        Ok(vec![message("b")]),
    ]);
    let (out, report) = raw(chunks(&["axyb"]), parser);
    assert_eq!(out, b"ab");
    assert_eq!(
        calls(&seen)[1..],
        ["xyb", "yb", "b"].map(|input| call(input, false))
    );
    assert_eq!(skips(report), (2, Some(1)));
}

#[test]
fn eof_ends_the_trace_with_bytes_left() {
    let (parser, _) = Scripted::new([Ok(vec![message("a")]), Err(ParserError::Eof)]);
    let (out, report) = raw(chunks(&["abc", "def"]), parser);
    assert_eq!(out, b"a");
    assert_eq!((report.loaded_bytes, skips(report)), (3, (0, None)));
}

#[test]
fn an_unrecoverable_error_names_the_offset_and_keeps_what_came_before() {
    let (parser, _) = Scripted::new([
        Ok(vec![message("ab")]),
        Err(ParserError::Unrecoverable("the guest trapped".into())),
    ]);
    let mut out = Vec::new();
    let mut producer = MessageProducer::new(chunks(&["abc"]), parser);
    let error = pollster::block_on(producer.for_each(|message, item| {
        out.push((message.clone(), item.to_vec()));
        Ok(())
    }))
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 2 of the trace: the guest trapped"
    );
    assert_eq!(out, [(Bytes(b"ab".into()), b"ab".to_vec())]);
}

#[test]
fn an_empty_source_is_never_parsed() {
    let (parser, seen) = Scripted::new([]);
    let (out, report) = raw(chunks(&[]), parser);
    assert_eq!((out, calls(&seen)), (Vec::new(), Vec::new()));
    assert_eq!(report.source.c_rld, 1);
}

#[test]
fn a_parser_that_advances_nothing_ends() {
    // Neither of these may go round for ever.
    let (parser, _) = Scripted::new([Ok(vec![]), Ok(vec![filtered(0)])]);
    let (_, report) = raw(chunks(&["abc"]), parser);
    assert_eq!(skips(report), (3, Some(0)));
}

#[test]
fn a_parser_that_claims_too_much_gets_what_there_is() {
    let (parser, _) = Scripted::new([Ok(vec![filtered(usize::MAX), filtered(usize::MAX)])]);
    let (_, report) = raw(chunks(&["abc"]), parser);
    assert_eq!((report.loaded_bytes, skips(report)), (3, (0, None)));
}

#[test]
fn a_message_without_end_is_an_error_and_not_all_of_the_memory() {
    let (parser, _) = Scripted::new((0..20).map(|_| Err(ParserError::Incomplete)));
    let source = Chunks::new((0..20).map(|_| vec![b'x'; 10]));
    let mut producer = MessageProducer::new(source, parser).with_buffer_limit(100);
    let error = pollster::block_on(producer.for_each(|_, _| Ok(()))).unwrap_err();
    assert!(
        matches!(
            error,
            ProduceError::TooLong {
                offset: 0,
                limit: 100
            }
        ),
        "{error}"
    );
}

#[test]
fn a_sink_that_fails_ends_the_drive_behind_its_item() {
    struct Full(usize);
    impl<T> Sink<T> for Full {
        fn item(&mut self, _: &Item<'_, T>) -> io::Result<()> {
            self.0 += 1;
            if self.0 == 2 {
                return Err(io::Error::other("disk full"));
            }
            Ok(())
        }
    }
    let (parser, _) = Scripted::new([Ok(vec![message("a"), message("b"), message("c")])]);
    let mut producer = MessageProducer::new(chunks(&["abc"]), parser);
    let error = pollster::block_on(producer.drive(&mut Full(0))).unwrap_err();
    assert_eq!(error.to_string(), "disk full");
    assert_eq!(producer.source().current_slice(), b"c");
}

#[test]
fn a_source_error_is_handed_on() {
    struct Broken;
    #[async_trait]
    impl ByteSource for Broken {
        fn consume(&mut self, _: usize) {}
        fn current_slice(&self) -> &[u8] {
            &[]
        }
        fn len(&self) -> usize {
            0
        }
        async fn load(
            &mut self,
            _: Option<&SourceFilter>,
        ) -> Result<Option<ReloadInfo>, SourceError> {
            Err(SourceError::Unrecoverable("the line is cut".into()))
        }
    }
    let (parser, _) = Scripted::new([]);
    let error = try_raw(Broken, parser).unwrap_err();
    assert_eq!(error.to_string(), "the line is cut");
}

#[test]
fn messages_without_a_range_are_written_by_themselves_and_in_order() {
    let (parser, _) = Scripted::new([Ok(vec![message("ab"), filtered(1), message("c")])]);
    let (out, _) = raw(chunks(&["abxc"]), parser);
    assert_eq!(out, b"abc");
}

/// Is pending once before every chunk; loses nothing if it is dropped there.
struct Hesitant {
    chunks: VecDeque<Vec<u8>>,
    buffer: ChunkBuffer,
}

#[async_trait]
impl ByteSource for Hesitant {
    fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
    }
    fn current_slice(&self) -> &[u8] {
        self.buffer.slice()
    }
    fn len(&self) -> usize {
        self.buffer.len()
    }
    async fn load(&mut self, _: Option<&SourceFilter>) -> Result<Option<ReloadInfo>, SourceError> {
        let mut waited = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        Ok(self.chunks.pop_front().map(|chunk| {
            self.buffer.append(&chunk);
            ReloadInfo {
                newly_loaded_bytes: chunk.len(),
                available_bytes: self.buffer.len(),
                ..ReloadInfo::default()
            }
        }))
    }
}

#[test]
fn dropping_a_step_that_waits_loses_nothing() {
    struct Collect(Vec<u8>);
    impl Sink<Bytes> for Collect {
        fn item(&mut self, item: &Item<'_, Bytes>) -> io::Result<()> {
            self.0.extend(item.bytes());
            Ok(())
        }
    }
    let (parser, _) = Scripted::new([
        Ok(vec![message("ab")]),
        // Once for the step that is dropped, once for the one after it.
        Err(ParserError::Incomplete),
        Err(ParserError::Incomplete),
        Ok(vec![message("cd")]),
    ]);
    let source = Hesitant {
        chunks: [b"abc".to_vec(), b"d".to_vec()].into(),
        buffer: ChunkBuffer::new(),
    };
    let mut producer = MessageProducer::new(source, parser);
    let mut sink = Collect(Vec::new());
    let mut context = Context::from_waker(Waker::noop());
    let mut dropped = 0;
    // Every step is polled once and dropped, and then run to its end.
    loop {
        {
            let mut step = Box::pin(producer.step(&mut sink));
            match step.as_mut().poll(&mut context) {
                Poll::Ready(Ok(Step::Done)) => break,
                Poll::Ready(Ok(Step::Progress)) => continue,
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => dropped += 1,
            }
        }
        if producer.source().chunks.is_empty() && producer.source().is_empty() {
            break;
        }
        let mut step = Box::pin(producer.step(&mut sink));
        while step.as_mut().poll(&mut context).is_pending() {}
    }
    assert_eq!(sink.0, b"abcd");
    assert!(dropped >= 2, "{dropped} steps were dropped");
}
