//! `wasi:cli`, `wasi:clocks`, `wasi:random` and `wasi:io`: what surrounds a program.

use std::time::Duration;

use wasi::cli::{
    environment, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::io::poll::poll;
use wasi::io::streams::StreamError;
use wasi::random::{insecure, insecure_seed, random};
use wasi_guests::run;

fn main() {
    run(&[
        ("surroundings", surroundings),
        ("nothing", nothing),
        ("exit", |_| std::process::exit(3)),
        ("success", |_| std::process::exit(0)),
        ("clocks", clocks),
        ("fixed-clocks", fixed_clocks),
        ("sleep-for-ever", |_| {
            monotonic_clock::subscribe_duration(u64::MAX).block()
        }),
        ("random", randoms),
        ("terminals", terminals),
        ("too-much-random", |_| {
            drop(random::get_random_bytes(u64::MAX / 2))
        }),
        ("echo", echo),
        ("input", input),
        ("lines", lines),
        ("much", much),
        ("input-before-pollable", input_before_pollable),
        ("output-before-pollable", output_before_pollable),
        ("unpermitted", unpermitted),
        ("unpermitted-zeroes", |_| {
            drop(stdout::get_stdout().write_zeroes(1))
        }),
        ("a-page", a_page),
        ("more-than-a-page", |_| {
            drop(stdout::get_stdout().blocking_write_and_flush(&[b'x'; 4097]))
        }),
        ("more-zeroes-than-a-page", |_| {
            drop(stdout::get_stdout().blocking_write_zeroes_and_flush(4097))
        }),
        ("many-pollables", many_pollables),
        ("too-many-handles", too_many_handles),
        ("poll-nothing", |_| drop(poll(&[]))),
    ]);
}

fn surroundings(arguments: &[String]) {
    assert_eq!(arguments, ["ä", "", "b c"]);
    assert_eq!(environment::get_arguments()[2..], ["ä", "", "b c"]);
    assert_eq!(
        environment::get_environment(),
        [
            ("NAME".to_owned(), "value".to_owned()),
            ("EMPTY".to_owned(), String::new())
        ]
    );
    assert_eq!(std::env::var("NAME").as_deref(), Ok("value"));
    assert_eq!(environment::initial_cwd().as_deref(), Some("/work"));
    assert!(terminal_stdin::get_terminal_stdin().is_none());
    assert!(terminal_stdout::get_terminal_stdout().is_none());
    assert!(terminal_stderr::get_terminal_stderr().is_none());
}

fn nothing(_: &[String]) {
    assert_eq!(environment::get_environment(), []);
    assert_eq!(environment::initial_cwd(), None);
    assert!(matches!(
        stdin::get_stdin().blocking_read(1),
        Err(StreamError::Closed)
    ));
    let mut line = String::new();
    assert_eq!(std::io::stdin().read_line(&mut line).unwrap(), 0);
}

fn clocks(_: &[String]) {
    let start = monotonic_clock::now();
    assert!(monotonic_clock::resolution() > 0);
    assert!(monotonic_clock::now() >= start);
    let resolution = wall_clock::resolution();
    assert!((resolution.seconds, resolution.nanoseconds) > (0, 0));
    // After this was written.
    assert!(wall_clock::now().seconds > 1_760_000_000);

    monotonic_clock::subscribe_duration(20_000_000).block();
    assert!(monotonic_clock::now() - start >= 20_000_000);
    std::thread::sleep(Duration::from_millis(20));
    assert!(monotonic_clock::now() - start >= 40_000_000);

    let past = monotonic_clock::subscribe_instant(start);
    assert!(past.ready());
    let (soon, later) = (
        monotonic_clock::subscribe_duration(30_000_000),
        monotonic_clock::subscribe_instant(u64::MAX),
    );
    assert!(!soon.ready() && !later.ready());
    assert_eq!(poll(&[&later, &past, &soon]), [1]);
    assert_eq!(poll(&[&later, &soon]), [1]);
    // One that was ready stays so, and may be named twice.
    assert_eq!(poll(&[&soon, &soon, &past]), [0, 1, 2]);
    assert!(monotonic_clock::subscribe_duration(0).ready());
}

/// Prints what the clocks show, so that two runs can be compared.
fn fixed_clocks(_: &[String]) {
    let wall = wall_clock::now();
    let before = monotonic_clock::now();
    std::thread::sleep(Duration::from_secs(3600));
    let after = monotonic_clock::now();
    assert!(after - before >= 3_600_000_000_000);
    println!("{wall:?} {before} {after} {:?}", wall_clock::now());
}

/// Prints numbers, so that two runs can be compared.
fn randoms(_: &[String]) {
    assert_eq!(random::get_random_bytes(0), b"");
    let much = random::get_random_bytes(1 << 20);
    assert_eq!(much.len(), 1 << 20);
    let mut counts = [0u32; 256];
    much.iter().for_each(|byte| counts[*byte as usize] += 1);
    // 4096 each on average.
    assert!(counts.iter().all(|count| (3000..5200).contains(count)));
    assert_eq!(insecure::get_insecure_random_bytes(5).len(), 5);
    // A value, though it looks like a function.
    let seed = insecure_seed::insecure_seed();
    assert_eq!(insecure_seed::insecure_seed(), seed);
    let mut map = std::collections::HashMap::new();
    map.insert("key", 1);
    println!(
        "{:?} {} {:?} {} {:?}",
        random::get_random_bytes(8),
        random::get_random_u64(),
        insecure::get_insecure_random_bytes(8),
        insecure::get_insecure_random_u64(),
        seed,
    );
}

/// Prints which of the standard streams are terminals: as the interface says, and as the C library finds out.
fn terminals(_: &[String]) {
    use std::io::IsTerminal as _;
    use wasi::cli::{terminal_stderr, terminal_stdin, terminal_stdout};
    let handles = [
        terminal_stdin::get_terminal_stdin().is_some(),
        terminal_stdout::get_terminal_stdout().is_some(),
        terminal_stderr::get_terminal_stderr().is_some(),
    ];
    let library = [
        std::io::stdin().is_terminal(),
        std::io::stdout().is_terminal(),
        std::io::stderr().is_terminal(),
    ];
    assert_eq!(handles, library);
    println!("{handles:?}");
}

/// From input to output without looking at it.
fn echo(_: &[String]) {
    let (from, to) = (stdin::get_stdin(), stdout::get_stdout());
    while let Ok(moved) = to.blocking_splice(&from, 10_000) {
        assert!(moved > 0);
    }
}

/// The input is `one\ntwo\nthree`.
fn input(_: &[String]) {
    let input = stdin::get_stdin();
    let pollable = input.subscribe();
    assert_eq!(poll(&[&pollable]), [0]);
    drop(pollable);
    assert_eq!(input.read(2).unwrap(), b"on");
    assert_eq!(input.skip(2).unwrap(), 2);
    assert_eq!(input.blocking_skip(1).unwrap(), 1);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "wo\n");
    line.clear();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "three");
    line.clear();
    assert_eq!(std::io::stdin().read_line(&mut line).unwrap(), 0);
    assert!(matches!(input.read(1), Err(StreamError::Closed)));
}

