//! Plugins of API 0.1.0: what becomes of their records, and of those that no guest should return.

mod support;

use chipmunk_pipeline::{
    ByteSource, ParseOutput, ParseYield, Parser, ParserCounters, ParserError, SourceCounters,
};
use chipmunk_plugins::{
    ApiVersion, ByteSourceProxy, LogLevel, Output, ParserProxy, ParserRequest, PluginError,
    PluginRuntime, Settings, SourceRequest,
};
use support::{Guest, House};

const PARSE: &str = "(param $ptr i32) (param $len i32) (param i32 i64) (result i32)";
const READ: &str = "(param $len i64) (result i32)";

/// Where results, records and texts are put.
const RESULT_AT: u32 = 128;
const RECORDS_AT: u32 = 4096;
const TEXT_AT: u32 = 2048;

/// A record whose message is the line of `length` bytes at `ptr`.
fn line(ptr: u32, length: u32, consumed: u64) -> Vec<u8> {
    let mut record = vec![0; 96];
    record[0] = 1;
    record[20..24].copy_from_slice(&ptr.to_le_bytes());
    record[24..28].copy_from_slice(&length.to_le_bytes());
    record[88..].copy_from_slice(&consumed.to_le_bytes());
    record
}

fn with(mut record: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    record[at..at + bytes.len()].copy_from_slice(bytes);
    record
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A parser whose `parse` always returns a list of so many records at so many bytes.
fn list(ptr: u32, count: u32) -> Guest {
    Guest::parser_0_1()
        .data(RESULT_AT, &words(&[0, ptr, count]))
        .function("parse", &format!("{PARSE} i32.const {RESULT_AT}"))
}

/// A parser whose `parse` always returns these records.
fn records(records: &[Vec<u8>]) -> Guest {
    list(RECORDS_AT, records.len() as u32)
        .data(RECORDS_AT, &records.concat())
        .data(TEXT_AT, "ä\u{4}größer\u{4}".as_bytes())
}

/// A parser whose `parse` always fails.
fn error(case: u32, text: &str) -> Guest {
    Guest::parser_0_1()
        .data(TEXT_AT, text.as_bytes())
        .data(RESULT_AT, &words(&[1, case, TEXT_AT, text.len() as u32]))
        .function("parse", &format!("{PARSE} i32.const {RESULT_AT}"))
}

fn open_parser(
    runtime: &PluginRuntime,
    name: &str,
    output: Output,
    separator: Option<&str>,
) -> Result<ParserProxy, PluginError> {
    let settings = Settings::default();
    let request = ParserRequest {
        settings: &settings,
        output,
        separator,
        log_level: LogLevel::Error,
    };
    runtime
        .open_parser(name, &request)
        .map(|opened| opened.proxy)
}

fn parser(guest: &Guest) -> ParserProxy {
    parser_joining(guest, None)
}

fn parser_joining(guest: &Guest, separator: Option<&str>) -> ParserProxy {
    let house = House::new();
    house.add("guest", guest);
    open_parser(&house.runtime(), "guest", Output::Line, separator)
        .expect("it only goes wrong later")
}

/// What each item consumes, and the cells of its message.
type Items = Vec<(usize, Option<Vec<String>>)>;

fn items(proxy: &mut ParserProxy, input: &[u8]) -> Result<Items, ParserError> {
    let cells = |ParseOutput { consumed, message }| {
        let message = match message {
            Some(ParseYield::Message(message) | ParseYield::MessageAndAttachment(message, _)) => {
                Some(message)
            }
            _ => None,
        };
        let cells = message.map(|message: chipmunk_pipeline::BatchMessage| {
            message.cells().map(str::to_owned).collect()
        });
        (consumed, cells)
    };
    Ok(proxy.parse_end(input, None)?.map(cells).collect())
}

/// The error of the first call with `input`, after which the session has ended.
fn fault(guest: &Guest, input: &[u8]) -> String {
    let mut proxy = parser(guest);
    let error = items(&mut proxy, input).expect_err("it goes wrong");
    let again = items(&mut proxy, input)
        .expect_err("the session has ended")
        .to_string();
    assert_eq!(
        again.lines().next(),
        Some("plugin `guest`: `parse` was not called: an earlier call ended this plugin's session")
    );
    let error = error.to_string();
    let error = error.strip_prefix("plugin `guest`: `parse` ");
    let error = error.expect("it names plugin and function");
    error.lines().next().unwrap_or_default().to_owned()
}

/// A message of columns in one text, one that is filtered, one of a list of two columns, and one without text.
fn columns() -> Guest {
    let length = "ä\u{4}größer\u{4}".len() as u32;
    let columns = with(line(RECORDS_AT + 1000, 2, 1), 16, &[1]);
    records(&[
        line(TEXT_AT, length, 1),
        with(line(0, 0, 1), 0, &[0]),
        columns,
        line(0, 0, 1),
    ])
    .data(RECORDS_AT + 1000, &words(&[TEXT_AT, 2, TEXT_AT + 3, 8]))
}

fn cells(cells: &[&str]) -> Option<Vec<String>> {
    Some(cells.iter().map(|cell| (*cell).to_owned()).collect())
}

#[test]
fn texts_are_one_cell_for_who_joins_columns_by_one_character() {
    let joined = |separator: &str| {
        let items = items(&mut parser_joining(&columns(), Some(separator)), b"abcd");
        items.expect("they are well-formed")
    };
    let rest = [(1, None), (1, cells(&["ä", "größer"])), (1, cells(&[""]))];
    let with_first = |first| [[(1, first)].as_slice(), &rest].concat();
    assert_eq!(joined("\t"), with_first(cells(&["ä\tgrößer\t"])));
    for separator in ["", "ä", ", "] {
        assert_eq!(joined(separator), with_first(cells(&["ä", "größer", ""])));
    }
}

#[test]
fn texts_become_cells_between_their_sentinels() {
    let mut proxy = parser(&columns());
    assert_eq!(
        items(&mut proxy, b"abcd"),
        Ok(vec![
            (1, cells(&["ä", "größer", ""])),
            (1, None),
            (1, cells(&["ä", "größer"])),
            (1, cells(&[""])),
        ])
    );
    assert_eq!(
        proxy.report().counters,
        ParserCounters {
            c_fn: 4,
            c_plg: 1,
            p_res: 4,
            m_ok: 3,
            m_flt: 1,
            ..ParserCounters::default()
        }
    );
}

#[test]
fn attachments_come_with_all_that_belongs_to_them() {
    // Its text, size, dates, message numbers and data; the record's value begins at 16, and at 32 behind a message.
    let attachment = |at: usize, case: u8| {
        let record = with(line(TEXT_AT, 2, 1), 8, &[case]);
        let record = with(record, at, &words(&[TEXT_AT + 3, 8, 5, 1]));
        let record = with(record, at + 16, &words(&[1, TEXT_AT, 2, 0]));
        with(record, at + 40, &words(&[RECORDS_AT + 1000, 2, TEXT_AT, 3]))
    };
    let guest = records(&[attachment(16, 1), attachment(32, 2)])
        .data(RECORDS_AT + 1000, &words(&[0, 0, 7, 1]));
    let mut proxy = parser(&guest);
    let outputs: Vec<_> = proxy
        .parse_end(b"ab", None)
        .expect("it is as it should be")
        .collect();
    let found: Vec<_> = outputs
        .iter()
        .map(|output| match &output.message {
            Some(ParseYield::Attachment(attachment)) => (None, attachment.clone()),
            Some(ParseYield::MessageAndAttachment(message, attachment)) => {
                (Some(message.to_string()), attachment.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let attachment = chipmunk_pipeline::Attachment {
        name: "größer".to_owned(),
        data: "ä\u{4}".into(),
        size: (1 << 32) + 5,
        created_date: Some("ä".to_owned()),
        modified_date: None,
        messages: vec![0, (1 << 32) + 7],
    };
    assert_eq!(
        found,
        [
            (None, attachment.clone()),
            (Some("ä".to_owned()), attachment)
        ]
    );
}

#[test]
fn errors_are_those_of_the_pipeline() {
    let answer = |case, text| items(&mut parser(&error(case, text)), b"ab");
    assert_eq!(
        answer(0, "no more"),
        Err(ParserError::Unrecoverable("no more".to_owned()))
    );
    // Each byte is passed over.
    assert_eq!(answer(1, "what is that"), Ok(vec![(2, None)]));
    assert_eq!(answer(2, ""), Err(ParserError::Incomplete));
    assert_eq!(answer(3, ""), Err(ParserError::Eof));

    let mut proxy = parser(&error(1, "what is that"));
    assert_eq!(items(&mut proxy, b"abc"), Ok(vec![(3, None)]));
    let report = proxy.report();
    assert_eq!((report.counters.c_plg, report.counters.p_err), (3, 1));
    assert_eq!((report.skipped_bytes, report.first_skip), (3, Some(0)));
}

#[test]
fn records_that_consume_more_than_there_is_are_a_fault() {
    for (consumed, wrong) in [
        (
            vec![3],
            "an item consumes 3 bytes, and 2 are left of what was passed",
        ),
        (
            vec![1, 2],
            "an item consumes 2 bytes, and 1 are left of what was passed",
        ),
        (
            vec![1, u64::MAX],
            "an item consumes 18446744073709551615 bytes, and 1 are left of what was passed",
        ),
        (
            vec![(1 << 32) + 1],
            "an item consumes 4294967297 bytes, and 2 are left of what was passed",
        ),
        (
            vec![0, 0],
            "2 items consume nothing together, and would be found again and again",
        ),
    ] {
        let records: Vec<_> = consumed
            .iter()
            .map(|consumed| line(TEXT_AT, 2, *consumed))
            .collect();
        assert_eq!(
            fault(&self::records(&records), b"ab"),
            format!("returned something that the contract does not allow: {wrong}")
        );
    }
}

#[test]
fn values_that_are_none_of_their_type_are_a_fault() {
    let good = || line(TEXT_AT, 2, 1);
    for (guest, wrong) in [
        (records(&[with(good(), 0, &[2])]), "no case of a option"),
        (
            records(&[with(good(), 8, &[3])]),
            "no case of a parse-yield",
        ),
        (
            records(&[with(good(), 16, &[9])]),
            "no case of a parsed-message",
        ),
        (error(4, ""), "no case of a parse-error"),
        (
            Guest::parser_0_1()
                .data(RESULT_AT, &[2])
                .function("parse", &format!("{PARSE} i32.const {RESULT_AT}")),
            "no case of a result",
        ),
        // Half of a character.
        (
            records(&[line(TEXT_AT, 1, 1)]),
            "invalid utf-8 at byte 0 of a string",
        ),
        (
            records(&[line(u32::MAX, 2, 1)]),
            "string pointer/length out of bounds of memory",
        ),
        (list(RECORDS_AT + 4, 1), "list pointer is not aligned"),
        (
            list(RECORDS_AT, u32::MAX),
            "list pointer/length out of bounds of memory",
        ),
        (
            Guest::parser_0_1().function("parse", &format!("{PARSE} i32.const 130")),
            "pointer not aligned",
        ),
        (
            Guest::parser_0_1().function("parse", &format!("{PARSE} i32.const -4")),
            "pointer out of bounds of memory",
        ),
        (Guest::parser_0_1(), "unreachable"),
    ] {
        let error = fault(&guest, b"ab");
        assert!(
            error.starts_with("trapped: ") && error.contains(wrong),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn lists_that_overlap_are_bounded_by_what_a_call_may_return() {
    let limited = |guest: &Guest| {
        let house = House::new();
        house.add("guest", guest);
        house.write(
            "plugins.toml",
            "[[plugins]]\nname = \"guest\"\n[plugins.limits]\nmax-output-bytes = 1000000\ncall-timeout-ms = 300\n",
        );
        let mut proxy =
            open_parser(&house.runtime(), "guest", Output::Line, None).expect("it starts");
        let error = items(&mut proxy, &[b'x'; 5000]).expect_err("it goes wrong");
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let too_much = "plugin `guest`: `parse` returned more than the 1000000 bytes it may; raise `max-output-bytes` under \
                    `[plugins.limits]` in plugins.toml if that is right";
    // A thousand messages, all the same 100 kB of text.
    let long = line(120_000, 100_000, 1).repeat(1000);
    assert_eq!(
        limited(&list(RECORDS_AT, 1000).data(RECORDS_AT, &long)),
        too_much
    );
    // One of as many columns, all the same text.
    let columns = with(line(100_000, 10_000, 1), 16, &[1]);
    let fields = words(&[190_000, 60_000]).repeat(10_000);
    let guest = list(RECORDS_AT, 1)
        .data(RECORDS_AT, &columns)
        .data(100_000, &fields);
    assert_eq!(limited(&guest), too_much);
    // A text of nothing but sentinels, of which each makes a cell.
    let guest = list(RECORDS_AT, 1)
        .memory_pages(20)
        .data(RECORDS_AT, &line(65_536, 900_000, 1))
        .data(65_536, &[4; 900_000]);
    assert_eq!(limited(&guest), too_much);
    // And one that does not come back.
    let guest =
        Guest::parser_0_1().function("parse", &format!("{PARSE} (loop $l br $l) unreachable"));
    assert_eq!(
        limited(&guest),
        "plugin `guest`: `parse` did not return within 300 ms and was stopped; raise `call-timeout-ms` under \
         `[plugins.limits]` in plugins.toml if it needs longer"
    );
}

#[test]
fn raw_output_is_refused_with_what_else_there_is() {
    let house = House::new();
    house.add("old", &records(&[line(TEXT_AT, 2, 1)]));
    let runtime = house.runtime();
    let error = open_parser(&runtime, "old", Output::Ranges, None).expect_err("it has no ranges");
    assert_eq!(
        error.to_string(),
        "plugin `old` does not offer the bytes of messages: parsers of API 0.1.0 return texts and do not say where in the input a \
         message lies (it offers: line); export with `--format text`, or use a build of the plugin for API 0.2.0"
    );
}

#[test]
fn columns_are_offered_where_the_render_options_have_them() {
    // One column, of width 7, between 3 and 60.
    let guest = records(&[line(TEXT_AT, 2, 1)])
        .data(64, &words(&[1, 1024, 1, 60 << 16 | 3]))
        .data(1024, &words(&[TEXT_AT, 2, TEXT_AT, 2, 7]));
    let house = House::new();
    house.add("old", &guest);
    let runtime = house.runtime();
    let inspection = runtime.inspect("old").expect("it is a plugin");
    assert_eq!(inspection.api, ApiVersion::V0_1);
    assert_eq!(inspection.interface, "chipmunk:parser/parser@0.1.0");
    assert_eq!(inspection.capabilities, ["line", "columns"]);
    let options = inspection
        .render_options
        .and_then(|options| options.columns_options);
    let options = options.expect("it has columns");
    assert_eq!((options.min_width, options.max_width), (3, 60));
    let columns: Vec<_> = options
        .columns
        .iter()
        .map(|column| (&*column.caption, column.width))
        .collect();
    assert_eq!(columns, [("ä", 7)]);
    assert!(open_parser(&runtime, "old", Output::Columns, None).is_ok());
    assert!(runtime.validate("old", &Settings::default()).is_ok());
}

fn source(guest: &Guest, chunk_bytes: usize) -> ByteSourceProxy {
    let house = House::new();
    house.add("guest", guest);
    let settings = Settings::default();
    let request = SourceRequest {
        settings: &settings,
        input: None,
        chunk_bytes,
        log_level: LogLevel::Error,
    };
    let opened = house.runtime().open_source("guest", &request);
    opened.expect("it only goes wrong later").proxy
}

/// A source whose `read` gives five bytes, twice, and then none.
fn two_reads() -> Guest {
    Guest::source_0_1()
        .data(TEXT_AT, b"bytes")
        .data(RESULT_AT, &words(&[0, TEXT_AT, 5]))
        .more("(global $calls (mut i32) (i32.const 0))")
        .function(
            "read",
            &format!(
                "{READ} (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (if (i32.gt_u (global.get $calls) (i32.const 2)) (then (i32.store (i32.const 136) (i32.const 0))))
                i32.const {RESULT_AT}"
            ),
        )
}

#[test]
fn an_empty_read_is_the_end() {
    let mut proxy = source(&two_reads(), 64);
    let mut seen = Vec::new();
    while let Some(info) = pollster::block_on(proxy.load(None)).expect("it reads") {
        assert_eq!((info.newly_loaded_bytes, info.last_known_ts), (5, None));
        seen.extend_from_slice(proxy.current_slice());
        proxy.consume(5);
    }
    assert_eq!(seen, b"bytesbytes");
    assert_eq!(
        proxy.counters(),
        SourceCounters {
            c_cns: 2,
            c_rld: 3,
            r_ok: 2,
            r_eof: 1,
            r_err: 0
        }
    );
}

#[test]
fn more_bytes_than_were_asked_for_are_a_fault() {
    let mut proxy = source(&two_reads(), 4);
    let error = pollster::block_on(proxy.load(None)).expect_err("five of four");
    assert_eq!(
        error.to_string(),
        "plugin `guest`: `read` returned something that the contract does not allow: 5 bytes, 1 more than were asked for"
    );
    assert!(pollster::block_on(proxy.load(None)).is_err());
    assert_eq!(proxy.counters().r_err, 2);
}

#[test]
fn a_source_refuses_in_its_own_words() {
    let guest = Guest::source_0_1()
        .data(TEXT_AT, b"on fire")
        .data(RESULT_AT, &words(&[1, 0, TEXT_AT, 7]))
        .function("read", &format!("{READ} i32.const {RESULT_AT}"));
    let error = pollster::block_on(source(&guest, 64).load(None)).expect_err("it says so");
    assert_eq!(error.to_string(), "plugin `guest`: on fire");
}
