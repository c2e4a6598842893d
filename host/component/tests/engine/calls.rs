//! The course of a call: post-return exactly once, may-leave off where it must be, no re-entry, and an end to
//! an instance that trapped.

use crate::common::{LIBC, compile, engine, instantiate, instantiate_with};
use std::sync::{Arc, Mutex};
use wasmer_component::{Error, Func, Instance, Linker, Store, StoreContextMut, Val};

#[track_caller]
fn assert_trap<T: std::fmt::Debug>(outcome: Result<T, Error>, part: &str) {
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

/// `f() -> string` with the given core body and post-return body (parameter: the return pointer), and
/// `count() -> u32`, which says how often post-return ran and adds 1000 when it was called with another
/// value than `f` returned.
fn post_return(string: &str) -> String {
    format!(
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (global $count (mut i32) (i32.const 0))
               (data (i32.const 16) "{string}")
               (data (i32.const 64) "text")
               (func (export "f") (result i32) (i32.const 16))
               (func (export "post") (param i32)
                 (global.set $count (i32.add (global.get $count) (i32.const 1)))
                 (if (i32.ne (local.get 0) (i32.const 16))
                   (then (global.set $count (i32.add (global.get $count) (i32.const 1000))))))
               (func (export "count") (result i32) (global.get $count)))
             (core instance $m (instantiate $m))
             (func (export "f") (result string)
               (canon lift (core func $m "f") (memory (core memory $m "memory")) (post-return (core func $m "post"))))
             (func (export "count") (result u32) (canon lift (core func $m "count"))))"#
    )
}

#[test]
fn post_return_runs_exactly_once_per_call_with_the_flat_result() {
    let (mut store, instance) = instantiate(&post_return(r"\40\00\00\00\04\00\00\00")).unwrap();
    let f = instance
        .get_typed_func::<(), (String,)>(&mut store, "f")
        .unwrap();
    let count = instance
        .get_typed_func::<(), (u32,)>(&mut store, "count")
        .unwrap();
    for calls in 1..=3 {
        assert_eq!(f.call(&mut store, ()).unwrap(), ("text".to_owned(),));
        assert_eq!(count.call(&mut store, ()).unwrap(), (calls,));
    }
    let f = instance.get_func(&mut store, "f").unwrap();
    assert_eq!(
        f.call(&mut store, &[]).unwrap(),
        Some(Val::String("text".into()))
    );
    assert_eq!(count.call(&mut store, ()).unwrap(), (4,));
}

/// The same with a function that has no result, and one whose flat result is a 64-bit float.
#[test]
fn post_return_gets_whatever_the_function_returned() {
    let (mut store, instance) = instantiate(
        r#"(component
             (core module $m
               (global $sum (mut f64) (f64.const 0))
               (func (export "f") (result f64) (f64.const 2.5))
               (func (export "post-f") (param f64) (global.set $sum (f64.add (global.get $sum) (local.get 0))))
               (func (export "g"))
               (func (export "post-g") (global.set $sum (f64.add (global.get $sum) (f64.const 100))))
               (func (export "sum") (result f64) (global.get $sum)))
             (core instance $m (instantiate $m))
             (func (export "f") (result f64) (canon lift (core func $m "f") (post-return (core func $m "post-f"))))
             (func (export "g") (canon lift (core func $m "g") (post-return (core func $m "post-g"))))
             (func (export "sum") (result f64) (canon lift (core func $m "sum"))))"#,
    )
    .unwrap();
    let f = instance
        .get_typed_func::<(), (f64,)>(&mut store, "f")
        .unwrap();
    let g = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap();
    let sum = instance
        .get_typed_func::<(), (f64,)>(&mut store, "sum")
        .unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap(), (2.5,));
    g.call(&mut store, ()).unwrap();
    assert_eq!(sum.call(&mut store, ()).unwrap(), (102.5,));
}

/// `post-return` would tell the host by trapping: it is not reached when lifting failed.
#[test]
fn post_return_does_not_run_after_a_failed_lift() {
    let text = r#"(component
         (core module $m
           (memory (export "memory") 1)
           (data (i32.const 16) "\40\00\00\00\01\00\00\00\ff")
           (data (i32.const 64) "\ff")
           (func (export "f") (result i32) (i32.const 16))
           (func (export "post") (param i32) unreachable))
         (core instance $m (instantiate $m))
         (func (export "f") (result string)
           (canon lift (core func $m "f") (memory (core memory $m "memory")) (post-return (core func $m "post")))))"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance
        .get_typed_func::<(), (String,)>(&mut store, "f")
        .unwrap();
    assert_trap(f.call(&mut store, ()), "utf");
    assert!(matches!(
        f.call(&mut store, ()),
        Err(Error::Poisoned { .. })
    ));
}

