//! Appends to a batch's text, with the place to write at hand.
//!
//! A message is written in some thirty short pieces. Appended to a vector, each of them reads the vector's pointer, capacity
//! and length from memory and writes the length back; calls between two pieces keep the compiler from doing that once. A
//! cursor has the three in variables of its own: everything here is inlined, and what is too long for that is given values,
//! never the cursor, so that they stay in registers. (One that asks for room only once a message, and writes again where that was
//! too little, was tried: in a guest it is slower.)
//!
//! In WebAssembly every copy of a length that the compiler does not know is a `memory.copy`, which leaves the guest's code for a
//! function of the engine and costs more than a short piece is worth. So short pieces are copied here by loads and stores of
//! fixed sizes, as C libraries do it inside `memcpy`.

use core::ops::Range;

use alloc::vec::Vec;

use super::{
    decimal::{TEN_TO_THE_EIGHTH, eight, three, up_to_eight},
    plain::copy_plain,
    text::TextArena,
};

/// Appends to a [`TextArena`]: see [`TextArena::append`].
///
/// Many methods append a few characters before or behind as well, such as separators, which are to be ASCII: each of them asks for room once.
#[derive(Debug)]
pub struct TextCursor<'a> {
    arena: &'a mut TextArena,
    /// The arena's buffer: `capacity` bytes, of which the first `end` are written.
    start: *mut u8,
    capacity: usize,
    end: usize,
}

impl Drop for TextCursor<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the first `end` bytes of the buffer are written, and `end` is at most its capacity: see `room`.
        unsafe { self.arena.buffer().set_len(self.end) };
    }
}

impl<'a> TextCursor<'a> {
    /// A cursor behind the arena's text, with room for at least `room` bytes.
    #[inline(always)]
    pub(super) fn new(arena: &'a mut TextArena, room: usize) -> Self {
        let buffer = arena.buffer();
        buffer.reserve(room);
        let (start, capacity, end) = (buffer.as_mut_ptr(), buffer.capacity(), buffer.len());
        TextCursor {
            arena,
            start,
            capacity,
            end,
        }
    }

