//! What is refused, and with which words: one number of a good archive is changed at a time.

use chipmunk_payload::{
    AlignedBytes, AttachmentRef, Batch, BatchWriter, PayloadError, SkipReason, SourceChunk,
    SourceWriter, State, Tail,
};

/// Two messages with a cell each, a skip, an attachment that two messages carried, an error.
///
/// text 0..10, cells 12..20, items 20..100, data 100..101, attachments 104..148, message numbers 148..164, root 164..236.
fn good() -> Vec<u8> {
    let mut out = BatchWriter::new();
    out.text().push_str("añb");
    out.message(10, 2..10, false);
    out.text().push_str("c");
    out.message(5, 0..5, true);
    out.skipped(3, SkipReason::Garbage);
    out.attachment(
        2,
        None,
        &AttachmentRef {
            name: "né",
            messages: &[0, 1],
            data: b"d",
            ..AttachmentRef::default()
        },
    );
    out.finish(Tail::Error("ü"))
}

const ITEMS: usize = 20;
const ATTACHMENT: usize = 104;
const ROOT: usize = 164;
const TAIL: usize = ROOT + 48;

fn check(archive: &[u8], input: usize) -> Result<(), PayloadError> {
    Batch::check(AlignedBytes::from_slice(archive), input).map(|_| ())
}

/// The good archive, with these bytes at `offset`.
fn with(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = good();
    archive[offset..offset + bytes.len()].copy_from_slice(bytes);
    archive
}

