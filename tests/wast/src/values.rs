//! A script's component values: into ours, led by the type that the function wants, and compared with ours.

use wasmer_component::Val;
use wasmer_component::types::{Type, TypeKind, Types};
use wast::component::WastVal;
use wast::core::{NanPattern, WastRetCore};

/// A script's value as one of the given type. The text says where they differ.
pub(crate) fn lower(value: &WastVal<'_>, ty: Type, types: &Types) -> Result<Val, String> {
    let kind = match ty {
        Type::Def(id) => types.def(id).map(|def| &def.kind),
        _ => None,
    };
    let mismatch = || format!("{} is no {}", show(value), types.display(ty));
    let all = |values: &[WastVal<'_>], ty| {
        values
            .iter()
            .map(|v| lower(v, ty, types))
            .collect::<Result<Vec<_>, _>>()
    };
    let payload = |value: &Option<Box<WastVal<'_>>>, ty: Option<Type>| match (value, ty) {
        (None, None) => Ok(None),
        (Some(value), Some(ty)) => lower(value, ty, types).map(|v| Some(Box::new(v))),
        _ => Err(mismatch()),
    };
    Ok(match (value, kind) {
        (WastVal::Bool(v), None) => Val::Bool(*v),
        (WastVal::U8(v), None) => Val::U8(*v),
        (WastVal::S8(v), None) => Val::S8(*v),
        (WastVal::U16(v), None) => Val::U16(*v),
        (WastVal::S16(v), None) => Val::S16(*v),
        (WastVal::U32(v), None) => Val::U32(*v),
        (WastVal::S32(v), None) => Val::S32(*v),
        (WastVal::U64(v), None) => Val::U64(*v),
        (WastVal::S64(v), None) => Val::S64(*v),
        (WastVal::F32(v), None) => Val::F32(f32::from_bits(v.bits)),
        (WastVal::F64(v), None) => Val::F64(f64::from_bits(v.bits)),
        (WastVal::Char(v), None) => Val::Char(*v),
        (WastVal::String(v), None) => Val::String((*v).to_string()),
        (WastVal::List(values), Some(TypeKind::List(Type::U8))) => {
            let byte = |v: &WastVal<'_>| match v {
                WastVal::U8(byte) => Ok(*byte),
                _ => Err(mismatch()),
            };
            Val::Bytes(values.iter().map(byte).collect::<Result<_, _>>()?)
        }
        (WastVal::List(values), Some(TypeKind::List(ty) | TypeKind::FixedList(ty, _))) => {
            Val::List(all(values, *ty)?)
        }
        (WastVal::List(values), Some(TypeKind::Map(key, value))) => {
            let entry = |v: &WastVal<'_>| match v {
                WastVal::Tuple(pair) => match pair.as_slice() {
                    [k, v] => Ok((lower(k, *key, types)?, lower(v, *value, types)?)),
                    _ => Err(mismatch()),
                },
                _ => Err(mismatch()),
            };
            Val::Map(values.iter().map(entry).collect::<Result<_, _>>()?)
        }
        (WastVal::Record(values), Some(TypeKind::Record(fields)))
            if values.len() == fields.len() =>
        {
            let field = |field: &wasmer_component::types::Field| {
                let (_, value) = values
                    .iter()
                    .find(|(name, _)| *name == field.name)
                    .ok_or_else(mismatch)?;
                Ok::<_, String>((field.name.clone(), lower(value, field.ty, types)?))
            };
            Val::Record(fields.iter().map(field).collect::<Result<_, _>>()?)
        }
        (WastVal::Tuple(values), Some(TypeKind::Tuple(fields))) if values.len() == fields.len() => {
            let values = values.iter().zip(fields);
            let values = values.map(|(v, field)| lower(v, field.ty, types));
            Val::Tuple(values.collect::<Result<_, _>>()?)
        }
        (WastVal::Variant(name, value), Some(TypeKind::Variant(cases))) => {
            let case = cases
                .iter()
                .find(|case| case.name == *name)
                .ok_or_else(mismatch)?;
            Val::Variant((*name).to_string(), payload(value, case.ty)?)
        }
        (WastVal::Enum(name), Some(TypeKind::Enum(_))) => Val::Enum((*name).to_string()),
        (WastVal::Option(None), Some(TypeKind::Option(_))) => Val::Option(None),
        (WastVal::Option(value), Some(TypeKind::Option(ty))) => {
            Val::Option(payload(value, Some(*ty))?)
        }
        (WastVal::Result(Ok(value)), Some(TypeKind::Result(ok, _))) => {
            Val::Result(Ok(payload(value, *ok)?))
        }
        (WastVal::Result(Err(value)), Some(TypeKind::Result(_, err))) => {
            Val::Result(Err(payload(value, *err)?))
        }
        (WastVal::Flags(set), Some(TypeKind::Flags(names)))
            if set.iter().all(|flag| names.iter().any(|name| name == flag)) =>
        {
            let set = names.iter().filter(|name| set.contains(&name.as_str()));
            Val::Flags(set.cloned().collect())
        }
        _ => return Err(mismatch()),
    })
}

