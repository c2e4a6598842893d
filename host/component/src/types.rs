//! The types of a component, as data: what a component imports and exports, and what each value looks like in memory.
//!
//! The translator's own tables are indexed, unstable between its releases and tied to its lifetime. These are ours: one
//! flat table of type definitions, each with its layout worked out once, small enough to be stored in an artifact and
//! simple enough for `inspect`-like tools. Everything that walks a type (typed and dynamic lifting and lowering, link-time
//! checks, error texts) walks this table; nothing else in the crate knows where it came from.
//!
//! Sizes and offsets are bytes in a 32-bit linear memory. Source: component-model, CanonicalABI ("Alignment", "Element Size",
//! "Flattening").

use serde::{Deserialize, Serialize};
use std::fmt;

/// Most flat (core) parameters a call passes without spilling to memory.
pub const MAX_FLAT_PARAMS: usize = 16;
/// Most flat (core) results a call returns without a return pointer.
pub const MAX_FLAT_RESULTS: usize = 1;

/// A core WebAssembly value type, as far as the canonical ABI uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FlatType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

impl FlatType {
    /// The type that holds either of two, when they share the slot of a variant's payload.
    pub fn join(self, other: FlatType) -> FlatType {
        match (self, other) {
            (a, b) if a == b => a,
            (FlatType::I32, FlatType::F32) | (FlatType::F32, FlatType::I32) => FlatType::I32,
            _ => FlatType::I64,
        }
    }
}

/// How a type lies in memory and in core values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Abi {
    /// Bytes in memory, padding included.
    pub size: u32,
    /// Alignment in memory, a power of two.
    pub align: u32,
    /// Number of core values it flattens to; none when they are more than [`MAX_FLAT_PARAMS`].
    pub flat: Option<u8>,
}

impl Abi {
    /// Of a value that fills one core value and `size` bytes.
    pub const fn scalar(size: u32) -> Abi {
        Abi {
            size,
            align: size,
            flat: Some(1),
        }
    }

    /// Of a list or a string: pointer and length.
    pub const POINTER_PAIR: Abi = Abi {
        size: 8,
        align: 4,
        flat: Some(2),
    };

    /// Of nothing at all.
    pub const UNIT: Abi = Abi {
        size: 0,
        align: 1,
        flat: Some(0),
    };

    /// Of a record or tuple with these fields, in order.
    pub const fn record(fields: &[Abi]) -> Abi {
        let mut abi = Abi::UNIT;
        let mut i = 0;
        while i < fields.len() {
            abi = abi.then(fields[i]).0;
            i += 1;
        }
        abi.padded()
    }

    /// The offset of field `index` in a record with these fields.
    pub const fn field_offset(fields: &[Abi], index: usize) -> u32 {
        let mut abi = Abi::UNIT;
        let mut offset = 0;
        let mut i = 0;
        while i <= index {
            let (next, at) = abi.then(fields[i]);
            abi = next;
            offset = at;
            i += 1;
        }
        offset
    }

    /// Of a variant whose cases have these payloads.
    pub const fn variant(cases: &[Option<Abi>]) -> Abi {
        let disc = discriminant_size(cases.len());
        let (mut size, mut align, mut flat) = (0, disc, Some(0u8));
        let mut i = 0;
        while i < cases.len() {
            if let Some(case) = cases[i] {
                size = max(size, case.size);
                align = max(align, case.align);
                flat = match (flat, case.flat) {
                    (Some(a), Some(b)) => Some(if a > b { a } else { b }),
                    _ => None,
                };
            }
            i += 1;
        }
        let size = align_to(align_to(disc, align).saturating_add(size), align);
        Abi {
            size,
            align,
            flat: add_flat(Some(1), flat),
        }
    }

    /// The offset of the payload in a variant whose cases have these payloads.
    pub const fn payload_offset(cases: &[Option<Abi>]) -> u32 {
        align_to(discriminant_size(cases.len()), Abi::variant(cases).align)
    }

