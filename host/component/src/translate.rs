//! From a component's bytes to our own IR, by way of wasmtime's component translator.
//!
//! `wasmtime-environ` validates a component, flattens nested ones, and makes the adapter modules between composed ones. It
//! promises no stability between releases, so this is the only module that names it: what comes out is [`ComponentIr`] and
//! a list of core modules. A new release of the translator is a change here and nowhere else.
//!
//! Left to others: compiling the modules (`component`), storing the result (`artifact`), carrying it out (`instance`).

use crate::error::{Error, Result};
use crate::ir::{self, ComponentIr, CoreExport, ExportItem, Initializer, RuntimeImport};
use crate::module::{CoreType, CoreValueType, ModuleType};
use crate::rules::Rules;
use crate::types::{
    self, Case, ExternType, Field, FlatType, FuncTypeId, ResourceTableId, Type, TypeKind,
};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime_environ::component as env;
use wasmtime_environ::wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentType, ComponentTypeDeclaration,
    CoreType as ParsedCoreType, Encoding, InstanceTypeDeclaration, ModuleTypeDeclaration, Parser,
    Payload, TypeRef, Validator, WasmFeatures,
};
use wasmtime_environ::{
    EngineOrModuleTypeIndex, EntityIndex, EntityRef, EntityType, ModuleInternedTypeIndex,
    ModuleTranslation, PrimaryMap, ScopeVec, StaticModuleIndex, Tunables, WasmHeapType,
    WasmValType,
};

/// A translated component: what to do, and the core modules to do it with, in the order of their numbers.
pub(crate) struct Translated {
    pub ir: ComponentIr,
    pub modules: Vec<Vec<u8>>,
}

/// Translates a component in the binary format.
///
/// # Errors
/// [`Error::Translate`] when the bytes are not a valid component; [`Error::Unsupported`] when it needs what we do not have.
pub(crate) fn translate(bytes: &[u8]) -> Result<Translated> {
    if Parser::is_core_wasm(bytes) {
        return Err(Error::Translate(
            "this is a core module; make a component of it with `wasm-tools component new`, or see Component::from_core_module"
                .to_string(),
        ));
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(Error::Translate(
            "this is not WebAssembly: the bytes do not begin with \\0asm".to_string(),
        ));
    }
    let uses = Uses::of(bytes)?;
    let tunables = Tunables {
        concurrency_support: uses.asynchronous_adapters,
        ..Tunables::default_u64()
    };
    let mut validator = Validator::new_with_features(features(uses));
    let mut builder = env::ComponentTypesBuilder::new(&validator);
    let scope = ScopeVec::new();
    // The translator asserts what it takes for granted, of components that only a hostile hand makes. Unwind safety: all that it
    // changes is dropped.
    let translated = catch_unwind(AssertUnwindSafe(|| {
        env::Translator::new(&tunables, &mut validator, &mut builder, &scope).translate(bytes)
    }));
    let (translation, modules) = match translated {
        Ok(result) => result.map_err(|e| Error::Translate(format!("{e:#}")))?,
        Err(_) => return Err(validate(bytes, uses)),
    };
    let resource_tables = builder.num_resource_tables() as u32;
    let (types, root) = builder.finish(&translation.component);
    let component = Lowering {
        component: &translation.component,
        trampolines: &translation.trampolines,
        modules: &modules,
        env: &types,
        types: types::Types::default(),
        known: HashMap::new(),
        known_funcs: HashMap::new(),
        instances: Vec::new(),
        flags_are_globals: false,
        intrinsics: Vec::new(),
    };
    let ir = component.run(root, resource_tables)?;
    let modules = modules
        .iter()
        .map(|(_, module)| module.wasm.to_vec())
        .collect();
    Ok(Translated { ir, modules })
}

