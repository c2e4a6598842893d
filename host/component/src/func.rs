//! Calling a guest's functions.
//!
//! One call, in the specification's order: check that the instance may be entered; lower the parameters, with the instance
//! forbidden to call its imports meanwhile; call the core function; lift the result completely (or lend it to the caller);
//! run `post-return` exactly once; check that every borrow was given back. Whatever goes wrong after the instance was entered
//! poisons it: nobody knows what state it is in.

use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::component::ComponentInner;
use crate::core::CoreFunction;
use crate::deadline::Slot;
use crate::error::{Error, LimitExceeded, Result, TypeMismatch};
use crate::instance::{Destructor, Instance};
use crate::ir::{CanonicalOptions, Export};
use crate::store::{AsContextMut, InstanceId, Runtime, StoreContextMut};
use crate::typed::{GuestMemory, LiftResult, LowerParams, ResultType};
use crate::types::{Abi, FuncType, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS};
use crate::val::Val;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Instant;
use wasmer::{AsStoreMut, FunctionEnv, StoreMut};

/// An exported function of an instance, with its types looked up at run time.
#[derive(Clone)]
pub struct Func {
    instance: Instance,
    item: usize,
    core: CoreFunction,
    post_return: Option<CoreFunction>,
}

impl std::fmt::Debug for Func {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.callee().map(|callee| callee.name());
        f.debug_tuple("Func")
            .field(&name.unwrap_or_default())
            .finish()
    }
}

/// An exported function whose Rust types were checked against the component's.
pub struct TypedFunc<P, R> {
    func: Func,
    /// Evidence of a check, no function: evidence for longer lives holds for shorter ones.
    types: PhantomData<fn() -> (P, R)>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        TypedFunc {
            func: self.func.clone(),
            types: PhantomData,
        }
    }
}

impl<P, R> std::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.func.fmt(f)
    }
}

/// What a call needs of the component's description.
struct Callee<'a> {
    component: &'a ComponentInner,
    instance: InstanceId,
    path: &'a [String],
    ty: &'a FuncType,
    core: &'a CoreFunction,
    post_return: Option<&'a CoreFunction>,
    options: &'a CanonicalOptions,
}

impl Callee<'_> {
    fn name(&self) -> String {
        self.path.join("#")
    }
}

impl Func {
    pub(crate) fn new(
        cx: &mut StoreContextMut<'_, impl Send + 'static>,
        instance: &Instance,
        item: usize,
    ) -> Option<Func> {
        let ir = &instance.component.inner.ir;
        let Export::Func { func, options, .. } = &ir.export_items.get(item)?.item else {
            return None;
        };
        let state = cx.runtime().instance(instance.id).ok()?;
        let core = state.core_function(func).ok()?;
        let post_return = match ir.options.get(*options as usize)?.post_return {
            Some(index) => Some(state.post_return(index).ok()?),
            None => None,
        };
        let store = &mut cx.store.as_store_mut();
        Some(Func {
            instance: instance.clone(),
            item,
            core: CoreFunction::new(store, &core),
            post_return: post_return.map(|function| CoreFunction::new(store, &function)),
        })
    }

