//! What the engine's tests share: a default engine, a heap for guests written as text, and the echo
//! component, which sends one value through all four crossings (host to guest and back, on both sides of a
//! call). What a test is about stays in the test: nothing here asserts anything but "it worked".

use wasmer_component::{Compiler, Component, Config, Engine, Instance, Linker, Result, Store};

/// A core module with one memory (`memory`) and a bump allocator (`realloc`) that grows the memory when it
/// must, moves what was there, and never gives anything back.
pub const LIBC: &str = r#"
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 4096))
    (global $calls (export "calls") (mut i32) (i32.const 0))
    (func (export "realloc-calls") (result i32) (global.get $calls))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $new_size i32)
      (result i32)
      (local $at i32) (local $end i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      ;; shrinking happens in place
      (if (i32.and (i32.ne (local.get $old) (i32.const 0)) (i32.le_u (local.get $new_size) (local.get $old_size)))
        (then (return (local.get $old))))
      (local.set $at
        (i32.and
          (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (local.set $end (i32.add (local.get $at) (local.get $new_size)))
      (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq (i32.const -1)
                (memory.grow
                  (i32.add (i32.const 1)
                    (i32.div_u
                      (i32.sub (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
                      (i32.const 65536)))))
            (then unreachable))))
      (global.set $top (local.get $end))
      (memory.copy (local.get $at) (local.get $old) (local.get $old_size))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
"#;

/// Names the environment variable that says which compiler the tests run with; the default one without it.
pub const COMPILER_VARIABLE: &str = "WASMER_COMPONENT_TEST_COMPILER";

/// The compiler that the tests run with.
pub fn compiler() -> Compiler {
    let Ok(name) = std::env::var(COMPILER_VARIABLE) else {
        return Compiler::default();
    };
    let mut all = Compiler::ALL.into_iter();
    match all.find(|compiler| compiler.name() == name) {
        Some(compiler) => compiler,
        None => panic!("{COMPILER_VARIABLE} names no compiler: {name}"),
    }
}

/// The configuration every test uses unless it is about engines.
pub fn config() -> Config {
    Config::new().compiler(compiler())
}

/// The engine every test uses unless it is about engines.
pub fn engine() -> Engine {
    Engine::new(&config()).expect("the compiler is built in")
}

/// Compiles component text.
pub fn compile(engine: &Engine, text: &str) -> Result<Component> {
    let bytes = match wat::parse_str(text) {
        Ok(bytes) => bytes,
        Err(error) => panic!("the test's own text is wrong: {error}\n{text}"),
    };
    Component::new(engine, &bytes)
}

/// Compiles component text and makes an instance without any import.
pub fn instantiate(text: &str) -> Result<(Store<()>, Instance)> {
    let engine = engine();
    instantiate_with(&engine, &Linker::new(&engine), (), text)
}

/// Compiles component text and makes an instance with what the linker defines.
pub fn instantiate_with<T: Send + 'static>(
    engine: &Engine,
    linker: &Linker<T>,
    data: T,
    text: &str,
) -> Result<(Store<T>, Instance)> {
    let component = compile(engine, text)?;
    let mut store = Store::new(engine, data)?;
    let instance = linker.instantiate(&mut store, &component)?;
    Ok((store, instance))
}

/// A component with `f: func(v: T) -> T` that hands its parameter to the import `f` of `test:abi/host`
/// and gives back what that answers. `declarations` defines what `ty` names inside the imported
/// instance type, one `(NAME, DEFINITION)` each; `flat` are the core types that one `T` flattens to,
/// which the validator compares with the type.
pub fn echo(declarations: &[(&str, &str)], ty: &str, flat: &[&str], options: &str) -> String {
    let mut inside = String::new();
    let mut outside = String::new();
    for (name, definition) in declarations {
        inside += &format!(
            "(type ${name}-def {definition}) (export \"{name}\" (type ${name} (eq ${name}-def)))\n"
        );
        outside += &format!("(alias export $host \"{name}\" (type ${name}))\n");
    }
    let spilled = flat.len() > 16;
    let params = if spilled {
        "i32".to_owned()
    } else {
        flat.join(" ")
    };
    let count = if spilled { 1 } else { flat.len() };
    let gets: String = (0..count).map(|i| format!("(local.get {i}) ")).collect();
    let (import, body, result) = if flat.len() > 1 {
        (
            format!("(param {params} i32)"),
            format!("(call $f {gets} (i32.const 1024)) (i32.const 1024)"),
            "i32".to_owned(),
        )
    } else {
        (
            format!("(param {params}) (result {params})"),
            format!("(call $f {gets})"),
            params.clone(),
        )
    };
    format!(
        r#"
(component
  (import "test:abi/host" (instance $host
    {inside}
    (export "f" (func (param "v" {ty}) (result {ty})))))
  {outside}
  {LIBC}
  (core func $f (canon lower (func $host "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {options}))
  (core module $m
    (import "host" "f" (func $f {import}))
    (func (export "f") (param {params}) (result {result}) {body}))
  (core instance $m (instantiate $m (with "host" (instance (export "f" (func $f))))))
  (func (export "f") (param "v" {ty}) (result {ty})
    (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {options})))
"#
    )
}
