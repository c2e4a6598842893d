//! A second opinion on undamaged DLT traces with storage headers: twenty lines that share nothing with the reader under test.

/// Where the messages are in `trace`. Garbage between them must not have the letter D, as that of `gen dlt` has not.
pub fn messages(trace: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let mut rest = trace;
    while !rest.is_empty() {
        let length = match rest {
            // Storage header of 16 bytes; then header type, counter, and the length without the storage header.
            [b'D', b'L', b'T', 1, ..] => rest.get(18..20).map(|length| {
                let length = length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                16 + length
            }),
            _ => None,
        };
        match length.and_then(|length| rest.split_at_checked(length)) {
            Some((message, behind)) => {
                messages.push(message);
                rest = behind;
            }
            None => rest = rest.get(1..).unwrap_or_default(),
        }
    }
    messages
}
