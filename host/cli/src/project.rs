//! Projects of plugins: what `new` writes.
//!
//! A project stands for itself. It has the SDK of its language, the WIT and the scripts that fetch what it is built with, as this
//! program was built with them, so that it needs no checkout and goes on building when this program is replaced. Its plugin
//! is the language's example, under the project's name: what every language's tests compare with native code.

mod manifest;
mod name;
mod sdk;

use std::{fs, io, path::Path};

use anyhow::{Context, Result};

use crate::args::{Language, ProjectKind};

pub use name::check as check_name;

/// A project to be written.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    pub name: &'a str,
    pub kind: ProjectKind,
    pub language: Language,
}

/// What the example of a source or a parser is called, here and in its own text.
struct Example {
    file: &'static str,
    name: &'static str,
    type_name: &'static str,
}

/// What examples say of this checkout.
const OF_THE_CHECKOUT: &str =
    " See host/text for what a line is: this gives the same, byte for byte.";

impl Project<'_> {
    /// Makes the project in `folder`, which must not be there yet. It is there as a whole or not at all.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let cannot = || format!("cannot make the project in {}", folder.display());
        fs::create_dir_all(parent).with_context(cannot)?;
        let half = tempfile::Builder::new()
            .prefix(".chipmunk-plugins-new-")
            .tempdir_in(parent)
            .with_context(cannot)?;
        for (path, content) in self.files()? {
            write(&half.path().join(path), &content).with_context(cannot)?;
        }
        open_to_others(half.path()).with_context(cannot)?;
        fs::rename(half.path(), folder).with_context(cannot)?;
        // It has another name now: nothing is left to be removed.
        let _ = half.keep();
        Ok(())
    }

    /// All files: path within the project, and content.
    fn files(&self) -> Result<Vec<(String, String)>> {
        let mut files: Vec<(String, String)> = sdk::files(self.language)?
            .into_iter()
            .map(|(path, content)| (path.to_owned(), content))
            .collect();
        let mut add = |path: &str, content: String| files.push((path.to_owned(), content));
        add(self.source_file(), self.source()?);
        add("build.sh", self.fill(self.build_script()));
        let (test, expected) = match self.kind {
            ProjectKind::Parser => (
                include_str!("../templates/test-parser.sh"),
                include_str!("../templates/expected.txt"),
            ),
            ProjectKind::Source => (
                include_str!("../templates/test-source.sh"),
                include_str!("../templates/input.txt"),
            ),
        };
        add("test.sh", self.fill(test));
        add(
            "test/input.txt",
            include_str!("../templates/input.txt").to_owned(),
        );
        add("test/expected.txt", expected.to_owned());
        add(
            "README.md",
            self.fill(include_str!("../templates/README.md")),
        );
        add(
            ".gitignore",
            format!(
                "/{}.wasm\n/{0}.wasm.new\n/target\n__pycache__/\n",
                self.name
            ),
        );
        if self.language == Language::Rust {
            add(
                "Cargo.toml",
                self.fill(include_str!("../templates/rust/Cargo.toml")),
            );
            // Cargo takes out of it what the project has no use for.
            add("Cargo.lock", sdk::file("Cargo.lock")?.to_owned());
            add(
                ".cargo/config.toml",
                include_str!("../templates/rust/config.toml").to_owned(),
            );
        }
        Ok(files)
    }

    fn example(&self) -> Example {
        match self.kind {
            ProjectKind::Parser => Example {
                file: "text_parser",
                name: "text-parser",
                type_name: "TextParser",
            },
            ProjectKind::Source => Example {
                file: "file_source",
                name: "file-source",
                type_name: "FileSource",
            },
        }
    }

    /// The plugin itself.
    fn source(&self) -> Result<String> {
        let Example {
            file,
            name,
            type_name,
        } = self.example();
        let (folder, extension) = match self.language {
            Language::Rust => ("rust", "rs"),
            Language::C => ("c", "c"),
            Language::Cpp => ("cpp", "cpp"),
            Language::Zig => ("zig", "zig"),
            Language::Js => ("js", "js"),
            Language::Python => ("python", "py"),
        };
        let example = sdk::file(&format!("sdk/{folder}/examples/{file}.{extension}"))?;
        Ok(example
            .replace(OF_THE_CHECKOUT, "")
            .replace(name, self.name)
            .replace(type_name, &self.type_name())
            .replace("0, 2, 0", "0, 1, 0")
            .replace("\"../src/", "\"../sdk/js/src/"))
    }

    fn source_file(&self) -> &'static str {
        match self.language {
            Language::Rust => "src/lib.rs",
            Language::C => "src/plugin.c",
            Language::Cpp => "src/plugin.cpp",
            Language::Zig => "src/plugin.zig",
            Language::Js => "src/plugin.js",
            Language::Python => "src/plugin.py",
        }
    }

    fn build_script(&self) -> &'static str {
        match self.language {
            Language::Rust => include_str!("../templates/rust/build.sh"),
            _ => include_str!("../templates/build.sh"),
        }
    }

    /// The name as a type's: `my-parser` is `MyParser`.
    fn type_name(&self) -> String {
        let part = |part: &str| {
            let mut chars = part.chars();
            let first = chars.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        };
        self.name.split('-').map(part).collect()
    }

    /// A template with its gaps filled.
    fn fill(&self, template: &str) -> String {
        let (key, title, toolchain) = match self.language {
            Language::Rust => (
                "rust",
                "Rust",
                "a Rust toolchain with the target `wasm32-wasip2`; `cargo build --release --target wasm32-wasip2` does the \
                 same where rustup has it",
            ),
            Language::C => (
                "c",
                "C",
                "clang 22 with `wasi-libc` from Debian, or else Zig",
            ),
            Language::Cpp => (
                "cpp",
                "C++",
                "clang 22 with libc++ for WASI from Debian, or else Zig",
            ),
            Language::Zig => ("zig", "Zig", "Zig 0.17, from Python's package index"),
            Language::Js => (
                "js",
                "JavaScript",
                "componentize-js from npm; building takes a minute",
            ),
            Language::Python => (
                "python",
                "Python",
                "componentize-py from Python's package index; building takes some seconds",
            ),
        };
        let (kind, what, try_it) = match self.kind {
            ProjectKind::Parser => (
                "parser",
                "every line of a text is a message",
                "export test/input.txt --parser",
            ),
            ProjectKind::Source => (
                "source",
                "the bytes of a file",
                "export test/input.txt --parser native:text --source",
            ),
        };
        let configure = match self.kind {
            ProjectKind::Parser => "`column-split`: what stands between the columns of a line",
            ProjectKind::Source => {
                "`input`: the file to read; INPUT of the command line is its value"
            }
        };
        template
            .replace("{{name}}", self.name)
            .replace("{{crate}}", &self.name.replace('-', "_"))
            .replace("{{source}}", self.source_file())
            .replace("{{language}}", key)
            .replace("{{title}}", title)
            .replace("{{toolchain}}", toolchain)
            .replace("{{kind}}", kind)
            .replace("{{what}}", what)
            .replace("{{try}}", try_it)
            .replace("{{configure}}", configure)
    }
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    if content.starts_with("#!") {
        make_executable(path)?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path)?.permissions();
    // Whoever may read it may run it.
    permissions.set_mode(permissions.mode() | (permissions.mode() & 0o444) >> 2);
    fs::set_permissions(path, permissions)
}

