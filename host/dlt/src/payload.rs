//! The arguments of a verbose payload, borrowed from it.
//!
//! One argument is a type info word, then, depending on it, lengths, name, unit, fixed-point parameters and the
//! value. [`argument`] takes one off the front and does nothing where it cannot, so that what does not decode
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

/// Is given the arguments of a payload, one after the other.
///
/// A trait, not a value that is returned: each place that has found an argument knows of which kind it is, and what is done
/// with that kind is compiled there. Returned, it would be put together and taken apart again.
pub(crate) trait Arguments<'a> {
    /// The next argument; it decodes as a whole.
    fn take(&mut self, argument: Argument<'a>);
}

/// Takes one argument off the front of `payload` and gives it away, or leaves it as it is where there is none; whether there was one.
#[inline(always)]
pub(crate) fn argument<'a, const BIG: bool>(
    payload: &mut &'a [u8],
    to: &mut impl Arguments<'a>,
) -> bool {
    let mut rest = *payload;
    let found = decode::<BIG>(&mut rest, to).is_some();
    if found {
        *payload = rest;
    }
    found
}

#[inline(always)]
fn decode<'a, const BIG: bool>(rest: &mut &'a [u8], to: &mut impl Arguments<'a>) -> Option<()> {
    let info = u32_of::<BIG>(take(rest)?);
    let has_names = info & VARIABLE_INFO != 0;
    let is_fixed_point = info & FIXED_POINT != 0;
    let width = info & 0b1111;
    match (info >> 4) & 0b111_1111 {
        // BOOL
        0b000_0001 => {
            let name = if has_names { name::<BIG>(rest)? } else { &[] };
            let [value] = take(rest)?;
            to.take(Argument {
                name,
                unit: &[],
                value: Value::Unsigned(u64::from(value)),
            });
        }
        // SINT, UINT
        kind @ (0b000_0010 | 0b000_0100) => {
            if is_fixed_point && !matches!(width, 3 | 4) {
                return None;
            }
            let is_signed = kind == 0b000_0010;
            let (name, unit) = names::<BIG>(rest, has_names)?;
            if is_fixed_point {
                let (scale, offset) = fixed_point::<BIG>(rest, width)?;
                let value = if is_signed {
                    signed::<BIG>(rest, width)? as f64
                } else {
                    unsigned::<BIG>(rest, width)? as f64
                };
                to.take(Argument {
                    name,
                    unit,
                    value: Value::Unsigned(real_value(value, scale, offset)),
                });
            } else if width == 5 {
                let value = u128_of::<BIG>(take(rest)?);
                to.take(Argument {
                    name,
                    unit,
                    value: if is_signed {
                        Value::Signed128(value as i128)
                    } else {
                        Value::Unsigned128(value)
                    },
                });
            } else if is_signed {
                let value = Value::Signed(signed::<BIG>(rest, width)?);
                to.take(Argument { name, unit, value });
            } else {
                let value = Value::Unsigned(unsigned::<BIG>(rest, width)?);
                to.take(Argument { name, unit, value });
            }
        }
        // FLOA
        0b000_1000 => {
            let (name, unit) = names::<BIG>(rest, has_names)?;
            match width {
                3 => {
                    let value = Value::Float32(f32::from_bits(u32_of::<BIG>(take(rest)?)));
                    to.take(Argument { name, unit, value });
                }
                4 => {
                    let value = Value::Float64(f64::from_bits(u64_of::<BIG>(take(rest)?)));
                    to.take(Argument { name, unit, value });
                }
                _ => return None,
            }
        }
        // STRG, RAWD: the length of the value comes before that of the name
        kind @ (0b010_0000 | 0b100_0000) => {
            let length = usize::from(u16_of::<BIG>(take(rest)?));
            let name = if has_names { name::<BIG>(rest)? } else { &[] };
            let value = split(rest, length)?;
            let unit = &[];
            if kind == 0b010_0000 {
                let value = Value::Text(value);
                to.take(Argument { name, unit, value });
            } else {
                let value = Value::Raw(value);
                to.take(Argument { name, unit, value });
            }
        }
        _ => return None,
    }
    Some(())
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

/// Name and unit, which are empty where the argument has none.
#[inline(always)]
fn names<'a, const BIG: bool>(
    rest: &mut &'a [u8],
    has_names: bool,
) -> Option<(&'a [u8], &'a [u8])> {
    if !has_names {
        return Some((&[], &[]));
    }
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

/// A whole number of 8 to 64 bits; `width` is 1 to 4.
#[inline(always)]
fn unsigned<const BIG: bool>(rest: &mut &[u8], width: u32) -> Option<u64> {
    Some(match width {
        1 => u64::from(u8::from_le_bytes(take(rest)?)),
        2 => u64::from(u16_of::<BIG>(take(rest)?)),
        3 => u64::from(u32_of::<BIG>(take(rest)?)),
        4 => u64_of::<BIG>(take(rest)?),
        _ => return None,
    })
}

/// As `unsigned`, of two's complement.
#[inline(always)]
fn signed<const BIG: bool>(rest: &mut &[u8], width: u32) -> Option<i64> {
    Some(match width {
        1 => i64::from(i8::from_le_bytes(take(rest)?)),
        2 => i64::from(u16_of::<BIG>(take(rest)?) as i16),
        3 => i64::from(u32_of::<BIG>(take(rest)?) as i32),
        4 => u64_of::<BIG>(take(rest)?) as i64,
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
