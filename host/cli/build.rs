//! Puts the guest SDKs and the WIT into the program, for `new`: the table `FILES` of paths within a project, and contents.
//!
//! What is generated, tests, and scripts that only make sense in this checkout stay out.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Folders of this checkout, and where a project has them. They lie to each other as here, for the scripts' sake.
const FOLDERS: [(&str, &str); 9] = [
    ("wit", "wit"),
    ("guest-bindings/rust", "sdk/rust"),
    ("guest-bindings/payload", "sdk/payload"),
    ("guest-bindings/c", "sdk/c"),
    ("guest-bindings/cpp", "sdk/cpp"),
    ("guest-bindings/zig", "sdk/zig"),
    ("guest-bindings/js", "sdk/js"),
    ("guest-bindings/python", "sdk/python"),
    ("guest-bindings/toolchain", "sdk/toolchain"),
];

/// Single files: the plugin that a project for a source in Rust begins with (the other languages have theirs among the
/// examples), and the versions of crates that the guests are tested with.
const FILES: [(&str, &str); 2] = [
    (
        "plugins/file-source/src/lib.rs",
        "sdk/rust/examples/file_source.rs",
    ),
    ("plugins/Cargo.lock", "Cargo.lock"),
];

const EXTENSIONS: [&str; 13] = [
    "rs", "toml", "lock", "sh", "c", "h", "cpp", "hpp", "zig", "js", "py", "wit", "md",
];
const WITHOUT_EXTENSION: [&str; 1] = ["guest-cargo"];
const LEFT_OUT: [&str; 8] = [
    "tests",
    "tests.rs",
    "target",
    "node_modules",
    "__pycache__",
    "install-just.sh",
    "build-plugins.sh",
    "plugin.sh",
];

fn main() -> io::Result<()> {
    let variable = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .ok_or(io::ErrorKind::NotFound)
    };
    let root = variable("CARGO_MANIFEST_DIR")?
        .join("../..")
        .canonicalize()?;
    let mut files = Vec::new();
    for (file, place) in FILES {
        let file = root.join(file);
        println!("cargo:rerun-if-changed={}", file.display());
        files.push((place.to_owned(), file));
    }
    for (folder, place) in FOLDERS {
        let folder = root.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        collect(&folder, place, &mut files)?;
    }
    println!("cargo:rerun-if-changed=build.rs");
    files.sort();
    let mut table = "&[\n".to_owned();
    for (place, file) in &files {
        table += &format!("    ({place:?}, include_str!({file:?})),\n");
    }
    fs::write(variable("OUT_DIR")?.join("sdk.rs"), table + "]\n")
}

fn collect(folder: &Path, place: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if LEFT_OUT.contains(&name) {
            continue;
        }
        let place = format!("{place}/{name}");
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            collect(&path, &place, files)?;
        } else if extension.map_or(WITHOUT_EXTENSION.contains(&name), |extension| {
            EXTENSIONS.contains(&extension)
        }) {
            files.push((place, path));
        }
    }
    Ok(())
}
