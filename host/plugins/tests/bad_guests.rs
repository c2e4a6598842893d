//! Plugins that misbehave: each ends its own session, with an error that names it, the function and the cause, and nothing else.

mod support;

use std::time::{Duration, Instant};

use chipmunk_payload::{BatchWriter, SourceWriter, State, Tail};
use chipmunk_pipeline::{ByteSource, ParseYield, Parser, ParserError};
use chipmunk_plugins::{
    ByteSourceProxy, LogLevel, Output, ParserProxy, ParserRequest, PluginError, PluginRuntime,
    Settings, SourceRequest,
};
use support::{Guest, House};

const PARSE: &str = "(param $ptr i32) (param $len i32) (param i32 i64 i32) (result i32)";
const READ: &str = "(param $len i64) (result i32)";

fn open_parser(runtime: &PluginRuntime, name: &str) -> Result<ParserProxy, PluginError> {
    let settings = Settings::default();
    let request = ParserRequest {
        settings: &settings,
        output: Output::Line,
        separator: None,
        log_level: LogLevel::Error,
    };
    runtime
        .open_parser(name, &request)
        .map(|opened| opened.proxy)
}

fn open_source(
    runtime: &PluginRuntime,
    name: &str,
    chunk_bytes: usize,
) -> Result<ByteSourceProxy, PluginError> {
    let settings = Settings::default();
    let request = SourceRequest {
        settings: &settings,
        input: None,
        chunk_bytes,
        log_level: LogLevel::Error,
    };
    runtime
        .open_source(name, &request)
        .map(|opened| opened.proxy)
}

/// The texts of the messages that one call finds.
fn parse(proxy: &mut ParserProxy, input: &[u8]) -> Result<Vec<String>, ParserError> {
    let items = proxy.parse(input, None)?;
    Ok(items
        .filter_map(|item| match item.message {
            Some(ParseYield::Message(message)) => Some(message.to_string()),
            _ => None,
        })
        .collect())
}

/// The error of the first call with two bytes.
fn parse_error(house: &House, guest: &Guest) -> String {
    house.add("bad", guest);
    let mut proxy = open_parser(&house.runtime(), "bad").expect("it only goes wrong later");
    let error = parse(&mut proxy, b"ab")
        .expect_err("now it goes wrong")
        .to_string();
    let again = parse(&mut proxy, b"ab")
        .expect_err("the session has ended")
        .to_string();
    let first = again.lines().next();
    assert_eq!(
        first,
        Some("plugin `bad`: `parse` was not called: an earlier call ended this plugin's session")
    );
    error
}

fn read_error(guest: &Guest, chunk_bytes: usize) -> String {
    let house = House::new();
    house.add("bad", guest);
    let mut proxy =
        open_source(&house.runtime(), "bad", chunk_bytes).expect("it only goes wrong later");
    let error = pollster::block_on(proxy.load(None))
        .expect_err("now it goes wrong")
        .to_string();
    assert!(pollster::block_on(proxy.load(None)).is_err());
    assert_eq!(proxy.counters().r_err, 2);
    error
}

/// A batch of one message of `consumed` bytes with the text `good`.
fn batch(consumed: u32) -> Vec<u8> {
    let mut out = BatchWriter::new();
    out.text().push_str("good");
    out.end_cell();
    out.message(consumed, 0..consumed, false);
    out.finish(Tail::Complete)
}

fn good_parser() -> Guest {
    Guest::parser()
        .archive(128, &batch(2))
        .function("parse", &format!("{PARSE} i32.const 128"))
}

#[test]
fn a_good_parser_of_this_making_works() {
    let house = House::new();
    house.add("good", &good_parser());
    let mut proxy = open_parser(&house.runtime(), "good").expect("it is good");
    assert_eq!(parse(&mut proxy, b"ab"), Ok(vec!["good".to_owned()]));
    assert_eq!(parse(&mut proxy, b"cd"), Ok(vec!["good".to_owned()]));
    assert_eq!(proxy.report().counters.c_plg, 2);
}

