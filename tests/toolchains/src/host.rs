//! What the world's guests are offered: `test:kit/host`, and WASI beside it.

use anyhow::Result;
use wasmer_component::{ComponentType, Lift, Linker, Resource, StoreContextMut};
use wasmer_component_wasi::{WasiCtx, WasiView};

/// The world's interface for guests to call.
pub const INTERFACE: &str = "test:kit/host@0.1.0";

/// What a store of this tool holds.
pub struct Host {
    wasi: WasiCtx,
    /// The counters of guests, by representation; `None` once they are dropped.
    pub counters: Vec<Option<u32>>,
    /// What guests said.
    pub notes: Vec<String>,
}

impl Host {
    /// A host that has heard nothing yet.
    pub fn new(wasi: WasiCtx) -> Self {
        Self {
            wasi,
            counters: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A counter that begins at `start`.
    pub fn counter(&mut self, start: u32) -> Resource<Counter> {
        self.counters.push(Some(start));
        Resource::new_own(self.counters.len() as u32 - 1)
    }
}

impl WasiView for Host {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

/// The resource `counter`.
pub struct Counter;

#[derive(ComponentType, Lift, Debug, Clone, Copy)]
#[component(enum)]
enum Level {
    Low,
    Middle,
    High,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Entry {
    level: Level,
    text: String,
    numbers: Vec<u32>,
}

/// Offers `test:kit/host`.
pub fn add_to_linker(linker: &mut Linker<Host>) -> Result<()> {
    let mut host = linker.instance(INTERFACE)?;
    host.resource::<Counter>("counter", |mut cx: StoreContextMut<'_, Host>, rep| {
        if let Some(counter) = cx.data_mut().counters.get_mut(rep as usize) {
            *counter = None;
        }
        Ok(())
    })?;
    host.func_wrap(
        "[constructor]counter",
        |mut cx: StoreContextMut<'_, Host>, (start,): (u32,)| Ok((cx.data_mut().counter(start),)),
    )?;
    host.func_wrap(
        "[static]counter.fresh",
        |mut cx: StoreContextMut<'_, Host>, (): ()| Ok((cx.data_mut().counter(1000),)),
    )?;
    host.func_wrap(
        "[method]counter.add",
        |mut cx: StoreContextMut<'_, Host>, (counter, n): (Resource<Counter>, u32)| {
            let counters = &mut cx.data_mut().counters;
            let Some(Some(counter)) = counters.get_mut(counter.rep() as usize) else {
                return Err(wasmer_component::Error::trap("there is no such counter"));
            };
            *counter += n;
            Ok((*counter,))
        },
    )?;
    host.func_wrap(
        "shout",
        |_: StoreContextMut<'_, Host>, (text,): (String,)| Ok((text.to_uppercase(),)),
    )?;
    host.func_wrap(
        "note",
        |mut cx: StoreContextMut<'_, Host>, (entry,): (Entry,)| {
            let Entry {
                level,
                text,
                numbers,
            } = entry;
            cx.data_mut()
                .notes
                .push(format!("{level:?} {text} {numbers:?}"));
            let answer: Result<u32, String> = if text.is_empty() {
                Err("nothing is said — ¡nada!".to_string())
            } else {
                Ok(text.chars().count() as u32)
            };
            Ok((answer,))
        },
    )?;
    Ok(())
}
