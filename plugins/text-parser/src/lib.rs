//! The Chipmunk plugin `text-parser`: every line of a text is a message.
//!
//! The reader is the crate `chipmunk-text`, which says what a line is, and which the host's own text parser uses as well.

use chipmunk_plugin::{
    BatchWriter, ConfigSchemaItem, InitError, Input, Output, Parser, ParserCapabilities,
    ParserConfig, RenderOptions, Tail,
};
use chipmunk_text::{CAPTION, Options, Reader};

/// A parser of one text.
#[derive(Debug)]
pub struct TextParser(Reader);

impl Parser for TextParser {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::text("column-split", "Column separator", "").describe(
                "What stands between the columns of a line; lines are not split if it is empty.",
            ),
        ]
    }

    fn capabilities() -> ParserCapabilities {
        ParserCapabilities::RESYNCHRONISES
            | ParserCapabilities::RANGES
            | ParserCapabilities::LINE
            | ParserCapabilities::COLUMNS
    }

    fn render_options() -> RenderOptions {
        RenderOptions::columns(
            &[(CAPTION, "The line, or its first column.", -1)],
            (3, 1000),
        )
    }

    fn new(config: &ParserConfig) -> Result<Self, InitError> {
        Ok(Self(Reader::new(&Options {
            output: match config.output {
                Output::Ranges => chipmunk_text::Output::Ranges,
                Output::Line => chipmunk_text::Output::Line,
                Output::Columns => chipmunk_text::Output::Columns,
            },
            separator: config.text("column-split")?.to_string(),
        })))
    }

    fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
        self.0.read(input.data, input.at_end, out)
    }
}

chipmunk_plugin::export_parser!(TextParser);

#[cfg(test)]
mod tests {
    use chipmunk_plugin::{
        ConfigValue,
        testing::{self, Found},
    };

    use super::*;

    #[test]
    fn each_output_has_its_cells() {
        let split = [("column-split", ConfigValue::Text(",".to_string()))];
        let input = b"a,b\r\nc";
        let found = |output| testing::parse_all::<TextParser>(&split, output, input, 2).unwrap();
        let messages = |first: &[&str], second: &[&str]| {
            [
                Found::message(b"a,b\r\n", first),
                Found::message(b"c", second),
            ]
        };
        assert_eq!(found(Output::Ranges), messages(&[], &[]));
        assert_eq!(found(Output::Line), messages(&["a,b"], &["c"]));
        assert_eq!(found(Output::Columns), messages(&["a", "b"], &["c"]));
    }
}
