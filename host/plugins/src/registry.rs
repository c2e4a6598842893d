//! Which plugins there are: names to files.
//!
//! A registry is made of the entries of a `plugins.toml`, where there is one, and of the `*.wasm` files in plugins directories,
//! whose names are their file stems. It reads no plugin: what a file is is found when it is used, or listed. A name that is
//! a path (it has a slash, or ends in `.wasm`) needs no entry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{Grants, Limits, PluginCompiler, PluginsFile, RawValue};
use crate::contract::Kind;
use crate::error::PluginError;

/// Names the environment variable that adds a plugins directory, searched before the default ones.
pub const DIRECTORY_VARIABLE: &str = "CHIPMUNK_PLUGINS_DIR";

/// One plugin of the registry, ready to be loaded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginEntry {
    /// Its name: in the registry, or its file's stem.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it must be, where plugins.toml says so.
    pub kind: Option<Kind>,
    /// The BLAKE3 hash its file must have, in lower-case hex.
    pub blake3: Option<String>,
    /// What it is compiled with, where plugins.toml says so.
    pub compiler: Option<PluginCompiler>,
    /// Configuration values by item id.
    pub config: BTreeMap<String, RawValue>,
    /// Where relative paths in `config` begin.
    pub base: PathBuf,
    /// What it may do.
    pub grants: Grants,
    /// How much of it.
    pub limits: Limits,
}

impl PluginEntry {
    /// A plugin that nothing is configured for: no values, no grants, default limits.
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_stem().map_or_else(
            || path.display().to_string(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        Self {
            name,
            path: path.to_owned(),
            kind: None,
            blake3: None,
            compiler: None,
            config: BTreeMap::new(),
            base: PathBuf::from("."),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }
}

/// The plugins of a `plugins.toml` and of plugins directories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginRegistry {
    entries: Vec<PluginEntry>,
    /// Names that plugins.toml gives no path for, and no directory a file.
    missing: Vec<String>,
    searched: Vec<PathBuf>,
}

impl PluginRegistry {
    /// Joins `file` and the plugins in `directories`; the file's own directories come first. Where a name is there twice,
    /// the earlier place counts. Directories that do not exist are passed over.
    pub fn new(file: Option<PluginsFile>, directories: &[PathBuf]) -> Self {
        let mut registry = Self::default();
        let own = file
            .as_ref()
            .map(|file| file.directories.as_slice())
            .unwrap_or_default();
        for dir in own.iter().chain(directories) {
            if !registry.searched.contains(dir) {
                registry.searched.push(dir.clone());
            }
        }
        let found: Vec<PathBuf> = registry
            .searched
            .iter()
            .flat_map(|dir| wasm_files(dir))
            .collect();
        let compiler = file.as_ref().and_then(|file| file.compiler);
        if let Some(file) = file {
            for plugin in file.plugins {
                let by_stem = || {
                    found
                        .iter()
                        .find(|path| path.file_stem().is_some_and(|stem| *stem == *plugin.name))
                        .cloned()
                };
                let Some(path) = plugin.path.or_else(by_stem) else {
                    registry.missing.push(plugin.name);
                    continue;
                };
                registry.entries.push(PluginEntry {
                    name: plugin.name,
                    path,
                    kind: plugin.kind,
                    blake3: plugin.blake3,
                    compiler: plugin.compiler,
                    config: plugin.config,
                    base: file.base.clone(),
                    grants: plugin.grants,
                    limits: plugin.limits,
                });
            }
        }
        for path in found {
            let mut entry = PluginEntry::of_file(&path);
            entry.compiler = compiler;
            let known = registry
                .entries
                .iter()
                .any(|other| other.name == entry.name || other.path == entry.path);
            if !known {
                registry.entries.push(entry);
            }
        }
        registry.entries.sort_by(|a, b| a.name.cmp(&b.name));
        registry
    }

    /// The plugins directories to search without being told: the one that [`DIRECTORY_VARIABLE`] names, `../plugins` and
    /// `plugins` beside the running program.
    pub fn default_directories() -> Vec<PathBuf> {
        let named = std::env::var_os(DIRECTORY_VARIABLE)
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from);
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent).map(|dir| {
            let above = dir.parent().map(|above| above.join("plugins"));
            above.into_iter().chain([dir.join("plugins")])
        });
        named
            .into_iter()
            .chain(beside.into_iter().flatten())
            .collect()
    }

    /// The plugins, by name.
    pub fn entries(&self) -> &[PluginEntry] {
        &self.entries
    }

    /// The plugin that `name_or_path` means: an entry of that name, or else a file when it is a path (has a slash, or
    /// ends in `.wasm`).
    ///
    /// # Errors
    /// [`PluginError::NotFound`] with the names there are.
    pub fn resolve(&self, name_or_path: &str) -> Result<PluginEntry, PluginError> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.name == name_or_path) {
            return Ok(entry.clone());
        }
        if name_or_path.contains(std::path::is_separator) || name_or_path.ends_with(".wasm") {
            let path = Path::new(name_or_path);
            // A file that plugins.toml speaks of keeps what it says: its grants, its limits, its hash.
            let same = |entry: &&PluginEntry| match (entry.path.canonicalize(), path.canonicalize())
            {
                (Ok(a), Ok(b)) => a == b,
                _ => false,
            };
            return Ok(self
                .entries
                .iter()
                .find(same)
                .cloned()
                .unwrap_or_else(|| PluginEntry::of_file(path)));
        }
        let searched = self
            .searched
            .iter()
            .filter(|dir| dir.is_dir())
            .cloned()
            .collect::<Vec<_>>();
        // With no directory there, the places that were looked at are worth more than nothing.
        let searched = if searched.is_empty() {
            self.searched.clone()
        } else {
            searched
        };
        let name = name_or_path.to_owned();
        if self.missing.contains(&name) {
            return Err(PluginError::NoFile { name, searched });
        }
        let known = self
            .entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect();
        Err(PluginError::NotFound {
            name,
            known,
            searched,
        })
    }
}

