//! Resources: handles, ownership and loans, in both directions.
//!
//! The component here works on bare handle numbers that the test chooses, so that a guest which keeps stale
//! handles, mixes up types or drops what it lent can be played without one being written.

use crate::common::{engine, instantiate_with};
use wasmer_component::{
    Component, Engine, Error, Instance, Linker, Resource, ResourceTable, Store, StoreContextMut,
    Val,
};

/// The host's two resource types.
struct Blue;
struct Red;

#[derive(Default)]
struct State {
    /// What happened on the host's side, in order.
    log: Vec<String>,
}

/// Imports the resource types `blue` and `red` with functions; exports, over bare `u32` handles:
/// `make(rep) -> h`, `rep(h) -> rep`, `take(h)`, `both(h, h)` (borrow of the first, own of the second),
/// `drop-blue(h)`, `drop-red(h)`, and over real ones: `keep(own) -> h`, `give(h) -> own`, `look(borrow)`
/// (returns it properly), `hold(borrow) -> h` (does not), `maybe(h) -> result<tuple<own, string, string>>` (spilled).
const HANDLES: &str = r#"
(component
  (import "test:abi/host" (instance $host
    (export "blue" (type $blue (sub resource)))
    (export "red" (type $red (sub resource)))
    (export "[constructor]blue" (func (param "rep" u32) (result (own $blue))))
    (export "[method]blue.rep" (func (param "self" (borrow $blue)) (result u32)))
    (export "take" (func (param "b" (own $blue))))
    (export "both" (func (param "a" (borrow $blue)) (param "b" (own $blue))))
    (export "twice" (func (param "a" (borrow $blue)) (param "b" (borrow $blue)) (result u32)))))
  (alias export $host "blue" (type $blue))
  (alias export $host "red" (type $red))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $make (canon lower (func $host "[constructor]blue")))
  (core func $rep (canon lower (func $host "[method]blue.rep")))
  (core func $take (canon lower (func $host "take")))
  (core func $both (canon lower (func $host "both")))
  (core func $twice (canon lower (func $host "twice")))
  (core func $drop-blue (canon resource.drop $blue))
  (core func $drop-red (canon resource.drop $red))
  (core module $m
    (import "h" "make" (func $make (param i32) (result i32)))
    (import "h" "rep" (func $rep (param i32) (result i32)))
    (import "h" "take" (func $take (param i32)))
    (import "h" "both" (func $both (param i32 i32)))
    (import "h" "twice" (func $twice (param i32 i32) (result i32)))
    (import "h" "drop-blue" (func $drop-blue (param i32)))
    (import "h" "drop-red" (func $drop-red (param i32)))
    (import "libc" "memory" (memory 1))
    (func (export "make") (param i32) (result i32) (call $make (local.get 0)))
    (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
    (func (export "take") (param i32) (call $take (local.get 0)))
    (func (export "both") (param i32 i32) (call $both (local.get 0) (local.get 1)))
    (func (export "twice") (param i32 i32) (result i32) (call $twice (local.get 0) (local.get 1)))
    (func (export "drop-blue") (param i32) (call $drop-blue (local.get 0)))
    (func (export "drop-red") (param i32) (call $drop-red (local.get 0)))
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "look") (param i32) (result i32)
      (call $rep (local.get 0)) (call $drop-blue (local.get 0)))
    (func (export "give-back") (param i32) (call $take (local.get 0)))
    (func (export "spilled") (param i32) (result i32)
      (i32.store8 (i32.const 64) (i32.const 0))
      (i32.store (i32.const 68) (local.get 0))
      (i32.store (i32.const 72) (i32.const 0))
      (i32.store (i32.const 76) (i32.const 0))
      (i32.store (i32.const 80) (i32.const 0))
      (i32.store (i32.const 84) (i32.const 0))
      (i32.const 64))
    (func (export "list") (param i32 i32) (result i32)
      (i32.store (i32.const 128) (local.get 0))
      (i32.store (i32.const 132) (local.get 1))
      (i32.store (i32.const 136) (i32.const 128))
      (i32.store (i32.const 140) (i32.const 2))
      (i32.const 136)))
  (core instance $m (instantiate $m
    (with "libc" (instance $libc))
    (with "h" (instance
      (export "make" (func $make)) (export "rep" (func $rep)) (export "take" (func $take))
      (export "both" (func $both)) (export "twice" (func $twice))
      (export "drop-blue" (func $drop-blue)) (export "drop-red" (func $drop-red))))))
  (func (export "make") (param "rep" u32) (result u32) (canon lift (core func $m "make")))
  (func (export "rep") (param "h" u32) (result u32) (canon lift (core func $m "rep")))
  (func (export "take") (param "h" u32) (canon lift (core func $m "take")))
  (func (export "both") (param "a" u32) (param "b" u32) (canon lift (core func $m "both")))
  (func (export "twice") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "twice")))
  (func (export "drop-blue") (param "h" u32) (canon lift (core func $m "drop-blue")))
  (func (export "drop-red") (param "h" u32) (canon lift (core func $m "drop-red")))
  (func (export "keep") (param "b" (own $blue)) (result u32) (canon lift (core func $m "same")))
  (func (export "keep-red") (param "b" (own $red)) (result u32) (canon lift (core func $m "same")))
  (func (export "give") (param "h" u32) (result (own $blue)) (canon lift (core func $m "same")))
  (func (export "look") (param "b" (borrow $blue)) (result u32) (canon lift (core func $m "look")))
  (func (export "hold") (param "b" (borrow $blue)) (result u32) (canon lift (core func $m "same")))
  (func (export "pass-on") (param "b" (borrow $blue)) (canon lift (core func $m "give-back")))
  (func (export "spilled") (param "h" u32) (result (result (tuple (own $blue) string string)))
    (canon lift (core func $m "spilled") (memory (core memory $libc "memory"))))
  (func (export "list") (param "a" u32) (param "b" u32) (result (list (own $blue)))
    (canon lift (core func $m "list") (memory (core memory $libc "memory")))))
