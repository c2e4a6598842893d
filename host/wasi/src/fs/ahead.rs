//! Reading ahead: who reads a file of the host piece by piece, front to back, in pieces smaller than what a call of the system is worth,
//! gets most of them from a buffer.
//!
//! It must not show. So it is done only of what the guest cannot write ([`ReadOnly`](super::ReadOnly) asks for it); a piece comes from the
//! buffer only if it begins where the one before it ended, so that whoever looks at a place again sees what is there now;
//! and what was read ahead is forgotten after a moment, so that nobody sees much later what another process has changed since.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Advice, File, FsResult, Kind, NewTime, Stat};
use crate::readiness::Readiness;

/// How much is read at once, in bytes: each open file of the host may come to have a buffer of this length.
const AHEAD: usize = 64 * 1024;
/// Up to which length a piece is small, in bytes.
const SMALL: usize = AHEAD / 4;
/// How long what was read ahead may be handed out.
const MOMENT: Duration = Duration::from_millis(100);

/// The same file, read ahead where that is worth it.
pub(crate) fn read_ahead(file: Arc<dyn File>) -> Arc<dyn File> {
    if file.kind() == Kind::RegularFile && file.calls_the_system() {
        let ahead = Mutex::new(Ahead::default());
        Arc::new(ReadAhead { file, ahead })
    } else {
        file
    }
}

struct ReadAhead {
    file: Arc<dyn File>,
    ahead: Mutex<Ahead>,
}

/// What was read ahead.
#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    /// How many of the bytes were handed out.
    used: usize,
    /// Where in the file the next piece begins, if it is read in order; none before the first piece.
    next: Option<u64>,
    since: Option<Instant>,
}

impl Ahead {
    fn forget(&mut self) {
        self.bytes.clear();
        self.used = 0;
    }

    fn is_usable(&self) -> bool {
        self.used < self.bytes.len() && self.since.is_some_and(|since| since.elapsed() < MOMENT)
    }

    fn fill(&mut self, file: &dyn File, offset: u64) -> FsResult<()> {
        self.used = 0;
        self.bytes.resize(AHEAD, 0);
        self.since = Some(Instant::now());
        let read = file.read_at(&mut self.bytes, offset);
        self.bytes.truncate(*read.as_ref().unwrap_or(&0));
        read.map(drop)
    }

    /// Hands out what there is, as much as fits.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.bytes.get(self.used..).unwrap_or(&[]);
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.used += length;
        length
    }
}

impl File for ReadAhead {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let in_order = ahead.next == Some(offset);
        let read = if in_order && (1..=SMALL).contains(&buffer.len()) {
            if !ahead.is_usable() {
                ahead.fill(&*self.file, offset)?;
            }
            ahead.take(buffer)
        } else {
            ahead.forget();
            self.file.read_at(buffer, offset)?
        };
        ahead.next = offset.checked_add(read as u64);
        Ok(read)
    }

    fn kind(&self) -> Kind {
        self.file.kind()
    }

    fn writable(&self) -> bool {
        self.file.writable()
    }

    fn stat(&self) -> FsResult<Stat> {
        self.file.stat()
    }

    fn size(&self) -> FsResult<u64> {
        self.file.size()
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> FsResult<usize> {
        self.file.write_at(bytes, offset)
    }

    fn append(&self, bytes: &[u8]) -> FsResult<usize> {
        self.file.append(bytes)
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        self.file.set_size(size)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> FsResult<()> {
        self.file.set_times(accessed, modified)
    }

    fn sync(&self, data_only: bool) -> FsResult<()> {
        self.file.sync(data_only)
    }

    fn advise(&self, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        self.file.advise(offset, length, advice)
    }

    fn readable(&self) -> Readiness {
        self.file.readable()
    }

    fn accepting(&self) -> Readiness {
        self.file.accepting()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::fs::HostFile;

    /// A file of the host that is read ahead, and the host's own hand on it.
    fn file(contents: &[u8]) -> (Arc<dyn File>, std::fs::File) {
        let mut host = tempfile::tempfile().unwrap();
        host.write_all(contents).unwrap();
        let guest = HostFile::new(host.try_clone().unwrap()).unwrap();
        (read_ahead(Arc::new(guest)), host)
    }

    fn read(file: &Arc<dyn File>, length: usize, offset: u64) -> Vec<u8> {
        let mut buffer = vec![0; length];
        let read = file.read_at(&mut buffer, offset).unwrap();
        buffer.truncate(read);
        buffer
    }

    #[test]
    fn pieces_in_order_are_the_file() {
        let contents: Vec<u8> = (0..200_000u32).map(|n| (n ^ (n >> 8)) as u8).collect();
        let (file, _host) = file(&contents);
        for piece in [1_000, 4_096, SMALL, SMALL + 1, 100_000] {
            let mut all = Vec::new();
            loop {
                let read = read(&file, piece, all.len() as u64);
                if read.is_empty() {
                    break;
                }
                all.extend(read);
            }
            assert!(all == contents, "pieces of {piece}");
        }
        assert_eq!(read(&file, 10, 300_000), b"");
        assert_eq!(read(&file, 0, 0), b"");
        assert_eq!(read(&file, 3, 1), contents[1..4]);
    }

    #[test]
    fn who_looks_again_sees_what_is_there_now() {
        let (file, host) = file(&[b'a'; 1000]);
        assert_eq!(read(&file, 10, 0), [b'a'; 10]);
        assert_eq!(read(&file, 10, 10), [b'a'; 10]);
        host.write_all_at(&[b'b'; 1000], 0).unwrap();
        for _ in 0..2 {
            assert_eq!(read(&file, 10, 10), [b'b'; 10]);
        }
        // The end is looked for anew: files grow.
        assert_eq!(read(&file, 990, 20), [b'b'; 980]);
        assert_eq!(read(&file, 10, 1000), b"");
        host.write_all_at(b"more", 1000).unwrap();
        assert_eq!(read(&file, 10, 1000), b"more");
    }

    #[test]
    fn what_was_read_ahead_is_forgotten_after_a_moment() {
        let (file, host) = file(&[b'a'; 1000]);
        for offset in [0, 10] {
            assert_eq!(read(&file, 10, offset), [b'a'; 10]);
        }
        host.write_all_at(&[b'b'; 1000], 0).unwrap();
        std::thread::sleep(2 * MOMENT);
        assert_eq!(read(&file, 10, 20), [b'b'; 10]);
    }
}
