//! The one core module of a component whose memory LLVM's code may reach without checks.
//!
//! Where memories are not checked, wasmer 7.4 lets the functions that LLVM compiled hand the address of their first memory on to whatever
//! they call, unless that is a function of the host. It takes for granted that what it calls is of WebAssembly has the same first
//! memory, and takes the address. That holds within a module. It does not hold between the modules of a component: a shim has no
//! memory and takes no address, and another component has another memory.
//!
//! So a component is compiled without checks only if a single module has a memory, and nothing but plain calls lead out of that module
//! and into it. Each of these then goes through a function of the host's (`instance`), which hands on nothing. What most
//! toolchains make is such a component: a module, and a shim with a table of what the host gives to it. All others are compiled with
//! checks.

use crate::ir::{ComponentIr, CoreDef, Export, Initializer};
use std::collections::HashMap;
use wasmtime_environ::wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, ElementItems, ExternalKind, Operator, Parser,
    Payload, TypeRef, ValType,
};

/// The number of that module, if the component has one.
pub(crate) fn sole_memory(ir: &ComponentIr, modules: &[Vec<u8>]) -> Option<u32> {
    let looked: Vec<Looked<'_>> = modules
        .iter()
        .map(|module| Looked::at(module).ok())
        .collect::<Option<_>>()?;
    let mut with_memory = (0..).zip(&looked).filter(|(_, module)| module.has_memory);
    let (number, module) = with_memory.next()?;
    if with_memory.next().is_some() || !module.is_closed {
        return None;
    }
    // It is instantiated once, and nobody gets anything but functions of it. Modules that are imported or exported are linked where nobody
    // looks.
    let mut instances = Vec::new();
    for initializer in &ir.initializers {
        match initializer {
            Initializer::Instantiate { module, .. } => instances.push(*module),
            Initializer::InstantiateImport { .. } => return None,
            _ => {}
        }
    }
    let once = instances.iter().filter(|module| **module == number).count() == 1;
    let only_functions = ir
        .initializers
        .iter()
        .filter_map(|initializer| match initializer {
            Initializer::Instantiate { args, .. } => Some(args),
            _ => None,
        })
        .flatten()
        .all(|arg| match arg {
            CoreDef::Export(export) if instances.get(export.instance as usize) == Some(&number) => {
                module.exports.get(export.name.as_str()) == Some(&ExternalKind::Func)
            }
            _ => true,
        });
    let exports_modules = ir
        .export_items
        .iter()
        .any(|item| matches!(item.item, Export::Module(_) | Export::ImportedModule(_)));
    (once && only_functions && !exports_modules).then_some(number)
}

/// What matters of a core module.
#[derive(Default)]
struct Looked<'a> {
    has_memory: bool,
    /// It has its own memory and tables, no function that it imports is reached but by its number, and no reference to a function comes
    /// in or goes out.
    is_closed: bool,
    exports: HashMap<&'a str, ExternalKind>,
}

impl<'a> Looked<'a> {
    fn at(module: &'a [u8]) -> Result<Looked<'a>, BinaryReaderError> {
        let mut looked = Looked {
            is_closed: true,
            ..Looked::default()
        };
        let mut imported = 0;
        let mut referred = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(types) => {
                    for group in types {
                        for ty in group?.types() {
                            looked.is_closed &= is_of_numbers(&ty.composite_type.inner);
                        }
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) | TypeRef::FuncExact(_) => imported += 1,
                            TypeRef::Memory(_) => {
                                looked.has_memory = true;
                                looked.is_closed = false;
                            }
                            _ => looked.is_closed = false,
                        }
                    }
                }
                Payload::MemorySection(memories) => looked.has_memory |= memories.count() > 0,
                Payload::GlobalSection(globals) => {
                    for global in globals {
                        refers(&global?.init_expr, &mut referred)?;
                    }
                }
                Payload::TableSection(tables) => {
                    for table in tables {
                        if let wasmtime_environ::wasmparser::TableInit::Expr(init) = table?.init {
                            refers(&init, &mut referred)?;
                        }
                    }
                }
                Payload::ElementSection(elements) => {
                    for element in elements {
                        match element?.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    referred.push(function?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    refers(&expression?, &mut referred)?;
                                }
                            }
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        // What is exported can be referred to anywhere.
                        if export.kind == ExternalKind::Func {
                            referred.push(export.index);
                        }
                        looked.exports.insert(export.name, export.kind);
                    }
                }
                _ => {}
            }
        }
        looked.is_closed &= referred.iter().all(|function| *function >= imported);
        Ok(looked)
    }
}

