//! Linking: names and versions, what an error says, what runs at instantiation, what can be listed.

use crate::common::{compile, engine, instantiate, instantiate_with};
use wasmer_component::{Error, LinkError, Linker, Store, StoreContextMut, Val};

/// A component that imports `log(string, u32) -> u32` from `import` and exports `run: func() -> u32`.
fn logger(import: &str) -> String {
    format!(
        r#"(component
             (import "{import}" (instance $i
               (export "log" (func (param "line" string) (param "level" u32) (result u32)))))
             (core module $libc (memory (export "memory") 1) (data (i32.const 8) "hello"))
             (core instance $libc (instantiate $libc))
             (core func $log (canon lower (func $i "log") (memory (core memory $libc "memory"))))
             (core module $m
               (import "h" "log" (func $log (param i32 i32 i32) (result i32)))
               (func (export "run") (result i32) (call $log (i32.const 8) (i32.const 5) (i32.const 3))))
             (core instance $m (instantiate $m (with "h" (instance (export "log" (func $log))))))
             (func (export "run") (result u32) (canon lift (core func $m "run"))))"#
    )
}

fn run(wanted: &str, defined: &str) -> Result<u32, Error> {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance(defined)?
        .func_wrap("log", |_cx, (line, level): (String, u32)| {
            Ok((line.len() as u32 + level,))
        })?;
    let (mut store, instance) = instantiate_with(&engine, &linker, (), &logger(wanted))?;
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?;
    run.call(&mut store, ()).map(|(n,)| n)
}

#[test]
fn versions_that_are_semver_compatible_match_both_ways() {
    for (wanted, defined) in [
        ("test:log/log", "test:log/log"),
        ("test:log/log@0.2.0", "test:log/log@0.2.0"),
        ("test:log/log@0.2.0", "test:log/log@0.2.6"),
        ("test:log/log@0.2.6", "test:log/log@0.2.0"),
        ("test:log/log@1.0.0", "test:log/log@1.4.2"),
        ("test:log/log@1.4.2", "test:log/log@1.0.0"),
    ] {
        assert_eq!(run(wanted, defined).unwrap(), 8, "{wanted} from {defined}");
    }
}

#[test]
fn versions_that_are_not_compatible_do_not_match_and_the_error_says_what_there_is() {
    for (wanted, defined) in [
        ("test:log/log@0.2.0", "test:log/log@0.3.0"),
        ("test:log/log@1.0.0", "test:log/log@2.0.0"),
        ("test:log/log@0.0.1", "test:log/log@0.0.2"),
        ("test:log/log@0.1.0", "test:log/log@1.1.0"),
        ("test:log/log@1.0.0-rc.1", "test:log/log@1.0.0"),
    ] {
        let error = run(wanted, defined).unwrap_err();
        let Error::Link(LinkError::Missing { import, .. }) = &error else {
            panic!("{error:?}")
        };
        assert!(import.starts_with(wanted), "{error}");
        assert!(error.to_string().contains(defined), "{error}");
    }
}

/// With several compatible versions defined the exact one wins, else the newest.
#[test]
fn the_exact_version_is_preferred_then_the_newest() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    for (version, answer) in [("0.2.1", 1u32), ("0.2.10", 10), ("0.2.3", 3)] {
        linker
            .instance(&format!("test:log/log@{version}"))
            .unwrap()
            .func_wrap("log", move |_cx, (_, _): (String, u32)| Ok((answer,)))
            .unwrap();
    }
    for (wanted, expected) in [("0.2.3", 3), ("0.2.1", 1), ("0.2.0", 10), ("0.2.99", 10)] {
        let (mut store, instance) = instantiate_with(
            &engine,
            &linker,
            (),
            &logger(&format!("test:log/log@{wanted}")),
        )
        .unwrap();
        let run = instance
            .get_typed_func::<(), (u32,)>(&mut store, "run")
            .unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), (expected,), "{wanted}");
    }
}

