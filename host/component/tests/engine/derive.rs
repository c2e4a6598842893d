//! The derives: every kind of type there and back, flat and in memory, and what a type check says.

use crate::common::{echo, engine, instantiate, instantiate_with};
use wasmer_component::{ComponentType, Error, Lift, Linker, Lower, StoreContextMut, flags};

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nano_seconds: u32,
    #[component(name = "kind-of")]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, ComponentType, Lift, Lower)]
#[component(enum)]
enum Kind {
    LocalTime,
    #[component(name = "utc")]
    Universal,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
enum Shape {
    Nothing,
    Point(f32),
    Circle((f64, u8)),
    Text { content: String },
    Nested(Option<Datetime>),
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Pair<A, B> {
    a: A,
    b: B,
}

flags! {
    /// How a thing may be used.
    pub Access {
        /// It may be read.
        const READ;
        const WRITE;
        #[component(name = "exec")]
        const EXECUTE;
    }
}

flags! {
    Wide {
        const F0; const F1; const F2; const F3; const F4; const F5; const F6; const F7; const F8; const F9;
        const F10; const F11; const F12; const F13; const F14; const F15; const F16; const F17; const F18; const F19;
        const F20; const F21; const F22; const F23; const F24; const F25; const F26; const F27; const F28; const F29;
        const F30; const F31;
    }
}

flags! {
    Middle {
        const A; const B; const C; const D; const E; const F; const G; const H; const I;
    }
}

const DATETIME: &[(&str, &str)] = &[
    ("kind", r#"(enum "local-time" "utc")"#),
    (
        "datetime",
        r#"(record (field "seconds" u64) (field "nano-seconds" u32) (field "kind-of" $kind))"#,
    ),
    (
        "shape",
        r#"(variant (case "nothing") (case "point" f32) (case "circle" (tuple f64 u8)) (case "text" string)
            (case "nested" (option $datetime)))"#,
    ),
    ("access", r#"(flags "read" "write" "exec")"#),
    ("pair", r#"(record (field "a" string) (field "b" $access))"#),
];

/// Sends values through the echo component and checks that both the host function and the caller got them.
#[track_caller]
fn assert_echoes<T>(declarations: &[(&str, &str)], ty: &str, flat: &[&str], values: Vec<T>)
where
    T: ComponentType + Lift + Lower + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let engine = engine();
    let mut linker = Linker::<Vec<T>>::new(&engine);
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_wrap("f", |mut cx: StoreContextMut<'_, Vec<T>>, (v,): (T,)| {
            cx.data_mut().push(v.clone());
            Ok((v,))
        })
        .unwrap();
    let text = echo(declarations, ty, flat, "");
    let (mut store, instance) = instantiate_with(&engine, &linker, Vec::new(), &text).unwrap();
    let f = instance
        .get_typed_func::<(T,), (T,)>(&mut store, "f")
        .unwrap();
    for value in &values {
        assert_eq!(
            f.call(&mut store, (value.clone(),)).unwrap(),
            (value.clone(),)
        );
    }
    assert_eq!(*store.data(), values);
}

fn datetime(seconds: u64) -> Datetime {
    Datetime {
        seconds,
        nano_seconds: 999_999_999,
        kind: Kind::Universal,
    }
}

fn shapes() -> Vec<Shape> {
    vec![
        Shape::Nothing,
        Shape::Point(-0.5),
        Shape::Circle((1e300, 255)),
        Shape::Text {
            content: "grün".to_owned(),
        },
        Shape::Nested(None),
        Shape::Nested(Some(datetime(u64::MAX))),
    ]
}

#[test]
fn enums_echo() {
    assert_echoes(
        DATETIME,
        "$kind",
        &["i32"],
        vec![Kind::LocalTime, Kind::Universal],
    );
    assert_echoes(
        DATETIME,
        "(list $kind)",
        &["i32", "i32"],
        vec![vec![Kind::LocalTime, Kind::Universal]],
    );
}

#[test]
fn records_echo() {
    assert_echoes(
        DATETIME,
        "$datetime",
        &["i64", "i32", "i32"],
        vec![datetime(0), datetime(u64::MAX)],
    );
    assert_echoes(
        DATETIME,
        "(list $datetime)",
        &["i32", "i32"],
        vec![vec![datetime(1), datetime(2)]],
    );
}

#[test]
fn variants_echo() {
    assert_echoes(
        DATETIME,
        "$shape",
        &["i32", "i64", "i64", "i32", "i32"],
        shapes(),
    );
    assert_echoes(DATETIME, "(list $shape)", &["i32", "i32"], vec![shapes()]);
}

#[test]
fn a_value_behind_a_short_case_is_found() {
    let values: Vec<(Shape, u16)> = shapes().into_iter().zip(1..).collect();
    assert_echoes(
        DATETIME,
        "(tuple $shape u16)",
        &["i32", "i64", "i64", "i32", "i32", "i32"],
        values,
    );
}

#[test]
fn generic_records_echo() {
    let value = Pair {
        a: "a".to_owned(),
        b: Access::READ | Access::EXECUTE,
    };
    assert_echoes(DATETIME, "$pair", &["i32", "i32", "i32"], vec![value]);
}

#[test]
fn flags_of_every_width_echo() {
    assert_echoes(
        DATETIME,
        "$access",
        &["i32"],
        vec![
            Access::empty(),
            Access::READ,
            Access::all(),
            Access::WRITE | Access::EXECUTE,
        ],
    );
    assert_echoes(
        DATETIME,
        "(list $access)",
        &["i32", "i32"],
        vec![vec![Access::READ, Access::all()]],
    );
    let labels: Vec<String> = (0..32).map(|i| format!("\"f{i}\"")).collect();
    let wide = format!("(flags {})", labels.join(" "));
    let values = vec![Wide::empty(), Wide::F0, Wide::F31, Wide::all()];
    assert_echoes(&[("wide", &wide)], "$wide", &["i32"], values.clone());
    assert_echoes(
        &[("wide", &wide)],
        "(list $wide)",
        &["i32", "i32"],
        vec![values],
    );
    let values = vec![Middle::empty(), Middle::A, Middle::I, Middle::all()];
    let middle = &[("middle", r#"(flags "a" "b" "c" "d" "e" "f" "g" "h" "i")"#)];
    assert_echoes(middle, "$middle", &["i32"], values.clone());
    assert_echoes(middle, "(list $middle)", &["i32", "i32"], vec![values]);
}

#[test]
fn flags_are_sets() {
    let mut access = Access::READ | Access::WRITE;
    assert!(
        access.contains(Access::READ)
            && !access.contains(Access::all())
            && access.intersects(Access::all())
    );
    access |= Access::EXECUTE;
    assert_eq!(access, Access::all());
    assert_eq!(access & Access::WRITE, Access::WRITE);
    assert_eq!(access - Access::WRITE, Access::READ | Access::EXECUTE);
    assert_eq!(!Access::READ, Access::WRITE | Access::EXECUTE);
    access.remove(Access::READ);
    access.insert(Access::empty());
    assert_eq!(access.bits(), 0b110u8);
    access &= Access::READ;
    assert!(access.is_empty());
    assert_eq!(Access::from_bits_truncate(0xff), Access::all());
    assert_eq!(Access::default(), Access::empty());
    assert_eq!(
        format!(
            "{:?} {:?} {:?}",
            Access::empty(),
            Access::EXECUTE,
            Access::all()
        ),
        "{} {exec} {read | write | exec}"
    );
    assert_eq!(Wide::all().bits(), u32::MAX);
    assert_eq!(Middle::all().bits(), 0x1ffu16);
}

/// What `get_typed_func` says when the host's type is `T` and the component's is `ty`.
#[track_caller]
fn mismatch<T: ComponentType + Lift>(declarations: &[(&str, &str)], ty: &str) -> String {
    let declarations: String = declarations
        .iter()
        .map(|(name, definition)| {
            format!(
                "(type ${name}-def {definition}) (export ${name} \"{name}\" (type ${name}-def))\n"
            )
        })
        .collect();
    let text = format!(
        r#"(component
             {declarations}
             (core module $m (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 64)))
             (core instance $m (instantiate $m))
             (func (export "f") (result {ty}) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let error = instance
        .get_typed_func::<(), (T,)>(&mut store, "f")
        .expect_err("the types differ");
    assert!(matches!(error, Error::Type { .. }), "{error:?}");
    error.to_string()
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn type_checks_name_the_place_of_the_difference() {
    let record = |text| [("t", text)];
    assert_says(
        &mismatch::<Datetime>(
            &[
                DATETIME[0],
                record(
                    r#"(record (field "seconds" u64) (field "nano-seconds" u64) (field "kind-of" $kind))"#,
                )[0],
            ],
            "$t",
        ),
        &["field nano-seconds", "u32", "u64"],
    );
    assert_says(
        &mismatch::<Datetime>(
            &[
                DATETIME[0],
                record(
                    r#"(record (field "seconds" u64) (field "nanos" u32) (field "kind-of" $kind))"#,
                )[0],
            ],
            "$t",
        ),
        &["nano-seconds", "nanos"],
    );
    assert_says(
        &mismatch::<Datetime>(
            &record(r#"(record (field "seconds" u64) (field "nano-seconds" u32))"#),
            "$t",
        ),
        &["record of 3", "of 2"],
    );
    assert_says(&mismatch::<Datetime>(&[], "u32"), &["record", "u32"]);
    assert_says(
        &mismatch::<Datetime>(&[], "(tuple u64 u32)"),
        &["record", "tuple"],
    );
    assert_says(
        &mismatch::<Shape>(
            &record(r#"(variant (case "nothing" u8) (case "point" f32))"#),
            "$t",
        ),
        &["variant"],
    );
    assert_says(
        &mismatch::<Kind>(&record(r#"(enum "utc" "local-time")"#), "$t"),
        &["local-time", "utc"],
    );
    assert_says(
        &mismatch::<Kind>(&record(r#"(enum "local-time" "utc" "other")"#), "$t"),
        &["enum of 2", "of 3"],
    );
    assert_says(
        &mismatch::<Access>(&record(r#"(flags "read" "write")"#), "$t"),
        &["flags of 3", "of 2"],
    );
    assert_says(
        &mismatch::<Access>(&record(r#"(flags "read" "write" "run")"#), "$t"),
        &["exec", "run"],
    );
    assert_says(&mismatch::<Vec<Kind>>(&[], "(list u8)"), &["enum", "u8"]);
}

#[derive(Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
enum Two {
    Plain,
    Loaded(u32),
}

#[test]
fn payloads_must_be_on_the_same_cases() {
    assert_says(
        &mismatch::<Two>(
            &[("t", r#"(variant (case "plain" u8) (case "loaded" u32))"#)],
            "$t",
        ),
        &["case plain", "u8"],
    );
    assert_says(
        &mismatch::<Two>(
            &[("t", r#"(variant (case "plain") (case "loaded"))"#)],
            "$t",
        ),
        &["case loaded"],
    );
    assert_says(
        &mismatch::<Two>(
            &[("t", r#"(variant (case "plain") (case "loaded" s32))"#)],
            "$t",
        ),
        &["case loaded", "s32", "u32"],
    );
}

/// Hostile discriminants trap in derived types as they do in built-in ones.
#[test]
fn discriminants_out_of_range_trap() {
    let run = |ty: &str, definition: &str, byte: u8| {
        format!(
            r#"(component
                 (type $t-def {definition}) (export $t "t" (type $t-def))
                 (core module $m
                   (memory (export "memory") 1)
                   (data (i32.const 64) "\{byte:02x}\00\00\00\07\00\00\00")
                   (data (i32.const 32) "\40\00\00\00\01\00\00\00")
                   (func (export "f") (result i32) (i32.const 32)))
                 (core instance $m (instantiate $m))
                 (func (export "f") (result (list {ty})) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#
        )
    };
    let two = r#"(variant (case "plain") (case "loaded" u32))"#;
    let call = |text: &str| {
        let (mut store, instance) = instantiate(text).unwrap();
        let f = instance
            .get_typed_func::<(), (Vec<Two>,)>(&mut store, "f")
            .unwrap();
        f.call(&mut store, ())
    };
    assert_eq!(call(&run("$t", two, 1)).unwrap(), (vec![Two::Loaded(7)],));
    assert_eq!(call(&run("$t", two, 0)).unwrap(), (vec![Two::Plain],));
    assert!(matches!(call(&run("$t", two, 2)), Err(Error::Trap(_))));
    let (mut store, instance) = instantiate(&run("$t", r#"(enum "local-time" "utc")"#, 2)).unwrap();
    let f = instance
        .get_typed_func::<(), (Vec<Kind>,)>(&mut store, "f")
        .unwrap();
    assert!(matches!(f.call(&mut store, ()), Err(Error::Trap(_))));
}

/// A derived type with a borrowed part can be passed without a copy of one's own.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Line<'a> {
    text: &'a str,
    numbers: &'a [u16],
}

#[test]
fn borrowed_parts_can_be_lowered() {
    let text = format!(
        r#"(component
             (type $line-def (record (field "text" string) (field "numbers" (list u16))))
             (export $line "line" (type $line-def))
             {libc}
             (core module $m (func (export "f") (param i32 i32 i32 i32) (result i32) (i32.add (local.get 1) (local.get 3))))
             (core instance $m (instantiate $m))
             (func (export "f") (param "l" $line) (result u32)
               (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))"#,
        libc = crate::common::LIBC
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(Line<'_>,), (u32,)>(&mut store, "f")
        .unwrap();
    assert_eq!(
        f.call(
            &mut store,
            (Line {
                text: "abc",
                numbers: &[1, 2]
            },)
        )
        .unwrap(),
        (5,)
    );
}
