//! A way around wasmer 7.4's handling of function tables of fixed size.
//!
//! Wasmer keeps the elements of such a table, one whose maximum is its minimum, a second time inside the instance that defines
//! it, and compiled code calls through that copy. The copy follows what the defining instance itself writes, and what the
//! host writes; it does *not* follow another instance that imports the table and fills it. That is exactly what every component
//! made with an adapter does: a shim module exports a table, a fix-up module fills it, and calls through the shim then find
//! nothing ("uninitialized element").
//!
//! So, before a module is compiled, tables that are shared between modules are made to look as if they could grow: then wasmer
//! keeps no copy. The size is still fixed: [`FIXED`] stands for the old maximum, and the store's tunables (`limits`) put it
//! back when the table is made, so that `table.grow` fails as it must.

#[cfg(feature = "compiler")]
pub(crate) use before_compiling::SharedTables;
use wasmer::TableType;

/// The maximum that stands for "no more than the minimum". Declared by a module it would mean "no maximum", and is made
/// that, so nothing else has it.
const FIXED: u32 = u32::MAX;

/// The type that a table is to be made with.
pub(crate) fn declared(ty: &TableType) -> TableType {
    match ty.maximum {
        Some(FIXED) => TableType {
            maximum: Some(ty.minimum),
            ..*ty
        },
        _ => *ty,
    }
}

#[cfg(feature = "compiler")]
mod before_compiling {
    use super::FIXED;
    use wasmer::sys::{FunctionMiddleware, ModuleMiddleware};
    use wasmer::{ExportIndex, LocalFunctionIndex, ModuleInfo, Type};
    use wasmer_types::MiddlewareError;

    /// Changes the types of shared tables before a module is compiled.
    #[derive(Debug)]
    pub(crate) struct SharedTables;

    impl ModuleMiddleware for SharedTables {
        fn generate_function_middleware<'a>(
            &self,
            _: LocalFunctionIndex,
        ) -> Box<dyn FunctionMiddleware<'a> + 'a> {
            Box::new(Unchanged)
        }

        fn transform_module_info(&self, module: &mut ModuleInfo) -> Result<(), MiddlewareError> {
            let exported: Vec<_> = module
                .exports
                .values()
                .filter_map(|export| match export {
                    ExportIndex::Table(index) => Some(*index),
                    _ => None,
                })
                .collect();
            let imported = module.num_imported_tables;
            for (position, (index, table)) in module.tables.iter_mut().enumerate() {
                if table.maximum == Some(FIXED) {
                    table.maximum = None;
                } else if table.ty == Type::FuncRef && table.maximum == Some(table.minimum) {
                    if position < imported {
                        table.maximum = None;
                    } else if exported.contains(&index) {
                        table.maximum = Some(FIXED);
                    }
                }
            }
            Ok(())
        }
    }

    /// Leaves functions as they are.
    #[derive(Debug)]
    struct Unchanged;

    impl FunctionMiddleware<'_> for Unchanged {}
}
