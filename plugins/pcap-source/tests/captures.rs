//! Captures made by hand, whole and broken, through the plugin as a host drives it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use chipmunk_plugin::{
    ConfigValue, Level, SourceError,
    testing::{self, AllRead, TestError},
};
use etherparse::PacketBuilder;
use pcap_source::PcapSource;

/// A file that is deleted in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn of(bytes: &[u8]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "pcap-source-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn read_file(path: &Path, port: i32, len: usize) -> Result<AllRead, TestError> {
    let path = path.to_str().unwrap().to_string();
    let config = [
        ("input", ConfigValue::Files(vec![path])),
        ("port", ConfigValue::Integer(port)),
    ];
    testing::read_all::<PcapSource>(&config, len)
}

fn read(capture: &[u8], len: usize) -> Result<AllRead, TestError> {
    read_file(&Scratch::of(capture).0, 0, len)
}

fn udp(payload: &[u8], port: u16) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(30490, port);
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

fn tcp() -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(1, 2, 3, 4);
    let mut packet = Vec::new();
    builder.write(&mut packet, b"not taken").unwrap();
    packet
}

/// Bytes of the headers before a payload.
const HEADERS: usize = 14 + 20 + 8;

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Order::Little => number.to_le_bytes(),
            Order::Big => number.to_be_bytes(),
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Order::Little => number.to_le_bytes(),
            Order::Big => number.to_be_bytes(),
        }
    }

    fn words(self, numbers: &[u32]) -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|&number| self.u32(number))
            .collect()
    }
}

/// A pcap file: packets with seconds and fractions.
fn pcap(order: Order, magic: u32, packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend(order.words(&[0, 0, 65535, 1]));
    for (seconds, fraction, packet) in packets {
        let len = packet.len() as u32;
        file.extend(order.words(&[*seconds, *fraction, len, len]));
        file.extend_from_slice(packet);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = 12 + padded as u32;
    let mut block = order.words(&[kind, len]);
    block.extend_from_slice(body);
    block.resize(8 + padded, 0);
    block.extend(order.u32(len));
    block
}

fn section(order: Order) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(1));
    body.extend(order.u16(0));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

fn interface(order: Order, link: u16, resolution: u8, offset: i64) -> Vec<u8> {
    let mut body = order.u16(link).to_vec();
    body.extend(order.u16(0));
    body.extend(order.u32(65535));
    body.extend(order.u16(9));
    body.extend(order.u16(1));
    body.extend([resolution, 0, 0, 0]);
    body.extend(order.u16(14));
    body.extend(order.u16(8));
    body.extend(match order {
        Order::Little => offset.to_le_bytes(),
        Order::Big => offset.to_be_bytes(),
    });
    body.extend([0; 4]);
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, packet: &[u8]) -> Vec<u8> {
    let len = packet.len() as u32;
    let mut body = order.words(&[interface, (ticks >> 32) as u32, ticks as u32, len, len]);
    body.extend_from_slice(packet);
    block(order, 6, &body)
}

fn simple(order: Order, packet: &[u8]) -> Vec<u8> {
    let mut body = order.u32(packet.len() as u32).to_vec();
    body.extend_from_slice(packet);
    block(order, 3, &body)
}

fn total(all: &AllRead) -> usize {
    all.bytes.len()
        + all
            .segments
            .iter()
            .map(|(_, skipped, _)| *skipped as usize)
            .sum::<usize>()
}

#[test]
fn pcap_in_every_byte_order_and_precision() {
    let packets: &[(u32, u32, &[u8])] = &[
        (1_700_000_000, 5, &udp(b"one", 1)),
        (1_700_000_000, 6, &tcp()),
        (1_700_000_001, 999, &udp(b"three", 1)),
    ];
    for (order, magic, unit) in [
        (Order::Little, 0xa1b2_c3d4, 1000),
        (Order::Big, 0xa1b2_c3d4, 1000),
        (Order::Little, 0xa1b2_3c4d, 1),
        (Order::Big, 0xa1b2_3c4d, 1),
    ] {
        let all = read(&pcap(order, magic, packets), 100).unwrap();
        let skipped = (16 + HEADERS) as u32;
        let expected = AllRead {
            bytes: b"onethree".to_vec(),
            segments: vec![
                (3, 24 + skipped, Some(1_700_000_000_000_000_000 + 5 * unit)),
                (
                    8,
                    16 + tcp().len() as u32 + skipped,
                    Some(1_700_000_001_000_000_000 + 999 * unit),
                ),
            ],
            calls: 2,
        };
        assert_eq!(all, expected);
    }
}

