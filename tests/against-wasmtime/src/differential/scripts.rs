//! The same scripts on both runtimes: what they accept, what they refuse, what every call gives.
//!
//! What a script claims is not looked at (`component-wast` does that for the engine); only whether both runtimes do the same. An
//! instance that imports something is left out, and so are the calls of it: the two have no host in common.

use super::{classes, theirs};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wasmer_component::{Component, Engine, Instance, Linker, Store, Val};
use wasmtime::component as other;
use wast::component::WastVal;
use wast::lexer::Lexer;
use wast::parser::ParseBuffer;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke};

/// Says whether all was equal.
pub fn run(paths: &[PathBuf]) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.sort();
    let mut equal = true;
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let mut script = Script::new()?;
        script.run(&text);
        let Tally {
            compared,
            left_out,
            differences,
        } = script.tally;
        println!(
            "{}: {compared} compared, {left_out} left out, {} differ",
            file.display(),
            differences.len()
        );
        for difference in differences {
            println!("  {difference}");
            equal = false;
        }
    }
    Ok(equal)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "wast") {
            collect(&path, files)?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    compared: u64,
    left_out: u64,
    differences: Vec<String>,
}

/// An instance on both sides.
struct Both {
    ours: (Store<()>, Instance),
    theirs: (wasmtime::Store<()>, other::Instance),
}

type Definition = (Component, other::Component);

struct Script {
    ours: Engine,
    theirs: wasmtime::Engine,
    definitions: HashMap<Option<String>, Option<Definition>>,
    instances: HashMap<String, usize>,
    all: Vec<Option<Both>>,
    tally: Tally,
}

impl Script {
    fn new() -> anyhow::Result<Script> {
        Ok(Script {
            ours: component_fuzz::targets::engine()?,
            theirs: theirs::engine().map_err(|e| anyhow::anyhow!("{e:?}"))?,
            definitions: HashMap::new(),
            instances: HashMap::new(),
            all: Vec::new(),
            tally: Tally::default(),
        })
    }

    fn run(&mut self, text: &str) {
        let mut lexer = Lexer::new(text);
        lexer.allow_confusing_unicode(true);
        let parsed = ParseBuffer::new_with_lexer(lexer);
        let directives = parsed
            .as_ref()
            .map(|buffer| wast::parser::parse::<Wast<'_>>(buffer));
        let Ok(Ok(Wast { directives, .. })) = directives else {
            self.tally.left_out += 1;
            return;
        };
        for mut directive in directives {
            let line = directive.span().linecol_in(text).0 + 1;
            if let Err(difference) = self.directive(&mut directive) {
                self.tally
                    .differences
                    .push(format!("line {line}: {difference}"));
            }
        }
    }

    fn directive(&mut self, directive: &mut WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(wat) => {
                let name = wat.name().map(|id| id.name().to_string());
                let definition = self.define(wat.encode())?;
                self.instantiate(name, definition.as_ref())
            }
            WastDirective::ModuleDefinition(wat) => {
                let name = wat.name().map(|id| id.name().to_string());
                let definition = self.define(wat.encode())?;
                self.definitions.insert(name, definition);
                Ok(())
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                let definition = self
                    .definitions
                    .get(&module.map(|id| id.name().to_string()))
                    .cloned()
                    .flatten();
                self.instantiate(
                    instance.map(|id| id.name().to_string()),
                    definition.as_ref(),
                )
            }
            WastDirective::AssertMalformed { module, .. }
            | WastDirective::AssertInvalid { module, .. } => self.refused(module),
            WastDirective::Invoke(invoke)
            | WastDirective::AssertExhaustion { call: invoke, .. }
            | WastDirective::AssertReturn {
                exec: WastExecute::Invoke(invoke),
                ..
            }
            | WastDirective::AssertTrap {
                exec: WastExecute::Invoke(invoke),
                ..
            } => self.invoke(invoke),
            WastDirective::AssertTrap {
                exec: WastExecute::Wat(wat),
                ..
            }
            | WastDirective::AssertReturn {
                exec: WastExecute::Wat(wat),
                ..
            } => {
                let definition = self.define(wat.encode())?;
                self.instantiate(None, definition.as_ref())
            }
            _ => {
                self.tally.left_out += 1;
                Ok(())
            }
        }
    }

