//! The same as `values` and `abi-bad`, for Rust types: a fixed set of them, since they must be known when this is compiled, with arbitrary
//! values. Typed calls have a road of their own through the engine: bulk lists, derives, core calls without `Val`s.

use super::Case;
use super::corrupt::damage;
use super::values::{Plan, check_f, check_g};
use crate::abi::{
    Encoding, Lifter, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Verdict, alignment, elem_size,
    flatten_function,
};
use crate::choices::Choices;
use crate::guest::{F_RESULT, G_PARAMS, single};
use crate::session::{Session, show, slot};
use crate::types::{Signature, Ty, Value, same};
use wasmer_component::{Component, ComponentType, Error, Lift, Lower, StoreContextMut, flags};

/// A Rust type that the model has values of.
trait Typed: Lift + Lower + Send + Sync + 'static {
    fn ty() -> Ty;
    /// None when the value is not of the type.
    fn of(value: &Value) -> Option<Self>;
    fn value(&self) -> Value;
}

macro_rules! integers {
    ($($rust:ty: $ty:ident as $unsigned:ty),*) => {$(
        impl Typed for $rust {
            fn ty() -> Ty {
                Ty::$ty
            }
            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::Int(bits) => Some(*bits as $rust),
                    _ => None,
                }
            }
            fn value(&self) -> Value {
                Value::Int(u64::from(*self as $unsigned))
            }
        }
    )*};
}

integers!(i8: S8 as u8, u8: U8 as u8, i16: S16 as u16, u16: U16 as u16, i32: S32 as u32, u32: U32 as u32, i64: S64 as u64, u64: U64 as u64);

/// A type whose values are of one shape.
macro_rules! shaped {
    ($([$($generics:tt)*] $rust:ty: $ty:expr, $pattern:pat => $of:expr, |$this:ident| $value:expr;)*) => {$(
        impl<$($generics)*> Typed for $rust {
            fn ty() -> Ty {
                $ty
            }
            fn of(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $of,
                    _ => None,
                }
            }
            fn value(&self) -> Value {
                let $this = self;
                $value
            }
        }
    )*};
}

