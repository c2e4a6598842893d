//! Core modules that carry a WIT world's canonical exports, as toolchains make them before they are componentised.
//!
//! Such a module has everything that a component has but the wrapping: functions under the canonical names, `cabi_realloc`,
//! `cabi_post_…`, imports named after interfaces, and a section that says which world it implements. It may import other things
//! too, `wasi_snapshot_preview1` say, which no component could. Lifting and lowering are the same for both, so there is no second
//! ABI for it: the module's *types alone* are componentised, and the module itself is put in their place.
//!
//! 1. A stand-in is made of the module: the same imports of the world, the same exported functions and memory, nothing in the
//!    functions ([`stand_in`]).
//! 2. `wit-component` checks it against the world and makes a component of it, which the translator translates like any other.
//! 3. In the IR the module takes its stand-in's place, with its other imports in between: [`ir::CoreDef::Import`] ([`translate`]).
//!
//! What the module's own imports are, the host says when it is instantiated: see [`crate::CoreLink`].

use crate::error::{Error, Result};
use crate::ir::{self, ComponentIr, CoreDef, Initializer};
use crate::module::{CoreType, CoreValueType};
use crate::translate::{Translated, translate as translate_component};
use std::borrow::Cow;
use std::collections::HashMap;
use wasm_encoder as enc;
use wasmtime_environ::wasmparser::{
    CompositeInnerType, Encoding, ExternalKind, MemoryType, Parser, Payload, TypeRef, ValType,
};

/// A core module that implements a WIT world, to make a [`crate::Component`] of with [`crate::Component::from_core_module`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wasmer_component::{Component, Config, CoreModule, Engine, Linker, Store};
/// let module = wat::parse_str(r#"
///     (module
///       (import "host" "double" (func $double (param i32) (result i32)))
///       (func (export "example:numbers/twice#twice") (param i32) (result i32) (call $double (local.get 0))))
/// "#)?;
/// let wit = "package example:numbers;
///            interface twice { twice: func(n: u32) -> u32; }
///            world numbers { export twice; }";
///
/// let engine = Engine::new(&Config::new())?;
/// let module = CoreModule::new(&module).world(&[wit], "numbers")?;
/// let component = Component::from_core_module(&engine, &module)?;
///
/// let mut linker = Linker::<()>::new(&engine);
/// linker.core_imports(|_, imports, link| {
///     assert_eq!(imports[0].name, "double");
///     link.function(|_, args| Ok(args[0] * 2));
///     Ok(())
/// });
/// let mut store = Store::new(&engine, ())?;
/// let instance = linker.instantiate(&mut store, &component)?;
/// let twice = instance.get_typed_func::<(u32,), (u32,)>(&mut store, ("example:numbers/twice", "twice"))?;
/// assert_eq!(twice.call(&mut store, (21,))?, (42,));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CoreModule<'a> {
    bytes: &'a [u8],
    /// The contents of a `component-type` section, for a module that has none.
    world: Option<Vec<u8>>,
}

impl<'a> CoreModule<'a> {
    /// A module in the binary format that says in a `component-type` section which world it implements, as `wit-bindgen` has
    /// it say.
    pub fn new(bytes: &'a [u8]) -> CoreModule<'a> {
        CoreModule { bytes, world: None }
    }

    /// Which world it implements, should it not say so itself (linkers that strip drop the section): `wit` are WIT packages, each
    /// after those it uses, and `name` a world of the last. Strings are UTF-8.
    ///
    /// # Errors
    /// [`Error::Translate`] when the WIT has an error or no such world.
    pub fn world(mut self, wit: &[&str], name: &str) -> Result<CoreModule<'a>> {
        let failed = |e: &dyn std::fmt::Display| {
            Error::Translate(format!("the WIT of the core module's world: {e:#}"))
        };
        let mut resolve = wit_parser::Resolve::default();
        let mut last = Vec::new();
        for package in wit {
            let package = resolve.push_source("world.wit", package);
            last = vec![package.map_err(|e| failed(&e))?];
        }
        let world = resolve
            .select_world(&last, Some(name))
            .map_err(|e| failed(&e))?;
        let encoding = wit_component::StringEncoding::UTF8;
        let section = wit_component::metadata::encode(&resolve, world, encoding, None)
            .map_err(|e| failed(&e))?;
        self.world = Some(section);
        Ok(self)
    }
}

