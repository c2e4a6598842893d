//! The Chipmunk plugin `pcap-source`: the payloads of UDP packets in a capture, pcap or pcapng.
//!
//! Each packet is a segment with the time at which it was captured; the segment's skipped bytes are what lies between
//! its payload and the one before it in the capture: headers, and packets of other kinds. So all skipped bytes and all
//! payloads together are the capture.
//!
//! `capture` reads the file, block by block, through a buffer of its own; `packet` finds the payload in a packet. This
//! file puts payloads into chunks of the size that the host asks for: a packet may go on in the next one.
//!
//! What it does not do: put IP fragments together, or follow TCP connections. Both are counted and said in the log.

use chipmunk_plugin::{
    ByteSource, Config, ConfigSchemaItem, InitError, SourceCapabilities, SourceError, SourceWriter,
    State, info, warn,
};

mod capture;
mod packet;

use capture::{Block, Capture, Next};
use packet::Content;

/// A capture that is read from beginning to end.
pub struct PcapSource {
    capture: Capture,
    /// Only packets from or to this port; 0 for all.
    port: u16,
    pending: Pending,
    counts: Counts,
    state: Progress,
}

/// The part of a packet that did not fit into the last chunk.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    start: usize,
    timestamp: Option<u64>,
}

/// Packets, by what became of them.
#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    cut: u64,
    fragments: u64,
    other: u64,
    other_ports: u64,
    broken: u64,
    unsupported: u64,
    unsupported_link: Option<u16>,
}

enum Progress {
    Reading,
    Ended,
    /// Said when all that was read before is delivered.
    Failed(String),
}

impl ByteSource for PcapSource {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::files("input", "Capture", &["pcap", "pcapng", "cap"])
                .describe("The pcap or pcapng file to read, or - for the standard input."),
            ConfigSchemaItem::integer("port", "UDP port", 0)
                .describe("Only packets from or to this port; 0 for all packets."),
        ]
    }

    fn capabilities() -> SourceCapabilities {
        SourceCapabilities::TIMESTAMPS
    }

    fn new(config: &Config) -> Result<Self, InitError> {
        let port = config.integer("port")?;
        let port = u16::try_from(port).map_err(|_| {
            InitError::Config(format!(
                "the option `port` cannot be {port}; a port is a number from 0 to 65535"
            ))
        })?;
        let capture = Capture::open(config.file("input")?).map_err(InitError::Io)?;
        info!("reading {}", capture.path());
        Ok(Self {
            capture,
            port,
            pending: Pending::default(),
            counts: Counts::default(),
            state: Progress::Reading,
        })
    }

    fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError> {
        self.pending.push_to(out);
        while out.remaining() > 0 {
            match &self.state {
                Progress::Reading => self.read_block(out),
                // As with a file: only an empty chunk is the end.
                Progress::Ended | Progress::Failed(_) if !out.is_empty() => break,
                Progress::Ended => return Ok(State::End),
                Progress::Failed(error) => return Err(SourceError::Io(error.clone())),
            }
        }
        Ok(State::More)
    }
}

impl PcapSource {
    /// Reads one block of the capture, and takes the payload in it, if there is one.
    fn read_block(&mut self, out: &mut SourceWriter) {
        match self.capture.next() {
            Next::Block(Block { len, packet }) => {
                let mut taken = 0;
                if let Some(packet) = packet {
                    let content = packet::content(packet.link, packet.bytes);
                    if let Some(payload) = self.counts.choose(content, self.port, packet.link) {
                        taken = payload.len();
                        let fits = out.push(payload);
                        out.segment(skipped(len, taken), packet.timestamp);
                        self.pending
                            .keep(payload.get(fits..).unwrap_or_default(), packet.timestamp);
                    }
                }
                if taken == 0 {
                    out.skip(skipped(len, 0));
                }
                self.capture.consume(len);
            }
            Next::End { left } => {
                out.skip(skipped(left, 0));
                if left > 0 {
                    warn!(
                        "{} ends in the middle of a packet: its last {left} bytes are skipped",
                        self.capture.path()
                    );
                }
                self.counts.log(self.capture.path());
                self.state = Progress::Ended;
            }
            Next::Failed(error) => {
                self.counts.log(self.capture.path());
                self.state = Progress::Failed(error);
            }
        }
    }
}

/// `len` bytes of which `taken` are payload.
fn skipped(len: usize, taken: usize) -> u32 {
    u32::try_from(len.saturating_sub(taken)).unwrap_or(u32::MAX)
}

impl Pending {
    fn keep(&mut self, rest: &[u8], timestamp: Option<u64>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(rest);
        self.start = 0;
        self.timestamp = timestamp;
    }

    fn push_to(&mut self, out: &mut SourceWriter) {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        if !rest.is_empty() {
            self.start += out.push(rest);
            out.segment(0, self.timestamp);
        }
    }
}

impl Counts {
    /// The payload to take, if it is one, and not of another port.
    fn choose<'a>(&mut self, content: Content<'a>, port: u16, link: u16) -> Option<&'a [u8]> {
        let count = match content {
            Content::Udp {
                ports,
                payload,
                cut,
            } => {
                if port == 0 || ports.contains(&port) {
                    self.taken += 1;
                    self.cut += u64::from(cut);
                    return Some(payload);
                }
                &mut self.other_ports
            }
            Content::Fragment => &mut self.fragments,
            Content::Other => &mut self.other,
            Content::Broken => &mut self.broken,
            Content::UnsupportedLink => {
                self.unsupported_link.get_or_insert(link);
                &mut self.unsupported
            }
        };
        *count += 1;
        None
    }

    fn log(&self, path: &str) {
        info!(
            "{path}: {} UDP packets taken; left out: {} to other ports, {} that are not UDP",
            self.taken, self.other_ports, self.other
        );
        if self.cut > 0 {
            warn!(
                "{path}: {} packets were captured in part; what there is of them is taken",
                self.cut
            );
        }
        if self.fragments > 0 {
            warn!(
                "{path}: {} IP fragments are skipped; this plugin does not put them together",
                self.fragments
            );
        }
        if self.broken > 0 {
            warn!(
                "{path}: {} packets whose headers make no sense are skipped",
                self.broken
            );
        }
        if let Some(link) = self.unsupported_link {
            warn!(
                "{path}: {} packets of links that this plugin does not know, the first of type {link}, are skipped",
                self.unsupported
            );
        }
    }
}

chipmunk_plugin::export_byte_source!(PcapSource);
