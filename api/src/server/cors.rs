//! The pages of other origins that may send requests.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::config::{HttpSettings, Origin};
use graphql_document::cut;
use graphql_http::request_id::RequestId;

/// Creates the CORS layer for the allowed origins. Tokens are sent in a header, so no cookies are involved.
pub fn layer(settings: &HttpSettings) -> Option<CorsLayer> {
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
