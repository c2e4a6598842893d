//! Core modules as values: what a component may import to instantiate by itself, and what it may export.
//!
//! A component that imports a core module says what the module must export and what it may import; the check is here
//! ([`ModuleType::satisfied_by`]), carrying it out is in `instance`. Modules inside a component are no concern of this file.

use crate::engine::Engine;
use crate::error::TypeMismatch;
#[cfg(feature = "compiler")]
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A compiled core module, to be given to components that import one ([`crate::LinkerInstance::module`]) or taken from
/// one that exports one ([`crate::Instance::get_module`]). Cheap to clone.
#[derive(Clone)]
pub struct Module {
    pub(crate) engine: Engine,
    pub(crate) wasmer: wasmer::Module,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("ty", &self.ty())
            .finish_non_exhaustive()
    }
}

impl Module {
    /// Validates and compiles a core module in the binary format.
    ///
    /// # Errors
    /// [`Error::Compile`] when the bytes are no core module or not a valid one, [`Error::Engine`] when the engine has no compiler.
    #[cfg(feature = "compiler")]
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Module> {
        engine.expect_compiler()?;
        if !bytes.starts_with(b"\0asm\x01\0\0\0") {
            return Err(Error::Compile {
                module: 0,
                message: "the bytes are not a core module in the binary format".to_string(),
            });
        }
        let wasmer = engine.compile(bytes, 0)?;
        Ok(Module {
            engine: engine.clone(),
            wasmer,
        })
    }

    /// What it imports and exports.
    pub fn ty(&self) -> ModuleType {
        ModuleType {
            imports: self
                .wasmer
                .imports()
                .map(|i| {
                    (
                        i.module().to_string(),
                        i.name().to_string(),
                        core_type(i.ty()),
                    )
                })
                .collect(),
            exports: self
                .wasmer
                .exports()
                .map(|e| (e.name().to_string(), core_type(e.ty())))
                .collect(),
        }
    }
}

/// The imports and exports of a core module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleType {
    /// Module name, item name, type; in order.
    pub imports: Vec<(String, String, CoreType)>,
    /// Name and type; in order.
    pub exports: Vec<(String, CoreType)>,
}

/// The type of a core module's import or export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoreType {
    /// A function.
    Func {
        /// Types of its parameters.
        params: Vec<CoreValueType>,
        /// Types of its results.
        results: Vec<CoreValueType>,
    },
    /// A table.
    Table {
        /// Type of its elements.
        element: CoreValueType,
        /// Number of elements at first, and at most.
        limits: (u64, Option<u64>),
    },
    /// A linear memory.
    Memory {
        /// Pages of 64 KiB at first, and at most.
        limits: (u64, Option<u64>),
        /// Whether threads may share it.
        shared: bool,
    },
    /// A global.
    Global {
        /// Type of its value.
        ty: CoreValueType,
        /// Whether it may be set.
        mutable: bool,
    },
    /// An exception's tag.
    Tag {
        /// What an exception carries.
        params: Vec<CoreValueType>,
    },
}

/// The type of a core value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoreValueType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
    /// A reference type, by its name in the text format.
    Ref(String),
}

impl std::fmt::Display for CoreValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CoreValueType::I32 => "i32",
            CoreValueType::I64 => "i64",
            CoreValueType::F32 => "f32",
            CoreValueType::F64 => "f64",
            CoreValueType::V128 => "v128",
            CoreValueType::Ref(name) => name,
        })
    }
}

struct List<'a>(&'a [CoreValueType]);

impl std::fmt::Display for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(CoreValueType::to_string).collect();
        write!(f, "({})", names.join(", "))
    }
}

fn limits((min, max): (u64, Option<u64>)) -> String {
    max.map_or(format!("{min} or more"), |max| format!("{min} to {max}"))
}

