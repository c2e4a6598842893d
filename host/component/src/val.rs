//! Dynamic values: for callers that know a function's type only at run time.
//!
//! A `list<u8>` is [`Val::Bytes`], a list of other numbers [`Val::Numbers`]: they cross in one copy, like everywhere else.

use crate::abi::{FlatReader, FlatWriter, LiftContext, LowerContext};
use crate::error::{Error, Result, TypeMismatch};
use crate::resource::ResourceAny;
use crate::typed::{Lift, Lower, lift_discriminant, load_discriminant, store_discriminant};
use crate::types::{Case, Field, Type, TypeDef, TypeKind, Types, discriminant_size};

/// A value of any component type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the component type of the same name")]
pub enum Val {
    Bool(bool),
    S8(i8),
    U8(u8),
    S16(i16),
    U16(u16),
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    /// A `list<u8>`.
    Bytes(Vec<u8>),
    /// A list of other numbers, of variable length. Where one is wanted, [`Val::List`] will do as well.
    Numbers(Numbers),
    /// A list of any other type, or of fixed length.
    List(Vec<Val>),
    /// Keys and values, in order.
    Map(Vec<(Val, Val)>),
    /// Names and values, in the order of the type.
    Record(Vec<(String, Val)>),
    Tuple(Vec<Val>),
    /// Name of the case, and its payload if it has one.
    Variant(String, Option<Box<Val>>),
    /// Name of the case.
    Enum(String),
    /// Names of the flags that are set, in the order of the type.
    Flags(Vec<String>),
    Option(Option<Box<Val>>),
    Result(Result<Option<Box<Val>>, Option<Box<Val>>>),
    /// Owned or borrowed.
    Resource(ResourceAny),
}

/// Writes [`Numbers`], one variant a type.
macro_rules! numbers {
    ($($variant:ident $rust:ident),*) => {
        /// The elements of a list of numbers.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each is the component type of the same name")]
        pub enum Numbers {
            $($variant(Vec<$rust>),)*
        }

        impl Numbers {
            /// How many they are.
            pub fn len(&self) -> usize {
                match self {
                    $(Numbers::$variant(numbers) => numbers.len(),)*
                }
            }

            /// Number `index`, as a value of its own.
            pub fn get(&self, index: usize) -> Option<Val> {
                match self {
                    $(Numbers::$variant(numbers) => numbers.get(index).copied().map(Val::$variant),)*
                }
            }

            fn element(&self) -> Type {
                match self {
                    $(Numbers::$variant(_) => Type::$variant,)*
                }
            }

            fn lower(&self, cx: &mut LowerContext<'_>) -> Result<(u32, u32)> {
                match self {
                    $(Numbers::$variant(numbers) => $rust::lower_list(numbers, cx, Type::$variant),)*
                }
            }

            /// None when the elements are no numbers.
            fn lift(
                cx: &mut LiftContext<'_>,
                element: Type,
                ptr: u32,
                len: u32,
            ) -> Option<Result<Numbers>> {
                match element {
                    $(Type::$variant => {
                        Some($rust::lift_list(cx, element, ptr, len).map(Numbers::$variant))
                    })*
                    _ => None,
                }
            }
        }

        $(impl From<Vec<$rust>> for Val {
            fn from(numbers: Vec<$rust>) -> Val {
                Val::Numbers(Numbers::$variant(numbers))
            }
        })*
    };
}

numbers!(S8 i8, S16 i16, U16 u16, S32 i32, U32 u32, S64 i64, U64 u64, F32 f32, F64 f64);

