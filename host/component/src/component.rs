//! A component, compiled: what can be instantiated any number of times.

use crate::artifact;
use crate::engine::Engine;
use crate::error::Result;
use crate::ir::{ComponentIr, Export};
use crate::types::{ExternType, FuncType, Types};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// A compiled component. Cheap to clone.
///
/// ```
/// use wasmer_component::{Component, Config, Engine};
/// let engine = Engine::new(&Config::new())?;
/// let component = Component::new(&engine, &wat::parse_str("(component)").unwrap())?;
/// assert_eq!(component.exports().count(), 0);
/// # Ok::<(), wasmer_component::Error>(())
/// ```
#[derive(Clone)]
pub struct Component {
    pub(crate) inner: Arc<ComponentInner>,
}

pub(crate) struct ComponentInner {
    pub engine: Engine,
    pub ir: ComponentIr,
    pub modules: Vec<wasmer::Module>,
    /// Exported functions and core modules by path, as indices into the IR's export items.
    pub items: HashMap<Vec<String>, usize>,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("imports", &self.inner.ir.imports.len())
            .field("exports", &self.inner.ir.exports.len())
            .field("modules", &self.inner.modules.len())
            .finish()
    }
}

impl Component {
    /// Validates, translates and compiles a component in the binary format.
    ///
    /// # Errors
    /// [`crate::Error::Translate`] when the bytes are no valid component, [`crate::Error::Unsupported`] when it needs what this runtime
    /// does not have, [`crate::Error::Compile`] when a core module of it does not compile, [`crate::Error::Engine`] when the engine has no
    /// compiler.
    #[cfg(feature = "compiler")]
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Component> {
        engine.expect_compiler()?;
        Component::compile(engine, crate::translate::translate(bytes)?)
    }

    /// The same for a core module that carries a world's canonical exports and was not made a component. It is used as a component
    /// is, from here on and from an artifact; what it imports beside its world comes from [`crate::Linker::core_imports`].
    ///
    /// # Errors
    /// As [`Component::new`], and [`crate::Error::Translate`] too when the module does not say which world it is of, or does not
    /// keep to it.
    #[cfg(feature = "core-modules")]
    pub fn from_core_module(
        engine: &Engine,
        module: &crate::core_module::CoreModule<'_>,
    ) -> Result<Component> {
        engine.expect_compiler()?;
        Component::compile(engine, crate::core_module::translate(module)?)
    }

    #[cfg(feature = "compiler")]
    fn compile(engine: &Engine, translated: crate::translate::Translated) -> Result<Component> {
        let crate::translate::Translated {
            mut ir,
            modules: binaries,
        } = translated;
        let unchecked = match engine.compiler() {
            crate::Compiler::Llvm => crate::sole_memory::sole_memory(&ir, &binaries),
            _ => None,
        };
        ir.calls_through_host = unchecked.is_some();
        let mut modules = Vec::new();
        for (number, module) in (0..).zip(&binaries) {
            modules.push(match unchecked == Some(number) {
                true => engine.compile_unchecked(module, number as usize)?,
                false => engine.compile(module, number as usize)?,
            });
        }
        Ok(Component::from_parts(engine, ir, modules))
    }

    pub(crate) fn from_parts(
        engine: &Engine,
        ir: ComponentIr,
        modules: Vec<wasmer::Module>,
    ) -> Component {
        let items = ir
            .export_items
            .iter()
            .enumerate()
            .map(|(index, item)| (item.path.clone(), index))
            .collect();
        Component {
            inner: Arc::new(ComponentInner {
                engine: engine.clone(),
                ir,
                modules,
                items,
            }),
        }
    }

