//! The calls, and what they must give.

use std::fmt::Debug;

use wasmer_component::{
    Component, ComponentType, Instance, Lift, LiftResult, Linker, Lower, LowerParams, Resource,
    ResourceAny, Result, Store, Val, flags,
};

use crate::host::{Counter, Host};

/// The world's interface for the host to call.
const VALUES: &str = "test:kit/values@0.1.0";
/// That of the smaller world.
const WORDS: &str = "test:kit/words@0.1.0";

#[derive(ComponentType, Lift, Lower, Debug, Clone, PartialEq)]
#[component(record)]
struct Point {
    x: i32,
    y: f64,
    name: String,
    tags: Vec<String>,
}

#[derive(ComponentType, Lift, Lower, Debug, Clone, PartialEq)]
#[component(variant)]
enum Shape {
    None,
    Circle(f32),
    Named(String),
    At(Point),
}

#[derive(ComponentType, Lift, Lower, Debug, Clone, Copy, PartialEq)]
#[component(enum)]
enum Level {
    Low,
    Middle,
    High,
}

flags! {
    /// The world's flags.
    Perms {
        const READ;
        const WRITE;
        const EXECUTE;
    }
}

/// Makes all calls, each group in an instance of its own, and says which did not give what they must.
///
/// The first call that fails ends its group: an instance that trapped takes no more.
pub fn faults(
    linker: &Linker<Host>,
    component: &Component,
    store: &mut Store<Host>,
) -> Vec<String> {
    let small = !component.exports().any(|(name, _)| name == VALUES);
    let interface = if small { WORDS } else { VALUES };
    let of_words: &[Group] = &[|calls| calls.text_and_bytes(), |calls| calls.through()];
    let of_values: &[Group] = &[
        |calls| calls.numbers(),
        |calls| calls.text_and_bytes(),
        |calls| calls.records(),
        |calls| calls.variants(),
        |calls| calls.flags_and_enums(),
        |calls| calls.dynamic(),
        |calls| calls.host_resources(),
        |calls| calls.guest_resources(),
        |calls| calls.through(),
    ];
    let mut faults = Vec::new();
    for group in if small { of_words } else { of_values } {
        match linker.instantiate(&mut *store, component) {
            Ok(instance) => {
                let mut calls = Calls {
                    interface,
                    instance,
                    store,
                    faults: &mut faults,
                };
                // What failed is among the faults.
                let _ = group(&mut calls);
            }
            Err(error) => faults.push(format!("it is not instantiated again: {error}")),
        }
    }
    faults
}

type Group = for<'a> fn(&mut Calls<'a>) -> Option<()>;

struct Calls<'a> {
    interface: &'static str,
    instance: Instance,
    store: &'a mut Store<Host>,
    faults: &'a mut Vec<String>,
}

