//! Names of hosts: which texts are one, and the one spelling in which they are compared and asked for.

use super::{ErrorCode, NetResult};

/// The name in lower case and in ASCII: what is beyond is translated (IDNA, by UTS 46), so that a name has one spelling whoever
/// gives it, grant or guest. The dot at the end, which says that the name is whole, goes.
///
/// Errors: `invalid-argument`, if it is not the name of a host at all (RFC 1123; but underscores exist).
pub(super) fn ascii(name: &str) -> NetResult<String> {
    let name = idna::domain_to_ascii(name).map_err(|_| ErrorCode::InvalidArgument)?;
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        Ok(name.to_owned())
    } else {
        Err(ErrorCode::InvalidArgument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for (name, expected) in [
            ("localhost", "localhost"),
            ("A.b-C.Example.", "a.b-c.example"),
            ("x_1.example", "x_1.example"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("MÜNCHEN.Example", "xn--mnchen-3ya.example"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
            ("straße.example", "xn--strae-oqa.example"),
            // The full stop of Chinese and Japanese.
            ("日本。example", "xn--wgv71a.example"),
        ] {
            assert_eq!(ascii(name).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn names_are_checked_before_anybody_is_asked() {
        let long = "a".repeat(64);
        // Longer in ASCII than it looks.
        let long_in_ascii = "ü".repeat(60);
        for name in [
            "",
            " ",
            ".",
            "a..b",
            "-a",
            "a-",
            "a.b<&>",
            "127.0.0.1:80",
            "[::]:80",
            "http://example.com/",
            "a b",
            "a\0b",
            "xn--\u{fc}",
            "\u{fffd}.example",
            "a\u{ad}\u{202e}b",
            &long,
            &long_in_ascii,
        ] {
            assert_eq!(ascii(name), Err(ErrorCode::InvalidArgument), "{name:?}");
        }
    }
}