/// Why the translator gave up on a component. It may be the validator in it that did.
#[cold]
fn validate(bytes: &[u8], uses: Uses) -> Error {
    // Unwind safety: what is changed is dropped.
    let refused = catch_unwind(|| {
        let mut validator = Validator::new_with_features(features(uses));
        Parser::new(0).parse_all(bytes).find_map(|payload| {
            payload
                .and_then(|payload| validator.payload(&payload).map(drop))
                .err()
        })
    });
    match refused {
        Ok(Some(e)) => Error::Translate(e.to_string()),
        Ok(None) => Error::Unsupported("types that the translator gives up on".to_string()),
        Err(_) => Error::Unsupported("types that the validator gives up on".to_string()),
    }
}

/// What a component has in it that makes the translator work differently, found before translating.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Uses {
    /// Tags, and with them exceptions. The translator then puts exception barriers into the adapters between components,
    /// which nobody else is to pay for.
    exceptions: bool,
    /// Nested components, and functions lifted or lowered asynchronously. The translator can make adapters for those only in a
    /// mode in which adapters between synchronous functions cost more, too.
    asynchronous_adapters: bool,
}

impl Uses {
    /// Bytes that cannot be read use nothing: the validator will say what is wrong with them. What it would not say is looked for
    /// on the way (see `rules`).
    fn of(bytes: &[u8]) -> Result<Uses> {
        let (mut uses, mut components, mut asynchronous) = (Uses::default(), 0, false);
        let mut rules = Rules::default();
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            rules.payload(&payload).map_err(Error::Translate)?;
            match payload {
                Payload::TagSection(_) => uses.exceptions = true,
                Payload::ImportSection(imports) => {
                    uses.exceptions |= imports
                        .into_imports()
                        .map_while(Result::ok)
                        .any(|import| matches!(import.ty, TypeRef::Tag(_)));
                }
                Payload::CoreTypeSection(types) => {
                    uses.exceptions |= types
                        .into_iter()
                        .map_while(Result::ok)
                        .any(|ty| names_tag(&ty));
                }
                Payload::ComponentTypeSection(types) => {
                    uses.exceptions |= types
                        .into_iter()
                        .map_while(Result::ok)
                        .any(|ty| names_tag_inside(&ty));
                }
                Payload::Version {
                    encoding: Encoding::Component,
                    ..
                } => components += 1,
                Payload::ComponentCanonicalSection(functions) => {
                    asynchronous |= functions.into_iter().map_while(Result::ok).any(|function| {
                        matches!(
                            function,
                            CanonicalFunction::Lift { options, .. }
                            | CanonicalFunction::Lower { options, .. }
                                if options.contains(&CanonicalOption::Async)
                        )
                    });
                }
                _ => {}
            }
        }
        if let Some((first, second)) = rules.clash() {
            return Err(Error::Unsupported(format!(
                "adapters between components for labels that differ only in case (`{first}`, `{second}`)"
            )));
        }
        uses.asynchronous_adapters = asynchronous && components > 1;
        Ok(uses)
    }
}

/// Whether the type of a core module has a tag in it.
fn names_tag(ty: &ParsedCoreType<'_>) -> bool {
    let ParsedCoreType::Module(declarations) = ty else {
        return false;
    };
    declarations.iter().any(|declaration| match declaration {
        ModuleTypeDeclaration::Export { ty, .. } => matches!(ty, TypeRef::Tag(_)),
        ModuleTypeDeclaration::Import(import) => matches!(import.ty, TypeRef::Tag(_)),
        _ => false,
    })
}

/// The same of the types of modules inside the type of a component or an instance.
fn names_tag_inside(ty: &ComponentType<'_>) -> bool {
    match ty {
        ComponentType::Component(declarations) => {
            declarations.iter().any(|declaration| match declaration {
                ComponentTypeDeclaration::CoreType(ty) => names_tag(ty),
                ComponentTypeDeclaration::Type(ty) => names_tag_inside(ty),
                _ => false,
            })
        }
        ComponentType::Instance(declarations) => {
            declarations.iter().any(|declaration| match declaration {
                InstanceTypeDeclaration::CoreType(ty) => names_tag(ty),
                InstanceTypeDeclaration::Type(ty) => names_tag_inside(ty),
                _ => false,
            })
        }
        _ => false,
    }
}

