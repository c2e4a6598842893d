//! The engine: which compiler, for which machine, with which features.
//!
//! An [`Engine`] is cheap to clone and shared by all components and stores of a program. What it compiles can be used by
//! another engine only when both have the same [`Engine::fingerprint`], which is why that string belongs in the key of
//! every cache. Memory and table limits are wasmer tunables, which belong to wasmer's engine; a store that has limits
//! therefore gets a clone of wasmer's engine of its own (`limits`).
//!
//! Without the crate's feature `compiler` there is no compiler to link, and every engine is [`Compiler::Headless`].

use crate::error::{Error, Result};
#[cfg(feature = "compiler")]
use crate::limits::{LimitingTunables, memory_style};
#[cfg(feature = "compiler")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmer::sys::{CpuFeature, EngineBuilder, Features, NativeEngineExt, Target};
#[cfg(feature = "compiler")]
use wasmer::{MemoryStyle, sys::CompilerConfig};
#[cfg(feature = "compiler")]
use wasmer_middlewares::Metering;

/// Which of wasmer's compilers makes machine code of core modules. Which of them there are is decided when this crate is built
/// ([`Compiler::is_built_in`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compiler {
    /// Cranelift: compiles fast, runs fast. The crate's feature `compiler`, on by default.
    Cranelift,
    /// LLVM: compiles ten times as long, for the last bit of speed. The crate's feature `llvm`, which needs LLVM to build with.
    Llvm,
    /// Singlepass: compiles in no time, runs at a third of the speed; knows neither SIMD nor exceptions. The crate's feature
    /// `singlepass`.
    Singlepass,
    /// No compiler at all: the engine only loads artifacts ([`crate::Component::deserialize`]), whichever compiler made them.
    Headless,
}

impl Default for Compiler {
    /// Cranelift, or none in a build without compilers.
    fn default() -> Compiler {
        match cfg!(feature = "compiler") {
            true => Compiler::Cranelift,
            false => Compiler::Headless,
        }
    }
}

impl Compiler {
    /// All that there could be.
    pub const ALL: [Compiler; 4] = [
        Compiler::Cranelift,
        Compiler::Llvm,
        Compiler::Singlepass,
        Compiler::Headless,
    ];

    /// Its name in fingerprints and configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Compiler::Cranelift => "cranelift",
            Compiler::Llvm => "llvm",
            Compiler::Singlepass => "singlepass",
            Compiler::Headless => "headless",
        }
    }

    /// The feature of this crate that builds it in; none for [`Compiler::Headless`], which is always there.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Compiler::Cranelift => Some("compiler"),
            Compiler::Llvm => Some("llvm"),
            Compiler::Singlepass => Some("singlepass"),
            Compiler::Headless => None,
        }
    }

    /// Whether this build has it.
    pub fn is_built_in(self) -> bool {
        match self {
            Compiler::Cranelift => cfg!(feature = "compiler"),
            Compiler::Llvm => cfg!(feature = "llvm"),
            Compiler::Singlepass => cfg!(feature = "singlepass"),
            Compiler::Headless => true,
        }
    }
}

impl std::fmt::Display for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How an [`Engine`] is to be made.
#[derive(Debug, Clone, Default)]
pub struct Config {
    compiler: Compiler,
    #[cfg(feature = "compiler")]
    metering: Option<u64>,
}

impl Config {
    /// The default: Cranelift, optimising for speed, for this very machine.
    pub fn new() -> Config {
        Config::default()
    }

    /// Chooses the compiler.
    #[must_use]
    pub fn compiler(mut self, compiler: Compiler) -> Config {
        self.compiler = compiler;
        self
    }

    /// Has compiled code count its instructions, and stop when a call, or the start of a core module, has executed so many;
    /// [`crate::Store::set_call_operations`] sets another number for calls. A start function that executes more ends as a trap, not as
    /// an exceeded limit: its module never came to be, and cannot be asked for its counter.
    ///
    /// This is the way to stop guests on systems where wasmer cannot interrupt a thread, and to stop them after the same work
    /// everywhere. It costs up to a third of a guest's speed; with [`crate::Store::set_call_timeout`] alone there is no
    /// such cost.
    #[cfg(feature = "compiler")]
    #[must_use]
    pub fn metering(mut self, operations: u64) -> Config {
        self.metering = Some(operations);
        self
    }
}

