//! What addresses of guest code mean: the file in perf's format that the program writes of itself.

use std::path::Path;

/// Functions by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestMap {
    /// Sorted by address, not overlapping as far as the file is right.
    functions: Vec<Function>,
}

/// A function's place and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    pub start: u64,
    pub length: u64,
    pub name: String,
}

impl GuestMap {
    /// Reads the file; empty if there is none.
    pub fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).unwrap_or_default())
    }

    /// Lines of address, length (both in hex) and name. Lines of anything else are passed over.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let mut number =
                || u64::from_str_radix(parts.next()?.trim_start_matches("0x"), 16).ok();
            Some(Function {
                start: number()?,
                length: number()?,
                name: parts.next()?.to_owned(),
            })
        };
        let mut functions: Vec<_> = text.lines().filter_map(line).collect();
        functions.sort();
        Self { functions }
    }

    /// The function that has this address.
    pub fn find(&self, address: u64) -> Option<&Function> {
        let after = self
            .functions
            .partition_point(|function| function.start <= address);
        let function = self.functions.get(after.checked_sub(1)?)?;
        (address - function.start < function.length).then_some(function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_function_that_covers_it() {
        let map = GuestMap::parse("1000 10 a b\nnonsense\n0x2000 8 c\n");
        let name = |address| map.find(address).map(|function| function.name.as_str());
        assert_eq!(name(0xfff), None);
        assert_eq!(name(0x1000), Some("a b"));
        assert_eq!(name(0x100f), Some("a b"));
        assert_eq!(name(0x1010), None);
        assert_eq!(name(0x2007), Some("c"));
        assert_eq!(GuestMap::parse("").find(0), None);
    }
}
