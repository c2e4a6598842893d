//! A byte source of API 0.1.0: the bytes of a file, or of the standard input.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/0.1.0", world: "byte-source", generate_all });
}

use bindings::chipmunk::bytesource::bytesource_types::{SourceConfig, SourceError};
use bindings::chipmunk::shared::logging::{Level, log};
use bindings::chipmunk::shared::shared_types::{ConfigSchemaType, ConfigValue};
use bindings::exports::chipmunk::bytesource::byte_source::{
    ConfigItem, ConfigSchemaItem, Guest, InitError, Version,
};

thread_local! {
    static INPUT: RefCell<Option<Box<dyn Read>>> = const { RefCell::new(None) };
}

struct FileSource;

impl Guest for FileSource {
    fn get_version() -> Version {
        Version {
            major: 0,
            minor: 1,
            patch: 7,
        }
    }

    fn get_config_schemas() -> Vec<ConfigSchemaItem> {
        vec![ConfigSchemaItem {
            id: "input-path".to_owned(),
            title: "File".to_owned(),
            description: Some("The file to read.".to_owned()),
            input_type: ConfigSchemaType::Files(Vec::new()),
        }]
    }

    fn init(_: SourceConfig, items: Vec<ConfigItem>) -> Result<(), InitError> {
        let path = match items.as_slice() {
            [
                ConfigItem {
                    value: ConfigValue::Files(paths),
                    ..
                },
            ] if paths.len() == 1 => &paths[0],
            _ => {
                return Err(InitError::Config(format!(
                    "one file is wanted, not {items:?}"
                )));
            }
        };
        let input: Box<dyn Read> = match path.as_str() {
            "-" => Box::new(std::io::stdin()),
            path => {
                let cannot = |error| InitError::Io(format!("{path}: {error}"));
                let file = File::open(path).map_err(cannot)?;
                if file.metadata().map_err(cannot)?.is_dir() {
                    return Err(InitError::Io(format!("{path} is a directory")));
                }
                Box::new(file)
            }
        };
        INPUT.set(Some(input));
        log(Level::Info, &format!("reading {path}"));
        Ok(())
    }

    fn read(len: u64) -> Result<Vec<u8>, SourceError> {
        INPUT.with_borrow_mut(|input| {
            let input = input.as_mut().ok_or_else(|| {
                SourceError::Unsupported("`read` was called before `init`".to_owned())
            })?;
            let mut bytes = vec![0; len.min(16 << 20) as usize];
            let count = input
                .read(&mut bytes)
                .map_err(|error| SourceError::Io(error.to_string()))?;
            bytes.truncate(count);
            Ok(bytes)
        })
    }
}

bindings::export!(FileSource with_types_in bindings);