    /// The compiled component as bytes, for [`Component::deserialize`] with an engine of the same fingerprint.
    ///
    /// # Errors
    /// [`crate::Error::Artifact`] when a module cannot be serialised.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        artifact::serialize(&self.inner)
    }

    /// Takes a component out of an artifact, without translating or compiling. The bytes are copied; see
    /// [`Component::deserialize_bytes`] for large ones.
    ///
    /// # Errors
    /// [`crate::Error::Artifact`] when it was made by another version, compiler or machine, or is damaged.
    ///
    /// # Safety
    /// The artifact holds machine code, which will be run as it is. The checks find accidents, not malice: `bytes` must come
    /// from [`Component::serialize`] and from a place where nobody else can write.
    pub unsafe fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Component> {
        // SAFETY: the caller's promise is the same as the one demanded.
        unsafe { artifact::deserialize(engine, Bytes::copy_from_slice(bytes)) }
    }

    /// As [`Component::deserialize`], of memory that is shared instead of copied, and kept as long as the component: a mapped
    /// file, for instance. An artifact that begins at a multiple of 16 is used where it lies.
    ///
    /// # Errors
    /// As [`Component::deserialize`].
    ///
    /// # Safety
    /// As [`Component::deserialize`]; and the memory must not change as long as the component is there.
    pub unsafe fn deserialize_bytes(engine: &Engine, bytes: Bytes) -> Result<Component> {
        // SAFETY: the caller's promise is the same as the one demanded.
        unsafe { artifact::deserialize(engine, bytes) }
    }

    /// As [`Component::deserialize`], of a file, which is mapped: what is not used is not read. Wasmer copies the machine code,
    /// since that is relocated; data segments and what is only needed for traps stay in the file.
    ///
    /// # Errors
    /// As [`Component::deserialize`], and when the file cannot be mapped.
    ///
    /// # Safety
    /// As [`Component::deserialize`]; and nobody may change the file or make it shorter as long as the component is there.
    /// Removing it, or renaming another one over it, is no such change.
    pub unsafe fn deserialize_file(
        engine: &Engine,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Component> {
        // SAFETY: the caller's promises are the same as those demanded.
        unsafe {
            let bytes = artifact::map(path.as_ref())?;
            artifact::deserialize(engine, bytes)
        }
    }

    /// The engine it was compiled with.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Its types, in which the types of imports and exports are looked up.
    pub fn types(&self) -> &Types {
        &self.inner.ir.types
    }

    /// What it imports: names and types, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = (&str, &ExternType)> {
        self.inner
            .ir
            .imports
            .iter()
            .map(|(name, ty)| (name.as_str(), ty))
    }

    /// What it exports: names and types, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = (&str, &ExternType)> {
        self.inner
            .ir
            .exports
            .iter()
            .map(|(name, ty)| (name.as_str(), ty))
    }

    /// What it imports that is no part of a world: of a core module that was not made a component the functions that
    /// [`crate::Linker::core_imports`] has to give, as module name, name and type.
    pub fn core_imports(&self) -> impl Iterator<Item = (&str, &str, &crate::CoreType)> {
        self.inner
            .ir
            .core_imports
            .iter()
            .filter(|import| matches!(import.ty, crate::CoreType::Func { .. }))
            .map(|import| (import.module.as_str(), import.name.as_str(), &import.ty))
    }

    /// The type of an exported function. None when there is none of that name.
    pub fn function(&self, path: impl Into<ExportPath>) -> Option<&FuncType> {
        let index = self.inner.find(&path.into())?;
        match &self.inner.ir.export_items.get(index)?.item {
            Export::Func { ty, .. } => self.inner.ir.types.func(*ty),
            _ => None,
        }
    }
}

impl ComponentInner {
    /// Finds an exported item: by its very name, or by an interface of the same track of versions.
    pub(crate) fn find(&self, path: &ExportPath) -> Option<usize> {
        if let Some(index) = self.items.get(&path.0) {
            return Some(*index);
        }
        let [interface, function] = path.0.as_slice() else {
            return None;
        };
        let (name, _) = crate::names::find(&self.ir.exports, interface)?;
        self.items
            .get(&vec![name.clone(), function.clone()])
            .copied()
    }
}

/// The way to an exported function: `"run"` at the root, `("ns:pkg/interface@1.0.0", "run")` in an interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExportPath(pub(crate) Vec<String>);

impl From<&str> for ExportPath {
    fn from(name: &str) -> ExportPath {
        ExportPath(vec![name.to_string()])
    }
}

impl From<(&str, &str)> for ExportPath {
    fn from((interface, name): (&str, &str)) -> ExportPath {
        ExportPath(vec![interface.to_string(), name.to_string()])
    }
}

impl std::fmt::Display for ExportPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("#"))
    }
}