    /// Bytes of all text in the batch so far.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.end
    }

    /// Whether the batch has no text yet.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Lets the arena itself append: for what is rare or long.
    #[inline(always)]
    pub fn with_arena(&mut self, append: impl FnOnce(&mut TextArena)) {
        // SAFETY: as in `drop`.
        unsafe { self.arena.buffer().set_len(self.end) };
        append(self.arena);
        let buffer = self.arena.buffer();
        self.start = buffer.as_mut_ptr();
        self.capacity = buffer.capacity();
        self.end = buffer.len();
    }

    /// The place behind the text, with room for `more` bytes: when they are written, `end` may be moved behind them.
    #[inline(always)]
    fn room(&mut self, more: usize) -> *mut u8 {
        if self.capacity - self.end < more {
            (self.start, self.capacity) = grow(self.arena.buffer(), self.end, more);
        }
        // SAFETY: `end` is at most the buffer's capacity.
        unsafe { self.start.add(self.end) }
    }

    /// Appends `before`, the first `len` of some bytes (all of them if there are no more), and `behind`, asking once for room.
    /// The bytes are written by a single copy of them all.
    #[inline(always)]
    fn put<const BEFORE: usize, const N: usize, const BEHIND: usize>(
        &mut self,
        before: [u8; BEFORE],
        bytes: [u8; N],
        len: usize,
        behind: [u8; BEHIND],
    ) {
        let place = self.room(BEFORE + N + BEHIND);
        let len = len.min(N);
        // SAFETY: so many bytes behind `end` are within the buffer, which nobody else can refer to while the arena is borrowed
        // mutably. No more of them are counted than were written.
        unsafe {
            write(place, before);
            write(place.add(BEFORE), bytes);
            write(place.add(BEFORE + len), behind);
        }
        self.end += BEFORE + len + BEHIND;
    }

    /// Appends characters of which the compiler knows how many there are.
    #[inline(always)]
    pub fn push_ascii<const N: usize>(&mut self, characters: [u8; N]) {
        self.put([], ascii(characters), N, []);
    }

    /// Appends the first `len` characters, at most sixteen, of a short text that was padded to be of one length with others, and `behind`.
    ///
    /// For the names in a table: they are copied without asking for their length.
    #[inline(always)]
    pub fn push_padded<const B: usize>(&mut self, text: &[u8; 16], len: usize, behind: [u8; B]) {
        self.put([], ascii(*text), len, ascii(behind));
    }

    /// Appends `text`.
    #[inline(always)]
    pub fn push_str(&mut self, text: &str) {
        match text.as_bytes() {
            // Separators are most of what is appended: they need no call.
            [byte] => self.put([], [*byte], 1, []),
            bytes => self.push_piece(bytes),
        }
    }

    /// Appends a part of `text` that is whole UTF-8. Quick where it is short and `text` goes on behind it.
    #[inline(always)]
    pub(super) fn push_within(&mut self, text: &[u8], part: Range<usize>) {
        let behind = text.get(part.start..).unwrap_or_default();
        match behind.first_chunk::<16>() {
            Some(bytes) if part.len() <= bytes.len() => self.put([], *bytes, part.len(), []),
            _ => self.push_piece(behind.get(..part.len()).unwrap_or_default()),
        }
    }

    /// Appends bytes that are whole UTF-8.
    #[inline(always)]
    fn push_piece(&mut self, bytes: &[u8]) {
        let place = self.room(bytes.len());
        // SAFETY: `bytes` can be read for its length; as many bytes can be written at `place`, where nobody else
        // can refer to anything while the arena is borrowed mutably, so that the two do not overlap.
        unsafe { copy(bytes.as_ptr(), place, bytes.len()) };
        self.end += bytes.len();
    }

    /// Appends four characters, or those before the first nul byte, and `behind`; tells whether the former are ASCII. Nothing is appended if not.
    ///
    /// For ids and codes of a fixed length, of which traces are full: a few operations on one word and one store.
    #[inline(always)]
    pub fn push_ascii4<const B: usize>(&mut self, characters: [u8; 4], behind: [u8; B]) -> bool {
        const ONES: u32 = 0x0101_0101;
        const TOPS: u32 = 0x8080_8080;
        // The first byte in memory is the lowest one here. A nul byte, and at worst some behind it, get their top bit set.
        let word = u32::from_le_bytes(characters);
        let nul = word.wrapping_sub(ONES) & !word & TOPS;
        // Of no nul byte the zeros are 32, which make four.
        let len = nul.trailing_zeros() / 8;
        let before = ((1u64 << (8 * len)) - 1) as u32;
        if word & before & TOPS != 0 {
            return false;
        }
        self.put([], characters, len as usize, ascii(behind));
        true
    }

    /// Appends `before` and `bytes` if the latter are plain text: ASCII, without nul bytes and line feeds. Tells whether; nothing is
    /// appended if not.
    ///
    /// For the text fields of traces. Looks at each byte once, and copies it on the way.
    #[inline(always)]
    pub fn push_plain<const A: usize>(&mut self, before: [u8; A], bytes: &[u8]) -> bool {
        let place = self.room(A + bytes.len());
        // SAFETY: as in `push_str`. All of them are written, whatever is found out.
        let all = unsafe {
            write(place, ascii(before));
            copy_plain(bytes.as_ptr(), place.add(A), bytes.len())
        };
        if all {
            self.end += A + bytes.len();
        }
        all
    }

    /// Appends a number below 256 in decimal, and `behind`.
    #[inline(always)]
    pub fn push_byte<const B: usize>(&mut self, number: u8, behind: [u8; B]) {
        let (digits, len) = three(number);
        self.put([], digits, len, ascii(behind));
    }

    /// Appends `before`, a number in decimal, and `behind`.
    #[inline(always)]
    pub fn push_unsigned<const A: usize, const B: usize>(
        &mut self,
        before: [u8; A],
        number: u64,
        behind: [u8; B],
    ) {
        let (before, behind) = (ascii(before), ascii(behind));
        if number < u64::from(TEN_TO_THE_EIGHTH) {
            let (digits, len) = up_to_eight(number as u32);
            self.put(before, digits, len, behind);
        } else {
            self.put(before, [], 0, []);
            self.with_arena(|arena| arena.push_large(number));
            self.put([], [], 0, behind);
        }
    }

    /// Appends `before`, and a number in decimal with a minus sign if it is negative.
    #[inline(always)]
    pub fn push_signed<const A: usize>(&mut self, before: [u8; A], number: i64) {
        // The sign is always written, and counted if it belongs there.
        self.put(ascii(before), [b'-'], usize::from(number < 0), []);
        self.push_unsigned([], number.unsigned_abs(), []);
    }

    /// Appends the last eight digits of a number, with leading zeros, and `behind`.
    #[inline(always)]
    pub fn push_eight_digits<const B: usize>(&mut self, number: u32, behind: [u8; B]) {
        self.put([], eight(number % TEN_TO_THE_EIGHTH), 8, ascii(behind));
    }
}

