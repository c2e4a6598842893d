//! Core modules that stand for components: what they export and import by the canonical ABI, what they import beside their
//! world, and that everything which holds for components holds for them.

use crate::common::engine;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wasmer_component::{
    Component, CoreModule, CoreType, CoreValueType, Engine, Error, Instance, LimitKind, LinkError,
    Linker, Resource, Store, StoreContextMut, StoreLimits,
};

/// The world of these tests.
const WIT: &str = "
package test:core@1.2.0;
interface log {
    resource sink { constructor(name: string); }
    record line { level: u8, text: string }
    log: func(line: line);
    open: func() -> sink;
}
interface work {
    greet: func(name: string) -> string;
    double: func(n: u32) -> u32;
    spin: func();
    sum: func(bytes: list<u8>) -> u64;
}
world worker { import log; export work; }
";

/// A memory, and an allocator that begins at 4096 and never gives anything back.
const HEAP: &str = r#"
(memory (export "memory") 1)
(global $top (mut i32) (i32.const 4096))
(func $realloc (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.set $top (i32.add (local.get $at) (local.get $new)))
  (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
    (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $new) (i32.const 65536)))))
      (then unreachable))))
  (memory.copy (local.get $at) (local.get $old) (local.get $size))
  (local.get $at))
"#;

/// Exports everything of `work`; `greet` logs what it is given and gives it back, and says in a global how often it was cleaned up.
fn worker(imports: &str, more: &str) -> String {
    worker_on(HEAP, imports, more)
}

fn worker_on(heap: &str, imports: &str, more: &str) -> String {
    let functions = [
        (
            "greet",
            r#"(func (export "test:core/work@1.2.0#greet") (param $at i32) (param $len i32) (result i32)
                 (call $log (i32.const 7) (local.get $at) (local.get $len))
                 (i32.store (i32.const 16) (local.get $at))
                 (i32.store (i32.const 20) (local.get $len))
                 (i32.const 16))
               (func (export "cabi_post_test:core/work@1.2.0#greet") (param i32)
                 (global.set $cleaned (i32.add (global.get $cleaned) (i32.const 1))))"#,
        ),
        (
            "double",
            r#"(func (export "test:core/work@1.2.0#double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))"#,
        ),
        (
            "spin",
            r#"(func $spin (export "test:core/work@1.2.0#spin") (loop $again (br $again)))"#,
        ),
        (
            "sum",
            r#"(func (export "test:core/work@1.2.0#sum") (param $at i32) (param $len i32) (result i64)
                 (local $sum i64)
                 (block $done (loop $next
                   (br_if $done (i32.eqz (local.get $len)))
                   (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
                   (local.set $at (i32.add (local.get $at) (i32.const 1)))
                   (local.set $len (i32.sub (local.get $len) (i32.const 1)))
                   (br $next)))
                 (local.get $sum))"#,
        ),
    ];
    let functions: String = functions
        .iter()
        .filter(|(name, _)| !more.contains(&format!("#{name}\"")))
        .map(|(_, text)| *text)
        .collect();
    format!(
        r#"(module $worker
             (import "test:core/log@1.2.0" "log" (func $log (param i32 i32 i32)))
             {imports} {heap} (global $cleaned (mut i32) (i32.const 0)) {functions} {more})"#
    )
}

fn bytes(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|e| panic!("the test's own text is wrong: {e}\n{text}"))
}

fn component(engine: &Engine, text: &str) -> Result<Component, Error> {
    let bytes = bytes(text);
    let module = CoreModule::new(&bytes).world(&[WIT], "worker")?;
    Component::from_core_module(engine, &module)
}

/// What the host notes.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

#[derive(Debug, Clone, PartialEq, wasmer_component::ComponentType, wasmer_component::Lift)]
#[component(record)]
struct Line {
    level: u8,
    text: String,
}

struct Sink;

