//! Several threads give what one gives: bytes, counters, errors.

mod common;

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use chipmunk_dlt::generate::Trace;
use chipmunk_payload::{AlignedBytes, Batch};
use chipmunk_pipeline::{
    BatchParser, BatchReader, MessageProducer, Parser, ParserError, ProduceError, ProducerReport,
    export::{Exporter, Format, NoneExporter, RawFormat, TextFormat},
    native::{self, DltCoreParser, DltOptions, DltOutput, DltReader, StreamSource, TextOptions},
    parallel::{Finished, Options, Shares, overlap, split},
};
use proptest::prelude::*;

/// A source whose reads are cut at given places.
struct Cut {
    bytes: Arc<[u8]>,
    at: usize,
    cuts: Vec<usize>,
}

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let next = self.cuts.iter().copied().find(|cut| *cut > self.at);
        let end = next.unwrap_or(self.bytes.len()).min(self.bytes.len());
        let part = &self.bytes[self.at..end];
        let part = &part[..part.len().min(buffer.len())];
        buffer[..part.len()].copy_from_slice(part);
        self.at += part.len();
        Ok(part.len())
    }
}

/// Cuts after every `chunk` bytes.
fn every(chunk: usize, bytes: &[u8]) -> Vec<usize> {
    (1..=bytes.len() / chunk).map(|n| n * chunk).collect()
}

fn source(bytes: &Arc<[u8]>, cuts: &[usize]) -> StreamSource<Cut> {
    StreamSource::from_reader(
        "test",
        Cut {
            bytes: Arc::clone(bytes),
            at: 0,
            cuts: cuts.to_vec(),
        },
    )
    .with_chunk_bytes(1 << 20)
}

fn dlt(output: DltOutput) -> DltReader {
    dlt_with(output, true)
}

fn dlt_with(output: DltOutput, storage_header: bool) -> DltReader {
    DltReader::new(DltOptions {
        output,
        storage_header,
        ..DltOptions::default()
    })
}

type Outcome = Result<(Vec<u8>, ProducerReport), String>;

fn serial<P: Parser>(
    bytes: &Arc<[u8]>,
    cuts: &[usize],
    parser: P,
    format: impl Format,
    limit: usize,
) -> Outcome {
    let mut exporter = Exporter::of(format, Vec::new());
    let mut producer = MessageProducer::new(source(bytes, cuts), parser).with_buffer_limit(limit);
    pollster::block_on(producer.drive(&mut exporter)).map_err(|error| error.to_string())?;
    Ok((exporter.finish().unwrap(), producer.report()))
}

/// Options under which small chunks are worth it.
fn options(jobs: usize) -> Options {
    let mut options = Options::new(NonZeroUsize::new(jobs).unwrap());
    options.headroom = 300;
    options.min_lookback = 150;
    options.max_lookback = 3000;
    options.least_trial = 1;
    options
}

fn outcome(finished: Result<Finished<Vec<u8>>, ProduceError>) -> (Outcome, Shares) {
    match finished {
        Ok(finished) => (Ok((finished.out, finished.report)), finished.shares),
        Err(error) => (Err(error.to_string()), Shares::default()),
    }
}

/// A run by several instances, with the source on a thread of its own and without: they give the same.
fn by<R: BatchReader + Send + 'static>(
    bytes: &Arc<[u8]>,
    cuts: &[usize],
    reader: impl Fn() -> R + Sync,
    format: impl Format,
    options: &Options,
) -> (Outcome, Shares) {
    let more = || Some(reader());
    let [waiting, on_demand] = [true, false].map(|source_waits| {
        let mut options = options.clone();
        options.source_waits = source_waits;
        outcome(split(
            source(bytes, cuts),
            reader(),
            &more,
            format.clone(),
            Vec::new(),
            &options,
            &mut |_| {},
        ))
    });
    assert!(waiting.0 == on_demand.0, "it matters who reads the source");
    on_demand
}

/// Messages, garbage, and what is hard to tell from either.
#[derive(Debug, Clone)]
enum Piece {
    Message(Vec<u8>),
    /// A message whose payload has whole messages in it.
    Nested(Vec<Vec<u8>>),
    /// A message whose payload has the beginning of one that would end behind it.
    Lure(u16),
    Garbage(Vec<u8>),
    Pattern(usize),
    Version2,
}

