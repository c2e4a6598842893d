//! What the kit feeds plugins with when it is given nothing: text, a DLT trace, a capture of packets, garbage of many kinds.
//!
//! All of it follows from a seed, so that a failure can be seen again. A plugin for another format finds nothing in
//! text and DLT traces; its author gives the kit an input of that format.

use chipmunk_dlt::generate::Trace;

/// Random numbers: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Good enough to
/// choose where to cut, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is 0 only if `limit` is.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }

    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most.saturating_sub(least) + 1)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Bytes to give to a plugin, and what they are, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Sample {
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            bytes,
        }
    }

    /// As much of it, from the beginning.
    pub fn prefix(&self, bytes: usize) -> Sample {
        let end = bytes.min(self.bytes.len());
        Sample {
            name: self.name.clone(),
            bytes: self.bytes.get(..end).unwrap_or_default().to_vec(),
        }
    }

    /// It again and again, `bytes` in all.
    pub fn repeated(&self, bytes: usize) -> Vec<u8> {
        self.bytes.iter().copied().cycle().take(bytes).collect()
    }
}

/// Lines with all endings there are, of all lengths, some of them not UTF-8; about `bytes` of them.
pub(crate) fn text(seed: u64, bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "engine",
        "door",
        "speed=88",
        "größer",
        "日本語",
        "🦀",
        "2026-01-01",
        "warning:",
        "a,b,c",
        "0x7fff",
        "node",
        "ok",
    ];
    let mut random = Random::new(seed);
    let mut text = Vec::with_capacity(bytes + 128);
    while text.len() < bytes {
        let words = match random.below(16) {
            0 => 0,
            1 => 40,
            _ => random.between(1, 9),
        };
        for word in 0..words {
            if word > 0 {
                text.push(b' ');
            }
            text.extend(WORDS.get(random.below(WORDS.len())).unwrap_or(&"").bytes());
        }
        match random.below(12) {
            0 => text.extend(b"\xff\xe2\x82"),
            1 => text.push(b'\t'),
            _ => {}
        }
        let endings: [&[u8]; 8] = [b"\n", b"\n", b"\n", b"\n", b"\n", b"\r\n", b"\r\n", b"\r"];
        text.extend(*endings.get(random.below(8)).unwrap_or(&endings[0]));
    }
    text
}

/// A DLT trace with storage headers, and a run of garbage now and then; about `bytes` of it.
pub(crate) fn dlt(seed: u64, bytes: usize) -> Vec<u8> {
    const MESSAGE: usize = 110;
    let messages = (bytes / MESSAGE).max(1) as u64;
    let mut trace = Vec::new();
    // Writing to a vector does not fail.
    let _ = Trace {
        messages,
        garbage: messages / 12,
        message_bytes: MESSAGE as u32,
        seed,
    }
    .write_to(&mut trace);
    trace
}

/// A classic capture file of UDP packets over Ethernet and IPv4, with DLT messages and other things in them.
pub(crate) fn pcap(seed: u64, packets: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut file = Vec::new();
    // Magic of microseconds, version 2.4, no zone, no accuracy, length limit, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 1] {
        file.extend(word.to_le_bytes());
    }
    for packet in 0..packets as u32 {
        let payload = match packet % 4 {
            0 => random.bytes(packet as usize % 90),
            _ => dlt(seed ^ u64::from(packet), 100),
        };
        let udp = 8 + payload.len() as u16;
        let ip = 20 + udp;
        let mut frame = vec![1; 6];
        frame.extend([2; 6]);
        frame.extend([0x08, 0x00]);
        let mut header = vec![0x45, 0];
        header.extend(ip.to_be_bytes());
        header.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        let sum = checksum(&header).to_be_bytes();
        header.splice(10..12, sum);
        frame.extend(header);
        for half in [30490_u16, 3490, udp, 0] {
            frame.extend(half.to_be_bytes());
        }
        frame.extend(&payload);
        let length = frame.len() as u32;
        for word in [
            1_700_000_000 + packet / 7,
            packet % 7 * 1000,
            length,
            length,
        ] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// The checksum of an IPv4 header whose checksum is 0 (RFC 791).
fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u32::from(*high) << 8 | u32::from(*low),
            _ => 0,
        })
        .sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// Bytes of no format, `bytes` of them a piece.
pub(crate) fn garbage(seed: u64, bytes: usize) -> Vec<Sample> {
    let mut random = Random::new(seed);
    let few: Vec<u8> = (0..bytes)
        .map(|_| *b"DLT\x01\n\r\0\xff".get(random.below(8)).unwrap_or(&0))
        .collect();
    vec![
        Sample::new("random bytes", random.bytes(bytes)),
        Sample::new("zeros", vec![0; bytes]),
        Sample::new("bytes of 0xff", vec![0xff; bytes]),
        Sample::new("random bytes that formats often begin with", few),
        Sample::new("one letter, again and again", vec![b'x'; bytes]),
    ]
}

/// The sample with a good deal of damage: bytes changed, left out, repeated.
pub(crate) fn damaged(sample: &Sample, seed: u64) -> Sample {
    let mut random = Random::new(seed);
    let mut bytes = sample.bytes.clone();
    for _ in 0..1 + bytes.len() / 200 {
        let at = random.below(bytes.len());
        let length = random.between(1, 24).min(bytes.len() - at);
        match random.below(4) {
            0 => bytes.drain(at..at + length).for_each(drop),
            1 => {
                let again = bytes.get(at..at + length).unwrap_or_default().to_vec();
                bytes.splice(at..at, again).for_each(drop);
            }
            2 => {
                let other = random.bytes(length);
                bytes.splice(at..at + length, other).for_each(drop);
            }
            _ => {
                let flip = 1 << random.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= flip;
                }
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    Sample::new(format!("{}, damaged with seed {seed}", sample.name), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_from_their_seed() {
        assert_eq!(text(7, 5000), text(7, 5000));
        assert_ne!(text(7, 5000), text(8, 5000));
        assert_eq!(dlt(7, 5000), dlt(7, 5000));
        assert_eq!(pcap(7, 20), pcap(7, 20));
        let sample = Sample::new("text", text(1, 3000));
        assert_eq!(damaged(&sample, 3).bytes, damaged(&sample, 3).bytes);
        assert_ne!(damaged(&sample, 3).bytes, sample.bytes);
    }

    #[test]
    fn a_header_with_its_checksum_sums_up_to_nothing() {
        let mut header = vec![
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
            0xc7,
        ];
        let sum = checksum(&header).to_be_bytes();
        assert_eq!(sum, [0xb8, 0x61]);
        header.splice(10..12, sum);
        assert_eq!(checksum(&header), 0);
    }

    #[test]
    fn nothing_is_left_to_damage_of_nothing() {
        assert_eq!(damaged(&Sample::new("", vec![]), 1).bytes, Vec::<u8>::new());
    }
}
