//! What is allocated for each batch, and that nothing is for each message.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use chipmunk_payload::{AlignedBytes, Batch, BatchWriter, SourceChunk, SourceWriter, State, Tail};

thread_local! {
    /// Allocations and reallocations of this thread.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // Fails only while the thread ends.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: passes everything on to the system's allocator as it came, and adds nothing but a number on the side.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller promised for `layout` what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System`, by way of `alloc` or `realloc` here, and with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `pointer` came from `System`, and the caller promised the rest.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    COUNT.set(0);
    let outcome = work();
    (outcome, COUNT.get())
}

const ITEMS: usize = 5000;

fn write(out: &mut BatchWriter, words: &str) -> Vec<u8> {
    for index in 0..ITEMS {
        for cell in 0..11 {
            out.text().push_str(&words[..(index + cell) % words.len()]);
            out.end_cell();
        }
        out.message(100, 16..100, false);
        assert!(!out.is_full());
    }
    out.finish(Tail::Complete)
}

#[test]
fn a_batch_is_one_allocation_to_write_and_one_to_read() {
    let mut out = BatchWriter::new();
    let (first, allocations) = counted(|| write(&mut out, "the first batch grows every buffer"));
    assert!(allocations < 100, "{allocations}");

    let (second, allocations) = counted(|| write(&mut out, "the second batch is a little larger"));
    assert_eq!(allocations, 1, "the archive");
    assert!(second.len() > first.len());

    let mut aligned = AlignedBytes::from(second);
    let (batch, allocations) = counted(|| Batch::check(aligned, ITEMS * 100).unwrap());
    assert_eq!(allocations, 1, "where items begin");

    let (bytes, allocations) = counted(|| {
        let text = |index: usize| batch.cells(index).map(str::len).sum::<usize>();
        (0..batch.len()).map(text).sum::<usize>()
            + batch.iter().map(|item| item.raw.len()).sum::<usize>()
    });
    assert!(bytes > ITEMS * 84);
    assert_eq!(allocations, 0, "messages are read in place");

    aligned = batch.into_bytes();
    let ((), allocations) = counted(|| aligned.fill_from(&first));
    assert_eq!(allocations, 0, "the buffer is used again");

    out.recycle(aligned.into_buffer());
    let (_, allocations) = counted(|| write(&mut out, "the third has the buffer of the second"));
    assert!(allocations <= 1, "{allocations}");
}

#[test]
fn a_chunk_is_two_allocations_to_write_and_none_to_read() {
    let file = vec![7; 100_000];
    let (archive, allocations) = counted(|| {
        let mut out = SourceWriter::with_capacity(file.len());
        out.read_from(&mut &file[..]).unwrap();
        out.finish(State::More)
    });
    assert_eq!(allocations, 2, "the archive, and its one segment");
    assert_eq!(
        archive.capacity(),
        archive.len(),
        "so that nobody moves it to make it smaller"
    );

    let (len, allocations) = counted(|| {
        SourceChunk::check(&archive, file.len())
            .unwrap()
            .bytes()
            .len()
    });
    assert_eq!((len, allocations), (file.len(), 0));
}
