//! A plugin's component, compiled, with what is found out about it once for all sessions: its imports, and what it says of itself.
//! This is what the cache keeps in memory.

use std::sync::{Mutex, OnceLock, PoisonError};

use wasmer_component::{Component, InstancePre, Linker, NativeFunction};

use crate::contract::{Flavour, HostState, add_to_linker};
use crate::error::PluginError;
use crate::facts::Facts;

/// A compiled plugin.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The plugin that it was first loaded for.
    plugin: String,
    component: Component,
    linked: OnceLock<InstancePre<HostState>>,
    facts: OnceLock<Facts>,
    /// Why it could not be asked when it was compiled: told to the first who wants to know, so that a plugin that hangs is not
    /// waited for twice.
    failure: Mutex<Option<PluginError>>,
}

impl Compiled {
    pub(crate) fn new(plugin: String, component: Component, facts: Option<Facts>) -> Self {
        Self {
            plugin,
            component,
            linked: OnceLock::new(),
            facts: facts.map(OnceLock::from).unwrap_or_default(),
            failure: Mutex::default(),
        }
    }

    /// The component with what the host gives to plugins of its flavour, which is the same every time.
    pub(crate) fn linked(
        &self,
        flavour: Flavour,
    ) -> wasmer_component::Result<&InstancePre<HostState>> {
        if let Some(linked) = self.linked.get() {
            return Ok(linked);
        }
        let mut linker = Linker::new(self.component.engine());
        add_to_linker(&mut linker, flavour)?;
        let linked = linker.instantiate_pre(&self.component)?;
        Ok(self.linked.get_or_init(|| linked))
    }

    /// Where its functions are in memory, with the plugin's name.
    pub(crate) fn native_functions(&self) -> impl Iterator<Item = (String, NativeFunction)> {
        let functions = self.component.native_functions().into_iter();
        functions.map(|function| (self.plugin.clone(), function))
    }

    /// The component as bytes.
    pub(crate) fn serialize(&self) -> wasmer_component::Result<Vec<u8>> {
        self.component.serialize()
    }

    /// What the plugin says of itself; through `ask` if nobody asked before.
    pub(crate) fn facts(
        &self,
        ask: impl FnOnce() -> Result<Facts, PluginError>,
    ) -> Result<&Facts, PluginError> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        if let Some(failure) = self.failure().take() {
            return Err(failure);
        }
        let facts = ask()?;
        Ok(self.facts.get_or_init(|| facts))
    }

    /// As [`Compiled::facts`], keeping what goes wrong for later.
    pub(crate) fn facts_if_any(
        &self,
        ask: impl FnOnce() -> Result<Facts, PluginError>,
    ) -> Option<&Facts> {
        match self.facts(ask) {
            Ok(facts) => Some(facts),
            Err(error) => {
                *self.failure() = Some(error);
                None
            }
        }
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<PluginError>> {
        // An option is whole whatever panicked.
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
