//! Nothing is allocated per message.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use chipmunk_dlt::{Options, Output, Reader, generate::Trace};
use chipmunk_payload::{BatchWriter, Tail};

/// Counts, and leaves the rest to the system.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn reading_a_chunk_again_allocates_nothing() {
    let mut trace = Vec::new();
    let made = Trace {
        messages: 5000,
        garbage: 20,
        message_bytes: 150,
        seed: 9,
    };
    made.write_to(&mut trace).expect("writing to a vector");
    for output in [Output::Ranges, Output::Line, Output::Columns] {
        let mut reader = Reader::new(Options {
            output,
            ..Options::default()
        });
        let mut out = BatchWriter::new();
        let mut read = |out: &mut BatchWriter| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let tail = reader.read(&trace, true, out);
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!((tail, out.len()), (Tail::Complete, 5020));
            let archive = out.finish(tail);
            out.recycle(archive);
            allocations
        };
        read(&mut out);
        assert_eq!(read(&mut out), 0, "{output:?}");
    }
}
