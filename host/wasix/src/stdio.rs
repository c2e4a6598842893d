//! Standard input and output as wasmer-wasix wants them, over the streams of a [`WasiCtx`](wasmer_component_wasi::WasiCtx).

use std::fmt;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use wasmer_component_wasi::readiness::Late;
use wasmer_component_wasi::stream::{
    InputStream, OutputStream, SharedInput, SharedOutput, StreamError,
};
use wasmer_wasix::virtual_fs::{AsyncRead, AsyncSeek, AsyncWrite, FsError, ReadBuf, VirtualFile};

use crate::waiting::{Alarm, Deadline, poll_ready};

/// Standard input.
pub(crate) struct Input {
    stream: SharedInput,
    deadline: Deadline,
    alarm: Option<Alarm>,
}

impl Input {
    pub fn new(stream: SharedInput, deadline: Deadline) -> Self {
        Input {
            stream,
            deadline,
            alarm: None,
        }
    }
}

impl AsyncRead for Input {
    /// Blocks, at most until the deadline of the guest's call.
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match self.stream.read(buffer.remaining()) {
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => {
                    let length = chunk.len().min(buffer.remaining());
                    let read = chunk.fill_into(buffer.initialize_unfilled_to(length));
                    buffer.advance(read);
                    // None after all: the file has become shorter.
                    return Poll::Ready(Ok(()));
                }
                Err(StreamError::Closed) => return Poll::Ready(Ok(())),
                Err(StreamError::Failed(failure)) => {
                    return Poll::Ready(Err(io::Error::other(failure)));
                }
            }
            if let Err(Late) = self.deadline.wait(self.stream.readiness()) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }
}

/// Standard output, or standard error.
pub(crate) struct Output {
    stream: SharedOutput,
    deadline: Deadline,
    alarm: Option<Alarm>,
}

impl Output {
    pub fn new(stream: SharedOutput, deadline: Deadline) -> Self {
        Output {
            stream,
            deadline,
            alarm: None,
        }
    }
}

impl AsyncWrite for Output {
    /// Blocks, at most until the deadline of the guest's call.
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let written = self.stream.check_write().and_then(|permit| {
                let length = bytes.len().min(permit);
                let now = bytes.get(..length).unwrap_or_default();
                self.stream.write(now).map(|()| length)
            });
            match written {
                Ok(0) if !bytes.is_empty() => {}
                Ok(written) => return Poll::Ready(Ok(written)),
                Err(StreamError::Closed) => {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
                Err(StreamError::Failed(failure)) => {
                    return Poll::Ready(Err(io::Error::other(failure)));
                }
            }
            if let Err(Late) = self.deadline.wait(self.stream.readiness()) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.flush() {
            Ok(()) | Err(StreamError::Closed) => Poll::Ready(Ok(())),
            Err(StreamError::Failed(failure)) => Poll::Ready(Err(io::Error::other(failure))),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// What a stream that goes one way is in every other respect.
macro_rules! one_way {
    ($stream:ident, $read_ready:expr, $write_ready:expr) => {
        impl fmt::Debug for $stream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($stream)).finish_non_exhaustive()
            }
        }

        impl AsyncSeek for $stream {
            fn start_seek(self: Pin<&mut Self>, _: SeekFrom) -> io::Result<()> {
                Err(io::Error::other("a stream has no position"))
            }

            fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
                Poll::Ready(Ok(0))
            }
        }

        impl VirtualFile for $stream {
            fn last_accessed(&self) -> u64 {
                0
            }

            fn last_modified(&self) -> u64 {
                0
            }

            fn created_time(&self) -> u64 {
                0
            }

            fn size(&self) -> u64 {
                0
            }

            fn set_len(&mut self, _: u64) -> Result<(), FsError> {
                Err(FsError::PermissionDenied)
            }

            fn unlink(&mut self) -> Result<(), FsError> {
                Err(FsError::PermissionDenied)
            }

            fn poll_read_ready(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<usize>> {
                let ready: fn(&mut $stream, &Context<'_>) -> Poll<io::Result<usize>> = $read_ready;
                ready(&mut self, cx)
            }

            fn poll_write_ready(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<usize>> {
                let ready: fn(&mut $stream, &Context<'_>) -> Poll<io::Result<usize>> = $write_ready;
                ready(&mut self, cx)
            }
        }
    };
}

one_way!(
    Input,
    |input, cx| poll_ready(&input.stream.readiness(), &mut input.alarm, cx),
    |_, _| Poll::Pending
);
one_way!(Output, |_, _| Poll::Pending, |output, cx| poll_ready(
    &output.stream.readiness(),
    &mut output.alarm,
    cx
));

impl AsyncWrite for Input {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Output {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()))
    }
}
