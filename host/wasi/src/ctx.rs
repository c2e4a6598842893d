//! What one guest has of the outside world.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clocks;
use crate::fs::Directory;
use crate::grant::{self, Grant, GrantError, Preopen};
use crate::net::{Network, NetworkGrant};
use crate::random::Random;
use crate::stream::{
    EmptyInput, FileDescriptorOutput, InputStream, LineOutput, OutputStream, SharedInput,
    SharedOutput,
};
use tempfile::TempDir;
use wasmer_component::ResourceTable;

/// The most handles of all kinds that a guest may have at a time. One more is a trap.
const MAX_HANDLES: usize = 1 << 16;

/// What a guest sees of its surroundings, and the handles it has opened. One for every store; made by a [`WasiCtxBuilder`].
pub struct WasiCtx {
    pub(crate) table: ResourceTable,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_directory: Option<String>,
    pub(crate) stdin: SharedInput,
    pub(crate) stdout: SharedOutput,
    pub(crate) stderr: SharedOutput,
    pub(crate) clocks: Clocks,
    pub(crate) random: Random,
    pub(crate) insecure_random: Random,
    /// What the guest was told when it first asked.
    pub(crate) insecure_seed: Option<(u64, u64)>,
    pub(crate) directories: Vec<Preopen>,
    /// What is mixed into metadata hashes.
    pub(crate) secret: u64,
    /// Removed with the guest.
    temporary: Vec<TempDir>,
    pub(crate) network: Network,
    /// How many pollables each thing in the table has.
    pub(crate) subscribed: HashMap<u32, u32>,
}

impl WasiCtx {
    /// Starts with nothing granted.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }

    /// The handles of the guest: streams, pollables, descriptors. Embedders with resources of their own may keep them here.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// The directories the guest starts with, and their paths.
    pub fn directories(&self) -> impl Iterator<Item = (&str, &Arc<dyn Directory>)> {
        self.directories
            .iter()
            .map(|(directory, path)| (path.as_str(), directory))
    }

    /// The guest's arguments; the first is by custom the program's name.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Names and values of the guest's environment variables.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// What the guest takes `.` for, if anything was named.
    pub fn working_directory(&self) -> Option<&str> {
        self.working_directory.as_deref()
    }

    /// The guest's standard input.
    pub fn stdin(&self) -> SharedInput {
        self.stdin.clone()
    }

    /// The guest's standard output.
    pub fn stdout(&self) -> SharedOutput {
        self.stdout.clone()
    }

    /// The guest's standard error output.
    pub fn stderr(&self) -> SharedOutput {
        self.stderr.clone()
    }

    /// Where on the host the guest's [temporary directories](Grant::temporary) are. They are removed with the context.
    pub fn temporary_directories(&self) -> impl Iterator<Item = &std::path::Path> {
        self.temporary.iter().map(TempDir::path)
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.directories.iter().map(|(_, path)| path).collect();
        f.debug_struct("WasiCtx")
            .field("directories", &paths)
            .finish_non_exhaustive()
    }
}

/// The store's data, as far as WASI is concerned: whatever else an embedder keeps there, it has a [`WasiCtx`].
pub trait WasiView: Send + 'static {
    /// The guest's surroundings.
    fn wasi(&mut self) -> &mut WasiCtx;
}

impl WasiView for WasiCtx {
    fn wasi(&mut self) -> &mut WasiCtx {
        self
    }
}

/// Makes a [`WasiCtx`]. Without any call a guest gets: no arguments, no environment, no files, an input that is at its end,
/// output that goes to the log line by line, the host's clocks, the system's random numbers, and no network.
pub struct WasiCtxBuilder {
    name: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    working_directory: Option<String>,
    stdin: Option<SharedInput>,
    stdout: Option<SharedOutput>,
    stderr: Option<SharedOutput>,
    clocks: Option<Clocks>,
    seed: Option<u64>,
    grants: Vec<Grant>,
    network: Vec<NetworkGrant>,
}

