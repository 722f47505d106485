//! GraphQL over HTTP: from the bytes of a request to the bytes of a response. This module checks the form of the request;
//! [`App::execute`] executes its document.

pub mod calendar;
pub mod peer;
pub mod slow_client;
mod web_socket;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_graphql::{Response as Answer, ServerError};
use axum::{
    body::Body,
    extract::{Extension, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

pub use self::peer::Peer;
use graphql_http::code::Code;
use graphql_http::document;
use graphql_http::parsed_request::ParsedRequest;
use graphql_http::rejection::HttpRejection;
use graphql_http::request::{self, Parameters, header_text};
use graphql_http::request_id::RequestId;
use graphql_http::response::{self, Format};

use crate::app::App;
use crate::auth::tokens::Claims;
use crate::limits::Tenant;
use crate::metrics::LONGEST_NAME;
use crate::server::readiness::Readiness;
use database::connection;

/// The largest body of a request without a valid token.
const LARGEST_OF_STRANGERS: usize = 256 * 1_024;

/// Mutations whose responses contain a token.
const SECRETS: [&str; 8] = [
    "signUp",
    "signIn",
    "refreshSession",
    "acceptInvitation",
    "inviteUser",
    "reissueInvitation",
    "createCalendarFeed",
    "createApiKey",
];

/// Marks a response that is not compressed, because it contains a token or is compressed already.
#[derive(Clone, Copy, Debug)]
pub struct Uncompressed;

/// The state of the endpoint.
#[derive(Clone)]
pub struct Endpoint {
    /// The application.
    pub app: Arc<App>,
    /// Executions in progress. A shutdown waits for them, even if the client has disconnected.
    pub executions: TaskTracker,
    /// Canceled when the server begins to stop.
    pub draining: CancellationToken,
    /// The last finding of `/readyz`.
    pub readiness: Arc<Readiness>,
}

/// Returns the rejection for a tenant whose places are all taken, or a connection with too many requests at once.
pub fn overloaded() -> HttpRejection {
    let message = "Too many requests are in progress: try again in 1 s.";
    HttpRejection::new(StatusCode::SERVICE_UNAVAILABLE, Code::RateLimited, message)
        .with_header(header::RETRY_AFTER, "1")
}

/// Handles `GET` and `POST` of `/graphql`.
pub async fn graphql(
    State(endpoint): State<Endpoint>,
    Extension(id): Extension<RequestId>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(format) = Format::accepted(header_text(&parts.headers, &header::ACCEPT)) else {
        return HttpRejection::new(
            StatusCode::NOT_ACCEPTABLE,
            Code::BadUserInput,
            "The answer is application/graphql-response+json or application/json, in UTF-8; the accept header allows neither.",
        )
        .answer(Format::Json);
    };
    if request::opens_web_socket(&parts.headers) {
        return web_socket::open(endpoint, parts).await.unwrap_or_else(|fault| fault.answer(format));
    }
    let (begun, mut asked) = (Instant::now(), RequestSummary::default());
    let outcome = answer(&endpoint, &id, &parts, body, &mut asked).await;
    let code = code_of(&outcome);
    let named = asked.with_token && code == "OK";
    endpoint.app.metrics.answered(asked.operation.as_deref(), named, code, begun.elapsed());
    hold_back(&endpoint, &asked, code).await;
    match outcome {
        Ok(answer) => {
            let mut response = respond(&answer, format);
            if asked.has_secrets {
                response.extensions_mut().insert(Uncompressed);
            }
            response
        }
        Err(fault) => fault.answer(format),
    }
}

/// Returns the code of an outcome for the metrics: that of its first error, or OK.
fn code_of(outcome: &Result<Answer, HttpRejection>) -> &'static str {
    match outcome {
        Ok(answer) => answer.errors.first().map_or("OK", |error| Code::of(error).unwrap_or(Code::Internal).as_str()),
        Err(fault) => Code::of(&fault.error).unwrap_or(Code::BadUserInput).as_str(),
    }
}

/// Waits before a refusal is answered, if its tenant is refused again and again.
async fn hold_back(endpoint: &Endpoint, asked: &RequestSummary, code: &str) {
    if let Some(tenant) = asked.tenant
        && code == Code::RateLimited.as_str()
    {
        pause(endpoint, tenant).await;
    }
}

async fn pause(endpoint: &Endpoint, tenant: Tenant) {
    let pause = endpoint.app.admission.pause(tenant);
    if !pause.is_zero() {
        let _stopping = tokio::time::timeout(pause, endpoint.draining.cancelled()).await;
    }
}

/// The properties of a request that the metrics use.
#[derive(Default)]
struct RequestSummary {
    operation: Option<String>,
    with_token: bool,
    has_secrets: bool,
    tenant: Option<Tenant>,
}

/// A request that has arrived completely.
struct ReadRequest {
    parameters: Parameters,
    /// Its size in bytes.
    bytes: usize,
    bearer: Option<String>,
    /// The claims of the token, if it is valid.
    claims: Option<Claims>,
    /// The client's address.
    peer: Option<IpAddr>,
    /// Whether it came by GET, which executes no mutations.
    is_get: bool,
}

/// Reads a request and executes it.
async fn answer(
    endpoint: &Endpoint,
    id: &RequestId,
    parts: &axum::http::request::Parts,
    body: Body,
    asked: &mut RequestSummary,
) -> Result<Answer, HttpRejection> {
    let http = &endpoint.app.settings.http;
    let is_get = parts.method != Method::POST;
    let bearer = request::bearer(&parts.headers)?;
    asked.with_token = bearer.is_some();
    let claims = claims(endpoint, bearer.as_deref());
    let (parameters, bytes) = if is_get {
        let bytes = parts.uri.query().map_or(0, str::len);
        (Parameters::from_query(&parts.uri)?, bytes)
    } else {
        request::check_content(&parts.headers)?;
        let limit = http.max_body.get();
        let limit = if claims.is_some() { limit } else { limit.min(LARGEST_OF_STRANGERS) };
        let body = request::read(body, &parts.headers, limit, http.body_timeout).await?;
        let bytes = body.len();
        (Parameters::from_json(body)?, bytes)
    };
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.asker(&parts.headers, &http.trusted_proxies));
    execute(endpoint, id, ReadRequest { parameters, bytes, bearer, claims, peer, is_get }, asked).await
}

