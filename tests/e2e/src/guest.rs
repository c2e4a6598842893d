//! Plugins made for tests: core modules in text, with the functions of our worlds, made into components.
//!
//! A [`Guest`] has all the functions of its interface; a test replaces the one it is about. Their parameters and results are
//! those of the canonical ABI, so they point where no guest in a language would ever point.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Parameters and result of a parser's `parse`.
pub const PARSE: &str = "(param $ptr i32) (param $len i32) (param $has-time i32) (param $time i64) (param $at-end i32) (result i32)";

/// Parameters and result of a source's `read`.
pub const READ: &str = "(param $asked i64) (result i32)";

/// Where [`Guest::archive`] puts its bytes.
const ARCHIVE: u32 = 8192;

/// What memory has no guest writes to from the start, except at these places.
const VERSION: u32 = 16;
const SCHEMAS: u32 = 32;
const NOTHING: u32 = 64;
/// What `parse` and `read` of [`Guest::archive`] return.
const RETURNED: u32 = 128;
const SCHEMA_ITEM: u32 = 256;
const ITEM_ID: u32 = 320;

/// What the spy imports of WASI: enough to see what it has and to open a file there.
const WASI: &str = "
package wasi:filesystem@0.2.6;

interface types {
    enum error-code { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
        illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size,
        name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, not-directory, not-empty,
        not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek,
        text-file-busy, cross-device }
    flags path-flags { symlink-follow }
    flags open-flags { create, directory, exclusive, truncate }
    flags descriptor-flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory }
    resource descriptor {
        open-at: func(path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags)
            -> result<descriptor, error-code>;
    }
}

interface preopens {
    use types.{descriptor};
    get-directories: func() -> list<tuple<descriptor, string>>;
}
";

/// The spy's world.
const SPY: &str = "
package test:spy;

world spy {
    import chipmunk:shared/logging@0.2.0;
    import wasi:filesystem/types@0.2.6;
    import wasi:filesystem/preopens@0.2.6;
    export chipmunk:bytesource/byte-source@0.2.0;
}
";

/// Where [`Guest::schema`] puts items, and the texts and lists in them.
const ITEMS: u32 = 2048;
const TEXTS: u32 = 4096;
/// Where [`Guest::witness`] has a letter for each kind of value, and puts digits together.
const KINDS: u32 = 704;
const DIGITS: u32 = 720;
const HEX: u32 = 736;

