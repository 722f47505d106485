//! The HTTP server: its routes, the layers around them, and startup and shutdown.

mod cors;
pub mod http;
mod incoming;
pub mod metrics;
mod open_files;
mod readiness;
mod schema_file;

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    response::{Html, Response},
    routing::get,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate as _, predicate::SizeAbove},
};
use tracing::{Instrument, field::Empty};

use self::http::slow_client::SlowClientStream;
use self::http::{Endpoint, Peer};
use self::incoming::{ConnectionSlot, OpenConnection, OpenConnections, Silence, Timed};
use crate::app::App;
use crate::auth::secrets::SecretKind;
use crate::config::HttpSettings;
use crate::telemetry;
use graphql_document::cut;
use graphql_http::code::Code;
use graphql_http::rejection::HttpRejection;
use graphql_http::request::opens_web_socket;
use graphql_http::request_id::RequestId;
use graphql_http::response::Format;

/// The interval at which idle connections are looked for while the limit of open connections is reached.
const MAKE_WAY_EVERY: Duration = Duration::from_millis(50);

/// A request whose line and headers exceed this number of bytes gets status 431. The last read may add as many bytes again
/// before the limit is noticed.
const LONGEST_HEAD: usize = 64 * 1_024;

/// The number of requests that one connection may have in progress by HTTP/2.
const STREAMS: u32 = 64;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Serves `app` on `listener` until it is shut down. Must be called inside a Tokio runtime.
    pub fn start(app: Arc<App>, listener: TcpListener) -> RunningServer {
        let address =
            listener.local_addr().unwrap_or_else(|error| unreachable!("a bound listener has an address: {error}"));
        open_files::raise_limit(&app.settings);
        let (stop, stopped) = oneshot::channel();
        let finished = tokio::spawn(serve(app, listener, stopped));
        RunningServer { address, stop, finished }
    }
}

/// A running server. When it is dropped it stops, without waiting for requests in progress.
#[derive(Debug)]
pub struct RunningServer {
    /// The address that the server listens on.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    finished: JoinHandle<()>,
}

impl RunningServer {
    /// Accepts no more connections, and waits until all requests in progress are answered and their executions have
    /// completed, or the drain timeout is over.
    pub async fn shutdown(self) {
        // Sending fails only if the server has stopped already.
        let _gone = self.stop.send(());
        if let Err(panic) = self.finished.await {
            tracing::error!("the server broke off: {panic}");
        }
    }
}

async fn serve(app: Arc<App>, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
    let settings = app.settings.http.clone();
    let draining = CancellationToken::new();
    let executions = TaskTracker::new();
    let endpoint =
        Endpoint { app, executions: executions.clone(), draining: draining.clone(), readiness: Arc::default() };
    let router = router(endpoint);
    let connections = TaskTracker::new();
    let free = Arc::new(Semaphore::new(settings.max_connections.get()));
    let incoming = OpenConnections::new(&settings);
    loop {
        let (stream, address) = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&listener, &incoming) => accepted,
        };
        let bounded = address.filter(|address| !settings.is_trusted(*address));
        let Some(open) = incoming.add(bounded) else {
            tracing::debug!(?address, "a connection was refused: its address has as many as it may");
            continue;
        };
        let permit = tokio::select! {
            _ = &mut stopped => break,
            permit = permit(&free, &incoming, &open) => permit,
        };
        let slot = ConnectionSlot::new(open, permit, connections.token());
        let one = Connection { slot, address, settings: settings.clone() };
        connections.spawn(one.serve(stream, router.clone(), draining.clone()));
    }
    drop(listener);
    draining.cancel();
    connections.close();
    executions.close();
    tracing::info!(
        executions = executions.len(),
        connections = connections.len(),
        "stopping: no more connections are taken"
    );
    let end = Instant::now() + settings.drain_timeout;
    let drained = timeout_at(end, connections.wait()).await.is_ok();
    let finished = timeout_at(end, executions.wait()).await.is_ok();
    if drained && finished {
        tracing::info!("stopped: everything in flight is finished");
    } else {
        tracing::warn!(
            executions = executions.len(),
            "stopped: the drain timeout is over, though not everything is finished"
        );
    }
}

/// Accepts the next connection.
async fn accept(listener: &TcpListener, incoming: &OpenConnections) -> (TcpStream, Option<IpAddr>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, Some(address.ip().to_canonical())),
            Err(error) => {
                // The client has disconnected, or there are no free file descriptors: an idle connection makes way.
                tracing::warn!(%error, "a connection could not be accepted");
                incoming.close_one();
                tokio::time::sleep(MAKE_WAY_EVERY).await;
            }
        }
    }
}

/// Waits until a connection may be served. If the limit of open connections is reached, idle ones are closed to make way.
async fn permit(
    free: &Arc<Semaphore>,
    incoming: &OpenConnections,
    new: &OpenConnection,
) -> Option<OwnedSemaphorePermit> {
    loop {
        if let Ok(permit) = Arc::clone(free).try_acquire_owned() {
            return Some(permit);
        }
        incoming.make_way(new);
        // If all connections are in use, the loop tries again, because some may be idle by then. The semaphore is never closed.
        if let Ok(permit) = timeout(MAKE_WAY_EVERY, Arc::clone(free).acquire_owned()).await {
            return permit.ok();
        }
    }
}

