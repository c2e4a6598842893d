//! What a damaged trace costs: as many calls of the reader as a whole one, nearly, and hardly more bytes handed over. That
//! is what makes the time linear, and unlike the time it can be counted.

mod common;

use chipmunk_dlt::generate::{Damaged, Trace};
use chipmunk_payload::{AlignedBytes, Batch};
use chipmunk_pipeline::{
    BatchParser, BatchReader, MessageProducer, ParserError,
    export::NoneExporter,
    native::{DltOutput, DltReader},
};
use common::{dlt, stream};

const CHUNK: usize = 256 << 10;

/// Counts what a reader is called with.
struct Counting {
    reader: BatchParser<DltReader>,
    calls: usize,
    bytes: usize,
}

impl BatchReader for Counting {
    fn read_batch(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        spare: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        self.calls += 1;
        self.bytes += input.len();
        self.reader
            .reader_mut()
            .read_batch(input, timestamp, at_end, spare)
    }
}

/// Messages found in `trace`, calls of the reader, and bytes handed over to it.
fn cost(trace: &[u8]) -> (u64, usize, usize) {
    let parser = BatchParser::new(Counting {
        reader: dlt(DltOutput::Ranges),
        calls: 0,
        bytes: 0,
    });
    let mut producer = MessageProducer::new(stream(trace, CHUNK), parser);
    pollster::block_on(producer.drive(&mut NoneExporter)).expect("the run succeeds");
    let reader = producer.parser().reader();
    (producer.report().parser.m_ok, reader.calls, reader.bytes)
}

#[test]
fn calls_and_bytes_handed_over_are_linear_in_the_input_however_it_is_damaged() {
    // Of the longer messages several false headers are a chunk apart; of the shorter ones thousands are in a chunk.
    for message_bytes in [60, 209, 5_000] {
        for megabytes in [1, 4] {
            let damaged = Damaged {
                trace: Trace {
                    messages: (megabytes << 20) / message_bytes,
                    garbage: 8,
                    message_bytes: message_bytes as u32,
                    seed: 1,
                },
                every: 2.try_into().expect("not zero"),
            };
            let mut trace = Vec::new();
            damaged.write_to(&mut trace).expect("writing to a vector");
            let (messages, calls, bytes) = cost(&trace);
            let about = format!("{message_bytes} bytes a message, {megabytes} MiB");
            assert_eq!(messages, damaged.whole_messages(), "{about}");
            // One call a chunk, one more at the end; a header that lies may want up to 64 KiB more than there is.
            let chunks = trace.len().div_ceil(CHUNK);
            assert!(calls <= chunks + 2, "{about}: {calls} calls");
            assert!(
                bytes <= trace.len() + (chunks + 2) * (66 << 10),
                "{about}: {bytes} bytes of {}",
                trace.len()
            );
        }
    }
}

#[test]
fn one_false_header_after_the_other_costs_no_more() {
    // Headers whose messages would reach beyond all that is loaded, back to back, and nothing else.
    let header = [&b"DLT\x01"[..], &[0; 12], &[0xFF, 0, 0xFF, 0xFF]].concat();
    for count in [10_000, 100_000] {
        let trace = header.repeat(count);
        let (messages, calls, bytes) = cost(&trace);
        let chunks = trace.len().div_ceil(CHUNK);
        assert_eq!(messages, 0);
        assert!(calls <= chunks + 2, "{calls} calls");
        assert!(
            bytes <= trace.len() + (chunks + 2) * (66 << 10),
            "{bytes} bytes of {}",
            trace.len()
        );
    }
}