/// Adds the functions that an initial value refers to.
fn refers(value: &ConstExpr<'_>, referred: &mut Vec<u32>) -> Result<(), BinaryReaderError> {
    for operator in value.get_operators_reader() {
        if let Operator::RefFunc { function_index } = operator? {
            referred.push(function_index);
        }
    }
    Ok(())
}

/// Whether a type is that of a function that neither takes nor gives a reference.
fn is_of_numbers(ty: &CompositeInnerType) -> bool {
    match ty {
        CompositeInnerType::Func(function) => function
            .params()
            .iter()
            .chain(function.results())
            .all(|ty| !matches!(ty, ValType::Ref(_))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(component: &str) -> Option<u32> {
        let bytes = wat::parse_str(component).expect("it is well-formed");
        let translated = crate::translate::translate(&bytes).expect("it is valid");
        sole_memory(&translated.ir, &translated.modules)
    }

    /// A component with a shim, as toolchains make it, whose module has this in it, too, and exports that instead of nothing.
    fn with_shim(inside: &str) -> String {
        format!(
            r#"(component
                (import "f" (func $f (param "s" string)))
                (core module $shim
                    (type $t (func (param i32 i32)))
                    (table (export "t") 1 1 funcref)
                    (func (export "0") (param i32 i32)
                        (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))
                (core module $main
                    (import "" "0" (func $imported (param i32 i32)))
                    (memory (export "memory") 1)
                    (func $own (export "run"))
                    {inside})
                (core module $fixup
                    (import "" "t" (table 1 1 funcref))
                    (import "" "0" (func (param i32 i32)))
                    (elem (i32.const 0) func 0))
                (core instance $s (instantiate $shim))
                (core instance $m (instantiate $main
                    (with "" (instance (export "0" (func $s "0"))))))
                (alias core export $m "memory" (core memory $memory))
                (core func $lowered (canon lower (func $f) (memory $memory)))
                (core instance (instantiate $fixup
                    (with "" (instance (export "t" (table $s "t")) (export "0" (func $lowered))))))
                (func (export "run") (canon lift (core func $m "run"))))"#
        )
    }

    #[test]
    fn a_module_with_a_shim_has_it() {
        assert_eq!(of(&with_shim("")), Some(1));
        let table = "(table 2 2 funcref) (elem (i32.const 1) func $own)";
        assert_eq!(of(&with_shim(table)), Some(1));
        assert_eq!(
            of(&with_shim("(table (export \"t\") 1 1 funcref)")),
            Some(1)
        );
    }

    #[test]
    fn references_to_what_is_imported_rule_it_out() {
        for inside in [
            "(table 2 2 funcref) (elem (i32.const 1) func $own $imported)",
            "(elem declare func $imported)",
            "(table 2 2 funcref) (elem (i32.const 0) funcref (ref.func $imported))",
            "(global funcref (ref.func $imported))",
            "(export \"again\" (func $imported))",
            "(func (param funcref))",
        ] {
            assert_eq!(of(&with_shim(inside)), None, "{inside}");
        }
    }

    #[test]
    fn memories_and_tables_in_common_rule_it_out() {
        let two = |first: &str, second: &str, with: &str| {
            format!(
                r#"(component
                    (core module $a {first})
                    (core module $b {second})
                    (core instance $a (instantiate $a))
                    (core instance $b (instantiate $b {with})))"#
            )
        };
        let memory = "(memory (export \"m\") 1)";
        assert_eq!(of(&two(memory, "", "")), Some(0));
        assert_eq!(of(&two(memory, memory, "")), None);
        assert_eq!(of(&two("", "", "")), None);
        let with_a = "(with \"a\" (instance $a))";
        assert_eq!(
            of(&two(memory, "(import \"a\" \"m\" (memory 1))", with_a)),
            None
        );
        let table = "(memory 1) (table (export \"t\") 1 1 funcref)";
        assert_eq!(
            of(&two(
                table,
                "(import \"a\" \"t\" (table 1 1 funcref))",
                with_a
            )),
            None
        );
        let function = "(memory 1) (func (export \"f\"))";
        assert_eq!(
            of(&two(function, "(import \"a\" \"f\" (func))", with_a)),
            Some(0)
        );
        // Twice the same module.
        assert_eq!(
            of(
                "(component (core module $a (memory 1)) (core instance (instantiate $a)) (core instance (instantiate $a)))"
            ),
            None
        );
    }

    #[test]
    fn modules_that_are_exported_rule_it_out() {
        let component = "(component (core module $a (memory 1)) (core instance (instantiate $a)) (export \"a\" (core module $a)))";
        assert_eq!(of(component), None);
    }
}
