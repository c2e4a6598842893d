//! Core modules as values: imported, exported, exported again, with their types checked when a component is linked.

use std::sync::LazyLock;
use wasmer_component::types::ExternType;
use wasmer_component::{
    Component, CoreType, CoreValueType, Engine, Linker, Module, ModuleType, Store, TypedFunc,
};

/// Instantiates an imported module with an import of its own, and calls it.
const IMPORTER: &str = r#"
(component
  (import "host" (instance $host
    (export "adder" (core module
      (import "env" "base" (func (result i32)))
      (export "memory" (memory 1))
      (export "add" (func (param i32) (result i32)))))))
  (alias export $host "adder" (core module $adder))
  (core module $env (func (export "base") (result i32) (i32.const 40)))
  (core instance $env (instantiate $env))
  (core instance $i (instantiate $adder (with "env" (instance $env))))
  (func (export "add") (param "n" u32) (result u32) (canon lift (core func $i "add")))
  (export "again" (core module $adder)))
"#;

const ADDER: &str = r#"
(module
  (import "env" "base" (func $base (result i32)))
  (memory (export "memory") 2)
  (table (export "table") 3 3 funcref)
  (func (export "add") (param i32) (result i32) (i32.add (call $base) (local.get 0))))
"#;

/// What is to be used together must be of one engine.
static ENGINE: LazyLock<Engine> = LazyLock::new(crate::common::engine);

fn compile(text: &str) -> Component {
    crate::common::compile(&ENGINE, text).unwrap()
}

fn module(text: &str) -> Module {
    Module::new(&ENGINE, &wat::parse_str(text).unwrap()).unwrap()
}

fn add_of(
    component: &Component,
    module: &Module,
    store: &mut Store<()>,
) -> TypedFunc<(u32,), (u32,)> {
    let mut linker = Linker::new(&ENGINE);
    linker
        .instance("host")
        .unwrap()
        .module("adder", module)
        .unwrap();
    let instance = linker.instantiate(&mut *store, component).unwrap();
    instance.get_typed_func(&mut *store, "add").unwrap()
}

fn link_error(component: &Component, module: &Module) -> String {
    let mut linker = Linker::<()>::new(&ENGINE);
    linker
        .instance("host")
        .unwrap()
        .module("adder", module)
        .unwrap();
    let mut store = Store::new(&ENGINE, ()).unwrap();
    linker
        .instantiate(&mut store, component)
        .unwrap_err()
        .to_string()
}

#[test]
fn an_imported_module_is_instantiated_with_what_the_component_gives_it() {
    let mut store = Store::new(&ENGINE, ()).unwrap();
    let add = add_of(&compile(IMPORTER), &module(ADDER), &mut store);
    assert_eq!(add.call(&mut store, (2,)).unwrap(), (42,));
}

#[test]
fn an_imported_module_survives_the_artifact() {
    let bytes = compile(IMPORTER).serialize().unwrap();
    // SAFETY: the bytes are what `serialize` gave just now.
    let component = unsafe { Component::deserialize(&ENGINE, &bytes) }.unwrap();
    let mut store = Store::new(&ENGINE, ()).unwrap();
    let add = add_of(&component, &module(ADDER), &mut store);
    assert_eq!(add.call(&mut store, (2,)).unwrap(), (42,));
}

#[test]
fn an_imported_module_can_be_exported_again_and_used_by_another_component() {
    let (component, module) = (compile(IMPORTER), module(ADDER));
    let mut linker = Linker::<()>::new(&ENGINE);
    linker
        .instance("host")
        .unwrap()
        .module("adder", &module)
        .unwrap();
    let mut store = Store::new(&ENGINE, ()).unwrap();
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let again = instance.get_module(&mut store, "again").unwrap();
    assert_eq!(again.ty(), module.ty());
    assert!(instance.get_module(&mut store, "add").is_none());
    assert!(instance.get_func(&mut store, "again").is_none());
    let add = add_of(&component, &again, &mut store);
    assert_eq!(add.call(&mut store, (5,)).unwrap(), (45,));
}