impl Numbers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, as values of their own.
    pub fn iter(&self) -> impl Iterator<Item = Val> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl Val {
    /// What kind of value it is, for error texts.
    pub fn kind(&self) -> &'static str {
        match self {
            Val::Bool(_) => "bool",
            Val::S8(_) => "s8",
            Val::U8(_) => "u8",
            Val::S16(_) => "s16",
            Val::U16(_) => "u16",
            Val::S32(_) => "s32",
            Val::U32(_) => "u32",
            Val::S64(_) => "s64",
            Val::U64(_) => "u64",
            Val::F32(_) => "f32",
            Val::F64(_) => "f64",
            Val::Char(_) => "char",
            Val::String(_) => "string",
            Val::Bytes(_) => "list<u8>",
            Val::List(_) | Val::Numbers(_) => "list",
            Val::Map(_) => "map",
            Val::Record(_) => "record",
            Val::Tuple(_) => "tuple",
            Val::Variant(..) => "variant",
            Val::Enum(_) => "enum",
            Val::Flags(_) => "flags",
            Val::Option(_) => "option",
            Val::Result(_) => "result",
            Val::Resource(_) => "resource",
        }
    }

    /// Whether the value is of a type, through and through.
    ///
    /// # Errors
    /// The place and the kind of the difference.
    pub fn check(&self, ty: Type, types: &Types) -> Result<(), TypeMismatch> {
        let mismatch = || TypeMismatch::new(self.kind(), types.display(ty));
        let payload = |value: &Option<Box<Val>>, ty: Option<Type>| match (value, ty) {
            (None, None) => Ok(()),
            (Some(value), Some(ty)) => value.check(ty, types),
            (Some(value), None) => Err(TypeMismatch::new(value.kind(), "no payload")),
            (None, Some(ty)) => Err(TypeMismatch::new("no payload", types.display(ty))),
        };
        match (self, ty) {
            (Val::Bool(_), Type::Bool)
            | (Val::S8(_), Type::S8)
            | (Val::U8(_), Type::U8)
            | (Val::S16(_), Type::S16)
            | (Val::U16(_), Type::U16)
            | (Val::S32(_), Type::S32)
            | (Val::U32(_), Type::U32)
            | (Val::S64(_), Type::S64)
            | (Val::U64(_), Type::U64)
            | (Val::F32(_), Type::F32)
            | (Val::F64(_), Type::F64)
            | (Val::Char(_), Type::Char)
            | (Val::String(_), Type::String)
            | (Val::Resource(_), Type::Own(_) | Type::Borrow(_)) => Ok(()),
            (value, Type::Def(id)) => {
                let def = types.def(id).ok_or_else(mismatch)?;
                match (value, &def.kind) {
                    (Val::Bytes(_), TypeKind::List(Type::U8)) => Ok(()),
                    (Val::Numbers(numbers), TypeKind::List(element))
                        if numbers.element() == *element =>
                    {
                        Ok(())
                    }
                    (Val::List(items), TypeKind::List(element)) => items
                        .iter()
                        .try_for_each(|v| v.check(*element, types))
                        .map_err(|e| e.within("list element")),
                    (Val::List(items), TypeKind::FixedList(element, len))
                        if items.len() == *len as usize =>
                    {
                        items
                            .iter()
                            .try_for_each(|v| v.check(*element, types))
                            .map_err(|e| e.within("list element"))
                    }
                    (Val::Map(entries), TypeKind::Map(key, value)) => entries
                        .iter()
                        .try_for_each(|(k, v)| {
                            k.check(*key, types).and_then(|()| v.check(*value, types))
                        })
                        .map_err(|e| e.within("map entry")),
                    (Val::Record(values), TypeKind::Record(fields))
                        if values.len() == fields.len() =>
                    {
                        values
                            .iter()
                            .zip(fields)
                            .try_for_each(|((name, value), field)| {
                                if *name != field.name {
                                    return Err(TypeMismatch::new(
                                        format!("field {name}"),
                                        format!("field {}", field.name),
                                    ));
                                }
                                value
                                    .check(field.ty, types)
                                    .map_err(|e| e.within(format!("field {name}")))
                            })
                    }
                    (Val::Tuple(values), TypeKind::Tuple(fields))
                        if values.len() == fields.len() =>
                    {
                        values.iter().zip(fields).try_for_each(|(value, field)| {
                            value
                                .check(field.ty, types)
                                .map_err(|e| e.within(format!("tuple element {}", field.name)))
                        })
                    }
                    (Val::Variant(name, value), TypeKind::Variant(cases)) => {
                        let case = cases
                            .iter()
                            .find(|c| c.name == *name)
                            .ok_or_else(mismatch)?;
                        payload(value, case.ty).map_err(|e| e.within(format!("case {name}")))
                    }
                    (Val::Enum(name), TypeKind::Enum(names)) if names.contains(name) => Ok(()),
                    (Val::Flags(set), TypeKind::Flags(names))
                        if set.iter().all(|n| names.contains(n)) =>
                    {
                        Ok(())
                    }
                    (Val::Option(value), TypeKind::Option(ty)) => match value {
                        None => Ok(()),
                        Some(value) => value.check(*ty, types).map_err(|e| e.within("option")),
                    },
                    (Val::Result(Ok(value)), TypeKind::Result(ok, _)) => {
                        payload(value, *ok).map_err(|e| e.within("result's ok"))
                    }
                    (Val::Result(Err(value)), TypeKind::Result(_, err)) => {
                        payload(value, *err).map_err(|e| e.within("result's error"))
                    }
                    _ => Err(mismatch()),
                }
            }
            _ => Err(mismatch()),
        }
    }

    pub(crate) fn lower_flat(
        &self,
        cx: &mut LowerContext<'_>,
        ty: Type,
        dst: &mut FlatWriter,
    ) -> Result<()> {
        match self {
            Val::Bool(v) => v.lower_flat(cx, ty, dst),
            Val::S8(v) => v.lower_flat(cx, ty, dst),
            Val::U8(v) => v.lower_flat(cx, ty, dst),
            Val::S16(v) => v.lower_flat(cx, ty, dst),
            Val::U16(v) => v.lower_flat(cx, ty, dst),
            Val::S32(v) => v.lower_flat(cx, ty, dst),
            Val::U32(v) => v.lower_flat(cx, ty, dst),
            Val::S64(v) => v.lower_flat(cx, ty, dst),
            Val::U64(v) => v.lower_flat(cx, ty, dst),
            Val::F32(v) => v.lower_flat(cx, ty, dst),
            Val::F64(v) => v.lower_flat(cx, ty, dst),
            Val::Char(v) => v.lower_flat(cx, ty, dst),
            Val::String(v) => v.lower_flat(cx, ty, dst),
            Val::Resource(v) => v.lower_flat(cx, ty, dst),
            compound => {
                let def = def(ty, cx.types())?;
                let end = dst.len() + def.flat.len();
                match (compound, &def.kind) {
                    (
                        Val::Bytes(_) | Val::Numbers(_) | Val::List(_) | Val::Map(_),
                        TypeKind::List(_) | TypeKind::Map(..),
                    ) => {
                        let (ptr, len) = compound.lower_sequence(cx, &def.kind)?;
                        dst.push(u64::from(ptr));
                        dst.push(u64::from(len));
                    }
                    (Val::List(items), TypeKind::FixedList(element, _)) => {
                        for item in items {
                            item.lower_flat(cx, *element, dst)?;
                        }
                    }
                    (Val::Flags(set), TypeKind::Flags(names)) => {
                        for word in flag_words(set, names) {
                            dst.push(u64::from(word));
                        }
                    }
                    (
                        Val::Record(_) | Val::Tuple(_),
                        TypeKind::Record(fields) | TypeKind::Tuple(fields),
                    ) => {
                        for (value, field) in compound.parts().zip(fields) {
                            value.lower_flat(cx, field.ty, dst)?;
                        }
                    }
                    (value, kind) => {
                        let (case, payload) = value.case(kind)?;
                        dst.push(u64::from(case));
                        if let Some((value, ty)) = payload {
                            value.lower_flat(cx, ty, dst)?;
                        }
                    }
                }
                dst.pad_to(end);
                Ok(())
            }
        }
    }

    pub(crate) fn store(&self, cx: &mut LowerContext<'_>, ty: Type, offset: u32) -> Result<()> {
        match self {
            Val::Bool(v) => v.store(cx, ty, offset),
            Val::S8(v) => v.store(cx, ty, offset),
            Val::U8(v) => v.store(cx, ty, offset),
            Val::S16(v) => v.store(cx, ty, offset),
            Val::U16(v) => v.store(cx, ty, offset),
            Val::S32(v) => v.store(cx, ty, offset),
            Val::U32(v) => v.store(cx, ty, offset),
            Val::S64(v) => v.store(cx, ty, offset),
            Val::U64(v) => v.store(cx, ty, offset),
            Val::F32(v) => v.store(cx, ty, offset),
            Val::F64(v) => v.store(cx, ty, offset),
            Val::Char(v) => v.store(cx, ty, offset),
            Val::String(v) => v.store(cx, ty, offset),
            Val::Resource(v) => v.store(cx, ty, offset),
            compound => {
                let def = def(ty, cx.types())?;
                match (compound, &def.kind) {
                    (
                        Val::Bytes(_) | Val::Numbers(_) | Val::List(_) | Val::Map(_),
                        TypeKind::List(_) | TypeKind::Map(..),
                    ) => {
                        let (ptr, len) = compound.lower_sequence(cx, &def.kind)?;
                        cx.write(offset, &ptr.to_le_bytes())?;
                        cx.write(offset + 4, &len.to_le_bytes())
                    }
                    (Val::List(items), TypeKind::FixedList(element, _)) => {
                        let size = cx.types().abi(*element).size;
                        for (i, item) in items.iter().enumerate() {
                            item.store(cx, *element, offset + i as u32 * size)?;
                        }
                        Ok(())
                    }
                    (Val::Flags(set), TypeKind::Flags(names)) => {
                        for (i, word) in flag_words(set, names).into_iter().enumerate() {
                            let bytes = &word.to_le_bytes()[..def.abi.size.min(4) as usize];
                            cx.write(offset + 4 * i as u32, bytes)?;
                        }
                        Ok(())
                    }
                    (
                        Val::Record(_) | Val::Tuple(_),
                        TypeKind::Record(fields) | TypeKind::Tuple(fields),
                    ) => compound
                        .parts()
                        .zip(fields)
                        .try_for_each(|(v, f)| v.store(cx, f.ty, offset + f.offset)),
                    (value, kind) => {
                        let (case, payload) = value.case(kind)?;
                        store_discriminant(cx, offset, discriminant_size(case_count(kind)), case)?;
                        match payload {
                            Some((value, ty)) => value.store(cx, ty, offset + def.payload_offset),
                            None => Ok(()),
                        }
                    }
                }
            }
        }
    }

    fn lower_sequence(&self, cx: &mut LowerContext<'_>, kind: &TypeKind) -> Result<(u32, u32)> {
        match (self, kind) {
            (Val::Bytes(bytes), _) => cx.lower_bytes(bytes),
            (Val::Numbers(numbers), _) => numbers.lower(cx),
            (Val::List(items), TypeKind::List(element)) => {
                let abi = cx.types().abi(*element);
                let ptr = cx.alloc(abi.align, checked_size(items.len(), abi.size)?)?;
                for (i, item) in items.iter().enumerate() {
                    item.store(cx, *element, ptr + i as u32 * abi.size)?;
                }
                Ok((ptr, items.len() as u32))
            }
            (Val::Map(entries), TypeKind::Map(key, value)) => {
                let (fields, abi) = entry(*key, *value, cx.types());
                let ptr = cx.alloc(abi.align, checked_size(entries.len(), abi.size)?)?;
                for (i, (k, v)) in entries.iter().enumerate() {
                    let at = ptr + i as u32 * abi.size;
                    for (value, field) in [k, v].into_iter().zip(&fields) {
                        value.store(cx, field.ty, at + field.offset)?;
                    }
                }
                Ok((ptr, entries.len() as u32))
            }
            _ => Err(unchecked()),
        }
    }

    /// The values of a record or tuple.
    fn parts(&self) -> impl Iterator<Item = &Val> {
        let (record, tuple): (&[(String, Val)], &[Val]) = match self {
            Val::Record(fields) => (fields, &[]),
            Val::Tuple(values) => (&[], values),
            _ => (&[], &[]),
        };
        record.iter().map(|(_, v)| v).chain(tuple)
    }

    /// The case of anything that is a variant: its number, its payload and the payload's type.
    fn case(&self, kind: &TypeKind) -> Result<(u32, Option<(&Val, Type)>)> {
        fn with(value: &Option<Box<Val>>, ty: Option<Type>) -> Option<(&Val, Type)> {
            Some((value.as_deref()?, ty?))
        }
        match (self, kind) {
            (Val::Option(value), TypeKind::Option(ty)) => {
                Ok((u32::from(value.is_some()), with(value, Some(*ty))))
            }
            (Val::Result(Ok(value)), TypeKind::Result(ok, _)) => Ok((0, with(value, *ok))),
            (Val::Result(Err(value)), TypeKind::Result(_, err)) => Ok((1, with(value, *err))),
            (Val::Enum(name), TypeKind::Enum(names)) => {
                let case = names.iter().position(|n| n == name).ok_or_else(unchecked)?;
                Ok((case as u32, None))
            }
            (Val::Variant(name, value), TypeKind::Variant(cases)) => {
                let case = cases
                    .iter()
                    .position(|c| c.name == *name)
                    .ok_or_else(unchecked)?;
                Ok((case as u32, with(value, cases.get(case).and_then(|c| c.ty))))
            }
            _ => Err(unchecked()),
        }
    }

    pub(crate) fn lift_flat(
        cx: &mut LiftContext<'_>,
        ty: Type,
        src: &mut FlatReader<'_>,
    ) -> Result<Val> {
        Ok(match ty {
            Type::Bool => Val::Bool(Lift::lift_flat(cx, ty, src)?),
            Type::S8 => Val::S8(Lift::lift_flat(cx, ty, src)?),
            Type::U8 => Val::U8(Lift::lift_flat(cx, ty, src)?),
            Type::S16 => Val::S16(Lift::lift_flat(cx, ty, src)?),
            Type::U16 => Val::U16(Lift::lift_flat(cx, ty, src)?),
            Type::S32 => Val::S32(Lift::lift_flat(cx, ty, src)?),
            Type::U32 => Val::U32(Lift::lift_flat(cx, ty, src)?),
            Type::S64 => Val::S64(Lift::lift_flat(cx, ty, src)?),
            Type::U64 => Val::U64(Lift::lift_flat(cx, ty, src)?),
            Type::F32 => Val::F32(Lift::lift_flat(cx, ty, src)?),
            Type::F64 => Val::F64(Lift::lift_flat(cx, ty, src)?),
            Type::Char => Val::Char(Lift::lift_flat(cx, ty, src)?),
            Type::String => Val::String(Lift::lift_flat(cx, ty, src)?),
            Type::Own(_) | Type::Borrow(_) => Val::Resource(Lift::lift_flat(cx, ty, src)?),
            Type::Async => return Err(asynchronous()),
            Type::Def(_) => {
                let def = def(ty, cx.types())?;
                let end = src.position() + def.flat.len();
                let value = match &def.kind {
                    TypeKind::List(_) | TypeKind::Map(..) => {
                        let (ptr, len) = (src.pop_u32()?, src.pop_u32()?);
                        Val::lift_sequence(cx, &def.kind, ptr, len)?
                    }
                    TypeKind::FixedList(element, len) => Val::List(
                        (0..*len)
                            .map(|_| Val::lift_flat(cx, *element, src))
                            .collect::<Result<_>>()?,
                    ),
                    TypeKind::Record(fields) => {
                        let lift = |f: &Field| Ok((f.name.clone(), Val::lift_flat(cx, f.ty, src)?));
                        Val::Record(fields.iter().map(lift).collect::<Result<_>>()?)
                    }
                    TypeKind::Tuple(fields) => Val::Tuple(
                        fields
                            .iter()
                            .map(|f| Val::lift_flat(cx, f.ty, src))
                            .collect::<Result<_>>()?,
                    ),
                    TypeKind::Flags(names) => {
                        let words = (0..def.flat.len())
                            .map(|_| src.pop_u32())
                            .collect::<Result<Vec<_>>>()?;
                        Val::Flags(flag_names(&words, names))
                    }
                    kind => {
                        let case = lift_discriminant(src, case_count(kind) as u32)?;
                        Val::of_case(kind, case, |ty| Val::lift_flat(cx, ty, src))?
                    }
                };
                src.skip_to(end);
                value
            }
        })
    }

    pub(crate) fn load(cx: &mut LiftContext<'_>, ty: Type, bytes: &[u8]) -> Result<Val> {
        Ok(match ty {
            Type::Bool => Val::Bool(Lift::load(cx, ty, bytes)?),
            Type::S8 => Val::S8(Lift::load(cx, ty, bytes)?),
            Type::U8 => Val::U8(Lift::load(cx, ty, bytes)?),
            Type::S16 => Val::S16(Lift::load(cx, ty, bytes)?),
            Type::U16 => Val::U16(Lift::load(cx, ty, bytes)?),
            Type::S32 => Val::S32(Lift::load(cx, ty, bytes)?),
            Type::U32 => Val::U32(Lift::load(cx, ty, bytes)?),
            Type::S64 => Val::S64(Lift::load(cx, ty, bytes)?),
            Type::U64 => Val::U64(Lift::load(cx, ty, bytes)?),
            Type::F32 => Val::F32(Lift::load(cx, ty, bytes)?),
            Type::F64 => Val::F64(Lift::load(cx, ty, bytes)?),
            Type::Char => Val::Char(Lift::load(cx, ty, bytes)?),
            Type::String => Val::String(Lift::load(cx, ty, bytes)?),
            Type::Own(_) | Type::Borrow(_) => Val::Resource(Lift::load(cx, ty, bytes)?),
            Type::Async => return Err(asynchronous()),
            Type::Def(_) => {
                let def = def(ty, cx.types())?;
                match &def.kind {
                    TypeKind::List(_) | TypeKind::Map(..) => {
                        let ptr = u32::load(cx, Type::U32, part(bytes, 0, 4)?)?;
                        let len = u32::load(cx, Type::U32, part(bytes, 4, 4)?)?;
                        Val::lift_sequence(cx, &def.kind, ptr, len)?
                    }
                    TypeKind::FixedList(element, len) => {
                        let size = cx.types().abi(*element).size;
                        let load = |i: u32| Val::load(cx, *element, part(bytes, i * size, size)?);
                        Val::List((0..*len).map(load).collect::<Result<_>>()?)
                    }
                    TypeKind::Record(fields) => {
                        let values = Val::load_fields(cx, fields, bytes)?;
                        Val::Record(fields.iter().map(|f| f.name.clone()).zip(values).collect())
                    }
                    TypeKind::Tuple(fields) => Val::Tuple(Val::load_fields(cx, fields, bytes)?),
                    TypeKind::Flags(names) => {
                        let words: Vec<u32> = bytes
                            .chunks(4)
                            .map(|c| {
                                c.iter()
                                    .rev()
                                    .fold(0, |word, byte| word << 8 | u32::from(*byte))
                            })
                            .collect();
                        Val::Flags(flag_names(&words, names))
                    }
                    kind => {
                        let cases = case_count(kind);
                        let case =
                            load_discriminant(bytes, discriminant_size(cases), cases as u32)?;
                        Val::of_case(kind, case, |ty| {
                            let size = cx.types().abi(ty).size;
                            Val::load(cx, ty, part(bytes, def.payload_offset, size)?)
                        })?
                    }
                }
            }
        })
    }

    /// Values that lie in memory as the fields of a record.
    pub(crate) fn load_fields(
        cx: &mut LiftContext<'_>,
        fields: &[Field],
        bytes: &[u8],
    ) -> Result<Vec<Val>> {
        fields
            .iter()
            .map(|field| {
                let size = cx.types().abi(field.ty).size;
                Val::load(cx, field.ty, part(bytes, field.offset, size)?)
            })
            .collect()
    }

    fn lift_sequence(cx: &mut LiftContext<'_>, kind: &TypeKind, ptr: u32, len: u32) -> Result<Val> {
        match kind {
            TypeKind::List(Type::U8) => Ok(Val::Bytes(cx.list(ptr, len, 1, 1)?.to_vec())),
            TypeKind::List(element) => {
                if let Some(numbers) = Numbers::lift(cx, *element, ptr, len) {
                    return numbers.map(Val::Numbers);
                }
                let abi = cx.types().abi(*element);
                let bytes = cx.list(ptr, len, abi.size, abi.align)?;
                cx.charge_elements(len, abi.size, size_of::<Val>())?;
                let load = |i: u32| Val::load(cx, *element, part(bytes, i * abi.size, abi.size)?);
                Ok(Val::List((0..len).map(load).collect::<Result<_>>()?))
            }
            TypeKind::Map(key, value) => {
                let (fields, abi) = entry(*key, *value, cx.types());
                let bytes = cx.list(ptr, len, abi.size, abi.align)?;
                cx.charge_elements(len, abi.size, size_of::<(Val, Val)>())?;
                let mut entries = Vec::new();
                for item in bytes.chunks_exact(abi.size.max(1) as usize) {
                    let mut values = Val::load_fields(cx, &fields, item)?.into_iter();
                    if let (Some(k), Some(v)) = (values.next(), values.next()) {
                        entries.push((k, v));
                    }
                }
                Ok(Val::Map(entries))
            }
            _ => Err(unchecked()),
        }
    }

    /// The value of case `case` of anything that is a variant; `lift` gives its payload.
    fn of_case(
        kind: &TypeKind,
        case: u32,
        mut lift: impl FnMut(Type) -> Result<Val>,
    ) -> Result<Val> {
        let mut payload = |ty: Option<Type>| ty.map(|ty| lift(ty).map(Box::new)).transpose();
        let index = case as usize;
        Ok(match kind {
            TypeKind::Option(ty) if case == 1 => Val::Option(payload(Some(*ty))?),
            TypeKind::Option(_) => Val::Option(None),
            TypeKind::Result(ok, _) if case == 0 => Val::Result(Ok(payload(*ok)?)),
            TypeKind::Result(_, err) => Val::Result(Err(payload(*err)?)),
            TypeKind::Enum(names) => Val::Enum(names.get(index).ok_or_else(unchecked)?.clone()),
            TypeKind::Variant(cases) => {
                let Case { name, ty } = cases.get(index).ok_or_else(unchecked)?;
                Val::Variant(name.clone(), payload(*ty)?)
            }
            _ => return Err(unchecked()),
        })
    }
}

