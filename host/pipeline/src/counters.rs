//! What was called how often, in the prototype's terms.
//!
//! Native sides count under the same keys as plugins, so that two runs can be compared line by line. [`ParserTally`] is
//! the one place that knows what counts as what.

use serde::Serialize;

use crate::ParserError;

/// Calls of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounters {
    /// Calls of `consume`.
    pub c_cns: u64,
    /// Calls of the reader below: the guest's `read`, or the file's.
    pub c_rld: u64,
    /// Those that gave bytes.
    pub r_ok: u64,
    /// Those that met the end.
    pub r_eof: u64,
    /// Those that failed.
    pub r_err: u64,
}

/// Calls and items of a parser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ParserCounters {
    /// Calls of `parse`, one for each item and error handed out.
    pub c_fn: u64,
    /// Calls of the parser below: the guest's `parse`, or the reader that makes a batch.
    pub c_plg: u64,
    /// Items and errors handed out.
    pub p_res: u64,
    /// Messages.
    pub m_ok: u64,
    /// Messages whose payload could not be read as announced. They are part of `m_ok`.
    pub m_damaged: u64,
    /// Messages that were filtered out.
    pub m_flt: u64,
    /// Times the parser answered that the input ends within a message.
    pub p_inc: u64,
    /// Times it answered that there is nothing more to come.
    pub p_eof: u64,
    /// Errors; a run of skipped garbage is one, in however many pieces it was skipped.
    pub p_err: u64,
}

/// What a parser has to tell in the end, or in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParserReport {
    /// What was called how often.
    pub counters: ParserCounters,
    /// Bytes that the parser passed over because there is no message in them.
    pub skipped_bytes: u64,
    /// Where the first of them lies, counted in bytes that the parser's items consumed.
    pub first_skip: Option<u64>,
}

/// Counts while a parser hands out items.
#[derive(Debug, Clone, Default)]
pub struct ParserTally {
    report: ParserReport,
    offset: u64,
    in_garbage: bool,
}

impl ParserTally {
    /// The reader below was called.
    #[inline]
    pub fn called(&mut self) {
        self.report.counters.c_plg += 1;
    }

    /// A message was handed out that consumes so many bytes.
    #[inline]
    pub fn message(&mut self, consumed: usize, damaged: bool) {
        self.handed_out(consumed);
        self.in_garbage = false;
        self.report.counters.m_ok += 1;
        self.report.counters.m_damaged += u64::from(damaged);
    }

    /// An attachment was handed out that consumes so many bytes, without a message.
    pub fn attachment(&mut self, consumed: usize) {
        self.handed_out(consumed);
        self.in_garbage = false;
    }

    /// A message of so many bytes was filtered out.
    pub fn filtered(&mut self, consumed: usize) {
        self.handed_out(consumed);
        self.in_garbage = false;
        self.report.counters.m_flt += 1;
    }

    /// So many bytes of garbage were skipped. What follows directly on other garbage belongs to the same run.
    pub fn skipped(&mut self, consumed: usize) {
        if self.report.first_skip.is_none() && consumed > 0 {
            self.report.first_skip = Some(self.offset);
        }
        self.report.skipped_bytes += consumed as u64;
        self.handed_out(consumed);
        self.count_garbage();
    }

    /// An error was handed out. The byte that a producer drops on [`ParserError::Parse`] is garbage as any other, but is
    /// the producer's to count.
    pub fn error(&mut self, error: &ParserError) {
        self.handed_out(0);
        match error {
            ParserError::Incomplete => self.report.counters.p_inc += 1,
            ParserError::Eof => self.report.counters.p_eof += 1,
            ParserError::Parse(_) => self.count_garbage(),
            ParserError::Unrecoverable(_) => self.report.counters.p_err += 1,
        }
    }

    /// What was counted so far.
    pub fn report(&self) -> ParserReport {
        self.report
    }

    #[inline]
    fn handed_out(&mut self, consumed: usize) {
        self.report.counters.c_fn += 1;
        self.report.counters.p_res += 1;
        self.offset += consumed as u64;
    }

    fn count_garbage(&mut self) {
        if !self.in_garbage {
            self.in_garbage = true;
            self.report.counters.p_err += 1;
        }
    }
}