/// A temporary folder is its maker's alone; a project is not: it gets what its own folders got.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::metadata(folder.join("test"))?.permissions())
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 6] = [
        Language::Rust,
        Language::C,
        Language::Cpp,
        Language::Zig,
        Language::Js,
        Language::Python,
    ];

    #[test]
    fn a_project_speaks_of_itself_and_not_of_the_checkout() {
        for language in LANGUAGES {
            for kind in [ProjectKind::Parser, ProjectKind::Source] {
                let project = Project {
                    name: "some-thing",
                    kind,
                    language,
                };
                let files = project.files().expect("all of it is in the program");
                // The lock file begins as that of our plugins, of which cargo leaves what the project uses.
                let own = |(path, _): &&(String, String)| {
                    !path.starts_with("sdk/") && !path.starts_with("wit/") && path != "Cargo.lock"
                };
                let mut named = 0;
                for (path, content) in files.iter().filter(own) {
                    for word in [
                        "text-parser",
                        "file-source",
                        "host/text",
                        "TextParser",
                        "FileSource",
                        "0, 2, 0",
                    ] {
                        assert!(!content.contains(word), "{language:?} {path} says {word}");
                    }
                    // A place that was not filled; in C the same brackets begin an initialiser.
                    let unfilled = content
                        .split("{{")
                        .skip(1)
                        .any(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
                    assert!(!unfilled, "{language:?} {path}");
                    named += usize::from(content.contains("some-thing"));
                }
                assert!(named >= 4, "{language:?}: {named}");
                let has = |wanted: &str| files.iter().any(|(path, _)| path == wanted);
                assert!(has("sdk/toolchain/languages.sh") && has("wit/worlds.wit"));
                assert!(has(project.source_file()));
                let mut paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
                paths.sort();
                paths.dedup();
                assert_eq!(paths.len(), files.len(), "{language:?}");
                let bytes: usize = files.iter().map(|(_, content)| content.len()).sum();
                assert!(bytes < 400_000, "{language:?}: {bytes} bytes");
            }
        }
    }

    #[test]
    fn a_project_is_written_as_a_whole_and_its_scripts_can_be_run() {
        let dir = tempfile::tempdir().expect("temp dir");
        let folder = dir.path().join("new/place/some-thing");
        let project = Project {
            name: "some-thing",
            kind: ProjectKind::Parser,
            language: Language::C,
        };
        project.write(&folder).expect("there is room");
        for (path, content) in project.files().expect("all of it is in the program") {
            let written = fs::read_to_string(folder.join(&path)).expect("it is there");
            assert_eq!(written, content, "{path}");
        }
        let beside = fs::read_dir(dir.path().join("new/place")).expect("it is there");
        assert_eq!(beside.count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &str| {
                let metadata = fs::metadata(folder.join(path)).expect("it is there");
                metadata.permissions().mode() & 0o111
            };
            assert_ne!(mode("build.sh"), 0);
            assert_ne!(mode("sdk/c/build.sh"), 0);
            assert_eq!(mode("src/plugin.c"), 0);
        }
        // What is there is not written over.
        assert!(project.write(&folder).is_err());
    }
}
