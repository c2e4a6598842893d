//! Parsers, each with one fault.

use anyhow::Result;
use chipmunk_conformance::CheckOutcome;

use crate::guests::{Lines, lines};
use crate::{fails, report};

fn with(change: impl FnOnce(&mut Lines)) -> Lines {
    let mut parts = Lines::default();
    change(&mut parts);
    parts
}

#[test]
fn one_without_a_fault_passes() -> Result<()> {
    let report = report(&lines(&Lines::default()))?;
    assert_eq!(report.names(CheckOutcome::Failed), [""; 0], "{report}");
    assert_eq!(
        report.names(CheckOutcome::Skipped),
        ["resynchronises"],
        "{report}"
    );
    Ok(())
}

#[test]
fn it_takes_the_end_of_a_chunk_for_the_end_of_a_line() -> Result<()> {
    let parts = with(|parts| parts.unfinished = String::new());
    fails(&lines(&parts), "cuts", "in one piece, and")
}

#[test]
fn it_drops_what_is_left_at_the_end_of_a_chunk() -> Result<()> {
    // The rest is consumed as skipped bytes, which is only right at the end.
    let parts = with(|parts| {
        parts.unfinished = String::new();
        parts.kind =
            "(select (i32.const 0x10004) (i32.const 0) (i32.ne (i32.const 10) (i32.load8_u (i32.sub (i32.add (local.get $ptr) (local.get $end)) (i32.const 1)))))"
                .to_owned();
    });
    fails(&lines(&parts), "cuts", "skipped bytes (garbage)")
}

#[test]
fn it_counts_calls_and_shows_it() -> Result<()> {
    // The first line of every call but the first is left out.
    let parts = with(|parts| {
        parts.kind = "(select (i32.const 3) (i32.const 0) (i32.and (i32.eqz (local.get $items)) (i32.gt_u (global.get $state) (i32.const 0))))".to_owned();
        parts
            .finally
            .push_str("(global.set $state (i32.add (global.get $state) (i32.const 1)))");
    });
    fails(&lines(&parts), "cuts", "a filtered message")
}

#[test]
fn it_consumes_more_than_there_is() -> Result<()> {
    let parts = with(|parts| {
        parts.consumed =
            "(i32.add (i32.const 1) (i32.sub (local.get $end) (local.get $at)))".to_owned()
    });
    fails(&lines(&parts), "consumed", "more bytes than there were")
}

#[test]
fn it_says_complete_and_leaves_something() -> Result<()> {
    let parts = with(|parts| {
        parts.unfinished_at_end = "(local.set $state (i32.const 0)) (br $done)".to_owned();
        parts.begin = "(local.set $len (i32.sub (local.get $len) (i32.ge_u (local.get $len) (i32.const 1000))))".to_owned();
    });
    fails(&lines(&parts), "consumed", "something is left")
}

#[test]
fn it_returns_no_archive() -> Result<()> {
    let parts = with(|parts| parts.magic = "(i32.const 0)".to_owned());
    fails(&lines(&parts), "archives", "not an archive of this kind")
}

#[test]
fn its_items_are_of_no_kind_that_there_is() -> Result<()> {
    let parts = with(|parts| parts.kind = "(i32.const 9)".to_owned());
    fails(&lines(&parts), "archives", "item 0")
}

#[test]
fn it_does_not_return() -> Result<()> {
    let parts = with(|parts| parts.begin = "(loop $forever (br $forever))".to_owned());
    fails(&lines(&parts), "progress", "did not return within 2000 ms")
}

#[test]
fn it_traps_over_everything() -> Result<()> {
    let parts = with(|parts| parts.begin = "unreachable".to_owned());
    fails(&lines(&parts), "parses", "unreachable")
}

#[test]
fn it_traps_over_garbage() -> Result<()> {
    // A zero at the beginning of a line.
    let parts = with(|parts| {
        parts.each = "(if (i32.eqz (i32.load8_u (i32.add (local.get $ptr) (local.get $at)))) (then unreachable))".to_owned();
    });
    fails(&lines(&parts), "garbage", "unreachable")
}

#[test]
fn it_waits_for_more_behind_the_end() -> Result<()> {
    let parts = with(|parts| {
        parts.unfinished_at_end = "(local.set $state (i32.const 1)) (br $done)".to_owned();
    });
    fails(&lines(&parts), "end", "still waits for more")
}

#[test]
fn it_says_that_it_needs_more_than_it_does() -> Result<()> {
    let parts = with(|parts| parts.needed = "(i32.const 1000)".to_owned());
    fails(&lines(&parts), "needed", "it needs 1000 bytes more")
}

#[test]
fn its_archives_are_larger_than_they_may_be() -> Result<()> {
    let parts = with(|parts| parts.limit = "(i32.const 0x7fffffff)".to_owned());
    fails(
        &lines(&parts),
        "archive-limit",
        "told that an archive may have 65536 bytes",
    )
}