#[test]
fn a_good_source_of_this_making_works() {
    let mut out = SourceWriter::with_capacity(8);
    out.push(b"bytes");
    let archive = out.finish(State::End);
    let house = House::new();
    // The list lies behind the discriminant of the result.
    house.add(
        "good",
        &Guest::source()
            .archive(132, &archive)
            .function("read", &format!("{READ} i32.const 128")),
    );
    let mut proxy = open_source(&house.runtime(), "good", 8).expect("it is good");
    let info = pollster::block_on(proxy.load(None)).expect("it reads");
    assert_eq!(info.map(|info| info.newly_loaded_bytes), Some(5));
    assert_eq!(proxy.current_slice(), b"bytes");
}

#[test]
fn a_trap_shows_the_guests_functions_and_its_last_log_lines() {
    let guest = Guest::parser()
        .data(2048, b"about to give up")
        .more("(func $deep_inside unreachable)")
        .function(
            "parse",
            &format!("{PARSE} (call $log (i32.const 1) (i32.const 2048) (i32.const 16)) call $deep_inside i32.const 128"),
        );
    let error = parse_error(&House::new(), &guest);
    let mut lines = error.lines();
    let first = lines.next().unwrap_or_default();
    assert!(
        first.starts_with("plugin `bad`: `parse` trapped: "),
        "{error}"
    );
    assert_eq!(
        lines.next(),
        Some("  in the plugin's functions, innermost first:")
    );
    let innermost = lines.next().unwrap_or_default();
    assert!(innermost.contains("deep_inside"), "{error}");
    assert!(
        error.ends_with("  the plugin's last log lines:\n    WARN about to give up"),
        "{error}"
    );
}

#[test]
fn a_fault_of_one_session_is_none_of_another() {
    let house = House::new();
    // Traps for an input that begins with `x`.
    let body = format!(
        "{PARSE} (if (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 120)) (then unreachable)) i32.const 128"
    );
    house.add(
        "moody",
        &Guest::parser()
            .archive(128, &batch(2))
            .function("parse", &body),
    );
    let runtime = house.runtime();
    let mut one = open_parser(&runtime, "moody").expect("it starts");
    let mut two = open_parser(&runtime, "moody").expect("it starts again");
    assert!(parse(&mut one, b"xx").is_err());
    assert!(parse(&mut one, b"ab").is_err());
    assert_eq!(parse(&mut two, b"ab"), Ok(vec!["good".to_owned()]));
    let mut three = open_parser(&runtime, "moody").expect("and again");
    assert_eq!(parse(&mut three, b"ab"), Ok(vec!["good".to_owned()]));
}

#[test]
fn a_call_that_does_not_end_is_stopped() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"bad\"\nlimits.call-timeout-ms = 150\n",
    );
    let begin = Instant::now();
    let error = parse_error(
        &house,
        &Guest::parser().function("parse", &format!("{PARSE} (loop $l (br $l)) unreachable")),
    );
    assert!(error.starts_with("plugin `bad`: `parse` did not return within 150 ms and was stopped; raise `call-timeout-ms`"), "{error}");
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_millis(150) && took < Duration::from_secs(20),
        "{took:?}"
    );
}

#[test]
fn memory_beyond_the_limit_is_refused() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"bad\"\nlimits.memory-bytes = 1048576\n",
    );
    // As an allocator does: asks, and gives up when it gets nothing.
    let body = format!(
        "{PARSE} (if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable)) i32.const 128"
    );
    let error = parse_error(&house, &Guest::parser().function("parse", &body));
    assert!(
        error.starts_with("plugin `bad`: `parse` needed more than the 1048576 bytes of memory"),
        "{error}"
    );
}

#[test]
fn a_plugin_that_begins_with_too_much_memory_does_not_start() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"bad\"\nlimits.memory-bytes = 65536\n",
    );
    house.add("bad", &good_parser());
    let error = open_parser(&house.runtime(), "bad")
        .expect_err("four pages are more than one")
        .to_string();
    assert!(
        error.starts_with("plugin `bad` cannot be started: "),
        "{error}"
    );
}

