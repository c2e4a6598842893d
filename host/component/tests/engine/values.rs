//! Hostile values: whatever a guest returns is checked before it becomes a value of the host. Each guest
//! here is a few bytes of static data behind a return pointer, or a flat value.

use crate::common::{engine, instantiate, instantiate_with};
use wasmer_component::{Error, Linker, StoreContextMut, Val};

/// What `f: func() -> TY` gives that returns its flat result as `core` constant of type i32.
fn flat(ty: &str, value: u32) -> Result<Val, Error> {
    call(&format!(
        r#"(component
             (core module $m (func (export "f") (result i32) (i32.const {value})))
             (core instance $m (instantiate $m))
             (func (export "f") (result {ty}) (canon lift (core func $m "f"))))"#
    ))
}

/// What `f: func() -> TY` gives whose result lies at address 16 and is `bytes` (in text form); the memory has one page.
fn stored(ty: &str, bytes: &str) -> Result<Val, Error> {
    stored_with(&[], ty, bytes, "")
}

fn stored_with(
    declarations: &[(&str, &str)],
    ty: &str,
    bytes: &str,
    options: &str,
) -> Result<Val, Error> {
    let declarations: String = declarations
        .iter()
        .map(|(name, definition)| {
            format!(
                "(type ${name}-def {definition}) (export ${name} \"{name}\" (type ${name}-def))\n"
            )
        })
        .collect();
    call(&format!(
        r#"(component
             {declarations}
             (core module $m
               (memory (export "memory") 1)
               (data (i32.const 16) "{bytes}")
               (data (i32.const 65533) "end")
               (func (export "f") (result i32) (i32.const 16)))
             (core instance $m (instantiate $m))
             (func (export "f") (result {ty}) (canon lift (core func $m "f") (memory (core memory $m "memory")) {options})))"#
    ))
}

fn call(text: &str) -> Result<Val, Error> {
    let (mut store, instance) = instantiate(text)?;
    let f = instance.get_func(&mut store, "f").unwrap();
    let outcome = f.call(&mut store, &[]);
    if outcome.is_err() {
        // A value that cannot be lifted is a trap: the instance is finished.
        let again = f.call(&mut store, &[]);
        assert!(
            matches!(again, Err(Error::Poisoned { .. })),
            "{again:?} after {outcome:?}"
        );
    }
    outcome.map(|value| value.unwrap())
}

