//! Limits: memory, tables, time and list sizes. What exceeds one ends with an error that says which; the
//! host and other instances go on.

use crate::common::{compile, engine, instantiate, instantiate_with};
use std::time::{Duration, Instant};
use wasmer_component::{
    Component, Engine, Error, Instance, LimitKind, Linker, Store, StoreContextMut, StoreLimits, Val,
};

const MIB: u64 = 1 << 20;

fn with_limits(
    engine: &Engine,
    component: &Component,
    limits: StoreLimits,
) -> Result<(Store<()>, Instance), Error> {
    let mut store = Store::with_limits(engine, (), limits)?;
    let instance = Linker::new(engine).instantiate(&mut store, component)?;
    Ok((store, instance))
}

/// `grow(pages) -> s32` as memory.grow answers; `must-grow(pages)` gives up like an allocator when it fails.
const GROWER: &str = r#"
(component
  (core module $m
    (memory (export "memory") 2)
    (table (export "t") 4 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow-table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
    (func $alloc-error unreachable)
    (func (export "must-grow") (param i32)
      (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then (call $alloc-error)))))
  (core instance $m (instantiate $m))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func (export "grow-table") (param "elements" u32) (result s32) (canon lift (core func $m "grow-table")))
  (func (export "must-grow") (param "pages" u32) (canon lift (core func $m "must-grow"))))
"#;

#[test]
fn memory_grows_up_to_the_limit_and_not_beyond() {
    let engine = engine();
    let component = compile(&engine, GROWER).unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(MIB),
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let grow = instance
        .get_typed_func::<(u32,), (i32,)>(&mut store, "grow")
        .unwrap();
    assert_eq!(grow.call(&mut store, (10,)).unwrap(), (2,));
    assert_eq!(grow.call(&mut store, (5,)).unwrap(), (-1,));
    assert_eq!(grow.call(&mut store, (4,)).unwrap(), (12,));
    assert_eq!(grow.call(&mut store, (1,)).unwrap(), (-1,));
    assert_eq!(grow.call(&mut store, (0,)).unwrap(), (16,));
}

#[test]
fn a_guest_that_gives_up_for_want_of_memory_is_reported_as_the_limit() {
    let engine = engine();
    let component = compile(&engine, GROWER).unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(MIB),
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let grow = instance
        .get_typed_func::<(u32,), ()>(&mut store, "must-grow")
        .unwrap();
    grow.call(&mut store, (2,)).unwrap();
    let error = grow.call(&mut store, (1000,)).unwrap_err();
    assert!(error.is_limit(LimitKind::Memory), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("1048576 bytes") && text.contains("must-grow"),
        "{text}"
    );
    assert!(matches!(
        grow.call(&mut store, (0,)),
        Err(Error::Poisoned { .. })
    ));
}

/// A refusal the guest lived with says nothing about a later trap.
#[test]
fn a_refusal_that_the_guest_survived_is_forgotten() {
    let engine = engine();
    let component = compile(
        &engine,
        r#"(component
             (core module $m
               (memory 1)
               (func (export "grow") (result i32) (memory.grow (i32.const 100)))
               (func (export "fail") unreachable))
             (core instance $m (instantiate $m))
             (func (export "grow") (result s32) (canon lift (core func $m "grow")))
             (func (export "fail") (canon lift (core func $m "fail"))))"#,
    )
    .unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(MIB),
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let grow = instance
        .get_typed_func::<(), (i32,)>(&mut store, "grow")
        .unwrap();
    assert_eq!(grow.call(&mut store, ()).unwrap(), (-1,));
    let fail = instance
        .get_typed_func::<(), ()>(&mut store, "fail")
        .unwrap();
    let error = fail.call(&mut store, ()).unwrap_err();
    assert!(matches!(error, Error::Trap(_)), "{error:?}");
}

#[test]
fn a_component_that_starts_with_too_much_memory_is_not_instantiated() {
    let engine = engine();
    let component = compile(&engine, GROWER).unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(65536),
        ..StoreLimits::default()
    };
    let error = with_limits(&engine, &component, limits)
        .map(|_| ())
        .unwrap_err();
    assert!(error.is_limit(LimitKind::Memory), "{error:?}");
}