#[test]
fn it_loses_an_item_where_an_archive_is_full() -> Result<()> {
    // Lines behind a full archive are left out: the state is 2 when the call before was full.
    let parts = with(|parts| {
        parts.kind = "(select (i32.const 3) (i32.const 0) (i32.and (i32.eqz (local.get $items)) (i32.eq (global.get $state) (i32.const 2))))".to_owned();
        parts
            .finally
            .push_str("(global.set $state (local.get $state))");
    });
    fails(&lines(&parts), "archive-limit", "a filtered message")
}

#[test]
fn it_keeps_a_little_of_every_call() -> Result<()> {
    let parts = with(|parts| {
        parts.finally = "(global.set $kept (i32.add (global.get $kept) (i32.const 128))) (global.set $top (global.get $kept))".to_owned();
    });
    let guest = lines(&parts).more("(global $kept (mut i32) (i32.const 65536))");
    fails(&guest, "memory", "calls of `parse`")
}

#[test]
fn it_keeps_all_of_its_input() -> Result<()> {
    let parts = with(|parts| parts.finally = String::new());
    fails(&lines(&parts), "memory", "calls of `parse`")
}

#[test]
fn it_leaks_what_it_says_of_itself() -> Result<()> {
    // Each answer is in a place of its own.
    let guest = lines(&Lines::default())
        .more("(global $answer (mut i32) (i32.const 8388608))")
        .function(
            "get-version",
            "(result i32)
            (global.set $answer (i32.add (global.get $answer) (i32.const 256)))
            (call $reserve (i32.add (global.get $answer) (i32.const 8)))
            (i32.store16 (global.get $answer) (i32.const 1))
            global.get $answer",
        );
    fails(&guest, "memory", "to describe itself")
}

#[test]
fn it_begins_again_for_every_line() -> Result<()> {
    // In long calls it goes over all bytes before the line; its counter is a parameter that it has no other use for.
    let parts = with(|parts| {
        parts.each = "(local.set $has-time (i32.const 0))
            (block $short (loop $again
                (br_if $short (i32.lt_u (local.get $len) (i32.const 1100000)))
                (local.set $has-time (i32.add (local.get $has-time) (i32.const 1)))
                (drop (i32.load8_u (i32.add (local.get $ptr) (local.get $has-time))))
                (br_if $again (i32.lt_u (local.get $has-time) (local.get $at)))))"
            .to_owned();
    });
    fails(&lines(&parts), "large-input", "")
}

#[test]
fn it_changes_its_mind_with_the_time() -> Result<()> {
    let parts = with(|parts| {
        parts.kind = "(select (i32.const 3) (i32.const 0) (local.get $has-time))".to_owned()
    });
    fails(&lines(&parts), "timestamps", "a filtered message")
}

#[test]
fn it_does_not_bear_an_empty_call() -> Result<()> {
    let parts =
        with(|parts| parts.begin = "(if (i32.eqz (local.get $len)) (then unreachable))".to_owned());
    fails(&lines(&parts), "empty-input", "unreachable")
}

#[test]
fn it_depends_on_what_was_before_and_says_that_it_does_not() -> Result<()> {
    // Every second line since `init` is left out.
    let parts = with(|parts| {
        parts.capabilities = 3;
        parts.kind =
            "(select (i32.const 3) (i32.const 0) (i32.and (global.get $state) (i32.const 1)))"
                .to_owned();
        parts.each = "(global.set $state (i32.add (global.get $state) (i32.const 1)))".to_owned();
    });
    fails(&lines(&parts), "resynchronises", "begun at byte")
}

#[test]
fn one_that_resynchronises_passes() -> Result<()> {
    let report = report(&lines(&with(|parts| parts.capabilities = 3)))?;
    assert_eq!(report.names(CheckOutcome::Failed), [""; 0], "{report}");
    assert_eq!(report.names(CheckOutcome::Skipped), [""; 0], "{report}");
    Ok(())
}

#[test]
fn it_takes_outputs_that_it_does_not_offer() -> Result<()> {
    let parts = with(|parts| {
        parts.init = "(global.set $limit (local.get 2)) (i32.const 64)".to_owned();
    });
    fails(&lines(&parts), "outputs", "`init` takes it")
}

#[test]
fn it_offers_no_output() -> Result<()> {
    let parts = with(|parts| {
        parts.capabilities = 0;
        parts.init = "(i32.const 64)".to_owned();
    });
    fails(
        &lines(&parts),
        "outputs",
        "none of `ranges`, `line`, `columns`",
    )
}

#[test]
fn it_writes_no_line_for_a_message() -> Result<()> {
    let parts = with(|parts| {
        parts.capabilities = 4;
        parts.init = "(global.set $limit (local.get 2)) (select (i32.const 64) (i32.const 96) (i32.eq (i32.const 1) (local.get 1)))".to_owned();
    });
    fails(&lines(&parts), "outputs", "has 0 cells, and 1 are right")
}

#[test]
fn it_declares_columns_and_has_no_headings() -> Result<()> {
    let parts = with(|parts| {
        parts.capabilities = 8 | 2;
        parts.init = "(global.set $limit (local.get 2)) (select (i32.const 96) (i32.const 64) (i32.eq (i32.const 1) (local.get 1)))".to_owned();
    });
    fails(&lines(&parts), "outputs", "its render options have none")
}
