//! To be written.
pub mod cache;
pub mod config;
pub mod contract;
pub mod error;
pub mod registry;
pub mod schema;
pub mod guest;
pub mod proxy;