    fn callee(&self) -> Result<Callee<'_>> {
        let component = &*self.instance.component.inner;
        let broken = || Error::Export("the function is not one of its component".to_string());
        let item = component
            .ir
            .export_items
            .get(self.item)
            .ok_or_else(broken)?;
        let Export::Func { ty, options, .. } = &item.item else {
            return Err(broken());
        };
        Ok(Callee {
            component,
            instance: self.instance.id,
            path: &item.path,
            ty: component.ir.types.func(*ty).ok_or_else(broken)?,
            core: &self.core,
            post_return: self.post_return.as_ref(),
            options: component
                .ir
                .options
                .get(*options as usize)
                .ok_or_else(broken)?,
        })
    }

    /// The function's type; its parts are looked up in [`crate::Component::types`].
    pub fn ty(&self) -> Option<&FuncType> {
        self.callee().ok().map(|callee| callee.ty)
    }

    /// The function with Rust types instead of [`Val`]s.
    ///
    /// # Errors
    /// [`Error::Type`] when the component's types are others.
    pub fn typed<P: LowerParams, R: ResultType>(&self) -> Result<TypedFunc<P, R>> {
        let callee = self.callee()?;
        let types = &callee.component.ir.types;
        let mismatch = |mismatch| Error::Type {
            function: callee.name(),
            mismatch,
        };
        P::typecheck_params(&callee.ty.params, types).map_err(mismatch)?;
        R::typecheck_result(callee.ty.result, types).map_err(mismatch)?;
        Ok(TypedFunc {
            func: self.clone(),
            types: PhantomData,
        })
    }

    /// Calls the function with dynamic values; gives its result, if it has one.
    ///
    /// # Errors
    /// [`Error::Type`] when a value is not of its parameter's type; else as [`TypedFunc::call`].
    pub fn call(&self, mut store: impl AsContextMut, params: &[Val]) -> Result<Option<Val>> {
        let callee = self.callee()?;
        if params.len() != callee.ty.params.len() {
            let mismatch = TypeMismatch::new(
                format!("{} parameters", params.len()),
                callee.ty.params.len(),
            );
            return Err(Error::Type {
                function: callee.name(),
                mismatch,
            });
        }
        for (val, param) in params.iter().zip(&callee.ty.params) {
            val.check(param.ty, &callee.component.ir.types)
                .map_err(|mismatch| Error::Type {
                    function: callee.name(),
                    mismatch: mismatch.within(format!("parameter {}", param.name)),
                })?;
        }
        let result_abi = callee
            .ty
            .result
            .map_or(Abi::UNIT, |ty| callee.component.ir.types.abi(ty));
        let mut cx = store.as_context_mut();
        call(
            &mut cx,
            &callee,
            callee.ty.params_abi,
            result_abi,
            |cx, dst| {
                params
                    .iter()
                    .zip(&callee.ty.params)
                    .try_for_each(|(v, p)| v.lower_flat(cx, p.ty, dst))
            },
            |cx, ptr| {
                params
                    .iter()
                    .zip(&callee.ty.params)
                    .try_for_each(|(v, p)| v.store(cx, p.ty, ptr + p.offset))
            },
            |cx, src| {
                callee
                    .ty
                    .result
                    .map(|ty| Val::lift_flat(cx, ty, src))
                    .transpose()
            },
            |cx, bytes| {
                callee
                    .ty
                    .result
                    .map(|ty| Val::load(cx, ty, bytes))
                    .transpose()
            },
            |result, _| result,
        )
    }
}

impl<P, R> TypedFunc<P, R> {
    /// The function without its types.
    pub fn func(&self) -> &Func {
        &self.func
    }
}

impl<P: LowerParams, R: LiftResult> TypedFunc<P, R> {
    /// Calls the function. The result is lifted completely, and `post-return` has run.
    ///
    /// # Errors
    /// [`Error::Trap`], [`Error::Limit`] or the error of a host function when the guest ends that way: the instance
    /// is poisoned then. [`Error::Poisoned`] when it was before.
    pub fn call(&self, store: impl AsContextMut, params: P) -> Result<R> {
        self.call_lent(store, params, |result, _| result)
    }