fn message(payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"DLT\x01\x10\x20\x30\x40\x01\x02\x00\x00ECU1".to_vec();
    let length = 14 + payload.len() as u16;
    bytes.extend([0x21, 7]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(b"\x41\x01APP\0CON\0");
    bytes.extend(payload);
    bytes
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Message(payload) => message(payload),
            Self::Nested(payloads) => {
                let inner: Vec<u8> = payloads.iter().flat_map(|each| message(each)).collect();
                message(&inner)
            }
            Self::Lure(length) => {
                let mut inner = b"DLT\x01\0\0\0\0\0\0\0\0ECU2\x20\0".to_vec();
                inner.extend(length.to_be_bytes());
                message(&inner)
            }
            Self::Garbage(bytes) => bytes.clone(),
            Self::Pattern(count) => b"DLT\x01".repeat(*count),
            Self::Version2 => b"DLT\x02\0\0 something newer".to_vec(),
        }
    }
}

fn piece() -> impl Strategy<Value = Piece> {
    let payload = || prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        8 => payload().prop_map(Piece::Message),
        2 => prop::collection::vec(payload(), 1..4).prop_map(Piece::Nested),
        2 => (0u16..600).prop_map(Piece::Lure),
        2 => prop::collection::vec(any::<u8>(), 1..80).prop_map(Piece::Garbage),
        1 => (1usize..4).prop_map(Piece::Pattern),
        1 => Just(Piece::Version2),
    ]
}

fn trace() -> impl Strategy<Value = Arc<[u8]>> {
    prop::collection::vec(piece(), 0..80)
        .prop_map(|pieces| pieces.iter().flat_map(Piece::bytes).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_trace_gives_what_one_thread_gives(
        bytes in trace(),
        chunk in 1usize..1500,
        jobs in 1usize..=8,
        min_lookback in 1usize..600,
        headroom in 1usize..400,
        storage_header in prop::bool::weighted(0.8),
    ) {
        let mut options = options(jobs);
        options.min_lookback = min_lookback;
        options.headroom = headroom;
        let cuts = every(chunk, &bytes);
        let line = || dlt_with(DltOutput::Line, storage_header);
        let format = TextFormat::new("|");
        let expected = serial(&bytes, &cuts, BatchParser::new(line()), format.clone(), 1 << 20);
        prop_assert_eq!(&by(&bytes, &cuts, line, format.clone(), &options).0, &expected);
        let overlapped = overlap(
            source(&bytes, &cuts), BatchParser::new(line()), format, Vec::new(), &options, &mut |_| {},
        );
        prop_assert_eq!(&outcome(overlapped).0, &expected);

        let ranges = || dlt_with(DltOutput::Ranges, storage_header);
        let expected = serial(&bytes, &cuts, BatchParser::new(ranges()), RawFormat::default(), 1 << 20);
        prop_assert_eq!(by(&bytes, &cuts, ranges, RawFormat::default(), &options).0, expected);
    }

    #[test]
    fn lines_of_text_give_what_one_thread_gives(
        lines in prop::collection::vec("[a-z]{0,20}(\n|\r|\r\n)", 0..60),
        chunk in 1usize..300,
        jobs in 1usize..=8,
    ) {
        let bytes: Arc<[u8]> = lines.concat().into_bytes().into();
        let cuts = every(chunk, &bytes);
        let reader = || native::TextReader::new(&TextOptions::default());
        let format = TextFormat::new("|");
        let expected = serial(&bytes, &cuts, BatchParser::new(reader()), format.clone(), 1 << 20);
        let more = || Some(reader());
        let found = split(
            source(&bytes, &cuts), reader(), &more, format, Vec::new(), &options(jobs), &mut |_| {},
        );
        prop_assert_eq!(outcome(found).0, expected);
    }
}

fn mixed() -> Arc<[u8]> {
    let plain = |payload: &[u8]| Piece::Message(payload.to_vec());
    let pieces = [
        Piece::Garbage(b"in front".to_vec()),
        plain(b"one"),
        plain(b"two"),
        Piece::Nested(vec![b"three".to_vec(), b"four".to_vec()]),
        plain(b"five"),
        Piece::Garbage(b"DLT\x01DLT\x01 between".to_vec()),
        plain(b"six"),
        Piece::Lure(90),
        plain(b"seven"),
        plain(b"eight"),
        Piece::Version2,
        plain(b"nine"),
        plain(b"ten"),
        Piece::Pattern(1),
    ];
    pieces.iter().flat_map(Piece::bytes).collect()
}

#[test]
fn every_place_to_split_gives_the_same() {
    let bytes = mixed();
    let mut all = Shares::default();
    for first in 1..bytes.len() {
        for second in [first + 1, first + 50, first + 120, bytes.len()] {
            let cuts = [first, second];
            let format = TextFormat::new("|");
            let line = || dlt(DltOutput::Line);
            let expected = serial(
                &bytes,
                &cuts,
                BatchParser::new(line()),
                format.clone(),
                1 << 20,
            );
            let (found, shares) = by(&bytes, &cuts, line, format, &options(2));
            assert_eq!(found, expected, "cut at {cuts:?}");
            all.ahead += shares.ahead;
            all.in_turn += shares.in_turn;
        }
    }
    // Both ways were gone, and often.
    assert!(all.ahead > 500 && all.in_turn > 500, "{all:?}");
}

fn generated(messages: u64, garbage: u64) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    Trace {
        messages,
        garbage,
        message_bytes: 209,
        seed: 5,
    }
    .write_to(&mut bytes)
    .unwrap();
    bytes.into()
}

