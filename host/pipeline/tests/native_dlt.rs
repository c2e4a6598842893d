//! The native sides on whole traces: not one byte is lost, wherever the input is cut.

mod common;

use chipmunk_pipeline::{
    LogMessage, MessageProducer, ParseYield, Parser, ParserCounters, ParserError, SourceCounters,
    native::{DltOutput, StreamSource},
};
use common::{Chunks, dlt, dlt_core, raw, stream, text, trace, try_raw};
use proptest::prelude::*;

/// The messages of a trace, one after the other, without what is between them.
fn messages(trace: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut producer =
        chipmunk_pipeline::MessageProducer::new(stream(trace, 1 << 20), dlt(DltOutput::Ranges));
    pollster::block_on(producer.for_each(|message, item| {
        let mut raw = Vec::new();
        message.write_raw(item, &mut raw)?;
        messages.push(raw);
        Ok(())
    }))
    .expect("the run succeeds");
    messages
}

#[test]
fn raw_output_is_the_input_without_its_garbage() {
    let (input, garbage) = trace(2000, 8, 150);
    let (out, report) = raw(stream(&input, 1 << 16), dlt(DltOutput::Ranges));
    assert_eq!(out, messages(&input).concat());
    assert_eq!(out.len() as u64, input.len() as u64 - garbage);
    assert_eq!(
        (report.loaded_bytes, report.skipped_bytes),
        (input.len() as u64, garbage)
    );
    let (clean, _) = trace(500, 0, 150);
    assert_eq!(raw(stream(&clean, 1 << 16), dlt(DltOutput::Line)).0, clean);
}

#[test]
fn every_chunk_size_gives_the_same() {
    let (input, garbage) = trace(40, 3, 60);
    let whole = text(stream(&input, 1 << 20), dlt(DltOutput::Line));
    let core = text(stream(&input, 1 << 20), dlt_core());
    assert_eq!(whole.1.skipped_bytes, garbage);
    for chunk in (1..200).chain([1000, 4096, input.len() - 1, input.len()]) {
        for output in [DltOutput::Line, DltOutput::Columns] {
            let (out, report) = text(stream(&input, chunk), dlt(output));
            assert_eq!(out, whole.0, "chunks of {chunk} bytes, {output:?}");
            let (now, then) = (report, whole.1);
            assert_eq!(
                (
                    now.skipped_bytes,
                    now.first_skip,
                    now.parser.m_ok,
                    now.parser.p_err
                ),
                (
                    then.skipped_bytes,
                    then.first_skip,
                    then.parser.m_ok,
                    then.parser.p_err
                ),
                "chunks of {chunk} bytes, {output:?}"
            );
        }
        let (out, report) = text(stream(&input, chunk), dlt_core());
        assert_eq!(out, core.0, "chunks of {chunk} bytes, dlt-core");
        assert_eq!(
            report.skipped_bytes, core.1.skipped_bytes,
            "chunks of {chunk} bytes, dlt-core"
        );
        assert_eq!(
            report.parser.m_ok, core.1.parser.m_ok,
            "chunks of {chunk} bytes, dlt-core"
        );
    }
}

#[test]
fn dlt_core_gives_the_same_text_where_nothing_is_damaged() {
    let (input, garbage) = trace(3000, 8, 150);
    let ours = text(stream(&input, 1 << 18), dlt(DltOutput::Line));
    let core = text(stream(&input, 1 << 18), dlt_core());
    assert_eq!(ours.1.parser.m_damaged, 0);
    for (ours, core) in ours.0.lines().zip(core.0.lines()) {
        assert_eq!(ours, core);
    }
    assert_eq!(ours.0.len(), core.0.len());
    assert_eq!((core.1.parser.m_ok, core.1.skipped_bytes), (3000, garbage));
    let raws = [
        raw(stream(&input, 1 << 18), dlt(DltOutput::Ranges)).0,
        raw(stream(&input, 1 << 18), dlt_core()).0,
    ];
    assert_eq!(raws[0], raws[1]);
}

