//! Components made of components: calls between them go through fused adapters, core modules that read one
//! memory and write another, and through string transcoders where the encodings differ.

use crate::common::{LIBC, compile, engine, instantiate, instantiate_with};
use wasmer_component::{ComponentType, Error, Lift, Linker, Lower, Store, StoreContextMut, Val};

/// A caller inside, a callee inside, joined: `f: func(v: TY) -> TY` of the caller hands its value to the
/// callee's, which answers the same. `TY` flattens to pointer and length.
fn joined(ty: &str, caller: &str, callee: &str) -> String {
    format!(
        r#"
(component
  (component $callee
    {LIBC}
    (core module $m
      (import "libc" "memory" (memory 1))
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 1024) (local.get 0))
        (i32.store (i32.const 1028) (local.get 1))
        (i32.const 1024)))
    (core instance $m (instantiate $m (with "libc" (instance $libc))))
    (func (export "f") (param "v" {ty}) (result {ty})
      (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {callee})))
  (component $caller
    (import "f" (func $f (param "v" {ty}) (result {ty})))
    {LIBC}
    (core func $f (canon lower (func $f) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {caller}))
    (core module $m
      (import "h" "f" (func $f (param i32 i32 i32)))
      (func (export "f") (param i32 i32) (result i32)
        (call $f (local.get 0) (local.get 1) (i32.const 1024)) (i32.const 1024)))
    (core instance $m (instantiate $m (with "h" (instance (export "f" (func $f))))))
    (func (export "f") (param "v" {ty}) (result {ty})
      (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) {caller})))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "f" (func $caller "f")))
"#
    )
}

#[track_caller]
fn assert_passes<T>(text: &str, values: &[T])
where
    T: ComponentType + Lift + Lower + Clone + PartialEq + std::fmt::Debug,
{
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance
        .get_typed_func::<(T,), (T,)>(&mut store, "f")
        .unwrap();
    for value in values {
        assert_eq!(
            f.call(&mut store, (value.clone(),)).unwrap(),
            (value.clone(),)
        );
    }
}

#[test]
fn strings_pass_between_all_encodings() {
    let encodings = [
        "string-encoding=utf8",
        "string-encoding=utf16",
        "string-encoding=latin1+utf16",
    ];
    let strings: Vec<String> = ["", "ascii", "é latin", "ж wide", "🐿 pair", "a é ж 🐿 all"]
        .iter()
        .map(|s| s.to_string())
        .chain([
            "long ascii ".repeat(10_000),
            format!("{}ж{}", "é".repeat(500), "a".repeat(500)),
            "🐿".repeat(3000),
        ])
        .collect();
    for caller in encodings {
        for callee in encodings {
            let text = joined("string", caller, callee);
            let (mut store, instance) =
                instantiate(&text).unwrap_or_else(|e| panic!("{caller} to {callee}: {e}"));
            let f = instance
                .get_typed_func::<(&str,), (String,)>(&mut store, "f")
                .unwrap();
            for string in &strings {
                let back = f
                    .call(&mut store, (string.as_str(),))
                    .unwrap_or_else(|e| panic!("{caller} to {callee}: {e}"));
                assert_eq!(back.0, *string, "{caller} to {callee}");
            }
        }
    }
}

#[test]
fn lists_pass_between_components() {
    assert_passes(
        &joined("(list u8)", "", ""),
        &[vec![], vec![1u8, 2, 3], vec![9; 200_000]],
    );
    assert_passes(
        &joined("(list string)", "", "string-encoding=utf16"),
        &[vec!["a".to_owned(), String::new(), "ж".to_owned()]],
    );
    assert_passes(
        &joined("(list (tuple u8 u64 (option string)))", "", ""),
        &[vec![(1u8, u64::MAX, None), (2, 3, Some("some".to_owned()))]],
    );
    assert_passes(
        &joined("(list (result (tuple f32 u16) (error f64)))", "", ""),
        &[vec![Ok::<(f32, u16), f64>((0.5, 7)), Err(-1e300)]],
    );
}

