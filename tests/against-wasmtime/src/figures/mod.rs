//! Figures: one call on `wasmer-component` beside the same call on the `wasmtime` crate, in one run.
//!
//! Both run the identical component (`guest.wat`), compiled by the same release of Cranelift for speed; fuel, epochs and pooling
//! are off on wasmtime's side, limits on ours where a row does not say otherwise. A round measures every row once, ours and
//! theirs in turns, right after each other; a table's time is the median of the thread's processor time over the rounds, its ratio the median of the rounds'
//! ratios, so that a neighbour on the machine who slows down a whole round does no harm.

mod ours;
mod raw;
mod theirs;

use ours::rows::Side;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use wasmer_component::StoreLimits;

/// What a row is to reach.
#[derive(Clone, Copy)]
enum Goal {
    /// Only to be known.
    None,
    /// At most so many nanoseconds more than what it is compared with.
    Over(f64),
    /// At most so many times what it is compared with.
    Ratio(f64),
}

struct Row {
    what: &'static str,
    /// What the second column is: `wasmtime`, or a base line of our own.
    against: &'static str,
    goal: Goal,
    measured: Side,
    compared: Side,
}

/// A row's figures: nanoseconds a call.
struct Figures {
    what: &'static str,
    against: &'static str,
    measured: f64,
    compared: f64,
    ratio: f64,
    goal: Goal,
}

/// What to print, and how often to measure.
pub struct Options {
    pub runs: usize,
    pub json: bool,
    /// Only rows whose name holds this.
    pub only: Option<String>,
}

/// How long one side of one row is measured in one round.
const BATCH: Duration = Duration::from_millis(4);

pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut rows = rows()?;
    if let Some(only) = &options.only {
        rows.retain(|row| row.what.contains(only.as_str()));
    }
    let figures = measure(&mut rows, options.runs)?;
    if options.json {
        println!("{}", json(&figures, options.runs));
    } else {
        print(&figures, options.runs);
    }
    Ok(())
}