#[test]
fn a_trap_in_post_return_is_an_error_and_poisons() {
    let text = post_return(r"\40\00\00\00\04\00\00\00").replace(
        r#"(func (export "post") (param i32)"#,
        r#"(func (export "post") (param i32) unreachable"#,
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(), (String,)>(&mut store, "f")
        .unwrap();
    assert_trap(f.call(&mut store, ()), "unreachable");
    let count = instance
        .get_typed_func::<(), (u32,)>(&mut store, "count")
        .unwrap();
    assert!(matches!(
        count.call(&mut store, ()),
        Err(Error::Poisoned { .. })
    ));
}

/// A component that calls the import `host` in the places that the switch `where` says:
/// 1 in `f`, 2 in realloc, 3 in post-return.
const LEAVER: &str = r#"
(component
  (import "host" (func $host))
  (core module $shim
    (table (export "t") 1 funcref)
    (memory (export "memory") 1)
    (global $where (mut i32) (i32.const 0))
    (type $call (func))
    (func (export "set") (param i32) (global.set $where (local.get 0)))
    (func $leave (param i32)
      (if (i32.eq (local.get 0) (global.get $where)) (then (call_indirect (type $call) (i32.const 0)))))
    (func (export "f") (param i32 i32) (result i32)
      (call $leave (i32.const 1))
      (i32.store (i32.const 8) (local.get 0))
      (i32.store (i32.const 12) (local.get 1))
      (i32.const 8))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $leave (i32.const 2)) (i32.const 64))
    (func (export "post") (param i32) (call $leave (i32.const 3))))
  (core instance $shim (instantiate $shim))
  (core func $host (canon lower (func $host)))
  (core module $fix (import "" "t" (table 1 funcref)) (import "" "host" (func $h)) (elem (i32.const 0) func $h))
  (core instance (instantiate $fix (with "" (instance (export "t" (table $shim "t")) (export "host" (func $host))))))
  (func (export "set") (param "where" u32) (canon lift (core func $shim "set")))
  (func (export "f") (param "s" string) (result string)
    (canon lift (core func $shim "f") (memory (core memory $shim "memory")) (realloc (core func $shim "realloc"))
      (post-return (core func $shim "post")))))
"#;

fn leave_in(place: u32) -> (Result<String, Error>, u32) {
    let engine = engine();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .root()
        .func_wrap("host", |mut cx: StoreContextMut<'_, u32>, ()| {
            *cx.data_mut() += 1;
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, 0, LEAVER).unwrap();
    instance
        .get_typed_func::<(u32,), ()>(&mut store, "set")
        .unwrap()
        .call(&mut store, (place,))
        .unwrap();
    let f = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, "f")
        .unwrap();
    let outcome = f.call(&mut store, ("hi",)).map(|(s,)| s);
    if outcome.is_err() {
        assert!(matches!(
            f.call(&mut store, ("hi",)),
            Err(Error::Poisoned { .. })
        ));
    }
    (outcome, *store.data())
}

#[test]
fn imports_may_be_called_in_a_function_but_not_in_realloc_nor_in_post_return() {
    let (outcome, calls) = leave_in(0);
    assert_eq!((outcome.unwrap(), calls), ("hi".to_owned(), 0));
    let (outcome, calls) = leave_in(1);
    assert_eq!((outcome.unwrap(), calls), ("hi".to_owned(), 1));
    for place in [2, 3] {
        let (outcome, calls) = leave_in(place);
        assert_trap(outcome, "cannot leave component instance");
        assert_eq!(calls, 0, "the import was reached from place {place}");
    }
}

/// The import's result is lowered through the same allocator, which may not leave either.
#[test]
fn realloc_for_an_imports_result_may_not_leave() {
    let text = r#"
(component
  (import "text" (func $text (result string)))
  (import "host" (func $host))
  (core func $host (canon lower (func $host)))
  (core module $libc
    (import "" "host" (func $host))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $host) (i32.const 64)))
  (core instance $libc (instantiate $libc (with "" (instance (export "host" (func $host))))))
  (core func $text (canon lower (func $text) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m (import "" "text" (func $text (param i32))) (func (export "f") (call $text (i32.const 0))))
  (core instance $m (instantiate $m (with "" (instance (export "text" (func $text))))))
  (func (export "f") (canon lift (core func $m "f"))))
