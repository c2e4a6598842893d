//! From a trait of this crate to the exports of a component.
//!
//! A component instance is one plugin session, so what the exports work on is one slot, made by the macros for the
//! plugin's type: a `static` cannot be generic. The exports themselves are generic, and compiled only in the plugin.

use std::{cell::RefCell, marker::PhantomData, thread::LocalKey};

use crate::{
    BatchWriter, ByteSource, Config, ConfigItem, ConfigSchemaItem, InitError, Input, Output,
    Parser, ParserCapabilities, ParserConfig, RenderOptions, SourceCapabilities, SourceError,
    SourceWriter, Tail, Version,
    bindings::{
        byte_source::{
            chipmunk::bytesource::bytesource_types::SourceConfig,
            exports::chipmunk::bytesource::byte_source::Guest as SourceGuest,
        },
        parser::{
            chipmunk::parser::parse_types::ParserConfig as GeneralConfig,
            exports::chipmunk::parser::parser::Guest as ParserGuest,
        },
    },
    log,
};

/// What a plugin is kept in.
pub type Kept<T> = LocalKey<RefCell<Option<T>>>;

/// The parser of this instance, and the writer whose buffers it uses again and again.
pub trait ParserSlot: 'static {
    /// The plugin's type.
    type Parser: Parser;
    /// The version of the plugin's package.
    fn package() -> Version;
    /// The slot.
    fn slot() -> &'static Kept<(Self::Parser, BatchWriter)>;
}

/// The exports of the world `parser`.
pub struct ParserComponent<S>(PhantomData<S>);

impl<S: ParserSlot> ParserGuest for ParserComponent<S> {
    fn get_version() -> Version {
        S::Parser::version(S::package())
    }

    fn get_config_schemas() -> Vec<ConfigSchemaItem> {
        S::Parser::config_schema()
    }

    fn get_capabilities() -> ParserCapabilities {
        S::Parser::capabilities()
    }

    fn get_render_options() -> RenderOptions {
        S::Parser::render_options()
    }

    fn init(general: GeneralConfig, items: Vec<ConfigItem>) -> Result<(), InitError> {
        log::log_panics();
        log::set_log_level(general.log_level);
        S::slot().with_borrow_mut(|slot| {
            *slot = None;
            *slot = Some(new_parser(
                general.output,
                general.max_archive_bytes,
                items,
            )?);
            Ok(())
        })
    }

    fn parse(data: Vec<u8>, timestamp: Option<u64>, at_end: bool) -> Vec<u8> {
        S::slot().with_borrow_mut(|slot| match slot {
            Some((parser, out)) => {
                let tail = parser.parse(
                    Input {
                        data: &data,
                        timestamp,
                        at_end,
                    },
                    out,
                );
                out.finish(tail)
            }
            None => BatchWriter::new().finish(Tail::Error("`parse` was called before `init`")),
        })
    }
}

/// A parser as `init` makes it.
pub(crate) fn new_parser<P: Parser>(
    output: Output,
    max_archive_bytes: u32,
    items: Vec<ConfigItem>,
) -> Result<(P, BatchWriter), InitError> {
    let (capability, name) = match output {
        Output::Ranges => (ParserCapabilities::RANGES, "ranges"),
        Output::Line => (ParserCapabilities::LINE, "lines"),
        Output::Columns => (ParserCapabilities::COLUMNS, "columns"),
    };
    if !P::capabilities().contains(capability) {
        return Err(InitError::Unsupported(format!(
            "this parser does not give {name}"
        )));
    }
    let values = Config::new(P::config_schema(), items)?;
    let parser = P::new(&ParserConfig {
        output,
        max_archive_bytes,
        values,
    })?;
    Ok((parser, BatchWriter::with_max_bytes(max_archive_bytes)))
}

/// The source of this instance.
pub trait SourceSlot: 'static {
    /// The plugin's type.
    type Source: ByteSource;
    /// The version of the plugin's package.
    fn package() -> Version;
    /// The slot.
    fn slot() -> &'static Kept<Self::Source>;
}

/// The exports of the world `byte-source`.
pub struct SourceComponent<S>(PhantomData<S>);

impl<S: SourceSlot> SourceGuest for SourceComponent<S> {
    fn get_version() -> Version {
        S::Source::version(S::package())
    }

    fn get_config_schemas() -> Vec<ConfigSchemaItem> {
        S::Source::config_schema()
    }

    fn get_capabilities() -> SourceCapabilities {
        S::Source::capabilities()
    }

    fn init(general: SourceConfig, items: Vec<ConfigItem>) -> Result<(), InitError> {
        log::log_panics();
        log::set_log_level(general.log_level);
        S::slot().with_borrow_mut(|slot| {
            *slot = None;
            *slot = Some(S::Source::new(&Config::new(
                S::Source::config_schema(),
                items,
            )?)?);
            Ok(())
        })
    }

