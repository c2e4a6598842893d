//! Calls between two components: adapters that read one guest's memory and write the other's, and transcode strings on the way.
//!
//! The model lays out the parameters in the caller and the result in the callee, whole or damaged, and reads what arrived on the
//! other side.

use super::Case;
use super::corrupt::damage;
use super::values::{Plan, check_g, expect_lowered};
use crate::abi::{
    Encoding, Lifter, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Verdict, alignment, elem_size,
    flatten_function,
};
use crate::choices::Choices;
use crate::guest::{DATA, F_CALLS, F_PARAMS, F_RESULT, G_PARAMS, PAGE, POSTS, composed};
use crate::session::{Session, counter, slot};
use crate::types::{Drafts, Signature};
use wasmer_component::Error;

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let f = Signature::any(c, Drafts::ALL);
    let (ours, theirs) = (Encoding::any(c), Encoding::any(c));
    let component = case.compile(&composed(&f, ours, theirs))?;
    let mut session = None;
    for _ in 0..1 + c.below(8) {
        let (Ok(mut caller), Ok(mut callee)) = (
            Plan::any(c, None, Some(&f), ours),
            Plan::any(c, Some(&f), None, theirs),
        ) else {
            continue;
        };
        if c.once_in(2) {
            damage(c, &mut caller);
            damage(c, &mut callee);
        }
        case.note("caller.txt", caller.describe());
        case.note("callee.txt", callee.describe());
        case.note("caller.bin", caller.image.clone());
        case.note("callee.bin", callee.image.clone());
        let mut guests = match session.take() {
            Some(live) => live,
            None => Session::new(case.engine, &component)
                .map_err(|e| format!("it does not instantiate: {e}"))?,
        };
        if round(&mut guests, &f, caller, &callee, ours, theirs)? {
            session = Some(guests);
        }
    }
    Ok(())
}

/// One call. Says whether the instance lives on.
fn round(
    guests: &mut Session,
    f: &Signature,
    mut caller: Plan,
    callee: &Plan,
    ours: Encoding,
    theirs: Encoding,
) -> Result<bool, String> {
    let engine = |e: Error| format!("a harmless call fails: {e}");
    guests
        .of("caller-")
        .prepare(&caller.image)
        .map_err(engine)?;
    guests
        .of("callee-")
        .prepare(&callee.image)
        .map_err(engine)?;
    let caller_memory = guests.of("caller-").memory().map_err(engine)?;
    let callee_memory = guests.of("callee-").memory().map_err(engine)?;

    // The model's verdict on both ways.
    let (core_params, _) = flatten_function(f, true);
    let slots: Vec<u64> = core_params
        .iter()
        .enumerate()
        .map(|(i, core)| core.cut(slot(&caller_memory, G_PARAMS + 8 * i)))
        .collect();
    let params = Lifter::new(&caller_memory, ours).values(&slots, &f.params, MAX_FLAT_PARAMS);
    let (_, core_results) = flatten_function(f, false);
    let slots_of_result: Vec<u64> = core_results
        .iter()
        .map(|core| core.cut(slot(&callee_memory, F_RESULT)))
        .collect();
    let mut lifter = Lifter::new(&callee_memory, theirs);
    let result = lifter.values(&slots_of_result, f.result.as_slice(), MAX_FLAT_RESULTS);
    // Damage may make the result lie on what the call itself writes, before it is read. Nobody knows what it is then.
    let (first, end) = (lifter.touched.0.get(), lifter.touched.1.get());
    if end > first
        && (first < DATA as u64 || end > PAGE as u64)
        && end <= callee_memory.len() as u64
    {
        return Ok(true);
    }
    if params == Err(Verdict::TooLarge) || result == Err(Verdict::TooLarge) {
        return Ok(true);
    }
    let core_result_is_flat = caller.area.is_none();
    let mut area_is_bad = false;
    if let (Some(ty), Some(_)) = (&f.result, caller.area) {
        let area = slots.last().copied().unwrap_or(0);
        area_is_bad =
            area % alignment(ty) != 0 || area + elem_size(ty) > caller_memory.len() as u64;
        // A damaged area may lie on what is lowered; then only the verdict counts.
        if caller.area.replace(area) != Some(area) {
            caller.area = None;
        }
    }

    match (guests.of("caller-").call("go", &[]), params, result) {
        (Ok(_), Ok(params), Ok(result)) if !area_is_bad => {
            let memory = guests.of("callee-").memory().map_err(engine)?;
            let (core_params, _) = flatten_function(f, false);
            let slots: Vec<u64> = (0..core_params.len())
                .map(|i| slot(&memory, F_PARAMS + 8 * i))
                .collect();
            expect_lowered(
                "a parameter",
                &memory,
                theirs,
                &slots,
                &f.params,
                MAX_FLAT_PARAMS,
                &params,
            )?;
            let counters = (counter(&memory, F_CALLS), counter(&memory, POSTS));
            if counters != (1, 1) {
                return Err(format!(
                    "calls of the callee and of its post-return: {counters:?}"
                ));
            }
            let memory = guests.of("caller-").memory().map_err(engine)?;
            if caller.area.is_some() || core_result_is_flat {
                caller.g_result = result.into_iter().next();
                check_g(&memory, f, &caller, ours)?;
            }
            Ok(true)
        }
        (Err(Error::Trap(_)), params, result)
            if area_is_bad || params.is_err() || result.is_err() =>
        {
            Ok(false)
        }
        // The result was beyond the callee's memory, and what was lowered for it has made the memory grow.
        (Ok(_), Ok(_), Err(_))
            if !area_is_bad
                && end > callee_memory.len() as u64
                && end <= guests.of("callee-").memory().map_err(engine)?.len() as u64 =>
        {
            Ok(true)
        }
        (outcome, params, result) => Err(format!(
            "the engine says {outcome:?}; the model says: parameters {params:?}, result {result:?}, result area bad: {area_is_bad}"
        )),
    }
}
