//! What is measured, declared: inputs, set-ups of the command, which runs on what, and what is to be reached.
//!
//! To add a case: a line in [`SETUPS`], its name in a [`Block`] of [`BLOCKS`], and, where there is something to reach, a line in
//! [`GOALS`]. A set-up that this build of the command cannot run says so in `optional`; it is then shown as skipped, not left
//! out. A test below checks that every name that is used is declared.

/// A generated trace.
#[derive(Debug)]
pub struct Input {
    pub name: &'static str,
    pub messages: u64,
    pub garbage: u64,
    pub message_bytes: u32,
    /// One message in so many is damaged and has bogus headers in it; 0 for none.
    pub damage_every: u64,
}

impl Input {
    const fn of(name: &'static str, messages: u64, garbage: u64) -> Input {
        Input {
            name,
            messages,
            garbage,
            message_bytes: 209,
            damage_every: 0,
        }
    }

    /// About how many bytes it has.
    pub fn approximate_bytes(&self) -> u64 {
        self.messages * u64::from(self.message_bytes)
    }
}

/// The trace that goals are about.
const LARGE: &str = "400 MB";
const MEDIUM: &str = "40 MB";
const DAMAGED: &str = "40 MB, damaged";

pub const INPUTS: &[Input] = &[
    // The prototype's smaller trace, by number and size of its messages.
    Input {
        message_bytes: 150,
        ..Input::of("4.6 MB", 30_525, 8)
    },
    Input::of("4 MB", 19_171, 8),
    Input::of(MEDIUM, 191_707, 78),
    Input {
        damage_every: 2,
        ..Input::of(DAMAGED, 191_707, 78)
    },
    Input::of(LARGE, 1_917_072, 775),
    Input::of("4,000 MB", 19_170_720, 7_750),
];

/// How the command is called.
#[derive(Debug)]
pub struct Setup {
    pub name: &'static str,
    pub source: &'static str,
    /// A name, or a file in the folder that cargo builds into.
    pub parser: &'static str,
    /// `--jobs`; none is the command's default.
    pub jobs: Option<u16>,
    /// What else is said, before INPUT.
    pub arguments: &'static [&'static str],
    /// This build, or this machine, may be unable to run it.
    pub optional: bool,
}

impl Setup {
    const fn of(name: &'static str, source: &'static str, parser: &'static str) -> Setup {
        Setup {
            name,
            source,
            parser,
            jobs: Some(1),
            arguments: &[],
            optional: false,
        }
    }

    /// Whether a plugin takes part.
    pub fn has_plugin(&self) -> bool {
        !(self.source.starts_with("native") && self.parser.starts_with("native"))
    }
}

/// What ratios are relative to.
pub const NATIVE: &str = "native + native";
const DLT_CORE: &str = "native + native:dlt-core";
const BOTH: &str = "plugin + plugin";
const BOTH_DEFAULT_JOBS: &str = "plugin + plugin, default jobs";
const PARSER: &str = "native + plugin";
const PARSER_0_1_0: &str = "native + plugin of API 0.1.0";
const BOTH_LLVM: &str = "plugin + plugin, LLVM";

pub const SETUPS: &[Setup] = &[
    Setup::of(NATIVE, "native", "native"),
    Setup::of(PARSER, "native", "dlt-parser"),
    Setup {
        // It does not offer raw, nor can a build without its guest toolchain make it.
        optional: true,
        ..Setup::of(PARSER_0_1_0, "native", "plugins-0.1.0/dlt-parser.wasm")
    },
    Setup::of("plugin + native", "file-source", "native"),
    Setup::of(BOTH, "file-source", "dlt-parser"),
    Setup {
        jobs: None,
        ..Setup::of(BOTH_DEFAULT_JOBS, "file-source", "dlt-parser")
    },
    Setup {
        arguments: &["--compiler", "llvm"],
        optional: true,
        ..Setup::of(BOTH_LLVM, "file-source", "dlt-parser")
    },
    Setup::of(DLT_CORE, "native", "native:dlt-core"),
];

/// Which set-ups run on an input, in which formats. Outputs within a block and a format are the same, which is checked.
#[derive(Debug)]
pub struct Block {
    pub input: &'static str,
    pub formats: &'static [&'static str],
    /// [`NATIVE`] is the first.
    pub setups: &'static [&'static str],
}

