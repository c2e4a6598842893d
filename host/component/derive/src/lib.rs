//! Derives for the typed calls of `wasmer-component`.
//!
//! `#[derive(ComponentType, Lift, Lower)]` makes a Rust type stand for a component's record, variant or enum;
//! [`flags!`] declares one that stands for flags. What they generate is thin: layouts are constants that the
//! compiler works out from `Abi`, type checks and everything that needs a loop are functions of
//! `wasmer_component::__internal`, so that the generated code says only what differs from type to type.
//!
//! ```ignore
//! use wasmer_component::{ComponentType, Lift, Lower, flags};
//!
//! #[derive(ComponentType, Lift, Lower)]
//! #[component(record)]
//! struct Datetime {
//!     seconds: u64,
//!     nanoseconds: u32,
//! }
//!
//! #[derive(ComponentType, Lift, Lower)]
//! #[component(variant)]
//! enum NewTimestamp {
//!     NoChange,
//!     Now,
//!     Timestamp(Datetime), // stands for the case `timestamp(datetime)`
//! }
//!
//! #[derive(ComponentType, Lift, Lower)]
//! #[component(enum)]
//! enum Advice {
//!     Normal,
//!     #[component(name = "will-need")]
//!     Needed,
//! }
//!
//! flags! {
//!     /// How a file is opened.
//!     pub DescriptorFlags {
//!         const READ;
//!         const WRITE;
//!         #[component(name = "file-integrity-sync")]
//!         const FILE_SYNC;
//!     }
//! }
//! ```
//!
//! Names: a field `snake_case`, a case `CamelCase` and a flag `UPPER_CASE` stand for the same in `kebab-case`;
//! `#[component(name = "...")]` says otherwise. Fields and cases must come in the component's order.

mod derive;
mod flags;
mod names;

use proc_macro::TokenStream;

/// Implements `ComponentType`: layout and type check.
#[proc_macro_derive(ComponentType, attributes(component))]
pub fn component_type(input: TokenStream) -> TokenStream {
    expand(input, derive::component_type)
}

/// Implements `Lower`: passing a value into a guest. Every part must be `Lower`.
#[proc_macro_derive(Lower, attributes(component))]
pub fn lower(input: TokenStream) -> TokenStream {
    expand(input, derive::lower)
}

/// Implements `Lift`: taking a value out of a guest. Every part must be `Lift`.
#[proc_macro_derive(Lift, attributes(component))]
pub fn lift(input: TokenStream) -> TokenStream {
    expand(input, derive::lift)
}

/// Declares a set of up to 32 flags as a small `Copy` type with `empty`, `all`, `bits`, `from_bits_truncate`,
/// `contains`, `intersects`, `is_empty`, `insert`, `remove` and the operators `|`, `|=`, `&`, `&=`, `-`, `!`.
///
/// ```ignore
/// flags! {
///     /// What may be done with a directory.
///     pub Rights {
///         const READ;
///         #[component(name = "change")]
///         const WRITE;
///     }
/// }
/// ```
#[proc_macro]
pub fn flags(input: TokenStream) -> TokenStream {
    let declaration = syn::parse_macro_input!(input as flags::Declaration);
    flags::expand(&declaration).into()
}

fn expand(
    input: TokenStream,
    make: fn(&derive::Shape<'_>) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    derive::Shape::of(&input)
        .and_then(|shape| make(&shape))
        .unwrap_or_else(|e| e.to_compile_error())
        .into()
}