"#;
    let engine = engine();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .root()
        .func_wrap("text", |_cx, ()| Ok(("some text".to_owned(),)))
        .unwrap();
    linker
        .root()
        .func_wrap("host", |mut cx: StoreContextMut<'_, u32>, ()| {
            *cx.data_mut() += 1;
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, 0, text).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    assert_trap(f.call(&mut store, ()), "cannot leave component instance");
    assert_eq!(*store.data(), 0);
}

/// `f` calls the import `host`; `g` does nothing.
const CALLER: &str = r#"
(component
  (import "host" (func $host))
  (core func $host (canon lower (func $host)))
  (core module $m
    (import "" "host" (func $host))
    (func (export "f") (call $host))
    (func (export "g"))
    (func (export "trap") unreachable))
  (core instance $m (instantiate $m (with "" (instance (export "host" (func $host))))))
  (func (export "f") (canon lift (core func $m "f")))
  (func (export "g") (canon lift (core func $m "g")))
  (func (export "trap") (canon lift (core func $m "trap"))))
"#;

#[test]
fn an_instance_that_is_running_cannot_be_entered_again() {
    #[derive(Default)]
    struct State {
        again: Option<Func>,
        seen: Option<String>,
    }
    let engine = engine();
    let mut linker = Linker::<State>::new(&engine);
    linker
        .root()
        .func_wrap(
            "host",
            |mut cx: StoreContextMut<'_, State>, ()| -> Result<(), Error> {
                let again = cx.data_mut().again.clone().unwrap();
                let error = again.call(&mut cx, &[]).unwrap_err();
                cx.data_mut().seen = Some(error.to_string());
                Err(error)
            },
        )
        .unwrap();
    let (mut store, instance) =
        instantiate_with(&engine, &linker, State::default(), CALLER).unwrap();
    store.data_mut().again = instance.get_func(&mut store, "g");
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    assert_trap(f.call(&mut store, ()), "cannot enter component instance");
    let seen = store.data().seen.clone().unwrap();
    assert!(seen.contains("cannot enter component instance"), "{seen}");
}

/// Another instance in the same store may well be called from a host function.
#[test]
fn a_host_function_may_call_another_instance() {
    #[derive(Default)]
    struct State {
        other: Option<Func>,
        calls: u32,
    }
    let engine = engine();
    let mut linker = Linker::<State>::new(&engine);
    linker
        .root()
        .func_wrap("host", |mut cx: StoreContextMut<'_, State>, ()| {
            cx.data_mut().calls += 1;
            if let Some(other) = cx.data_mut().other.take() {
                other.call(&mut cx, &[])?;
            }
            Ok(())
        })
        .unwrap();
    let component = compile(&engine, CALLER).unwrap();
    let mut store = Store::new(&engine, State::default()).unwrap();
    let one = linker.instantiate(&mut store, &component).unwrap();
    let two = linker.instantiate(&mut store, &component).unwrap();
    store.data_mut().other = two.get_func(&mut store, "f");
    one.get_typed_func::<(), ()>(&mut store, "f")
        .unwrap()
        .call(&mut store, ())
        .unwrap();
    assert_eq!(store.data().calls, 2);
}

#[test]
fn after_a_trap_the_instance_refuses_every_call_and_others_go_on() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("host", |_cx, ()| Ok(())).unwrap();
    let component = compile(&engine, CALLER).unwrap();
    let mut store = Store::new(&engine, ()).unwrap();
    let one = linker.instantiate(&mut store, &component).unwrap();
    let two = linker.instantiate(&mut store, &component).unwrap();
    let call = |store: &mut Store<()>, instance: &Instance, name: &str| {
        instance
            .get_typed_func::<(), ()>(&mut *store, name)
            .unwrap()
            .call(store, ())
    };
    assert_trap(call(&mut store, &one, "trap"), "unreachable");
    for name in ["f", "g", "trap"] {
        let error = call(&mut store, &one, name).unwrap_err();
        match &error {
            Error::Poisoned { function, cause } => {
                assert_eq!(function, name);
                assert!(cause.contains("unreachable"), "{cause}");
            }
            other => panic!("{other:?}"),
        }
    }
    call(&mut store, &two, "f").unwrap();
    let three = linker.instantiate(&mut store, &component).unwrap();
    call(&mut store, &three, "g").unwrap();
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("the embedder's own error {0}")]
struct Mine(u32);

#[test]
fn a_host_functions_own_error_comes_out_of_the_call() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("host", |_cx, ()| -> Result<(), Error> {
            Err(Error::host(Mine(7)))
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, (), CALLER).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    let error = f.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Mine>(), Some(&Mine(7)), "{error:?}");
    // the guest was cut off in the middle of its function
    assert!(matches!(
        f.call(&mut store, ()),
        Err(Error::Poisoned { .. })
    ));
}