#[test]
fn a_module_of_the_component_can_be_exported() {
    let component = compile(
        r#"(component
             (core module $m (func (export "seven") (result i32) (i32.const 7)))
             (instance $i (export "m" (core module $m)))
             (export "inner" (instance $i)))"#,
    );
    let mut store = Store::new(&ENGINE, ()).unwrap();
    let instance = Linker::new(&ENGINE)
        .instantiate(&mut store, &component)
        .unwrap();
    let module = instance.get_module(&mut store, ("inner", "m")).unwrap();
    let user = compile(
        r#"(component
             (import "m" (core module $m (export "seven" (func (result i32)))))
             (core instance $i (instantiate $m))
             (func (export "seven") (result u32) (canon lift (core func $i "seven"))))"#,
    );
    let mut linker = Linker::new(&ENGINE);
    linker.root().module("m", &module).unwrap();
    let instance = linker.instantiate(&mut store, &user).unwrap();
    let seven = instance
        .get_typed_func::<(), (u32,)>(&mut store, "seven")
        .unwrap();
    assert_eq!(seven.call(&mut store, ()).unwrap(), (7,));
}

#[test]
fn the_types_of_modules_can_be_inspected() {
    let func = |params: &[CoreValueType], results: &[CoreValueType]| CoreType::Func {
        params: params.to_vec(),
        results: results.to_vec(),
    };
    let component = compile(IMPORTER);
    let (_, host) = component.imports().next().unwrap();
    let ExternType::Instance(items) = host else {
        panic!("{host:?}")
    };
    let wanted = ModuleType {
        imports: vec![(
            "env".to_string(),
            "base".to_string(),
            func(&[], &[CoreValueType::I32]),
        )],
        exports: vec![
            (
                "memory".to_string(),
                CoreType::Memory {
                    limits: (1, None),
                    shared: false,
                },
            ),
            (
                "add".to_string(),
                func(&[CoreValueType::I32], &[CoreValueType::I32]),
            ),
        ],
    };
    assert_eq!(
        items,
        &[("adder".to_string(), ExternType::Module(wanted.clone()))]
    );
    let mut offered = wanted;
    offered.exports[0].1 = CoreType::Memory {
        limits: (2, None),
        shared: false,
    };
    let table = CoreType::Table {
        element: CoreValueType::Ref("funcref".to_string()),
        limits: (3, Some(3)),
    };
    offered.exports.insert(1, ("table".to_string(), table));
    assert_eq!(module(ADDER).ty(), offered);
}

#[test]
fn a_link_error_says_where_the_types_of_a_module_differ() {
    let component = compile(IMPORTER);
    let cases = [
        (
            r#"(module (memory (export "memory") 1))"#,
            "import host#adder: export add of the core module: the host has no such export, the component function (i32) -> (i32)",
        ),
        (
            r#"(module (memory (export "memory") 1) (func (export "add") (param i64)))"#,
            "import host#adder: export add of the core module: the host has function (i64) -> (), the component function (i32) -> (i32)",
        ),
        (
            r#"(module (memory (export "memory") 0) (func (export "add") (param i32) (result i32) unreachable))"#,
            "import host#adder: export memory of the core module: the host has memory of 0 or more pages, the component memory of 1 or more pages",
        ),
        (
            r#"(module (import "env" "other" (func)) (memory (export "memory") 1)
                 (func (export "add") (param i32) (result i32) unreachable))"#,
            "import host#adder: import env other of the core module: the host has function () -> (), the component no such import",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(link_error(&component, &module(text)), message);
    }
}

#[test]
fn a_function_is_no_module() {
    let component =
        compile(r#"(component (import "m" (core module $m)) (core instance (instantiate $m)))"#);
    let mut linker = Linker::<()>::new(&ENGINE);
    linker.root().func_wrap("m", |_, (): ()| Ok(())).unwrap();
    let mut store = Store::new(&ENGINE, ()).unwrap();
    let error = linker.instantiate(&mut store, &component).unwrap_err();
    assert_eq!(
        error.to_string(),
        "import m is a core module and is defined as a function"
    );
}

#[test]
fn what_is_no_core_module_is_refused() {
    let error = Module::new(&ENGINE, &wat::parse_str("(component)").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "core module 0 does not compile: the bytes are not a core module in the binary format"
    );
}

#[test]
fn components_and_modules_of_another_engine_are_refused() {
    let other = crate::common::engine();
    let component = compile(IMPORTER);
    let foreign = Module::new(&other, &wat::parse_str(ADDER).unwrap()).unwrap();
    assert_eq!(
        link_error(&component, &foreign),
        "an imported core module was made with another engine than the store; use clones of one engine"
    );
    let mut store = Store::new(&other, ()).unwrap();
    let component = compile("(component)");
    let error = Linker::new(&other)
        .instantiate(&mut store, &component)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the component was made with another engine than the store; use clones of one engine"
    );
}
