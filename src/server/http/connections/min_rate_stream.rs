//! A socket that times out clients below a minimum rate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::{Activity, Phase};
use super::limits::ConnectionLimits;

pub struct MinRateStream<S> {
    inner: S,
    activity: Arc<Activity>,
    read_rate: MinRate,
    write_rate: MinRate,
}

impl<S> MinRateStream<S> {
    pub fn new(inner: S, activity: Arc<Activity>, limits: &ConnectionLimits) -> Self {
        Self {
            inner,
            activity,
            read_rate: MinRate::new(limits.body_window, limits),
            write_rate: MinRate::new(limits.response_window, limits),
        }
    }
}

/// Enforces a minimum rate while bytes are waited for.
struct MinRate {
    window: Duration,
    min_bytes: u64,
    moved_bytes: u64,
    /// End of the current window; `None` while nothing is waited for.
    window_end: Option<Pin<Box<Sleep>>>,
}

impl MinRate {
    fn new(window: Duration, limits: &ConnectionLimits) -> Self {
        Self { window, min_bytes: limits.min_bytes_per_second * window.as_secs(), moved_bytes: 0, window_end: None }
    }

    /// Ends the wait.
    fn stop_waiting(&mut self) {
        self.window_end = None;
    }

    fn record_moved(&mut self, bytes: usize) {
        self.moved_bytes += bytes as u64;
    }

    /// Polled while bytes are waited for. `TimedOut` if too few moved within a window.
    fn poll_window(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            let (window, moved) = (self.window, &mut self.moved_bytes);
            let window_end = self.window_end.get_or_insert_with(|| {
                *moved = 0;
                Box::pin(tokio::time::sleep(window))
            });
            match window_end.as_mut().poll(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) if self.moved_bytes < self.min_bytes => return Err(io::ErrorKind::TimedOut.into()),
                Poll::Ready(()) => {
                    self.moved_bytes = 0;
                    window_end.as_mut().reset(Instant::now() + window);
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MinRateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let phase = this.activity.phase();
        if phase != Phase::Body {
            this.read_rate.stop_waiting();
        }
        if Pin::new(&mut this.inner).poll_read(context, buffer)?.is_ready() {
            let read = buffer.filled().len() - before;
            this.read_rate.record_moved(read);
            if read > 0 {
                this.activity.transition(Phase::Idle, Phase::Head);
            }
            return Poll::Ready(Ok(()));
        }
        if phase == Phase::Body {
            this.read_rate.poll_window(context)?;
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> MinRateStream<S> {
    /// Applies the minimum rate to the result of a write of `requested` bytes.
    fn enforce_write_rate(
        &mut self,
        context: &mut Context<'_>,
        requested: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.activity.start_writing();
        if written.is_pending() {
            self.write_rate.poll_window(context)?;
        }
        let written = ready!(written)?;
        self.write_rate.record_moved(written);
        // The socket took everything: nothing is waited for.
        if written == requested {
            self.write_rate.stop_waiting();
        }
        Poll::Ready(Ok(written))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MinRateStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.enforce_write_rate(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.enforce_write_rate(context, slices.iter().map(|slice| slice.len()).sum(), written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if flushed.is_ready() {
            self.activity.finish_writing();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
