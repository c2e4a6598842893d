//! Plugins that are core modules: what `wit-bindgen` and a linker make before anything makes a component of it.
//!
//! Such a module names what it exports as `interface#function` and what it imports by interface, and says in a section of its own
//! which world it is of. It is told by the same names as a component (`detect`), and becomes one when it is compiled. WASI it has of
//! another kind: `wasi_snapshot_preview1`, or WASIX.

use wasmer_component::{Component, CoreModule, Engine};
use wasmer_component_wasix::MODULES;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use super::detect::{Description, Flavour, Kind, Offered, describe_names};
use crate::cache::ContentHash;
use crate::error::FormatError;

/// Describes the core module in `bytes`, by its names.
pub(super) fn describe(bytes: &[u8]) -> Result<Description, FormatError> {
    let (imports, exports) = names(bytes)?;
    let (foreign, ours): (Vec<String>, Vec<String>) = imports
        .iter()
        .cloned()
        .partition(|module| !module.contains(':'));
    if exports.is_empty() {
        return Err(FormatError::CoreModule);
    }
    let description = describe_names(ours, exports)?;
    if let Some(import) = foreign
        .iter()
        .find(|name| !MODULES.contains(&name.as_str()))
    {
        return Err(FormatError::UnknownImport {
            import: import.clone(),
            offered: Offered::Nothing,
        });
    }
    let flavour = match foreign.is_empty() {
        true => description.flavour,
        false => Flavour::Wasix,
    };
    Ok(Description {
        flavour,
        core_module: true,
        imports,
        ..description
    })
}

/// The modules that functions are imported from, and the interfaces that functions are exported of, in order.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), FormatError> {
    let broken = |source: wasmparser::BinaryReaderError| FormatError::Broken {
        offset: source.offset(),
        message: source.message().to_owned(),
    };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let note = |names: &mut Vec<String>, name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(broken)?;
                    // Its memory is its own, wherever it says that it comes from.
                    if !matches!(import.ty, TypeRef::Memory(_)) {
                        note(&mut imports, import.module);
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(broken)?;
                    if let (ExternalKind::Func, Some((interface, _))) =
                        (export.kind, export.name.split_once('#'))
                    {
                        // `cabi_post_` and the like are no interfaces.
                        if !interface.starts_with("cabi_") {
                            note(&mut exports, interface);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// The packages of `wit/`, each after those it uses: for modules whose linker has dropped the section that says what world they
/// are of.
const WIT: [&str; 4] = [
    include_str!("../../../../wit/deps/shared/shared.wit"),
    include_str!("../../../../wit/deps/parser/parser.wit"),
    include_str!("../../../../wit/deps/bytesource/bytesource.wit"),
    include_str!("../../../../wit/worlds.wit"),
];

/// Makes a component of a core module.
pub(super) fn compile(
    engine: &Engine,
    bytes: &[u8],
    kind: Kind,
) -> wasmer_component::Result<Component> {
    let world = match kind {
        Kind::Parser => "parser",
        Kind::ByteSource => "byte-source",
    };
    Component::from_core_module(engine, &CoreModule::new(bytes).world(&WIT, world)?)
}

/// What an artifact of a core module depends on beside the module and the engine: the worlds that this host knows.
pub(super) fn fingerprint() -> String {
    format!(
        " core module, worlds {}",
        ContentHash::of(WIT.concat().as_bytes())
    )
}