    /// Of flags with so many members.
    pub const fn flags(count: usize) -> Abi {
        match count {
            0 => Abi::UNIT,
            1..=8 => Abi::scalar(1),
            9..=16 => Abi::scalar(2),
            _ => {
                let words = count.div_ceil(32);
                Abi {
                    size: 4 * words as u32,
                    align: 4,
                    flat: if words > MAX_FLAT_PARAMS {
                        None
                    } else {
                        Some(words as u8)
                    },
                }
            }
        }
    }

    /// Of a list of fixed length.
    pub const fn fixed_list(element: Abi, count: u32) -> Abi {
        let flat = match element.flat {
            Some(n) if (n as u64) * (count as u64) <= MAX_FLAT_PARAMS as u64 => {
                Some(n * count as u8)
            }
            _ => None,
        };
        Abi {
            size: element.size.saturating_mul(count),
            align: element.align,
            flat,
        }
    }

    const fn then(self, field: Abi) -> (Abi, u32) {
        let offset = align_to(self.size, field.align);
        let abi = Abi {
            size: offset.saturating_add(field.size),
            align: max(self.align, field.align),
            flat: add_flat(self.flat, field.flat),
        };
        (abi, offset)
    }

    const fn padded(self) -> Abi {
        Abi {
            size: align_to(self.size, self.align),
            ..self
        }
    }
}

const fn max(a: u32, b: u32) -> u32 {
    if a > b { a } else { b }
}

const fn align_to(n: u32, align: u32) -> u32 {
    match n.checked_next_multiple_of(align) {
        Some(n) => n,
        None => !(align - 1),
    }
}

const fn add_flat(a: Option<u8>, b: Option<u8>) -> Option<u8> {
    match (a, b) {
        (Some(a), Some(b)) if a as usize + b as usize <= MAX_FLAT_PARAMS => Some(a + b),
        _ => None,
    }
}

/// Bytes of the discriminant of a variant with so many cases: 1, 2 or 4.
pub const fn discriminant_size(cases: usize) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The type of a value. Small and `Copy`; what is inside a compound one is looked up in its component's [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// `bool`
    Bool,
    /// `s8`
    S8,
    /// `u8`
    U8,
    /// `s16`
    S16,
    /// `u16`
    U16,
    /// `s32`
    S32,
    /// `u32`
    U32,
    /// `s64`
    S64,
    /// `u64`
    U64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// `string`
    String,
    /// A compound type: see [`Types::def`].
    Def(TypeId),
    /// `own<R>`
    Own(ResourceTableId),
    /// `borrow<R>`
    Borrow(ResourceTableId),
    /// A type of the asynchronous model: can be declared, not passed.
    Async,
}

/// Index of a compound type in [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TypeId(pub(crate) u32);

/// Index of a resource type as one component instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResourceTableId(pub(crate) u32);

/// Index of a function type in [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncTypeId(pub(crate) u32);

/// A named field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name, kebab-case.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Bytes from the start of the record.
    pub offset: u32,
}

/// A case of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name, kebab-case.
    pub name: String,
    /// Its payload, if it has one.
    pub ty: Option<Type>,
}

/// What a compound type is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TypeKind {
    /// `list<T>`
    List(Type),
    /// `list<T, N>`
    FixedList(Type, u32),
    /// `map<K, V>`: lies in memory as a list of pairs.
    Map(Type, Type),
    /// `record`
    Record(Vec<Field>),
    /// `tuple`; the fields have no names.
    Tuple(Vec<Field>),
    /// `variant`
    Variant(Vec<Case>),
    /// `enum`
    Enum(Vec<String>),
    /// `flags`
    Flags(Vec<String>),
    /// `option<T>`
    Option(Type),
    /// `result<T, E>`
    Result(Option<Type>, Option<Type>),
}

/// A compound type with its layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeDef {
    /// What it is made of.
    pub kind: TypeKind,
    /// Size, alignment and flat count.
    pub abi: Abi,
    /// The core values it flattens to; empty when they are too many.
    pub flat: Vec<FlatType>,
    /// For what has a discriminant: bytes from the start to the payload.
    pub payload_offset: u32,
    /// Whether a value holds a borrowed handle.
    pub(crate) holds_borrow: bool,
}