    fn refused(&mut self, module: &mut QuoteWat<'_>) -> Result<(), String> {
        self.define(module.encode()).map(drop)
    }

    /// Compiles on both sides. None: both refuse it, or it is not a component.
    fn define(
        &mut self,
        bytes: Result<Vec<u8>, wast::Error>,
    ) -> Result<Option<Definition>, String> {
        let Ok(bytes) = bytes else {
            self.tally.left_out += 1;
            return Ok(None);
        };
        // The layer field of the header: 1 is a component.
        if bytes.get(6) != Some(&1) {
            self.tally.left_out += 1;
            return Ok(None);
        }
        self.tally.compared += 1;
        match (
            Component::new(&self.ours, &bytes),
            other::Component::new(&self.theirs, &bytes),
        ) {
            (Ok(ours), Ok(theirs)) => Ok(Some((ours, theirs))),
            (Err(_), Err(_)) => Ok(None),
            (Ok(_), Err(theirs)) if known(&format!("{theirs:?}")) => Ok(None),
            (Err(ours), Ok(_)) if known(&ours.to_string()) => Ok(None),
            (Ok(_), Err(theirs)) => Err(format!("only ours accepts it; theirs: {theirs:#}")),
            (Err(ours), Ok(_)) => Err(format!("only theirs accepts it; ours: {ours}")),
        }
    }

    fn instantiate(
        &mut self,
        name: Option<String>,
        definition: Option<&Definition>,
    ) -> Result<(), String> {
        let (slot, outcome) = match definition {
            Some((ours, theirs)) if ours.imports().len() == 0 => {
                self.tally.compared += 1;
                self.instantiate_both(ours, theirs)
            }
            _ => {
                self.tally.left_out += 1;
                (None, Ok(()))
            }
        };
        if let Some(name) = name {
            self.instances.insert(name, self.all.len());
        }
        self.all.push(slot);
        outcome
    }

