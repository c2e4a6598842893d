//! The guest SDKs and the WIT, as they are in the checkout that this program was built of.

use super::manifest;
use crate::args::Language;

/// Paths within a project, and contents, sorted: put together by `build.rs`.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

const HOST_WORKSPACE: &str = include_str!("../../../../Cargo.toml");
const GUEST_WORKSPACE: &str = include_str!("../../../../plugins/Cargo.toml");

/// Where the Rust SDK's crates are, seen from each other.
const NEIGHBOURS: [(&str, &str); 1] = [("chipmunk-payload", "../payload")];

/// The content of a file that there must be.
///
/// # Errors
/// There is none, which is a fault of this program.
pub fn file(path: &str) -> anyhow::Result<&'static str> {
    FILES
        .iter()
        .find(|(place, _)| *place == path)
        .map(|(_, content)| *content)
        .ok_or_else(|| anyhow::anyhow!("this program was built without {path}"))
}

/// What a project in `language` has of it: the SDK, what that stands on, the scripts, and the WIT.
///
/// # Errors
/// A manifest cannot be taken out of its workspace, which is a fault of this program.
pub fn files(language: Language) -> anyhow::Result<Vec<(&'static str, String)>> {
    let folders = match language {
        Language::Rust => &["sdk/rust/", "sdk/payload/"][..],
        Language::C => &["sdk/c/"],
        // These stand on C's.
        Language::Cpp => &["sdk/cpp/", "sdk/c/"],
        Language::Zig => &["sdk/zig/", "sdk/c/"],
        Language::Js => &["sdk/js/"],
        Language::Python => &["sdk/python/"],
    };
    let is_wanted = |path: &str| {
        let shared = ["sdk/toolchain/", "wit/"];
        folders
            .iter()
            .chain(&shared)
            .any(|folder| path.starts_with(folder))
            // The project's own plugin is the example.
            && !path.contains("/examples/")
    };
    FILES
        .iter()
        .filter(|(path, _)| is_wanted(path))
        .map(|(path, content)| {
            let content = match *path {
                "sdk/rust/Cargo.toml" => {
                    manifest::standalone(content, &[GUEST_WORKSPACE, HOST_WORKSPACE], &NEIGHBOURS)?
                }
                "sdk/payload/Cargo.toml" => manifest::standalone(content, &[HOST_WORKSPACE], &[])?,
                _ => (*content).to_owned(),
            };
            Ok((*path, content))
        })
        .collect()
}
