//! A connection that gives up on a client who does not read. An answer is a buffer by then, and no worker waits for it; but
//! the connection would be held for ever.

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

/// A stream whose writes fail once nothing of them went through for some time. Reading waits as it did.
#[derive(Debug)]
pub struct SlowClientStream<S> {
    stream: S,
    slow_client: Duration,
    /// Runs while a write waits. Made with the first that does.
    timer: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<S> SlowClientStream<S> {
    /// A stream on which a write waits so long and no longer.
    pub const fn new(stream: S, slow_client: Duration) -> Self {
        Self { stream, slow_client, timer: None, waits: false }
    }

    /// Lets a write wait, for as long as there is patience.
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
    async fn whoever_does_not_read_is_given_up() {
        let (mut client, server) = tokio::io::duplex(10);
        let mut patient = SlowClientStream::new(server, Duration::from_secs(30));
        let begun = Instant::now();
        // Something is read now and then: each time there is as much patience as before.
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
