//! The HTTP server: its routes, the layers around them, and startup and shutdown.

pub mod http;
mod incoming;
pub mod metrics;

use std::{
    collections::HashSet,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::State,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest as _, Sha256};
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
    compression::CompressionLayer,
    cors::{AllowOrigin, Any, CorsLayer},
};
use tracing::{Instrument, field::Empty};

use self::http::slow_client::SlowClientStream;
use self::http::{Endpoint, Peer};
use self::incoming::{OpenConnection, OpenConnections, Silence, Timed};
use crate::app::App;
use crate::auth::secrets::SecretKind;
use crate::config::{HttpSettings, Origin};
use crate::telemetry;
use database::db::{SchemaStanding, Versions};
use graphql_http::code::Code;
use graphql_http::cut;
use graphql_http::rejection::HttpRejection;
use graphql_http::request_id::RequestId;
use graphql_http::response::Format;

/// The time limit of the database check of `/readyz`.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// The interval at which idle connections are looked for while the limit of open connections is reached.
const MAKE_WAY_EVERY: Duration = Duration::from_millis(50);

/// A request whose line and headers exceed this number of bytes gets status 431. The last read may add as many bytes again
/// before the limit is noticed.
const LONGEST_HEAD: usize = 64 * 1_024;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Serves `app` on `listener` until it is shut down. Must be called inside a Tokio runtime.
    pub fn start(app: Arc<App>, listener: TcpListener) -> RunningServer {
        let address =
            listener.local_addr().unwrap_or_else(|error| unreachable!("a bound listener has an address: {error}"));
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
    let router = router(Endpoint { app, executions: executions.clone() }, draining.clone());
    let connections = TaskTracker::new();
    let free = Arc::new(Semaphore::new(settings.max_connections.get()));
    let incoming = OpenConnections::new(&settings);
    loop {
        let (stream, address) = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&listener) => accepted,
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
        let one = Connection { open, _permit: permit, address, settings: settings.clone() };
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
async fn accept(listener: &TcpListener) -> (TcpStream, Option<IpAddr>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, Some(address.ip().to_canonical())),
            Err(error) => {
                // The client has disconnected, or there are no free file descriptors, for which a pause helps.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
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
    open: OpenConnection,
    _permit: Option<OwnedSemaphorePermit>,
    address: Option<IpAddr>,
    settings: HttpSettings,
}

impl Connection {
    async fn serve(self, stream: TcpStream, router: Router, draining: CancellationToken) {
        let Self { open, _permit, address, settings } = self;
        // Small responses must not wait for more data. If this fails, the connection is about to close anyway.
        let _refused = stream.set_nodelay(true);
        let peer = address.map(Peer);
        let activity = Arc::clone(&open.activity);
        let service = service_fn(move |request| {
            let (router, activity) = (router.clone(), Arc::clone(&activity));
            async move {
                activity.begin();
                let answered = answer(router, peer, request).await;
                activity.end();
                answered
            }
        });
        let stream = Timed::new(stream, Silence::of(&settings), Arc::clone(&open.activity));
        let mut builder = http1::Builder::new();
        // The stream has different timeouts for a first byte, a head and an idle connection.
        builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(LONGEST_HEAD);
        let mut connection = pin!(
            builder
                .serve_connection(TokioIo::new(SlowClientStream::new(stream, settings.write_timeout)), service)
                .with_upgrades()
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = async { tokio::select! { () = draining.cancelled() => {}, () = open.close.cancelled() => {} } } => {
                // A request in progress is still answered; the connection ends with it.
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
fn router(endpoint: Endpoint, draining: CancellationToken) -> Router {
    let cors = cors(&endpoint.app.settings.http);
    let router = Router::new()
        .route("/graphql", get(http::graphql).post(http::graphql))
        .route("/graphql/", get(http::graphql).post(http::graphql))
        .route("/", get(start_page))
        .route("/calendar/{file}", get(http::calendar::calendar))
        .route("/schema.graphql", get(schema))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).layer(Extension(draining)))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(endpoint);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_compressing);
    let router = router.layer(compression);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// The smallest size in bytes of a response that is compressed.
const SMALLEST_COMPRESSED: u64 = 1_024;

/// Whether a response is compressed if its client accepts that. A response with a token is not: an attacker who controls other
/// text in it could infer the token from the compressed length (BREACH).
fn is_worth_compressing(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > SMALLEST_COMPRESSED) && extensions.get::<http::HasSecrets>().is_none()
}

/// Creates the CORS layer for the allowed origins. Tokens are sent in a header, so no cookies are involved.
fn cors(settings: &HttpSettings) -> Option<CorsLayer> {
    let origins = &settings.cors_origins;
    if origins.is_empty() {
        return None;
    }
    let allowed: AllowOrigin = if origins.iter().any(Origin::is_any) {
        Any.into()
    } else {
        let listed: Vec<String> = origins.iter().map(|origin| origin.as_str().to_owned()).collect();
        let refused = Mutex::new(HashSet::new());
        AllowOrigin::predicate(move |origin, _| {
            let known = listed.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
            if !known {
                log_refused(&refused, origin);
            }
            known
        })
    };
    let id = HeaderName::from_static(RequestId::HEADER);
    let allowed_headers = CLIENT_HEADERS.map(HeaderName::from_static);
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(
            [header::CONTENT_TYPE, header::AUTHORIZATION, id.clone()]
                .into_iter()
                .chain(allowed_headers)
                .collect::<Vec<_>>(),
        )
        .expose_headers([id, header::RETRY_AFTER])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

/// Other headers that GraphQL clients, tracers and proxies send.
const CLIENT_HEADERS: [&str; 10] = [
    "traceparent",
    "tracestate",
    "baggage",
    "apollographql-client-name",
    "apollographql-client-version",
    "apollo-require-preflight",
    "graphql-require-preflight",
    "idempotency-key",
    "x-requested-with",
    "x-apollo-operation-name",
];
/// The largest number of refused origins kept in memory, so that each is logged only once.
const REFUSED_ORIGINS: usize = 1_000;

/// Logs a refused origin, only once.
fn log_refused(refused: &Mutex<HashSet<String>>, origin: &HeaderValue) {
    let origin = cut(origin.to_str().unwrap_or("not text")).into_owned();
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    if refused.len() < REFUSED_ORIGINS && refused.insert(origin.clone()) {
        tracing::warn!(origin, "pages of this origin may not call: --cors-origins does not name it");
    }
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
        let mut response = router.call(request).await?;
        let headers = response.headers_mut();
        headers.insert(RequestId::HEADER, id.to_header());
        for (name, value) in &ALWAYS {
            headers.entry(name).or_insert_with(|| value.clone());
        }
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

/// The schema as text with its entity tag, created once per process.
static SCHEMA: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let text = App::sdl();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&text)[..16]);
    let tag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    (text.into(), tag)
});

