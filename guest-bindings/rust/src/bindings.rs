//! What wit-bindgen makes of `wit/`: the types, the imports, and the macros that export a world.
//!
//! Both worlds are generated here, in this one crate, so that a plugin needs neither the WIT files nor a generator. A
//! world's exports are only made where its export macro is called, in the plugin.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks)]

/// The world `parser`.
pub mod parser {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "chipmunk:plugins/parser@0.2.0",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "__export_parser_world",
        generate_all,
        runtime_path: "::chipmunk_plugin::__wit_bindgen::rt",
    });
}

/// The world `byte-source`, with the shared types of the other one.
pub mod byte_source {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "chipmunk:plugins/byte-source@0.2.0",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "__export_byte_source_world",
        runtime_path: "::chipmunk_plugin::__wit_bindgen::rt",
        with: {
            "chipmunk:shared/shared-types@0.2.0": crate::bindings::parser::chipmunk::shared::shared_types,
            "chipmunk:shared/logging@0.2.0": crate::bindings::parser::chipmunk::shared::logging,
            "chipmunk:shared/sandbox@0.2.0": crate::bindings::parser::chipmunk::shared::sandbox,
            "chipmunk:bytesource/bytesource-types@0.2.0": generate,
            "chipmunk:bytesource/byte-source@0.2.0": generate,
        },
    });
}
