//! How fast the reader is on this machine: `cargo run --release -p chipmunk-dlt --example measure [TRACE]`.
//!
//! Without a trace, one of 400 MB is made. Chunks of 256 KiB, as the host hands them over; the best of three.

use std::time::Instant;

use chipmunk_dlt::{Options, Output, Reader, generate::Trace};
use chipmunk_payload::BatchWriter;

fn main() -> std::io::Result<()> {
    let trace = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => {
            let start = Instant::now();
            let mut trace = Vec::new();
            let made = Trace {
                messages: 1_917_072,
                garbage: 775,
                message_bytes: 209,
                seed: 1,
            }
            .write_to(&mut trace)?;
            println!("made {made:?} in {:.2} s", start.elapsed().as_secs_f64());
            trace
        }
    };
    for output in [Output::Ranges, Output::Line, Output::Columns] {
        let mut best = f64::INFINITY;
        let mut counts = (0, 0, 0);
        for _ in 0..3 {
            let start = Instant::now();
            counts = run(&trace, output);
            best = best.min(start.elapsed().as_secs_f64());
        }
        let (items, archived, calls) = counts;
        println!(
            "{output:?}: {best:.3} s, {:.0} MB/s, {items} items in {calls} calls, archives of {} MB",
            trace.len() as f64 / best / 1e6,
            archived / 1_000_000,
        );
    }
    Ok(())
}

/// Items, bytes of all archives, and calls.
fn run(trace: &[u8], output: Output) -> (usize, usize, usize) {
    const CHUNK: usize = 256 << 10;
    let mut reader = Reader::new(Options {
        output,
        ..Options::default()
    });
    let mut out = BatchWriter::new();
    let (mut start, mut end) = (0, 0);
    let mut counts = (0, 0, 0);
    while start < trace.len() {
        end = (end + CHUNK).min(trace.len());
        let tail = reader.read(&trace[start..end], end == trace.len(), &mut out);
        start += out.consumed() as usize;
        counts.0 += out.len();
        let archive = out.finish(tail);
        counts.1 += archive.len();
        counts.2 += 1;
        out.recycle(archive);
    }
    counts
}
