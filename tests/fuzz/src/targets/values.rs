//! Arbitrary types and values across all four crossings: parameters and results, of the guest's functions and of the host's.
//!
//! What the engine lowers, the model lifts out of the guest's memory; what the model lays out there, the engine lifts.

use super::Case;
use crate::abi::{
    Encoding, Lifter, Lowerer, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Verdict, alignment, elem_size,
    flatten_function,
};
use crate::choices::Choices;
use crate::guest::{
    DATA, F_CALLS, F_PARAMS, F_RESULT, G_PARAMS, G_RESULT, PAGE, POST_ARGUMENT, POSTS, single,
};
use crate::session::{Session, counter, set_slot, show, slot};
use crate::types::{Drafts, Signature, Ty, Value, same};
use wasmer_component::Val;

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let f = Signature::any(c, Drafts::ALL);
    let g = Signature::any(c, Drafts::ALL);
    let encoding = Encoding::any(c);
    let component = case.compile(&single(&f, &g, encoding))?;
    let mut session = Session::new(case.engine, &component)
        .map_err(|e| format!("it does not instantiate: {e}"))?;
    for _ in 0..1 + c.below(6) {
        let Ok(plan) = Plan::any(c, Some(&f), Some(&g), encoding) else {
            continue;
        };
        case.note("plan.txt", plan.describe());
        let engine = |e: wasmer_component::Error| format!("a valid call fails: {e}");
        session.prepare(&plan.image).map_err(engine)?;
        let result = session
            .call("f", &vals(&plan.f_params, &f.params)?)
            .map_err(engine)?;
        expect(
            "the result of f",
            result.as_ref(),
            f.result.as_ref(),
            plan.f_result.as_ref(),
        )?;
        let memory = session.memory().map_err(engine)?;
        check_f(&memory, &f, &plan, encoding)?;

        session.prepare(&plan.image).map_err(engine)?;
        session.store.data_mut().answer = plan.g_answer(&g)?;
        session.call("go", &[]).map_err(engine)?;
        let received = session.store.data_mut().received.take();
        let received = received.ok_or("g was not called")?;
        expect_all("a parameter of g", &received, &g.params, &plan.g_params)?;
        let memory = session.memory().map_err(engine)?;
        check_g(&memory, &g, &plan, encoding)?;
    }
    Ok(())
}

/// What is to cross in one round, and the page of guest memory that makes the guest do its part.
pub struct Plan {
    /// Parameters that the host gives to `f`.
    pub f_params: Vec<Value>,
    /// What the guest returns from it.
    pub f_result: Option<Value>,
    /// What the guest gives to `g`.
    pub g_params: Vec<Value>,
    /// What the host answers.
    pub g_result: Option<Value>,
    /// The first page of the guest's memory.
    pub image: Vec<u8>,
    /// Where in it pointers, lengths and discriminants are.
    pub marks: Vec<u64>,
    /// Where `g` is to put its result, if that goes to memory.
    pub area: Option<u64>,
}

impl Plan {
    /// Any values for the functions of a guest that has `f`, `g` or both.
    ///
    /// # Errors
    /// When the values do not fit the page.
    pub fn any(
        c: &mut Choices,
        f: Option<&Signature>,
        g: Option<&Signature>,
        encoding: Encoding,
    ) -> Result<Plan, Verdict> {
        let mut room = 1500;
        let mut all = |c: &mut Choices, tys: &[Ty]| -> Vec<Value> {
            tys.iter().map(|ty| ty.value(c, &mut room)).collect()
        };
        let (mut f_params, mut f_result, mut g_params, mut g_result) =
            (vec![], vec![], vec![], vec![]);
        let f_results: Vec<Ty> = f.and_then(|f| f.result.clone()).into_iter().collect();
        let g_results: Vec<Ty> = g.and_then(|g| g.result.clone()).into_iter().collect();
        if let Some(f) = f {
            f_params = all(c, &f.params);
            f_result = all(c, &f_results);
        }
        if let Some(g) = g {
            g_params = all(c, &g.params);
            g_result = all(c, &g_results);
        }
        let mut image = vec![0; PAGE];
        let mut lowerer = Lowerer {
            memory: &mut image,
            encoding,
            top: DATA as u64,
            choices: c,
            marks: Vec::new(),
        };
        let result_slots = lowerer.values(&f_result, &f_results, MAX_FLAT_RESULTS)?;
        let mut param_slots = Vec::new();
        let mut area = None;
        if let Some(g) = g {
            param_slots = lowerer.values(&g_params, &g.params, MAX_FLAT_PARAMS)?;
            if let (Some(ty), (_, [])) = (
                &g.result,
                (
                    flatten_function(g, true).0,
                    flatten_function(g, true).1.as_slice(),
                ),
            ) {
                let at = lowerer.top.next_multiple_of(alignment(ty));
                lowerer.top = at + elem_size(ty);
                if lowerer.top > PAGE as u64 {
                    return Err(Verdict::TooLarge);
                }
                area = Some(at);
                param_slots.push(at);
            }
        }
        let marks = std::mem::take(&mut lowerer.marks);
        for (at, slots) in [(F_RESULT, result_slots), (G_PARAMS, param_slots)] {
            for (i, bits) in slots.into_iter().enumerate() {
                set_slot(&mut image, at + 8 * i, bits);
            }
        }
        Ok(Plan {
            f_params,
            f_result: f_result.pop(),
            g_params,
            g_result: g_result.pop(),
            image,
            marks,
            area,
        })
    }

