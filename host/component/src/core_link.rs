//! What the host gives to core modules beyond their world.
//!
//! A component's imports are interfaces, and their functions take values. A core module that stands for a component (`core_module`)
//! may import core functions as well, which take numbers and know the module's memory by themselves: `wasi_snapshot_preview1` is
//! made of such. The host gives them as closures over bit patterns ([`CoreLink`]), and this file makes core functions of those, with
//! all that holds for other functions of the host: no call while the instance may not leave, none after its time.
//!
//! An embedder whose functions are wasmer's own calls them with [`CoreFunc`].

use crate::core::{CoreFunction, host_function};
use crate::error::{Error, LinkError, Result};
use crate::ir;
use crate::module::{CoreType, CoreValueType};
use crate::store::{InstanceId, Runtime, StoreContextMut};
use crate::trampoline::in_time;
use crate::types::FlatType;
use std::marker::PhantomData;
use std::sync::Arc;
use wasmer::{AsStoreMut, Extern, FunctionEnv, Memory, MemoryType, Pages, RuntimeError, StoreMut};

/// A function that a core module imports beside its world.
#[derive(Debug, Clone, Copy)]
pub struct CoreImport<'a> {
    /// From where: `wasi_snapshot_preview1`.
    pub module: &'a str,
    /// Its name there.
    pub name: &'a str,
    /// Types of its parameters.
    pub params: &'a [CoreValueType],
    /// Types of its results.
    pub results: &'a [CoreValueType],
}

