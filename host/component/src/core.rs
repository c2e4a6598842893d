//! Core functions, called with and called for bit patterns.
//!
//! Wasmer has two ways to call a function and to be called: with dynamic values, for any signature, and with Rust types known
//! when the host was compiled, at half the price (the values need neither a vector nor a check). The canonical ABI knows its core
//! signatures only at run time, but nearly all of them are among a hundred: the typed way is taken for
//! those ([`by_params`]) and the dynamic way for the rest. Either way values are `u64` slots (`abi`), and here ends all
//! knowledge of the difference.

use crate::error::{Error, Frame, Result, Trap};
use crate::store::Runtime;
use crate::types::{FlatType, MAX_FLAT_PARAMS};
use std::sync::Arc;
use wasmer::Type::{F32, F64, I32, I64};
use wasmer::{
    FromToNativeWasmType, Function, FunctionEnv, FunctionEnvMut, FunctionType, RuntimeError,
    StoreMut, Type, TypedFunction, Value, WasmTypeList,
};

pub(crate) type Outcome<T> = std::result::Result<T, RuntimeError>;
type Call = dyn Fn(&mut StoreMut<'_>, &[u64]) -> Outcome<u64> + Send + Sync;

/// What runs when a guest calls a core function of the host's: gets and gives bit patterns, two at most.
pub(crate) type HostCore =
    dyn Fn(FunctionEnvMut<'_, Runtime>, &[u64]) -> Outcome<[u64; 2]> + Send + Sync;

/// A guest's core function with at most one result, ready to be called.
#[derive(Clone)]
pub(crate) struct CoreFunction {
    call: Arc<Call>,
}

impl CoreFunction {
    pub fn new(store: &mut StoreMut<'_>, function: &Function) -> CoreFunction {
        let ty = function.ty(store);
        let call = typed_call(store, function, ty.params(), ty.results())
            .unwrap_or_else(|| dynamic_call(function.clone(), ty));
        CoreFunction { call }
    }

    /// Calls the function; gives its result's bits, or 0 when it has none.
    ///
    /// # Errors
    /// What the call ended with: see [`guest_error`].
    #[inline]
    pub fn call(&self, store: &mut StoreMut<'_>, slots: &[u64]) -> Result<u64> {
        self.call_raw(store, slots).map_err(guest_error)
    }

    /// The same, with wasmer's own error.
    #[inline]
    pub fn call_raw(&self, store: &mut StoreMut<'_>, slots: &[u64]) -> Outcome<u64> {
        (self.call)(store, slots)
    }
}

fn dynamic_call(function: Function, ty: FunctionType) -> Arc<Call> {
    Arc::new(move |store, slots| {
        let args: Vec<Value> = slots
            .iter()
            .zip(ty.params())
            .map(|(slot, ty)| to_value(*slot, *ty))
            .collect();
        let results = function.call(store, &args)?;
        Ok(results.first().map_or(0, to_slot))
    })
}

/// Makes a core function of the host's with the signature given.
pub(crate) fn host_function(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    params: &[FlatType],
    results: &[FlatType],
    body: Arc<HostCore>,
) -> Function {
    let params: Vec<Type> = params.iter().map(|ty| core_type(*ty)).collect();
    let results: Vec<Type> = results.iter().map(|ty| core_type(*ty)).collect();
    if let Some(function) = typed_host_function(store, runtime, &params, &results, &body) {
        return function;
    }
    let signature = FunctionType::new(params, results.clone());
    let dynamic = move |env: FunctionEnvMut<'_, Runtime>, args: &[Value]| {
        let mut slots = [0; MAX_FLAT_PARAMS + 1];
        for (slot, arg) in slots.iter_mut().zip(args) {
            *slot = to_slot(arg);
        }
        let slots = body(env, slots.get(..args.len()).unwrap_or(&[]))?;
        Ok(results
            .iter()
            .zip(slots)
            .map(|(ty, slot)| to_value(slot, *ty))
            .collect())
    };
    Function::new_with_env(store, runtime, signature, dynamic)
}

/// The value of a core type whose bits these are.
fn to_value(slot: u64, ty: Type) -> Value {
    match ty {
        I64 => Value::I64(slot as i64),
        F32 => Value::F32(f32::from_bits(slot as u32)),
        F64 => Value::F64(f64::from_bits(slot)),
        _ => Value::I32(slot as i32),
    }
}

/// The bits of a core value.
fn to_slot(value: &Value) -> u64 {
    match value {
        Value::I32(v) => u64::from(*v as u32),
        Value::I64(v) => *v as u64,
        Value::F32(v) => u64::from(v.to_bits()),
        Value::F64(v) => v.to_bits(),
        _ => 0,
    }
}

/// Wasmer's name of a core type.
fn core_type(ty: FlatType) -> Type {
    match ty {
        FlatType::I32 => Type::I32,
        FlatType::I64 => Type::I64,
        FlatType::F32 => Type::F32,
        FlatType::F64 => Type::F64,
    }
}

/// A core value as a slot. `()` stands for no result.
trait Slot {
    fn from_slot(slot: u64) -> Self;
    fn into_slot(self) -> u64;
}

impl Slot for () {
    fn from_slot(_: u64) {}
    fn into_slot(self) -> u64 {
        0
    }
}

impl Slot for i32 {
    fn from_slot(slot: u64) -> i32 {
        slot as i32
    }
    fn into_slot(self) -> u64 {
        u64::from(self as u32)
    }
}

impl Slot for i64 {
    fn from_slot(slot: u64) -> i64 {
        slot as i64
    }
    fn into_slot(self) -> u64 {
        self as u64
    }
}

impl Slot for f32 {
    fn from_slot(slot: u64) -> f32 {
        f32::from_bits(slot as u32)
    }
    fn into_slot(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Slot for f64 {
    fn from_slot(slot: u64) -> f64 {
        f64::from_bits(slot)
    }
    fn into_slot(self) -> u64 {
        self.to_bits()
    }
}

/// Writes the typed way to call, and to be called with, a number of parameters.
macro_rules! arity {
    ($name:ident: $($value:ident)*) => {
        #[allow(unused_parens, reason = "a list of one type")]
        #[allow(non_snake_case, reason = "one name stands for a parameter's type and for its value")]
        mod $name {
            use super::*;

            pub(super) fn call<$($value,)* R>(store: &StoreMut<'_>, function: &Function) -> Option<Arc<Call>>
            where
                $($value: Slot + FromToNativeWasmType + 'static,)*
                R: Slot + WasmTypeList + 'static,
            {
                let function: TypedFunction<($($value),*), R> = function.typed(store).ok()?;
                Some(Arc::new(move |store, slots| {
                    let &[$($value),*] = slots else {
                        return Err(RuntimeError::new("a call with the wrong number of core values"));
                    };
                    function.call(store $(, <$value as Slot>::from_slot($value))*).map(R::into_slot)
                }))
            }

            pub(super) fn host<$($value,)* R>(
                store: &mut StoreMut<'_>,
                runtime: &FunctionEnv<Runtime>,
                body: &Arc<HostCore>,
            ) -> Option<Function>
            where
                $($value: Slot + FromToNativeWasmType + 'static,)*
                R: Slot + WasmTypeList + 'static,
            {
                let body = body.clone();
                let host = move |env: FunctionEnvMut<'_, Runtime> $(, $value: $value)*| -> Outcome<R> {
                    let [result, _] = body(env, &[$($value.into_slot()),*])?;
                    Ok(R::from_slot(result))
                };
                Some(Function::new_typed_with_env(store, runtime, host))
            }
        }
    };
}

arity!(none:);
arity!(one: A);
arity!(two: A B);
arity!(three: A B C);
arity!(four: A B C D);
arity!(five: A B C D E);
arity!(six: A B C D E F);
arity!(seven: A B C D E F G);
arity!(eight: A B C D E F G H);
arity!(nine: A B C D E F G H I);

/// Chooses by the types of the parameters. `$any` stands for a macro that chooses by every type of result, `$integer` for one
/// that chooses by none and integers; each is given arity and types. None for what is in no list here.
macro_rules! by_params {
    ($params:expr, $any:ident, $integer:ident) => {
        match $params {
            [] => $any!(none),
            [I32] => $any!(one, i32),
            [I64] => $any!(one, i64),
            [F32] => $any!(one, f32),
            [F64] => $any!(one, f64),
            [I32, I32] => $any!(two, i32, i32),
            [I32, I64] => $integer!(two, i32, i64),
            [I64, I32] => $integer!(two, i64, i32),
            [I64, I64] => $integer!(two, i64, i64),
            [F32, F32] => $any!(two, f32, f32),
            [F64, F64] => $any!(two, f64, f64),
            [I32, I32, I32] => $integer!(three, i32, i32, i32),
            [I32, I32, I64] => $integer!(three, i32, i32, i64),
            [I32, I64, I32] => $integer!(three, i32, i64, i32),
            [I32, I64, I64] => $integer!(three, i32, i64, i64),
            [I64, I32, I32] => $integer!(three, i64, i32, i32),
            [I32, I32, I32, I32] => $integer!(four, i32, i32, i32, i32),
            [I32, I32, I64, I32] => $integer!(four, i32, i32, i64, i32),
            [I32, I64, I32, I32] => $integer!(four, i32, i64, i32, i32),
            [I32, I64, I64, I32] => $integer!(four, i32, i64, i64, i32),
            [I32, I32, I32, I32, I32] => $integer!(five, i32, i32, i32, i32, i32),
            [I32, I32, I32, I64, I64] => $integer!(five, i32, i32, i32, i64, i64),
            [I32, I32, I32, I64, I32] => $integer!(five, i32, i32, i32, i64, i32),
            [I32, I32, I32, I32, I32, I32] => $integer!(six, i32, i32, i32, i32, i32, i32),
            [I32, I32, I32, I32, I32, I32, I32] => {
                $integer!(seven, i32, i32, i32, i32, i32, i32, i32)
            }
            [I32, I32, I32, I32, I32, I32, I32, I32] => {
                $integer!(eight, i32, i32, i32, i32, i32, i32, i32, i32)
            }
            [I32, I32, I32, I32, I32, I32, I32, I32, I32] => {
                $integer!(nine, i32, i32, i32, i32, i32, i32, i32, i32, i32)
            }
            _ => None,
        }
    };
}

/// Whether compiled code takes and gives floats as Rust does. That of wasmer 7.4's Singlepass does not: a float is zero on the other side. Without
/// a compiler it is not known whose code runs.
fn passes_floats(store: &StoreMut<'_>, params: &[Type], results: &[Type]) -> bool {
    let is_float = |ty: &Type| matches!(ty, F32 | F64);
    if !params.iter().chain(results).any(is_float) {
        return true;
    }
    let engine = store.engine().deterministic_id();
    engine.starts_with("cranelift") || engine.starts_with("llvm")
}

fn typed_call(
    store: &StoreMut<'_>,
    function: &Function,
    params: &[Type],
    results: &[Type],
) -> Option<Arc<Call>> {
    if !passes_floats(store, params, results) {
        return None;
    }
    macro_rules! integer {
        ($arity:ident $(, $ty:ty)*) => {
            match results {
                [] => $arity::call::<$($ty,)* ()>(store, function),
                [I32] => $arity::call::<$($ty,)* i32>(store, function),
                [I64] => $arity::call::<$($ty,)* i64>(store, function),
                _ => None,
            }
        };
    }
    macro_rules! any {
        ($arity:ident $(, $ty:ty)*) => {
            match results {
                [F32] => $arity::call::<$($ty,)* f32>(store, function),
                [F64] => $arity::call::<$($ty,)* f64>(store, function),
                _ => integer!($arity $(, $ty)*),
            }
        };
    }
    by_params!(params, any, integer)
}

fn typed_host_function(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    params: &[Type],
    results: &[Type],
    body: &Arc<HostCore>,
) -> Option<Function> {
    if !passes_floats(store, params, results) {
        return None;
    }
    macro_rules! integer {
        ($arity:ident $(, $ty:ty)*) => {
            match results {
                [] => $arity::host::<$($ty,)* ()>(store, runtime, body),
                [I32] => $arity::host::<$($ty,)* i32>(store, runtime, body),
                [I64] => $arity::host::<$($ty,)* i64>(store, runtime, body),
                _ => None,
            }
        };
    }
    macro_rules! any {
        ($arity:ident $(, $ty:ty)*) => {
            match results {
                [F32] => $arity::host::<$($ty,)* f32>(store, runtime, body),
                [F64] => $arity::host::<$($ty,)* f64>(store, runtime, body),
                _ => integer!($arity $(, $ty)*),
            }
        };
    }
    by_params!(params, any, integer)
}

/// What a call into a guest ended with: our own error where a host function or a trampoline raised it, else a trap.
#[cold]
pub(crate) fn guest_error(error: RuntimeError) -> Error {
    let frames: Vec<Frame> = error
        .trace()
        .iter()
        .map(|frame| Frame {
            module: frame.module_name().to_string(),
            function: frame
                .function_name()
                .map(|name| format!("{:#}", rustc_demangle::demangle(name))),
            index: frame.func_index(),
            offset: frame.module_offset(),
        })
        .collect();
    match error.downcast::<Error>() {
        Ok(Error::Trap(mut trap)) => {
            if trap.frames.is_empty() {
                trap.frames = frames;
            }
            Error::Trap(trap)
        }
        Ok(error) => error,
        Err(error) => {
            let message = error.message();
            Error::Trap(Box::new(Trap {
                function: String::new(),
                message: message.into(),
                frames,
            }))
        }
    }
}
