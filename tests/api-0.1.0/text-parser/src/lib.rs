//! A parser of API 0.1.0 for lines of text, which can be told to behave as any of the parsers that there are: such as know of
//! incomplete lines and such as do not, such as return one message a call, such as refuse bytes that are no text, and such as
//! have attachments. It has an item of every type in its schema, and wants them all.

use std::cell::RefCell;

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/0.1.0", world: "parser", generate_all });
}

use bindings::chipmunk::parser::parse_types::{
    Attachment, ParseError, ParseReturn, ParseYield, ParsedMessage, ParserConfig, RenderOptions,
};
use bindings::chipmunk::shared::logging::{Level, log};
use bindings::chipmunk::shared::sandbox::temp_directory;
use bindings::chipmunk::shared::shared_types::{ConfigSchemaType, ConfigValue};
use bindings::exports::chipmunk::parser::parser::{
    ConfigItem, ConfigSchemaItem, Guest, InitError, Version,
};

/// Lines that begin so are no messages; ones that begin with `ATTACH` and `BOTH` are attachments.
const COMMENT: &str = "#";
const ATTACH: &str = "attach ";
const BOTH: &str = "both ";

#[derive(Default)]
struct Session {
    complete_lines: bool,
    most: usize,
    split: String,
    lossy: bool,
    messages: u64,
}

thread_local! {
    static SESSION: RefCell<Session> = RefCell::default();
}

struct TextParser;

impl Guest for TextParser {
    fn get_version() -> Version {
        Version {
            major: 0,
            minor: 1,
            patch: 7,
        }
    }

    fn get_config_schemas() -> Vec<ConfigSchemaItem> {
        let item = |id: &str, input_type| ConfigSchemaItem {
            id: id.to_owned(),
            title: format!("Item {id}"),
            description: Some("Says how this parser behaves.".to_owned()),
            input_type,
        };
        let options = vec!["replaced".to_owned(), "refused".to_owned()];
        vec![
            item("complete-lines", ConfigSchemaType::Boolean(true)),
            item("messages-a-call", ConfigSchemaType::Integer(i32::MAX)),
            item("scale", ConfigSchemaType::Float(0.5)),
            item("column-split", ConfigSchemaType::Text(String::new())),
            item("folders", ConfigSchemaType::Directories),
            item(
                "descriptions",
                ConfigSchemaType::Files(vec!["xml".to_owned()]),
            ),
            item(
                "what-is-no-text",
                ConfigSchemaType::Dropdown((options, "replaced".to_owned())),
            ),
        ]
    }

    fn get_render_options() -> RenderOptions {
        RenderOptions {
            columns_options: None,
        }
    }

    fn init(general: ParserConfig, items: Vec<ConfigItem>) -> Result<(), InitError> {
        use ConfigValue::{Boolean, Directories, Dropdown, Files, Float, Integer, Text};
        let values: Vec<_> = items
            .iter()
            .map(|item| (item.id.as_str(), &item.value))
            .collect();
        let [
            ("complete-lines", Boolean(complete_lines)),
            ("messages-a-call", Integer(most)),
            ("scale", Float(scale)),
            ("column-split", Text(split)),
            ("folders", Directories(folders)),
            ("descriptions", Files(descriptions)),
            ("what-is-no-text", Dropdown(no_text)),
        ] = values[..]
        else {
            return Err(InitError::Config(format!(
                "these are not the items of the schema: {items:?}"
            )));
        };
        let folder = temp_directory();
        log(
            Level::Info,
            &format!(
                "log level {:?}, scale {scale}, {} folders, {} descriptions, {folder:?}",
                general.log_level,
                folders.len(),
                descriptions.len(),
            ),
        );
        SESSION.set(Session {
            complete_lines: *complete_lines,
            most: usize::try_from(*most)
                .map_err(|_| InitError::Config(format!("{most} messages")))?,
            split: split.clone(),
            lossy: no_text == "replaced",
            messages: 0,
        });
        Ok(())
    }

    fn parse(data: Vec<u8>, _: Option<u64>) -> Result<Vec<ParseReturn>, ParseError> {
        SESSION.with_borrow_mut(|session| {
            let mut items = Vec::new();
            let mut rest = data.as_slice();
            while !rest.is_empty() && items.len() < session.most {
                match session.line(rest) {
                    Ok(item) => {
                        rest = &rest[item.consumed as usize..];
                        items.push(item);
                    }
                    Err(error) if items.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(items)
        })
    }
}

impl Session {
    fn line(&mut self, data: &[u8]) -> Result<ParseReturn, ParseError> {
        let (end, consumed) = match data.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end, end + 1),
            None if self.complete_lines => return Err(ParseError::Incomplete),
            None => (data.len(), data.len()),
        };
        let line = match String::from_utf8(data[..end].to_vec()) {
            Ok(line) => line,
            Err(error) if self.lossy => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            Err(error) => return Err(ParseError::Parse(error.to_string())),
        };
        match line.as_str() {
            "unrecoverable" => {
                return Err(ParseError::Unrecoverable("as the line says".to_owned()));
            }
            "eof" => return Err(ParseError::Eof),
            _ => {}
        }
        let value = if line.starts_with(COMMENT) {
            None
        } else if let Some(name) = line.strip_prefix(ATTACH) {
            Some(ParseYield::Attachment(self.attachment(name)))
        } else if let Some(name) = line.strip_prefix(BOTH) {
            let attachment = self.attachment(name);
            Some(ParseYield::MessageAndAttachment((
                self.message(line),
                attachment,
            )))
        } else {
            Some(ParseYield::Message(self.message(line)))
        };
        Ok(ParseReturn {
            value,
            consumed: consumed as u64,
        })
    }

    fn message(&mut self, line: String) -> ParsedMessage {
        self.messages += 1;
        if self.split.is_empty() {
            ParsedMessage::Line(line)
        } else {
            ParsedMessage::Columns(line.split(&self.split).map(str::to_owned).collect())
        }
    }

    fn attachment(&self, name: &str) -> Attachment {
        Attachment {
            name: name.to_owned(),
            size: 1 << 40,
            created_date: Some("yesterday".to_owned()),
            modified_date: None,
            messages: (0..self.messages).collect(),
            data: name.bytes().rev().collect(),
        }
    }
}

bindings::export!(TextParser with_types_in bindings);
