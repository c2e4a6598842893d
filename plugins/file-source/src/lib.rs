//! The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are.
//!
//! With the option `follow` the end of a file is not the end: the plugin says that there may be more later. A file that becomes
//! shorter than what was read of it is read from its beginning.
//!
//! Reads straight into the archive that goes to the host: there is no buffer of the plugin's own. A chunk is as large as
//! the host asks for, also where the system gives less at a time; only the last one is smaller.

use std::io;

use chipmunk_plugin::{
    ByteSource, Config, ConfigSchemaItem, InitError, InputFile, SourceCapabilities, SourceError,
    SourceWriter, State, info, warn,
};

/// When the host is to ask for more of a file that is followed, in milliseconds.
const LATER_MS: u32 = 50;

/// A file that is read from beginning to end.
#[derive(Debug)]
pub struct FileSource {
    path: String,
    input: Input,
    follow: bool,
}

#[derive(Debug)]
enum Input {
    File(InputFile),
    Standard(io::Stdin),
}

impl ByteSource for FileSource {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::files("input", "File", &[])
                .describe("The file to read, or - for the standard input."),
            ConfigSchemaItem::boolean("follow", "Follow", false)
                .describe("At the end of the file wait for what is appended to it."),
        ]
    }

    /// When it follows.
    fn capabilities() -> SourceCapabilities {
        SourceCapabilities::LIVE
    }

    fn new(config: &Config) -> Result<Self, InitError> {
        let path = config.file("input")?.to_string();
        let input = if path == "-" {
            Input::Standard(io::stdin())
        } else {
            let cannot =
                |error: io::Error| InitError::Io(format!("{path} cannot be opened: {error}"));
            let file = InputFile::open(&path).map_err(cannot)?;
            if file.metadata().map_err(cannot)?.is_dir() {
                return Err(InitError::Io(format!(
                    "{path} is a directory; name a file in it"
                )));
            }
            Input::File(file)
        };
        info!("reading {path}");
        let follow = config.boolean("follow")? && matches!(input, Input::File(_));
        Ok(Self {
            path,
            input,
            follow,
        })
    }

    fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError> {
        let read = match &mut self.input {
            Input::File(file) => file.read_into(out),
            Input::Standard(stdin) => out.read_from(&mut stdin.lock()),
        };
        match read {
            // Only an empty read says that the end is there: what is short now may be longer the next time.
            Ok(0) if self.follow => self.turn().map_err(|error| self.unreadable(&error)),
            Ok(0) => Ok(State::End),
            Ok(_) => Ok(State::More),
            Err(error) => Err(self.unreadable(&error)),
        }
    }
}

impl FileSource {
    /// At the end of a file that is followed.
    fn turn(&mut self) -> io::Result<State> {
        if let Input::File(file) = &mut self.input
            && file.metadata()?.len() < file.position()
        {
            warn!("{} was truncated; reading on from its beginning", self.path);
            file.rewind()?;
        }
        Ok(State::RetryLater { after_ms: LATER_MS })
    }

    fn unreadable(&self, error: &io::Error) -> SourceError {
        SourceError::Io(format!("{} cannot be read: {error}", self.path))
    }
}

chipmunk_plugin::export_byte_source!(FileSource);

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use chipmunk_plugin::{
        ConfigValue, Level,
        testing::{self, AllRead, TestError},
    };

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn file(name: &str, bytes: &[u8]) -> Self {
            let path =
                std::env::temp_dir().join(format!("file-source-{}-{name}", std::process::id()));
            fs::write(&path, bytes).unwrap();
            Self(path)
        }

        fn path(&self) -> String {
            self.0.to_str().unwrap().to_string()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn read(paths: &[String], len: usize) -> Result<AllRead, TestError> {
        testing::read_all::<FileSource>(&[("input", ConfigValue::Files(paths.to_vec()))], len)
    }

    fn init_error(paths: &[String]) -> String {
        match read(paths, 10) {
            Err(TestError::Init(InitError::Io(text) | InitError::Config(text))) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn chunks_are_as_large_as_asked_for() {
        let bytes: Vec<u8> = (0..100_000u32).map(|number| (number * 7) as u8).collect();
        let file = Scratch::file("chunks", &bytes);
        for len in [1000, 1024, 33_333, 65_536, 99_999, 100_000, 1 << 20] {
            let all = read(&[file.path()], len).unwrap();
            assert_eq!(all.bytes, bytes, "{len}");
            assert_eq!(all.calls, bytes.len().div_ceil(len) + 1, "{len}");
            let ends: Vec<usize> = all.segments.iter().map(|(end, _, _)| *end).collect();
            let expected: Vec<usize> = (1..=bytes.len().div_ceil(len))
                .map(|chunk| (chunk * len).min(bytes.len()))
                .collect();
            assert_eq!(ends, expected, "{len}");
        }
        assert_eq!(
            testing::take_log().first(),
            Some(&(Level::Info, format!("reading {}", file.path())))
        );
    }

    #[test]
    fn an_empty_file_ends_at_once() {
        let file = Scratch::file("empty", b"");
        assert_eq!(
            read(&[file.path()], 10).unwrap(),
            AllRead {
                calls: 1,
                ..AllRead::default()
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert!(
            init_error(&["/nowhere/x.dlt".into()]).starts_with("/nowhere/x.dlt cannot be opened: ")
        );
        let directory = std::env::temp_dir().to_str().unwrap().to_string();
        assert_eq!(
            init_error(std::slice::from_ref(&directory)),
            format!("{directory} is a directory; name a file in it")
        );
        assert_eq!(
            init_error(&[]),
            "the option `input` needs a file, and none is given"
        );
        assert_eq!(
            init_error(&["a".into(), "b".into()]),
            "the option `input` takes one file, not 2"
        );
    }
}
