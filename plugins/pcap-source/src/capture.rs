//! Reads a capture block by block: pcap-parser's streaming readers, with what they leave to their users.
//!
//! That is: reading the file in large pieces, letting the buffer grow for large blocks but not without end, remembering
//! the interfaces of a pcapng section, times in nanoseconds, and telling the end of a file from its being cut off.

use std::{
    fs::File,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use pcap_parser::{
    OptionCode, PcapBlockOwned, PcapError, create_reader, pcapng::Block as PcapNgBlock,
    traits::PcapReaderIterator,
};

/// Bytes of the buffer to begin with, and at most: no block can be larger than that.
const BUFFER: usize = 1 << 18;
const LARGEST_BUFFER: usize = 1 << 24;

/// A capture that is read from beginning to end.
pub struct Capture {
    path: String,
    reader: Box<dyn PcapReaderIterator + Send>,
    failure: Failure,
    buffer: usize,
    links: Links,
}

/// What the capture has said of where its packets come from.
#[derive(Default)]
struct Links {
    /// pcap: there is one link. pcapng: those of the section, in order.
    interfaces: Vec<Interface>,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interface {
    link: u16,
    /// pcap: a fraction of the second is micro- or nanoseconds. pcapng: ticks in a second.
    ticks: Option<u128>,
    /// Seconds to add to every time.
    offset: i64,
    /// The most that was captured of a packet; 0 if that is not known.
    snaplen: u32,
}

/// One block of a capture. `len` bytes of the file belong to it, which are to be [consumed](Capture::consume).
pub struct Block<'a> {
    pub len: usize,
    pub packet: Option<Packet<'a>>,
}

/// A packet as it was captured.
pub struct Packet<'a> {
    pub link: u16,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
    pub bytes: &'a [u8],
}

/// What comes next in a capture.
pub enum Next<'a> {
    Block(Block<'a>),
    /// Nothing; but so many bytes of a block are left that is not complete.
    End {
        left: usize,
    },
    /// The capture cannot be read further: why, in words for the user.
    Failed(String),
}

/// Why a reader has no block.
enum Pause {
    End,
    NeedsMore,
    NeedsRoom,
    Damaged,
    Io,
}

impl Pause {
    fn of(error: &PcapError<&[u8]>) -> Self {
        match error {
            PcapError::Eof | PcapError::UnexpectedEof => Pause::End,
            PcapError::Incomplete(_) => Pause::NeedsMore,
            PcapError::BufferTooSmall => Pause::NeedsRoom,
            PcapError::ReadError => Pause::Io,
            PcapError::HeaderNotRecognized
            | PcapError::NomError(..)
            | PcapError::OwnedNomError(..) => Pause::Damaged,
        }
    }
}

impl Capture {
    /// Opens the capture at `path`; `-` is the standard input.
    ///
    /// # Errors
    /// In words for the user.
    pub fn open(path: &str) -> Result<Self, String> {
        let file: Box<dyn Read + Send> = if path == "-" {
            Box::new(io::stdin())
        } else {
            let cannot = |error: io::Error| format!("{path} cannot be opened: {error}");
            let file = File::open(path).map_err(cannot)?;
            if file.metadata().map_err(cannot)?.is_dir() {
                return Err(format!("{path} is a directory; name a capture in it"));
            }
            Box::new(file)
        };
        Self::of(path, file)
    }

    fn of(path: &str, file: Box<dyn Read + Send>) -> Result<Self, String> {
        let failure = Failure::default();
        let whole = Whole {
            inner: file,
            failure: failure.clone(),
            failed: None,
        };
        let reader = create_reader(BUFFER, whole).map_err(|error| match error {
            PcapError::Eof => format!("{path} is no capture: it is empty"),
            PcapError::Incomplete(_) => {
                format!("{path} is no capture: it ends within its first header")
            }
            PcapError::ReadError => failure.words(path),
            _ => format!("{path} is no capture: it begins like neither pcap nor pcapng"),
        })?;
        Ok(Self {
            path: path.to_string(),
            reader,
            failure,
            buffer: BUFFER,
            links: Links::default(),
        })
    }

