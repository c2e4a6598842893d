//! A short run of every target, from seeds that stay the same: what `just fuzz` does for as long as one likes.

use component_fuzz::driver::{End, Plan, run};
use component_fuzz::memory;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

fn short(target: &'static str, cases: u64) {
    let plan = Plan {
        targets: vec![target.to_string()],
        seed: 20,
        end: End::Cases(cases),
        patience: Duration::from_secs(120),
        failures: 1,
    };
    let (done, failures) = run(&plan, |_, _| {}, |_, _| {});
    if let Some(failure) = failures.into_iter().next() {
        panic!(
            "{}\nmake it again with: cargo run --release -p component-fuzz -- --case {} {target}",
            failure.message, failure.seed
        );
    }
    assert_eq!(done, [(target, cases)]);
}

#[test]
fn damaged_components_never_break_the_translator() {
    short("translate", 1200);
}

#[test]
fn arbitrary_values_cross_as_the_model_says() {
    short("values", 600);
}

#[test]
fn rust_types_cross_as_the_model_says() {
    short("typed", 600);
}

#[test]
fn damaged_values_trap_where_the_model_says() {
    short("abi-bad", 600);
}

#[test]
fn calls_between_components_do_what_the_model_says() {
    short("composed", 250);
}

#[test]
fn handles_move_as_the_model_says() {
    short("handles", 300);
}

#[test]
fn damaged_artifacts_are_refused() {
    short("artifact", 200);
}
