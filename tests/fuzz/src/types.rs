//! The model's own types and values, their generators, and the way to the engine's [`Val`].
//!
//! A type is a tree, a value has only the shapes that the specification tells apart after despecialisation: that keeps the model
//! (`abi`) small, and different from how the engine does it. Names follow from positions: field 3 is `f3`, case 0 is `c0`.

use crate::choices::Choices;
use wasmer_component::Val;

/// A component type.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is the component type of the same name")]
pub enum Ty {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    List(Box<Ty>),
    FixedList(Box<Ty>, u32),
    Map(Box<Ty>, Box<Ty>),
    Record(Vec<Ty>),
    Tuple(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(usize),
    Flags(usize),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
}

/// A value, by shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// An integer: as many low bits as its type has, the rest zero.
    Int(u64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// `char`
    Char(char),
    /// `string`
    String(String),
    /// A list of fixed or any length, a record, a tuple; a map's entries are records of two.
    Many(Vec<Value>),
    /// A variant, enum, option or result: the case's number and payload.
    Case(u32, Option<Box<Value>>),
    /// Which flags are set, in order.
    Flags(Vec<bool>),
}

/// The type of a function.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Parameters, named `p0`, `p1`, ...
    pub params: Vec<Ty>,
    /// The result, if it has one.
    pub result: Option<Ty>,
}

const SCALARS: [Ty; 12] = [
    Ty::U32,
    Ty::Bool,
    Ty::S8,
    Ty::U8,
    Ty::S16,
    Ty::U16,
    Ty::S32,
    Ty::S64,
    Ty::U64,
    Ty::F32,
    Ty::F64,
    Ty::Char,
];

/// Types of a map's keys.
const KEYS: [Ty; 11] = [
    Ty::U32,
    Ty::Bool,
    Ty::S8,
    Ty::U8,
    Ty::S16,
    Ty::U16,
    Ty::S32,
    Ty::S64,
    Ty::U64,
    Ty::Char,
    Ty::String,
];

/// Which types of the specification's drafts may be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drafts {
    /// `list<T, N>`
    pub fixed_lists: bool,
    /// `map<K, V>`
    pub maps: bool,
}

impl Drafts {
    /// All that the engine knows.
    pub const ALL: Drafts = Drafts {
        fixed_lists: true,
        maps: true,
    };
}

impl Ty {
    /// Any type; `depth` is how deep it may be.
    pub fn any(c: &mut Choices, depth: usize, drafts: Drafts) -> Ty {
        if depth == 0 || c.below(3) == 0 {
            return match c.below(4) {
                3 => Ty::String,
                _ => c.pick(&SCALARS).cloned().unwrap_or(Ty::U32),
            };
        }
        let inner = |c: &mut Choices| Box::new(Ty::any(c, depth - 1, drafts));
        let maybe = |c: &mut Choices| (c.below(3) != 0).then(|| Ty::any(c, depth - 1, drafts));
        match c.below(11) {
            0 | 1 => Ty::List(inner(c)),
            2 | 3 => {
                let most = if c.once_in(12) { 18 } else { 5 };
                let fields = 1 + c.below(most);
                Ty::Record((0..fields).map(|_| *inner(c)).collect())
            }
            4 => {
                let fields = 1 + c.below(4);
                Ty::Tuple((0..fields).map(|_| *inner(c)).collect())
            }
            5 => {
                let cases = if c.once_in(20) {
                    250 + c.below(20)
                } else {
                    1 + c.below(5)
                };
                // Many cases share one payload or have none: the type must stay small.
                let first: Vec<_> = (0..cases.min(5)).map(|_| maybe(c)).collect();
                Ty::Variant(
                    first
                        .into_iter()
                        .chain(std::iter::repeat(None))
                        .take(cases)
                        .collect(),
                )
            }
            6 => Ty::Enum(if c.once_in(6) {
                250 + c.below(20)
            } else {
                1 + c.below(8)
            }),
            7 => Ty::Flags(1 + c.below(32)),
            8 => Ty::Option(inner(c)),
            9 => Ty::Result(maybe(c).map(Box::new), maybe(c).map(Box::new)),
            _ if drafts.fixed_lists && c.below(2) == 0 => {
                Ty::FixedList(inner(c), 1 + c.below(6) as u32)
            }
            _ if drafts.maps => Ty::Map(
                Box::new(c.pick(&KEYS).cloned().unwrap_or(Ty::U32)),
                inner(c),
            ),
            _ => Ty::List(inner(c)),
        }
    }

