//! The core functions that the host's side gives to a component's core modules: lowered imports and the canonical built-ins.
//!
//! Each is a wasmer host function whose environment is the store's [`Runtime`]; what it is to do is in the component's IR. An
//! imported function is checked for may-leave, its parameters are lifted, the host's closure runs, its result is lowered.

use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::component::{Component, ComponentInner};
use crate::core::{HostCore, host_function};
use crate::deadline::Slot;
use crate::error::{Error, LimitExceeded, Result};
use crate::func::borrows_remain;
use crate::instance::Destructor;
use crate::ir::{CanonicalOptions, TrampolineKind};
use crate::linker::Definition;
use crate::resource::{Handle, HandleKind};
use crate::store::{Flag, InstanceId, Runtime};
use crate::transcode;
use crate::types::{Abi, FuncType, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, ResourceTableId};
use std::sync::Arc;
use std::time::Duration;
use wasmer::{AsStoreMut, Function, FunctionEnv, RuntimeError, StoreMut};

/// An imported function, as the linker defines it: lifts, runs, lowers.
pub(crate) type HostFunc = Arc<dyn Fn(&mut HostCall<'_>) -> Result<()> + Send + Sync>;

/// A guest's call of an imported function.
pub(crate) struct HostCall<'a> {
    pub store: StoreMut<'a>,
    pub runtime: FunctionEnv<Runtime>,
    pub component: &'a ComponentInner,
    pub ty: &'a FuncType,
    instance: InstanceId,
    options: &'a CanonicalOptions,
    args: &'a [u64],
    result: Option<u64>,
}

