//! The store: everything that lives and dies with a group of instances.
//!
//! A [`Store<T>`] owns wasmer's store, the embedder's data `T`, and the runtime state of every component instance in it:
//! core instances, memories, handle tables, flags. All of the latter is one value, [`Runtime`], behind one wasmer function
//! environment, so that host functions called from a guest reach it; it knows nothing of `T` but that it is there.
//!
//! Architecture Invariant: an instance is found by its number, in its own store only; no pointer to an instance's state
//! outlives the borrow of the store.

use crate::deadline::Slot;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::instance::InstanceState;
use crate::limits::{LimitingTunables, StoreLimits, Usage, memory_style};
use crate::resource::{HostHandles, ResourceType};
use crate::types::ResourceTableId;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use wasmer::{AsStoreMut, AsStoreRef, FunctionEnv, StoreMut, Value};

/// An instance: its store's number, unique in the process, and its own in that store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InstanceId {
    store: u64,
    index: u32,
}

/// Owns instances and the embedder's data.
///
/// It may be moved to another thread between calls. Dropping it drops all instances. Guest memory is limited by [`StoreLimits`], the time of each call by
/// [`Store::set_call_timeout`].
pub struct Store<T: Send + 'static> {
    inner: wasmer::Store,
    runtime: FunctionEnv<Runtime>,
    data: PhantomData<T>,
}

// SAFETY: `wasmer::Store` is not `Send` only because of two things it can hold: an `on_called` handler, which nothing in this crate
// ever sets (and whose type is `Send`, for embedders who reach wasmer's store), and external references, which this crate never
// makes, a guest cannot make, and embedders promise not to make (`StoreContextMut::wasmer_store`). All
// else it holds is its own: instances, memories, tables and functions point at each other through raw pointers whose targets
// (boxed, in the store's own lists) do not move when the store does. Host closures are `Send + Sync` by the linker's bounds,
// `Runtime` and the embedder's data are `Send`. What wasmer keeps per thread (the current store, trap handlers, the thread to
// interrupt) is set up and torn down inside each call, and a call borrows the store mutably, so a store is never moved
// while one runs.
unsafe impl<T: Send + 'static> Send for Store<T> {}

/// What a store holds beside wasmer's own.
pub(crate) struct Runtime {
    number: u64,
    pub(crate) engine: Engine,
    data: Box<dyn Any + Send>,
    instances: Vec<InstanceState>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) timeout: Option<Duration>,
    /// Instructions that a call may execute, where they are counted.
    #[cfg(feature = "compiler")]
    pub(crate) operations: Option<u64>,
    pub(crate) slot: Option<Arc<Slot>>,
    pub(crate) host_handles: HostHandles,
    /// The calls into component instances that are running, innermost last.
    pub(crate) scopes: Vec<Scope>,
    /// The handles that are lent to running calls, in the order in which they were.
    pub(crate) lent: Vec<Lent>,
}

/// A running call into a component instance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope {
    /// Borrowed handles that the callee got for the call and has not dropped yet.
    pub borrows: u32,
    /// How many handles were lent when it began; those lent since are lent to it.
    pub lent: usize,
    /// What `context.get` gives and `context.set` sets.
    pub context: [u64; 2],
}

/// A guest's handle that is lent.
pub(crate) struct Lent {
    instance: InstanceId,
    component_instance: u32,
    index: u32,
    ty: ResourceType,
}

impl Runtime {
    pub fn instance(&mut self, id: InstanceId) -> Result<&mut InstanceState> {
        match self.instances.get_mut(id.index as usize) {
            Some(state) if id.store == self.number => Ok(state),
            _ => Err(foreign_instance()),
        }
    }

    /// The number that the next added instance gets.
    pub fn add_instance(&mut self, state: InstanceState) -> InstanceId {
        self.instances.push(state);
        InstanceId {
            store: self.number,
            index: self.instances.len() as u32 - 1,
        }
    }

    /// All core instances of the store.
    #[cfg(feature = "compiler")]
    pub fn core_instances(&self) -> Vec<wasmer::Instance> {
        self.instances
            .iter()
            .flat_map(InstanceState::core_instances)
            .cloned()
            .collect()
    }

    /// Begins a call into a component instance.
    pub fn begin_scope(&mut self) {
        self.scopes.push(Scope {
            lent: self.lent.len(),
            ..Scope::default()
        });
    }

    /// Ends the calls that began when `depth` were running: takes back what was lent to them, and gives the number of borrows
    /// that the outermost of them has left behind.
    pub fn end_scope(&mut self, depth: usize) -> u32 {
        let Some(scope) = self.scopes.get(depth).copied() else {
            return 0;
        };
        self.scopes.truncate(depth);
        self.end_lends(scope.lent);
        scope.borrows
    }

