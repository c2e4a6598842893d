//! The figures of `--stats=json`, with exactly the keys of the design: one more or one less is an error.

use serde::Deserialize;

/// The figures of a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Messages found.
    pub messages: u64,
    /// Bytes that the source loaded.
    pub loaded_bytes: u64,
    /// Bytes in which there is no message.
    pub skipped_bytes: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long it took until the first byte was read, in milliseconds.
    pub start_ms: f64,
    /// `hit` or `miss`; none without plugins.
    pub cache: Option<String>,
    /// What compiled the plugins; none without plugins.
    pub compiler: Option<String>,
    /// Memory, in bytes.
    pub peak_rss_bytes: u64,
    /// The source's counters.
    pub source: SourceStats,
    /// The parser's counters.
    pub parser: ParserStats,
    /// Where the time went.
    pub split: serde_json::Value,
}

impl Stats {
    /// What must be the same whoever reads and parses: messages, loaded bytes, skipped bytes, damaged messages.
    pub fn findings(&self) -> (u64, u64, u64, u64) {
        (
            self.messages,
            self.loaded_bytes,
            self.skipped_bytes,
            self.parser.m_damaged,
        )
    }
}

/// The source's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the design has the list, section 6")]
pub struct SourceStats {
    pub c_cns: u64,
    pub c_rld: u64,
    pub r_ok: u64,
    pub r_eof: u64,
    pub r_err: u64,
}

/// The parser's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the design has the list, section 6")]
pub struct ParserStats {
    pub c_fn: u64,
    pub c_plg: u64,
    pub p_res: u64,
    pub m_ok: u64,
    pub m_damaged: u64,
    pub m_flt: u64,
    pub p_inc: u64,
    pub p_eof: u64,
    pub p_err: u64,
}
