//! Arbitrary bytes as a component: never a panic, never without end, never memory without bounds; an error, or a component that
//! can be stored, loaded, instantiated and called within limits.

use super::mutate::{damage, damage_bytes};
use super::{Case, artifact};
use crate::abi::Encoding;
use crate::choices::Choices;
use crate::guest::{composed, single};
use crate::memory;
use crate::types::{Drafts, Signature};
use std::time::Duration;
use wasmer_component::types::ExternType;
use wasmer_component::{Component, Linker, Store, StoreLimits};

/// The most that compiling a component of some KiB may take, in bytes.
const MEMORY: usize = 512 << 20;

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let seeds = seeds(c)?;
    let bytes = match c.below(10) {
        9 => {
            let len = c.length(400);
            let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
            bytes.extend((0..len).map(|_| c.any() as u8));
            bytes
        }
        8 => {
            let seed = c.pick(&seeds).map_or(&[][..], Vec::as_slice);
            damage_bytes(c, seed, &seeds)
        }
        _ => {
            let mut bytes = c.pick(&seeds).cloned().unwrap_or_default();
            for _ in 0..1 + c.below(3) {
                bytes = damage(c, &bytes, &seeds, 3);
            }
            bytes
        }
    };
    case.note("component.wasm", bytes.clone());
    let begun = memory::begin();
    let component = Component::new(case.engine, &bytes);
    let used = memory::peak_since(begun);
    if used > MEMORY {
        return Err(format!(
            "{used} bytes of memory for a component of {} bytes",
            bytes.len()
        ));
    }
    match component {
        Err(_) => Ok(()),
        Ok(component) => exercise(case, &component),
    }
}

/// Binaries to damage: generated guests, and texts that hold what those do not.
fn seeds(c: &mut Choices) -> Result<Vec<Vec<u8>>, String> {
    let (f, g) = (
        Signature::any(c, Drafts::ALL),
        Signature::any(c, Drafts::ALL),
    );
    let generated = [
        single(&f, &g, Encoding::any(c)),
        composed(&f, Encoding::any(c), Encoding::any(c)),
    ];
    let texts = generated
        .iter()
        .map(String::as_str)
        .chain(SEEDS.iter().copied());
    texts
        .map(|text| wat::parse_str(text).map_err(|e| format!("a seed is wrong: {e}")))
        .collect()
}

/// What damage left valid must still behave.
fn exercise(case: &mut Case<'_>, component: &Component) -> Result<(), String> {
    artifact::round_trip(case, component)?;
    let limits = StoreLimits {
        memory_bytes: Some(32 << 20),
        table_elements: Some(10_000),
        list_bytes: 1 << 20,
    };
    let mut store =
        Store::with_limits(case.engine, (), limits).map_err(|e| format!("no store: {e}"))?;
    store.set_call_timeout(Some(Duration::from_millis(500)));
    let Ok(instance) = Linker::new(case.engine).instantiate(&mut store, component) else {
        return Ok(());
    };
    for (name, ty) in component.exports() {
        if matches!(ty, ExternType::Func(_))
            && component
                .function(name)
                .is_some_and(|f| f.params.is_empty())
        {
            let Some(func) = instance.get_func(&mut store, name) else {
                return Err(format!("{name} is an exported function and cannot be had"));
            };
            // Whatever comes of it: it returns.
            drop(func.call(&mut store, &[]));
        }
    }
    Ok(())
}

/// Components with what the generator does not make: resources, several modules over one table, start functions, nesting,
/// re-exports, imported and exported instances.
pub const SEEDS: &[&str] = &[
    r#"(component
      (core module $d (func (export "d") (param i32)))
      (core instance $d (instantiate $d))
      (type $r' (resource (rep i32) (dtor (core func $d "d"))))
      (export $r "r" (type $r'))
      (core func $new (canon resource.new $r'))
      (core func $rep (canon resource.rep $r'))
      (core func $drop (canon resource.drop $r'))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (import "" "rep" (func $rep (param i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "make") (result i32) (call $new (i32.const 7)))
        (func (export "get") (param i32) (result i32) (local.get 0))
        (func (export "churn") (result i32) (local i32)
          (local.set 0 (call $new (i32.const 9)))
          (call $rep (local.get 0))
          (call $drop (local.get 0))))
      (core instance $m (instantiate $m (with "" (instance
        (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
      (func (export "[constructor]r") (result (own $r)) (canon lift (core func $m "make")))
      (func (export "[method]r.get") (param "self" (borrow $r)) (result u32) (canon lift (core func $m "get")))
      (func (export "churn") (result u32) (canon lift (core func $m "churn"))))"#,
    r#"(component
      (core module $table (table (export "t") 4 funcref))
      (core instance $table (instantiate $table))
      (core module $fill
        (import "" "t" (table 4 funcref))
        (func $a (result i32) (i32.const 11)) (func $b (result i32) (i32.const 22))
        (elem (i32.const 1) func $a $b))
      (core instance (instantiate $fill (with "" (instance $table))))
      (core module $use
        (import "" "t" (table 4 funcref))
        (type $f (func (result i32)))
        (global $g (mut i32) (i32.const 0))
        (func $start (global.set $g (i32.const 5)))
        (start $start)
        (func (export "run") (result i32)
          (i32.add (global.get $g) (i32.add (call_indirect (type $f) (i32.const 1)) (call_indirect (type $f) (i32.const 2))))))
      (core instance $use (instantiate $use (with "" (instance $table))))
      (func $run (result u32) (canon lift (core func $use "run")))
      (instance $i (export "run" (func $run)))
      (export "test:seed/i@1.2.3" (instance $i))
      (export "run" (func $run)))"#,
    r#"(component
      (component $inner
        (import "log" (func $log (param "s" string)))
        (core module $libc
          (memory (export "m") 1)
          (data (i32.const 64) "gr\c3\bc\c3\9fe")
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $libc (instantiate $libc))
        (core func $log (canon lower (func $log) (memory (core memory $libc "m")) string-encoding=utf8))
        (core module $m (import "" "log" (func $log (param i32 i32)))
          (func (export "go") (call $log (i32.const 64) (i32.const 7))))
        (core instance $m (instantiate $m (with "" (instance (export "log" (func $log))))))
        (func (export "go") (canon lift (core func $m "go"))))
      (component $logger
        (core module $libc
          (memory (export "m") 1)
          (global $n (mut i32) (i32.const 0))
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "log") (param i32 i32) (global.set $n (local.get 1)))
          (func (export "count") (result i32) (global.get $n)))
        (core instance $libc (instantiate $libc))
        (func (export "log") (param "s" string)
          (canon lift (core func $libc "log") (memory (core memory $libc "m")) (realloc (core func $libc "realloc")) string-encoding=utf16))
        (func (export "count") (result u32) (canon lift (core func $libc "count"))))
      (instance $logger (instantiate $logger))
      (instance $inner (instantiate $inner (with "log" (func $logger "log"))))
      (export "go" (func $inner "go"))
      (export "count" (func $logger "count"))
      (export "logger" (instance $logger)))"#,
];