    /// Notes that a guest lends one of its handles to a call; gives its type and representation.
    pub fn lend(
        &mut self,
        instance: InstanceId,
        component_instance: u32,
        table: ResourceTableId,
        index: u32,
    ) -> Result<(ResourceType, u32)> {
        let state = self.instance(instance)?;
        let ty = state.resource_type(table)?;
        let handle = state.handles(component_instance)?.get(index, ty)?;
        handle.lends += 1;
        let rep = handle.rep;
        self.lent.push(Lent {
            instance,
            component_instance,
            index,
            ty,
        });
        Ok((ty, rep))
    }

    /// Takes back what was lent since `keep` handles were.
    pub fn end_lends(&mut self, keep: usize) {
        while self.lent.len() > keep {
            let Some(lent) = self.lent.pop() else { return };
            if let Ok(state) = self.instance(lent.instance)
                && let Ok(table) = state.handles(lent.component_instance)
                && let Ok(handle) = table.get(lent.index, lent.ty)
            {
                handle.lends = handle.lends.saturating_sub(1);
            }
        }
    }

    /// Runs guest code from within a function of the host: the deadline counts for it as for any.
    pub fn in_guest<R>(
        runtime: &FunctionEnv<Runtime>,
        store: &mut StoreMut<'_>,
        run: impl FnOnce(&mut StoreMut<'_>) -> R,
    ) -> R {
        let slot = runtime.as_mut(store).slot.clone();
        let before = slot.as_ref().map(|slot| slot.set_in_host(false));
        let result = run(store);
        if let (Some(slot), Some(before)) = (slot, before) {
            slot.set_in_host(before);
        }
        result
    }

    /// Sets a component instance's may-leave flag; gives its old value.
    pub fn set_may_leave(
        runtime: &FunctionEnv<Runtime>,
        store: &mut StoreMut<'_>,
        id: InstanceId,
        component_instance: u32,
        value: bool,
    ) -> Result<bool> {
        let flag = runtime
            .as_mut(store)
            .instance(id)?
            .flag(component_instance)?;
        match flag {
            Flag::Host(flag) => Ok(std::mem::replace(flag, value)),
            Flag::Global(global) => {
                let global = global.clone();
                let old = global.get(store) != Value::I32(0);
                global
                    .set(store, Value::I32(i32::from(value)))
                    .map_err(|e| {
                        Error::Engine(format!(
                            "an instance's flags cannot be set: {}",
                            e.message()
                        ))
                    })?;
                Ok(old)
            }
        }
    }

    /// Whether a component instance may call its imports now.
    pub fn may_leave(
        runtime: &FunctionEnv<Runtime>,
        store: &mut StoreMut<'_>,
        id: InstanceId,
        component_instance: u32,
    ) -> Result<bool> {
        let flag = runtime
            .as_mut(store)
            .instance(id)?
            .flag(component_instance)?;
        match flag {
            Flag::Host(flag) => Ok(*flag),
            Flag::Global(global) => {
                let global = global.clone();
                Ok(global.get(store) != Value::I32(0))
            }
        }
    }
}

#[cold]
fn foreign_instance() -> Error {
    Error::Engine("an instance was used with a store that is not its own".to_string())
}

/// A component instance's may-leave flag: a core global where fused adapters use it, else ours alone.
pub(crate) enum Flag {
    Host(bool),
    Global(wasmer::Global),
}

impl<T: Send + 'static> Store<T> {
    /// Makes a store without limits on memory or time.
    ///
    /// # Errors
    /// [`Error::Engine`] when wasmer cannot make a store.
    pub fn new(engine: &Engine, data: T) -> Result<Store<T>> {
        Store::with_limits(engine, data, StoreLimits::default())
    }

    /// Makes a store whose instances together may not exceed `limits`.
    ///
    /// # Errors
    /// [`Error::Engine`] when wasmer cannot make a store.
    pub fn with_limits(engine: &Engine, data: T, limits: StoreLimits) -> Result<Store<T>> {
        let usage = Usage::new(limits);
        let wasmer = engine.wasmer_with(LimitingTunables::new(
            memory_style(engine.compiler()),
            usage.clone(),
        ));
        let mut inner = wasmer::Store::new(wasmer);
        static STORES: AtomicU64 = AtomicU64::new(0);
        let runtime = Runtime {
            number: STORES.fetch_add(1, Ordering::Relaxed),
            engine: engine.clone(),
            data: Box::new(data),
            instances: Vec::new(),
            usage,
            timeout: None,
            #[cfg(feature = "compiler")]
            operations: engine.metering(),
            slot: None,
            host_handles: HostHandles::default(),
            scopes: Vec::new(),
            lent: Vec::new(),
        };
        let runtime = FunctionEnv::new(&mut inner, runtime);
        Ok(Store {
            inner,
            runtime,
            data: PhantomData,
        })
    }

