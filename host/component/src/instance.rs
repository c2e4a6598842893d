//! Instances: carrying out a component's list of steps, and what comes of it.
//!
//! The state of an instance is built up step by step, while the core modules that are instantiated may already call the host (start
//! functions); it is therefore in the store from the first step on, found by its number.

use crate::component::{Component, ExportPath};
use crate::core::{CoreFunction, guest_error};
use crate::core_link::{self, CoreProvider};
use crate::error::{Error, LinkError, Result};
use crate::func::{Func, TypedFunc};
use crate::ir::{CoreDef, CoreExport, Export, Initializer, Resource};
use crate::linker::Definition;
use crate::module::Module;
use crate::resource::{HandleTable, ResourceType};
use crate::store::{AsContextMut, Flag, InstanceId, Runtime};
use crate::trampoline;
use crate::typed::{LowerParams, ResultType};
use crate::types::ResourceTableId;
use std::collections::HashMap;
use std::sync::Arc;
use wasmer::{
    AsStoreMut, Extern, Function, FunctionEnv, FunctionEnvMut, Global, Imports, Memory, StoreMut,
    Table, Value,
};

/// An instance of a component, in a store. Only a number: cheap to copy, and good for that store only.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(crate) component: Component,
    pub(crate) id: InstanceId,
}

