//! What the server tells whoever runs it: structured logs on standard error, as text or as one JSON object a line; and
//! traces, where a collector is named.
//!
//! Traces go out by OTLP over HTTP once `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Without it none of that is even built.

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

/// Where traces go; with none of these there are none.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Characters of a statement that a trace shows.
const SHOWN: usize = 500;

static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Starts logging for this process. A second call changes nothing, so that tests may call it freely.
///
/// # Errors
/// Says what is wrong with the filter where it cannot be read.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let registry = tracing_subscriber::registry().with(filter(settings)?);
    // Somebody who logs already keeps doing so: the error says nothing else.
    let _already_started = match settings.log_format {
        LogFormat::Text => registry.with(lines()).try_init(),
        LogFormat::Json => registry.with(objects()).try_init(),
    };
    Ok(())
}

/// Starts logging, and traces where a collector is named. Must be called inside a Tokio runtime.
///
/// # Errors
/// Says what is wrong with the filter or the collector's address.
pub fn start_with_traces(settings: &LogSettings) -> Result<(), String> {
    let Some(endpoint) =
        ENDPOINTS.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    else {
        return start(settings);
    };
    let wrong = |error: &dyn std::fmt::Display| format!("{endpoint}: {error}");
    let collector = Collector::new(tokio::runtime::Handle::current());
    if std::env::var(endpoint).is_ok_and(|url| !url.starts_with("http://")) {
        return Err(wrong(
            &"must begin with http://; for a collector elsewhere, run one beside the server that passes on",
        ));
    }
    let exporter =
        SpanExporter::builder().with_http().with_http_client(collector).build().map_err(|error| wrong(&error))?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("callshot");
    }
    let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("callshot");
    global::set_text_map_propagator(TraceContextPropagator::new());

    // What is logged does not decide what is traced.
    let traced = Targets::new().with_target("callshot", Level::INFO);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer.clone()).with_filter(traced);
    let registry = tracing_subscriber::registry().with(spans);
    let filter = filter(settings)?;
    let _already_started = match settings.log_format {
        LogFormat::Text => registry.with(lines().with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(objects().with_filter(filter)).try_init(),
    };
    let _already_started = TRACES.set(Traces { provider, tracer });
    Ok(())
}

/// Sends what is still to be sent.
pub async fn stop() {
    let Some(traces) = TRACES.get() else { return };
    // It waits for the collector, for 5 s at most, on a thread that may wait.
    let stopped = tokio::task::spawn_blocking(|| traces.provider.shutdown()).await;
    if let Ok(Err(error)) = stopped {
        eprintln!("callshot: the last traces could not be sent: {error}");
    }
}

/// Lets a request's span go on with the trace that its headers name.
pub fn follow(span: &Span, headers: &HeaderMap) {
    if TRACES.get().is_some() {
        let context = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)));
        // A span that nobody records has no place for it.
        let _unrecorded = span.set_parent(context);
    }
}

/// Notes a statement that has just been run, as a part of the request that is being answered.
#[expect(clippy::disallowed_methods, reason = "a trace is of real time, and nothing is decided by it")]
pub fn ran(sql: &str, took: Duration, failed: bool) {
    let Some(Traces { tracer, .. }) = TRACES.get() else { return };
    let request = Span::current().context();
    if !request.span().span_context().is_sampled() {
        return;
    }
    let end = SystemTime::now();
    let shown: String = sql.chars().take(SHOWN).collect();
    let attributes = vec![KeyValue::new("db.query.text", shown), KeyValue::new("callshot.failed", failed)];
    let span = tracer.span_builder("statement").with_kind(SpanKind::Client).with_attributes(attributes);
    let mut span = span.with_start_time(end.checked_sub(took).unwrap_or(end)).start_with_context(tracer, &request);
    opentelemetry::trace::Span::end_with_timestamp(&mut span, end);
}

fn filter(settings: &LogSettings) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(&settings.log).map_err(|error| format!("--log {:?}: {error}", settings.log))
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false)
}

fn objects<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).with_span_list(false)
}
