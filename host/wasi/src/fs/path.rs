//! A path as a guest gives it, checked for what no file system needs to look at.

use super::error::{ErrorCode, FsResult};

/// The longest path a guest may pass, in bytes; what Linux allows.
pub const MAX_PATH: usize = 4095;
/// The longest name between two slashes, in bytes.
pub const MAX_NAME: usize = 255;

/// A path relative to a directory: not empty, not absolute, without NUL, of bounded length.
///
/// It may still contain `..` and lead through symbolic links; keeping those inside is the file system's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestPath<'a>(&'a str);

impl<'a> GuestPath<'a> {
    /// Checks `path`.
    ///
    /// Errors: `no-entry` when empty, `not-permitted` when absolute, `invalid` when it has a NUL in it,
    /// `name-too-long` above [`MAX_PATH`] bytes, or above [`MAX_NAME`] for one name.
    pub fn new(path: &'a str) -> FsResult<Self> {
        if path.is_empty() {
            return Err(ErrorCode::NoEntry);
        }
        if path.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        if path.as_bytes().contains(&0) {
            return Err(ErrorCode::Invalid);
        }
        if path.len() > MAX_PATH || path.split('/').any(|name| name.len() > MAX_NAME) {
            return Err(ErrorCode::NameTooLong);
        }
        Ok(GuestPath(path))
    }

    /// The text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the path ends in `/`, and so can only mean a directory.
    pub fn has_trailing_slash(self) -> bool {
        self.0.ends_with('/')
    }

    /// The names on the way, without empty ones and without `.`.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.0
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
    }

    /// The one name this path consists of, if it is a name in the directory itself.
    pub fn single_name(self) -> Option<&'a str> {
        let mut names = self.names();
        match (names.next(), names.next()) {
            (Some(name), None) if name != ".." => Some(name),
            _ => None,
        }
    }

    /// Whether this is the directory itself: `.`, `./`, `./.`.
    pub fn is_here(self) -> bool {
        self.names().next().is_none()
    }
}

impl AsRef<std::path::Path> for GuestPath<'_> {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}