#[test]
fn a_missing_import_is_named() {
    let error = instantiate(&logger("test:log/log@0.2.0"))
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(&error, Error::Link(LinkError::Missing { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("test:log/log@0.2.0"), "{error}");
}

#[test]
fn a_missing_function_of_a_defined_interface_is_named() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log@0.2.0")
        .unwrap()
        .func_wrap("other", |_cx, ()| Ok(()))
        .unwrap();
    let error = instantiate_with(&engine, &linker, (), &logger("test:log/log@0.2.0"))
        .map(|_| ())
        .unwrap_err();
    let Error::Link(LinkError::Missing { import, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(import, "test:log/log@0.2.0#log");
}

#[test]
fn a_function_of_other_types_is_refused_and_the_difference_named() {
    let engine = engine();
    let try_with = |linker: &Linker<()>| {
        instantiate_with(&engine, linker, (), &logger("test:log/log"))
            .map(|_| ())
            .unwrap_err()
    };
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log")
        .unwrap()
        .func_wrap("log", |_cx, (_, _): (String, u64)| Ok((1u32,)))
        .unwrap();
    let error = try_with(&linker);
    assert!(
        matches!(&error, Error::Link(LinkError::Type { .. })),
        "{error:?}"
    );
    let text = error.to_string();
    for part in ["test:log/log#log", "u64", "u32"] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }

    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log")
        .unwrap()
        .func_wrap("log", |_cx, (_,): (String,)| Ok((1u32,)))
        .unwrap();
    assert!(matches!(
        try_with(&linker),
        Error::Link(LinkError::Type { .. })
    ));

    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log")
        .unwrap()
        .func_wrap("log", |_cx, (_, _): (String, u32)| Ok(()))
        .unwrap();
    assert!(matches!(
        try_with(&linker),
        Error::Link(LinkError::Type { .. })
    ));

    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log")
        .unwrap()
        .func_wrap("log", |_cx, (_, _): (Vec<u8>, u32)| Ok((1u32,)))
        .unwrap();
    let text = try_with(&linker).to_string();
    assert!(text.contains("list") && text.contains("string"), "{text}");
}

#[test]
fn a_definition_of_another_kind_is_refused() {
    struct Log;
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("test:log/log")
        .unwrap()
        .resource::<Log>("log", |_cx, _rep| Ok(()))
        .unwrap();
    let error = instantiate_with(&engine, &linker, (), &logger("test:log/log"))
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(&error, Error::Link(LinkError::Kind { .. })),
        "{error:?}"
    );

    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("test:log/log", |_cx, ()| Ok(()))
        .unwrap();
    let error = instantiate_with(&engine, &linker, (), &logger("test:log/log"))
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Link(LinkError::Kind { .. } | LinkError::Missing { .. })
        ),
        "{error:?}"
    );
}

#[test]
fn a_name_is_defined_once() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("f", |_cx, ()| Ok(())).unwrap();
    let error = linker
        .root()
        .func_wrap("f", |_cx, ()| Ok(()))
        .err()
        .unwrap();
    assert!(
        matches!(&error, Error::Link(LinkError::Duplicate(name)) if name.contains('f')),
        "{error:?}"
    );
    // the same instance twice is where two parts of a program add to it
    linker
        .instance("a:b/c")
        .unwrap()
        .func_wrap("f", |_cx, ()| Ok(()))
        .unwrap();
    linker
        .instance("a:b/c")
        .unwrap()
        .func_wrap("g", |_cx, ()| Ok(()))
        .unwrap();
    linker
        .instance("a:b/c")
        .unwrap()
        .func_wrap("g", |_cx, ()| Ok(()))
        .err()
        .unwrap();
}