/// An accepted connection.
struct Connection {
    slot: ConnectionSlot,
    address: Option<IpAddr>,
    settings: HttpSettings,
}

impl Connection {
    /// Serves HTTP/1.1 or HTTP/2, whichever the client begins with.
    async fn serve(self, stream: TcpStream, router: Router, draining: CancellationToken) {
        let Self { slot, address, settings } = self;
        // Small responses must not wait for more data. If this fails, the connection is about to close anyway.
        let _refused = stream.set_nodelay(true);
        let peer = address.map(Peer);
        let (activity, close) = (Arc::clone(slot.activity()), slot.close().clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let (router, slot) = (router.clone(), slot.clone());
            async move {
                let Some(_in_progress) = slot.begin(request.version()) else {
                    let id = RequestId::from_headers(request.headers());
                    return Ok(with_defaults(http::overloaded().answer(Format::Json), &id));
                };
                if opens_web_socket(request.headers()) {
                    request.extensions_mut().insert(slot);
                }
                answer(router, peer, request).await
            }
        });
        let stream = Timed::new(stream, Silence::of(&settings), activity);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // The stream has different timeouts for a first byte, a head and an idle connection.
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(LONGEST_HEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX));
        let mut connection = pin!(builder.serve_connection_with_upgrades(
            TokioIo::new(SlowClientStream::new(stream, settings.write_timeout)),
            service
        ));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = async { tokio::select! { () = draining.cancelled() => {}, () = close.cancelled() => {} } } => {
                // Requests in progress are still answered; the connection ends with them.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Creates the router with all paths.
fn router(endpoint: Endpoint) -> Router {
    let cors = cors::layer(&endpoint.app.settings.http);
    let router = Router::new()
        .route("/graphql", get(http::graphql).post(http::graphql))
        .route("/graphql/", get(http::graphql).post(http::graphql))
        .route("/", get(start_page))
        .route("/calendar/{file}", get(http::calendar::calendar))
        .route("/schema.graphql", get(schema_file::schema_file))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readiness::readiness))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(endpoint);
    let compressed = SizeAbove::new(SMALLEST_COMPRESSED).and(may_be_compressed);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressed);
    let router = router.layer(compression);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// The smallest size in bytes of a response that is compressed.
const SMALLEST_COMPRESSED: u16 = 1_025;

/// Whether a response may be compressed. One with a token may not: an attacker who controls other text in it could infer the token
/// from the compressed length (BREACH).
fn may_be_compressed(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<http::Uncompressed>().is_none()
}

/// The default headers of every response.
static ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ),
];

/// Adds the headers that every response has.
fn with_defaults(mut response: Response, id: &RequestId) -> Response {
    let headers = response.headers_mut();
    headers.insert(RequestId::HEADER, id.to_header());
    for (name, value) in &ALWAYS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// Assigns an id to a request and logs it after the response. Default headers are set here rather than in layers, because
/// each layer around the router is cloned for every request.
async fn answer(
    mut router: Router,
    peer: Option<Peer>,
    mut request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let id = RequestId::from_headers(request.headers());
    let method = request.method().clone();
    let path = logged_path(request.uri().path());
    let span = tracing::info_span!("request", id = id.0, operation = Empty);
    telemetry::follow(&span, request.headers());
    request.extensions_mut().insert(id.clone());
    let begun = Instant::now();
    async {
        let response = with_defaults(router.call(request).await?, &id);
        let (status, milliseconds) = (response.status().as_u16(), begun.elapsed().as_secs_f64() * 1_000.0);
        if path.trim_end_matches('/') == "/graphql" {
            tracing::info!(%method, path, status, milliseconds, "answered");
        } else {
            tracing::debug!(%method, path, status, milliseconds, "answered");
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Returns a path for the log: without the token of a calendar feed, even behind a proxy's path prefix, and shortened if it is
/// long.
fn logged_path(path: &str) -> String {
    if let Some(at) = path.find(http::calendar::FOLDER) {
        return format!("{}…", &path[..at + http::calendar::FOLDER.len()]);
    }
    if path.contains(SecretKind::Calendar.prefix()) {
        return "…".to_owned();
    }
    let cut = cut(path);
    cut.into_owned()
}

async fn start_page() -> Html<&'static str> {
    Html(include_str!("start.html"))
}

async fn not_found() -> Response {
    let message = "There is nothing at this path. The endpoint is /graphql.";
    HttpRejection::new(StatusCode::NOT_FOUND, Code::BadUserInput, message).answer(Format::Json)
}

async fn not_allowed() -> Response {
    let message = "This path does not know that method. GraphQL is sent by POST; queries may come by GET.";
    HttpRejection::new(StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput, message).answer(Format::Json)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
