//! A parser of API 0.1.0 as one that answers with archives.
//!
//! One batch may take several calls of the guest: it stops at what it cannot read, and the host passes over a byte and
//! asks again, so that a run of garbage is one skipped item as with 0.2.0. What is given in each call is decided by [`Window`];
//! which last message is not taken yet by [`HoldBack`].
//!
//! The guest itself is a function here, so that all of this is tested without one.

use chipmunk_payload::{AlignedBytes, BatchWriter, SkipReason, Tail};

use super::records::{Answer, Columns, HoldBack, Taker};
use super::window::Window;

/// Calls of the guest for one batch at most, so that a batch comes to an end in garbage as well.
const CALLS: u64 = 4096;

/// A message that is all the parser was given, and may go on behind it, is waited for up to this size in bytes.
const LONGEST_HELD_BACK: usize = 1 << 20;

/// One call of the guest.
#[derive(Debug)]
pub(in crate::contract) struct Call<'a> {
    /// What it is given.
    pub(in crate::contract) input: &'a [u8],
    /// Where its records go.
    pub(in crate::contract) taker: Taker<'a>,
}

/// What is kept between the calls of a 0.1.0 parser.
#[derive(Debug)]
pub(in crate::contract) struct RecordParser {
    out: BatchWriter,
    limit: u32,
    window: Window,
    /// It answered `incomplete` once, and so tells a message's end from that of what it is given.
    knows_ends: bool,
    /// Calls of the guest for the last batch.
    calls: u64,
    /// The guest's words for why the first byte of a run of garbage was skipped.
    complaint: Option<String>,
    in_garbage: bool,
    columns: Columns,
}

/// Why a batch ends.
enum End {
    Complete,
    Incomplete,
    Full,
    Eof,
    Unrecoverable(String),
}

impl RecordParser {
    /// For batches, and results of the guest, of at most `limit` bytes.
    pub(in crate::contract) fn new(limit: u32) -> Self {
        Self {
            out: BatchWriter::new(),
            limit,
            // A record is as large as a hundred bytes of text: what comes back may well be several times what was given.
            window: Window::new(limit as usize / 8),
            knows_ends: false,
            calls: 0,
            complaint: None,
            in_garbage: false,
            columns: Columns::Apart,
        }
    }

    /// Gives columns that the guest has joined as one cell, joined by this character.
    pub(in crate::contract) fn join_columns(&mut self, separator: u8) {
        self.columns = Columns::JoinedBy(separator);
    }

    /// Calls of the guest that the last batch took: none if there was nothing to give.
    pub(in crate::contract) fn calls(&self) -> u64 {
        self.calls
    }

