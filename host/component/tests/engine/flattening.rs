//! Shape: how values become core parameters and results. At most 16 flat parameters and one flat result;
//! what is more goes through memory. The core types in the component text are checked against the
//! component's types by the validator, so an echo that comes back whole proves our flattening right.

use crate::common::{echo, engine, instantiate, instantiate_with};
use wasmer_component::{ComponentType, Lift, Linker, Lower, Val};

/// Sends `value` through the echo component typed and returns what came back, having checked that the
/// host's import saw it too.
fn through<T>(declarations: &[(&str, &str)], ty: &str, flat: &[&str], value: T) -> T
where
    T: ComponentType + Lift + Lower + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let engine = engine();
    let mut linker = Linker::<Vec<T>>::new(&engine);
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_wrap(
            "f",
            |mut cx: wasmer_component::StoreContextMut<'_, Vec<T>>, (v,): (T,)| {
                cx.data_mut().push(v.clone());
                Ok((v,))
            },
        )
        .unwrap();
    let (mut store, instance) = instantiate_with(
        &engine,
        &linker,
        Vec::new(),
        &echo(declarations, ty, flat, ""),
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(T,), (T,)>(&mut store, "f")
        .unwrap();
    let (back,) = f.call(&mut store, (value.clone(),)).unwrap();
    assert_eq!(store.data().as_slice(), std::slice::from_ref(&value));
    back
}

/// The same with `Val`s and a host function that knows no types.
fn through_val(declarations: &[(&str, &str)], ty: &str, flat: &[&str], value: Val) -> Val {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_new("f", |_cx, _ty, params| Ok(params.first().cloned()))
        .unwrap();
    let (mut store, instance) =
        instantiate_with(&engine, &linker, (), &echo(declarations, ty, flat, "")).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    f.call(&mut store, std::slice::from_ref(&value))
        .unwrap()
        .unwrap()
}

macro_rules! echoes {
    ($($name:ident: $ty:literal [$($flat:literal)*] $($value:expr),+;)*) => {$(
        #[test]
        fn $name() {
            let flat = [$($flat),*];
            $(
                let value = $value;
                assert_eq!(through(&[], $ty, &flat, value.clone()), value);
            )+
        }
    )*};
}

