//! Damaged artifacts: refused, or the very component again; never a panic.
//!
//! A checksum stands before what is read, so damage of any byte must be refused. Behind it, with the checksum made good again, the
//! description of the component is damaged as well: that may load, for it may still be a description, but must not panic. It is not
//! run, and the machine code is left alone: whoever can forge a checksum can forge code, and `deserialize` says so.

use super::mutate::damage_bytes;
use super::{Case, translate};
use crate::abi::Encoding;
use crate::choices::Choices;
use crate::guest::single;
use crate::types::{Drafts, Signature};
use wasmer_component::{Component, Error};
use xxhash_rust::xxh3::xxh3_128;

/// The target.
pub fn run(case: &mut Case<'_>, c: &mut Choices) -> Result<(), String> {
    let component = if c.below(3) == 0 {
        let (f, g) = (
            Signature::any(c, Drafts::ALL),
            Signature::any(c, Drafts::ALL),
        );
        case.compile(&single(&f, &g, Encoding::any(c)))?
    } else {
        case.compile(c.pick(translate::SEEDS).copied().unwrap_or("(component)"))?
    };
    round_trip(case, &component)?;
    let whole = component
        .serialize()
        .map_err(|e| format!("it cannot be stored: {e}"))?;
    let layout = Layout::of(&whole)?;
    for _ in 0..20 {
        let damaged = match c.below(4) {
            0 => damage_bytes(c, &whole, &[]),
            1 => {
                let at = c.below(whole.len());
                whole.get(..at).unwrap_or(&[]).to_vec()
            }
            // Where it matters most: the header.
            2 => {
                let (head, rest) = whole.split_at(layout.body.min(whole.len()));
                let mut damaged = damage_bytes(c, head, &[]);
                damaged.extend_from_slice(rest);
                damaged
            }
            _ => {
                let damaged = layout.with_description(&whole, |ir| damage_bytes(c, ir, &[]));
                case.note("artifact.bin", damaged.clone());
                // SAFETY: the machine code is untouched, and what is loaded is not run.
                match unsafe { Component::deserialize(case.engine, &damaged) } {
                    Ok(_) | Err(Error::Artifact(_)) => continue,
                    Err(e) => return Err(format!("a damaged description is refused as: {e}")),
                }
            }
        };
        if damaged == whole {
            continue;
        }
        case.note("artifact.bin", damaged.clone());
        // SAFETY: damage of any byte must be found before anything of it is used; finding out is the purpose.
        match unsafe { Component::deserialize(case.engine, &damaged) } {
            Err(Error::Artifact(_)) => {}
            Err(e) => return Err(format!("a damaged artifact is refused as: {e}")),
            Ok(_) => return Err("a damaged artifact is loaded".to_string()),
        }
    }
    Ok(())
}

/// What is stored must load, be stored again as the same bytes, and describe the same component.
///
/// # Errors
/// What is not so.
pub fn round_trip(case: &mut Case<'_>, component: &Component) -> Result<(), String> {
    let stored = component
        .serialize()
        .map_err(|e| format!("it cannot be stored: {e}"))?;
    // SAFETY: these are the bytes that the engine has just given.
    let loaded = unsafe { Component::deserialize(case.engine, &stored) }
        .map_err(|e| format!("its artifact cannot be loaded: {e}"))?;
    let again = loaded
        .serialize()
        .map_err(|e| format!("it cannot be stored again: {e}"))?;
    let described = |component: &Component| {
        let (imports, exports): (Vec<_>, Vec<_>) =
            (component.imports().collect(), component.exports().collect());
        format!("{imports:?} {exports:?}")
    };
    if described(component) != described(&loaded) {
        return Err("the loaded component is another".to_string());
    }
    if again.len() != stored.len() {
        return Err(format!(
            "an artifact of {} bytes is one of {} when stored again",
            stored.len(),
            again.len()
        ));
    }
    Ok(())
}

/// Where the parts of an artifact are, as its format says: magic (8), version (4), length and fingerprint, checksum (16), then the
/// body: number of modules, each with its length and aligned to 16; length and description last.
struct Layout {
    checksum: usize,
    body: usize,
    description: std::ops::Range<usize>,
}

impl Layout {
    fn of(bytes: &[u8]) -> Result<Layout, String> {
        let word = |at: usize, len: usize| {
            let bytes = bytes.get(at..at + len)?;
            Some(
                bytes
                    .iter()
                    .rev()
                    .fold(0usize, |n, byte| n << 8 | usize::from(*byte)),
            )
        };
        let layout = || {
            let checksum = 16 + word(12, 4)?;
            let body = checksum + 16;
            let mut at = body + 8;
            for _ in 0..word(body, 8)? {
                at = (at + 8).next_multiple_of(16) + word(at, 8)?;
            }
            let description = at + 8..at + 8 + word(at, 8)?;
            (xxh3_128(bytes.get(body..)?).to_le_bytes() == *bytes.get(checksum..body)?).then_some(
                Layout {
                    checksum,
                    body,
                    description,
                },
            )
        };
        layout().ok_or_else(|| "the artifact's layout is not the one this target knows".to_string())
    }

    /// The artifact with another description, and with the checksum that belongs to it.
    fn with_description(&self, whole: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let part = |range: std::ops::Range<usize>| whole.get(range).unwrap_or(&[]);
        let description = change(part(self.description.clone()));
        let mut body = part(self.body..self.description.start - 8).to_vec();
        body.extend_from_slice(&(description.len() as u64).to_le_bytes());
        body.extend_from_slice(&description);
        body.extend_from_slice(part(self.description.end..whole.len()));
        let mut out = part(0..self.checksum).to_vec();
        out.extend_from_slice(&xxh3_128(&body).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }
}
