//! Looks for bytes that need care, eight at a time.
//!
//! Most values of a table are shorter than what a search by vectors pays for, and hardly any has such a byte.

/// Every byte of a word is `byte`.
#[inline]
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Whether a byte of `word` is `BYTE`.
#[inline]
pub fn has<const BYTE: u8>(word: u64) -> bool {
    // A byte that is zero borrows, and had no high bit.
    let zero = word ^ const { all(BYTE) };
    zero.wrapping_sub(const { all(1) }) & !zero & const { all(0x80) } != 0
}

/// Whether a byte of `word` is a control character: less than a space.
#[inline]
pub fn has_control(word: u64) -> bool {
    word.wrapping_sub(const { all(b' ') }) & !word & const { all(0x80) } != 0
}

/// Whether `test` is true of a word of `bytes`. The last one may be filled up with letters.
#[inline]
pub fn any_word(bytes: &[u8], test: impl Fn(u64) -> bool) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let rest = rest.iter().fold(const { all(b'a') }, |word, &byte| {
        (word << 8) | u64::from(byte)
    });
    words.iter().any(|word| test(u64::from_ne_bytes(*word))) || test(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_seen_at_every_place_and_no_other() {
        for byte in 0..=255_u8 {
            for length in 0..20 {
                for place in 0..length {
                    let mut bytes = vec![b'x'; length];
                    bytes[place] = byte;
                    assert_eq!(any_word(&bytes, has::<b'"'>), byte == b'"');
                    assert_eq!(any_word(&bytes, has_control), byte < 0x20);
                }
            }
        }
        // Neighbours of what is found do not hide it, nor make anything of what is none.
        for (text, quote, control) in [
            ("\"\"\"\"\"\"\"\"", true, false),
            ("!!!!!!!!", false, false),
            ("\u{1f}\u{20}\u{1f}\u{20}", false, true),
            ("\u{7f}\u{80}ÿ€🦀🦀", false, false),
            ("", false, false),
        ] {
            assert_eq!(any_word(text.as_bytes(), has::<b'"'>), quote);
            assert_eq!(any_word(text.as_bytes(), has_control), control);
        }
    }
}