/// What the validator lets pass: what wasmer runs, and the component model with declarations of its asynchronous part.
fn features(uses: Uses) -> WasmFeatures {
    let mut features = WasmFeatures::WASM3
        .difference(WasmFeatures::GC | WasmFeatures::MEMORY64 | WasmFeatures::EXCEPTIONS)
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_MORE_ASYNC_BUILTINS
        | WasmFeatures::CM_ASYNC_STACKFUL
        | WasmFeatures::CM_THREADING
        | WasmFeatures::CM_ERROR_CONTEXT
        | WasmFeatures::CM_FIXED_LENGTH_LISTS
        | WasmFeatures::CM_IMPLEMENTS
        | WasmFeatures::CM_MAP;
    features.set(WasmFeatures::EXCEPTIONS, uses.exceptions);
    features
}

struct Lowering<'a, 'data> {
    component: &'a env::Component,
    trampolines: &'a PrimaryMap<env::TrampolineIndex, env::Trampoline>,
    modules: &'a PrimaryMap<StaticModuleIndex, ModuleTranslation<'data>>,
    env: &'a env::ComponentTypes,
    types: types::Types,
    known: HashMap<env::InterfaceType, Type>,
    known_funcs: HashMap<env::TypeFuncIndex, FuncTypeId>,
    /// The module of each core instance; none for one that is imported.
    instances: Vec<Option<StaticModuleIndex>>,
    flags_are_globals: bool,
    /// Built-ins that the translator has no trampolines for; they are numbered after those.
    intrinsics: Vec<ir::Trampoline>,
}

impl Lowering<'_, '_> {
    fn run(mut self, root: env::TypeComponentIndex, resource_tables: u32) -> Result<ComponentIr> {
        self.resource_tables(resource_tables);
        let root = &self.env[root];
        let mut imports = Vec::new();
        for (name, item) in &root.imports {
            imports.push((name.clone(), self.extern_type(&item.ty)?));
        }
        let mut exports = Vec::new();
        for (name, item) in &root.exports {
            exports.push((name.clone(), self.extern_type(&item.ty)?));
        }
        let runtime_imports = self
            .component
            .imports
            .iter()
            .map(|(_, (import, path))| RuntimeImport {
                import: import.as_u32(),
                path: path.clone(),
            })
            .collect();
        let mut initializers = Vec::new();
        for init in &self.component.initializers {
            if let Some(init) = self.initializer(init)? {
                initializers.push(init);
            }
        }
        let mut export_items = Vec::new();
        for (name, (index, _)) in self.component.exports.raw_iter() {
            self.export(vec![name.to_string()], *index, &mut export_items)?;
        }
        let mut trampolines = Vec::new();
        for (index, trampoline) in self.trampolines.iter() {
            let kind = self.trampoline(trampoline)?;
            let (params, results) =
                self.signature(self.component.trampolines[index])
                    .map_err(|e| match &kind {
                        ir::TrampolineKind::Async(name) => Error::Unsupported(format!(
                            "asynchronous calls between components ({name})"
                        )),
                        _ => e,
                    })?;
            trampolines.push(ir::Trampoline {
                params,
                results,
                kind,
            });
        }
        trampolines.append(&mut self.intrinsics);
        let options = self
            .component
            .options
            .iter()
            .map(|(_, o)| canonical_options(o))
            .collect::<Result<_>>()?;
        let imported = self
            .component
            .imported_resources
            .iter()
            .map(|(_, i)| ir::Resource::Imported(i.as_u32()));
        let defined = self
            .component
            .defined_resource_instances
            .iter()
            .map(|(_, i)| ir::Resource::Defined(i.as_u32()));
        Ok(ComponentIr {
            imports,
            exports,
            runtime_imports,
            export_items,
            initializers,
            trampolines,
            options,
            resources: imported.chain(defined).collect(),
            num_component_instances: self.component.num_runtime_component_instances,
            flags_are_globals: self.flags_are_globals,
            core_imports: Vec::new(),
            calls_through_host: false,
            types: self.types,
        })
    }

