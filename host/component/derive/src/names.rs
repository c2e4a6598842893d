//! Rust names and the component names they stand for.

use proc_macro2::Ident;
use syn::{Attribute, LitStr};

/// The component name of a field, case or flag: the one its attribute gives, else its own in kebab-case.
pub fn component_name(ident: &Ident, attrs: &[Attribute]) -> syn::Result<String> {
    let mut name = None;
    for attr in attrs
        .iter()
        .filter(|attr| attr.path().is_ident("component"))
    {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("only `name = \"...\"` is known here"));
            }
            let value: LitStr = meta.value()?.parse()?;
            if !is_kebab(&value.value()) {
                return Err(syn::Error::new(value.span(), "not a kebab-case name"));
            }
            name = Some(value.value());
            Ok(())
        })?;
    }
    Ok(name.unwrap_or_else(|| kebab(&ident.to_string())))
}

/// `snake_case`, `CamelCase` and `UPPER_CASE` as `kebab-case`.
pub fn kebab(name: &str) -> String {
    let name: Vec<char> = name.strip_prefix("r#").unwrap_or(name).chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.iter().enumerate() {
        if *c == '_' {
            if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
            continue;
        }
        let before = i.checked_sub(1).and_then(|i| name.get(i));
        let after = name.get(i + 1);
        let starts_word = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if starts_word && !out.ends_with('-') {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    while out.ends_with('-') {
        out.pop();
    }
    out
}

/// Words of letters and digits, joined by single hyphens.
fn is_kebab(name: &str) -> bool {
    !name.is_empty()
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_kebab_case() {
        for (rust, component) in [
            ("a", "a"),
            ("data_access_timestamp", "data-access-timestamp"),
            ("r#type", "type"),
            ("type_", "type"),
            ("NoChange", "no-change"),
            ("IoError", "io-error"),
            ("IOError", "io-error"),
            ("Utf8", "utf8"),
            ("Utf8Text", "utf8-text"),
            ("READ", "read"),
            ("FILE_SYNC", "file-sync"),
        ] {
            assert_eq!(kebab(rust), component, "{rust}");
        }
    }

    #[test]
    fn only_kebab_case_is_accepted_as_a_name() {
        assert!(is_kebab("will-need") && is_kebab("a1") && is_kebab("URL-of"));
        assert!(
            !is_kebab("")
                && !is_kebab("a_b")
                && !is_kebab("-a")
                && !is_kebab("a--b")
                && !is_kebab("a b")
        );
    }
}
