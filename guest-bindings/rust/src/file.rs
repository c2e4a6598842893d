//! Files that are read from beginning to end, with as few copies as a guest can have.
//!
//! Below `std` is a C library, which lets the host put bytes into a buffer of its own and copies them from there to where they are
//! wanted. A call of WASI without it returns a vector, into which the host has put the bytes itself, and that vector becomes
//! the archive. So a file is opened twice here: by `std`, whose errors and metadata are what everybody knows, and, where it can be, by WASI.
//! Whatever is wrong with the latter is left to the former.

use std::{
    fs::{File, Metadata},
    io::{self, Seek, SeekFrom},
};

use crate::SourceWriter;

/// A file to be read from beginning to end into archives.
///
/// ```
/// use chipmunk_plugin::{InputFile, SourceWriter};
///
/// let path = std::env::temp_dir().join(format!("input-file-{}", std::process::id()));
/// std::fs::write(&path, "four").unwrap();
/// let mut file = InputFile::open(path.to_str().unwrap())?;
/// let mut out = SourceWriter::with_capacity(3);
/// assert_eq!((file.read_into(&mut out)?, out.len()), (3, 3));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct InputFile {
    file: File,
    /// Where the next bytes are.
    position: u64,
    direct: Option<direct::File>,
}

impl InputFile {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// Those of [`File::open`]. A directory opens, too: see [`metadata`](Self::metadata).
    pub fn open(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self {
            file,
            position: 0,
            direct: direct::File::open(path),
        })
    }

    /// What there is to know about the file.
    ///
    /// # Errors
    /// Those of [`File::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Bytes from the beginning of the file to those that are read next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes are the first ones of the file.
    ///
    /// # Errors
    /// Those of [`Seek::rewind`].
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.position = 0;
        Ok(())
    }

    /// Reads until `out` is full or the file has no more, and says how many bytes that were.
    ///
    /// # Errors
    /// Those of reading a [`File`]. What was read before is in `out`, and is not read again.
    pub fn read_into(&mut self, out: &mut SourceWriter) -> io::Result<usize> {
        let before = out.len();
        if let Some(direct) = &self.direct {
            let is_sound = direct.read_into(self.position, out);
            self.position += (out.len() - before) as u64;
            if is_sound {
                return Ok(out.len() - before);
            }
            // `std` says what is wrong.
            self.direct = None;
            self.file.seek(SeekFrom::Start(self.position))?;
        }
        let direct = out.len();
        let outcome = out.read_from(&mut self.file);
        self.position += (out.len() - direct) as u64;
        outcome.map(|_| out.len() - before)
    }
}

#[cfg(all(target_os = "wasi", target_env = "p2"))]
mod direct {
    use wasip2::filesystem::{
        preopens::get_directories,
        types::{Descriptor, DescriptorFlags, DescriptorType, OpenFlags, PathFlags},
    };

    use crate::SourceWriter;

    /// A regular file.
    #[derive(Debug)]
    pub(super) struct File(Descriptor);

    impl File {
        pub(super) fn open(path: &str) -> Option<Self> {
            let (directory, below, _) = get_directories()
                .into_iter()
                .filter_map(|(directory, root)| {
                    let below = below(path, &root)?.to_owned();
                    Some((directory, below, root.len()))
                })
                .max_by_key(|(_, _, depth)| *depth)?;
            let file = directory
                .open_at(
                    PathFlags::SYMLINK_FOLLOW,
                    &below,
                    OpenFlags::empty(),
                    DescriptorFlags::READ,
                )
                .ok()?;
            (file.get_type() == Ok(DescriptorType::RegularFile)).then_some(Self(file))
        }

        /// Whether all went well, be it to the end of the file.
        pub(super) fn read_into(&self, mut position: u64, out: &mut SourceWriter) -> bool {
            while out.remaining() > 0 {
                let Ok((bytes, _)) = self.0.read(out.remaining() as u64, position) else {
                    return false;
                };
                if bytes.is_empty() {
                    break;
                }
                position += bytes.len() as u64;
                out.push_vec(bytes);
            }
            true
        }
    }

    /// `path` as seen from the directory `root`, if it is below it.
    fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
        let below = path.strip_prefix(root)?;
        let below = if root.ends_with('/') {
            below
        } else {
            below.strip_prefix('/')?
        };
        (!below.is_empty()).then_some(below)
    }
}

/// Without WASI 0.2, `std` does it all.
#[cfg(not(all(target_os = "wasi", target_env = "p2")))]
mod direct {
    use crate::SourceWriter;

    #[derive(Debug)]
    pub(super) enum File {}

    impl File {
        pub(super) fn open(_: &str) -> Option<Self> {
            None
        }

        pub(super) fn read_into(&self, _: u64, _: &mut SourceWriter) -> bool {
            match *self {}
        }
    }
}