impl std::fmt::Display for CoreType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CoreType::Func { params, results } => {
                write!(f, "function {} -> {}", List(params), List(results))
            }
            CoreType::Table { element, limits: l } => {
                write!(f, "table of {} {element}", limits(*l))
            }
            CoreType::Memory { limits: l, shared } => write!(
                f,
                "{}memory of {} pages",
                if *shared { "shared " } else { "" },
                limits(*l)
            ),
            CoreType::Global { ty, mutable } => write!(
                f,
                "{}global of {ty}",
                if *mutable { "mutable " } else { "" }
            ),
            CoreType::Tag { params } => write!(f, "tag {}", List(params)),
        }
    }
}

impl CoreType {
    /// Whether an item of this type can stand where `wanted` is wanted.
    fn matches(&self, wanted: &CoreType) -> bool {
        let within = |have: (u64, Option<u64>), want: (u64, Option<u64>)| {
            have.0 >= want.0
                && want
                    .1
                    .is_none_or(|most| have.1.is_some_and(|max| max <= most))
        };
        match (self, wanted) {
            (
                CoreType::Table { element, limits },
                CoreType::Table {
                    element: e,
                    limits: l,
                },
            ) => element == e && within(*limits, *l),
            (
                CoreType::Memory { limits, shared },
                CoreType::Memory {
                    limits: l,
                    shared: s,
                },
            ) => shared == s && within(*limits, *l),
            (have, want) => have == want,
        }
    }
}

impl ModuleType {
    /// Whether a module of type `offered` can be used as one of this type: it exports all that is wanted, and imports
    /// nothing else than what it will be given.
    pub(crate) fn satisfied_by(&self, offered: &ModuleType) -> Result<(), TypeMismatch> {
        for (name, wanted) in &self.exports {
            let found = offered.exports.iter().find(|(n, _)| n == name);
            let Some((_, found)) = found else {
                return Err(TypeMismatch::new("no such export", wanted)
                    .within(format!("export {name} of the core module")));
            };
            if !found.matches(wanted) {
                return Err(TypeMismatch::new(found.to_string(), wanted)
                    .within(format!("export {name} of the core module")));
            }
        }
        for (module, name, wanted) in &offered.imports {
            let within = || format!("import {module} {name} of the core module");
            let given = self
                .imports
                .iter()
                .find(|(m, n, _)| m == module && n == name);
            let Some((_, _, given)) = given else {
                return Err(
                    TypeMismatch::new(wanted.to_string(), "no such import").within(within())
                );
            };
            if !given.matches(wanted) {
                return Err(TypeMismatch::new(wanted.to_string(), given).within(within()));
            }
        }
        Ok(())
    }
}

fn core_type(ty: &wasmer::ExternType) -> CoreType {
    let list = |types: &[wasmer::Type]| types.iter().map(|ty| value_type(*ty)).collect();
    match ty {
        wasmer::ExternType::Function(ty) => CoreType::Func {
            params: list(ty.params()),
            results: list(ty.results()),
        },
        wasmer::ExternType::Global(ty) => CoreType::Global {
            ty: value_type(ty.ty),
            mutable: ty.mutability.is_mutable(),
        },
        wasmer::ExternType::Table(ty) => {
            let ty = crate::tables::declared(ty);
            CoreType::Table {
                element: value_type(ty.ty),
                limits: (ty.minimum.into(), ty.maximum.map(u64::from)),
            }
        }
        wasmer::ExternType::Memory(ty) => CoreType::Memory {
            limits: (ty.minimum.0.into(), ty.maximum.map(|p| p.0.into())),
            shared: ty.shared,
        },
        wasmer::ExternType::Tag(ty) => CoreType::Tag {
            params: list(&ty.params),
        },
    }
}

fn value_type(ty: wasmer::Type) -> CoreValueType {
    match ty {
        wasmer::Type::I32 => CoreValueType::I32,
        wasmer::Type::I64 => CoreValueType::I64,
        wasmer::Type::F32 => CoreValueType::F32,
        wasmer::Type::F64 => CoreValueType::F64,
        wasmer::Type::V128 => CoreValueType::V128,
        wasmer::Type::FuncRef => CoreValueType::Ref("funcref".to_string()),
        wasmer::Type::ExternRef => CoreValueType::Ref("externref".to_string()),
        wasmer::Type::ExceptionRef => CoreValueType::Ref("exnref".to_string()),
    }
}
