//! What kind of failure a message tells of. The two runtimes word their traps differently; what they mean must be the same.

/// The kind of a trap, by words that either runtime uses for it. Order matters: the first that fits.
const KINDS: &[(&str, &[&str])] = &[
    ("unreachable", &["unreachable"]),
    ("division", &["divide by zero", "division by zero"]),
    ("integer overflow", &["integer overflow"]),
    (
        "conversion",
        &["invalid conversion to integer", "bad conversion"],
    ),
    ("stack", &["call stack exhausted", "stack overflow"]),
    (
        "indirect call",
        &[
            "indirect call",
            "uninitialized element",
            "undefined element",
        ],
    ),
    ("table", &["out of bounds table", "table access"]),
    ("cannot enter", &["cannot enter"]),
    ("cannot leave", &["cannot leave"]),
    ("handle", &["handle", "resource", "borrow"]),
    (
        "string content",
        &[
            "utf-8",
            "utf8",
            "utf-16",
            "utf16",
            "surrogate in a",
            "unpaired surrogate",
            "incomplete utf",
        ],
    ),
    ("char", &["char", "codepoint", "not a unicode scalar"]),
    ("discriminant", &["discriminant", "unexpected case"]),
    ("alignment", &["not aligned", "unaligned", "misaligned"]),
    (
        "bounds",
        &[
            "out of bounds",
            "out-of-bounds",
            "beyond end of memory",
            "not in bounds",
            "limit exceeded",
        ],
    ),
];

/// The kind of failure a message tells of. None when no word of it is known.
pub fn kind(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let fits = |words: &&[&str]| words.iter().any(|word| message.contains(word));
    KINDS
        .iter()
        .find(|(_, words)| fits(words))
        .map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wordings_of_a_trap_are_of_one_kind() {
        for (ours, theirs) in [
            (
                "wasm trap: unreachable",
                "wasm trap: wasm `unreachable` instruction executed",
            ),
            (
                "invalid utf-8 at byte 3 of a string",
                "incomplete utf-8 byte sequence from index 3",
            ),
            ("list pointer is not aligned", "list pointer is not aligned"),
            (
                "string pointer/length out of bounds of memory",
                "string pointer/length out of bounds of memory",
            ),
        ] {
            assert_eq!(
                (kind(ours).is_some(), kind(ours)),
                (true, kind(theirs)),
                "{ours}"
            );
        }
    }
}
