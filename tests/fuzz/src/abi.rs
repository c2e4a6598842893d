//! A model of the canonical ABI, written from the specification's text (component-model, CanonicalABI.md) and from nothing of the
//! engine: alignment, element size, flattening, loading, storing, lifting, lowering.
//!
//! It follows the document's functions one by one, with their names, and prefers the obvious to the fast: memory is a byte
//! vector, core values are `u64`s that hold bit patterns, specialised types are first despecialised. Handles are not in here.

use crate::choices::Choices;
use crate::types::{Signature, Ty, Value};
use std::cell::Cell;

/// `MAX_FLAT_PARAMS`
pub const MAX_FLAT_PARAMS: usize = 16;
/// `MAX_FLAT_RESULTS`
pub const MAX_FLAT_RESULTS: usize = 1;

/// A core value's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the core type of the same name")]
pub enum Core {
    I32,
    I64,
    F32,
    F64,
}

impl Core {
    /// Its name in the text format.
    pub fn name(self) -> &'static str {
        match self {
            Core::I32 => "i32",
            Core::I64 => "i64",
            Core::F32 => "f32",
            Core::F64 => "f64",
        }
    }

    /// The bits that it has.
    pub fn cut(self, bits: u64) -> u64 {
        match self {
            Core::I32 | Core::F32 => bits & 0xFFFF_FFFF,
            Core::I64 | Core::F64 => bits,
        }
    }
}

/// How strings are encoded in a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `utf8`
    Utf8,
    /// `utf16`
    Utf16,
    /// `latin1+utf16`
    Compact,
}

impl Encoding {
    /// Any of the three.
    pub fn any(c: &mut Choices) -> Encoding {
        match c.below(3) {
            0 => Encoding::Utf8,
            1 => Encoding::Utf16,
            _ => Encoding::Compact,
        }
    }

    /// The canonical option that asks for it.
    pub fn option(self) -> &'static str {
        match self {
            Encoding::Utf8 => "string-encoding=utf8",
            Encoding::Utf16 => "string-encoding=utf16",
            Encoding::Compact => "string-encoding=latin1+utf16",
        }
    }
}

/// Why the model does not give a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The specification traps here.
    Trap(&'static str),
    /// The value is larger than a test should be: no verdict.
    TooLarge,
}

type Result<T> = std::result::Result<T, Verdict>;

fn trap_if(condition: bool, why: &'static str) -> Result<()> {
    if condition {
        Err(Verdict::Trap(why))
    } else {
        Ok(())
    }
}

fn align_to(ptr: u64, alignment: u64) -> u64 {
    ptr.div_ceil(alignment) * alignment
}

/// Cases after despecialisation, with their payloads.
fn cases(ty: &Ty) -> impl Iterator<Item = Option<&Ty>> {
    (0..ty.cases()).map(move |i| ty.payload(i))
}

/// Bytes of a variant's discriminant.
fn discriminant_size(cases: usize) -> u64 {
    match cases {
        0..=256 => 1,
        257..=65536 => 2,
        _ => 4,
    }
}

/// `alignment`
pub fn alignment(ty: &Ty) -> u64 {
    match ty {
        Ty::Bool | Ty::S8 | Ty::U8 => 1,
        Ty::S16 | Ty::U16 => 2,
        Ty::S32 | Ty::U32 | Ty::F32 | Ty::Char | Ty::String => 4,
        Ty::S64 | Ty::U64 | Ty::F64 => 8,
        Ty::List(_) | Ty::Map(..) => 4,
        Ty::FixedList(ty, _) => alignment(ty),
        Ty::Record(fields) | Ty::Tuple(fields) => fields.iter().map(alignment).max().unwrap_or(1),
        Ty::Flags(count) => elem_size(&Ty::Flags(*count)),
        variant => max_case_alignment(variant).max(discriminant_size(variant.cases())),
    }
}

fn max_case_alignment(variant: &Ty) -> u64 {
    cases(variant).flatten().map(alignment).max().unwrap_or(1)
}

