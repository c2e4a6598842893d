//! What `just bench-wasi` measures: reading the first directory's `input` in chunks of so many bytes, writing `output`, and the
//! cheapest call there is. Prints how many nanoseconds it took and a checksum.

use wasi::clocks::monotonic_clock::{now, resolution};
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasi::io::streams::StreamError;
use wasi_guests::run;

fn main() {
    run(&[
        ("streams", streams),
        ("positioned", positioned),
        ("writes", writes),
        ("calls", calls),
    ]);
}

fn open(name: &str, open: OpenFlags, flags: DescriptorFlags) -> Descriptor {
    let (root, _) = get_directories().into_iter().next().expect("a directory");
    root.open_at(PathFlags::empty(), name, open, flags).unwrap()
}

fn input() -> Descriptor {
    open("input", OpenFlags::empty(), DescriptorFlags::READ)
}

/// Looks at a byte of each chunk, as somebody who reads does at least.
fn look(sum: &mut u64, bytes: &[u8]) {
    *sum = sum
        .wrapping_mul(31)
        .wrapping_add(u64::from(bytes[bytes.len() / 2]));
}

fn report(start: u64, read: u64, sum: u64) {
    println!("{} {read} {sum}", now() - start);
}

fn streams(arguments: &[String]) {
    let chunk: u64 = arguments[0].parse().unwrap();
    let stream = input().read_via_stream(0).unwrap();
    let (start, mut read, mut sum) = (now(), 0, 0);
    loop {
        match stream.blocking_read(chunk) {
            Ok(bytes) => {
                read += bytes.len() as u64;
                look(&mut sum, &bytes);
            }
            Err(StreamError::Closed) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    report(start, read, sum);
}

fn positioned(arguments: &[String]) {
    let chunk: u64 = arguments[0].parse().unwrap();
    let file = input();
    let (start, mut read, mut sum) = (now(), 0, 0);
    loop {
        let (bytes, end) = file.read(chunk, read).unwrap();
        read += bytes.len() as u64;
        if !bytes.is_empty() {
            look(&mut sum, &bytes);
        }
        if end {
            break;
        }
    }
    report(start, read, sum);
}

fn writes(arguments: &[String]) {
    let [chunk, total] = [0, 1].map(|place| arguments[place].parse::<usize>().unwrap());
    let file = open("output", OpenFlags::CREATE, DescriptorFlags::WRITE);
    let bytes = vec![7; chunk];
    let (start, mut written) = (now(), 0);
    while written < total as u64 {
        written += file.write(&bytes, written).unwrap();
    }
    report(start, written, 0);
}

fn calls(arguments: &[String]) {
    let count: u64 = arguments[0].parse().unwrap();
    let (start, mut sum) = (now(), 0);
    for _ in 0..count {
        sum += resolution();
    }
    report(start, count, sum);
}
