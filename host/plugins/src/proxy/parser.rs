//! A parser plugin as a [`Parser`](chipmunk_pipeline::Parser).
//!
//! The pipeline's [`BatchParser`] knows how items, tails and counters follow from a batch; what is left to do here is the
//! guest call. The input is copied into the guest once, the archive out of it once, into a buffer that is used again as soon
//! as no message holds the last batch; it is then checked, and read where it lies.
//!
//! A guest that returns a bad archive has lied once and is not asked again: its session ends with an error that names it.

use std::time::{Duration, Instant};

use chipmunk_payload::{AlignedBytes, Batch};
use chipmunk_pipeline::{BatchParser, BatchReader, ParserError, ParserSplit};

use crate::error::FaultCause;
use crate::guest::ParserGuest;

/// A parser plugin as a [`Parser`](chipmunk_pipeline::Parser) of the pipeline.
pub type ParserProxy<G = Box<dyn ParserGuest>> = BatchParser<GuestReader<G>>;

/// The proxy of a guest that was initialised.
pub fn parser_proxy<G: ParserGuest>(guest: G) -> ParserProxy<G> {
    BatchParser::new(GuestReader::new(guest))
}

/// Reads batches by calling a guest.
#[derive(Debug)]
pub struct GuestReader<G> {
    guest: G,
    checking: Duration,
}

impl<G: ParserGuest> GuestReader<G> {
    /// Calls a guest that was initialised.
    pub fn new(guest: G) -> Self {
        Self {
            guest,
            checking: Duration::ZERO,
        }
    }
}

impl<G: ParserGuest> BatchReader for GuestReader<G> {
    fn read_batch(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        mut spare: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        let unrecoverable =
            |fault: crate::error::GuestFault| ParserError::Unrecoverable(fault.report());
        self.guest
            .parse(input, timestamp, at_end, &mut spare)
            .map_err(unrecoverable)?;
        let begun = Instant::now();
        let batch = Batch::check(spare, input.len());
        self.checking += begun.elapsed();
        batch.map_err(|error| {
            unrecoverable(self.guest.fail(FaultCause::Contract(error.to_string())))
        })
    }

    fn split(&self) -> Option<ParserSplit> {
        Some(ParserSplit {
            check: self.checking,
            ..self.guest.split()
        })
    }

    fn calls(&self) -> u64 {
        self.guest.calls()
    }
}

impl<G: ParserGuest + ?Sized> ParserGuest for Box<G> {
    fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        archive: &mut AlignedBytes,
    ) -> Result<(), crate::error::GuestFault> {
        (**self).parse(input, timestamp, at_end, archive)
    }

    fn calls(&self) -> u64 {
        (**self).calls()
    }

    fn fail(&mut self, cause: FaultCause) -> crate::error::GuestFault {
        (**self).fail(cause)
    }

    fn split(&self) -> ParserSplit {
        (**self).split()
    }
}

#[cfg(test)]
mod tests {
    use chipmunk_payload::{BatchWriter, Tail};
    use chipmunk_pipeline::{LogMessage, ParseOutput, ParseYield, Parser, ParserCounters};

    use super::*;
    use crate::error::GuestFault;

    /// Answers each call with the next archive of a script, and notes what it was called with.
    #[derive(Debug)]
    struct Scripted {
        archives: Vec<Vec<u8>>,
        calls: Vec<(Vec<u8>, Option<u64>, bool)>,
        ended: bool,
    }

    impl Scripted {
        fn proxy(archives: impl IntoIterator<Item = Vec<u8>>) -> ParserProxy<Self> {
            let mut archives: Vec<_> = archives.into_iter().collect();
            archives.reverse();
            parser_proxy(Self {
                archives,
                calls: Vec::new(),
                ended: false,
            })
        }
    }

    impl ParserGuest for Scripted {
        fn parse(
            &mut self,
            input: &[u8],
            timestamp: Option<u64>,
            at_end: bool,
            archive: &mut AlignedBytes,
        ) -> Result<(), GuestFault> {
            if self.ended {
                return Err(fault(FaultCause::Ended));
            }
            self.calls.push((input.to_vec(), timestamp, at_end));
            match self.archives.pop() {
                Some(bytes) => archive.fill_from(&bytes),
                None => return Err(self.fail(FaultCause::Trap("unreachable".to_owned()))),
            }
            Ok(())
        }

        fn fail(&mut self, cause: FaultCause) -> GuestFault {
            self.ended = true;
            fault(cause)
        }
    }

    fn fault(cause: FaultCause) -> GuestFault {
        GuestFault {
            plugin: "scripted".to_owned(),
            function: "parse",
            cause,
            frames: vec!["parse_it".to_owned()],
            log_lines: vec!["WARN strange".to_owned()],
        }
    }

    /// A batch of messages of these lengths, each with one cell.
    fn batch(lengths: &[u32], tail: Tail<'_>) -> Vec<u8> {
        let mut out = BatchWriter::new();
        for length in lengths {
            out.text().push_str("text of ");
            out.text().push_str(&length.to_string());
            out.end_cell();
            out.message(*length, 0..*length, false);
        }
        out.finish(tail)
    }

    type Collected = Result<Vec<(usize, String, Vec<u8>)>, ParserError>;