    /// Resource tables keep their numbers, so that handles need no translation.
    fn resource_tables(&mut self, count: u32) {
        self.types.resource_tables = (0..count)
            .map(
                |i| match &self.env[env::TypeResourceTableIndex::from_u32(i)] {
                    env::TypeResourceTable::Concrete { ty, instance } => {
                        Some(types::ResourceTable {
                            resource: ty.as_u32(),
                            instance: instance.as_u32(),
                        })
                    }
                    env::TypeResourceTable::Abstract(_) => None,
                },
            )
            .collect();
    }

    fn extern_type(&mut self, ty: &env::TypeDef) -> Result<ExternType> {
        Ok(match ty {
            env::TypeDef::Component(_) => ExternType::Component,
            env::TypeDef::ComponentInstance(index) => {
                let mut items = Vec::new();
                for (name, item) in &self.env[*index].exports {
                    items.push((name.clone(), self.extern_type(&item.ty)?));
                }
                ExternType::Instance(items)
            }
            env::TypeDef::ComponentFunc(index) => ExternType::Func(self.func(*index)?),
            env::TypeDef::Interface(ty) => ExternType::Type(self.ty(*ty)?),
            env::TypeDef::Module(index) => ExternType::Module(self.module_type(*index)?),
            env::TypeDef::CoreFunc(_) => {
                return Err(Error::Unsupported("an imported core function".to_string()));
            }
            env::TypeDef::Resource(index) => ExternType::Resource(ResourceTableId(index.as_u32())),
        })
    }

    fn module_type(&self, index: env::TypeModuleIndex) -> Result<ModuleType> {
        let ty = &self.env[index];
        let mut imports = Vec::new();
        for ((module, name), ty) in &ty.imports {
            imports.push((module.clone(), name.clone(), self.core_type(ty)?));
        }
        let mut exports = Vec::new();
        for (name, ty) in &ty.exports {
            exports.push((name.clone(), self.core_type(ty)?));
        }
        Ok(ModuleType { imports, exports })
    }

    fn core_type(&self, ty: &EntityType) -> Result<CoreType> {
        Ok(match ty {
            EntityType::Function(index) => {
                let (params, results) = self.core_func(*index)?;
                CoreType::Func { params, results }
            }
            EntityType::Tag(tag) => CoreType::Tag {
                params: self.core_func(tag.signature)?.0,
            },
            EntityType::Global(global) => CoreType::Global {
                ty: core_value(&global.wasm_ty),
                mutable: global.mutability,
            },
            EntityType::Memory(memory) => CoreType::Memory {
                limits: (memory.limits.min, memory.limits.max),
                shared: memory.shared,
            },
            EntityType::Table(table) => CoreType::Table {
                element: core_value(&WasmValType::Ref(table.ref_type)),
                limits: (table.limits.min, table.limits.max),
            },
        })
    }

    fn core_func(
        &self,
        index: EngineOrModuleTypeIndex,
    ) -> Result<(Vec<CoreValueType>, Vec<CoreValueType>)> {
        let EngineOrModuleTypeIndex::Module(index) = index else {
            return Err(Error::Translate(
                "a core module's type refers to what is not the component's".to_string(),
            ));
        };
        let ty = self.env[index].unwrap_func();
        let list = |types: &[WasmValType]| types.iter().map(core_value).collect();
        Ok((list(ty.params()), list(ty.results())))
    }

