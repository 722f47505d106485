//! Executes the operations of a WebSocket as requests over HTTP are executed.

use std::any::TypeId;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::{Data, Executor, Request, Response, Value};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::protocol::{Conversation, Finished};
use crate::server::http::{Endpoint, ReadRequest, RequestSummary, claims, code_of, execute, hold_back};
use graphql_http::request::Parameters;
use graphql_http::request_id::RequestId;
use graphql_http::response;

/// The access token that a connection began with.
#[derive(Clone)]
pub(super) struct SocketToken(pub String);

/// Returns the token of a `connection_init`.
pub(super) fn token(payload: &serde_json::Value) -> Option<String> {
    let (_, value) = payload.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = value.as_str()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Executes the operations of one connection.
#[derive(Clone)]
pub(super) struct SocketExecutor {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// The state of the connection.
    pub conversation: Arc<Conversation>,
}

impl SocketExecutor {
    /// Executes a request, keeps its response, and returns what the library sends in its place.
    async fn answer(self, request: Option<Vec<u8>>, token: Option<String>) -> Response {
        let id = RequestId::from_headers(&axum::http::HeaderMap::new());
        let span = tracing::info_span!("request", id = id.0, operation = Empty);
        let (begun, mut asked) = (Instant::now(), RequestSummary::default());
        let answered = async {
            let body = request.unwrap_or_default();
            let bytes = body.len();
            let parameters = Parameters::from_json(body)?;
            let claims = claims(&self.endpoint, token.as_deref());
            let request = ReadRequest { parameters, bytes, bearer: token, claims, peer: self.peer, is_get: false };
            execute(&self.endpoint, &id, request, &mut asked).await
        };
        let outcome = answered.instrument(span.clone()).await;
        let code = code_of(&outcome);
        self.endpoint.app.metrics.answered(asked.operation.as_deref(), code == "OK", code, begun.elapsed());
        hold_back(&self.endpoint, &asked, code).await;
        let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
        span.in_scope(|| tracing::info!(code, milliseconds, "answered by WebSocket"));
        let answer = outcome.unwrap_or_else(|rejection| Response::from_errors(vec![*rejection.error]));
        let refused = response::is_refused(&answer);
        let text = if refused {
            serde_json::to_string(&answer.errors).unwrap_or_else(|_| "[]".to_owned())
        } else {
            String::from_utf8(response::write(&answer)).unwrap_or_default()
        };
        Response::new(Value::from(self.conversation.keep(Finished { text, refused })))
    }
}

impl Executor for SocketExecutor {
    async fn execute(&self, request: Request) -> Response {
        self.clone().answer(self.conversation.take(&request.query), None).await
    }

    fn execute_stream(&self, request: Request, session_data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let token = session_data.as_deref().and_then(|data| data.get(&TypeId::of::<SocketToken>()));
        let token = token.and_then(|token| token.downcast_ref::<SocketToken>()).map(|token| token.0.clone());
        // Taken at once, because the stream of a canceled operation may be dropped before it begins.
        let request = self.conversation.take(&request.query);
        stream::once(self.clone().answer(request, token)).boxed()
    }
}