#[test]
fn get_typed_func_checks_name_and_types() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
             (core instance $m (instantiate $m))
             (func $f (param "v" u32) (result u32) (canon lift (core func $m "f")))
             (export "f" (func $f))
             (instance $i (export "f" (func $f)))
             (export "test:abi/i@0.2.0" (instance $i)))"#,
    )
    .unwrap();
    assert_eq!(
        instance
            .get_typed_func::<(u32,), (u32,)>(&mut store, "f")
            .unwrap()
            .call(&mut store, (5,))
            .unwrap(),
        (5,)
    );
    let g = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, ("test:abi/i@0.2.0", "f"))
        .unwrap();
    assert_eq!(g.call(&mut store, (6,)).unwrap(), (6,));
    // a patch release of the guest's interface is the same interface
    assert!(
        instance
            .get_func(&mut store, ("test:abi/i@0.2.3", "f"))
            .is_some()
    );
    assert!(
        instance
            .get_func(&mut store, ("test:abi/i@0.3.0", "f"))
            .is_none()
    );
    assert!(instance.get_func(&mut store, "g").is_none());
    assert!(
        instance
            .get_func(&mut store, ("test:abi/i@0.2.0", "g"))
            .is_none()
    );
    assert!(instance.get_func(&mut store, "test:abi/i@0.2.0").is_none());

    let missing = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, ("test:abi/i@0.2.0", "nope"))
        .err()
        .unwrap();
    assert!(
        matches!(&missing, Error::Export(text) if text.contains("nope")),
        "{missing:?}"
    );
    let wrong = instance
        .get_typed_func::<(u64,), (u32,)>(&mut store, "f")
        .err()
        .unwrap();
    assert!(
        matches!(&wrong, Error::Type { function, .. } if function == "f"),
        "{wrong:?}"
    );
    instance
        .get_typed_func::<(), (u32,)>(&mut store, "f")
        .err()
        .unwrap();
    instance
        .get_typed_func::<(u32,), ()>(&mut store, "f")
        .err()
        .unwrap();
    instance
        .get_typed_func::<(u32, u32), (u32,)>(&mut store, "f")
        .err()
        .unwrap();
}

/// A core start function and a reactor's `_initialize` (called from a start function, as adapters do it) run
/// before the first export, and may call imports.
#[test]
fn start_functions_run_at_instantiation_and_may_call_imports() {
    let text = r#"
(component
  (import "host" (func $host (param "n" u32)))
  (core func $host (canon lower (func $host)))
  (core module $m
    (import "h" "host" (func $host (param i32)))
    (global $ready (mut i32) (i32.const 0))
    (func $start (global.set $ready (i32.const 10)) (call $host (i32.const 1)))
    (start $start)
    (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 1))) (call $host (i32.const 2)))
    (func (export "ready") (result i32) (global.get $ready)))
  (core instance $m (instantiate $m (with "h" (instance (export "host" (func $host))))))
  (core module $init (import "m" "_initialize" (func $init)) (start $init))
  (core instance (instantiate $init (with "m" (instance $m))))
  (func (export "ready") (result u32) (canon lift (core func $m "ready"))))
"#;
    let engine = engine();
    let mut linker = Linker::<Vec<u32>>::new(&engine);
    linker
        .root()
        .func_wrap(
            "host",
            |mut cx: StoreContextMut<'_, Vec<u32>>, (n,): (u32,)| {
                cx.data_mut().push(n);
                Ok(())
            },
        )
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, Vec::new(), text).unwrap();
    assert_eq!(*store.data(), [1, 2]);
    let ready = instance
        .get_typed_func::<(), (u32,)>(&mut store, "ready")
        .unwrap();
    assert_eq!(ready.call(&mut store, ()).unwrap(), (11,));
}

#[test]
fn a_trap_in_a_start_function_is_an_error_of_instantiation() {
    let error = instantiate(
        r#"(component
             (core module $m (func $start unreachable) (start $start))
             (core instance (instantiate $m)))"#,
    )
    .map(|_| ())
    .unwrap_err();
    assert!(matches!(&error, Error::Trap(_)), "{error:?}");
    assert!(error.to_string().contains("unreachable"), "{error}");
}

#[test]
fn a_data_segment_out_of_bounds_is_an_error_of_instantiation() {
    let error = instantiate(
        r#"(component
             (core module $m (memory 1) (data (i32.const 65535) "ab"))
             (core instance (instantiate $m)))"#,
    )
    .map(|_| ())
    .unwrap_err();
    assert!(matches!(&error, Error::Trap(_)), "{error:?}");
}

