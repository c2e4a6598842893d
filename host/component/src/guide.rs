//! One worked example for each concept. There is no code in this module.
//!
//! The examples use `greet`, a component that exports
//! `greet: func(name: string) -> string` (`examples/greet.wat`), or a few lines of component text of their own.
//!
//! # Values whose types are known only at run time
//!
//! A component says what it imports and exports; [`Func::call`](crate::Func::call) takes [`Val`](crate::Val)s.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store, Val};
//! use wasmer_component::types::ExternType;
//! # let engine = Engine::new(&Config::new())?;
//! # let greet = wat::parse_file(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/greet.wat")).unwrap();
//! let component = Component::new(&engine, &greet)?;
//! for (name, ty) in component.exports() {
//!     let ExternType::Func(id) = ty else { continue };
//!     let func = component.types().func(*id).unwrap();
//!     assert_eq!(name, "greet");
//!     assert_eq!(component.types().display_func(func), "func(name: string) -> string");
//! }
//! let mut store = Store::new(&engine, ())?;
//! let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
//! let greet = instance.get_func(&mut store, "greet").unwrap();
//! let answer = greet.call(&mut store, &[Val::String("Ada".into())])?;
//! assert_eq!(answer, Some(Val::String("Hello, Ada".into())));
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Host functions of any type
//!
//! [`func_wrap`](crate::LinkerInstance::func_wrap) is for functions whose types the host knows, [`func_new`](crate::LinkerInstance::func_new) for all
//! others: here one that stands in for whatever is imported under a name. A host function that fails ends the guest's call with its error.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Error, Linker, Store, Val};
//! # let engine = Engine::new(&Config::new())?;
//! # let component = Component::new(&engine, &wat::parse_str(r#"(component
//! #   (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
//! #   (core func $add-core (canon lower (func $add)))
//! #   (core module $m (import "" "add" (func $add (param i32 i32) (result i32)))
//! #     (func (export "sum") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1))))
//! #   (core instance $i (instantiate $m (with "" (instance (export "add" (func $add-core))))))
//! #   (func (export "sum") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "sum"))))"#).unwrap())?;
//! #[derive(Debug, thiserror::Error)]
//! #[error("the sum does not fit")]
//! struct Overflow;
//!
//! let mut linker = Linker::<()>::new(&engine);
//! linker.root().func_new("add", |_cx, ty, params| {
//!     assert_eq!(ty.params.len(), 2);
//!     let [Val::U32(a), Val::U32(b)] = params else { return Err(Error::trap("two numbers are wanted")) };
//!     let sum = a.checked_add(*b).ok_or_else(|| Error::host(Overflow))?;
//!     Ok(Some(Val::U32(sum)))
//! })?;
//! let mut store = Store::new(&engine, ())?;
//! let instance = linker.instantiate(&mut store, &component)?;
//! let sum = instance.get_typed_func::<(u32, u32), (u32,)>(&mut store, "sum")?;
//! assert_eq!(sum.call(&mut store, (40, 2))?, (42,));
//! let error = sum.call(&mut store, (u32::MAX, 1)).unwrap_err();
//! assert!(error.downcast_ref::<Overflow>().is_some());
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Types of your own
//!
//! Records, variants and enums are derived, flags are declared; see [`ComponentType`](macro@crate::ComponentType) for names and attributes.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store};
//! use wasmer_component::{ComponentType, Lift, Lower};
//!
//! #[derive(ComponentType, Lift, Lower, Debug, PartialEq)]
//! #[component(record)]
//! struct Point { x: u32, y: u32 }
//!
//! # let engine = Engine::new(&Config::new())?;
//! # let component = Component::new(&engine, &wat::parse_str(r#"(component
//! #   (type $p' (record (field "x" u32) (field "y" u32)))
//! #   (export $p "point" (type $p'))
//! #   (core module $m (memory (export "memory") 1)
//! #     (func (export "swap") (param i32 i32) (result i32)
//! #       (i32.store (i32.const 8) (local.get 1)) (i32.store (i32.const 12) (local.get 0)) (i32.const 8)))
//! #   (core instance $i (instantiate $m))
//! #   (func (export "swap") (param "p" $p) (result $p) (canon lift (core func $i "swap") (memory (core memory $i "memory")))))"#).unwrap())?;
//! # let mut store = Store::new(&engine, ())?;
//! # let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
//! let swap = instance.get_typed_func::<(Point,), (Point,)>(&mut store, "swap")?;
//! assert_eq!(swap.call(&mut store, (Point { x: 1, y: 2 },))?, (Point { x: 2, y: 1 },));
//! // Types that differ are found here, before any call.
//! let error = instance.get_typed_func::<(Point,), (String,)>(&mut store, "swap").unwrap_err();
//! assert!(error.to_string().starts_with("swap: "), "{error}");
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Resources of the host
//!
//! A resource is passed by handle. What it stands for lives in a [`ResourceTable`](crate::ResourceTable) in the store's data; its destructor runs when
//! a guest drops the handle that owns it.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store, StoreContextMut};
//! use wasmer_component::{Resource, ResourceTable};
//!
//! struct Counter(u32);
//!
//! # let engine = Engine::new(&Config::new())?;
//! # let component = Component::new(&engine, &wat::parse_str(r#"(component
//! #   (import "counters" (instance $c (export "counter" (type $t (sub resource)))
//! #     (export "[constructor]counter" (func (result (own $t))))
//! #     (export "[method]counter.next" (func (param "self" (borrow $t)) (result u32)))))
//! #   (alias export $c "counter" (type $t))
//! #   (core func $new (canon lower (func $c "[constructor]counter")))
//! #   (core func $next (canon lower (func $c "[method]counter.next")))
//! #   (core func $drop (canon resource.drop $t))
//! #   (core module $m (import "" "new" (func $new (result i32))) (import "" "next" (func $next (param i32) (result i32)))
//! #     (import "" "drop" (func $drop (param i32)))
//! #     (func (export "run") (result i32) (local $c i32)
//! #       (local.set $c (call $new)) (drop (call $next (local.get $c))) (call $next (local.get $c)) (call $drop (local.get $c))))
//! #   (core instance $i (instantiate $m (with "" (instance
//! #     (export "new" (func $new)) (export "next" (func $next)) (export "drop" (func $drop))))))
//! #   (func (export "run") (result u32) (canon lift (core func $i "run"))))"#).unwrap())?;
//! let mut linker = Linker::<ResourceTable>::new(&engine);
//! linker
//!     .instance("counters")?
//!     .resource::<Counter>("counter", |mut cx: StoreContextMut<'_, ResourceTable>, rep| {
//!         cx.data_mut().delete(Resource::<Counter>::new_own(rep))?;
//!         Ok(())
//!     })?
//!     .func_wrap("[constructor]counter", |mut cx: StoreContextMut<'_, ResourceTable>, (): ()| {
//!         Ok((cx.data_mut().push(Counter(0))?,))
//!     })?
//!     .func_wrap("[method]counter.next", |mut cx: StoreContextMut<'_, ResourceTable>, (this,): (Resource<Counter>,)| {
//!         let counter = cx.data_mut().get_mut(&this)?;
//!         counter.0 += 1;
//!         Ok((counter.0,))
//!     })?;
//! let mut store = Store::new(&engine, ResourceTable::new())?;
//! let instance = linker.instantiate(&mut store, &component)?;
//! let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, ())?, (2,));
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! Resources that a guest defines come out as [`ResourceAny`](crate::ResourceAny): pass them back as parameters, and end them with
//! [`ResourceAny::resource_drop`](crate::ResourceAny::resource_drop).
//!
//! # Bytes and strings where they lie
//!
//! `Vec<u8>` and `&[u8]` cost one copy. [`FillBytes`](crate::FillBytes) writes a parameter into the guest's memory without it, and a result is read there with
//! [`call_lent`](crate::TypedFunc::call_lent), before `post-return` takes it back.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store};
//! use wasmer_component::LentStr;
//! # let engine = Engine::new(&Config::new())?;
//! # let greet = wat::parse_file(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/greet.wat")).unwrap();
//! # let component = Component::new(&engine, &greet)?;
//! # let mut store = Store::new(&engine, ())?;
//! # let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
//! let greet = instance.get_typed_func::<(&str,), (LentStr,)>(&mut store, "greet")?;
//! let length = greet.call_lent(&mut store, ("Ada",), |(text,), guest| guest.str(&text).len())?;
//! assert_eq!(length, "Hello, Ada".len());
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Artifacts
//!
//! Compile once, load in no time, also in a program without a compiler (`default-features = false`) or with an engine that has none.
//!
//! ```
//! use wasmer_component::{Compiler, Component, Config, Engine};
//! # let greet = wat::parse_file(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/greet.wat")).unwrap();
//! let compiling = Engine::new(&Config::new())?;
//! let artifact = Component::new(&compiling, &greet)?.serialize()?;
//!
//! let headless = Engine::new(&Config::new().compiler(Compiler::Headless))?;
//! // SAFETY: the artifact was made just now, and nobody else could touch it.
//! let component = unsafe { Component::deserialize(&headless, &artifact)? };
//! assert_eq!(component.exports().count(), 1);
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! Whoever keeps artifacts files them under [`Engine::fingerprint`](crate::Engine::fingerprint), too: an artifact of another fingerprint is refused.
//!
//! # Limits
//!
//! Memory, tables and lists are limited for a store, time and instructions for a call. What exceeds a limit ends with
//! [`Error::Limit`](crate::Error::Limit), and its instance takes no more calls.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store};
//! use std::time::Duration;
//! use wasmer_component::{LimitKind, StoreLimits};
//! # let engine = Engine::new(&Config::new())?;
//! # let component = Component::new(&engine, &wat::parse_str(r#"(component
//! #   (core module $m (func (export "spin") (loop $l (br $l))))
//! #   (core instance $i (instantiate $m))
//! #   (func (export "spin") (canon lift (core func $i "spin"))))"#).unwrap())?;
//! let limits = StoreLimits { memory_bytes: Some(64 << 20), ..StoreLimits::default() };
//! let mut store = Store::with_limits(&engine, (), limits)?;
//! store.set_call_timeout(Some(Duration::from_millis(50)));
//! let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
//! let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
//! assert!(spin.call(&mut store, ()).unwrap_err().is_limit(LimitKind::Time));
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Core modules as values
//!
//! A component may import a core module and instantiate it by itself, or export one.
//!
//! ```
//! # use wasmer_component::{Component, Config, Engine, Linker, Store};
//! use wasmer_component::Module;
//! # let engine = Engine::new(&Config::new())?;
//! let seven = Module::new(&engine, &wat::parse_str(r#"(module (func (export "seven") (result i32) (i32.const 7)))"#).unwrap())?;
//! let component = Component::new(&engine, &wat::parse_str(r#"(component
//!     (import "m" (core module $m (export "seven" (func (result i32)))))
//!     (core instance $i (instantiate $m))
//!     (func (export "seven") (result u32) (canon lift (core func $i "seven"))))"#).unwrap())?;
//! let mut linker = Linker::new(&engine);
//! linker.root().module("m", &seven)?;
//! let mut store = Store::new(&engine, ())?;
//! let instance = linker.instantiate(&mut store, &component)?;
//! let seven = instance.get_typed_func::<(), (u32,)>(&mut store, "seven")?;
//! assert_eq!(seven.call(&mut store, ())?, (7,));
//! # Ok::<(), wasmer_component::Error>(())
//! ```
