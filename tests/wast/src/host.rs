//! What components find to import, because the scripts of wasmtime's repository rely on it: at the root `host-return-two`, and an
//! instance `host` with functions, an instance inside, resources and a core module. Facts from that project's description of its
//! `wast` command; only what is synchronous is offered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wasmer_component::{Engine, Error, Linker, Module, Resource, Result};

/// Identity of `resource1`, also under the name `resource1-again`.
struct Resource1;
/// Identity of `resource2`.
struct Resource2;

/// What the destructor of `resource1` saw.
#[derive(Default)]
struct Drops {
    count: AtomicU32,
    last: AtomicU32,
}

/// A host function that finds something else than the script says it must.
#[derive(Debug, thiserror::Error)]
#[error("the host function {function} wanted {wanted}")]
struct Unexpected {
    function: &'static str,
    wanted: String,
}

fn expect(condition: bool, function: &'static str, wanted: impl Into<String>) -> Result<()> {
    match condition {
        true => Ok(()),
        false => Err(Error::host(Unexpected {
            function,
            wanted: wanted.into(),
        })),
    }
}

/// The core module that `host` offers, in the binary format: a global `g` that is 100 and a function `f` that returns 101.
const SIMPLE_MODULE: &[u8] = &[
    0, b'a', b's', b'm', 1, 0, 0, 0, // header
    1, 5, 1, 0x60, 0, 1, 0x7f, // types: a function without parameters, with an i32
    3, 2, 1, 0, // functions: one, of type 0
    6, 7, 1, 0x7f, 0, 0x41, 0xe4, 0, 0x0b, // globals: a constant i32, 100
    7, 9, 2, 1, b'g', 3, 0, 1, b'f', 0, 0, // exports
    10, 7, 1, 5, 0, 0x41, 0xe5, 0, 0x0b, // code: i32.const 101
];

/// Adds it all to a linker. What the destructors saw is counted from now on.
pub(crate) fn define(engine: &Engine, linker: &mut Linker<()>) -> Result<()> {
    linker
        .root()
        .func_wrap("host-return-two", |_, (): ()| Ok((2u32,)))?;
    let drops = Arc::new(Drops::default());
    let mut host = linker.instance("host")?;
    host.instance("nested")?
        .func_wrap("return-four", |_, (): ()| Ok((4u32,)))?;
    host.func_wrap("return-three", |_, (): ()| Ok((3u32,)))?;
    host.func_wrap("return-hi", |_, (): ()| Ok(("hi".to_string(),)))?;

    host.module("simple-module", &Module::new(engine, SIMPLE_MODULE)?)?;

    let seen = drops.clone();
    host.resource::<Resource1>("resource1", move |_, rep| {
        seen.count.fetch_add(1, Ordering::Relaxed);
        seen.last.store(rep, Ordering::Relaxed);
        Ok(())
    })?;
    host.resource::<Resource2>("resource2", |_, _| Ok(()))?;
    host.resource::<Resource1>("resource1-again", |_, _| {
        expect(
            false,
            "resource1-again",
            "to be dropped under its other name",
        )
    })?;
    host.func_wrap("[constructor]resource1", |_, (rep,): (u32,)| {
        Ok((Resource::<Resource1>::new_own(rep),))
    })?;
    host.func_wrap(
        "[static]resource1.assert",
        |_, (resource, rep): (Resource<Resource1>, u32)| {
            expect(
                resource.rep() == rep,
                "[static]resource1.assert",
                format!("{rep}, not {}", resource.rep()),
            )
        },
    )?;
    let seen = drops.clone();
    host.func_wrap("[static]resource1.last-drop", move |_, (): ()| {
        Ok((seen.last.load(Ordering::Relaxed),))
    })?;
    let seen = drops;
    host.func_wrap("[static]resource1.drops", move |_, (): ()| {
        Ok((seen.count.load(Ordering::Relaxed),))
    })?;
    host.func_wrap(
        "[method]resource1.simple",
        |_, (this, rep): (Resource<Resource1>, u32)| {
            expect(
                !this.owned() && this.rep() == rep,
                "[method]resource1.simple",
                format!("a borrow of {rep}, not {this:?}"),
            )
        },
    )?;
    host.func_wrap(
        "[method]resource1.take-borrow",
        |_, (this, other): (Resource<Resource1>, Resource<Resource1>)| {
            expect(
                !this.owned() && !other.owned(),
                "[method]resource1.take-borrow",
                "two borrows",
            )
        },
    )?;
    host.func_wrap(
        "[method]resource1.take-own",
        |_, (this, other): (Resource<Resource1>, Resource<Resource1>)| {
            expect(
                !this.owned() && other.owned(),
                "[method]resource1.take-own",
                "a borrow and an own",
            )
        },
    )?;
    Ok(())
}
