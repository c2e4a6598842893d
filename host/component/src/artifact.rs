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
//! | 8 | number of core modules |
//! | 8 + p + n each | length of a module, zeros up to the next multiple of 16 from the beginning, the module as wasmer serialises it |
//! | 8 + n | length and bytes of the IR, in postcard's format |
//!
//! Reading checks magic, version, fingerprint and checksum in that order, so that the error says the first thing
//! that is wrong. Nothing is allocated by a length that the file has not got.
//!
//! A module is handed to wasmer where it lies, in an artifact that begins at a multiple of 16 (a mapped file does): wasmer
//! keeps that memory, reads function bodies, data segments and the tables for traps out of it, and copies only the machine
//! code, to where it can be executed and relocated.

use crate::component::{Component, ComponentInner};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::ir::ComponentIr;
use bytes::Bytes;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// Version of the artifact. History:
/// - 1: the first.
/// - 2: imported core modules.
/// - 3: XXH3 instead of BLAKE3, contexts of calls.
/// - 4: core modules that stand for components; modules are aligned, so that they are used where a file is mapped.
/// - 5: with LLVM, memories are checked.
/// - 6: whether core modules give functions to one another through the host.
pub(crate) const VERSION: u32 = 6;

const MAGIC: &[u8; 8] = b"wcomp\0\r\n";

/// What wasmer's archives are aligned to.
const ALIGNMENT: usize = 16;

pub(crate) fn serialize(component: &ComponentInner) -> Result<Vec<u8>> {
    let ir = postcard::to_allocvec(&component.ir).map_err(|e| {
        Error::Artifact(format!(
            "the component's description cannot be written: {e}"
        ))
    })?;
    let fingerprint = component.engine.fingerprint().as_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(fingerprint.len() as u32).to_le_bytes());
    out.extend_from_slice(fingerprint);
    let checksum = out.len();
    out.extend_from_slice(&[0; 16]);
    let body = out.len();
    out.extend_from_slice(&(component.modules.len() as u64).to_le_bytes());
    for module in &component.modules {
        let bytes = module
            .serialize()
            .map_err(|e| Error::Artifact(format!("a compiled module cannot be written: {e}")))?;
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out.extend_from_slice(&bytes);
    }
    out.extend_from_slice(&(ir.len() as u64).to_le_bytes());
    out.extend_from_slice(&ir);
    let sum = xxh3_128(out.get(body..).unwrap_or_default()).to_le_bytes();
    if let Some(place) = out.get_mut(checksum..body) {
        place.copy_from_slice(&sum);
    }
    Ok(out)
}

/// # Safety
/// As [`Component::deserialize`].
pub(crate) unsafe fn deserialize(engine: &Engine, artifact: Bytes) -> Result<Component> {
    let mut rest = Reader {
        artifact: &artifact,
        at: 0,
    };
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
    if xxh3_128(rest.left()) != checksum {
        return Err(Error::Artifact(
            "it is damaged: its checksum is not that of its contents".to_string(),
        ));
    }
    let mut modules = Vec::new();
    for _ in 0..rest.u64()? {
        let len = rest.length()?;
        rest.align()?;
        modules.push(rest.share(len)?);
    }
    let len = rest.length()?;
    let ir: ComponentIr = postcard::from_bytes(rest.take(len)?).map_err(|e| {
        Error::Artifact(format!(
            "it is damaged: the component's description cannot be read: {e}"
        ))
    })?;
    if !rest.left().is_empty() {
        return Err(Error::Artifact(format!(
            "it is damaged: {} bytes too many",
            rest.left().len()
        )));
    }
    // Last, because what an engine has loaded stays with it.
    let modules = modules
        .into_iter()
        .map(|module| {
            // SAFETY: the caller promises that the artifact is ours and stays as it is; version, fingerprint and checksum say
            // that it is whole and made by this very wasmer for this very machine. It is aligned.
            unsafe { wasmer::Module::deserialize_unchecked(engine.wasmer(), module) }
                .map_err(|e| Error::Artifact(format!("a compiled module cannot be loaded: {e}")))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Component::from_parts(engine, ir, modules))
}

/// Maps a file that is not going to change.
///
/// # Safety
/// As [`Component::deserialize_file`].
pub(crate) unsafe fn map(path: &Path) -> Result<Bytes> {
    let failed =
        |e: std::io::Error| Error::Artifact(format!("{} cannot be mapped: {e}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    // SAFETY: the caller promises that nobody changes the file while it is mapped.
    let mapped = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
    Ok(Bytes::from_owner(mapped))
}

struct Reader<'a> {
    artifact: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    fn left(&self) -> &'a [u8] {
        self.artifact.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.left().get(..len) {
            Some(taken) => {
                self.at += len;
                Ok(taken)
            }
            None => Err(Error::Artifact(
                "it is damaged: it ends too early".to_string(),
            )),
        }
    }

    /// Skips what stands before the next multiple of the alignment.
    fn align(&mut self) -> Result<()> {
        let padding = self.at.next_multiple_of(ALIGNMENT) - self.at;
        self.take(padding).map(drop)
    }

    /// As [`Reader::take`], without copying where the memory is aligned.
    fn share(&mut self, len: usize) -> Result<Bytes> {
        let taken = self.take(len)?;
        if taken.as_ptr().addr().is_multiple_of(ALIGNMENT) {
            Ok(self.artifact.slice_ref(taken))
        } else {
            // Memory of this size is aligned by every allocator.
            Ok(Bytes::copy_from_slice(taken))
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

    fn length(&mut self) -> Result<usize> {
        Ok(usize::try_from(self.u64()?).unwrap_or(usize::MAX))
    }
}