/// Runs a host resource's destructor.
pub(crate) type HostDestructor =
    Arc<dyn Fn(StoreMut<'_>, FunctionEnv<Runtime>, u32) -> Result<()> + Send + Sync>;

/// What ends a resource.
#[derive(Clone)]
pub(crate) enum Destructor {
    None,
    Host(HostDestructor),
    Guest(CoreFunction),
}

/// The state of one instance.
pub(crate) struct InstanceState {
    core: Vec<wasmer::Instance>,
    memories: Vec<Memory>,
    reallocs: Vec<crate::abi::Realloc>,
    post_returns: Vec<Function>,
    tables: Vec<Table>,
    trampolines: Vec<Function>,
    /// The component's core imports, once the host has given them.
    core_imports: Vec<Extern>,
    flags: Vec<Flag>,
    may_block: Option<Global>,
    handles: Vec<HandleTable>,
    /// For each of the component's resources: which it is, and what ends it.
    resources: Vec<(ResourceType, Destructor)>,
    /// For each resource table of the component's types: its resource and component instance.
    tables_of: Vec<Option<crate::types::ResourceTable>>,
    /// For each of the component's resources: the component instance that defines it, if one does.
    definers: Vec<Option<u32>>,
    /// Imported core modules by the number of their import.
    imported_modules: HashMap<u32, Module>,
    /// Whether a call into the instance is running.
    pub entered: bool,
    /// Why it takes no more calls.
    pub poisoned: Option<String>,
}

fn missing(what: &str) -> Error {
    Error::Engine(format!(
        "the instance has no such {what}; this is a bug in wasmer-component"
    ))
}

impl InstanceState {
    #[cfg(feature = "compiler")]
    pub fn core_instances(&self) -> &[wasmer::Instance] {
        &self.core
    }

    pub fn memory(&self, index: u32) -> Result<Memory> {
        self.memories
            .get(index as usize)
            .cloned()
            .ok_or_else(|| missing("memory"))
    }

    pub fn realloc(&self, index: u32) -> Result<crate::abi::Realloc> {
        self.reallocs
            .get(index as usize)
            .cloned()
            .ok_or_else(|| missing("realloc"))
    }

    pub fn post_return(&self, index: u32) -> Result<Function> {
        self.post_returns
            .get(index as usize)
            .cloned()
            .ok_or_else(|| missing("post-return"))
    }

    pub fn flag(&mut self, component_instance: u32) -> Result<&mut Flag> {
        self.flags
            .get_mut(component_instance as usize)
            .ok_or_else(|| missing("component instance"))
    }

    pub fn handles(&mut self, component_instance: u32) -> Result<&mut HandleTable> {
        self.handles
            .get_mut(component_instance as usize)
            .ok_or_else(|| missing("component instance"))
    }

    fn table_of(&self, table: ResourceTableId) -> Result<crate::types::ResourceTable> {
        self.tables_of
            .get(table.0 as usize)
            .copied()
            .flatten()
            .ok_or_else(|| missing("resource table"))
    }

    /// The component instance that sees its handles through this table.
    pub fn instance_of(&self, table: ResourceTableId) -> Result<u32> {
        Ok(self.table_of(table)?.instance)
    }

    /// Which resource a table's handles are of.
    pub fn resource_type(&self, table: ResourceTableId) -> Result<ResourceType> {
        let resource = self.table_of(table)?.resource;
        self.resources
            .get(resource as usize)
            .map(|(ty, _)| *ty)
            .ok_or_else(|| missing("resource"))
    }

    /// Makes sure that a table's handles are of the given resource; gives the component instance that defines
    /// the resource, if one does.
    pub fn expect_resource(&self, table: ResourceTableId, ty: ResourceType) -> Result<Option<u32>> {
        if self.resource_type(table)? != ty {
            return Err(Error::Resource(
                "a resource of another type was passed".to_string(),
            ));
        }
        let resource = self.table_of(table)?.resource;
        Ok(self.definers.get(resource as usize).copied().flatten())
    }

    /// What ends a resource of the component.
    pub fn destructor(&self, resource: u32) -> Result<Destructor> {
        self.resources
            .get(resource as usize)
            .map(|(_, d)| d.clone())
            .ok_or_else(|| missing("resource"))
    }

    pub fn destructor_of(&self, table: ResourceTableId) -> Result<Destructor> {
        self.destructor(self.table_of(table)?.resource)
    }

    fn core(&self, export: &CoreExport) -> Result<&Extern> {
        let instance = self
            .core
            .get(export.instance as usize)
            .ok_or_else(|| missing("core instance"))?;
        instance
            .exports
            .get_extern(&export.name)
            .ok_or_else(|| missing("core export"))
    }

    /// The core item that a definition stands for.
    pub fn core_def(&self, def: &CoreDef) -> Result<Extern> {
        match def {
            CoreDef::Export(export) => self.core(export).cloned(),
            CoreDef::Trampoline(index) => {
                let function = self
                    .trampolines
                    .get(*index as usize)
                    .ok_or_else(|| missing("trampoline"))?;
                Ok(Extern::Function(function.clone()))
            }
            CoreDef::Import(index) => self
                .core_imports
                .get(*index as usize)
                .cloned()
                .ok_or_else(|| missing("core import")),
            CoreDef::InstanceFlags(index) => match self.flags.get(*index as usize) {
                Some(Flag::Global(global)) => Ok(Extern::Global(global.clone())),
                _ => Err(missing("flag")),
            },
            CoreDef::TaskMayBlock => self
                .may_block
                .clone()
                .map(Extern::Global)
                .ok_or_else(|| missing("task-may-block flag")),
        }
    }

    /// The core function that a definition stands for.
    pub fn core_function(&self, def: &CoreDef) -> Result<Function> {
        match self.core_def(def)? {
            Extern::Function(function) => Ok(function),
            _ => Err(missing("core function")),
        }
    }
}

/// Instantiates a component whose imports have been resolved, one definition for each runtime import.
pub(crate) fn instantiate(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    component: &Component,
    imports: &[Definition],
    core: Option<&CoreProvider>,
) -> Result<Instance> {
    let ir = &component.inner.ir;
    let instances = ir.num_component_instances as usize;
    let flags = (0..instances)
        .map(|_| match ir.flags_are_globals {
            true => Flag::Global(Global::new_mut(store, Value::I32(1))),
            false => Flag::Host(true),
        })
        .collect();
    let uses_may_block = ir.initializers.iter().any(
        |init| matches!(init, Initializer::Instantiate { args, .. } if args.contains(&CoreDef::TaskMayBlock)),
    );
    let may_block = uses_may_block.then(|| Global::new_mut(store, Value::I32(1)));
    let state = InstanceState {
        core: Vec::new(),
        memories: Vec::new(),
        reallocs: Vec::new(),
        post_returns: Vec::new(),
        tables: Vec::new(),
        trampolines: Vec::new(),
        core_imports: Vec::new(),
        flags,
        may_block,
        handles: (0..instances).map(|_| HandleTable::default()).collect(),
        resources: Vec::new(),
        tables_of: ir.types.resource_tables.clone(),
        definers: Vec::new(),
        imported_modules: imports
            .iter()
            .zip(0..)
            .filter_map(|(definition, index)| match definition {
                Definition::Module(module) => Some((index, module.clone())),
                _ => None,
            })
            .collect(),
        entered: false,
        poisoned: None,
    };
    let id = runtime.as_mut(store).add_instance(state);
    let instance = Instance {
        component: component.clone(),
        id,
    };
    let state = runtime.as_mut(store).instance(id)?;
    for (index, resource) in ir.resources.iter().enumerate() {
        let (ty, definer) = match resource {
            Resource::Defined(instance) => (
                (ResourceType::guest(id, index as u32), Destructor::None),
                Some(*instance),
            ),
            Resource::Imported(import) => match imports.get(*import as usize) {
                Some(Definition::Resource(ty, destructor)) => {
                    ((*ty, Destructor::Host(destructor.clone())), None)
                }
                _ => return Err(missing("imported resource")),
            },
        };
        state.resources.push(ty);
        state.definers.push(definer);
    }
    for index in 0..ir.trampolines.len() {
        let function = trampoline::make(store, runtime, component, id, index, imports)?;
        runtime
            .as_mut(store)
            .instance(id)?
            .trampolines
            .push(function);
    }
    let mut instantiated = None;
    for init in &ir.initializers {
        match init {
            Initializer::LinkCore => {
                let linked = core_link::link(store, runtime, id, &ir.core_imports, core)?;
                instantiated = linked.instantiated;
                runtime.as_mut(store).instance(id)?.core_imports = linked.items;
            }
            Initializer::CoreInstantiated { instance } => {
                let state = runtime.as_mut(store).instance(id)?;
                let core = state.core.get(*instance as usize).cloned();
                let core = core.ok_or_else(|| missing("core instance"))?;
                if let Some(instantiated) = instantiated.take() {
                    instantiated(store.as_store_mut(), runtime.clone(), &core)?;
                }
            }
            init => step(store, runtime, component, id, init, imports)?,
        }
    }
    Ok(instance)
}

fn step(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    component: &Component,
    id: InstanceId,
    init: &Initializer,
    imports: &[Definition],
) -> Result<()> {
    let state = runtime.as_mut(store).instance(id)?;
    match init {
        Initializer::Instantiate { module, args } => {
            let mut given = args
                .iter()
                .map(|def| state.core_def(def))
                .collect::<Result<Vec<_>>>()?;
            if component.inner.ir.calls_through_host {
                for (item, def) in given.iter_mut().zip(args) {
                    if let (Extern::Function(function), CoreDef::Export(_)) = (&*item, def) {
                        *item = Extern::Function(through_host(store, runtime, function));
                    }
                }
            }
            let module = component
                .inner
                .modules
                .get(*module as usize)
                .ok_or_else(|| missing("module"))?;
            let core = wasmer::Instance::new_by_index(store, module, &given)
                .map_err(|e| instantiation_error(store, runtime, e))?;
            runtime.as_mut(store).instance(id)?.core.push(core);
        }
        Initializer::InstantiateImport { import, args } => {
            let Some(Definition::Module(module)) = imports.get(*import as usize) else {
                return Err(missing("imported core module"));
            };
            let mut given = Imports::new();
            for (module, name, def) in args {
                given.define(module, name, state.core_def(def)?);
            }
            let core = wasmer::Instance::new(store, &module.wasmer, &given)
                .map_err(|e| instantiation_error(store, runtime, e))?;
            runtime.as_mut(store).instance(id)?.core.push(core);
        }
        // Done where the steps are gone through: what the host says at the one is needed at the other.
        Initializer::LinkCore | Initializer::CoreInstantiated { .. } => {}
        Initializer::Memory { index, export } => {
            let Extern::Memory(memory) = state.core(export)?.clone() else {
                return Err(missing("memory"));
            };
            put(&mut state.memories, *index, memory);
        }
        Initializer::Table { index, export } => {
            let Extern::Table(table) = state.core(export)?.clone() else {
                return Err(missing("table"));
            };
            put(&mut state.tables, *index, table);
        }
        Initializer::Realloc { index, def } => {
            let function = state.core_function(def)?;
            let realloc = function
                .typed::<(i32, i32, i32, i32), i32>(store)
                .map_err(|e| {
                    Error::Translate(format!(
                        "the realloc of a component has the wrong type: {}",
                        e.message()
                    ))
                })?;
            put(
                &mut runtime.as_mut(store).instance(id)?.reallocs,
                *index,
                realloc,
            );
        }
        Initializer::PostReturn { index, def } => {
            let function = state.core_function(def)?;
            put(&mut state.post_returns, *index, function);
        }
        Initializer::Resource { resource, dtor } => {
            let dtor = dtor
                .as_ref()
                .map(|def| state.core_function(def))
                .transpose()?;
            let dtor = dtor.map(|function| CoreFunction::new(store, &function));
            let state = runtime.as_mut(store).instance(id)?;
            if let Some((_, destructor)) = state.resources.get_mut(*resource as usize) {
                *destructor = dtor.map_or(Destructor::None, Destructor::Guest);
            }
        }
    }
    Ok(())
}

/// A function of the host's that calls `function` and does nothing else.
fn through_host(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    function: &Function,
) -> Function {
    let ty = function.ty(store);
    let function = function.clone();
    let call = move |mut env: FunctionEnvMut<'_, Runtime>, args: &[Value]| {
        function.call(&mut env, args).map(Vec::from)
    };
    Function::new_with_env(store, runtime, ty, call)
}

