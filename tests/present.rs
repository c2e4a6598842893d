//! Build script of the crates with tests that need what not every machine has. Where it is absent those tests are compiled as
//! ignored, with the reason, so that they are counted as what they are.
//!
//! - `real_traces`: the folder of real traces beside the project. Once a build has not found it, `touch tests/present.rs`
//!   has the next one look again.
//! - `files_can_be_closed`: a user whom a file's permissions keep from reading it; root they do not.

use std::path::PathBuf;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(real_traces, files_can_be_closed)");
    println!("cargo:rerun-if-changed=../../tests/present.rs");
    let path = |variable| std::env::var_os(variable).map(PathBuf::from);
    if let Some(package) = path("CARGO_MANIFEST_DIR") {
        let data = package.join("../../../shared/data");
        if data.is_dir() {
            println!("cargo:rerun-if-changed={}", data.display());
            println!("cargo:rustc-cfg=real_traces");
        }
    }
    if path("OUT_DIR").is_some_and(|folder| closes(folder).unwrap_or(false)) {
        println!("cargo:rustc-cfg=files_can_be_closed");
    }
}

#[cfg(unix)]
fn closes(folder: PathBuf) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("closed");
    std::fs::write(&file, "")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000))?;
    let closed = std::fs::File::open(&file).is_err();
    std::fs::remove_file(&file)?;
    Ok(closed)
}

#[cfg(not(unix))]
fn closes(_: PathBuf) -> std::io::Result<bool> {
    Ok(false)
}