/// The type of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuncType {
    /// Parameters, as a tuple with names.
    pub params: Vec<Field>,
    /// Size, alignment and flat count of the parameters as a tuple.
    pub params_abi: Abi,
    /// The result, if it has one.
    pub result: Option<Type>,
    /// Whether it is declared `async`.
    pub is_async: bool,
    /// Whether a parameter is or holds a borrowed handle.
    pub(crate) takes_borrows: bool,
}

/// All types of one component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Types {
    pub(crate) defs: Vec<TypeDef>,
    pub(crate) funcs: Vec<FuncType>,
    /// For each resource table: which resource it holds (an index into the component's resources), or none
    /// when it is abstract.
    pub(crate) resource_tables: Vec<Option<ResourceTable>>,
}

/// A resource type as a component instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResourceTable {
    pub resource: u32,
    pub instance: u32,
}

/// An item that a component imports or exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(FuncTypeId),
    /// An instance, with its own items by name.
    Instance(Vec<(String, ExternType)>),
    /// A resource type.
    Resource(ResourceTableId),
    /// Another type: nothing to link.
    Type(Type),
    /// A core module.
    Module(crate::module::ModuleType),
    /// A component.
    Component,
}

impl ExternType {
    /// What kind of item it is, for error texts.
    pub fn kind(&self) -> &'static str {
        match self {
            ExternType::Func(_) => "function",
            ExternType::Instance(_) => "instance",
            ExternType::Resource(_) => "resource",
            ExternType::Type(_) => "type",
            ExternType::Module(_) => "core module",
            ExternType::Component => "component",
        }
    }
}

#[cfg_attr(
    not(feature = "compiler"),
    allow(dead_code, reason = "only the translator makes new types")
)]
impl Types {
    /// A compound type. None when `id` is of another component.
    pub fn def(&self, id: TypeId) -> Option<&TypeDef> {
        self.defs.get(id.0 as usize)
    }

    /// A function type. None when `id` is of another component.
    pub fn func(&self, id: FuncTypeId) -> Option<&FuncType> {
        self.funcs.get(id.0 as usize)
    }

    /// Whether a value of the type is or holds a borrowed handle.
    pub(crate) fn holds_borrow(&self, ty: Type) -> bool {
        match ty {
            Type::Borrow(_) => true,
            Type::Def(id) => self.def(id).is_some_and(|def| def.holds_borrow),
            _ => false,
        }
    }

    /// The layout of a type.
    pub fn abi(&self, ty: Type) -> Abi {
        match ty {
            Type::Bool | Type::S8 | Type::U8 => Abi::scalar(1),
            Type::S16 | Type::U16 => Abi::scalar(2),
            Type::S32
            | Type::U32
            | Type::F32
            | Type::Char
            | Type::Own(_)
            | Type::Borrow(_)
            | Type::Async => Abi::scalar(4),
            Type::S64 | Type::U64 | Type::F64 => Abi::scalar(8),
            Type::String => Abi::POINTER_PAIR,
            Type::Def(id) => self.def(id).map_or(Abi::UNIT, |def| def.abi),
        }
    }

    /// The core values a type flattens to, appended to `out`. Meaningful only where [`Types::abi`] has a flat count.
    pub fn flatten(&self, ty: Type, out: &mut Vec<FlatType>) {
        match ty {
            Type::Bool
            | Type::S8
            | Type::U8
            | Type::S16
            | Type::U16
            | Type::S32
            | Type::U32
            | Type::Char
            | Type::Own(_)
            | Type::Borrow(_)
            | Type::Async => out.push(FlatType::I32),
            Type::S64 | Type::U64 => out.push(FlatType::I64),
            Type::F32 => out.push(FlatType::F32),
            Type::F64 => out.push(FlatType::F64),
            Type::String => out.extend([FlatType::I32, FlatType::I32]),
            Type::Def(id) => {
                if let Some(def) = self.def(id) {
                    out.extend_from_slice(&def.flat);
                }
            }
        }
    }