    /// The path as given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The next block. It comes again until it is consumed.
    pub fn next(&mut self) -> Next<'_> {
        loop {
            let pause = match self.reader.next() {
                Ok(_) => break,
                Err(error) => Pause::of(&error),
            };
            match pause {
                Pause::End => {
                    return Next::End {
                        left: self.reader.data().len(),
                    };
                }
                Pause::Damaged => return self.damaged("there is no valid block"),
                Pause::Io => return self.failed(),
                Pause::NeedsMore if self.refill() => continue,
                Pause::NeedsMore if self.failure.is_set() => return self.failed(),
                Pause::NeedsMore if self.reader.reader_exhausted() => {
                    return Next::End {
                        left: self.reader.data().len(),
                    };
                }
                Pause::NeedsMore | Pause::NeedsRoom => {}
            }
            if self.buffer >= LARGEST_BUFFER {
                return self.damaged("a block claims to be larger than 16 MiB");
            }
            self.buffer *= 2;
            self.reader.grow(self.buffer);
        }
        // Once more, since what was found in the loop cannot leave it: the borrow would last for all of its rounds.
        match self.reader.next() {
            Ok((len, block)) => Next::Block(Block {
                len,
                packet: self.links.packet(block),
            }),
            Err(_) => Next::End { left: 0 },
        }
    }

    /// Goes on behind a block of `len` bytes.
    pub fn consume(&mut self, len: usize) {
        self.reader.consume(len);
    }

    /// Reads more, and says whether there was more.
    fn refill(&mut self) -> bool {
        let before = self.reader.data().len();
        self.reader.refill().is_ok() && self.reader.data().len() > before
    }

    fn failed(&self) -> Next<'static> {
        Next::Failed(self.failure.words(&self.path))
    }

    fn damaged(&self, what: &str) -> Next<'static> {
        let at = self.reader.consumed();
        Next::Failed(format!(
            "{} is damaged: {what} at byte {at}; what is before it was read",
            self.path
        ))
    }
}

impl Links {
    /// The packet in a block, if there is one. Other blocks are remembered if they matter.
    fn packet<'a>(&mut self, block: PcapBlockOwned<'a>) -> Option<Packet<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let ticks = if header.is_nanosecond_precision() {
                    1_000_000_000
                } else {
                    1_000_000
                };
                self.interfaces = vec![Interface {
                    link: header.network.0 as u16,
                    ticks: Some(ticks),
                    offset: 0,
                    snaplen: 0,
                }];
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let interface = self.interfaces.first()?;
                let seconds = u128::from(packet.ts_sec) * interface.ticks?;
                let timestamp = interface.time(seconds + u128::from(packet.ts_usec));
                Some(Packet {
                    link: interface.link,
                    timestamp,
                    bytes: packet.data,
                })
            }
            PcapBlockOwned::NG(PcapNgBlock::SectionHeader(header)) => {
                self.interfaces.clear();
                self.big_endian = header.big_endian();
                None
            }
            PcapBlockOwned::NG(PcapNgBlock::InterfaceDescription(description)) => {
                let offset = description
                    .options
                    .iter()
                    .find(|option| option.code == OptionCode::IfTsoffset);
                let offset = offset
                    .and_then(|option| option.value.first_chunk::<8>())
                    .map_or(0, |bytes| {
                        if self.big_endian {
                            i64::from_be_bytes(*bytes)
                        } else {
                            i64::from_le_bytes(*bytes)
                        }
                    });
                self.interfaces.push(Interface {
                    link: description.linktype.0 as u16,
                    ticks: ticks(description.if_tsresol),
                    offset,
                    snaplen: description.snaplen,
                });
                None
            }
            PcapBlockOwned::NG(PcapNgBlock::EnhancedPacket(packet)) => {
                let interface = self.interfaces.get(usize::try_from(packet.if_id).ok()?)?;
                let time = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                let captured = packet.data.get(..usize::try_from(packet.caplen).ok()?);
                let bytes = captured.unwrap_or(packet.data);
                Some(Packet {
                    link: interface.link,
                    timestamp: interface.time(time),
                    bytes,
                })
            }
            PcapBlockOwned::NG(PcapNgBlock::SimplePacket(packet)) => {
                let interface = self.interfaces.first()?;
                let len = match interface.snaplen {
                    0 => packet.origlen,
                    snaplen => packet.origlen.min(snaplen),
                };
                let bytes = packet
                    .data
                    .get(..usize::try_from(len).ok()?)
                    .unwrap_or(packet.data);
                Some(Packet {
                    link: interface.link,
                    timestamp: None,
                    bytes,
                })
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}

/// Ticks in a second, of an interface's `if_tsresol`: a power of ten, or of two if the highest bit is set.
fn ticks(resolution: u8) -> Option<u128> {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 {
        10u128.checked_pow(exponent)
    } else {
        1u128.checked_shl(exponent)
    }
}

impl Interface {
    /// A time of so many ticks, in nanoseconds. None if it is before 1970, or after 2554.
    fn time(&self, ticks: u128) -> Option<u64> {
        const NANOSECONDS: u128 = 1_000_000_000;
        let since = ticks.checked_mul(NANOSECONDS)? / self.ticks?;
        let since = i128::try_from(since).ok()? + i128::from(self.offset) * NANOSECONDS as i128;
        u64::try_from(since).ok()
    }
}

/// A reader that fills the buffer it is given, whatever it gets at a time, and keeps errors: pcap-parser does not. What
/// was read before an error is given before the error is.
struct Whole<R> {
    inner: R,
    failure: Failure,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            self.failure.set(error.to_string());
            return Err(error);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    if filled == 0 {
                        return self.read(buffer);
                    }
                    break;
                }
            }
        }
        Ok(filled)
    }
}

/// The file's own error, for whom pcap-parser says only that there was one.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    fn set(&self, error: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn is_set(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    fn words(&self, path: &str) -> String {
        let error = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        format!(
            "{path} cannot be read: {}",
            error.unwrap_or_else(|| "the reason is not known".to_string())
        )
    }
}
