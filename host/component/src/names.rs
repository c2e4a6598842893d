//! Which version of an interface satisfies which import.
//!
//! Interfaces are named `namespace:package/interface@version`. By semantic versioning, and by agreement of the component
//! toolchains, versions are interchangeable on one track: `0.2.x` among themselves, `1.x` among themselves, `0.0.x` only
//! exactly; pre-releases only exactly. Without this every patch release of WASI would break every guest.

/// The track of a name: everything that must be equal for two names to be interchangeable, or none when only
/// the very same name will do. Nothing is allocated: every import is compared with every definition at each link.
pub(crate) fn track(name: &str) -> Option<(&str, &str)> {
    let (base, version) = name.rsplit_once('@')?;
    if version.contains(['-', '+']) {
        return None;
    }
    let mut parts = version.split('.');
    let (major, minor, patch) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some()
        || [major, minor, patch]
            .iter()
            .any(|p| p.parse::<u64>().is_err())
    {
        return None;
    }
    match (major, minor) {
        ("0", "0") => None,
        ("0", minor) => Some((base, version.get(..minor.len() + 2)?)),
        (major, _) => Some((base, major)),
    }
}

/// The name without its version.
pub(crate) fn base(name: &str) -> &str {
    name.rsplit_once('@').map_or(name, |(base, _)| base)
}

/// Finds `name` among `items`: the very same name, or the highest version of its track.
pub(crate) fn find<'a, T>(items: &'a [(String, T)], name: &str) -> Option<&'a (String, T)> {
    if let Some(exact) = items.iter().find(|(n, _)| n == name) {
        return Some(exact);
    }
    let wanted = track(name)?;
    items
        .iter()
        // Most names differ in the interface: they need not be taken apart.
        .filter(|(n, _)| n.starts_with(wanted.0) && track(n) == Some(wanted))
        .max_by_key(|(n, _)| version(n))
}

/// The version's numbers, for comparing names of one track.
pub(crate) fn version(name: &str) -> (u64, u64, u64) {
    let mut parts = name
        .rsplit_once('@')
        .map_or("", |(_, v)| v)
        .split('.')
        .map(|p| p.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_track_are_interchangeable() {
        let items: Vec<(String, ())> = ["wasi:io/poll@0.2.3", "wasi:io/poll@0.2.12", "a:b/c@1.4.0"]
            .map(|n| (n.to_string(), ()))
            .into();
        let found = |name| find(&items, name).map(|(n, ())| n.as_str());
        assert_eq!(found("wasi:io/poll@0.2.0"), Some("wasi:io/poll@0.2.12"));
        assert_eq!(found("wasi:io/poll@0.2.3"), Some("wasi:io/poll@0.2.3"));
        assert_eq!(found("wasi:io/poll@0.3.0"), None);
        assert_eq!(found("a:b/c@1.0.7"), Some("a:b/c@1.4.0"));
        assert_eq!(found("a:b/c@2.0.0"), None);
        assert_eq!(found("a:b/c@1.4.0-rc.1"), None);
        assert_eq!(found("a:b/c"), None);
    }

    #[test]
    fn zero_zero_versions_and_prereleases_have_no_track() {
        assert_eq!(track("a:b/c@0.0.3"), None);
        assert_eq!(track("a:b/c@0.2.0-draft"), None);
        assert_eq!(track("a:b/c@0.2"), None);
        assert_eq!(track("plain"), None);
        assert_eq!(track("a:b/c@0.2.9"), Some(("a:b/c", "0.2")));
        assert_eq!(track("a:b/c@12.2.9"), Some(("a:b/c", "12")));
    }
}