    fn instantiate_both(
        &self,
        ours: &Component,
        theirs: &other::Component,
    ) -> (Option<Both>, Result<(), String>) {
        let our_side = || {
            let mut store = Store::new(&self.ours, ()).map_err(|e| e.to_string())?;
            let instance = Linker::new(&self.ours).instantiate(&mut store, ours);
            instance
                .map(|instance| (store, instance))
                .map_err(|e| e.to_string())
        };
        let their_side = || {
            let mut store = wasmtime::Store::new(&self.theirs, ());
            let instance = other::Linker::new(&self.theirs).instantiate(&mut store, theirs);
            instance
                .map(|instance| (store, instance))
                .map_err(|e| format!("{e:?}"))
        };
        match (our_side(), their_side()) {
            (Ok(ours), Ok(theirs)) => (Some(Both { ours, theirs }), Ok(())),
            (Err(ours), Err(theirs)) => (None, same_failure(&ours, &theirs)),
            (Ok(_), Err(theirs)) => (
                None,
                Err(format!("only ours instantiates; theirs: {theirs}")),
            ),
            (Err(ours), Ok(_)) => (None, Err(format!("only theirs instantiates; ours: {ours}"))),
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<(), String> {
        let at = match invoke.module {
            Some(id) => self.instances.get(id.name()).copied(),
            None => self.all.len().checked_sub(1),
        };
        let Some((at, Some(both))) = at.and_then(|at| Some((at, self.all.get_mut(at)?.as_mut())))
        else {
            self.tally.left_out += 1;
            return Ok(());
        };
        let args = invoke.args.iter().map(|arg| match arg {
            WastArg::Component(value) => Some((ours_of(value)?, theirs_of(value)?)),
            _ => None,
        });
        let Some(args) = args.collect::<Option<Vec<_>>>() else {
            self.tally.left_out += 1;
            return Ok(());
        };
        let (our_args, their_args): (Vec<_>, Vec<_>) = args.into_iter().unzip();
        let (our_store, our_instance) = &mut both.ours;
        let (their_store, their_instance) = &mut both.theirs;
        let funcs = (
            our_instance.get_func(&mut *our_store, invoke.name),
            their_instance.get_func(&mut *their_store, invoke.name),
        );
        self.tally.compared += 1;
        let (ours, theirs) = match funcs {
            (Some(ours), Some(theirs)) => (ours, theirs),
            (None, None) => return Ok(()),
            (ours, _) => {
                let whose = if ours.is_some() { "ours" } else { "theirs" };
                return Err(format!("{} is exported by {whose} only", invoke.name));
            }
        };
        let ours = ours.call(&mut *our_store, &our_args);
        let mut results = vec![other::Val::Bool(false); theirs.ty(&*their_store).results().len()];
        let theirs = theirs.call(&mut *their_store, &their_args, &mut results);
        match (ours, theirs) {
            (Ok(ours), Ok(())) => {
                let ours: String = ours.iter().map(show).collect();
                let theirs: String = results.iter().map(show_theirs).collect();
                match ours == theirs {
                    true => Ok(()),
                    false => Err(format!("{}: ours {ours}, theirs {theirs}", invoke.name)),
                }
            }
            (Err(ours), Err(theirs)) => {
                // What may be called after a failure is the embedder's affair, and theirs lets more pass.
                if let Some(slot) = self.all.get_mut(at) {
                    *slot = None;
                }
                same_failure(&told(&ours), &format!("{theirs:?}"))
            }
            (ours, theirs) => Err(format!("{}: ours {ours:?}, theirs {theirs:?}", invoke.name)),
        }
    }
}

/// What only one of the two has, by words of the other's refusal; and why that is no difference to be told.
const KNOWN: &[&str] = &[
    // Proposals that theirs has switched off, or was built without.
    "the component model",
    "proposal not enabled",
    "feature is not active",
    // Names that differ only in hyphens: the newer rule of the specification, which theirs does not check yet.
    "conflicts with previous name",
];

fn known(refusal: &str) -> bool {
    KNOWN.iter().any(|words| refusal.contains(words))
}

/// What went wrong, without the function's name, which may be any word.
pub fn told(error: &wasmer_component::Error) -> String {
    match error {
        wasmer_component::Error::Trap(trap) => trap.message.to_string(),
        error => error.to_string(),
    }
}

/// Both failed: the kinds must be the same where both are known.
fn same_failure(ours: &str, theirs: &str) -> Result<(), String> {
    match (classes::kind(ours), classes::kind(theirs)) {
        (Some(a), Some(b)) if a != b => Err(format!("ours {ours}, theirs {theirs}")),
        _ => Ok(()),
    }
}

/// A script's value on either side, where the two agree on how values are named.
macro_rules! value_of {
    ($name:ident, $val:ty, $f32:ident, $f64:ident, |$bytes:ident| $list:expr) => {
        fn $name(value: &WastVal<'_>) -> Option<$val> {
            type V = $val;
            let boxed = |value: &Option<Box<WastVal<'_>>>| match value {
                None => Some(None),
                Some(value) => $name(value).map(|v| Some(Box::new(v))),
            };
            Some(match value {
                WastVal::Bool(v) => V::Bool(*v),
                WastVal::U8(v) => V::U8(*v),
                WastVal::S8(v) => V::S8(*v),
                WastVal::U16(v) => V::U16(*v),
                WastVal::S16(v) => V::S16(*v),
                WastVal::U32(v) => V::U32(*v),
                WastVal::S32(v) => V::S32(*v),
                WastVal::U64(v) => V::U64(*v),
                WastVal::S64(v) => V::S64(*v),
                WastVal::F32(v) => V::$f32(f32::from_bits(v.bits)),
                WastVal::F64(v) => V::$f64(f64::from_bits(v.bits)),
                WastVal::Char(v) => V::Char(*v),
                WastVal::String(v) => V::String((*v).to_string()),
                WastVal::List(v) => {
                    let $bytes = v;
                    match $list {
                        Some(list) => list,
                        None => V::List(v.iter().map($name).collect::<Option<_>>()?),
                    }
                }
                WastVal::Record(v) => V::Record(
                    v.iter()
                        .map(|(name, v)| Some((name.to_string(), $name(v)?)))
                        .collect::<Option<_>>()?,
                ),
                WastVal::Tuple(v) => V::Tuple(v.iter().map($name).collect::<Option<_>>()?),
                WastVal::Variant(name, v) => V::Variant(name.to_string(), boxed(v)?),
                WastVal::Enum(name) => V::Enum(name.to_string()),
                WastVal::Option(v) => V::Option(boxed(v)?),
                WastVal::Result(Ok(v)) => V::Result(Ok(boxed(v)?)),
                WastVal::Result(Err(v)) => V::Result(Err(boxed(v)?)),
                WastVal::Flags(v) => V::Flags(v.iter().map(|name| name.to_string()).collect()),
            })
        }
    };
}

value_of!(ours_of, Val, F32, F64, |bytes| {
    let byte = |v: &WastVal<'_>| match v {
        WastVal::U8(byte) => Some(*byte),
        _ => None,
    };
    let all: Option<Vec<u8>> = bytes.iter().map(byte).collect();
    // An empty list may be one of anything; nothing in a script says of what.
    all.filter(|bytes| !bytes.is_empty()).map(Val::Bytes)
});
value_of!(theirs_of, other::Val, Float32, Float64, |_bytes| None);

