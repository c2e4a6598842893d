//! Where output goes: whole files or none.
//!
//! A file is written under a temporary name beside its place, and renamed when it is whole. Ctrl-C and other signals that end
//! the program remove it; while an input is [followed](stop_on_signals), the first of them ends that, and the output is finished. What already exists and is no file (a pipe, `/dev/null`) is written to directly.

use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use anyhow::anyhow;
use chipmunk_pipeline::Stop;
use tempfile::NamedTempFile;

use crate::{Usage, args::Endpoint};

/// The temporary file there is at present. Renaming it and removing it exclude each other by this lock.
static PENDING: Mutex<Option<PathBuf>> = Mutex::new(None);

/// What the first Ctrl-C stops, in the place of the program.
static FOLLOWED: Mutex<Option<Stop>> = Mutex::new(None);

/// Writing failed. Says where to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {target}: {source}")]
pub struct WriteError {
    target: String,
    source: io::Error,
}

impl WriteError {
    pub fn new(output: &Endpoint, source: io::Error) -> Self {
        let target = match output {
            Endpoint::Stream => "the standard output".to_owned(),
            Endpoint::File(path) => path.display().to_string(),
        };
        Self { target, source }
    }

    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// An output that is being written.
pub struct Output {
    endpoint: Endpoint,
    file: OutputFile,
}

enum OutputFile {
    /// The standard output, or something that exists and is no file.
    Direct(File),
    /// A file under its temporary name, and where it is to go.
    Temporary(NamedTempFile, PathBuf),
}

impl Output {
    /// Opens the output. `input` is what must not be overwritten.
    ///
    /// # Errors
    /// [`Usage`] if the output is the input, whatever names they have; else why it cannot be written.
    pub fn create(endpoint: &Endpoint, input: Option<&Metadata>) -> anyhow::Result<Self> {
        let file = match endpoint {
            Endpoint::Stream => {
                let file = stdout().map_err(|error| WriteError::new(endpoint, error))?;
                if let Ok(metadata) = file.metadata() {
                    refuse_same(input, &metadata, endpoint)?;
                }
                OutputFile::Direct(file)
            }
            Endpoint::File(path) => open(path, endpoint, input)?,
        };
        Ok(Self {
            endpoint: endpoint.clone(),
            file,
        })
    }

    /// Gives the output its name. Before that, there is none.
    ///
    /// # Errors
    /// Why not; the temporary file is then gone.
    pub fn finish(self) -> Result<(), WriteError> {
        match self.file {
            OutputFile::Direct(mut file) => file.flush(),
            OutputFile::Temporary(file, path) => {
                let mut pending = pending();
                *pending = None;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
        }
        .map_err(|error| WriteError::new(&self.endpoint, error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            OutputFile::Direct(file) => file.write(bytes),
            OutputFile::Temporary(file, _) => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path, endpoint: &Endpoint, input: Option<&Metadata>) -> anyhow::Result<OutputFile> {
    let failed = |error: io::Error| WriteError::new(endpoint, error);
    // Through a symlink: the file it leads to is replaced, not the link.
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let present = std::fs::metadata(&place).ok();
    if let Some(metadata) = &present {
        refuse_same(input, metadata, endpoint)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::other("it is a directory; name a file in it")).into());
        }
        if !metadata.is_file() {
            let file = File::options().write(true).open(&place).map_err(failed)?;
            return Ok(OutputFile::Direct(file));
        }
        // Renaming would replace even what may not be written.
        if metadata.permissions().readonly() {
            return Err(failed(io::Error::other("it is read-only")).into());
        }
    }

    let folder = match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".chipmunk-plugins-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = present.map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    remove_on_signals()?;
    // Nothing may end the program between making the file and noting it.
    let mut pending = pending();
    let file = builder.tempfile_in(folder).map_err(|error| {
        failed(match error.kind() {
            io::ErrorKind::NotFound => {
                io::Error::other(format!("there is no folder {}", folder.display()))
            }
            _ => error,
        })
    })?;
    *pending = Some(file.path().to_owned());
    Ok(OutputFile::Temporary(file, place))
}

fn refuse_same(
    input: Option<&Metadata>,
    output: &Metadata,
    endpoint: &Endpoint,
) -> Result<(), Usage> {
    match input {
        Some(input) if is_same_file(input, output) => Err(Usage(match endpoint {
            Endpoint::File(path) => format!(
                "{} is the input itself; write to another file",
                path.display()
            ),
            Endpoint::Stream => {
                "the standard output goes to the input itself; write to another file".to_owned()
            }
        })),
        _ => Ok(()),
    }
}

/// Whether the two are one regular file, by whatever names.
#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere a temporary file is renamed only after the input was read, so nothing is lost even so.
#[cfg(not(unix))]
fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// The standard output without a buffer: exporters write large pieces.
fn stdout() -> io::Result<File> {
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(handle.into())
}

/// Writes to the standard output, at once.
pub fn show(text: &str) -> Result<(), WriteError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| WriteError::new(&Endpoint::Stream, error))
}

