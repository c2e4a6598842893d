//! Where the time of a run went.
//!
//! Measured with a clock that is read a few times a chunk, never for a message: it costs nothing that shows. So what cannot
//! be told apart by chunks is one part. A guest parses and writes its archive in one call, and text is written to where
//! it stays in the archive: [`ParserSplit::archive_write`] is only known of native parsers, and is only the laying out of what
//! is not text.
//!
//! Each side measures its own parts; [`TimedWriter`] measures the output. Where several threads or instances work, parts are
//! sums over all of them, and may be more than the run took.

use std::{
    io::{self, Write},
    ops::AddAssign,
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer};

/// Parts of a source's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSplit {
    /// Reading: the system's `read`; of a plugin, its `read` with all that is below it.
    pub read: Duration,
    /// Copying bytes out of the guest's memory, to behind the rest.
    pub copy_out: Duration,
    /// Checking the guest's archives.
    pub check: Duration,
}

/// Parts of a parser's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParserSplit {
    /// Making room in the guest's memory, and copying the input there.
    pub copy_in: Duration,
    /// Parsing; of a guest, with the writing of the archive.
    pub parse: Duration,
    /// Laying out the archive, where it is not part of `parse`.
    pub archive_write: Option<Duration>,
    /// Copying the archive out of the guest's memory.
    pub copy_out: Duration,
    /// Checking the archive.
    pub check: Duration,
}

impl ParserSplit {
    /// All parts together.
    pub fn total(&self) -> Duration {
        let Self {
            copy_in,
            parse,
            archive_write,
            copy_out,
            check,
        } = *self;
        copy_in + parse + archive_write.unwrap_or_default() + copy_out + check
    }
}

impl AddAssign for SourceSplit {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.copy_out += other.copy_out;
        self.check += other.check;
    }
}

impl AddAssign for ParserSplit {
    fn add_assign(&mut self, other: Self) {
        self.copy_in += other.copy_in;
        self.parse += other.parse;
        self.copy_out += other.copy_out;
        self.check += other.check;
        self.archive_write = match (self.archive_write, other.archive_write) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or_default() + other.unwrap_or_default()),
        };
    }
}

/// Parts of a producer's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProducerSplit {
    /// The source's parts.
    pub source: SourceSplit,
    /// The parser's parts.
    pub parser: ParserSplit,
    /// Handing out items: what sinks do with them, writing included. `None` where the parser cannot tell it from parsing; then it
    /// is part of [`ParserSplit::parse`].
    pub sink: Option<Duration>,
}

impl ProducerSplit {
    /// Of what the sides measured, and how long the calls of the parser took with all items handed out.
    pub fn new(source: SourceSplit, parser: Option<ParserSplit>, parsing: Duration) -> Self {
        match parser {
            Some(parser) => Self {
                source,
                parser,
                sink: Some(parsing.saturating_sub(parser.total())),
            },
            None => Self {
                source,
                parser: ParserSplit {
                    parse: parsing,
                    ..ParserSplit::default()
                },
                sink: None,
            },
        }
    }
}

impl AddAssign for ProducerSplit {
    fn add_assign(&mut self, other: Self) {
        self.source += other.source;
        self.parser += other.parser;
        self.sink = match (self.sink, other.sink) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or_default() + other.unwrap_or_default()),
        };
    }
}

/// Where the time of a run went, in milliseconds, as `--stats` shows it. Parts that cannot be told from another are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Split {
    /// Reading the input: by the system, or by a plugin and all that is below it.
    #[serde(serialize_with = "to_the_microsecond")]
    pub read: f64,
    /// Copying input into the parser's guest.
    #[serde(serialize_with = "to_the_microsecond")]
    pub copy_in: f64,
    /// Parsing; in a guest, writing the archive, too.
    #[serde(serialize_with = "to_the_microsecond")]
    pub parse: f64,
    /// Laying out the archive; `None` in a guest, where it is part of `parse`.
    #[serde(serialize_with = "maybe_to_the_microsecond")]
    pub archive_write: Option<f64>,
    /// Copying out of guests: chunks and archives.
    #[serde(serialize_with = "to_the_microsecond")]
    pub copy_out: f64,
    /// Checking archives.
    #[serde(serialize_with = "to_the_microsecond")]
    pub check: f64,
    /// Handing out messages and making output of them; `None` where that is part of `parse`.
    #[serde(serialize_with = "maybe_to_the_microsecond")]
    pub output: Option<f64>,
    /// Writing the output, by the system.
    #[serde(serialize_with = "to_the_microsecond")]
    pub write: f64,
    /// What is left of the run.
    #[serde(serialize_with = "to_the_microsecond")]
    pub other: f64,
}

