//! `wasi:cli`: environment, exit, standard streams, and terminals, of which there are none.

use wasmer_component::{Error, Linker, Resource, Result};

use super::interface;
use super::io::{Input, Output};
use crate::WasiView;

/// The guest ended its run: what a call ends with when the guest exits. Find it with `Error::downcast_ref`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest exited with code {code}")]
pub struct Exit {
    /// 0 is success.
    pub code: u8,
}

/// `terminal-input`. A guest never gets one.
struct TerminalInput;
/// `terminal-output`. A guest never gets one.
struct TerminalOutput;

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut environment = linker.instance(&interface("wasi:cli/environment"))?;
    environment.func_wrap("get-environment", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().environment.clone(),))
    })?;
    environment.func_wrap("get-arguments", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().arguments.clone(),))
    })?;
    environment.func_wrap("initial-cwd", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().working_directory.clone(),))
    })?;

    let mut exit = linker.instance(&interface("wasi:cli/exit"))?;
    exit.func_wrap(
        "exit",
        |_cx, (status,): (std::result::Result<(), ()>,)| -> Result<()> {
            Err(Error::host(Exit {
                code: u8::from(status.is_err()),
            }))
        },
    )?;
    exit.func_wrap("exit-with-code", |_cx, (code,): (u8,)| -> Result<()> {
        Err(Error::host(Exit { code }))
    })?;

    linker
        .instance(&interface("wasi:cli/stdin"))?
        .func_wrap("get-stdin", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let stream: Input = Box::new(ctx.stdin.clone());
            Ok((ctx.table.push(stream)?,))
        })?;
    linker
        .instance(&interface("wasi:cli/stdout"))?
        .func_wrap("get-stdout", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let stream = Output::new(ctx.stdout.clone());
            Ok((ctx.table.push(stream)?,))
        })?;
    linker
        .instance(&interface("wasi:cli/stderr"))?
        .func_wrap("get-stderr", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let stream = Output::new(ctx.stderr.clone());
            Ok((ctx.table.push(stream)?,))
        })?;

    linker
        .instance(&interface("wasi:cli/terminal-input"))?
        .resource::<TerminalInput>("terminal-input", |_cx, _rep| Ok(()))?;
    linker
        .instance(&interface("wasi:cli/terminal-output"))?
        .resource::<TerminalOutput>("terminal-output", |_cx, _rep| Ok(()))?;
    linker
        .instance(&interface("wasi:cli/terminal-stdin"))?
        .func_wrap("get-terminal-stdin", |_cx, (): ()| {
            Ok((None::<Resource<TerminalInput>>,))
        })?;
    linker
        .instance(&interface("wasi:cli/terminal-stdout"))?
        .func_wrap("get-terminal-stdout", |_cx, (): ()| {
            Ok((None::<Resource<TerminalOutput>>,))
        })?;
    linker
        .instance(&interface("wasi:cli/terminal-stderr"))?
        .func_wrap("get-terminal-stderr", |_cx, (): ()| {
            Ok((None::<Resource<TerminalOutput>>,))
        })?;
    Ok(())
}
