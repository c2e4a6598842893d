//! Counted instructions: the limit for systems where a running guest cannot be interrupted, and for runs that must end at the same
//! instruction everywhere.
//!
//! Wasmer's metering middleware puts a counter into every core module. A call begins with all counters of its store set to what it
//! may execute, and when one of them is used up the module traps; which of a store's modules did is looked up only then. Each core
//! module counts for itself: a component of three modules may execute three times as many instructions.

use crate::error::{Error, LimitExceeded};
use crate::store::Runtime;
use wasmer::{FunctionEnv, StoreMut};
use wasmer_middlewares::metering::{MeteringPoints, get_remaining_points, set_remaining_points};

/// Sets the counters of all modules of a store to what the call that begins may execute.
pub(crate) fn refill(store: &mut StoreMut<'_>, runtime: &FunctionEnv<Runtime>, operations: u64) {
    for core in runtime.as_mut(store).core_instances() {
        set_remaining_points(store, &core, operations);
    }
}

/// The error for a call that trapped, if it did because a counter was used up.
#[cold]
pub(crate) fn exhausted(
    store: &mut StoreMut<'_>,
    runtime: &FunctionEnv<Runtime>,
    operations: u64,
) -> Option<Error> {
    let used_up = runtime
        .as_mut(store)
        .core_instances()
        .iter()
        .any(|core| get_remaining_points(store, core) == MeteringPoints::Exhausted);
    used_up.then(|| LimitExceeded::operations(operations))
}