    fn collect<M: LogMessage>(
        items: Result<impl Iterator<Item = ParseOutput<M>>, ParserError>,
    ) -> Collected {
        let items = items?;
        Ok(items
            .map(|item| match item.message {
                Some(ParseYield::Message(message)) => {
                    let mut raw = Vec::new();
                    let _ = message.to_writer(&mut raw);
                    (item.consumed, message.to_string(), raw)
                }
                other => (item.consumed, format!("{:?}", other.is_some()), Vec::new()),
            })
            .collect())
    }

    fn message(text: &str, raw: &str) -> (usize, String, Vec<u8>) {
        (raw.len(), text.to_owned(), raw.as_bytes().to_vec())
    }

    #[test]
    fn a_batch_is_one_call_and_its_messages_have_text_and_bytes() {
        let mut proxy = Scripted::proxy([batch(&[2, 3], Tail::Complete)]);
        let items = collect(proxy.parse(b"abcde", Some(7)));
        assert_eq!(
            items,
            Ok(vec![
                message("text of 2", "ab"),
                message("text of 3", "cde")
            ])
        );
        assert_eq!(
            proxy.reader().guest.calls,
            [(b"abcde".to_vec(), Some(7), false)]
        );
        assert_eq!(
            proxy.report().counters,
            ParserCounters {
                c_fn: 2,
                c_plg: 1,
                p_res: 2,
                m_ok: 2,
                ..ParserCounters::default()
            }
        );
    }

    #[test]
    fn the_tail_answers_the_next_call_without_the_guest() {
        let mut proxy = Scripted::proxy([
            batch(&[2], Tail::Incomplete { needed: 4 }),
            batch(&[4], Tail::End),
        ]);
        assert_eq!(
            collect(proxy.parse(b"abc", None)),
            Ok(vec![message("text of 2", "ab")])
        );
        assert_eq!(
            collect(proxy.parse(b"c", None)),
            Err(ParserError::Incomplete)
        );
        assert_eq!(proxy.reader().guest.calls.len(), 1);
        assert_eq!(
            collect(proxy.parse(b"cdef", None)),
            Ok(vec![message("text of 4", "cdef")])
        );
        assert_eq!(collect(proxy.parse(b"gh", None)), Err(ParserError::Eof));
        assert_eq!(proxy.reader().guest.calls.len(), 2);
    }

    #[test]
    fn an_error_behind_items_comes_with_the_next_call() {
        let mut proxy = Scripted::proxy([batch(&[1], Tail::Error("the table is missing"))]);
        assert_eq!(
            collect(proxy.parse(b"ab", None)),
            Ok(vec![message("text of 1", "a")])
        );
        let error = ParserError::Unrecoverable("the table is missing".to_owned());
        assert_eq!(collect(proxy.parse(b"b", None)), Err(error));
        assert_eq!(proxy.reader().guest.calls.len(), 1);
    }

    #[test]
    fn a_full_batch_is_followed_by_a_call_with_the_rest() {
        let mut proxy = Scripted::proxy([batch(&[1], Tail::Full), batch(&[2], Tail::Complete)]);
        assert_eq!(
            collect(proxy.parse(b"abc", None)),
            Ok(vec![message("text of 1", "a")])
        );
        assert_eq!(
            collect(proxy.parse_end(b"bc", None)),
            Ok(vec![message("text of 2", "bc")])
        );
        let calls: Vec<_> = proxy
            .reader()
            .guest
            .calls
            .iter()
            .map(|(input, _, end)| (input.as_slice(), *end))
            .collect();
        assert_eq!(
            calls,
            [(b"abc".as_slice(), false), (b"bc".as_slice(), true)]
        );
    }

    #[test]
    fn a_bad_archive_ends_the_session_and_names_the_plugin() {
        let whole = batch(&[2], Tail::Complete);
        let mut broken = whole.clone();
        broken.iter_mut().rev().take(8).for_each(|byte| *byte = 0);
        for bad in [
            Vec::new(),
            broken,
            b"a list of records".to_vec(),
            whole.get(..whole.len() - 4).unwrap_or_default().to_vec(),
        ] {
            let mut proxy = Scripted::proxy([bad, whole.clone()]);
            let error = collect(proxy.parse(b"ab", None))
                .expect_err("the archive is bad")
                .to_string();
            let begin =
                "plugin `scripted`: `parse` returned something that the contract does not allow: ";
            assert!(error.starts_with(begin), "{error}");
            assert!(error.ends_with("innermost first:\n    parse_it\n  the plugin's last log lines:\n    WARN strange"), "{error}");
            let error = collect(proxy.parse(b"ab", None))
                .expect_err("the session has ended")
                .to_string();
            assert!(
                error.starts_with("plugin `scripted`: `parse` was not called"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_archive_that_consumes_more_than_there_is_ends_the_session() {
        let mut proxy = Scripted::proxy([batch(&[2, 3], Tail::Complete)]);
        let error = collect(proxy.parse(b"abcd", None))
            .expect_err("five of four bytes")
            .to_string();
        assert!(error.contains("more bytes than there were"), "{error}");
    }

    #[test]
    fn a_trap_is_unrecoverable() {
        let mut proxy = Scripted::proxy([]);
        let error = collect(proxy.parse(b"ab", None))
            .expect_err("it traps")
            .to_string();
        assert!(
            error.starts_with("plugin `scripted`: `parse` trapped: unreachable\n"),
            "{error}"
        );
    }
}