#[test]
fn results_that_point_outside_are_refused() {
    for (what, list) in [
        ("behind the memory", [0x0010_0000_u32, 16]),
        ("across its end", [4 * 65536 - 8, 16]),
        ("around the address space", [0xffff_fff0, 0x20]),
        ("as long as can be", [0, u32::MAX]),
    ] {
        let bytes = list.map(u32::to_le_bytes).concat();
        let guest = Guest::parser()
            .data(128, &bytes)
            .function("parse", &format!("{PARSE} i32.const 128"));
        let error = parse_error(&House::new(), &guest);
        assert!(
            error.starts_with("plugin `bad`: `parse` "),
            "{what}: {error}"
        );
    }
    let nowhere = Guest::parser().function("parse", &format!("{PARSE} i32.const -4"));
    assert!(parse_error(&House::new(), &nowhere).starts_with("plugin `bad`: `parse` trapped: "));
    let misaligned = Guest::parser().function("parse", &format!("{PARSE} i32.const 129"));
    assert!(parse_error(&House::new(), &misaligned).starts_with("plugin `bad`: `parse` trapped: "));
}

#[test]
fn more_output_than_allowed_is_refused() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"bad\"\nlimits.max-output-bytes = 65536\n",
    );
    let list = [0_u32, 65540].map(u32::to_le_bytes).concat();
    let guest = Guest::parser()
        .data(128, &list)
        .function("parse", &format!("{PARSE} i32.const 128"));
    let error = parse_error(&house, &guest);
    assert!(
        error.starts_with("plugin `bad`: `parse` returned more than the 65536 bytes it may"),
        "{error}"
    );
}

#[test]
fn archives_that_are_none_or_lie_are_refused() {
    let mut other_version = batch(2);
    if let Some(byte) = other_version.iter_mut().rev().nth(3) {
        *byte = 9;
    }
    for (archive, words) in [
        (b"not an archive".to_vec(), "archive"),
        (Vec::new(), "archive"),
        (batch(3), "more bytes than there were"),
        (batch(1), "something is left"),
        (other_version, "version 9"),
    ] {
        let guest = Guest::parser()
            .archive(128, &archive)
            .function("parse", &format!("{PARSE} i32.const 128"));
        let error = parse_error(&House::new(), &guest);
        let begin = "plugin `bad`: `parse` returned something that the contract does not allow: ";
        assert!(error.starts_with(begin) && error.contains(words), "{error}");
    }
}

#[test]
fn a_misaligned_archive_is_copied_not_refused() {
    let archive = batch(2);
    for shift in 1..4u32 {
        let length = u32::try_from(archive.len()).expect("a small archive");
        let pair = [5000 + shift, length].map(u32::to_le_bytes).concat();
        let house = House::new();
        let guest = Guest::parser()
            .data(5000 + shift, &archive)
            .data(128, &pair);
        house.add(
            "shifted",
            &guest.function("parse", &format!("{PARSE} i32.const 128")),
        );
        let mut proxy = open_parser(&house.runtime(), "shifted").expect("it is good");
        assert_eq!(parse(&mut proxy, b"ab"), Ok(vec!["good".to_owned()]));
    }
}

#[test]
fn a_realloc_that_lies_is_refused() {
    for place in ["i32.const -16", "i32.const 0x7fffffff", "unreachable"] {
        let guest = good_parser().more(&format!(
            "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
                (if (result i32) (local.get 3) (then {place}) (else (i32.const 0))))"
        ));
        let error = parse_error(&House::new(), &guest);
        assert!(
            error.starts_with("plugin `bad`: `parse` trapped: "),
            "{error}"
        );
    }
}