impl Calls<'_> {
    fn call<P: LowerParams, R: LiftResult>(&mut self, name: &str, params: P) -> Result<R> {
        self.instance
            .get_typed_func::<P, R>(&mut *self.store, (self.interface, name))?
            .call(&mut *self.store, params)
    }

    /// What does not give `expected` is a fault; so is what fails, after which there is no more to call.
    fn expect<T: PartialEq + Debug>(
        &mut self,
        what: &str,
        given: Result<T>,
        expected: T,
    ) -> Option<()> {
        match given {
            Ok(given) if given == expected => Some(()),
            Ok(given) => {
                let (given, expected) = (short(&given), short(&expected));
                self.faults
                    .push(format!("{what} gives {given}, not {expected}"));
                Some(())
            }
            Err(error) => {
                self.faults.push(format!("{what}: {error}"));
                None
            }
        }
    }

    /// A call whose result is its only parameter.
    fn echoes<T>(&mut self, name: &str, value: T) -> Option<()>
    where
        T: Clone + PartialEq + Debug,
        (T,): LowerParams + LiftResult,
    {
        let given = self.call::<(T,), (T,)>(name, (value.clone(),));
        self.expect(name, given, (value,))
    }

    fn numbers(&mut self) -> Option<()> {
        let low = (
            0u8,
            i8::MIN,
            0u16,
            i16::MIN,
            0u32,
            i32::MIN,
            0u64,
            -(1i64 << 53) + 1,
            -0.5f32,
            -1e300f64,
            false,
            '\0',
        );
        let high = (
            u8::MAX,
            i8::MAX,
            u16::MAX,
            i16::MAX,
            u32::MAX,
            i32::MAX,
            // What lies beyond JavaScript's numbers, QuickJS' bindings do not give back.
            (1 << 53) - 1,
            (1 << 53) - 1,
            3.25f32,
            f64::MAX,
            true,
            '\u{10ffff}',
        );
        for numbers in [low, high] {
            let given = self.call("numbers", numbers);
            self.expect("numbers", given, (numbers,))?;
        }
        Some(())
    }

    fn text_and_bytes(&mut self) -> Option<()> {
        for text in [
            "",
            "plain",
            "größer 日本語 🦀",
            "a\0b",
            &"long é ".repeat(10_000),
        ] {
            self.echoes("text", text.to_string())?;
        }
        for len in [0usize, 1, 255, 70_000, 1 << 20] {
            self.echoes(
                "bytes",
                (0..len).map(|n| (n * 31) as u8).collect::<Vec<u8>>(),
            )?;
        }
        Some(())
    }

    fn records(&mut self) -> Option<()> {
        for count in [0, 1, 500] {
            self.echoes("points", (0..count).map(point).collect::<Vec<_>>())?;
        }
        Some(())
    }

    fn variants(&mut self) -> Option<()> {
        let shapes = vec![
            Shape::None,
            Shape::Circle(2.5),
            Shape::Named("ellipse — ovale".to_string()),
            Shape::At(point(3)),
        ];
        self.echoes("shapes", shapes.clone())?;
        for maybe in [None, Some(None), Some(Some(7u32))] {
            self.echoes("maybe", maybe)?;
        }
        self.echoes("outcome", Ok::<_, Shape>("fine".to_string()))?;
        for shape in shapes {
            self.echoes("outcome", Err::<String, _>(shape))?;
        }
        for nothing in [Ok(()), Err(())] {
            self.echoes::<std::result::Result<(), ()>>("nothing", nothing)?;
        }
        Some(())
    }

    fn flags_and_enums(&mut self) -> Option<()> {
        for perms in [Perms::empty(), Perms::READ | Perms::EXECUTE, Perms::all()] {
            self.echoes("perm", perms)?;
        }
        for level in [Level::Low, Level::Middle, Level::High] {
            self.echoes("grade", level)?;
        }
        Some(())
    }

    /// The same road with values whose types are not known at compile time.
    fn dynamic(&mut self) -> Option<()> {
        let text = |text: &str| Val::String(text.to_string());
        let point = Val::Record(vec![
            ("x".to_string(), Val::S32(-7)),
            ("y".to_string(), Val::F64(0.125)),
            ("name".to_string(), text("ß")),
            ("tags".to_string(), Val::List(vec![text("a"), text("")])),
        ]);
        let shapes = Val::List(vec![
            Val::Variant("at".to_string(), Some(Box::new(point.clone()))),
            Val::Variant("none".to_string(), None),
        ]);
        for (name, value) in [
            ("points", Val::List(vec![point])),
            ("shapes", shapes),
            ("perm", Val::Flags(vec!["write".to_string()])),
            ("bytes", Val::Bytes(vec![1, 2, 3])),
            ("maybe", Val::Option(Some(Box::new(Val::Option(None))))),
        ] {
            let given = match self
                .instance
                .get_func(&mut *self.store, (self.interface, name))
            {
                Some(func) => func.call(&mut *self.store, std::slice::from_ref(&value)),
                None => Ok(None),
            };
            self.expect(&format!("{name}, with dynamic values,"), given, Some(value))?;
        }
        Some(())
    }

    fn host_resources(&mut self) -> Option<()> {
        let counter = self.store.data_mut().counter(40);
        let rep = counter.rep();
        let given = self.call("count-lent", (Resource::<Counter>::new_borrow(rep), 1u32));
        self.expect("count-lent", given, (41u32,))?;
        let given = self.call("count", (counter, 1u32));
        self.expect("count", given, (42u32,))?;
        for (start, expected) in [(5u32, 5u32), (0, 1000)] {
            let made = self.call::<_, (Resource<Counter>,)>("make-counter", (start,));
            let value = made.map(|(made,)| {
                let counters = &self.store.data().counters;
                counters.get(made.rep() as usize).copied().flatten()
            });
            self.expect("make-counter", value, Some(expected))?;
        }
        Some(())
    }

    fn guest_resources(&mut self) -> Option<()> {
        let joined = (|| {
            let (a,) = self.call::<_, (ResourceAny,)>("[constructor]thing", ("löwe",))?;
            let (b,) = self.call::<_, (ResourceAny,)>("[constructor]thing", ("bär",))?;
            let (joined,) = self.call::<_, (ResourceAny,)>("[static]thing.join", (a, b))?;
            let (name,) = self.call::<_, (String,)>("[method]thing.name", (joined,))?;
            let (still,) = self.call::<_, (String,)>("[method]thing.name", (b,))?;
            joined.resource_drop(&mut *self.store)?;
            b.resource_drop(&mut *self.store)?;
            Ok(format!("{name}, {still}"))
        })();
        self.expect("joined things", joined, "löwe+bär, bär".to_string())
    }

    fn through(&mut self) -> Option<()> {
        type Answer = std::result::Result<String, String>;
        let given = self.call("through", ("grüße 🦀",));
        self.expect::<(Answer,)>("through", given, (Ok("GRÜSSE 🦀/7".to_string()),))?;
        let notes = std::mem::take(&mut self.store.data_mut().notes);
        self.expect(
            "note",
            Ok(notes),
            vec!["High grüße 🦀 [1, 2, 3]".to_string()],
        )?;
        let given = self.call("through", ("",));
        self.expect::<(Answer,)>(
            "through",
            given,
            (Err("nothing is said — ¡nada!".to_string()),),
        )
    }
}

fn point(n: i32) -> Point {
    Point {
        x: -n,
        y: f64::from(n) / 4.0,
        name: format!("pünkt {n}"),
        tags: (0..n % 4).map(|tag| format!("tag {tag} ✓")).collect(),
    }
}

/// A value as text that fits in a line.
fn short(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