#[test]
fn counts_as_the_prototype_did() {
    let (input, _) = trace(30_525, 8, 150);
    // Seventeen chunks, cut without regard to messages.
    let size = input.len() / 17 + 1;
    let cuts = (1..17).map(|cut| cut * size);
    let (_, report) = raw(Chunks::cut(&input, cuts), dlt(DltOutput::Ranges));
    assert_eq!(
        report.source,
        SourceCounters {
            c_cns: 30_533,
            c_rld: 18,
            r_ok: 17,
            r_eof: 1,
            r_err: 0
        }
    );
    assert_eq!(
        report.parser,
        ParserCounters {
            c_fn: 30_533,
            c_plg: 17,
            p_res: 30_533,
            m_ok: 30_525,
            m_damaged: 0,
            m_flt: 0,
            p_inc: 0,
            p_eof: 0,
            p_err: 8,
        }
    );
}

#[test]
fn garbage_alone_is_skipped_in_one_run() {
    let garbage = vec![0x5a; 3 << 20];
    for chunk in [1 << 12, 1 << 20, 1 << 23] {
        let (out, report) = raw(stream(&garbage, chunk), dlt(DltOutput::Ranges));
        assert_eq!(out, b"");
        assert_eq!(
            (report.skipped_bytes, report.first_skip),
            (3 << 20, Some(0))
        );
        assert_eq!((report.parser.p_err, report.parser.m_ok), (1, 0));
        let (out, report) = raw(stream(&garbage, chunk), dlt_core());
        assert_eq!(out, b"");
        assert_eq!(
            (report.skipped_bytes, report.first_skip),
            (3 << 20, Some(0))
        );
        assert_eq!(report.parser.p_err, 1);
    }
}

#[test]
fn a_truncated_last_message_is_skipped() {
    let (input, _) = trace(10, 0, 150);
    let all = messages(&input);
    let last = all.last().map_or(0, Vec::len);
    for cut in [1, 5, 17, last - 1] {
        let (out, report) = raw(
            stream(&input[..input.len() - cut], 64),
            dlt(DltOutput::Ranges),
        );
        assert_eq!(out, input[..input.len() - last]);
        assert_eq!(report.skipped_bytes, (last - cut) as u64);
        assert_eq!(report.first_skip, Some((input.len() - last) as u64));
        let (out, report) = raw(stream(&input[..input.len() - cut], 64), dlt_core());
        assert_eq!(out, input[..input.len() - last]);
        assert_eq!(report.skipped_bytes, (last - cut) as u64);
        assert_eq!(report.first_skip, Some((input.len() - last) as u64));
    }
}

#[test]
fn a_trace_of_another_protocol_version_is_refused_wherever_it_is_cut() {
    let input =
        b"DLT\x02 this is of version 2 and has more bytes than the reader keeps back".repeat(3);
    for chunk in [1, 7, 50, input.len() - 1, input.len(), 4096] {
        let mut producer = MessageProducer::new(stream(&input, chunk), dlt(DltOutput::Ranges));
        let error =
            pollster::block_on(producer.for_each(|_, _| Ok(()))).expect_err("nothing is read");
        assert!(
            error.to_string().contains("version 2"),
            "chunks of {chunk} bytes: {error}"
        );
        assert_eq!(
            producer.report().skipped_bytes,
            input.len() as u64,
            "chunks of {chunk} bytes"
        );
    }
}

#[test]
fn empty_input_gives_nothing() {
    let (out, report) = raw(stream(b"", 64), dlt(DltOutput::Ranges));
    assert_eq!(
        (out, report.parser.c_fn, report.source.r_eof),
        (Vec::new(), 0, 1)
    );
}

