//! Lists, options, results, tuples, and whatever points to another type.
//!
//! The functions at the end are what derived variants, enums and options are made of.

use super::primitives::{load_pair, store_pair};
use super::{ComponentType, Lift, LiftParams, Lower, LowerParams, ParamTypes};
use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::types::{Abi, Field, FlatType, Type, TypeKind, Types};

/// What a compound type is made of, or the mismatch.
fn kind<'a>(ty: Type, types: &'a Types, expected: &str) -> Result<&'a TypeKind, TypeMismatch> {
    match ty {
        Type::Def(id) => types.def(id).map(|def| &def.kind),
        _ => None,
    }
    .ok_or_else(|| TypeMismatch::new(expected, types.display(ty)))
}

/// The type of a list's elements. The type check has made sure that it is a list.
fn element(ty: Type, types: &Types) -> Result<Type> {
    match kind(ty, types, "list") {
        Ok(TypeKind::List(element)) => Ok(*element),
        _ => Err(Error::trap("a list's type is not a list")),
    }
}

impl<T: ComponentType> ComponentType for [T] {
    const ABI: Abi = Abi::POINTER_PAIR;

    fn flat_types(out: &mut Vec<FlatType>) {
        out.extend([FlatType::I32, FlatType::I32]);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match kind(ty, types, "list")? {
            TypeKind::List(element) => {
                T::typecheck(*element, types).map_err(|e| e.within("list element"))
            }
            _ => Err(TypeMismatch::new("list", types.display(ty))),
        }
    }
}

impl<T: Lower> Lower for [T] {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
        let element = element(ty, cx.types())?;
        let (ptr, len) = T::lower_list(self, cx, element)?;
        dst.push(u64::from(ptr));
        dst.push(u64::from(len));
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        let element = element(ty, cx.types())?;
        let pair = T::lower_list(self, cx, element)?;
        store_pair(cx, offset, pair)
    }
}

impl<T: Lift> Lift for Vec<T> {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let (ptr, len) = (src.pop_u32()?, src.pop_u32()?);
        T::lift_list(cx, element(ty, cx.types())?, ptr, len)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        let (ptr, len) = load_pair(bytes)?;
        T::lift_list(cx, element(ty, cx.types())?, ptr, len)
    }
}

/// Types that are only another way to hold a value.
macro_rules! transparent {
    ($([$($generics:tt)*] $ty:ty => $inner:ty;)*) => {$(
        impl<$($generics)*> ComponentType for $ty {
            const ABI: Abi = <$inner as ComponentType>::ABI;

            fn flat_types(out: &mut Vec<FlatType>) {
                <$inner as ComponentType>::flat_types(out);
            }

            fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
                <$inner as ComponentType>::typecheck(ty, types)
            }
        }
    )*};
}

transparent! {
    ['a, T: ComponentType + ?Sized] &'a T => T;
    [T: ComponentType + ?Sized] Box<T> => T;
    [T: ComponentType + ?Sized] std::sync::Arc<T> => T;
    [T: ComponentType] Vec<T> => [T];
    [] String => str;
}

macro_rules! lower_through {
    ($([$($generics:tt)*] $ty:ty;)*) => {$(
        impl<$($generics)*> Lower for $ty {
            #[inline]
            fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
                (**self).lower_flat(cx, ty, dst)
            }

            #[inline]
            fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
                (**self).store(cx, ty, offset)
            }
        }
    )*};
}

lower_through! {
    ['a, T: Lower + ?Sized] &'a T;
    [T: Lower + ?Sized] Box<T>;
    [T: Lower + ?Sized] std::sync::Arc<T>;
    [T: Lower] Vec<T>;
    [] String;
}

impl<T: Lift> Lift for Box<T> {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        T::lift_flat(cx, ty, src).map(Box::new)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        T::load(cx, ty, bytes).map(Box::new)
    }
}

/// The payloads of a variant's cases, for those that lift and lower it.
#[derive(Debug, Clone, Copy)]
pub struct Payloads {
    /// Bytes from the start to the payload.
    pub offset: u32,
    /// Core values of the whole, discriminant included; none when there are too many.
    pub flat: Option<u8>,
}

impl Payloads {
    /// Of a variant whose cases have these payloads.
    pub const fn new(cases: &[Option<Abi>]) -> Payloads {
        Payloads {
            offset: Abi::payload_offset(cases),
            flat: Abi::variant(cases).flat,
        }
    }

    /// Slots that the whole takes.
    pub fn slots(&self) -> usize {
        self.flat.map_or(0, usize::from)
    }
}