"#;

fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::<State>::new(engine);
    let mut host = linker.instance("test:abi/host").unwrap();
    host.resource::<Blue>("blue", |mut cx: StoreContextMut<'_, State>, rep| {
        cx.data_mut().log.push(format!("dropped blue {rep}"));
        Ok(())
    })
    .unwrap();
    host.resource::<Red>("red", |mut cx: StoreContextMut<'_, State>, rep| {
        cx.data_mut().log.push(format!("dropped red {rep}"));
        Ok(())
    })
    .unwrap();
    host.func_wrap("[constructor]blue", |_cx, (rep,): (u32,)| {
        Ok((Resource::<Blue>::new_own(rep),))
    })
    .unwrap();
    host.func_wrap("[method]blue.rep", |_cx, (blue,): (Resource<Blue>,)| {
        assert!(!blue.owned());
        Ok((blue.rep(),))
    })
    .unwrap();
    host.func_wrap(
        "take",
        |mut cx: StoreContextMut<'_, State>, (blue,): (Resource<Blue>,)| {
            assert!(blue.owned());
            cx.data_mut().log.push(format!("took blue {}", blue.rep()));
            Ok(())
        },
    )
    .unwrap();
    host.func_wrap(
        "both",
        |mut cx: StoreContextMut<'_, State>, (a, b): (Resource<Blue>, Resource<Blue>)| {
            cx.data_mut().log.push(format!(
                "looked at blue {} and took blue {}",
                a.rep(),
                b.rep()
            ));
            Ok(())
        },
    )
    .unwrap();
    host.func_wrap("twice", |_cx, (a, b): (Resource<Blue>, Resource<Blue>)| {
        Ok((a.rep() + b.rep(),))
    })
    .unwrap();
    linker
}

