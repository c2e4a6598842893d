//! The worked examples of `wit/PAYLOAD.md` are what the code makes.

mod common;

const DOCUMENT: &str = include_str!("../../../wit/PAYLOAD.md");

/// The bytes of the fenced block that begins with "```hex NAME". Every line says where it is, and is there.
fn example(name: &str) -> Vec<u8> {
    let fence = format!("```hex {name}\n");
    let (_, block) = DOCUMENT
        .split_once(&fence)
        .unwrap_or_else(|| panic!("no block {fence:?} in PAYLOAD.md"));
    let (block, _) = block.split_once("```").expect("the block has an end");
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (offset, rest) = line.split_once("  ").expect("an offset and two blanks");
        assert_eq!(usize::from_str_radix(offset, 16), Ok(bytes.len()), "{line}");
        let (hex, _) = rest
            .split_once("  ")
            .expect("bytes, two blanks and an explanation");
        for byte in hex.split(' ') {
            bytes.push(
                u8::from_str_radix(byte, 16)
                    .unwrap_or_else(|error| panic!("{line}: {byte}: {error}")),
            );
        }
    }
    bytes
}

fn made(cases: Vec<common::Case>, name: &str) -> Vec<u8> {
    cases
        .into_iter()
        .find(|case| case.name == name)
        .map(|case| case.archive)
        .expect("the case is there")
}

#[test]
fn the_parsers_example_is_what_the_writer_makes() {
    assert_eq!(
        example("batch-example"),
        made(common::batches(), "batch-example")
    );
}

#[test]
fn the_sources_example_is_what_the_writer_makes() {
    assert_eq!(
        example("chunk-example"),
        made(common::chunks(), "chunk-example")
    );
}
