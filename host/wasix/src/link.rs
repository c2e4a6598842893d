//! Linking: wasmer-wasix's functions, given to a core module one by one, each behind the policy and the call's deadline.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wasmer::{Extern, Imports};
use wasmer_component::{
    CoreFunc, CoreImport, CoreLink, Error, LinkError, Linker, Result, StoreContextMut,
};
use wasmer_component_wasi::WasiView;
use wasmer_wasix::types::wasi::Errno;
use wasmer_wasix::{
    WasiError, WasiFunctionEnv, WasiThread, WasiVersion, generate_import_object_from_env,
};

use crate::environment::environment;
use crate::policy::{Policy, policy};
use crate::waiting::{Alarm, Deadline};

/// The guest ended its run: what a call ends with when the guest exits. Find it with `Error::downcast_ref`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest exited with code {code}")]
pub struct Exit {
    /// 0 is success.
    pub code: i32,
}

/// The names of the modules that [`add_to_linker`] gives functions of.
pub const MODULES: [&str; 4] = [
    "wasi_unstable",
    "wasi_snapshot_preview1",
    "wasix_32v1",
    "wasi",
];

/// Gives core modules WASI preview 1 and WASIX, with what the store's [`WasiCtx`](wasmer_component_wasi::WasiCtx) allows. An import that
/// there is nothing for is an error when the module is instantiated.
pub fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) {
    linker.core_imports(|cx, imports, link| link_core(cx, imports, link));
}

/// What the functions of one guest share.
struct Guest {
    deadline: Deadline,
    /// To be ended when its time is over; known once the module is instantiated.
    thread: OnceLock<WasiThread>,
}

fn link_core<T: WasiView>(
    mut cx: StoreContextMut<'_, T>,
    imports: &[CoreImport<'_>],
    link: &mut CoreLink<T>,
) -> Result<()> {
    let guest = Arc::new(Guest {
        deadline: Deadline::default(),
        thread: OnceLock::new(),
    });
    let env = environment(cx.data_mut().wasi(), &guest.deadline)
        .map_err(|e| Error::Engine(format!("WASIX cannot be set up: {e}")))?;
    // SAFETY: what wasmer-wasix puts into the store are its functions and their environment, all of which are `Send`: a store of
    // its own, which does the same, is moved between threads by its own task manager.
    let mut store = unsafe { cx.wasmer_store() };
    let env = WasiFunctionEnv::new(&mut store, env);
    let mut offered: HashMap<&str, Imports> = HashMap::new();
    for import in imports {
        let version = match import.module {
            "wasi_unstable" => WasiVersion::Snapshot0,
            "wasi_snapshot_preview1" | "wasi" => WasiVersion::Snapshot1,
            "wasix_32v1" => WasiVersion::Wasix32v1,
            _ => return Err(missing(import)),
        };
        offered
            .entry(import.module)
            .or_insert_with(|| generate_import_object_from_env(&mut store, &env.env, version));
    }
    for import in imports {
        let function = offered
            .get(import.module)
            .and_then(|all| all.get_export(import.module, import.name));
        let Some(Extern::Function(function)) = function else {
            return Err(missing(import));
        };
        let full = format!("{} {}", import.module, import.name);
        let answers = !import.results.is_empty();
        match policy(import.module, import.name) {
            Policy::Allow => {
                let ty = function.ty(&store);
                let found = (ty.params().len(), ty.results().len());
                if found != (import.params.len(), import.results.len()) {
                    return Err(Error::Translate(format!(
                        "the core module imports {full} with another type than it has"
                    )));
                }
                let function = CoreFunc::new(&mut cx, &function);
                // SAFETY: as above.
                store = unsafe { cx.wasmer_store() };
                let guest = guest.clone();
                link.function(move |mut cx, args| {
                    guest
                        .call(&mut cx, args, &function)
                        .map_err(|e| name(e, &full))
                });
            }
            Policy::Deny(errno) => {
                link.function(move |_, _| {
                    if errno != Errno::Success {
                        tracing::debug!("{full}: denied to a plugin");
                    }
                    Ok(if answers { errno as u64 } else { 0 })
                });
            }
            Policy::Trap => {
                link.function(move |_, _| Err(Error::trap(format!("{full} is denied to plugins"))));
            }
        }
    }
    link.instantiated(move |mut cx, instance| {
        // SAFETY: as above.
        let mut store = unsafe { cx.wasmer_store() };
        let mut env = env;
        env.initialize(&mut store, instance.clone()).map_err(|e| {
            Error::Engine(format!("WASIX cannot be set up for the core module: {e}"))
        })?;
        let thread = env.data(&store).thread.clone();
        let _ = guest.thread.set(thread);
        Ok(())
    });
    Ok(())
}

#[cold]
fn missing(import: &CoreImport<'_>) -> Error {
    Error::Link(LinkError::Missing {
        import: format!("{} {}", import.module, import.name),
        kind: "core function",
        offered: None,
    })
}

impl Guest {
    /// Calls a function of wasmer-wasix's, which may wait, but not for longer than the call may take.
    fn call<T: WasiView>(
        &self,
        cx: &mut StoreContextMut<'_, T>,
        args: &[u64],
        function: &CoreFunc,
    ) -> Result<u64> {
        let Some(thread) = self.thread.get() else {
            return Err(Error::trap(
                "called before the core module was instantiated",
            ));
        };
        let deadline = cx.deadline();
        self.deadline.set(deadline);
        let alarm = deadline.map(|at| Alarm::kill(at, thread.clone()));
        // Unwind safety: the guest is ended; what is left behind is its own environment.
        let outcome = catch_unwind(AssertUnwindSafe(|| function.call(cx, args)));
        drop(alarm);
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(cx.deadline_error());
        }
        let error = match outcome {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error)) => error,
            Err(panic) => {
                let said = panic
                    .downcast_ref::<&str>()
                    .copied()
                    .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("nothing");
                return Err(Error::trap(format!("wasmer-wasix panicked: {said}")));
            }
        };
        match error.downcast_ref::<WasiError>() {
            Some(WasiError::Exit(code)) => Err(Error::host(Exit { code: code.raw() })),
            _ => Err(Error::trap(error.message())),
        }
    }
}

/// Says which function it was that failed.
#[cold]
fn name(error: Error, function: &str) -> Error {
    match error {
        Error::Trap(mut trap) => {
            trap.message = format!("{function}: {}", trap.message).into();
            Error::Trap(trap)
        }
        error => error,
    }
}
