//! The HTTP client that sends traces to a collector: plain HTTP, with one connection per batch.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::{net::TcpStream, runtime::Handle, time::timeout};

/// The timeout for sending a batch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum size of a response body, in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// Sends batches to a collector. The exporter calls it from its own thread, outside the Tokio runtime.
#[derive(Debug)]
pub struct Collector {
    runtime: Handle,
}

impl Collector {
    /// Creates a client that runs on a Tokio runtime.
    pub const fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

#[async_graphql::async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The timeout must also be created on the runtime, which drives its timer.
        self.runtime.spawn(async move { timeout(TIMEOUT, send(request)).await }).await??
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().cloned().ok_or("the collector's address has no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse()?;
    parts.headers.insert(HOST, authority.as_str().parse()?);
    let response = sender.send_request(Request::from_parts(parts, Body::from(body))).await?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(Body::new(body), MAX_RESPONSE).await?;
    connection.abort();
    Ok(Response::from_parts(parts, body))
}
