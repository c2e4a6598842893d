//! `wasi:random`: secure and insecure numbers, and the seed for hash maps.

use wasmer_component::{Error, FillBytes, Linker, Result};

use super::interface;
use crate::WasiView;
use crate::random::Random;

/// The most bytes one call gives. The interface has no way to give fewer than were asked for, so more is a trap.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers: {0}")]
struct NoRandom(getrandom::Error);

fn number(random: &Random) -> Result<u64> {
    random
        .number()
        .map_err(|error| Error::host(NoRandom(error)))
}

fn bytes(
    random: &Random,
    len: u64,
) -> Result<FillBytes<impl FnOnce(&mut [u8]) -> Result<usize> + use<>>> {
    if len > MAX_BYTES {
        return Err(Error::trap(
            "more random bytes were asked for than one call gives",
        ));
    }
    let random = random.clone();
    Ok(FillBytes::new(len as usize, move |buffer: &mut [u8]| {
        random
            .fill(buffer)
            .map_err(|error| Error::host(NoRandom(error)))?;
        Ok(buffer.len())
    }))
}

pub(super) fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut secure = linker.instance(&interface("wasi:random/random"))?;
    secure.func_wrap("get-random-bytes", |mut cx, (len,): (u64,)| {
        Ok((bytes(&cx.data_mut().wasi().random, len)?,))
    })?;
    secure.func_wrap("get-random-u64", |mut cx, (): ()| {
        Ok((number(&cx.data_mut().wasi().random)?,))
    })?;

    let mut insecure = linker.instance(&interface("wasi:random/insecure"))?;
    insecure.func_wrap("get-insecure-random-bytes", |mut cx, (len,): (u64,)| {
        Ok((bytes(&cx.data_mut().wasi().insecure_random, len)?,))
    })?;
    insecure.func_wrap("get-insecure-random-u64", |mut cx, (): ()| {
        Ok((number(&cx.data_mut().wasi().insecure_random)?,))
    })?;

    let mut seed = linker.instance(&interface("wasi:random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", |mut cx, (): ()| {
        let ctx = cx.data_mut().wasi();
        // One value for a guest's whole life: the interface means to become an imported value.
        let seed = match ctx.insecure_seed {
            Some(seed) => seed,
            None => (number(&ctx.insecure_random)?, number(&ctx.insecure_random)?),
        };
        ctx.insecure_seed = Some(seed);
        Ok((seed,))
    })?;
    Ok(())
}
