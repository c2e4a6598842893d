//! The kit against plugins that each break one promise: it has to fail the check that is for it, and no other.
//!
//! [`guests`] has a parser and a source that keep all of them; a test replaces what it is about.

mod guests;
mod parsers;
mod plugins;
mod sources;

use std::time::Duration;

use anyhow::Result;
use chipmunk_conformance::{CheckOutcome, Kit, Report};
use chipmunk_e2e::{Dir, guest::Guest};
use chipmunk_plugins::{CacheChoice, PluginRuntime, RuntimeOptions, Settings};

/// The report on a guest, in little time.
fn report(guest: &Guest) -> Result<Report> {
    report_of(&guest.build()?)
}

fn report_of(component: &[u8]) -> Result<Report> {
    let dir = Dir::new()?;
    dir.write("bad.wasm", component)?;
    let runtime = PluginRuntime::new(RuntimeOptions {
        config_file: None,
        directories: Some(vec![dir.path("")]),
        cache: CacheChoice::Off,
        compiler: None,
    })?;
    let settings = Settings::default();
    let kit = Kit {
        budget: Duration::from_secs(4),
        call_timeout_ms: 2000,
        ..Kit::new(&settings)
    };
    Ok(kit.run(&runtime, "bad")?)
}

/// Exactly this check fails, with a message that says so, and a remedy.
#[track_caller]
fn fails(guest: &Guest, check: &str, message: &str) -> Result<()> {
    let report = report(guest)?;
    assert_eq!(report.names(CheckOutcome::Failed), [check], "{report}");
    let failed = report
        .checks
        .iter()
        .find(|other| other.name == check)
        .expect("it is the one that failed");
    assert!(failed.message.contains(message), "{report}");
    assert!(failed.remedy.is_some(), "{report}");
    assert!(!report.is_ok());
    Ok(())
}