fn rows() -> anyhow::Result<Vec<Row>> {
    let bytes = wat::parse_str(include_str!("guest.wat"))?;
    let us = ours::Runtime::new(&bytes)?;
    let them = theirs::Runtime::new(&bytes).map_err(theirs::failed)?;
    let mut rows = Vec::new();

    // One row a line: a function of `rows.rs` on either runtime.
    macro_rules! row {
        ($what:expr, $goal:expr, $row:ident $(, $argument:expr)*) => {
            rows.push(Row {
                what: $what,
                against: "wasmtime",
                goal: $goal,
                measured: ours::rows::$row(us.instantiate()? $(, $argument)*)?,
                compared: theirs::rows::$row(them.instantiate().map_err(theirs::failed)? $(, $argument)*)
                    .map_err(theirs::failed)?,
            });
        };
    }
    row!("no-op, host to guest", Goal::None, nop);
    rows.push(Row {
        what: "no-op, host to guest: over wasmer's raw call",
        against: "raw typed",
        goal: Goal::Over(60.0),
        measured: ours::rows::nop(us.instantiate()?)?,
        compared: raw::Raw::new()?.typed()?,
    });
    row!("add(u32, u32), host to guest", Goal::None, add);
    row!("no-op, guest to host", Goal::None, host_nop);
    rows.push(Row {
        what: "no-op, guest to host: over wasmer's raw call",
        against: "raw typed",
        goal: Goal::Over(60.0),
        measured: ours::rows::host_nop(us.instantiate()?)?,
        compared: raw::Raw::new()?.host()?,
    });
    row!("add(u32, u32), guest to host", Goal::None, host_add);
    row!("echo 64 B list<u8>", Goal::None, bytes, 64);
    row!("echo 64 KiB list<u8>", Goal::Ratio(1.0), bytes, 64 << 10);
    row!("echo 8 MiB list<u8>", Goal::Ratio(1.0), bytes, 8 << 20);
    row!("64 KiB list<u8> in", Goal::Ratio(1.0), sink, 64 << 10);
    row!("64 KiB list<u8> out", Goal::Ratio(1.0), source, 64 << 10);
    row!(
        "64 KiB list<u8>, guest to host",
        Goal::Ratio(1.0),
        host_take,
        64 << 10
    );
    rows.push(Row {
        what: "echo 64 KiB list<u8>, result read in place",
        against: "wasmtime",
        goal: Goal::Ratio(1.0),
        measured: ours::lent_bytes(us.instantiate()?, 64 << 10)?,
        compared: theirs::lent_bytes(them.instantiate().map_err(theirs::failed)?, 64 << 10)
            .map_err(theirs::failed)?,
    });
    row!("echo 64 KiB string", Goal::None, string, 64 << 10);
    row!(
        "echo 10,000 records of scalars",
        Goal::None,
        flat_records,
        10_000
    );
    row!(
        "echo 10,000 records with a string",
        Goal::None,
        named_records,
        10_000
    );
    row!(
        "host's resource: create and drop",
        Goal::None,
        host_resource
    );
    row!("host's resource: method", Goal::None, host_method);
    row!(
        "guest's resource: create and drop",
        Goal::None,
        guest_resource
    );
    row!("guest's resource: method", Goal::None, guest_method);

    rows.push(Row {
        what: "instantiate (with its store)",
        against: "wasmtime",
        goal: Goal::Ratio(1.0),
        measured: ours::rows::instantiate(&us)?,
        compared: theirs::rows::instantiate(&them).map_err(theirs::failed)?,
    });
    rows.push(Row {
        what: "instantiate: against wasmtime's InstancePre",
        against: "wasmtime",
        goal: Goal::None,
        measured: ours::rows::instantiate(&us)?,
        compared: theirs::instantiate_linked(&them),
    });
    let large = wat::parse_str(large_component())?;
    let (our_large, their_large) = (
        us.compile(&large)?,
        them.compile(&large).map_err(theirs::failed)?,
    );
    for (what, ours, theirs) in [
        ("load an artifact", &us.component, &them.component),
        (
            "load an artifact of 2,000 functions",
            &our_large,
            &their_large,
        ),
    ] {
        rows.push(Row {
            what,
            against: "wasmtime",
            goal: Goal::Ratio(1.0),
            measured: ours::rows::load(&us, ours)?,
            compared: theirs::rows::load(&them, theirs).map_err(theirs::failed)?,
        });
    }

    // The dynamic way.
    let dynamic: [(_, _, Vec<_>, Vec<_>); 3] = [
        ("Val: no-op, host to guest", "nop", vec![], vec![]),
        (
            "Val: echo 64 KiB list<u8>",
            "echo-bytes",
            ours::dynamic_bytes(64 << 10),
            theirs::dynamic_bytes(64 << 10),
        ),
        (
            "Val: echo 10,000 records of scalars",
            "echo-flat",
            ours::dynamic_records(10_000),
            theirs::dynamic_records(10_000),
        ),
    ];
    for (what, name, our_params, their_params) in dynamic {
        rows.push(Row {
            what,
            against: "wasmtime",
            goal: Goal::None,
            measured: ours::dynamic(us.instantiate()?, name, our_params)?,
            compared: theirs::dynamic(
                them.instantiate().map_err(theirs::failed)?,
                name,
                their_params,
            )?,
        });
    }
    rows.push(Row {
        what: "Val: no-op: over wasmer's raw dynamic call",
        against: "raw dynamic",
        goal: Goal::Over(60.0),
        measured: ours::dynamic(us.instantiate()?, "nop", vec![])?,
        compared: raw::Raw::new()?.dynamic()?,
    });

    // What limits cost while they are not hit.
    let limits = StoreLimits {
        memory_bytes: Some(256 << 20),
        table_elements: Some(100_000),
        list_bytes: 64 << 20,
    };
    let minute = Some(Duration::from_secs(60));
    for (nop, bytes, limits, timeout) in [
        (
            "no-op with memory limits",
            "echo 64 KiB list<u8> with memory limits",
            limits,
            None,
        ),
        (
            "no-op with a deadline",
            "echo 64 KiB list<u8> with a deadline",
            StoreLimits::default(),
            minute,
        ),
    ] {
        rows.push(Row {
            what: nop,
            against: "no limits",
            goal: Goal::None,
            measured: ours::rows::nop(us.instantiate_with(limits, timeout)?)?,
            compared: ours::rows::nop(us.instantiate()?)?,
        });
        rows.push(Row {
            what: bytes,
            against: "no limits",
            goal: Goal::Ratio(1.01),
            measured: ours::rows::bytes(us.instantiate_with(limits, timeout)?, 64 << 10)?,
            compared: ours::rows::bytes(us.instantiate()?, 64 << 10)?,
        });
    }
    Ok(rows)
}

/// A component whose artifact is mostly machine code.
fn large_component() -> String {
    let functions: String = (0..2_000)
        .map(|i| {
            format!(
                "(func (param i32 i32) (result i32)
                   (if (result i32) (i32.lt_u (local.get 0) (i32.const {i}))
                     (then (i32.store offset={i} (local.get 0) (local.get 1)) (i32.load (local.get 1)))
                     (else (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const {i})))))"
            )
        })
        .collect();
    format!(
        r#"(component
             (core module $m (memory 1) {functions} (func (export "run")))
             (core instance $i (instantiate $m))
             (func (export "run") (canon lift (core func $i "run"))))"#
    )
}

