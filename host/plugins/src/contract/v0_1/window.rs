//! How much of its input a 0.1.0 parser is given at a time.
//!
//! All of it is what Chipmunk gives. That is quadratic where a call gets little done: after a `parse` error one byte is dropped and
//! all the rest passed again, and parsers that return one message a call cost as much for each. So what is given follows
//! what was consumed: little after an error, four times as much whenever that was not enough or was nearly all consumed.

/// Bytes to begin with after an error: more than most messages have.
pub(super) const LEAST: usize = 4 << 10;

/// A call that consumes less than one part in so many was given too much.
const WASTE: usize = 16;

/// How fast it grows.
const GROWTH: usize = 4;

/// How much to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    size: usize,
    /// What is given at most, unless the parser wants more.
    most: usize,
}

impl Window {
    /// Begins with `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(LEAST);
        Self { size: most, most }
    }

    /// How many bytes to give of so many.
    pub(super) fn of(self, rest: usize) -> usize {
        rest.min(self.size)
    }

    /// Whether it is as large as it becomes without being asked for more.
    pub(super) fn is_full(self) -> bool {
        self.size >= self.most
    }

    /// The parser made nothing of what it was given.
    pub(super) fn refused(&mut self) {
        self.size = LEAST;
    }

    /// The parser needs more than it was given.
    pub(super) fn wanted_more(&mut self) {
        self.size = self.size.saturating_mul(GROWTH);
    }

    /// The parser consumed so many bytes, at least one, of those that it was given.
    pub(super) fn consumed(&mut self, consumed: usize, given: usize) {
        // What remains of a chunk says nothing: its end is where it happens to be.
        let judged = given > LEAST.saturating_mul(GROWTH);
        if judged && consumed < given / WASTE {
            self.size = consumed.saturating_mul(WASTE).max(LEAST);
        } else if consumed >= given / 2 {
            self.wanted_more();
        }
        self.size = self.size.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    #[test]
    fn it_is_small_after_an_error_and_grows_with_success() {
        let mut window = Window::new(MOST);
        assert_eq!((window.of(10), window.of(MOST + 1)), (10, MOST));
        window.refused();
        assert_eq!(window.of(MOST), LEAST);
        let mut sizes = Vec::new();
        while !window.is_full() {
            let given = window.of(MOST);
            window.consumed(given - 10, given);
            sizes.push(window.of(MOST));
        }
        assert_eq!(sizes, [16 << 10, 64 << 10, 256 << 10, MOST]);
    }

    #[test]
    fn a_parser_that_wants_more_gets_it_beyond_the_most() {
        let mut window = Window::new(LEAST);
        window.wanted_more();
        assert_eq!(window.of(MOST), 4 * LEAST);
        window.consumed(4 * LEAST, 4 * LEAST);
        assert_eq!(window.of(MOST), LEAST);
    }

    #[test]
    fn one_message_a_call_is_not_given_a_whole_chunk() {
        let mut window = Window::new(MOST);
        window.consumed(100, 256 << 10);
        assert_eq!(window.of(MOST), LEAST);
        window.consumed(1000, 256 << 10);
        assert_eq!(window.of(MOST), 16_000);
        // But the rest of a chunk may hold one message and a part of the next.
        let mut window = Window::new(MOST);
        window.consumed(100, 5000);
        assert_eq!(window.of(MOST), MOST);
    }
}