/// `elem_size`
pub fn elem_size(ty: &Ty) -> u64 {
    match ty {
        Ty::Bool | Ty::S8 | Ty::U8 => 1,
        Ty::S16 | Ty::U16 => 2,
        Ty::S32 | Ty::U32 | Ty::F32 | Ty::Char => 4,
        Ty::S64 | Ty::U64 | Ty::F64 => 8,
        Ty::String | Ty::List(_) | Ty::Map(..) => 8,
        Ty::FixedList(ty, len) => elem_size(ty) * u64::from(*len),
        Ty::Record(fields) | Ty::Tuple(fields) => {
            let mut s = 0;
            for field in fields {
                s = align_to(s, alignment(field)) + elem_size(field);
            }
            align_to(s, alignment(ty))
        }
        Ty::Flags(count) => match count {
            0..=8 => 1,
            9..=16 => 2,
            _ => 4,
        },
        variant => {
            let s = align_to(
                discriminant_size(variant.cases()),
                max_case_alignment(variant),
            );
            let payload = cases(variant).flatten().map(elem_size).max().unwrap_or(0);
            align_to(s + payload, alignment(variant))
        }
    }
}

/// `flatten_type`
pub fn flatten(ty: &Ty) -> Vec<Core> {
    match ty {
        Ty::S64 | Ty::U64 => vec![Core::I64],
        Ty::F32 => vec![Core::F32],
        Ty::F64 => vec![Core::F64],
        Ty::String | Ty::List(_) | Ty::Map(..) => vec![Core::I32, Core::I32],
        Ty::FixedList(ty, len) => flatten(ty).repeat(*len as usize),
        Ty::Record(fields) | Ty::Tuple(fields) => fields.iter().flat_map(flatten).collect(),
        Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
            let mut flat: Vec<Core> = Vec::new();
            for case in cases(ty).flatten() {
                for (i, core) in flatten(case).into_iter().enumerate() {
                    match flat.get_mut(i) {
                        Some(place) => *place = join(*place, core),
                        None => flat.push(core),
                    }
                }
            }
            flat.insert(0, Core::I32);
            flat
        }
        _ => vec![Core::I32],
    }
}

fn join(a: Core, b: Core) -> Core {
    match (a, b) {
        (a, b) if a == b => a,
        (Core::I32, Core::F32) | (Core::F32, Core::I32) => Core::I32,
        _ => Core::I64,
    }
}

/// The core parameters and results of a function that is lifted, or lowered (`flatten_functype`).
pub fn flatten_function(signature: &Signature, lowered: bool) -> (Vec<Core>, Vec<Core>) {
    let mut params: Vec<Core> = signature.params.iter().flat_map(flatten).collect();
    if params.len() > MAX_FLAT_PARAMS {
        params = vec![Core::I32];
    }
    let mut results: Vec<Core> = signature.result.iter().flat_map(flatten).collect();
    if results.len() > MAX_FLAT_RESULTS {
        if lowered {
            params.push(Core::I32);
            results.clear();
        } else {
            results = vec![Core::I32];
        }
    }
    (params, results)
}

/// Lifts values out of a memory that is given whole.
pub struct Lifter<'a> {
    /// The memory.
    pub memory: &'a [u8],
    /// How its strings are encoded.
    pub encoding: Encoding,
    /// How many parts values may still have before there is no verdict.
    pub room: usize,
    /// Whether an unused slot of a variant was not zero. Lifting ignores that; lowering must not do it.
    pub dirty: bool,
    /// The first byte of memory that mattered, and the one behind the last; beyond memory where a pointer led there.
    pub touched: (Cell<u64>, Cell<u64>),
}