    /// Any value of the type. `room` bounds how many parts it has altogether.
    pub fn value(&self, c: &mut Choices, room: &mut usize) -> Value {
        *room = room.saturating_sub(1);
        let many = |c: &mut Choices, room: &mut usize, ty: &Ty| {
            let most = (*room).min(if matches!(ty, Ty::U8 | Ty::U32 | Ty::F64) {
                3000
            } else {
                40
            });
            let len = c.length(most);
            (0..len).map(|_| ty.value(c, room)).collect::<Vec<_>>()
        };
        match self {
            Ty::Bool => Value::Bool(c.below(2) == 1),
            Ty::Char => Value::Char(character(c)),
            Ty::String => {
                let len = c.length((*room).min(300));
                *room = room.saturating_sub(len);
                // Texts of one kind are as important as mixed ones: encodings are chosen by the whole text.
                let most = 1 + c.below(5);
                Value::String((0..len).map(|_| character_of(c, most)).collect())
            }
            Ty::F32 => Value::F32(match c.below(3) {
                0 => (c.below(100) as f32).to_bits(),
                1 => *c.pick(&F32S).unwrap_or(&0),
                _ => c.any() as u32,
            }),
            Ty::F64 => Value::F64(match c.below(3) {
                0 => (c.below(100) as f64).to_bits(),
                1 => *c.pick(&F64S).unwrap_or(&0),
                _ => c.any(),
            }),
            Ty::List(ty) => Value::Many(many(c, room, ty)),
            Ty::FixedList(ty, len) => Value::Many((0..*len).map(|_| ty.value(c, room)).collect()),
            Ty::Map(key, value) => {
                let len = c.length((*room).min(12));
                let entry = |_| Value::Many(vec![key.value(c, room), value.value(c, room)]);
                Value::Many((0..len).map(entry).collect())
            }
            Ty::Record(fields) | Ty::Tuple(fields) => {
                Value::Many(fields.iter().map(|ty| ty.value(c, room)).collect())
            }
            Ty::Flags(count) => Value::Flags((0..*count).map(|_| c.below(2) == 1).collect()),
            Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
                let case = c.below(self.cases());
                let payload = self.payload(case).map(|ty| Box::new(ty.value(c, room)));
                Value::Case(case as u32, payload)
            }
            integer => Value::Int(integer.cut(match c.below(3) {
                0 => c.below(16) as u64,
                1 => *c.pick(&INTEGERS).unwrap_or(&0),
                _ => c.any(),
            })),
        }
    }

    /// The low bits that an integer type has.
    pub fn cut(&self, bits: u64) -> u64 {
        match self {
            Ty::S8 | Ty::U8 => bits & 0xFF,
            Ty::S16 | Ty::U16 => bits & 0xFFFF,
            Ty::S32 | Ty::U32 => bits & 0xFFFF_FFFF,
            _ => bits,
        }
    }

    /// How many cases it has, if it is a variant after despecialisation.
    pub fn cases(&self) -> usize {
        match self {
            Ty::Variant(cases) => cases.len(),
            Ty::Enum(count) => *count,
            Ty::Option(_) | Ty::Result(..) => 2,
            _ => 0,
        }
    }

    /// The payload of one case.
    pub fn payload(&self, case: usize) -> Option<&Ty> {
        match (self, case) {
            (Ty::Variant(cases), _) => cases.get(case)?.as_ref(),
            (Ty::Option(ty), 1) => Some(ty),
            (Ty::Result(ok, _), 0) => ok.as_deref(),
            (Ty::Result(_, err), 1) => err.as_deref(),
            _ => None,
        }
    }

    /// How many nodes the type has: what it costs to compile.
    pub fn weight(&self) -> usize {
        1 + match self {
            Ty::List(ty) | Ty::Option(ty) => ty.weight(),
            Ty::FixedList(ty, len) => ty.weight() * *len as usize,
            Ty::Map(k, v) => k.weight() + v.weight(),
            Ty::Record(fields) | Ty::Tuple(fields) => fields.iter().map(Ty::weight).sum(),
            Ty::Variant(cases) => cases.iter().flatten().map(Ty::weight).sum(),
            Ty::Result(ok, err) => [ok, err].into_iter().flatten().map(|ty| ty.weight()).sum(),
            _ => 0,
        }
    }
}