/// Measures all rows, round by round.
fn measure(rows: &mut [Row], runs: usize) -> anyhow::Result<Vec<Figures>> {
    let mut batches = Vec::new();
    for row in &mut *rows {
        batches.push((calibrate(&mut row.measured)?, calibrate(&mut row.compared)?));
    }
    let mut times = vec![(Vec::new(), Vec::new()); rows.len()];
    for run in 0..runs {
        for ((row, batch), times) in rows.iter_mut().zip(&batches).zip(&mut times) {
            // Whoever comes second finds caches as the other left them; so they take turns.
            if run % 2 == 0 {
                times.0.push(time(&mut row.measured, batch.0)?);
                times.1.push(time(&mut row.compared, batch.1)?);
            } else {
                times.1.push(time(&mut row.compared, batch.1)?);
                times.0.push(time(&mut row.measured, batch.0)?);
            }
        }
    }
    let figures = rows.iter().zip(times).map(|(row, (measured, compared))| {
        let ratios = measured.iter().zip(&compared).map(|(m, c)| m / c).collect();
        Figures {
            what: row.what,
            against: row.against,
            measured: median(measured),
            compared: median(compared),
            ratio: median(ratios),
            goal: row.goal,
        }
    });
    Ok(figures.collect())
}

/// Warms up; gives how many calls take about [`BATCH`].
fn calibrate(side: &mut Side) -> anyhow::Result<u32> {
    side(1)?;
    let mut times = 1;
    loop {
        let began = cpu_time();
        side(times)?;
        let took = cpu_time().saturating_sub(began);
        if took >= BATCH / 4 || times >= 1 << 24 {
            let per_call = took.as_secs_f64() / f64::from(times);
            return Ok((BATCH.as_secs_f64() / per_call).clamp(1.0, 1e8) as u32);
        }
        times *= 2;
    }
}

/// Nanoseconds a call.
fn time(side: &mut Side, times: u32) -> anyhow::Result<f64> {
    let began = cpu_time();
    side(times)?;
    Ok(cpu_time().saturating_sub(began).as_secs_f64() * 1e9 / f64::from(times))
}

/// The processor time of this thread, which makes every call: what waits for a neighbour on the machine does not count.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (
        values.len() % 2,
        values.get(middle.wrapping_sub(1)),
        values.get(middle),
    ) {
        (0, Some(a), Some(b)) => (a + b) / 2.0,
        (_, _, Some(b)) => *b,
        _ => f64::NAN,
    }
}

impl Figures {
    /// The goal in words, and whether it is met.
    fn verdict(&self) -> Option<(String, bool)> {
        match self.goal {
            Goal::None => None,
            Goal::Over(ns) => Some((format!("+{ns:.0} ns"), self.measured - self.compared <= ns)),
            Goal::Ratio(ratio) => Some((format!("≤ {ratio:.2}"), self.ratio <= ratio)),
        }
    }
}

fn print(figures: &[Figures], runs: usize) {
    println!("| a call | ours | against | | ratio | goal | |");
    println!("|---|---:|---|---:|---:|---|---|");
    for row in figures {
        let (goal, met) = match row.verdict() {
            None => (String::new(), ""),
            Some((goal, true)) => (goal, "met"),
            Some((goal, false)) => (goal, "**missed**"),
        };
        println!(
            "| {} | {} | {} | {} | {:.2} | {goal} | {met} |",
            row.what,
            duration(row.measured),
            row.against,
            duration(row.compared),
            row.ratio,
        );
    }
    println!();
    println!(
        "Processor time, medians of {runs} interleaved rounds; the ratio is the median of the rounds' ratios."
    );
    println!("{}", setting());
}

fn setting() -> String {
    format!(
        "wasmtime {} (Cranelift, speed; no fuel, no epochs, on-demand allocation, memories as by default) against wasmer {}.",
        env!("WASMTIME_VERSION"),
        env!("WASMER_VERSION"),
    )
}

/// Nanoseconds, as people read them.
fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e4 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}

fn json(figures: &[Figures], runs: usize) -> serde_json::Value {
    let rows: Vec<_> = figures
        .iter()
        .map(|row| {
            let verdict = row.verdict();
            serde_json::json!({
                "what": row.what,
                "ns": row.measured,
                "against": row.against,
                "against_ns": row.compared,
                "ratio": row.ratio,
                "goal": verdict.as_ref().map(|(goal, _)| goal),
                "met": verdict.as_ref().map(|(_, met)| met),
            })
        })
        .collect();
    serde_json::json!({ "runs": runs, "setting": setting(), "rows": rows })
}
