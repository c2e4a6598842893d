//! The plugin contract, as this host sees it: `wit/` in Rust.
//!
//! `types` are what travels by value, `detect` tells from a component's names which contract it follows, and `core_module` the same
//! of a module that is none yet, `host` is our side of what plugins import, `log` where their lines go, `world` calls what they
//! export, and `v0_1` is what is different with plugins of Chipmunk's published API.

#[cfg(feature = "wasix")]
mod core_module;
mod detect;
mod host;
mod log;
mod types;
mod v0_1;
mod world;

pub use detect::{ApiVersion, Description, Flavour, Kind, Offered, describe};
pub use host::HostState;
pub(crate) use host::add_to_linker;
pub use log::GuestLog;
pub use types::{
    ColumnInfo, ColumnsRenderOptions, ConfigItem, ConfigSchemaItem, ConfigSchemaType, ConfigValue,
    InitError, LogLevel, Output, ParserCapabilities, ParserConfig, RenderOptions,
    SourceCapabilities, SourceConfig, SourceError, Version,
};
pub(crate) use world::Parts as SessionParts;
pub use world::Session;