fn def(ty: Type, types: &Types) -> Result<&TypeDef> {
    match ty {
        Type::Def(id) => types.def(id),
        _ => None,
    }
    .ok_or_else(unchecked)
}

/// What the checks before have ruled out.
fn unchecked() -> Error {
    Error::trap("a dynamic value is not of its type")
}

fn asynchronous() -> Error {
    Error::Unsupported("values of the asynchronous model".to_string())
}

fn checked_size(len: usize, size: u32) -> Result<usize> {
    len.checked_mul(size as usize)
        .ok_or_else(|| Error::trap("a list is larger than a 32-bit memory"))
}

fn part(bytes: &[u8], offset: u32, size: u32) -> Result<&[u8]> {
    bytes
        .get(offset as usize..)
        .and_then(|rest| rest.get(..size as usize))
        .ok_or_else(unchecked)
}

/// The fields of a map's entry.
fn entry(key: Type, value: Type, types: &Types) -> ([Field; 2], crate::types::Abi) {
    let field = |ty| Field {
        name: String::new(),
        ty,
        offset: 0,
    };
    let mut fields = [field(key), field(value)];
    let abi = types.lay_out(&mut fields);
    (fields, abi)
}

fn case_count(kind: &TypeKind) -> usize {
    match kind {
        TypeKind::Enum(names) => names.len(),
        TypeKind::Variant(cases) => cases.len(),
        _ => 2,
    }
}

fn flag_words(set: &[String], names: &[String]) -> Vec<u32> {
    let mut words = vec![0; names.len().div_ceil(32)];
    for (i, name) in names.iter().enumerate() {
        if set.contains(name)
            && let Some(word) = words.get_mut(i / 32)
        {
            *word |= 1 << (i % 32);
        }
    }
    words
}

fn flag_names(words: &[u32], names: &[String]) -> Vec<String> {
    let set = |i: usize| {
        words
            .get(i / 32)
            .is_some_and(|word| word & 1 << (i % 32) != 0)
    };
    names
        .iter()
        .enumerate()
        .filter(|(i, _)| set(*i))
        .map(|(_, name)| name.clone())
        .collect()
}