    fn func(&mut self, index: env::TypeFuncIndex) -> Result<FuncTypeId> {
        if let Some(id) = self.known_funcs.get(&index) {
            return Ok(*id);
        }
        let func = &self.env[index];
        let mut params = Vec::new();
        for (i, ty) in self.env[func.params].types.iter().enumerate() {
            let name = func
                .param_names
                .get(i)
                .cloned()
                .unwrap_or_else(|| format!("p{i}"));
            params.push(Field {
                name,
                ty: self.ty(*ty)?,
                offset: 0,
            });
        }
        let params_abi = self.types.lay_out(&mut params);
        let result = match &*self.env[func.results].types {
            [] => None,
            [ty] => Some(self.ty(*ty)?),
            _ => {
                return Err(Error::Unsupported(
                    "a function with several results".to_string(),
                ));
            }
        };
        let takes_borrows = params.iter().any(|p| self.types.holds_borrow(p.ty));
        self.types.funcs.push(types::FuncType {
            takes_borrows,
            params,
            params_abi,
            result,
            is_async: func.async_,
        });
        let id = FuncTypeId(self.types.funcs.len() as u32 - 1);
        self.known_funcs.insert(index, id);
        Ok(id)
    }

    fn ty(&mut self, ty: env::InterfaceType) -> Result<Type> {
        use env::InterfaceType as I;
        let kind = match ty {
            I::Bool => return Ok(Type::Bool),
            I::S8 => return Ok(Type::S8),
            I::U8 => return Ok(Type::U8),
            I::S16 => return Ok(Type::S16),
            I::U16 => return Ok(Type::U16),
            I::S32 => return Ok(Type::S32),
            I::U32 => return Ok(Type::U32),
            I::S64 => return Ok(Type::S64),
            I::U64 => return Ok(Type::U64),
            I::Float32 => return Ok(Type::F32),
            I::Float64 => return Ok(Type::F64),
            I::Char => return Ok(Type::Char),
            I::String => return Ok(Type::String),
            I::Own(t) => return Ok(Type::Own(ResourceTableId(t.as_u32()))),
            I::Borrow(t) => return Ok(Type::Borrow(ResourceTableId(t.as_u32()))),
            I::Future(_) | I::Stream(_) | I::ErrorContext(_) => return Ok(Type::Async),
            compound => {
                if let Some(known) = self.known.get(&compound) {
                    return Ok(*known);
                }
                self.compound(compound)?
            }
        };
        let id = Type::Def(self.types.push(kind));
        self.known.insert(ty, id);
        Ok(id)
    }

    fn compound(&mut self, ty: env::InterfaceType) -> Result<TypeKind> {
        use env::InterfaceType as I;
        let e = self.env;
        let option =
            |this: &mut Self, ty: &Option<env::InterfaceType>| ty.map(|ty| this.ty(ty)).transpose();
        Ok(match ty {
            I::List(i) => TypeKind::List(self.ty(e[i].element)?),
            I::FixedLengthList(i) => TypeKind::FixedList(self.ty(e[i].element)?, e[i].size),
            I::Map(i) => TypeKind::Map(self.ty(e[i].key)?, self.ty(e[i].value)?),
            I::Option(i) => TypeKind::Option(self.ty(e[i].ty)?),
            I::Result(i) => TypeKind::Result(option(self, &e[i].ok)?, option(self, &e[i].err)?),
            I::Enum(i) => TypeKind::Enum(e[i].names.iter().cloned().collect()),
            I::Flags(i) => TypeKind::Flags(e[i].names.iter().cloned().collect()),
            I::Record(i) => {
                let mut fields = Vec::new();
                for field in &e[i].fields {
                    fields.push(Field {
                        name: field.name.clone(),
                        ty: self.ty(field.ty)?,
                        offset: 0,
                    });
                }
                TypeKind::Record(fields)
            }
            I::Tuple(i) => {
                let mut fields = Vec::new();
                for (n, ty) in e[i].types.iter().enumerate() {
                    fields.push(Field {
                        name: n.to_string(),
                        ty: self.ty(*ty)?,
                        offset: 0,
                    });
                }
                TypeKind::Tuple(fields)
            }
            I::Variant(i) => {
                let mut cases = Vec::new();
                for (name, ty) in &e[i].cases {
                    cases.push(Case {
                        name: name.clone(),
                        ty: option(self, ty)?,
                    });
                }
                TypeKind::Variant(cases)
            }
            other => return Err(Error::Unsupported(format!("the type {other:?}"))),
        })
    }