    /// What the guest said of the bytes that were skipped, if a run of them began in the last batch.
    pub(in crate::contract) fn take_complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// Puts the batch at the start of `input` into `archive`.
    ///
    /// # Errors
    /// Those of `call`.
    pub(in crate::contract) fn parse<E>(
        &mut self,
        input: &[u8],
        at_end: bool,
        archive: &mut AlignedBytes,
        mut call: impl FnMut(Call<'_>) -> Result<Answer, E>,
    ) -> Result<(), E> {
        self.out.recycle(std::mem::take(archive).into_buffer());
        self.calls = 0;
        let mut skipped = 0;
        let end = self.fill(input, at_end, &mut skipped, &mut call)?;
        self.out.skipped(skipped, SkipReason::Garbage);
        let tail = match &end {
            End::Complete => Tail::Complete,
            End::Incomplete => Tail::Incomplete { needed: 0 },
            End::Full => Tail::Full,
            End::Eof => Tail::End,
            End::Unrecoverable(why) => Tail::Error(why),
        };
        *archive = AlignedBytes::from(self.out.finish(tail));
        Ok(())
    }

    fn fill<E>(
        &mut self,
        input: &[u8],
        at_end: bool,
        skipped: &mut u32,
        call: &mut impl FnMut(Call<'_>) -> Result<Answer, E>,
    ) -> Result<End, E> {
        let mut rest = input;
        // Parsers of this API are not made for being given nothing.
        while !rest.is_empty() {
            let is_full = self.out.archived_len() > self.limit as usize / 4 || self.calls >= CALLS;
            if is_full && rest.len() < input.len() {
                return Ok(End::Full);
            }
            let given = self.window.of(rest.len());
            let all = given == rest.len();
            let hold_back = if self.knows_ends || (all && at_end) {
                HoldBack::Never
            } else if given < LONGEST_HELD_BACK && (all || !self.window.is_full()) {
                HoldBack::Always
            } else {
                HoldBack::Behind
            };
            self.calls += 1;
            let answer = call(Call {
                input: rest.get(..given).unwrap_or_default(),
                taker: Taker::new(
                    &mut self.out,
                    self.columns,
                    given,
                    hold_back,
                    skipped,
                    self.limit,
                ),
            })?;
            let mut consumed = 0;
            match answer {
                Answer::Items {
                    consumed: items,
                    held_back,
                } => {
                    consumed = items;
                    if consumed > 0 {
                        self.in_garbage = false;
                        self.window.consumed(consumed, given);
                    }
                    if held_back || consumed == 0 {
                        if all {
                            return Ok(End::Incomplete);
                        }
                        self.window.wanted_more();
                    }
                }
                Answer::Incomplete => {
                    self.knows_ends = true;
                    if all {
                        return Ok(End::Incomplete);
                    }
                    self.window.wanted_more();
                }
                Answer::Parse(why) => {
                    consumed = 1;
                    *skipped += 1;
                    self.window.refused();
                    if !std::mem::replace(&mut self.in_garbage, true) {
                        self.complaint = Some(why);
                    }
                }
                Answer::Eof => return Ok(End::Eof),
                Answer::Unrecoverable(why) => return Ok(End::Unrecoverable(why)),
            }
            rest = rest.get(consumed..).unwrap_or_default();
        }
        Ok(End::Complete)
    }
}

#[cfg(test)]
mod tests {
    use chipmunk_payload::{Batch, ItemKind, TailView};

    use super::*;
    use crate::error::FaultCause;

    /// What a guest finds at the start of some bytes: how long it is, and its text if it is no filtered message.
    type Found = Result<(usize, Option<String>), Answer>;

    /// A guest that finds one message after the other, as all of them do.
    struct Guest<F> {
        find: F,
        /// It returns one a call.
        one_by_one: bool,
        /// Bytes that it was given in all.
        given: usize,
    }

    impl<F: FnMut(&[u8]) -> Found> Guest<F> {
        fn call(&mut self, call: Call<'_>) -> Result<Answer, FaultCause> {
            let Call { input, mut taker } = call;
            assert!(!input.is_empty(), "no guest is called with nothing");
            self.given += input.len();
            let (mut items, mut at) = (Vec::new(), 0);
            while at < input.len() && !(self.one_by_one && items.len() == 1) {
                match (self.find)(&input[at..]) {
                    Ok((length, text)) => {
                        items.push((length, text));
                        at += length;
                    }
                    Err(answer) if items.is_empty() => return Ok(answer),
                    Err(_) => break,
                }
            }
            let count = items.len();
            for (index, (length, text)) in items.into_iter().enumerate() {
                let Some(length) = taker.admit(length as u64, index + 1 == count)? else {
                    return Ok(taker.held_back());
                };
                taker.record(length, text.as_deref());
            }
            taker.all_taken(count)
        }
    }

    impl Taker<'_> {
        fn record(&mut self, length: u32, text: Option<&str>) {
            let out = self.batch();
            match text {
                Some(text) => {
                    out.text().push_str(text);
                    out.end_cell();
                    out.message(length, 0..length, false);
                }
                None => out.filtered(length),
            }
        }
    }

    /// How a trace is read: as a producer does it, in chunks.
    #[derive(Debug, Default, PartialEq)]
    struct Run {
        items: Vec<(usize, String)>,
        calls: u64,
        /// What is left at the end.
        rest: usize,
        complaints: Vec<String>,
        given: usize,
    }

    fn run(find: impl FnMut(&[u8]) -> Found, trace: &[u8], chunk: usize, one_by_one: bool) -> Run {
        let mut guest = Guest {
            find,
            one_by_one,
            given: 0,
        };
        let mut parser = RecordParser::new(64 << 20);
        let mut archive = AlignedBytes::new();
        let (mut run, mut start, mut end) = (Run::default(), 0, chunk.min(trace.len()));
        loop {
            let (input, at_end) = (&trace[start..end], end == trace.len());
            parser
                .parse(input, at_end, &mut archive, |call| guest.call(call))
                .unwrap();
            run.calls += parser.calls();
            run.complaints.extend(parser.take_complaint());
            let batch = Batch::check(std::mem::take(&mut archive), input.len()).unwrap();
            for (index, item) in batch.iter().enumerate() {
                let text = match item.kind {
                    ItemKind::Message => batch.cells(index).collect(),
                    kind => format!("{kind:?}"),
                };
                match run.items.last_mut() {
                    // Adjacent pieces are one run.
                    Some((length, last)) if text == "Skipped" && *last == text => {
                        *length += item.consumed;
                    }
                    _ => run.items.push((item.consumed, text)),
                }
            }
            start += batch.consumed();
            let more = match batch.tail() {
                TailView::Full => false,
                TailView::Complete | TailView::Incomplete { .. } => true,
                TailView::End | TailView::Error(_) => break,
            };
            if more && at_end {
                break;
            }
            if more {
                end = trace.len().min(end + chunk);
            }
        }
        run.rest = trace.len() - start;
        run.given = guest.given;
        run
    }

    /// Messages that begin with their length; 0 is none, 255 is filtered.
    fn framed(input: &[u8]) -> Found {
        match input {
            [0, ..] => Err(Answer::Parse("no message begins with 0".to_owned())),
            [255, ..] => Ok((1, None)),
            [length, ..] if input.len() < usize::from(*length) => Err(Answer::Incomplete),
            [length, ..] => Ok((usize::from(*length), Some(format!("of {length}")))),
            [] => unreachable!("it is not called with nothing"),
        }
    }

    /// Lines, of which the last needs no ending: it takes the end of what there is for that of the line.
    fn lines(input: &[u8]) -> Found {
        let end = input.iter().position(|byte| *byte == b'\n');
        let line = &input[..end.unwrap_or(input.len())];
        let text =
            String::from_utf8(line.to_vec()).map_err(|error| Answer::Parse(error.to_string()))?;
        Ok((end.map_or(input.len(), |end| end + 1), Some(text)))
    }

    fn frame(length: u8) -> Vec<u8> {
        vec![length; usize::from(length)]
    }

    #[test]
    fn messages_and_runs_of_garbage_are_the_same_wherever_chunks_end() {
        let trace = [
            frame(7),
            vec![255],
            vec![0; 5],
            frame(200),
            vec![0],
            frame(3),
            vec![9; 4],
        ]
        .concat();
        let message = |length: usize| (length, format!("of {length}"));
        let other = |length: usize, what: &str| (length, what.to_owned());
        let expected = [
            message(7),
            other(1, "Filtered"),
            other(5, "Skipped"),
            message(200),
            other(1, "Skipped"),
            message(3),
        ];
        for one_by_one in [false, true] {
            for chunk in 1..=trace.len() {
                let run = run(framed, &trace, chunk, one_by_one);
                assert_eq!((&run.items[..], run.rest), (&expected[..], 4), "{chunk}");
                // One for each batch in which a run begins, and in small chunks that is each run.
                let batches = run.complaints.len();
                assert!(batches == 2 || (batches == 1 && chunk > 200), "{chunk}");
                assert!(
                    run.complaints
                        .iter()
                        .all(|why| why == "no message begins with 0"),
                    "{chunk}: {:?}",
                    run.complaints
                );
            }
        }
    }

    #[test]
    fn a_guest_that_knows_no_incomplete_lines_has_none_cut() {
        let trace = b"one\n\nthree\nthe last";
        let expected = [(4, "one"), (1, ""), (6, "three"), (8, "the last")]
            .map(|(length, line)| (length, line.to_owned()));
        for one_by_one in [false, true] {
            for chunk in 1..=trace.len() {
                let run = run(lines, trace, chunk, one_by_one);
                assert_eq!((&run.items[..], run.rest), (&expected[..], 0), "{chunk}");
            }
        }
    }

    #[test]
    fn lines_behind_garbage_are_not_cut_by_the_window() {
        let long = "x".repeat(10_000);
        let trace = format!("{long}\n\u{0}").into_bytes();
        let trace = [b"\xff\xff", &trace[..], b"\xff\n", long.as_bytes(), b"\n"].concat();
        let found = run(lines, &trace, 1 << 20, false);
        let line = |line: &str, length: usize| (length, line.to_owned());
        assert_eq!(
            found.items,
            [
                line("Skipped", 2),
                line(&long, 10_001),
                line("Skipped", 2),
                line("", 1),
                line(&long, 10_001),
            ]
        );
    }

    #[test]
    fn a_message_of_any_size_that_is_all_there_is_does_not_fill_the_memory() {
        // One that takes everything it is given for a message.
        let blob = |input: &[u8]| Ok((input.len(), Some(input.len().to_string())));
        let run = run(blob, &vec![1; 10 << 20], 256 << 10, false);
        assert_eq!(run.items.len(), 10);
        assert!(run.items.iter().all(|(length, _)| *length == 1 << 20));
    }

    #[test]
    fn garbage_and_single_messages_cost_what_they_are_long() {
        // 256 KiB of garbage are as many calls, and would be 32 GiB with all of the rest in each.
        let garbage = run(framed, &vec![0; 256 << 10], 256 << 10, false);
        assert_eq!(garbage.items, [(256 << 10, "Skipped".to_owned())]);
        assert_eq!(garbage.calls, 256 << 10);
        assert!(garbage.given <= (256 << 10) * 4096, "{}", garbage.given);

        let trace = frame(100).repeat(2622);
        let single = run(framed, &trace, 256 << 10, true);
        assert_eq!(single.items.len(), 2622);
        assert!(single.given < 50 * trace.len(), "{}", single.given);
        // Every second message damaged.
        let trace = [frame(100), vec![0; 1]].concat().repeat(2622);
        let damaged = run(framed, &trace, 256 << 10, false);
        assert_eq!(damaged.items.len(), 2 * 2622);
        assert!(damaged.given < 100 * trace.len(), "{}", damaged.given);
    }

    #[test]
    fn tails_say_what_the_guest_said() {
        let tail = |answer: Answer| {
            let mut parser = RecordParser::new(1 << 20);
            let mut archive = AlignedBytes::new();
            parser
                .parse(b"ab", false, &mut archive, |_| Ok::<_, ()>(answer.clone()))
                .unwrap();
            let batch = Batch::check(archive, 2).unwrap();
            (batch.len(), format!("{:?}", batch.tail()), parser.calls())
        };
        let empty = |tail: &str| (0, tail.to_owned(), 1);
        assert_eq!(tail(Answer::Incomplete), empty("Incomplete { needed: 0 }"));
        assert_eq!(tail(Answer::Eof), empty("End"));
        assert_eq!(
            tail(Answer::Unrecoverable("so".to_owned())),
            empty("Error(\"so\")")
        );
        let nothing = Answer::Items {
            consumed: 0,
            held_back: false,
        };
        assert_eq!(tail(nothing), empty("Incomplete { needed: 0 }"));
        assert_eq!(
            tail(Answer::Parse(String::new())),
            (1, "Complete".to_owned(), 2)
        );
    }

    #[test]
    fn nothing_is_asked_about_nothing() {
        let mut parser = RecordParser::new(1 << 20);
        let mut archive = AlignedBytes::new();
        let called =
            |_: Call<'_>| -> Result<Answer, ()> { unreachable!("there is nothing to give") };
        parser.parse(b"", true, &mut archive, called).unwrap();
        assert_eq!(parser.calls(), 0);
        assert_eq!(Batch::check(archive, 0).unwrap().tail(), TailView::Complete);
    }

    #[test]
    fn a_batch_ends_before_it_is_too_large() {
        let mut parser = RecordParser::new(64 << 10);
        let mut archive = AlignedBytes::new();
        let mut guest = Guest {
            find: framed,
            one_by_one: false,
            given: 0,
        };
        let trace = frame(100).repeat(3000);
        parser
            .parse(&trace, false, &mut archive, |call| guest.call(call))
            .unwrap();
        let length = archive.len();
        let batch = Batch::check(archive, trace.len()).unwrap();
        assert_eq!(batch.tail(), TailView::Full);
        assert!((10_000..64 << 10).contains(&length), "{length}");
    }
}
