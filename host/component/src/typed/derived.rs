//! What derived code calls, beside the public traits: not for people.
//!
//! The macros of `wasmer-component-derive` write down only what differs from type to type; type checks, parts of a type,
//! discriminants and the joining of flat payloads are here, once. A derived type's parts are found by number: the
//! type check at link time has made sure that the component's type has them.

use crate::error::Error;
use crate::types::{Field, TypeKind};

pub use super::compound::{load_discriminant, store_discriminant};
pub use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
pub use crate::error::{Result, TypeMismatch};
pub use crate::typed::ComponentType;
pub use crate::types::{Abi, FlatType, Type, Types, discriminant_size};

/// The type check of one part.
pub type Check = fn(Type, &Types) -> Result<(), TypeMismatch>;

fn kind(ty: Type, types: &Types) -> Option<&TypeKind> {
    match ty {
        Type::Def(id) => types.def(id).map(|def| &def.kind),
        _ => None,
    }
}

/// Whether `ty` is a record with exactly these fields.
///
/// # Errors
/// Where it differs.
pub fn check_record(ty: Type, types: &Types, fields: &[(&str, Check)]) -> Result<(), TypeMismatch> {
    let Some(TypeKind::Record(found)) = kind(ty, types) else {
        return Err(TypeMismatch::new("record", types.display(ty)));
    };
    let wanted = fields.iter().map(|(name, _)| *name);
    check_names(
        "record",
        "field",
        wanted,
        found.iter().map(|field| field.name.as_str()),
    )?;
    for ((name, check), field) in fields.iter().zip(found) {
        check(field.ty, types).map_err(|e| e.within(format!("field {name}")))?;
    }
    Ok(())
}

/// Whether `ty` is a variant with exactly these cases.
///
/// # Errors
/// Where it differs.
pub fn check_variant(
    ty: Type,
    types: &Types,
    cases: &[(&str, Option<Check>)],
) -> Result<(), TypeMismatch> {
    let Some(TypeKind::Variant(found)) = kind(ty, types) else {
        return Err(TypeMismatch::new("variant", types.display(ty)));
    };
    let wanted = cases.iter().map(|(name, _)| *name);
    check_names(
        "variant",
        "case",
        wanted,
        found.iter().map(|case| case.name.as_str()),
    )?;
    for ((name, check), case) in cases.iter().zip(found) {
        match (check, case.ty) {
            (None, None) => Ok(()),
            (Some(check), Some(ty)) => check(ty, types),
            (None, Some(ty)) => Err(TypeMismatch::new("no payload", types.display(ty))),
            (Some(_), None) => Err(TypeMismatch::new("a payload", "none")),
        }
        .map_err(|e| e.within(format!("case {name}")))?;
    }
    Ok(())
}

/// Whether `ty` is an enum with exactly these cases.
///
/// # Errors
/// Where it differs.
pub fn check_enum(ty: Type, types: &Types, names: &[&str]) -> Result<(), TypeMismatch> {
    match kind(ty, types) {
        Some(TypeKind::Enum(found)) => check_names(
            "enum",
            "case",
            names.iter().copied(),
            found.iter().map(String::as_str),
        ),
        _ => Err(TypeMismatch::new("enum", types.display(ty))),
    }
}

/// Whether `ty` is a set of exactly these flags.
///
/// # Errors
/// Where it differs.
pub fn check_flags(ty: Type, types: &Types, names: &[&str]) -> Result<(), TypeMismatch> {
    match kind(ty, types) {
        Some(TypeKind::Flags(found)) => check_names(
            "flags",
            "flag",
            names.iter().copied(),
            found.iter().map(String::as_str),
        ),
        _ => Err(TypeMismatch::new("flags", types.display(ty))),
    }
}

fn check_names<'a>(
    what: &str,
    part: &str,
    wanted: impl ExactSizeIterator<Item = &'a str>,
    found: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), TypeMismatch> {
    let (here, there) = (wanted.len(), found.len());
    for (i, (wanted, found)) in wanted.zip(found).enumerate() {
        if wanted != found {
            return Err(TypeMismatch::new(
                format!("{part} {wanted}"),
                format_args!("{part} {found}"),
            )
            .within(format!("{part} number {} of a {what}", i + 1)));
        }
    }
    if here != there {
        return Err(TypeMismatch::new(
            format!("a {what} of {here}"),
            format_args!("one of {there}"),
        ));
    }
    Ok(())
}