impl Default for WasiCtxBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl WasiCtxBuilder {
    /// Starts with nothing granted.
    pub fn new() -> Self {
        WasiCtxBuilder {
            name: "guest".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            working_directory: None,
            stdin: None,
            stdout: None,
            stderr: None,
            clocks: None,
            seed: None,
            grants: Vec::new(),
            network: Vec::new(),
        }
    }

    /// The guest's name in the log, where its output goes unless another place is named.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.name = name.into();
        self
    }

    /// Adds arguments; the first is by custom the program's name.
    pub fn arguments(
        &mut self,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub fn environment(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// What the guest takes `.` for. Grants nothing.
    pub fn working_directory(&mut self, guest_path: impl Into<String>) -> &mut Self {
        self.working_directory = Some(guest_path.into());
        self
    }

    /// The standard input.
    pub fn stdin(&mut self, stream: impl InputStream) -> &mut Self {
        self.stdin = Some(SharedInput::new(stream));
        self
    }

    /// The standard output.
    pub fn stdout(&mut self, stream: impl OutputStream) -> &mut Self {
        self.stdout = Some(SharedOutput::new(stream));
        self
    }

    /// The standard error output.
    pub fn stderr(&mut self, stream: impl OutputStream) -> &mut Self {
        self.stderr = Some(SharedOutput::new(stream));
        self
    }

    /// Both outputs, line by line.
    pub fn output_lines(&mut self, sink: impl FnMut(&str) + Send + Clone + 'static) -> &mut Self {
        self.stdout(LineOutput::new(sink.clone()))
            .stderr(LineOutput::new(sink))
    }

    /// Both outputs, as they come, at the end of a file.
    pub fn output_file(&mut self, file: std::fs::File) -> &mut Self {
        let output = SharedOutput::new(FileDescriptorOutput::new(file));
        self.stdout = Some(output.clone());
        self.stderr = Some(output);
        self
    }

    /// Clocks that start at `start` since 1970 and go on by `step` with every look, in place of the host's.
    pub fn fixed_clocks(&mut self, start: Duration, step: Duration) -> &mut Self {
        self.clocks = Some(Clocks::fixed(start, step));
        self
    }

    /// Random numbers that this seed determines, in place of the system's.
    pub fn random_seed(&mut self, seed: u64) -> &mut Self {
        self.seed = Some(seed);
        self
    }

    /// Grants a directory or a file.
    pub fn grant(&mut self, grant: Grant) -> &mut Self {
        self.grants.push(grant);
        self
    }

    /// Grants something of the network.
    pub fn network(&mut self, grant: NetworkGrant) -> &mut Self {
        self.network.push(grant);
        self
    }

    /// Opens everything that was granted.
    ///
    /// Errors: the first grant that cannot be given.
    pub fn build(&mut self) -> Result<WasiCtx, GrantError> {
        let (random, insecure_random) = match self.seed {
            Some(seed) => (Random::seeded(seed), Random::seeded(!seed)),
            None => (Random::system(), Random::system()),
        };
        let opened = grant::open(&self.grants)?;
        Ok(WasiCtx {
            table: ResourceTable::with_limit(MAX_HANDLES),
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            working_directory: self.working_directory.clone(),
            stdin: self
                .stdin
                .clone()
                .unwrap_or_else(|| SharedInput::new(EmptyInput)),
            stdout: self
                .stdout
                .clone()
                .unwrap_or_else(|| log(&self.name, "stdout")),
            stderr: self
                .stderr
                .clone()
                .unwrap_or_else(|| log(&self.name, "stderr")),
            clocks: self.clocks.clone().unwrap_or_else(Clocks::real),
            // A hash whose secret nobody could choose is still a hash.
            secret: insecure_random.number().unwrap_or_default(),
            random,
            insecure_random,
            insecure_seed: None,
            directories: opened.directories,
            temporary: opened.temporary,
            network: Network::new(&self.network),
            subscribed: HashMap::new(),
        })
    }
}

fn log(name: &str, stream: &'static str) -> SharedOutput {
    let guest = name.to_owned();
    SharedOutput::new(LineOutput::new(move |line| {
        tracing::info!(target: "guest", %guest, stream, "{line}");
    }))
}
