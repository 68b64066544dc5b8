//! A socket that times out clients below a minimum rate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Limits;
use super::activity::{Activity, Phase};

pub struct PacedStream<S> {
    inner: S,
    activity: Arc<Activity>,
    reading: Pace,
    writing: Pace,
}

impl<S> PacedStream<S> {
    pub fn new(inner: S, activity: Arc<Activity>, limits: &Limits) -> Self {
        Self {
            inner,
            activity,
            reading: Pace::new(limits.body_window, limits),
            writing: Pace::new(limits.reader_window, limits),
        }
    }
}

/// Enforces a minimum rate while bytes are waited for.
struct Pace {
    window: Duration,
    least: u64,
    moved: u64,
    /// End of the current window; `None` while nothing is waited for.
    until: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(window: Duration, limits: &Limits) -> Self {
        Self { window, least: limits.bytes_per_second * window.as_secs(), moved: 0, until: None }
    }

    /// Ends the wait.
    fn rest(&mut self) {
        self.until = None;
    }

    fn moved(&mut self, bytes: usize) {
        self.moved += bytes as u64;
    }

    /// Polled while bytes are waited for. `TimedOut` if too few moved within a window.
    fn wait(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            let (window, moved) = (self.window, &mut self.moved);
            let until = self.until.get_or_insert_with(|| {
                *moved = 0;
                Box::pin(tokio::time::sleep(window))
            });
            match until.as_mut().poll(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) if self.moved < self.least => return Err(io::ErrorKind::TimedOut.into()),
                Poll::Ready(()) => {
                    self.moved = 0;
                    until.as_mut().reset(Instant::now() + window);
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let phase = this.activity.phase();
        if phase != Phase::Body {
            this.reading.rest();
        }
        if Pin::new(&mut this.inner).poll_read(context, buffer)?.is_ready() {
            let read = buffer.filled().len() - before;
            this.reading.moved(read);
            if read > 0 {
                this.activity.follow(Phase::Idle, Phase::Head);
            }
            return Poll::Ready(Ok(()));
        }
        if phase == Phase::Body {
            this.reading.wait(context)?;
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> PacedStream<S> {
    /// Applies the minimum rate to the result of a write of `wanted` bytes.
    fn paced(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.activity.writes();
        if written.is_pending() {
            self.writing.wait(context)?;
        }
        let written = ready!(written)?;
        self.writing.moved(written);
        // The socket took everything: nothing is waited for.
        if written == wanted {
            self.writing.rest();
        }
        Poll::Ready(Ok(written))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.paced(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.paced(context, slices.iter().map(|slice| slice.len()).sum(), written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if flushed.is_ready() {
            self.activity.has_written();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
