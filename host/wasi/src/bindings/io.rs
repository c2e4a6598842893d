//! `wasi:io`: errors, pollables, streams. Here, and nowhere else in this crate, a guest blocks.

use wasmer_component::{
    ComponentType, Error, FillBytes, Lift, Linker, Lower, Resource, Result, StoreContextMut,
};

use std::collections::hash_map::Entry;

use super::guest_bytes::GuestBytes;
use super::interface;
use crate::fs::ErrorCode;
use crate::net::{Incoming, Lookup, Outgoing, TcpSocket};
use crate::readiness::{Late, Readiness, is_ready, ready_now, wait_for_some};
use crate::stream::{Chunk, InputStream, MAX_CHUNK, OutputStream, StreamError, StreamFailure};
use crate::{WasiCtx, WasiView};

/// `input-stream`.
pub(super) type Input = Box<dyn InputStream>;

/// `output-stream`, with how much the guest was last permitted to write.
pub(super) struct Output {
    stream: Box<dyn OutputStream>,
    permit: usize,
}

impl Output {
    pub(super) fn new(stream: impl OutputStream) -> Self {
        Output {
            stream: Box::new(stream),
            permit: 0,
        }
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        self.permit = 0;
        self.permit = self.stream.check_write()?;
        Ok(self.permit)
    }

    /// Writes at the start of what was permitted.
    ///
    /// Errors: a trap, if it was not.
    fn write(&mut self, bytes: &[u8]) -> Result<Result<(), StreamError>> {
        self.permit = self.permit.checked_sub(bytes.len()).ok_or_else(|| {
            Error::trap("a write to an output-stream of more than check-write permitted")
        })?;
        Ok(self.stream.write(bytes))
    }
}

/// `pollable`: what to look at, so that it can be asked again and again. All but clocks are children of the thing they are
/// named after, which cannot go before them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pollable {
    /// The monotonic clock shows this.
    Clock(u64),
    Input(u32),
    Output(u32),
    Tcp(u32),
    Udp(u32),
    Incoming(u32),
    Outgoing(u32),
    Lookup(u32),
}

impl Pollable {
    /// The number of the thing it is a child of.
    fn parent(self) -> Option<u32> {
        match self {
            Pollable::Clock(_) => None,
            Pollable::Input(rep)
            | Pollable::Output(rep)
            | Pollable::Tcp(rep)
            | Pollable::Udp(rep)
            | Pollable::Incoming(rep)
            | Pollable::Outgoing(rep)
            | Pollable::Lookup(rep) => Some(rep),
        }
    }

    fn readiness(self, ctx: &WasiCtx) -> Result<Readiness> {
        let table = &ctx.table;
        Ok(match self {
            Pollable::Clock(time) => ctx.clocks.readiness(time),
            Pollable::Input(rep) => table.get::<Input>(&borrow(rep))?.readiness(),
            Pollable::Output(rep) => table.get::<Output>(&borrow(rep))?.stream.readiness(),
            Pollable::Tcp(rep) => table.get::<TcpSocket>(&borrow(rep))?.readiness(),
            // Whatever a UDP socket does is done at once.
            Pollable::Udp(_) => Readiness::Ready,
            Pollable::Incoming(rep) => table.get::<Incoming>(&borrow(rep))?.readiness(),
            Pollable::Outgoing(rep) => table.get::<Outgoing>(&borrow(rep))?.readiness(),
            Pollable::Lookup(rep) => table.get::<Lookup>(&borrow(rep))?.readiness(),
        })
    }
}

fn borrow<R: 'static>(rep: u32) -> Resource<R> {
    Resource::new_borrow(rep)
}

/// Gives a pollable a handle.
///
/// Errors: the table is full.
pub(super) fn subscribe(ctx: &mut WasiCtx, pollable: Pollable) -> Result<Resource<Pollable>> {
    let handle = ctx.table.push(pollable)?;
    if let Some(parent) = pollable.parent() {
        *ctx.subscribed.entry(parent).or_default() += 1;
    }
    Ok(handle)
}

/// Drops a thing that pollables can be made of.
///
/// Errors: a trap, if there is one still.
pub(super) fn drop_parent<R: Send + 'static>(ctx: &mut WasiCtx, rep: u32) -> Result<()> {
    if ctx.subscribed.contains_key(&rep) {
        return Err(Error::trap(
            "a resource was dropped before the pollables that were made of it",
        ));
    }
    ctx.table.delete(Resource::<R>::new_own(rep)).map(drop)
}

