//! Resources: things that are passed by handle.
//!
//! A guest never sees a resource itself, only a handle: an index into a table of its component instance. The table says
//! which resource type the handle is of, whether it owns or borrows, and the *representation*, a 32-bit number that
//! means something only to whoever defines the type. On the host's side [`Resource<T>`] carries the representation
//! of a resource that the host defines, which is usually an index into a [`ResourceTable`]; [`ResourceAny`] stands for a
//! resource that a guest defines.
//!
//! Source: component-model, CanonicalABI ("Resource State").

use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::store::{AsContextMut, InstanceId};
use crate::typed::{ComponentType, Lift, Lower};
use crate::types::{Abi, FlatType, ResourceTableId, Type, Types};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::marker::PhantomData;

/// Which resource a type is: two are the same exactly when these are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResourceType(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Host(TypeId),
    Guest { instance: InstanceId, resource: u32 },
}

impl ResourceType {
    /// A resource that the host defines; `T` only gives it an identity.
    pub fn host<T: 'static>() -> ResourceType {
        ResourceType(Kind::Host(TypeId::of::<T>()))
    }

    pub(crate) fn guest(instance: InstanceId, resource: u32) -> ResourceType {
        ResourceType(Kind::Guest { instance, resource })
    }

    /// The instance that defines it, and its number there.
    pub(crate) fn definer(self) -> Option<(InstanceId, u32)> {
        match self.0 {
            Kind::Guest { instance, resource } => Some((instance, resource)),
            Kind::Host(_) => None,
        }
    }
}

/// What a guest's handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub ty: ResourceType,
    pub rep: u32,
    /// How many running calls it is lent to.
    pub lends: u32,
    pub kind: HandleKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandleKind {
    /// Owns the resource.
    Own,
    /// Borrows it for the length of the call with that number.
    Borrow { scope: usize },
}

/// The handles of one component instance. Index 0 is never valid.
#[derive(Debug, Default)]
pub(crate) struct HandleTable {
    slots: Vec<Option<Handle>>,
    free: Vec<u32>,
}

/// Most handles of one table, by the specification.
const MAX_HANDLES: usize = (1 << 28) - 1;

impl HandleTable {
    pub fn insert(&mut self, handle: Handle) -> Result<u32> {
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize - 1)
        {
            *slot = Some(handle);
            return Ok(index);
        }
        if self.slots.len() >= MAX_HANDLES {
            return Err(Error::trap(
                "too many resource handles in one component instance",
            ));
        }
        self.slots.push(Some(handle));
        Ok(self.slots.len() as u32)
    }

    /// A handle of the given type.
    pub fn get(&mut self, index: u32, ty: ResourceType) -> Result<&mut Handle> {
        let slot = (index as usize)
            .checked_sub(1)
            .and_then(|i| self.slots.get_mut(i));
        match slot.and_then(Option::as_mut) {
            None => Err(Error::trap(format!("unknown handle index {index}"))),
            Some(handle) if handle.ty != ty => Err(Error::trap(format!(
                "handle index {index} used with the wrong type, expected a different resource"
            ))),
            Some(handle) => Ok(handle),
        }
    }

    /// Takes a handle of the given type out of the table.
    pub fn remove(&mut self, index: u32, ty: ResourceType) -> Result<Handle> {
        let handle = *self.get(index, ty)?;
        if handle.lends > 0 {
            return Err(Error::trap(format!(
                "cannot remove owned resource while borrowed (handle index {index})"
            )));
        }
        if let Some(slot) = self.slots.get_mut(index as usize - 1) {
            *slot = None;
        }
        self.free.push(index);
        Ok(handle)
    }

    /// Takes an owning handle of the given type out of the table; gives its representation.
    pub fn remove_own(&mut self, index: u32, ty: ResourceType) -> Result<u32> {
        if let HandleKind::Borrow { .. } = self.get(index, ty)?.kind {
            return Err(Error::trap(format!(
                "handle index {index} is a borrow and cannot be passed as owned"
            )));
        }
        Ok(self.remove(index, ty)?.rep)
    }
}

/// A resource that the host defines, as it crosses the boundary.
///
/// `T` is the marker that the resource was defined with ([`crate::LinkerInstance::resource`]). The representation is whatever
/// the host chose, usually an index of a [`ResourceTable`].
pub struct Resource<T> {
    rep: u32,
    owned: bool,
    marker: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource")
            .field("rep", &self.rep)
            .field("owned", &self.owned)
            .finish()
    }
}