    /// The host's answer as the engine wants it.
    ///
    /// # Errors
    /// When the generator made a value of another type.
    pub fn g_answer(&self, g: &Signature) -> Result<Option<Val>, String> {
        match (&self.g_result, &g.result) {
            (Some(value), Some(ty)) => Ok(Some(
                value
                    .to_val(ty)
                    .ok_or("a generated value is not of its type")?,
            )),
            _ => Ok(None),
        }
    }

    /// The values, for a report.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for (name, values) in [
            ("parameter of f", &self.f_params),
            ("parameter of g", &self.g_params),
        ] {
            for (i, value) in values.iter().enumerate() {
                text += &format!("{name}, {i}: {}\n", show(value));
            }
        }
        for (name, value) in [
            ("result of f", &self.f_result),
            ("result of g", &self.g_result),
        ] {
            text += &format!(
                "{name}: {}\n",
                value.as_ref().map_or("none".to_string(), show)
            );
        }
        text
    }
}

/// The engine's values.
///
/// # Errors
/// When the generator made a value of another type.
pub fn vals(values: &[Value], tys: &[Ty]) -> Result<Vec<Val>, String> {
    let each = |(value, ty): (&Value, &Ty)| {
        value
            .to_val(ty)
            .ok_or_else(|| "a generated value is not of its type".to_string())
    };
    values.iter().zip(tys).map(each).collect()
}

/// The engine's value must be the model's.
///
/// # Errors
/// How they differ.
pub fn expect(
    what: &str,
    got: Option<&Val>,
    ty: Option<&Ty>,
    wanted: Option<&Value>,
) -> Result<(), String> {
    match (got, ty, wanted) {
        (None, None, None) => Ok(()),
        (Some(got), Some(ty), Some(wanted)) => match Value::of_val(got, ty) {
            Some(got) if same(&got, wanted) => Ok(()),
            Some(got) => Err(format!(
                "{what} is {} and should be {}",
                show(&got),
                show(wanted)
            )),
            None => Err(format!("{what} is not of its type: {got:?}")),
        },
        (got, ..) => Err(format!("{what} is {got:?} and should be {wanted:?}")),
    }
}

/// As [`expect`], for parameters.
///
/// # Errors
/// How they differ.
pub fn expect_all(what: &str, got: &[Val], tys: &[Ty], wanted: &[Value]) -> Result<(), String> {
    if got.len() != wanted.len() {
        return Err(format!("{what}: {} of {}", got.len(), wanted.len()));
    }
    for ((got, ty), wanted) in got.iter().zip(tys).zip(wanted) {
        expect(what, Some(got), Some(ty), Some(wanted))?;
    }
    Ok(())
}

/// What the engine put into the guest must be what the model reads there.
///
/// # Errors
/// How they differ.
pub fn expect_lowered(
    what: &str,
    memory: &[u8],
    encoding: Encoding,
    slots: &[u64],
    tys: &[Ty],
    most: usize,
    wanted: &[Value],
) -> Result<(), String> {
    let mut lifter = Lifter::new(memory, encoding);
    match lifter.values(slots, tys, most) {
        Ok(values)
            if values.len() == wanted.len()
                && values.iter().zip(wanted).all(|(a, b)| same(a, b)) => {}
        Ok(values) => {
            let values: Vec<_> = values.iter().map(show).collect();
            let wanted: Vec<_> = wanted.iter().map(show).collect();
            return Err(format!(
                "{what} arrived as {} and should be {}",
                values.join(", "),
                wanted.join(", ")
            ));
        }
        Err(Verdict::TooLarge) => {}
        Err(Verdict::Trap(why)) => {
            return Err(format!("{what} cannot be read by the guest: {why}"));
        }
    }
    if lifter.dirty {
        return Err(format!("{what}: an unused slot of a variant is not zero"));
    }
    Ok(())
}

fn slots(memory: &[u8], at: usize, count: usize) -> Vec<u64> {
    (0..count).map(|i| slot(memory, at + 8 * i)).collect()
}

/// `f` ran once, with the parameters that were given; so did its post-return, with the result.
///
/// # Errors
/// What is not so.
pub fn check_f(
    memory: &[u8],
    f: &Signature,
    plan: &Plan,
    encoding: Encoding,
) -> Result<(), String> {
    let (params, results) = flatten_function(f, false);
    let params = slots(memory, F_PARAMS, params.len());
    expect_lowered(
        "a parameter of f",
        memory,
        encoding,
        &params,
        &f.params,
        MAX_FLAT_PARAMS,
        &plan.f_params,
    )?;
    let counters = (counter(memory, F_CALLS), counter(memory, POSTS));
    if counters != (1, 1) {
        return Err(format!("calls of f and of its post-return: {counters:?}"));
    }
    if let [core] = results.as_slice() {
        let (planned, got) = (
            core.cut(slot(memory, F_RESULT)),
            core.cut(slot(memory, POST_ARGUMENT)),
        );
        if planned != got {
            return Err(format!(
                "post-return was called with {got:#x}; f returned {planned:#x}"
            ));
        }
    }
    Ok(())
}

/// The result of `g` arrived in the guest.
///
/// # Errors
/// What is not so.
pub fn check_g(
    memory: &[u8],
    g: &Signature,
    plan: &Plan,
    encoding: Encoding,
) -> Result<(), String> {
    let (Some(ty), Some(wanted)) = (&g.result, &plan.g_result) else {
        return Ok(());
    };
    let at = plan.area.unwrap_or_else(|| slot(memory, G_RESULT));
    expect_lowered(
        "the result of g",
        memory,
        encoding,
        &[at],
        std::slice::from_ref(ty),
        MAX_FLAT_RESULTS,
        std::slice::from_ref(wanted),
    )
}
