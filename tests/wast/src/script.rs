//! Carries out a script, directive after directive.
//!
//! All component instances of a script live in one store, so that what a named one exports can be offered to later ones through the
//! linker: modules and resource types as they are, functions by a call of the other instance.

use crate::core::{self, CoreWorld, InstantiationFailed};
use crate::messages::{same_reason, same_wording};
use crate::report::{FileReport, Verdict};
use crate::{host, proposals, values};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use wasmer_component::types::{ExternType, FuncType};
use wasmer_component::{
    Component, Config, Engine, Error, ExportPath, Instance, Linker, LinkerInstance, Store,
    StoreContextMut, Val,
};
use wast::component::WastVal;
use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::lexer::{Lexer, TokenKind};
use wast::parser::ParseBuffer;
use wast::token::{F32, F64, Id};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

/// A call that takes longer is a failure: a script must not run for ever.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a script; `name` is what the report calls it.
///
/// ```
/// let report = component_wast::run_script("answer.wast", r#"
///     (component
///       (core module $m (func (export "answer") (result i32) (i32.const 42)))
///       (core instance $i (instantiate $m))
///       (func (export "answer") (result u32) (canon lift (core func $i "answer"))))
///     (assert_return (invoke "answer") (u32.const 42))
/// "#);
/// assert_eq!((report.passed, report.failed, report.skipped), (2, 0, 0));
/// ```
pub fn run_script(name: &str, text: &str) -> FileReport {
    let mut report = FileReport::new(name);
    let mut script = match Script::new() {
        Ok(script) => script,
        Err(error) => {
            report.add(
                (1, 1),
                "parse",
                Verdict::failed("an engine", error.to_string()),
            );
            return report;
        }
    };
    match with_directives(text, |directives| script.run(text, directives, &mut report)) {
        Ok(()) => {}
        // Something in it is no directive. The others may be.
        Err(error) => match directive_texts(text) {
            Ok(parts) if parts.len() > 1 => {
                for part in parts {
                    let result = with_directives(&part, |directives| {
                        script.run(text, directives, &mut report)
                    });
                    if let Err(error) = result {
                        let (line, absent) = unparsed(&mut report, text, &error);
                        script.lose(&part, line, absent);
                    }
                }
            }
            _ => {
                unparsed(&mut report, text, &error);
            }
        },
    }
    report
}

/// Reports a text that is no directive; gives the line where it stops being one, and why.
fn unparsed(report: &mut FileReport, text: &str, error: &wast::Error) -> (usize, Absent) {
    let place = place(error.span(), text);
    let rest = text.get(error.span().offset()..).unwrap_or_default();
    let word = rest
        .split(|c: char| c.is_whitespace() || "()\";".contains(c))
        .next()
        .unwrap_or_default();
    let absent = match proposals::of_word(word) {
        Some(proposal) => Absent::Skipped(format!("`{word}` is of {proposal}")),
        None => Absent::Failed(format!("its text is not valid: {}", error.message())),
    };
    report.add(place, "parse", absent.verdict("a directive"));
    (place.0, absent)
}

/// Parses a text and hands its directives on.
fn with_directives(
    text: &str,
    run: impl FnOnce(Vec<WastDirective<'_>>),
) -> Result<(), wast::Error> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let wast = wast::parser::parse::<Wast<'_>>(&buffer)?;
    run(wast.directives);
    Ok(())
}

/// The directives of a text, each as a text in which it has the same place and everything before it is blank.
fn directive_texts(text: &str) -> Result<Vec<String>, wast::Error> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for token in lexer.iter(0) {
        let token = token?;
        match token.kind {
            TokenKind::LParen => {
                if depth == 0 {
                    start = token.offset;
                }
                depth += 1;
            }
            TokenKind::RParen => {
                depth = depth.saturating_sub(1);
                let end = token.offset + token.len as usize;
                if depth == 0
                    && let Some(directive) = text.get(start..end)
                {
                    let blank = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
                    let before = text.bytes().take(start).map(blank);
                    parts.push(before.chain(directive.chars()).collect());
                }
            }
            _ => {}
        }
    }
    Ok(parts)
}

fn place(span: wast::token::Span, text: &str) -> (usize, usize) {
    let (line, column) = span.linecol_in(text);
    (line + 1, column + 1)
}

