//! WASI 0.2 for [`wasmer_component`]: what a guest needs of its surroundings, and nothing that it was not granted.
//!
//! Three nouns. A [`WasiCtx`] holds what one guest has: arguments, streams, clocks, and the directories and files it was
//! granted. A [`Grant`] names one of those. [`add_to_linker`] defines the interfaces of `wasi:io`, `wasi:cli`, `wasi:clocks`,
//! `wasi:random`, `wasi:filesystem` and `wasi:sockets` in a linker. `wasi:http` is there on request only
//! ([`add_http_to_linker`]), and refuses.
//!
//! ```no_run
//! use wasmer_component::{Component, Config, Engine, Linker, Store};
//! use wasmer_component_wasi::{Grant, WasiCtx};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(&Config::new())?;
//! let mut linker = Linker::<WasiCtx>::new(&engine);
//! wasmer_component_wasi::add_to_linker(&mut linker)?;
//!
//! let wasi = WasiCtx::builder()
//!     .grant(Grant::file("/var/log/trace.dlt"))
//!     .grant(Grant::directory("/tmp/out").read_write().at("/out"))
//!     .output_lines(|line| eprintln!("plugin: {line}"))
//!     .build()?;
//! let mut store = Store::new(&engine, wasi)?;
//! let component = Component::new(&engine, &std::fs::read("plugin.wasm")?)?;
//! let instance = linker.instantiate(&mut store, &component)?;
//! # let _ = instance;
//! # Ok(())
//! # }
//! ```
//!
//! Interfaces are defined once, at one version; the engine lets a guest of any 0.2.x have them.
//!
//! All of it is synchronous: a guest that waits blocks its thread, at most until the deadline of its call. Hosts are Unix
//! (waiting is `poll(2)`).
//!
//! Where to look: [`fs`] for files and what keeps guests inside their grants, [`net`] for sockets and the same, [`stream`] for bytes
//! in and out, [`readiness`] for waiting. The `bindings` only say how these look as component types.

pub mod fs;
pub mod net;
pub mod readiness;
pub mod stream;

mod bindings;
mod clock;
mod ctx;
mod grant;
mod random;

pub use bindings::{Exit, VERSION, add_http_to_linker, add_to_linker};
pub use ctx::{WasiCtx, WasiCtxBuilder, WasiView};
pub use grant::{Grant, GrantError};