/// The callee's allocator grows its memory for every block, while the adapter copies.
#[test]
fn the_callees_memory_may_grow_while_the_caller_waits() {
    let text = joined("(list string)", "", "").replacen(
        "(local $at i32) (local $end i32)",
        "(local $at i32) (local $end i32) (drop (memory.grow (i32.const 1)))",
        1,
    );
    let strings: Vec<String> = (0..100).map(|i| format!("string {i}")).collect();
    assert_passes(&text, &[strings]);
}

/// `counter` has one global; two instances of it count apart.
#[test]
fn a_component_instantiated_twice_has_two_states() {
    let text = r#"
(component
  (component $counter
    (core module $m (global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
    (core instance $m (instantiate $m))
    (func (export "next") (result u32) (canon lift (core func $m "next"))))
  (instance $a (instantiate $counter))
  (instance $b (instantiate $counter))
  (export "a" (func $a "next"))
  (export "b" (func $b "next"))
  (export "test:abi/counter" (instance $a)))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let a = instance
        .get_typed_func::<(), (u32,)>(&mut store, "a")
        .unwrap();
    let b = instance
        .get_typed_func::<(), (u32,)>(&mut store, "b")
        .unwrap();
    let again = instance
        .get_typed_func::<(), (u32,)>(&mut store, ("test:abi/counter", "next"))
        .unwrap();
    assert_eq!(a.call(&mut store, ()).unwrap(), (1,));
    assert_eq!(a.call(&mut store, ()).unwrap(), (2,));
    assert_eq!(b.call(&mut store, ()).unwrap(), (1,));
    assert_eq!(again.call(&mut store, ()).unwrap(), (3,));
}

/// The outer component hands its own imports on to an inner one, as a function and as part of an instance.
#[test]
fn imports_reach_inner_components() {
    let text = r#"
(component
  (import "one" (func $one (result u32)))
  (import "test:abi/host" (instance $host (export "two" (func (result u32)))))
  (component $inner
    (import "one" (func $one (result u32)))
    (import "host" (instance $host (export "two" (func (result u32)))))
    (core func $one (canon lower (func $one)))
    (core func $two (canon lower (func $host "two")))
    (core module $m
      (import "" "one" (func $one (result i32)))
      (import "" "two" (func $two (result i32)))
      (func (export "sum") (result i32) (i32.add (call $one) (call $two))))
    (core instance $m (instantiate $m (with "" (instance (export "one" (func $one)) (export "two" (func $two))))))
    (func (export "sum") (result u32) (canon lift (core func $m "sum"))))
  (instance $inner (instantiate $inner (with "one" (func $one)) (with "host" (instance $host))))
  (export "sum" (func $inner "sum")))
"#;
    let engine = engine();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .root()
        .func_wrap("one", |mut cx: StoreContextMut<'_, u32>, ()| {
            *cx.data_mut() += 1;
            Ok((*cx.data(),))
        })
        .unwrap();
    linker
        .instance("test:abi/host")
        .unwrap()
        .func_wrap("two", |_cx, ()| Ok((200u32,)))
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, 0, text).unwrap();
    let sum = instance
        .get_typed_func::<(), (u32,)>(&mut store, "sum")
        .unwrap();
    assert_eq!(sum.call(&mut store, ()).unwrap(), (201,));
    assert_eq!(sum.call(&mut store, ()).unwrap(), (202,));
}

