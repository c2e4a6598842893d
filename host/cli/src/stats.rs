//! Shows the figures of a run: a table in the prototype's terms, or one line of JSON.

use std::{fmt::Write, io};

use chipmunk_pipeline::{CacheUse, Split, Statistics};

use crate::{args::StatsForm, output};

/// Writes the figures to the standard error.
pub fn show(statistics: &Statistics, form: StatsForm) {
    let text = match form {
        StatsForm::Json => match serde_json::to_string(statistics) {
            Ok(line) => line + "\n",
            Err(error) => {
                return output::tell(&format_args!("cannot show the statistics: {error}"));
            }
        },
        StatsForm::Table => table(statistics),
    };
    // If nobody listens there, so be it.
    let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
}

fn table(statistics: &Statistics) -> String {
    let Statistics {
        messages,
        loaded_bytes,
        skipped_bytes,
        seconds,
        start_ms,
        cache,
        compiler,
        peak_rss_bytes,
        source,
        parser,
        split,
    } = statistics;
    const MEGA: f64 = 1e6;
    let rate = if *seconds > 0.0 {
        format!(" ({:.0} MB/s)", *loaded_bytes as f64 / MEGA / seconds)
    } else {
        String::new()
    };
    let cache = match cache {
        Some(CacheUse::Hit) => " (plugins from the cache)",
        Some(CacheUse::Miss) => " (plugins compiled)",
        None => "",
    };
    let damaged = match parser.m_damaged {
        0 => String::new(),
        damaged => format!(" ({damaged} of them damaged)"),
    };
    let mut table = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{name:<12} {value}");
    };
    row("messages", format!("{messages}{damaged}"));
    row("loaded", format!("{loaded_bytes} bytes"));
    row("skipped", format!("{skipped_bytes} bytes"));
    row("time", format!("{seconds:.3} s{rate}"));
    let compiler = compiler.map_or(String::new(), |compiler| format!(", {compiler}"));
    row("start", format!("{start_ms:.1} ms{cache}{compiler}"));
    row(
        "peak memory",
        format!("{:.1} MB", *peak_rss_bytes as f64 / MEGA),
    );
    row(
        "source",
        format!(
            "c-cns {}  c-rld {}  r-ok {}  r-eof {}  r-err {}",
            source.c_cns, source.c_rld, source.r_ok, source.r_eof, source.r_err
        ),
    );
    row(
        "parser",
        format!(
            "c-fn {}  c-plg {}  p-res {}  m-ok {}  m-flt {}  p-inc {}  p-eof {}  p-err {}",
            parser.c_fn,
            parser.c_plg,
            parser.p_res,
            parser.m_ok,
            parser.m_flt,
            parser.p_inc,
            parser.p_eof,
            parser.p_err
        ),
    );
    row("split, ms", split_row(split));
    table
}

/// Where the time went, in the order of a chunk's way.
fn split_row(split: &Split) -> String {
    let Split {
        read,
        copy_in,
        parse,
        archive_write,
        copy_out,
        check,
        output,
        write,
        other,
    } = *split;
    let parts = [
        ("read", Some(read)),
        ("copy in", Some(copy_in)),
        ("parse", Some(parse)),
        ("archive", archive_write),
        ("copy out", Some(copy_out)),
        ("check", Some(check)),
        ("output", output),
        ("write", Some(write)),
        ("other", Some(other)),
    ];
    let shown = parts
        .into_iter()
        .filter_map(|(name, part)| part.map(|part| format!("{name} {part:.1}")));
    shown.collect::<Vec<_>>().join("  ")
}

/// The most memory that this process had in use so far, in bytes; 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| peak_of(&status))
        .unwrap_or(0)
}

/// The line is `VmHWM:     1234 kB`.
fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipmunk_pipeline::{ParserCounters, SourceCounters};

    #[test]
    fn the_table_speaks_the_prototypes_terms() {
        let statistics = Statistics {
            messages: 30_525,
            loaded_bytes: 4_600_000,
            skipped_bytes: 300,
            seconds: 0.046,
            start_ms: 12.34,
            cache: Some(CacheUse::Hit),
            compiler: Some("cranelift"),
            peak_rss_bytes: 20_000_000,
            source: SourceCounters {
                c_cns: 30_533,
                c_rld: 18,
                r_ok: 17,
                r_eof: 1,
                r_err: 0,
            },
            parser: ParserCounters {
                c_fn: 30_533,
                c_plg: 17,
                p_res: 30_533,
                m_ok: 30_525,
                m_damaged: 2,
                m_flt: 0,
                p_inc: 0,
                p_eof: 0,
                p_err: 8,
            },
            split: Split {
                read: 2.0,
                copy_in: 0.25,
                parse: 30.0,
                archive_write: None,
                copy_out: 1.5,
                check: 0.75,
                output: Some(8.0),
                write: 3.0,
                other: 0.5,
            },
        };
        assert_eq!(
            table(&statistics),
            "messages     30525 (2 of them damaged)\n\
             loaded       4600000 bytes\n\
             skipped      300 bytes\n\
             time         0.046 s (100 MB/s)\n\
             start        12.3 ms (plugins from the cache), cranelift\n\
             peak memory  20.0 MB\n\
             source       c-cns 30533  c-rld 18  r-ok 17  r-eof 1  r-err 0\n\
             parser       c-fn 30533  c-plg 17  p-res 30533  m-ok 30525  m-flt 0  p-inc 0  p-eof 0  p-err 8\n\
             split, ms    read 2.0  copy in 0.2  parse 30.0  copy out 1.5  check 0.8  output 8.0  write 3.0  other 0.5\n"
        );
    }

    #[test]
    fn peak_memory_is_found_where_linux_tells_it() {
        assert_eq!(
            peak_of("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n"),
            Some(1234 * 1024)
        );
        assert_eq!(peak_of("Name:\tx\n"), None);
    }
}