#[test]
fn init_may_refuse_in_its_own_words_or_fail() {
    let house = House::new();
    let init = "(param i32 i32 i32 i32 i32) (result i32)";
    // result: error; init-error: unsupported; its text
    let refusal = [1_u32, 2, 2048, 8].map(u32::to_le_bytes).concat();
    let guest = good_parser().data(512, &refusal).data(2048, b"only 3D!");
    house.add(
        "refuses",
        &guest.function("init", &format!("{init} i32.const 512")),
    );
    house.add(
        "traps",
        &good_parser().function("init", &format!("{init} unreachable")),
    );
    house.add(
        "lies",
        &good_parser()
            .data(512, &[7])
            .function("init", &format!("{init} i32.const 512")),
    );
    let runtime = house.runtime();
    let error = |name: &str| {
        open_parser(&runtime, name)
            .expect_err("init fails")
            .to_string()
    };
    assert_eq!(
        error("refuses"),
        "plugin `refuses`: `init` failed: not supported: only 3D!"
    );
    assert!(error("traps").starts_with("plugin `traps`: `init` trapped: "));
    assert!(error("lies").starts_with("plugin `lies`: `init` trapped: "));
}

#[test]
fn a_schema_that_lies_is_refused() {
    let house = House::new();
    let schemas = "(result i32) i32.const 256";
    let with = |bytes: &[u8]| {
        good_parser()
            .data(256, bytes)
            .function("get-config-schemas", schemas)
    };
    house.add("long", &with(&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
    house.add("astray", &with(&[0, 0, 0xff, 0xff, 1, 0, 0, 0]));
    let runtime = house.runtime();
    for name in ["long", "astray"] {
        let error = open_parser(&runtime, name)
            .expect_err("the list is a lie")
            .to_string();
        assert!(
            error.starts_with(&format!("plugin `{name}`: `get-config-schemas` ")),
            "{error}"
        );
    }
}

#[test]
fn a_start_function_that_traps_or_hangs_is_an_error() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"hangs\"\nlimits.call-timeout-ms = 150\n",
    );
    house.add(
        "traps",
        &good_parser().more("(func $begin unreachable) (start $begin)"),
    );
    house.add(
        "hangs",
        &good_parser().more("(func $begin (loop $l (br $l))) (start $begin)"),
    );
    let runtime = house.runtime();
    for name in ["traps", "hangs"] {
        let error = open_parser(&runtime, name)
            .expect_err("it does not start")
            .to_string();
        assert!(
            error.starts_with(&format!("plugin `{name}` cannot be started: ")),
            "{error}"
        );
    }
}

#[test]
fn a_source_that_returns_more_than_asked_is_refused() {
    let mut out = SourceWriter::with_capacity(8);
    out.push(b"abcde");
    let archive = out.finish(State::More);
    let guest = || {
        Guest::source()
            .archive(132, &archive)
            .function("read", &format!("{READ} i32.const 128"))
    };
    let error = read_error(&guest(), 4);
    let begin = "plugin `bad`: `read` returned something that the contract does not allow: ";
    assert!(
        error.starts_with(begin) && error.contains("than were asked for"),
        "{error}"
    );
}

#[test]
fn a_source_that_traps_or_lies_is_refused() {
    assert!(read_error(&Guest::source(), 4).starts_with("plugin `bad`: `read` trapped: "));
    let no_such_case = Guest::source()
        .data(128, &[2])
        .function("read", &format!("{READ} i32.const 128"));
    assert!(read_error(&no_such_case, 4).starts_with("plugin `bad`: `read` trapped: "));
    let nothing = Guest::source().function("read", &format!("{READ} i32.const 128"));
    let error = read_error(&nothing, 4);
    assert!(error.contains("an archive of 0 bytes cannot be"), "{error}");
}

#[test]
fn a_sources_own_error_is_told_in_its_words() {
    // result: error; source-error: io; its text
    let refusal = [1_u32, 0, 2048, 9].map(u32::to_le_bytes).concat();
    let guest = Guest::source().data(128, &refusal).data(2048, b"no medium");
    let error = read_error(&guest.function("read", &format!("{READ} i32.const 128")), 4);
    assert_eq!(error, "plugin `bad`: no medium");
}
