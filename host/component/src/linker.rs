//! The linker: what the host offers to components, and how their imports find it.
//!
//! Definitions are by interface name and item name. An import is satisfied by a definition of the same name or, failing that,
//! of the highest version on the same track (`names`); its type is checked when it is linked, so that a call
//! needs no checks. What a component imports and nobody ever refers to need not be defined.

mod check;
mod pre;

pub use pre::InstancePre;

use crate::component::Component;
use crate::core_link::{CoreImport, CoreLink, CoreProvider, Provided};
use crate::error::{Error, LinkError, Result, TypeMismatch};
use crate::func::run_destructor;
use crate::instance::{HostDestructor, Instance, missing_import};
use crate::module::Module;
use crate::names;
use crate::resource::ResourceType;
use crate::store::{AsContextMut, StoreContextMut};
use crate::trampoline::{HostCall, HostFunc};
use crate::typed::{LiftParams, LowerResult};
use crate::types::{ExternType, FuncType, Types};
use crate::val::Val;
use std::marker::PhantomData;
use std::sync::Arc;
use wasmer::AsStoreMut;

/// What an import was resolved to.
#[derive(Clone)]
pub(crate) enum Definition {
    Func(HostFunc),
    Resource(ResourceType, HostDestructor),
    Module(Module),
    /// Nothing that anybody refers to at run time.
    Nothing,
}

/// Whether a function's type is the one that the host has.
type Check = Arc<dyn Fn(&FuncType, &Types) -> Result<(), TypeMismatch> + Send + Sync>;

#[derive(Clone)]
enum Item {
    Func(HostFunc, Check),
    Resource(ResourceType, HostDestructor),
    Module(Module),
    Instance(Vec<(String, Item)>),
}

impl Item {
    fn kind(&self) -> &'static str {
        match self {
            Item::Func(..) => "function",
            Item::Resource(..) => "resource",
            Item::Module(_) => "core module",
            Item::Instance(_) => "instance",
        }
    }
}

/// Holds what the host offers, and instantiates components with it.
///
/// ```
/// use wasmer_component::{Component, Config, Engine, Linker, Store, StoreContextMut};
/// let engine = Engine::new(&Config::new())?;
/// let component = Component::new(&engine, &wat::parse_str(r#"
///     (component
///       (import "next" (func $next (result u32)))
///       (core func $next-core (canon lower (func $next)))
///       (core module $m
///         (import "" "next" (func $next (result i32)))
///         (func (export "twice") (result i32) (drop (call $next)) (call $next)))
///       (core instance $i (instantiate $m (with "" (instance (export "next" (func $next-core))))))
///       (func (export "twice") (result u32) (canon lift (core func $i "twice"))))
/// "#).unwrap())?;
///
/// let mut linker = Linker::<u32>::new(&engine);
/// linker.root().func_wrap("next", |mut cx: StoreContextMut<'_, u32>, (): ()| {
///     *cx.data_mut() += 1;
///     Ok((*cx.data(),))
/// })?;
/// let mut store = Store::new(&engine, 40)?;
/// let instance = linker.instantiate(&mut store, &component)?;
/// let twice = instance.get_typed_func::<(), (u32,)>(&mut store, "twice")?;
/// assert_eq!(twice.call(&mut store, ())?, (42,));
/// # Ok::<(), wasmer_component::Error>(())
/// ```
pub struct Linker<T> {
    items: Vec<(String, Item)>,
    core: Option<CoreProvider>,
    shadowing: bool,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker {
            items: self.items.clone(),
            core: self.core.clone(),
            shadowing: self.shadowing,
            data: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.items.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<T: Send + 'static> Linker<T> {
    /// A linker that offers nothing.
    pub fn new(_engine: &crate::Engine) -> Linker<T> {
        Linker {
            items: Vec::new(),
            core: None,
            shadowing: false,
            data: PhantomData,
        }
    }

    /// Whether a definition may replace one of the same name. By default it may not.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    /// What components import without an interface.
    pub fn root(&mut self) -> LinkerInstance<'_, T> {
        LinkerInstance {
            name: String::new(),
            items: &mut self.items,
            shadowing: self.shadowing,
            data: PhantomData,
        }
    }

