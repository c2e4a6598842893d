//! Text out of bytes.
//!
//! Most text in a trace is ASCII without line breaks. Finding that out takes one pass of a loop that the compiler makes
//! vector instructions of, natively and in WebAssembly; only other text is searched for nul bytes and line breaks and
//! checked for UTF-8, which takes three.

/// The part of a text field that counts: up to its first nul byte, and as far as it is UTF-8.
#[inline]
pub(crate) fn until_nul(field: &[u8]) -> Text<'_> {
    // Senders end their strings with a nul byte and count it.
    let without = field.strip_suffix(b"\0").unwrap_or(field);
    match plain(without) {
        Some(text) => Text::Plain(text),
        None => Text::Other(slowly_until_nul(field)),
    }
}

/// A text, and whether it may have line breaks.
pub(crate) enum Text<'a> {
    /// ASCII without line feeds.
    Plain(&'a str),
    Other(&'a str),
}

impl<'a> Text<'a> {
    pub(crate) fn as_str(&self) -> &'a str {
        match self {
            Text::Plain(text) | Text::Other(text) => text,
        }
    }
}

/// `bytes` as far as they are UTF-8.
#[inline]
pub(crate) fn valid_prefix(bytes: &[u8]) -> &str {
    plain(bytes).unwrap_or_else(|| slow_prefix(bytes))
}

#[cold]
fn slowly_until_nul(field: &[u8]) -> &str {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    slow_prefix(field.get(..end).unwrap_or_default())
}

#[cold]
fn slow_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or_default(),
    }
}

/// `bytes`, if all of them are ASCII, and none a nul byte or a line feed.
#[inline(always)]
fn plain(bytes: &[u8]) -> Option<&str> {
    const BLOCK: usize = 16;
    let all = match bytes.last_chunk::<BLOCK>() {
        // The last block overlaps the one before it: no rest remains that would need another loop.
        Some(last) => bytes.as_chunks::<BLOCK>().0.iter().all(are_plain) && are_plain(last),
        None => short_is_plain(bytes),
    };
    // SAFETY: every byte is in 0x01..=0x7F, by `is_plain`, and each of these is a character of one byte.
    all.then(|| unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// As [`are_plain`], for less than a block: two words from both ends, which may overlap.
#[inline(always)]
fn short_is_plain(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => word_is_plain(*first) & word_is_plain(*last),
        _ => bytes.iter().all(is_plain),
    }
}

/// Eight bytes at once.
#[inline(always)]
fn word_is_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_ne_bytes(bytes);
    let line_feeds = word ^ (ONES * b'\n' as u64);
    // A byte that is nul borrows from its top bit. Bytes whose top bit was set count anyhow.
    (word | word.wrapping_sub(ONES) | line_feeds.wrapping_sub(ONES)) & TOPS == 0
}

/// All of a block, without an exit, so that it becomes a few vector instructions.
#[inline(always)]
fn are_plain<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(true, |all, byte| all & is_plain(byte))
}

#[inline(always)]
fn is_plain(byte: &u8) -> bool {
    (*byte as i8 > 0) & (*byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_ascii_without_nul_and_line_feed() {
        for length in [0, 1, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 70] {
            let text = "x".repeat(length);
            assert_eq!(plain(text.as_bytes()), Some(text.as_str()));
            for place in 0..length {
                for byte in [0, b'\n', 0x80, 0xFF] {
                    let mut bytes = text.clone().into_bytes();
                    bytes[place] = byte;
                    assert_eq!(plain(&bytes), None, "{byte} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn fields_end_at_the_first_nul_byte() {
        for (field, text) in [
            (&b""[..], ""),
            (b"\0", ""),
            (b"abc\0", "abc"),
            (b"abc", "abc"),
            (b"abc\0\0", "abc"),
            (b"ab\0c\0", "ab"),
            ("Gr\u{fc}\u{df}e\0".as_bytes(), "Gr\u{fc}\u{df}e"),
            (b"ab\xFFc\0", "ab"),
            (b"ab\xC3\0", "ab"),
        ] {
            assert_eq!(until_nul(field).as_str(), text, "{field:?}");
        }
    }
}
