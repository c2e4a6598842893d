//! What has to be done to instantiate a component, as a list of steps.
//!
//! The translator flattens nested components into one list of initialisers whose indices and types are its own
//! and change with every release. This is the part of it that outlives a release: plain data, serialisable, with core exports
//! named instead of numbered (names survive compilation, index spaces are the compiler's affair) and with every
//! core signature spelt out. A compiled artifact holds exactly this and the compiled modules.
//!
//! Written by `translate`, stored by `artifact`, carried out by `instance`. Nothing here knows wasmer or the translator.

use crate::module::CoreType;
use crate::types::{ExternType, FlatType, FuncTypeId, ResourceTableId, Types};
use serde::{Deserialize, Serialize};

/// A component, ready to be instantiated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComponentIr {
    pub types: Types,
    /// What the component imports, by name.
    pub imports: Vec<(String, ExternType)>,
    /// What the component exports, by name.
    pub exports: Vec<(String, ExternType)>,
    /// The single items, deep in the imports, that something refers to.
    pub runtime_imports: Vec<RuntimeImport>,
    pub export_items: Vec<ExportItem>,
    pub initializers: Vec<Initializer>,
    pub trampolines: Vec<Trampoline>,
    pub options: Vec<CanonicalOptions>,
    /// Resource types, imported ones first.
    pub resources: Vec<Resource>,
    pub num_component_instances: u32,
    /// Whether fused adapters read and write the component instances' flags, so that they must be core globals.
    pub flags_are_globals: bool,
    /// What a core module that stands for a component imports beside its world.
    pub core_imports: Vec<CoreImport>,
    /// The core modules give functions to one another only through the host, since one of them was compiled for that
    /// (`sole_memory`).
    pub calls_through_host: bool,
}

/// An import of a core module that is no part of any world: a function, or the module's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoreImport {
    pub module: String,
    pub name: String,
    pub ty: CoreType,
}

/// An item inside an import: `import` names the outermost, `path` leads on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuntimeImport {
    pub import: u32,
    pub path: Vec<String>,
}

/// One step of instantiation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Initializer {
    /// Instantiates a core module of the component; the instances are numbered in order.
    Instantiate {
        module: u32,
        args: Vec<CoreDef>,
    },
    /// Instantiates a core module that is imported: module name, item name and item for each of its imports.
    InstantiateImport {
        import: u32,
        args: Vec<(String, String, CoreDef)>,
    },
    /// Has the host give the core imports, just before the module that has them is instantiated.
    LinkCore,
    /// Tells the host that it is.
    CoreInstantiated {
        instance: u32,
    },
    /// Takes note of an instance's memory; memories are numbered by `index`, as are the following.
    Memory {
        index: u32,
        export: CoreExport,
    },
    Realloc {
        index: u32,
        def: CoreDef,
    },
    PostReturn {
        index: u32,
        def: CoreDef,
    },
    Table {
        index: u32,
        export: CoreExport,
    },
    /// Takes note of the destructor of a resource that the component defines.
    Resource {
        resource: u32,
        dtor: Option<CoreDef>,
    },
}

/// A core item that a core module imports, or that is otherwise referred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CoreDef {
    Export(CoreExport),
    Trampoline(u32),
    /// One of the core imports.
    Import(u32),
    /// The global that holds a component instance's may-leave flag.
    InstanceFlags(u32),
    /// A global that is 1 where a task may block; ours may not.
    TaskMayBlock,
}

/// An export of a core instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoreExport {
    pub instance: u32,
    pub name: String,
}

/// Something that the component exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportItem {
    /// Path to it: `["interface", "function"]`, or one name at the root.
    pub path: Vec<String>,
    pub item: Export,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Export {
    Func {
        ty: FuncTypeId,
        func: CoreDef,
        options: u32,
    },
    Resource(ResourceTableId),
    Module(u32),
    /// A core module that is imported, by the number of the runtime import.
    ImportedModule(u32),
}

/// A core function that the host's side provides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trampoline {
    pub params: Vec<FlatType>,
    pub results: Vec<FlatType>,
    pub kind: TrampolineKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TrampolineKind {
    /// Calls an imported function.
    LowerImport {
        import: u32,
        ty: FuncTypeId,
        options: u32,
    },
    ResourceNew {
        instance: u32,
        table: ResourceTableId,
    },
    ResourceRep {
        instance: u32,
        table: ResourceTableId,
    },
    ResourceDrop {
        instance: u32,
        table: ResourceTableId,
    },
    /// Moves an own handle between two component instances; the tables are arguments.
    ResourceTransferOwn,
    /// Lends a handle to another component instance for the length of a call.
    ResourceTransferBorrow,
    /// Brackets a call between component instances.
    EnterSyncCall,
    ExitSyncCall,
    /// Converts a string between two memories.
    Transcode {
        op: Transcode,
        from: u32,
        to: u32,
    },
    /// Raises the trap whose number is the argument; what each number means.
    Trap(Vec<String>),
    /// Gives, or sets, one of the two words that each running call has.
    ContextGet(u8),
    ContextSet(u8),
    /// A builtin of the asynchronous model: may be declared, traps when called.
    Async(String),
}

/// From one string encoding to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Transcode {
    CopyUtf8,
    CopyUtf16,
    CopyLatin1,
    Latin1ToUtf16,
    Latin1ToUtf8,
    Utf16ToCompactProbablyUtf16,
    Utf16ToCompactUtf16,
    Utf16ToLatin1,
    Utf16ToUtf8,
    Utf8ToCompactUtf16,
    Utf8ToLatin1,
    Utf8ToUtf16,
}

/// How strings lie in a guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StringEncoding {
    Utf8,
    Utf16,
    /// Latin-1 or UTF-16, told apart by the top bit of the length.
    CompactUtf16,
}

/// How a function's values are lifted and lowered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CanonicalOptions {
    pub instance: u32,
    pub string_encoding: StringEncoding,
    pub memory: Option<u32>,
    pub realloc: Option<u32>,
    pub post_return: Option<u32>,
    pub is_async: bool,
}

/// A resource type that the component imports or defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resource {
    /// Index of the runtime import.
    Imported(u32),
    /// Index of the component instance that defines it.
    Defined(u32),
}