impl Signature {
    /// Any function type.
    pub fn any(c: &mut Choices, drafts: Drafts) -> Signature {
        // A type may double with every level; what is too large is replaced, not cut.
        let ty = |c: &mut Choices, depth: usize| {
            let ty = Ty::any(c, depth, drafts);
            if ty.weight() > 120 { Ty::U32 } else { ty }
        };
        let most = if c.once_in(6) { 20 } else { 3 };
        let count = c.below(most + 1);
        let depth = if count > 4 { 1 } else { 3 };
        Signature {
            params: (0..count).map(|_| ty(c, depth)).collect(),
            result: (c.below(6) != 0).then(|| ty(c, 3)),
        }
    }
}

const INTEGERS: [u64; 12] = [
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];
const F32S: [u32; 8] = [
    0,
    0x8000_0000,
    0x3F80_0000,
    0x7F80_0000,
    0xFF80_0000,
    0x7FC0_0000,
    0x7F80_0001,
    0xFFFF_FFFF,
];
const F64S: [u64; 7] = [
    0,
    1 << 63,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x7FF8_0000_0000_0000,
    0x7FF0_0000_0000_0001,
    u64::MAX,
];

fn character(c: &mut Choices) -> char {
    character_of(c, 5)
}

/// A character from one of the first `kinds` ranges: ASCII, Latin-1, two bytes, three bytes, beyond the first plane.
fn character_of(c: &mut Choices, kinds: usize) -> char {
    let (from, to) = match c.below(kinds) {
        0 => (0x61, 0x7A),
        1 => (0x00, 0xFF),
        2 => (0x100, 0x7FF),
        3 if c.below(2) == 0 => (0x800, 0xD7FF),
        3 => (0xE000, 0xFFFF),
        _ => (0x1_0000, 0x10_FFFF),
    };
    let code = from + c.below(to - from + 1) as u32 as usize;
    char::from_u32(code as u32).unwrap_or('?')
}

/// Whether two values are the same. A NaN is any NaN: the specification leaves their bits to the implementation.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F32(a), Value::F32(b)) => {
            a == b || (f32::from_bits(*a).is_nan() && f32::from_bits(*b).is_nan())
        }
        (Value::F64(a), Value::F64(b)) => {
            a == b || (f64::from_bits(*a).is_nan() && f64::from_bits(*b).is_nan())
        }
        (Value::Many(a), Value::Many(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Case(a, x), Value::Case(b, y)) => {
            a == b
                && match (x, y) {
                    (Some(x), Some(y)) => same(x, y),
                    (None, None) => true,
                    _ => false,
                }
        }
        (a, b) => a == b,
    }
}

/// A list of numbers as one value of the engine's. None when they are not numbers.
fn numbers(items: &[Value], ty: &Ty) -> Option<Val> {
    macro_rules! of {
        ($($ty:ident as $rust:ty),*) => {
            match ty {
                $(Ty::$ty => {
                    let number = |v: &Value| match v {
                        Value::Int(bits) => Some(*bits as $rust),
                        _ => None,
                    };
                    Some(Val::from(items.iter().map(number).collect::<Option<Vec<_>>>()?))
                })*
                _ => None,
            }
        };
    }
    of!(
        S8 as i8, S16 as i16, U16 as u16, S32 as i32, U32 as u32, S64 as i64, U64 as u64
    )
}

