//! The primitive types: integers, floats, `bool`, `char`, and strings.
//!
//! A list of bytes is one copy. Lists of wider numbers are one pass, which on little-endian machines compiles to a copy;
//! on others it converts.

use super::{ComponentType, Lift, Lower};
use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::types::{Abi, FlatType, Type, Types};

fn short_value() -> Error {
    Error::trap("a value is shorter than its type")
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| short_value())
}

/// Bytes are passed as they lie; wider numbers are converted from or to the guest's byte order.
macro_rules! lower_list {
    (bytes $rust:ty) => {
        fn lower_list(items: &[Self], cx: &mut LowerContext<'_>, _: Type) -> Result<(u32, u32)> {
            cx.lower_bytes(items)
        }
    };
    (numbers $rust:ty) => {
        fn lower_list(items: &[Self], cx: &mut LowerContext<'_>, _: Type) -> Result<(u32, u32)> {
            const SIZE: usize = size_of::<$rust>();
            let ptr = cx.alloc(SIZE as u32, size_of_val(items))?;
            let bytes = cx.bytes_mut(ptr, size_of_val(items))?;
            for (place, item) in bytes.chunks_exact_mut(SIZE).zip(items) {
                place.copy_from_slice(&item.to_le_bytes());
            }
            Ok((ptr, items.len() as u32))
        }
    };
}

macro_rules! lift_list {
    (bytes $rust:ty) => {
        fn lift_list(cx: &mut LiftContext<'_>, _: Type, ptr: u32, len: u32) -> Result<Vec<Self>> {
            Ok(cx.list(ptr, len, 1, 1)?.to_vec())
        }
    };
    (numbers $rust:ty) => {
        fn lift_list(cx: &mut LiftContext<'_>, _: Type, ptr: u32, len: u32) -> Result<Vec<Self>> {
            const SIZE: usize = size_of::<$rust>();
            let bytes = cx.list(ptr, len, SIZE as u32, SIZE as u32)?;
            let (items, _) = bytes.as_chunks::<SIZE>();
            Ok(items
                .iter()
                .map(|item| <$rust>::from_le_bytes(*item))
                .collect())
        }
    };
}

macro_rules! number {
    ($($rust:ty, $ty:ident, $flat:ident, $name:literal, |$v:ident| $to:expr, |$slot:ident| $from:expr, $lists:ident;)*) => {$(
        impl ComponentType for $rust {
            const ABI: Abi = Abi::scalar(size_of::<$rust>() as u32);

            fn flat_types(out: &mut Vec<FlatType>) {
                out.push(FlatType::$flat);
            }

            fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
                match ty {
                    Type::$ty => Ok(()),
                    other => Err(TypeMismatch::new($name, types.display(other))),
                }
            }
        }

        impl Lower for $rust {
            #[inline]
            fn lower_flat(&self, _: &mut LowerContext<'_>, _: Type, dst: &mut FlatWriter) -> Result<()> {
                let $v = *self;
                dst.push($to);
                Ok(())
            }

            #[inline]
            fn store(&self, cx: &mut LowerContext<'_>, _: Type, offset: u32) -> Result<()> {
                cx.write(offset, &self.to_le_bytes())
            }

            lower_list! { $lists $rust }
        }

        impl Lift for $rust {
            #[inline]
            fn lift_flat(_: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
                let $slot = src.pop()?;
                Ok($from)
            }

            #[inline]
            fn load(_: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
                Ok(<$rust>::from_le_bytes(array(bytes)?))
            }

            lift_list! { $lists $rust }
        }
    )*};
}

number! {
    u8, U8, I32, "u8", |v| u64::from(v), |s| s as u8, bytes;
    i8, S8, I32, "s8", |v| u64::from(v as i32 as u32), |s| s as i8, numbers;
    u16, U16, I32, "u16", |v| u64::from(v), |s| s as u16, numbers;
    i16, S16, I32, "s16", |v| u64::from(v as i32 as u32), |s| s as i16, numbers;
    u32, U32, I32, "u32", |v| u64::from(v), |s| s as u32, numbers;
    i32, S32, I32, "s32", |v| u64::from(v as u32), |s| s as i32, numbers;
    u64, U64, I64, "u64", |v| v, |s| s, numbers;
    i64, S64, I64, "s64", |v| v as u64, |s| s as i64, numbers;
    f32, F32, F32, "f32", |v| u64::from(v.to_bits()), |s| f32::from_bits(s as u32), numbers;
    f64, F64, F64, "f64", |v| v.to_bits(), |s| f64::from_bits(s), numbers;
}