    fn read(len: u64) -> Result<Vec<u8>, SourceError> {
        S::slot().with_borrow_mut(|slot| match slot {
            Some(source) => {
                let most = usize::try_from(len).unwrap_or(usize::MAX).min(MOST_AT_ONCE);
                let mut out = SourceWriter::with_capacity(most);
                let state = source.read(&mut out)?;
                Ok(out.finish(state))
            }
            None => Err(SourceError::Other(
                "`read` was called before `init`".to_string(),
            )),
        })
    }
}

/// Bytes of a chunk, whatever a host asks for: memory is set aside for so many, and a source may always give fewer.
const MOST_AT_ONCE: usize = 16 << 20;

/// The version that Cargo gives to the compiler as three texts. Parts that do not fit are 0.
pub fn package_version(major: &str, minor: &str, patch: &str) -> Version {
    let part = |text: &str| text.parse().unwrap_or(0);
    Version {
        major: part(major),
        minor: part(minor),
        patch: part(patch),
    }
}

/// Makes the component's exports of a type that implements [`Parser`](crate::Parser). Once in a plugin.
#[macro_export]
macro_rules! export_parser {
    ($parser:ty) => {
        const _: () = {
            type Exported = $crate::__private::ParserComponent<Slot>;

            struct Slot;

            ::std::thread_local! {
                static SLOT: ::core::cell::RefCell<::core::option::Option<($parser, $crate::BatchWriter)>> =
                    const { ::core::cell::RefCell::new(::core::option::Option::None) };
            }

            impl $crate::__private::ParserSlot for Slot {
                type Parser = $parser;

                fn package() -> $crate::Version {
                    $crate::__private::package_version(
                        ::core::env!("CARGO_PKG_VERSION_MAJOR"),
                        ::core::env!("CARGO_PKG_VERSION_MINOR"),
                        ::core::env!("CARGO_PKG_VERSION_PATCH"),
                    )
                }

                fn slot() -> &'static $crate::__private::Kept<($parser, $crate::BatchWriter)> {
                    &SLOT
                }
            }

            // Elsewhere the exports' names are no names that linkers take.
            #[cfg(target_family = "wasm")]
            $crate::bindings::parser::__export_parser_world!(Exported with_types_in $crate::bindings::parser);
            #[cfg(not(target_family = "wasm"))]
            const _: ::core::marker::PhantomData<Exported> = ::core::marker::PhantomData;
        };
    };
}