fn drop_pollable(ctx: &mut WasiCtx, rep: u32) -> Result<()> {
    let pollable = ctx.table.delete(Resource::<Pollable>::new_own(rep))?;
    if let Some(parent) = pollable.parent()
        && let Entry::Occupied(mut children) = ctx.subscribed.entry(parent)
    {
        *children.get_mut() -= 1;
        if *children.get() == 0 {
            children.remove();
        }
    }
    Ok(())
}

/// Blocks until some of `pollables` are ready; gives their places.
///
/// Errors: the call's deadline has passed; or the guest waits for nothing that could ever happen.
fn wait<T: WasiView>(cx: &mut StoreContextMut<'_, T>, pollables: &[Pollable]) -> Result<Vec<u32>> {
    let deadline = cx.deadline();
    loop {
        let ctx = cx.data_mut().wasi();
        // Before the guest waits, and while it does, what it has written goes on its way.
        let unsent = ctx.network.outbox.serve();
        let mut set = readiness(ctx, pollables)?;
        let ready = ready_now(&set);
        if ready.contains(&true) {
            return Ok(places(&ready));
        }
        let earliest = pollables.iter().filter_map(|pollable| match pollable {
            Pollable::Clock(time) => Some(*time),
            _ => None,
        });
        // A fixed clock does not pass by itself, but what comes from outside comes first.
        if let Some(time) = earliest.min()
            && ctx.clocks.put_forward(time)
        {
            continue;
        }
        set.extend(unsent);
        if deadline.is_none() && set.iter().all(|one| matches!(one, Readiness::Never)) {
            return Err(Error::trap(
                "the guest waits for something that can never happen",
            ));
        }
        match wait_for_some(&set, deadline) {
            // With something to send the guest's own readiness has to be asked again.
            Ok(ready) if set.len() == pollables.len() && ready.contains(&true) => {
                return Ok(places(&ready));
            }
            Ok(_) => {}
            Err(Late) => return Err(cx.deadline_error()),
        }
    }
}

fn readiness(ctx: &WasiCtx, pollables: &[Pollable]) -> Result<Vec<Readiness>> {
    let readiness = pollables.iter().map(|pollable| pollable.readiness(ctx));
    readiness.collect()
}

fn places(ready: &[bool]) -> Vec<u32> {
    let places = ready.iter().zip(0u32..).filter(|(ready, _)| **ready);
    places.map(|(_, place)| place).collect()
}

/// `stream-error`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum WitStreamError {
    LastOperationFailed(Resource<StreamFailure>),
    Closed,
}

type StreamResult<T> = std::result::Result<T, WitStreamError>;

/// Gives a failure a handle, so that the guest can look into it.
///
/// Errors: the table is full.
fn seen<T>(ctx: &mut WasiCtx, outcome: Result<T, StreamError>) -> Result<StreamResult<T>> {
    Ok(match outcome {
        Ok(value) => Ok(value),
        Err(StreamError::Closed) => Err(WitStreamError::Closed),
        Err(StreamError::Failed(failure)) => Err(WitStreamError::LastOperationFailed(
            ctx.table.push(failure)?,
        )),
    })
}

/// A chunk as a list that is filled in the guest's memory.
pub(super) fn list(chunk: Chunk) -> FillBytes<impl FnOnce(&mut [u8]) -> Result<usize>> {
    FillBytes::new(chunk.len(), move |buffer: &mut [u8]| {
        Ok(chunk.fill_into(buffer))
    })
}

