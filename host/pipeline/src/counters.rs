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

impl ParserCounters {
    /// Each counter joined with its counterpart.
    fn each(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            c_fn: join(self.c_fn, other.c_fn),
            c_plg: join(self.c_plg, other.c_plg),
            p_res: join(self.p_res, other.p_res),
            m_ok: join(self.m_ok, other.m_ok),
            m_damaged: join(self.m_damaged, other.m_damaged),
            m_flt: join(self.m_flt, other.m_flt),
            p_inc: join(self.p_inc, other.p_inc),
            p_eof: join(self.p_eof, other.p_eof),
            p_err: join(self.p_err, other.p_err),
        }
    }
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
    behind_message: bool,
}

impl ParserTally {
    /// The reader below was called so many times.
    #[inline]
    pub fn called(&mut self, times: u64) {
        self.report.counters.c_plg += times;
    }

    /// A message was handed out that consumes so many bytes.
    #[inline]
    pub fn message(&mut self, consumed: usize, damaged: bool) {
        self.handed_out(consumed);
        self.in_garbage = false;
        self.behind_message = true;
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
            ParserError::Parse(_) => {
                self.behind_message = false;
                self.count_garbage();
            }
            ParserError::Unrecoverable(_) => self.report.counters.p_err += 1,
        }
    }

    /// What was counted so far.
    pub fn report(&self) -> ParserReport {
        self.report
    }

    /// Whether the last item was a message, and nothing was dropped behind it.
    pub(crate) fn is_behind_message(&self) -> bool {
        self.behind_message
    }

    /// Items and errors handed out so far.
    pub(crate) fn results(&self) -> u64 {
        self.report.counters.p_res
    }

    /// What was counted since `mark`, an earlier state of this tally, which is behind a message. `first_skip` is where the first
    /// bytes were skipped since, counted from there.
    pub(crate) fn since(&self, mark: &Self, first_skip: Option<u64>) -> Self {
        let (now, then) = (&self.report, &mark.report);
        Self {
            report: ParserReport {
                counters: now.counters.each(&then.counters, u64::saturating_sub),
                skipped_bytes: now.skipped_bytes.saturating_sub(then.skipped_bytes),
                first_skip,
            },
            offset: self.offset.saturating_sub(mark.offset),
            ..*self
        }
    }

    /// Counts what another parser has handed out, whose items follow on these. Behind a message: a run of garbage that both have
    /// a part of would count twice.
    pub(crate) fn append(&mut self, other: &Self) {
        let (these, others) = (&mut self.report, &other.report);
        these.counters = these.counters.each(&others.counters, u64::saturating_add);
        these.skipped_bytes = these.skipped_bytes.saturating_add(others.skipped_bytes);
        these.first_skip = these
            .first_skip
            .or(others.first_skip.map(|skip| self.offset + skip));
        self.offset += other.offset;
        self.in_garbage = other.in_garbage;
        self.behind_message = other.behind_message;
    }

    #[inline]
    fn handed_out(&mut self, consumed: usize) {
        if consumed > 0 {
            self.behind_message = false;
        }
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