echoes! {
    bool_echoes: "bool" ["i32"] true, false;
    u8_echoes: "u8" ["i32"] 0u8, 255u8;
    s8_echoes: "s8" ["i32"] -128i8, -1i8, 127i8;
    u16_echoes: "u16" ["i32"] 0u16, u16::MAX;
    s16_echoes: "s16" ["i32"] i16::MIN, -1i16, i16::MAX;
    u32_echoes: "u32" ["i32"] 0u32, u32::MAX;
    s32_echoes: "s32" ["i32"] i32::MIN, -1i32, i32::MAX;
    u64_echoes: "u64" ["i64"] 0u64, u64::MAX;
    s64_echoes: "s64" ["i64"] i64::MIN, -1i64, i64::MAX;
    f32_echoes: "f32" ["f32"] 0.0f32, -0.0f32, f32::MIN_POSITIVE, f32::NEG_INFINITY;
    f64_echoes: "f64" ["f64"] 0.0f64, -1.5e300f64, f64::INFINITY;
    char_echoes: "char" ["i32"] 'a', '\u{d7ff}', '\u{e000}', '\u{10ffff}', '\0';
    string_echoes: "string" ["i32" "i32"] String::new(), "grüß dich 🐿".to_owned(), "x".repeat(200_000);
    byte_list_echoes: "(list u8)" ["i32" "i32"] Vec::<u8>::new(), vec![1u8, 2, 255], vec![7u8; 300_000];
    u32_list_echoes: "(list u32)" ["i32" "i32"] Vec::<u32>::new(), vec![1u32, u32::MAX, 3];
    s64_list_echoes: "(list s64)" ["i32" "i32"] vec![i64::MIN, -1, i64::MAX];
    f64_list_echoes: "(list f64)" ["i32" "i32"] vec![1.0f64, -2.5];
    bool_list_echoes: "(list bool)" ["i32" "i32"] vec![true, false, true];
    string_list_echoes: "(list string)" ["i32" "i32"] vec!["a".to_owned(), String::new(), "ccc".to_owned()];
    list_of_lists_echoes: "(list (list u16))" ["i32" "i32"] vec![vec![1u16, 2], vec![], vec![3]];
    option_echoes: "(option u64)" ["i32" "i64"] None::<u64>, Some(u64::MAX);
    option_of_string_echoes: "(option string)" ["i32" "i32" "i32"] None::<String>, Some("s".to_owned());
    nested_options_echo: "(option (option (option u8)))" ["i32" "i32" "i32" "i32"]
        None::<Option<Option<u8>>>, Some(None::<Option<u8>>), Some(Some(None::<u8>)), Some(Some(Some(9u8)));
    result_echoes: "(result u32 (error string))" ["i32" "i32" "i32"]
        Ok::<u32, String>(u32::MAX), Err::<u32, String>("no".to_owned());
    result_without_payloads_echoes: "(result)" ["i32"] Ok::<(), ()>(()), Err::<(), ()>(());
    result_with_error_only_echoes: "(result (error u8))" ["i32" "i32"] Ok::<(), u8>(()), Err::<(), u8>(3);
    result_with_ok_only_echoes: "(result f32)" ["i32" "f32"] Ok::<f32, ()>(1.5), Err::<f32, ()>(());
    tuple_echoes: "(tuple u8 u64 string)" ["i32" "i64" "i32" "i32"] (1u8, u64::MAX, "t".to_owned());
    one_tuple_echoes: "(tuple f64)" ["f64"] (0.25f64,);
    list_of_padded_tuples_echoes: "(list (tuple u8 u64 u16))" ["i32" "i32"] vec![(1u8, 2u64, 3u16), (255, u64::MAX, 9)];
    // i32|f32 join to i32
    join_of_i32_and_f32_echoes: "(result u32 (error f32))" ["i32" "i32"]
        Ok::<u32, f32>(u32::MAX), Err::<u32, f32>(-0.0);
    // anything with 64 bits joins to i64
    join_of_i32_and_i64_echoes: "(result s32 (error s64))" ["i32" "i64"] Ok::<i32, i64>(-1), Err::<i32, i64>(i64::MIN);
    join_of_f32_and_f64_echoes: "(result f32 (error f64))" ["i32" "i64"]
        Ok::<f32, f64>(-1.5), Err::<f32, f64>(f64::MIN);
    join_of_f32_and_i64_echoes: "(result f32 (error u64))" ["i32" "i64"]
        Ok::<f32, u64>(f32::MAX), Err::<f32, u64>(u64::MAX);
    join_of_f64_and_i64_echoes: "(result f64 (error u64))" ["i32" "i64"]
        Ok::<f64, u64>(f64::EPSILON), Err::<f64, u64>(u64::MAX);
    join_of_unequal_lengths_echoes: "(result (tuple u8 f32 f64) (error (tuple f64 s16)))"
        ["i32" "i64" "i32" "f64"]
        Ok::<(u8, f32, f64), (f64, i16)>((200, 1.5, 2.5)), Err::<(u8, f32, f64), (f64, i16)>((3.5, -7));
    // A variant inside a tuple must leave the reader exactly where the next member starts.
    value_after_a_short_case_echoes: "(tuple (result (tuple u32 u64 u32) (error u8)) u32)"
        ["i32" "i32" "i64" "i32" "i32"]
        (Ok::<(u32, u64, u32), u8>((1, 2, 3)), 4u32), (Err::<(u32, u64, u32), u8>(5), 6u32);
    sixteen_flat_values_echo: "(tuple (tuple u8 u8 u8 u8 u8 u8) (tuple u8 u8 u8 u8 u8 u8) (tuple u16 u32 u64 f32))"
        ["i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i64" "f32"]
        ((1u8, 2u8, 3u8, 4u8, 5u8, 6u8), (7u8, 8u8, 9u8, 10u8, 11u8, 12u8), (13u16, 14u32, 15u64, 16f32));
    seventeen_flat_values_spill: "(tuple (tuple u8 u8 u8 u8 u8 u8) (tuple u8 u8 u8 u8 u8 u8) (tuple u16 u32 u64 f32 s8))"
        ["i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i64" "f32" "i32"]
        ((1u8, 2u8, 3u8, 4u8, 5u8, 6u8), (7u8, 8u8, 9u8, 10u8, 11u8, 12u8), (13u16, 14u32, 15u64, 16f32, -17i8));
    spilled_strings_echo: "(tuple string string string string string string string string (option string))"
        ["i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32" "i32"]
        ("a".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned(), "e".to_owned(), "f".to_owned(), "g".to_owned(),
         "h".to_owned(), Some("i".to_owned()));
}

#[test]
fn nan_stays_nan() {
    assert!(through_nan("f32"));
    assert!(through_nan("f64"));
}