struct Guest {
    store: Store<State>,
    instance: Instance,
}

impl Guest {
    fn new() -> Guest {
        let engine = engine();
        let linker = linker(&engine);
        let (store, instance) =
            instantiate_with(&engine, &linker, State::default(), HANDLES).unwrap();
        Guest { store, instance }
    }

    /// Calls a function over bare numbers.
    fn call(&mut self, name: &str, params: &[u32]) -> Result<Option<u32>, Error> {
        let func = self.instance.get_func(&mut self.store, name).unwrap();
        let params: Vec<Val> = params.iter().map(|p| Val::U32(*p)).collect();
        Ok(match func.call(&mut self.store, &params)? {
            Some(Val::U32(value)) => Some(value),
            _ => None,
        })
    }

    fn make(&mut self, rep: u32) -> u32 {
        self.call("make", &[rep]).unwrap().unwrap()
    }

    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.store.data_mut().log)
    }
}

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

#[test]
fn handles_of_host_resources_lead_to_their_representation() {
    let mut guest = Guest::new();
    let (a, b) = (guest.make(100), guest.make(u32::MAX));
    assert!(a != 0 && b != 0 && a != b, "{a} {b}");
    assert_eq!(guest.call("rep", &[a]).unwrap(), Some(100));
    assert_eq!(guest.call("rep", &[b]).unwrap(), Some(u32::MAX));
    assert_eq!(guest.call("twice", &[a, a]).unwrap(), Some(200));
    assert_eq!(guest.log(), Vec::<String>::new());
}

#[test]
fn dropping_an_own_handle_runs_the_hosts_destructor() {
    let mut guest = Guest::new();
    let (a, b) = (guest.make(1), guest.make(2));
    guest.call("drop-blue", &[b]).unwrap();
    guest.call("drop-blue", &[a]).unwrap();
    assert_eq!(guest.log(), ["dropped blue 2", "dropped blue 1"]);
}

#[test]
fn handle_numbers_are_used_again_after_a_drop() {
    let mut guest = Guest::new();
    let a = guest.make(1);
    guest.call("drop-blue", &[a]).unwrap();
    assert_eq!(guest.make(2), a);
    assert_eq!(guest.call("rep", &[a]).unwrap(), Some(2));
}

#[test]
fn an_owned_handle_given_to_the_host_is_gone() {
    let mut guest = Guest::new();
    let a = guest.make(9);
    guest.call("take", &[a]).unwrap();
    assert_eq!(guest.log(), ["took blue 9"]);
    assert_trap(guest.call("rep", &[a]), "handle");
}

#[test]
fn zero_stale_unknown_and_foreign_handles_trap() {
    for what in ["zero", "stale", "unknown", "huge", "foreign"] {
        for function in ["rep", "take", "drop-blue"] {
            let mut guest = Guest::new();
            let other = guest.make(5);
            let handle = match what {
                "zero" => 0,
                "stale" => {
                    guest.call("drop-blue", &[other]).unwrap();
                    other
                }
                "unknown" => other + 1,
                "huge" => u32::MAX,
                _ => {
                    let keep = guest
                        .instance
                        .get_typed_func::<(Resource<Red>,), (u32,)>(&mut guest.store, "keep-red")
                        .unwrap();
                    keep.call(&mut guest.store, (Resource::new_own(3),))
                        .unwrap()
                        .0
                }
            };
            guest.log();
            assert_trap(guest.call(function, &[handle]), "handle");
            assert_eq!(
                guest.log(),
                Vec::<String>::new(),
                "{what} handle in {function}"
            );
        }
    }
}

#[test]
fn a_handle_may_not_be_dropped_as_another_type() {
    let mut guest = Guest::new();
    let blue = guest.make(5);
    assert_trap(guest.call("drop-red", &[blue]), "handle");
    assert_eq!(guest.log(), Vec::<String>::new());
}