/// Marks the stand-in among the modules of the component that is made of it.
const MARK: &str = "wasmer-component:stand-in";

/// Translates a core module: what a component around it would be, with the module's other imports left to the host.
///
/// # Errors
/// [`Error::Translate`] when it is no core module, is of no world, or does not keep to its world; [`Error::Unsupported`] when it
/// imports what only a linker of core modules could give.
pub(crate) fn translate(module: &CoreModule<'_>) -> Result<Translated> {
    let invalid = |e: String| Error::Translate(e);
    let parsed = Parsed::of(module.bytes)?;
    let mut worlds: Vec<(Cow<'_, str>, Cow<'_, [u8]>)> = parsed.worlds.clone();
    if let (true, Some(world)) = (worlds.is_empty(), &module.world) {
        worlds.push((Cow::Borrowed(WORLD), Cow::Borrowed(world)));
    }
    if worlds.is_empty() {
        return Err(invalid(
            "the core module does not say which WIT world it implements (it has no `component-type` section; a linker \
             that strips drops it): name the world"
                .to_string(),
        ));
    }
    let plain = plain_names(&worlds)?;
    let foreign: Vec<bool> = parsed
        .imports
        .iter()
        .map(|import| is_foreign(&import.module, &plain))
        .collect();

    let component = wit_component::ComponentEncoder::default()
        .module(&stand_in(&parsed, &foreign, &worlds)?)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|e| invalid(format!("the core module does not keep to its world: {e:#}")))?;
    let mut translated = translate_component(&component)?;
    let number = translated
        .modules
        .iter()
        .position(|module| is_stand_in(module))
        .ok_or_else(|| invalid("the core module was lost on the way".to_string()))?;
    insert(&mut translated.ir, number as u32, &parsed.imports, &foreign)?;
    if let Some(place) = translated.modules.get_mut(number) {
        *place = module.bytes.to_vec();
    }
    Ok(translated)
}

/// Sections whose names begin like this say which world a module implements.
const WORLD: &str = "component-type";

