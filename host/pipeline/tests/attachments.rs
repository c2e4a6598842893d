//! Attachments of an archive reach whoever runs the parser, with all that the archive says of them.

use chipmunk_payload::{AlignedBytes, AttachmentRef, Batch, BatchWriter, Tail};
use chipmunk_pipeline::{Attachment, BatchParser, BatchReader, Parser, ParserError};

/// Finds in any input one attachment without a message, and one with.
struct Two;

impl BatchReader for Two {
    fn read_batch(
        &mut self,
        input: &[u8],
        _: Option<u64>,
        _: bool,
        _: AlignedBytes,
    ) -> Result<Batch, ParserError> {
        let mut out = BatchWriter::new();
        let first = AttachmentRef {
            name: "first",
            size: 5,
            created: Some("yesterday"),
            modified: Some("today"),
            messages: &[0, 3, 1 << 31],
            data: b"bytes",
        };
        out.attachment(1, None, &first);
        let second = AttachmentRef {
            name: "second",
            ..AttachmentRef::default()
        };
        out.attachment(1, Some(0..1), &second);
        let archive = AlignedBytes::from(out.finish(Tail::End));
        Batch::check(archive, input.len())
            .map_err(|error| ParserError::Unrecoverable(error.to_string()))
    }
}

#[test]
fn attachments_arrive_with_the_messages_that_carried_them() {
    let mut parser = BatchParser::new(Two);
    let attachments: Vec<Attachment> = parser
        .parse(b"ab", None)
        .expect("the archive is valid")
        .filter_map(|item| item.message?.attachment().cloned())
        .collect();
    let expected = [
        Attachment {
            name: "first".to_string(),
            data: b"bytes".to_vec(),
            size: 5,
            created_date: Some("yesterday".to_string()),
            modified_date: Some("today".to_string()),
            messages: vec![0, 3, 1 << 31],
        },
        Attachment {
            name: "second".to_string(),
            ..Attachment::default()
        },
    ];
    assert_eq!(attachments, expected);
}