#[test]
fn pcapng_with_sections_interfaces_and_resolutions() {
    for order in [Order::Little, Order::Big] {
        let raw = udp(b"raw!", 1).split_off(14);
        let file = [
            section(order),
            interface(order, 1, 9, 0),
            interface(order, 101, 0x80 | 10, -5),
            enhanced(order, 0, 1_700_000_000_123_456_789, &udp(b"a", 1)),
            block(order, 5, &[0; 12]),
            enhanced(order, 1, (100 << 10) + 512, &raw),
            enhanced(order, 7, 0, &udp(b"an interface that is not described", 1)),
            section(order),
            interface(order, 1, 6, 1000),
            simple(order, &udp(b"simple", 1)),
            enhanced(order, 0, 7, &udp(b"z", 1)),
            block(order, 0x0bad, b"unknown"),
        ];
        let all = read(&file.concat(), 100).unwrap();
        assert_eq!(all.bytes, b"araw!simplez");
        let times: Vec<(usize, Option<u64>)> = all
            .segments
            .iter()
            .map(|(end, _, time)| (*end, *time))
            .collect();
        let expected = [
            (1, Some(1_700_000_000_123_456_789)),
            (5, Some(95_500_000_000)),
            (11, None),
            (12, Some(1000 * 1_000_000_000 + 7000)),
            (12, None),
        ];
        assert_eq!(times, expected);
        assert_eq!(total(&all), file.concat().len());
    }
}

#[test]
fn any_chunk_size_gives_the_same() {
    let payloads: Vec<Vec<u8>> = (1..20)
        .map(|len| (0..len * 7).map(|byte| byte as u8).collect())
        .collect();
    let packets: Vec<Vec<u8>> = payloads.iter().map(|payload| udp(payload, 1)).collect();
    let timed: Vec<(u32, u32, &[u8])> = packets
        .iter()
        .zip(1..)
        .map(|(packet, time)| (time, 0, &packet[..]))
        .collect();
    let file = pcap(Order::Little, 0xa1b2_c3d4, &timed);
    for len in [1, 2, 3, 7, 10, 64, 100, 1000, 5000] {
        let all = read(&file, len).unwrap();
        assert_eq!(all.bytes, payloads.concat(), "{len}");
        assert_eq!(total(&all), file.len(), "{len}");
        assert_eq!(
            all.calls,
            all.bytes.len().div_ceil(len) + 1,
            "chunks are full: {len}"
        );
        // Every byte has the time of its packet, however it is divided.
        let mut times = Vec::new();
        for (end, _, time) in &all.segments {
            times.resize(*end, *time);
        }
        let expected: Vec<Option<u64>> = payloads
            .iter()
            .zip(1..)
            .flat_map(|(payload, time)| vec![Some(time * 1_000_000_000); payload.len()])
            .collect();
        assert_eq!(times, expected, "{len}");
    }
}

#[test]
fn a_port_is_chosen() {
    let file = pcap(
        Order::Little,
        0xa1b2_c3d4,
        &[
            (1, 0, &udp(b"to 3490", 3490)),
            (2, 0, &udp(b"to 9", 9)),
            (3, 0, &udp(b"to 3490", 3490)),
        ],
    );
    let file = Scratch::of(&file);
    assert_eq!(
        read_file(&file.0, 3490, 64).unwrap().bytes,
        b"to 3490to 3490"
    );
    assert_eq!(read_file(&file.0, 9, 64).unwrap().bytes, b"to 9");
    assert_eq!(
        read_file(&file.0, 30490, 64).unwrap().bytes,
        b"to 3490to 9to 3490",
        "also where it comes from"
    );
    assert_eq!(read_file(&file.0, 1, 64).unwrap().bytes, b"");
    let error = read_file(&file.0, 65536, 64).unwrap_err().to_string();
    assert!(
        error.contains("the option `port` cannot be 65536; a port is a number from 0 to 65535"),
        "{error}"
    );
}