/// What stands under the name of an instance.
#[derive(Clone)]
enum Slot {
    /// With a number of its own.
    Component(Instance, usize),
    Core(wasmer::Instance),
    Absent(Absent),
}

/// What stands under the name of a definition.
#[derive(Clone)]
enum Definition {
    /// With the proposal that it uses, of those that are let pass.
    Component(Component, Option<&'static str>),
    Core(wasmer::Module),
    Absent(Absent),
}

/// Why something is not there.
#[derive(Clone)]
enum Absent {
    Failed(String),
    Skipped(String),
}

impl Absent {
    fn verdict(&self, wanted: &str) -> Verdict {
        match self {
            Absent::Failed(why) => Verdict::failed(wanted, why),
            Absent::Skipped(why) => Verdict::skipped(why),
        }
    }
}

/// How something that was run came to its end.
enum Outcome {
    Component(Option<Val>),
    Core(Vec<wasmer::Value>),
    Instantiated,
    Trap(String),
    Exception,
    Unlinkable(String),
}

impl Outcome {
    fn show(&self) -> String {
        match self {
            Outcome::Component(None) => "no result".to_string(),
            Outcome::Component(Some(value)) => format!("{value:?}"),
            Outcome::Core(values) => format!("{values:?}"),
            Outcome::Instantiated => "an instance".to_string(),
            Outcome::Trap(message) => format!("a trap: {message}"),
            Outcome::Exception => "an exception".to_string(),
            Outcome::Unlinkable(message) => format!("it cannot be linked: {message}"),
        }
    }
}

/// Either what happened, or the verdict when it could not happen at all.
type Ran<T = Outcome> = Result<T, Verdict>;

struct Script {
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    /// Instances that cannot be used any more, because a call of them was skipped half way; and why.
    skipped: HashMap<usize, String>,
    /// How many component instances there were.
    count: usize,
    core: CoreWorld,
    definitions: HashMap<Option<String>, Definition>,
    instances: HashMap<String, Slot>,
    current: Slot,
}

impl Script {
    fn new() -> Result<Script, Error> {
        let engine = Engine::new(&Config::new())?;
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        host::define(&engine, &mut linker)?;
        let mut store = Store::new(&engine, ())?;
        store.set_call_timeout(Some(CALL_TIMEOUT));
        Ok(Script {
            engine,
            store,
            linker,
            skipped: HashMap::new(),
            count: 0,
            core: CoreWorld::new(),
            definitions: HashMap::new(),
            instances: HashMap::new(),
            current: Slot::Absent(Absent::Failed(
                "there is no instance before this".to_string(),
            )),
        })
    }

    fn run(&mut self, text: &str, directives: Vec<WastDirective<'_>>, report: &mut FileReport) {
        for mut directive in directives {
            let (place, keyword) = (place(directive.span(), text), keyword(&directive));
            let line = place.0;
            // Unwind safety: the engine poisons the instance in whose calls something panicked; the rest of the script's state
            // is changed only by assigning whole values.
            let run = AssertUnwindSafe(|| self.directive(&mut directive, line));
            let verdict = catch_unwind(run).unwrap_or_else(|panic| {
                let what = panic.downcast_ref::<String>().map(String::as_str);
                let what = what.or_else(|| panic.downcast_ref::<&str>().copied());
                let what = format!("the engine panicked: {}", what.unwrap_or("without a text"));
                if defines(&directive) {
                    self.current = Slot::Absent(Absent::Failed(what.clone()));
                }
                Verdict::failed("no panic", what)
            });
            report.add(place, keyword, verdict);
        }
    }

    /// Notes that what a directive would have defined is not there, because it cannot be read.
    fn lose(&mut self, directive: &str, line: usize, absent: Absent) {
        let lexer = Lexer::new(directive);
        let mut words = lexer
            .iter(0)
            .map_while(Result::ok)
            .filter(|token| matches!(token.kind, TokenKind::Keyword | TokenKind::Id))
            .map(|token| token.src(directive))
            .take(3);
        let Some("component" | "module") = words.next() else {
            return;
        };
        let absent = later(absent, line);
        let mut next = words.next();
        let definition = next == Some("definition");
        if definition || next == Some("instance") {
            next = words.next();
        }
        let name = next.and_then(|word| word.strip_prefix('$'));
        if definition {
            let name = name.map(str::to_string);
            self.definitions.insert(name, Definition::Absent(absent));
        } else {
            self.current = Slot::Absent(absent);
            if let Some(name) = name {
                self.instances
                    .insert(name.to_string(), self.current.clone());
            }
        }
    }