fn through_nan(ty: &str) -> bool {
    match through_val(
        &[],
        ty,
        &[ty],
        if ty == "f32" {
            Val::F32(f32::NAN)
        } else {
            Val::F64(f64::NAN)
        },
    ) {
        Val::F32(value) => value.is_nan(),
        Val::F64(value) => value.is_nan(),
        other => panic!("a float became {other:?}"),
    }
}

/// `f` with sixteen and with seventeen parameters (not one tuple): the seventeenth turns all of them into
/// one pointer, and each lands at the offset its type demands.
#[test]
fn sixteen_parameters_are_flat_and_seventeen_are_spilled() {
    let text = |count: u32, core: &str| {
        let params: String = (0..count)
            .map(|i| {
                format!(
                    "(param \"p{i}\" {}) ",
                    if i % 2 == 0 { "u8" } else { "u64" }
                )
            })
            .collect();
        format!(
            "(component {} {core} (func (export \"f\") {params} (result u64) (canon lift (core func $m \"f\") (memory (core memory $libc \"memory\")) (realloc (core func $libc \"realloc\")))))",
            crate::common::LIBC
        )
    };
    // p15 of the flat ones; p15 and p16 of the spilled: offsets 8 * i + (0 for u8)
    let flat = text(
        16,
        r#"(core module $m (func (export "f")
             (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64) (result i64)
             (i64.add (local.get 15) (i64.extend_i32_u (local.get 14)))))
           (core instance $m (instantiate $m))"#,
    );
    let spilled = text(
        17,
        r#"(core module $m (import "libc" "memory" (memory 1)) (func (export "f") (param i32) (result i64)
             (i64.add (i64.load (i32.add (local.get 0) (i32.const 120)))
                      (i64.load8_u (i32.add (local.get 0) (i32.const 128))))))
           (core instance $m (instantiate $m (with "libc" (instance $libc))))"#,
    );
    for (count, text, expected) in [(16u32, flat, 15 * 1000 + 14), (17, spilled, 15 * 1000 + 16)] {
        let (mut store, instance) = instantiate(&text).unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        let params: Vec<Val> = (0..count)
            .map(|i| {
                if i % 2 == 0 {
                    Val::U8(i as u8)
                } else {
                    Val::U64(u64::from(i) * 1000)
                }
            })
            .collect();
        assert_eq!(
            f.call(&mut store, &params).unwrap(),
            Some(Val::U64(expected)),
            "{count} parameters"
        );
    }
}

/// Small integers arrive zero- or sign-extended as their type says, whatever the upper bits a guest leaves
/// in a flat result are.
#[test]
fn upper_bits_of_small_flat_results_are_ignored() {
    let one = |ty: &str| {
        let (mut store, instance) = instantiate(&format!(
            r#"(component
                 (core module $m (func (export "f") (result i32) (i32.const 0xabcd_ef81)))
                 (core instance $m (instantiate $m))
                 (func (export "f") (result {ty}) (canon lift (core func $m "f"))))"#
        ))
        .unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        f.call(&mut store, &[]).unwrap().unwrap()
    };
    assert_eq!(one("u8"), Val::U8(0x81));
    assert_eq!(one("s8"), Val::S8(0x81u8 as i8));
    assert_eq!(one("u16"), Val::U16(0xef81));
    assert_eq!(one("s16"), Val::S16(0xef81u16 as i16));
    assert_eq!(one("bool"), Val::Bool(true));
}

#[test]
fn small_negative_parameters_arrive_sign_extended_and_unsigned_ones_zero_extended() {
    let one = |ty: &str, value: Val| {
        let (mut store, instance) = instantiate(&format!(
            r#"(component
                 (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
                 (core instance $m (instantiate $m))
                 (func (export "f") (param "v" {ty}) (result u32) (canon lift (core func $m "f"))))"#
        ))
        .unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        f.call(&mut store, &[value]).unwrap().unwrap()
    };
    assert_eq!(one("s8", Val::S8(-1)), Val::U32(u32::MAX));
    assert_eq!(one("s16", Val::S16(-2)), Val::U32(u32::MAX - 1));
    assert_eq!(one("u8", Val::U8(255)), Val::U32(255));
    assert_eq!(one("u16", Val::U16(u16::MAX)), Val::U32(65535));
    assert_eq!(one("bool", Val::Bool(true)), Val::U32(1));
    assert_eq!(one("char", Val::Char('🐿')), Val::U32('🐿' as u32));
}