impl Split {
    /// Of a run of one producer that took `run`, of which `written` was spent writing.
    pub fn new(producer: &ProducerSplit, written: Duration, run: Duration) -> Self {
        let ProducerSplit {
            source,
            parser,
            sink,
        } = *producer;
        let mut parse = parser.parse;
        let output = match sink {
            Some(sink) => Some(sink.saturating_sub(written)),
            None => {
                parse = parse.saturating_sub(written);
                None
            }
        };
        let archive = parser.archive_write;
        let copy_out = source.copy_out + parser.copy_out;
        let check = source.check + parser.check;
        let parts = source.read
            + parser.copy_in
            + parse
            + archive.unwrap_or_default()
            + copy_out
            + check
            + output.unwrap_or_default()
            + written;
        Self {
            read: milliseconds(source.read),
            copy_in: milliseconds(parser.copy_in),
            parse: milliseconds(parse),
            archive_write: archive.map(milliseconds),
            copy_out: milliseconds(copy_out),
            check: milliseconds(check),
            output: output.map(milliseconds),
            write: milliseconds(written),
            other: milliseconds(run.saturating_sub(parts)),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn to_the_microsecond<S: Serializer>(milliseconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((milliseconds * 1e3).round() / 1e3)
}

fn maybe_to_the_microsecond<S: Serializer>(
    milliseconds: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match milliseconds {
        Some(milliseconds) => to_the_microsecond(milliseconds, serializer),
        None => serializer.serialize_none(),
    }
}

/// Measures how long writing takes. For writers that are called with large pieces.
#[derive(Debug)]
pub struct TimedWriter<W> {
    writer: W,
    written: Duration,
}

impl<W: Write> TimedWriter<W> {
    /// Writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            written: Duration::ZERO,
        }
    }

    /// The writer, and how long it took so far.
    pub fn into_parts(self) -> (W, Duration) {
        (self.writer, self.written)
    }

    fn timed<T>(&mut self, act: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        let begun = Instant::now();
        let done = act(&mut self.writer);
        self.written += begun.elapsed();
        done
    }
}

impl<W: Write> Write for TimedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.timed(|writer| writer.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.timed(|writer| writer.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.timed(Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    const SOURCE: SourceSplit = SourceSplit {
        read: ms(100),
        copy_out: ms(10),
        check: ms(1),
    };

    const GUEST: ParserSplit = ParserSplit {
        copy_in: ms(20),
        parse: ms(300),
        archive_write: None,
        copy_out: ms(30),
        check: ms(4),
    };

    #[test]
    fn parts_of_a_run_with_plugins_add_up_to_it() {
        let producer = ProducerSplit::new(SOURCE, Some(GUEST), ms(454));
        assert_eq!(producer.sink, Some(ms(100)));
        let split = Split::new(&producer, ms(70), ms(600));
        assert_eq!(
            serde_json::to_string(&split).unwrap(),
            r#"{"read":100.0,"copy_in":20.0,"parse":300.0,"archive_write":null,"copy_out":40.0,"check":5.0,"output":30.0,"write":70.0,"other":35.0}"#
        );
    }

    #[test]
    fn a_parser_that_tells_nothing_has_all_in_one_part() {
        let producer = ProducerSplit::new(SOURCE, None, ms(454));
        let split = Split::new(&producer, ms(54), ms(600));
        let expected = Split {
            read: 100.0,
            parse: 400.0,
            copy_out: 10.0,
            check: 1.0,
            write: 54.0,
            other: 35.0,
            ..Split::default()
        };
        assert_eq!(split, expected);
    }

    #[test]
    fn sums_over_instances() {
        let mut sum = ProducerSplit::default();
        let native = ParserSplit {
            archive_write: Some(ms(5)),
            ..GUEST
        };
        sum += ProducerSplit::new(SOURCE, Some(GUEST), ms(454));
        sum += ProducerSplit::new(SOURCE, Some(native), ms(459));
        assert_eq!(sum.parser.parse, ms(600));
        assert_eq!(sum.parser.archive_write, Some(ms(5)));
        assert_eq!(sum.source.read, ms(200));
        assert_eq!(sum.sink, Some(ms(200)));
    }

    #[test]
    fn writing_is_timed() {
        struct Slow;
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                std::thread::sleep(ms(5));
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = TimedWriter::new(Slow);
        writer.write_all(b"one").unwrap();
        writer.write_all(b"two").unwrap();
        assert!(writer.into_parts().1 >= ms(10));
    }
}
