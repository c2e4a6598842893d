//! The targets: each makes one case from choices and judges it.

pub mod artifact;
pub mod composed;
pub mod corrupt;
pub mod handles;
pub mod mutate;
pub mod translate;
pub mod typed;
pub mod values;

use crate::choices::Choices;
use wasmer_component::{Component, Config, Engine};

/// Makes a case and judges it; an error says what is wrong.
pub type Target = fn(&mut Case<'_>, &mut Choices) -> Result<(), String>;

/// All targets by name.
pub const ALL: &[(&str, Target)] = &[
    ("translate", translate::run),
    ("values", values::run),
    ("typed", typed::run),
    ("abi-bad", corrupt::run),
    ("composed", composed::run),
    ("handles", handles::run),
    ("artifact", artifact::run),
];

/// What a case works with, and what is kept of it if it fails.
pub struct Case<'a> {
    /// The engine of this run.
    pub engine: &'a Engine,
    /// Files that say what the case was: name and contents.
    pub notes: Vec<(&'static str, Vec<u8>)>,
}

impl Case<'_> {
    /// Keeps something in case of failure. A later note of the same name replaces it.
    pub fn note(&mut self, name: &'static str, contents: impl Into<Vec<u8>>) {
        self.notes.retain(|(n, _)| *n != name);
        self.notes.push((name, contents.into()));
    }

    /// Compiles a generated component, which must work.
    ///
    /// # Errors
    /// What the parser or the engine said.
    pub fn compile(&mut self, text: &str) -> Result<Component, String> {
        self.note("component.wat", text);
        let bytes =
            wat::parse_str(text).map_err(|e| format!("the generated text is wrong: {e}"))?;
        Component::new(self.engine, &bytes)
            .map_err(|e| format!("a valid component is refused: {e}"))
    }
}

/// A new engine. Machine code lives as long as its engine, so a long run takes a new one now and then.
///
/// # Errors
/// The engine's.
pub fn engine() -> wasmer_component::Result<Engine> {
    Engine::new(&Config::new())
}
