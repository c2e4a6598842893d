//! `wasi:cli`: environment, exit, standard streams, and whether these are terminals.

use wasmer_component::{Error, Linker, Resource, Result, StoreContextMut};

use super::interface;
use super::io::{Input, Output};
use crate::stream::{InputStream as _, OutputStream as _};
use crate::{WasiCtx, WasiView};

/// The guest ended its run: what a call ends with when the guest exits. Find it with `Error::downcast_ref`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest exited with code {code}")]
pub struct Exit {
    /// 0 is success.
    pub code: u8,
}

/// `terminal-input`: the standard input is a terminal. There is nothing to do with one.
struct TerminalInput;
/// `terminal-output`: the same of an output.
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
        .resource::<TerminalInput>("terminal-input", drop_terminal::<TerminalInput, T>)?;
    linker
        .instance(&interface("wasi:cli/terminal-output"))?
        .resource::<TerminalOutput>("terminal-output", drop_terminal::<TerminalOutput, T>)?;
    linker
        .instance(&interface("wasi:cli/terminal-stdin"))?
        .func_wrap("get-terminal-stdin", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let is_one = ctx.stdin.is_terminal();
            Ok((terminal(ctx, is_one, TerminalInput)?,))
        })?;
    linker
        .instance(&interface("wasi:cli/terminal-stdout"))?
        .func_wrap("get-terminal-stdout", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let is_one = ctx.stdout.is_terminal();
            Ok((terminal(ctx, is_one, TerminalOutput)?,))
        })?;
    linker
        .instance(&interface("wasi:cli/terminal-stderr"))?
        .func_wrap("get-terminal-stderr", |mut cx, (): ()| {
            let ctx = cx.data_mut().wasi();
            let is_one = ctx.stderr.is_terminal();
            Ok((terminal(ctx, is_one, TerminalOutput)?,))
        })?;
    Ok(())
}

/// Gives the guest a handle of a terminal, if it is one.
///
/// Errors: the table is full.
fn terminal<R: Send + 'static>(
    ctx: &mut WasiCtx,
    is_one: bool,
    terminal: R,
) -> Result<Option<Resource<R>>> {
    is_one.then(|| ctx.table.push(terminal)).transpose()
}

fn drop_terminal<R: Send + 'static, T: WasiView>(
    mut cx: StoreContextMut<'_, T>,
    rep: u32,
) -> Result<()> {
    let table = &mut cx.data_mut().wasi().table;
    table.delete(Resource::<R>::new_own(rep)).map(drop)
}
