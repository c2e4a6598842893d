//! Handles: any sequence of operations on resources of the host and of a guest, among two guests and the host, against a model of the
//! handle tables (component-model, CanonicalABI.md, "Resource State", "Table State").
//!
//! The guests work on bare handle numbers that the case chooses, valid or not. The model says which number every new handle gets,
//! what every call returns, which destructors run, and what traps. A trap ends the sequence.

use super::Case;
use crate::choices::Choices;
use wasmer_component::{
    Component, Error, ExportPath, Instance, Linker, Resource, ResourceAny, Store, StoreContextMut,
    Val,
};

/// `a` defines the resource `green`; `b` uses it, and the host's `blue`.
const GUESTS: &str = r#"
(component
  (import "fuzz:handles/host" (instance $host
    (export "blue" (type $blue (sub resource)))
    (export "new-blue" (func (param "rep" u32) (result (own $blue))))
    (export "get-blue" (func (param "b" (borrow $blue)) (result u32)))
    (export "both-blue" (func (param "a" (borrow $blue)) (param "b" (own $blue)) (result u32)))
    (export "take-blue" (func (param "b" (own $blue)) (result u32)))))
  (component $a
    (core module $dtor
      (global $count (mut i32) (i32.const 0))
      (global $sum (mut i32) (i32.const 0))
      (func (export "end") (param i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.set $sum (i32.add (i32.mul (global.get $sum) (i32.const 31)) (local.get 0))))
      (func (export "count") (result i32) (global.get $count))
      (func (export "sum") (result i32) (global.get $sum)))
    (core instance $dtor (instantiate $dtor))
    (type $green' (resource (rep i32) (dtor (core func $dtor "end"))))
    (export $green "green" (type $green'))
    (core func $new (canon resource.new $green'))
    (core func $rep (canon resource.rep $green'))
    (core func $drop (canon resource.drop $green'))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "new") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
      (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0))
      (func (export "same") (param i32) (result i32) (local.get 0)))
    (core instance $m (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
    (func (export "count") (result u32) (canon lift (core func $dtor "count")))
    (func (export "sum") (result u32) (canon lift (core func $dtor "sum")))
    (func (export "new") (param "rep" u32) (result u32) (canon lift (core func $m "new")))
    (func (export "rep") (param "h" u32) (result u32) (canon lift (core func $m "rep")))
    (func (export "drop") (param "h" u32) (result u32) (canon lift (core func $m "drop")))
    (func (export "make") (param "rep" u32) (result (own $green)) (canon lift (core func $m "new")))
    (func (export "get") (param "g" (borrow $green)) (result u32) (canon lift (core func $m "same")))
    (func (export "absorb") (param "g" (own $green)) (result u32) (canon lift (core func $m "same")))
    (func (export "emit") (param "h" u32) (result (own $green)) (canon lift (core func $m "same"))))
  (component $b
    (import "blues" (instance $blues
      (export "blue" (type $blue (sub resource)))
      (export "new-blue" (func (param "rep" u32) (result (own $blue))))
      (export "get-blue" (func (param "b" (borrow $blue)) (result u32)))
      (export "both-blue" (func (param "a" (borrow $blue)) (param "b" (own $blue)) (result u32)))
      (export "take-blue" (func (param "b" (own $blue)) (result u32)))))
    (import "greens" (instance $greens
      (export "green" (type $green (sub resource)))
      (export "make" (func (param "rep" u32) (result (own $green))))
      (export "get" (func (param "g" (borrow $green)) (result u32)))
      (export "absorb" (func (param "g" (own $green)) (result u32)))
      (export "emit" (func (param "h" u32) (result (own $green))))))
    (alias export $blues "blue" (type $blue))
    (alias export $greens "green" (type $green))
    (core func $new-blue (canon lower (func $blues "new-blue")))
    (core func $get-blue (canon lower (func $blues "get-blue")))
    (core func $both-blue (canon lower (func $blues "both-blue")))
    (core func $take-blue (canon lower (func $blues "take-blue")))
    (core func $drop-blue (canon resource.drop $blue))
    (core func $make (canon lower (func $greens "make")))
    (core func $get (canon lower (func $greens "get")))
    (core func $absorb (canon lower (func $greens "absorb")))
    (core func $emit (canon lower (func $greens "emit")))
    (core func $drop (canon resource.drop $green))
    (core module $m
      (import "" "new-blue" (func $new-blue (param i32) (result i32)))
      (import "" "get-blue" (func $get-blue (param i32) (result i32)))
      (import "" "both-blue" (func $both-blue (param i32 i32) (result i32)))
      (import "" "take-blue" (func $take-blue (param i32) (result i32)))
      (import "" "drop-blue" (func $drop-blue (param i32)))
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "get" (func $get (param i32) (result i32)))
      (import "" "absorb" (func $absorb (param i32) (result i32)))
      (import "" "emit" (func $emit (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "new-blue") (param i32) (result i32) (call $new-blue (local.get 0)))
      (func (export "get-blue") (param i32) (result i32) (call $get-blue (local.get 0)))
      (func (export "both-blue") (param i32 i32) (result i32) (call $both-blue (local.get 0) (local.get 1)))
      (func (export "take-blue") (param i32) (result i32) (call $take-blue (local.get 0)))
      (func (export "drop-blue") (param i32) (result i32) (call $drop-blue (local.get 0)) (i32.const 0))
      (func (export "make") (param i32) (result i32) (call $make (local.get 0)))
      (func (export "get") (param i32) (result i32) (call $get (local.get 0)))
      (func (export "absorb") (param i32) (result i32) (call $absorb (local.get 0)))
      (func (export "emit") (param i32) (result i32) (call $emit (local.get 0)))
      (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0))
      (func (export "same") (param i32) (result i32) (local.get 0))
      (func (export "look") (param i32) (result i32)
        (i32.add (i32.shl (local.get 0) (i32.const 16)) (call $get-blue (local.get 0)))
        (call $drop-blue (local.get 0))))
    (core instance $m (instantiate $m (with "" (instance
      (export "new-blue" (func $new-blue)) (export "get-blue" (func $get-blue)) (export "both-blue" (func $both-blue))
      (export "take-blue" (func $take-blue)) (export "drop-blue" (func $drop-blue)) (export "make" (func $make))
      (export "get" (func $get)) (export "absorb" (func $absorb)) (export "emit" (func $emit)) (export "drop" (func $drop))))))
    (export $blue' "blue" (type $blue))
    (func (export "new-blue") (param "v" u32) (result u32) (canon lift (core func $m "new-blue")))
    (func (export "get-blue") (param "v" u32) (result u32) (canon lift (core func $m "get-blue")))
    (func (export "both-blue") (param "v" u32) (param "w" u32) (result u32) (canon lift (core func $m "both-blue")))
    (func (export "take-blue") (param "v" u32) (result u32) (canon lift (core func $m "take-blue")))
    (func (export "drop-blue") (param "v" u32) (result u32) (canon lift (core func $m "drop-blue")))
    (func (export "make") (param "v" u32) (result u32) (canon lift (core func $m "make")))
    (func (export "get") (param "v" u32) (result u32) (canon lift (core func $m "get")))
    (func (export "absorb") (param "v" u32) (result u32) (canon lift (core func $m "absorb")))
    (func (export "emit") (param "v" u32) (result u32) (canon lift (core func $m "emit")))
    (func (export "drop") (param "v" u32) (result u32) (canon lift (core func $m "drop")))
    (func (export "keep-blue") (param "v" (own $blue')) (result u32) (canon lift (core func $m "same")))
    (func (export "give-blue") (param "v" u32) (result (own $blue')) (canon lift (core func $m "same")))
    (func (export "look-blue") (param "v" (borrow $blue')) (result u32) (canon lift (core func $m "look")))
    (func (export "hold-blue") (param "v" (borrow $blue')) (result u32) (canon lift (core func $m "same")))
    (func (export "steal-blue") (param "v" (borrow $blue')) (result u32) (canon lift (core func $m "take-blue"))))
  (instance $a (instantiate $a))
  (instance $b (instantiate $b (with "blues" (instance $host)) (with "greens" (instance $a))))
  (export "a" (instance $a))
  (export "b" (instance $b)))
"#;

/// The host's resource.
struct Blue;

#[derive(Clone, Copy, PartialEq)]
enum Color {
    Blue,
    Green,
}

/// A handle table of the specification: slots, and freed ones to be used again, last first.
struct Table {
    slots: Vec<Option<(Color, u32)>>,
    free: Vec<usize>,
}

impl Table {
    fn new() -> Table {
        Table {
            slots: vec![None],
            free: Vec::new(),
        }
    }

    fn add(&mut self, color: Color, rep: u32) -> u32 {
        match self.free.pop() {
            Some(i) => {
                if let Some(slot) = self.slots.get_mut(i) {
                    *slot = Some((color, rep));
                }
                i as u32
            }
            None => {
                self.slots.push(Some((color, rep)));
                self.slots.len() as u32 - 1
            }
        }
    }

    /// The representation behind a handle; none is a trap.
    fn get(&self, handle: u32, color: Color) -> Option<u32> {
        match self.slots.get(handle as usize) {
            Some(Some((c, rep))) if *c == color => Some(*rep),
            _ => None,
        }
    }

    fn remove(&mut self, handle: u32, color: Color) -> Option<u32> {
        let rep = self.get(handle, color)?;
        if let Some(slot) = self.slots.get_mut(handle as usize) {
            *slot = None;
        }
        self.free.push(handle as usize);
        Some(rep)
    }

    /// A handle number, mostly one that is there.
    fn any(&self, c: &mut Choices, color: Color) -> u32 {
        let fitting: Vec<u32> = (0..self.slots.len() as u32)
            .filter(|h| self.get(*h, color).is_some())
            .collect();
        match c.below(24) {
            22 => c.below(self.slots.len() + 2) as u32,
            23 => c.any() as u32,
            _ => c.pick(&fitting).copied().unwrap_or(0),
        }
    }
}

/// What the specification says is there.
struct Model {
    a: Table,
    b: Table,
    /// Greens that were dropped: how many, and a sum that depends on their order.
    greens_ended: (u32, u32),
    blues_ended: Vec<u32>,
}

impl Model {
    fn end_green(&mut self, rep: u32) {
        let (count, sum) = self.greens_ended;
        self.greens_ended = (count + 1, sum.wrapping_mul(31).wrapping_add(rep));
    }
}

#[derive(Default)]
struct State {
    blues_ended: Vec<u32>,
}

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let component = case.compile(GUESTS)?;
    let mut both =
        Both::new(case, &component).map_err(|e| format!("it does not instantiate: {e}"))?;
    for _ in 0..1 + c.below(80) {
        let lives = both.step(c);
        case.note("operations.txt", both.log.join("\n"));
        if !lives? {
            return Ok(());
        }
    }
    both.compare()
}

struct Both {
    store: Store<State>,
    instance: Instance,
    model: Model,
    /// Greens that the host owns, with their representations.
    greens: Vec<(ResourceAny, u32)>,
    /// Blues that the host owns.
    blues: Vec<u32>,
    log: Vec<String>,
}

impl Both {
    fn new(case: &Case<'_>, component: &Component) -> wasmer_component::Result<Both> {
        let mut linker = Linker::<State>::new(case.engine);
        let mut host = linker.instance("fuzz:handles/host")?;
        host.resource::<Blue>("blue", |mut cx: StoreContextMut<'_, State>, rep| {
            cx.data_mut().blues_ended.push(rep);
            Ok(())
        })?;
        host.func_wrap(
            "new-blue",
            |_: StoreContextMut<'_, State>, (rep,): (u32,)| Ok((Resource::<Blue>::new_own(rep),)),
        )?;
        host.func_wrap(
            "get-blue",
            |_: StoreContextMut<'_, State>, (blue,): (Resource<Blue>,)| Ok((blue.rep(),)),
        )?;
        host.func_wrap(
            "both-blue",
            |_: StoreContextMut<'_, State>, (a, b): (Resource<Blue>, Resource<Blue>)| {
                Ok((a.rep() * 100 + b.rep(),))
            },
        )?;
        host.func_wrap(
            "take-blue",
            |_: StoreContextMut<'_, State>, (blue,): (Resource<Blue>,)| Ok((blue.rep(),)),
        )?;
        let mut store = Store::new(case.engine, State::default())?;
        let instance = linker.instantiate(&mut store, component)?;
        Ok(Both {
            store,
            instance,
            model: Model {
                a: Table::new(),
                b: Table::new(),
                greens_ended: (0, 0),
                blues_ended: Vec::new(),
            },
            greens: Vec::new(),
            blues: Vec::new(),
            log: Vec::new(),
        })
    }

    fn call(&mut self, path: (&str, &str), params: &[Val]) -> Result<Option<Val>, Error> {
        self.log.push(format!("{}.{} {params:?}", path.0, path.1));
        let func = self
            .instance
            .get_func(&mut self.store, ExportPath::from(path));
        func.ok_or_else(|| Error::Export("it is not exported".to_string()))?
            .call(&mut self.store, params)
    }

    /// Calls a function that takes and gives numbers; what it must give, or that it must trap, says the model. Says whether the
    /// instance lives on.
    fn number(
        &mut self,
        path: (&str, &str),
        params: &[u32],
        wanted: Option<u32>,
    ) -> Result<bool, String> {
        let params: Vec<Val> = params.iter().map(|v| Val::U32(*v)).collect();
        let outcome = self.call(path, &params);
        self.judge(path, outcome, wanted)
    }

    fn judge(
        &self,
        path: (&str, &str),
        outcome: Result<Option<Val>, Error>,
        wanted: Option<u32>,
    ) -> Result<bool, String> {
        match (outcome, wanted) {
            (Ok(Some(Val::U32(got))), Some(wanted)) if got == wanted => Ok(true),
            (Err(Error::Trap(_)), None) => Ok(false),
            (outcome, wanted) => Err(format!(
                "{}.{} gives {outcome:?}; the model says {wanted:?}",
                path.0, path.1
            )),
        }
    }

    /// One operation. Says whether the instance lives on.
    fn step(&mut self, c: &mut Choices) -> Result<bool, String> {
        let rep = 1 + c.below(99) as u32;
        match c.below(23) {
            0 => {
                let wanted = self.model.b.add(Color::Blue, rep);
                self.number(("b", "new-blue"), &[rep], Some(wanted))
            }
            1 => {
                let handle = self.model.b.any(c, Color::Blue);
                let wanted = self.model.b.get(handle, Color::Blue);
                self.number(("b", "get-blue"), &[handle], wanted)
            }
            2 => {
                let handle = self.model.b.any(c, Color::Blue);
                let wanted = self.model.b.remove(handle, Color::Blue);
                self.blues.extend(wanted);
                self.number(("b", "take-blue"), &[handle], wanted)
            }
            3 => {
                let (lent, given) = (
                    self.model.b.any(c, Color::Blue),
                    self.model.b.any(c, Color::Blue),
                );
                let first = self.model.b.get(lent, Color::Blue);
                // What is lent to a call cannot be given away to it.
                let second = if lent == given {
                    None
                } else {
                    self.model.b.get(given, Color::Blue)
                };
                let wanted = first.zip(second).map(|(a, b)| a * 100 + b);
                if wanted.is_some() {
                    self.blues.extend(self.model.b.remove(given, Color::Blue));
                }
                self.number(("b", "both-blue"), &[lent, given], wanted)
            }
            4 | 5 => {
                let handle = self.model.b.any(c, Color::Blue);
                let ended = self.model.b.remove(handle, Color::Blue);
                self.model.blues_ended.extend(ended);
                self.number(("b", "drop-blue"), &[handle], ended.map(|_| 0))
            }
            6 => {
                // `a` makes a handle and gives it away.
                let passing = self.model.a.add(Color::Green, rep);
                self.model.a.remove(passing, Color::Green);
                let wanted = self.model.b.add(Color::Green, rep);
                self.number(("b", "make"), &[rep], Some(wanted))
            }
            7 => {
                let handle = self.model.b.any(c, Color::Green);
                let wanted = self.model.b.get(handle, Color::Green);
                self.number(("b", "get"), &[handle], wanted)
            }
            8 | 9 => {
                let handle = self.model.b.any(c, Color::Green);
                let wanted = self
                    .model
                    .b
                    .remove(handle, Color::Green)
                    .map(|rep| self.model.a.add(Color::Green, rep));
                self.number(("b", "absorb"), &[handle], wanted)
            }
            10 => {
                let handle = self.model.a.any(c, Color::Green);
                let wanted = self
                    .model
                    .a
                    .remove(handle, Color::Green)
                    .map(|rep| self.model.b.add(Color::Green, rep));
                self.number(("b", "emit"), &[handle], wanted)
            }
            11 => {
                let handle = self.model.b.any(c, Color::Green);
                let ended = self.model.b.remove(handle, Color::Green);
                ended.into_iter().for_each(|rep| self.model.end_green(rep));
                self.number(("b", "drop"), &[handle], ended.map(|_| 0))
            }
            12 => {
                let wanted = self.model.a.add(Color::Green, rep);
                self.number(("a", "new"), &[rep], Some(wanted))
            }
            13 => {
                let handle = self.model.a.any(c, Color::Green);
                let wanted = self.model.a.get(handle, Color::Green);
                self.number(("a", "rep"), &[handle], wanted)
            }
            14 => {
                let handle = self.model.a.any(c, Color::Green);
                let ended = self.model.a.remove(handle, Color::Green);
                ended.into_iter().for_each(|rep| self.model.end_green(rep));
                self.number(("a", "drop"), &[handle], ended.map(|_| 0))
            }
            15 | 16 => {
                let handle = self.model.a.any(c, Color::Green);
                let wanted = self.model.a.remove(handle, Color::Green);
                match (self.call(("a", "emit"), &[Val::U32(handle)]), wanted) {
                    (Ok(Some(Val::Resource(green))), Some(rep)) => {
                        self.greens.push((green, rep));
                        Ok(true)
                    }
                    (Err(Error::Trap(_)), None) => Ok(false),
                    (outcome, wanted) => Err(format!(
                        "a.emit gives {outcome:?}; the model says {wanted:?}"
                    )),
                }
            }
            17 => {
                let Some((green, rep)) = self.green(c, true) else {
                    return Ok(true);
                };
                let wanted = self.model.a.add(Color::Green, rep);
                let outcome = self.call(("a", "absorb"), &[Val::Resource(green)]);
                self.judge(("a", "absorb"), outcome, Some(wanted))
            }
            18 => {
                let Some((green, rep)) = self.green(c, false) else {
                    return Ok(true);
                };
                let outcome = self.call(("a", "get"), &[Val::Resource(green)]);
                self.judge(("a", "get"), outcome, Some(rep))
            }
            19 => {
                let Some((green, rep)) = self.green(c, true) else {
                    return Ok(true);
                };
                self.model.end_green(rep);
                self.log.push(format!("the host drops green {rep}"));
                green
                    .resource_drop(&mut self.store)
                    .map_err(|e| format!("a green cannot be dropped: {e}"))?;
                Ok(true)
            }
            20 => {
                // Blues from the host: given for good.
                let rep = match self.blues.pop() {
                    Some(rep) => rep,
                    None => rep,
                };
                let wanted = self.model.b.add(Color::Blue, rep);
                self.typed_blue("keep-blue", Resource::new_own(rep), Some(wanted))
            }
            21 => {
                let handle = self.model.b.any(c, Color::Blue);
                let wanted = self.model.b.remove(handle, Color::Blue);
                self.log.push(format!("b.give-blue {handle}"));
                let give = self.instance.get_typed_func::<(u32,), (Resource<Blue>,)>(
                    &mut self.store,
                    ("b", "give-blue"),
                );
                let give = give.map_err(|e| format!("b.give-blue: {e}"))?;
                match (give.call(&mut self.store, (handle,)), wanted) {
                    (Ok((blue,)), Some(rep)) if blue.rep() == rep && blue.owned() => {
                        self.blues.push(rep);
                        Ok(true)
                    }
                    (Err(Error::Trap(_)), None) => Ok(false),
                    (outcome, wanted) => Err(format!(
                        "b.give-blue gives {outcome:?}; the model says {wanted:?}"
                    )),
                }
            }
            _ => {
                // Lent for a call: the handle is there while it runs, and must be gone after it.
                let passing = self.model.b.add(Color::Blue, rep);
                self.model.b.remove(passing, Color::Blue);
                match c.below(8) {
                    7 => self.typed_blue("steal-blue", Resource::new_borrow(rep), None),
                    6 => self.typed_blue("hold-blue", Resource::new_borrow(rep), None),
                    _ => self.typed_blue(
                        "look-blue",
                        Resource::new_borrow(rep),
                        Some((passing << 16) + rep),
                    ),
                }
            }
        }
    }

    fn typed_blue(
        &mut self,
        name: &str,
        blue: Resource<Blue>,
        wanted: Option<u32>,
    ) -> Result<bool, String> {
        self.log.push(format!("b.{name} {}", blue.rep()));
        let func = self
            .instance
            .get_typed_func::<(Resource<Blue>,), (u32,)>(&mut self.store, ("b", name));
        let func = func.map_err(|e| format!("b.{name}: {e}"))?;
        let outcome = func
            .call(&mut self.store, (blue,))
            .map(|(v,)| Some(Val::U32(v)));
        self.judge(("b", name), outcome, wanted)
    }

    /// One of the host's greens.
    fn green(&mut self, c: &mut Choices, take: bool) -> Option<(ResourceAny, u32)> {
        let at = c.below(self.greens.len());
        match take {
            true if at < self.greens.len() => Some(self.greens.remove(at)),
            true => None,
            false => self.greens.get(at).copied(),
        }
    }

    /// Whether the destructors ran that should have, in order.
    fn compare(&mut self) -> Result<(), String> {
        let (count, sum) = self.model.greens_ended;
        self.number(("a", "count"), &[], Some(count))?;
        self.number(("a", "sum"), &[], Some(sum))?;
        if self.store.data().blues_ended != self.model.blues_ended {
            return Err(format!(
                "blues ended: {:?}; the model says {:?}",
                self.store.data().blues_ended,
                self.model.blues_ended
            ));
        }
        Ok(())
    }
}