impl<T: 'static> Resource<T> {
    /// A resource that whoever it is passed to will own.
    pub fn new_own(rep: u32) -> Resource<T> {
        Resource {
            rep,
            owned: true,
            marker: PhantomData,
        }
    }

    /// A resource that is lent for the length of a call.
    pub fn new_borrow(rep: u32) -> Resource<T> {
        Resource {
            rep,
            owned: false,
            marker: PhantomData,
        }
    }

    /// The representation.
    pub fn rep(&self) -> u32 {
        self.rep
    }

    /// Whether it came, or was made, as `own`.
    pub fn owned(&self) -> bool {
        self.owned
    }
}

impl<T: 'static> ComponentType for Resource<T> {
    const ABI: Abi = Abi::scalar(4);

    fn flat_types(out: &mut Vec<FlatType>) {
        out.push(FlatType::I32);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match ty {
            Type::Own(_) | Type::Borrow(_) => Ok(()),
            other => Err(TypeMismatch::new("own or borrow", types.display(other))),
        }
    }
}

fn not_a_handle() -> Error {
    Error::trap("a handle's type is not a resource")
}

impl LowerContext<'_> {
    /// Puts an owning handle into the guest's table; gives its index.
    pub(crate) fn lower_own(
        &mut self,
        table: ResourceTableId,
        ty: ResourceType,
        rep: u32,
    ) -> Result<u32> {
        let (id, component_instance) = (self.instance, self.options.instance);
        let state = self.runtime().instance(id)?;
        state.expect_resource(table, ty)?;
        state.handles(component_instance)?.insert(Handle {
            ty,
            rep,
            lends: 0,
            kind: HandleKind::Own,
        })
    }

    /// Lends a resource for the length of the running call; gives what the guest sees of it.
    pub(crate) fn lower_borrow(
        &mut self,
        table: ResourceTableId,
        ty: ResourceType,
        rep: u32,
    ) -> Result<u32> {
        let (id, component_instance) = (self.instance, self.options.instance);
        let runtime = self.runtime();
        let state = runtime.instance(id)?;
        let definer = state.expect_resource(table, ty)?;
        if definer == Some(component_instance) {
            // To the instance that defines the type a borrow is the representation itself.
            return Ok(rep);
        }
        let Some(scope) = runtime.scopes.len().checked_sub(1) else {
            return Err(Error::Resource(
                "a resource can be lent only to a call, not returned".to_string(),
            ));
        };
        let handle = Handle {
            ty,
            rep,
            lends: 0,
            kind: HandleKind::Borrow { scope },
        };
        let index = runtime
            .instance(id)?
            .handles(component_instance)?
            .insert(handle)?;
        if let Some(scope) = runtime.scopes.last_mut() {
            scope.borrows += 1;
        }
        Ok(index)
    }
}

impl LiftContext<'_> {
    /// Takes an owning handle out of the guest's table; gives the resource's type and representation.
    pub(crate) fn lift_own(
        &mut self,
        table: ResourceTableId,
        index: u32,
    ) -> Result<(ResourceType, u32)> {
        let component_instance = self.options.instance;
        let state = self.runtime.instance(self.instance)?;
        let ty = state.resource_type(table)?;
        Ok((
            ty,
            state.handles(component_instance)?.remove_own(index, ty)?,
        ))
    }

    /// Looks up a handle that the guest lends for the length of the running call.
    pub(crate) fn lift_borrow(
        &mut self,
        table: ResourceTableId,
        index: u32,
    ) -> Result<(ResourceType, u32)> {
        let (id, component_instance) = (self.instance, self.options.instance);
        self.runtime.lend(id, component_instance, table, index)
    }
}

