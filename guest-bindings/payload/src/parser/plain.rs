//! Whether bytes are plain text: ASCII, without nul bytes and line feeds. Most text in traces is.
//!
//! Found out sixteen bytes at a time, in a form that the compiler makes vector instructions of, natively and in WebAssembly, and
//! without an early exit: text that is not plain is rare, and its few bytes need not be fast.

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 16;

/// All of a block.
#[inline(always)]
pub(super) fn block_is_plain(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |all, byte| all & is_plain(*byte))
}

/// Eight bytes at once.
#[inline(always)]
pub(super) fn word_is_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_ne_bytes(bytes);
    let line_feeds = word ^ (ONES * b'\n' as u64);
    // A byte that is nul borrows from its top bit. Bytes whose top bit was set count anyhow.
    (word | word.wrapping_sub(ONES) | line_feeds.wrapping_sub(ONES)) & TOPS == 0
}

#[inline(always)]
pub(super) fn is_plain(byte: u8) -> bool {
    (byte as i8 > 0) & (byte != b'\n')
}
