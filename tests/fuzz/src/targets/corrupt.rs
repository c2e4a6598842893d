//! Hostile guests: memory that the model laid out, then damaged. The engine must come to the model's verdict: the very value, or a trap.

use super::Case;
use super::values::{Plan, expect, expect_all};
use crate::abi::{
    Encoding, Lifter, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Verdict, alignment, elem_size,
    flatten_function,
};
use crate::choices::Choices;
use crate::guest::{DATA, F_RESULT, G_PARAMS, PAGE, single};
use crate::session::{Session, slot};
use crate::types::{Drafts, Signature, Ty, Value};
use wasmer_component::{Component, Error};

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let f = Signature {
        params: vec![],
        result: Some(Signature::any(c, Drafts::ALL).result.unwrap_or(Ty::String)),
    };
    let g = Signature::any(c, Drafts::ALL);
    let encoding = Encoding::any(c);
    let component = case.compile(&single(&f, &g, encoding))?;
    let mut session = None;
    for _ in 0..1 + c.below(12) {
        let Ok(mut plan) = Plan::any(c, Some(&f), Some(&g), encoding) else {
            continue;
        };
        damage(c, &mut plan);
        case.note("plan.txt", plan.describe());
        case.note("memory.bin", plan.image.clone());
        result_of_f(case, &component, &mut session, &plan, &f, encoding)?;
        params_of_g(case, &component, &mut session, &plan, &g, encoding)?;
    }
    Ok(())
}

/// Damages what a plan lays out: pointers, lengths, discriminants, core values, contents.
pub fn damage(c: &mut Choices, plan: &mut Plan) {
    for _ in 0..c.below(4) {
        let at = match c.below(5) {
            0 | 1 => c.pick(&plan.marks).copied().unwrap_or(F_RESULT as u64) as usize,
            2 => F_RESULT,
            3 => G_PARAMS + 8 * c.below(MAX_FLAT_PARAMS + 1),
            _ => DATA + c.below(2048),
        };
        let old = slot(&plan.image, at);
        let (new, bytes) = match c.below(8) {
            0 => (old.wrapping_add(1), 4),
            1 => (old.wrapping_sub(1), 4),
            2 => (old ^ (1 << c.below(64)), 8),
            // Around the end of a memory of two pages, and of the address space.
            3 => ((2 * PAGE - c.below(40)) as u64, 4),
            4 => (u64::from(u32::MAX) - c.below(40) as u64, 4),
            5 => (0xD7FE + c.below(0x804) as u64, 4),
            6 => (c.any() & 0xFF, 1),
            _ => (c.any(), 8),
        };
        let new = new.to_le_bytes();
        for (place, byte) in plan.image.iter_mut().skip(at).zip(new.iter().take(bytes)) {
            *place = *byte;
        }
    }
}

fn live<'a>(
    case: &Case<'_>,
    component: &Component,
    session: &'a mut Option<Session>,
) -> Result<&'a mut Session, String> {
    let live = match session.take() {
        Some(live) => live,
        None => Session::new(case.engine, component)
            .map_err(|e| format!("it does not instantiate: {e}"))?,
    };
    Ok(session.insert(live))
}

fn result_of_f(
    case: &Case<'_>,
    component: &Component,
    session: &mut Option<Session>,
    plan: &Plan,
    f: &Signature,
    encoding: Encoding,
) -> Result<(), String> {
    let guest = live(case, component, session)?;
    let (memory, verdict) = prepare(
        guest,
        plan,
        |lifter, memory| {
            let (_, results) = flatten_function(f, false);
            let slots: Vec<u64> = results
                .iter()
                .map(|core| core.cut(slot(memory, F_RESULT)))
                .collect();
            lifter.values(&slots, f.result.as_slice(), MAX_FLAT_RESULTS)
        },
        encoding,
    )?;
    drop(memory);
    if verdict == Err(Verdict::TooLarge) {
        return Ok(());
    }
    let outcome = guest.call("r", &[]);
    match (outcome, verdict) {
        (Ok(value), Ok(wanted)) => expect(
            "a damaged result",
            value.as_ref(),
            f.result.as_ref(),
            wanted.first(),
        ),
        (Err(Error::Trap(_)), Err(_)) => poisoned(session),
        (Ok(value), Err(why)) => Err(format!(
            "the model says {why:?}; the engine lifts the result as {value:?}"
        )),
        (Err(e), verdict) => Err(format!("the engine says: {e}; the model says: {verdict:?}")),
    }
}