/// The name of field or case number `i`.
pub fn name(kind: char, i: usize) -> String {
    format!("{kind}{i}")
}

impl Value {
    /// The engine's value. None when the value is not of the type.
    pub fn to_val(&self, ty: &Ty) -> Option<Val> {
        let all = |values: &[Value], tys: &[Ty]| {
            (values.len() == tys.len())
                .then(|| {
                    values
                        .iter()
                        .zip(tys)
                        .map(|(v, ty)| v.to_val(ty))
                        .collect::<Option<Vec<_>>>()
                })
                .flatten()
        };
        Some(match (self, ty) {
            (Value::Bool(v), Ty::Bool) => Val::Bool(*v),
            (Value::Int(v), Ty::S8) => Val::S8(*v as i8),
            (Value::Int(v), Ty::U8) => Val::U8(*v as u8),
            (Value::Int(v), Ty::S16) => Val::S16(*v as i16),
            (Value::Int(v), Ty::U16) => Val::U16(*v as u16),
            (Value::Int(v), Ty::S32) => Val::S32(*v as i32),
            (Value::Int(v), Ty::U32) => Val::U32(*v as u32),
            (Value::Int(v), Ty::S64) => Val::S64(*v as i64),
            (Value::Int(v), Ty::U64) => Val::U64(*v),
            (Value::F32(v), Ty::F32) => Val::F32(f32::from_bits(*v)),
            (Value::F64(v), Ty::F64) => Val::F64(f64::from_bits(*v)),
            (Value::Char(v), Ty::Char) => Val::Char(*v),
            (Value::String(v), Ty::String) => Val::String(v.clone()),
            (Value::Many(items), Ty::List(ty)) if **ty == Ty::U8 => {
                let byte = |v: &Value| match v {
                    Value::Int(v) => Some(*v as u8),
                    _ => None,
                };
                Val::Bytes(items.iter().map(byte).collect::<Option<_>>()?)
            }
            // Numbers go either way: together, or one by one.
            (Value::Many(items), Ty::List(ty)) if items.len() % 2 == 0 => {
                match numbers(items, ty) {
                    Some(numbers) => numbers,
                    None => Val::List(items.iter().map(|v| v.to_val(ty)).collect::<Option<_>>()?),
                }
            }
            (Value::Many(items), Ty::List(ty) | Ty::FixedList(ty, _)) => {
                Val::List(items.iter().map(|v| v.to_val(ty)).collect::<Option<_>>()?)
            }
            (Value::Many(entries), Ty::Map(key, value)) => {
                let entry = |v: &Value| match v {
                    Value::Many(pair) => match pair.as_slice() {
                        [k, v] => Some((k.to_val(key)?, v.to_val(value)?)),
                        _ => None,
                    },
                    _ => None,
                };
                Val::Map(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            (Value::Many(items), Ty::Record(tys)) => {
                let values = all(items, tys)?.into_iter().enumerate();
                Val::Record(values.map(|(i, v)| (name('f', i), v)).collect())
            }
            (Value::Many(items), Ty::Tuple(tys)) => Val::Tuple(all(items, tys)?),
            (Value::Flags(set), Ty::Flags(_)) => Val::Flags(
                set.iter()
                    .enumerate()
                    .filter(|(_, set)| **set)
                    .map(|(i, _)| name('f', i))
                    .collect(),
            ),
            (Value::Case(case, payload), ty) => {
                let inner = match (payload, ty.payload(*case as usize)) {
                    (Some(v), Some(ty)) => Some(Box::new(v.to_val(ty)?)),
                    (None, None) => None,
                    _ => return None,
                };
                match ty {
                    Ty::Variant(_) => Val::Variant(name('c', *case as usize), inner),
                    Ty::Enum(_) => Val::Enum(name('c', *case as usize)),
                    Ty::Option(_) => Val::Option(inner),
                    Ty::Result(..) if *case == 0 => Val::Result(Ok(inner)),
                    Ty::Result(..) => Val::Result(Err(inner)),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// What the engine's value is in the model. None when it is not of the type.
    pub fn of_val(val: &Val, ty: &Ty) -> Option<Value> {
        let number = |name: &str, kind: char| name.strip_prefix(kind)?.parse::<usize>().ok();
        let case = |case: usize, payload: &Option<Box<Val>>| {
            let payload = match (payload, ty.payload(case)) {
                (Some(v), Some(ty)) => Some(Box::new(Value::of_val(v, ty)?)),
                (None, None) => None,
                _ => return None,
            };
            Some(Value::Case(case as u32, payload))
        };
        Some(match (val, ty) {
            (Val::Bool(v), Ty::Bool) => Value::Bool(*v),
            (Val::S8(v), Ty::S8) => Value::Int(u64::from(*v as u8)),
            (Val::U8(v), Ty::U8) => Value::Int(u64::from(*v)),
            (Val::S16(v), Ty::S16) => Value::Int(u64::from(*v as u16)),
            (Val::U16(v), Ty::U16) => Value::Int(u64::from(*v)),
            (Val::S32(v), Ty::S32) => Value::Int(u64::from(*v as u32)),
            (Val::U32(v), Ty::U32) => Value::Int(u64::from(*v)),
            (Val::S64(v), Ty::S64) => Value::Int(*v as u64),
            (Val::U64(v), Ty::U64) => Value::Int(*v),
            (Val::F32(v), Ty::F32) => Value::F32(v.to_bits()),
            (Val::F64(v), Ty::F64) => Value::F64(v.to_bits()),
            (Val::Char(v), Ty::Char) => Value::Char(*v),
            (Val::String(v), Ty::String) => Value::String(v.clone()),
            (Val::Bytes(v), Ty::List(ty)) if **ty == Ty::U8 => {
                Value::Many(v.iter().map(|v| Value::Int(u64::from(*v))).collect())
            }
            (Val::Numbers(numbers), Ty::List(ty)) => Value::Many(
                numbers
                    .iter()
                    .map(|v| Value::of_val(&v, ty))
                    .collect::<Option<_>>()?,
            ),
            (Val::List(items), Ty::List(ty) | Ty::FixedList(ty, _)) => Value::Many(
                items
                    .iter()
                    .map(|v| Value::of_val(v, ty))
                    .collect::<Option<_>>()?,
            ),
            (Val::Map(entries), Ty::Map(key, value)) => {
                let entry = |(k, v): &(Val, Val)| {
                    Some(Value::Many(vec![
                        Value::of_val(k, key)?,
                        Value::of_val(v, value)?,
                    ]))
                };
                Value::Many(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            (Val::Record(fields), Ty::Record(tys)) if fields.len() == tys.len() => {
                let mut values = Vec::new();
                for (i, ((field, value), ty)) in fields.iter().zip(tys).enumerate() {
                    if *field != name('f', i) {
                        return None;
                    }
                    values.push(Value::of_val(value, ty)?);
                }
                Value::Many(values)
            }
            (Val::Tuple(items), Ty::Tuple(tys)) if items.len() == tys.len() => Value::Many(
                items
                    .iter()
                    .zip(tys)
                    .map(|(v, ty)| Value::of_val(v, ty))
                    .collect::<Option<_>>()?,
            ),
            (Val::Flags(set), Ty::Flags(count)) => {
                let mut flags = vec![false; *count];
                for flag in set {
                    *flags.get_mut(number(flag, 'f')?)? = true;
                }
                Value::Flags(flags)
            }
            (Val::Variant(case_name, payload), Ty::Variant(_)) => {
                case(number(case_name, 'c')?, payload)?
            }
            (Val::Enum(case_name), Ty::Enum(count)) => {
                let number = number(case_name, 'c').filter(|n| n < count)?;
                case(number, &None)?
            }
            (Val::Option(payload), Ty::Option(_)) => case(usize::from(payload.is_some()), payload)?,
            (Val::Result(Ok(payload)), Ty::Result(..)) => case(0, payload)?,
            (Val::Result(Err(payload)), Ty::Result(..)) => case(1, payload)?,
            _ => return None,
        })
    }
}