#[track_caller]
fn assert_trap(outcome: Result<Val, Error>, part: &str) {
    match outcome {
        // a length beyond everything may also be met as the limit on lists
        Err(Error::Limit(_)) if part.is_empty() => {}
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

#[test]
fn any_non_zero_flat_value_is_true() {
    for (value, expected) in [
        (0, false),
        (1, true),
        (2, true),
        (0x100, true),
        (u32::MAX, true),
    ] {
        assert_eq!(flat("bool", value).unwrap(), Val::Bool(expected), "{value}");
    }
}

#[test]
fn any_non_zero_byte_is_true() {
    assert_eq!(
        stored("(tuple bool bool bool)", r"\00\01\80").unwrap(),
        Val::Tuple(vec![Val::Bool(false), Val::Bool(true), Val::Bool(true)])
    );
    assert_eq!(
        stored(
            "(list bool)",
            r"\20\00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\01\02\ff"
        )
        .unwrap(),
        Val::List(vec![
            Val::Bool(false),
            Val::Bool(true),
            Val::Bool(true),
            Val::Bool(true)
        ])
    );
}

#[test]
fn typed_lists_of_bools_take_any_non_zero_byte_too() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (data (i32.const 16) "\20\00\00\00\04\00\00\00")
               (data (i32.const 32) "\00\01\02\ff")
               (func (export "f") (result i32) (i32.const 16)))
             (core instance $m (instantiate $m))
             (func (export "f") (result (list bool)) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#,
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(), (Vec<bool>,)>(&mut store, "f")
        .unwrap();
    assert_eq!(
        f.call(&mut store, ()).unwrap(),
        (vec![false, true, true, true],)
    );
}

#[test]
fn chars_outside_unicode_trap() {
    for value in [0, 0xd7ff, 0xe000, 0x10ffff] {
        assert_eq!(
            flat("char", value).unwrap(),
            Val::Char(char::from_u32(value).unwrap())
        );
    }
    for value in [0xd800, 0xdfff, 0x110000, u32::MAX] {
        assert_trap(flat("char", value), "char");
    }
    assert_trap(
        stored("(tuple char char)", r"\61\00\00\00\00\d8\00\00"),
        "char",
    );
    assert_trap(
        stored(
            "(list char)",
            r"\20\00\00\00\02\00\00\00\00\00\00\00\00\00\00\00\61\00\00\00\00\00\11\00",
        ),
        "char",
    );
}

#[test]
fn flat_discriminants_out_of_range_trap() {
    for value in [2, 255, u32::MAX] {
        assert_trap(flat("(result)", value), "discriminant");
    }
    assert_eq!(flat("(result)", 1).unwrap(), Val::Result(Err(None)));
}

#[test]
fn stored_discriminants_out_of_range_trap() {
    assert_eq!(
        stored("(option u8)", r"\01\05").unwrap(),
        Val::Option(Some(Box::new(Val::U8(5))))
    );
    assert_trap(stored("(option u8)", r"\02\05"), "discriminant");
    assert_trap(stored("(result u8 (error u8))", r"\ff\05"), "discriminant");
    let variant: &[(&str, &str)] = &[(
        "va",
        r#"(variant (case "a" u32) (case "b") (case "c" u64))"#,
    )];
    assert_eq!(
        stored_with(
            variant,
            "$va",
            r"\02\00\00\00\00\00\00\00\01\00\00\00\00\00\00\80",
            ""
        )
        .unwrap(),
        Val::Variant(
            "c".to_owned(),
            Some(Box::new(Val::U64(0x8000_0000_0000_0001)))
        )
    );
    assert_trap(stored_with(variant, "$va", r"\03", ""), "discriminant");
    let enumeration: &[(&str, &str)] = &[("en", r#"(enum "a" "b")"#)];
    assert_eq!(
        stored_with(enumeration, "(tuple $en $en)", r"\01\00", "").unwrap(),
        Val::Tuple(vec![Val::Enum("b".to_owned()), Val::Enum("a".to_owned())])
    );
    assert_trap(
        stored_with(enumeration, "(tuple $en $en)", r"\00\02", ""),
        "discriminant",
    );
}

/// Only the low byte of a discriminant in memory counts: what stands in the padding is not looked at.
#[test]
fn padding_is_not_looked_at() {
    assert_eq!(
        stored("(option u32)", r"\01\ff\ff\ff\07\00\00\00").unwrap(),
        Val::Option(Some(Box::new(Val::U32(7))))
    );
    assert_eq!(
        stored("(tuple u8 u32)", r"\01\ff\ff\ff\07\00\00\00").unwrap(),
        Val::Tuple(vec![Val::U8(1), Val::U32(7)])
    );
}

/// Payload of a case that is not chosen may be anything.
#[test]
fn payload_of_another_case_is_not_looked_at() {
    assert_eq!(
        stored("(option string)", r"\00\00\00\00\ff\ff\ff\ff\ff\ff\ff\ff").unwrap(),
        Val::Option(None)
    );
    assert_eq!(
        stored("(result char (error u8))", r"\01\00\00\00\41\ff\ff\ff").unwrap(),
        Val::Result(Err(Some(Box::new(Val::U8(0x41)))))
    );
}

#[test]
fn strings_out_of_bounds_trap() {
    // the last three bytes of memory are "end"
    assert_eq!(
        stored("string", r"\fd\ff\00\00\03\00\00\00").unwrap(),
        Val::String("end".into())
    );
    assert_trap(stored("string", r"\fd\ff\00\00\04\00\00\00"), "bounds");
    assert_trap(stored("string", r"\00\00\01\00\01\00\00\00"), "bounds");
    // pointer + length wraps around 32 bits
    assert_trap(stored("string", r"\fd\ff\ff\ff\10\00\00\00"), "bounds");
    assert_trap(stored("string", r"\10\00\00\00\ff\ff\ff\ff"), "");
}

#[test]
fn empty_strings_and_lists_may_end_at_the_end_of_memory_but_not_lie_beyond() {
    assert_eq!(
        stored("string", r"\00\00\01\00\00\00\00\00").unwrap(),
        Val::String("".into())
    );
    assert_trap(stored("string", r"\01\00\01\00\00\00\00\00"), "bounds");
    assert_trap(stored("string", r"\ff\ff\ff\ff\00\00\00\00"), "bounds");
    assert_eq!(
        stored("(list u8)", r"\00\00\01\00\00\00\00\00").unwrap(),
        Val::Bytes(vec![])
    );
    assert_trap(stored("(list u8)", r"\01\00\01\00\00\00\00\00"), "bounds");
    assert_eq!(
        stored("(list u64)", r"\00\00\01\00\00\00\00\00").unwrap(),
        Val::from(Vec::<u64>::new())
    );
    assert_trap(stored("(list u64)", r"\08\00\01\00\00\00\00\00"), "bounds");
}

#[test]
fn lists_must_be_aligned_even_when_empty() {
    assert_trap(stored("(list u16)", r"\21\00\00\00\01\00\00\00"), "align");
    assert_trap(stored("(list u64)", r"\24\00\00\00\01\00\00\00"), "align");
    assert_trap(stored("(list u32)", r"\22\00\00\00\00\00\00\00"), "align");
    assert_trap(
        stored("(list string)", r"\21\00\00\00\01\00\00\00"),
        "align",
    );
    assert_eq!(
        stored("(list u8)", r"\21\00\00\00\01\00\00\00").unwrap(),
        Val::Bytes(vec![0])
    );
}

#[test]
fn lists_out_of_bounds_trap_before_anything_is_allocated() {
    assert_trap(stored("(list u8)", r"\00\ff\00\00\01\01\00\00"), "bounds");
    assert_trap(stored("(list u32)", r"\00\ff\00\00\41\00\00\00"), "bounds");
    // length * size wraps around 32 bits: 0x4000_0001 * 4 = 4
    assert_trap(stored("(list u32)", r"\20\00\00\00\01\00\00\40"), "");
    assert_trap(stored("(list u64)", r"\20\00\00\00\01\00\00\20"), "");
    assert_trap(stored("(list string)", r"\20\00\00\00\ff\ff\ff\1f"), "");
    // and inside a list that is itself in bounds
    assert_trap(
        stored(
            "(list string)",
            r"\18\00\00\00\01\00\00\00\fd\ff\00\00\04\00\00\00",
        ),
        "bounds",
    );
}

#[test]
fn return_pointers_must_be_aligned_and_in_bounds() {
    for (pointer, part) in [
        (17u32, "align"),
        (65536, "bounds"),
        (65532, "bounds"),
        (0xffff_fffc, "bounds"),
    ] {
        assert_trap(
            call(&format!(
                r#"(component
                     (core module $m
                       (memory (export "memory") 1)
                       (func (export "f") (result i32) (i32.const {pointer})))
                     (core instance $m (instantiate $m))
                     (func (export "f") (result (tuple u32 u32)) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#
            )),
            part,
        );
    }
}

/// The pointers that a guest gives to an import: its spilled parameters and the place for the result.
#[test]
fn pointers_given_to_an_import_must_be_aligned_and_in_bounds() {
    let run = |params: u32, result: u32| {
        let engine = engine();
        let mut linker = Linker::<u32>::new(&engine);
        linker
            .instance("test:abi/host")
            .unwrap()
            .func_new("f", |mut cx: StoreContextMut<'_, u32>, _ty, _params| {
                *cx.data_mut() += 1;
                Ok(Some(Val::Tuple(vec![Val::U32(1), Val::U32(2)])))
            })
            .unwrap();
        let members = "u32 ".repeat(17);
        let text = format!(
            r#"(component
                 (import "test:abi/host" (instance $host
                   (export "f" (func (param "v" (tuple {members})) (result (tuple u32 u32))))))
                 (core module $mem (memory (export "memory") 1))
                 (core instance $mem (instantiate $mem))
                 (core func $f (canon lower (func $host "f") (memory (core memory $mem "memory"))))
                 (core module $m
                   (import "host" "f" (func $f (param i32 i32)))
                   (func (export "f") (result i32) (call $f (i32.const {params}) (i32.const {result})) (i32.const 0)))
                 (core instance $m (instantiate $m (with "host" (instance (export "f" (func $f))))))
                 (func (export "f") (result u32) (canon lift (core func $m "f"))))"#
        );
        let (mut store, instance) = instantiate_with(&engine, &linker, 0, &text).unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        f.call(&mut store, &[]).map(|value| value.unwrap())
    };
    assert_eq!(run(16, 128).unwrap(), Val::U32(0));
    assert_trap(run(18, 128), "align");
    assert_trap(run(65536 - 64, 128), "bounds");
    assert_trap(run(0xffff_fffc, 128), "bounds");
    assert_trap(run(16, 129), "align");
    assert_trap(run(16, 65532), "bounds");
    assert_trap(run(16, 0xffff_fffc), "bounds");
}

/// Deep nesting is bounded by what the validator admits and neither overflows nor goes astray.
#[test]
fn deeply_nested_options_lift() {
    let depth = 40;
    let ty = format!("{}u8{}", "(option ".repeat(depth), ")".repeat(depth));
    let bytes = format!("{}\\07", "\\01".repeat(depth));
    let mut expected = Val::U8(7);
    for _ in 0..depth {
        expected = Val::Option(Some(Box::new(expected)));
    }
    assert_eq!(stored(&ty, &bytes).unwrap(), expected);
}