/// A result in words that are the same for both.
macro_rules! shown {
    ($name:ident, $val:ty, $f32:ident, $f64:ident $(, $more:pat => $shown:expr)*) => {
        fn $name(value: &$val) -> String {
            type V = $val;
            let boxed = |v: &Option<Box<V>>| v.as_ref().map_or(String::new(), |v| $name(v));
            let all = |v: &[V]| v.iter().map($name).collect::<Vec<_>>().join(" ");
            match value {
                V::$f32(v) if v.is_nan() => "nan".to_string(),
                V::$f64(v) if v.is_nan() => "nan".to_string(),
                V::$f32(v) => format!("f32 {v:?}"),
                V::$f64(v) => format!("f64 {v:?}"),
                V::List(v) => format!("[{}]", all(v)),
                V::Tuple(v) => format!("({})", all(v)),
                V::Record(v) => {
                    let fields: Vec<_> = v.iter().map(|(name, v)| format!("{name}: {}", $name(v))).collect();
                    format!("{{{}}}", fields.join(", "))
                }
                V::Map(v) => {
                    let entries: Vec<_> = v.iter().map(|(k, v)| format!("{} = {}", $name(k), $name(v))).collect();
                    format!("map {}", entries.join(", "))
                }
                V::Variant(name, v) => format!("{name}({})", boxed(v)),
                V::Option(v) => format!("option({})", boxed(v)),
                V::Result(Ok(v)) => format!("ok({})", boxed(v)),
                V::Result(Err(v)) => format!("err({})", boxed(v)),
                V::Resource(_) => "a resource".to_string(),
                $($more => $shown,)*
                plain => format!("{plain:?}"),
            }
        }
    };
}

shown!(show, Val, F32, F64,
    Val::Bytes(v) => {
        let bytes: Vec<_> = v.iter().map(|byte| format!("U8({byte})")).collect();
        format!("[{}]", bytes.join(" "))
    },
    Val::Numbers(v) => {
        let numbers: Vec<_> = (0..v.len()).filter_map(|i| v.get(i)).map(|v| show(&v)).collect();
        format!("[{}]", numbers.join(" "))
    }
);
shown!(show_theirs, other::Val, Float32, Float64, other::Val::FixedLengthList(v) => {
    format!("[{}]", v.iter().map(show_theirs).collect::<Vec<_>>().join(" "))
});