    /// The engine it was made with.
    pub fn engine(&self) -> &Engine {
        &self.runtime.as_ref(&self.inner).engine
    }

    /// Bytes of linear memory that all instances of this store have now, together. Memory is never given back by a guest: what this
    /// says grows, and at most stays.
    pub fn memory_bytes(&self) -> u64 {
        self.runtime.as_ref(&self.inner).usage.memory_bytes()
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        let data = self.runtime.as_ref(&self.inner).data.downcast_ref();
        data.expect("a store's data is of the store's type")
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        let data = self.runtime.as_mut(&mut self.inner).data.downcast_mut();
        data.expect("a store's data is of the store's type")
    }

    /// Limits the time of each call into a guest from now on; none is no limit.
    ///
    /// A call that takes longer ends with [`crate::LimitKind::Time`] and poisons its instance. It may run a few
    /// milliseconds over.
    pub fn set_call_timeout(&mut self, timeout: Option<Duration>) {
        let interrupter = self.inner.interrupter();
        let runtime = self.runtime.as_mut(&mut self.inner);
        runtime.timeout = timeout;
        if timeout.is_some() && runtime.slot.is_none() {
            runtime.slot = Some(Slot::new(interrupter));
        }
    }

    /// Limits the instructions that each call into a guest may execute from now on, per core module of the component. A call that
    /// executes more ends with [`crate::LimitKind::Operations`] and poisons its instance.
    ///
    /// # Errors
    /// [`Error::Engine`] when the engine does not count instructions: see [`crate::Config::metering`].
    #[cfg(feature = "compiler")]
    pub fn set_call_operations(&mut self, operations: u64) -> Result<()> {
        let runtime = self.runtime.as_mut(&mut self.inner);
        if runtime.engine.metering().is_none() {
            return Err(Error::Engine(
                "the engine does not count instructions; make it with Config::metering".to_string(),
            ));
        }
        runtime.operations = Some(operations);
        Ok(())
    }

    /// The store as host functions see it.
    pub fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        AsContextMut::as_context_mut(self)
    }
}

/// A store, borrowed: what host functions get.
pub struct StoreContextMut<'a, T: 'static> {
    pub(crate) store: StoreMut<'a>,
    pub(crate) runtime: FunctionEnv<Runtime>,
    data: PhantomData<&'a mut T>,
}

impl<'a, T: Send + 'static> StoreContextMut<'a, T> {
    pub(crate) fn new(
        store: StoreMut<'a>,
        runtime: FunctionEnv<Runtime>,
    ) -> StoreContextMut<'a, T> {
        StoreContextMut {
            store,
            runtime,
            data: PhantomData,
        }
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        let data = self.runtime.as_ref(&self.store).data.downcast_ref();
        data.expect("a store's data is of the store's type")
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        let data = self.runtime.as_mut(&mut self.store).data.downcast_mut();
        data.expect("a store's data is of the store's type")
    }

    /// When the guest's running call must end. A host function that blocks must not go on beyond it: nobody can
    /// interrupt the host. None: it may take as long as it likes.
    pub fn deadline(&mut self) -> Option<Instant> {
        self.runtime()
            .slot
            .as_ref()
            .and_then(|slot| slot.deadline())
    }

    /// The error to end with when [`StoreContextMut::deadline`] has passed.
    pub fn deadline_error(&mut self) -> Error {
        crate::error::LimitExceeded::time(self.runtime().timeout.unwrap_or_default())
    }

    /// The store as wasmer has it, for embedders who give functions of wasmer's to core modules ([`crate::CoreLink`]).
    ///
    /// # Safety
    /// A [`Store`] may be moved between threads, so nothing may be put into it that may not: no external references, no
    /// function environments that are not `Send`. And what this crate has put into it must be left alone.
    pub unsafe fn wasmer_store(&mut self) -> StoreMut<'_> {
        self.store.as_store_mut()
    }

    pub(crate) fn runtime(&mut self) -> &mut Runtime {
        self.runtime.as_mut(&mut self.store)
    }
}

/// Whatever gives access to a store: the store itself, or the context that a host function gets.
pub trait AsContextMut {
    /// The embedder's data in that store.
    type Data: Send + 'static;

    /// Borrows the store.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T: Send + 'static> AsContextMut for Store<T> {
    type Data = T;

    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(self.inner.as_store_mut(), self.runtime.clone())
    }
}

impl<T: Send + 'static> AsContextMut for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(self.store.as_store_mut(), self.runtime.clone())
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    type Data = C::Data;

    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        (**self).as_context_mut()
    }
}

impl<T: Send + 'static> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let instances = self
            .runtime
            .as_ref(&self.inner.as_store_ref())
            .instances
            .len();
        f.debug_struct("Store")
            .field("instances", &instances)
            .finish_non_exhaustive()
    }
}
