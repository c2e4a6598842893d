//! The artifact: a compiled component as bytes.
//!
//! Layout, all numbers little endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic `wcomp\0\r\n` |
//! | 4 | version of this layout and of the IR, [`VERSION`] |
//! | 4 + n | length and text of the engine's fingerprint |
//! | 16 | XXH3-128 of everything that follows: it finds accidents, and fast |
//! | 8 + n | length and bytes of the IR, in postcard's format |
//! | 8, then 8 + n each | number of core modules; length and bytes of each as wasmer serialises it |
//!
//! Reading checks magic, version, fingerprint and checksum in that order, so that the error says the first thing
//! that is wrong. Nothing is allocated by a length that the file has not got.

use crate::component::{Component, ComponentInner};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::ir::ComponentIr;
use xxhash_rust::xxh3::xxh3_128;

/// Version of the artifact. History:
/// - 1: the first.
/// - 2: imported core modules.
/// - 3: XXH3 instead of BLAKE3, contexts of calls.
/// - 4: core modules that stand for components.
pub(crate) const VERSION: u32 = 4;

const MAGIC: &[u8; 8] = b"wcomp\0\r\n";

pub(crate) fn serialize(component: &ComponentInner) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let ir = postcard::to_allocvec(&component.ir).map_err(|e| {
        Error::Artifact(format!(
            "the component's description cannot be written: {e}"
        ))
    })?;
    put(&mut body, &ir);
    body.extend_from_slice(&(component.modules.len() as u64).to_le_bytes());
    for module in &component.modules {
        let bytes = module
            .serialize()
            .map_err(|e| Error::Artifact(format!("a compiled module cannot be written: {e}")))?;
        put(&mut body, &bytes);
    }
    let fingerprint = component.engine.fingerprint().as_bytes();
    let mut out = Vec::with_capacity(body.len() + fingerprint.len() + 48);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(fingerprint.len() as u32).to_le_bytes());
    out.extend_from_slice(fingerprint);
    out.extend_from_slice(&xxh3_128(&body).to_le_bytes());
    out.extend_from_slice(&body);
    Ok(out)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// # Safety
/// As [`Component::deserialize`].
pub(crate) unsafe fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Component> {
    let mut rest = Reader(bytes);
    if rest.take(MAGIC.len())? != MAGIC {
        return Err(Error::Artifact(
            "it is not an artifact of this runtime".to_string(),
        ));
    }
    let version = rest.u32()?;
    if version != VERSION {
        return Err(Error::Artifact(format!(
            "it has version {version} and this runtime reads version {VERSION}"
        )));
    }
    let len = rest.u32()? as usize;
    let fingerprint = rest.take(len)?;
    if !std::str::from_utf8(fingerprint).is_ok_and(|f| engine.accepts(f)) {
        return Err(Error::Artifact(format!(
            "it was compiled for `{}` and this engine is `{}`",
            String::from_utf8_lossy(fingerprint),
            engine.fingerprint()
        )));
    }
    let checksum = u128::from_le_bytes(rest.array()?);
    if xxh3_128(rest.0) != checksum {
        return Err(Error::Artifact(
            "it is damaged: its checksum is not that of its contents".to_string(),
        ));
    }
    let ir = rest.block()?;
    let ir: ComponentIr = postcard::from_bytes(ir).map_err(|e| {
        Error::Artifact(format!(
            "it is damaged: the component's description cannot be read: {e}"
        ))
    })?;
    let mut modules = Vec::new();
    for _ in 0..rest.u64()? {
        let module = rest.block()?;
        // SAFETY: the caller promises that the artifact is ours; version, fingerprint and checksum say that it is
        // whole and made by this very wasmer for this very machine.
        let module = unsafe { wasmer::Module::deserialize(engine.wasmer(), module) };
        modules
            .push(module.map_err(|e| {
                Error::Artifact(format!("a compiled module cannot be loaded: {e}"))
            })?);
    }
    if !rest.0.is_empty() {
        return Err(Error::Artifact(format!(
            "it is damaged: {} bytes too many",
            rest.0.len()
        )));
    }
    Ok(Component::from_parts(engine, ir, modules))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(len) {
            Some((head, rest)) => {
                self.0 = rest;
                Ok(head)
            }
            None => Err(Error::Artifact(
                "it is damaged: it ends too early".to_string(),
            )),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn block(&mut self) -> Result<&'a [u8]> {
        let len = self.u64()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }
}
