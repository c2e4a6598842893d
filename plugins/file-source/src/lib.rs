//! The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are.
//!
//! Reads straight into the archive that goes to the host: there is no buffer of the plugin's own. A chunk is as large as
//! the host asks for, also where the system gives less at a time; only the last one is smaller.

use std::{
    fs::File,
    io::{self, Read},
};

use chipmunk_plugin::{
    ByteSource, Config, ConfigSchemaItem, InitError, SourceError, SourceWriter, State, info,
};

/// A file that is read from beginning to end.
#[derive(Debug)]
pub struct FileSource {
    path: String,
    input: Input,
}

#[derive(Debug)]
enum Input {
    File(File),
    Standard(io::Stdin),
}

impl ByteSource for FileSource {
    fn config_schema() -> Vec<ConfigSchemaItem> {
        vec![
            ConfigSchemaItem::files("input", "File", &[])
                .describe("The file to read, or - for the standard input."),
        ]
    }

    fn new(config: &Config) -> Result<Self, InitError> {
        let path = config.file("input")?.to_string();
        let input = if path == "-" {
            Input::Standard(io::stdin())
        } else {
            let cannot = |error: io::Error| InitError::Io(format!("{path} cannot be opened: {error}"));
            let file = File::open(&path).map_err(cannot)?;
            if file.metadata().map_err(cannot)?.is_dir() {
                return Err(InitError::Io(format!("{path} is a directory; name a file in it")));
            }
            Input::File(file)
        };
        info!("reading {path}");
        Ok(Self { path, input })
    }

    fn read(&mut self, out: &mut SourceWriter) -> Result<State, SourceError> {
        let asked = out.remaining();
        let read = match &mut self.input {
            Input::File(file) => out.read_from(file),
            Input::Standard(stdin) => out.read_from(&mut stdin.lock()),
        };
        match read {
            Ok(count) if count < asked => Ok(State::End),
            Ok(_) => Ok(State::More),
            Err(error) => Err(SourceError::Io(format!("{} cannot be read: {error}", self.path))),
        }
    }
}

chipmunk_plugin::export_byte_source!(FileSource);