#[test]
fn an_ordinary_trace_is_parsed_ahead() {
    let bytes = generated(20_000, 20);
    let cuts = every(64 << 10, &bytes);
    let line = || dlt(DltOutput::Line);
    let format = TextFormat::new("\t");
    let expected = serial(
        &bytes,
        &cuts,
        BatchParser::new(line()),
        format.clone(),
        1 << 20,
    );
    for jobs in [1, 2, 4, 8] {
        let options = Options::new(NonZeroUsize::new(jobs).unwrap());
        let (found, shares) = by(&bytes, &cuts, line, format.clone(), &options);
        assert!(found == expected, "{jobs} jobs");
        let chunks = shares.ahead + shares.in_turn;
        assert!(shares.ahead * 10 > chunks * 9, "{shares:?}");
    }
}

#[test]
fn garbage_longer_than_a_chunk_is_one_run() {
    let mut bytes = generated(300, 0).to_vec();
    bytes.extend(vec![7; 400_000]);
    bytes.extend_from_slice(&generated(300, 0));
    let bytes: Arc<[u8]> = bytes.into();
    let cuts = every(10_000, &bytes);
    let ranges = || dlt(DltOutput::Ranges);
    let expected = serial(
        &bytes,
        &cuts,
        BatchParser::new(ranges()),
        NoneExporter,
        1 << 20,
    );
    let report = expected.as_ref().unwrap().1;
    assert_eq!((report.skipped_bytes, report.parser.p_err), (400_000, 1));
    for jobs in [1, 2, 4] {
        let found = by(&bytes, &cuts, ranges, NoneExporter, &options(jobs)).0;
        assert_eq!(found, expected);
    }
}

#[test]
fn a_trace_of_another_protocol_version_is_refused_as_by_one_thread() {
    let bytes: Arc<[u8]> = Piece::Version2.bytes().repeat(200).into();
    let cuts = every(700, &bytes);
    let ranges = || dlt(DltOutput::Ranges);
    let expected = serial(
        &bytes,
        &cuts,
        BatchParser::new(ranges()),
        NoneExporter,
        1 << 20,
    );
    assert!(expected.as_ref().unwrap_err().contains("version 2"));
    assert_eq!(
        by(&bytes, &cuts, ranges, NoneExporter, &options(4)).0,
        expected
    );
}