fn lines(_: &[String]) {
    use std::io::Write as _;
    print!("a line in ");
    std::io::stdout().flush().unwrap();
    eprintln!("meanwhile");
    println!("two parts\nanother\r");
    stderr::get_stderr()
        .blocking_write_and_flush(b"not \xff text\n")
        .unwrap();
    print!("no end");
}

fn much(_: &[String]) {
    for number in 0..20_000 {
        println!("{number}");
    }
}

fn input_before_pollable(_: &[String]) {
    let input = stdin::get_stdin();
    let _pollable = input.subscribe();
    drop(input);
    unreachable!("a parent was dropped before its child");
}

fn output_before_pollable(_: &[String]) {
    let output = stdout::get_stdout();
    let (first, _second) = (output.subscribe(), output.subscribe());
    drop(first);
    drop(output);
    unreachable!("a parent was dropped before its child");
}

fn unpermitted(_: &[String]) {
    let output = stdout::get_stdout();
    let permit = output.check_write().unwrap() as usize;
    output.write(&vec![b'x'; permit]).unwrap();
    let _ = output.write(b"x");
    unreachable!("more was written than permitted");
}

fn a_page(_: &[String]) {
    let output = stdout::get_stdout();
    output.blocking_write_and_flush(&[b'x'; 4096]).unwrap();
    output.blocking_write_zeroes_and_flush(4096).unwrap();
    output.blocking_write_and_flush(b"").unwrap();
}

/// More than a process can have open, of one input that never comes.
fn many_pollables(_: &[String]) {
    let input = stdin::get_stdin();
    let mut pollables: Vec<_> = (0..5000).map(|_| input.subscribe()).collect();
    pollables.push(monotonic_clock::subscribe_duration(20_000_000));
    assert_eq!(poll(&pollables.iter().collect::<Vec<_>>()), [5000]);
    drop(pollables);
}

fn too_many_handles(_: &[String]) {
    let mut pollables = Vec::new();
    loop {
        pollables.push(monotonic_clock::subscribe_duration(0));
        assert!(pollables.len() < 100_000);
    }
}
