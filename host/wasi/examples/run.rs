//! Runs a command (a component that exports `wasi:cli/run`) with what it is granted, and ends with its exit code. A core module
//! that calls WASI by its first names (`wasi_snapshot_preview1`) is made a component first.
//!
//! ```sh
//! cargo run --release -p wasmer-component-wasi --example run -- --dir /tmp/work::. --tcp '127.0.0.1:*' program.wasm ARGUMENT...
//! ```
//!
//! Exit codes of its own: 2 for a command line that is wrong, 125 for what cannot be run or granted, 134 for a trap.

mod preview1;

use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use wasmer_component::{Component, Config, Engine, Linker, Store};
use wasmer_component_wasi::fs::MemoryTree;
use wasmer_component_wasi::net::{AddressRange, NetworkGrant};
use wasmer_component_wasi::stream::{
    EmptyInput, FileDescriptorInput, FileDescriptorOutput, NullOutput,
};
use wasmer_component_wasi::{Exit, Grant, WasiCtx, WasiCtxBuilder};

/// Run a WASI command with nothing but what is granted here, and end with its exit code.
#[derive(Parser)]
#[command(name = "run")]
struct Arguments {
    /// Grant a directory: HOST[::GUEST][:ro|:rw], to be read and written unless `ro`. GUEST is the path the program finds it
    /// under: absolute, or relative to where it thinks it is (`.`); without it, HOST itself
    #[arg(long, value_name = "HOST")]
    dir: Vec<Mapping>,
    /// Grant one file, as --dir, to be read only unless `rw`
    #[arg(long, value_name = "HOST")]
    file: Vec<Mapping>,
    /// Grant a temporary directory, removed at the end, under this path
    #[arg(long, value_name = "GUEST")]
    temporary: Vec<String>,
    /// Grant an empty tree in memory, of 64 MiB at most, under this path
    #[arg(long, value_name = "GUEST")]
    memory: Vec<String>,
    /// Set an environment variable; without a value, to the one it has here
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// What the program takes for its working directory
    #[arg(long, value_name = "GUEST")]
    cwd: Option<String>,
    /// Grant something of the network: `tcp-connect 10.0.0.0/8:80`, `tcp-listen`, `udp-bind`, `udp-send`, `lookup NAME`
    #[arg(long, value_name = "GRANT")]
    network: Vec<NetworkGrant>,
    /// Grant TCP, connecting and listening, at ADDRESS[/PREFIX]:PORTS, where `*` is any
    #[arg(long, value_name = "ADDRESSES")]
    tcp: Vec<AddressRange>,
    /// Grant UDP, binding and sending, at ADDRESS[/PREFIX]:PORTS
    #[arg(long, value_name = "ADDRESSES")]
    udp: Vec<AddressRange>,
    /// Grant looking up this name; `*` is any
    #[arg(long, value_name = "NAME")]
    lookup: Vec<String>,
    /// Grant all of the network
    #[arg(long)]
    all_network: bool,
    /// Link wasi:http, which refuses every request
    #[arg(long)]
    http: bool,
    /// Where the standard input comes from: `-`, that of this program; `none`; or a file
    #[arg(long, value_name = "FILE", default_value = "-")]
    stdin: PathBuf,
    /// Where the standard output goes: `-`, that of this program; `none`; or a file
    #[arg(long, value_name = "FILE", default_value = "-")]
    stdout: PathBuf,
    /// Where the standard error output goes, as --stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    stderr: PathBuf,
    /// Random numbers that this seed determines
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Clocks that start at this time, in seconds since 1970, and go on by a microsecond with every look
    #[arg(long, value_name = "SECONDS")]
    clock: Option<u64>,
    /// End the program after this time
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// What the program is to take for its name, instead of the file's
    #[arg(long, value_name = "NAME")]
    argv0: Option<String>,
    /// The program: a component, or a core module for wasm32-wasip1
    program: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// `HOST[::GUEST][:ro|:rw]`.
#[derive(Clone)]
struct Mapping {
    host: PathBuf,
    guest: Option<String>,
    writable: Option<bool>,
}

impl std::str::FromStr for Mapping {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (paths, writable) = match text.rsplit_once(':') {
            Some((paths, "ro")) => (paths, Some(false)),
            Some((paths, "rw")) => (paths, Some(true)),
            _ => (text, None),
        };
        let (host, guest) = match paths.split_once("::") {
            Some((host, guest)) => (host, Some(guest.to_owned())),
            None => (paths, None),
        };
        if host.is_empty() {
            return Err("a path of the host is missing");
        }
        Ok(Mapping {
            host: host.into(),
            guest,
            writable,
        })
    }
}

