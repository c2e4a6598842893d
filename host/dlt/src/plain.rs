//! Text out of bytes that are not plain text: most are, and are copied by [`chipmunk_payload::TextArena::push_plain`] in the pass that
//! finds that out. The others are searched for nul bytes and checked for UTF-8 here.

/// The part of a text field that counts: up to its first nul byte, and as far as it is UTF-8.
#[cold]
pub(crate) fn until_nul(field: &[u8]) -> &str {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    valid_prefix(field.get(..end).unwrap_or_default())
}

/// `bytes` as far as they are UTF-8.
pub(crate) fn valid_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(until_nul(field), text, "{field:?}");
        }
    }
}