#[test]
fn a_panic_in_a_host_function_goes_through_to_the_caller() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("host", |_cx, ()| -> Result<(), Error> {
            panic!("from the host function")
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, (), CALLER).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f.call(&mut store, ())));
    let payload = outcome.expect_err("the panic is not lost");
    assert_eq!(
        payload.downcast_ref::<&str>(),
        Some(&"from the host function")
    );
    assert!(
        f.call(&mut store, ()).is_err(),
        "the instance was left in the middle of a call"
    );
}

#[test]
fn traps_name_the_function_and_show_the_guests_frames() {
    let text = r#"
(component
  (core module $m
    (func $innermost unreachable)
    (func $middle (call $innermost))
    (func (export "f") (call $middle)))
  (core instance $m (instantiate $m))
  (func $f (canon lift (core func $m "f")))
  (instance $i (export "run" (func $f)))
  (export "test:abi/runner@1.0.0" (instance $i)))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance
        .get_typed_func::<(), ()>(&mut store, ("test:abi/runner@1.0.0", "run"))
        .unwrap();
    let error = f.call(&mut store, ()).unwrap_err();
    let Error::Trap(trap) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(trap.function, "test:abi/runner@1.0.0#run");
    let names: Vec<_> = trap
        .frames
        .iter()
        .filter_map(|frame| frame.function.clone())
        .collect();
    assert_eq!(
        names[..2],
        ["innermost".to_owned(), "middle".to_owned()],
        "{trap}"
    );
    assert!(error.to_string().contains("unreachable"), "{error}");
}

#[test]
fn every_kind_of_core_trap_says_what_happened() {
    for (body, part) in [
        (
            "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
            "divide by zero",
        ),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
            "overflow",
        ),
        (
            "(drop (i32.load (i32.const 65536)))",
            "out of bounds memory access",
        ),
        ("(call_indirect (type $t) (i32.const 3))", "table"),
        ("(call_indirect (type $t) (i32.const 0))", ""),
        ("(call $recurse)", "stack"),
    ] {
        let text = format!(
            r#"(component
                 (core module $m
                   (type $t (func))
                   (table 1 funcref)
                   (memory 1)
                   (func $recurse (call $recurse) (call $recurse))
                   (func (export "f") {body}))
                 (core instance $m (instantiate $m))
                 (func (export "f") (canon lift (core func $m "f"))))"#
        );
        let (mut store, instance) = instantiate(&text).unwrap();
        let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        assert_trap(f.call(&mut store, ()), part);
    }
}

/// Results of a typed call are lifted whole before post-return: what the guest frees or overwrites there
/// does not show.
#[test]
fn results_are_lifted_before_post_return() {
    let text = r#"
(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 16) "\40\00\00\00\04\00\00\00")
    (data (i32.const 64) "text")
    (func (export "f") (result i32) (i32.const 16))
    (func (export "post") (param i32) (memory.fill (i32.const 0) (i32.const 0xff) (i32.const 128))))
  (core instance $m (instantiate $m))
  (func (export "f") (result string)
    (canon lift (core func $m "f") (memory (core memory $m "memory")) (post-return (core func $m "post")))))
"#;
    let (mut store, instance) = instantiate(text).unwrap();
    let f = instance
        .get_typed_func::<(), (String,)>(&mut store, "f")
        .unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap(), ("text".to_owned(),));
}

/// Imports are called in the order the guest calls them, with the store's data at hand.
#[test]
fn host_functions_see_the_stores_data() {
    let engine = engine();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut linker = Linker::<u32>::new(&engine);
    let seen = log.clone();
    linker
        .root()
        .func_wrap("host", move |mut cx: StoreContextMut<'_, u32>, ()| {
            *cx.data_mut() += 1;
            seen.lock().unwrap().push(*cx.data());
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, 40, CALLER).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
    f.call(&mut store, ()).unwrap();
    assert_eq!(*log.lock().unwrap(), [41, 42]);
    assert_eq!(*store.data(), 42);
}

