//! `GET /metrics`, for Prometheus, on a listener of its own.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::app::App;

/// Serves `/metrics` on a listener of its own, until the task is aborted.
pub fn serve(app: Arc<App>, listener: TcpListener) -> JoinHandle<()> {
    let router = Router::new().route("/metrics", get(show)).with_state(app);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics are no longer served");
        }
    })
}

async fn show(State(app): State<Arc<App>>) -> Response {
    // A separate task, so that a client that disconnects does not cancel a database statement.
    let text = tokio::spawn(async move { app.metrics.text(&app, &app.admission).await });
    match text.await {
        Ok(Ok(text)) => {
            let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, form)], text).into_response()
        }
        outcome => {
            tracing::error!(?outcome, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