    /// An interface that components import, `ns:pkg/interface@version`; it is added if it is not there.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is that of a function or resource.
    pub fn instance(&mut self, name: &str) -> Result<LinkerInstance<'_, T>> {
        let items = nested(&mut self.items, name, name.to_string())?;
        Ok(LinkerInstance {
            name: name.to_string(),
            items,
            shadowing: self.shadowing,
            data: PhantomData,
        })
    }

    /// Says who gives core modules what they import beside their world (see [`Component::from_core_module`]): a closure that
    /// runs when one of them is about to be instantiated. It is told what is imported, in order, and puts a function into the
    /// [`CoreLink`] for each, in that order. It takes the place of one given before; components are no concern of it.
    pub fn core_imports<F>(&mut self, provide: F) -> &mut Self
    where
        F: Fn(StoreContextMut<'_, T>, &[CoreImport<'_>], &mut CoreLink<T>) -> Result<()>
            + Send
            + Sync
            + 'static,
    {
        self.core = Some(Arc::new(move |store, runtime, imports| {
            let mut link = CoreLink::default();
            provide(StoreContextMut::new(store, runtime), imports, &mut link)?;
            Ok(Provided::from(link))
        }));
        self
    }

    /// Whether an interface is satisfied by what is defined, in any version that would do.
    pub fn offers(&self, interface: &str) -> bool {
        names::find(&self.items, interface).is_some()
    }

    /// Instantiates a component with what this linker offers.
    ///
    /// # Errors
    /// [`Error::Link`] naming the first import that is missing or of another type; [`Error::Engine`] when the store, the component
    /// or a core module were made with different engines; [`Error::Trap`] when a start
    /// function traps; [`Error::Limit`] when the store's limits do not allow the component's memories.
    pub fn instantiate(
        &self,
        store: impl AsContextMut<Data = T>,
        component: &Component,
    ) -> Result<Instance> {
        self.instantiate_pre(component)?.instantiate(store)
    }

    /// Finds a definition for everything that the component refers to.
    fn resolve(&self, component: &Component) -> Result<Vec<Definition>> {
        let ir = &component.inner.ir;
        ir.runtime_imports
            .iter()
            .map(|import| {
                let (name, ty) = ir.imports.get(import.import as usize).ok_or_else(|| {
                    Error::Engine("an import is not in the component's list".to_string())
                })?;
                self.resolve_one(&ir.types, name, ty, &import.path)
            })
            .collect()
    }

    fn resolve_one(
        &self,
        types: &Types,
        name: &str,
        ty: &ExternType,
        path: &[String],
    ) -> Result<Definition> {
        let mut full = name.to_string();
        let mut ty = ty;
        let mut item = match names::find(&self.items, name) {
            Some((_, item)) => item,
            None => {
                let near = self
                    .items
                    .iter()
                    .find(|(n, _)| names::base(n) == names::base(name));
                return Err(missing_import(
                    full,
                    ty.kind(),
                    near.map(|(n, _)| n.clone()),
                ));
            }
        };
        for step in path {
            let (ExternType::Instance(wanted), Item::Instance(items)) = (ty, item) else {
                return Err(kind_error(full, ty.kind(), item.kind()));
            };
            full = format!("{full}#{step}");
            ty = wanted
                .iter()
                .find(|(n, _)| n == step)
                .map_or(ty, |(_, ty)| ty);
            item = match items.iter().find(|(n, _)| n == step) {
                Some((_, item)) => item,
                None => return Err(missing_import(full, ty.kind(), None)),
            };
        }
        match (ty, item) {
            (ExternType::Func(id), Item::Func(func, check)) => {
                let func_ty = types
                    .func(*id)
                    .ok_or_else(|| Error::Engine("an import has no type".to_string()))?;
                check(func_ty, types).map_err(|mismatch| LinkError::Type {
                    import: full,
                    mismatch,
                })?;
                Ok(Definition::Func(func.clone()))
            }
            (ExternType::Resource(_), Item::Resource(ty, dtor)) => {
                Ok(Definition::Resource(*ty, dtor.clone()))
            }
            (ExternType::Module(wanted), Item::Module(module)) => {
                let offered = module.ty();
                wanted
                    .satisfied_by(&offered)
                    .map_err(|mismatch| LinkError::Type {
                        import: full,
                        mismatch,
                    })?;
                Ok(Definition::Module(module.clone()))
            }
            (ExternType::Type(_), _) | (ExternType::Instance(_), Item::Instance(_)) => {
                Ok(Definition::Nothing)
            }
            (ty, item) => Err(kind_error(full, ty.kind(), item.kind())),
        }
    }
}

