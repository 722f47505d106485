//! The way to a collector of traces: plain HTTP, a connection a batch.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::{net::TcpStream, runtime::Handle, time::timeout};

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Sends batches. The exporter calls it from a thread of its own, outside the runtime.
#[derive(Debug)]
pub struct Collector {
    runtime: Handle,
}

impl Collector {
    /// A way that is walked by this runtime.
    pub const fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

#[async_graphql::async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The timer belongs to the runtime, too.
        self.runtime.spawn(async move { timeout(PATIENCE, send(request)).await }).await??
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().cloned().ok_or("an address without a host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse()?;
    parts.headers.insert(HOST, authority.as_str().parse()?);
    let response = sender.send_request(Request::from_parts(parts, Body::from(body))).await?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(Body::new(body), LONGEST_ANSWER).await?;
    connection.abort();
    Ok(Response::from_parts(parts, body))
}