/// One call that borrows a handle and gives the same one away.
#[test]
fn a_handle_that_is_lent_cannot_be_given_away() {
    let mut guest = Guest::new();
    let (a, b) = (guest.make(1), guest.make(2));
    guest.call("both", &[a, b]).unwrap();
    assert_eq!(guest.log(), ["looked at blue 1 and took blue 2"]);
    assert_trap(guest.call("both", &[a, a]), "borrow");
    assert_eq!(guest.log(), Vec::<String>::new());
}

#[test]
fn loans_end_with_the_call() {
    let mut guest = Guest::new();
    let a = guest.make(1);
    for _ in 0..3 {
        guest.call("rep", &[a]).unwrap();
    }
    guest.call("drop-blue", &[a]).unwrap();
    assert_eq!(guest.log(), ["dropped blue 1"]);
}

#[test]
fn own_handles_go_into_a_guest_and_come_back() {
    let mut guest = Guest::new();
    let keep = guest
        .instance
        .get_typed_func::<(Resource<Blue>,), (u32,)>(&mut guest.store, "keep")
        .unwrap();
    let give = guest
        .instance
        .get_typed_func::<(u32,), (Resource<Blue>,)>(&mut guest.store, "give")
        .unwrap();
    let (handle,) = keep
        .call(&mut guest.store, (Resource::new_own(77),))
        .unwrap();
    assert_ne!(handle, 0);
    assert_eq!(guest.call("rep", &[handle]).unwrap(), Some(77));
    let (back,) = give.call(&mut guest.store, (handle,)).unwrap();
    assert_eq!((back.rep(), back.owned()), (77, true));
    assert_trap(guest.call("rep", &[handle]), "handle");
    assert_eq!(guest.log(), Vec::<String>::new());
}

#[test]
fn giving_back_a_handle_that_is_not_there_traps() {
    let mut guest = Guest::new();
    let give = guest
        .instance
        .get_typed_func::<(u32,), (Resource<Blue>,)>(&mut guest.store, "give")
        .unwrap();
    assert_trap(
        give.call(&mut guest.store, (3,)).map(|(r,)| r.rep()),
        "handle",
    );
}

#[test]
fn a_borrow_lives_for_the_call_and_must_be_dropped_before_its_end() {
    let mut guest = Guest::new();
    let look = guest
        .instance
        .get_typed_func::<(Resource<Blue>,), (u32,)>(&mut guest.store, "look")
        .unwrap();
    assert_eq!(
        look.call(&mut guest.store, (Resource::new_borrow(4),))
            .unwrap(),
        (4,)
    );
    assert_eq!(
        look.call(&mut guest.store, (Resource::new_borrow(5),))
            .unwrap(),
        (5,)
    );
    // dropping a borrow is not dropping the resource
    assert_eq!(guest.log(), Vec::<String>::new());
    let hold = guest
        .instance
        .get_typed_func::<(Resource<Blue>,), (u32,)>(&mut guest.store, "hold")
        .unwrap();
    assert_trap(
        hold.call(&mut guest.store, (Resource::new_borrow(6),)),
        "borrow",
    );
}

#[test]
fn a_borrow_cannot_be_passed_on_as_own() {
    let mut guest = Guest::new();
    let pass_on = guest
        .instance
        .get_typed_func::<(Resource<Blue>,), ()>(&mut guest.store, "pass-on")
        .unwrap();
    assert_trap(
        pass_on.call(&mut guest.store, (Resource::new_borrow(4),)),
        "",
    );
    assert_eq!(guest.log(), Vec::<String>::new());
}

#[test]
fn a_spilled_result_may_contain_an_own_handle() {
    type Spilled = Result<(Resource<Blue>, String, String), ()>;
    let mut guest = Guest::new();
    let a = guest.make(11);
    let spilled = guest
        .instance
        .get_typed_func::<(u32,), (Spilled,)>(&mut guest.store, "spilled")
        .unwrap();
    let (result,) = spilled.call(&mut guest.store, (a,)).unwrap();
    let (blue, one, two) = result.unwrap();
    assert_eq!(
        (blue.rep(), blue.owned(), one.as_str(), two.as_str()),
        (11, true, "", "")
    );
    assert_trap(guest.call("rep", &[a]), "handle");
}

