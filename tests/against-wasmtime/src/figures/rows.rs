//! What is measured, once: this file is compiled for either runtime, whose names come from the module around it.
//!
//! Each function gives a [`Side`], which does its thing as often as it is told and holds all that it needs. Whatever can be
//! made before is made before.

use super::*;

/// One thing to be measured on one runtime: does it so many times.
pub type Side = Box<dyn FnMut(u32) -> anyhow::Result<()>>;

fn side(mut once: impl FnMut() -> Result<()> + 'static) -> Side {
    Box::new(move |times| {
        for _ in 0..times {
            once().map_err(failed)?;
        }
        Ok(())
    })
}

/// One call does as many as it is told.
fn looped(mut run: impl FnMut(u32) -> Result<()> + 'static) -> Side {
    Box::new(move |times| run(times).map_err(failed))
}

/// Test data: `len` bytes that are all valid text. It lives as long as the program, as typed parameters may borrow.
fn text(len: usize) -> &'static str {
    String::leak(
        (0..len)
            .map(|i| char::from(b'a' + (i % 26) as u8))
            .collect(),
    )
}

pub fn nop(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(), ()>("nop")?;
    Ok(side(move || f.call(&mut guest.store, ())))
}

pub fn add(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(u32, u32), (u32,)>("add")?;
    Ok(side(move || {
        let (sum,) = f.call(&mut guest.store, (20, 22))?;
        assert_eq!(sum, 42);
        Ok(())
    }))
}

pub fn bytes(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static [u8],), (Vec<u8>,)>("echo-bytes")?;
    let data = text(len).as_bytes();
    Ok(side(move || {
        let (back,) = f.call(&mut guest.store, (data,))?;
        assert_eq!(back.len(), len);
        Ok(())
    }))
}

pub fn sink(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static [u8],), (u32,)>("sink")?;
    let data = text(len).as_bytes();
    Ok(side(move || {
        let (got,) = f.call(&mut guest.store, (data,))?;
        assert_eq!(got as usize, len);
        Ok(())
    }))
}

pub fn source(mut guest: Guest, len: u32) -> Result<Side> {
    let f = guest.typed::<(u32,), (Vec<u8>,)>("source")?;
    Ok(side(move || {
        let (back,) = f.call(&mut guest.store, (len,))?;
        assert_eq!(back.len(), len as usize);
        Ok(())
    }))
}

pub fn string(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static str,), (String,)>("echo-string")?;
    let data = text(len);
    Ok(side(move || {
        let (back,) = f.call(&mut guest.store, (data,))?;
        assert_eq!(back.len(), len);
        Ok(())
    }))
}

pub fn flat_records(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static [Flat],), (Vec<Flat>,)>("echo-flat")?;
    let data: &[Flat] = Vec::leak(
        (0..len)
            .map(|i| Flat {
                id: i as u64,
                time: 1_700_000_000 + i as u64,
                value: i as f64 / 3.0,
                code: i as u16,
                level: (i % 7) as u8,
                valid: i % 2 == 0,
            })
            .collect(),
    );
    Ok(side(move || {
        let (back,) = f.call(&mut guest.store, (data,))?;
        assert_eq!(back.len(), len);
        Ok(())
    }))
}

pub fn named_records(mut guest: Guest, len: usize) -> Result<Side> {
    let f = guest.typed::<(&'static [Named],), (Vec<Named>,)>("echo-named")?;
    let data: &[Named] = Vec::leak(
        (0..len)
            .map(|i| Named {
                id: i as u64,
                name: format!("record number {i}"),
                level: (i % 7) as u8,
            })
            .collect(),
    );
    Ok(side(move || {
        let (back,) = f.call(&mut guest.store, (data,))?;
        assert_eq!(back.len(), len);
        Ok(())
    }))
}

pub fn host_nop(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(u32,), ()>("call-nop")?;
    Ok(looped(move |n| f.call(&mut guest.store, (n,))))
}

pub fn host_add(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(u32,), ()>("call-add")?;
    Ok(looped(move |n| f.call(&mut guest.store, (n,))))
}

pub fn host_take(mut guest: Guest, len: u32) -> Result<Side> {
    let f = guest.typed::<(u32, u32), ()>("call-take")?;
    Ok(looped(move |n| f.call(&mut guest.store, (n, len))))
}

pub fn host_resource(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(u32,), ()>("things")?;
    Ok(looped(move |n| {
        f.call(&mut guest.store, (n,))?;
        assert_eq!(guest.store.data().alive, 0);
        Ok(())
    }))
}

pub fn host_method(mut guest: Guest) -> Result<Side> {
    let f = guest.typed::<(u32,), ()>("get-things")?;
    Ok(looped(move |n| f.call(&mut guest.store, (n,))))
}

pub fn guest_resource(mut guest: Guest) -> Result<Side> {
    let new = guest.typed::<(), (ResourceAny,)>("[constructor]counter")?;
    Ok(side(move || {
        let (counter,) = new.call(&mut guest.store, ())?;
        counter.resource_drop(&mut guest.store)
    }))
}

pub fn guest_method(mut guest: Guest) -> Result<Side> {
    let new = guest.typed::<(), (ResourceAny,)>("[constructor]counter")?;
    let get = guest.typed::<(ResourceAny,), (u32,)>("[method]counter.get")?;
    let (counter,) = new.call(&mut guest.store, ())?;
    Ok(side(move || {
        let (rep,) = get.call(&mut guest.store, (counter,))?;
        assert_eq!(rep, 5);
        Ok(())
    }))
}

pub fn instantiate(runtime: &Runtime) -> Result<Side> {
    let runtime = runtime.clone();
    Ok(side(move || runtime.instantiate().map(drop)))
}

pub fn load(runtime: &Runtime, component: &Component) -> Result<Side> {
    let artifact = component.serialize()?;
    let engine = runtime.engine.clone();
    Ok(side(move || {
        // SAFETY: the artifact was made above, by the same engine.
        unsafe { Component::deserialize(&engine, &artifact) }.map(drop)
    }))
}