/// The limit is the store's: two memories share it.
#[test]
fn memories_of_one_store_share_the_limit() {
    let engine = engine();
    let component = compile(&engine, GROWER).unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(MIB),
        ..StoreLimits::default()
    };
    let mut store = Store::with_limits(&engine, (), limits).unwrap();
    let linker = Linker::new(&engine);
    let one = linker.instantiate(&mut store, &component).unwrap();
    let two = linker.instantiate(&mut store, &component).unwrap();
    let grow_one = one
        .get_typed_func::<(u32,), (i32,)>(&mut store, "grow")
        .unwrap();
    let grow_two = two
        .get_typed_func::<(u32,), (i32,)>(&mut store, "grow")
        .unwrap();
    assert_eq!(grow_one.call(&mut store, (10,)).unwrap(), (2,));
    assert_eq!(grow_two.call(&mut store, (3,)).unwrap(), (-1,));
    assert_eq!(grow_two.call(&mut store, (2,)).unwrap(), (2,));
    // another store has its own
    let (mut other, instance) = with_limits(&engine, &component, limits).unwrap();
    let grow = instance
        .get_typed_func::<(u32,), (i32,)>(&mut other, "grow")
        .unwrap();
    assert_eq!(grow.call(&mut other, (14,)).unwrap(), (2,));
}

#[test]
fn tables_are_limited_too() {
    let engine = engine();
    let component = compile(&engine, GROWER).unwrap();
    let limits = StoreLimits {
        table_elements: Some(10),
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let grow = instance
        .get_typed_func::<(u32,), (i32,)>(&mut store, "grow-table")
        .unwrap();
    assert_eq!(grow.call(&mut store, (6,)).unwrap(), (4,));
    assert_eq!(grow.call(&mut store, (1,)).unwrap(), (-1,));
    let limits = StoreLimits {
        table_elements: Some(3),
        ..StoreLimits::default()
    };
    let error = with_limits(&engine, &component, limits)
        .map(|_| ())
        .unwrap_err();
    assert!(error.is_limit(LimitKind::Table), "{error:?}");
}

const LISTS: &str = r#"
(component
  (core module $m
    (memory (export "memory") 4)
    (func (export "f") (param i32) (result i32) (i32.store (i32.const 4) (local.get 0)) (i32.const 0)))
  (core instance $m (instantiate $m))
  (func (export "bytes") (param "n" u32) (result (list u8)) (canon lift (core func $m "f") (memory (core memory $m "memory"))))
  (func (export "text") (param "n" u32) (result string) (canon lift (core func $m "f") (memory (core memory $m "memory"))))
  (func (export "words") (param "n" u32) (result (list u64)) (canon lift (core func $m "f") (memory (core memory $m "memory")))))
"#;

#[test]
fn lists_and_strings_beyond_the_limit_are_not_lifted() {
    let engine = engine();
    let component = compile(&engine, LISTS).unwrap();
    let limits = StoreLimits {
        list_bytes: 1000,
        ..StoreLimits::default()
    };
    let fresh = || with_limits(&engine, &component, limits).unwrap();
    let (mut store, instance) = fresh();
    let bytes = instance
        .get_typed_func::<(u32,), (Vec<u8>,)>(&mut store, "bytes")
        .unwrap();
    assert_eq!(bytes.call(&mut store, (1000,)).unwrap().0.len(), 1000);
    let error = bytes.call(&mut store, (1001,)).unwrap_err();
    assert!(error.is_limit(LimitKind::ListSize), "{error:?}");
    let (mut store, instance) = fresh();
    let words = instance
        .get_typed_func::<(u32,), (Vec<u64>,)>(&mut store, "words")
        .unwrap();
    assert_eq!(words.call(&mut store, (125,)).unwrap().0.len(), 125);
    assert!(
        words
            .call(&mut store, (126,))
            .unwrap_err()
            .is_limit(LimitKind::ListSize)
    );
    let (mut store, instance) = fresh();
    let text = instance
        .get_typed_func::<(u32,), (String,)>(&mut store, "text")
        .unwrap();
    assert!(
        text.call(&mut store, (1001,))
            .unwrap_err()
            .is_limit(LimitKind::ListSize)
    );
}

/// A page full of pairs `(0, 8000)`: as lists of lists, each of them holds itself 8000 times.
const OVERLAPPING: &str = r#"
(component
  (core module $m
    (memory (export "memory") 1)
    (func $fill (local $at i32)
      (loop $next
        (i32.store offset=4 (local.get $at) (i32.const 8000))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65528)))))
    (start $fill)
    (func (export "f") (result i32) (i32.const 0)))
  (core instance $m (instantiate $m))
  (func (export "f") (result (list (list (list (list (list u32)))))) (canon lift (core func $m "f") (memory (core memory $m "memory")))))
