//! `cache`: what is in the cache of compiled plugins, and emptying it. Files that are not the cache's own are left alone.

use std::{
    fmt::Write,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use chipmunk_plugins::{CacheChoice, CachedArtifact, cache::DEFAULT_MAX_BYTES};
use serde::Serialize;

use crate::{
    Outcome,
    args::{CacheClearArguments, CacheCommand, CacheListArguments},
    output,
};

/// Shows or empties the cache.
pub fn run(command: &CacheCommand) -> anyhow::Result<Outcome> {
    match command {
        CacheCommand::List(arguments) => list(arguments),
        CacheCommand::Clear(arguments) => clear(arguments),
    }
}

/// What `cache list --json` shows.
#[derive(Serialize)]
struct Listing {
    directory: PathBuf,
    total_bytes: u64,
    max_bytes: u64,
    artifacts: Vec<Artifact>,
}

/// One artifact. What is not known is null.
#[derive(Serialize)]
struct Artifact {
    file: String,
    bytes: u64,
    /// Seconds since 1970.
    used_at: u64,
    plugin: Option<String>,
    version: Option<String>,
    blake3: Option<String>,
    wasm_bytes: Option<u64>,
    compiler: Option<String>,
    compile_ms: Option<u64>,
    /// Seconds since 1970.
    compiled_at: Option<u64>,
}

impl From<&CachedArtifact> for Artifact {
    fn from(artifact: &CachedArtifact) -> Self {
        let note = artifact.note.as_ref();
        let name = artifact.path.file_name().unwrap_or_default();
        Self {
            file: name.to_string_lossy().into_owned(),
            bytes: artifact.bytes,
            used_at: seconds(artifact.used),
            plugin: note.map(|note| note.plugin.clone()),
            version: note
                .and_then(|note| note.facts.as_ref())
                .map(|facts| facts.version.to_string()),
            blake3: note.map(|note| note.blake3.clone()),
            wasm_bytes: note.map(|note| note.wasm_bytes),
            compiler: note.map(|note| note.compiler.clone()),
            compile_ms: note.map(|note| note.compile_ms),
            compiled_at: note.map(|note| note.compiled_at),
        }
    }
}

fn list(arguments: &CacheListArguments) -> anyhow::Result<Outcome> {
    let choice = CacheChoice::Default;
    let directory = choice.directory().map_err(anyhow::Error::msg)?;
    let cache = choice
        .open_existing(DEFAULT_MAX_BYTES)
        .map_err(anyhow::Error::msg)?;
    let entries = match &cache {
        Some(cache) => cache
            .entries()
            .with_context(|| format!("cannot read {}", directory.display()))?,
        None => Vec::new(),
    };
    let listing = Listing {
        total_bytes: entries.iter().map(|artifact| artifact.bytes).sum(),
        max_bytes: DEFAULT_MAX_BYTES,
        artifacts: entries.iter().map(Artifact::from).collect(),
        directory,
    };
    if arguments.json {
        output::show(&(serde_json::to_string_pretty(&listing)? + "\n"))?;
    } else {
        output::show(&table(&listing, seconds(SystemTime::now())))?;
    }
    Ok(Outcome::Done)
}

/// The listing as text; `now` in seconds since 1970.
fn table(listing: &Listing, now: u64) -> String {
    let mut table = String::new();
    let unknown = "(not known)";
    let name = |artifact: &Artifact| match (&artifact.plugin, &artifact.version) {
        (Some(plugin), Some(version)) => format!("{plugin} {version}"),
        (Some(plugin), None) => plugin.clone(),
        (None, _) => unknown.to_owned(),
    };
    let width = listing.artifacts.iter().map(|a| name(a).chars().count());
    let width = width.max().unwrap_or(0);
    for artifact in &listing.artifacts {
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "{:<width$}  {:>10} bytes  {:<10}  compiled {:<10}  used {:<10}  {}",
            name(artifact),
            artifact.bytes,
            artifact.compiler.as_deref().unwrap_or(unknown),
            artifact
                .compiled_at
                .map_or(unknown.to_owned(), |at| ago(at, now)),
            ago(artifact.used_at, now),
            // As much of a hash as anybody compares.
            artifact.file.chars().take(12).collect::<String>(),
        );
    }
    let _ = writeln!(
        table,
        "{} compiled plugins, {} of at most {} bytes, in {}",
        listing.artifacts.len(),
        listing.total_bytes,
        listing.max_bytes,
        listing.directory.display()
    );
    table
}

