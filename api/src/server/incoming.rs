//! The open connections of a server: how many there are, in all and of one address, and how long each may stay silent.
//!
//! A connection that waits for a request can be closed at any time without harm. One that has never sent a byte is given less
//! time than one that is kept alive between requests. Where an address or the server has as many connections as it may, the
//! one that has waited longest is closed to make way for the next.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};
use tokio_util::sync::CancellationToken;

use crate::config::HttpSettings;
use crate::values::token_bucket::{ClientNetwork, SiteNetwork};

/// A /48 of IPv6 may open as many connections as this number of addresses.
const NETWORK: usize = 4;

/// What a connection does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not sent a byte yet.
    Silent,
    /// The head of a request arrives.
    Head,
    /// A request is being answered.
    Busy,
    /// It waits for the next request.
    Idle,
}

/// The phase of one connection, and since when it lasts.
#[derive(Debug)]
pub struct Activity(Mutex<(Phase, Instant)>);

impl Activity {
    fn new() -> Self {
        Self(Mutex::new((Phase::Silent, Instant::now())))
    }

    fn get(&self) -> (Phase, Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    /// Notes that a request is being answered.
    pub fn begin(&self) {
        self.set(Phase::Busy);
    }

    /// Notes that a request has been answered.
    pub fn end(&self) {
        self.set(Phase::Idle);
    }

    fn received(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(state.0, Phase::Silent | Phase::Idle) {
            *state = (Phase::Head, Instant::now());
        }
    }

    /// Returns since when the connection waits for a request; None where it does not. Silent connections go first.
    fn waiting(&self) -> Option<(bool, Instant)> {
        match self.get() {
            (Phase::Silent, since) => Some((false, since)),
            (Phase::Idle, since) => Some((true, since)),
            _ => None,
        }
    }
}

/// How long a connection may stay silent.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    first_byte: Duration,
    head: Duration,
    keep_alive: Duration,
}

impl Silence {
    /// Returns the limits of the settings.
    #[must_use]
    pub const fn of(settings: &HttpSettings) -> Self {
        Self { first_byte: settings.first_byte_timeout, head: settings.header_timeout, keep_alive: settings.keep_alive }
    }

    fn end(self, activity: &Activity) -> Option<Instant> {
        let (phase, since) = activity.get();
        let limit = match phase {
            Phase::Silent => self.first_byte,
            Phase::Head => self.head,
            Phase::Idle => self.keep_alive,
            Phase::Busy => return None,
        };
        Some(since + limit)
    }
}