/// Writes a discriminant of `size` bytes.
///
/// # Errors
/// As [`LowerContext::write`].
pub fn store_discriminant(
    cx: &mut LowerContext<'_>,
    offset: u32,
    size: u32,
    case: u32,
) -> Result<()> {
    cx.write(offset, &case.to_le_bytes()[..size.min(4) as usize])
}

/// Reads a discriminant of `size` bytes and checks that there is such a case.
///
/// # Errors
/// A trap when there is none.
pub fn load_discriminant(bytes: &[u8], size: u32, cases: u32) -> Result<u32> {
    let mut le = [0; 4];
    let bytes = bytes
        .get(..size as usize)
        .ok_or_else(|| Error::trap("a value is shorter than its type"))?;
    for (to, from) in le.iter_mut().zip(bytes) {
        *to = *from;
    }
    check_discriminant(u32::from_le_bytes(le), cases)
}

/// Takes a discriminant from a core value and checks that there is such a case.
///
/// # Errors
/// A trap when there is none.
pub fn lift_discriminant(src: &mut FlatReader<'_>, cases: u32) -> Result<u32> {
    check_discriminant(src.pop_u32()?, cases)
}

fn check_discriminant(case: u32, cases: u32) -> Result<u32> {
    if case >= cases {
        return Err(Error::trap(format!(
            "invalid variant discriminant {case}: there are {cases} cases"
        )));
    }
    Ok(case)
}

/// The type of a part; the type check has made sure that it is there.
fn part<T>(part: Option<T>) -> Result<T> {
    part.ok_or_else(|| Error::trap("a value's type has not the parts that were checked"))
}

/// The types of the payloads of an option or a result.
fn two_payloads(ty: Type, types: &Types) -> (Option<Type>, Option<Type>) {
    match kind(ty, types, "") {
        Ok(TypeKind::Option(some)) => (None, Some(*some)),
        Ok(TypeKind::Result(ok, err)) => (*ok, *err),
        _ => (None, None),
    }
}

impl<T: ComponentType> ComponentType for Option<T> {
    const ABI: Abi = Abi::variant(&[None, Some(T::ABI)]);

    fn flat_types(out: &mut Vec<FlatType>) {
        out.push(FlatType::I32);
        T::flat_types(out);
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match kind(ty, types, "option")? {
            TypeKind::Option(some) => T::typecheck(*some, types).map_err(|e| e.within("option")),
            _ => Err(TypeMismatch::new("option", types.display(ty))),
        }
    }
}

impl<T: ComponentType> PayloadsOf for Option<T> {
    const PAYLOADS: Payloads = Payloads::new(&[None, Some(T::ABI)]);
}

trait PayloadsOf {
    const PAYLOADS: Payloads;
}

impl<T: Lower> Lower for Option<T> {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
        let end = dst.len() + Self::PAYLOADS.slots();
        dst.push(u64::from(self.is_some()));
        if let Some(value) = self {
            let some = part(two_payloads(ty, cx.types()).1)?;
            value.lower_flat(cx, some, dst)?;
        }
        dst.pad_to(end);
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        store_discriminant(cx, offset, 1, u32::from(self.is_some()))?;
        match self {
            None => Ok(()),
            Some(value) => {
                let some = part(two_payloads(ty, cx.types()).1)?;
                value.store(cx, some, offset + Self::PAYLOADS.offset)
            }
        }
    }
}

impl<T: Lift> Lift for Option<T> {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let end = src.position() + Self::PAYLOADS.slots();
        let value = match lift_discriminant(src, 2)? {
            0 => None,
            _ => Some(T::lift_flat(
                cx,
                part(two_payloads(ty, cx.types()).1)?,
                src,
            )?),
        };
        src.skip_to(end);
        Ok(value)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        match load_discriminant(bytes, 1, 2)? {
            0 => Ok(None),
            _ => {
                let some = part(two_payloads(ty, cx.types()).1)?;
                T::load(cx, some, payload::<T>(bytes, Self::PAYLOADS.offset)?).map(Some)
            }
        }
    }
}

/// The bytes of a payload of type `T` that begins at `offset`.
fn payload<T: ComponentType>(bytes: &[u8], offset: u32) -> Result<&[u8]> {
    let start = offset as usize;
    bytes
        .get(start..start + T::ABI.size as usize)
        .ok_or_else(|| Error::trap("a value is shorter than its type"))
}

/// A result's sides may be `()` where the component has no payload there. This is what tells them apart from a
/// record without fields, which the component model does not have.
pub trait Side: Sized {
    #[doc(hidden)]
    const SIDE: Option<Abi>;
    #[doc(hidden)]
    fn check_side(ty: Option<Type>, types: &Types) -> Result<(), TypeMismatch>;
    #[doc(hidden)]
    fn flat_side(out: &mut Vec<FlatType>);
}