#[test]
fn a_message_that_does_not_end_is_the_same_error() {
    let bytes: Arc<[u8]> = [b"line\n".repeat(1000), vec![b'x'; 100_000]]
        .concat()
        .into();
    let cuts = every(1000, &bytes);
    let reader = || native::TextReader::new(&TextOptions::default());
    let format = TextFormat::new("");
    let limit = 20_000;
    let expected = serial(
        &bytes,
        &cuts,
        BatchParser::new(reader()),
        format.clone(),
        limit,
    );
    assert!(
        expected
            .as_ref()
            .unwrap_err()
            .starts_with("at byte 5000 of the trace: no end of the message within 20000 bytes")
    );
    let mut options = options(3);
    options.buffer_limit = limit;
    let found = by(&bytes, &cuts, reader, format.clone(), &options).0;
    assert_eq!(found, expected);
    let found = overlap(
        source(&bytes, &cuts),
        BatchParser::new(reader()),
        format,
        Vec::new(),
        &options,
        &mut |_| {},
    );
    assert_eq!(outcome(found).0, expected);
}

#[test]
fn a_parser_that_is_no_batch_reader_overlaps() {
    let bytes = generated(2000, 20);
    let cuts = every(5000, &bytes);
    let parser = || DltCoreParser::new(true, " ");
    let format = TextFormat::new("|");
    let expected = serial(&bytes, &cuts, parser(), format.clone(), 1 << 20);
    let found = overlap(
        source(&bytes, &cuts),
        parser(),
        format,
        Vec::new(),
        &options(2),
        &mut |_| {},
    );
    assert_eq!(outcome(found).0, expected);
}

/// A reader that fails at bytes that no trace has by chance, with what the guess has not to do with.
struct Failing(DltReader, Arc<AtomicUsize>);

const POISON: &[u8] = b"-poison-";

impl BatchReader for Failing {
    fn read_batch(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        spare: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        if input.windows(POISON.len()).any(|bytes| bytes == POISON) {
            return Err(ParserError::Unrecoverable("trapped".to_owned()));
        }
        self.0.read_batch(input, timestamp, at_end, spare)
    }
}

#[test]
fn a_parser_that_fails_in_the_middle_fails_at_the_same_place() {
    let mut bytes = generated(500, 3).to_vec();
    bytes.extend(message(POISON));
    bytes.extend_from_slice(&generated(500, 3));
    let bytes: Arc<[u8]> = bytes.into();
    let calls = Arc::new(AtomicUsize::new(0));
    let failing = || Failing(dlt(DltOutput::Line), Arc::clone(&calls));
    for chunk in [1000, 3000, 20_000] {
        let cuts = every(chunk, &bytes);
        let format = TextFormat::new("|");
        let expected = serial(
            &bytes,
            &cuts,
            BatchParser::new(failing()),
            format.clone(),
            1 << 20,
        );
        assert!(
            expected
                .as_ref()
                .unwrap_err()
                .ends_with("of the trace: trapped")
        );
        for jobs in [1, 2, 4, 8] {
            let more = || Some(failing());
            let found = split(
                source(&bytes, &cuts),
                failing(),
                &more,
                format.clone(),
                Vec::new(),
                &options(jobs),
                &mut |_| {},
            );
            assert_eq!(outcome(found).0, expected);
        }
    }
}

#[test]
fn without_more_instances_it_goes_on_with_those_there_are() {
    let bytes = generated(2000, 3);
    let cuts = every(4000, &bytes);
    let line = || dlt(DltOutput::Line);
    let format = TextFormat::new("|");
    let expected = serial(
        &bytes,
        &cuts,
        BatchParser::new(line()),
        format.clone(),
        1 << 20,
    );
    let found = split(
        source(&bytes, &cuts),
        line(),
        &|| None,
        format,
        Vec::new(),
        &options(4),
        &mut |_| {},
    );
    assert_eq!(outcome(found).0, expected);
}