fn clamp(len: u64) -> usize {
    usize::try_from(len).unwrap_or(MAX_CHUNK).min(MAX_CHUNK)
}

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut error = linker.instance(&interface("wasi:io/error"))?;
    error.resource::<StreamFailure>("error", |mut cx, rep| {
        cx.data_mut()
            .wasi()
            .table
            .delete(Resource::<StreamFailure>::new_own(rep))
            .map(drop)
    })?;
    error.func_wrap(
        "[method]error.to-debug-string",
        |mut cx, (this,): (Resource<StreamFailure>,)| {
            Ok((cx.data_mut().wasi().table.get(&this)?.to_string(),))
        },
    )?;

    let mut poll = linker.instance(&interface("wasi:io/poll"))?;
    poll.resource::<Pollable>("pollable", |mut cx, rep| {
        drop_pollable(cx.data_mut().wasi(), rep)
    })?;
    poll.func_wrap(
        "[method]pollable.ready",
        |mut cx, (this,): (Resource<Pollable>,)| {
            let ctx = cx.data_mut().wasi();
            ctx.network.outbox.serve();
            let readiness = ctx.table.get(&this)?.readiness(ctx)?;
            Ok((is_ready(&readiness),))
        },
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |mut cx, (this,): (Resource<Pollable>,)| {
            let pollable = *cx.data_mut().wasi().table.get(&this)?;
            wait(&mut cx, &[pollable]).map(drop)
        },
    )?;
    poll.func_wrap("poll", |mut cx, (set,): (Vec<Resource<Pollable>>,)| {
        if set.is_empty() {
            return Err(Error::trap("poll of an empty list"));
        }
        let ctx = cx.data_mut().wasi();
        let set: Result<Vec<Pollable>> =
            set.iter().map(|one| ctx.table.get(one).copied()).collect();
        Ok((wait(&mut cx, &set?)?,))
    })?;

    let mut streams = linker.instance(&interface("wasi:io/streams"))?;
    streams.resource::<Input>("input-stream", |mut cx, rep| {
        drop_parent::<Input>(cx.data_mut().wasi(), rep)
    })?;
    streams.resource::<Output>("output-stream", |mut cx, rep| {
        drop_parent::<Output>(cx.data_mut().wasi(), rep)
    })?;

    type In = Resource<Input>;
    streams.func_wrap(
        "[method]input-stream.read",
        |mut cx, (this, len): (In, u64)| {
            let ctx = cx.data_mut().wasi();
            let chunk = ctx.table.get_mut(&this)?.read(clamp(len));
            Ok((seen(ctx, chunk)?.map(list),))
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.blocking-read",
        |mut cx, (this, len): (In, u64)| {
            loop {
                let ctx = cx.data_mut().wasi();
                let chunk = ctx.table.get_mut(&this)?.read(clamp(len));
                if len == 0 || !chunk.as_ref().is_ok_and(Chunk::is_empty) {
                    return Ok((seen(ctx, chunk)?.map(list),));
                }
                wait(&mut cx, &[Pollable::Input(this.rep())])?;
            }
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.skip",
        |mut cx, (this, len): (In, u64)| {
            let ctx = cx.data_mut().wasi();
            let skipped = ctx.table.get_mut(&this)?.skip(len);
            Ok((seen(ctx, skipped)?,))
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.blocking-skip",
        |mut cx, (this, len): (In, u64)| {
            loop {
                let ctx = cx.data_mut().wasi();
                let skipped = ctx.table.get_mut(&this)?.skip(len);
                if len == 0 || skipped != Ok(0) {
                    return Ok((seen(ctx, skipped)?,));
                }
                wait(&mut cx, &[Pollable::Input(this.rep())])?;
            }
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |mut cx, (this,): (In,)| {
            let ctx = cx.data_mut().wasi();
            ctx.table.get(&this)?;
            Ok((subscribe(ctx, Pollable::Input(this.rep()))?,))
        },
    )?;

    type Out = Resource<Output>;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut cx, (this,): (Out,)| {
            let ctx = cx.data_mut().wasi();
            let permit = ctx.table.get_mut(&this)?.check_write();
            Ok((seen(ctx, permit)?.map(|permit| permit as u64),))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write",
        |mut cx, (this, bytes): (Out, GuestBytes)| {
            let ctx = cx.data_mut().wasi();
            let written = ctx.table.get_mut(&this)?.write(bytes.as_slice())?;
            Ok((seen(ctx, written)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut cx, (this, bytes): (Out, GuestBytes)| {
            let bytes = bytes.as_slice();
            at_most_a_page(bytes.len() as u64)?;
            let outcome = write_all(&mut cx, &this, bytes.len() as u64, |range| bytes.get(range))?;
            Ok((seen(cx.data_mut().wasi(), outcome)?,))
        },
    )?;
    streams.func_wrap("[method]output-stream.flush", |mut cx, (this,): (Out,)| {
        let ctx = cx.data_mut().wasi();
        let flushed = ctx.table.get_mut(&this)?.stream.flush();
        Ok((seen(ctx, flushed)?,))
    })?;
    streams.func_wrap(
        "[method]output-stream.blocking-flush",
        |mut cx, (this,): (Out,)| {
            let outcome = flush_all(&mut cx, &this)?;
            Ok((seen(cx.data_mut().wasi(), outcome)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut cx, (this,): (Out,)| {
            let ctx = cx.data_mut().wasi();
            ctx.table.get(&this)?;
            Ok((subscribe(ctx, Pollable::Output(this.rep()))?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write-zeroes",
        |mut cx, (this, len): (Out, u64)| {
            let ctx = cx.data_mut().wasi();
            let output = ctx.table.get_mut(&this)?;
            if len > output.permit as u64 {
                return Err(Error::trap(
                    "a write to an output-stream of more than check-write permitted",
                ));
            }
            let mut outcome = Ok(());
            let mut left = len;
            while left > 0 && outcome.is_ok() {
                let zeroes = ZEROES.get(..clamp(left)).unwrap_or(&ZEROES);
                outcome = output.write(zeroes)?;
                left -= zeroes.len() as u64;
            }
            Ok((seen(ctx, outcome)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-zeroes-and-flush",
        |mut cx, (this, len): (Out, u64)| {
            at_most_a_page(len)?;
            let outcome = write_all(&mut cx, &this, len, |range| {
                Some(ZEROES.get(..range.len()).unwrap_or(&ZEROES))
            })?;
            Ok((seen(cx.data_mut().wasi(), outcome)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.splice",
        |mut cx, (this, from, len): (Out, In, u64)| {
            let ctx = cx.data_mut().wasi();
            let moved = splice(ctx, &this, &from, len)?;
            Ok((seen(ctx, moved)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-splice",
        |mut cx, (this, from, len): (Out, In, u64)| loop {
            let ctx = cx.data_mut().wasi();
            let moved = splice(ctx, &this, &from, len)?;
            if len == 0 || moved != Ok(0) {
                return Ok((seen(ctx, moved)?,));
            }
            wait(&mut cx, &[Pollable::Output(this.rep())])?;
            wait(&mut cx, &[Pollable::Input(from.rep())])?;
        },
    )?;
    Ok(())
}

static ZEROES: [u8; 4096] = [0; 4096];

/// `blocking-write-and-flush` and its sister take up to 4096 bytes.
///
/// Errors: a trap, if there are more.
fn at_most_a_page(len: u64) -> Result<()> {
    if len > ZEROES.len() as u64 {
        return Err(Error::trap(
            "a blocking write to an output-stream of more than 4096 bytes at once",
        ));
    }
    Ok(())
}

/// Writes `length` bytes, waiting as often as need be, and flushes. `bytes` gives a part of them, or the start of one.
///
/// Errors: a trap, or the call's deadline.
fn write_all<'a, T: WasiView>(
    cx: &mut StoreContextMut<'_, T>,
    this: &Resource<Output>,
    length: u64,
    bytes: impl Fn(std::ops::Range<usize>) -> Option<&'a [u8]>,
) -> Result<Result<(), StreamError>> {
    let mut written = 0u64;
    while written < length {
        let output = cx.data_mut().wasi().table.get_mut(this)?;
        let permit = match output.check_write() {
            Ok(permit) => permit,
            Err(error) => return Ok(Err(error)),
        };
        if permit == 0 {
            wait(cx, &[Pollable::Output(this.rep())])?;
            continue;
        }
        let start = usize::try_from(written).unwrap_or(usize::MAX);
        let end = start.saturating_add(permit.min(clamp(length - written)));
        let part = bytes(start..end).filter(|part| !part.is_empty());
        let part = part.ok_or_else(|| Error::trap("a write of more bytes than there are"))?;
        if let Err(error) = output.write(part)? {
            return Ok(Err(error));
        }
        written += part.len() as u64;
    }
    flush_all(cx, this)
}

/// Flushes, and waits until that is done.
///
/// Errors: a trap, or the call's deadline.
fn flush_all<T: WasiView>(
    cx: &mut StoreContextMut<'_, T>,
    this: &Resource<Output>,
) -> Result<Result<(), StreamError>> {
    if let Err(error) = cx.data_mut().wasi().table.get_mut(this)?.stream.flush() {
        return Ok(Err(error));
    }
    loop {
        match cx.data_mut().wasi().table.get_mut(this)?.check_write() {
            Ok(0) => wait(cx, &[Pollable::Output(this.rep())])?,
            Ok(_) => return Ok(Ok(())),
            // What was written is written; that no more can be is the next write's concern.
            Err(StreamError::Closed) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
    }
}

/// Moves what can be moved now.
///
/// Errors: a handle that is none.
fn splice(
    ctx: &mut WasiCtx,
    to: &Resource<Output>,
    from: &Resource<Input>,
    len: u64,
) -> Result<Result<u64, StreamError>> {
    let permit = match ctx.table.get_mut(to)?.check_write() {
        Ok(permit) => permit.min(clamp(len)),
        Err(error) => return Ok(Err(error)),
    };
    let bytes = match ctx.table.get_mut(from)?.read(permit) {
        Ok(chunk) => chunk.into_bytes(),
        Err(error) => return Ok(Err(error)),
    };
    Ok(ctx
        .table
        .get_mut(to)?
        .write(&bytes)?
        .map(|()| bytes.len() as u64))
}

/// The file system's code for a stream's failure, if it has one.
pub(super) fn failure_code(
    ctx: &WasiCtx,
    failure: &Resource<StreamFailure>,
) -> Result<Option<ErrorCode>> {
    Ok(ctx.table.get(failure)?.code)
}
