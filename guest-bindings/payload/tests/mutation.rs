//! Broken archives: an error or a valid batch, never a panic, never a read outside of the archive, never an allocation
//! that is larger than the archive.
//!
//! Every archive of the other tests, with every byte changed in several ways, cut off everywhere, and with every word
//! set to numbers that are likely to hurt. What is accepted all the same is read to its last byte. The
//! allocator counts for each thread by itself.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use chipmunk_payload::{AlignedBytes, Batch, SourceChunk, Tail};

mod common;

thread_local! {
    /// The size of this thread's largest allocation since it was set to 0.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn count(size: usize) {
    // Fails only while the thread ends.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

struct Watching;

// SAFETY: passes everything on to the system's allocator as it came, and adds nothing but a number on the side.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller promised for `layout` what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System`, by way of `alloc` or `realloc` here, and with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: `pointer` came from `System`, and the caller promised the rest.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Accepted, or refused.
type Read = fn(&[u8], usize) -> bool;

fn read_batch(archive: &[u8], input: usize) -> bool {
    // The copy to an aligned buffer is the caller's, and may take three bytes more than the archive.
    let aligned = AlignedBytes::from_slice(archive);
    LARGEST.set(0);
    let Ok(batch) = Batch::check(aligned, input) else {
        return false;
    };
    assert!(batch.consumed() <= input);
    let mut end = 0;
    for (index, item) in batch.iter().enumerate() {
        assert_eq!(batch.item(index).as_ref(), Some(&item));
        assert_eq!(item.offset, end);
        end = item.offset + item.consumed;
        assert!(
            item.offset <= item.raw.start && item.raw.start <= item.raw.end && item.raw.end <= end
        );
        assert_eq!(batch.cells(index).len(), item.cells.len());
        for cell in batch.cells(index) {
            assert!(std::str::from_utf8(black_box(cell.as_bytes())).is_ok());
        }
        assert_eq!(
            item.kind.has_attachment(),
            batch.attachment(index).is_some()
        );
        black_box(batch.attachment(index).map(|attachment| {
            let numbers = attachment.messages();
            assert_eq!(numbers.len(), numbers.clone().count());
            let bytes = attachment.data.iter().map(|&byte| u64::from(byte));
            bytes.chain(numbers).fold(0, u64::wrapping_add)
        }));
    }
    assert_eq!(end, batch.consumed());
    if let Tail::Error(text) = batch.tail() {
        assert!(std::str::from_utf8(black_box(text.as_bytes())).is_ok());
    }
    true
}

fn read_chunk(archive: &[u8], asked: usize) -> bool {
    LARGEST.set(0);
    let Ok(chunk) = SourceChunk::check(archive, asked) else {
        return false;
    };
    assert!(chunk.bytes().len() <= asked);
    black_box(
        chunk
            .bytes()
            .iter()
            .map(|&byte| usize::from(byte))
            .sum::<usize>(),
    );
    let mut end = 0;
    for segment in chunk.segments() {
        assert!(segment.start == end && segment.end >= end);
        end = segment.end;
    }
    assert_eq!(end, chunk.bytes().len());
    true
}

/// Reads every broken version of an archive, and says how many were accepted and refused.
fn break_it(archive: &[u8], input: usize, read: Read) -> (u32, u32) {
    let mut counts = (0, 0);
    let mut try_it = |broken: &[u8]| {
        let accepted = read(broken, input);
        let largest = LARGEST.get();
        // A chunk that is not aligned is copied, behind up to three bytes.
        assert!(
            largest <= broken.len() + 3,
            "{largest} bytes were allocated for an archive of {}",
            broken.len()
        );
        if accepted {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
    };
    try_it(archive);
    let mut broken = archive.to_vec();
    for at in 0..archive.len() {
        for mask in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x7f, 0xff] {
            broken[at] = archive[at] ^ mask;
            try_it(&broken);
        }
        broken[at] = archive[at];
    }
    for len in 0..archive.len() {
        try_it(&archive[..len]);
        try_it(&archive[len..]);
    }
    let len = archive.len() as u32;
    let numbers = [
        0,
        1,
        len - 1,
        len,
        len + 1,
        1 << 16,
        1 << 24,
        i32::MAX as u32,
        1 << 31,
        len.wrapping_neg(),
        u32::MAX - 3,
        u32::MAX,
    ];
    for at in 0..archive.len() - 3 {
        for number in numbers {
            broken[at..at + 4].copy_from_slice(&number.to_le_bytes());
            try_it(&broken);
        }
        broken[at..at + 4].copy_from_slice(&archive[at..at + 4]);
    }
    counts
}

#[test]
fn nothing_bad_happens() {
    for common::Case {
        name,
        archive,
        input,
    } in common::batches()
    {
        let (accepted, refused) = break_it(&archive, input, read_batch);
        assert!(
            accepted >= 1 && refused > 100,
            "{name}: {accepted} accepted, {refused} refused"
        );
    }
    for common::Case {
        name,
        archive,
        input,
    } in common::chunks()
    {
        let (accepted, refused) = break_it(&archive, input, read_chunk);
        assert!(
            accepted >= 1 && refused > 100,
            "{name}: {accepted} accepted, {refused} refused"
        );
    }

    // Words that are wrong in pairs: a pointer and its length, a start and its length.
    for common::Case { archive, input, .. } in common::batches() {
        let mut broken = archive.clone();
        for at in (0..archive.len() - 8).step_by(4) {
            for (first, second) in [
                (u32::MAX, u32::MAX),
                (u32::MAX, 1),
                (1 << 31, 1 << 31),
                (0, u32::MAX),
                (4, u32::MAX - 4),
            ] {
                broken[at..at + 4].copy_from_slice(&first.to_le_bytes());
                broken[at + 4..at + 8].copy_from_slice(&second.to_le_bytes());
                read_batch(&broken, input);
                read_batch(&broken, usize::MAX);
                assert!(LARGEST.get() <= broken.len());
            }
            broken[at..at + 8].copy_from_slice(&archive[at..at + 8]);
        }
    }
}
