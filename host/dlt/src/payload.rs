//! The arguments of a verbose payload, borrowed from it.
//!
//! One argument is a type info word, then, depending on it, lengths, name, unit, fixed-point parameters and the
//! value. [`argument`] takes one off the front and changes nothing where it cannot, so that what does not decode
//! stays in hand to be shown. It accepts what dlt-core 0.20.2 accepts: booleans, integers of 8 to 128 bits, floats of
//! 32 and 64, fixed point of 32 and 64, strings and raw bytes; arrays (ARAY) and words that claim two types are not
//! decoded, the bits STRU, TRAI and the reserved ones are ignored, the string coding changes nothing.
//!
//! [`crate::text`] writes them.

use crate::header::take;

const FIXED_POINT: u32 = 1 << 12;
const VARIABLE_INFO: u32 = 1 << 11;

/// One argument. `name` and `unit` are empty where there is none, and may contain nul bytes: see [`crate::plain::until_nul`].
pub(crate) struct Argument<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) unit: &'a [u8],
    pub(crate) value: Value<'a>,
}

/// What an argument says.
pub(crate) enum Value<'a> {
    Unsigned(u64),
    Signed(i64),
    Unsigned128(u128),
    Signed128(i128),
    Float32(f32),
    Float64(f64),
    /// Up to the first nul byte, and as far as it is UTF-8.
    Text(&'a [u8]),
    Raw(&'a [u8]),
}

/// Takes one argument off the front of `payload`, or leaves it as it is where there is none.
#[inline(always)]
pub(crate) fn argument<'a, const BIG: bool>(payload: &mut &'a [u8]) -> Option<Argument<'a>> {
    let mut rest = *payload;
    let found = decode::<BIG>(&mut rest)?;
    *payload = rest;
    Some(found)
}

#[inline(always)]
fn decode<'a, const BIG: bool>(rest: &mut &'a [u8]) -> Option<Argument<'a>> {
    let info = u32_of::<BIG>(take(rest)?);
    let has_names = info & VARIABLE_INFO != 0;
    let width = info & 0b1111;
    match (info >> 4) & 0b111_1111 {
        // BOOL
        0b000_0001 => {
            let name = if has_names { name::<BIG>(rest)? } else { &[] };
            let [value] = take(rest)?;
            Some(Argument {
                name,
                unit: &[],
                value: Value::Unsigned(u64::from(value)),
            })
        }
        // SINT
        0b000_0010 => {
            if info & FIXED_POINT != 0 && !matches!(width, 3 | 4) {
                return None;
            }
            let (name, unit) = if has_names {
                name_and_unit::<BIG>(rest)?
            } else {
                (&[][..], &[][..])
            };
            let value = if info & FIXED_POINT != 0 {
                let (scale, offset) = fixed_point::<BIG>(rest, width)?;
                let value = match signed::<BIG>(rest, width)? {
                    Value::Signed(value) => value,
                    _ => return None,
                };
                Value::Unsigned(real_value(value as f64, scale, offset))
            } else {
                signed::<BIG>(rest, width)?
            };
            Some(Argument { name, unit, value })
        }
        // UINT
        0b000_0100 => {
            if info & FIXED_POINT != 0 && !matches!(width, 3 | 4) {
                return None;
            }
            let (name, unit) = if has_names {
                name_and_unit::<BIG>(rest)?
            } else {
                (&[][..], &[][..])
            };
            let value = if info & FIXED_POINT != 0 {
                let (scale, offset) = fixed_point::<BIG>(rest, width)?;
                let value = match unsigned::<BIG>(rest, width)? {
                    Value::Unsigned(value) => value,
                    _ => return None,
                };
                Value::Unsigned(real_value(value as f64, scale, offset))
            } else {
                unsigned::<BIG>(rest, width)?
            };
            Some(Argument { name, unit, value })
        }
        // FLOA
        0b000_1000 => {
            let (name, unit) = if has_names {
                name_and_unit::<BIG>(rest)?
            } else {
                (&[][..], &[][..])
            };
            let value = match width {
                3 => Value::Float32(f32::from_bits(u32_of::<BIG>(take(rest)?))),
                4 => Value::Float64(f64::from_bits(u64_of::<BIG>(take(rest)?))),
                _ => return None,
            };
            Some(Argument { name, unit, value })
        }
        // STRG: the length of the text comes before that of the name
        0b010_0000 => {
            let length = usize::from(u16_of::<BIG>(take(rest)?));
            let name = if has_names { name::<BIG>(rest)? } else { &[] };
            Some(Argument {
                name,
                unit: &[],
                value: Value::Text(split(rest, length)?),
            })
        }
        // RAWD
        0b100_0000 => {
            let length = usize::from(u16_of::<BIG>(take(rest)?));
            let name = if has_names { name::<BIG>(rest)? } else { &[] };
            Some(Argument {
                name,
                unit: &[],
                value: Value::Raw(split(rest, length)?),
            })
        }
        _ => None,
    }
}