/// Compiles components and runs what it compiled.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasmer: wasmer::Engine,
    compiler: Compiler,
    #[cfg(feature = "compiler")]
    metering: Option<u64>,
    /// The part of the fingerprint that says where compiled code runs.
    runs: String,
    fingerprint: String,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("fingerprint", &self.inner.fingerprint)
            .finish()
    }
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// [`Error::Engine`] when the compiler is not built in, or does not support this machine.
    pub fn new(config: &Config) -> Result<Engine> {
        let target = Target::default();
        let wasmer: wasmer::Engine = match config.compiler {
            Compiler::Headless => EngineBuilder::headless()
                .set_target(Some(target.clone()))
                .set_features(Some(features(Compiler::Headless)))
                .engine()
                .into(),
            #[cfg(feature = "compiler")]
            compiler => with_compiler(compiler, &target, None)?,
            #[cfg(not(feature = "compiler"))]
            compiler => return Err(not_built_in(compiler)),
        };
        let runs = runs(&target);
        #[cfg_attr(not(feature = "compiler"), allow(unused_mut))]
        let mut fingerprint = format!(
            "{runs}{COMPILED}{} {} settings {}",
            config.compiler.name(),
            wasmer.deterministic_id(),
            settings(config.compiler),
        );
        #[cfg(feature = "compiler")]
        if let Some(operations) = config.metering {
            fingerprint.push_str(&format!(",metering={operations}"));
        }
        if !wasmer.is_sys() {
            return Err(Error::Engine(
                "wasmer has no native engine on this machine".to_string(),
            ));
        }
        Ok(Engine {
            inner: Arc::new(Inner {
                wasmer,
                compiler: config.compiler,
                #[cfg(feature = "compiler")]
                metering: config.metering,
                runs,
                fingerprint,
            }),
        })
    }

    /// Everything that decides whether compiled code can be used here: versions of wasmer and of our artifact, compiler and
    /// its settings, target, CPU features. Equal strings mean that an artifact of one engine runs on the other.
    pub fn fingerprint(&self) -> &str {
        &self.inner.fingerprint
    }

    /// Which compiler it has.
    pub fn compiler(&self) -> Compiler {
        self.inner.compiler
    }

    /// Fails when something was made with an engine that is not this one or a clone of it: machine code lives as long as the
    /// engine that made it.
    pub(crate) fn expect_same(&self, other: &Engine, what: &str) -> Result<()> {
        match Arc::ptr_eq(&self.inner, &other.inner) {
            true => Ok(()),
            false => Err(Error::Engine(format!(
                "{what} was made with another engine than the store; use clones of one engine"
            ))),
        }
    }

    /// How many instructions a call may execute if its store says nothing else; none when they are not counted.
    #[cfg(feature = "compiler")]
    pub(crate) fn metering(&self) -> Option<u64> {
        self.inner.metering
    }

    /// Whether an artifact of an engine with this fingerprint can be loaded: an engine without a compiler does not mind
    /// which one was used.
    pub(crate) fn accepts(&self, fingerprint: &str) -> bool {
        match self.inner.compiler {
            Compiler::Headless => fingerprint
                .strip_prefix(&self.inner.runs)
                .is_some_and(|rest| rest.starts_with(COMPILED)),
            _ => fingerprint == self.inner.fingerprint,
        }
    }

    /// Compiles a core module, the one of that number in its component.
    #[cfg(feature = "compiler")]
    pub(crate) fn compile(&self, bytes: &[u8], number: usize) -> Result<wasmer::Module> {
        self.compile_with(&memory_style(self.inner.compiler), bytes, number)
    }

    /// The same for the one whose memory needs no checks with any compiler (`sole_memory`).
    #[cfg(feature = "compiler")]
    pub(crate) fn compile_unchecked(&self, bytes: &[u8], number: usize) -> Result<wasmer::Module> {
        self.compile_with(&MemoryStyle::Static, bytes, number)
    }

    #[cfg(feature = "compiler")]
    fn compile_with(
        &self,
        memory: &MemoryStyle,
        bytes: &[u8],
        number: usize,
    ) -> Result<wasmer::Module> {
        let tunables = || LimitingTunables::new(*memory, Arc::default());
        let failed = |e: &dyn std::fmt::Display| Error::Compile {
            module: number,
            message: e.to_string(),
        };
        // A compiler that meets what it cannot do may panic, as Singlepass does over some functions with several results.
        let compile = |engine: &wasmer::Engine| {
            catch_unwind(AssertUnwindSafe(|| {
                wasmer::Module::from_binary(engine, bytes)
            }))
            .map_err(|_| {
                failed(&format!(
                    "the compiler {} panicked",
                    self.inner.compiler.name()
                ))
            })?
            .map_err(|e| failed(&e))
        };
        let Some(operations) = self.inner.metering else {
            return compile(&self.wasmer_with(tunables()));
        };
        // Wasmer's metering is good for one module: it gets an engine of its own to be compiled with, and moves over.
        let mut counting =
            with_compiler(self.inner.compiler, &Target::default(), Some(operations))?;
        counting.set_tunables(tunables());
        let module = compile(&counting)?;
        let compiled = module.serialize().map_err(|e| failed(&e))?;
        // SAFETY: the bytes are what wasmer serialised just now, with the same version, target and features.
        unsafe { wasmer::Module::deserialize(&self.inner.wasmer, compiled) }.map_err(|e| failed(&e))
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn expect_compiler(&self) -> Result<()> {
        match self.inner.compiler {
            Compiler::Headless => Err(Error::Engine(
                "an engine without a compiler loads artifacts only; compile with another engine and use \
                 Component::serialize"
                    .to_string(),
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn wasmer(&self) -> &wasmer::Engine {
        &self.inner.wasmer
    }

    /// Wasmer's engine with other tunables; it shares nothing that would tie two stores together.
    pub(crate) fn wasmer_with(
        &self,
        tunables: impl wasmer::sys::Tunables + Send + Sync + 'static,
    ) -> wasmer::Engine {
        let mut engine = self.inner.wasmer.clone();
        engine.set_tunables(tunables);
        engine
    }
}

/// Wasmer with a compiler, set up as we want it; with counted instructions for one module.
#[cfg(feature = "compiler")]
fn with_compiler(
    compiler: Compiler,
    target: &Target,
    metering: Option<u64>,
) -> Result<wasmer::Engine> {
    let mut config: Box<dyn CompilerConfig> = match compiler {
        Compiler::Cranelift => {
            let mut cranelift = wasmer::sys::Cranelift::new();
            cranelift.opt_level(wasmer::sys::CraneliftOptLevel::Speed);
            Box::new(cranelift)
        }
        #[cfg(feature = "llvm")]
        Compiler::Llvm => {
            let mut llvm = wasmer::sys::LLVM::new();
            llvm.opt_level(wasmer::sys::LLVMOptLevel::Aggressive);
            Box::new(llvm)
        }
        #[cfg(feature = "singlepass")]
        Compiler::Singlepass => Box::new(wasmer::sys::Singlepass::new()),
        other => return Err(not_built_in(other)),
    };
    config.push_middleware(Arc::new(crate::tables::SharedTables));
    if let Some(operations) = metering {
        config.push_middleware(Arc::new(Metering::new(operations, |_| 1)));
    }
    let mut engine: wasmer::Engine = EngineBuilder::new(config)
        .set_target(Some(target.clone()))
        .set_features(Some(features(compiler)))
        .engine()
        .into();
    engine.set_tunables(LimitingTunables::new(
        memory_style(compiler),
        Arc::default(),
    ));
    Ok(engine)
}

fn not_built_in(compiler: Compiler) -> Error {
    Error::Engine(format!(
        "the compiler `{compiler}` is not built in: build wasmer-component with its feature `{}`",
        compiler.feature().unwrap_or_default()
    ))
}

fn features(compiler: Compiler) -> Features {
    let mut features = Features::default();
    features
        .multi_memory(true)
        .bulk_memory(true)
        .reference_types(true)
        .multi_value(true)
        .extended_const(true);
    // What Singlepass does not know is refused by name when a module is validated, not somewhere inside.
    let all = compiler != Compiler::Singlepass;
    features.simd(all).exceptions(all).relaxed_simd(all);
    features
}

/// What we change in wasmer's settings that decides what is compiled; to be changed with them.
fn settings(compiler: Compiler) -> &'static str {
    match compiler {
        Compiler::Singlepass => "shared-tables=1,simd=0,exceptions=0",
        Compiler::Llvm => "opt=aggressive,shared-tables=1,exceptions=1,relaxed-simd=1",
        Compiler::Cranelift | Compiler::Headless => {
            "opt=speed,shared-tables=1,exceptions=1,relaxed-simd=1"
        }
    }
}

/// Stands in a fingerprint between where the code runs and how it was compiled.
const COMPILED: &str = " compiler ";

/// Where compiled code runs, and which wasmer understands it.
fn runs(target: &Target) -> String {
    let mut cpu: Vec<String> = target
        .cpu_features()
        .iter()
        .map(|f: CpuFeature| f.to_string())
        .collect();
    cpu.sort_unstable();
    format!(
        "wasmer {} artifact {} target {} cpu {}",
        wasmer_types::VERSION,
        crate::artifact::VERSION,
        target.triple(),
        cpu.join("+"),
    )
}
