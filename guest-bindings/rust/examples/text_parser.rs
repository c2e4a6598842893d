//! The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
//! line without the ending. See host/text for what a line is: this gives the same, byte for byte.

use chipmunk_plugin::{
    BatchWriter, ConfigSchemaItem, InitError, Input, Output, Parser, ParserCapabilities,
    ParserConfig, RenderOptions, Tail,
};
use memchr::{memchr2, memmem::Finder};

/// A parser of one text.
pub struct TextParser {
    output: Output,
    /// What stands between columns, where lines are split.
    separator: Option<Finder<'static>>,
}

impl Parser for TextParser {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::text("column-split", "Column separator", "").describe(
                "What stands between the columns of a line; lines are not split if it is empty.",
            ),
        ]
    }

    fn capabilities() -> ParserCapabilities {
        ParserCapabilities::RANGES | ParserCapabilities::LINE | ParserCapabilities::COLUMNS
    }

    fn render_options() -> RenderOptions {
        RenderOptions::columns(&[("Text", "The line, or its first column.", -1)], (3, 1000))
    }

    fn new(config: &ParserConfig) -> Result<Self, InitError> {
        let separator = config.text("column-split")?;
        let splits = config.output == Output::Columns && !separator.is_empty();
        Ok(Self {
            output: config.output,
            separator: splits.then(|| Finder::new(separator).into_owned()),
        })
    }

    fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
        let mut rest = input.data;
        while !rest.is_empty() {
            if out.is_full() {
                return Tail::Full;
            }
            let (line, ending) = match memchr2(b'\n', b'\r', rest) {
                Some(end) if rest[end..].starts_with(b"\r\n") => (&rest[..end], 2),
                // It may be half an ending.
                Some(end) if rest[end] == b'\r' && end + 1 == rest.len() && !input.at_end => {
                    return Tail::Incomplete { needed: 0 };
                }
                Some(end) => (&rest[..end], 1),
                None if input.at_end => (rest, 0),
                None => return Tail::Incomplete { needed: 0 },
            };
            self.cells(line, out);
            let consumed = line.len() + ending;
            out.message(consumed as u32, 0..consumed as u32, false);
            rest = &rest[consumed..];
        }
        Tail::Complete
    }
}

impl TextParser {
    fn cells(&self, line: &[u8], out: &mut BatchWriter) {
        if self.output == Output::Ranges {
            return;
        }
        let mut rest = line;
        if let Some(separator) = &self.separator {
            while let Some(end) = separator.find(rest) {
                out.text().push_lossy(&rest[..end]);
                out.end_cell();
                rest = &rest[end + separator.needle().len()..];
            }
        }
        out.text().push_lossy(rest);
        out.end_cell();
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
    fn a_text_cut_anywhere_has_the_same_lines() {
        let split = [("column-split", ConfigValue::Text(",".to_string()))];
        let input = b"a,b\r\n\rno end";
        for chunk in 1..=input.len() {
            let found = testing::parse_all::<TextParser>(&split, Output::Columns, input, chunk);
            assert_eq!(
                found.unwrap(),
                [
                    Found::message(b"a,b\r\n", &["a", "b"]),
                    Found::message(b"\r", &[""]),
                    Found::message(b"no end", &["no end"]),
                ],
                "{chunk}"
            );
        }
    }
}