#[test]
fn a_source_that_fails_fails_behind_what_came_before() {
    struct Breaks(Cut);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("on fire")),
                read => Ok(read),
            }
        }
    }
    let bytes = generated(500, 0);
    let source = || {
        let cut = Cut {
            bytes: Arc::clone(&bytes),
            at: 0,
            cuts: every(2000, &bytes),
        };
        StreamSource::from_reader("it", Breaks(cut)).with_chunk_bytes(1 << 20)
    };
    let line = || dlt(DltOutput::Line);
    let format = TextFormat::new("|");
    for source_waits in [true, false] {
        let mut options = options(4);
        options.source_waits = source_waits;
        let found = split(
            source(),
            line(),
            &|| Some(line()),
            format.clone(),
            Vec::new(),
            &options,
            &mut |_| {},
        );
        assert_eq!(outcome(found).0, Err("cannot read it: on fire".to_owned()));
    }
    let parser = BatchParser::new(line());
    let found = overlap(
        source(),
        parser,
        format,
        Vec::new(),
        &options(4),
        &mut |_| {},
    );
    assert_eq!(outcome(found).0, Err("cannot read it: on fire".to_owned()));
}

/// Takes so many bytes, and then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_ends_it_with_its_error_also_while_the_source_waits() {
    /// Gives its bytes, and then waits as long as somebody holds the other end.
    struct Waits(Cut, Mutex<mpsc::Receiver<()>>);
    impl Read for Waits {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => {
                    let _ = self.1.lock().unwrap().recv_timeout(Duration::from_secs(60));
                    Ok(0)
                }
                read => Ok(read),
            }
        }
    }
    let bytes = generated(3000, 0);
    for jobs in [1, 4] {
        for splits in [false, true] {
            for takes in [0, 1, 10_000, 400_000] {
                let (hold, wait) = mpsc::channel();
                let cut = Cut {
                    bytes: Arc::clone(&bytes),
                    at: 0,
                    cuts: every(5000, &bytes),
                };
                let source = StreamSource::from_reader("it", Waits(cut, Mutex::new(wait)))
                    .with_chunk_bytes(1 << 20);
                let line = || dlt(DltOutput::Line);
                let (format, out) = (TextFormat::new("|"), Full(takes));
                let error = if splits {
                    let more = || Some(line());
                    split(
                        source,
                        line(),
                        &more,
                        format,
                        out,
                        &options(jobs),
                        &mut |_| {},
                    )
                    .map(drop)
                    .expect_err("it is full")
                } else {
                    let parser = BatchParser::new(line());
                    overlap(source, parser, format, out, &options(jobs), &mut |_| {})
                        .map(drop)
                        .expect_err("it is full")
                };
                assert!(
                    matches!(&error, ProduceError::Sink(error) if error.kind() == io::ErrorKind::BrokenPipe),
                    "{error}"
                );
                drop(hold);
            }
        }
    }
}

#[test]
fn a_header_comes_once() {
    #[derive(Clone)]
    struct WithHeader;
    impl Format for WithHeader {
        fn header(&self, out: &mut Vec<u8>) {
            out.extend(b"header\n");
        }

        fn item<T: chipmunk_pipeline::LogMessage>(
            &mut self,
            item: &chipmunk_pipeline::Item<'_, T>,
            out: &mut Vec<u8>,
        ) -> io::Result<()> {
            out.extend_from_slice(item.message().map_or(&b""[..], |_| b"x"));
            Ok(())
        }
    }
    for messages in [0, 1, 3000] {
        let bytes = generated(messages, 0);
        let cuts = every(5000, &bytes);
        let ranges = || dlt(DltOutput::Ranges);
        let expected = format!("header\n{}", "x".repeat(messages as usize)).into_bytes();
        let parser = BatchParser::new(ranges());
        let (out, _) = serial(&bytes, &cuts, parser, WithHeader, 1 << 20).unwrap();
        assert!(out == expected);
        let (out, _) = by(&bytes, &cuts, ranges, WithHeader, &options(3))
            .0
            .unwrap();
        assert!(out == expected);
    }
}

