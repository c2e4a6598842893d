//! Core modules in scripts: they run on wasmer directly. The component scripts rarely have any, and of the core scripts' own
//! format this is what they need: `spectest`, numbers, null references, globals.

use std::collections::HashMap;
use wasmer::{
    Exports, Extern, Global, Imports, Instance, Memory, MemoryType, Module, Store, Table,
    TableType, Type, Value,
};
use wast::core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore};

/// The store that all core modules of a script share, and what is registered in it.
pub(crate) struct CoreWorld {
    store: Store,
    registered: HashMap<String, Exports>,
}

/// A trap of a core function.
pub(crate) struct Trap {
    pub message: String,
    pub is_exception: bool,
}

/// Why a core module gave no instance.
pub(crate) enum InstantiationFailed {
    Unlinkable(String),
    Trap(String),
}

impl CoreWorld {
    pub fn new() -> CoreWorld {
        let mut store = Store::default();
        let registered = HashMap::from([("spectest".to_string(), spectest(&mut store))]);
        CoreWorld { store, registered }
    }

    /// Compiles a module; the text says why it is none.
    pub fn compile(&self, bytes: &[u8]) -> Result<Module, String> {
        Module::from_binary(&self.store, bytes).map_err(|e| e.to_string())
    }

    pub fn instantiate(&mut self, module: &Module) -> Result<Instance, InstantiationFailed> {
        let mut imports = Imports::new();
        for (name, exports) in &self.registered {
            imports.register_namespace(name, exports.clone());
        }
        Instance::new(&mut self.store, module, &imports).map_err(|error| match error {
            wasmer::InstantiationError::Start(e)
            | wasmer::InstantiationError::Link(wasmer::LinkError::Trap(e)) => {
                InstantiationFailed::Trap(e.message())
            }
            other => InstantiationFailed::Unlinkable(other.to_string()),
        })
    }

    pub fn register(&mut self, name: &str, instance: &Instance) {
        self.registered
            .insert(name.to_string(), instance.exports.clone());
    }

    /// Calls a function. The outer error is the script's fault, the inner one a trap.
    pub fn invoke(
        &mut self,
        instance: &Instance,
        name: &str,
        args: &[Value],
    ) -> Result<Result<Vec<Value>, Trap>, String> {
        let function = instance
            .exports
            .get_function(name)
            .map_err(|_| format!("the module exports no function {name:?}"))?;
        let types = function.ty(&self.store);
        if types.params().len() != args.len()
            || types.params().iter().zip(args).any(|(ty, v)| v.ty() != *ty)
        {
            return Err(format!("function {name:?} is of type {types}"));
        }
        Ok(match function.call(&mut self.store, args) {
            Ok(values) => Ok(values.into_vec()),
            Err(error) => Err(Trap {
                message: error.message(),
                is_exception: error.is_exception() || error.message() == "uncaught exception",
            }),
        })
    }

    pub fn global(&mut self, instance: &Instance, name: &str) -> Result<Value, String> {
        let global = instance
            .exports
            .get_global(name)
            .map_err(|_| format!("the module exports no global {name:?}"))?
            .clone();
        Ok(global.get(&mut self.store))
    }
}

/// What core scripts import from `spectest`.
fn spectest(store: &mut Store) -> Exports {
    let mut exports = Exports::new();
    let prints: [(&str, &[Type]); 7] = [
        ("print", &[]),
        ("print_i32", &[Type::I32]),
        ("print_i64", &[Type::I64]),
        ("print_f32", &[Type::F32]),
        ("print_f64", &[Type::F64]),
        ("print_i32_f32", &[Type::I32, Type::F32]),
        ("print_f64_f64", &[Type::F64, Type::F64]),
    ];
    for (name, params) in prints {
        let ty = wasmer::FunctionType::new(params, &[][..]);
        exports.insert(name, wasmer::Function::new(store, ty, |_| Ok(Vec::new())));
    }
    let globals = [
        ("global_i32", Value::I32(666)),
        ("global_i64", Value::I64(666)),
        ("global_f32", Value::F32(666.6)),
        ("global_f64", Value::F64(666.6)),
    ];
    for (name, value) in globals {
        exports.insert(name, Global::new(store, value));
    }
    let ty = TableType::new(Type::FuncRef, 10, Some(20));
    if let Ok(table) = Table::new(store, ty, Value::FuncRef(None)) {
        exports.insert("table", Extern::Table(table));
    }
    if let Ok(memory) = Memory::new(store, MemoryType::new(1, Some(2), false)) {
        exports.insert("memory", Extern::Memory(memory));
    }
    exports
}

/// A script's argument as wasmer's value. The text says what is not supported.
pub(crate) fn lower(arg: &WastArgCore<'_>) -> Result<Value, String> {
    Ok(match arg {
        WastArgCore::I32(v) => Value::I32(*v),
        WastArgCore::I64(v) => Value::I64(*v),
        WastArgCore::F32(v) => Value::F32(f32::from_bits(v.bits)),
        WastArgCore::F64(v) => Value::F64(f64::from_bits(v.bits)),
        WastArgCore::V128(v) => Value::V128(u128::from_le_bytes(v.to_le_bytes())),
        WastArgCore::RefNull(HeapType::Abstract { ty, .. }) => match ty {
            AbstractHeapType::Func | AbstractHeapType::NoFunc => Value::FuncRef(None),
            AbstractHeapType::Extern | AbstractHeapType::NoExtern => Value::ExternRef(None),
            other => return Err(format!("arguments of type {other:?} are not supported")),
        },
        other => return Err(format!("arguments like {other:?} are not supported")),
    })
}

/// Whether wasmer's value is what the script wants.
pub(crate) fn same(expected: &WastRetCore<'_>, got: &Value) -> bool {
    match (expected, got) {
        (WastRetCore::I32(a), Value::I32(b)) => a == b,
        (WastRetCore::I64(a), Value::I64(b)) => a == b,
        (WastRetCore::F32(pattern), Value::F32(b)) => match pattern {
            NanPattern::CanonicalNan => b.to_bits() & 0x7fff_ffff == 0x7fc0_0000,
            NanPattern::ArithmeticNan => b.to_bits() & 0x7fc0_0000 == 0x7fc0_0000,
            NanPattern::Value(a) => a.bits == b.to_bits(),
        },
        (WastRetCore::F64(pattern), Value::F64(b)) => match pattern {
            NanPattern::CanonicalNan => b.to_bits() << 1 == 0x7ff8_0000_0000_0000 << 1,
            NanPattern::ArithmeticNan => {
                b.to_bits() & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000
            }
            NanPattern::Value(a) => a.bits == b.to_bits(),
        },
        (WastRetCore::RefNull(_), Value::FuncRef(None) | Value::ExternRef(None)) => true,
        (WastRetCore::RefFunc(_), Value::FuncRef(Some(_))) => true,
        (WastRetCore::RefExtern(None), Value::ExternRef(Some(_))) => true,
        (WastRetCore::Either(choices), got) => choices.iter().any(|choice| same(choice, got)),
        _ => false,
    }
}