fn linker(engine: &Engine) -> Linker<Notes> {
    let mut linker = Linker::new(engine);
    let mut log = linker.instance("test:core/log@1.2.0").unwrap();
    log.func_wrap(
        "log",
        |mut cx: StoreContextMut<'_, Notes>, (line,): (Line,)| {
            let note = format!("{} {}", line.level, line.text);
            cx.data_mut().0.push(note);
            Ok(())
        },
    )
    .unwrap();
    log.resource::<Sink>("sink", |mut cx: StoreContextMut<'_, Notes>, rep| {
        cx.data_mut().0.push(format!("sink {rep} dropped"));
        Ok(())
    })
    .unwrap();
    log.func_wrap("open", |_, (): ()| Ok((Resource::<Sink>::new_own(5),)))
        .unwrap();
    linker
}

fn instantiate(
    linker: &Linker<Notes>,
    engine: &Engine,
    text: &str,
) -> Result<(Store<Notes>, Instance), Error> {
    let component = component(engine, text)?;
    let mut store = Store::new(engine, Notes::default())?;
    let instance = linker.instantiate(&mut store, &component)?;
    Ok((store, instance))
}

const WORK: &str = "test:core/work@1.2.0";

#[test]
fn values_cross_by_the_canonical_abi_in_both_directions() {
    let engine = engine();
    let (mut store, instance) = instantiate(&linker(&engine), &engine, &worker("", "")).unwrap();
    let greet = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, (WORK, "greet"))
        .unwrap();
    assert_eq!(
        greet.call(&mut store, ("Zoë",)).unwrap(),
        ("Zoë".to_owned(),)
    );
    assert_eq!(greet.call(&mut store, ("",)).unwrap(), (String::new(),));
    assert_eq!(store.data().0, ["7 Zoë", "7 "]);
    let sum = instance
        .get_typed_func::<(&[u8],), (u64,)>(&mut store, (WORK, "sum"))
        .unwrap();
    let bytes = vec![3; 200_000];
    assert_eq!(sum.call(&mut store, (&bytes,)).unwrap(), (600_000,));
}

/// `post-return` runs once a call, and not while the instance may leave.
#[test]
fn post_return_runs_and_may_not_leave() {
    let engine = engine();
    let text = worker(
        "",
        r#"(func (export "test:core/work@1.2.0#greet") (param i32 i32) (result i32) (i32.const 16))
           (func (export "cabi_post_test:core/work@1.2.0#greet") (param i32)
             (call $log (i32.const 1) (i32.const 0) (i32.const 0)))"#,
    );
    let (mut store, instance) = instantiate(&linker(&engine), &engine, &text).unwrap();
    let greet = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, (WORK, "greet"))
        .unwrap();
    let error = greet.call(&mut store, ("x",)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot leave component instance"),
        "{error}"
    );
    assert!(matches!(
        greet.call(&mut store, ("x",)),
        Err(Error::Poisoned { .. })
    ));
}

/// Versions are found as those of components are.
#[test]
fn interfaces_are_found_in_any_version_of_their_track() {
    let engine = engine();
    let (mut store, instance) = instantiate(&linker(&engine), &engine, &worker("", "")).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, ("test:core/work@1.0.0", "double"))
        .unwrap();
    assert_eq!(double.call(&mut store, (21,)).unwrap(), (42,));
    let wrong = instance.get_typed_func::<(u64,), (u32,)>(&mut store, (WORK, "double"));
    assert!(matches!(wrong, Err(Error::Type { .. })));
}

#[test]
fn handles_are_those_of_components() {
    let engine = engine();
    let text = worker(
        r#"(import "test:core/log@1.2.0" "open" (func $open (result i32)))
           (import "test:core/log@1.2.0" "[resource-drop]sink" (func $drop (param i32)))"#,
        r#"(func (export "test:core/work@1.2.0#double") (param i32) (result i32)
             (local $sink i32)
             (local.set $sink (call $open))
             (call $drop (local.get $sink))
             ;; A second time, if so asked.
             (if (local.get 0) (then (call $drop (local.get $sink))))
             (local.get $sink))"#,
    );
    let (mut store, instance) = instantiate(&linker(&engine), &engine, &text).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    assert_eq!(double.call(&mut store, (0,)).unwrap(), (1,));
    assert_eq!(store.data().0, ["sink 5 dropped"]);
    let error = double.call(&mut store, (1,)).unwrap_err();
    assert!(error.to_string().contains("handle"), "{error}");
}

