//! Fuzzing of `wasmer-component`, on stable and without any tool.
//!
//! A *target* makes a case from [`choices::Choices`] and says what is wrong with how the engine took it. Components are generated
//! ([`guest`]) for generated types and values ([`types`]); what must come of them is said by a model of the canonical ABI ([`abi`])
//! that shares nothing with the engine. The *driver* ([`driver`]) runs targets from a seed, catches panics, notices hangs and memory
//! beyond bounds, makes what fails smaller, and writes it down.
//!
//! The generator and the model are also what `tests/against-wasmtime` compares the two runtimes with.

pub mod abi;
pub mod choices;
pub mod driver;
pub mod guest;
pub mod memory;
pub mod session;
pub mod targets;
pub mod types;