    /// Calls the function and has `f` look at the result before `post-return` takes it back: the way to read a
    /// [`crate::LentBytes`] without copying it first. Errors as [`TypedFunc::call`].
    pub fn call_lent<X>(
        &self,
        mut store: impl AsContextMut,
        params: P,
        f: impl FnOnce(R, GuestMemory<'_>) -> X,
    ) -> Result<X> {
        let callee = self.func.callee()?;
        let mut cx = store.as_context_mut();
        call(
            &mut cx,
            &callee,
            P::ABI,
            R::ABI,
            |cx, dst| params.lower_params(cx, &callee.ty.params, dst),
            |cx, ptr| params.store_params(cx, &callee.ty.params, ptr),
            |cx, src| R::lift_result(cx, callee.ty.result, src),
            |cx, bytes| R::load_result(cx, callee.ty.result, bytes),
            f,
        )
    }
}

/// A call's result as the guest left it, for [`TypedFunc::call_lifting`].
#[derive(Debug)]
pub enum Unlifted<'a, 'b> {
    /// As core values: a type that flattens to at most [`MAX_FLAT_RESULTS`] of them.
    Flat(&'a mut FlatReader<'b>),
    /// In the guest's memory: the value's own bytes, as many as [`crate::types::Abi::size`] says. What they point to is
    /// not checked yet; [`LiftContext`] does that.
    Memory(&'a [u8]),
}

impl<P: LowerParams, R: ResultType> TypedFunc<P, R> {
    /// Calls the function and has `lift` take what it wants of the result where that lies, before `post-return` takes it back.
    ///
    /// For large structured results whose elements are to become something else at once: a list of records, say, whose texts go
    /// into one buffer. `R` need not be [`crate::Lift`]; it says what the result looks like, and is checked as always.
    ///
    /// What `lift` gets of the context are slices of the guest's memory, checked for bounds and alignment, and charged to the
    /// limit of lists. An error of it poisons the instance, as that of any other lifting.
    ///
    /// # Errors
    /// As [`TypedFunc::call`], and those of `lift`.
    pub fn call_lifting<X>(
        &self,
        mut store: impl AsContextMut,
        params: P,
        lift: impl FnOnce(&mut LiftContext<'_>, Unlifted<'_, '_>) -> Result<X>,
    ) -> Result<X> {
        let callee = self.func.callee()?;
        let mut cx = store.as_context_mut();
        // One of the two ways is taken, once.
        let lift = Cell::new(Some(lift));
        let lift = || {
            lift.take()
                .ok_or_else(|| Error::trap("a result is lifted only once"))
        };
        call(
            &mut cx,
            &callee,
            P::ABI,
            R::ABI,
            |cx, dst| params.lower_params(cx, &callee.ty.params, dst),
            |cx, ptr| params.store_params(cx, &callee.ty.params, ptr),
            |cx, src| lift()?(cx, Unlifted::Flat(src)),
            |cx, bytes| lift()?(cx, Unlifted::Memory(bytes)),
            |result, _| result,
        )
    }
}

/// Enters the instance, runs `body`, leaves it. Whatever fails in `body` poisons the instance.
fn enter<T: Send + 'static, X>(
    cx: &mut StoreContextMut<'_, T>,
    instance: InstanceId,
    name: impl Fn() -> String,
    body: impl FnOnce(&mut StoreMut<'_>, &FunctionEnv<Runtime>) -> Result<X>,
) -> Result<X> {
    let runtime = cx.runtime.clone();
    let rt = cx.runtime();
    let state = rt.instance(instance)?;
    if state.entered || state.poisoned.is_some() {
        return Err(refused(state.poisoned.as_ref(), &name()));
    }
    state.entered = true;
    let call = Supervised::begin(rt);
    let store = &mut cx.store.as_store_mut();
    call.refill(store, &runtime);
    // Unwind safety: what a panic may leave half done is the guest's state, and that is poisoned.
    let outcome = catch_unwind(AssertUnwindSafe(|| body(store, &runtime)));
    let outcome = call.end(store, &runtime, outcome);
    let rt = runtime.as_mut(store);
    let state = rt.instance(instance)?;
    state.entered = false;
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => {
            let e = e.in_function(&name());
            state.poisoned = Some(e.to_string().lines().next().unwrap_or_default().to_string());
            Err(e)
        }
        Err(panic) => {
            state.poisoned = Some("a host function panicked".to_string());
            resume_unwind(panic)
        }
    }
}

/// A callee must drop what it was lent before its call ends.
#[cold]
pub(crate) fn borrows_remain() -> Error {
    Error::trap("borrow handles still remain at the end of the call")
}

/// Why an instance cannot be entered.
#[cold]
fn refused(poisoned: Option<&String>, function: &str) -> Error {
    match poisoned {
        Some(cause) => Error::Poisoned {
            function: function.to_string(),
            cause: cause.clone(),
        },
        None => Error::trap("cannot enter component instance: a call into it is running")
            .in_function(function),
    }
}

/// Runs something that runs guest code and is no call of an instance's function: instantiation.
pub(crate) fn supervise<X>(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    body: impl FnOnce(&mut StoreMut<'_>) -> Result<X>,
) -> std::thread::Result<Result<X>> {
    let call = Supervised::begin(runtime.as_mut(store));
    call.refill(store, runtime);
    let outcome = catch_unwind(AssertUnwindSafe(|| body(store)));
    call.end(store, runtime, outcome)
}

/// Guest code that runs: within the time that a call has, and with everything tidied up however it ends, be it by a trap
/// in the middle of a call between two components or by a panic of a host function.
struct Supervised {
    depth: usize,
    /// The store's slot, and whether it was in the host's code before.
    slot: Option<(Arc<Slot>, bool)>,
    /// Instructions that may be executed, where they are counted and this is the outermost call.
    #[cfg(feature = "compiler")]
    operations: Option<u64>,
}

impl Supervised {
    #[inline]
    fn begin(rt: &mut Runtime) -> Supervised {
        let depth = rt.scopes.len();
        rt.begin_scope();
        // A call from a host function inside another call runs on that one's time.
        if depth == 0 {
            rt.usage.forget_refusal();
            if let (Some(slot), Some(timeout)) = (&rt.slot, rt.timeout) {
                slot.arm(Instant::now() + timeout);
            }
        }
        let slot = rt.slot.as_ref().map(|slot| {
            let before = slot.set_in_host(false);
            (slot.clone(), before)
        });
        Supervised {
            depth,
            slot,
            #[cfg(feature = "compiler")]
            operations: rt.operations.filter(|_| depth == 0),
        }
    }

    #[inline]
    #[cfg_attr(
        not(feature = "compiler"),
        allow(unused_variables, reason = "only compiled code counts")
    )]
    fn refill(&self, store: &mut StoreMut<'_>, runtime: &FunctionEnv<Runtime>) {
        #[cfg(feature = "compiler")]
        if let Some(operations) = self.operations {
            crate::metering::refill(store, runtime, operations);
        }
    }

