//! The headers of one message: where they are, how long they are, what they say.
//!
//! Layout after AUTOSAR FO "Log and Trace Protocol" (PRS_Dlt), protocol version 1:
//!
//! ```text
//! storage header (files only)  "DLT\x01"  seconds u32 LE  microseconds u32 LE  ECU id [4]
//! standard header              HTYP u8  counter u8  length u16 BE  [ECU id [4]]  [session u32 BE]  [timestamp u32 BE]
//! extended header              MSIN u8  arguments u8  application id [4]  context id [4]
//! payload                      the rest, up to `length`, which counts from HTYP
//! ```
//!
//! Whether bytes *are* a message is decided in [`crate::reader`]; this file only cuts up what has been accepted.

/// What a storage header begins with.
pub(crate) const PATTERN: [u8; 4] = *b"DLT\x01";
/// What a storage header of protocol version 2 begins with.
pub(crate) const PATTERN_V2: [u8; 4] = *b"DLT\x02";
/// Bytes of a storage header.
pub(crate) const STORAGE: usize = 16;
/// Bytes of the part of the standard header that is always there.
pub(crate) const STANDARD_MIN: usize = 4;
const EXTENDED: usize = 10;

const HAS_EXTENDED: u8 = 1;
const BIG_ENDIAN: u8 = 1 << 1;
const HAS_ECU: u8 = 1 << 2;
const HAS_SESSION: u8 = 1 << 3;
const HAS_TIMESTAMP: u8 = 1 << 4;

/// The fixed part of a standard header: enough to know how long the message is.
#[derive(Clone, Copy)]
pub(crate) struct Standard {
    htyp: u8,
    counter: u8,
    length: u16,
}

impl Standard {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Standard> {
        let &[htyp, counter, high, low] = bytes.first_chunk::<STANDARD_MIN>()?;
        Some(Standard {
            htyp,
            counter,
            length: u16::from_be_bytes([high, low]),
        })
    }

    /// The protocol version the header claims.
    pub(crate) fn version(self) -> u8 {
        self.htyp >> 5
    }

    /// Bytes from HTYP to the end of the payload.
    pub(crate) fn length(self) -> usize {
        usize::from(self.length)
    }

    /// Whether the message is at least as long as the headers it announces.
    pub(crate) fn length_is_possible(self) -> bool {
        let optional =
            (self.htyp & (HAS_ECU | HAS_SESSION | HAS_TIMESTAMP)).count_ones() as usize * 4;
        let extended = if self.htyp & HAS_EXTENDED != 0 {
            EXTENDED
        } else {
            0
        };
        self.length() >= STANDARD_MIN + optional + extended
    }
}

/// The storage header's fields, as they are.
#[derive(Clone, Copy)]
pub(crate) struct Storage {
    pub(crate) seconds: u32,
    pub(crate) microseconds: u32,
    pub(crate) ecu: [u8; 4],
}

/// The extended header's fields.
#[derive(Clone, Copy)]
pub(crate) struct Extended {
    pub(crate) info: u8,
    pub(crate) arguments: u8,
    pub(crate) application: [u8; 4],
    pub(crate) context: [u8; 4],
}

impl Extended {
    pub(crate) fn is_verbose(self) -> bool {
        self.info & 1 != 0
    }

    pub(crate) fn kind(self) -> MessageType {
        let info = self.info >> 4;
        match (self.info >> 1) & 0b111 {
            0 => MessageType::Log(info),
            1 => MessageType::ApplicationTrace(info),
            2 => MessageType::NetworkTrace(info),
            3 => MessageType::Control(info),
            other => MessageType::Unknown(other, info),
        }
    }
}

/// MSTP with its MTIN.
#[derive(Clone, Copy)]
pub(crate) enum MessageType {
    Log(u8),
    ApplicationTrace(u8),
    NetworkTrace(u8),
    Control(u8),
    Unknown(u8, u8),
}

/// One message, cut into its parts.
pub(crate) struct Message<'a> {
    pub(crate) storage: Option<Storage>,
    pub(crate) version: u8,
    pub(crate) counter: u8,
    pub(crate) big_endian: bool,
    pub(crate) ecu: Option<[u8; 4]>,
    pub(crate) session: Option<u32>,
    pub(crate) timestamp: Option<u32>,
    pub(crate) extended: Option<Extended>,
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Cuts up `bytes`, which is one whole message; `None` where it is too short for the headers it announces.
    #[inline(always)]
    pub(crate) fn parse(bytes: &'a [u8], with_storage: bool) -> Option<Message<'a>> {
        let mut rest = bytes;
        let storage = if with_storage {
            let head = take::<STORAGE>(&mut rest)?;
            let [_, _, _, _, s0, s1, s2, s3, u0, u1, u2, u3, ecu @ ..] = head;
            Some(Storage {
                seconds: u32::from_le_bytes([s0, s1, s2, s3]),
                microseconds: u32::from_le_bytes([u0, u1, u2, u3]),
                ecu,
            })
        } else {
            None
        };
        let standard = Standard::parse(rest)?;
        take::<STANDARD_MIN>(&mut rest)?;
        let htyp = standard.htyp;
        let ecu = if htyp & HAS_ECU != 0 {
            Some(take(&mut rest)?)
        } else {
            None
        };
        let session = if htyp & HAS_SESSION != 0 {
            Some(u32::from_be_bytes(take(&mut rest)?))
        } else {
            None
        };
        let timestamp = if htyp & HAS_TIMESTAMP != 0 {
            Some(u32::from_be_bytes(take(&mut rest)?))
        } else {
            None
        };
        let extended = if htyp & HAS_EXTENDED != 0 {
            let [info, arguments, a0, a1, a2, a3, context @ ..] = take::<EXTENDED>(&mut rest)?;
            Some(Extended {
                info,
                arguments,
                application: [a0, a1, a2, a3],
                context,
            })
        } else {
            None
        };
        Some(Message {
            storage,
            version: standard.version(),
            counter: standard.counter,
            big_endian: htyp & BIG_ENDIAN != 0,
            ecu,
            session,
            timestamp,
            extended,
            payload: rest,
        })
    }
}

/// The next `N` bytes, which are taken off `rest`.
#[inline(always)]
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