/// Items are numbered in the order of their steps; a number may be given again with the very same item.
fn put<T>(items: &mut Vec<T>, index: u32, item: T) {
    match items.get_mut(index as usize) {
        Some(place) => *place = item,
        None => items.push(item),
    }
}

fn instantiation_error(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    error: wasmer::InstantiationError,
) -> Error {
    if let Some(limit) = runtime.as_mut(store).usage.take_refusal() {
        return limit;
    }
    match error {
        wasmer::InstantiationError::Start(e) => guest_error(e).in_function("the start function"),
        wasmer::InstantiationError::Link(wasmer::LinkError::Trap(e)) => {
            guest_error(e).in_function("the start function")
        }
        other => Error::Engine(format!(
            "a core module of the component cannot be instantiated: {other}"
        )),
    }
}

impl Instance {
    /// The component it is an instance of.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// An exported function: `"run"` at the root, `("ns:pkg/interface@1.0.0", "run")` in an interface, whose version may
    /// be any of the same track. None when there is none of that name.
    pub fn get_func(
        &self,
        mut store: impl AsContextMut,
        path: impl Into<ExportPath>,
    ) -> Option<Func> {
        let index = self.component.inner.find(&path.into())?;
        Func::new(&mut store.as_context_mut(), self, index)
    }