    /// A trap that comes of an exceeded limit becomes the error that says so; a panic is handed back.
    #[inline]
    fn end<X>(
        self,
        store: &mut StoreMut<'_>,
        runtime: &FunctionEnv<Runtime>,
        outcome: std::thread::Result<Result<X>>,
    ) -> std::thread::Result<Result<X>> {
        #[cfg(feature = "compiler")]
        if let (Some(operations), Ok(Err(Error::Trap(_)))) = (self.operations, &outcome)
            && let Some(error) = crate::metering::exhausted(store, runtime, operations)
        {
            let outcome = Ok(Err(error));
            return Supervised {
                operations: None,
                ..self
            }
            .end(store, runtime, outcome);
        }
        let rt = runtime.as_mut(store);
        let mut interrupted = false;
        if let Some((slot, before)) = self.slot {
            slot.set_in_host(before);
            interrupted = self.depth == 0 && slot.disarm();
        }
        let left = rt.end_scope(self.depth);
        match outcome {
            Ok(Ok(value)) if left == 0 => Ok(Ok(value)),
            Ok(Ok(_)) => Ok(Err(borrows_remain())),
            Ok(Err(Error::Trap(_))) if interrupted => {
                Ok(Err(LimitExceeded::time(rt.timeout.unwrap_or_default())))
            }
            Ok(Err(Error::Trap(trap))) => {
                Ok(Err(rt.usage.take_refusal().unwrap_or(Error::Trap(trap))))
            }
            other => other,
        }
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "the four ways a value crosses, given by typed and dynamic calls alike"
)]
fn call<T: Send + 'static, R, X>(
    cx: &mut StoreContextMut<'_, T>,
    callee: &Callee<'_>,
    params_abi: Abi,
    result_abi: Abi,
    lower_flat: impl FnOnce(&mut LowerContext<'_>, &mut FlatWriter) -> Result<()>,
    lower_memory: impl FnOnce(&mut LowerContext<'_>, u32) -> Result<()>,
    lift_flat: impl FnOnce(&mut LiftContext<'_>, &mut FlatReader<'_>) -> Result<R>,
    lift_memory: impl FnOnce(&mut LiftContext<'_>, &[u8]) -> Result<R>,
    f: impl FnOnce(R, GuestMemory<'_>) -> X,
) -> Result<X> {
    if callee.options.is_async {
        return Err(Error::Unsupported(format!(
            "asynchronous calls, as of {}",
            callee.name()
        )));
    }
    enter(
        cx,
        callee.instance,
        || callee.name(),
        |store, runtime| {
            // Lower.
            let mut flat = FlatWriter::default();
            let mut lower = LowerContext::new(
                store.as_store_mut(),
                runtime,
                callee.component,
                callee.instance,
                callee.options,
            )?;
            if params_abi
                .flat
                .is_some_and(|n| usize::from(n) <= MAX_FLAT_PARAMS)
            {
                lower_flat(&mut lower, &mut flat)?;
            } else {
                let ptr = lower.alloc(params_abi.align, params_abi.size as usize)?;
                lower_memory(&mut lower, ptr)?;
                flat.push(u64::from(ptr));
            }
            // Call.
            let returned = [callee.core.call(store, flat.as_slice()?)?];
            // Lift.
            let slots = match result_abi.flat {
                Some(0) => &[],
                _ => returned.as_slice(),
            };
            let mut lift = LiftContext::new(
                store,
                runtime,
                callee.component,
                callee.instance,
                callee.options,
            )?;
            let result = if result_abi
                .flat
                .is_some_and(|n| usize::from(n) <= MAX_FLAT_RESULTS)
            {
                lift_flat(&mut lift, &mut FlatReader::new(slots))?
            } else {
                let ptr = FlatReader::new(slots).pop_u32()?;
                let bytes = lift.value(ptr, result_abi.size, result_abi.align)?;
                lift_memory(&mut lift, bytes)?
            };
            let memory = lift.memory();
            let x = f(result, GuestMemory { memory });
            // Clean up: the call ends before `post-return`.
            if callee.ty.takes_borrows
                && runtime
                    .as_mut(store)
                    .scopes
                    .last()
                    .is_some_and(|s| s.borrows > 0)
            {
                return Err(borrows_remain());
            }
            if let Some(post_return) = callee.post_return {
                let component_instance = callee.options.instance;
                Runtime::set_may_leave(runtime, store, callee.instance, component_instance, false)?;
                post_return.call(store, slots)?;
                Runtime::set_may_leave(runtime, store, callee.instance, component_instance, true)?;
            }
            Ok(x)
        },
    )
}

/// Runs the destructor of a resource that a guest defines, from the host.
pub(crate) fn run_destructor<T: Send + 'static>(
    cx: &mut StoreContextMut<'_, T>,
    instance: InstanceId,
    resource: u32,
    rep: u32,
) -> Result<()> {
    match cx.runtime().instance(instance)?.destructor(resource)? {
        Destructor::Guest(function) => enter(
            cx,
            instance,
            || "a resource's destructor".to_string(),
            |store, _| function.call(store, &[u64::from(rep)]).map(drop),
        ),
        Destructor::Host(destructor) => {
            let runtime = cx.runtime.clone();
            destructor(cx.store.as_store_mut(), runtime, rep)
        }
        Destructor::None => Ok(()),
    }
}
