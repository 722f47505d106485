//! `/readyz`: whether the server can serve requests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::http::Endpoint;
use database::db::{SchemaStanding, Versions};

/// The time limit of the check of the database.
const READY_WITHIN: Duration = Duration::from_secs(2);
/// How long a finding is repeated. It needs no token, and on SQLite the check is a write.
const REPEATED_FOR: Duration = Duration::from_millis(250);

/// The last finding, and when it was made. Locked during a check, so that one runs at a time.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, StatusCode, String)>>);

/// Handles `/readyz`: reports whether the database is reachable and writable and the server is not shutting down.
pub(super) async fn readiness(State(endpoint): State<Endpoint>) -> Response {
    if endpoint.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let mut last = endpoint.readiness.0.lock().await;
    if let Some((at, status, text)) = &*last
        && at.elapsed() < REPEATED_FOR
    {
        return (*status, text.clone()).into_response();
    }
    let (status, text) = check(&endpoint).await;
    *last = Some((Instant::now(), status, text.clone()));
    (status, text).into_response()
}

async fn check(endpoint: &Endpoint) -> (StatusCode, String) {
    let app = Arc::clone(&endpoint.app);
    // In a task of its own, because a client that disconnects must not cancel a task that uses the pool.
    let question = endpoint.executions.spawn(async move { app.ready().await });
    match timeout(READY_WITHIN, question).await {
        Ok(Ok(Ok((_, Some(cause))))) => {
            tracing::warn!(cause, "not ready: the database takes no writes");
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{cause}\n"))
        }
        Ok(Ok(Ok((versions, None)))) => {
            let Versions { expected, found, standing } = versions;
            if matches!(standing, SchemaStanding::Same | SchemaStanding::Newer) {
                return (StatusCode::OK, format!("ready\nschema: {found}\n"));
            }
            tracing::warn!(expected, found, "not ready: the database's tables are of another version");
            let message = format!("not ready\nschema expected: {expected}\nschema found: {found}\n");
            (StatusCode::SERVICE_UNAVAILABLE, message)
        }
        outcome => {
            let cause = match outcome {
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(panic)) => panic.to_string(),
                _ => "no answer in time".to_owned(),
            };
            tracing::warn!(cause, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned())
        }
    }
}