/// Flat slots that the chosen case does not use are zero when we lower.
#[test]
fn unused_slots_are_zero_when_lowering() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m (func (export "f") (param i32 i64 i32 i64) (result i64)
               (i64.or (i64.or (local.get 1) (local.get 3)) (i64.extend_i32_u (local.get 2)))))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" (result (tuple u64 u32 u64) (error u8))) (result u64)
               (canon lift (core func $m "f"))))"#,
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(Result<(u64, u32, u64), u8>,), (u64,)>(&mut store, "f")
        .unwrap();
    assert_eq!(f.call(&mut store, (Err(7),)).unwrap(), (7,));
    assert_eq!(f.call(&mut store, (Ok((8, 0, 0)),)).unwrap(), (8,));
}

/// ... and ignored when we lift: the guest fills all of them with rubbish.
#[test]
fn unused_slots_are_ignored_when_lifting() {
    let text = r#"
(component
  (import "test:abi/host" (instance $host
    (export "f" (func (param "v" (result (tuple u64 u32 u64) (error u8))) (param "w" u16)))))
  (core func $f (canon lower (func $host "f")))
  (core module $m
    (import "host" "f" (func $f (param i32 i64 i32 i64 i32)))
    (func (export "f")
      (call $f (i32.const 1) (i64.const 0x1234_5678_9abc_de07) (i32.const -1) (i64.const -1) (i32.const 9))))
  (core instance $m (instantiate $m (with "host" (instance (export "f" (func $f))))))
  (func (export "f") (canon lift (core func $m "f"))))
"#;
    type V = Result<(u64, u32, u64), u8>;
    let engine = engine();
    let mut linker = Linker::<Vec<(V, u16)>>::new(&engine);
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_wrap(
            "f",
            |mut cx: wasmer_component::StoreContextMut<'_, Vec<(V, u16)>>, (v, w): (V, u16)| {
                cx.data_mut().push((v, w));
                Ok(())
            },
        )
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, Vec::new(), text).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
    assert_eq!(store.data().as_slice(), &[(Err(7), 9)]);
}

/// No parameters, result `string`: the smallest function with a return pointer.
#[test]
fn no_parameters_and_a_string_result() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (data (i32.const 8) "\20\00\00\00\05\00\00\00")
               (data (i32.const 32) "hello")
               (func (export "f") (result i32) (i32.const 8)))
             (core instance $m (instantiate $m))
             (func (export "f") (result string) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#,
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(), (String,)>(&mut store, "f")
        .unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap(), ("hello".to_owned(),));
}