shaped! {
    [] bool: Ty::Bool, Value::Bool(v) => Some(*v), |v| Value::Bool(*v);
    [] char: Ty::Char, Value::Char(v) => Some(*v), |v| Value::Char(*v);
    [] f32: Ty::F32, Value::F32(v) => Some(f32::from_bits(*v)), |v| Value::F32(v.to_bits());
    [] f64: Ty::F64, Value::F64(v) => Some(f64::from_bits(*v)), |v| Value::F64(v.to_bits());
    [] String: Ty::String, Value::String(v) => Some(v.clone()), |v| Value::String(v.clone());
    [T: Typed] Vec<T>: Ty::List(Box::new(T::ty())),
        Value::Many(items) => items.iter().map(T::of).collect(),
        |v| Value::Many(v.iter().map(T::value).collect());
    [T: Typed] Option<T>: Ty::Option(Box::new(T::ty())),
        Value::Case(_, payload) => Some(match payload {
            Some(payload) => Some(T::of(payload)?),
            None => None,
        }),
        |v| Value::Case(u32::from(v.is_some()), v.as_ref().map(|v| Box::new(v.value())));
    [T: Typed, E: Typed] Result<T, E>: Ty::Result(Some(Box::new(T::ty())), Some(Box::new(E::ty()))),
        Value::Case(case, Some(payload)) => Some(if *case == 0 { Ok(T::of(payload)?) } else { Err(E::of(payload)?) }),
        |v| match v {
            Ok(v) => Value::Case(0, Some(Box::new(v.value()))),
            Err(v) => Value::Case(1, Some(Box::new(v.value()))),
        };
    [A: Typed, B: Typed] (A, B): Ty::Tuple(vec![A::ty(), B::ty()]),
        Value::Many(items) => Some((A::of(items.first()?)?, B::of(items.get(1)?)?)),
        |v| Value::Many(vec![v.0.value(), v.1.value()]);
    [A: Typed, B: Typed, C: Typed] (A, B, C): Ty::Tuple(vec![A::ty(), B::ty(), C::ty()]),
        Value::Many(items) => Some((A::of(items.first()?)?, B::of(items.get(1)?)?, C::of(items.get(2)?)?)),
        |v| Value::Many(vec![v.0.value(), v.1.value(), v.2.value()]);
    [] Row: Ty::Record(vec![Ty::U8, Ty::U64, Ty::String, Ty::F32, Ty::Bool]),
        Value::Many(items) => Some(Row {
            f0: u8::of(items.first()?)?,
            f1: u64::of(items.get(1)?)?,
            f2: String::of(items.get(2)?)?,
            f3: f32::of(items.get(3)?)?,
            f4: bool::of(items.get(4)?)?,
        }),
        |v| Value::Many(vec![v.f0.value(), v.f1.value(), v.f2.value(), v.f3.value(), v.f4.value()]);
    [] Plain: Ty::Record(vec![Ty::U64, Ty::S16, Ty::F64, Ty::U8]),
        Value::Many(items) => Some(Plain {
            f0: u64::of(items.first()?)?,
            f1: i16::of(items.get(1)?)?,
            f2: f64::of(items.get(2)?)?,
            f3: u8::of(items.get(3)?)?,
        }),
        |v| Value::Many(vec![v.f0.value(), v.f1.value(), v.f2.value(), v.f3.value()]);
    [] Mixed: Ty::Variant(vec![None, Some(Ty::F32), Some(Ty::U64), Some(Ty::String), Some(Row::ty()), Some(Ty::List(Box::new(Ty::U16)))]),
        Value::Case(case, payload) => Some(match (case, payload) {
            (0, None) => Mixed::C0,
            (1, Some(v)) => Mixed::C1(f32::of(v)?),
            (2, Some(v)) => Mixed::C2(u64::of(v)?),
            (3, Some(v)) => Mixed::C3(String::of(v)?),
            (4, Some(v)) => Mixed::C4(Row::of(v)?),
            (5, Some(v)) => Mixed::C5(Vec::of(v)?),
            _ => return None,
        }),
        |v| {
            let case = |case, payload| Value::Case(case, Some(Box::new(payload)));
            match v {
                Mixed::C0 => Value::Case(0, None),
                Mixed::C1(v) => case(1, v.value()),
                Mixed::C2(v) => case(2, v.value()),
                Mixed::C3(v) => case(3, v.value()),
                Mixed::C4(v) => case(4, v.value()),
                Mixed::C5(v) => case(5, v.value()),
            }
        };
    [] Choice: Ty::Enum(3),
        Value::Case(case, None) => Some(match case {
            0 => Choice::C0,
            1 => Choice::C1,
            2 => Choice::C2,
            _ => return None,
        }),
        |v| Value::Case(*v as u32, None);
    [] Bits: Ty::Flags(9),
        Value::Flags(set) => Some(
            BITS.iter()
                .zip(set)
                .filter(|(_, set)| **set)
                .fold(Bits::empty(), |all, (bit, _)| all | *bit)
        ),
        |v| Value::Flags(BITS.iter().map(|bit| v.contains(*bit)).collect());
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Row {
    f0: u8,
    f1: u64,
    f2: String,
    f3: f32,
    f4: bool,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Plain {
    f0: u64,
    f1: i16,
    f2: f64,
    f3: u8,
}

#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
enum Mixed {
    C0,
    C1(f32),
    C2(u64),
    C3(String),
    C4(Row),
    C5(Vec<u16>),
}

#[derive(Debug, Clone, Copy, PartialEq, ComponentType, Lift, Lower)]
#[component(enum)]
enum Choice {
    C0,
    C1,
    C2,
}

flags! {
    Bits {
        const F0; const F1; const F2; const F3; const F4; const F5; const F6; const F7; const F8;
    }
}

const BITS: [Bits; 9] = [
    Bits::F0,
    Bits::F1,
    Bits::F2,
    Bits::F3,
    Bits::F4,
    Bits::F5,
    Bits::F6,
    Bits::F7,
    Bits::F8,
];

type Check = fn(&mut Case<'_>, &mut Choices) -> Result<(), String>;

/// Types of two parameters and a result each, chosen so that every type is in every place and both flat and spilled.
const CHECKS: &[Check] = &[
    check::<u32, String, Vec<u8>>,
    check::<u8, i64, u32>,
    check::<bool, char, f32>,
    check::<i8, u16, f64>,
    check::<i16, i32, bool>,
    check::<f32, f64, char>,
    check::<u64, u8, i8>,
    check::<Vec<u8>, Vec<u32>, String>,
    check::<Vec<f64>, Vec<i16>, Vec<u64>>,
    check::<Vec<bool>, Vec<char>, Vec<f32>>,
    check::<Vec<String>, Vec<Vec<u8>>, Vec<String>>,
    check::<Row, Plain, Row>,
    check::<Vec<Row>, Vec<Plain>, Vec<Plain>>,
    check::<Mixed, Choice, Mixed>,
    check::<Vec<Mixed>, Vec<Choice>, Vec<Mixed>>,
    check::<Bits, Option<Bits>, Vec<Bits>>,
    check::<Option<String>, Option<Option<u8>>, Option<Row>>,
    check::<Result<u8, String>, Result<f32, u64>, Result<Vec<u8>, String>>,
    check::<(u8, u64), (String, bool, char), (u8, u64, u8)>,
    check::<(Row, Row, Row), Mixed, (Mixed, Row)>,
    check::<Vec<Option<String>>, Vec<(u8, f64)>, Vec<Result<Row, Choice>>>,
    check::<Choice, Plain, Choice>,
    check::<Option<f64>, Result<i64, f32>, Plain>,
    check::<Vec<Vec<Vec<u8>>>, Vec<i8>, Vec<Vec<Row>>>,
];

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    match c.pick(CHECKS) {
        Some(check) => check(case, c),
        None => Ok(()),
    }
}

fn check<A: Typed, B: Typed, R: Typed>(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let f = Signature {
        params: vec![A::ty(), B::ty()],
        result: Some(R::ty()),
    };
    let g = Signature {
        params: vec![R::ty(), B::ty()],
        result: Some(A::ty()),
    };
    let encoding = Encoding::any(c);
    let component = case.compile(&single(&f, &g, encoding))?;
    let mut session = None;
    for _ in 0..1 + c.below(8) {
        let Ok(mut plan) = Plan::any(c, Some(&f), Some(&g), encoding) else {
            continue;
        };
        let damaged = c.once_in(2);
        if damaged {
            damage(c, &mut plan);
        }
        case.note("plan.txt", plan.describe());
        case.note("memory.bin", plan.image.clone());
        let mut guest = match session.take() {
            Some(guest) => guest,
            None => instantiate::<A, B, R>(case, &component)?,
        };
        let lives = if damaged {
            hostile::<A, R>(&mut guest, &plan, &f, &g, encoding)?
        } else {
            whole::<A, B, R>(&mut guest, &plan, &f, &g, encoding)?;
            true
        };
        if lives {
            session = Some(guest);
        }
    }
    Ok(())
}

fn instantiate<A: Typed, B: Typed, R: Typed>(
    case: &Case<'_>,
    component: &Component,
) -> Result<Session, String> {
    let session = Session::with(case.engine, component, |host| {
        host.func_wrap(
            "g",
            |mut cx: StoreContextMut<'_, crate::session::Host>, (r, b): (R, B)| {
                let host = cx.data_mut();
                host.received_values = Some(vec![r.value(), b.value()]);
                let answer = host.answer_value.as_ref().and_then(A::of);
                Ok((answer.ok_or_else(|| Error::trap("the test gives no answer"))?,))
            },
        )
        .map(drop)
    });
    session.map_err(|e| format!("it does not instantiate: {e}"))
}

fn of<T: Typed>(value: Option<&Value>) -> Result<T, String> {
    value
        .and_then(T::of)
        .ok_or_else(|| "a generated value is not of its type".to_string())
}

fn expect(what: &str, got: &Value, wanted: Option<&Value>) -> Result<(), String> {
    match wanted {
        Some(wanted) if same(got, wanted) => Ok(()),
        _ => Err(format!(
            "{what} is {} and should be {}",
            show(got),
            wanted.map_or("absent".to_string(), show)
        )),
    }
}

/// Values that are what they should be.
fn whole<A: Typed, B: Typed, R: Typed>(
    guest: &mut Session,
    plan: &Plan,
    f: &Signature,
    g: &Signature,
    encoding: Encoding,
) -> Result<(), String> {
    let engine = |e: Error| format!("a valid call fails: {e}");
    guest.prepare(&plan.image).map_err(engine)?;
    let func = guest.typed::<(A, B), (R,)>("f").map_err(engine)?;
    let params = (of(plan.f_params.first())?, of(plan.f_params.get(1))?);
    let (result,) = func.call(&mut guest.store, params).map_err(engine)?;
    expect("the result of f", &result.value(), plan.f_result.as_ref())?;
    let memory = guest.memory().map_err(engine)?;
    check_f(&memory, f, plan, encoding)?;

    guest.prepare(&plan.image).map_err(engine)?;
    guest.store.data_mut().answer_value = plan.g_result.clone();
    let go = guest.typed::<(), ()>("go").map_err(engine)?;
    go.call(&mut guest.store, ()).map_err(engine)?;
    let received = guest
        .store
        .data_mut()
        .received_values
        .take()
        .ok_or("g was not called")?;
    for (got, wanted) in received.iter().zip(&plan.g_params) {
        expect("a parameter of g", got, Some(wanted))?;
    }
    let memory = guest.memory().map_err(engine)?;
    check_g(&memory, g, plan, encoding)
}

/// Values that may be anything: the model's verdict counts. Says whether the instance lives on.
fn hostile<A: Typed, R: Typed>(
    guest: &mut Session,
    plan: &Plan,
    f: &Signature,
    g: &Signature,
    encoding: Encoding,
) -> Result<bool, String> {
    let engine = |e: Error| format!("a harmless call fails: {e}");
    guest.prepare(&plan.image).map_err(engine)?;
    let memory = guest.memory().map_err(engine)?;
    let slots = |at: usize, cores: &[crate::abi::Core]| -> Vec<u64> {
        let cores = cores.iter().enumerate();
        cores
            .map(|(i, core)| core.cut(slot(&memory, at + 8 * i)))
            .collect()
    };
    let (params, results) = flatten_function(g, true);
    let param_slots = slots(G_PARAMS, &params);
    let wanted = Lifter::new(&memory, encoding).values(&param_slots, &g.params, MAX_FLAT_PARAMS);
    let mut area_is_bad = false;
    if results.is_empty() {
        let (area, ty) = (param_slots.last().copied().unwrap_or(0), A::ty());
        area_is_bad = area % alignment(&ty) != 0 || area + elem_size(&ty) > memory.len() as u64;
    }
    let (_, results) = flatten_function(f, false);
    let result_slots = slots(F_RESULT, &results);
    let result =
        Lifter::new(&memory, encoding).values(&result_slots, f.result.as_slice(), MAX_FLAT_RESULTS);
    if wanted == Err(Verdict::TooLarge) || result == Err(Verdict::TooLarge) {
        return Ok(true);
    }

    // The result first: it changes nothing in the guest's memory that counts.
    let r = guest.typed::<(), (R,)>("r").map_err(engine)?;
    match (r.call(&mut guest.store, ()), result) {
        (Ok((got,)), Ok(wanted)) => expect("a damaged result", &got.value(), wanted.first())?,
        (Err(Error::Trap(_)), Err(_)) => return Ok(false),
        (got, verdict) => {
            let got = got.map(|(r,)| show(&r.value()));
            return Err(format!(
                "the engine's result: {got:?}; the model says: {verdict:?}"
            ));
        }
    }
    guest.prepare(&plan.image).map_err(engine)?;
    guest.memory().map_err(engine)?;
    guest.store.data_mut().answer_value = plan.g_result.clone();
    let go = guest.typed::<(), ()>("go").map_err(engine)?;
    let outcome = go.call(&mut guest.store, ());
    let received = guest.store.data_mut().received_values.take();
    match (outcome, wanted) {
        (Ok(()), Ok(wanted)) if !area_is_bad => {
            for (got, wanted) in received.ok_or("g was not called")?.iter().zip(&wanted) {
                expect("a damaged parameter", got, Some(wanted))?;
            }
            Ok(true)
        }
        (Err(Error::Trap(_)), Ok(_)) if area_is_bad => Ok(false),
        (Err(Error::Trap(_)), Err(_)) if received.is_none() => Ok(false),
        (outcome, verdict) => Err(format!(
            "the engine says {outcome:?} and called g with {received:?}; the model says {verdict:?}, result area bad: {area_is_bad}"
        )),
    }
}