impl<'a> Lifter<'a> {
    /// A lifter with room for ordinary values.
    pub fn new(memory: &'a [u8], encoding: Encoding) -> Lifter<'a> {
        Lifter {
            memory,
            encoding,
            room: 200_000,
            dirty: false,
            touched: (Cell::new(u64::MAX), Cell::new(0)),
        }
    }

    fn bytes(&self, ptr: u64, len: u64, why: &'static str) -> Result<&'a [u8]> {
        let (first, end) = &self.touched;
        first.set(first.get().min(ptr));
        end.set(end.get().max(ptr + len));
        usize::try_from(ptr)
            .ok()
            .zip(usize::try_from(len).ok())
            .and_then(|(ptr, len)| self.memory.get(ptr..)?.get(..len))
            .ok_or(Verdict::Trap(why))
    }

    /// `load_int`
    fn int(&self, ptr: u64, len: u64) -> Result<u64> {
        let bytes = self.bytes(ptr, len, "pointer out of bounds")?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn spend(&mut self) -> Result<()> {
        self.room = self.room.checked_sub(1).ok_or(Verdict::TooLarge)?;
        Ok(())
    }

    /// `load`; the pointer is aligned and in bounds.
    pub fn load(&mut self, ptr: u64, ty: &Ty) -> Result<Value> {
        self.spend()?;
        match ty {
            Ty::Bool => Ok(Value::Bool(self.int(ptr, 1)? != 0)),
            Ty::Char => character(self.int(ptr, 4)?),
            Ty::F32 => Ok(Value::F32(self.int(ptr, 4)? as u32)),
            Ty::F64 => Ok(Value::F64(self.int(ptr, 8)?)),
            Ty::String => {
                let (begin, len) = (self.int(ptr, 4)?, self.int(ptr + 4, 4)?);
                self.string(begin, len)
            }
            Ty::List(element) => {
                let (begin, len) = (self.int(ptr, 4)?, self.int(ptr + 4, 4)?);
                self.list(begin, len, element)
            }
            Ty::Map(key, value) => {
                let (begin, len) = (self.int(ptr, 4)?, self.int(ptr + 4, 4)?);
                self.list(begin, len, &entry(key, value))
            }
            Ty::FixedList(element, len) => self.elements(ptr, u64::from(*len), element),
            Ty::Record(fields) | Ty::Tuple(fields) => self.fields(ptr, fields),
            Ty::Flags(count) => Ok(flags(self.int(ptr, elem_size(ty))?, *count)),
            Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
                let size = discriminant_size(ty.cases());
                let case = self.int(ptr, size)?;
                trap_if(case >= ty.cases() as u64, "discriminant")?;
                let at = align_to(ptr + size, max_case_alignment(ty));
                let payload = match ty.payload(case as usize) {
                    None => None,
                    Some(ty) => Some(Box::new(self.load(at, ty)?)),
                };
                Ok(Value::Case(case as u32, payload))
            }
            integer => Ok(Value::Int(self.int(ptr, elem_size(integer))?)),
        }
    }

    fn fields(&mut self, mut ptr: u64, fields: &[Ty]) -> Result<Value> {
        let mut values = Vec::new();
        for field in fields {
            ptr = align_to(ptr, alignment(field));
            values.push(self.load(ptr, field)?);
            ptr += elem_size(field);
        }
        Ok(Value::Many(values))
    }

    fn elements(&mut self, ptr: u64, len: u64, element: &Ty) -> Result<Value> {
        let size = elem_size(element);
        let mut values = Vec::new();
        for i in 0..len {
            values.push(self.load(ptr + i * size, element)?);
        }
        Ok(Value::Many(values))
    }

    /// `load_list_from_range`
    fn list(&mut self, ptr: u64, len: u64, element: &Ty) -> Result<Value> {
        trap_if(ptr != align_to(ptr, alignment(element)), "list alignment")?;
        self.bytes(ptr, len * elem_size(element), "list bounds")?;
        self.elements(ptr, len, element)
    }

    /// `load_string_from_range`
    fn string(&mut self, ptr: u64, tagged: u64) -> Result<Value> {
        const TAG: u64 = 1 << 31;
        let (align, len, encoding) = match self.encoding {
            Encoding::Utf8 => (1, tagged, Encoding::Utf8),
            Encoding::Utf16 => (2, 2 * tagged, Encoding::Utf16),
            Encoding::Compact if tagged & TAG != 0 => (2, 2 * (tagged ^ TAG), Encoding::Utf16),
            Encoding::Compact => (2, tagged, Encoding::Compact),
        };
        trap_if(ptr != align_to(ptr, align), "string alignment")?;
        let bytes = self.bytes(ptr, len, "string bounds")?;
        let text = match encoding {
            Encoding::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Encoding::Compact => Some(bytes.iter().map(|b| char::from(*b)).collect()),
            Encoding::Utf16 => {
                let units = bytes.chunks(2).map(|pair| match pair {
                    [low, high] => u16::from(*high) << 8 | u16::from(*low),
                    _ => 0,
                });
                char::decode_utf16(units)
                    .collect::<std::result::Result<_, _>>()
                    .ok()
            }
        };
        let text = text.ok_or(Verdict::Trap("string encoding"))?;
        Ok(Value::String(text))
    }

    /// `lift_flat_values`: the parameters as a tuple. `slots` are the core values, of the types they have in the function.
    pub fn values(&mut self, slots: &[u64], tys: &[Ty], most: usize) -> Result<Vec<Value>> {
        let flat: Vec<Core> = tys.iter().flat_map(flatten).collect();
        if flat.len() > most {
            let tuple = Ty::Tuple(tys.to_vec());
            let ptr = slots.first().copied().unwrap_or(0) & 0xFFFF_FFFF;
            trap_if(ptr != align_to(ptr, alignment(&tuple)), "pointer alignment")?;
            self.bytes(ptr, elem_size(&tuple), "pointer bounds")?;
            return match self.load(ptr, &tuple)? {
                Value::Many(values) => Ok(values),
                _ => Ok(Vec::new()),
            };
        }
        let mut slots = slots.iter().copied();
        tys.iter().map(|ty| self.flat(&mut slots, ty)).collect()
    }

    /// `lift_flat`
    fn flat(&mut self, slots: &mut dyn Iterator<Item = u64>, ty: &Ty) -> Result<Value> {
        self.spend()?;
        let mut next = || slots.next().unwrap_or(0);
        match ty {
            Ty::Bool => Ok(Value::Bool(next() & 0xFFFF_FFFF != 0)),
            Ty::Char => character(next() & 0xFFFF_FFFF),
            Ty::F32 => Ok(Value::F32(next() as u32)),
            Ty::F64 => Ok(Value::F64(next())),
            Ty::String => {
                let (ptr, len) = (next() & 0xFFFF_FFFF, next() & 0xFFFF_FFFF);
                self.string(ptr, len)
            }
            Ty::List(element) => {
                let (ptr, len) = (next() & 0xFFFF_FFFF, next() & 0xFFFF_FFFF);
                self.list(ptr, len, element)
            }
            Ty::Map(key, value) => {
                let (ptr, len) = (next() & 0xFFFF_FFFF, next() & 0xFFFF_FFFF);
                self.list(ptr, len, &entry(key, value))
            }
            Ty::FixedList(element, len) => {
                let values = (0..*len).map(|_| self.flat(slots, element));
                Ok(Value::Many(values.collect::<Result<_>>()?))
            }
            Ty::Record(fields) | Ty::Tuple(fields) => {
                let values = fields.iter().map(|ty| self.flat(slots, ty));
                Ok(Value::Many(values.collect::<Result<_>>()?))
            }
            Ty::Flags(count) => Ok(flags(next(), *count)),
            Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
                let case = next() & 0xFFFF_FFFF;
                let payload_slots: Vec<u64> = (1..flatten(ty).len())
                    .map(|_| slots.next().unwrap_or(0))
                    .collect();
                trap_if(case >= ty.cases() as u64, "discriminant")?;
                // Bits are carried as they are, so the coercions of joined slots are nothing but taking fewer of them.
                let mut mine = payload_slots.iter().copied();
                let (payload, used) = match ty.payload(case as usize) {
                    None => (None, 0),
                    Some(ty) => (Some(Box::new(self.flat(&mut mine, ty)?)), flatten(ty).len()),
                };
                self.dirty |= payload_slots.iter().skip(used).any(|slot| *slot != 0);
                Ok(Value::Case(case as u32, payload))
            }
            integer => Ok(Value::Int(integer.cut(next()))),
        }
    }
}

fn entry(key: &Ty, value: &Ty) -> Ty {
    Ty::Tuple(vec![key.clone(), value.clone()])
}

/// `convert_i32_to_char`
fn character(code: u64) -> Result<Value> {
    let code = u32::try_from(code).ok().and_then(char::from_u32);
    code.map(Value::Char).ok_or(Verdict::Trap("char"))
}

/// `unpack_flags_from_int`
fn flags(bits: u64, count: usize) -> Value {
    Value::Flags((0..count).map(|i| bits >> i & 1 == 1).collect())
}

/// Lowers values into an image of memory, as a guest would have laid them out.
pub struct Lowerer<'a> {
    /// The image.
    pub memory: &'a mut [u8],
    /// How its strings are encoded.
    pub encoding: Encoding,
    /// Where the next allocation goes.
    pub top: u64,
    /// What a guest is free to do either way is chosen from these.
    pub choices: &'a mut Choices,
    /// Where pointers, lengths and discriminants were written: what is worth corrupting.
    pub marks: Vec<u64>,
}

