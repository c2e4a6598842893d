//! Checks a source's chunk where it lies, which is guest memory: the bytes are then copied once, to where the host
//! wants them.

use super::{Segment, State};
use crate::{
    AlignedBytes, Part, PayloadError, Problem,
    layout::{
        ALIGN,
        source::{MAGIC, ROOT_SIZE, STATE_END, STATE_MORE, STATE_RETRY_LATER, VERSION},
    },
    parser::{check_trailer, explain_arrays, offset_in},
    schema::{ArchivedSegment, ArchivedSourceRoot},
};

/// A source's archive that was checked.
#[derive(Debug)]
pub struct SourceChunk<'a> {
    /// Aligned, and unchanged after the check.
    archive: Archive<'a>,
    state: State,
}

#[derive(Debug)]
enum Archive<'a> {
    Lent(&'a [u8]),
    Copied(AlignedBytes),
}

impl Archive<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Archive::Lent(bytes) => bytes,
            Archive::Copied(bytes) => bytes,
        }
    }
}

impl<'a> SourceChunk<'a> {
    /// Checks an archive that a source made when it was asked for at most `asked` bytes. Nothing is copied, unless the
    /// archive is not aligned.
    ///
    /// # Errors
    /// Everything that is wrong with an archive is the plugin's fault and refuses it as a whole; see
    /// [`PayloadError`].
    pub fn check(bytes: &'a [u8], asked: usize) -> Result<Self, PayloadError> {
        check_trailer(bytes, ROOT_SIZE, MAGIC, VERSION)?;
        let archive = if bytes.as_ptr().addr().is_multiple_of(ALIGN) {
            Archive::Lent(bytes)
        } else {
            Archive::Copied(AlignedBytes::from_slice(bytes))
        };
        let bytes = archive.bytes();
        let root =
            rkyv::access::<ArchivedSourceRoot, rkyv::rancor::Failure>(bytes).map_err(|_| {
                explain_arrays(
                    bytes,
                    bytes.len() - ROOT_SIZE,
                    &[(Part::Bytes, 1), (Part::Segment, 20)],
                )
            })?;
        check_segments(bytes, root)?;
        let state = check_state(bytes, root, asked)?;
        Ok(Self { archive, state })
    }

    /// The bytes that were read.
    pub fn bytes(&self) -> &[u8] {
        self.root().bytes.as_slice()
    }

    /// The segments of the bytes, in order and without gaps.
    pub fn segments(&self) -> Segments<'_> {
        Segments {
            segments: self.root().segments.as_slice().iter(),
            start: 0,
        }
    }

    /// What comes after these bytes.
    pub fn state(&self) -> State {
        self.state
    }

    fn root(&self) -> &ArchivedSourceRoot {
        // SAFETY: `check`, the only way to make a `SourceChunk`, had `rkyv::access` check a root of this type at the
        // end of these very bytes. They have not changed since: lent ones are borrowed for as long as this lives,
        // copied ones are in a private field that nothing writes to, and whose heap buffer does not move.
        unsafe { rkyv::access_unchecked::<ArchivedSourceRoot>(self.archive.bytes()) }
    }
}

/// The segments of a chunk, from [`SourceChunk::segments`].
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    segments: core::slice::Iter<'a, ArchivedSegment>,
    start: usize,
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let segment = self.segments.next()?;
        let end = segment.end.to_native() as usize;
        let start = core::mem::replace(&mut self.start, end);
        let timestamp = u64::from(segment.timestamp_low.to_native())
            | u64::from(segment.timestamp_high.to_native()) << 32;
        let timestamp = (segment.has_timestamp.to_native() != 0).then_some(timestamp);
        Some(Segment {
            start,
            end,
            skipped: segment.skipped.to_native(),
            timestamp,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.segments.size_hint()
    }
}

impl ExactSizeIterator for Segments<'_> {}

fn check_segments(bytes: &[u8], root: &ArchivedSourceRoot) -> Result<(), PayloadError> {
    let mut before = 0;
    for (index, segment) in root.segments.as_slice().iter().enumerate() {
        let end = segment.end.to_native();
        let has_timestamp = segment.has_timestamp.to_native();
        let time = segment.timestamp_low.to_native() | segment.timestamp_high.to_native();
        let problem = if end < before || end as usize > root.bytes.len() {
            Problem::End
        } else if has_timestamp > 1 {
            Problem::Code
        } else if has_timestamp == 0 && time != 0 {
            Problem::NotEmpty
        } else {
            before = end;
            continue;
        };
        return Err(PayloadError::Entry {
            part: Part::Segment,
            index,
            offset: offset_in(bytes, segment),
            problem,
        });
    }
    if before as usize != root.bytes.len() {
        let (part, index) = (Part::Segment, root.segments.len());
        let offset = offset_in(bytes, &root.segments);
        return Err(PayloadError::Entry {
            part,
            index,
            offset,
            problem: Problem::Unmatched,
        });
    }
    Ok(())
}

fn check_state(
    bytes: &[u8],
    root: &ArchivedSourceRoot,
    asked: usize,
) -> Result<State, PayloadError> {
    let after_ms = root.retry_after_ms.to_native();
    let len = root.bytes.len();
    let entry = |part, offset, problem| {
        Err(PayloadError::Entry {
            part,
            index: 0,
            offset,
            problem,
        })
    };
    if len > asked {
        return entry(Part::Bytes, offset_in(bytes, &root.bytes), Problem::TooMuch);
    }
    let state = offset_in(bytes, &root.state);
    match root.state.to_native() {
        STATE_MORE | STATE_END if after_ms != 0 => entry(Part::Tail, state, Problem::NotEmpty),
        STATE_MORE if len == 0 => entry(Part::Tail, state, Problem::NoProgress),
        STATE_MORE => Ok(State::More),
        STATE_END => Ok(State::End),
        STATE_RETRY_LATER => Ok(State::RetryLater { after_ms }),
        _ => entry(Part::Tail, state, Problem::Code),
    }
}
