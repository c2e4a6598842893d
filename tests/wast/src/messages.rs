//! Whether two texts give the same reason for a failure.
//!
//! A script says in words why something must trap, and the words are those of the specification's tests or of another
//! runtime. Ours differ, and a script must not fail for that; but a trap *for another reason* is a failure. So a trap's
//! message matches when, after [normalising](same_reason), one text contains the other, or when both are of one kind
//! in [`KINDS`]. The table holds what each rule of the Canonical ABI and each core trap is called by whom; a text that is
//! in no row matches only by containment.

/// Each row is one reason; a text is of the row when it contains one of the phrases.
const KINDS: &[&[&str]] = &[
    // Core traps.
    &["unreachable"],
    &["integer divide by zero"],
    &["integer overflow"],
    &["invalid conversion to integer"],
    &["call stack exhausted", "stack overflow"],
    &["out of bounds memory access"],
    &[
        "undefined element",
        "out of bounds table access",
        "table index is out of bounds",
    ],
    &["uninitialized element", "null function", "null reference"],
    &["indirect call type mismatch"],
    &["unaligned atomic", "misaligned heap"],
    &["uncaught exception"],
    // Entering and leaving. An instance that trapped before may not be entered again.
    &[
        "cannot enter component instance",
        "takes no more calls",
        "degenerate component adapter",
    ],
    &["cannot leave component instance"],
    // Pointers of the guest. The runtimes differ in which of alignment and bounds is looked at first only where both are
    // wrong, and in whether a value, a list or a string is what lies there: that they do not differ in.
    &[
        "not aligned",
        "unaligned pointer",
        "misaligned",
        "result not aligned",
    ],
    &[
        "string pointer/length out of bounds",
        "string content out-of-bounds",
        "string is out of bounds",
    ],
    &[
        "list pointer/length out of bounds",
        "list content out-of-bounds",
        "list is out of bounds",
    ],
    &[
        "pointer out of bounds of memory",
        "pointer not in bounds",
        "realloc return: beyond end of memory",
        "return pointer out of bounds",
    ],
    // Values.
    &["discriminant"],
    &["invalid char", "converted integer out of range for char"],
    &["invalid utf-8", "incomplete utf-8"],
    &["surrogate", "invalid utf-16"],
    &[
        "larger than a 32-bit memory",
        "string too long",
        "byte length overflow",
    ],
    // Handles.
    &[
        "used with the wrong type",
        "different resource",
        "handle index type mismatch",
    ],
    &[
        "is a borrow and cannot be passed as owned",
        "expected own, found borrow",
        "cannot lift own resource from a borrow",
    ],
    &["while borrowed"],
    &["borrow handles still remain"],
];

/// Whether two messages give the same reason.
///
/// Both are compared in lower case, without quotes and backticks, with single spaces, and without the prefixes `wasm trap:` and
/// `trap:`. An empty text says nothing and matches everything.
///
/// ```
/// use component_wast::same_reason;
/// assert!(same_reason("wasm trap: wasm `unreachable` instruction executed", "unreachable"));
/// assert!(same_reason("string content out-of-bounds", "string pointer/length out of bounds of memory"));
/// assert!(!same_reason("integer divide by zero", "unreachable"));
/// ```
pub fn same_reason(expected: &str, got: &str) -> bool {
    let (expected, got) = (normalised(expected), normalised(got));
    if same_words(&expected, &got) {
        return true;
    }
    KINDS.iter().any(|kind| {
        let of_kind = |text: &str| kind.iter().any(|phrase| text.contains(phrase));
        of_kind(&expected) && of_kind(&got)
    })
}

/// Whether one message contains the other, wording and all.
pub(crate) fn same_wording(expected: &str, got: &str) -> bool {
    same_words(&normalised(expected), &normalised(got))
}

fn same_words(expected: &str, got: &str) -> bool {
    expected.is_empty() || got.contains(expected) || (!got.is_empty() && expected.contains(got))
}

fn normalised(text: &str) -> String {
    let text = text.to_lowercase().replace(['`', '\'', '"'], "");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut text = words.join(" ");
    for prefix in ["wasm trap: ", "trap: "] {
        if let Some(rest) = text.strip_prefix(prefix) {
            text = rest.to_string();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wording_does_not_matter_and_reason_does() {
        let same = [
            ("unreachable", "unreachable"),
            (
                "wasm trap: cannot leave component instance",
                "cannot leave component instance",
            ),
            ("unknown handle index 1", "Unknown  handle index 1"),
            (
                "wasm trap: unaligned pointer",
                "list pointer is not aligned",
            ),
            ("invalid `char` bit pattern", "invalid char value 0xd800"),
            (
                "invalid variant discriminant",
                "invalid discriminant 3 of a type with 2 cases",
            ),
            (
                "cannot enter component instance",
                "the instance failed before and takes no more calls",
            ),
            ("", "anything"),
        ];
        for (expected, got) in same {
            assert!(same_reason(expected, got), "{expected} / {got}");
        }
        let different = [
            ("unreachable", "integer divide by zero"),
            (
                "invalid utf-8",
                "string pointer/length out of bounds of memory",
            ),
            ("unknown handle index 1", "unknown handle index 2"),
            (
                "cannot enter component instance",
                "cannot leave component instance",
            ),
            ("out of bounds", ""),
        ];
        for (expected, got) in different {
            assert!(!same_reason(expected, got), "{expected} / {got}");
        }
    }
}