"#;

#[test]
fn lists_that_overlap_are_bounded_altogether() {
    let engine = engine();
    let component = compile(&engine, OVERLAPPING).unwrap();
    let limits = StoreLimits {
        list_bytes: 4 << 20,
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    type Lists = Vec<Vec<Vec<Vec<Vec<u32>>>>>;
    let typed = instance
        .get_typed_func::<(), (Lists,)>(&mut store, "f")
        .unwrap();
    let error = typed.call(&mut store, ()).unwrap_err();
    assert!(error.is_limit(LimitKind::ListSize), "{error:?}");
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let dynamic = instance.get_func(&mut store, "f").unwrap();
    let error = dynamic.call(&mut store, &[]).unwrap_err();
    assert!(error.is_limit(LimitKind::ListSize), "{error:?}");
}

#[test]
fn a_list_beyond_the_memory_is_a_trap_whatever_the_limit() {
    let engine = engine();
    let component = compile(&engine, LISTS).unwrap();
    let (mut store, instance) = with_limits(&engine, &component, StoreLimits::default()).unwrap();
    let words = instance
        .get_typed_func::<(u32,), (Vec<u64>,)>(&mut store, "words")
        .unwrap();
    let error = words.call(&mut store, (u32::MAX,)).unwrap_err();
    assert!(
        matches!(&error, Error::Trap(trap) if trap.message.contains("out of bounds")),
        "{error:?}"
    );
}

const LOOPER: &str = r#"
(component
  (import "host" (func $host))
  (core func $host (canon lower (func $host)))
  (core module $m
    (import "" "host" (func $host))
    (func $spin (loop (br 0)))
    (func (export "forever") (call $spin))
    (func (export "calls-forever") (loop (call $host) (br 0)))
    (func (export "quick")))
  (core instance $m (instantiate $m (with "" (instance (export "host" (func $host))))))
  (func (export "forever") (canon lift (core func $m "forever")))
  (func (export "calls-forever") (canon lift (core func $m "calls-forever")))
  (func (export "quick") (canon lift (core func $m "quick"))))
"#;

fn looper(engine: &Engine) -> (Component, Linker<Vec<Duration>>) {
    let mut linker = Linker::<Vec<Duration>>::new(engine);
    linker
        .root()
        .func_wrap("host", |mut cx: StoreContextMut<'_, Vec<Duration>>, ()| {
            if let Some(deadline) = cx.deadline() {
                let left = deadline.saturating_duration_since(Instant::now());
                if cx.data().len() < 100 {
                    cx.data_mut().push(left);
                }
            }
            Ok(())
        })
        .unwrap();
    (compile(engine, LOOPER).unwrap(), linker)
}

#[test]
fn an_infinite_loop_ends_with_the_time_limit_and_others_go_on() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    for name in ["forever", "calls-forever"] {
        let mut store = Store::new(&engine, Vec::new()).unwrap();
        store.set_call_timeout(Some(Duration::from_millis(100)));
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let begun = Instant::now();
        let forever = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let error = forever.call(&mut store, ()).unwrap_err();
        assert!(error.is_limit(LimitKind::Time), "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{error}");
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(95) && took < Duration::from_secs(10),
            "{name} took {took:?}"
        );
        assert!(matches!(
            forever.call(&mut store, ()),
            Err(Error::Poisoned { .. })
        ));
        // the next instance, in the same store and in another
        let again = linker.instantiate(&mut store, &component).unwrap();
        again
            .get_typed_func::<(), ()>(&mut store, "quick")
            .unwrap()
            .call(&mut store, ())
            .unwrap();
        let mut store = Store::new(&engine, Vec::new()).unwrap();
        let other = linker.instantiate(&mut store, &component).unwrap();
        other
            .get_typed_func::<(), ()>(&mut store, "quick")
            .unwrap()
            .call(&mut store, ())
            .unwrap();
    }
}