/// A store may go to another thread with everything in it.
#[test]
fn a_store_may_move_to_another_thread() {
    let text = format!(
        r#"(component
             {LIBC}
             (core module $m (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" u32) (result u32) (canon lift (core func $m "f"))))"#
    );
    let (mut store, instance) = instantiate(&text).unwrap();
    let f = instance
        .get_typed_func::<(u32,), (u32,)>(&mut store, "f")
        .unwrap();
    assert_eq!(f.call(&mut store, (1,)).unwrap(), (2,));
    let (mut store, f) = std::thread::spawn(move || {
        assert_eq!(f.call(&mut store, (2,)).unwrap(), (3,));
        (store, f)
    })
    .join()
    .unwrap();
    assert_eq!(f.call(&mut store, (3,)).unwrap(), (4,));
}

/// Functions and instances are numbers in their store; in another store they are an error, not somebody else's.
#[test]
fn a_function_of_another_store_is_an_error() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("host", |_cx, ()| Ok(())).unwrap();
    let component = compile(&engine, CALLER).unwrap();
    let mut one = Store::new(&engine, ()).unwrap();
    let instance = linker.instantiate(&mut one, &component).unwrap();
    let g = instance.get_typed_func::<(), ()>(&mut one, "g").unwrap();
    let mut empty = Store::new(&engine, ()).unwrap();
    g.call(&mut empty, ()).unwrap_err();
    let mut other = Store::new(&engine, ()).unwrap();
    let text = "(component (core module $m (memory 1)) (core instance (instantiate $m)))";
    let another = compile(&engine, text).unwrap();
    linker.instantiate(&mut other, &another).unwrap();
    g.call(&mut other, ()).unwrap_err();
    g.call(&mut one, ()).unwrap();
}

/// `context.get` and `context.set`: two words of a running call, zero when it begins, still there in `post-return`.
#[test]
fn the_context_of_a_call_begins_empty_and_lasts_until_post_return() {
    let text = r#"
(component
  (import "again" (func $again))
  (core func $again (canon lower (func $again)))
  (core func $get0 (canon context.get i32 0)) (core func $set0 (canon context.set i32 0))
  (core func $get1 (canon context.get i32 1)) (core func $set1 (canon context.set i32 1))
  (core module $m
    (import "" "again" (func $again))
    (import "" "get0" (func $get0 (result i32))) (import "" "set0" (func $set0 (param i32)))
    (import "" "get1" (func $get1 (result i32))) (import "" "set1" (func $set1 (param i32)))
    (global $last (mut i32) (i32.const -1))
    (func (export "f") (param i32) (result i32)
      (local $before i32)
      (local.set $before (i32.add (call $get0) (call $get1)))
      (call $set0 (local.get 0))
      (call $set1 (i32.add (local.get 0) (i32.const 1)))
      (call $again)
      (i32.add (i32.mul (local.get $before) (i32.const 10000))
        (i32.add (i32.mul (call $get0) (i32.const 100)) (call $get1))))
    (func (export "after") (param i32) (global.set $last (call $get0)))
    (func (export "last") (result i32) (global.get $last)))
  (core instance $i (instantiate $m (with "" (instance
    (export "again" (func $again))
    (export "get0" (func $get0)) (export "set0" (func $set0))
    (export "get1" (func $get1)) (export "set1" (func $set1))))))
  (func (export "f") (param "a" u32) (result u32) (canon lift (core func $i "f") (post-return (core func $i "after"))))
  (func (export "last") (result u32) (canon lift (core func $i "last"))))
"#;
    let engine = engine();
    let mut linker = Linker::<Option<(Instance, u32)>>::new(&engine);
    linker
        .root()
        .func_wrap(
            "again",
            |mut cx: StoreContextMut<'_, Option<(Instance, u32)>>, (): ()| {
                // A call into another instance in between has a context of its own.
                if let Some((other, n)) = cx.data_mut().take() {
                    let f = other.get_typed_func::<(u32,), (u32,)>(&mut cx, "f")?;
                    assert_eq!(f.call(&mut cx, (n,))?, (n * 100 + n + 1,));
                }
                Ok(())
            },
        )
        .unwrap();
    let component = compile(&engine, text).unwrap();
    let mut store = Store::new(&engine, None).unwrap();
    let one = linker.instantiate(&mut store, &component).unwrap();
    let other = linker.instantiate(&mut store, &component).unwrap();
    let f = one
        .get_typed_func::<(u32,), (u32,)>(&mut store, "f")
        .unwrap();
    let last = one
        .get_typed_func::<(), (u32,)>(&mut store, "last")
        .unwrap();
    assert_eq!(f.call(&mut store, (7,)).unwrap(), (708,));
    assert_eq!(last.call(&mut store, ()).unwrap(), (7,));
    *store.data_mut() = Some((other, 3));
    assert_eq!(f.call(&mut store, (8,)).unwrap(), (809,));
    assert_eq!(last.call(&mut store, ()).unwrap(), (8,));
}