/// What the witness makes of its configuration.
const WITNESS: &str = "(param $level i32) (param $output i32) (param $max i32) (param $item i32) (param $left i32) (result i32)
    (local $kind i32) (local $entry i32) (local $entries i32)
    (block $done (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $kind (i32.load8_u offset=8 (local.get $item)))
        (call $log (i32.const 1) (i32.load (local.get $item)) (i32.load offset=4 (local.get $item)))
        (call $log (i32.const 1) (i32.add (i32.const 704) (local.get $kind)) (i32.const 1))
        (if (i32.eqz (local.get $kind)) (then (call $digits (i32.load8_u offset=12 (local.get $item)))))
        (if (i32.or (i32.eq (local.get $kind) (i32.const 1)) (i32.eq (local.get $kind) (i32.const 2)))
            (then (call $digits (i32.load offset=12 (local.get $item)))))
        (if (i32.or (i32.eq (local.get $kind) (i32.const 3)) (i32.eq (local.get $kind) (i32.const 6)))
            (then (call $log (i32.const 1) (i32.load offset=12 (local.get $item)) (i32.load offset=16 (local.get $item)))))
        (if (i32.or (i32.eq (local.get $kind) (i32.const 4)) (i32.eq (local.get $kind) (i32.const 5)))
            (then
                (local.set $entry (i32.load offset=12 (local.get $item)))
                (local.set $entries (i32.load offset=16 (local.get $item)))
                (block $all (loop $more
                    (br_if $all (i32.eqz (local.get $entries)))
                    (call $log (i32.const 1) (i32.load (local.get $entry)) (i32.load offset=4 (local.get $entry)))
                    (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
                    (local.set $entries (i32.sub (local.get $entries) (i32.const 1)))
                    (br $more)))))
        (local.set $item (i32.add (local.get $item) (i32.const 20)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    i32.const 64";

/// The log has a number in eight hexadecimal digits.
const LOG_DIGITS: &str = "(func $digits (param $value i32) (local $at i32)
    (local.set $at (i32.const 8))
    (loop $next
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (i32.add (i32.const 720) (local.get $at))
            (i32.load8_u (i32.add (i32.const 736) (i32.and (local.get $value) (i32.const 15)))))
        (local.set $value (i32.shr_u (local.get $value) (i32.const 4)))
        (br_if $next (local.get $at)))
    (call $log (i32.const 1) (i32.const 720) (i32.const 8)))";

/// The kind of a configuration item, with its default.
#[derive(Debug, Clone, Copy)]
pub enum ItemKind<'a> {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i32),
    /// A number.
    Float(f32),
    /// A text.
    Text(&'a str),
    /// Directories.
    Directories,
    /// Files with these extensions.
    Files(&'a [&'a str]),
    /// One of these.
    Dropdown(&'a [&'a str], &'a str),
}

/// A guest in the making.
#[derive(Debug)]
pub struct Guest {
    world: &'static str,
    interface: &'static str,
    imports: &'static str,
    /// What is imported beside our worlds: a package in WIT, and the interface of it.
    foreign: Option<(&'static str, &'static str)>,
    functions: BTreeMap<&'static str, String>,
    data: Vec<(u32, Vec<u8>)>,
    more: String,
}

impl Guest {
    /// A parser with nothing to configure, whose `parse` returns what [`Guest::archive`] was given.
    pub fn parser() -> Self {
        Self::new("parser", "chipmunk:parser/parser@0.2.0")
            .function("get-capabilities", "(result i32) i32.const 31")
            .function(
                "get-render-options",
                &format!("(result i32) i32.const {NOTHING}"),
            )
            .function(
                "init",
                &format!("(param i32 i32 i32 i32 i32) (result i32) i32.const {NOTHING}"),
            )
            .function(
                "parse",
                &format!("{PARSE} (global.set $top (i32.const 65536)) i32.const {RETURNED}"),
            )
    }

    /// A source of one file, its item `input`, whose `read` returns what [`Guest::archive`] was given.
    pub fn source() -> Self {
        // One item: its id, which is its title too, no description, any files.
        let item = [ITEM_ID, 5, ITEM_ID, 5, 0, 0, 0, 5]
            .map(u32::to_le_bytes)
            .concat();
        Self::new("byte-source", "chipmunk:bytesource/byte-source@0.2.0")
            .data(ITEM_ID, b"input")
            .data(SCHEMA_ITEM, &item)
            .data(SCHEMAS, &[SCHEMA_ITEM, 1].map(u32::to_le_bytes).concat())
            .function("get-capabilities", "(result i32) i32.const 0")
            .function(
                "init",
                &format!("(param i32 i32 i32) (result i32) i32.const {NOTHING}"),
            )
            .function("read", &format!("{READ} i32.const {RETURNED}"))
    }

    /// A source that tries to open `names` in every directory it has, and writes those that it can open to its log, at level
    /// *warn*. Then it is at its end.
    pub fn spy(names: &[&str]) -> Self {
        let mut guest = Self::source();
        guest.world = "spy";
        guest.imports = r#"
            (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))
            (import "wasi:filesystem/types@0.2.6" "[method]descriptor.open-at"
                (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))"#;
        let mut tries = String::new();
        let mut at = 1024;
        for name in names {
            let length = name.len();
            // Following links, to read.
            let _ = write!(
                tries,
                "(call $open-at (i32.load (local.get $entry)) (i32.const 1) (i32.const {at}) (i32.const {length})
                    (i32.const 0) (i32.const 1) (i32.const 512))
                (if (i32.eqz (i32.load8_u (i32.const 512)))
                    (then (call $log (i32.const 1) (i32.const {at}) (i32.const {length}))))"
            );
            guest = guest.data(at, name.as_bytes());
            at += 64;
        }
        guest.function(
            "read",
            &format!(
                "{READ} (local $entry i32) (local $left i32)
                (call $directories (i32.const 600))
                (local.set $entry (i32.load (i32.const 600)))
                (local.set $left (i32.load (i32.const 604)))
                (block $done (loop $next
                    (br_if $done (i32.eqz (local.get $left)))
                    {tries}
                    (local.set $entry (i32.add (local.get $entry) (i32.const 12)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br $next)))
                i32.const {RETURNED}"
            ),
        )
    }

    /// A parser that writes its configuration to its log, at level *warn*: the id of each item, the initial of its kind
    /// (`d` directories, `o` option), and what is in it, numbers as the eight digits of their bits.
    pub fn witness() -> Self {
        Self::parser()
            .data(KINDS, b"biftdfo")
            .data(HEX, b"0123456789abcdef")
            .data(DIGITS, b"        ")
            .more(LOG_DIGITS)
            .function("init", WITNESS)
    }

    /// Gives the guest these configuration items. Their titles are their ids.
    pub fn schema(self, items: &[(&str, ItemKind<'_>)]) -> Self {
        let mut texts = Vec::new();
        let place = |bytes: &[u8], texts: &mut Vec<u8>| {
            texts.resize(texts.len().next_multiple_of(4), 0);
            let at = TEXTS + texts.len() as u32;
            texts.extend_from_slice(bytes);
            at
        };
        let mut lowered = Vec::new();
        for (id, kind) in items {
            let text = |text: &str, texts: &mut Vec<u8>| {
                [place(text.as_bytes(), texts), text.len() as u32]
            };
            let list = |list: &[&str], texts: &mut Vec<u8>| {
                let entries: Vec<u8> = list
                    .iter()
                    .flat_map(|entry| text(entry, texts))
                    .flat_map(u32::to_le_bytes)
                    .collect();
                [place(&entries, texts), list.len() as u32]
            };
            let [id_at, id_len] = text(id, &mut texts);
            let (case, payload) = match kind {
                ItemKind::Boolean(default) => (0, vec![u32::from(*default)]),
                ItemKind::Integer(default) => (1, vec![*default as u32]),
                ItemKind::Float(default) => (2, vec![default.to_bits()]),
                ItemKind::Text(default) => (3, text(default, &mut texts).to_vec()),
                ItemKind::Directories => (4, Vec::new()),
                ItemKind::Files(extensions) => (5, list(extensions, &mut texts).to_vec()),
                ItemKind::Dropdown(options, default) => {
                    let options = list(options, &mut texts);
                    (6, [options, text(default, &mut texts)].concat())
                }
            };
            // Id, title, no description, and the variant with room for its largest case.
            let mut words = vec![id_at, id_len, id_at, id_len, 0, 0, 0, case];
            words.extend(payload);
            words.resize(12, 0);
            lowered.extend(words.into_iter().flat_map(u32::to_le_bytes));
        }
        let schemas = [ITEMS, items.len() as u32].map(u32::to_le_bytes).concat();
        self.data(SCHEMAS, &schemas)
            .data(ITEMS, &lowered)
            .data(TEXTS, &texts)
    }

    /// The same with WASI preview 1, which only a core module can import ([`Guest::build_core`]).
    pub fn core_spy(names: &[&str]) -> Self {
        let mut guest = Self::source().imports(
            r#"
            (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open"
                (func $path-open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#,
        );
        let mut tries = String::new();
        let mut at = 1024;
        for name in names {
            let length = name.len();
            // Following links, to read.
            let _ = write!(
                tries,
                "(if (i32.eqz (call $path-open (local.get $fd) (i32.const 1) (i32.const {at}) (i32.const {length})
                    (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 512)))
                    (then (call $log (i32.const 1) (i32.const {at}) (i32.const {length}))))"
            );
            guest = guest.data(at, name.as_bytes());
            at += 64;
        }
        guest.function(
            "read",
            &format!(
                "{READ} (local $fd i32)
                (local.set $fd (i32.const 3))
                (block $done (loop $next
                    (br_if $done (call $prestat (local.get $fd) (i32.const 600)))
                    {tries}
                    (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
                    (br $next)))
                i32.const {RETURNED}"
            ),
        )
    }

    /// Adds imports, before everything else.
    pub fn imports(mut self, text: &'static str) -> Self {
        self.imports = text;
        self
    }

    fn new(world: &'static str, interface: &'static str) -> Self {
        let guest = Self {
            world,
            interface,
            imports: "",
            foreign: None,
            functions: BTreeMap::new(),
            data: Vec::new(),
            more: String::new(),
        };
        guest
            .data(VERSION, &[1, 0, 2, 0, 3, 0])
            .function("get-version", &format!("(result i32) i32.const {VERSION}"))
            .function(
                "get-config-schemas",
                &format!("(result i32) i32.const {SCHEMAS}"),
            )
    }

    /// Imports an interface that our worlds do not have: a package in WIT, the interface's name, and the module's fields that
    /// import its functions.
    pub fn import(
        mut self,
        package: &'static str,
        interface: &'static str,
        fields: &'static str,
    ) -> Self {
        self.foreign = Some((package, interface));
        self.imports = fields;
        self
    }

    /// Gives a function of the interface its parameters, result and body.
    pub fn function(mut self, name: &'static str, text: &str) -> Self {
        self.functions.insert(name, text.to_owned());
        self
    }

    /// Puts bytes into the memory, below 65536.
    pub fn data(mut self, at: u32, bytes: &[u8]) -> Self {
        self.data.push((at, bytes.to_vec()));
        self
    }

    /// What `parse` or `read` returns. For `read`, a success.
    pub fn archive(self, archive: &[u8]) -> Self {
        let list = [ARCHIVE, archive.len() as u32]
            .map(u32::to_le_bytes)
            .concat();
        let is_source = self.interface.contains("byte-source");
        let place = if is_source { RETURNED + 4 } else { RETURNED };
        self.data(place, &list).data(ARCHIVE, archive)
    }

    /// Adds fields to the module.
    pub fn more(mut self, text: &str) -> Self {
        self.more.push_str(text);
        self
    }

    /// The component.
    ///
    /// # Errors
    /// The test's own text is wrong.
    pub fn build(&self) -> Result<Vec<u8>> {
        ComponentEncoder::default()
            .validate(true)
            .module(&self.build_core()?)?
            .encode()
    }

    /// The core module that the component is made of.
    ///
    /// # Errors
    /// As [`Guest::build`].
    pub fn build_core(&self) -> Result<Vec<u8>> {
        let text = self.module();
        let mut module = wat::parse_str(&text).context(text)?;
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let (mut package, _) = resolve.push_dir(&wit)?;
        if self.world == "spy" {
            resolve.push_str("wasi.wit", WASI)?;
            package = resolve.push_str("spy.wit", SPY)?;
        }
        let mut world = self.world;
        if let Some((foreign, interface)) = self.foreign {
            resolve.push_str("foreign.wit", foreign)?;
            let wit = format!(
                "package test:guest; world guest {{ include chipmunk:plugins/{world}@0.2.0; import {interface}; }}"
            );
            package = resolve.push_str("guest.wit", &wit)?;
            world = "guest";
        }
        let world = resolve.select_world(&[package], Some(world))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        Ok(module)
    }

    fn module(&self) -> String {
        let mut text = String::from(
            r#"(module $guest
            (import "chipmunk:shared/logging@0.2.0" "log" (func $log (param i32 i32 i32)))"#,
        );
        text.push_str(self.imports);
        // Everything that is lowered gets a place of its own, behind what was lowered before in this call.
        text.push_str(
            r#"(memory (export "memory") 2)
            (global $top (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
                (local.set $at (global.get $top))
                (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -16)))
                (block $fits
                    (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
                    (br_if $fits (i32.ne (i32.const -1)
                        (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
                    unreachable)
                local.get $at)"#,
        );
        for (at, bytes) in &self.data {
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            let _ = write!(text, "(data (i32.const {at}) \"{escaped}\")");
        }
        text.push_str(&self.more);
        for (name, body) in &self.functions {
            let _ = write!(
                text,
                "(func ${name} (export \"{}#{name}\") {body})",
                self.interface
            );
        }
        text.push(')');
        text
    }
}
