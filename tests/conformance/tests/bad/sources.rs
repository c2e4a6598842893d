//! Sources, each with one fault.

use anyhow::Result;
use chipmunk_conformance::CheckOutcome;

use crate::guests::{Counter, counter, source};
use crate::{fails, report};

fn with(change: impl FnOnce(&mut Counter)) -> Counter {
    let mut parts = Counter::default();
    change(&mut parts);
    parts
}

#[test]
fn one_without_a_fault_passes() -> Result<()> {
    let report = report(&counter(&Counter::default()))?;
    assert_eq!(report.names(CheckOutcome::Failed), [""; 0], "{report}");
    // It has no file that could be missing, empty, or anything else.
    assert_eq!(
        report.names(CheckOutcome::Skipped),
        ["missing-file", "empty-input", "garbage", "large-input"],
        "{report}"
    );
    Ok(())
}

#[test]
fn it_gives_more_than_is_asked_for() -> Result<()> {
    let parts = with(|parts| parts.count = "(local.get $left)".to_owned());
    fails(&counter(&parts), "lengths", "than were asked for")
}

#[test]
fn its_bytes_depend_on_how_many_are_asked_for() -> Result<()> {
    let parts = with(|parts| {
        parts.byte = "(i32.wrap_i64 (i64.shr_u (local.get $asked) (i64.const 12)))".to_owned();
    });
    fails(&counter(&parts), "lengths", "the bytes differ")
}

#[test]
fn it_begins_again_behind_the_end() -> Result<()> {
    let parts = with(|parts| {
        parts.finally =
            "(if (i32.eqz (local.get $count)) (then (global.set $given (i32.const 0))))".to_owned();
    });
    fails(&counter(&parts), "end", "behind the end")
}

#[test]
fn it_traps_while_it_reads() -> Result<()> {
    let parts = with(|parts| parts.begin = "unreachable".to_owned());
    fails(&counter(&parts), "reads", "unreachable")
}

#[test]
fn it_says_more_and_gives_nothing() -> Result<()> {
    let parts = with(|parts| parts.state = "(i32.const 0)".to_owned());
    fails(&counter(&parts), "progress", "nothing was")
}

#[test]
fn it_waits_and_is_not_live() -> Result<()> {
    let parts = with(|parts| {
        parts.count = format!(
            "(select (i32.const 0) {} (i32.eq (global.get $calls) (i32.const 1)))",
            parts.count
        );
        parts.state = "(select (i32.const 2) (i32.eqz (local.get $count)) (i32.eq (global.get $calls) (i32.const 1)))"
            .to_owned();
    });
    fails(&counter(&parts), "progress", "to try again later")?;
    // As a live source it is right.
    let report = report(&counter(&Counter {
        capabilities: 2,
        ..parts
    }))?;
    assert_eq!(report.names(CheckOutcome::Failed), [""; 0], "{report}");
    Ok(())
}

#[test]
fn it_returns_no_archive() -> Result<()> {
    let parts = with(|parts| parts.magic = "(i32.const 0)".to_owned());
    fails(&counter(&parts), "archives", "not an archive of this kind")
}

#[test]
fn its_segments_have_times_and_it_does_not_say_so() -> Result<()> {
    let parts = with(|parts| parts.timed = "(i32.const 1)".to_owned());
    fails(&counter(&parts), "segments", "does not declare them")?;
    let report = report(&counter(&Counter {
        capabilities: 1,
        ..parts
    }))?;
    assert_eq!(report.names(CheckOutcome::Failed), [""; 0], "{report}");
    Ok(())
}

#[test]
fn it_says_that_it_has_times_and_has_none() -> Result<()> {
    let parts = with(|parts| parts.capabilities = 1);
    fails(&counter(&parts), "segments", "no segment has one")
}

#[test]
fn it_grows_with_every_call() -> Result<()> {
    let parts = with(|parts| {
        parts.finally = "(global.set $kept (i32.add (global.get $kept) (i32.const 256)))
            (if (i32.ge_u (global.get $kept) (i32.const 65536)) (then
                (global.set $kept (i32.const 0))
                (drop (memory.grow (i32.const 1)))))"
            .to_owned();
    });
    let guest = counter(&parts).more("(global $kept (mut i32) (i32.const 0))");
    fails(&guest, "memory", "calls of `read`")
}

#[test]
fn it_does_not_notice_that_its_file_is_missing() -> Result<()> {
    fails(
        &source(&Counter::default()),
        "missing-file",
        "a file that is not there",
    )
}
