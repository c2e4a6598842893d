//! Parsers, as their authors see them.

use std::ops::Deref;

use crate::{
    BatchWriter, ColumnInfo, ColumnsRenderOptions, Config, ConfigSchemaItem, InitError, Output,
    ParserCapabilities, RenderOptions, Tail, Version,
};

/// A plugin that finds messages in bytes. Export it with [`export_parser!`](crate::export_parser!).
pub trait Parser: Sized + 'static {
    /// The plugin's version: that of its package, unless this is overridden.
    fn version(package: Version) -> Version {
        package
    }

    /// What the user can configure: nothing, unless this is overridden.
    fn config_schema() -> Vec<ConfigSchemaItem> {
        Vec::new()
    }

    /// What the parser can do: give ranges and lines, unless this is overridden. `new` is only asked for an output that
    /// is named here.
    fn capabilities() -> ParserCapabilities {
        ParserCapabilities::RANGES | ParserCapabilities::LINE
    }

    /// The columns of messages: none, unless this is overridden, which goes with [`ParserCapabilities::COLUMNS`].
    fn render_options() -> RenderOptions {
        RenderOptions {
            columns_options: None,
        }
    }

    /// A parser for this configuration.
    ///
    /// # Errors
    /// Why there cannot be one, in words for the user.
    fn new(config: &ParserConfig) -> Result<Self, InitError>;

    /// Describes `input` to `out` from its beginning, item by item, and says why it stopped.
    ///
    /// What is not consumed comes again in the next call.
    fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_>;
}

/// A chunk of the input.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The bytes, which begin where the last batch stopped consuming.
    pub data: &'a [u8],
    /// When they were recorded, if the source knows, in nanoseconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
    /// Nothing will follow them.
    pub at_end: bool,
}

/// What a parser is given to begin with: what the host wants of it, and the configuration (to which this dereferences).
#[derive(Debug, Clone)]
pub struct ParserConfig {
    /// What is wanted of each message. Render no more than this.
    pub output: Output,
    /// The host's limit for the archive of a batch, in bytes. The [`BatchWriter`] knows it: see
    /// [`is_full`](BatchWriter::is_full).
    pub max_archive_bytes: u32,
    /// The values of the configuration items.
    pub values: Config,
}

impl Deref for ParserConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.values
    }
}

impl RenderOptions {
    /// Messages with these columns: caption, description, and width in characters (-1 for the rest of the line).
    /// `widths` are the least and the greatest width of a column.
    pub fn columns(columns: &[(&str, &str, i16)], widths: (u16, u16)) -> Self {
        let column = |&(caption, description, width): &(&str, &str, i16)| ColumnInfo {
            caption: caption.to_string(),
            description: description.to_string(),
            width,
        };
        let columns = columns.iter().map(column).collect();
        let (min_width, max_width) = widths;
        Self {
            columns_options: Some(ColumnsRenderOptions {
                columns,
                min_width,
                max_width,
            }),
        }
    }
}