impl<T: ComponentType> Side for T {
    const SIDE: Option<Abi> = match T::ABI.size {
        0 => None,
        _ => Some(T::ABI),
    };

    fn check_side(ty: Option<Type>, types: &Types) -> Result<(), TypeMismatch> {
        match (ty, Self::SIDE) {
            (None, None) => Ok(()),
            (Some(ty), Some(_)) => T::typecheck(ty, types),
            (Some(ty), None) => Err(TypeMismatch::new("no payload", types.display(ty))),
            (None, Some(_)) => Err(TypeMismatch::new("a payload", "none")),
        }
    }

    fn flat_side(out: &mut Vec<FlatType>) {
        T::flat_types(out);
    }
}

impl<T: ComponentType, E: ComponentType> ComponentType for Result<T, E> {
    const ABI: Abi = Abi::variant(&[T::SIDE, E::SIDE]);

    fn flat_types(out: &mut Vec<FlatType>) {
        let (mut ok, mut err) = (Vec::new(), Vec::new());
        T::flat_side(&mut ok);
        E::flat_side(&mut err);
        out.push(FlatType::I32);
        for i in 0..ok.len().max(err.len()) {
            match (ok.get(i), err.get(i)) {
                (Some(a), Some(b)) => out.push(a.join(*b)),
                (Some(one), None) | (None, Some(one)) => out.push(*one),
                (None, None) => {}
            }
        }
    }

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        match kind(ty, types, "result")? {
            TypeKind::Result(ok, err) => {
                T::check_side(*ok, types).map_err(|e| e.within("result's ok"))?;
                E::check_side(*err, types).map_err(|e| e.within("result's error"))
            }
            _ => Err(TypeMismatch::new("result", types.display(ty))),
        }
    }
}

impl<T: ComponentType, E: ComponentType> PayloadsOf for Result<T, E> {
    const PAYLOADS: Payloads = Payloads::new(&[T::SIDE, E::SIDE]);
}

/// Any type will do for a side without payload: it is never looked at.
const NOTHING: Type = Type::Bool;

impl<T: Lower, E: Lower> Lower for Result<T, E> {
    fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
        let end = dst.len() + Self::PAYLOADS.slots();
        let (ok, err) = two_payloads(ty, cx.types());
        dst.push(u64::from(self.is_err()));
        match self {
            Ok(value) => value.lower_flat(cx, ok.unwrap_or(NOTHING), dst)?,
            Err(value) => value.lower_flat(cx, err.unwrap_or(NOTHING), dst)?,
        }
        dst.pad_to(end);
        Ok(())
    }

    fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        let (ok, err) = two_payloads(ty, cx.types());
        store_discriminant(cx, offset, 1, u32::from(self.is_err()))?;
        match self {
            Ok(value) => value.store(cx, ok.unwrap_or(NOTHING), offset + Self::PAYLOADS.offset),
            Err(value) => value.store(cx, err.unwrap_or(NOTHING), offset + Self::PAYLOADS.offset),
        }
    }
}

impl<T: Lift, E: Lift> Lift for Result<T, E> {
    fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
        let end = src.position() + Self::PAYLOADS.slots();
        let (ok, err) = two_payloads(ty, cx.types());
        let value = match lift_discriminant(src, 2)? {
            0 => Ok(T::lift_flat(cx, ok.unwrap_or(NOTHING), src)?),
            _ => Err(E::lift_flat(cx, err.unwrap_or(NOTHING), src)?),
        };
        src.skip_to(end);
        Ok(value)
    }

    fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
        let (ok, err) = two_payloads(ty, cx.types());
        match load_discriminant(bytes, 1, 2)? {
            0 => T::load(
                cx,
                ok.unwrap_or(NOTHING),
                payload::<T>(bytes, Self::PAYLOADS.offset)?,
            )
            .map(Ok),
            _ => E::load(
                cx,
                err.unwrap_or(NOTHING),
                payload::<E>(bytes, Self::PAYLOADS.offset)?,
            )
            .map(Err),
        }
    }
}