#[test]
fn the_limit_is_per_call_not_for_the_stores_life() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    let mut store = Store::new(&engine, Vec::new()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(60)));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let quick = instance
        .get_typed_func::<(), ()>(&mut store, "quick")
        .unwrap();
    for _ in 0..5 {
        quick.call(&mut store, ()).unwrap();
        std::thread::sleep(Duration::from_millis(25));
    }
    quick.call(&mut store, ()).unwrap();
}

#[test]
fn an_infinite_start_function_ends_with_the_time_limit() {
    let engine = engine();
    let component = compile(
        &engine,
        r#"(component
             (core module $m (func $spin (loop (br 0))) (start $spin))
             (core instance (instantiate $m)))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(80)));
    let error = Linker::new(&engine)
        .instantiate(&mut store, &component)
        .map(|_| ())
        .unwrap_err();
    assert!(error.is_limit(LimitKind::Time), "{error:?}");
}

#[test]
fn host_functions_can_see_the_deadline() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    let mut store = Store::new(&engine, Vec::new()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(50)));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let f = instance
        .get_typed_func::<(), ()>(&mut store, "calls-forever")
        .unwrap();
    f.call(&mut store, ()).unwrap_err();
    assert!(!store.data().is_empty());
    assert!(
        store
            .data()
            .iter()
            .all(|left| *left <= Duration::from_millis(50)),
        "{:?}",
        store.data()
    );
}

/// The interrupt goes to the thread that runs the store, wherever the store was made.
#[test]
fn a_store_that_moved_to_another_thread_is_interrupted_there() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    let mut store = Store::new(&engine, Vec::new()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(50)));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let quick = instance
        .get_typed_func::<(), ()>(&mut store, "quick")
        .unwrap();
    quick.call(&mut store, ()).unwrap();
    let forever = instance
        .get_typed_func::<(), ()>(&mut store, "forever")
        .unwrap();
    let (mut store, error) = std::thread::spawn(move || {
        let error = forever.call(&mut store, ()).unwrap_err();
        (store, error)
    })
    .join()
    .unwrap();
    assert!(error.is_limit(LimitKind::Time), "{error:?}");
    let again = linker.instantiate(&mut store, &component).unwrap();
    let quick = again.get_typed_func::<(), ()>(&mut store, "quick").unwrap();
    quick.call(&mut store, ()).unwrap();
}

/// The time runs out while a host function has the thread: the guest is stopped when it comes back to it.
#[test]
fn an_interrupt_that_meets_a_host_function_is_not_lost() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("host", |_cx, ()| {
            std::thread::sleep(Duration::from_millis(80));
            Ok(())
        })
        .unwrap();
    let component = compile(
        &engine,
        r#"(component
             (import "host" (func $host))
             (core func $host (canon lower (func $host)))
             (core module $m
               (import "" "host" (func $host))
               (func (export "f") (call $host) (loop (br 0))))
             (core instance $m (instantiate $m (with "" (instance (export "host" (func $host))))))
             (func (export "f") (canon lift (core func $m "f"))))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ()).unwrap();
    store.set_call_timeout(Some(Duration::from_millis(20)));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    let error = f.call(&mut store, ()).unwrap_err();
    assert!(error.is_limit(LimitKind::Time), "{error:?}");
}

/// Whatever of the guest runs in a call runs on the call's time.
#[test]
fn endless_allocators_and_post_returns_end_with_the_time_limit() {
    for place in ["alloc", "post"] {
        let body = |which: &str| if which == place { "(loop (br 0))" } else { "" };
        let text = format!(
            r#"(component
                 (core module $m
                   (memory (export "memory") 1)
                   (func (export "realloc") (param i32 i32 i32 i32) (result i32) {} (i32.const 64))
                   (func (export "post") {})
                   (func (export "f") (param i32 i32)))
                 (core instance $m (instantiate $m))
                 (func (export "f") (param "s" string)
                   (canon lift (core func $m "f") (memory (core memory $m "memory"))
                     (realloc (core func $m "realloc")) (post-return (core func $m "post")))))"#,
            body("alloc"),
            body("post"),
        );
        let engine = engine();
        let component = compile(&engine, &text).unwrap();
        let mut store = Store::new(&engine, ()).unwrap();
        store.set_call_timeout(Some(Duration::from_millis(50)));
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &component)
            .unwrap();
        let f = instance
            .get_typed_func::<(&str,), ()>(&mut store, "f")
            .unwrap();
        let error = f.call(&mut store, ("text",)).unwrap_err();
        assert!(error.is_limit(LimitKind::Time), "{place}: {error:?}");
    }
}

