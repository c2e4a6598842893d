//! Guests made for tests: core modules in text, of which each test replaces the functions it is about, made into components
//! of our worlds with the repository's own WIT.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chipmunk_plugins::{CacheChoice, PluginRuntime, RuntimeOptions};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A guest in the making.
pub struct Guest {
    world: &'static str,
    /// The version of the API.
    api: &'static str,
    interface: &'static str,
    /// Function name to its parameters, result and body.
    functions: BTreeMap<&'static str, String>,
    data: Vec<(u32, Vec<u8>)>,
    more: String,
    memory_pages: u32,
    wasi: bool,
}

/// As much of WASI as a guest here needs to look at what it was given.
const WASI_FILESYSTEM: &str = "
package wasi:filesystem@0.2.6;
interface types { resource descriptor; }
interface preopens {
    use types.{descriptor};
    get-directories: func() -> list<tuple<descriptor, string>>;
}
";

/// Never gives the same place twice.
const BUMP_REALLOC: &str = r#"
(func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $new)))
    (local.get $at))"#;

/// Where [`Guest::archive`] puts its bytes.
pub const ARCHIVE_AT: u32 = 4096;

impl Guest {
    /// A parser that offers everything, has nothing to configure, and whose `parse` traps until a test gives it a body.
    pub fn parser() -> Self {
        let guest = Self::new("parser", "chipmunk:parser/parser@0.2.0");
        guest
            .function("get-capabilities", "(result i32) i32.const 31")
            .function("get-render-options", "(result i32) i32.const 64")
            .function(
                "init",
                "(param i32 i32 i32 i32 i32) (result i32) i32.const 96",
            )
            .function(
                "parse",
                "(param i32 i32 i32 i64 i32) (result i32) unreachable",
            )
    }

    /// A source that has nothing to configure, and whose `read` traps until a test gives it a body.
    pub fn source() -> Self {
        let guest = Self::new("byte-source", "chipmunk:bytesource/byte-source@0.2.0");
        guest
            .function("get-capabilities", "(result i32) i32.const 0")
            .function("init", "(param i32 i32 i32) (result i32) i32.const 96")
            .function("read", "(param i64) (result i32) unreachable")
    }

    /// As [`Guest::parser`], of API 0.1.0.
    pub fn parser_0_1() -> Self {
        let guest = Self {
            api: "0.1.0",
            ..Self::new("parser", "chipmunk:parser/parser@0.1.0")
        };
        guest
            .function("get-render-options", "(result i32) i32.const 64")
            .function("init", "(param i32 i32 i32) (result i32) i32.const 96")
            .function("parse", "(param i32 i32 i32 i64) (result i32) unreachable")
    }

    /// As [`Guest::source`], of API 0.1.0.
    pub fn source_0_1() -> Self {
        let guest = Self {
            api: "0.1.0",
            ..Self::new("byte-source", "chipmunk:bytesource/byte-source@0.1.0")
        };
        guest
            .function("init", "(param i32 i32 i32) (result i32) i32.const 96")
            .function("read", "(param i64) (result i32) unreachable")
    }

    fn new(world: &'static str, interface: &'static str) -> Self {
        let guest = Self {
            world,
            api: "0.2.0",
            interface,
            functions: BTreeMap::new(),
            data: Vec::new(),
            more: String::new(),
            memory_pages: 4,
            wasi: false,
        };
        // Version 1.2.3 at 16; what is at 32, 64, 96 and 128 is zero: an empty list, no options, success, an empty list.
        guest
            .data(16, &[1, 0, 2, 0, 3, 0])
            .function("get-version", "(result i32) i32.const 16")
            .function("get-config-schemas", "(result i32) i32.const 32")
    }

    /// Gives a function of the interface its parameters, result and body, in text.
    pub fn function(mut self, name: &'static str, text: &str) -> Self {
        self.functions.insert(name, text.to_owned());
        self
    }