/// A stream that fails once nothing has been read from it for too long.
#[derive(Debug)]
pub struct Timed<S> {
    stream: S,
    silence: Silence,
    activity: Arc<Activity>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// Returns a stream with these limits.
    pub const fn new(stream: S, silence: Silence, activity: Arc<Activity>) -> Self {
        Self { stream, silence, activity, timer: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            if buffer.filled().len() > before {
                this.activity.received();
            }
            return read;
        }
        let Some(end) = this.silence.end(&this.activity) else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stays silent"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The open connections.
#[derive(Clone, Debug)]
pub struct OpenConnections {
    per_address: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    origin: Option<ClientNetwork>,
    network: Option<SiteNetwork>,
    activity: Arc<Activity>,
    close: CancellationToken,
}

impl Open {
    /// Closes the connection that has waited longest among some of them. Returns whether there was one.
    fn close_waiting(&mut self, among: impl Fn(&Entry) -> bool) -> bool {
        let waiting = self.all.iter().filter(|(_, entry)| among(entry) && !entry.close.is_cancelled());
        let waiting = waiting.filter_map(|(number, entry)| Some((entry.activity.waiting()?, *number)));
        let Some((_, number)) = waiting.min() else { return false };
        if let Some(entry) = self.all.get(&number) {
            entry.close.cancel();
        }
        true
    }

    fn count(&self, among: impl Fn(&Entry) -> bool) -> usize {
        self.all.values().filter(|entry| among(entry) && !entry.close.is_cancelled()).count()
    }
}

impl OpenConnections {
    /// Returns an empty list with the bound of the settings for one address.
    #[must_use]
    pub fn new(settings: &HttpSettings) -> Self {
        Self { per_address: settings.max_connections_per_address.get(), open: Arc::default() }
    }

    /// Adds a connection from an address, or from none whose connections are bounded. Returns None where the address has as
    /// many as it may, and all of them are in use.
    #[must_use]
    pub fn add(&self, address: Option<IpAddr>) -> Option<OpenConnection> {
        let origin = address.map(ClientNetwork::from);
        let network = origin.and_then(ClientNetwork::network);
        let mut open = self.open();
        let full = |open: &mut Open, among: &dyn Fn(&Entry) -> bool, most: usize| {
            open.count(among) >= most && !open.close_waiting(among)
        };
        if origin.is_some() && full(&mut open, &|entry| entry.origin == origin, self.per_address) {
            return None;
        }
        if network.is_some() && full(&mut open, &|entry| entry.network == network, self.per_address * NETWORK) {
            return None;
        }
        let (number, activity, close) = (open.next, Arc::new(Activity::new()), CancellationToken::new());
        open.next += 1;
        let entry = Entry { origin, network, activity: Arc::clone(&activity), close: close.clone() };
        open.all.insert(number, entry);
        drop(open);
        Some(OpenConnection { number, activity, close, open: Arc::clone(&self.open) })
    }

    /// Closes the connection that has waited longest for a request, to make way for a new one.
    pub fn make_way(&self, new: &OpenConnection) {
        self.open().close_waiting(|entry| !Arc::ptr_eq(&entry.activity, &new.activity));
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection, removed from the list when it is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    number: u64,
    /// What it does.
    pub activity: Arc<Activity>,
    /// Canceled when the connection is to be closed.
    pub close: CancellationToken,
    open: Arc<Mutex<Open>>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::config::Settings;

    fn incoming(per_address: usize) -> OpenConnections {
        let mut settings = Settings::default().http;
        settings.max_connections_per_address = NonZeroUsize::new(per_address).unwrap();
        OpenConnections::new(&settings)
    }

    #[expect(clippy::unnecessary_wraps, reason = "an unknown address is None")]
    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_a_limit_and_the_longest_idle_connection_makes_way() {
        let incoming = incoming(2);
        let first = incoming.add(address("192.0.2.1")).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = incoming.add(address("192.0.2.1")).unwrap();
        let third = incoming.add(address("192.0.2.1")).unwrap();
        assert!(first.close.is_cancelled() && !second.close.is_cancelled());
        second.activity.begin();
        third.activity.begin();
        assert!(incoming.add(address("192.0.2.1")).is_none(), "none of them waits");
        assert!(incoming.add(address("192.0.2.2")).is_some());
        drop(second);
        assert!(incoming.add(address("192.0.2.1")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_byte_is_closed_before_one_that_sent_some() {
        let incoming = incoming(10);
        let kept = incoming.add(address("192.0.2.1")).unwrap();
        kept.activity.begin();
        kept.activity.end();
        tokio::time::advance(Duration::from_secs(1)).await;
        let silent = incoming.add(address("192.0.2.2")).unwrap();
        let new = incoming.add(None).unwrap();
        incoming.make_way(&new);
        assert!(silent.close.is_cancelled() && !kept.close.is_cancelled());
        incoming.make_way(&new);
        assert!(kept.close.is_cancelled());
        incoming.make_way(&new);
        assert!(!new.close.is_cancelled());
    }

    #[tokio::test]
    async fn a_network_has_as_many_as_four_addresses() {
        let incoming = incoming(2);
        let connections: Vec<_> =
            (0..8).map(|number| incoming.add(address(&format!("2001:db8:1:{number}::1"))).unwrap()).collect();
        for connection in &connections {
            connection.activity.begin();
        }
        assert!(incoming.add(address("2001:db8:1:99::1")).is_none());
        assert!(incoming.add(address("2001:db8:2::1")).is_some());
    }
}