/// What of a core module its types are made of.
struct Parsed<'a> {
    imports: Vec<ir::CoreImport>,
    /// Exported functions of numbers only; others are none of a world's.
    functions: Vec<(&'a str, Signature)>,
    /// Name and type of the exported memory.
    memory: Option<(&'a str, MemoryType)>,
    /// Name and contents of the sections that say which world it is.
    worlds: Vec<(Cow<'a, str>, Cow<'a, [u8]>)>,
}

/// The types of parameters and results.
type Signature = (Vec<CoreValueType>, Vec<CoreValueType>);

impl<'a> Parsed<'a> {
    fn of(bytes: &'a [u8]) -> Result<Parsed<'a>> {
        let invalid = |e: &dyn std::fmt::Display| {
            Error::Translate(format!("this is not a valid core module: {e}"))
        };
        if !Parser::is_core_wasm(bytes) {
            return Err(invalid(&"it does not begin like one"));
        }
        let (mut types, mut functions, mut memories) = (Vec::new(), Vec::new(), Vec::new());
        let (mut imports, mut exports, mut worlds) = (Vec::new(), Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|e| invalid(&e))? {
                Payload::Version { encoding, .. } if encoding != Encoding::Module => {
                    return Err(invalid(&"it has a component in it"));
                }
                Payload::TypeSection(section) => {
                    for group in section {
                        let group = group.map_err(|e| invalid(&e))?;
                        types.extend(
                            group
                                .into_types()
                                .map(|ty| signature(&ty.composite_type.inner)),
                        );
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(|e| invalid(&e))?;
                        let named =
                            format!("the core module's import {} {}", import.module, import.name);
                        let ty = match import.ty {
                            TypeRef::Func(index) => {
                                functions.push(index);
                                let Some(Some((params, results))) =
                                    types.get(index as usize).cloned()
                                else {
                                    return Err(Error::Unsupported(format!(
                                        "{named}, a function of other things than numbers"
                                    )));
                                };
                                CoreType::Func { params, results }
                            }
                            TypeRef::Memory(ty) => {
                                memories.push(ty);
                                CoreType::Memory {
                                    limits: (ty.initial, ty.maximum),
                                    shared: ty.shared,
                                }
                            }
                            _ => {
                                return Err(Error::Unsupported(format!(
                                    "{named}, which is neither a function nor a memory"
                                )));
                            }
                        };
                        imports.push(ir::CoreImport {
                            module: import.module.to_string(),
                            name: import.name.to_string(),
                            ty,
                        });
                    }
                }
                Payload::FunctionSection(section) => {
                    for index in section {
                        functions.push(index.map_err(|e| invalid(&e))?);
                    }
                }
                Payload::MemorySection(section) => {
                    for ty in section {
                        memories.push(ty.map_err(|e| invalid(&e))?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        exports.push(export.map_err(|e| invalid(&e))?);
                    }
                }
                Payload::CustomSection(section) if section.name().starts_with(WORLD) => {
                    worlds.push((Cow::Borrowed(section.name()), Cow::Borrowed(section.data())));
                }
                _ => {}
            }
        }
        let mut parsed = Parsed {
            imports,
            functions: Vec::new(),
            memory: None,
            worlds,
        };
        for export in exports {
            match export.kind {
                ExternalKind::Func => {
                    let ty = functions.get(export.index as usize);
                    let ty = ty.and_then(|index| types.get(*index as usize).cloned());
                    parsed
                        .functions
                        .extend(ty.flatten().map(|ty| (export.name, ty)));
                }
                ExternalKind::Memory if parsed.memory.is_none() => {
                    let ty = memories.get(export.index as usize);
                    parsed.memory = ty.map(|ty| (export.name, *ty));
                }
                _ => {}
            }
        }
        Ok(parsed)
    }
}

/// A function's types, if they are all numbers.
fn signature(ty: &CompositeInnerType) -> Option<Signature> {
    let CompositeInnerType::Func(ty) = ty else {
        return None;
    };
    let list = |types: &[ValType]| {
        types
            .iter()
            .map(|ty| match ty {
                ValType::I32 => Some(CoreValueType::I32),
                ValType::I64 => Some(CoreValueType::I64),
                ValType::F32 => Some(CoreValueType::F32),
                ValType::F64 => Some(CoreValueType::F64),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
    };
    Some((list(ty.params())?, list(ty.results())?))
}

/// The names of imports of a world that look like those of any core module: interfaces defined in the world itself.
fn plain_names(worlds: &[(Cow<'_, str>, Cow<'_, [u8]>)]) -> Result<Vec<String>> {
    let mut bare = enc::Module::new();
    for (name, data) in worlds {
        bare.section(&enc::CustomSection {
            name: name.clone(),
            data: data.clone(),
        });
    }
    let (_, bindgen) = wit_component::metadata::decode(&bare.finish()).map_err(|e| {
        Error::Translate(format!(
            "the core module does not say its world in a form that is understood: {e:#}"
        ))
    })?;
    let world = bindgen.resolve.worlds.get(bindgen.world);
    Ok(world
        .into_iter()
        .flat_map(|world| world.imports.keys())
        .filter_map(|key| match key {
            wit_parser::WorldKey::Name(name) => Some(name.clone()),
            wit_parser::WorldKey::Interface(_) => None,
        })
        .collect())
}

/// Whether what is imported from this module is none of the world's. Names of interfaces have a colon; the others are the
/// canonical ABI's own.
fn is_foreign(module: &str, plain: &[String]) -> bool {
    let canonical = module.contains(':')
        || module == "$root"
        || module.starts_with("[export]")
        || module.starts_with("cm32p2");
    !canonical && !plain.iter().any(|name| name == module)
}

/// A module of the same types as far as the world is concerned, whose functions do nothing.
fn stand_in(
    parsed: &Parsed<'_>,
    foreign: &[bool],
    worlds: &[(Cow<'_, str>, Cow<'_, [u8]>)],
) -> Result<Vec<u8>> {
    let mut types = Types::default();
    let mut imports = enc::ImportSection::new();
    let mut imported = 0;
    for (import, _) in parsed
        .imports
        .iter()
        .zip(foreign)
        .filter(|(_, foreign)| !**foreign)
    {
        let CoreType::Func { params, results } = &import.ty else {
            return Err(Error::Translate(format!(
                "the core module imports {} {} as something else than a function",
                import.module, import.name
            )));
        };
        let ty = types.index(params, results);
        imports.import(&import.module, &import.name, enc::EntityType::Function(ty));
        imported += 1;
    }
    let (mut functions, mut code) = (enc::FunctionSection::new(), enc::CodeSection::new());
    let (mut memories, mut exports) = (enc::MemorySection::new(), enc::ExportSection::new());
    for ((name, (params, results)), index) in parsed.functions.iter().zip(imported..) {
        functions.function(types.index(params, results));
        exports.export(name, enc::ExportKind::Func, index);
        let mut body = enc::Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
    }
    if let Some((name, ty)) = &parsed.memory {
        memories.memory(enc::MemoryType {
            minimum: ty.initial,
            maximum: ty.maximum,
            memory64: ty.memory64,
            // No component's memory is; that of a core module may be, and nobody shares it.
            shared: false,
            page_size_log2: ty.page_size_log2,
        });
        exports.export(name, enc::ExportKind::Memory, 0);
    }
    let mut module = enc::Module::new();
    module
        .section(&types.section)
        .section(&imports)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code);
    for (name, data) in worlds {
        module.section(&enc::CustomSection {
            name: name.clone(),
            data: data.clone(),
        });
    }
    module.section(&enc::CustomSection {
        name: Cow::Borrowed(MARK),
        data: Cow::Borrowed(&[]),
    });
    Ok(module.finish())
}

fn is_stand_in(module: &[u8]) -> bool {
    Parser::new(0)
        .parse_all(module)
        .map_while(Result::ok)
        .any(|payload| matches!(payload, Payload::CustomSection(section) if section.name() == MARK))
}

/// A type section, with every function type once.
#[derive(Default)]
struct Types {
    section: enc::TypeSection,
    known: HashMap<(Vec<enc::ValType>, Vec<enc::ValType>), u32>,
}

impl Types {
    fn index(&mut self, params: &[CoreValueType], results: &[CoreValueType]) -> u32 {
        let list = |types: &[CoreValueType]| types.iter().map(encoded).collect::<Vec<_>>();
        let key = (list(params), list(results));
        let next = self.known.len() as u32;
        let section = &mut self.section;
        *self
            .known
            .entry(key)
            .or_insert_with_key(|(params, results)| {
                section
                    .ty()
                    .function(params.iter().copied(), results.iter().copied());
                next
            })
    }
}

/// Only numbers come here: see [`signature`].
fn encoded(ty: &CoreValueType) -> enc::ValType {
    match ty {
        CoreValueType::I64 => enc::ValType::I64,
        CoreValueType::F32 => enc::ValType::F32,
        CoreValueType::F64 => enc::ValType::F64,
        _ => enc::ValType::I32,
    }
}

/// Gives the core module of that number its own imports beside those that its stand-in has, and has the host asked for them.
fn insert(
    ir: &mut ComponentIr,
    number: u32,
    imports: &[ir::CoreImport],
    foreign: &[bool],
) -> Result<()> {
    let lost = || Error::Translate("the core module's imports were lost on the way".to_string());
    let mut position = None;
    let mut instance = 0;
    for (index, init) in ir.initializers.iter().enumerate() {
        match init {
            Initializer::Instantiate { module, .. } if *module == number => {
                position = Some(index);
                break;
            }
            Initializer::Instantiate { .. } | Initializer::InstantiateImport { .. } => {
                instance += 1
            }
            _ => {}
        }
    }
    let position = position.ok_or_else(lost)?;
    let Some(Initializer::Instantiate { args, .. }) = ir.initializers.get_mut(position) else {
        return Err(lost());
    };
    let mut theirs = std::mem::take(args).into_iter();
    for (import, foreign) in imports.iter().zip(foreign) {
        args.push(if *foreign {
            ir.core_imports.push(import.clone());
            CoreDef::Import(ir.core_imports.len() as u32 - 1)
        } else {
            theirs.next().ok_or_else(lost)?
        });
    }
    if theirs.next().is_some() {
        return Err(lost());
    }
    ir.initializers
        .insert(position + 1, Initializer::CoreInstantiated { instance });
    ir.initializers.insert(position, Initializer::LinkCore);
    Ok(())
}
