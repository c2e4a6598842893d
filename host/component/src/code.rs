//! Where a component's machine code is, for tools that look at a running program: profilers, debuggers.

use crate::component::Component;

/// One function of a core module, as it was compiled and loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeFunction {
    /// Address of its first byte in this process.
    pub address: usize,
    /// Its length in bytes.
    pub length: usize,
    /// Its name: demangled, if the module has names, else its number in the module.
    pub name: String,
}

impl Component {
    /// The functions of all its core modules, in memory as long as the component is. Addresses are no secret from whoever can
    /// read this, but should be one from guests: they tell where the process's memory is.
    pub fn native_functions(&self) -> Vec<NativeFunction> {
        let mut functions = Vec::new();
        for (number, module) in self.inner.modules.iter().enumerate() {
            let extents = module
                .sys_artifact()
                .and_then(|artifact| artifact.finished_function_extents());
            let info = module.info();
            for (local, extent) in extents.into_iter().flatten() {
                let index = info.func_index(local);
                let name = match info.function_names.get(&index) {
                    Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
                    None => format!("module {number}, function {}", index.as_u32()),
                };
                functions.push(NativeFunction {
                    address: extent.ptr.0.addr(),
                    length: extent.length,
                    name,
                });
            }
        }
        functions
    }
}
