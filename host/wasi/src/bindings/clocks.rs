//! `wasi:clocks`: the wall clock, the monotonic one, and a time zone, which is always UTC: where the host is, is nothing a
//! guest was granted to know.

use std::time::Duration;

use wasmer_component::{ComponentType, Lift, Linker, Lower, Result};

use super::interface;
use super::io::{Pollable, subscribe};
use crate::WasiView;
use crate::fs::Timestamp;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct TimezoneDisplay {
    utc_offset: i32,
    name: String,
    in_daylight_saving_time: bool,
}

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut wall = linker.instance(&interface("wasi:clocks/wall-clock"))?;
    wall.func_wrap("now", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().clocks.wall(),))
    })?;
    wall.func_wrap("resolution", |mut cx, (): ()| {
        Ok((Timestamp::from(cx.data_mut().wasi().clocks.resolution()),))
    })?;

    let mut monotonic = linker.instance(&interface("wasi:clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().clocks.monotonic(),))
    })?;
    monotonic.func_wrap("resolution", |mut cx, (): ()| {
        Ok((nanoseconds(cx.data_mut().wasi().clocks.resolution()),))
    })?;
    monotonic.func_wrap("subscribe-instant", |mut cx, (when,): (u64,)| {
        Ok((subscribe(cx.data_mut().wasi(), Pollable::Clock(when))?,))
    })?;
    monotonic.func_wrap("subscribe-duration", |mut cx, (duration,): (u64,)| {
        let ctx = cx.data_mut().wasi();
        let when = ctx.clocks.monotonic().saturating_add(duration);
        Ok((subscribe(ctx, Pollable::Clock(when))?,))
    })?;

    let mut timezone = linker.instance(&interface("wasi:clocks/timezone"))?;
    timezone.func_wrap("display", |_cx, (_when,): (Timestamp,)| {
        Ok((TimezoneDisplay {
            utc_offset: 0,
            name: String::from("UTC"),
            in_daylight_saving_time: false,
        },))
    })?;
    timezone.func_wrap("utc-offset", |_cx, (_when,): (Timestamp,)| Ok((0i32,)))?;
    Ok(())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