const RECORD: &[(&str, &str)] = &[
    ("fl", r#"(flags "a" "b" "c")"#),
    ("en", r#"(enum "red" "green" "blue")"#),
    (
        "va",
        r#"(variant (case "none") (case "int" u32) (case "text" string) (case "wide" f64))"#,
    ),
    (
        "re",
        r#"(record (field "first" u8) (field "flags-of" $fl) (field "colour" $en) (field "choice" $va) (field "tail" (list u16)))"#,
    ),
];

fn record_value(choice: Val) -> Val {
    Val::Record(vec![
        ("first".to_owned(), Val::U8(7)),
        (
            "flags-of".to_owned(),
            Val::Flags(vec!["a".to_owned(), "c".to_owned()]),
        ),
        ("colour".to_owned(), Val::Enum("blue".to_owned())),
        ("choice".to_owned(), choice),
        ("tail".to_owned(), Val::from(vec![1u16, 65535])),
    ])
}

#[test]
fn named_types_echo_as_vals() {
    let flat = ["i32", "i32", "i32", "i32", "i64", "i32", "i32", "i32"];
    for choice in [
        Val::Variant("none".to_owned(), None),
        Val::Variant("int".to_owned(), Some(Box::new(Val::U32(u32::MAX)))),
        Val::Variant(
            "text".to_owned(),
            Some(Box::new(Val::String("grün".into()))),
        ),
        Val::Variant("wide".to_owned(), Some(Box::new(Val::F64(-0.5)))),
    ] {
        let value = record_value(choice);
        assert_eq!(through_val(RECORD, "$re", &flat, value.clone()), value);
    }
}

#[test]
fn vals_in_memory_echo_in_lists() {
    let list = Val::List(vec![
        record_value(Val::Variant(
            "wide".to_owned(),
            Some(Box::new(Val::F64(1e10))),
        )),
        record_value(Val::Variant("none".to_owned(), None)),
    ]);
    assert_eq!(
        through_val(RECORD, "(list $re)", &["i32", "i32"], list.clone()),
        list
    );
}

#[test]
fn vals_of_builtin_shapes_echo() {
    for (ty, flat, value) in [
        (
            "(option string)",
            &["i32", "i32", "i32"][..],
            Val::Option(Some(Box::new(Val::String("x".into())))),
        ),
        ("(option string)", &["i32", "i32", "i32"], Val::Option(None)),
        (
            "(result u8 (error s64))",
            &["i32", "i64"],
            Val::Result(Ok(Some(Box::new(Val::U8(9))))),
        ),
        (
            "(result u8 (error s64))",
            &["i32", "i64"],
            Val::Result(Err(Some(Box::new(Val::S64(-9))))),
        ),
        ("(result)", &["i32"], Val::Result(Err(None))),
        (
            "(tuple bool char f32)",
            &["i32", "i32", "f32"],
            Val::Tuple(vec![Val::Bool(true), Val::Char('c'), Val::F32(0.5)]),
        ),
        ("(list u8)", &["i32", "i32"], Val::Bytes(vec![1, 2])),
        (
            "(list (option u8))",
            &["i32", "i32"],
            Val::List(vec![
                Val::Option(None),
                Val::Option(Some(Box::new(Val::U8(2)))),
            ]),
        ),
    ] {
        assert_eq!(through_val(&[], ty, flat, value.clone()), value, "{ty}");
    }
}

/// A value of another shape than the function's parameter is refused before the guest is entered.
#[test]
fn a_val_of_the_wrong_type_is_an_error_and_does_not_poison() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_new("f", |_cx, _ty, params| Ok(params.first().cloned()))
        .unwrap();
    let (mut store, instance) =
        instantiate_with(&engine, &linker, (), &echo(&[], "u32", &["i32"], "")).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    f.call(&mut store, &[Val::String("x".into())]).unwrap_err();
    f.call(&mut store, &[]).unwrap_err();
    assert_eq!(
        f.call(&mut store, &[Val::U32(5)]).unwrap(),
        Some(Val::U32(5))
    );
}

/// Flags of every width, checked bit by bit; spare bits a guest sets are ignored.
#[test]
fn flags_of_every_width_echo_and_spare_bits_are_ignored() {
    for count in [1usize, 7, 8, 9, 16, 17, 31, 32] {
        let labels: Vec<String> = (0..count).map(|i| format!("\"f{i}\"")).collect();
        let declaration = format!("(flags {})", labels.join(" "));
        let declarations: &[(&str, &str)] = &[("fl", &declaration)];
        let names: Vec<String> = (0..count)
            .step_by(3)
            .chain([count - 1])
            .map(|i| format!("f{i}"))
            .collect();
        let mut names = names;
        names.dedup();
        let value = Val::Flags(names);
        assert_eq!(
            through_val(declarations, "$fl", &["i32"], value.clone()),
            value,
            "{count} flags"
        );
        let list = Val::List(vec![value, Val::Flags(Vec::new())]);
        assert_eq!(
            through_val(declarations, "(list $fl)", &["i32", "i32"], list.clone()),
            list,
            "{count} flags"
        );
    }
    let (mut store, instance) = instantiate(
        r#"(component
             (type $f' (flags "a" "b" "c"))
             (export $f "fl" (type $f'))
             (core module $m (func (export "f") (result i32) (i32.const 0xffff_fffd)))
             (core instance $m (instantiate $m))
             (func (export "f") (result $f) (canon lift (core func $m "f"))))"#,
    )
    .unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    assert_eq!(
        f.call(&mut store, &[]).unwrap(),
        Some(Val::Flags(vec!["a".to_owned(), "c".to_owned()]))
    );
}

/// Discriminants are one byte up to 256 cases and two beyond; the payload of a list element proves where it lies.
#[test]
fn discriminants_grow_with_the_number_of_cases() {
    for count in [1usize, 2, 255, 256, 257, 300] {
        let labels: Vec<String> = (0..count).map(|i| format!("\"c{i}\"")).collect();
        let enumeration = format!("(enum {})", labels.join(" "));
        let cases: Vec<String> = (0..count).map(|i| format!("(case \"c{i}\" u8)")).collect();
        let variant = format!("(variant {})", cases.join(" "));
        let list = Val::List(
            [0, count / 2, count - 1]
                .map(|i| Val::Enum(format!("c{i}")))
                .to_vec(),
        );
        assert_eq!(
            through_val(
                &[("en", &enumeration)],
                "(list $en)",
                &["i32", "i32"],
                list.clone()
            ),
            list,
            "{count}"
        );
        let list = Val::List(
            [0, count / 2, count - 1]
                .map(|i| Val::Variant(format!("c{i}"), Some(Box::new(Val::U8(i as u8)))))
                .to_vec(),
        );
        assert_eq!(
            through_val(
                &[("va", &variant)],
                "(list $va)",
                &["i32", "i32"],
                list.clone()
            ),
            list,
            "{count}"
        );
    }
}