    /// Puts bytes into the memory.
    pub fn data(mut self, at: u32, bytes: &[u8]) -> Self {
        self.data.push((at, bytes.to_vec()));
        self
    }

    /// Puts an archive into the memory, and a list that is the archive at `list`.
    pub fn archive(self, list: u32, archive: &[u8]) -> Self {
        let length = u32::try_from(archive.len()).expect("a small archive");
        let pair = [ARCHIVE_AT.to_le_bytes(), length.to_le_bytes()].concat();
        self.data(ARCHIVE_AT, archive).data(list, &pair)
    }

    /// Adds fields to the module.
    pub fn more(mut self, text: &str) -> Self {
        self.more.push_str(text);
        self
    }

    /// Memory that it begins with, in pages of 64 KiB.
    pub fn memory_pages(mut self, pages: u32) -> Self {
        self.memory_pages = pages;
        self
    }

    /// Imports `$directories` from WASI, and thereby is a guest of that flavour.
    pub fn wasi(mut self) -> Self {
        self.wasi = true;
        self.more(BUMP_REALLOC)
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let mut text = format!(
            r#"(module $guest
            (import "chipmunk:shared/logging@{api}" "log" (func $log (param i32 i32 i32)))
            (import "chipmunk:shared/sandbox@{api}" "temp-directory" (func $temp (param i32)))
            "#,
            api = self.api
        );
        if self.wasi {
            text.push_str(
                r#"(import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))"#,
            );
        }
        text.push_str("(global $top (mut i32) (i32.const 65536))");
        let _ = write!(text, "(memory (export \"memory\") {})", self.memory_pages);
        for (at, bytes) in &self.data {
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            let _ = write!(text, "(data (i32.const {at}) \"{escaped}\")");
        }
        if !self.more.contains("cabi_realloc") {
            // Gives everybody the same place: nobody here keeps what was lowered.
            text.push_str(
                r#"(func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
                    global.get $top)"#,
            );
        }
        text.push_str(&self.more);
        for (name, body) in &self.functions {
            let _ = write!(
                text,
                "(func ${} (export \"{}#{name}\") {body})",
                name.replace('-', "_"),
                self.interface
            );
        }
        text.push(')');
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join(match self.api {
            "0.1.0" => "../../wit/0.1.0",
            _ => "../../wit",
        });
        let (package, _) = resolve
            .push_dir(&wit)
            .expect("the repository's WIT is right");
        let package = if self.wasi {
            let text = format!(
                "package test:guest;
                world {world} {{ include chipmunk:plugins/{world}@{api}; import wasi:filesystem/preopens@0.2.6; }}",
                world = self.world,
                api = self.api
            );
            resolve
                .push_str("wasi.wit", WASI_FILESYSTEM)
                .and_then(|_| resolve.push_str("guest.wit", &text))
                .expect("the test's WIT is right")
        } else {
            package
        };
        let world = resolve
            .select_world(&[package], Some(self.world))
            .expect("our worlds are there");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("it can be embedded");
        let mut encoder = ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .expect("it is a module of the world");
        encoder.encode().expect("it becomes a component")
    }
}

/// A plugins directory with its own cache, away from the user's.
pub struct House {
    root: tempfile::TempDir,
}

impl House {
    pub fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("temp dir"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the test's directory is writable");
        path
    }

    pub fn add(&self, name: &str, guest: &Guest) -> PathBuf {
        self.write(&format!("{name}.wasm"), guest.build())
    }

    /// A runtime over the directory; with `plugins.toml` if there is one.
    pub fn runtime(&self) -> PluginRuntime {
        let config = self.path("plugins.toml");
        PluginRuntime::new(RuntimeOptions {
            config_file: config.exists().then_some(config),
            directories: Some(vec![self.root.path().to_owned()]),
            cache: CacheChoice::Directory(self.path("cache")),
            compiler: None,
        })
        .expect("the test's plugins.toml is right")
    }
}
