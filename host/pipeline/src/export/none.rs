//! Takes everything and writes nothing: for counting, and to measure what is not output.

use std::io;

use super::Format;
use crate::{Item, LogMessage, Sink};

/// Writes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoneExporter;

impl<T> Sink<T> for NoneExporter {
    #[inline]
    fn item(&mut self, _: &Item<'_, T>) -> io::Result<()> {
        Ok(())
    }
}

impl Format for NoneExporter {
    #[inline]
    fn item<T: LogMessage>(&mut self, _: &Item<'_, T>, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}