async fn schema(headers: HeaderMap) -> Response {
    let (text, tag) = &*SCHEMA;
    let said = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|value| value.trim().trim_start_matches("W/"));
    if known.into_iter().any(|value| value == "*" || value.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, said).into_response();
    }
    (said, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.clone()).into_response()
}

/// Handles `/readyz`: reports whether the database is reachable and writable and the server is not shutting down.
async fn ready(State(endpoint): State<Endpoint>, Extension(draining): Extension<CancellationToken>) -> Response {
    if draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let app = Arc::clone(&endpoint.app);
    // In a task of its own, because a client that disconnects must not cancel a task that uses the pool.
    let question = endpoint.executions.spawn(async move { app.ready().await });
    match timeout(READY_WITHIN, question).await {
        Ok(Ok(Ok((_, Some(cause))))) => {
            tracing::warn!(cause, "not ready: the database takes no writes");
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{cause}\n")).into_response()
        }
        Ok(Ok(Ok((versions, None)))) => {
            let Versions { expected, found, standing } = versions;
            if matches!(standing, SchemaStanding::Same | SchemaStanding::Newer) {
                return format!("ready\nschema: {found}\n").into_response();
            }
            tracing::warn!(expected, found, "not ready: the database's tables are of another version");
            let message = format!("not ready\nschema expected: {expected}\nschema found: {found}\n");
            (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
        }
        outcome => {
            let cause = match outcome {
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(panic)) => panic.to_string(),
                _ => "no answer in time".to_owned(),
            };
            tracing::warn!(cause, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
        }
    }
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