/// An allocator that cannot get the memory for what the host passes in.
#[test]
fn the_memory_limit_holds_while_parameters_are_lowered() {
    let engine = engine();
    let text = format!(
        r#"(component
             {}
             (core module $m (func (export "f") (param i32 i32)))
             (core instance $m (instantiate $m))
             (func (export "f") (param "v" (list u8))
               (canon lift (core func $m "f") (memory (core memory $libc "memory"))
                 (realloc (core func $libc "realloc")))))"#,
        crate::common::LIBC
    );
    let component = compile(&engine, &text).unwrap();
    let limits = StoreLimits {
        memory_bytes: Some(MIB),
        ..StoreLimits::default()
    };
    let (mut store, instance) = with_limits(&engine, &component, limits).unwrap();
    let f = instance
        .get_typed_func::<(Vec<u8>,), ()>(&mut store, "f")
        .unwrap();
    f.call(&mut store, (vec![0; 500_000],)).unwrap();
    let error = f.call(&mut store, (vec![0; 600_000],)).unwrap_err();
    assert!(error.is_limit(LimitKind::Memory), "{error:?}");
}

/// A trap in the middle of a call between two components must not cost the store its time limit.
#[test]
fn the_time_limit_holds_after_a_trap_between_components() {
    let engine = engine();
    let component = compile(
        &engine,
        r#"(component
             (component $inner
               (core module $m (func (export "f") unreachable))
               (core instance $m (instantiate $m))
               (func (export "f") (canon lift (core func $m "f"))))
             (component $outer
               (import "f" (func $f))
               (core func $f (canon lower (func $f)))
               (core module $m
                 (import "" "f" (func $f))
                 (func (export "trap") (call $f))
                 (func (export "spin") (loop (br 0))))
               (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
               (func (export "trap") (canon lift (core func $m "trap")))
               (func (export "spin") (canon lift (core func $m "spin"))))
             (instance $inner (instantiate $inner))
             (instance $outer (instantiate $outer (with "f" (func $inner "f"))))
             (export "trap" (func $outer "trap"))
             (export "spin" (func $outer "spin")))"#,
    )
    .unwrap();
    let linker = Linker::<()>::new(&engine);
    let mut store = Store::new(&engine, ()).unwrap();
    store.set_call_timeout(Some(Duration::from_secs(2)));
    for (name, limit) in [("trap", false), ("spin", true)] {
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let f = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let error = f.call(&mut store, ()).unwrap_err();
        assert_eq!(error.is_limit(LimitKind::Time), limit, "{name}: {error:?}");
    }
}

/// Guests that spend their time at the border are where an interrupt could meet code other than theirs. Whatever it
/// left behind (a lock of wasmer's) would stop the stores and traps that come after it.
#[test]
fn late_calls_at_the_border_leave_nothing_behind() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (engine, component, linker) = (&engine, &component, &linker);
            scope.spawn(move || {
                for call in 0..12 {
                    let mut store = Store::new(engine, Vec::new()).unwrap();
                    store.set_call_timeout(Some(Duration::from_millis(5 + thread + call)));
                    let instance = linker.instantiate(&mut store, component).unwrap();
                    let f = instance
                        .get_typed_func::<(), ()>(&mut store, "calls-forever")
                        .unwrap();
                    let error = f.call(&mut store, ()).unwrap_err();
                    assert!(error.is_limit(LimitKind::Time), "{error:?}");
                }
            });
        }
    });
}