/// The form of a component made with an adapter: a shim with a table, whose functions the main module
/// imports, and a fix-up module that fills the table once the real functions can be made.
#[test]
fn shims_and_fixups_work() {
    let text = r#"
(component
  (import "host" (func $host (param "s" string) (result string)))
  (core module $shim
    (type $t (func (param i32 i32 i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (param i32 i32 i32)
      (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))
  (core instance $shim (instantiate $shim))
  (core module $main
    (import "host" "host" (func $host (param i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "ping")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
    (func (export "run") (result i32) (call $host (i32.const 64) (i32.const 4) (i32.const 8)) (i32.const 8)))
  (core instance $main (instantiate $main (with "host" (instance (export "host" (func $shim "0"))))))
  (core func $host (canon lower (func $host) (memory (core memory $main "memory")) (realloc (core func $main "cabi_realloc"))))
  (core module $fixup
    (import "" "0" (func $f (param i32 i32 i32)))
    (import "" "$imports" (table 1 1 funcref))
    (elem (i32.const 0) func $f))
  (core instance (instantiate $fixup
    (with "" (instance (export "$imports" (table $shim "$imports")) (export "0" (func $host))))))
  (func (export "run") (result string)
    (canon lift (core func $main "run") (memory (core memory $main "memory")) (realloc (core func $main "cabi_realloc")))))
"#;
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("host", |_cx, (s,): (String,)| Ok((format!("{s} pong"),)))
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, (), text).unwrap();
    let run = instance
        .get_typed_func::<(), (String,)>(&mut store, "run")
        .unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), ("ping pong".to_owned(),));
}

/// Core instances may share globals, tables and memories with one another.
#[test]
fn core_items_of_every_kind_can_be_imported_by_core_modules() {
    let text = r#"
(component
  (core module $a
    (memory (export "mem") 1)
    (table (export "tab") 2 funcref)
    (global (export "glob") (mut i32) (i32.const 5))
    (func (export "fun") (result i32) (i32.const 7)))
  (core instance $a (instantiate $a))
  (core module $b
    (import "a" "mem" (memory 1))
    (import "a" "tab" (table 2 funcref))
    (import "a" "glob" (global $g (mut i32)))
    (import "a" "fun" (func $f (result i32)))
    (elem (i32.const 1) func $f)
    (type $t (func (result i32)))
    (func (export "run") (result i32)
      (i32.store (i32.const 0) (i32.const 100))
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (global.get $g) (i32.add (i32.load (i32.const 0)) (call_indirect (type $t) (i32.const 1))))))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (func (export "run") (result u32) (canon lift (core func $b "run"))))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let run = instance
        .get_typed_func::<(), (u32,)>(&mut store, "run")
        .unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), (113,));
}

#[test]
fn imports_and_exports_can_be_listed() {
    let engine = engine();
    let component = compile(&engine, &logger("test:log/log@0.2.0")).unwrap();
    let imports: Vec<_> = component
        .imports()
        .map(|(name, ty)| (name.to_owned(), ty.kind()))
        .collect();
    assert_eq!(imports, [("test:log/log@0.2.0".to_owned(), "instance")]);
    let exports: Vec<_> = component
        .exports()
        .map(|(name, ty)| (name.to_owned(), ty.kind()))
        .collect();
    assert_eq!(exports, [("run".to_owned(), "function")]);
}

/// Types that are imported "as equal" need nothing of the linker.
#[test]
fn imported_types_need_no_definition() {
    let text = r#"
(component
  (type $r' (record (field "a" u32)))
  (import "r" (type $r (eq $r')))
  (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
  (core instance $m (instantiate $m))
  (func (export "f") (param "r" $r) (result $r) (canon lift (core func $m "f"))))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    let value = Val::Record(vec![("a".to_owned(), Val::U32(4))]);
    assert_eq!(
        f.call(&mut store, std::slice::from_ref(&value)).unwrap(),
        Some(value)
    );
}

#[test]
fn what_is_not_a_component_is_refused_with_a_reason() {
    let engine = engine();
    for (bytes, what) in [
        (&b""[..], "nothing"),
        (b"\0asm", "a header cut short"),
        (b"\0asm\x01\0\0\0", "an empty core module"),
        (b"#!/bin/sh\n", "a script"),
        (b"\0asm\x0d\0\x01\0\xff\xff\xff", "rubbish after the header"),
    ] {
        let error = wasmer_component::Component::new(&engine, bytes)
            .err()
            .unwrap_or_else(|| panic!("{what} is not a component"));
        assert!(matches!(&error, Error::Translate(_)), "{what}: {error:?}");
    }
    let core = wat::parse_str("(module)").unwrap();
    let error = wasmer_component::Component::new(&engine, &core)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("core module"), "{error}");
    // and the empty component is one
    let empty = compile(&engine, "(component)").unwrap();
    Linker::<()>::new(&engine)
        .instantiate(&mut Store::new(&engine, ()).unwrap(), &empty)
        .unwrap();
}