fn params_of_g(
    case: &Case<'_>,
    component: &Component,
    session: &mut Option<Session>,
    plan: &Plan,
    g: &Signature,
    encoding: Encoding,
) -> Result<(), String> {
    let guest = live(case, component, session)?;
    let (core_params, core_results) = flatten_function(g, true);
    let slots_of = |memory: &[u8]| -> Vec<u64> {
        let cores = core_params.iter().enumerate();
        cores
            .map(|(i, core)| core.cut(slot(memory, G_PARAMS + 8 * i)))
            .collect()
    };
    let (memory, verdict) = prepare(
        guest,
        plan,
        |lifter, memory| lifter.values(&slots_of(memory), &g.params, MAX_FLAT_PARAMS),
        encoding,
    )?;
    if verdict == Err(Verdict::TooLarge) {
        return Ok(());
    }
    // Where the result goes may be damaged, too.
    let mut area_is_bad = false;
    if let (Some(ty), []) = (&g.result, core_results.as_slice()) {
        let area = slots_of(&memory).last().copied().unwrap_or(0);
        area_is_bad = area % alignment(ty) != 0 || area + elem_size(ty) > memory.len() as u64;
    }
    guest.store.data_mut().answer = plan.g_answer(g)?;
    let outcome = guest.call("go", &[]);
    let received = guest.store.data_mut().received.take();
    match (outcome, verdict) {
        (Ok(_), Ok(wanted)) if !area_is_bad => expect_all(
            "a damaged parameter",
            &received.ok_or("g was not called")?,
            &g.params,
            &wanted,
        ),
        (Err(Error::Trap(_)), Ok(_)) if area_is_bad => poisoned(session),
        (Err(Error::Trap(_)), Err(_)) => match received {
            None => poisoned(session),
            Some(values) => Err(format!(
                "g was called with {values:?} though its parameters trap"
            )),
        },
        (Ok(_), verdict) => Err(format!(
            "the model says {verdict:?}, result area bad: {area_is_bad}; the engine calls g with {received:?}"
        )),
        (Err(e), verdict) => Err(format!(
            "the engine says: {e}; the model says: {verdict:?}, result area bad: {area_is_bad}"
        )),
    }
}

type Values = Result<Vec<Value>, Verdict>;

/// Puts the plan into the guest; gives its memory and the model's verdict on it.
fn prepare(
    guest: &mut Session,
    plan: &Plan,
    lift: impl FnOnce(&mut Lifter<'_>, &[u8]) -> Values,
    encoding: Encoding,
) -> Result<(Vec<u8>, Values), String> {
    let engine = |e: Error| format!("a harmless call fails: {e}");
    guest.prepare(&plan.image).map_err(engine)?;
    let memory = guest.memory().map_err(engine)?;
    // Reading the memory used its first 8 bytes; the model sees what the guest's function will see.
    let verdict = lift(&mut Lifter::new(&memory, encoding), &memory);
    Ok((memory, verdict))
}

/// After a trap the instance takes no more calls.
fn poisoned(session: &mut Option<Session>) -> Result<(), String> {
    let Some(mut guest) = session.take() else {
        return Ok(());
    };
    match guest.call("reset", &[]) {
        Err(Error::Poisoned { .. }) => Ok(()),
        other => Err(format!("after a trap the instance answers {other:?}")),
    }
}
