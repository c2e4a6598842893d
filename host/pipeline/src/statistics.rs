//! The figures of one run, as `--stats` shows them.

use serde::Serialize;

use crate::{ParserCounters, ProducerReport, SourceCounters, Split};

/// The figures of one run. Serialises to the object of `--stats=json`, with exactly these keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Statistics {
    /// Messages found.
    pub messages: u64,
    /// Bytes that the source loaded.
    pub loaded_bytes: u64,
    /// Bytes in which there is no message.
    pub skipped_bytes: u64,
    /// From the first load to the last byte written, in seconds.
    pub seconds: f64,
    /// From the start of the program until the first load, in milliseconds.
    pub start_ms: f64,
    /// Whether compiled plugins came from the cache; none if no plugin took part.
    pub cache: Option<CacheUse>,
    /// What compiled them, `several` if not the same compiler; none if no plugin took part.
    pub compiler: Option<&'static str>,
    /// The most memory that the process had in use, in bytes; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// What the source counted.
    pub source: SourceCounters,
    /// What the parser counted.
    pub parser: ParserCounters,
    /// Where the time went.
    pub split: Split,
}

/// Whether compiled plugins came from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheUse {
    /// All of them did: nothing was compiled.
    Hit,
    /// At least one was compiled.
    Miss,
}

impl CacheUse {
    /// The two together: a hit only if both are.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Hit, Self::Hit) => Self::Hit,
            _ => Self::Miss,
        }
    }
}

impl Statistics {
    /// The figures of a producer's run; time, its split, cache and memory are the caller's to fill in.
    pub fn new(report: &ProducerReport) -> Self {
        Self {
            messages: report.parser.m_ok,
            loaded_bytes: report.loaded_bytes,
            skipped_bytes: report.skipped_bytes,
            seconds: 0.0,
            start_ms: 0.0,
            cache: None,
            compiler: None,
            peak_rss_bytes: 0,
            source: report.source,
            parser: report.parser,
            split: Split::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialises_to_the_keys_of_the_design() {
        let statistics = Statistics {
            cache: Some(CacheUse::Hit.and(CacheUse::Miss)),
            seconds: 0.5,
            ..Statistics::new(&ProducerReport::default())
        };
        let source = r#"{"c_cns":0,"c_rld":0,"r_ok":0,"r_eof":0,"r_err":0}"#;
        let parser = r#"{"c_fn":0,"c_plg":0,"p_res":0,"m_ok":0,"m_damaged":0,"m_flt":0,"p_inc":0,"p_eof":0,"p_err":0}"#;
        let split = r#"{"read":0.0,"copy_in":0.0,"parse":0.0,"archive_write":null,"copy_out":0.0,"check":0.0,"output":null,"write":0.0,"other":0.0}"#;
        assert_eq!(
            serde_json::to_string(&statistics).unwrap(),
            format!(
                r#"{{"messages":0,"loaded_bytes":0,"skipped_bytes":0,"seconds":0.5,"start_ms":0.0,"cache":"miss","compiler":null,"peak_rss_bytes":0,"source":{source},"parser":{parser},"split":{split}}}"#
            )
        );
    }
}