/// Characters that are ASCII stay as they are; others lose their top bit, so that text stays text.
#[inline(always)]
fn ascii<const N: usize>(characters: [u8; N]) -> [u8; N] {
    characters.map(|character| character & 0x7F)
}

/// # Safety
/// `N` bytes can be written at `place`.
#[inline(always)]
unsafe fn write<const N: usize>(place: *mut u8, bytes: [u8; N]) {
    // SAFETY: the caller's promise.
    unsafe { place.cast::<[u8; N]>().write_unaligned(bytes) }
}

/// Makes room for `more` bytes behind the first `end` of `buffer`, which are written. Where the buffer is now, and its capacity.
#[cold]
#[inline(never)]
fn grow(buffer: &mut Vec<u8>, end: usize, more: usize) -> (*mut u8, usize) {
    // SAFETY: the caller says that these bytes are written, and they are within the buffer.
    unsafe { buffer.set_len(end) };
    buffer.reserve(more);
    (buffer.as_mut_ptr(), buffer.capacity())
}

/// The most bytes that are copied here and not by the standard library.
const SHORT: usize = 64;

/// Copies `len` bytes: the first half in pieces of a fixed size from the beginning, the other from the end, so that the two
/// may meet in the middle of a piece.
///
/// # Safety
/// `from` can be read and `to` written for `len` bytes, and they do not overlap.
// One copy of it for all callers: spread over them it was measured to take more instructions, not fewer.
#[inline(never)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    /// Copies `COUNT` pieces of `SIZE` bytes each from the beginning, and as many from the end.
    ///
    /// # Safety
    /// As above, with `SIZE * COUNT <= len`.
    #[inline(always)]
    unsafe fn both_ends<const SIZE: usize, const COUNT: usize>(
        from: *const u8,
        to: *mut u8,
        len: usize,
    ) {
        for piece in 0..COUNT {
            let (first, last) = (piece * SIZE, len - (piece + 1) * SIZE);
            // SAFETY: `first + SIZE` and `last + SIZE` are at most `len`, since `SIZE * COUNT` is, and the caller says
            // that so many bytes are there on both sides and do not overlap.
            unsafe {
                core::ptr::copy_nonoverlapping(from.add(first), to.add(first), SIZE);
                core::ptr::copy_nonoverlapping(from.add(last), to.add(last), SIZE);
            }
        }
    }

    // SAFETY: each arm's pieces fit into the least length that leads there; the rest is the caller's promise.
    unsafe {
        match len {
            0 => {}
            1 => both_ends::<1, 1>(from, to, len),
            2..4 => both_ends::<2, 1>(from, to, len),
            4..8 => both_ends::<4, 1>(from, to, len),
            8..=16 => both_ends::<8, 1>(from, to, len),
            17..=32 => both_ends::<16, 1>(from, to, len),
            33..=SHORT => both_ends::<16, 2>(from, to, len),
            _ => core::ptr::copy_nonoverlapping(from, to, len),
        }
    }
}
