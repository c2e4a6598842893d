//! The one place where a plugin may write.

use std::path::PathBuf;

/// A directory of the plugin's own: empty when the plugin starts, deleted when it ends.
///
/// In native tests it is a new directory below the system's directory for temporary files; there, the test deletes it.
///
/// # Errors
/// Why there is none, in words for the user.
#[cfg(target_family = "wasm")]
pub fn temp_directory() -> Result<PathBuf, String> {
    crate::bindings::parser::chipmunk::shared::sandbox::temp_directory().map(PathBuf::from)
}

/// A directory of the plugin's own: empty when the plugin starts, deleted when it ends.
///
/// In native tests it is a new directory below the system's directory for temporary files; there, the test deletes it.
///
/// # Errors
/// Why there is none, in words for the user.
#[cfg(not(target_family = "wasm"))]
pub fn temp_directory() -> Result<PathBuf, String> {
    use std::sync::atomic::{AtomicU32, Ordering};

    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("chipmunk-plugin-{}-{count}", std::process::id()));
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