/// Whether our value is the script's. A NaN of the script stands for every NaN of that type: what crosses a boundary may be
/// made canonical. A list of pairs stands for a map.
pub(crate) fn same(expected: &WastVal<'_>, got: &Val) -> bool {
    let payload =
        |expected: &Option<Box<WastVal<'_>>>, got: &Option<Box<Val>>| match (expected, got) {
            (None, None) => true,
            (Some(expected), Some(got)) => same(expected, got),
            _ => false,
        };
    match (expected, got) {
        (WastVal::Bool(a), Val::Bool(b)) => a == b,
        (WastVal::U8(a), Val::U8(b)) => a == b,
        (WastVal::S8(a), Val::S8(b)) => a == b,
        (WastVal::U16(a), Val::U16(b)) => a == b,
        (WastVal::S16(a), Val::S16(b)) => a == b,
        (WastVal::U32(a), Val::U32(b)) => a == b,
        (WastVal::S32(a), Val::S32(b)) => a == b,
        (WastVal::U64(a), Val::U64(b)) => a == b,
        (WastVal::S64(a), Val::S64(b)) => a == b,
        (WastVal::F32(a), Val::F32(b)) => {
            a.bits == b.to_bits() || (f32::from_bits(a.bits).is_nan() && b.is_nan())
        }
        (WastVal::F64(a), Val::F64(b)) => {
            a.bits == b.to_bits() || (f64::from_bits(a.bits).is_nan() && b.is_nan())
        }
        (WastVal::Char(a), Val::Char(b)) => a == b,
        (WastVal::String(a), Val::String(b)) => a == b,
        (WastVal::List(a), Val::Bytes(b)) => {
            let same = |(a, b): (&WastVal<'_>, &u8)| matches!(a, WastVal::U8(a) if a == b);
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        (WastVal::List(a), Val::Numbers(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, &b))
        }
        (WastVal::List(a), Val::Map(b)) => {
            let same = |(a, (k, v)): (&WastVal<'_>, &(Val, Val))| match a {
                WastVal::Tuple(pair) => match pair.as_slice() {
                    [key, value] => same(key, k) && same(value, v),
                    _ => false,
                },
                _ => false,
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        (WastVal::List(a), Val::List(b)) | (WastVal::Tuple(a), Val::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (WastVal::Record(a), Val::Record(b)) => {
            let field = |((a, expected), (b, got)): (&(&str, WastVal<'_>), &(String, Val))| {
                a == b && same(expected, got)
            };
            a.len() == b.len() && a.iter().zip(b).all(field)
        }
        (WastVal::Variant(a, expected), Val::Variant(b, got)) => a == b && payload(expected, got),
        (WastVal::Enum(a), Val::Enum(b)) => a == b,
        (WastVal::Option(a), Val::Option(b)) => payload(a, b),
        (WastVal::Result(Ok(a)), Val::Result(Ok(b)))
        | (WastVal::Result(Err(a)), Val::Result(Err(b))) => payload(a, b),
        (WastVal::Flags(a), Val::Flags(b)) => {
            a.len() == b.len() && b.iter().all(|b| a.contains(&b.as_str()))
        }
        _ => false,
    }
}

/// Whether our value is the float of a script that was read as one of a core function. What crosses a boundary may be made canonical, so
/// that no NaN can be told from another.
pub(crate) fn same_float(expected: &WastRetCore<'_>, got: &Val) -> bool {
    match (expected, got) {
        (WastRetCore::F32(NanPattern::Value(a)), Val::F32(b)) => {
            a.bits == b.to_bits() || (f32::from_bits(a.bits).is_nan() && b.is_nan())
        }
        (WastRetCore::F64(NanPattern::Value(a)), Val::F64(b)) => {
            a.bits == b.to_bits() || (f64::from_bits(a.bits).is_nan() && b.is_nan())
        }
        (WastRetCore::F32(_), Val::F32(b)) => b.is_nan(),
        (WastRetCore::F64(_), Val::F64(b)) => b.is_nan(),
        _ => false,
    }
}

/// A script's value, for people.
pub(crate) fn show(value: &WastVal<'_>) -> String {
    match value {
        WastVal::F32(v) => format!("F32({:?})", f32::from_bits(v.bits)),
        WastVal::F64(v) => format!("F64({:?})", f64::from_bits(v.bits)),
        other => format!("{other:?}"),
    }
}
