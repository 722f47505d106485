//! Logs and traces.
//!
//! Structured logs are written to standard error, as text or as one JSON object per line. If `OTEL_EXPORTER_OTLP_ENDPOINT`
//! is set, traces are exported by OTLP over HTTP; otherwise the exporter is not created.

mod collector;

use std::{
    io::IsTerminal,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue, global,
    trace::{SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Targets, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

use self::collector::Collector;
use crate::config::{LogFormat, LogSettings};

/// The environment variables with the collector's address. If none of them is set, there are no traces.
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// The maximum number of characters of a statement in a trace.
const MAX_STATEMENT_LENGTH: usize = 500;

static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Starts logging for this process. Further calls have no effect, so every test may call it.
///
/// # Errors
/// Returns a message if the filter is invalid.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let registry = tracing_subscriber::registry().with(filter(settings)?);
    // The only error is that a subscriber is already installed, which then stays.
    let _already_started = match settings.log_format {
        LogFormat::Text => registry.with(text_layer()).try_init(),
        LogFormat::Json => registry.with(json_layer()).try_init(),
    };
    Ok(())
}

/// Starts logging, and tracing if a collector is configured. Must be called inside a Tokio runtime.
///
/// # Errors
/// Returns a message if the filter or the collector's address is invalid.
pub fn start_with_traces(settings: &LogSettings) -> Result<(), String> {
    let Some(endpoint) =
        ENDPOINT_VARIABLES.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    else {
        return start(settings);
    };
    let invalid = |error: &dyn std::fmt::Display| format!("{endpoint}: {error}");
    let collector = Collector::new(tokio::runtime::Handle::current());
    if std::env::var(endpoint).is_ok_and(|url| !url.starts_with("http://")) {
        return Err(invalid(
            &"must begin with http://; to reach a collector by https, run a local collector that forwards to it",
        ));
    }
    let exporter =
        SpanExporter::builder().with_http().with_http_client(collector).build().map_err(|error| invalid(&error))?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("callshot");
    }
    let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("callshot");
    global::set_text_map_propagator(TraceContextPropagator::new());

    // The log filter does not apply to traces.
    let traced = Targets::new().with_target("callshot", Level::INFO);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer.clone()).with_filter(traced);
    let registry = tracing_subscriber::registry().with(spans);
    let filter = filter(settings)?;
    let _already_started = match settings.log_format {
        LogFormat::Text => registry.with(text_layer().with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(json_layer().with_filter(filter)).try_init(),
    };
    let _already_started = TRACES.set(Traces { provider, tracer });
    Ok(())
}

/// Sends the remaining traces and stops the exporter.
pub async fn stop() {
    let Some(traces) = TRACES.get() else { return };
    // The shutdown blocks for up to 5 s while it waits for the collector, so it runs on a blocking thread.
    let stopped = tokio::task::spawn_blocking(|| traces.provider.shutdown()).await;
    if let Ok(Err(error)) = stopped {
        eprintln!("callshot: the last traces could not be sent: {error}");
    }
}

/// Makes a request's span part of the trace that the request's headers specify.
pub fn follow(span: &Span, headers: &HeaderMap) {
    if TRACES.get().is_some() {
        let context = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)));
        // This fails only for a span that is not recorded.
        let _unrecorded = span.set_parent(context);
    }
}

/// Records a statement that has just completed as a child span of the current request.
#[expect(clippy::disallowed_methods, reason = "traces use real time, and no behavior depends on it")]
pub fn ran(sql: &str, took: Duration, failed: bool) {
    let Some(Traces { tracer, .. }) = TRACES.get() else { return };
    let request = Span::current().context();
    if !request.span().span_context().is_sampled() {
        return;
    }
    let end = SystemTime::now();
    let statement: String = sql.chars().take(MAX_STATEMENT_LENGTH).collect();
    let attributes = vec![KeyValue::new("db.query.text", statement), KeyValue::new("callshot.failed", failed)];
    let span = tracer.span_builder("statement").with_kind(SpanKind::Client).with_attributes(attributes);
    let mut span = span.with_start_time(end.checked_sub(took).unwrap_or(end)).start_with_context(tracer, &request);
    opentelemetry::trace::Span::end_with_timestamp(&mut span, end);
}

fn filter(settings: &LogSettings) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(&settings.log).map_err(|error| format!("--log {:?}: {error}", settings.log))
}

fn text_layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false)
}

fn json_layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).with_span_list(false)
}