const ALL: &[&str] = &[NATIVE, PARSER, "plugin + native", BOTH, DLT_CORE];
const ALL_AND_MORE: &[&str] = &[
    NATIVE,
    PARSER,
    PARSER_0_1_0,
    "plugin + native",
    BOTH,
    BOTH_DEFAULT_JOBS,
    BOTH_LLVM,
    DLT_CORE,
];
const FORMATS: &[&str] = &["raw", "text", "none"];

pub const BLOCKS: &[Block] = &[
    Block {
        input: "4.6 MB",
        formats: FORMATS,
        setups: ALL,
    },
    Block {
        input: "4 MB",
        formats: FORMATS,
        setups: &[NATIVE, BOTH],
    },
    Block {
        input: MEDIUM,
        formats: FORMATS,
        setups: &[NATIVE, BOTH],
    },
    Block {
        input: DAMAGED,
        formats: FORMATS,
        setups: &[NATIVE, BOTH],
    },
    Block {
        input: LARGE,
        formats: FORMATS,
        setups: ALL_AND_MORE,
    },
    Block {
        input: "4,000 MB",
        formats: &["text", "none"],
        setups: &[NATIVE, BOTH],
    },
];

/// One measured case, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub input: &'static str,
    pub format: &'static str,
    pub setup: &'static str,
}

const fn large(format: &'static str, setup: &'static str) -> Case {
    Case {
        input: LARGE,
        format,
        setup,
    }
}

/// What is compared with a goal.
#[derive(Debug)]
pub enum Measure {
    /// Time of one case, divided by that of another.
    Ratio { of: Case, to: Case },
    /// Time per byte of one case, divided by that of another.
    PerByte { of: Case, to: Case },
    /// The largest time per byte of a set-up, divided by the smallest, over several inputs.
    Flat {
        format: &'static str,
        setup: &'static str,
        inputs: &'static [&'static str],
    },
    /// Milliseconds from the start of the program, plugins compiled before.
    WarmStart(Case),
    /// Megabytes (10^6 bytes).
    PeakMemory(Case),
}

/// Something to reach: a measure that is to be at most `limit`.
#[derive(Debug)]
pub struct Goal {
    pub name: &'static str,
    pub measure: Measure,
    pub limit: f64,
    /// What the 2024 prototype, and Chipmunk 4.2 with its own plugins, were measured at.
    pub prototype: &'static str,
    pub chipmunk: &'static str,
}

impl Goal {
    const fn ratio(name: &'static str, of: Case, to: Case, limit: f64) -> Goal {
        Goal {
            name,
            measure: Measure::Ratio { of, to },
            limit,
            prototype: "–",
            chipmunk: "–",
        }
    }
}

/// 64 MB, and two chunks of 256 KiB.
const PEAK_LIMIT: f64 = 64.0 + 2.0 * 0.262_144;