    fn initializer(&mut self, init: &env::GlobalInitializer) -> Result<Option<Initializer>> {
        use env::GlobalInitializer as G;
        Ok(Some(match init {
            G::InstantiateModule(env::InstantiateModule::Static(module, args), _) => {
                let args = args
                    .iter()
                    .map(|def| self.core_def(def))
                    .collect::<Result<_>>()?;
                self.instances.push(Some(*module));
                Initializer::Instantiate {
                    module: module.as_u32(),
                    args,
                }
            }
            G::InstantiateModule(env::InstantiateModule::Import(import, modules), _) => {
                let mut args = Vec::new();
                for (module, items) in modules {
                    for (name, def) in items {
                        args.push((module.clone(), name.clone(), self.core_def(def)?));
                    }
                }
                self.instances.push(None);
                Initializer::InstantiateImport {
                    import: import.as_u32(),
                    args,
                }
            }
            // Lowerings are trampolines; nothing is to be done for them at run time.
            G::LowerImport { .. } | G::ExtractCallback(_) => return Ok(None),
            G::ExtractMemory(m) => Initializer::Memory {
                index: m.index.as_u32(),
                export: self.core_export(&m.export)?,
            },
            G::ExtractRealloc(r) => Initializer::Realloc {
                index: r.index.as_u32(),
                def: self.core_def(&r.def)?,
            },
            G::ExtractPostReturn(p) => Initializer::PostReturn {
                index: p.index.as_u32(),
                def: self.core_def(&p.def)?,
            },
            G::ExtractTable(t) => Initializer::Table {
                index: t.index.as_u32(),
                export: self.core_export(&t.export)?,
            },
            G::Resource(r) => Initializer::Resource {
                resource: self.component.resource_index(r.index).as_u32(),
                dtor: r.dtor.as_ref().map(|def| self.core_def(def)).transpose()?,
            },
        }))
    }

    fn core_def(&mut self, def: &env::CoreDef) -> Result<ir::CoreDef> {
        Ok(match def {
            env::CoreDef::Export(export) => ir::CoreDef::Export(self.core_export(export)?),
            env::CoreDef::Trampoline(index) => ir::CoreDef::Trampoline(index.as_u32()),
            env::CoreDef::InstanceFlags(index) => {
                self.flags_are_globals = true;
                ir::CoreDef::InstanceFlags(index.as_u32())
            }
            env::CoreDef::TaskMayBlock => ir::CoreDef::TaskMayBlock,
            env::CoreDef::UnsafeIntrinsic(i) => {
                let trampoline = ir::Trampoline {
                    params: flat_types(i.core_params())?,
                    results: flat_types(i.core_results())?,
                    kind: intrinsic(i.name()),
                };
                let index = self.trampolines.len() + self.intrinsics.len();
                self.intrinsics.push(trampoline);
                ir::CoreDef::Trampoline(index as u32)
            }
        })
    }

    fn core_export<T: Copy + Into<EntityIndex>>(
        &self,
        export: &env::CoreExport<T>,
    ) -> Result<CoreExport> {
        let name = match &export.item {
            env::ExportItem::Name(name) => name.clone(),
            env::ExportItem::Index(index) => {
                let index: EntityIndex = (*index).into();
                let broken = || {
                    Error::Translate(
                        "an instance has no export of the index it is used by".to_string(),
                    )
                };
                let module = self
                    .instances
                    .get(export.instance.index())
                    .copied()
                    .flatten()
                    .ok_or_else(broken)?;
                let module = &self.modules[module].module;
                let (name, _) = module
                    .exports
                    .iter()
                    .find(|(_, e)| **e == index)
                    .ok_or_else(broken)?;
                module.strings[name].to_string()
            }
        };
        Ok(CoreExport {
            instance: export.instance.as_u32(),
            name,
        })
    }

