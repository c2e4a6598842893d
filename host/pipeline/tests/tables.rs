//! CSV and JSON Lines: quoting, and what becomes of cells that do not fit the captions.

use std::{
    fmt,
    io::{self, Write},
    ops::{ControlFlow, Range},
};

use chipmunk_pipeline::{
    LogMessage, MessageProducer, ParseOutput, ParseYield, Parser, ParserError,
    export::{Captions, CsvExporter, JsonlExporter},
    native::StreamSource,
};
use serde::{Serialize, Serializer};

/// The cells of one message.
struct Cells(Vec<String>);

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\u{4}"))
    }
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl LogMessage for Cells {
    fn to_writer<W: Write>(&self, _: &mut W) -> io::Result<usize> {
        Ok(0)
    }

    fn each_cell(&self, each: impl FnMut(&str)) {
        self.0.iter().map(String::as_str).for_each(each);
    }
}

/// A parser that finds a message in every byte: the one of that number.
struct Numbers<'a>(&'a [&'a [&'a str]]);

impl Parser for Numbers<'_> {
    type Output = Cells;

    fn parse(
        &mut self,
        input: &[u8],
        _: Option<u64>,
    ) -> Result<impl Iterator<Item = ParseOutput<Cells>>, ParserError> {
        let messages = self.0;
        let item = move |byte: &u8| ParseOutput {
            consumed: 1,
            message: messages.get(usize::from(*byte)).map(|cells| {
                ParseYield::Message(Cells(cells.iter().map(|cell| (*cell).to_owned()).collect()))
            }),
        };
        Ok(input
            .to_vec()
            .iter()
            .map(item)
            .collect::<Vec<_>>()
            .into_iter())
    }

    fn parse_each(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        _: bool,
        mut each: impl FnMut(Range<usize>, Option<&ParseYield<Cells>>) -> ControlFlow<()>,
    ) -> Result<(), ParserError> {
        for (index, item) in self.parse(input, timestamp)?.enumerate() {
            if each(index..index + 1, item.message.as_ref()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The messages as CSV and as JSON Lines, below these captions.
fn tables(captions: &[&str], messages: &[&[&str]]) -> (String, String) {
    let captions = Captions::new(captions);
    // One byte more, which is no message.
    let bytes: Vec<u8> = (0..=messages.len())
        .map(|number| u8::try_from(number).expect("a few"))
        .collect();
    let producer = || {
        let source = StreamSource::from_reader("numbers", io::Cursor::new(bytes.clone()));
        MessageProducer::new(source, Numbers(messages))
    };
    let mut csv = CsvExporter::new(Vec::new(), captions.clone(), "|");
    pollster::block_on(producer().drive(&mut csv)).expect("the run succeeds");
    let mut jsonl = JsonlExporter::new(Vec::new(), &captions, "|");
    pollster::block_on(producer().drive(&mut jsonl)).expect("the run succeeds");
    let text = |bytes: io::Result<Vec<u8>>| {
        String::from_utf8(bytes.expect("writing to a vector")).expect("of UTF-8")
    };
    (text(csv.finish()), text(jsonl.finish()))
}

#[test]
fn a_row_a_message_under_its_captions() {
    assert_eq!(
        tables(&["Time", "Text"], &[&["12:00", "hello"], &["12:01", ""]]),
        (
            "Time,Text\r\n12:00,hello\r\n12:01,\r\n".to_owned(),
            "{\"Time\":\"12:00\",\"Text\":\"hello\"}\n{\"Time\":\"12:01\",\"Text\":\"\"}\n"
                .to_owned()
        )
    );
}

#[test]
fn an_export_without_messages_has_its_captions() {
    assert_eq!(
        tables(&["Time", "Text"], &[]),
        ("Time,Text\r\n".to_owned(), String::new())
    );
}

#[test]
fn a_parser_that_names_no_column_has_one() {
    assert_eq!(
        tables(&[], &[&["a, b"], &[""], &[]]),
        (
            "message\r\n\"a, b\"\r\n\"\"\r\n\"\"\r\n".to_owned(),
            "{\"message\":\"a, b\"}\n{\"message\":\"\"}\n{\"message\":\"\"}\n".to_owned()
        )
    );
}

#[test]
fn values_are_quoted_where_the_formats_want_it() {
    let all: String = (0..0x80_u8).map(char::from).collect::<String>() + "é€🦀\u{2028}";
    let values = [
        "plain",
        " spaces ",
        "a,b",
        "\"",
        "say \"hi\"",
        "two\nlines",
        "\r",
        "tab\t",
        "back\\slash",
        "\u{1}",
        &all,
    ];
    let rows: Vec<[&str; 2]> = values.iter().map(|value| [*value, "next"]).collect();
    let messages: Vec<&[&str]> = rows.iter().map(<[&str; 2]>::as_slice).collect();
    let (csv, jsonl) = tables(&["a \"quoted\", caption", "b"], &messages);
    let lines = [
        "\"a \"\"quoted\"\", caption\",b\r\n",
        "plain,next\r\n",
        " spaces ,next\r\n",
        "\"a,b\",next\r\n",
        "\"\"\"\",next\r\n",
        "\"say \"\"hi\"\"\",next\r\n",
        "\"two\nlines\",next\r\n",
        "\"\r\",next\r\n",
        "tab\t,next\r\n",
        "back\\slash,next\r\n",
        "\u{1},next\r\n",
    ];
    let last = format!("\"{}\",next\r\n", all.replace('"', "\"\""));
    assert_eq!(csv, lines.concat() + &last);
    let objects: Vec<serde_json::Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).expect("valid JSON"))
        .collect();
    let expected: Vec<_> = values
        .iter()
        .map(|value| serde_json::json!({"a \"quoted\", caption": value, "b": "next"}))
        .collect();
    assert_eq!(objects, expected);
}

#[test]
fn cells_that_do_not_fit_the_captions() {
    let (csv, jsonl) = tables(
        &["a", "b", "c"],
        &[
            &["1", "2", "3", "4", "five \"5\""],
            &["2", "3"],
            &["a line that is no columns"],
            &["1\u{4}2\u{4}3"],
            &["1\u{4}2\u{4}3\u{4}4"],
            &["1", "2", "not\u{4}apart"],
            &[],
        ],
    );
    assert_eq!(
        csv,
        "a,b,c\r\n1,2,\"3|4|five \"\"5\"\"\"\r\n,2,3\r\n,,a line that is no columns\r\n1,2,3\r\n1,2,\"3|4\"\r\n\
         1,2,not\u{4}apart\r\n,,\r\n"
    );
    let rows: Vec<serde_json::Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).expect("valid JSON"))
        .collect();
    let row = |a: &str, b: &str, c: &str| serde_json::json!({"a": a, "b": b, "c": c});
    assert_eq!(
        rows,
        [
            row("1", "2", "3|4|five \"5\""),
            row("", "2", "3"),
            row("", "", "a line that is no columns"),
            row("1", "2", "3"),
            row("1", "2", "3|4"),
            row("1", "2", "not\u{4}apart"),
            row("", "", ""),
        ]
    );
}

#[test]
fn one_column_keeps_a_line_whole() {
    assert_eq!(
        tables(&["Text"], &[&["a\u{4}b"], &["a", "b"]]),
        (
            "Text\r\na\u{4}b\r\n\"a|b\"\r\n".to_owned(),
            "{\"Text\":\"a\\u0004b\"}\n{\"Text\":\"a|b\"}\n".to_owned()
        )
    );
}