impl Lowerer<'_> {
    fn allocate(&mut self, align: u64, size: u64) -> Result<u64> {
        let at = align_to(self.top, align);
        self.top = at + size;
        if self.top > self.memory.len() as u64 {
            return Err(Verdict::TooLarge);
        }
        Ok(at)
    }

    fn write(&mut self, ptr: u64, len: u64, value: u64) {
        for i in 0..len {
            if let Some(byte) = self.memory.get_mut((ptr + i) as usize) {
                *byte = (value >> (8 * i)) as u8;
            }
        }
    }

    /// `store`
    pub fn store(&mut self, ptr: u64, value: &Value, ty: &Ty) -> Result<()> {
        match (value, ty) {
            (Value::Bool(v), _) => {
                let byte = if *v {
                    1 + self.choices.below(255) as u64
                } else {
                    0
                };
                self.write(ptr, 1, byte);
            }
            (Value::Int(v), ty) => self.write(ptr, elem_size(ty), *v),
            (Value::F32(v), _) => self.write(ptr, 4, u64::from(*v)),
            (Value::F64(v), _) => self.write(ptr, 8, *v),
            (Value::Char(v), _) => {
                self.marks.push(ptr);
                self.write(ptr, 4, u64::from(u32::from(*v)));
            }
            (Value::String(_), _) | (Value::Many(_), Ty::List(_) | Ty::Map(..)) => {
                let (begin, len) = self.sequence(value, ty)?;
                self.marks.push(ptr);
                self.marks.push(ptr + 4);
                self.write(ptr, 4, begin);
                self.write(ptr + 4, 4, len);
            }
            (Value::Many(values), Ty::FixedList(element, _)) => {
                for (i, value) in values.iter().enumerate() {
                    self.store(ptr + i as u64 * elem_size(element), value, element)?;
                }
            }
            (Value::Many(values), Ty::Record(fields) | Ty::Tuple(fields)) => {
                let mut at = ptr;
                for (value, field) in values.iter().zip(fields) {
                    at = align_to(at, alignment(field));
                    self.store(at, value, field)?;
                    at += elem_size(field);
                }
            }
            (Value::Flags(set), ty) => {
                let bits = pack(set) | self.spare(set.len());
                self.write(ptr, elem_size(ty), bits);
            }
            (Value::Case(case, payload), ty) => {
                let size = discriminant_size(ty.cases());
                self.marks.push(ptr);
                self.write(ptr, size, u64::from(*case));
                let at = align_to(ptr + size, max_case_alignment(ty));
                if let (Some(value), Some(ty)) = (payload, ty.payload(*case as usize)) {
                    self.store(at, value, ty)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Bits that no flag has: a guest may leave anything there.
    fn spare(&mut self, count: usize) -> u64 {
        let junk = if self.choices.once_in(3) {
            self.choices.any()
        } else {
            0
        };
        junk.checked_shl(count as u32).unwrap_or(0)
    }

    /// A string, list or map: pointer and length.
    fn sequence(&mut self, value: &Value, ty: &Ty) -> Result<(u64, u64)> {
        match (value, ty) {
            (Value::String(text), _) => self.string(text),
            (Value::Many(values), Ty::List(element)) => self.list(values, element),
            (Value::Many(values), Ty::Map(key, value)) => self.list(values, &entry(key, value)),
            _ => Ok((0, 0)),
        }
    }

    fn list(&mut self, values: &[Value], element: &Ty) -> Result<(u64, u64)> {
        let size = elem_size(element);
        let begin = self.allocate(alignment(element), size * values.len() as u64)?;
        for (i, value) in values.iter().enumerate() {
            self.store(begin + i as u64 * size, value, element)?;
        }
        Ok((begin, values.len() as u64))
    }

    fn string(&mut self, text: &str) -> Result<(u64, u64)> {
        let latin = text.chars().all(|c| u32::from(c) < 256);
        let (align, bytes, len): (u64, Vec<u8>, u64) = match self.encoding {
            Encoding::Utf8 => (1, text.bytes().collect(), text.len() as u64),
            // The text may be tagged as UTF-16 though it needs not be.
            Encoding::Compact if latin && !self.choices.once_in(3) => {
                let bytes: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
                let len = bytes.len() as u64;
                (2, bytes, len)
            }
            encoding => {
                let units: Vec<u16> = text.encode_utf16().collect();
                let tag = if encoding == Encoding::Compact {
                    1 << 31
                } else {
                    0
                };
                let len = units.len() as u64 | tag;
                (
                    2,
                    units.into_iter().flat_map(u16::to_le_bytes).collect(),
                    len,
                )
            }
        };
        let begin = self.allocate(align, bytes.len() as u64)?;
        if let Some(place) = self
            .memory
            .get_mut(begin as usize..begin as usize + bytes.len())
        {
            place.copy_from_slice(&bytes);
        }
        Ok((begin, len))
    }

    /// `lower_flat_values`: the core values of a tuple.
    pub fn values(&mut self, values: &[Value], tys: &[Ty], most: usize) -> Result<Vec<u64>> {
        if tys.iter().flat_map(flatten).count() > most {
            let tuple = Ty::Tuple(tys.to_vec());
            let ptr = self.allocate(alignment(&tuple), elem_size(&tuple))?;
            self.store(ptr, &Value::Many(values.to_vec()), &tuple)?;
            return Ok(vec![ptr]);
        }
        let mut slots = Vec::new();
        for (value, ty) in values.iter().zip(tys) {
            self.flat(value, ty, &mut slots)?;
        }
        Ok(slots)
    }

    /// `lower_flat`
    fn flat(&mut self, value: &Value, ty: &Ty, slots: &mut Vec<u64>) -> Result<()> {
        match (value, ty) {
            (Value::Bool(v), _) => {
                let any = 1 + self.choices.below(0xFFFF_FFFF) as u64;
                slots.push(if *v { any } else { 0 });
            }
            (Value::Int(v), ty) => {
                // A guest's narrow integer may have anything above its own bits.
                let junk = self.choices.once_in(3);
                let high = if junk { self.choices.any() } else { 0 };
                slots.push(v | (high & !ty.cut(u64::MAX) & 0xFFFF_FFFF));
            }
            (Value::F32(v), _) => slots.push(u64::from(*v)),
            (Value::F64(v), _) => slots.push(*v),
            (Value::Char(v), _) => slots.push(u64::from(u32::from(*v))),
            (Value::String(_), _) | (Value::Many(_), Ty::List(_) | Ty::Map(..)) => {
                let (begin, len) = self.sequence(value, ty)?;
                slots.extend([begin, len]);
            }
            (Value::Many(values), Ty::FixedList(element, _)) => {
                for value in values {
                    self.flat(value, element, slots)?;
                }
            }
            (Value::Many(values), Ty::Record(fields) | Ty::Tuple(fields)) => {
                for (value, field) in values.iter().zip(fields) {
                    self.flat(value, field, slots)?;
                }
            }
            (Value::Flags(set), _) => {
                let bits = pack(set) | self.spare(set.len());
                slots.push(bits & 0xFFFF_FFFF);
            }
            (Value::Case(case, payload), ty) => {
                let core = flatten(ty);
                let end = slots.len() + core.len();
                let begin = slots.len();
                slots.push(u64::from(*case));
                if let (Some(value), Some(ty)) = (payload, ty.payload(*case as usize)) {
                    self.flat(value, ty, slots)?;
                }
                // Whoever lifts ignores the slots that the case does not use, and the upper half of joined ones.
                let junk = self.choices.once_in(3);
                while slots.len() < end {
                    let bits = if junk { self.choices.any() } else { 0 };
                    let at = slots.len() - begin;
                    slots.push(core.get(at).map_or(0, |core| core.cut(bits)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `pack_flags_into_int`
fn pack(set: &[bool]) -> u64 {
    set.iter()
        .enumerate()
        .map(|(i, set)| u64::from(*set) << i)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own examples of sizes and flattenings, worked out by hand.
    #[test]
    fn layouts_are_those_of_the_specification() {
        let record = Ty::Record(vec![Ty::U8, Ty::U64, Ty::Bool, Ty::U16]);
        assert_eq!((alignment(&record), elem_size(&record)), (8, 24));
        let option = Ty::Option(Box::new(Ty::Option(Box::new(Ty::U8))));
        assert_eq!((alignment(&option), elem_size(&option)), (1, 3));
        let many = Ty::Enum(257);
        assert_eq!((alignment(&many), elem_size(&many)), (2, 2));
        let mixed = Ty::Variant(vec![
            Some(Ty::F32),
            Some(Ty::U32),
            Some(Ty::Tuple(vec![Ty::U64, Ty::F64])),
            None,
        ]);
        assert_eq!((alignment(&mixed), elem_size(&mixed)), (8, 24));
        assert_eq!(flatten(&mixed), [Core::I32, Core::I64, Core::F64]);
        let spilled = Signature {
            params: vec![Ty::String; 9],
            result: Some(Ty::String),
        };
        assert_eq!(
            flatten_function(&spilled, false),
            (vec![Core::I32], vec![Core::I32])
        );
        assert_eq!(
            flatten_function(&spilled, true),
            (vec![Core::I32; 2], vec![])
        );
    }
}
