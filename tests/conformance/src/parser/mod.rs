//! Parsers: what is checked of them, and in which order.
//!
//! First one ordinary input in one piece, since nothing that follows means anything if that fails; then whether the same input
//! gives the same items, again and however it is cut; then what hosts and traces do to parsers. A check that would only see the
//! fault of an earlier one is skipped.

mod cuts;
mod drive;
mod first;
mod items;
mod output;
mod resync;
mod rough;
mod same;
mod size;

use std::time::{Duration, Instant};

use chipmunk_plugins::schema::Configuration;
use chipmunk_plugins::{ApiVersion, Output, PluginError};

use crate::Kit;
use crate::inputs::Sample;
use crate::pace::Pace;
use crate::report::{Record, skipped};
use crate::subject::{Subject, why};
use drive::{Instance, Plan, Run, Wrong};

/// What the checks have in common.
#[derive(Debug)]
struct Context<'a> {
    subject: &'a Subject<'a>,
    configuration: &'a Configuration,
    /// The richest output that the parser offers: the one that most can go wrong with.
    output: Output,
    /// The input that it finds most in.
    main: Sample,
    /// The others that it gets through.
    others: Vec<Sample>,
    /// Inputs that it does not get through.
    refused: Vec<(Sample, String)>,
    pace: Pace,
    seed: u64,
}

/// Why a run did not come to an end.
enum RunError {
    Instance(PluginError),
    Wrong(Wrong),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instance(error) => write!(f, "a new instance cannot be made: {}", why(error)),
            Self::Wrong(wrong) => write!(f, "{wrong}"),
        }
    }
}

impl Context<'_> {
    fn instance(&self, output: Output, max_archive_bytes: u32) -> Result<Instance, PluginError> {
        instance(self.subject, self.configuration, output, max_archive_bytes)
    }

    /// A new instance, for the richest output.
    fn fresh(&self) -> Result<Instance, PluginError> {
        self.instance(self.output, self.subject.max_archive_bytes())
    }

    /// Gives `input` to a new instance.
    fn run(&self, input: &[u8], plan: &Plan<'_>) -> Result<Run, RunError> {
        let mut instance = self.fresh().map_err(RunError::Instance)?;
        instance.run(input, plan).map_err(RunError::Wrong)
    }
}

fn instance(
    subject: &Subject<'_>,
    configuration: &Configuration,
    output: Output,
    max_archive_bytes: u32,
) -> Result<Instance, PluginError> {
    let mut session = subject.start(&configuration.grants)?;
    subject.init(
        &mut session,
        &configuration.items,
        output,
        max_archive_bytes,
    )?;
    Ok(Instance::new(session))
}

/// Makes all checks of an initialised parser.
pub(crate) fn check(
    kit: &Kit<'_>,
    subject: &Subject<'_>,
    configuration: &Configuration,
    given: Option<Sample>,
    record: &mut Record,
) {
    let Some(output) = subject.output() else {
        record.note("outputs", output::none_offered(), Instant::now());
        record.skip_all(
            &[&first::NAMES[..], &NAMES[..]].concat(),
            "it offers no output",
        );
        return;
    };
    let Some(context) = first::check(kit, subject, configuration, output, given, record) else {
        record.skip_all(&["outputs"], "it does not get through an ordinary input");
        record.skip_all(&NAMES, "it does not get through an ordinary input");
        return;
    };
    let context = &context;
    record.check("outputs", &[], || output::check(context));
    record.check("determinism", &[], || same::determinism(context));
    record.check("independence", &["determinism"], || {
        same::independence(context)
    });
    record.check("cuts", &["determinism"], || cuts::check(context));
    if subject.factory.description().api == ApiVersion::V0_1 {
        record.skip_all(
            &["end", "needed", "archive-limit"],
            "API 0.1.0 has no `at-end`, no `needed` and no archives",
        );
    } else {
        record.check("end", &["determinism"], || cuts::end(context));
        record.check("needed", &["determinism", "cuts"], || cuts::needed(context));
        record.check("archive-limit", &["determinism", "cuts"], || {
            size::limit(context)
        });
    }
    record.check("timestamps", &["determinism"], || same::timestamps(context));
    record.check("empty-input", &["cuts"], || rough::empty(context));
    record.check("garbage", &[], || rough::garbage(context));
    record.check("memory", &[], || size::memory(context));
    record.check("large-input", &["memory"], || size::large(context));
    if subject.told.can("resynchronises") {
        record.check("resynchronises", &["determinism", "cuts"], || {
            resync::check(context)
        });
    } else {
        let verdict = skipped("it does not declare that it does");
        record.note("resynchronises", verdict, Instant::now());
    }
}

/// The checks behind those of `first`, but for `outputs`.
const NAMES: [&str; 12] = [
    "determinism",
    "independence",
    "cuts",
    "end",
    "needed",
    "archive-limit",
    "timestamps",
    "empty-input",
    "garbage",
    "memory",
    "large-input",
    "resynchronises",
];

impl Context<'_> {
    /// So many hundredths of the time there is.
    fn share(&self, hundredths: u32) -> Duration {
        self.pace.budget / 100 * hundredths
    }
}