#[test]
fn a_list_of_own_handles_moves_every_one_and_the_same_twice_traps() {
    let mut guest = Guest::new();
    let (a, b) = (guest.make(1), guest.make(2));
    let list = guest
        .instance
        .get_typed_func::<(u32, u32), (Vec<Resource<Blue>>,)>(&mut guest.store, "list")
        .unwrap();
    let (all,) = list.call(&mut guest.store, (a, b)).unwrap();
    assert_eq!(all.iter().map(Resource::rep).collect::<Vec<_>>(), [1, 2]);
    let c = guest.make(3);
    assert_trap(list.call(&mut guest.store, (c, c)).map(|_| ()), "handle");
}

/// The component's types do not say which of the host's markers a resource has: that is known once it is passed.
#[test]
fn a_resource_of_another_host_type_is_refused() {
    let mut guest = Guest::new();
    let keep = guest
        .instance
        .get_typed_func::<(Resource<Red>,), (u32,)>(&mut guest.store, "keep")
        .unwrap();
    let error = keep
        .call(&mut guest.store, (Resource::new_own(1),))
        .unwrap_err();
    assert!(matches!(error, Error::Resource(_)), "{error:?}");
}

#[test]
fn a_borrow_cannot_be_given_where_an_own_is_wanted() {
    let mut guest = Guest::new();
    let keep = guest
        .instance
        .get_typed_func::<(Resource<Blue>,), (u32,)>(&mut guest.store, "keep")
        .unwrap();
    keep.call(&mut guest.store, (Resource::new_borrow(1),))
        .unwrap_err();
}

#[test]
fn an_error_in_a_destructor_comes_out_of_the_call() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot drop {0}")]
    struct Cannot(u32);
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .resource::<Blue>("blue", |_cx, rep| Err(Error::host(Cannot(rep))))
        .unwrap();
    let text = r#"
(component
  (import "blue" (type $blue (sub resource)))
  (core func $drop (canon resource.drop $blue))
  (func (export "f") (param "b" (own $blue)) (canon lift (core func $drop))))
"#;
    let (mut store, instance) = instantiate_with(&engine, &linker, (), text).unwrap();
    let f = instance
        .get_typed_func::<(Resource<Blue>,), ()>(&mut store, "f")
        .unwrap();
    let error = f.call(&mut store, (Resource::new_own(8),)).unwrap_err();
    assert_eq!(
        error.downcast_ref::<Cannot>().map(|e| e.0),
        Some(8),
        "{error:?}"
    );
}

