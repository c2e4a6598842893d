//! Byte sources, as their authors see them.

use crate::{
    Config, ConfigSchemaItem, InitError, SourceCapabilities, SourceError, SourceWriter, State,
    Version,
};

/// A plugin that fetches the bytes of a trace. Export it with [`export_byte_source!`](crate::export_byte_source!).
///
/// ```
/// use chipmunk_plugin::{
///     ByteSource, Config, ConfigSchemaItem, InitError, SourceError, SourceWriter, State, testing,
/// };
///
/// /// A trace of zeros.
/// struct Zeros {
///     left: usize,
/// }
///
/// impl ByteSource for Zeros {
///     fn config_schema() -> Vec<ConfigSchemaItem> {
///         vec![ConfigSchemaItem::integer("count", "Count", 10)]
///     }
///
///     fn new(config: &Config) -> Result<Self, InitError> {
///         let count = config.integer("count")?;
///         let left = usize::try_from(count).map_err(|_| InitError::Config("`count` is negative".into()))?;
///         Ok(Self { left })
///     }
///
///     fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError> {
///         let count = self.left.min(out.remaining());
///         out.spare()[..count].fill(0);
///         out.advance(count);
///         self.left -= count;
///         Ok(if self.left == 0 { State::End } else { State::More })
///     }
/// }
///
/// chipmunk_plugin::export_byte_source!(Zeros);
///
/// assert_eq!(testing::read_all::<Zeros>(&[], 4)?.bytes, [0; 10]);
/// # Ok::<(), testing::TestError>(())
/// ```
pub trait ByteSource: Sized + 'static {
    /// The plugin's version: that of its package, unless this is overridden.
    fn version(package: Version) -> Version {
        package
    }

    /// What the user can configure: nothing, unless this is overridden.
    fn config_schema() -> Vec<ConfigSchemaItem> {
        Vec::new()
    }

    /// What the source can do: nothing beyond reading, unless this is overridden.
    fn capabilities() -> SourceCapabilities {
        SourceCapabilities::empty()
    }

    /// A source for this configuration.
    ///
    /// # Errors
    /// Why there cannot be one, in words for the user.
    fn new(config: &Config) -> Result<Self, InitError>;

    /// Puts the next bytes into `out`, as many as it has room for if there are so many, and says what comes after them.
    ///
    /// [`State::More`] needs at least one byte; an empty chunk is the end, or, with [`State::RetryLater`], nothing yet.
    ///
    /// # Errors
    /// Why there are no more bytes, in words for the user. Bytes in `out` are lost then.
    fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError>;
}