impl Mapping {
    fn grant(&self, make: impl Fn(PathBuf) -> Grant, writable: bool) -> Grant {
        let mut grant = make(self.host.clone());
        if let Some(guest) = &self.guest {
            grant = grant.at(guest);
        }
        match self.writable.unwrap_or(writable) {
            true => grant.read_write(),
            false => grant,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("run: error: {}: {error}", arguments.program.display());
            ExitCode::from(125)
        }
    }
}

/// Runs the program. Gives its exit code.
///
/// Errors: it cannot be run, or not be given what it was granted.
fn run(arguments: &Arguments) -> Result<u8, Box<dyn Error>> {
    let engine = Engine::new(&Config::new())?;
    let mut linker = Linker::<WasiCtx>::new(&engine);
    wasmer_component_wasi::add_to_linker(&mut linker)?;
    if arguments.http {
        wasmer_component_wasi::add_http_to_linker(&mut linker)?;
    }
    let program = preview1::component(fs::read(&arguments.program)?)?;
    let component = Component::new(&engine, &program)?;
    let mut store = Store::new(&engine, surroundings(arguments)?.build()?)?;
    let timeout = arguments.timeout.map(Duration::try_from_secs_f64);
    store.set_call_timeout(timeout.transpose()?);
    let instance = linker.instantiate(&mut store, &component)?;
    let run = instance
        .get_typed_func::<(), (Result<(), ()>,)>(&mut store, ("wasi:cli/run@0.2.0", "run"))?;
    let error = match run.call(&mut store, ()) {
        Ok((done,)) => return Ok(u8::from(done.is_err())),
        Err(error) => error,
    };
    if let Some(exit) = error.downcast_ref::<Exit>() {
        return Ok(exit.code);
    }
    eprintln!("run: {error}");
    Ok(134)
}

fn surroundings(arguments: &Arguments) -> Result<WasiCtxBuilder, Box<dyn Error>> {
    let mut wasi = WasiCtx::builder();
    let name = arguments.program.file_name().map(OsStr::to_string_lossy);
    let name = name.unwrap_or("program".into());
    wasi.name(&*name)
        .arguments([arguments.argv0.as_deref().unwrap_or(&name)])
        .arguments(&arguments.arguments);
    for variable in &arguments.env {
        match variable.split_once('=') {
            Some((name, value)) => wasi.environment(name, value),
            None => wasi.environment(variable, std::env::var(variable)?),
        };
    }
    if let Some(path) = &arguments.cwd {
        wasi.working_directory(path);
    }

    for mapping in &arguments.dir {
        wasi.grant(mapping.grant(Grant::directory, true));
    }
    for mapping in &arguments.file {
        wasi.grant(mapping.grant(Grant::file, false));
    }
    for path in &arguments.temporary {
        wasi.grant(Grant::temporary(path));
    }
    for path in &arguments.memory {
        wasi.grant(Grant::tree(MemoryTree::new(64 << 20).root(), path).read_write());
    }

    let everything = arguments.all_network.then(AddressRange::everything);
    for range in arguments.tcp.iter().chain(&everything) {
        wasi.network(NetworkGrant::TcpConnect(range.clone()))
            .network(NetworkGrant::TcpListen(range.clone()));
    }
    for range in arguments.udp.iter().chain(&everything) {
        wasi.network(NetworkGrant::UdpBind(range.clone()))
            .network(NetworkGrant::UdpSend(range.clone()));
    }
    let every_name = arguments.all_network.then(|| "*".to_owned());
    for name in arguments.lookup.iter().chain(&every_name) {
        wasi.network(NetworkGrant::Lookup(name.clone()));
    }
    for grant in &arguments.network {
        wasi.network(grant.clone());
    }

    match arguments.stdin.to_str() {
        Some("-") => wasi.stdin(FileDescriptorInput::stdin()),
        Some("none") => wasi.stdin(EmptyInput),
        _ => wasi.stdin(FileDescriptorInput::new(File::open(&arguments.stdin)?)),
    };
    match arguments.stdout.to_str() {
        Some("-") => wasi.stdout(FileDescriptorOutput::stdout()),
        Some("none") => wasi.stdout(NullOutput),
        _ => wasi.stdout(FileDescriptorOutput::new(File::create(&arguments.stdout)?)),
    };
    match arguments.stderr.to_str() {
        Some("-") => wasi.stderr(FileDescriptorOutput::stderr()),
        Some("none") => wasi.stderr(NullOutput),
        _ => wasi.stderr(FileDescriptorOutput::new(File::create(&arguments.stderr)?)),
    };
    if let Some(seed) = arguments.seed {
        wasi.random_seed(seed);
    }
    if let Some(start) = arguments.clock {
        wasi.fixed_clocks(Duration::from_secs(start), Duration::from_micros(1));
    }
    Ok(wasi)
}