    fn directive(&mut self, directive: &mut WastDirective<'_>, line: usize) -> Verdict {
        self.try_directive(directive, line)
            .unwrap_or_else(|verdict| verdict)
    }

    fn try_directive(&mut self, directive: &mut WastDirective<'_>, line: usize) -> Ran<Verdict> {
        Ok(match directive {
            WastDirective::Module(wat) => {
                let name = wat.name().map(|id| id.name().to_string());
                let definition = self.define(wat);
                self.instantiate_as(name, &definition, line)
            }
            WastDirective::ModuleDefinition(wat) => {
                let name = wat.name().map(|id| id.name().to_string());
                let definition = self.define(wat);
                let verdict = match &definition {
                    Definition::Absent(absent) => absent.verdict("a valid definition"),
                    _ => Verdict::Passed,
                };
                self.definitions
                    .insert(name, later_definition(definition, line));
                verdict
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                let name = module.map(|id| id.name().to_string());
                let definition = self.definitions.get(&name).cloned().unwrap_or_else(|| {
                    Definition::Absent(Absent::Failed(format!(
                        "there is no definition {}",
                        name.as_deref().unwrap_or("without a name")
                    )))
                });
                let instance = instance.map(|id| id.name().to_string());
                self.instantiate_as(instance, &definition, line)
            }
            WastDirective::Register { name, module, .. } => self.register(name, *module)?,
            WastDirective::Invoke(invoke) => match self.invoke(invoke)? {
                Outcome::Component(_) | Outcome::Core(_) => Verdict::Passed,
                other => Verdict::failed("a return", other.show()),
            },
            WastDirective::AssertReturn { exec, results, .. } => {
                let outcome = self.execute(exec)?;
                assert_return(&outcome, results)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let outcome = self.execute(exec)?;
                assert_trap(&outcome, message)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let outcome = self.invoke(call)?;
                assert_trap(&outcome, message)
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Outcome::Exception => Verdict::Passed,
                other => Verdict::failed("an exception", other.show()),
            },
            WastDirective::AssertInvalid {
                module, message, ..
            } => self.assert_refused(module, message, "invalid"),
            WastDirective::AssertMalformed {
                module, message, ..
            } => self.assert_refused(module, message, "malformed"),
            WastDirective::AssertInvalidCustom {
                module, message, ..
            }
            | WastDirective::AssertMalformedCustom {
                module, message, ..
            } => self.assert_refused(module, message, "a custom section that is refused"),
            WastDirective::AssertUnlinkable {
                module, message, ..
            } => {
                let definition = self.define_bytes(module.encode());
                match self.instantiate(&definition)? {
                    (Outcome::Unlinkable(got), _) if same_wording(message, &got) => Verdict::Passed,
                    (Outcome::Unlinkable(got), _) => Verdict::PassedInOtherWords {
                        expected: (*message).to_string(),
                        got,
                    },
                    (other, _) => Verdict::failed(format!("unlinkable: {message}"), other.show()),
                }
            }
            WastDirective::AssertSuspension { .. } => {
                Verdict::skipped("it needs the stack-switching proposal")
            }
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                Verdict::skipped("it needs the threads proposal")
            }
        })
    }

    /// Encodes, validates and compiles.
    fn define(&self, wat: &mut QuoteWat<'_>) -> Definition {
        self.define_bytes(wat.encode())
    }