/// Returns the claims of a valid token, which name the tenant. Whether the session still exists is checked later.
fn claims(endpoint: &Endpoint, bearer: Option<&str>) -> Option<Claims> {
    bearer.and_then(|token| endpoint.app.auth.tokens.verify(token).ok())
}

/// Executes a request: takes a place for it, reads its document, and waits for its execution.
async fn execute(
    endpoint: &Endpoint,
    id: &RequestId,
    request: ReadRequest,
    asked: &mut RequestSummary,
) -> Result<Answer, HttpRejection> {
    let ReadRequest { mut parameters, bytes, bearer, claims, peer, is_get } = request;
    let http = &endpoint.app.settings.http;
    let tenant = Tenant::of(claims, peer);
    asked.tenant = Some(tenant);
    // Taken after the request has arrived, so that a slow request does not hold a place.
    let Some(place) = endpoint.app.admission.place(tenant) else {
        endpoint.app.metrics.refused("load");
        return Err(overloaded());
    };
    endpoint.app.persisted.complete(tenant, &mut parameters)?;
    let read = endpoint.app.read(&parameters.query, bytes, claims, peer);
    let name = match &read {
        Ok(document) => document::operation_name(document, parameters.operation_name.as_deref()),
        Err(refusal) => parameters.operation_name.as_deref().or(refusal.operation.as_deref()),
    };
    if let Some(name) = name {
        // Clients must not fill the log with long names.
        if name.len() <= LONGEST_NAME {
            tracing::Span::current().record("operation", name);
        }
        asked.operation = Some(name.to_owned());
    }
    let document = match read {
        Ok(document) => document,
        Err(refusal) => return Ok(refusal.answer),
    };
    endpoint.app.persisted.register(tenant, &parameters)?;
    let writes = match document::operation(&document, parameters.operation_name.as_deref()) {
        Ok(operation) if is_get && document::writes(operation) => {
            let message = "A mutation is sent by POST; GET is for queries.";
            return Err(HttpRejection::new(StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput, message)
                .with_header(header::ALLOW, "POST"));
        }
        Ok(operation) => {
            asked.has_secrets = document::selects_any(&document, operation, &SECRETS);
            document::writes(operation)
        }
        Err(refusal) => return Ok(Answer::from_errors(vec![refusal])),
    };
    let question = ParsedRequest { parameters, document, bytes };
    let (app, own) = (Arc::clone(&endpoint.app), id.clone());
    // A client that disconnects while its request waits for its turn cancels the request.
    let gone = CancellationToken::new();
    let waiting = gone.clone();
    let _gone = gone.drop_guard();
    let stopped = Arc::new(AtomicBool::new(false));
    let run = connection::in_request(Arc::clone(&stopped), async move {
        // Boxed, because the future is large.
        let answer = Box::pin(app.execute(question, bearer.as_deref(), &own.0, peer, &waiting)).await;
        drop(place);
        answer
    });
    let answer = to_the_end(&endpoint.executions, run, id, http.request_timeout).await;
    // After a timeout a mutation continues, while a query is stopped because its result is no longer needed.
    stopped.store(!writes, Ordering::Relaxed);
    Ok(answer)
}