    /// Works out the layout of a compound type whose parts are in the table already, and adds it.
    pub(crate) fn push(&mut self, kind: TypeKind) -> TypeId {
        let mut kind = kind;
        let (abi, payload_offset) = match &mut kind {
            TypeKind::List(_) | TypeKind::Map(..) => (Abi::POINTER_PAIR, 0),
            TypeKind::FixedList(element, count) => (Abi::fixed_list(self.abi(*element), *count), 0),
            TypeKind::Record(fields) | TypeKind::Tuple(fields) => (self.lay_out(fields), 0),
            TypeKind::Variant(cases) => {
                let payloads: Vec<_> = cases.iter().map(|c| c.ty.map(|ty| self.abi(ty))).collect();
                (Abi::variant(&payloads), Abi::payload_offset(&payloads))
            }
            TypeKind::Enum(names) => {
                let size = discriminant_size(names.len());
                (Abi::scalar(size), size)
            }
            TypeKind::Flags(names) => (Abi::flags(names.len()), 0),
            TypeKind::Option(ty) => {
                let payloads = [None, Some(self.abi(*ty))];
                (Abi::variant(&payloads), Abi::payload_offset(&payloads))
            }
            TypeKind::Result(ok, err) => {
                let payloads = [ok.map(|ty| self.abi(ty)), err.map(|ty| self.abi(ty))];
                (Abi::variant(&payloads), Abi::payload_offset(&payloads))
            }
        };
        let flat = if abi.flat.is_some() {
            self.flat_of(&kind)
        } else {
            Vec::new()
        };
        let holds_borrow = match &kind {
            TypeKind::Enum(_) | TypeKind::Flags(_) => false,
            TypeKind::List(ty) | TypeKind::FixedList(ty, _) | TypeKind::Option(ty) => {
                self.holds_borrow(*ty)
            }
            TypeKind::Map(key, value) => self.holds_borrow(*key) || self.holds_borrow(*value),
            TypeKind::Record(fields) | TypeKind::Tuple(fields) => {
                fields.iter().any(|field| self.holds_borrow(field.ty))
            }
            TypeKind::Variant(cases) => cases
                .iter()
                .filter_map(|case| case.ty)
                .any(|ty| self.holds_borrow(ty)),
            TypeKind::Result(ok, err) => [ok, err]
                .into_iter()
                .flatten()
                .any(|ty| self.holds_borrow(*ty)),
        };
        self.defs.push(TypeDef {
            holds_borrow,
            kind,
            abi,
            flat,
            payload_offset,
        });
        TypeId(self.defs.len() as u32 - 1)
    }

    /// Sets the offsets of `fields`, one behind the other, and gives the layout of the whole.
    pub(crate) fn lay_out(&self, fields: &mut [Field]) -> Abi {
        let mut abi = Abi::UNIT;
        for field in fields {
            let (next, offset) = abi.then(self.abi(field.ty));
            field.offset = offset;
            abi = next;
        }
        abi.padded()
    }

    fn flat_of(&self, kind: &TypeKind) -> Vec<FlatType> {
        let mut out = Vec::new();
        match kind {
            TypeKind::List(_) | TypeKind::Map(..) => out.extend([FlatType::I32, FlatType::I32]),
            TypeKind::FixedList(ty, count) => {
                for _ in 0..*count {
                    self.flatten(*ty, &mut out);
                }
            }
            TypeKind::Record(fields) | TypeKind::Tuple(fields) => {
                for field in fields {
                    self.flatten(field.ty, &mut out);
                }
            }
            TypeKind::Enum(_) => out.push(FlatType::I32),
            TypeKind::Flags(names) => {
                let words = if names.is_empty() {
                    0
                } else {
                    names.len().div_ceil(32)
                };
                out.extend(std::iter::repeat_n(FlatType::I32, words));
            }
            TypeKind::Variant(cases) => self.flat_cases(cases.iter().map(|c| c.ty), &mut out),
            TypeKind::Option(ty) => self.flat_cases([None, Some(*ty)].into_iter(), &mut out),
            TypeKind::Result(ok, err) => self.flat_cases([*ok, *err].into_iter(), &mut out),
        }
        out
    }

