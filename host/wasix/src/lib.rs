//! WASI preview 1 and WASIX for core modules that stand for components: [`wasmer_wasix`] behind the grants of
//! [`wasmer_component_wasi`].
//!
//! A core module that carries a world's canonical exports and was not componentised
//! ([`Component::from_core_module`](wasmer_component::Component::from_core_module)) imports `wasi_snapshot_preview1`, or WASIX's
//! `wasix_32v1`, instead of interfaces. [`add_to_linker`] gives it those; what its guest may use is said by the very [`WasiCtx`] that
//! components have, so that a grant means the same for both.
//!
//! ```no_run
//! use wasmer_component::{Component, Config, CoreModule, Engine, Linker, Store};
//! use wasmer_component_wasi::{Grant, WasiCtx};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(&Config::new())?;
//! let mut linker = Linker::<WasiCtx>::new(&engine);
//! wasmer_component_wasix::add_to_linker(&mut linker);
//!
//! let wasi = WasiCtx::builder()
//!     .grant(Grant::file("/var/log/trace.dlt"))
//!     .build()?;
//! let mut store = Store::new(&engine, wasi)?;
//! let module = std::fs::read("plugin.core.wasm")?;
//! let component = Component::from_core_module(&engine, &CoreModule::new(&module))?;
//! let instance = linker.instantiate(&mut store, &component)?;
//! # let _ = instance;
//! # Ok(())
//! # }
//! ```
//!
//! # What a guest gets
//! - **Files**: the granted directories and files and nothing else. wasmer-wasix resolves paths as text and its own host file system
//!   follows symbolic links wherever they lead, so it is given a file system of ours (`files`), where the host is reached through
//!   `wasmer_component_wasi`'s trees alone, that is, through cap-std.
//! - **Output** goes where the context's goes, line by line to the log by default; input likewise.
//! - Arguments and environment variables of the context; clocks and random numbers as wasmer-wasix gives them, which are the
//!   system's (a context's fixed clocks and seeds are for components only).
//! - **Denied**, each with an error of its own (`policy`): the network, also where a component would be granted it; processes, threads,
//!   signals, loading of code, and whatever could block where nobody can end it.
//!
//! A call's time limit ends waiting, too: for input, for the clock, for a futex.
//!
//! Architecture Invariant: no function of wasmer-wasix's is reachable that is not named in `policy`.
//! Architecture Invariant: wasmer-wasix never sees a path of the host's.
//!
//! [`WasiCtx`]: wasmer_component_wasi::WasiCtx

mod environment;
mod files;
mod link;
mod policy;
mod stdio;
mod waiting;

pub use link::{Exit, MODULES, add_to_linker};
