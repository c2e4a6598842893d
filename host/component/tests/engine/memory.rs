//! Memory: what the guest's allocator may answer, and that no view of guest memory outlives a call into the guest.

use crate::common::{LIBC, engine, instantiate, instantiate_with};
use wasmer_component::{Error, Linker, Val};

/// `f(v: TY) -> u32` over an allocator with the given body (parameters $old $old_size $align $size); answers
/// the pointer it got.
fn with_allocator(ty: &str, realloc: &str, value: Val) -> Result<Val, Error> {
    let (mut store, instance) = instantiate(&format!(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                 {realloc})
               (func (export "f") (param i32 i32) (result i32) (local.get 0)))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" {ty}) (result u32)
               (canon lift (core func $m "f") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))"#
    ))?;
    let f = instance.get_func(&mut store, "f").unwrap();
    f.call(&mut store, &[value]).map(|value| value.unwrap())
}

#[track_caller]
fn assert_trap(outcome: Result<Val, Error>, part: &str) {
    match outcome {
        Err(error @ Error::Trap(_)) => {
            let text = error.to_string();
            assert!(
                text.contains(part),
                "the trap does not speak of `{part}`: {text}"
            );
        }
        other => panic!("expected a trap about `{part}`, got {other:?}"),
    }
}

fn bytes(count: usize) -> Val {
    Val::List(vec![Val::U8(1); count])
}

#[test]
fn pointers_from_realloc_are_checked() {
    assert_eq!(
        with_allocator("(list u8)", "(i32.const 65533)", bytes(3)).unwrap(),
        Val::U32(65533)
    );
    assert_trap(
        with_allocator("(list u8)", "(i32.const 65534)", bytes(3)),
        "beyond end of memory",
    );
    assert_trap(
        with_allocator("(list u8)", "(i32.const -1)", bytes(3)),
        "beyond end of memory",
    );
    assert_trap(
        with_allocator("(list u64)", "(i32.const 12)", Val::List(vec![Val::U64(1)])),
        "align",
    );
    assert_trap(
        with_allocator(
            "(list u64)",
            "(i32.const 65536)",
            Val::List(vec![Val::U64(1)]),
        ),
        "beyond end of memory",
    );
    assert_trap(
        with_allocator(
            "(list string)",
            "(i32.const 6)",
            Val::List(vec![Val::String("".into())]),
        ),
        "align",
    );
    assert_trap(
        with_allocator(
            "string",
            "(i32.const 0xfffffff0)",
            Val::String("long enough to wrap".into()),
        ),
        "beyond end of memory",
    );
}

/// Also for values without bytes, whether or not the allocator is asked.
#[test]
fn empty_values_need_no_valid_memory_beyond_its_end() {
    assert_eq!(
        with_allocator("(list u8)", "(i32.const 65536)", bytes(0))
            .map(|_| ())
            .map_err(|e| e.to_string()),
        Ok(())
    );
    assert_eq!(
        with_allocator("string", "(i32.const 65536)", Val::String("".into()))
            .map(|_| ())
            .map_err(|e| e.to_string()),
        Ok(())
    );
}

/// The first allocation of a block says so: old pointer 0, old size 0, and the alignment of the elements.
#[test]
fn realloc_is_first_called_with_old_size_zero() {
    for (ty, value, align, size) in [
        ("(list u8)", bytes(5), 1, 5),
        ("(list u16)", Val::List(vec![Val::U16(1); 3]), 2, 6),
        (
            "(list (tuple u8 u64))",
            Val::List(vec![Val::Tuple(vec![Val::U8(1), Val::U64(2)]); 3]),
            8,
            48,
        ),
        ("(list (list u8))", Val::List(vec![Val::List(vec![])]), 4, 8),
    ] {
        // the zero-sized request for the empty inner list, if there is one, is let through
        let body = format!(
            r#"(if (i32.eqz (local.get $size)) (then (return (i32.const 8))))
               (if (i32.or (local.get $old) (local.get $old_size)) (then unreachable))
               (if (i32.ne (local.get $align) (i32.const {align})) (then unreachable))
               (if (i32.ne (local.get $size) (i32.const {size})) (then unreachable))
               (i32.const 1024)"#
        );
        assert_eq!(
            with_allocator(ty, &body, value).unwrap(),
            Val::U32(1024),
            "{ty}"
        );
    }
}

#[test]
fn a_trap_in_realloc_ends_the_call_and_poisons() {
    assert_trap(
        with_allocator("(list u8)", "unreachable", bytes(5)),
        "unreachable",
    );
}

