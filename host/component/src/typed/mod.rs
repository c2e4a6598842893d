//! Typed values: Rust types that stand for component types.
//!
//! [`ComponentType`] says what a type looks like and checks it against the component's own once, when a function is looked
//! up or an import is linked; after that, [`Lower`] and [`Lift`] run without looking at types again, except to find
//! out which resource a handle is of. Records, variants, enums and flags of the embedder's get these traits by derive.
//!
//! Sequences have hooks of their own ([`Lower::lower_list`], [`Lift::lift_list`]): bytes and other primitives cross
//! in one copy, never element by element.

mod bytes;
mod compound;
pub mod derived;
mod primitives;

pub use bytes::{FillBytes, GuestMemory, LentBytes, LentStr};
pub use compound::{lift_discriminant, load_discriminant, store_discriminant};

use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::types::{Abi, FlatType, Type, Types};

/// A Rust type that stands for a component type.
///
/// Implemented by derive, or by the types of this crate.
pub trait ComponentType {
    /// Size, alignment and flat count. Must be those of every component type that [`ComponentType::typecheck`] accepts.
    const ABI: Abi;

    /// The core values it flattens to, appended in order.
    fn flat_types(out: &mut Vec<FlatType>);

    /// Whether the component's type is this one.
    ///
    /// # Errors
    /// The place and the kind of the difference.
    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch>;
}

/// A value that can be passed into a guest.
pub trait Lower: ComponentType {
    /// Passes it as core values. Writes exactly as many slots as [`ComponentType::ABI`] says.
    ///
    /// # Errors
    /// A trap of the guest's `realloc`, or a handle that is not valid.
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()>;

    /// Writes it to the guest's memory at `offset`, which is aligned and in bounds.
    ///
    /// # Errors
    /// As [`Lower::lower_flat`].
    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()>;

    /// Writes a list of such values to the guest's memory; gives its pointer and length. `element` is their type.
    ///
    /// # Errors
    /// As [`Lower::lower_flat`].
    fn lower_list(items: &[Self], cx: &mut LowerContext<'_>, element: Type) -> Result<(u32, u32)>
    where
        Self: Sized,
    {
        let size = Self::ABI.size as usize;
        let bytes = items
            .len()
            .checked_mul(size)
            .ok_or_else(|| Error::trap("a list is larger than a 32-bit memory"))?;
        let ptr = cx.alloc(Self::ABI.align, bytes)?;
        for (i, item) in items.iter().enumerate() {
            item.store(cx, element, ptr + (i * size) as u32)?;
        }
        Ok((ptr, items.len() as u32))
    }
}

/// A value that can be taken out of a guest.
pub trait Lift: ComponentType + Sized {
    /// Takes it from core values. Reads exactly as many slots as [`ComponentType::ABI`] says.
    ///
    /// # Errors
    /// A trap when the guest's value is not one of the type.
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self>;

    /// Takes it from the guest's memory; `bytes` are the value's own, as many as [`ComponentType::ABI`] says.
    ///
    /// # Errors
    /// As [`Lift::lift_flat`].
    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self>;

    /// Takes a list of such values from the guest's memory. `element` is their type.
    ///
    /// # Errors
    /// As [`Lift::lift_flat`].
    fn lift_list(cx: &mut LiftContext<'_>, element: Type, ptr: u32, len: u32) -> Result<Vec<Self>> {
        let abi = Self::ABI;
        let bytes = cx.list(ptr, len, abi.size, abi.align)?;
        cx.charge_elements(len, abi.size, size_of::<Self>())?;
        if abi.size == 0 {
            return (0..len).map(|_| Self::load(cx, element, &[])).collect();
        }
        bytes
            .chunks_exact(abi.size as usize)
            .map(|item| Self::load(cx, element, item))
            .collect()
    }
}

/// The parameters of a function, as a tuple. Implemented for tuples of up to 16 [`ComponentType`]s.
///
/// # Safety is not at stake
/// An implementation that is wrong makes calls fail, not memory unsafe; still, there is no reason to write one.
pub trait ParamTypes {
    /// Size, alignment and flat count of the tuple.
    const ABI: Abi;

    /// Whether a function's parameters are these.
    ///
    /// # Errors
    /// Which parameter differs, and how.
    fn typecheck_params(params: &[crate::types::Field], types: &Types) -> Result<(), TypeMismatch>;
}

/// Parameters that can be passed into a guest.
pub trait LowerParams: ParamTypes {
    /// Passes them as core values.
    ///
    /// # Errors
    /// As [`Lower::lower_flat`].
    fn lower_params(
        &self,
        cx: &mut LowerContext<'_>,
        params: &[crate::types::Field],
        dst: &mut FlatWriter,
    ) -> Result<()>;