/// The `*.wasm` files in `dir`, by name; none when it cannot be read.
fn wasm_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
                && path.is_file()
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, b"").expect("the test's directory is writable");
        path
    }

    fn names(registry: &PluginRegistry) -> Vec<(&str, &Path)> {
        registry
            .entries()
            .iter()
            .map(|entry| (entry.name.as_str(), entry.path.as_path()))
            .collect()
    }

    #[test]
    fn directories_give_a_plugin_a_file_the_earlier_directory_first() {
        let (one, two) = (
            tempfile::tempdir().expect("temp dir"),
            tempfile::tempdir().expect("temp dir"),
        );
        let b = write(one.path(), "b.wasm");
        write(one.path(), "b.txt");
        let a = write(two.path(), "a.wasm");
        write(two.path(), "b.wasm");
        let absent = one.path().join("absent");
        let registry = PluginRegistry::new(
            None,
            &[absent, one.path().to_owned(), two.path().to_owned()],
        );
        assert_eq!(names(&registry), [("a", a.as_path()), ("b", b.as_path())]);
        assert_eq!(registry.resolve("a").ok(), Some(PluginEntry::of_file(&a)));
    }

    #[test]
    fn the_file_names_plugins_and_configures_those_of_directories() {
        let dir = tempfile::tempdir().expect("temp dir");
        let found = write(dir.path(), "found.wasm");
        let text = format!(
            "[[plugins]]\nname = \"found\"\nconfig.x = 1\n[[plugins]]\nname = \"other\"\npath = {:?}\n",
            dir.path().join("sub/o.wasm")
        );
        let file =
            PluginsFile::parse(&dir.path().join("plugins.toml"), &text).expect("the text is right");
        let registry = PluginRegistry::new(Some(file), &[dir.path().to_owned()]);
        let other = dir.path().join("sub/o.wasm");
        assert_eq!(
            names(&registry),
            [("found", found.as_path()), ("other", other.as_path())]
        );
        let config = BTreeMap::from([("x".to_owned(), RawValue::Integer(1))]);
        assert_eq!(
            registry.resolve("found").map(|entry| entry.config).ok(),
            Some(config.clone())
        );
        // The same file by its path is the same plugin.
        let by_path = registry.resolve(&found.display().to_string());
        assert_eq!(by_path.map(|entry| entry.config).ok(), Some(config));
    }

    #[test]
    fn an_entry_without_a_file_says_so_when_it_is_used() {
        let file = PluginsFile::parse(Path::new("plugins.toml"), "[[plugins]]\nname = \"x\"\n")
            .expect("the text is right");
        let registry = PluginRegistry::new(Some(file), &["/nowhere".into()]);
        assert_eq!(
            registry
                .resolve("x")
                .expect_err("it has no file")
                .to_string(),
            "plugin `x` has no `path` in plugins.toml, and there is no `x.wasm` in /nowhere"
        );
    }

    #[test]
    fn a_path_needs_no_entry() {
        let registry = PluginRegistry::default();
        for path in ["x.wasm", "./dir/x.wasm", "dir/x"] {
            assert_eq!(
                registry.resolve(path).ok(),
                Some(PluginEntry::of_file(Path::new(path)))
            );
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let dir = tempfile::tempdir().expect("temp dir");
        write(dir.path(), "a.wasm");
        write(dir.path(), "b.wasm");
        let registry = PluginRegistry::new(None, &[dir.path().to_owned()]);
        assert_eq!(
            registry
                .resolve("c")
                .expect_err("no such plugin")
                .to_string(),
            "there is no plugin `c`; there are `a`, `b`; or give the path of a `.wasm` file"
        );
        let empty = PluginRegistry::new(None, &[dir.path().join("none")]);
        assert_eq!(
            empty.resolve("c").expect_err("no such plugin").to_string(),
            format!(
                "there is no plugin `c`; no plugin was found in {} (`just build` puts them there); or give the path of a `.wasm` \
                 file",
                dir.path().join("none").display()
            )
        );
    }
}
