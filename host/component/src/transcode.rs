//! Strings between two components: from one memory and encoding to another.
//!
//! The adapters that the translator makes allocate, check bounds and alignment, and call these functions for the bytes.
//! A conversion whose result's size is not known beforehand comes in two steps, as the specification has it: first
//! into as little room as there could be, then, from where that ended, into as much as there could be; the adapter
//! reallocates in between and afterwards.
//!
//! Everything is read into the host before anything is written: both memories may be the same. Pointers were checked by the
//! adapter and are checked again, since the adapter trusts what `realloc` said.

use crate::error::{Error, Result};
use crate::ir::Transcode;
use wasmer::{Memory, StoreMut};

/// In a length: the string is UTF-16, not Latin-1.
const UTF16_TAG: u64 = 1 << 31;

/// Carries out one conversion between memory `from` and memory `to`.
///
/// `args` are the source's pointer and length in code units, the destination's pointer, and, for some, the room there
/// and one number more. The results are what the adapter expects of `op`: nothing, units written, or units read and written.
pub(crate) fn run(
    store: &StoreMut<'_>,
    op: Transcode,
    from: &Memory,
    to: &Memory,
    args: &[u64],
) -> Result<[u64; 2]> {
    let arg = |index: usize| args.get(index).copied().unwrap_or(0) & 0xFFFF_FFFF;
    let (source, units, target, room, extra) = (arg(0), arg(1), arg(2), arg(3), arg(4));
    let bytes = |count: u64| read(store, from, source, count);
    let write = |bytes: &[u8]| write(store, to, target, bytes);
    match op {
        Transcode::CopyUtf8 => {
            let bytes = bytes(units)?;
            utf8(&bytes)?;
            write(&bytes)?;
            Ok([0; 2])
        }
        Transcode::CopyUtf16 => {
            let bytes = bytes(units * 2)?;
            chars(&wide(&bytes)).try_for_each(|c| c.map(drop))?;
            write(&bytes)?;
            Ok([0; 2])
        }
        Transcode::CopyLatin1 => {
            write(&bytes(units)?)?;
            Ok([0; 2])
        }
        Transcode::Latin1ToUtf16 => {
            let wide: Vec<u16> = bytes(units)?.into_iter().map(u16::from).collect();
            write(&narrow(&wide))?;
            Ok([0; 2])
        }
        Transcode::Latin1ToUtf8 => {
            let bytes = bytes(units)?;
            let chars = bytes.iter().map(|b| Ok(char::from(*b)));
            let (read, text) = to_utf8(chars, |_| 1, extra != 0)?;
            finish_utf8(&text, room, write)?;
            Ok([read, text.len() as u64])
        }
        Transcode::Utf16ToUtf8 => {
            let wide = wide(&bytes(units * 2)?);
            let (read, text) = to_utf8(chars(&wide), |c| c.len_utf16() as u64, extra != 0)?;
            finish_utf8(&text, room, write)?;
            Ok([read, text.len() as u64])
        }
        Transcode::Utf8ToUtf16 => {
            let bytes = bytes(units)?;
            let wide: Vec<u16> = utf8(&bytes)?.encode_utf16().collect();
            write(&narrow(&wide))?;
            Ok([wide.len() as u64, 0])
        }
        Transcode::Utf8ToLatin1 => {
            let bytes = bytes(units)?;
            let text = utf8(&bytes)?;
            let latin1: Vec<u8> = text.chars().map_while(|c| u8::try_from(c).ok()).collect();
            let read: usize = text.chars().take(latin1.len()).map(char::len_utf8).sum();
            write(&latin1)?;
            Ok([read as u64, latin1.len() as u64])
        }
        Transcode::Utf16ToLatin1 => {
            let wide = wide(&bytes(units * 2)?);
            let latin1: Vec<u8> = wide
                .iter()
                .map_while(|unit| u8::try_from(*unit).ok())
                .collect();
            write(&latin1)?;
            Ok([latin1.len() as u64, latin1.len() as u64])
        }
        Transcode::Utf16ToCompactProbablyUtf16 => {
            let bytes = bytes(units * 2)?;
            let wide = wide(&bytes);
            if let Ok(latin1) = wide
                .iter()
                .map(|unit| u8::try_from(*unit))
                .collect::<Result<Vec<u8>, _>>()
            {
                write(&latin1)?;
                return Ok([units, 0]);
            }
            chars(&wide).try_for_each(|c| c.map(drop))?;
            write(&bytes)?;
            Ok([units | UTF16_TAG, 0])
        }
        Transcode::Utf8ToCompactUtf16 => {
            let bytes = bytes(units)?;
            let rest = utf8(&bytes)?.encode_utf16();
            inflate(store, to, target, extra, room, rest)
        }
        Transcode::Utf16ToCompactUtf16 => {
            let wide = wide(&bytes(units * 2)?);
            chars(&wide).try_for_each(|c| c.map(drop))?;
            inflate(store, to, target, extra, room, wide.into_iter())
        }
    }
}