/// One component defines a resource, another uses it: makes, borrows, gives away and drops it.
const RESOURCES: &str = r#"
(component
  (component $definer
    (core module $state
      (global $dropped (mut i32) (i32.const 0))
      (func (export "dtor") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
      (func (export "dropped") (result i32) (global.get $dropped)))
    (core instance $state (instantiate $state))
    (type $thing' (resource (rep i32) (dtor (core func $state "dtor"))))
    (export $thing "thing" (type $thing'))
    (core func $new (canon resource.new $thing'))
    (core func $rep (canon resource.rep $thing'))
    (core func $drop (canon resource.drop $thing'))
    (core module $m
      (import "h" "new" (func $new (param i32) (result i32)))
      (import "h" "rep" (func $rep (param i32) (result i32)))
      (import "h" "drop" (func $drop (param i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "get") (param i32) (result i32) (local.get 0))
      (func (export "eat") (param i32) (result i32) (call $rep (local.get 0)) (call $drop (local.get 0))))
    (core instance $m (instantiate $m (with "h" (instance
      (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
    (func (export "[constructor]thing") (param "rep" u32) (result (own $thing)) (canon lift (core func $m "make")))
    (func (export "[method]thing.get") (param "self" (borrow $thing)) (result u32) (canon lift (core func $m "get")))
    (func (export "eat") (param "t" (own $thing)) (result u32) (canon lift (core func $m "eat")))
    (func (export "dropped") (result u32) (canon lift (core func $state "dropped"))))
  (component $user
    (import "things" (instance $things
      (export "thing" (type $thing (sub resource)))
      (export "[constructor]thing" (func (param "rep" u32) (result (own $thing))))
      (export "[method]thing.get" (func (param "self" (borrow $thing)) (result u32)))
      (export "eat" (func (param "t" (own $thing)) (result u32)))))
    (alias export $things "thing" (type $thing))
    (core func $make (canon lower (func $things "[constructor]thing")))
    (core func $get (canon lower (func $things "[method]thing.get")))
    (core func $eat (canon lower (func $things "eat")))
    (core func $drop (canon resource.drop $thing))
    (core module $m
      (import "h" "make" (func $make (param i32) (result i32)))
      (import "h" "get" (func $get (param i32) (result i32)))
      (import "h" "eat" (func $eat (param i32) (result i32)))
      (import "h" "drop" (func $drop (param i32)))
      (func (export "make") (param i32) (result i32) (call $make (local.get 0)))
      (func (export "get") (param i32) (result i32) (call $get (local.get 0)))
      (func (export "eat") (param i32) (result i32) (call $eat (local.get 0)))
      (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0)))
    (core instance $m (instantiate $m (with "h" (instance
      (export "make" (func $make)) (export "get" (func $get)) (export "eat" (func $eat)) (export "drop" (func $drop))))))
    (func (export "make") (param "x" u32) (result u32) (canon lift (core func $m "make")))
    (func (export "get") (param "x" u32) (result u32) (canon lift (core func $m "get")))
    (func (export "eat") (param "x" u32) (result u32) (canon lift (core func $m "eat")))
    (func (export "drop") (param "x" u32) (result u32) (canon lift (core func $m "drop"))))
  (instance $definer (instantiate $definer))
  (instance $user (instantiate $user (with "things" (instance $definer))))
  (export "user" (instance $user))
  (export "dropped" (func $definer "dropped")))
"#;

#[test]
fn resources_pass_between_components() {
    let (mut store, instance) = instantiate(RESOURCES).unwrap();
    let call = |store: &mut Store<()>, name: &str, value: u32| {
        let f = instance.get_typed_func::<(u32,), (u32,)>(&mut *store, ("user", name))?;
        f.call(store, (value,)).map(|(n,)| n)
    };
    let dropped = instance
        .get_typed_func::<(), (u32,)>(&mut store, "dropped")
        .unwrap();
    let a = call(&mut store, "make", 10).unwrap();
    let b = call(&mut store, "make", 200).unwrap();
    assert_eq!(call(&mut store, "get", a).unwrap(), 10);
    assert_eq!(call(&mut store, "get", b).unwrap(), 200);
    assert_eq!(dropped.call(&mut store, ()).unwrap(), (0,));
    assert_eq!(call(&mut store, "drop", a).unwrap(), 0);
    assert_eq!(dropped.call(&mut store, ()).unwrap(), (10,));
    assert_eq!(call(&mut store, "eat", b).unwrap(), 200);
    assert_eq!(dropped.call(&mut store, ()).unwrap(), (210,));
    let error = call(&mut store, "get", b).unwrap_err();
    assert!(
        matches!(&error, Error::Trap(_)) && error.to_string().contains("handle"),
        "{error:?}"
    );
}

#[test]
fn a_trap_in_the_callee_comes_out_of_the_outer_call() {
    let text = joined("(list u8)", "", "").replacen(
        "(i32.store (i32.const 1024) (local.get 0))",
        "(if (i32.eq (local.get 1) (i32.const 3)) (then unreachable)) (i32.store (i32.const 1024) (local.get 0))",
        1,
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(Vec<u8>,), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    assert_eq!(f.call(&mut store, (vec![1, 2],)).unwrap(), (vec![1, 2],));
    let error = f.call(&mut store, (vec![1, 2, 3],)).unwrap_err();
    assert!(
        matches!(&error, Error::Trap(_)) && error.to_string().contains("unreachable"),
        "{error:?}"
    );
    assert!(matches!(
        f.call(&mut store, (vec![],)),
        Err(Error::Poisoned { .. })
    ));
}

/// What the callee returns is checked by the adapter as the host would.
#[test]
fn hostile_pointers_between_components_trap() {
    for (store_len, what) in [
        ("(i32.const 0x7fffffff)", "length"),
        ("(i32.const 70000)", "length beyond memory"),
    ] {
        let text = joined("(list u8)", "", "").replacen(
            "(i32.store (i32.const 1028) (local.get 1))",
            &format!("(i32.store (i32.const 1028) {store_len})"),
            1,
        );
        let (mut store, instance) = instantiate(&text).unwrap();
        let f = instance
            .get_typed_func::<(Vec<u8>,), (Vec<u8>,)>(&mut store, "f")
            .unwrap();
        let error = f.call(&mut store, (vec![1, 2],)).unwrap_err();
        assert!(matches!(&error, Error::Trap(_)), "{what}: {error:?}");
    }
    // invalid utf-8 found by the transcoder
    let text = joined("string", "string-encoding=utf16", "string-encoding=utf8").replacen(
        "(i32.store (i32.const 1024) (local.get 0))",
        "(i32.store8 (local.get 0) (i32.const 0xff)) (i32.store (i32.const 1024) (local.get 0))",
        1,
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, "f")
        .unwrap();
    let error = f.call(&mut store, ("text",)).unwrap_err();
    assert!(matches!(&error, Error::Trap(_)), "{error:?}");
}

/// A composed component's artifact holds the adapters too.
#[test]
fn a_composed_component_survives_its_artifact() {
    let engine = engine();
    let component = compile(
        &engine,
        &joined("string", "string-encoding=utf16", "string-encoding=utf8"),
    )
    .unwrap();
    let bytes = component.serialize().unwrap();
    // SAFETY: the bytes were made by this very engine a line ago.
    let loaded = unsafe { wasmer_component::Component::deserialize(&engine, &bytes) }.unwrap();
    let mut store = Store::new(&engine, ()).unwrap();
    let instance = Linker::new(&engine)
        .instantiate(&mut store, &loaded)
        .unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    assert_eq!(
        f.call(&mut store, &[Val::String("ж".into())]).unwrap(),
        Some(Val::String("ж".into()))
    );
}

/// What this runtime does not have is said, not met with a panic.
#[test]
fn unsupported_features_are_named() {
    let engine = engine();
    for text in [
        // a component as an import
        r#"(component (import "c" (component $c)) (instance (instantiate $c)))"#,
        // a start function of the component itself
        r#"(component
             (import "f" (func $f))
             (start $f))"#,
        // a core module as an import
        r#"(component (import "m" (core module $m (export "f" (func)))) (core instance (instantiate $m)))"#,
    ] {
        let bytes = wat::parse_str(text).unwrap();
        match wasmer_component::Component::new(&engine, &bytes) {
            Err(Error::Translate(_) | Error::Unsupported(_)) => {}
            Err(other) => panic!("{text}: {other:?}"),
            Ok(component) => {
                let error = Linker::<()>::new(&engine)
                    .instantiate(&mut Store::new(&engine, ()).unwrap(), &component)
                    .map(|_| ())
                    .unwrap_err();
                assert!(
                    matches!(&error, Error::Link(_) | Error::Unsupported(_)),
                    "{text}: {error:?}"
                );
            }
        }
    }
}

/// A handle that is lent to a running call can be neither dropped nor given away: here by the very call it is lent to.
#[test]
fn a_lent_handle_cannot_be_given_away_in_the_same_call() {
    let text = r#"
(component
  (component $C
    (import "r" (type $r (sub resource)))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "drop" (func $drop (param i32)))
      (func (export "both") (param i32 i32) (call $drop (local.get 0)) (call $drop (local.get 1))))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))))))
    (func (export "both") (param "a" (borrow $r)) (param "b" (own $r)) (canon lift (core func $i "both"))))
  (component $R
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 7))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $r)) (canon lift (core func $i "make"))))
  (instance $r (instantiate $R))
  (alias export $r "r" (type $r))
  (instance $c (instantiate $C (with "r" (type $r))))
  (component $D
  (import "r" (type $r (sub resource)))
  (import "make" (func $make (result (own $r))))
  (import "both" (func $both (param "a" (borrow $r)) (param "b" (own $r))))
  (core func $make-core (canon lower (func $make)))
  (core func $both-core (canon lower (func $both)))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "make" (func $make (result i32)))
    (import "" "both" (func $both (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "different") (local i32)
      (local.set 0 (call $make))
      (call $both (local.get 0) (call $make))
      (call $drop (local.get 0)))
    (func (export "same") (local i32)
      (local.set 0 (call $make))
      (call $both (local.get 0) (local.get 0))))
  (core instance $i (instantiate $m (with "" (instance
    (export "make" (func $make-core)) (export "both" (func $both-core)) (export "drop" (func $drop))))))
  (func (export "different") (canon lift (core func $i "different")))
  (func (export "same") (canon lift (core func $i "same"))))
  (instance $d (instantiate $D (with "r" (type $r)) (with "make" (func $r "make")) (with "both" (func $c "both"))))
  (export "different" (func $d "different"))
  (export "same" (func $d "same")))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let mut call = |name: &str| {
        let f = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        f.call(&mut store, ()).map_err(|e| e.to_string())
    };
    assert_eq!(call("different"), Ok(()));
    assert_eq!(call("different"), Ok(()));
    let trap = call("same").unwrap_err();
    assert!(
        trap.contains("cannot remove owned resource while borrowed (handle index 1)"),
        "{trap}"
    );
}

/// Two components that call a label by different names, as far as case goes.
fn labels(theirs: &str, ours: &str) -> String {
    format!(
        r#"
(component
  (component $a
    (core module $m (func (export "f") (param i32)))
    (core instance $m (instantiate $m))
    (type $v' (variant (case "{theirs}") (case "other")))
    (export $v "v" (type $v'))
    (func (export "f") (param "v" $v) (canon lift (core func $m "f"))))
  (component $b
    (import "a" (instance $a
      (type $v' (variant (case "{ours}") (case "other")))
      (export "v" (type $v (eq $v')))
      (export "f" (func (param "v" $v)))))
    (core func $f (canon lower (func $a "f")))
    (core module $m
      (import "" "f" (func $f (param i32)))
      (func (export "run") (call $f (i32.const 0))))
    (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (canon lift (core func $m "run"))))
  (instance $a (instantiate $a))
  (instance $b (instantiate $b (with "a" (instance $a))))
  (export "run" (func $b "run")))
"#
    )
}

/// The fuzzer's: the translator panicked, and once more while that unwound, which ended the process.
#[test]
fn labels_that_differ_in_case_between_components_are_refused() {
    let (mut store, instance) = instantiate(&labels("first", "first")).unwrap();
    let run = instance
        .get_typed_func::<(), ()>(&mut store, "run")
        .unwrap();
    run.call(&mut store, ()).unwrap();
    let error = instantiate(&labels("first", "FIRST")).unwrap_err();
    assert!(
        matches!(&error, Error::Unsupported(what) if what.contains("`first`, `FIRST`")),
        "{error:?}"
    );
}

/// Two instances of one type whose exports are one and the same type: wasmparser 0.254 asserts that there are no such.
#[test]
fn a_validator_that_panics_is_an_error() {
    let wat = r#"
        (component
          (component $c
            (type $inner (instance (type $u u32) (export "t" (type (eq $u)))))
            (type $outer (instance (export "a" (instance (type $inner))) (export "b" (instance (type $inner)))))
            (import "x" (instance (type $outer))))
          (type $u u32)
          (instance $i (export "t" (type $u)))
          (instance $o (export "a" (instance $i)) (export "b" (instance $i)))
          (instance (instantiate $c (with "x" (instance $o)))))
    "#;
    let bytes = wat::parse_str(wat).unwrap();
    let error = wasmer_component::Component::new(&engine(), &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the component needs types that the validator gives up on, which this runtime does not have"
    );
}
