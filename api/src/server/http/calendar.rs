//! `GET /calendar/<token>.ics`: the endpoint of calendar feeds. The response is the same for every kind of invalid token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use graphql_http::cost::Price;
use graphql_http::request_id::RequestId;
use graphql_http::response::Format;

use super::{Endpoint, Peer, overloaded, pause};
use crate::app::App;
use crate::domain::calendar_feed;
use crate::error::Error;
use crate::limits::Tenant;
use crate::limits::{AdmissionError, AdmissionRequest, Asker};

/// The path prefix of calendar feeds.
pub const FOLDER: &str = "/calendar/";
/// The price of reading a feed, which its user pays: about that of a page of touches with their accounts and people.
const PRICE: Price = Price { points: 100, reads_all: false, objects: 0 };
/// The price of looking up a calendar, which the client's address pays.
const LOOKING: Price = Price { points: 1, reads_all: false, objects: 0 };

/// Handles `GET` of a calendar feed.
pub async fn calendar(State(endpoint): State<Endpoint>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let http = &endpoint.app.settings.http;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.asker(&parts.headers, &http.trusted_proxies));
    let stranger = Tenant::of(None, peer);
    let Some(place) = endpoint.app.admission.place(stranger) else {
        endpoint.app.metrics.refused("load");
        pause(&endpoint, stranger).await;
        return overloaded().answer(Format::Json);
    };
    let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let path = parts.uri.path();
    let token = path.strip_prefix(FOLDER).and_then(|file| file.strip_suffix(".ics")).unwrap_or_default().to_owned();
    let app = Arc::clone(&endpoint.app);
    // A client that disconnects must not cancel a task that uses the pool; only its place in the queue is given up.
    let gone = CancellationToken::new();
    let wanted = AdmissionRequest { price: PRICE, gone: gone.clone() };
    let _gone = gone.drop_guard();
    let reading = async move {
        let answer = read(&app, &token, peer, &wanted).await;
        drop(place);
        answer
    };
    let task = endpoint.executions.spawn(reading.in_current_span());
    match tokio::time::timeout(http.request_timeout, task).await {
        Ok(Ok(answer)) => {
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                pause(&endpoint, stranger).await;
            }
            answer
        }
        Ok(Err(panic)) => {
            tracing::error!(reference = id, "the calendar broke off: {panic}");
            failed()
        }
        Err(_) => {
            tracing::warn!(reference = id, "no calendar in time");
            failed()
        }
    }
}

async fn read(app: &Arc<App>, token: &str, peer: Option<std::net::IpAddr>, wanted: &AdmissionRequest) -> Response {
    // The user is not known before the lookup, so the lookup counts against the client's address.
    let looking = AdmissionRequest { price: LOOKING, gone: wanted.gone.clone() };
    let reader = match app.admission.admit(Asker::of(None, peer), &looking).await {
        Ok(_pass) => calendar_feed::reader(app, token, peer).await,
        Err(refusal) => return refused(app, refusal),
    };
    let viewer = match reader {
        Ok(viewer) => viewer,
        Err(Error::Refused(_)) => {
            return (StatusCode::NOT_FOUND, "There is no calendar at this address.\n").into_response();
        }
        Err(Error::RateLimited(seconds)) => {
            let later = [(header::RETRY_AFTER, seconds.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, later, "Too many wrong addresses: try again later.\n")
                .into_response();
        }
        Err(_) => return failed(),
    };
    let _pass = match app.admission.admit(Asker::of(Some(&viewer), peer), wanted).await {
        Ok(pass) => pass,
        Err(refusal) => return refused(app, refusal),
    };
    match calendar_feed::calendar(&app.services, viewer).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response(),
        Err(_) => failed(),
    }
}

fn refused(app: &App, refusal: AdmissionError) -> Response {
    app.metrics.refused(refusal.reason());
    let later = [(header::RETRY_AFTER, "60")];
    (StatusCode::TOO_MANY_REQUESTS, later, "Too many requests: try again later.\n").into_response()
}

/// Returns the response to an internal failure, whose cause is in the log. Calendar programs retry by themselves.
fn failed() -> Response {
    let later = [(header::RETRY_AFTER, "60")];
    (StatusCode::SERVICE_UNAVAILABLE, later, "The calendar could not be read: try again later.\n").into_response()
}