/// A component with a resource type of its own: the representation is the guest's, the destructor runs in it.
const OWN: &str = r#"
(component
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
    ;; a borrow of one's own type arrives as its representation
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "swallow") (param i32) (result i32) (call $rep (local.get 0)) (call $drop (local.get 0)))
    (func (export "pass") (param i32) (result i32) (local.get 0)))
  (core instance $m (instantiate $m (with "h" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func (export "[constructor]thing") (param "rep" u32) (result (own $thing)) (canon lift (core func $m "make")))
  (func (export "[method]thing.get") (param "self" (borrow $thing)) (result u32) (canon lift (core func $m "get")))
  (func (export "swallow") (param "t" (own $thing)) (result u32) (canon lift (core func $m "swallow")))
  (func (export "pass") (param "t" (own $thing)) (result (own $thing)) (canon lift (core func $m "pass")))
  (func (export "dropped") (result u32) (canon lift (core func $state "dropped"))))
"#;

fn call_val(
    store: &mut Store<()>,
    instance: &Instance,
    name: &str,
    params: &[Val],
) -> Result<Val, Error> {
    let func = instance.get_func(&mut *store, name).unwrap();
    func.call(store, params).map(|value| value.unwrap())
}

#[test]
fn a_guests_own_resource_goes_out_is_lent_back_and_destroyed_inside() {
    let engine = engine();
    let (mut store, instance) = instantiate_with(&engine, &Linker::new(&engine), (), OWN).unwrap();
    let thing = call_val(&mut store, &instance, "[constructor]thing", &[Val::U32(40)]).unwrap();
    assert!(matches!(thing, Val::Resource(_)), "{thing:?}");
    for _ in 0..2 {
        assert_eq!(
            call_val(
                &mut store,
                &instance,
                "[method]thing.get",
                std::slice::from_ref(&thing)
            )
            .unwrap(),
            Val::U32(40)
        );
    }
    let thing = call_val(&mut store, &instance, "pass", &[thing]).unwrap();
    assert_eq!(
        call_val(&mut store, &instance, "dropped", &[]).unwrap(),
        Val::U32(0)
    );
    assert_eq!(
        call_val(&mut store, &instance, "swallow", &[thing]).unwrap(),
        Val::U32(40)
    );
    assert_eq!(
        call_val(&mut store, &instance, "dropped", &[]).unwrap(),
        Val::U32(40)
    );
}

#[test]
fn a_guests_resource_that_was_given_away_cannot_be_used_by_the_host_again() {
    let engine = engine();
    let (mut store, instance) = instantiate_with(&engine, &Linker::new(&engine), (), OWN).unwrap();
    let thing = call_val(&mut store, &instance, "[constructor]thing", &[Val::U32(7)]).unwrap();
    call_val(
        &mut store,
        &instance,
        "swallow",
        std::slice::from_ref(&thing),
    )
    .unwrap();
    call_val(
        &mut store,
        &instance,
        "swallow",
        std::slice::from_ref(&thing),
    )
    .unwrap_err();
    call_val(&mut store, &instance, "[method]thing.get", &[thing]).unwrap_err();
}

#[test]
fn a_resource_of_one_instance_is_not_accepted_by_another() {
    let engine = engine();
    let component: Component = crate::common::compile(&engine, OWN).unwrap();
    let linker = Linker::<()>::new(&engine);
    let mut store = Store::new(&engine, ()).unwrap();
    let one = linker.instantiate(&mut store, &component).unwrap();
    let two = linker.instantiate(&mut store, &component).unwrap();
    let thing = call_val(&mut store, &one, "[constructor]thing", &[Val::U32(7)]).unwrap();
    call_val(&mut store, &two, "swallow", std::slice::from_ref(&thing)).unwrap_err();
    assert_eq!(
        call_val(&mut store, &one, "swallow", &[thing]).unwrap(),
        Val::U32(7)
    );
}

#[test]
fn the_hosts_table_keeps_what_its_resources_stand_for() {
    let mut table = ResourceTable::new();
    let a: Resource<String> = table.push("a".to_owned()).unwrap();
    let b: Resource<u64> = table.push(5u64).unwrap();
    assert_eq!(table.get(&a).unwrap(), "a");
    *table.get_mut(&b).unwrap() += 1;
    assert_eq!(*table.get(&b).unwrap(), 6);
    assert!(a.owned() && b.owned());
    // another type under the same number
    let wrong = Resource::<u64>::new_borrow(a.rep());
    assert!(matches!(table.get(&wrong), Err(Error::Resource(_))));
    let rep = a.rep();
    assert_eq!(table.delete(a).unwrap(), "a");
    let stale = Resource::<String>::new_borrow(rep);
    assert!(matches!(table.get(&stale), Err(Error::Resource(_))));
    assert!(matches!(
        table.delete(Resource::<String>::new_own(9999)),
        Err(Error::Resource(_))
    ));
    assert_eq!(table.delete(b).unwrap(), 6);
}