/// Makes the component's exports of a type that implements [`ByteSource`](crate::ByteSource). Once in a plugin.
#[macro_export]
macro_rules! export_byte_source {
    ($source:ty) => {
        const _: () = {
            type Exported = $crate::__private::SourceComponent<Slot>;

            struct Slot;

            ::std::thread_local! {
                static SLOT: ::core::cell::RefCell<::core::option::Option<$source>> =
                    const { ::core::cell::RefCell::new(::core::option::Option::None) };
            }

            impl $crate::__private::SourceSlot for Slot {
                type Source = $source;

                fn package() -> $crate::Version {
                    $crate::__private::package_version(
                        ::core::env!("CARGO_PKG_VERSION_MAJOR"),
                        ::core::env!("CARGO_PKG_VERSION_MINOR"),
                        ::core::env!("CARGO_PKG_VERSION_PATCH"),
                    )
                }

                fn slot() -> &'static $crate::__private::Kept<$source> {
                    &SLOT
                }
            }

            // Elsewhere the exports' names are no names that linkers take.
            #[cfg(target_family = "wasm")]
            $crate::bindings::byte_source::__export_byte_source_world!(
                Exported with_types_in $crate::bindings::byte_source
            );
            #[cfg(not(target_family = "wasm"))]
            const _: ::core::marker::PhantomData<Exported> = ::core::marker::PhantomData;
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigValue, Level, State, testing};

    /// Says "no" after one message per byte.
    struct Bytes {
        word: String,
    }

    impl Parser for Bytes {
        fn config_schema() -> Vec<ConfigSchemaItem> {
            vec![ConfigSchemaItem::text("word", "Word", "no")]
        }

        fn new(config: &ParserConfig) -> Result<Self, InitError> {
            let word = config.text("word")?.to_string();
            if word.is_empty() {
                return Err(InitError::Config("a word, please".to_string()));
            }
            crate::debug!("the word is {word}");
            crate::trace!("not wanted");
            Ok(Self { word })
        }

        fn parse(&mut self, input: Input<'_>, out: &mut BatchWriter) -> Tail<'_> {
            for _ in input.data {
                out.message(1, 0..1, false);
            }
            Tail::Error(&self.word)
        }
    }

    crate::export_parser!(Bytes);

    struct ParserSession;

    thread_local! {
        static PARSER: RefCell<Option<(Bytes, BatchWriter)>> = const { RefCell::new(None) };
        static SOURCE: RefCell<Option<Once>> = const { RefCell::new(None) };
    }

    impl ParserSlot for ParserSession {
        type Parser = Bytes;

        fn package() -> Version {
            package_version("1", "2", "70000")
        }

        fn slot() -> &'static Kept<(Bytes, BatchWriter)> {
            &PARSER
        }
    }

    type Exports = ParserComponent<ParserSession>;

    fn general(output: Output) -> GeneralConfig {
        GeneralConfig {
            log_level: Level::Debug,
            output,
            max_archive_bytes: 1 << 20,
        }
    }

    fn word(word: &str) -> Vec<ConfigItem> {
        vec![ConfigItem {
            id: "word".to_string(),
            value: ConfigValue::Text(word.to_string()),
        }]
    }

    fn tail_of(archive: Vec<u8>, input: usize) -> (usize, String) {
        let batch = chipmunk_payload::Batch::check(archive.into(), input).unwrap();
        (batch.len(), format!("{:?}", batch.tail()))
    }

    #[test]
    fn a_parser_lives_from_init_to_init() {
        let early = Exports::parse(vec![1, 2], None, false);
        assert_eq!(
            tail_of(early, 2),
            (0, "Error(\"`parse` was called before `init`\")".to_string())
        );

        Exports::init(general(Output::Line), vec![]).unwrap();
        assert_eq!(
            testing::take_log(),
            [(Level::Debug, "the word is no".to_string())]
        );
        assert_eq!(
            tail_of(Exports::parse(vec![1, 2], None, false), 2),
            (2, "Error(\"no\")".to_string())
        );

        Exports::init(general(Output::Ranges), word("never")).unwrap();
        assert_eq!(
            tail_of(Exports::parse(vec![1], None, true), 1),
            (1, "Error(\"never\")".to_string())
        );

        assert_eq!(
            Exports::init(general(Output::Line), word("")),
            Err(InitError::Config("a word, please".to_string()))
        );
        let after_failure = Exports::parse(vec![1], None, true);
        assert_eq!(
            tail_of(after_failure, 1),
            (0, "Error(\"`parse` was called before `init`\")".to_string())
        );
    }

    #[test]
    fn an_output_that_a_parser_does_not_give_is_refused_for_it() {
        assert_eq!(
            Exports::init(general(Output::Columns), vec![]),
            Err(InitError::Unsupported(
                "this parser does not give columns".to_string()
            ))
        );
    }

    #[test]
    fn metadata_has_defaults() {
        assert_eq!(
            Exports::get_version(),
            Version {
                major: 1,
                minor: 2,
                patch: 0
            }
        );
        assert_eq!(Exports::get_config_schemas().len(), 1);
        assert_eq!(
            Exports::get_capabilities(),
            ParserCapabilities::RANGES | ParserCapabilities::LINE
        );
        assert_eq!(
            Exports::get_render_options(),
            RenderOptions {
                columns_options: None
            }
        );
    }

    /// Gives three bytes once.
    struct Once(bool);

    impl ByteSource for Once {
        fn new(_: &Config) -> Result<Self, InitError> {
            Ok(Self(false))
        }

        fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError> {
            if std::mem::replace(&mut self.0, true) {
                return Err(SourceError::Io("it is broken".to_string()));
            }
            out.push(b"abc");
            Ok(State::More)
        }
    }

    struct SourceSession;

    impl SourceSlot for SourceSession {
        type Source = Once;

        fn package() -> Version {
            package_version("0", "0", "1")
        }

        fn slot() -> &'static Kept<Once> {
            &SOURCE
        }
    }

    #[test]
    fn a_source_lives_from_init_to_init() {
        type Exports = SourceComponent<SourceSession>;
        let general = || SourceConfig {
            log_level: Level::Error,
        };
        assert_eq!(
            Exports::read(2),
            Err(SourceError::Other(
                "`read` was called before `init`".to_string()
            ))
        );
        for _ in 0..2 {
            Exports::init(general(), vec![]).unwrap();
            let archive = Exports::read(2).unwrap();
            let chunk = chipmunk_payload::SourceChunk::check(&archive, 2).unwrap();
            assert_eq!((chunk.bytes(), chunk.state()), (&b"ab"[..], State::More));
            assert_eq!(
                Exports::read(2),
                Err(SourceError::Io("it is broken".to_string()))
            );
        }
        assert!(matches!(
            Exports::init(general(), word("x")),
            Err(InitError::Config(_))
        ));
    }
}