impl HostCall<'_> {
    /// Lifts the parameters, flat or from memory.
    pub fn params<P>(
        &mut self,
        lift_flat: impl FnOnce(&mut LiftContext<'_>, &mut FlatReader<'_>) -> Result<P>,
        lift_memory: impl FnOnce(&mut LiftContext<'_>, &[u8]) -> Result<P>,
    ) -> Result<P> {
        let abi = self.ty.params_abi;
        let mut cx = LiftContext::new(
            &mut self.store,
            &self.runtime,
            self.component,
            self.instance,
            self.options,
        )?;
        let mut src = FlatReader::new(self.args);
        if abi.flat.is_some_and(|n| usize::from(n) <= MAX_FLAT_PARAMS) {
            lift_flat(&mut cx, &mut src)
        } else {
            let ptr = src.pop_u32()?;
            let bytes = cx.value(ptr, abi.size, abi.align)?;
            lift_memory(&mut cx, bytes)
        }
    }

    /// Lowers the result, flat or to the place that the guest gave for it.
    pub fn finish(
        &mut self,
        abi: Abi,
        lower_flat: impl FnOnce(&mut LowerContext<'_>, &mut FlatWriter) -> Result<()>,
        lower_memory: impl FnOnce(&mut LowerContext<'_>, u32) -> Result<()>,
    ) -> Result<()> {
        let mut cx = LowerContext::new(
            self.store.as_store_mut(),
            &self.runtime,
            self.component,
            self.instance,
            self.options,
        )?;
        if abi.flat.is_some_and(|n| usize::from(n) <= MAX_FLAT_RESULTS) {
            let mut flat = FlatWriter::default();
            lower_flat(&mut cx, &mut flat)?;
            self.result = flat.as_slice()?.first().copied();
            return Ok(());
        }
        let ptr = self.args.last().copied().unwrap_or(0) as u32;
        if !ptr.is_multiple_of(abi.align) {
            return Err(Error::trap("pointer not aligned"));
        }
        cx.bytes_mut(ptr, abi.size as usize)?;
        lower_memory(&mut cx, ptr)
    }
}

/// Makes trampoline `index` of a component for one instance.
pub(crate) fn make(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    component: &Component,
    id: InstanceId,
    index: usize,
    imports: &[Definition],
) -> Result<Function> {
    let broken = || Error::Engine("a trampoline refers to what is not there".to_string());
    let trampoline = component
        .inner
        .ir
        .trampolines
        .get(index)
        .ok_or_else(broken)?;
    let host = match &trampoline.kind {
        TrampolineKind::LowerImport { import, .. } => match imports.get(*import as usize) {
            Some(Definition::Func(host)) => Some(host.clone()),
            _ => return Err(broken()),
        },
        _ => None,
    };
    let owned = component.clone();
    let body: Arc<HostCore> = Arc::new(move |mut env, args| {
        let runtime = env.as_ref();
        let component = &owned.inner;
        let mut cx = Builtin {
            store: env.as_store_mut(),
            runtime,
            component,
            id,
            args,
        };
        let Some(trampoline) = component.ir.trampolines.get(index) else {
            return Ok([0; 2]);
        };
        cx.run_in_time(&trampoline.kind, host.as_ref())
            .map_err(|e| RuntimeError::user(Box::new(e)))
    });
    Ok(host_function(
        store,
        runtime,
        &trampoline.params,
        &trampoline.results,
        body,
    ))
}

/// Runs a function of the host for a call whose time is not over.
pub(crate) fn in_time<R>(
    slot: Option<Arc<Slot>>,
    limit: Duration,
    run: impl FnOnce() -> Result<R>,
) -> Result<R> {
    let Some(slot) = slot else {
        return run();
    };
    if slot.is_late() {
        return Err(LimitExceeded::time(limit));
    }
    let before = slot.set_in_host(true);
    let result = run();
    slot.set_in_host(before);
    match result {
        Ok(_) if slot.is_late() => Err(LimitExceeded::time(limit)),
        result => result,
    }
}

struct Builtin<'a> {
    store: StoreMut<'a>,
    runtime: FunctionEnv<Runtime>,
    component: &'a ComponentInner,
    id: InstanceId,
    args: &'a [u64],
}

impl Builtin<'_> {
    /// As [`Builtin::run`], for a call whose time is not over: here is where a late call ends best (see `deadline`).
    fn run_in_time(&mut self, kind: &TrampolineKind, host: Option<&HostFunc>) -> Result<[u64; 2]> {
        let rt = self.runtime.as_mut(&mut self.store);
        let (slot, limit) = (rt.slot.clone(), rt.timeout.unwrap_or_default());
        in_time(slot, limit, || self.run(kind, host))
    }

    /// Gives the results, as many of the two as the trampoline's type has.
    fn run(&mut self, kind: &TrampolineKind, host: Option<&HostFunc>) -> Result<[u64; 2]> {
        match kind {
            TrampolineKind::LowerImport { ty, options, .. } => {
                let broken =
                    || Error::Engine("a lowered import refers to what is not there".to_string());
                let host = host.ok_or_else(broken)?;
                let ir = &self.component.ir;
                let ty = ir.types.func(*ty).ok_or_else(broken)?;
                let options = ir.options.get(*options as usize).ok_or_else(broken)?;
                let lent = self.leave(options.instance)?;
                if options.is_async {
                    return Err(Error::Unsupported(
                        "asynchronous calls of imports".to_string(),
                    ));
                }
                let mut call = HostCall {
                    store: self.store.as_store_mut(),
                    runtime: self.runtime.clone(),
                    component: self.component,
                    ty,
                    instance: self.id,
                    options,
                    args: self.args,
                    result: None,
                };
                host(&mut call)?;
                let result = call.result;
                if ty.takes_borrows {
                    self.runtime.as_mut(&mut self.store).end_lends(lent);
                }
                Ok([result.unwrap_or(0), 0])
            }
            TrampolineKind::ResourceNew { instance, table } => {
                self.check_may_leave(*instance)?;
                let state = self.runtime.as_mut(&mut self.store).instance(self.id)?;
                let ty = state.resource_type(*table)?;
                let handle = Handle {
                    ty,
                    rep: self.arg(0),
                    lends: 0,
                    kind: HandleKind::Own,
                };
                let index = self
                    .runtime
                    .as_mut(&mut self.store)
                    .instance(self.id)?
                    .handles(*instance)?
                    .insert(handle)?;
                Ok([u64::from(index), 0])
            }
            TrampolineKind::ResourceRep { instance, table } => {
                let index = self.arg(0);
                let state = self.runtime.as_mut(&mut self.store).instance(self.id)?;
                let ty = state.resource_type(*table)?;
                let rep = state.handles(*instance)?.get(index, ty)?.rep;
                Ok([u64::from(rep), 0])
            }
            TrampolineKind::ResourceDrop { instance, table } => {
                self.check_may_leave(*instance)?;
                self.drop_handle(*instance, *table)?;
                Ok([0; 2])
            }
            TrampolineKind::ResourceTransferOwn => self.transfer_own().map(|index| [index, 0]),
            TrampolineKind::ResourceTransferBorrow => {
                self.transfer_borrow().map(|index| [index, 0])
            }
            TrampolineKind::EnterSyncCall => {
                self.runtime.as_mut(&mut self.store).begin_scope();
                Ok([0; 2])
            }
            TrampolineKind::ExitSyncCall => {
                let runtime = self.runtime.as_mut(&mut self.store);
                match runtime.end_scope(runtime.scopes.len().saturating_sub(1)) {
                    0 => Ok([0; 2]),
                    _ => Err(borrows_remain()),
                }
            }
            TrampolineKind::ContextGet(slot) => {
                let runtime = self.runtime.as_mut(&mut self.store);
                let scope = runtime.scopes.last().copied().unwrap_or_default();
                let value = scope.context.get(usize::from(*slot)).copied();
                Ok([value.unwrap_or(0), 0])
            }
            TrampolineKind::ContextSet(slot) => {
                let value = self.args.first().copied().unwrap_or(0);
                let runtime = self.runtime.as_mut(&mut self.store);
                if let Some(scope) = runtime.scopes.last_mut()
                    && let Some(place) = scope.context.get_mut(usize::from(*slot))
                {
                    *place = value;
                }
                Ok([0; 2])
            }
            TrampolineKind::Transcode { op, from, to } => {
                let state = self.runtime.as_mut(&mut self.store).instance(self.id)?;
                let (from, to) = (state.memory(*from)?, state.memory(*to)?);
                transcode::run(&self.store, *op, &from, &to, self.args)
            }
            TrampolineKind::Trap(reasons) => {
                let code = self.arg(0);
                Err(Error::trap(match reasons.get(code as usize) {
                    Some(reason) => reason.clone(),
                    None => format!("trap {code} in an adapter between components"),
                }))
            }
            TrampolineKind::Async(name) => Err(Error::Unsupported(format!(
                "the asynchronous built-in {name}"
            ))),
        }
    }

    fn arg(&self, index: usize) -> u32 {
        self.args.get(index).copied().unwrap_or(0) as u32
    }

    /// Makes sure that a component instance may call its imports; gives the number of handles that are lent already.
    fn leave(&mut self, component_instance: u32) -> Result<usize> {
        let runtime = self.runtime.as_mut(&mut self.store);
        let lent = runtime.lent.len();
        match runtime.instance(self.id)?.flag(component_instance)? {
            Flag::Host(true) => {}
            Flag::Host(false) => return Err(Error::trap("cannot leave component instance")),
            Flag::Global(_) => self.check_may_leave(component_instance)?,
        }
        Ok(lent)
    }

    fn check_may_leave(&mut self, component_instance: u32) -> Result<()> {
        match Runtime::may_leave(&self.runtime, &mut self.store, self.id, component_instance)? {
            true => Ok(()),
            false => Err(Error::trap("cannot leave component instance")),
        }
    }

    fn drop_handle(&mut self, component_instance: u32, table: ResourceTableId) -> Result<()> {
        let index = self.arg(0);
        let runtime = self.runtime.as_mut(&mut self.store);
        let state = runtime.instance(self.id)?;
        let ty = state.resource_type(table)?;
        let handle = state.handles(component_instance)?.remove(index, ty)?;
        match handle.kind {
            HandleKind::Borrow { scope } => {
                if let Some(scope) = runtime.scopes.get_mut(scope) {
                    scope.borrows = scope.borrows.saturating_sub(1);
                }
                Ok(())
            }
            HandleKind::Own => match state.destructor_of(table)? {
                Destructor::None => Ok(()),
                Destructor::Guest(function) => {
                    let runtime = self.runtime.clone();
                    Runtime::in_guest(&runtime, &mut self.store, |store| {
                        function.call(store, &[u64::from(handle.rep)]).map(drop)
                    })
                }
                Destructor::Host(destructor) => {
                    let runtime = self.runtime.clone();
                    destructor(self.store.as_store_mut(), runtime, handle.rep)
                }
            },
        }
    }

    /// Handle, table it is in, table it goes to.
    fn transfer_own(&mut self) -> Result<u64> {
        let (index, from, to) = (
            self.arg(0),
            ResourceTableId(self.arg(1)),
            ResourceTableId(self.arg(2)),
        );
        let state = self.runtime.as_mut(&mut self.store).instance(self.id)?;
        let ty = state.resource_type(from)?;
        let source = state.instance_of(from)?;
        let rep = state.handles(source)?.remove_own(index, ty)?;
        let ty = state.resource_type(to)?;
        let target = state.instance_of(to)?;
        let handle = Handle {
            ty,
            rep,
            lends: 0,
            kind: HandleKind::Own,
        };
        Ok(u64::from(state.handles(target)?.insert(handle)?))
    }

    /// Handle, table it is in, table it is lent to.
    fn transfer_borrow(&mut self) -> Result<u64> {
        let (index, from, to) = (
            self.arg(0),
            ResourceTableId(self.arg(1)),
            ResourceTableId(self.arg(2)),
        );
        let runtime = self.runtime.as_mut(&mut self.store);
        let scope = runtime.scopes.len().saturating_sub(1);
        let source = runtime.instance(self.id)?.instance_of(from)?;
        let (ty, rep) = runtime.lend(self.id, source, from, index)?;
        let state = runtime.instance(self.id)?;
        let target = state.instance_of(to)?;
        if state.expect_resource(to, ty)? == Some(target) {
            return Ok(u64::from(rep));
        }
        let handle = Handle {
            ty,
            rep,
            lends: 0,
            kind: HandleKind::Borrow { scope },
        };
        let index = state.handles(target)?.insert(handle)?;
        if let Some(scope) = runtime.scopes.last_mut() {
            scope.borrows += 1;
        }
        Ok(u64::from(index))
    }
}