#[test]
fn messages_of_parse_keep_their_bytes() {
    let (input, _) = trace(5, 0, 150);
    let mut parser = dlt(DltOutput::Columns);
    let found: Vec<_> = parser.parse(&input, None).expect("messages").collect();
    // The input goes away; the messages do not need it.
    let expected = input.clone();
    drop(input);
    let mut out = Vec::new();
    let mut consumed = 0;
    for item in &found {
        consumed += item.consumed;
        let Some(ParseYield::Message(message)) = &item.message else {
            panic!("{item:?} is no message");
        };
        message.to_writer(&mut out).expect("it kept its bytes");
        assert_eq!(message.to_string().split('\u{4}').count(), 11);
        assert_eq!(
            serde_json::to_value(message)
                .unwrap()
                .as_array()
                .map(Vec::len),
            Some(11)
        );
    }
    assert_eq!((out, consumed), (expected.clone(), expected.len()));
}

#[test]
fn the_tail_answers_the_next_call_without_a_batch() {
    let (input, _) = trace(3, 0, 150);
    let cut = &input[..input.len() - 1];
    let mut parser = dlt(DltOutput::Ranges);
    let consumed: usize = parser
        .parse(cut, None)
        .expect("two messages")
        .map(|item| item.consumed)
        .sum();
    assert!(parser.wants_more().is_some());
    let calls = parser.report().counters.c_plg;
    assert_eq!(
        parser.parse(&cut[consumed..], None).err(),
        Some(ParserError::Incomplete)
    );
    assert_eq!(parser.report().counters.c_plg, calls);
    assert_eq!(
        parser
            .parse(&input[consumed..], None)
            .expect("the third")
            .count(),
        1
    );
    assert_eq!(parser.report().counters.m_ok, 3);
}

#[test]
fn files_are_read_and_others_refused() {
    let (input, _) = trace(10, 0, 150);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trace.dlt");
    std::fs::write(&path, &input).expect("writing the trace");
    let source = StreamSource::open(&path).expect("the file is there");
    assert_eq!(raw(source, dlt(DltOutput::Ranges)).0, input);

    let refused = |path: &std::path::Path| StreamSource::open(path).unwrap_err().to_string();
    let missing = folder.path().join("missing");
    assert_eq!(
        refused(&missing),
        format!(
            "cannot read {}: there is no such file; check the path",
            missing.display()
        )
    );
    assert_eq!(
        refused(folder.path()),
        format!(
            "cannot read {}: it is a directory; name a file in it",
            folder.path().display()
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_cuts_lose_nothing(cuts in prop::collection::btree_set(1usize..400_000, 0..40)) {
        let (input, garbage) = trace(2000, 8, 150);
        let whole = messages(&input).concat();
        let cut = || Chunks::cut(&input, cuts.iter().copied().filter(|cut| *cut < input.len()));
        let (out, report) = raw(cut(), dlt(DltOutput::Ranges));
        prop_assert!(out == whole);
        prop_assert_eq!((report.skipped_bytes, report.parser.p_err, report.parser.m_ok), (garbage, 8, 2000));
        let (out, _) = raw(cut(), dlt_core());
        prop_assert!(out == whole);
    }

    #[test]
    fn whatever_the_input_every_byte_is_handed_out_or_skipped(
        mut input in prop::collection::vec(any::<u8>(), 0..2000),
        headers in prop::collection::vec(0usize..2000, 0..20),
        chunk in 1usize..300,
    ) {
        for at in headers {
            if let Some(place) = input.get_mut(at..at + 4) {
                place.copy_from_slice(b"DLT\x01");
            }
        }
        let of_ours = try_raw(stream(&input, chunk), dlt(DltOutput::Line));
        for outcome in [of_ours, try_raw(stream(&input, chunk), dlt_core())] {
            match outcome {
                Ok((out, report)) => {
                    prop_assert_eq!(out.len() as u64 + report.skipped_bytes, input.len() as u64);
                }
                // By chance there was no message but something like one of the other version, which is told.
                Err(error) => prop_assert!(error.to_string().contains("only of version 2"), "{error}"),
            }
        }
    }
}