    /// An exported resource type, by a path as for [`Instance::get_func`]. None when there is none of that name.
    pub fn get_resource(
        &self,
        mut store: impl AsContextMut,
        path: impl Into<ExportPath>,
    ) -> Option<ResourceType> {
        let path = path.into();
        let items = &self.component.inner.ir.export_items;
        let item = items.iter().find(|item| item.path == path.0)?;
        let Export::Resource(table) = &item.item else {
            return None;
        };
        let mut cx = store.as_context_mut();
        let state = cx.runtime().instance(self.id).ok()?;
        state.resource_type(*table).ok()
    }

    /// An exported core module, by a path as for [`Instance::get_func`]. None when there is none of that name.
    pub fn get_module(
        &self,
        mut store: impl AsContextMut,
        path: impl Into<ExportPath>,
    ) -> Option<Module> {
        let component = &self.component.inner;
        let index = component.find(&path.into())?;
        match &component.ir.export_items.get(index)?.item {
            Export::Module(index) => {
                let wasmer = component.modules.get(*index as usize)?.clone();
                Some(Module {
                    engine: component.engine.clone(),
                    wasmer,
                })
            }
            Export::ImportedModule(import) => {
                let mut cx = store.as_context_mut();
                let state = cx.runtime().instance(self.id).ok()?;
                state.imported_modules.get(import).cloned()
            }
            _ => None,
        }
    }

    /// An exported function with its types checked.
    ///
    /// # Errors
    /// [`Error::Export`] when there is no such function, [`Error::Type`] when its types are others.
    pub fn get_typed_func<P: LowerParams, R: ResultType>(
        &self,
        store: impl AsContextMut,
        path: impl Into<ExportPath>,
    ) -> Result<TypedFunc<P, R>> {
        let path = path.into();
        let func = self.get_func(store, path.clone()).ok_or_else(|| {
            let items = &self.component.inner.ir.export_items;
            let mut names: Vec<String> = items
                .iter()
                .filter(|item| matches!(item.item, Export::Func { .. }))
                .map(|item| item.path.join("#"))
                .collect();
            names.sort_unstable();
            Error::Export(format!(
                "the component exports no function {path}; its functions: {}",
                names.join(", ")
            ))
        })?;
        func.typed()
    }
}

/// The error for an import that nothing satisfies.
pub(crate) fn missing_import(import: String, kind: &'static str, offered: Option<String>) -> Error {
    Error::Link(LinkError::Missing {
        import,
        kind,
        offered,
    })
}

/// Makes a wasmer store of anything that has one, for the steps above.
pub(crate) fn with_store<T: Send + 'static, R>(
    mut store: impl AsContextMut<Data = T>,
    f: impl FnOnce(&mut StoreMut<'_>, &FunctionEnv<Runtime>) -> R,
) -> R {
    let mut cx = store.as_context_mut();
    let runtime = cx.runtime.clone();
    f(&mut cx.store.as_store_mut(), &runtime)
}
