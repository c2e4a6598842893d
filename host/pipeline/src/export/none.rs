//! Takes everything and writes nothing: for counting, and to measure what is not output.

use std::io;

use crate::{Item, Sink};

/// Writes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoneExporter;

impl<T> Sink<T> for NoneExporter {
    #[inline]
    fn item(&mut self, _: &Item<'_, T>) -> io::Result<()> {
        Ok(())
    }
}
