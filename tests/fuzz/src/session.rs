//! A generated guest on the engine, with its memory at hand.

use crate::guest::{HOST, PAGE};
use crate::types::Value;
use wasmer_component::{
    Component, Engine, Error, Func, Instance, LiftResult, Linker, LinkerInstance, LowerParams,
    Result, Store, StoreContextMut, TypedFunc, Val,
};

/// What the host function `g` was called with and will answer.
#[derive(Default)]
pub struct Host {
    /// The parameters of the last call.
    pub received: Option<Vec<Val>>,
    /// What it returns.
    pub answer: Option<Val>,
    /// The same for a host function with Rust types.
    pub received_values: Option<Vec<Value>>,
    /// The same for a host function with Rust types.
    pub answer_value: Option<Value>,
}

/// An instance of a guest of [`crate::guest`].
pub struct Session {
    /// Its store.
    pub store: Store<Host>,
    instance: Instance,
    /// What its functions' names begin with.
    prefix: &'static str,
}

impl Session {
    /// A new instance.
    ///
    /// # Errors
    /// The engine's, which is always a finding.
    pub fn new(engine: &Engine, component: &Component) -> Result<Session> {
        Session::with(engine, component, |host| {
            host.func_new(
                "g",
                |mut cx: StoreContextMut<'_, Host>, _, params: &[Val]| {
                    let host = cx.data_mut();
                    host.received = Some(params.to_vec());
                    Ok(host.answer.clone())
                },
            )
            .map(drop)
        })
    }

    /// A new instance whose host functions are defined by the caller.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn with(
        engine: &Engine,
        component: &Component,
        define: impl FnOnce(&mut LinkerInstance<'_, Host>) -> Result<()>,
    ) -> Result<Session> {
        let mut linker = Linker::<Host>::new(engine);
        define(&mut linker.instance(HOST)?)?;
        let mut store = Store::new(engine, Host::default())?;
        let instance = linker.instantiate(&mut store, component)?;
        Ok(Session {
            store,
            instance,
            prefix: "",
        })
    }

    /// A function with Rust types.
    ///
    /// # Errors
    /// The engine's, when the types are not the function's: always a finding.
    pub fn typed<P: LowerParams, R: LiftResult>(&mut self, name: &str) -> Result<TypedFunc<P, R>> {
        self.func(name)?.typed()
    }

    /// Speaks to one of two composed guests from now on: `"caller-"` or `"callee-"`.
    pub fn of(&mut self, prefix: &'static str) -> &mut Session {
        self.prefix = prefix;
        self
    }

    fn func(&mut self, name: &str) -> Result<Func> {
        let name = format!("{}{name}", self.prefix);
        self.instance
            .get_func(&mut self.store, name.as_str())
            .ok_or_else(|| Error::Export(format!("{name} is not exported")))
    }

    /// Calls a function.
    ///
    /// # Errors
    /// The engine's.
    pub fn call(&mut self, name: &str, params: &[Val]) -> Result<Option<Val>> {
        self.func(name)?.call(&mut self.store, params)
    }

    /// Fills the first page of the guest's memory and empties its heap.
    ///
    /// # Errors
    /// The engine's, which is always a finding.
    pub fn prepare(&mut self, image: &[u8]) -> Result<()> {
        self.store.data_mut().received = None;
        self.store.data_mut().received_values = None;
        self.call("reset", &[])?;
        self.call("poke", &[Val::U32(0), Val::Bytes(image.to_vec())])?;
        self.call("reset", &[]).map(drop)
    }

    /// The guest's whole memory.
    ///
    /// # Errors
    /// The engine's, which is always a finding.
    pub fn memory(&mut self) -> Result<Vec<u8>> {
        let size = match self.call("size", &[])? {
            Some(Val::U32(size)) => size,
            _ => PAGE as u32,
        };
        match self.call("peek", &[Val::U32(0), Val::U32(size)])? {
            Some(Val::Bytes(bytes)) => Ok(bytes),
            _ => Ok(Vec::new()),
        }
    }
}

/// 8 bytes of memory as a slot.
pub fn slot(memory: &[u8], at: usize) -> u64 {
    let bytes = memory.get(at..at + 8).unwrap_or(&[]);
    bytes
        .iter()
        .rev()
        .fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// 4 bytes of memory as a counter.
pub fn counter(memory: &[u8], at: usize) -> u32 {
    slot(memory, at) as u32
}

/// Writes a slot.
pub fn set_slot(memory: &mut [u8], at: usize, slot: u64) {
    if let Some(place) = memory.get_mut(at..at + 8) {
        place.copy_from_slice(&slot.to_le_bytes());
    }
}

/// A value, for a report.
pub fn show(value: &Value) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(2_000) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or("")),
        None => text,
    }
}