impl<T: 'static> Resource<T> {
    fn lower(&self, cx: &mut LowerContext<'_>, ty: Type) -> Result<u32> {
        match ty {
            Type::Own(_) if !self.owned => Err(Error::Resource(
                "a borrowed resource was passed where an owned one is wanted".to_string(),
            )),
            Type::Own(table) => cx.lower_own(table, ResourceType::host::<T>(), self.rep),
            Type::Borrow(table) => cx.lower_borrow(table, ResourceType::host::<T>(), self.rep),
            _ => Err(not_a_handle()),
        }
    }

    fn lift(cx: &mut LiftContext<'_>, ty: Type, index: u32) -> Result<Self> {
        let ((found, rep), owned) = match ty {
            Type::Own(table) => (cx.lift_own(table, index)?, true),
            Type::Borrow(table) => (cx.lift_borrow(table, index)?, false),
            _ => return Err(not_a_handle()),
        };
        if found != ResourceType::host::<T>() {
            return Err(Error::Resource(format!(
                "a resource of another type was passed where the host has {}",
                std::any::type_name::<T>()
            )));
        }
        Ok(Resource {
            rep,
            owned,
            marker: PhantomData,
        })
    }
}

impl<T: 'static> Lower for Resource<T> {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
        dst.push(u64::from(self.lower(cx, ty)?));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        let index = self.lower(cx, ty)?;
        cx.write(offset, &index.to_le_bytes())
    }
}

impl<T: 'static> Lift for Resource<T> {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let index = src.pop_u32()?;
        Resource::lift(cx, ty, index)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        let index = u32::load(cx, Type::U32, bytes)?;
        Resource::lift(cx, ty, index)
    }
}

/// Resources of guests that the host holds.
#[derive(Debug, Default)]
pub(crate) struct HostHandles {
    next: u64,
    owned: HashMap<u64, u32>,
}

/// A resource of any type, held by the host: the way to hold one that a guest defines.
///
/// It is only a number: dropping it does nothing. An owned one must be given back to a guest or dropped with
/// [`ResourceAny::resource_drop`], or it lives until its store ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceAny {
    ty: ResourceType,
    held: Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Own(u64),
    Borrow(u32),
}

impl ResourceAny {
    /// Which resource it is.
    pub fn ty(&self) -> ResourceType {
        self.ty
    }

    /// Whether the host owns it.
    pub fn owned(&self) -> bool {
        matches!(self.held, Held::Own(_))
    }

    /// Ends an owned resource: runs its destructor in the guest that defines it.
    ///
    /// # Errors
    /// [`Error::Resource`] when it was given away or dropped before; whatever the destructor traps with.
    pub fn resource_drop(self, mut store: impl AsContextMut) -> Result<()> {
        let mut cx = store.as_context_mut();
        let Held::Own(number) = self.held else {
            return Ok(());
        };
        let rep = cx
            .runtime()
            .host_handles
            .owned
            .remove(&number)
            .ok_or_else(gone)?;
        match self.ty.definer() {
            Some((instance, resource)) => {
                crate::func::run_destructor(&mut cx, instance, resource, rep)
            }
            None => Ok(()),
        }
    }

    fn lower(self, cx: &mut LowerContext<'_>, ty: Type) -> Result<u32> {
        match (ty, self.held) {
            (Type::Own(table), Held::Own(number)) => {
                let rep = *cx
                    .runtime()
                    .host_handles
                    .owned
                    .get(&number)
                    .ok_or_else(gone)?;
                let index = cx.lower_own(table, self.ty, rep)?;
                // Only now is it the guest's: a guest that cannot take it must not cost the host its resource.
                cx.runtime().host_handles.owned.remove(&number);
                Ok(index)
            }
            (Type::Borrow(table), Held::Own(number)) => {
                let rep = *cx
                    .runtime()
                    .host_handles
                    .owned
                    .get(&number)
                    .ok_or_else(gone)?;
                cx.lower_borrow(table, self.ty, rep)
            }
            (Type::Borrow(table), Held::Borrow(rep)) => cx.lower_borrow(table, self.ty, rep),
            (Type::Own(_), Held::Borrow(_)) => Err(Error::Resource(
                "a borrowed resource was passed where an owned one is wanted".to_string(),
            )),
            _ => Err(not_a_handle()),
        }
    }

    fn lift(cx: &mut LiftContext<'_>, ty: Type, index: u32) -> Result<Self> {
        match ty {
            Type::Own(table) => {
                let (ty, rep) = cx.lift_own(table, index)?;
                let handles = &mut cx.runtime.host_handles;
                let number = handles.next;
                handles.next += 1;
                handles.owned.insert(number, rep);
                Ok(ResourceAny {
                    ty,
                    held: Held::Own(number),
                })
            }
            Type::Borrow(table) => {
                let (ty, rep) = cx.lift_borrow(table, index)?;
                Ok(ResourceAny {
                    ty,
                    held: Held::Borrow(rep),
                })
            }
            _ => Err(not_a_handle()),
        }
    }
}

