//! The server: which paths there are, what holds for all of them, and how it starts and stops.

pub mod http;
pub mod telemetry;

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use tracing::{Instrument, field::Empty};

use self::http::slow_client::SlowClientStream;
use self::http::{Endpoint, Peer};
use crate::app::App;
use crate::config::{HttpSettings, Origin};
use database::db::Versions;
use graphql_http::code::Code;
use graphql_http::rejection::HttpRejection;
use graphql_http::request_id::RequestId;
use graphql_http::response::Format;

/// How long `/readyz` waits for the database.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Once so many bytes of a request's line and headers have come without an end, the answer is 431. As much again may have
/// come with the last of them.
const LONGEST_HEAD: usize = 64 * 1_024;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Serves `app` on `listener` until told to stop. Must be called inside a Tokio runtime.
    pub fn start(app: Arc<App>, listener: TcpListener) -> RunningServer {
        let address =
            listener.local_addr().unwrap_or_else(|error| unreachable!("a bound listener has an address: {error}"));
        let (stop, stopped) = oneshot::channel();
        let finished = tokio::spawn(serve(app, listener, stopped));
        RunningServer { address, stop, finished }
    }
}

/// A server that is serving. Dropped, it stops as well, but nobody waits for what is in flight.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    finished: JoinHandle<()>,
}

impl RunningServer {
    /// Takes no more connections, and waits until all requests in flight are answered and all that they began is
    /// finished, or the drain timeout is over.
    pub async fn shutdown(self) {
        // The receiver is gone only if the server is, too.
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
    let room = Arc::new(Semaphore::new(settings.max_connections.get()));
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            (stream, permit) = accept(&listener, &room) => {
                connections.spawn(connection(stream, permit, router.clone(), draining.clone(), settings.clone()));
            }
        }
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

/// The next connection, as soon as there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // Nobody closes this semaphore, so there always is a permit in the end.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                // A client that gave up already, or no more file descriptors: the latter needs a moment.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One connection, with all the requests that come over it.
async fn connection(
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    router: Router,
    draining: CancellationToken,
    settings: HttpSettings,
) {
    let _permit = permit;
    // Small answers must not wait for more to send. A connection that refuses this is about to end anyway.
    let _refused = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(LONGEST_HEAD);
    let mut connection = pin!(
        builder
            .serve_connection(TokioIo::new(SlowClientStream::new(stream, settings.write_timeout)), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            // What is in flight is still answered; the connection ends with it.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// All paths.
fn router(endpoint: Endpoint, draining: CancellationToken) -> Router {
    let cors = cors(&endpoint.app.settings.http);
    let router = Router::new()
        .route("/graphql", get(http::graphql).post(http::graphql))
        .route("/", get(start_page))
        .route("/calendar/{file}", get(http::calendar::calendar))
        .route("/schema.graphql", get(schema))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).layer(Extension(draining)))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(endpoint);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Which pages of other origins may call. Tokens travel in a header of their own, so that no cookies are involved.
fn cors(settings: &HttpSettings) -> Option<CorsLayer> {
    let origins = &settings.cors_origins;
    if origins.is_empty() {
        return None;
    }
    let allowed: AllowOrigin = if origins.iter().any(Origin::is_any) {
        Any.into()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok()))
    };
    let id = HeaderName::from_static(RequestId::HEADER);
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION, id.clone()])
        .expose_headers([id, header::RETRY_AFTER])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

/// What every answer says unless it says otherwise itself.
static ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ),
];

/// Gives a request its id, and logs it once it is answered. What holds for every answer is set here: each layer around the
/// router would be copied for every request, with all that it holds.
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
    let path = match request.uri().path() {
        // What comes after it lets in.
        path if path.starts_with(http::calendar::FOLDER) => format!("{}…", http::calendar::FOLDER),
        path => path.to_owned(),
    };
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
        if path == "/graphql" {
            tracing::info!(%method, path, status, milliseconds, "answered");
        } else {
            tracing::debug!(%method, path, status, milliseconds, "answered");
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

async fn start_page() -> Html<&'static str> {
    Html(include_str!("start.html"))
}

async fn schema() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], App::sdl()).into_response()
}

/// Whether requests can be served: the database answers, and the server is not about to stop.
async fn ready(State(endpoint): State<Endpoint>, Extension(draining): Extension<CancellationToken>) -> Response {
    if draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let app = Arc::clone(&endpoint.app);
    // In a task of its own: a client that goes away must not cancel what talks to the pool.
    let question = endpoint.executions.spawn(async move { app.ready().await });
    match timeout(READY_WITHIN, question).await {
        Ok(Ok(Ok(versions))) => {
            let Versions { expected, found, same } = versions;
            if same {
                return format!("ready\nschema: {found}\n").into_response();
            }
            tracing::warn!(expected, found, "not ready: the database's tables are of another version");
            let told = format!("not ready\nschema expected: {expected}\nschema found: {found}\n");
            (StatusCode::SERVICE_UNAVAILABLE, told).into_response()
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