/// Runs a request in a task of its own, so that a disconnect or a timeout does not drop it midway. A transaction dropped while
/// it begins would be returned to the pool open.
async fn to_the_end(
    executions: &TaskTracker,
    run: impl Future<Output = Answer> + Send + 'static,
    id: &RequestId,
    slow_client: Duration,
) -> Answer {
    let task = executions.spawn(run.in_current_span());
    match tokio::time::timeout(slow_client, task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => {
            tracing::error!(reference = id.0, "the execution broke off: {panic}");
            Answer::from_errors(vec![Code::internal(&id.0)])
        }
        Err(_) => {
            let message = format!(
                "There was no answer within {} s. What the request began is finished nevertheless.",
                slow_client.as_secs_f32()
            );
            tracing::warn!(reference = id.0, "no answer in time");
            Answer::from_errors(vec![Code::Timeout.error_with_reference(message, &id.0)])
        }
    }
}

fn respond(answer: &Answer, format: Format) -> Response {
    let status = response::status(answer, format);
    let mut response =
        (status, [(header::CONTENT_TYPE, format.content_type())], response::write(answer)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = answer.errors.iter().find_map(retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Returns the value of `Retry-After` for a rate-limited request: the seconds until it may be repeated.
fn retry_after(error: &ServerError) -> Option<HeaderValue> {
    let async_graphql::Value::Number(seconds) = error.extensions.as_ref()?.get(crate::error::RETRY_AFTER)? else {
        return None;
    };
    Some(HeaderValue::from(seconds.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(answer: &Answer) -> Option<Code> {
        answer.errors.first().and_then(Code::of)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_completed_although_its_client_has_disconnected() {
        let (executions, id) = (TaskTracker::new(), RequestId("r".into()));
        let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
        let slow = |done: tokio::sync::mpsc::UnboundedSender<()>| async move {
            tokio::time::sleep(Duration::from_mins(1)).await;
            done.send(()).unwrap();
            Answer::default()
        };
        let late = to_the_end(&executions, slow(done.clone()), &id, Duration::from_secs(1)).await;
        assert_eq!(code(&late), Some(Code::Timeout));
        // The client disconnects, so the handler is dropped.
        let handler = to_the_end(&executions, slow(done), &id, Duration::from_mins(10));
        assert!(tokio::time::timeout(Duration::from_secs(1), handler).await.is_err());
        executions.close();
        executions.wait().await;
        assert_eq!((finished.recv().await, finished.recv().await, finished.recv().await), (Some(()), Some(()), None));
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_with_a_reference() {
        let answer = to_the_end(
            &TaskTracker::new(),
            async { panic!("the cellar is flooded") },
            &RequestId("r-1".into()),
            Duration::from_secs(5),
        )
        .await;
        let text = String::from_utf8(response::write(&answer)).unwrap();
        assert!(
            text.contains("INTERNAL_SERVER_ERROR")
                && text.contains("\"reference\":\"r-1\"")
                && !text.contains("cellar"),
            "{text}"
        );
    }
}