/// What `cache clear --json` shows.
#[derive(Serialize)]
struct Clearing {
    directory: PathBuf,
    removed: usize,
    removed_bytes: u64,
    kept: usize,
    kept_bytes: u64,
}

fn clear(arguments: &CacheClearArguments) -> anyhow::Result<Outcome> {
    let choice = CacheChoice::Default;
    let directory = choice.directory().map_err(anyhow::Error::msg)?;
    let cache = choice
        .open_existing(DEFAULT_MAX_BYTES)
        .map_err(anyhow::Error::msg)?;
    let unused_for: Option<Duration> = arguments.older_than.map(|age| age.0);
    let cleared = match &cache {
        Some(cache) => cache
            .clear(unused_for)
            .with_context(|| format!("cannot read {}", directory.display()))?,
        None => Default::default(),
    };
    for (path, reason) in &cleared.failed {
        output::tell(&format_args!("cannot remove {}: {reason}", path.display()));
    }
    let clearing = Clearing {
        directory,
        removed: cleared.removed,
        removed_bytes: cleared.removed_bytes,
        kept: cleared.kept,
        kept_bytes: cleared.kept_bytes,
    };
    if arguments.json {
        output::show(&(serde_json::to_string_pretty(&clearing)? + "\n"))?;
    } else {
        output::show(&format!(
            "removed {} compiled plugins, {} bytes; {} are left, {} bytes\n",
            clearing.removed, clearing.removed_bytes, clearing.kept, clearing.kept_bytes
        ))?;
    }
    anyhow::ensure!(
        cleared.failed.is_empty(),
        "{} files could not be removed",
        cleared.failed.len()
    );
    Ok(Outcome::Done)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// How long ago that is, in the largest unit that does it justice.
fn ago(then: u64, now: u64) -> String {
    let seconds = now.saturating_sub(then);
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_a_table_with_what_is_known() {
        let artifact = |plugin: Option<&str>| Artifact {
            file: format!("{}.artifact", "0123456789abcdef".repeat(4)),
            bytes: 1234,
            used_at: 1_000_000,
            plugin: plugin.map(str::to_owned),
            version: plugin.map(|_| "1.2.3".to_owned()),
            blake3: None,
            wasm_bytes: None,
            compiler: plugin.map(|_| "cranelift".to_owned()),
            compile_ms: None,
            compiled_at: plugin.map(|_| 900_000),
        };
        let listing = Listing {
            directory: "/cache".into(),
            total_bytes: 2468,
            max_bytes: 10_000,
            artifacts: vec![artifact(Some("dlt-parser")), artifact(None)],
        };
        assert_eq!(
            table(&listing, 1_000_300),
            "dlt-parser 1.2.3        1234 bytes  cranelift   compiled 27 h ago    used 5 min ago   0123456789ab\n\
             (not known)             1234 bytes  (not known)  compiled (not known)  used 5 min ago   0123456789ab\n\
             2 compiled plugins, 2468 of at most 10000 bytes, in /cache\n"
        );
    }

    #[test]
    fn ages_have_the_unit_that_suits_them() {
        let ages = [0, 119, 120, 7_199, 7_200, 172_799, 172_800, 8_640_000];
        assert_eq!(
            ages.map(|age| ago(10_000_000 - age, 10_000_000)),
            [
                "0 s ago",
                "119 s ago",
                "2 min ago",
                "119 min ago",
                "2 h ago",
                "47 h ago",
                "2 d ago",
                "100 d ago"
            ]
        );
        // A clock that was set back.
        assert_eq!(ago(20, 10), "0 s ago");
    }
}
