//! Real traces: the counts that others counted, and every byte accounted for.

mod common;

use chipmunk_dlt::Output;
use common::{options, read, real_trace};

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn traces_without_damage_come_out_as_they_went_in() {
    for (name, messages) in [
        ("rapiddlt_68b_verbose.dlt", 10_000),
        ("rapiddlt_93b_verbose.dlt", 10_000),
        ("daemon_testfile.dlt", 105),
        ("daemon_testfile_extended.dlt", 111),
        ("chipmunk_attachments.dlt", 9),
        ("chipmunk_someip_someip.dlt", 6),
    ] {
        let input = real_trace(name);
        let outcome = read(&input, options(Output::Columns));
        println!("{name}: {} damaged", outcome.damaged());
        assert_eq!(outcome.messages().len(), messages, "{name}");
        assert_eq!(outcome.messages().concat(), input, "{name}");
        assert_eq!(outcome.skipped(), [], "{name}");
    }
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn a_damaged_trace_loses_no_byte() {
    let input = real_trace("chipmunk_lukas_crash.dlt");
    let outcome = read(&input, options(Output::Columns));
    println!(
        "{} messages, {} damaged, skipped {:?}",
        outcome.messages().len(),
        outcome.damaged(),
        outcome.skipped()
    );
    assert_eq!(outcome.bytes(), input);
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn a_line_reads_like_chipmunks() {
    let input = real_trace("daemon_testfile_extended.dlt");
    let outcome = read(&input, options(Output::Line));
    assert_eq!(
        outcome
            .cells()
            .first()
            .map(|cells| cells.join(""))
            .as_deref(),
        Some(
            "2020-11-18T12:14:54.072782000Z\u{4}ECU1\u{4}1\u{4}12499\u{4}0\u{4}178057235\u{4}ECU1\u{4}LOG\u{4}TEST\u{4}\
             LogLevel FATAL\u{4}\u{5}0\u{5}Message with log level 1"
        )
    );
}