fn gone() -> Error {
    Error::Resource("the resource was given away or dropped before".to_string())
}

impl ComponentType for ResourceAny {
    const ABI: Abi = Abi::scalar(4);

    fn flat_types(out: &mut Vec<FlatType>) {
        out.push(FlatType::I32);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        Resource::<()>::typecheck(ty, types)
    }
}

impl Lower for ResourceAny {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
        dst.push(u64::from(self.lower(cx, ty)?));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        let index = self.lower(cx, ty)?;
        cx.write(offset, &index.to_le_bytes())
    }
}

impl Lift for ResourceAny {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let index = src.pop_u32()?;
        ResourceAny::lift(cx, ty, index)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        let index = u32::load(cx, Type::U32, bytes)?;
        ResourceAny::lift(cx, ty, index)
    }
}

/// The host's things behind the resources it defines, by representation.
pub struct ResourceTable {
    slots: Vec<Option<Box<dyn Any + Send>>>,
    free: Vec<u32>,
    limit: usize,
}

impl Default for ResourceTable {
    fn default() -> ResourceTable {
        ResourceTable::with_limit(MAX_HANDLES)
    }
}

impl std::fmt::Debug for ResourceTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourceTable")
            .field("live", &(self.slots.len() - self.free.len()))
            .finish()
    }
}

impl ResourceTable {
    /// An empty table.
    pub fn new() -> ResourceTable {
        ResourceTable::default()
    }

    /// An empty table that never holds more than `limit` things: what a guest asks for costs the host memory.
    pub fn with_limit(limit: usize) -> ResourceTable {
        ResourceTable {
            slots: Vec::new(),
            free: Vec::new(),
            limit: limit.min(MAX_HANDLES),
        }
    }

    /// Adds a thing; gives the resource that stands for it, owned.
    ///
    /// # Errors
    /// [`Error::Resource`] when the table is full.
    pub fn push<T: Send + 'static>(&mut self, thing: T) -> Result<Resource<T>> {
        let thing = Box::new(thing);
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            *slot = Some(thing);
            return Ok(Resource::new_own(index));
        }
        let index = u32::try_from(self.slots.len())
            .ok()
            .filter(|i| (*i as usize) < self.limit);
        let index = index
            .ok_or_else(|| Error::Resource("the host's resource table is full".to_string()))?;
        self.slots.push(Some(thing));
        Ok(Resource::new_own(index))
    }

    /// The thing behind a resource.
    ///
    /// # Errors
    /// [`Error::Resource`] when there is none of that type.
    pub fn get<T: Send + 'static>(&self, resource: &Resource<T>) -> Result<&T> {
        let thing = self
            .slots
            .get(resource.rep as usize)
            .and_then(Option::as_ref);
        thing
            .and_then(|t| t.downcast_ref())
            .ok_or_else(|| missing::<T>(resource.rep))
    }

    /// The thing behind a resource, to be changed.
    ///
    /// # Errors
    /// [`Error::Resource`] when there is none of that type.
    pub fn get_mut<T: Send + 'static>(&mut self, resource: &Resource<T>) -> Result<&mut T> {
        let thing = self
            .slots
            .get_mut(resource.rep as usize)
            .and_then(Option::as_mut);
        thing
            .and_then(|t| t.downcast_mut())
            .ok_or_else(|| missing::<T>(resource.rep))
    }

    /// Takes the thing behind a resource out of the table.
    ///
    /// # Errors
    /// [`Error::Resource`] when there is none of that type.
    pub fn delete<T: Send + 'static>(&mut self, resource: Resource<T>) -> Result<T> {
        self.get(&resource)?;
        let thing = self
            .slots
            .get_mut(resource.rep as usize)
            .and_then(Option::take);
        let thing = thing
            .and_then(|t| t.downcast().ok())
            .ok_or_else(|| missing::<T>(resource.rep))?;
        self.free.push(resource.rep);
        Ok(*thing)
    }
}

fn missing<T>(rep: u32) -> Error {
    Error::Resource(format!(
        "there is no {} with the number {rep}",
        std::any::type_name::<T>()
    ))
}