#[cold]
fn no_such_part() -> Error {
    Error::trap("a value's type has not the parts that were checked")
}

/// The type of a record's field.
///
/// # Errors
/// A trap when the type is no such record, which the type check excludes.
#[inline]
pub fn field_type(types: &Types, ty: Type, index: usize) -> Result<Type> {
    match kind(ty, types) {
        Some(TypeKind::Record(fields)) => fields
            .get(index)
            .map(|field: &Field| field.ty)
            .ok_or_else(no_such_part),
        _ => Err(no_such_part()),
    }
}

/// The type of the payload of a variant's case.
///
/// # Errors
/// A trap when the type is no such variant, which the type check excludes.
#[inline]
pub fn case_type(types: &Types, ty: Type, index: u32) -> Result<Type> {
    match kind(ty, types) {
        Some(TypeKind::Variant(cases)) => cases
            .get(index as usize)
            .and_then(|case| case.ty)
            .ok_or_else(no_such_part),
        _ => Err(no_such_part()),
    }
}

/// Appends what a variant flattens to whose payloads flatten as given.
pub fn flat_variant(out: &mut Vec<FlatType>, payloads: &[fn(&mut Vec<FlatType>)]) {
    out.push(FlatType::I32);
    let (start, mut flat) = (out.len(), Vec::new());
    for payload in payloads {
        flat.clear();
        payload(&mut flat);
        for (i, ty) in flat.iter().enumerate() {
            match out.get_mut(start + i) {
                Some(slot) => *slot = slot.join(*ty),
                None => out.push(*ty),
            }
        }
    }
}

/// Core values that a `T` takes; 0 when there are too many for it ever to be passed so.
#[inline]
pub fn flat_count<T: ComponentType>() -> usize {
    T::ABI.flat.map_or(0, usize::from)
}

/// The bytes of a part of type `T` that begins at `offset`.
///
/// # Errors
/// A trap when there are too few.
#[inline]
pub fn part<T: ComponentType>(bytes: &[u8], offset: u32) -> Result<&[u8]> {
    let start = offset as usize;
    bytes
        .get(start..)
        .and_then(|rest| rest.get(..T::ABI.size as usize))
        .ok_or_else(|| Error::trap("a value is shorter than its type"))
}

/// The bytes as an array.
///
/// # Errors
/// A trap when there are more or fewer.
#[inline]
pub fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| Error::trap("a value is shorter than its type"))
}

/// Writes the discriminant of a type with `CASES` cases.
///
/// # Errors
/// As [`LowerContext::write`].
#[inline]
pub fn store_case<const CASES: usize>(
    cx: &mut LowerContext<'_>,
    offset: u32,
    case: u32,
) -> Result<()> {
    store_discriminant(cx, offset, const { discriminant_size(CASES) }, case)
}

/// Reads the discriminant of a type with `CASES` cases.
///
/// # Errors
/// A trap when there is no such case.
#[inline]
pub fn load_case<const CASES: usize>(bytes: &[u8]) -> Result<u32> {
    load_discriminant(
        bytes,
        const { discriminant_size(CASES) },
        u32::try_from(CASES).unwrap_or(u32::MAX),
    )
}

/// A discriminant that stands for no case.
#[cold]
pub fn no_such_case(case: u32, cases: usize) -> Error {
    Error::trap(format!(
        "invalid variant discriminant {case}: there are {cases} cases"
    ))
}

/// Flags by name, as `{read | write}`.
///
/// # Errors
/// The formatter's.
pub fn debug_flags(f: &mut std::fmt::Formatter<'_>, bits: u32, names: &[&str]) -> std::fmt::Result {
    f.write_str("{")?;
    let set = names
        .iter()
        .enumerate()
        .filter(|(i, _)| bits & (1 << i) != 0);
    for (n, (_, name)) in set.enumerate() {
        write!(f, "{}{name}", if n == 0 { "" } else { " | " })?;
    }
    f.write_str("}")
}
