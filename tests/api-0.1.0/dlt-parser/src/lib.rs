//! A parser of API 0.1.0 for DLT, over the same reader as the host's own parser and the plugin `dlt-parser`: what differs between the
//! three is how messages reach the host.
//!
//! A message is one text with U+0004 between its columns, as Chipmunk's own DLT parser gives them, or a list of columns.
//! What is skipped becomes an item without a value: the API has no other word for it.

use std::cell::RefCell;

use chipmunk_dlt::{COLUMNS, Options, Output, Reader};
use chipmunk_payload::{BatchWriter, Tail};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/0.1.0", world: "parser", generate_all });
}

use bindings::chipmunk::parser::parse_types::{
    ColumnInfo, ColumnsRenderOptions, ParseError, ParseReturn, ParseYield, ParsedMessage,
    ParserConfig, RenderOptions,
};
use bindings::chipmunk::shared::shared_types::{ConfigSchemaType, ConfigValue};
use bindings::exports::chipmunk::parser::parser::{
    ConfigItem, ConfigSchemaItem, Guest, InitError, Version,
};

struct Session {
    reader: Reader,
    out: BatchWriter,
    columns: bool,
}

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

struct DltParser;

impl Guest for DltParser {
    fn get_version() -> Version {
        Version {
            major: 0,
            minor: 1,
            patch: 7,
        }
    }

    fn get_config_schemas() -> Vec<ConfigSchemaItem> {
        let item = |id: &str, title: &str, input_type| ConfigSchemaItem {
            id: id.to_owned(),
            title: title.to_owned(),
            description: None,
            input_type,
        };
        let shapes = vec!["joined".to_owned(), "columns".to_owned()];
        vec![
            item(
                "storage-header",
                "Storage headers",
                ConfigSchemaType::Boolean(true),
            ),
            item(
                "argument-separator",
                "Argument separator",
                ConfigSchemaType::Text(" ".to_owned()),
            ),
            item(
                "messages",
                "Messages as",
                ConfigSchemaType::Dropdown((shapes, "joined".to_owned())),
            ),
            item(
                "descriptions",
                "Descriptions (not read)",
                ConfigSchemaType::Files(vec!["xml".to_owned()]),
            ),
        ]
    }

    fn get_render_options() -> RenderOptions {
        let columns = COLUMNS.map(|column| ColumnInfo {
            caption: column.caption.to_owned(),
            description: column.description.to_owned(),
            width: column.width,
        });
        RenderOptions {
            columns_options: Some(ColumnsRenderOptions {
                columns: columns.into(),
                min_width: 3,
                max_width: 60,
            }),
        }
    }

    fn init(_: ParserConfig, items: Vec<ConfigItem>) -> Result<(), InitError> {
        let values: Vec<_> = items
            .iter()
            .map(|item| (item.id.as_str(), &item.value))
            .collect();
        let [
            ("storage-header", ConfigValue::Boolean(storage_header)),
            ("argument-separator", ConfigValue::Text(argument_separator)),
            ("messages", ConfigValue::Dropdown(shape)),
            ("descriptions", ConfigValue::Files(descriptions)),
        ] = values[..]
        else {
            return Err(InitError::Config(format!(
                "these are not the items of the schema: {items:?}"
            )));
        };
        if !descriptions.is_empty() {
            return Err(InitError::Unsupported(
                "descriptions are not read".to_owned(),
            ));
        }
        let columns = shape == "columns";
        let options = Options {
            storage_header: *storage_header,
            output: if columns {
                Output::Columns
            } else {
                Output::Line
            },
            column_separator: "\u{4}".to_owned(),
            argument_separator: argument_separator.clone(),
        };
        SESSION.set(Some(Session {
            reader: Reader::new(options),
            out: BatchWriter::new(),
            columns,
        }));
        Ok(())
    }

    fn parse(data: Vec<u8>, _: Option<u64>) -> Result<Vec<ParseReturn>, ParseError> {
        SESSION.with_borrow_mut(|session| match session {
            Some(session) => session.parse(&data),
            None => Err(ParseError::Unrecoverable(
                "`parse` was called before `init`".to_owned(),
            )),
        })
    }
}

impl Session {
    fn parse(&mut self, data: &[u8]) -> Result<Vec<ParseReturn>, ParseError> {
        let tail = self.reader.read(data, false, &mut self.out);
        if self.out.is_empty() {
            return Err(match tail {
                Tail::Incomplete { .. } => ParseError::Incomplete,
                Tail::End => ParseError::Eof,
                Tail::Error(why) => ParseError::Unrecoverable(why.to_owned()),
                Tail::Complete | Tail::Full => ParseError::Parse("there is nothing".to_owned()),
            });
        }
        // What the tail says comes again with the next call, which begins there.
        let columns = self.columns;
        let records = self.out.written().map(|mut item| ParseReturn {
            value: item.kind.has_message().then(|| {
                ParseYield::Message(if columns {
                    ParsedMessage::Columns(item.cells.map(str::to_owned).collect())
                } else {
                    ParsedMessage::Line(item.cells.next().unwrap_or_default().to_owned())
                })
            }),
            consumed: item.consumed.into(),
        });
        let records = records.collect();
        self.out.clear();
        Ok(records)
    }
}

bindings::export!(DltParser with_types_in bindings);
