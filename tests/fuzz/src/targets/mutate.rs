//! Damage to WebAssembly binaries: by the byte, and by the section, so that what is damaged is still reached.

use crate::choices::Choices;

/// A section: its number and contents.
struct Section<'a> {
    id: u8,
    body: &'a [u8],
}

/// Reads an unsigned LEB128 number; gives it and how many bytes it has.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

fn put_number(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Header and sections of a binary. None when it is not whole.
fn sections(bytes: &[u8]) -> Option<(&[u8], Vec<Section<'_>>)> {
    let (header, mut rest) = bytes.split_at_checked(8)?;
    let mut sections = Vec::new();
    while let Some((id, tail)) = rest.split_first() {
        let (size, used) = number(tail)?;
        let (body, next) = tail.get(used..)?.split_at_checked(size)?;
        sections.push(Section { id: *id, body });
        rest = next;
    }
    Some((header, sections))
}

/// A damaged copy of a binary; `others` are what parts may be borrowed from.
pub fn damage(c: &mut Choices, bytes: &[u8], others: &[Vec<u8>], depth: usize) -> Vec<u8> {
    if c.below(4) == 0 {
        return damage_bytes(c, bytes, others);
    }
    let Some((header, mut list)) = sections(bytes) else {
        return damage_bytes(c, bytes, others);
    };
    if list.is_empty() {
        return damage_bytes(c, bytes, others);
    }
    let at = c.below(list.len());
    let damaged;
    match c.below(8) {
        0 => {
            list.remove(at);
        }
        1 => {
            let to = c.below(list.len());
            list.swap(at, to);
        }
        2 => {
            if let Some(Section { id, body }) = list.get(at) {
                let copy = Section { id: *id, body };
                list.insert(c.below(list.len() + 1), copy);
            }
        }
        3 => {
            // A section of another binary in its place, or beside it.
            let other = c.pick(others).map_or(&[][..], Vec::as_slice);
            if let Some((_, theirs)) = sections(other)
                && let Some(Section { id, body }) = c.pick(&theirs)
            {
                let copy = Section { id: *id, body };
                if c.below(2) == 0 {
                    list.insert(at, copy);
                } else if let Some(place) = list.get_mut(at) {
                    *place = copy;
                }
            }
        }
        _ => {
            if let Some(section) = list.get_mut(at) {
                // Core modules (1) and components (4) are binaries themselves.
                damaged = if matches!(section.id, 1 | 4) && depth > 0 {
                    damage(c, section.body, others, depth - 1)
                } else {
                    damage_bytes(c, section.body, others)
                };
                section.body = &damaged;
            }
        }
    }
    let mut out = header.to_vec();
    for section in list {
        out.push(section.id);
        put_number(&mut out, section.body.len());
        out.extend_from_slice(section.body);
    }
    out
}

/// Damage that knows nothing of what the bytes are.
pub fn damage_bytes(c: &mut Choices, bytes: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + c.below(3) {
        let at = c.below(out.len());
        match c.below(8) {
            0..=2 => {
                let bit = c.below(8);
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            3 => {
                let new = [0, 1, 0x7F, 0x80, 0xFF, 0x41, 0x0B][c.below(7)];
                if let Some(byte) = out.get_mut(at) {
                    *byte = new;
                }
            }
            4 => {
                let new = c.below(256) as u8;
                out.insert(at, new);
            }
            5 => {
                let end = (at + 1 + c.below(4)).min(out.len());
                out.drain(at..end);
            }
            6 => {
                let end = (at + 1 + c.below(32)).min(out.len());
                let copy = out.get(at..end).unwrap_or(&[]).to_vec();
                let to = c.below(out.len() + 1);
                out.splice(to..to, copy);
            }
            _ => {
                let other = c.pick(others).map_or(&[][..], Vec::as_slice);
                let from = c.below(other.len());
                let end = (from + 1 + c.below(64)).min(other.len());
                let piece = other.get(from..end).unwrap_or(&[]).to_vec();
                out.splice(at..at, piece);
            }
        }
    }
    out
}