/// What the module imports beside its world comes from the host, in the order of the imports among those of the world, and works from
/// an artifact as well.
#[test]
fn core_imports_are_given_in_order() {
    let engine = engine();
    let text = format!(
        r#"(module
             (import "env" "add" (func $add (param i32 i32) (result i32)))
             (import "test:core/log@1.2.0" "log" (func $log (param i32 i32 i32)))
             (import "env" "float" (func $float (param f64 f32) (result f32)))
             (import "other" "note" (func $note (param i64)))
             {HEAP}
             (func (export "test:core/work@1.2.0#greet") (param i32 i32) (result i32) (i32.const 16))
             (func (export "test:core/work@1.2.0#double") (param i32) (result i32)
               (call $note (i64.const -1))
               (drop (call $float (f64.const 1.5) (f32.const 0.25)))
               (call $add (local.get 0) (i32.const -2)))
             (func (export "test:core/work@1.2.0#spin"))
             (func (export "test:core/work@1.2.0#sum") (param i32 i32) (result i64) (i64.const 0)))"#
    );
    let compiled = component(&engine, &text).unwrap();
    let number = CoreValueType::I32;
    let imports: Vec<_> = compiled.core_imports().collect();
    assert_eq!(
        imports,
        [
            (
                "env",
                "add",
                &CoreType::Func {
                    params: vec![number.clone(), number.clone()],
                    results: vec![number]
                }
            ),
            (
                "env",
                "float",
                &CoreType::Func {
                    params: vec![CoreValueType::F64, CoreValueType::F32],
                    results: vec![CoreValueType::F32]
                }
            ),
            (
                "other",
                "note",
                &CoreType::Func {
                    params: vec![CoreValueType::I64],
                    results: vec![]
                }
            ),
        ]
    );
    let artifact = compiled.serialize().unwrap();
    // SAFETY: it was made two lines above.
    let loaded = unsafe { Component::deserialize(&engine, &artifact) }.unwrap();
    let mut linker = linker(&engine);
    linker.core_imports(|_, imports, link| {
        for import in imports {
            let name = format!("{}.{}", import.module, import.name);
            link.function(move |mut cx: StoreContextMut<'_, Notes>, args| {
                cx.data_mut().0.push(format!("{name} {args:x?}"));
                Ok(args.iter().fold(0, |sum, arg| sum.wrapping_add(*arg)))
            });
        }
        Ok(())
    });
    let mut store = Store::new(&engine, Notes::default()).unwrap();
    let instance = linker.instantiate(&mut store, &loaded).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    assert_eq!(double.call(&mut store, (44,)).unwrap(), (42,));
    assert_eq!(
        store.data().0,
        [
            "other.note [ffffffffffffffff]",
            "env.float [3ff8000000000000, 3e800000]",
            "env.add [2c, fffffffe]"
        ]
    );
}

const TICK: &str = r#"(import "env" "tick" (func $tick (param i32) (result i32)))"#;

#[test]
fn a_core_import_that_nobody_gives_is_named() {
    let engine = engine();
    let text = worker(TICK, "");
    let compiled = component(&engine, &text).unwrap();
    let linker = linker(&engine);
    let mut store = Store::new(&engine, Notes::default()).unwrap();
    for error in [
        linker.check_imports(&compiled).unwrap_err(),
        linker.instantiate(&mut store, &compiled).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "import env tick (core function) is not defined"
        );
    }
    // One too few is the same.
    let mut linker = linker.clone();
    linker.core_imports(|_, _, _| Ok(()));
    linker.check_imports(&compiled).unwrap();
    let error = linker.instantiate(&mut store, &compiled).unwrap_err();
    assert!(
        matches!(&error, Error::Link(LinkError::Missing { import, .. }) if import == "env tick"),
        "{error}"
    );
}