    fn define_bytes(&self, bytes: Result<Vec<u8>, wast::Error>) -> Definition {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                let why = format!("its text is not valid: {}", error.message());
                return Definition::Absent(failed_or_skipped(why));
            }
        };
        if is_core(&bytes) {
            return match self.core.compile(&bytes) {
                Ok(module) => Definition::Core(module),
                Err(why) => Definition::Absent(failed_or_skipped(why)),
            };
        }
        match Component::new(&self.engine, &bytes) {
            Ok(component) => Definition::Component(component, proposals::used_by(&bytes)),
            Err(error) => Definition::Absent(failed_or_skipped(error.to_string())),
        }
    }

    /// Instantiates; the outcome is never a result of a call. The error is for definitions that are not there.
    fn instantiate(&mut self, definition: &Definition) -> Ran<(Outcome, Option<Slot>)> {
        match definition {
            Definition::Absent(absent) => Err(absent.verdict("a valid definition")),
            Definition::Core(module) => Ok(match self.core.instantiate(module) {
                Ok(instance) => (Outcome::Instantiated, Some(Slot::Core(instance))),
                Err(InstantiationFailed::Trap(message)) => (Outcome::Trap(message), None),
                Err(InstantiationFailed::Unlinkable(why)) => (Outcome::Unlinkable(why), None),
            }),
            Definition::Component(component, _) => {
                let checked = self.linker.check_imports(component);
                match checked.and_then(|()| self.linker.instantiate(&mut self.store, component)) {
                    Ok(instance) => {
                        self.count += 1;
                        let slot = Slot::Component(instance, self.count);
                        Ok((Outcome::Instantiated, Some(slot)))
                    }
                    Err(Error::Link(error)) => Ok((Outcome::Unlinkable(error.to_string()), None)),
                    Err(error) => Ok((ended(error, "an instance")?, None)),
                }
            }
        }
    }

    /// Instantiates, and makes the instance the current one, also under a name if it has one.
    fn instantiate_as(
        &mut self,
        name: Option<String>,
        definition: &Definition,
        line: usize,
    ) -> Verdict {
        let (verdict, slot) = match self.instantiate(definition) {
            Ok((_, Some(slot))) => (Verdict::Passed, slot),
            Ok((outcome, None)) => {
                // What scripts find to import has nothing asynchronous in it.
                let absent = match (&outcome, definition) {
                    (Outcome::Unlinkable(why), Definition::Component(_, Some(proposal))) => {
                        Absent::Skipped(format!("it uses {proposal}: {why}"))
                    }
                    _ => Absent::Failed(outcome.show()),
                };
                (absent.verdict("an instance"), Slot::Absent(absent))
            }
            Err(verdict) => {
                let absent = match &verdict {
                    Verdict::Skipped { reason } => Absent::Skipped(reason.clone()),
                    Verdict::Failed { got, .. } => Absent::Failed(got.clone()),
                    _ => Absent::Failed("it was not instantiated".to_string()),
                };
                (verdict, Slot::Absent(absent))
            }
        };
        let slot = match slot {
            Slot::Absent(absent) => Slot::Absent(later(absent, line)),
            there => there,
        };
        let mut verdict = verdict;
        if let Some(name) = name {
            if let Err(error) = self.offer(&name, &slot) {
                verdict = Verdict::failed("to be importable", error.to_string());
            }
            self.instances.insert(name, slot.clone());
        }
        self.current = slot;
        verdict
    }

    /// Offers what an instance exports to the components and modules that come later.
    fn offer(&mut self, name: &str, slot: &Slot) -> Result<(), Error> {
        match slot {
            Slot::Absent(_) => Ok(()),
            Slot::Core(instance) => {
                self.core.register(name, instance);
                Ok(())
            }
            Slot::Component(instance, _) => {
                let component = instance.component().clone();
                let items: Vec<_> = component.exports().collect();
                let mut path = vec![name.to_string()];
                within(&mut self.linker, &path, |_| Ok(()))?;
                self.offer_items(instance, &mut path, &items)
            }
        }
    }

    /// Offers items of an instance under `path`, which is at least the instance's name.
    fn offer_items(
        &mut self,
        instance: &Instance,
        path: &mut Vec<String>,
        items: &[(&str, &ExternType)],
    ) -> Result<(), Error> {
        for (name, ty) in items {
            let export: Option<ExportPath> = match path.as_slice() {
                [_] => Some((*name).into()),
                [_, inner] => Some((inner.as_str(), *name).into()),
                _ => None,
            };
            match (ty, export) {
                (ExternType::Func(_), Some(export)) => {
                    let Some(func) = instance.get_func(&mut self.store, export) else {
                        continue;
                    };
                    let call = move |cx: StoreContextMut<'_, ()>, _: &FuncType, params: &[Val]| {
                        func.call(cx, params)
                    };
                    within(&mut self.linker, path, |linker| {
                        linker.func_new(name, call).map(drop)
                    })?;
                }
                (ExternType::Module(_), Some(export)) => {
                    let Some(module) = instance.get_module(&mut self.store, export) else {
                        continue;
                    };
                    within(&mut self.linker, path, |linker| {
                        linker.module(name, &module).map(drop)
                    })?;
                }
                (ExternType::Resource(_), Some(export)) => {
                    let Some(resource) = instance.get_resource(&mut self.store, export) else {
                        continue;
                    };
                    within(&mut self.linker, path, |linker| {
                        linker.resource_type(name, resource).map(drop)
                    })?;
                }
                (ExternType::Instance(items), _) => {
                    let items: Vec<_> =
                        items.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
                    path.push((*name).to_string());
                    within(&mut self.linker, path, |_| Ok(()))?;
                    self.offer_items(instance, path, &items)?;
                    path.pop();
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Ran<Verdict> {
        let slot = self.slot(module)?.clone();
        match self.offer(name, &slot) {
            Ok(()) => Ok(Verdict::Passed),
            Err(error) => Ok(Verdict::failed("to be importable", error.to_string())),
        }
    }

    fn slot(&self, name: Option<Id<'_>>) -> Ran<&Slot> {
        let slot = match name {
            None => &self.current,
            Some(id) => self.instances.get(id.name()).ok_or_else(|| {
                Verdict::failed("an instance", format!("there is no instance {}", id.name()))
            })?,
        };
        match slot {
            Slot::Absent(absent) => Err(absent.verdict("an instance")),
            slot => Ok(slot),
        }
    }

    fn execute(&mut self, exec: &mut WastExecute<'_>) -> Ran {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(wat) => {
                let definition = self.define_wat(wat);
                Ok(self.instantiate(&definition)?.0)
            }
            WastExecute::Get { module, global, .. } => match self.slot(*module)?.clone() {
                Slot::Core(instance) => match self.core.global(&instance, global) {
                    Ok(value) => Ok(Outcome::Core(vec![value])),
                    Err(why) => Err(Verdict::failed("a global", why)),
                },
                _ => Err(Verdict::failed("a global", "components have none")),
            },
        }
    }

    fn define_wat(&self, wat: &mut Wat<'_>) -> Definition {
        self.define_bytes(wat.encode())
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Ran {
        match self.slot(invoke.module)?.clone() {
            Slot::Absent(absent) => Err(absent.verdict("an instance")),
            Slot::Core(instance) => {
                let args = invoke.args.iter().map(|arg| match arg {
                    WastArg::Core(arg) => core::lower(arg),
                    other => Err(format!("{other:?} is no core value")),
                });
                let args: Vec<_> = args
                    .collect::<Result<_, _>>()
                    .map_err(|why| Verdict::failed("core values", why))?;
                match self.core.invoke(&instance, invoke.name, &args) {
                    Ok(Ok(values)) => Ok(Outcome::Core(values)),
                    Ok(Err(trap)) if trap.is_exception => Ok(Outcome::Exception),
                    Ok(Err(trap)) => Ok(Outcome::Trap(trap.message)),
                    Err(why) => Err(Verdict::failed("a call", why)),
                }
            }
            Slot::Component(instance, number) => {
                if let Some(reason) = self.skipped.get(&number) {
                    return Err(Verdict::skipped(reason));
                }
                let component = instance.component().clone();
                let exports = || {
                    let names: Vec<_> = component.exports().map(|(name, _)| name).collect();
                    format!(
                        "the component exports no function {:?}; its exports: {}",
                        invoke.name,
                        names.join(", ")
                    )
                };
                let func = instance
                    .get_func(&mut self.store, invoke.name)
                    .ok_or_else(|| Verdict::failed("a call", exports()))?;
                let ty = func
                    .ty()
                    .ok_or_else(|| Verdict::failed("a call", "the function has no type"))?;
                let types = component.types();
                if ty.params.len() != invoke.args.len() {
                    let got = format!("the function is {}", types.display_func(ty));
                    let wanted = format!("a call with {} arguments", invoke.args.len());
                    return Err(Verdict::failed(wanted, got));
                }
                let args = invoke.args.iter().zip(&ty.params);
                let args = args.map(|(arg, param)| match arg {
                    WastArg::Component(value) => values::lower(value, param.ty, types),
                    // The two kinds of floats look alike.
                    WastArg::Core(WastArgCore::F32(v)) => {
                        values::lower(&WastVal::F32(F32 { bits: v.bits }), param.ty, types)
                    }
                    WastArg::Core(WastArgCore::F64(v)) => {
                        values::lower(&WastVal::F64(F64 { bits: v.bits }), param.ty, types)
                    }
                    other => Err(format!("{other:?} is no component value")),
                });
                let args: Vec<_> = args
                    .collect::<Result<_, _>>()
                    .map_err(|why| Verdict::failed(types.display_func(ty), why))?;
                match func.call(&mut self.store, &args) {
                    Ok(value) => Ok(Outcome::Component(value)),
                    Err(error) => ended(error, "a call").inspect_err(|verdict| {
                        if let Verdict::Skipped { reason } = verdict {
                            let reason = format!("a call of it was skipped: {reason}");
                            self.skipped.insert(number, reason);
                        }
                    }),
                }
            }
        }
    }

    /// `assert_invalid` and `assert_malformed`: encoding or validating must fail, in whatever words.
    fn assert_refused(&self, wat: &mut QuoteWat<'_>, message: &str, wanted: &str) -> Verdict {
        let refused = |got: String| match same_wording(message, &got) {
            true => Verdict::Passed,
            false => Verdict::PassedInOtherWords {
                expected: message.to_string(),
                got,
            },
        };
        let bytes = match wat.encode() {
            Ok(bytes) => bytes,
            Err(error) => return refused(error.message()),
        };
        if is_core(&bytes) {
            return match self.core.compile(&bytes) {
                Ok(_) => Verdict::failed(format!("{wanted}: {message}"), "a valid module"),
                Err(got) => refused(got),
            };
        }
        let accepted = |got: String| match proposals::used_by(&bytes) {
            _ if proposals::is_switched_off(message) => {
                Verdict::skipped("it wants a proposal to be switched off that is always on here")
            }
            Some(proposal) => Verdict::skipped(format!(
                "it uses {proposal}, which is let pass until it is called"
            )),
            None => Verdict::failed(format!("{wanted}: {message}"), got),
        };
        match Component::new(&self.engine, &bytes) {
            Err(Error::Translate(got)) => refused(got),
            // Bodies of functions are validated when they are compiled.
            Err(Error::Compile { message, .. }) if message.starts_with("Validation error") => {
                refused(message)
            }
            Err(error) => accepted(format!("a valid component, but {error}")),
            Ok(_) => accepted("a valid component".to_string()),
        }
    }
}

/// Hands the linker's instance of that path to `define`.
fn within(
    linker: &mut Linker<()>,
    path: &[String],
    define: impl FnOnce(&mut LinkerInstance<'_, ()>) -> Result<(), Error>,
) -> Result<(), Error> {
    match path {
        [] => define(&mut linker.root()),
        [name] => define(&mut linker.instance(name)?),
        [name, inner, ..] => define(&mut linker.instance(name)?.instance(inner)?),
    }
}

/// How a call or an instantiation of a component ended that gave an error.
fn ended(error: Error, wanted: &str) -> Ran {
    match error {
        Error::Trap(trap) => Ok(Outcome::Trap(trap.message.into_owned())),
        Error::Poisoned { .. } => Ok(Outcome::Trap(
            "the instance failed before and takes no more calls".to_string(),
        )),
        Error::Limit(limit) if limit.kind == wasmer_component::LimitKind::Time => Err(
            Verdict::failed(format!("{wanted} that ends"), limit.to_string()),
        ),
        Error::Limit(limit) => Ok(Outcome::Trap(limit.to_string())),
        Error::Host(error) => Ok(Outcome::Trap(error.to_string())),
        error => match failed_or_skipped(error.to_string()) {
            Absent::Skipped(reason) => Err(Verdict::skipped(reason)),
            Absent::Failed(got) => Err(Verdict::failed(wanted, got)),
        },
    }
}

fn failed_or_skipped(why: String) -> Absent {
    match proposals::named_in_error(&why) {
        Some(proposal) => Absent::Skipped(format!("it needs {proposal}: {why}")),
        None => Absent::Failed(why),
    }
}

/// The same absence, as those see it who come later.
fn later(absent: Absent, line: usize) -> Absent {
    let tell = |why: String, how: &str| match why.starts_with("the one of line ") {
        true => why,
        false => format!("the one of line {line} was {how}: {why}"),
    };
    match absent {
        Absent::Failed(why) => Absent::Failed(tell(why, "not made")),
        Absent::Skipped(why) => Absent::Skipped(tell(why, "skipped")),
    }
}

fn later_definition(definition: Definition, line: usize) -> Definition {
    match definition {
        Definition::Absent(absent) => Definition::Absent(later(absent, line)),
        there => there,
    }
}

fn assert_return(outcome: &Outcome, results: &[WastRet<'_>]) -> Verdict {
    let same = match outcome {
        Outcome::Component(value) => match (value, results) {
            (None, []) => true,
            (Some(got), [WastRet::Component(expected)]) => values::same(expected, got),
            // The two kinds of floats look alike.
            (Some(got), [WastRet::Core(expected)]) => values::same_float(expected, got),
            _ => false,
        },
        Outcome::Core(values) => {
            values.len() == results.len()
                && values.iter().zip(results).all(|(got, expected)| {
                    matches!(expected, WastRet::Core(expected) if core::same(expected, got))
                })
        }
        Outcome::Instantiated => results.is_empty(),
        Outcome::Trap(_) | Outcome::Exception | Outcome::Unlinkable(_) => false,
    };
    if same {
        return Verdict::Passed;
    }
    let expected: Vec<_> = results
        .iter()
        .map(|result| match result {
            WastRet::Component(value) => values::show(value),
            WastRet::Core(WastRetCore::F32(NanPattern::Value(v))) => {
                format!("F32({:?})", f32::from_bits(v.bits))
            }
            WastRet::Core(WastRetCore::F64(NanPattern::Value(v))) => {
                format!("F64({:?})", f64::from_bits(v.bits))
            }
            other => format!("{other:?}"),
        })
        .collect();
    let expected = match expected.as_slice() {
        [] => "no result".to_string(),
        expected => expected.join(", "),
    };
    Verdict::failed(expected, outcome.show())
}

fn assert_trap(outcome: &Outcome, message: &str) -> Verdict {
    match outcome {
        Outcome::Trap(got) if same_wording(message, got) => Verdict::Passed,
        Outcome::Trap(got) if same_reason(message, got) => Verdict::PassedInOtherWords {
            expected: message.to_string(),
            got: got.clone(),
        },
        Outcome::Exception if same_reason(message, "uncaught exception") => Verdict::Passed,
        other => Verdict::failed(format!("a trap: {message}"), other.show()),
    }
}

fn is_core(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(&[1, 0, 0, 0])
}

/// Whether a directive changes which instance is the current one.
fn defines(directive: &WastDirective<'_>) -> bool {
    matches!(
        directive,
        WastDirective::Module(_) | WastDirective::ModuleInstance { .. }
    )
}

fn keyword(directive: &WastDirective<'_>) -> &'static str {
    let component = |wat: &QuoteWat<'_>| {
        matches!(
            wat,
            QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..)
        )
    };
    match directive {
        WastDirective::Module(wat) if component(wat) => "component",
        WastDirective::Module(_) => "module",
        WastDirective::ModuleDefinition(wat) if component(wat) => "component definition",
        WastDirective::ModuleDefinition(_) => "module definition",
        WastDirective::ModuleInstance { .. } => "instance",
        WastDirective::AssertMalformed { .. } => "assert_malformed",
        WastDirective::AssertInvalid { .. } => "assert_invalid",
        WastDirective::AssertInvalidCustom { .. } => "assert_invalid_custom",
        WastDirective::AssertMalformedCustom { .. } => "assert_malformed_custom",
        WastDirective::Register { .. } => "register",
        WastDirective::Invoke(_) => "invoke",
        WastDirective::AssertTrap { .. } => "assert_trap",
        WastDirective::AssertReturn { .. } => "assert_return",
        WastDirective::AssertExhaustion { .. } => "assert_exhaustion",
        WastDirective::AssertUnlinkable { .. } => "assert_unlinkable",
        WastDirective::AssertException { .. } => "assert_exception",
        WastDirective::AssertSuspension { .. } => "assert_suspension",
        WastDirective::Thread(_) => "thread",
        WastDirective::Wait { .. } => "wait",
    }
}
