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

use axum::http::Version;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};

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
    /// It is a WebSocket without an operation in progress. It has time limits of its own.
    Socket,
}

/// What one connection does, and since when.
#[derive(Debug)]
pub struct Activity(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// The number of requests in progress. HTTP/2 has several on one connection.
    requests: usize,
    /// Whether bytes may arrive that belong to no request, as in HTTP/2.
    has_frames: bool,
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

impl Activity {
    /// Returns the state of a connection that has just been opened.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { phase: Phase::Silent, since: Instant::now(), requests: 0, has_frames: false }))
    }

    fn get(&self) -> State {
        *self.state()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        self.state().enter(phase);
    }

    fn end(&self) {
        let mut state = self.state();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            state.enter(Phase::Idle);
        }
    }

    /// Notes that a WebSocket executes an operation.
    pub fn is_busy(&self) {
        self.set(Phase::Busy);
    }

    /// Notes that the connection is a WebSocket without an operation in progress.
    pub fn waits_as_socket(&self) {
        self.set(Phase::Socket);
    }

    fn received(&self) {
        let mut state = self.state();
        let begins = match state.phase {
            Phase::Silent => true,
            Phase::Idle => !state.has_frames,
            Phase::Head | Phase::Busy | Phase::Socket => false,
        };
        if begins {
            state.enter(Phase::Head);
        }
    }

    /// Returns since when the connection waits for a request; None where it does not. Silent connections go first.
    fn waiting(&self) -> Option<(bool, Instant)> {
        let State { phase, since, .. } = self.get();
        match phase {
            Phase::Silent => Some((false, since)),
            Phase::Idle | Phase::Socket => Some((true, since)),
            Phase::Head | Phase::Busy => None,
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
        let State { phase, since, .. } = activity.get();
        let limit = match phase {
            Phase::Silent => self.first_byte,
            Phase::Head => self.head,
            Phase::Idle => self.keep_alive,
            Phase::Busy | Phase::Socket => return None,
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
    bounds: Bounds,
    open: Arc<Mutex<Open>>,
}

/// The largest numbers of connections.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    all: usize,
    per_address: usize,
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

    /// Counts connections. Each request of one that has several in progress counts like a connection.
    fn count(&self, among: impl Fn(&Entry) -> bool) -> usize {
        let counted = self.all.values().filter(|entry| among(entry) && !entry.close.is_cancelled());
        counted.map(|entry| entry.activity.get().requests.max(1)).sum()
    }
}

impl OpenConnections {
    /// Returns an empty list with the bound of the settings for one address.
    #[must_use]
    pub fn new(settings: &HttpSettings) -> Self {
        let bounds =
            Bounds { all: settings.max_connections.get(), per_address: settings.max_connections_per_address.get() };
        Self { bounds, open: Arc::default() }
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
        if origin.is_some() && full(&mut open, &|entry| entry.origin == origin, self.bounds.per_address) {
            return None;
        }
        if network.is_some() && full(&mut open, &|entry| entry.network == network, self.bounds.per_address * NETWORK) {
            return None;
        }
        let (number, activity, close) = (open.next, Arc::new(Activity::new()), CancellationToken::new());
        open.next += 1;
        let entry = Entry { origin, network, activity: Arc::clone(&activity), close: close.clone() };
        open.all.insert(number, entry);
        drop(open);
        let (bounds, open) = (self.bounds, Arc::clone(&self.open));
        Some(OpenConnection { number, origin, network, activity, close, bounds, open })
    }

    /// Closes the connection that has waited longest for a request, to make way for a new one.
    pub fn make_way(&self, new: &OpenConnection) {
        self.open().close_waiting(|entry| !Arc::ptr_eq(&entry.activity, &new.activity));
    }

    /// Closes the connection that has waited longest for a request.
    pub fn close_one(&self) {
        self.open().close_waiting(|_| true);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection, removed from the list when it is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    number: u64,
    origin: Option<ClientNetwork>,
    network: Option<SiteNetwork>,
    /// What it does.
    pub activity: Arc<Activity>,
    /// Canceled when the connection is to be closed.
    pub close: CancellationToken,
    bounds: Bounds,
    open: Arc<Mutex<Open>>,
}

impl OpenConnection {
    /// Notes that a request begins. Returns None where it is not the only one of its connection, and the server or the address
    /// has as many connections and further requests as it may.
    #[must_use]
    pub fn begin(&self, version: Version) -> Option<RequestInProgress> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if self.activity.get().requests > 0 {
            let Bounds { all, per_address } = self.bounds;
            let full = open.count(|_| true) >= all
                || (self.origin.is_some() && open.count(|entry| entry.origin == self.origin) >= per_address)
                || (self.network.is_some()
                    && open.count(|entry| entry.network == self.network) >= per_address * NETWORK);
            if full {
                return None;
            }
        }
        let mut state = self.activity.state();
        state.enter(Phase::Busy);
        state.requests += 1;
        state.has_frames |= version == Version::HTTP_2;
        Some(RequestInProgress(Arc::clone(&self.activity)))
    }
}

/// A request in progress, which ends on drop.
#[derive(Debug)]
#[must_use = "dropped, the request is over"]
pub struct RequestInProgress(Arc<Activity>);

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// An open connection with its permit, kept as long as the connection serves requests or is a WebSocket.
#[derive(Clone, Debug)]
pub struct ConnectionSlot(Arc<Slot>);

#[derive(Debug)]
struct Slot {
    open: OpenConnection,
    _permit: Option<OwnedSemaphorePermit>,
    _counted: TaskTrackerToken,
}

impl ConnectionSlot {
    /// Returns a slot that a shutdown waits for.
    #[must_use]
    pub fn new(open: OpenConnection, permit: Option<OwnedSemaphorePermit>, counted: TaskTrackerToken) -> Self {
        Self(Arc::new(Slot { open, _permit: permit, _counted: counted }))
    }

    /// What the connection does.
    #[must_use]
    pub fn activity(&self) -> &Arc<Activity> {
        &self.0.open.activity
    }

    /// Canceled when the connection is to be closed.
    #[must_use]
    pub fn close(&self) -> &CancellationToken {
        &self.0.open.close
    }

    /// Notes that a request begins; see [`OpenConnection::begin`].
    #[must_use]
    pub fn begin(&self, version: Version) -> Option<RequestInProgress> {
        self.0.open.begin(version)
    }
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
        let _requests = (second.begin(Version::HTTP_11).unwrap(), third.begin(Version::HTTP_11).unwrap());
        assert!(incoming.add(address("192.0.2.1")).is_none(), "none of them waits");
        assert!(incoming.add(address("192.0.2.2")).is_some());
        drop(second);
        assert!(incoming.add(address("192.0.2.1")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_byte_is_closed_before_one_that_sent_some() {
        let incoming = incoming(10);
        let kept = incoming.add(address("192.0.2.1")).unwrap();
        drop(kept.begin(Version::HTTP_11).unwrap());
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
        let _requests: Vec<_> =
            connections.iter().map(|connection| connection.begin(Version::HTTP_11).unwrap()).collect();
        assert!(incoming.add(address("2001:db8:1:99::1")).is_none());
        assert!(incoming.add(address("2001:db8:2::1")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_of_a_connection_counts() {
        let incoming = incoming(3);
        let connection = incoming.add(address("192.0.2.1")).unwrap();
        let first = connection.begin(Version::HTTP_2).unwrap();
        let second = connection.begin(Version::HTTP_2).unwrap();
        let third = connection.begin(Version::HTTP_2).unwrap();
        assert!(connection.begin(Version::HTTP_2).is_none());
        assert!(incoming.add(address("192.0.2.1")).is_none(), "a connection in use does not make way");
        drop(first);
        let other = incoming.add(address("192.0.2.1")).unwrap();
        assert!(connection.begin(Version::HTTP_2).is_none());
        drop((second, third));
        // The connection is idle only after its last request, and frames without a request keep it idle.
        assert!(connection.activity.waiting().is_some());
        connection.activity.received();
        assert!(connection.activity.waiting().is_some());
        drop(other);
    }
}