#[test]
fn a_thread_that_panics_panics_who_called() {
    struct Panics(DltReader);
    impl BatchReader for Panics {
        fn read_batch(
            &mut self,
            input: &[u8],
            timestamp: Option<u64>,
            at_end: bool,
            spare: AlignedBytes,
        ) -> Result<Batch, ParserError> {
            assert!(
                std::thread::current().name() != Some("parser"),
                "on purpose"
            );
            self.0.read_batch(input, timestamp, at_end, spare)
        }
    }
    struct PanickingSource;
    impl Read for PanickingSource {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("on purpose")
        }
    }
    let bytes = generated(3000, 0);
    let cuts = every(5000, &bytes);
    let panics = || Panics(dlt(DltOutput::Ranges));
    let caught = std::panic::catch_unwind(|| {
        let more = || Some(panics());
        let source = source(&bytes, &cuts);
        let run = split(
            source,
            panics(),
            &more,
            NoneExporter,
            Vec::new(),
            &options(3),
            &mut |_| {},
        );
        run.map(drop).is_ok()
    });
    assert!(caught.is_err());
    for source_waits in [true, false] {
        let caught = std::panic::catch_unwind(|| {
            let mut options = options(3);
            options.source_waits = source_waits;
            let ranges = || dlt(DltOutput::Ranges);
            let run = split(
                StreamSource::from_reader("it", PanickingSource),
                ranges(),
                &|| Some(ranges()),
                NoneExporter,
                Vec::new(),
                &options,
                &mut |_| {},
            );
            run.map(drop).is_ok()
        });
        assert!(caught.is_err());
    }
    let caught = std::panic::catch_unwind(|| {
        let source = StreamSource::from_reader("it", PanickingSource);
        let parser = BatchParser::new(dlt(DltOutput::Ranges));
        let run = overlap(
            source,
            parser,
            NoneExporter,
            Vec::new(),
            &options(3),
            &mut |_| {},
        );
        run.map(drop).is_ok()
    });
    assert!(caught.is_err());
}

#[test]
fn progress_ascends_to_all_that_was_loaded() {
    let bytes = generated(3000, 0);
    let cuts = every(5000, &bytes);
    let mut seen = BTreeSet::new();
    let mut last = 0;
    let ranges = || dlt(DltOutput::Ranges);
    split(
        source(&bytes, &cuts),
        ranges(),
        &|| Some(ranges()),
        NoneExporter,
        Vec::new(),
        &options(2),
        &mut |at| {
            assert!(at >= last);
            last = at;
            seen.insert(at);
        },
    )
    .map(drop)
    .unwrap();
    assert_eq!(last, bytes.len() as u64);
    assert!(seen.len() > 10);
}

/// Not more than what goes round is ahead of who has not been served.
#[test]
fn the_source_is_not_read_far_ahead_of_the_parser() {
    struct Counted(Cut, Arc<AtomicUsize>);
    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.read(buffer)
        }
    }
    struct Slow(BatchParser<DltReader>, Arc<AtomicUsize>, usize);
    impl Parser for Slow {
        type Output = chipmunk_pipeline::BatchMessage;
        fn parse(
            &mut self,
            _: &[u8],
            _: Option<u64>,
        ) -> Result<impl Iterator<Item = chipmunk_pipeline::ParseOutput<Self::Output>>, ParserError>
        {
            Err::<std::iter::Empty<_>, _>(ParserError::Eof)
        }
        fn parse_each(
            &mut self,
            input: &[u8],
            timestamp: Option<u64>,
            at_end: bool,
            each: impl FnMut(
                std::ops::Range<usize>,
                Option<&chipmunk_pipeline::ParseYield<Self::Output>>,
            ) -> ControlFlow<()>,
        ) -> Result<(), ParserError> {
            self.2 += 1;
            std::thread::sleep(Duration::from_millis(5));
            let read = self.1.load(Ordering::SeqCst);
            assert!(read <= self.2 + 5, "{read} reads before call {}", self.2);
            self.0.parse_each(input, timestamp, at_end, each)
        }
        fn wants_more(&self) -> Option<usize> {
            self.0.wants_more()
        }
    }
    let bytes = generated(1000, 0);
    let reads = Arc::new(AtomicUsize::new(0));
    let cut = Cut {
        bytes: Arc::clone(&bytes),
        at: 0,
        cuts: every(5000, &bytes),
    };
    let source =
        StreamSource::from_reader("it", Counted(cut, Arc::clone(&reads))).with_chunk_bytes(1 << 20);
    let parser = Slow(BatchParser::new(dlt(DltOutput::Ranges)), reads, 0);
    overlap(
        source,
        parser,
        NoneExporter,
        Vec::new(),
        &options(2),
        &mut |_| {},
    )
    .map(drop)
    .unwrap();
}