    fn export(
        &mut self,
        path: Vec<String>,
        index: env::ExportIndex,
        out: &mut Vec<ExportItem>,
    ) -> Result<()> {
        let item = match &self.component.export_items[index] {
            env::Export::LiftedFunction { ty, func, options } => ir::Export::Func {
                ty: self.func(*ty)?,
                func: self.core_def(func)?,
                options: options.as_u32(),
            },
            env::Export::ModuleStatic { index, .. } => ir::Export::Module(index.as_u32()),
            env::Export::ModuleImport { import, .. } => ir::Export::ImportedModule(import.as_u32()),
            env::Export::Instance { exports, .. } => {
                for (name, (index, _)) in exports.raw_iter() {
                    let mut path = path.clone();
                    path.push(name.to_string());
                    self.export(path, *index, out)?;
                }
                return Ok(());
            }
            env::Export::Type(env::TypeDef::Resource(table)) => {
                ir::Export::Resource(ResourceTableId(table.as_u32()))
            }
            env::Export::Type(_) => return Ok(()),
        };
        out.push(ExportItem { path, item });
        Ok(())
    }

    fn trampoline(&mut self, trampoline: &env::Trampoline) -> Result<ir::TrampolineKind> {
        use env::Trampoline as T;
        use ir::TrampolineKind as K;
        Ok(match trampoline {
            T::LowerImport {
                index,
                lower_ty,
                options,
            } => {
                let import = self
                    .component
                    .initializers
                    .iter()
                    .find_map(|init| match init {
                        env::GlobalInitializer::LowerImport { index: i, import } if i == index => {
                            Some(import.as_u32())
                        }
                        _ => None,
                    });
                let import = import.ok_or_else(|| {
                    Error::Translate("a lowered import is never defined".to_string())
                })?;
                K::LowerImport {
                    import,
                    ty: self.func(*lower_ty)?,
                    options: options.as_u32(),
                }
            }
            T::Transcoder {
                op,
                from,
                from64,
                to,
                to64,
            } => {
                if *from64 || *to64 {
                    return Err(Error::Unsupported("64-bit memories".to_string()));
                }
                K::Transcode {
                    op: transcode(*op),
                    from: from.as_u32(),
                    to: to.as_u32(),
                }
            }
            T::ResourceNew { instance, ty } => K::ResourceNew {
                instance: instance.as_u32(),
                table: ResourceTableId(ty.as_u32()),
            },
            T::ResourceRep { instance, ty } => K::ResourceRep {
                instance: instance.as_u32(),
                table: ResourceTableId(ty.as_u32()),
            },
            T::ResourceDrop { instance, ty } => K::ResourceDrop {
                instance: instance.as_u32(),
                table: ResourceTableId(ty.as_u32()),
            },
            T::ResourceTransferOwn => K::ResourceTransferOwn,
            T::ResourceTransferBorrow => K::ResourceTransferBorrow,
            T::EnterSyncCall => K::EnterSyncCall,
            T::ExitSyncCall => K::ExitSyncCall,
            T::Trap => K::Trap(adapter_traps()),
            other => K::Async(other.symbol_name()),
        })
    }

    fn signature(&self, index: ModuleInternedTypeIndex) -> Result<(Vec<FlatType>, Vec<FlatType>)> {
        let ty = self.env[index].unwrap_func();
        Ok((flat_types(ty.params())?, flat_types(ty.results())?))
    }
}

/// The built-ins that wasmtime compiles into its code, by the names it has for them.
fn intrinsic(name: &str) -> ir::TrampolineKind {
    match name {
        "context-get-i32-0" => ir::TrampolineKind::ContextGet(0),
        "context-get-i32-1" => ir::TrampolineKind::ContextGet(1),
        "context-set-i32-0" => ir::TrampolineKind::ContextSet(0),
        "context-set-i32-1" => ir::TrampolineKind::ContextSet(1),
        other => ir::TrampolineKind::Async(other.to_string()),
    }
}

