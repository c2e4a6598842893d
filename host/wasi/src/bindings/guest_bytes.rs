//! Bytes that a guest passes, read where they lie: what is written goes from the guest's memory to the kernel without a copy
//! in between.

use std::ptr::NonNull;

use wasmer_component::types::{Abi, FlatType, Type, Types};
use wasmer_component::{
    ComponentType, FlatReader, LentBytes, Lift, LiftContext, Result, TypeMismatch,
};

/// A `list<u8>` of the guest that is calling. Only for the closures of host functions, and only while they run: a parameter like
/// any other, that is never kept.
pub(super) struct GuestBytes {
    base: NonNull<u8>,
    len: usize,
}

impl GuestBytes {
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `base` and `len` are a part of the guest's memory that was checked to be there when the parameter was lifted
        // (`LiftContext::list`), every byte of which is initialised, as wasm's memories are. The host function that has the
        // parameter runs in the guest's call: until it returns no guest runs, so nobody writes to the memory or lets it grow, and
        // the store, which owns it, cannot go. Of this crate's functions none runs a guest, and none keeps the parameter:
        // the type is visible to this module's parent only, and each use there borrows it for the length of a write. Where the
        // host itself writes to guest memory, when it lowers a result, the closure and its parameters are gone.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }

    fn of(bytes: &[u8]) -> Self {
        GuestBytes {
            base: NonNull::from(bytes).cast(),
            len: bytes.len(),
        }
    }
}

impl ComponentType for GuestBytes {
    const ABI: Abi = <LentBytes as ComponentType>::ABI;

    fn flat_types(out: &mut Vec<FlatType>) {
        LentBytes::flat_types(out);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        LentBytes::typecheck(ty, types)
    }
}

impl Lift for GuestBytes {
    fn lift_flat(cx: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let (ptr, len) = (src.pop_u32()?, src.pop_u32()?);
        Ok(GuestBytes::of(cx.list(ptr, len, 1, 1)?))
    }

    fn load(cx: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        let (ptr, len) = bytes.split_at_checked(4).unwrap_or_default();
        let ptr = u32::load(cx, Type::U32, ptr)?;
        let len = u32::load(cx, Type::U32, len)?;
        Ok(GuestBytes::of(cx.list(ptr, len, 1, 1)?))
    }
}