/// A function of the host's for core modules, without the embedder's type.
type HostCoreFunc = dyn Fn(StoreMut<'_>, FunctionEnv<Runtime>, &[u64]) -> Result<u64> + Send + Sync;
/// What runs once the core module is instantiated.
type Instantiated =
    Box<dyn FnOnce(StoreMut<'_>, FunctionEnv<Runtime>, &wasmer::Instance) -> Result<()>>;

/// What the host gives to one core module: see [`crate::Linker::core_imports`].
pub struct CoreLink<T> {
    functions: Vec<Arc<HostCoreFunc>>,
    instantiated: Option<Instantiated>,
    data: PhantomData<fn() -> T>,
}

impl<T> Default for CoreLink<T> {
    fn default() -> Self {
        CoreLink {
            functions: Vec::new(),
            instantiated: None,
            data: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for CoreLink<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreLink")
            .field("functions", &self.functions.len())
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> CoreLink<T> {
    /// Gives the next import: a closure that gets the bits of the parameters, `f32` and `i32` in the lower half, and returns those
    /// of the result (any, where there is none). An error ends the guest's call with that error.
    pub fn function(
        &mut self,
        function: impl Fn(StoreContextMut<'_, T>, &[u64]) -> Result<u64> + Send + Sync + 'static,
    ) -> &mut Self {
        self.functions.push(Arc::new(move |store, runtime, args| {
            function(StoreContextMut::new(store, runtime), args)
        }));
        self
    }

    /// Runs `f` once the core module is instantiated, before any function of it is called other than its start function.
    pub fn instantiated(
        &mut self,
        f: impl FnOnce(StoreContextMut<'_, T>, &wasmer::Instance) -> Result<()> + 'static,
    ) -> &mut Self {
        self.instantiated = Some(Box::new(move |store, runtime, instance| {
            f(StoreContextMut::new(store, runtime), instance)
        }));
        self
    }
}

/// What a [`CoreLink`] ends as.
pub(crate) struct Provided {
    functions: Vec<Arc<HostCoreFunc>>,
    instantiated: Option<Instantiated>,
}

impl<T> From<CoreLink<T>> for Provided {
    fn from(link: CoreLink<T>) -> Self {
        Provided {
            functions: link.functions,
            instantiated: link.instantiated,
        }
    }
}

/// Gives core modules what they import, without the embedder's type.
pub(crate) type CoreProvider = Arc<
    dyn Fn(StoreMut<'_>, FunctionEnv<Runtime>, &[CoreImport<'_>]) -> Result<Provided> + Send + Sync,
>;

/// Core imports, satisfied.
pub(crate) struct Linked {
    pub items: Vec<Extern>,
    pub instantiated: Option<Instantiated>,
}

/// Satisfies the core imports of an instance that is being made. A memory among them is the instance's own: it is made here, within
/// the store's limits.
pub(crate) fn link(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    id: InstanceId,
    imports: &[ir::CoreImport],
    provider: Option<&CoreProvider>,
) -> Result<Linked> {
    let wanted: Vec<CoreImport<'_>> = imports
        .iter()
        .filter_map(|import| match &import.ty {
            CoreType::Func { params, results } => Some(CoreImport {
                module: &import.module,
                name: &import.name,
                params,
                results,
            }),
            _ => None,
        })
        .collect();
    let mut provided = match (provider, wanted.first()) {
        (Some(provide), Some(_)) => provide(store.as_store_mut(), runtime.clone(), &wanted)?,
        (None, Some(import)) => return Err(missing(import.module, import.name)),
        (_, None) => Provided {
            functions: Vec::new(),
            instantiated: None,
        },
    };
    let mut functions = provided.functions.drain(..);
    let mut items = Vec::new();
    for import in imports {
        items.push(match &import.ty {
            CoreType::Func { params, results } => {
                let function = functions
                    .next()
                    .ok_or_else(|| missing(&import.module, &import.name))?;
                let signature = (flat_types(params)?, flat_types(results)?);
                make(store, runtime, id, signature, function)
            }
            CoreType::Memory { limits, shared } => memory(store, runtime, *limits, *shared)?,
            _ => {
                return Err(Error::Engine(format!(
                    "the core import {} {} is neither function nor memory",
                    import.module, import.name
                )));
            }
        });
    }
    drop(functions);
    Ok(Linked {
        items,
        instantiated: provided.instantiated,
    })
}

/// The error for a core import that nobody satisfies.
#[cold]
pub(crate) fn missing(module: &str, name: &str) -> Error {
    Error::Link(LinkError::Missing {
        import: format!("{module} {name}"),
        kind: "core function",
        offered: None,
    })
}

/// The core function that a guest gets for a closure of the host's.
fn make(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    id: InstanceId,
    (params, results): (Vec<FlatType>, Vec<FlatType>),
    function: Arc<HostCoreFunc>,
) -> Extern {
    let body = move |mut env: wasmer::FunctionEnvMut<'_, Runtime>, args: &[u64]| {
        let runtime = env.as_ref();
        let mut store = env.as_store_mut();
        let outcome = Runtime::may_leave(&runtime, &mut store, id, 0).and_then(|may_leave| {
            if !may_leave {
                return Err(Error::trap("cannot leave component instance"));
            }
            let rt = runtime.as_mut(&mut store);
            let (slot, limit) = (rt.slot.clone(), rt.timeout.unwrap_or_default());
            in_time(slot, limit, || function(store, runtime, args))
        });
        match outcome {
            Ok(result) => Ok([result, 0]),
            Err(e) => Err(RuntimeError::user(Box::new(e))),
        }
    };
    Extern::Function(host_function(
        store,
        runtime,
        &params,
        &results,
        Arc::new(body),
    ))
}

fn memory(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    (minimum, maximum): (u64, Option<u64>),
    shared: bool,
) -> Result<Extern> {
    let pages = |pages: u64| {
        u32::try_from(pages).map(Pages).map_err(|_| {
            Error::Unsupported("a memory of more pages than 32 bits can address".to_string())
        })
    };
    let ty = MemoryType {
        minimum: pages(minimum)?,
        maximum: maximum.map(pages).transpose()?,
        shared,
    };
    match Memory::new(store, ty) {
        Ok(memory) => Ok(Extern::Memory(memory)),
        Err(e) => Err(runtime
            .as_mut(store)
            .usage
            .take_refusal()
            .unwrap_or_else(|| Error::Engine(format!("the memory of a core module: {e}")))),
    }
}

fn flat_types(types: &[CoreValueType]) -> Result<Vec<FlatType>> {
    types
        .iter()
        .map(|ty| match ty {
            CoreValueType::I32 => Ok(FlatType::I32),
            CoreValueType::I64 => Ok(FlatType::I64),
            CoreValueType::F32 => Ok(FlatType::F32),
            CoreValueType::F64 => Ok(FlatType::F64),
            other => Err(Error::Unsupported(format!(
                "an imported core function of type {other}"
            ))),
        })
        .collect()
}

/// A function of wasmer's, made ready to be called with bit patterns: for embedders who have functions that wasmer made, and
/// give them to core modules.
#[derive(Clone)]
pub struct CoreFunc(CoreFunction);

impl std::fmt::Debug for CoreFunc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreFunc").finish_non_exhaustive()
    }
}

impl CoreFunc {
    /// Makes a function of the store's ready to be called.
    pub fn new<T: Send + 'static>(
        cx: &mut StoreContextMut<'_, T>,
        function: &wasmer::Function,
    ) -> CoreFunc {
        CoreFunc(CoreFunction::new(&mut cx.store.as_store_mut(), function))
    }

    /// Calls it with the bits of its parameters; gives those of its result, or 0.
    ///
    /// # Errors
    /// What wasmer says, so that errors of the embedder's own can be found in it.
    pub fn call<T: Send + 'static>(
        &self,
        cx: &mut StoreContextMut<'_, T>,
        args: &[u64],
    ) -> std::result::Result<u64, RuntimeError> {
        self.0.call_raw(&mut cx.store.as_store_mut(), args)
    }
}