fn flat_types(types: &[WasmValType]) -> Result<Vec<FlatType>> {
    types
        .iter()
        .map(|ty| match ty {
            WasmValType::I32 => Ok(FlatType::I32),
            WasmValType::I64 => Ok(FlatType::I64),
            WasmValType::F32 => Ok(FlatType::F32),
            WasmValType::F64 => Ok(FlatType::F64),
            other => Err(Error::Unsupported(format!(
                "a canonical function of core type {other}"
            ))),
        })
        .collect()
}

fn core_value(ty: &WasmValType) -> CoreValueType {
    match ty {
        WasmValType::I32 => CoreValueType::I32,
        WasmValType::I64 => CoreValueType::I64,
        WasmValType::F32 => CoreValueType::F32,
        WasmValType::F64 => CoreValueType::F64,
        WasmValType::V128 => CoreValueType::V128,
        WasmValType::Ref(ty) => CoreValueType::Ref(match ty.heap_type {
            WasmHeapType::Func if ty.nullable => "funcref".to_string(),
            WasmHeapType::Extern if ty.nullable => "externref".to_string(),
            WasmHeapType::Exn if ty.nullable => "exnref".to_string(),
            _ => ty.to_string(),
        }),
    }
}

fn canonical_options(options: &env::CanonicalOptions) -> Result<ir::CanonicalOptions> {
    let (memory, realloc) = match &options.data_model {
        env::CanonicalOptionsDataModel::LinearMemory(o) => (o.memory, o.realloc),
        env::CanonicalOptionsDataModel::Gc {} => {
            return Err(Error::Unsupported("garbage-collected values".to_string()));
        }
    };
    Ok(ir::CanonicalOptions {
        instance: options.instance.as_u32(),
        string_encoding: match options.string_encoding {
            env::StringEncoding::Utf8 => ir::StringEncoding::Utf8,
            env::StringEncoding::Utf16 => ir::StringEncoding::Utf16,
            env::StringEncoding::CompactUtf16 => ir::StringEncoding::CompactUtf16,
        },
        memory: memory.map(|m| m.as_u32()),
        realloc: realloc.map(|r| r.as_u32()),
        post_return: options.post_return.map(|p| p.as_u32()),
        is_async: options.async_,
    })
}

fn transcode(op: env::Transcode) -> ir::Transcode {
    use env::{FixedEncoding, Transcode as T};
    match op {
        T::Copy(FixedEncoding::Utf8) => ir::Transcode::CopyUtf8,
        T::Copy(FixedEncoding::Utf16) => ir::Transcode::CopyUtf16,
        T::Copy(FixedEncoding::Latin1) => ir::Transcode::CopyLatin1,
        T::Latin1ToUtf16 => ir::Transcode::Latin1ToUtf16,
        T::Latin1ToUtf8 => ir::Transcode::Latin1ToUtf8,
        T::Utf16ToCompactProbablyUtf16 => ir::Transcode::Utf16ToCompactProbablyUtf16,
        T::Utf16ToCompactUtf16 => ir::Transcode::Utf16ToCompactUtf16,
        T::Utf16ToLatin1 => ir::Transcode::Utf16ToLatin1,
        T::Utf16ToUtf8 => ir::Transcode::Utf16ToUtf8,
        T::Utf8ToCompactUtf16 => ir::Transcode::Utf8ToCompactUtf16,
        T::Utf8ToLatin1 => ir::Transcode::Utf8ToLatin1,
        T::Utf8ToUtf16 => ir::Transcode::Utf8ToUtf16,
    }
}

/// What an adapter between two components means by each number it can trap with.
fn adapter_traps() -> Vec<String> {
    (0..=u8::MAX)
        .map_while(wasmtime_environ::Trap::from_u8)
        .map(|trap| trap.to_string())
        .collect()
}
