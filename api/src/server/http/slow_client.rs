//! A stream that closes the connection of a client that does not read its response. No worker waits for such a client, but the
//! connection would stay open forever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// A stream whose writes fail after a time without progress. Reads are not limited.
#[derive(Debug)]
pub struct SlowClientStream<S> {
    stream: S,
    slow_client: Duration,
    /// Runs while a write waits. Created with the first write that waits.
    timer: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<S> SlowClientStream<S> {
    /// Creates a stream on which a write waits for at most `slow_client`.
    pub const fn new(stream: S, slow_client: Duration) -> Self {
        Self { stream, slow_client, timer: None, waits: false }
    }

    /// Returns the result of a write, or an error if it has waited for too long.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.slow_client)));
        if !self.waits {
            timer.as_mut().reset(Instant::now() + self.slow_client);
            self.waits = true;
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SlowClientStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SlowClientStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.bounded(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.bounded(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let closed = Pin::new(&mut this.stream).poll_shutdown(context);
        this.bounded(context, closed)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_disconnected() {
        let (mut client, server) = tokio::io::duplex(10);
        let mut patient = SlowClientStream::new(server, Duration::from_secs(30));
        let begun = Instant::now();
        // The client reads now and then, which restarts the timer each time.
        let writing = tokio::spawn(async move { (patient.write_all(&[7; 100]).await, Instant::now()) });
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(29)).await;
            client.read_exact(&mut [0; 10]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let (written, ended) = writing.await.unwrap();
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!((ended - begun).as_secs(), 3 * 29 + 30);
    }
}
