//! The figures of the `wasmtime` crate.

#[path = "rows.rs"]
#[allow(clippy::duplicate_mod, reason = "the same rows, on the other runtime")]
pub mod rows;

use rows::Side;
use std::hint::black_box;
pub use wasmtime::Result;
pub use wasmtime::component::{Component, ResourceAny};
use wasmtime::component::{
    ComponentNamedList, ComponentType, Instance, InstancePre, Lift, Linker, Lower, Resource,
    ResourceType, TypedFunc, Val, WasmList,
};
use wasmtime::{Config, Engine, OptLevel, Store, StoreContextMut};

#[derive(Debug, Clone, Copy, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Flat {
    pub id: u64,
    pub time: u64,
    pub value: f64,
    pub code: u16,
    pub level: u8,
    pub valid: bool,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Named {
    pub id: u64,
    pub name: String,
    pub level: u8,
}

/// A host-defined resource.
pub struct Thing;

#[derive(Default)]
pub struct Data {
    pub calls: u64,
    pub alive: u32,
}

pub fn failed(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:?}")
}

/// The compiled guest, linked to the host's functions.
#[derive(Clone)]
pub struct Runtime {
    pub engine: Engine,
    pub component: Component,
    linker: std::sync::Arc<Linker<Data>>,
    linked: InstancePre<Data>,
}

pub struct Guest {
    pub store: Store<Data>,
    instance: Instance,
}

impl Runtime {
    pub fn new(bytes: &[u8]) -> Result<Runtime> {
        let engine = Engine::new(Config::new().cranelift_opt_level(OptLevel::Speed))?;
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::<Data>::new(&engine);
        let mut host = linker.instance("bench:figures/host")?;
        host.resource(
            "thing",
            ResourceType::host::<Thing>(),
            |mut cx: StoreContextMut<'_, Data>, _| {
                cx.data_mut().alive -= 1;
                Ok(())
            },
        )?;
        host.func_wrap("nop", |mut cx: StoreContextMut<'_, Data>, ()| {
            cx.data_mut().calls += 1;
            Ok(())
        })?;
        host.func_wrap("add", |_: StoreContextMut<'_, Data>, (a, b): (u32, u32)| {
            Ok((a.wrapping_add(b),))
        })?;
        host.func_wrap(
            "take",
            |_: StoreContextMut<'_, Data>, (bytes,): (Vec<u8>,)| {
                black_box(bytes);
                Ok(())
            },
        )?;
        host.func_wrap(
            "[constructor]thing",
            |mut cx: StoreContextMut<'_, Data>, (rep,): (u32,)| {
                cx.data_mut().alive += 1;
                Ok((Resource::<Thing>::new_own(rep),))
            },
        )?;
        host.func_wrap(
            "[method]thing.get",
            |_: StoreContextMut<'_, Data>, (thing,): (Resource<Thing>,)| Ok((thing.rep(),)),
        )?;
        let linked = linker.instantiate_pre(&component)?;
        Ok(Runtime {
            engine,
            component,
            linker: linker.into(),
            linked,
        })
    }

    pub fn compile(&self, bytes: &[u8]) -> Result<Component> {
        Component::new(&self.engine, bytes)
    }

    pub fn instantiate(&self) -> Result<Guest> {
        let mut store = Store::new(&self.engine, Data::default());
        let instance = self.linker.instantiate(&mut store, &self.component)?;
        Ok(Guest { store, instance })
    }
}

impl Guest {
    fn typed<P, R>(&mut self, name: &str) -> Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut self.store, name)
    }
}

/// The result is read where it lies in the guest's memory. (`post-return` has run by then, and left the bytes alone.)
pub fn lent_bytes(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static [u8],), (WasmList<u8>,)>("echo-bytes")?;
    let data: &[u8] = Vec::leak(vec![7; len]);
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let (lent,) = f.call(&mut guest.store, (data,)).map_err(failed)?;
            assert_eq!(lent.as_le_slice(&guest.store).last(), Some(&7));
        }
        Ok(())
    }))
}

pub fn dynamic(mut guest: Guest, name: &str, params: Vec<Val>) -> anyhow::Result<Side> {
    let f = guest
        .instance
        .get_func(&mut guest.store, name)
        .ok_or_else(|| anyhow::anyhow!("the guest exports {name}"))?;
    let results = f.ty(&guest.store).results().len();
    Ok(Box::new(move |times| {
        let mut results = vec![Val::Bool(false); results];
        for _ in 0..times {
            f.call(&mut guest.store, &params, &mut results)
                .map_err(failed)?;
            black_box(&mut results);
        }
        Ok(())
    }))
}

pub fn dynamic_bytes(len: usize) -> Vec<Val> {
    vec![Val::List(vec![Val::U8(7); len])]
}

pub fn dynamic_records(len: usize) -> Vec<Val> {
    let record = |i: usize| {
        let fields = [
            ("id", Val::U64(i as u64)),
            ("time", Val::U64(1_700_000_000)),
            ("value", Val::Float64(0.5)),
            ("code", Val::U16(i as u16)),
            ("level", Val::U8(3)),
            ("valid", Val::Bool(true)),
        ];
        Val::Record(fields.map(|(name, value)| (name.to_string(), value)).into())
    };
    vec![Val::List((0..len).map(record).collect())]
}

/// Instantiation with its imports looked up before.
pub fn instantiate_linked(runtime: &Runtime) -> Side {
    let runtime = runtime.clone();
    Box::new(move |times| {
        for _ in 0..times {
            let mut store = Store::new(&runtime.engine, Data::default());
            runtime.linked.instantiate(&mut store).map_err(failed)?;
        }
        Ok(())
    })
}
