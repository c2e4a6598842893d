//! What a `.wasm` file is, from its names alone.
//!
//! Reads the header and the top level's imports and exports with wasmparser, skipping everything nested, so that a file of the
//! wrong kind is refused in microseconds and `list` needs no compiler. It decides three things: is this a component, which
//! API of which version does it implement, and does it import anything that this host does not have. The types behind the
//! names are not looked at; the engine checks those when functions are looked up.

use serde::Serialize;
use wasmer_component::{Component, Engine};
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::error::FormatError;

/// The kinds of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Finds messages in bytes.
    Parser,
    /// Fetches the bytes of a trace.
    ByteSource,
}

impl Kind {
    /// The interface a plugin of this kind exports, without its version.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Parser => "chipmunk:parser/parser",
            Self::ByteSource => "chipmunk:bytesource/byte-source",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Parser => "parser",
            Self::ByteSource => "byte-source",
        })
    }
}

/// The plugin APIs that this host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum ApiVersion {
    /// Chipmunk's published API: a list of records for every call.
    #[serde(rename = "0.1.0")]
    V0_1,
    /// The bulk API of `wit/`: one archive for every call.
    #[serde(rename = "0.2.0")]
    V0_2,
}

impl ApiVersion {
    /// The versions that this host runs, oldest first.
    pub const ALL: [Self; 2] = [Self::V0_1, Self::V0_2];

    /// The same, for messages.
    pub const SUPPORTED: &'static str = "0.1.0 and 0.2.0";

    fn of(major: u64, minor: u64) -> Option<Self> {
        match (major, minor) {
            (0, 1) => Some(Self::V0_1),
            (0, 2) => Some(Self::V0_2),
            _ => None,
        }
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V0_1 => "0.1.0",
            Self::V0_2 => "0.2.0",
        })
    }
}

/// What a plugin's imports ask of the host beyond our own interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Flavour {
    /// No WASI at all.
    Plain,
    /// WASI 0.2.
    #[serde(rename = "wasi-0.2")]
    Wasi02,
    /// WASI preview 1 or WASIX, which only core modules have; WASI 0.2 too, where they ask for it.
    Wasix,
}

impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Wasi02 => "WASI 0.2",
            Self::Wasix => "WASIX",
        })
    }
}

/// What a host has that comes near an import that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offered {
    /// Nothing.
    Nothing,
    /// The same interface in the versions of [`ApiVersion`].
    Versions,
    /// WASI in another version.
    Wasi,
}

/// What a component's names say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The kind of plugin.
    pub kind: Kind,
    /// The API it implements.
    pub api: ApiVersion,
    /// The export that says so, with its version: `chipmunk:parser/parser@0.2.0`.
    pub interface: String,
    /// What it needs beyond our own interfaces.
    pub flavour: Flavour,
    /// Whether it is a core module, and not a component.
    pub core_module: bool,
    /// The names of all its imports, in order.
    pub imports: Vec<String>,
    /// The names of all its exports, in order.
    pub exports: Vec<String>,
}

impl Description {
    /// Whether the component imports `interface` (a name without version).
    pub fn imports_interface(&self, interface: &str) -> bool {
        self.imports
            .iter()
            .any(|name| split_version(name).0 == interface)
    }
}

/// Describes the plugin in `bytes`, the content of a `.wasm` file.
///
/// # Errors
/// When this is no plugin that this host runs: each case of [`FormatError`] says what it is instead.
pub fn describe(bytes: &[u8]) -> Result<Description, FormatError> {
    #[cfg(feature = "wasix")]
    if Parser::is_core_wasm(bytes) {
        return super::core_module::describe(bytes);
    }
    let (imports, exports) = names(bytes)?;
    describe_names(imports, exports)
}

/// The decision, from the names alone.
pub(crate) fn describe_names(
    imports: Vec<String>,
    exports: Vec<String>,
) -> Result<Description, FormatError> {
    let mut found = None;
    let mut foreign = None;
    for export in &exports {
        let (interface, version) = split_version(export);
        let kind = match interface {
            "chipmunk:parser/parser" => Kind::Parser,
            "chipmunk:bytesource/byte-source" => Kind::ByteSource,
            _ => continue,
        };
        match version
            .and_then(major_minor)
            .and_then(|(major, minor)| ApiVersion::of(major, minor))
        {
            // A component may offer both versions: the newest that we run wins.
            Some(api) => {
                if found.as_ref().is_none_or(|(_, best, _)| *best < api) {
                    found = Some((kind, api, export.clone()));
                }
            }
            None => foreign = Some(export.clone()),
        }
    }
    let (kind, api, interface) = match (found, foreign) {
        (Some(found), _) => found,
        (None, Some(interface)) => return Err(FormatError::UnknownApi { interface }),
        (None, None) => return Err(FormatError::OtherWorld { exports }),
    };
    let mut flavour = Flavour::Plain;
    for import in &imports {
        let (interface, version) = split_version(import);
        let version = version.and_then(major_minor);
        let offered = match interface.split_once(':') {
            // Whether we have that very interface is found out when it is linked: what nobody calls need not be there.
            Some(("wasi", _)) if version == Some((0, 2)) => {
                flavour = Flavour::Wasi02;
                continue;
            }
            Some(("wasi", _)) => Offered::Wasi,
            _ if OURS.contains(&interface) => {
                if version.is_some_and(|(major, minor)| ApiVersion::of(major, minor).is_some()) {
                    continue;
                }
                Offered::Versions
            }
            _ => Offered::Nothing,
        };
        return Err(FormatError::UnknownImport {
            import: import.clone(),
            offered,
        });
    }
    Ok(Description {
        kind,
        api,
        interface,
        flavour,
        core_module: false,
        imports,
        exports,
    })
}

