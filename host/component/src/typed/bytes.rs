//! Byte lists and strings without a copy too many: filled in the guest's memory, or lent out of it.

use super::{ComponentType, Lift, Lower};
use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::types::{Abi, FlatType, Type, TypeKind, Types};
use std::borrow::Cow;
use std::cell::Cell;

/// Whether a type is `list<u8>`.
fn is_bytes(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
    if let Type::Def(id) = ty
        && let Some(def) = types.def(id)
        && def.kind == TypeKind::List(Type::U8)
    {
        return Ok(());
    }
    Err(TypeMismatch::new("list<u8>", types.display(ty)))
}

/// A `list<u8>` that is written where it is wanted: the guest allocates, the closure fills.
///
/// The closure gets the guest's own memory, `len` bytes of it with whatever was in them, and returns how many it has written.
/// It runs once, when the value is lowered.
///
/// ```
/// use wasmer_component::FillBytes;
/// let zeros = FillBytes::new(512, |buffer| { buffer.fill(0); Ok(buffer.len()) });
/// # let _ = zeros;
/// ```
pub struct FillBytes<F> {
    len: usize,
    fill: Cell<Option<F>>,
}

impl<F: FnOnce(&mut [u8]) -> Result<usize>> FillBytes<F> {
    /// A list of at most `len` bytes, written by `fill`.
    pub fn new(len: usize, fill: F) -> FillBytes<F> {
        FillBytes {
            len,
            fill: Cell::new(Some(fill)),
        }
    }

    fn lower(&self, cx: &mut LowerContext<'_>) -> Result<(u32, u32)> {
        let fill = self
            .fill
            .take()
            .ok_or_else(|| Error::trap("a FillBytes value can be passed only once"))?;
        cx.fill_bytes(self.len, fill)
    }
}

impl<F> ComponentType for FillBytes<F> {
    const ABI: Abi = Abi::POINTER_PAIR;

    fn flat_types(out: &mut Vec<FlatType>) {
        out.extend([FlatType::I32, FlatType::I32]);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        is_bytes(ty, types)
    }
}

impl<F: FnOnce(&mut [u8]) -> Result<usize>> Lower for FillBytes<F> {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, _: Type, dst: &mut FlatWriter) -> Result<()> {
        let (ptr, len) = self.lower(cx)?;
        dst.push(u64::from(ptr));
        dst.push(u64::from(len));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, _: Type, offset: u32) -> Result<()> {
        let pair = self.lower(cx)?;
        super::primitives::store_pair(cx, offset, pair)
    }
}

/// A `list<u8>` that stays where it is, in the guest's memory: checked for bounds, not copied.
///
/// Its bytes are there for as long as the guest has not run again: [`crate::TypedFunc::call_lent`] hands out both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LentBytes {
    ptr: u32,
    len: u32,
}

impl LentBytes {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl ComponentType for LentBytes {
    const ABI: Abi = Abi::POINTER_PAIR;

    fn flat_types(out: &mut Vec<FlatType>) {
        out.extend([FlatType::I32, FlatType::I32]);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        is_bytes(ty, types)
    }
}

impl Lift for LentBytes {
    fn lift_flat(cx: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let (ptr, len) = (src.pop_u32()?, src.pop_u32()?);
        cx.list(ptr, len, 1, 1)?;
        Ok(LentBytes { ptr, len })
    }

    fn load(cx: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        let (ptr, len) = super::primitives::load_pair(bytes)?;
        cx.list(ptr, len, 1, 1)?;
        Ok(LentBytes { ptr, len })
    }
}

/// A `string` that stays where it is, in the guest's memory, if that is UTF-8 as ours: checked, not copied. Strings of guests with
/// other encodings are converted.
///
/// Its text is there for as long as the guest has not run again: [`crate::TypedFunc::call_lent`] hands out both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LentStr(Text);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Lent(LentBytes),
    Converted(String),
}

impl LentStr {
    fn lift(cx: &mut LiftContext<'_>, (ptr, len): (u32, u32)) -> Result<LentStr> {
        Ok(LentStr(match cx.string(ptr, len)? {
            Cow::Borrowed(_) => Text::Lent(LentBytes { ptr, len }),
            Cow::Owned(text) => Text::Converted(text),
        }))
    }
}

impl ComponentType for LentStr {
    const ABI: Abi = Abi::POINTER_PAIR;

    fn flat_types(out: &mut Vec<FlatType>) {
        out.extend([FlatType::I32, FlatType::I32]);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        String::typecheck(ty, types)
    }
}

impl Lift for LentStr {
    fn lift_flat(cx: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let pair = (src.pop_u32()?, src.pop_u32()?);
        LentStr::lift(cx, pair)
    }

    fn load(cx: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        LentStr::lift(cx, super::primitives::load_pair(bytes)?)
    }
}

/// The guest's memory while a result is lent out of it.
#[derive(Debug, Clone, Copy)]
pub struct GuestMemory<'a> {
    pub(crate) memory: &'a [u8],
}

impl<'a> GuestMemory<'a> {
    /// The bytes of a lent list; none of them when it was lent by another guest whose memory is larger.
    pub fn bytes(&self, lent: &LentBytes) -> &'a [u8] {
        self.memory
            .get(lent.ptr as usize..)
            .and_then(|rest| rest.get(..lent.len()))
            .unwrap_or(&[])
    }

    /// The text of a lent string; none of it when it was lent by another guest.
    pub fn str<'b>(&self, lent: &'b LentStr) -> &'b str
    where
        'a: 'b,
    {
        match &lent.0 {
            Text::Lent(bytes) => std::str::from_utf8(self.bytes(bytes)).unwrap_or_default(),
            Text::Converted(text) => text,
        }
    }
}
