//! What is measured: inputs, pairs of source and parser.

use serde::Serialize;

/// A generated trace.
#[derive(Debug)]
pub struct Input {
    pub name: &'static str,
    pub messages: u64,
    pub garbage: u64,
    pub message_bytes: u32,
}

/// The two traces that the prototype was measured with, by number and size of their messages.
pub const INPUTS: [Input; 2] = [
    Input {
        name: "4.6 MB",
        messages: 30_525,
        garbage: 8,
        message_bytes: 150,
    },
    Input {
        name: "400 MB",
        messages: 1_917_072,
        garbage: 775,
        message_bytes: 209,
    },
];

/// A source and a parser.
#[derive(Debug)]
pub struct Sides {
    pub name: &'static str,
    pub source: &'static str,
    pub parser: &'static str,
}

impl Sides {
    /// What the ratios are relative to.
    pub const NATIVE: Sides = Sides {
        name: "native + native",
        source: "native",
        parser: "native",
    };

    /// Whether a plugin takes part.
    pub fn has_plugin(&self) -> bool {
        !(self.source.starts_with("native") && self.parser.starts_with("native"))
    }
}

/// The pairs, the native one first.
pub const SIDES: [Sides; 5] = [
    Sides::NATIVE,
    Sides {
        name: "native + plugin",
        source: "native",
        parser: "dlt-parser",
    },
    Sides {
        name: "plugin + native",
        source: "file-source",
        parser: "native",
    },
    Sides {
        name: "plugin + plugin",
        source: "file-source",
        parser: "dlt-parser",
    },
    Sides {
        name: "native + native:dlt-core",
        source: "native",
        parser: "native:dlt-core",
    },
];

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    pub input: &'static str,
    pub format: &'static str,
    pub sides: &'static str,
}
