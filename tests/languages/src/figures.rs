//! What a language costs: `just bench-languages`.
//!
//! The same text parser in each language that is built, beside the native one, on the same text: every measurement is a run of the
//! command as a user would start it, one thread, text to a file, statistics from its `--stats=json`. The runs of a
//! round follow one another and what is shown are medians, so that a machine that slows down for a while slows down all alike. Before
//! anything is timed, the outputs are compared. An interpreted language is run once: it takes as long as all the others together.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::Serialize;

const LANGUAGES: [&str; 6] = ["rust", "c", "cpp", "zig", "js", "python"];

/// A run that takes longer is not repeated.
const LONG: f64 = 4.0;

/// Measures the text parser in every language that is built, and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds to take the medians of
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// Megabytes of text
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    megabytes: u32,

    /// Only these languages
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// Write the figures as JSON to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The figures of a language.
#[derive(Debug, Serialize)]
struct Row {
    language: String,
    /// Bytes of the component; none of native code.
    component_bytes: Option<u64>,
    /// From a command with an empty cache to the first byte read.
    cold_start_ms: Option<f64>,
    /// The same with the plugin in the cache; the median.
    warm_start_ms: f64,
    /// The median.
    seconds: f64,
    mb_per_s: f64,
    /// To native code.
    ratio: f64,
    runs: usize,
}

/// What one run said of itself.
struct Sample {
    seconds: f64,
    start_ms: f64,
}

struct Bench {
    folder: tempfile::TempDir,
    program: PathBuf,
    text: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let program = std::env::current_exe()?.with_file_name("chipmunk-plugins");
    ensure!(
        program.is_file(),
        "there is no {}; run: just build",
        program.display()
    );
    let target = program
        .ancestors()
        .nth(2)
        .context("the program is in no target folder")?
        .to_owned();
    let folder = tempfile::tempdir()?;
    let text = folder.path().join("text");
    let bytes = self::text(arguments.megabytes as usize * 1_000_000);
    std::fs::write(&text, &bytes)?;
    let bench = Bench {
        folder,
        program,
        text,
    };

    let mut parsers: Vec<(&str, String)> = vec![("native", "native:text".to_owned())];
    let mut cold = BTreeMap::new();
    let (_, expected) = bench.run("native:text", "warm")?;
    for language in LANGUAGES {
        let wanted = arguments.only.is_empty() || arguments.only.iter().any(|one| one == language);
        let folder = match language {
            "rust" => target.join("plugins"),
            other => target.join("plugins-languages").join(other),
        };
        let file = folder.join("text-parser.wasm");
        if !wanted || !file.is_file() {
            if wanted {
                eprintln!("skipped: {language}: it is not built; run: just plugin {language}");
            }
            continue;
        }
        let parser = file.display().to_string();
        eprintln!("{language}: cold start");
        let (sample, output) = bench.run(&parser, "warm")?;
        if output != expected {
            bail!("the text parser in {language} writes another output than native code");
        }
        cold.insert(language, sample);
        parsers.push((language, parser));
    }

    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for round in 0..arguments.runs {
        eprintln!("round {} of {}", round + 1, arguments.runs);
        for (language, parser) in &parsers {
            let before = samples.entry(language).or_default();
            if before.first().is_none_or(|sample| sample.seconds < LONG) {
                before.push(bench.run(parser, "warm")?.0);
            }
        }
    }
    let median = |language: &str, of: fn(&Sample) -> f64| -> f64 {
        let mut values: Vec<f64> = samples
            .get(language)
            .map(|samples| samples.iter().map(of).collect())
            .unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let native = median("native", |sample| sample.seconds);
    let rows: Vec<Row> = parsers
        .iter()
        .map(|(language, parser)| {
            let seconds = median(language, |sample| sample.seconds);
            Row {
                language: (*language).to_owned(),
                component_bytes: std::fs::metadata(parser).map(|file| file.len()).ok(),
                cold_start_ms: cold.get(language).map(|sample| sample.start_ms),
                warm_start_ms: median(language, |sample| sample.start_ms),
                seconds,
                mb_per_s: bytes.len() as f64 / 1e6 / seconds,
                ratio: seconds / native,
                runs: samples.get(language).map_or(0, Vec::len),
            }
        })
        .collect();
    print!("{}", markdown(&rows));
    if let Some(path) = arguments.json {
        let json = serde_json::to_string_pretty(&rows)?;
        std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

impl Bench {
    /// A run with a cache of this name, and the hash of what it wrote.
    fn run(&self, parser: &str, cache: &str) -> Result<(Sample, u64)> {
        let output = self.folder.path().join("output");
        let run = Command::new(&self.program)
            .args(["export", "--source", "native", "--format", "text"])
            .args(["--jobs", "1", "--stats=json", "--parser", parser, "-o"])
            .arg(&output)
            .arg(&self.text)
            .env("CHIPMUNK_PLUGINS_CACHE", self.folder.path().join(cache))
            .stdin(Stdio::null())
            .output()
            .context("cannot start the command")?;
        let told = String::from_utf8_lossy(&run.stderr);
        ensure!(run.status.success(), "{parser}: {told}");
        let stats: serde_json::Value = told
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .with_context(|| format!("{parser}: no statistics in: {told}"))?;
        let number = |key: &str| {
            stats
                .get(key)
                .and_then(serde_json::Value::as_f64)
                .with_context(|| format!("{parser}: no `{key}` in the statistics"))
        };
        let sample = Sample {
            seconds: number("seconds")?,
            start_ms: number("start_ms")?,
        };
        Ok((sample, hash(&output)?))
    }
}

/// FNV-1a, 64 bits, over words: to tell outputs apart, not to resist anybody.
fn hash(path: &Path) -> Result<u64> {
    let bytes = std::fs::read(path)?;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let word = chunk
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Ok(hash)
}

/// Lines as a log has them, 80 bytes long on average; always the same.
fn text(bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 10] = [
        "connection",
        "from",
        "10.0.0.17",
        "closed",
        "after",
        "warning:",
        "speed=88",
        "größer",
        "engine/control",
        "retrying",
    ];
    let mut text = String::with_capacity(bytes + 256);
    let mut state = 1u64;
    let mut line = 0u64;
    while text.len() < bytes {
        let _ = write!(
            text,
            "2026-01-01 12:{:02}:{:02}.{:03} ",
            line / 60 % 60,
            line % 60,
            line % 1000
        );
        for _ in 0..3 + state % 9 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(
                WORDS
                    .get((state >> 33) as usize % WORDS.len())
                    .unwrap_or(&""),
            );
            text.push(' ');
        }
        text.push_str(if line.is_multiple_of(50) {
            "\r\n"
        } else {
            "\n"
        });
        line += 1;
    }
    text.truncate(text.floor_char_boundary(bytes));
    text.into_bytes()
}

fn markdown(rows: &[Row]) -> String {
    let mut table = String::from(
        "| text parser in | component | cold start ms | warm start ms | MB/s | ratio to native |\n|---|---:|---:|---:|---:|---:|\n",
    );
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    for row in rows {
        let size = or_dash(row.component_bytes.map(|bytes| {
            if bytes < 1_000_000 {
                format!("{} kB", bytes / 1000)
            } else {
                format!("{:.1} MB", bytes as f64 / 1e6)
            }
        }));
        let cold = or_dash(row.cold_start_ms.map(|ms| format!("{ms:.0}")));
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {} | {size} | {cold} | {:.1} | {:.0} | {:.2} |",
            row.language, row.warm_start_ms, row.mb_per_s, row.ratio
        );
    }
    table
}