/// The host hears that the module is instantiated before its `_initialize` runs, which may call what the host gave.
#[test]
fn initialize_runs_once_when_everything_is_there() {
    let engine = engine();
    let text = worker(
        TICK,
        r#"(func (export "_initialize")
             (drop (call $tick (i32.const 1)))
             (call $log (i32.const 2) (i32.const 0) (i32.const 0)))"#,
    );
    let mut linker = linker(&engine);
    linker.core_imports(|_, _, link| {
        link.function(|mut cx: StoreContextMut<'_, Notes>, args| {
            cx.data_mut().0.push(format!("tick {args:?}"));
            Ok(0)
        });
        link.instantiated(|mut cx, instance| {
            let exports = instance.exports.iter().count();
            cx.data_mut()
                .0
                .push(format!("instantiated, {exports} exports"));
            Ok(())
        });
        Ok(())
    });
    let (mut store, instance) = instantiate(&linker, &engine, &text).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    double.call(&mut store, (1,)).unwrap();
    assert_eq!(
        store.data().0,
        ["instantiated, 8 exports", "tick [1]", "2 "]
    );
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("enough")]
struct Enough;

/// A core import ends the call with the host's own error, and is out of reach while values are lowered.
#[test]
fn core_imports_keep_to_the_rules_of_imports() {
    let engine = engine();
    let mut linker = linker(&engine);
    linker.core_imports(|_, _, link| {
        link.function(|_: StoreContextMut<'_, Notes>, _| Err(Error::host(Enough)));
        Ok(())
    });
    let text = worker(
        TICK,
        r#"(func (export "test:core/work@1.2.0#double") (param i32) (result i32) (call $tick (local.get 0)))"#,
    );
    let (mut store, instance) = instantiate(&linker, &engine, &text).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    let error = double.call(&mut store, (1,)).unwrap_err();
    assert_eq!(error.downcast_ref::<Enough>(), Some(&Enough));

    let heap = r#"(memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $tick (i32.const 0)))"#;
    let text = worker_on(heap, TICK, "");
    let (mut store, instance) = instantiate(&linker, &engine, &text).unwrap();
    let greet = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, (WORK, "greet"))
        .unwrap();
    let error = greet.call(&mut store, ("x",)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot leave component instance"),
        "{error}"
    );
}

#[test]
fn traps_name_functions() {
    let engine = engine();
    let text = worker(
        "",
        r#"(func $deep (param i32) (result i32) unreachable)
           (func $double (export "test:core/work@1.2.0#double") (param i32) (result i32) (call $deep (local.get 0)))"#,
    );
    let (mut store, instance) = instantiate(&linker(&engine), &engine, &text).unwrap();
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    let Err(Error::Trap(trap)) = double.call(&mut store, (1,)) else {
        panic!("it must trap");
    };
    assert_eq!(trap.function, "test:core/work@1.2.0#double");
    let frames: Vec<_> = trap
        .frames
        .iter()
        .map(|frame| (frame.module.as_str(), frame.function.as_deref()))
        .collect();
    assert_eq!(
        frames,
        [("worker", Some("deep")), ("worker", Some("double"))]
    );
}

#[test]
fn limits_hold() {
    let engine = engine();
    let compiled = component(&engine, &worker("", "")).unwrap();
    let linker = linker(&engine);
    let limits = StoreLimits {
        memory_bytes: Some(1 << 20),
        ..StoreLimits::default()
    };
    let mut store = Store::with_limits(&engine, Notes::default(), limits).unwrap();
    let instance = linker.instantiate(&mut store, &compiled).unwrap();
    let sum = instance
        .get_typed_func::<(&[u8],), (u64,)>(&mut store, (WORK, "sum"))
        .unwrap();
    let error = sum.call(&mut store, (&vec![0; 2 << 20],)).unwrap_err();
    assert!(error.is_limit(LimitKind::Memory), "{error}");

    let mut store = Store::new(&engine, Notes::default()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(50)));
    let instance = linker.instantiate(&mut store, &compiled).unwrap();
    let spin = instance
        .get_typed_func::<(), ()>(&mut store, (WORK, "spin"))
        .unwrap();
    let begin = Instant::now();
    let error = spin.call(&mut store, ()).unwrap_err();
    assert!(error.is_limit(LimitKind::Time), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

/// A core import that comes back late ends the call; it has been told when it should.
#[test]
fn core_imports_know_the_deadline() {
    let engine = engine();
    let asked = Arc::new(Mutex::new(None));
    let noted = asked.clone();
    let mut linker = linker(&engine);
    linker.core_imports(move |_, _, link| {
        let noted = noted.clone();
        link.function(move |mut cx: StoreContextMut<'_, Notes>, _| {
            *noted.lock().unwrap() = cx.deadline();
            while cx.deadline().is_some_and(|at| Instant::now() < at) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(cx.deadline_error())
        });
        Ok(())
    });
    let text = worker(
        TICK,
        r#"(func (export "test:core/work@1.2.0#double") (param i32) (result i32) (call $tick (local.get 0)))"#,
    );
    let (mut store, instance) = instantiate(&linker, &engine, &text).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(30)));
    let double = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, (WORK, "double"))
        .unwrap();
    let error = double.call(&mut store, (1,)).unwrap_err();
    assert!(error.is_limit(LimitKind::Time), "{error}");
    assert!(asked.lock().unwrap().is_some());
}

