//! The Chipmunk plugin `dlt-parser`: DLT traces, with or without storage headers.
//!
//! All the work is done by the crate `chipmunk-dlt`, which the host's own parser uses as well: what the two find, show and
//! count is the same. Here are the configuration, the columns, and the log of what was skipped.

use chipmunk_dlt::{COLUMNS, Options, Reader, Skipped};
use chipmunk_plugin::{
    BatchWriter, ConfigSchemaItem, InitError, Input, Output, Parser, ParserCapabilities,
    ParserConfig, RenderOptions, SkipReason, Tail, debug, info, warn,
};

/// A parser of one trace.
pub struct DltParser {
    reader: Reader,
    /// The warning about messages of protocol version 2 was given.
    warned: bool,
}

impl Parser for DltParser {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::boolean("storage-header", "Storage headers", true).describe(
                "Every message has a storage header, as in files; without, messages are as on the wire.",
            ),
            ConfigSchemaItem::text("argument-separator", "Argument separator", " ")
                .describe("What stands before each argument of a payload."),
            ConfigSchemaItem::text("column-separator", "Column separator", "\t").describe(
                "What stands between two columns of a line. Not used where columns are shown one by one.",
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
        let columns = COLUMNS.map(|column| (column.caption, column.description, column.width));
        RenderOptions::columns(&columns, (3, 60))
    }

    fn new(config: &ParserConfig) -> Result<Self, InitError> {
        let storage_header = config.boolean("storage-header")?;
        let options = Options {
            storage_header,
            output: match config.output {
                Output::Ranges => chipmunk_dlt::Output::Ranges,
                Output::Line => chipmunk_dlt::Output::Line,
                Output::Columns => chipmunk_dlt::Output::Columns,
            },
            column_separator: config.text("column-separator")?.to_string(),
            argument_separator: config.text("argument-separator")?.to_string(),
        };
        let with = if storage_header { "with" } else { "without" };
        info!("DLT {with} storage headers");
        Ok(Self {
            reader: Reader::new(options),
            warned: false,
        })
    }

    fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
        let warned = &mut self.warned;
        self.reader
            .read_reporting(input.data, input.at_end, out, &mut |skipped| {
                log(skipped, warned)
            })
    }
}

/// Tells the log of a skipped run, or of a part of one.
fn log(skipped: Skipped, warned: &mut bool) {
    let Skipped {
        offset,
        bytes,
        reason,
        continued,
    } = skipped;
    let what = match reason {
        SkipReason::Truncated => "the beginning of a message",
        SkipReason::Malformed => "a header that contradicts itself",
        SkipReason::Unsupported => "DLT protocol version 2",
        SkipReason::Garbage | SkipReason::Unspecified => "garbage",
    };
    let more = if continued { "another " } else { "" };
    debug!("{what}: skipped {more}{bytes} bytes at byte {offset}");
    if reason == SkipReason::Unsupported && !*warned {
        *warned = true;
        warn!(
            "there are messages of DLT protocol version 2, which are skipped: this parser reads version 1"
        );
    }
}

chipmunk_plugin::export_parser!(DltParser);

#[cfg(test)]
mod tests {
    use chipmunk_dlt::generate::Trace;
    use chipmunk_plugin::{
        ConfigValue, Level, set_log_level,
        testing::{self, Found, TestError},
    };

    use super::*;

    const MESSAGE: &[u8] = b"DLT\x01\x20\x78\x53\x65\x10\x27\x00\x00ECU1\
        \x21\x07\x00\x18\x41\x01APP\0CON\0\x00\x02\x00\x00\x04\x00Hi!\0";

    fn text(text: &str) -> ConfigValue {
        ConfigValue::Text(text.to_string())
    }

    #[test]
    fn each_output_has_its_cells() {
        let all = |output, config: &[(&str, ConfigValue)]| {
            testing::parse_all::<DltParser>(config, output, MESSAGE, usize::MAX).unwrap()
        };
        assert_eq!(all(Output::Ranges, &[]), [Found::message(MESSAGE, &[])]);
        assert_eq!(
            all(Output::Columns, &[("argument-separator", text("|"))]),
            [Found::message(
                MESSAGE,
                &[
                    "2023-11-14T13:37:36.010000000Z",
                    "ECU1",
                    "1",
                    "",
                    "7",
                    "",
                    "",
                    "APP",
                    "CON",
                    "LogLevel INFO",
                    "|Hi!"
                ]
            )]
        );
        assert_eq!(
            all(Output::Line, &[("column-separator", text(";"))]),
            [Found::message(
                MESSAGE,
                &["2023-11-14T13:37:36.010000000Z;ECU1;1;;7;;;APP;CON;LogLevel INFO; Hi!"]
            )]
        );
        assert_eq!(
            DltParser::render_options()
                .columns_options
                .map(|options| options.columns.len()),
            Some(11)
        );
    }

    #[test]
    fn messages_without_storage_header() {
        let config = [
            ("storage-header", ConfigValue::Boolean(false)),
            ("column-separator", text(";")),
        ];
        let message = &MESSAGE[16..];
        let found =
            testing::parse_all::<DltParser>(&config, Output::Line, message, usize::MAX).unwrap();
        assert_eq!(
            found,
            [Found::message(
                message,
                &[";1;;7;;;APP;CON;LogLevel INFO; Hi!"]
            )]
        );
    }

    #[test]
    fn chunks_of_any_size_give_the_same() {
        let mut trace = Vec::new();
        Trace {
            messages: 60,
            garbage: 4,
            message_bytes: 150,
            seed: 3,
        }
        .write_to(&mut trace)
        .unwrap();
        let whole =
            testing::parse_all::<DltParser>(&[], Output::Columns, &trace, usize::MAX).unwrap();
        assert_eq!(whole.len(), 64);
        for chunk in [1, 2, 3, 10, 100, 1000] {
            let found =
                testing::parse_all::<DltParser>(&[], Output::Columns, &trace, chunk).unwrap();
            assert_eq!(found, whole, "chunks of {chunk} bytes");
        }
    }

    #[test]
    fn skipped_runs_are_logged() {
        set_log_level(Level::Debug);
        let trace = [MESSAGE, b"garbage", MESSAGE, b"DLT\x01cut"].concat();
        let found =
            testing::parse_all::<DltParser>(&[], Output::Ranges, &trace, usize::MAX).unwrap();
        let message = Found::message(MESSAGE, &[]);
        let [garbage, cut] = [
            Found::Skipped(7, SkipReason::Garbage),
            Found::Skipped(7, SkipReason::Truncated),
        ];
        assert_eq!(found, [message.clone(), garbage, message, cut]);
        let log: Vec<String> = testing::take_log()
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(
            log,
            [
                "DLT with storage headers",
                "garbage: skipped 7 bytes at byte 40",
                "the beginning of a message: skipped 7 bytes at byte 87",
            ]
        );
    }

    #[test]
    fn protocol_version_2_is_refused() {
        let refused =
            testing::parse_all::<DltParser>(&[], Output::Ranges, b"DLT\x02\x00 something newer", 4)
                .unwrap_err();
        assert!(
            matches!(&refused, TestError::Parse(error) if error.contains("version 2")),
            "{refused}"
        );
        assert!(
            testing::take_log()
                .iter()
                .any(|(level, _)| *level == Level::Warn)
        );
    }
}
