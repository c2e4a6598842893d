//! What is written beside an artifact: what it was made of, and what its plugin says of itself.
//!
//! A note is JSON in the file of its artifact, under the same checksum. It is what `cache list` shows, and what spares a warm start
//! the session that would only ask the plugin for its schema.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::facts::Facts;

/// What is known of an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Note {
    /// The name of the plugin when it was compiled. The same file under another name has the same artifact.
    pub plugin: String,
    /// The BLAKE3 hash of the plugin's file, in hex.
    pub blake3: String,
    /// Length of the plugin's file in bytes.
    pub wasm_bytes: u64,
    /// What compiled it.
    pub compiler: String,
    /// How long that took, in milliseconds.
    pub compile_ms: u64,
    /// When, in seconds since 1970.
    pub compiled_at: u64,
    /// What the plugin says of itself. `None`: it could not be asked.
    pub facts: Option<Facts>,
}

impl Note {
    /// When it was compiled.
    pub fn compiled(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.compiled_at)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // It has only types that JSON has; an empty note is one that says nothing.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// `None` when it is another version's, which is no reason not to use the artifact.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Seconds since 1970, now.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