/// As WASIX's toolchain makes them: a shared memory that is imported, and exported again. It is the instance's own.
#[test]
fn an_imported_memory_is_made_within_the_limits() {
    let engine = engine();
    let heap = HEAP.replace(
        r#"(memory (export "memory") 1)"#,
        r#"(export "memory" (memory $memory))"#,
    );
    let text = worker_on(
        &heap,
        r#"(import "env" "memory" (memory $memory 1 100 shared))"#,
        "",
    );
    let compiled = component(&engine, &text).unwrap();
    assert_eq!(compiled.core_imports().count(), 0);
    let linker = linker(&engine);
    let with_limit = |pages: u64| {
        let limits = StoreLimits {
            memory_bytes: Some(pages << 16),
            ..StoreLimits::default()
        };
        let mut store = Store::with_limits(&engine, Notes::default(), limits).unwrap();
        let instance = linker.instantiate(&mut store, &compiled)?;
        let sum = instance
            .get_typed_func::<(&[u8],), (u64,)>(&mut store, (WORK, "sum"))
            .unwrap();
        sum.call(&mut store, (&vec![1; 300_000],))
    };
    assert_eq!(with_limit(16).unwrap(), (300_000,));
    assert!(with_limit(3).unwrap_err().is_limit(LimitKind::Memory));
    assert!(with_limit(0).unwrap_err().is_limit(LimitKind::Memory));
}

/// Each with what the message has to say.
#[test]
fn what_is_no_module_of_the_world_is_refused() {
    let engine = engine();
    let refused = |text: &str| component(&engine, text).unwrap_err().to_string();
    let cases = [
        // An export of the world is missing.
        (format!("(module {HEAP})"), "does not keep to its world"),
        // Another type than the world's.
        (
            worker(
                "",
                r#"(func (export "test:core/work@1.2.0#double") (param i64) (result i32) (i32.const 0))"#,
            ),
            "does not keep to its world",
        ),
        // An import of the world's interfaces that they do not have.
        (
            worker(r#"(import "test:core/log@1.2.0" "missing" (func))"#, ""),
            "does not keep to its world",
        ),
        // An interface that is not imported by the world.
        (
            worker(r#"(import "test:core/other@1.2.0" "f" (func))"#, ""),
            "does not keep to its world",
        ),
        (
            worker(r#"(import "env" "table" (table 1 funcref))"#, ""),
            "import env table, which is neither a function nor a memory",
        ),
        (
            worker(r#"(import "env" "f" (func (param externref)))"#, ""),
            "import env f, a function of other things than numbers",
        ),
        ("(component)".to_owned(), "not a valid core module"),
    ];
    for (text, says) in cases {
        let message = refused(&text);
        assert!(message.contains(says), "{says:?} is not in {message:?}");
    }
    let module = bytes(&worker("", ""));
    let error = Component::from_core_module(&engine, &CoreModule::new(&module)).unwrap_err();
    assert!(error.to_string().contains("name the world"), "{error}");
    let error = CoreModule::new(&module).world(&[WIT], "none").unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    let error = CoreModule::new(&module)
        .world(&["package a:b; world {"], "w")
        .unwrap_err();
    assert!(error.to_string().contains("WIT"), "{error}");
    // And bytes that are cut anywhere are an error, and no more than that.
    for end in (0..module.len()).step_by(7) {
        let cut = module.get(..end).unwrap_or_default();
        let module = CoreModule::new(cut).world(&[WIT], "worker").unwrap();
        assert!(Component::from_core_module(&engine, &module).is_err());
    }
}
