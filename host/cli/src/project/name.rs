//! What a plugin may be called.

/// The longest name, in bytes: file systems, registries and people want an end.
const LONGEST: usize = 64;

/// Names that mean something else: words and crates of Rust's, what a registry of plugins calls the host's own, and devices
/// of a file system that some have.
#[rustfmt::skip]
const TAKEN: [&str; 57] = [
    "abstract", "alloc", "as", "async", "await", "aux", "become", "box", "break", "build", "con", "const", "continue", "core",
    "crate", "deps", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "native", "nul", "prn", "proc-macro", "pub", "ref", "return", "self",
    "static", "std", "struct", "super", "test", "trait", "true", "try", "type", "typeof", "use", "where", "yield",
];

/// Whether `name` is kebab-case, as a cargo package, a plugin of a registry and a file can be called.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn check(name: &str) -> Result<(), String> {
    let part_is_good = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts_well || !name.split('-').all(part_is_good) {
        let like = kebab(name);
        let remedy = if like.is_empty() {
            String::new()
        } else {
            format!(", such as `{like}`")
        };
        return Err(format!(
            "`{name}` is no name for a plugin: write it in kebab-case{remedy}: lower-case letters and digits, parts joined by \
             `-`, a letter first"
        ));
    }
    if name.len() > LONGEST {
        return Err(format!(
            "`{name}` is longer than the {LONGEST} characters that a plugin's name may have"
        ));
    }
    if TAKEN.contains(&name) {
        return Err(format!(
            "`{name}` cannot be the name of a plugin, because it means something else already: write, say, `{name}-plugin`"
        ));
    }
    Ok(())
}

/// The name in kebab-case, if there is one like it.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    let mut before = ' ';
    for char in name.chars() {
        if char.is_ascii_uppercase() && before.is_ascii_lowercase() {
            kebab.push('-');
        }
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' => kebab.push(char.to_ascii_lowercase()),
            _ if !kebab.ends_with('-') => kebab.push('-'),
            _ => {}
        }
        before = char;
    }
    kebab
        .trim_start_matches(|first: char| !first.is_ascii_lowercase())
        .trim_end_matches('-')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_case_is_a_name() {
        for name in ["a", "my-parser", "dlt2", "some-ip-4-source", "parser"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for (name, like) in [
            ("MyParser", "`my-parser`"),
            ("my_parser", "`my-parser`"),
            ("my parser!", "`my-parser`"),
            ("-x", "`x`"),
            ("2dlt", "`dlt`"),
            ("a--b", "`a-b`"),
            ("../evil", "`evil`"),
            ("x.wasm", "`x-wasm`"),
            ("über", "`ber`"),
        ] {
            let error = check(name).expect_err(name);
            assert!(error.contains(&format!("such as {like}")), "{error}");
        }
        for name in ["", "-", "42", "\n", "日本"] {
            let error = check(name).expect_err(name);
            assert!(error.contains("kebab-case: lower-case"), "{error}");
        }
        assert!(check(&"a".repeat(65)).is_err_and(|error| error.contains("64 characters")));
        for name in ["native", "test", "fn", "crate", "con"] {
            let error = check(name).expect_err(name);
            assert!(
                error.ends_with(&format!("write, say, `{name}-plugin`")),
                "{error}"
            );
        }
    }
}