/// Writes a line to the standard error, under the program's name. If nobody listens there, so be it.
pub fn tell(what: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "chipmunk-plugins: {what}");
}

fn pending() -> MutexGuard<'static, Option<PathBuf>> {
    // A path is whole whatever panicked.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first signal that would end the program gives `stop` instead; the next one ends it.
pub fn stop_on_signals(stop: Stop) -> anyhow::Result<()> {
    *FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    remove_on_signals()
}

/// Signals that end the program remove the temporary file first.
fn remove_on_signals() -> anyhow::Result<()> {
    static ONCE: Once = Once::new();
    let mut outcome = Ok(());
    ONCE.call_once(|| {
        outcome = ctrlc::set_handler(|| {
            let followed = FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner);
            if followed.as_ref().is_some_and(Stop::stop) {
                return;
            }
            drop(followed);
            let mut pending = pending();
            if let Some(path) = pending.take() {
                // If that fails there is nothing left to try.
                let _ = std::fs::remove_file(path);
            }
            tell(&"interrupted; no output was left");
            // The lock is held: nothing is renamed any more.
            std::process::exit(1);
        });
    });
    outcome.map_err(|error| anyhow!("cannot prepare for Ctrl-C: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Temporary files are noted in one place for the whole process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| {
                entry
                    .expect("it can be read")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    fn file(path: &Path) -> Endpoint {
        Endpoint::File(path.to_owned())
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "before").unwrap();
        let mut output = Output::create(&file(&path), None).unwrap();
        output.write_all(b"after").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
        assert_eq!(names(folder.path()).len(), 2);
        output.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"after");
        assert_eq!(names(folder.path()), ["out"]);
        assert_eq!(*pending(), None);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::create(&file(&folder.path().join("out")), None).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn the_input_is_refused_under_every_name() {
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        std::fs::write(&input, "trace").unwrap();
        let soft = folder.path().join("soft");
        std::os::unix::fs::symlink(&input, &soft).unwrap();
        let hard = folder.path().join("hard");
        std::fs::hard_link(&input, &hard).unwrap();
        let metadata = std::fs::metadata(&input).unwrap();
        for path in [&input, &soft, &hard, &folder.path().join(".").join("in")] {
            let error = Output::create(&file(path), Some(&metadata))
                .err()
                .expect("refused");
            assert!(error.is::<Usage>(), "{error}");
            assert_eq!(
                error.to_string(),
                format!(
                    "{} is the input itself; write to another file",
                    path.display()
                )
            );
        }
        assert_eq!(std::fs::read(&input).unwrap(), b"trace");
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_stays_and_what_it_leads_to_is_written() {
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::write(&target, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut output = Output::create(&file(&link), None).unwrap();
        output.write_all(b"text").unwrap();
        output.finish().unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"text");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file_or_of_the_one_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let path = folder.path().join(name);
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        std::fs::write(folder.path().join("plain"), "").unwrap();
        Output::create(&file(&folder.path().join("new")), None)
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(mode("new"), mode("plain"));
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("plain"), private).unwrap();
        Output::create(&file(&folder.path().join("plain")), None)
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(mode("plain"), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_not_replaced() {
        let mut output = Output::create(&file(Path::new("/dev/null")), None).unwrap();
        output.write_all(b"gone").unwrap();
        output.finish().unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let _alone = alone();
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let path = missing.join("out");
        let error = Output::create(&file(&path), None)
            .err()
            .expect("there is no folder");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot write {}: there is no folder {}",
                path.display(),
                missing.display()
            )
        );
    }
}