impl Description {
    /// Compiles the plugin that this is the description of.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
    ) -> wasmer_component::Result<Component> {
        #[cfg(feature = "wasix")]
        if self.core_module {
            return super::core_module::compile(engine, bytes, self.kind);
        }
        Component::new(engine, bytes)
    }

    /// All that its artifact depends on beside its bytes.
    pub(crate) fn fingerprint(&self, engine: &Engine) -> String {
        #[cfg_attr(not(feature = "wasix"), allow(unused_mut))]
        let mut fingerprint = engine.fingerprint().to_owned();
        #[cfg(feature = "wasix")]
        if self.core_module {
            fingerprint.push_str(&super::core_module::fingerprint());
        }
        fingerprint
    }
}

/// Interfaces a plugin may import from us: functions in the first two, only types in the others.
const OURS: [&str; 5] = [
    "chipmunk:shared/logging",
    "chipmunk:shared/sandbox",
    "chipmunk:shared/shared-types",
    "chipmunk:parser/parse-types",
    "chipmunk:bytesource/bytesource-types",
];

/// `ns:pkg/iface@1.2.3` in its two parts.
fn split_version(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    }
}

/// The compatibility track of a version: pre-releases belong to no track, since they promise nothing.
fn major_minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let _patch: u64 = parts.next()?.split('+').next()?.parse().ok()?;
    Some((major, minor))
}

type Names = (Vec<String>, Vec<String>);