/// The fields of a tuple.
fn tuple_fields(ty: Type, types: &Types) -> &[Field] {
    match kind(ty, types, "") {
        Ok(TypeKind::Tuple(fields)) => fields,
        _ => &[],
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*);)*) => {$(
        #[allow(unused_variables, unused_mut, non_snake_case)]
        const _: () = {
            impl<$($name: ComponentType),*> ParamTypes for ($($name,)*) {
                const ABI: Abi = Abi::record(&[$($name::ABI),*]);

                fn typecheck_params(params: &[Field], types: &Types) -> Result<(), TypeMismatch> {
                    const COUNT: usize = <[&str]>::len(&[$(stringify!($name)),*]);
                    if params.len() != COUNT {
                        return Err(TypeMismatch::new(format!("{COUNT} parameters"), params.len()));
                    }
                    $(if let Some(param) = params.get($index) {
                        $name::typecheck(param.ty, types)
                            .map_err(|e| e.within(format!("parameter {}", param.name)))?;
                    })*
                    Ok(())
                }
            }

            impl<$($name: Lower),*> LowerParams for ($($name,)*) {
                #[inline]
                fn lower_params(&self, cx: &mut LowerContext<'_>, params: &[Field], dst: &mut FlatWriter) -> Result<()> {
                    $(self.$index.lower_flat(cx, part(params.get($index))?.ty, dst)?;)*
                    Ok(())
                }

                fn store_params(&self, cx: &mut LowerContext<'_>, params: &[Field], offset: u32) -> Result<()> {
                    $(
                        let param = part(params.get($index))?;
                        self.$index.store(cx, param.ty, offset + param.offset)?;
                    )*
                    Ok(())
                }
            }

            impl<$($name: Lift),*> LiftParams for ($($name,)*) {
                #[inline]
                fn lift_params(cx: &mut LiftContext<'_>, params: &[Field], src: &mut FlatReader<'_>) -> Result<Self> {
                    $(let $name = $name::lift_flat(cx, part(params.get($index))?.ty, src)?;)*
                    Ok(($($name,)*))
                }

                fn load_params(cx: &mut LiftContext<'_>, params: &[Field], bytes: &[u8]) -> Result<Self> {
                    $(
                        let param = part(params.get($index))?;
                        let $name = $name::load(cx, param.ty, payload::<$name>(bytes, param.offset)?)?;
                    )*
                    Ok(($($name,)*))
                }
            }
        };
    )*};
}

tuples! {
    ();
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15, Q 16);
}

macro_rules! tuple_values {
    ($(($($name:ident $index:tt),*);)*) => {$(
        #[allow(unused_variables, unused_mut, non_snake_case)]
        const _: () = {
            impl<$($name: ComponentType),*> ComponentType for ($($name,)*) {
                const ABI: Abi = Abi::record(&[$($name::ABI),*]);

                fn flat_types(out: &mut Vec<FlatType>) {
                    $($name::flat_types(out);)*
                }

                fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
                    const COUNT: usize = <[&str]>::len(&[$(stringify!($name)),*]);
                    match kind(ty, types, "tuple")? {
                        TypeKind::Tuple(fields) if fields.len() == COUNT => {
                            $(if let Some(field) = fields.get($index) {
                                $name::typecheck(field.ty, types)
                                    .map_err(|e| e.within(concat!("tuple element ", $index)))?;
                            })*
                            Ok(())
                        }
                        _ => Err(TypeMismatch::new(format!("tuple of {COUNT}"), types.display(ty))),
                    }
                }
            }

            impl<$($name: Lower),*> Lower for ($($name,)*) {
                fn lower_flat(&self, cx: &mut LowerContext<'_>, ty: Type, dst: &mut FlatWriter) -> Result<()> {
                    let types = cx.types();
                    self.lower_params(cx, tuple_fields(ty, types), dst)
                }

                fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
                    let types = cx.types();
                    self.store_params(cx, tuple_fields(ty, types), offset)
                }
            }

            impl<$($name: Lift),*> Lift for ($($name,)*) {
                fn lift_flat(cx: &mut LiftContext<'_>, ty: Type, src: &mut FlatReader<'_>) -> Result<Self> {
                    let types = cx.types();
                    Self::lift_params(cx, tuple_fields(ty, types), src)
                }

                fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Self> {
                    let types = cx.types();
                    Self::load_params(cx, tuple_fields(ty, types), bytes)
                }
            }
        };
    )*};
}

tuple_values! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
}

/// Nothing: the missing payload of a result's side. It is no component type by itself.
impl ComponentType for () {
    const ABI: Abi = Abi::UNIT;

    fn flat_types(_: &mut Vec<FlatType>) {}

    fn typecheck(ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        Err(TypeMismatch::new("nothing", types.display(ty)))
    }
}

impl Lower for () {
    fn lower_flat(&self, _: &mut LowerContext<'_>, _: Type, _: &mut FlatWriter) -> Result<()> {
        Ok(())
    }

    fn store(&self, _: &mut LowerContext<'_>, _: Type, _: u32) -> Result<()> {
        Ok(())
    }
}

impl Lift for () {
    fn lift_flat(_: &mut LiftContext<'_>, _: Type, _: &mut FlatReader<'_>) -> Result<Self> {
        Ok(())
    }

    fn load(_: &mut LiftContext<'_>, _: Type, _: &[u8]) -> Result<Self> {
        Ok(())
    }
}