/// Each of many strings moves the memory: were a base pointer kept over the allocator's `memory.grow`, the
/// rest would be written to the old mapping.
#[test]
fn memory_may_grow_while_we_lower() {
    let text = r#"(component
             (core module $m
               (memory (export "memory") 1)
               (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
                 ;; every block gets pages of its own
                 (i32.mul (i32.const 65536)
                   (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
               (func (export "f") (param i32 i32) (result i32)
                 (i32.store (i32.const 0) (local.get 0))
                 (i32.store (i32.const 4) (local.get 1))
                 (i32.const 0)))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" (list (tuple string (list u32)))) (result (list (tuple string (list u32))))
               (canon lift (core func $m "f") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))"#;
    type V = Vec<(String, Vec<u32>)>;
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance
        .get_typed_func::<(V,), (V,)>(&mut store, "f")
        .unwrap();
    let value: V = (0..200)
        .map(|i| (format!("string {i}"), vec![i; i as usize]))
        .collect();
    assert_eq!(f.call(&mut store, (value.clone(),)).unwrap(), (value,));
}

/// The same on the way into a guest as an import's result.
#[test]
fn memory_may_grow_while_an_imports_result_is_lowered() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("strings", |_cx, (n,): (u32,)| {
            Ok(((0..n).map(|i| format!("string {i}")).collect::<Vec<_>>(),))
        })
        .unwrap();
    let text = r#"
(component
  (import "strings" (func $strings (param "n" u32) (result (list string))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (i32.mul (i32.const 65536)
        (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))))))
  (core instance $libc (instantiate $libc))
  (core func $strings (canon lower (func $strings) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "h" "strings" (func $strings (param i32 i32)))
    (func (export "f") (param i32) (result i32) (call $strings (local.get 0) (i32.const 64)) (i32.const 64)))
  (core instance $m (instantiate $m (with "h" (instance (export "strings" (func $strings))))))
  (func (export "f") (param "n" u32) (result (list string)) (canon lift (core func $m "f") (memory (core memory $libc "memory")))))
"#;
    let (mut store, instance) = instantiate_with(&engine, &linker, (), text).unwrap();
    let f = instance
        .get_typed_func::<(u32,), (Vec<String>,)>(&mut store, "f")
        .unwrap();
    let expected: Vec<String> = (0..300).map(|i| format!("string {i}")).collect();
    assert_eq!(f.call(&mut store, (300,)).unwrap(), (expected,));
}

/// Spilled parameters: one block for the tuple, allocated before what is inside it, everything at its place.
#[test]
fn spilled_parameters_survive_growth() {
    let count = 20;
    let params: String = (0..count)
        .map(|i| format!("(param \"p{i}\" string) "))
        .collect();
    let text = format!(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
                 (i32.mul (i32.const 65536)
                   (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
               (func (export "f") (param $at i32) (result i32)
                 (i32.store (i32.const 0) (local.get $at))
                 (i32.store (i32.const 4) (i32.const {count}))
                 (i32.const 0)))
             (core instance $m (instantiate $m))
             (func (export "f") {params} (result (list string))
               (canon lift (core func $m "f") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))"#
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    let params: Vec<Val> = (0..count).map(|i| Val::String(format!("p{i}"))).collect();
    assert_eq!(
        f.call(&mut store, &params).unwrap(),
        Some(Val::List(params))
    );
}

/// A list whose bytes are as long as the guest's whole memory.
#[test]
fn a_list_may_be_as_long_as_the_memory() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m
               (memory (export "memory") 2)
               (global $pages (mut i32) (i32.const 0))
               (data (i32.const 65536) "\00\00\00\00\00\00\02\00")
               (func (export "f") (result i32) (i32.const 65536)))
             (core instance $m (instantiate $m))
             (func (export "f") (result (list u8)) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#,
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    let (list,) = f.call(&mut store, ()).unwrap();
    let mut expected = vec![0u8; 131072];
    expected[65536 + 6] = 2;
    assert_eq!(list, expected);
}

/// 64 bit memories are another ABI; the validator or we say so, without a panic.
#[test]
fn a_component_over_a_64_bit_memory_is_refused_or_unsupported() {
    let text = r#"(component
        (core module $m (memory (export "memory") i64 1) (func (export "f") (result i32) (i32.const 0)))
        (core instance $m (instantiate $m))
        (func (export "f") (result string) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#;
    let error = instantiate(text).expect_err("no 64 bit memories here");
    assert!(
        matches!(error, Error::Translate(_) | Error::Unsupported(_)),
        "{error:?}"
    );
}

/// How often the allocator is called: one call for a byte list, whatever its size.
#[test]
fn a_byte_list_costs_one_allocation() {
    let text = format!(
        r#"(component
             {LIBC}
             (core module $m (func (export "f") (param i32 i32)))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" (list u8))
               (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
             (func (export "calls") (result u32) (canon lift (core func $libc "realloc-calls"))))"#
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(&[u8],), ()>(&mut store, "f")
        .unwrap();
    let calls = instance
        .get_typed_func::<(), (u32,)>(&mut store, "calls")
        .unwrap();
    let bytes = vec![1; 3_000_000];
    f.call(&mut store, (&bytes,)).unwrap();
    assert_eq!(calls.call(&mut store, ()).unwrap(), (1,));
    f.call(&mut store, (&[],)).unwrap();
    assert!(calls.call(&mut store, ()).unwrap().0 <= 2);
}
