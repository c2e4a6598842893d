//! Figures of this crate: sequential reading of a large file by a guest, through streams and positioned reads, beside `std::fs`;
//! and what a call of the host costs at least. `just bench-wasi` builds the guest and runs this:
//!
//! ```sh
//! cargo run --release --workspace --example bench-wasi -- [--runs N] [--megabytes N]
//! ```
//!
//! Every case reads the same file from the page cache, granted to be read as sources of traces are, and looks at one byte of each chunk. The runs of all cases take turns, so
//! that a busy moment of the machine hits all of them; the medians are printed.

use std::error::Error;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use wasmer_component::{Component, Config, Engine, Linker, Store};
use wasmer_component_wasi::stream::BytesOutput;
use wasmer_component_wasi::{Grant, WasiCtx};

type Failure = Box<dyn Error>;

const CHUNKS: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];
const CALLS: u64 = 1_000_000;

fn main() -> Result<(), Failure> {
    let (mut runs, mut megabytes) = (5, 400);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = || -> Result<usize, Failure> {
            Ok(arguments.next().ok_or("a number is missing")?.parse()?)
        };
        match argument.as_str() {
            "--runs" => runs = { number }()?.max(1),
            "--megabytes" => megabytes = { number }()?.max(1),
            _ => return Err(format!("unknown argument {argument}").into()),
        }
    }

    let folder = tempfile::tempdir()?;
    let size = fill(&folder.path().join("input"), megabytes)?;
    let guest = Guest::new(folder.path())?;

    let mut readings = vec![[const { Vec::new() }; 3]; CHUNKS.len()];
    let mut writings = vec![[const { Vec::new() }; 2]; CHUNKS.len()];
    let mut calls = Vec::new();
    for _ in 0..runs {
        for (chunk, [native, streams, positioned]) in CHUNKS.into_iter().zip(&mut readings) {
            native.push(read_natively(&folder.path().join("input"), chunk, size)?);
            streams.push(guest.run(&["streams", &chunk.to_string()], size)?);
            positioned.push(guest.run(&["positioned", &chunk.to_string()], size)?);
        }
        for (chunk, [native, guests]) in CHUNKS.into_iter().zip(&mut writings) {
            native.push(write_natively(&folder.path().join("output"), chunk, size)?);
            let total = size.to_string();
            guests.push(guest.run(&["writes", &chunk.to_string(), &total], size)?);
        }
        calls.push(guest.run(&["calls", &CALLS.to_string()], CALLS)?);
    }

    let speed = |times: &[Duration]| size as f64 / 1e6 / median(times).as_secs_f64();
    println!("| chunk | native MB/s | streams MB/s | ratio | positioned MB/s | ratio |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (chunk, [native, streams, positioned]) in CHUNKS.into_iter().zip(&readings) {
        let [native, streams, positioned] = [native, streams, positioned].map(|times| speed(times));
        println!(
            "| {} KiB | {native:.0} | {streams:.0} | {:.2} | {positioned:.0} | {:.2} |",
            chunk / 1024,
            streams / native,
            positioned / native,
        );
    }
    println!("\n| chunk written | native MB/s | positioned MB/s | ratio |");
    println!("|---|---:|---:|---:|");
    for (chunk, [native, guests]) in CHUNKS.into_iter().zip(&writings) {
        let [native, guests] = [native, guests].map(|times| speed(times));
        let ratio = guests / native;
        println!(
            "| {} KiB | {native:.0} | {guests:.0} | {ratio:.2} |",
            chunk / 1024
        );
    }
    let call = median(&calls).as_secs_f64() * 1e9 / CALLS as f64;
    println!("\nA call of a clock that has nothing to do: {call:.0} ns.");
    Ok(())
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn fill(path: &Path, megabytes: usize) -> Result<u64, Failure> {
    let block: Vec<u8> = (0..1_000_000u32).map(|n| (n ^ (n >> 8)) as u8).collect();
    let mut file = File::create(path)?;
    for _ in 0..megabytes {
        file.write_all(&block)?;
    }
    Ok(file.metadata()?.len())
}

fn read_natively(path: &Path, chunk: usize, size: u64) -> Result<Duration, Failure> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; chunk];
    let (start, mut total, mut sum) = (Instant::now(), 0, 0u64);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        total += read as u64;
        sum = sum
            .wrapping_mul(31)
            .wrapping_add(u64::from(buffer[read / 2]));
    }
    let elapsed = start.elapsed();
    std::hint::black_box(sum);
    (total == size)
        .then_some(elapsed)
        .ok_or("the file is not as long as it was".into())
}

fn write_natively(path: &Path, chunk: usize, size: u64) -> Result<Duration, Failure> {
    let _ = std::fs::remove_file(path);
    let mut file = File::create(path)?;
    let bytes = vec![7; chunk];
    let (start, mut written) = (Instant::now(), 0);
    while written < size {
        written += file.write(&bytes)? as u64;
    }
    let elapsed = start.elapsed();
    std::fs::remove_file(path)?;
    Ok(elapsed)
}

struct Guest<'a> {
    engine: Engine,
    component: Component,
    folder: &'a Path,
}

impl<'a> Guest<'a> {
    fn new(folder: &'a Path) -> Result<Self, Failure> {
        let engine = Engine::new(&Config::new())?;
        let example = std::env::current_exe()?;
        let target = example.ancestors().nth(3).ok_or("no build folder")?;
        let path = target.join("wasi-guests/figures.wasm");
        let bytes = std::fs::read(&path)
            .map_err(|error| format!("{}: {error}; run: just wasi-guests", path.display()))?;
        let component = Component::new(&engine, &bytes)?;
        Ok(Guest {
            engine,
            component,
            folder,
        })
    }

    /// What the guest says that a case took, when it did `amount`.
    fn run(&self, arguments: &[&str], amount: u64) -> Result<Duration, Failure> {
        let output = BytesOutput::new(1000);
        let mut grant = Grant::directory(self.folder).at("/work");
        if arguments.contains(&"writes") {
            grant = grant.read_write();
        }
        let wasi = WasiCtx::builder()
            .arguments(["figures"])
            .arguments(arguments.iter().copied())
            .grant(grant)
            .stdout(output.clone())
            .build()?;
        let mut linker = Linker::<WasiCtx>::new(&self.engine);
        wasmer_component_wasi::add_to_linker(&mut linker)?;
        let mut store = Store::new(&self.engine, wasi)?;
        // As plugins have it.
        store.set_call_timeout(Some(Duration::from_secs(60)));
        let instance = linker.instantiate(&mut store, &self.component)?;
        let run = instance
            .get_typed_func::<(), (Result<(), ()>,)>(&mut store, ("wasi:cli/run@0.2.0", "run"))?;
        let (done,) = run.call(&mut store, ())?;
        done.map_err(|()| "the guest failed")?;
        let _ = std::fs::remove_file(self.folder.join("output"));
        let printed = String::from_utf8(output.contents())?;
        let mut numbers = printed.split_whitespace().map(str::parse::<u64>);
        let time = numbers.next().ok_or("the guest printed nothing")??;
        let done = numbers.next().ok_or("the guest printed one number")??;
        if done < amount {
            return Err(format!("the guest did {done} of {amount}").into());
        }
        Ok(Duration::from_nanos(time))
    }
}
