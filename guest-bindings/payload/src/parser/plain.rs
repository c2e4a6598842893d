//! Whether bytes are plain text: ASCII, without nul bytes and line feeds. Most text in traces is.
//!
//! Found out while they are copied, sixteen bytes at a time, in a form that the compiler makes vector instructions of, natively and
//! in WebAssembly, and without an early exit: text that is not plain is rare, and its few bytes need not be fast.

/// Bytes that are looked at together.
const BLOCK: usize = 16;

/// Copies `len` bytes, all of them whatever is found. Tells whether they are plain.
///
/// # Safety
/// `from` can be read and `to` written for `len` bytes, and they do not overlap.
#[inline(never)]
pub(super) unsafe fn copy_plain(from: *const u8, to: *mut u8, len: usize) -> bool {
    // SAFETY: each piece begins at the first or ends at the last of at least as many bytes as it has; the rest is the
    // caller's promise.
    unsafe {
        match len {
            // Pieces of fewer bytes than a block are two, from both ends, which may overlap.
            0 => true,
            1..4 => {
                let [first, middle, last] = [0, len / 2, len - 1].map(|at| *from.add(at));
                *to = first;
                *to.add(len / 2) = middle;
                *to.add(len - 1) = last;
                is_plain(first) & is_plain(middle) & is_plain(last)
            }
            4..8 => {
                let [a, b, c, d] = move_piece(from, to, 0);
                let [e, f, g, h] = move_piece(from, to, len - 4);
                unplain([a, b, c, d, e, f, g, h]) & TOPS == 0
            }
            8..BLOCK => {
                let first = unplain(move_piece(from, to, 0));
                let last = unplain(move_piece(from, to, len - 8));
                (first | last) & TOPS == 0
            }
            _ => copy_plain_blocks(from, to, len),
        }
    }
}

/// # Safety
/// As [`copy_plain`], with at least a block.
#[inline(always)]
unsafe fn copy_plain_blocks(from: *const u8, to: *mut u8, len: usize) -> bool {
    let last = len - BLOCK;
    let mut unplain = [0u8; BLOCK];
    let mut at = 0;
    loop {
        // The last block overlaps the one before it: no rest remains that would need another loop. It is the same
        // code, too: written apart, it was compiled byte by byte.
        // SAFETY: a block from `last` or before it is within `len` bytes; the rest is the caller's promise.
        let block: [u8; BLOCK] = unsafe { move_piece(from, to, at.min(last)) };
        for (all, byte) in unplain.iter_mut().zip(block) {
            *all |= u8::from((byte as i8) <= 0) | u8::from(byte == b'\n');
        }
        at += BLOCK;
        if at >= len {
            break;
        }
    }
    // Either is one or two instructions in its place, and a dozen or more in the other's.
    if cfg!(target_family = "wasm") {
        unplain == [0; BLOCK]
    } else {
        unplain.iter().all(|byte| *byte == 0)
    }
}

/// # Safety
/// `from` can be read and `to` written for `SIZE` bytes from `at` on, and these do not overlap.
#[inline(always)]
unsafe fn move_piece<const SIZE: usize>(from: *const u8, to: *mut u8, at: usize) -> [u8; SIZE] {
    // SAFETY: the caller's promise.
    unsafe {
        let piece = from.add(at).cast::<[u8; SIZE]>().read_unaligned();
        to.add(at).cast::<[u8; SIZE]>().write_unaligned(piece);
        piece
    }
}

const TOPS: u64 = 0x8080_8080_8080_8080;

/// A word in which a top bit is set if one of eight bytes is not plain.
#[inline(always)]
fn unplain(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_ne_bytes(bytes);
    let line_feeds = word ^ (ONES * b'\n' as u64);
    // A byte that is nul borrows from its top bit. Bytes whose top bit was set count anyhow.
    word | word.wrapping_sub(ONES) | line_feeds.wrapping_sub(ONES)
}

#[inline(always)]
fn is_plain(byte: u8) -> bool {
    (byte as i8 > 0) & (byte != b'\n')
}