/// What a fixed-point value stands for, as dlt-core's `to_real_value` has it: the scaled value loses its fraction,
/// is zero where it is negative, and the offset is added modulo 2^64.
fn real_value(value: f64, scale: f32, offset: i64) -> u64 {
    ((value * f64::from(scale)) as u64).wrapping_add(offset as u64)
}

#[inline(always)]
fn name<'a, const BIG: bool>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(u16_of::<BIG>(take(rest)?));
    split(rest, length)
}

#[inline(always)]
fn name_and_unit<'a, const BIG: bool>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let name = usize::from(u16_of::<BIG>(take(rest)?));
    let unit = usize::from(u16_of::<BIG>(take(rest)?));
    Some((split(rest, name)?, split(rest, unit)?))
}

/// Quantisation and offset; `width` is 3 (32 bits) or 4 (64 bits).
#[inline(always)]
fn fixed_point<const BIG: bool>(rest: &mut &[u8], width: u32) -> Option<(f32, i64)> {
    let scale = f32::from_bits(u32_of::<BIG>(take(rest)?));
    let offset = match width {
        3 => i64::from(u32_of::<BIG>(take(rest)?) as i32),
        _ => u64_of::<BIG>(take(rest)?) as i64,
    };
    Some((scale, offset))
}

#[inline(always)]
fn unsigned<'a, const BIG: bool>(rest: &mut &[u8], width: u32) -> Option<Value<'a>> {
    Some(match width {
        1 => Value::Unsigned(u64::from(u8::from_le_bytes(take(rest)?))),
        2 => Value::Unsigned(u64::from(u16_of::<BIG>(take(rest)?))),
        3 => Value::Unsigned(u64::from(u32_of::<BIG>(take(rest)?))),
        4 => Value::Unsigned(u64_of::<BIG>(take(rest)?)),
        5 => Value::Unsigned128(u128_of::<BIG>(take(rest)?)),
        _ => return None,
    })
}

#[inline(always)]
fn signed<'a, const BIG: bool>(rest: &mut &[u8], width: u32) -> Option<Value<'a>> {
    Some(match width {
        1 => Value::Signed(i64::from(i8::from_le_bytes(take(rest)?))),
        2 => Value::Signed(i64::from(u16_of::<BIG>(take(rest)?) as i16)),
        3 => Value::Signed(i64::from(u32_of::<BIG>(take(rest)?) as i32)),
        4 => Value::Signed(u64_of::<BIG>(take(rest)?) as i64),
        5 => Value::Signed128(u128_of::<BIG>(take(rest)?) as i128),
        _ => return None,
    })
}

#[inline(always)]
fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

macro_rules! of_bytes {
    ($($name:ident $type:ty, $width:literal;)*) => {$(
        #[inline(always)]
        pub(crate) fn $name<const BIG: bool>(bytes: [u8; $width]) -> $type {
            if BIG { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) }
        }
    )*};
}

of_bytes! {
    u16_of u16, 2;
    u32_of u32, 4;
    u64_of u64, 8;
    u128_of u128, 16;
}
