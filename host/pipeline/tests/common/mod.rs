//! What the tests share: traces, sources that cut them, and runs.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{collections::VecDeque, io::Read};

use async_trait::async_trait;
use chipmunk_dlt::generate::Trace;
use chipmunk_pipeline::{
    ByteSource, ChunkBuffer, MessageProducer, Parser, ProduceError, ProducerReport, ReloadInfo,
    SourceCounters, SourceError, SourceFilter,
    export::{RawExporter, TextExporter},
    native::{self, DltCoreParser, DltOptions, DltOutput, DltReader},
};

/// A generated trace and how many bytes of it are garbage.
pub fn trace(messages: u64, garbage: u64, message_bytes: u32) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let made = Trace {
        messages,
        garbage,
        message_bytes,
        seed: 7,
    }
    .write_to(&mut bytes)
    .expect("writing to a vector");
    (bytes, made.garbage_bytes)
}

pub fn dlt(output: DltOutput) -> chipmunk_pipeline::BatchParser<DltReader> {
    native::dlt_parser(DltOptions {
        output,
        ..DltOptions::default()
    })
}

pub fn dlt_core() -> DltCoreParser {
    DltCoreParser::new(true, " ")
}

/// Gives its chunks one by one.
pub struct Chunks {
    pub chunks: VecDeque<Vec<u8>>,
    buffer: ChunkBuffer,
    counters: SourceCounters,
}

impl Chunks {
    pub fn new(chunks: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            chunks: chunks.into_iter().collect(),
            buffer: ChunkBuffer::new(),
            counters: SourceCounters::default(),
        }
    }

    /// The bytes, cut at these offsets.
    pub fn cut(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> Self {
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            if cut > start {
                chunks.push(bytes[start..cut].to_vec());
                start = cut;
            }
        }
        Self::new(chunks)
    }
}

#[async_trait]
impl ByteSource for Chunks {
    fn consume(&mut self, count: usize) {
        self.counters.c_cns += 1;
        self.buffer.consume(count);
    }

    fn current_slice(&self) -> &[u8] {
        self.buffer.slice()
    }

    fn len(&self) -> usize {
        self.buffer.len()
    }

    async fn load(&mut self, _: Option<&SourceFilter>) -> Result<Option<ReloadInfo>, SourceError> {
        self.counters.c_rld += 1;
        let Some(chunk) = self.chunks.pop_front() else {
            self.counters.r_eof += 1;
            return Ok(None);
        };
        self.counters.r_ok += 1;
        self.buffer.append(&chunk);
        Ok(Some(ReloadInfo {
            newly_loaded_bytes: chunk.len(),
            available_bytes: self.buffer.len(),
            ..ReloadInfo::default()
        }))
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }
}

/// A native source over bytes.
pub fn stream(bytes: &[u8], chunk: usize) -> native::StreamSource<impl Read + Send> {
    native::StreamSource::from_reader("test", std::io::Cursor::new(bytes.to_vec()))
        .with_chunk_bytes(chunk)
}

pub fn raw<S: ByteSource, P: Parser>(source: S, parser: P) -> (Vec<u8>, ProducerReport) {
    try_raw(source, parser).expect("the run succeeds")
}

pub fn try_raw<S: ByteSource, P: Parser>(
    source: S,
    parser: P,
) -> Result<(Vec<u8>, ProducerReport), ProduceError> {
    let mut exporter = RawExporter::new(Vec::new());
    let mut producer = MessageProducer::new(source, parser);
    pollster::block_on(producer.drive(&mut exporter))?;
    Ok((exporter.finish()?, producer.report()))
}

pub fn text<S: ByteSource, P: Parser>(source: S, parser: P) -> (String, ProducerReport) {
    let mut exporter = TextExporter::new(Vec::new(), "\t");
    let mut producer = MessageProducer::new(source, parser);
    pollster::block_on(producer.drive(&mut exporter)).expect("the run succeeds");
    let text = exporter.finish().expect("writing to a vector");
    (
        String::from_utf8(text).expect("text is UTF-8"),
        producer.report(),
    )
}