#[test]
fn fragments_and_parts_are_counted() {
    let mut fragment = udp(b"first part", 1);
    fragment[14 + 6] = 0x20;
    let whole = udp(b"captured in part", 1);
    let file = pcap(
        Order::Little,
        0xa1b2_c3d4,
        &[
            (1, 0, &fragment),
            (2, 0, &fragment),
            (3, 0, &whole[..HEADERS + 8]),
        ],
    );
    testing::take_log();
    assert_eq!(read(&file, 64).unwrap().bytes, b"captured");
    let warnings: Vec<String> = testing::take_log()
        .into_iter()
        .filter(|(level, _)| *level == Level::Warn)
        .map(|(_, line)| line.split_once(": ").unwrap().1.to_string())
        .collect();
    let expected = [
        "1 packets were captured in part; what there is of them is taken",
        "2 IP fragments are skipped; this plugin does not put them together",
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn what_is_no_capture_is_refused() {
    let error = |bytes: &[u8]| match read(bytes, 64) {
        Err(TestError::Init(chipmunk_plugin::InitError::Io(text))) => {
            text.rsplit_once(" is ").unwrap().1.to_string()
        }
        other => format!("{other:?}"),
    };
    assert_eq!(error(b""), "empty");
    assert!(matches!(
        read(b"DLT\x01 and so on, until there is enough of it", 64),
        Err(TestError::Init(_))
    ));
    assert!(matches!(
        read(&pcap(Order::Little, 0xa1b2_c3d4, &[])[..10], 64),
        Err(TestError::Init(_))
    ));
    let missing = read_file(Path::new("/nowhere/trace.pcap"), 0, 64)
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("/nowhere/trace.pcap cannot be opened"),
        "{missing}"
    );
    let directory = read_file(&std::env::temp_dir(), 0, 64)
        .unwrap_err()
        .to_string();
    assert!(
        directory.contains("is a directory; name a capture in it"),
        "{directory}"
    );
}

/// The captures that are broken below, and what is in them.
fn whole() -> [(Vec<u8>, &'static [u8]); 3] {
    let pcap = pcap(
        Order::Little,
        0xa1b2_c3d4,
        &[
            (1, 0, &udp(b"one", 1)),
            (2, 0, &tcp()),
            (3, 0, &udp(b"two", 1)),
            (4, 0, &udp(b"three", 1)),
        ],
    );
    let pcapng = |order| {
        [
            section(order),
            interface(order, 1, 6, 0),
            enhanced(order, 0, 1, &udp(b"one", 1)),
            simple(order, &udp(b"two", 1)),
            enhanced(order, 0, 1, &udp(b"three", 1)),
        ]
        .concat()
    };
    [
        (pcap, b"onetwothree"),
        (pcapng(Order::Little), b"onetwothree"),
        (pcapng(Order::Big), b"onetwothree"),
    ]
}

#[test]
fn a_capture_that_is_cut_off_gives_what_is_before() {
    for (file, payload) in whole() {
        assert_eq!(read(&file, 4).unwrap().bytes, payload);
        for len in 0..file.len() {
            testing::take_log();
            match read(&file[..len], 4) {
                Ok(all) => {
                    assert!(payload.starts_with(&all.bytes), "{len}");
                    assert_eq!(total(&all), len);
                }
                Err(TestError::Init(_)) => assert!(len < 100, "{len}"),
                Err(error) => panic!("{len}: {error}"),
            }
        }
    }
}

#[test]
fn a_damaged_capture_is_an_error_or_not_and_never_a_panic() {
    for (file, _) in whole() {
        let mut broken = file.clone();
        for at in 0..file.len() {
            for mask in [0x01, 0x80, 0x0f, 0xff] {
                broken[at] = file[at] ^ mask;
                match read(&broken, 4) {
                    Ok(all) => assert_eq!(total(&all), file.len()),
                    Err(TestError::Init(_) | TestError::Read(SourceError::Io(_))) => {}
                    Err(error) => panic!("byte {at}, {mask:#x}: {error}"),
                }
            }
            broken[at] = file[at];
        }
    }
}

#[test]
fn what_is_before_the_damage_is_read() {
    let [(file, _), ..] = whole();
    let mut broken = file.clone();
    // The length of the last packet.
    let at = file.len() - HEADERS - 5 - 8;
    broken[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let scratch = Scratch::of(&broken);
    let error = read_file(&scratch.0, 0, 4).unwrap_err().to_string();
    let place = format!(
        "a block claims to be larger than 16 MiB at byte {}; what is before it was read",
        at - 8
    );
    assert!(error.contains(&place), "{error}");
}

#[test]
#[cfg_attr(not(real_traces), ignore = "skipped: no ../shared/data")]
fn real_captures() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let bytes = |name: &str| read_file(&data.join(name), 0, 1000).unwrap();
    let (pcap, pcapng) = (
        bytes("chipmunk_someip_udp_someip.pcap"),
        bytes("chipmunk_someip_udp_someip.pcapng"),
    );
    assert!(!pcap.bytes.is_empty());
    assert_eq!(pcap.bytes, pcapng.bytes);
    for (all, name) in [
        (&pcap, "chipmunk_someip_udp_someip.pcap"),
        (&pcapng, "chipmunk_someip_udp_someip.pcapng"),
        (
            &bytes("chipmunk_someip_tcp_someip.pcap"),
            "chipmunk_someip_tcp_someip.pcap",
        ),
        (
            &bytes("chipmunk_someip_tcp_someip.pcapng"),
            "chipmunk_someip_tcp_someip.pcapng",
        ),
        (&bytes("chipmunk_test.pcapng"), "chipmunk_test.pcapng"),
    ] {
        let len = fs::metadata(data.join(name)).unwrap().len() as usize;
        assert_eq!(total(all), len, "{name}");
        println!(
            "{name}: {} bytes of payload in {} segments",
            all.bytes.len(),
            all.segments.len()
        );
    }
}