    /// Writes them to memory as a tuple.
    ///
    /// # Errors
    /// As [`Lower::lower_flat`].
    fn store_params(
        &self,
        cx: &mut LowerContext<'_>,
        params: &[crate::types::Field],
        offset: u32,
    ) -> Result<()>;
}

/// Parameters that can be taken out of a guest.
pub trait LiftParams: ParamTypes + Sized {
    /// Takes them from core values.
    ///
    /// # Errors
    /// As [`Lift::lift_flat`].
    fn lift_params(
        cx: &mut LiftContext<'_>,
        params: &[crate::types::Field],
        src: &mut FlatReader<'_>,
    ) -> Result<Self>;

    /// Takes them from memory, where they lie as a tuple.
    ///
    /// # Errors
    /// As [`Lift::lift_flat`].
    fn load_params(
        cx: &mut LiftContext<'_>,
        params: &[crate::types::Field],
        bytes: &[u8],
    ) -> Result<Self>;
}

/// The result of a function: `()` for none, or a tuple of one.
pub trait ResultType {
    /// Size, alignment and flat count; [`Abi::UNIT`] for none.
    const ABI: Abi;

    /// Whether a function's result is this.
    ///
    /// # Errors
    /// How it differs.
    fn typecheck_result(result: Option<Type>, types: &Types) -> Result<(), TypeMismatch>;
}

/// A result that can be passed into a guest.
pub trait LowerResult: ResultType {
    /// Passes it as core values.
    ///
    /// # Errors
    /// As [`Lower::lower_flat`].
    fn lower_result(
        &self,
        cx: &mut LowerContext<'_>,
        ty: Option<Type>,
        dst: &mut FlatWriter,
    ) -> Result<()>;

    /// Writes it to memory.
    ///
    /// # Errors
    /// As [`Lower::store`].
    fn store_result(&self, cx: &mut LowerContext<'_>, ty: Option<Type>, offset: u32) -> Result<()>;
}

/// A result that can be taken out of a guest.
pub trait LiftResult: ResultType + Sized {
    /// Takes it from core values.
    ///
    /// # Errors
    /// As [`Lift::lift_flat`].
    fn lift_result(
        cx: &mut LiftContext<'_>,
        ty: Option<Type>,
        src: &mut FlatReader<'_>,
    ) -> Result<Self>;

    /// Takes it from memory.
    ///
    /// # Errors
    /// As [`Lift::load`].
    fn load_result(cx: &mut LiftContext<'_>, ty: Option<Type>, bytes: &[u8]) -> Result<Self>;
}

/// The value of a result that a function does not have; its type check has made sure of that.
fn no_result() -> Error {
    Error::trap("the function has no result")
}

impl ResultType for () {
    const ABI: Abi = Abi::UNIT;

    fn typecheck_result(result: Option<Type>, types: &Types) -> Result<(), TypeMismatch> {
        match result {
            None => Ok(()),
            Some(ty) => Err(TypeMismatch::new("no result", types.display(ty)).within("result")),
        }
    }
}

impl LowerResult for () {
    fn lower_result(
        &self,
        _: &mut LowerContext<'_>,
        _: Option<Type>,
        _: &mut FlatWriter,
    ) -> Result<()> {
        Ok(())
    }

    fn store_result(&self, _: &mut LowerContext<'_>, _: Option<Type>, _: u32) -> Result<()> {
        Ok(())
    }
}

impl LiftResult for () {
    fn lift_result(
        _: &mut LiftContext<'_>,
        _: Option<Type>,
        _: &mut FlatReader<'_>,
    ) -> Result<Self> {
        Ok(())
    }

    fn load_result(_: &mut LiftContext<'_>, _: Option<Type>, _: &[u8]) -> Result<Self> {
        Ok(())
    }
}

impl<R: ComponentType> ResultType for (R,) {
    const ABI: Abi = R::ABI;

    fn typecheck_result(result: Option<Type>, types: &Types) -> Result<(), TypeMismatch> {
        match result {
            Some(ty) => R::typecheck(ty, types).map_err(|e| e.within("result")),
            None => Err(TypeMismatch::new("a result", "none").within("result")),
        }
    }
}

impl<R: Lower> LowerResult for (R,) {
    #[inline]
    fn lower_result(
        &self,
        cx: &mut LowerContext<'_>,
        ty: Option<Type>,
        dst: &mut FlatWriter,
    ) -> Result<()> {
        self.0.lower_flat(cx, ty.ok_or_else(no_result)?, dst)
    }

    #[inline]
    fn store_result(&self, cx: &mut LowerContext<'_>, ty: Option<Type>, offset: u32) -> Result<()> {
        self.0.store(cx, ty.ok_or_else(no_result)?, offset)
    }
}

impl<R: Lift> LiftResult for (R,) {
    #[inline]
    fn lift_result(
        cx: &mut LiftContext<'_>,
        ty: Option<Type>,
        src: &mut FlatReader<'_>,
    ) -> Result<Self> {
        Ok((R::lift_flat(cx, ty.ok_or_else(no_result)?, src)?,))
    }

    #[inline]
    fn load_result(cx: &mut LiftContext<'_>, ty: Option<Type>, bytes: &[u8]) -> Result<Self> {
        Ok((R::load(cx, ty.ok_or_else(no_result)?, bytes)?,))
    }
}