pub const GOALS: &[Goal] = &[
    Goal {
        prototype: "1.47",
        chipmunk: "cannot",
        ..Goal::ratio(
            "plugin + plugin, raw, to native:dlt-core",
            large("raw", BOTH),
            large("raw", DLT_CORE),
            0.5,
        )
    },
    Goal {
        chipmunk: "2.56",
        ..Goal::ratio(
            "plugin + plugin, text, to native:dlt-core",
            large("text", BOTH),
            large("text", DLT_CORE),
            0.6,
        )
    },
    Goal {
        chipmunk: "5.11",
        ..Goal::ratio(
            "plugin + plugin, none, to native:dlt-core",
            large("none", BOTH),
            large("none", DLT_CORE),
            0.5,
        )
    },
    Goal::ratio(
        "plugin + plugin, raw, to native",
        large("raw", BOTH),
        large("raw", NATIVE),
        1.25,
    ),
    Goal::ratio(
        "plugin + plugin, text, to native",
        large("text", BOTH),
        large("text", NATIVE),
        1.25,
    ),
    Goal::ratio(
        "plugin + plugin, raw, LLVM, to native",
        large("raw", BOTH_LLVM),
        large("raw", NATIVE),
        1.1,
    ),
    Goal::ratio(
        "plugin + plugin, text, LLVM, to native",
        large("text", BOTH_LLVM),
        large("text", NATIVE),
        1.1,
    ),
    Goal::ratio(
        "plugin + plugin, text, default jobs, to native of one thread",
        large("text", BOTH_DEFAULT_JOBS),
        large("text", NATIVE),
        0.7,
    ),
    Goal {
        chipmunk: "2.31",
        ..Goal::ratio(
            "native + plugin of API 0.1.0, text, to native",
            large("text", PARSER_0_1_0),
            large("text", NATIVE),
            1.6,
        )
    },
    Goal {
        name: "warm start, ms",
        measure: Measure::WarmStart(large("text", BOTH)),
        limit: 5.0,
        prototype: "–",
        chipmunk: "142 to 155",
    },
    Goal {
        name: "peak memory, MB",
        measure: Measure::PeakMemory(large("text", BOTH)),
        limit: PEAK_LIMIT,
        prototype: "–",
        chipmunk: "123",
    },
    Goal {
        // Nothing is written: what the system makes of gigabytes that are written at once is the same for native code.
        name: "time per byte, none, 4 to 4,000 MB, largest to smallest",
        measure: Measure::Flat {
            format: "none",
            setup: BOTH,
            inputs: &["4 MB", MEDIUM, LARGE, "4,000 MB"],
        },
        limit: 1.1,
        prototype: "–",
        chipmunk: "–",
    },
    Goal {
        name: "the same, 40 to 4,000 MB",
        measure: Measure::Flat {
            format: "none",
            setup: BOTH,
            inputs: &[MEDIUM, LARGE, "4,000 MB"],
        },
        limit: 1.1,
        prototype: "–",
        chipmunk: "–",
    },
    Goal {
        name: "every second message damaged, text, time per byte to clean input",
        measure: Measure::PerByte {
            of: Case {
                input: DAMAGED,
                format: "text",
                setup: BOTH,
            },
            to: Case {
                input: MEDIUM,
                format: "text",
                setup: BOTH,
            },
        },
        limit: 2.0,
        prototype: "–",
        chipmunk: "quadratic",
    },
    Goal {
        name: "every second message damaged, none, time per byte to clean input",
        measure: Measure::PerByte {
            of: Case {
                input: DAMAGED,
                format: "none",
                setup: BOTH,
            },
            to: Case {
                input: MEDIUM,
                format: "none",
                setup: BOTH,
            },
        },
        limit: 2.0,
        prototype: "–",
        chipmunk: "quadratic",
    },
];

impl Measure {
    /// The cases it is made of.
    pub fn cases(&self) -> Vec<Case> {
        match *self {
            Measure::Ratio { of, to } | Measure::PerByte { of, to } => vec![of, to],
            Measure::Flat {
                format,
                setup,
                inputs,
            } => inputs
                .iter()
                .map(|input| Case {
                    input,
                    format,
                    setup,
                })
                .collect(),
            Measure::WarmStart(case) | Measure::PeakMemory(case) => vec![case],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_used_is_declared() {
        for block in BLOCKS {
            assert!(
                INPUTS.iter().any(|input| input.name == block.input),
                "{block:?}"
            );
            assert_eq!(block.setups.first(), Some(&NATIVE), "{block:?}");
            for setup in block.setups {
                assert!(
                    SETUPS.iter().any(|declared| declared.name == *setup),
                    "{setup}"
                );
            }
        }
        for goal in GOALS {
            for case in goal.measure.cases() {
                let is_run = BLOCKS.iter().any(|block| {
                    block.input == case.input
                        && block.formats.contains(&case.format)
                        && block.setups.contains(&case.setup)
                });
                assert!(is_run, "{}: no block has {case:?}", goal.name);
            }
        }
    }

    #[test]
    fn names_are_used_once() {
        for names in [
            INPUTS.iter().map(|input| input.name).collect::<Vec<_>>(),
            SETUPS.iter().map(|setup| setup.name).collect(),
            GOALS.iter().map(|goal| goal.name).collect(),
        ] {
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), names.len(), "{names:?}");
        }
    }
}