/// The names of the top level's imports and exports.
fn names(bytes: &[u8]) -> Result<Names, FormatError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(FormatError::NotWasm {
            text: looks_like_text(bytes),
        });
    }
    let broken = |source: wasmparser::BinaryReaderError| FormatError::Broken {
        offset: source.offset(),
        message: source.message().to_owned(),
    };
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).map_err(broken)? {
            wasmparser::Chunk::Parsed { consumed, payload } => (consumed, payload),
            // Not given when told that this is all there is.
            wasmparser::Chunk::NeedMoreData(_) => {
                return Err(FormatError::Broken {
                    offset: bytes.len(),
                    message: "the file ends too early".to_owned(),
                });
            }
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => return Err(FormatError::CoreModule),
            // The parser has stepped over the nested binary already; only the bytes are still to be dropped.
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                let length = unchecked_range.end.saturating_sub(unchecked_range.start);
                rest = rest.get(length..).ok_or_else(|| FormatError::Broken {
                    offset: unchecked_range.start,
                    message: "a section is longer than the file".to_owned(),
                })?;
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(broken)?;
                    if matches!(
                        export.kind,
                        ComponentExternalKind::Instance | ComponentExternalKind::Func
                    ) {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::End(_) => return Ok((imports, exports)),
            _ => {}
        }
    }
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    !head.is_empty()
        && head
            .iter()
            .all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wasm(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("the test's own text is valid")
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_of_a_component_are_its_top_level_only() {
        let bytes = wasm(
            r#"(component
                (import "chipmunk:shared/logging@0.2.0" (instance))
                (import "wasi:io/poll@0.2.6" (instance))
                (core module (func (export "core")))
                (component (import "inner" (func)) (instance $i) (export "inner:x/y@1.0.0" (instance $i)))
                (instance $i)
                (export "chipmunk:parser/parser@0.2.0" (instance $i)))"#,
        );
        let interface = "chipmunk:parser/parser@0.2.0".to_owned();
        assert_eq!(
            describe(&bytes),
            Ok(Description {
                kind: Kind::Parser,
                api: ApiVersion::V0_2,
                interface: interface.clone(),
                flavour: Flavour::Wasi02,
                core_module: false,
                imports: strings(&["chipmunk:shared/logging@0.2.0", "wasi:io/poll@0.2.6"]),
                exports: vec![interface],
            })
        );
    }

    #[test]
    fn a_core_module_is_told_from_a_component() {
        assert_eq!(
            describe(&wasm("(module (func (export \"parse\")))")),
            Err(FormatError::CoreModule)
        );
    }

    #[test]
    fn other_files_are_not_wasm() {
        assert_eq!(describe(b""), Err(FormatError::NotWasm { text: false }));
        assert_eq!(
            describe(b"\x7fELF\x02\x01"),
            Err(FormatError::NotWasm { text: false })
        );
        assert_eq!(
            describe(b"(component)"),
            Err(FormatError::NotWasm { text: true })
        );
    }

    #[test]
    fn a_truncated_component_is_broken_or_whole_without_its_custom_sections() {
        let bytes = wasm(
            r#"(component (core module (func (export "core") nop nop))
                (instance $i) (export "chipmunk:parser/parser@0.2.0" (instance $i)))"#,
        );
        let whole = describe(&bytes);
        let cuts =
            (0..bytes.len()).filter(|&end| describe(bytes.get(..end).unwrap_or_default()) == whole);
        // The one between the exports and the custom section of names.
        assert_eq!(cuts.count(), 1);
        let ok =
            (0..bytes.len()).filter(|&end| describe(bytes.get(..end).unwrap_or_default()).is_ok());
        assert_eq!(ok.count(), 1);
    }

    #[test]
    fn versions_are_told_apart_by_export_name() {
        let of = |exports: &[&str]| {
            describe_names(Vec::new(), strings(exports)).map(|d| (d.kind, d.api))
        };
        assert_eq!(
            of(&["chipmunk:parser/parser@0.2.7"]),
            Ok((Kind::Parser, ApiVersion::V0_2))
        );
        assert_eq!(
            of(&["chipmunk:bytesource/byte-source@0.2.0"]),
            Ok((Kind::ByteSource, ApiVersion::V0_2))
        );
        assert_eq!(
            of(&["chipmunk:parser/parser@0.1.0"]),
            Ok((Kind::Parser, ApiVersion::V0_1))
        );
        assert_eq!(
            of(&["chipmunk:bytesource/byte-source@0.1.9", "exports", "init"]),
            Ok((Kind::ByteSource, ApiVersion::V0_1))
        );
        for both in [
            [
                "chipmunk:parser/parser@0.1.0",
                "chipmunk:parser/parser@0.2.0",
            ],
            [
                "chipmunk:parser/parser@0.2.0",
                "chipmunk:parser/parser@0.1.0",
            ],
            [
                "chipmunk:parser/parser@0.9.0",
                "chipmunk:parser/parser@0.2.0",
            ],
        ] {
            assert_eq!(of(&both), Ok((Kind::Parser, ApiVersion::V0_2)));
        }
        for newer in [
            "chipmunk:parser/parser@0.3.0",
            "chipmunk:parser/parser@1.2.0",
            "chipmunk:parser/parser",
            "chipmunk:parser/parser@0.2",
            "chipmunk:parser/parser@0.2.0-rc.1",
        ] {
            assert_eq!(
                of(&[newer]),
                Err(FormatError::UnknownApi {
                    interface: newer.to_owned()
                })
            );
        }
        assert_eq!(
            of(&["wasi:cli/run@0.2.0"]),
            Err(FormatError::OtherWorld {
                exports: strings(&["wasi:cli/run@0.2.0"])
            })
        );
    }

    #[test]
    fn imports_decide_the_flavour_or_are_refused() {
        let of = |imports: &[&str]| {
            describe_names(strings(imports), strings(&["chipmunk:parser/parser@0.2.0"]))
                .map(|d| d.flavour)
        };
        assert_eq!(of(&[]), Ok(Flavour::Plain));
        assert_eq!(
            of(&[
                "chipmunk:shared/logging@0.2.0",
                "chipmunk:parser/parse-types@0.2.0"
            ]),
            Ok(Flavour::Plain)
        );
        assert_eq!(of(&["wasi:io/error@0.2.3"]), Ok(Flavour::Wasi02));
        assert_eq!(
            of(&[
                "chipmunk:shared/logging@0.1.0",
                "chipmunk:shared/sandbox@0.1.4",
                "chipmunk:shared/shared-types@0.1.0",
                "chipmunk:bytesource/bytesource-types@0.1.0",
                "chipmunk:shared/logging@0.2.0",
            ]),
            Ok(Flavour::Plain)
        );
        for (unknown, offered) in [
            ("wasi:io/error@0.3.0", Offered::Wasi),
            ("acme:db/client@1.0.0", Offered::Nothing),
            ("chipmunk:shared/clock@0.2.0", Offered::Nothing),
            ("chipmunk:shared/logging@0.9.0", Offered::Versions),
            ("chipmunk:shared/logging", Offered::Versions),
            ("log", Offered::Nothing),
        ] {
            assert_eq!(
                of(&[unknown]),
                Err(FormatError::UnknownImport {
                    import: unknown.to_owned(),
                    offered
                })
            );
        }
    }
}