    fn flat_cases(&self, cases: impl Iterator<Item = Option<Type>>, out: &mut Vec<FlatType>) {
        let mut joined: Vec<FlatType> = Vec::new();
        let mut flat = Vec::new();
        for ty in cases.flatten() {
            flat.clear();
            self.flatten(ty, &mut flat);
            for (i, ty) in flat.iter().enumerate() {
                match joined.get_mut(i) {
                    Some(slot) => *slot = slot.join(*ty),
                    None => joined.push(*ty),
                }
            }
        }
        out.push(FlatType::I32);
        out.append(&mut joined);
    }

    /// The type as it is written in WIT, for error texts and listings.
    pub fn display(&self, ty: Type) -> impl fmt::Display + '_ {
        TypeDisplay { types: self, ty }
    }

    /// The function's type as it is written in WIT.
    pub fn display_func(&self, func: &FuncType) -> String {
        let params: Vec<String> = func
            .params
            .iter()
            .map(|p| format!("{}: {}", p.name, self.display(p.ty)))
            .collect();
        let result = func
            .result
            .map_or(String::new(), |ty| format!(" -> {}", self.display(ty)));
        format!(
            "{}func({}){result}",
            if func.is_async { "async " } else { "" },
            params.join(", ")
        )
    }
}

struct TypeDisplay<'a> {
    types: &'a Types,
    ty: Type,
}

impl fmt::Display for TypeDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |ty: &Type| TypeDisplay {
            types: self.types,
            ty: *ty,
        };
        let show_option =
            |ty: &Option<Type>| ty.map_or("_".to_string(), |ty| show(&ty).to_string());
        let name = match self.ty {
            Type::Bool => "bool",
            Type::S8 => "s8",
            Type::U8 => "u8",
            Type::S16 => "s16",
            Type::U16 => "u16",
            Type::S32 => "s32",
            Type::U32 => "u32",
            Type::S64 => "s64",
            Type::U64 => "u64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::Own(id) => return write!(f, "own<resource {}>", id.0),
            Type::Borrow(id) => return write!(f, "borrow<resource {}>", id.0),
            Type::Async => "async value",
            Type::Def(id) => {
                let Some(def) = self.types.def(id) else {
                    return write!(f, "type {}", id.0);
                };
                return match &def.kind {
                    TypeKind::List(ty) => write!(f, "list<{}>", show(ty)),
                    TypeKind::FixedList(ty, n) => write!(f, "list<{}, {n}>", show(ty)),
                    TypeKind::Map(k, v) => write!(f, "map<{}, {}>", show(k), show(v)),
                    TypeKind::Option(ty) => write!(f, "option<{}>", show(ty)),
                    TypeKind::Result(None, None) => write!(f, "result"),
                    TypeKind::Result(ok, err) => {
                        write!(f, "result<{}, {}>", show_option(ok), show_option(err))
                    }
                    TypeKind::Record(fields) => {
                        write!(f, "record {{")?;
                        for (i, field) in fields.iter().enumerate() {
                            let comma = if i == 0 { " " } else { ", " };
                            write!(f, "{comma}{}: {}", field.name, show(&field.ty))?;
                        }
                        write!(f, " }}")
                    }
                    TypeKind::Tuple(fields) => {
                        let types: Vec<_> =
                            fields.iter().map(|t| show(&t.ty).to_string()).collect();
                        write!(f, "tuple<{}>", types.join(", "))
                    }
                    TypeKind::Variant(cases) => {
                        write!(f, "variant {{")?;
                        for (i, case) in cases.iter().enumerate() {
                            let comma = if i == 0 { " " } else { ", " };
                            write!(f, "{comma}{}", case.name)?;
                            if let Some(ty) = &case.ty {
                                write!(f, "({})", show(ty))?;
                            }
                        }
                        write!(f, " }}")
                    }
                    TypeKind::Enum(names) => write!(f, "enum {{ {} }}", names.join(", ")),
                    TypeKind::Flags(names) => write!(f, "flags {{ {} }}", names.join(", ")),
                };
            }
        };
        f.write_str(name)
    }
}