/// The words for the good archive with `number` at `offset`, and an input of 20 bytes.
fn refusal(offset: usize, number: u32) -> String {
    match check(&with(offset, &number.to_le_bytes()), 20) {
        Ok(()) => "accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_good_one_is_accepted() {
    assert_eq!(good().len(), ROOT + 72);
    assert_eq!(check(&good(), 20), Ok(()));
    assert_eq!(check(&good(), 21), Ok(()));
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    assert_eq!(
        check(b"", 0).unwrap_err().to_string(),
        "an archive of 0 bytes cannot be: its length is a multiple of four, and at least 72; was it cut off, or is it \
         not an archive at all?"
    );
    assert_eq!(
        check(&good()[1..], 20),
        Err(PayloadError::Length {
            len: 235,
            least: 72
        })
    );
    assert_eq!(
        refusal(ROOT + 64, u32::from_le_bytes(*b"CMSO")),
        "not an archive of this kind: [43, 4d, 53, 4f] at byte 228 where [43, 4d, 50, 41] should be; was the plugin \
         written for another interface?"
    );
    assert_eq!(
        refusal(ROOT + 68, 2),
        "the archive has version 2 (at byte 232), and this host reads version 1; use a newer host, or a plugin built \
         for this one"
    );
}

#[test]
fn arrays_stay_in_the_archive_and_in_order() {
    let array = |name: &str, count: u32, offset: usize| {
        format!(
            "the {name} ({count} elements, announced at byte {offset}) do not lie in the archive, aligned and in order"
        )
    };
    assert_eq!(refusal(ROOT, (-165i32) as u32), array("text", 10, 164));
    assert_eq!(refusal(ROOT + 4, u32::MAX), array("text", u32::MAX, 164));
    assert_eq!(refusal(ROOT + 8, 0), array("cell", 2, 172));
    assert_eq!(refusal(ROOT + 8, (-159i32) as u32), array("cell", 2, 172));
    assert_eq!(refusal(ROOT + 20, 1 << 30), array("item", 1 << 30, 180));
    assert_eq!(
        refusal(ROOT + 28, 5),
        array("attachment", 1, 196),
        "data covers what comes behind it"
    );
    assert_eq!(
        refusal(ROOT + 32, i32::MIN as u32),
        array("attachment", 1, 196)
    );
    assert_eq!(
        refusal(ROOT + 36, 2),
        array("attachment", 2, 196),
        "attachments cover what comes behind them, and the root"
    );
    assert_eq!(refusal(ROOT + 40, 0), array("message number", 2, 204));
    assert_eq!(
        refusal(ROOT + 40, (-57i32) as u32),
        array("message number", 2, 204)
    );
    assert_eq!(refusal(ROOT + 44, 3), array("message number", 3, 204));
    assert_eq!(
        refusal(ROOT + 44, u32::MAX),
        array("message number", u32::MAX, 204)
    );
}

#[test]
fn text_is_utf8_and_cells_divide_it_into_characters() {
    assert_eq!(
        check(&with(1, &[0xff]), 20).unwrap_err().to_string(),
        "the text is not UTF-8 from byte 1 of the archive on"
    );
    let end = "its end lies before the last one, or behind the end of all";
    assert_eq!(
        refusal(12, 6),
        format!("cell 1 at byte 16 of the archive: {end}")
    );
    assert_eq!(
        refusal(16, 12),
        format!("cell 1 at byte 16 of the archive: {end}")
    );
    assert_eq!(
        refusal(12, 2),
        "cell 0 at byte 12 of the archive: its text begins or ends within a character"
    );
}

#[test]
fn items_make_sense() {
    let item = |index: usize, what: &str| {
        format!(
            "item {index} at byte {} of the archive: {what}",
            ITEMS + 20 * index
        )
    };
    let range = "its range leads out of what it is a range of";
    let code = "it has a kind, flag, reason or state that this version does not know";
    let not_empty = "something is set in it that this kind does not have";
    let end = "its end lies before the last one, or behind the end of all";
    let too_much = "more bytes than there were, or than were asked for";

    assert_eq!(refusal(ITEMS, 11), item(3, too_much));
    assert_eq!(refusal(ITEMS, u32::MAX), item(0, too_much));
    assert_eq!(refusal(ITEMS, 9), item(0, range));
    assert_eq!(refusal(ITEMS + 4, u32::MAX), item(0, range));
    assert_eq!(refusal(ITEMS + 8, u32::MAX), item(0, range));
    assert_eq!(refusal(ITEMS + 12, 3), item(0, end));
    assert_eq!(refusal(ITEMS + 20 + 12, 0), item(1, end));
    assert_eq!(refusal(ITEMS + 16, 5), item(0, code));
    assert_eq!(refusal(ITEMS + 16, 0x0200), item(0, code));
    assert_eq!(refusal(ITEMS + 16, 0x01_0000), item(0, not_empty));
    assert_eq!(refusal(ITEMS + 16, 0x0100_0000), item(0, not_empty));
    assert_eq!(
        refusal(ITEMS + 16, 3),
        item(0, not_empty),
        "what is filtered has no cells"
    );
    assert_eq!(
        refusal(ITEMS + 40 + 4, 1),
        item(2, not_empty),
        "what is skipped has no range"
    );
    assert_eq!(refusal(ITEMS + 40 + 16, 0x05_0004), item(2, code));
    assert_eq!(
        refusal(ITEMS + 40 + 16, 0x01_0104),
        item(2, not_empty),
        "what is skipped is not damaged"
    );
    assert_eq!(
        refusal(ITEMS + 40, 0),
        item(2, "it says that something was done, but nothing was")
    );
    assert_eq!(
        check(&with(ROOT + 12, &[3]), 20).unwrap_err().to_string(),
        "the item (4 elements, announced at byte 180) do not lie in the archive, aligned and in order"
    );
}

#[test]
fn cells_belong_to_items() {
    let mut out = BatchWriter::new();
    out.text().push_str("ab");
    out.message(1, 0..1, false);
    let mut archive = out.finish(Tail::Complete);
    archive[20] = 0;
    assert_eq!(
        check(&archive, 1).unwrap_err().to_string(),
        "cell 0 at byte 4 of the archive: attachments or cells do not match the items"
    );
}

#[test]
fn attachments_belong_to_items_and_to_what_is_there() {
    let attachment = |what: &str| format!("attachment 0 at byte 104 of the archive: {what}");
    let unmatched = "attachments or cells do not match the items";
    assert_eq!(
        refusal(ITEMS + 60 + 16, 0),
        format!("attachment 0 at byte 196 of the archive: {unmatched}")
    );
    assert_eq!(
        refusal(ITEMS + 16, 2),
        format!("attachment 1 at byte 196 of the archive: {unmatched}")
    );
    assert_eq!(
        refusal(ATTACHMENT, 2),
        attachment("its end lies before the last one, or behind the end of all")
    );
    assert_eq!(
        refusal(ATTACHMENT, 0),
        format!("bytes 0 at byte 188 of the archive: {unmatched}")
    );
    assert_eq!(
        refusal(ATTACHMENT + 4, 3),
        attachment("its end lies before the last one, or behind the end of all")
    );
    assert_eq!(
        refusal(ATTACHMENT + 4, 1),
        format!("message number 1 at byte 156 of the archive: {unmatched}")
    );
    assert_eq!(
        refusal(ATTACHMENT + 4, 0),
        format!("message number 0 at byte 148 of the archive: {unmatched}")
    );
    assert_eq!(
        refusal(ATTACHMENT + 16, 4),
        attachment("it has a kind, flag, reason or state that this version does not know")
    );
    assert_eq!(
        refusal(ATTACHMENT + 28, 1),
        attachment("something is set in it that this kind does not have")
    );
    assert_eq!(
        refusal(ATTACHMENT + 20, u32::MAX),
        attachment("its range leads out of what it is a range of")
    );
    assert_eq!(
        refusal(ATTACHMENT + 24, u32::MAX),
        attachment("its range leads out of what it is a range of")
    );
    assert_eq!(
        refusal(ATTACHMENT + 24, 2),
        attachment("its text begins or ends within a character")
    );
}

#[test]
fn message_numbers_belong_to_one_attachment_after_the_other() {
    // Items 0..40, attachments 40..128, message numbers 128..152.
    let mut out = BatchWriter::new();
    for messages in [&[1, 2][..], &[3]] {
        let attachment = AttachmentRef {
            messages,
            ..AttachmentRef::default()
        };
        out.attachment(1, None, &attachment);
    }
    let archive = out.finish(Tail::Complete);
    let with_end = |offset: usize, end: u8| {
        let mut archive = archive.clone();
        archive[offset] = end;
        check(&archive, 2).map_err(|error| error.to_string())
    };
    assert_eq!(with_end(44, 0), Ok(()), "the second has all of them");
    assert_eq!(with_end(44, 3), Ok(()), "the second has none of them");
    for (offset, end) in [(44, 4), (88, 1), (88, 4)] {
        let index = (offset - 44) / 44;
        assert_eq!(
            with_end(offset, end),
            Err(format!(
                "attachment {index} at byte {} of the archive: its end lies before the last one, or behind the end of all",
                offset - 4
            ))
        );
    }
    assert_eq!(
        with_end(88, 2),
        Err(
            "message number 2 at byte 144 of the archive: attachments or cells do not match the items"
                .to_string()
        )
    );
}

#[test]
fn tails_keep_their_word() {
    let tail = |what: &str| format!("tail 0 at byte 212 of the archive: {what}");
    let with_tail = |state: u8, input: usize| {
        let mut archive = with(TAIL, &[state]);
        archive[TAIL + 8..TAIL + 16].fill(0);
        check(&archive, input).map_err(|error| error.to_string())
    };
    assert_eq!(with_tail(0, 20), Ok(()));
    assert_eq!(
        with_tail(0, 21),
        Err(tail("it says that all was consumed, but something is left"))
    );
    assert_eq!(with_tail(1, 21), Ok(()));
    assert_eq!(with_tail(2, 21), Ok(()));
    assert_eq!(with_tail(3, 21), Ok(()));
    assert_eq!(
        with_tail(5, 20),
        Err(tail(
            "it has a kind, flag, reason or state that this version does not know"
        ))
    );
    assert_eq!(
        refusal(TAIL, 0),
        tail("something is set in it that this kind does not have")
    );
    assert_eq!(
        refusal(TAIL, 0x0104),
        tail("something is set in it that this kind does not have")
    );
    assert_eq!(
        refusal(TAIL + 4, 1),
        tail("something is set in it that this kind does not have")
    );
    assert_eq!(
        refusal(TAIL + 8, u32::MAX),
        tail("its range leads out of what it is a range of")
    );
    assert_eq!(
        refusal(TAIL + 12, 1),
        tail("its text begins or ends within a character")
    );

    let nothing = BatchWriter::new().finish(Tail::Full);
    assert_eq!(
        check(&nothing, 5).unwrap_err().to_string(),
        "tail 0 at byte 48 of the archive: it says that something was done, but nothing was"
    );
}

/// Bytes 0..3, segments 4..44, root 44..76.
fn chunk() -> Vec<u8> {
    let mut out = SourceWriter::with_capacity(3);
    out.push(b"ab");
    out.segment(1, Some(7));
    out.push(b"c");
    out.finish(State::More)
}

fn chunk_refusal(offset: usize, number: u32, asked: usize) -> String {
    let mut archive = chunk();
    archive[offset..offset + 4].copy_from_slice(&number.to_le_bytes());
    let archive = AlignedBytes::from(archive);
    match SourceChunk::check(&archive, asked) {
        Ok(_) => "accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn chunks_keep_their_word() {
    let segment = |index: usize, what: &str| {
        format!(
            "segment {index} at byte {} of the archive: {what}",
            4 + 20 * index
        )
    };
    let end = "its end lies before the last one, or behind the end of all";
    let unknown = "it has a kind, flag, reason or state that this version does not know";
    let not_empty = "something is set in it that this kind does not have";
    assert_eq!(chunk_refusal(4, 2, 3), "accepted");
    assert_eq!(
        chunk_refusal(4, 2, 2),
        "bytes 0 at byte 44 of the archive: more bytes than there were, or than were asked for"
    );
    assert_eq!(chunk_refusal(4, 4, 3), segment(0, end));
    assert_eq!(chunk_refusal(24, 1, 3), segment(1, end));
    assert_eq!(
        chunk_refusal(24, 2, 3),
        "segment 2 at byte 52 of the archive: attachments or cells do not match the items"
    );
    assert_eq!(chunk_refusal(12, 2, 3), segment(0, unknown));
    assert_eq!(chunk_refusal(12, 0, 3), segment(0, not_empty));
    assert_eq!(
        chunk_refusal(60, 3, 3),
        format!("tail 0 at byte 60 of the archive: {unknown}")
    );
    assert_eq!(
        chunk_refusal(64, 3, 3),
        format!("tail 0 at byte 60 of the archive: {not_empty}")
    );
    assert_eq!(
        chunk_refusal(48, 1 << 31, 3),
        "the bytes (2147483648 elements, announced at byte 44) do not lie in the archive, aligned and in order"
    );

    let nothing = SourceWriter::with_capacity(3).finish(State::More);
    assert_eq!(
        SourceChunk::check(&nothing, 3).unwrap_err().to_string(),
        "tail 0 at byte 16 of the archive: it says that something was done, but nothing was"
    );
}

#[test]
fn a_chunk_that_is_not_aligned_is_read_all_the_same() {
    let archive = chunk();
    for shift in 0..4 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(&archive);
        let chunk = SourceChunk::check(&shifted[shift..], 3).unwrap();
        assert_eq!(
            (chunk.bytes(), chunk.segments().len(), chunk.state()),
            (&b"abc"[..], 2, State::More)
        );
    }
}