impl ComponentType for bool {
    const ABI: Abi = Abi::scalar(1);

    fn flat_types(out: &mut Vec<FlatType>) {
        out.push(FlatType::I32);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match ty {
            Type::Bool => Ok(()),
            other => Err(TypeMismatch::new("bool", types.display(other))),
        }
    }
}

impl Lower for bool {
    fn lower_flat(&self, _: &mut LowerContext<'_>, _: Type, dst: &mut FlatWriter) -> Result<()> {
        dst.push(u64::from(*self));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, _: Type, offset: u32) -> Result<()> {
        cx.write(offset, &[u8::from(*self)])
    }
}

impl Lift for bool {
    fn lift_flat(_: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        Ok(src.pop_u32()? != 0)
    }

    fn load(_: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        Ok(array::<1>(bytes)? != [0])
    }
}

impl ComponentType for char {
    const ABI: Abi = Abi::scalar(4);

    fn flat_types(out: &mut Vec<FlatType>) {
        out.push(FlatType::I32);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match ty {
            Type::Char => Ok(()),
            other => Err(TypeMismatch::new("char", types.display(other))),
        }
    }
}

/// A character from its code point.
pub(crate) fn char_from(code: u32) -> Result<char> {
    char::from_u32(code).ok_or_else(|| Error::trap(format!("invalid char value {code:#x}")))
}

impl Lower for char {
    fn lower_flat(&self, _: &mut LowerContext<'_>, _: Type, dst: &mut FlatWriter) -> Result<()> {
        dst.push(u64::from(u32::from(*self)));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, _: Type, offset: u32) -> Result<()> {
        cx.write(offset, &u32::from(*self).to_le_bytes())
    }
}

impl Lift for char {
    fn lift_flat(_: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        char_from(src.pop_u32()?)
    }

    fn load(_: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        char_from(u32::from_le_bytes(array(bytes)?))
    }
}

impl ComponentType for str {
    const ABI: Abi = Abi::POINTER_PAIR;

    fn flat_types(out: &mut Vec<FlatType>) {
        out.extend([FlatType::I32, FlatType::I32]);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match ty {
            Type::String => Ok(()),
            other => Err(TypeMismatch::new("string", types.display(other))),
        }
    }
}

/// Writes the pointer and length of a list or string.
pub(crate) fn store_pair(
    cx: &mut LowerContext<'_>,
    offset: u32,
    (ptr, len): (u32, u32),
) -> Result<()> {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&ptr.to_le_bytes());
    bytes[4..].copy_from_slice(&len.to_le_bytes());
    cx.write(offset, &bytes)
}

/// Reads the pointer and length of a list or string.
pub(crate) fn load_pair(bytes: &[u8]) -> Result<(u32, u32)> {
    let [a, b, c, d, e, f, g, h] = array(bytes)?;
    Ok((
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    ))
}

impl Lower for str {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, _: Type, dst: &mut FlatWriter) -> Result<()> {
        let (ptr, len) = cx.lower_string(self)?;
        dst.push(u64::from(ptr));
        dst.push(u64::from(len));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, _: Type, offset: u32) -> Result<()> {
        let pair = cx.lower_string(self)?;
        store_pair(cx, offset, pair)
    }
}

impl Lift for String {
    fn lift_flat(cx: &mut LiftContext<'_>, _: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let (ptr, len) = (src.pop_u32()?, src.pop_u32()?);
        Ok(cx.string(ptr, len)?.into_owned())
    }

    fn load(cx: &mut LiftContext<'_>, _: Type, bytes: &[u8]) -> Result<Self> {
        let (ptr, len) = load_pair(bytes)?;
        Ok(cx.string(ptr, len)?.into_owned())
    }
}
