//! Output on its way to the writer's thread: blocks of bytes that go round.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::queue::Queue;
use crate::{Item, LogMessage, Sink, export::Format};

/// How large a block grows before it is sent on, in bytes, while a call of the parser hands out items.
const BLOCK_BYTES: usize = 256 << 10;

/// A buffer that grew beyond this is not used again, in bytes.
pub(super) const LARGEST_KEPT: usize = 8 << 20;

/// Blocks that wait to be written, at most.
const WAITING: usize = 2;

/// Blocks to be written, and buffers for new ones.
#[derive(Debug)]
pub(super) struct Blocks {
    filled: Queue<Vec<u8>>,
    spare: Queue<Vec<u8>>,
}

impl Blocks {
    /// For `makers` threads that fill blocks.
    pub(super) fn new(makers: usize) -> Arc<Self> {
        Arc::new(Self {
            filled: Queue::bounded(WAITING),
            spare: Queue::bounded(makers.saturating_add(WAITING)),
        })
    }

    /// An empty buffer, one that was used before if there is one.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.spare.take_last().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() <= LARGEST_KEPT {
            bytes.clear();
            self.spare.offer(bytes);
        }
    }

    /// Sends a block to the writer; waits while enough are waiting.
    ///
    /// # Errors
    /// The writer has failed. Why is what its thread returns.
    pub(super) fn send(&self, block: Vec<u8>) -> io::Result<()> {
        self.filled
            .push(block)
            .map_err(|_| io::Error::other("the writer has ended"))
    }

    /// Nothing more will be sent: the writer ends when all is written.
    pub(super) fn finish(&self) {
        self.filled.close();
    }

    /// What was sent is not to be written any more.
    pub(super) fn abandon(&self) {
        self.filled.abandon();
    }

    /// The writer's thread.
    pub(super) fn write_all<W: Write>(&self, mut out: W) -> io::Result<W> {
        // However this ends, nobody is to wait for it.
        struct Ended<'a>(&'a Blocks);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.abandon();
            }
        }
        let _ended = Ended(self);
        while let Some(bytes) = self.filled.pop() {
            let written = out.write_all(&bytes);
            self.recycle(bytes);
            written?;
        }
        out.flush()?;
        Ok(out)
    }
}

/// A sink that fills blocks and sends them. What a call of the parser gave is sent when the call is done, so that it is
/// there before the source is asked for more.
#[derive(Debug)]
pub(super) struct BlockSink<F> {
    format: F,
    block: Vec<u8>,
    blocks: Arc<Blocks>,
}

impl<F: Format> BlockSink<F> {
    /// Begins the output with the format's header.
    pub(super) fn new(format: F, blocks: Arc<Blocks>) -> io::Result<Self> {
        let mut block = blocks.buffer();
        format.header(&mut block);
        let mut sink = Self {
            format,
            block,
            blocks,
        };
        sink.send()?;
        Ok(sink)
    }

    fn send(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.block, self.blocks.buffer());
        self.blocks.send(bytes)
    }
}

impl<T: LogMessage, F: Format> Sink<T> for BlockSink<F> {
    #[inline]
    fn item(&mut self, item: &Item<'_, T>) -> io::Result<()> {
        self.format.item(item, &mut self.block)?;
        if self.block.len() >= BLOCK_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn input_done(&mut self, input: &[u8]) -> io::Result<()> {
        self.format.input_done(input, &mut self.block);
        self.send()
    }
}