/// Many stores on several threads, each interrupted on its own, while one that behaves is not disturbed.
#[test]
fn interrupts_reach_only_the_store_that_is_late() {
    let engine = engine();
    let (component, linker) = looper(&engine);
    std::thread::scope(|scope| {
        let (engine, component, linker) = (&engine, &component, &linker);
        let late: Vec<_> = (0..3)
            .map(|i| {
                scope.spawn(move || {
                    let mut store = Store::new(engine, Vec::new()).unwrap();
                    store.set_call_timeout(Some(Duration::from_millis(30 + 20 * i)));
                    let instance = linker.instantiate(&mut store, component).unwrap();
                    let f = instance
                        .get_typed_func::<(), ()>(&mut store, "forever")
                        .unwrap();
                    f.call(&mut store, ()).unwrap_err()
                })
            })
            .collect();
        let good = scope.spawn(move || {
            let mut store = Store::new(engine, Vec::new()).unwrap();
            store.set_call_timeout(Some(Duration::from_secs(60)));
            let instance = linker.instantiate(&mut store, component).unwrap();
            let f = instance
                .get_typed_func::<(), ()>(&mut store, "quick")
                .unwrap();
            let end = Instant::now() + Duration::from_millis(300);
            while Instant::now() < end {
                f.call(&mut store, ()).unwrap();
            }
        });
        good.join().unwrap();
        for late in late {
            let error = late.join().unwrap();
            assert!(error.is_limit(LimitKind::Time), "{error:?}");
        }
    });
}

#[test]
fn without_limits_there_are_none() {
    let (mut store, instance) = instantiate(GROWER).unwrap();
    let grow = instance
        .get_typed_func::<(u32,), (i32,)>(&mut store, "grow")
        .unwrap();
    assert_eq!(grow.call(&mut store, (1000,)).unwrap(), (2,));
}

#[test]
fn counted_instructions_end_a_call_and_the_start_of_a_module() {
    let engine = Engine::new(&crate::common::config().metering(10_000)).unwrap();
    let text = r#"
(component
  (core module $m
    (func (export "spin") (param i32)
      (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
  (core module $other (global (export "g") i32 (i32.const 1)))
  (core instance $i (instantiate $m))
  (core instance (instantiate $other))
  (func (export "spin") (param "n" u32) (canon lift (core func $i "spin"))))
"#;
    let (mut store, instance) = instantiate_with(&engine, &Linker::new(&engine), (), text).unwrap();
    let spin = instance
        .get_typed_func::<(u32,), ()>(&mut store, "spin")
        .unwrap();
    // Every call has all of them.
    for _ in 0..100 {
        spin.call(&mut store, (1_000,)).unwrap();
    }
    store.set_call_operations(1_000_000).unwrap();
    spin.call(&mut store, (10_000,)).unwrap();
    store.set_call_operations(2_000).unwrap();
    let error = spin.call(&mut store, (10_000,)).unwrap_err();
    assert!(error.is_limit(LimitKind::Operations), "{error}");
    assert_eq!(
        error.to_string(),
        "limit exceeded in spin: instructions for one call, 2000"
    );
    let error = spin.call(&mut store, (1,)).unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error}");

    let starting = r#"
(component
  (core module $m (func $spin (loop $l (br $l))) (start $spin))
  (core instance (instantiate $m)))
"#;
    // What did not come to be cannot be asked for its counter: the start ends, but as a trap.
    let error = instantiate_with(&engine, &Linker::new(&engine), (), starting).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("trap in the start function: unreachable"),
        "{error}"
    );
    let other = crate::common::engine();
    assert_ne!(other.fingerprint(), engine.fingerprint());
    let error = Store::new(&other, ())
        .unwrap()
        .set_call_operations(1)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the engine does not count instructions; make it with Config::metering"
    );
}

/// A byte in the guest's memory is dozens of bytes as a [`Val`].
#[test]
fn a_list_of_dynamic_values_is_limited_by_what_it_takes_in_the_host() {
    let limits = StoreLimits {
        list_bytes: 4096,
        ..StoreLimits::default()
    };
    let text = r#"
(component
  (core module $m (memory (export "memory") 1)
    (func (export "f") (param i32) (result i32) (i32.store offset=4 (i32.const 0) (local.get 0)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "f") (param "n" u32) (result (list bool)) (canon lift (core func $i "f") (memory (core memory $i "memory")))))
"#;
    let engine = crate::common::engine();
    let component = compile(&engine, text).unwrap();
    let mut store = Store::with_limits(&engine, (), limits).unwrap();
    let instance = Linker::new(&engine)
        .instantiate(&mut store, &component)
        .unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    let ten = f.call(&mut store, &[Val::U32(10)]).unwrap();
    let Some(Val::List(items)) = ten else {
        panic!("{ten:?}")
    };
    assert_eq!(items.len(), 10);
    let error = f.call(&mut store, &[Val::U32(4000)]).unwrap_err();
    assert!(error.is_limit(LimitKind::ListSize), "{error}");
}
