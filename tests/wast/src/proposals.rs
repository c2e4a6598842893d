//! What a script may need without our having it: the asynchronous part of the model and threads, left out on purpose, and what is not
//! standardised yet. Whatever fails for one of these is skipped, with the reason; nothing else is.

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentDefinedType, ComponentType,
    ComponentTypeDeclaration, InstanceTypeDeclaration, Parser, Payload,
};

/// The proposal that an error of the validator or of the engine names as the one that is missing.
pub(crate) fn named_in_error(text: &str) -> Option<&'static str> {
    const PROPOSALS: &[(&[&str], &str)] = &[
        (
            &["asynchronous", "component model async", "async builtins"],
            ASYNC,
        ),
        (&["component model threading", "shared-everything"], THREADS),
        (
            &["threads must be enabled", "threads support is not enabled"],
            THREADS,
        ),
        (
            &[
                "component model gc",
                "cm-gc",
                "gc proposal",
                "garbage-collected",
                "without the gc feature",
            ],
            "the gc proposal",
        ),
        (
            &["64-bit memories", "64-bit tables", "cm64", "memory64"],
            "the memory64 proposal",
        ),
        (&["component model `value`s"], "the values proposal"),
        (&["custom-descriptors"], "the custom-descriptors proposal"),
        (&["custom page sizes"], "the custom-page-sizes proposal"),
        (&["cm-nested-names"], "the nested-names proposal"),
    ];
    PROPOSALS
        .iter()
        .find(|(phrases, _)| phrases.iter().any(|phrase| text.contains(phrase)))
        .map(|(_, proposal)| *proposal)
}

const ASYNC: &str = "the async proposal";
const THREADS: &str = "the threads proposal";

/// Whether a script's message says that a proposal is switched off.
pub(crate) fn is_switched_off(message: &str) -> bool {
    const PHRASES: &[&str] = &["feature is not active", "requires the component model"];
    PHRASES.iter().any(|phrase| message.contains(phrase))
}

/// The proposal that a word of the text format belongs to.
pub(crate) fn of_word(word: &str) -> Option<&'static str> {
    const ASYNC_WORDS: &[&str] = &[
        "backpressure.",
        "context.",
        "future",
        "stream",
        "subtask.",
        "task.",
        "waitable-set.",
        "waitable.",
    ];
    let starts = |prefix: &&str| word.starts_with(*prefix);
    if word == "async" || ASYNC_WORDS.iter().any(starts) {
        Some(ASYNC)
    } else if word.starts_with("thread") || word == "shared" {
        Some(THREADS)
    } else if word.starts_with("error-context") {
        Some("the error-context proposal")
    } else if word.starts_with("memory64") {
        Some("the memory64 proposal")
    } else {
        None
    }
}

/// The proposal that a component uses, of the two whose parts the engine lets pass as long as nobody calls them: its validator knows
/// them only in part.
pub(crate) fn used_by(component: &[u8]) -> Option<&'static str> {
    Parser::new(0)
        .parse_all(component)
        .map_while(Result::ok)
        .find_map(|payload| match payload {
            Payload::ComponentCanonicalSection(functions) => functions
                .into_iter()
                .map_while(Result::ok)
                .find_map(|function| of_function(&function)),
            Payload::ComponentTypeSection(types) => types
                .into_iter()
                .map_while(Result::ok)
                .find_map(|ty| of_type(&ty)),
            _ => None,
        })
}

fn of_function(function: &CanonicalFunction) -> Option<&'static str> {
    use CanonicalFunction as F;
    match function {
        F::Lift { options, .. } | F::Lower { options, .. } => options
            .iter()
            .any(|option| {
                matches!(
                    option,
                    CanonicalOption::Async | CanonicalOption::Callback(_)
                )
            })
            .then_some(ASYNC),
        F::ResourceNew { .. } | F::ResourceDrop { .. } | F::ResourceRep { .. } => None,
        F::ThreadSpawnRef { .. }
        | F::ThreadSpawnIndirect { .. }
        | F::ThreadAvailableParallelism => Some(THREADS),
        _ => Some(ASYNC),
    }
}

fn of_type(ty: &ComponentType<'_>) -> Option<&'static str> {
    match ty {
        ComponentType::Defined(
            ComponentDefinedType::Future(_) | ComponentDefinedType::Stream(_),
        ) => Some(ASYNC),
        ComponentType::Func(ty) => ty.async_.then_some(ASYNC),
        ComponentType::Component(declarations) => {
            declarations
                .iter()
                .find_map(|declaration| match declaration {
                    ComponentTypeDeclaration::Type(ty) => of_type(ty),
                    _ => None,
                })
        }
        ComponentType::Instance(declarations) => {
            declarations
                .iter()
                .find_map(|declaration| match declaration {
                    InstanceTypeDeclaration::Type(ty) => of_type(ty),
                    _ => None,
                })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_text_format_belong_to_proposals() {
        assert_eq!(of_word("stream.forward"), Some(ASYNC));
        assert_eq!(of_word("thread.index"), Some(THREADS));
        assert_eq!(of_word("lift"), None);
        assert_eq!(of_word("contextual"), None);
    }
}
