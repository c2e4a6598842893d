//! A component of a program, whatever it was compiled to. Shared by the example `run` and the tests of programs in C.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wit_component::ComponentEncoder;

/// `program` itself, if it is a component. Of a core module that calls WASI by its first names (`wasi_snapshot_preview1`) a
/// component is made, with the adapter that turns these calls into those of WASI 0.2.
///
/// Errors: the core module calls something else, or is no command.
pub fn component(program: Vec<u8>) -> Result<Vec<u8>, String> {
    // The version and layer of a core module, behind the magic number.
    if program.get(4..8) != Some(&[1, 0, 0, 0]) {
        return Ok(program);
    }
    ComponentEncoder::default()
        .module(&program)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            )
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("this core module cannot be made a component: {error:#}"))
}
