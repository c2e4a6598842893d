//! A WebAssembly Component Model runtime on [wasmer].
//!
//! wasmer runs core modules. This crate runs components on it: it translates and compiles a component once, keeps the
//! result as an artifact if asked, links host functions and resources to its imports, instantiates it any number of
//! times, and calls its exports with Rust values.
//!
//! ```
//! use wasmer_component::{Component, Config, Engine, Linker, Store};
//!
//! let engine = Engine::new(&Config::new())?;
//! let component = Component::new(&engine, &wat::parse_str(r#"
//!     (component
//!       (core module $m
//!         (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
//!       (core instance $i (instantiate $m))
//!       (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))
//! "#).unwrap())?;
//!
//! let mut store = Store::new(&engine, ())?;
//! let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
//! let add = instance.get_typed_func::<(u32, u32), (u32,)>(&mut store, "add")?;
//! assert_eq!(add.call(&mut store, (20, 22))?, (42,));
//! # Ok::<(), wasmer_component::Error>(())
//! ```
//!
//! # Concepts
//! The module `guide` of this documentation has an example for each.
//! - [`Engine`]: compiler and settings; one for a program. [`Component`]: compiled, shared, turned into bytes and back.
//! - [`Linker`]: what the host offers. [`Instance`]: a component with its imports satisfied, in a [`Store`].
//! - [`TypedFunc`] calls with Rust types that were checked once ([`ComponentType`], [`Lift`], [`Lower`] and their derives);
//!   [`Func`] calls with [`Val`]s whose types are known only at run time.
//! - Byte lists cross in one copy ([`Vec<u8>`], `&[u8]`), are written in place ([`FillBytes`]) or read in place ([`LentBytes`]).
//! - [`Resource`], [`ResourceAny`], [`ResourceTable`]: things passed by handle.
//! - [`StoreLimits`], [`Store::set_call_timeout`], [`Config::metering`]: what a guest may use. The time limit uses the signal
//!   SIGUSR1, which an embedder must leave alone; counted instructions need no signal.
//!
//! # Limits of this version
//! The synchronous component model, 32-bit memories. Asynchronous built-ins may be declared and trap when called.
//!
//! # Invariants
//! Whatever a guest returns is checked before it is used: pointers, lengths, alignment, discriminants, characters,
//! encodings, handles. No byte of a `list<u8>` is handled by itself. After a trap an instance takes no more calls.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod abi;
mod artifact;
mod code;
mod component;
mod core;
mod core_link;
#[cfg(feature = "core-modules")]
mod core_module;
mod deadline;
mod engine;
mod error;
mod func;
#[cfg(any(doc, doctest))]
pub mod guide;
mod instance;
mod ir;
mod limits;
mod linker;
#[cfg(feature = "compiler")]
mod metering;
mod module;
mod names;
mod resource;
#[cfg(feature = "compiler")]
mod rules;
#[cfg(feature = "compiler")]
mod sole_memory;
mod store;
mod tables;
mod trampoline;
mod transcode;
#[cfg(feature = "compiler")]
mod translate;
mod typed;
pub mod types;
mod val;

pub use abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
pub use code::NativeFunction;
pub use component::{Component, ExportPath};
pub use core_link::{CoreFunc, CoreImport, CoreLink};
#[cfg(feature = "core-modules")]
pub use core_module::CoreModule;
pub use engine::{Compiler, Config, Engine};
pub use error::{Error, Frame, LimitExceeded, LimitKind, LinkError, Result, Trap, TypeMismatch};
pub use func::{Func, TypedFunc, Unlifted};
pub use instance::Instance;
pub use limits::StoreLimits;
pub use linker::{InstancePre, Linker, LinkerInstance};
pub use module::{CoreType, CoreValueType, Module, ModuleType};
pub use resource::{Resource, ResourceAny, ResourceTable, ResourceType};
pub use store::{AsContextMut, Store, StoreContextMut};
pub use typed::{
    ComponentType, FillBytes, GuestMemory, LentBytes, LentStr, Lift, LiftParams, LiftResult, Lower,
    LowerParams, LowerResult, ParamTypes, ResultType,
};
pub use val::{Numbers, Val};
pub use wasmer_component_derive::{ComponentType, Lift, Lower, flags};

/// What derived code needs and nobody else.
#[doc(hidden)]
pub mod __internal {
    pub use crate::typed::derived::*;
}