fn kind_error(import: String, wanted: &'static str, defined: &'static str) -> Error {
    Error::Link(LinkError::Kind {
        import,
        wanted,
        defined,
    })
}

/// One interface, or the root, of a [`Linker`], to define things in.
pub struct LinkerInstance<'a, T> {
    name: String,
    items: &'a mut Vec<(String, Item)>,
    shadowing: bool,
    data: PhantomData<fn() -> T>,
}

impl<'a, T: Send + 'static> LinkerInstance<'a, T> {
    /// Defines a function with Rust types. The closure gets the store and the parameters as a tuple; it returns the result
    /// as a tuple of one, or `()`. An error it returns ends the guest's call with that error.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn func_wrap<P, R, F>(&mut self, name: &str, func: F) -> Result<&mut Self>
    where
        P: LiftParams + 'static,
        R: LowerResult + 'static,
        F: Fn(StoreContextMut<'_, T>, P) -> Result<R> + Send + Sync + 'static,
    {
        let host: HostFunc = Arc::new(move |call: &mut HostCall<'_>| {
            let ty = call.ty;
            let params = call.params(
                |cx, src| P::lift_params(cx, &ty.params, src),
                |cx, bytes| P::load_params(cx, &ty.params, bytes),
            )?;
            let runtime = call.runtime.clone();
            let result = func(
                StoreContextMut::new(call.store.as_store_mut(), runtime),
                params,
            )?;
            call.finish(
                R::ABI,
                |cx, dst| result.lower_result(cx, ty.result, dst),
                |cx, ptr| result.store_result(cx, ty.result, ptr),
            )
        });
        let check: Check = Arc::new(|ty, types| {
            P::typecheck_params(&ty.params, types)?;
            R::typecheck_result(ty.result, types)
        });
        self.define(name, Item::Func(host, check))
    }

    /// Defines a function of any type with dynamic values. The closure gets the store, the function's type and the
    /// parameters, and returns the result if the type has one.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn func_new<F>(&mut self, name: &str, func: F) -> Result<&mut Self>
    where
        F: Fn(StoreContextMut<'_, T>, &FuncType, &[Val]) -> Result<Option<Val>>
            + Send
            + Sync
            + 'static,
    {
        let full = self.full_name(name);
        let host: HostFunc = Arc::new(move |call: &mut HostCall<'_>| {
            let (ty, types) = (call.ty, &call.component.ir.types);
            let params = call.params(
                |cx, src| {
                    ty.params
                        .iter()
                        .map(|p| Val::lift_flat(cx, p.ty, src))
                        .collect::<Result<Vec<_>>>()
                },
                |cx, bytes| Val::load_fields(cx, &ty.params, bytes),
            )?;
            let runtime = call.runtime.clone();
            let result = func(
                StoreContextMut::new(call.store.as_store_mut(), runtime),
                ty,
                &params,
            )?;
            let (result, result_ty) = match (result, ty.result) {
                (None, None) => return Ok(()),
                (Some(result), Some(ty)) => (result, ty),
                (result, _) => {
                    let found = if result.is_some() {
                        "a result"
                    } else {
                        "no result"
                    };
                    let mismatch = TypeMismatch::new(found, types.display_func(ty));
                    return Err(Error::Type {
                        function: full.clone(),
                        mismatch,
                    });
                }
            };
            result.check(result_ty, types).map_err(|m| Error::Type {
                function: full.clone(),
                mismatch: m.within("result"),
            })?;
            call.finish(
                types.abi(result_ty),
                |cx, dst| result.lower_flat(cx, result_ty, dst),
                |cx, ptr| result.store(cx, result_ty, ptr),
            )
        });
        self.define(name, Item::Func(host, Arc::new(|_, _| Ok(()))))
    }

    /// Defines a resource type. `R` gives it its identity: [`crate::Resource<R>`] is how it appears in functions. The closure runs
    /// when a guest drops an owned handle, with the representation that the host chose.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn resource<R: 'static>(
        &mut self,
        name: &str,
        destructor: impl Fn(StoreContextMut<'_, T>, u32) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        let destructor: HostDestructor = Arc::new(move |store, runtime, rep| {
            destructor(StoreContextMut::new(store, runtime), rep)
        });
        self.define(name, Item::Resource(ResourceType::host::<R>(), destructor))
    }

    /// Defines a resource type that an instance exports ([`Instance::get_resource`]), so that others can import it. A handle that
    /// they drop ends the resource where it is defined. Only for instances of the same store.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn resource_type(&mut self, name: &str, ty: ResourceType) -> Result<&mut Self> {
        let destructor: HostDestructor = Arc::new(move |store, runtime, rep| {
            let mut cx = StoreContextMut::<T>::new(store, runtime);
            match ty.definer() {
                Some((instance, resource)) => run_destructor(&mut cx, instance, resource, rep),
                None => Ok(()),
            }
        });
        self.define(name, Item::Resource(ty, destructor))
    }

    /// Defines a core module, which components instantiate by themselves. Its type is checked when a component is linked.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn module(&mut self, name: &str, module: &Module) -> Result<&mut Self> {
        self.define(name, Item::Module(module.clone()))
    }

    /// An instance inside this one.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is that of a function or resource.
    pub fn instance(&mut self, name: &str) -> Result<LinkerInstance<'_, T>> {
        let (full, shadowing) = (self.full_name(name), self.shadowing);
        let items = nested(self.items, name, full.clone())?;
        Ok(LinkerInstance {
            name: full,
            items,
            shadowing,
            data: PhantomData,
        })
    }

    fn full_name(&self, name: &str) -> String {
        match self.name.as_str() {
            "" => name.to_string(),
            interface => format!("{interface}#{name}"),
        }
    }

    fn define(&mut self, name: &str, item: Item) -> Result<&mut Self> {
        match self.items.iter_mut().find(|(n, _)| n == name) {
            Some((_, place)) if self.shadowing => *place = item,
            Some(_) => return Err(Error::Link(LinkError::Duplicate(self.full_name(name)))),
            None => self.items.push((name.to_string(), item)),
        }
        Ok(self)
    }
}

/// The items of an instance among others; it is added if it is not there.
fn nested<'a>(
    items: &'a mut Vec<(String, Item)>,
    name: &str,
    full: String,
) -> Result<&'a mut Vec<(String, Item)>> {
    let index = match items.iter().position(|(n, _)| n == name) {
        Some(index) => index,
        None => {
            items.push((name.to_string(), Item::Instance(Vec::new())));
            items.len() - 1
        }
    };
    match items.get_mut(index) {
        Some((_, Item::Instance(items))) => Ok(items),
        Some((_, other)) => Err(kind_error(full, "instance", other.kind())),
        None => Err(Error::Engine("the linker lost an item".to_string())),
    }
}
