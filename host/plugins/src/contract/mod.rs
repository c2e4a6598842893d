//! The plugin contract, as this host sees it: `wit/` in Rust.
//!
//! [`types`](self) are what travels by value, `detect` tells from a component's names which contract it follows,
//! `log` is where a guest's lines go.

mod detect;
mod log;
mod types;

pub use detect::{ApiVersion, Description, Flavour, Kind, describe};
pub use log::GuestLog;
pub use types::{
    ColumnInfo, ColumnsRenderOptions, ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue, InitError, LogLevel, Output,
    ParserConfig, RenderOptions, SourceConfig, SourceError, Version,
};