/// The second step to a compact string: what was written as Latin-1 becomes UTF-16, and the rest follows.
fn inflate(
    store: &StoreMut<'_>,
    memory: &Memory,
    target: u64,
    latin1: u64,
    room: u64,
    rest: impl Iterator<Item = u16>,
) -> Result<[u64; 2]> {
    let written = read(store, memory, target, latin1)?;
    let wide: Vec<u16> = written.into_iter().map(u16::from).chain(rest).collect();
    if wide.len() as u64 > room {
        return Err(no_room());
    }
    write(store, memory, target, &narrow(&wide))?;
    Ok([wide.len() as u64, 0])
}

/// Characters as UTF-8, with the units they came from. The first step takes only what needs one byte a unit.
fn to_utf8(
    chars: impl Iterator<Item = Result<char>>,
    units: impl Fn(char) -> u64,
    first: bool,
) -> Result<(u64, String)> {
    let (mut read, mut text) = (0, String::new());
    for c in chars {
        // what is wrong after the first character of another kind is the second step's affair
        if first && !matches!(c, Ok(c) if c.is_ascii()) {
            break;
        }
        let c = c?;
        read += units(c);
        text.push(c);
    }
    Ok((read, text))
}

fn finish_utf8(text: &str, room: u64, write: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
    if text.len() as u64 > room {
        return Err(no_room());
    }
    write(text.as_bytes())
}

fn no_room() -> Error {
    Error::trap("a string between components is longer than the room for it")
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| {
        Error::trap(format!(
            "invalid utf-8 at byte {} of a string",
            e.valid_up_to()
        ))
    })
}

fn chars(wide: &[u16]) -> impl Iterator<Item = Result<char>> + '_ {
    char::decode_utf16(wide.iter().copied())
        .map(|c| c.map_err(|_| Error::trap("unpaired surrogate in a utf-16 string")))
}

fn wide(bytes: &[u8]) -> Vec<u16> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
        .collect()
}

fn narrow(wide: &[u16]) -> Vec<u8> {
    wide.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

fn out_of_bounds() -> Error {
    Error::trap("string pointer/length out of bounds of memory")
}

/// Reads what is known to be there before a buffer is made for it.
fn read(store: &StoreMut<'_>, memory: &Memory, at: u64, count: u64) -> Result<Vec<u8>> {
    let view = memory.view(store);
    if at
        .checked_add(count)
        .is_none_or(|end| end > view.data_size())
    {
        return Err(out_of_bounds());
    }
    let mut bytes = vec![0; usize::try_from(count).map_err(|_| out_of_bounds())?];
    view.read(at, &mut bytes).map_err(|_| out_of_bounds())?;
    Ok(bytes)
}

fn write(store: &StoreMut<'_>, memory: &Memory, at: u64, bytes: &[u8]) -> Result<()> {
    memory
        .view(store)
        .write(at, bytes)
        .map_err(|_| out_of_bounds())
}
