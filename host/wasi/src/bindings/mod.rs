//! The interfaces of WASI 0.2 as host functions: component types on the outside, the rest of this crate on the inside.
//!
//! One module a package. A function that fails with a code of its interface returns it; a function that a guest must not call
//! like that (a handle that is not its own, a write that was not permitted) traps by returning an `Err`.

mod cli;
mod clocks;
mod filesystem;
mod guest_bytes;
mod http;
mod io;
mod random;
mod sockets;

pub use cli::Exit;
pub use http::add_http_to_linker;

use crate::WasiView;
use wasmer_component::{Linker, Result};

/// The version of the interfaces that is defined. Guests of every 0.2.x can have them: within 0.2 functions are only added.
pub const VERSION: &str = "0.2.12";

fn interface(name: &str) -> String {
    format!("{name}@{VERSION}")
}

/// Defines all interfaces in a linker.
///
/// Errors: one of them is defined there already.
pub fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    io::add_to_linker(linker)?;
    clocks::add_to_linker(linker)?;
    random::add_to_linker(linker)?;
    cli::add_to_linker(linker)?;
    filesystem::add_to_linker(linker)?;
    sockets::add_to_linker(linker)
}
