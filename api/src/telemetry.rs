//! What the server tells whoever runs it: structured logs on standard error, as text or as one JSON object a line.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, LogSettings};

/// Starts logging for this process. A second call changes nothing, so that tests may call it freely.
///
/// # Errors
/// Says what is wrong with the filter where it cannot be read.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let filter =
        EnvFilter::builder().parse(&settings.log).map_err(|error| format!("--log {:?}: {error}", settings.log))?;
    let registry = tracing_subscriber::registry().with(filter);
    // Somebody who logs already keeps doing so: the error says nothing else.
    let layer = fmt::layer().with_writer(std::io::stderr);
    let _already_started = match settings.log_format {
        LogFormat::Text => {
            registry.with(layer.with_ansi(std::io::stderr().is_terminal()).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init(),
    };
    Ok(())
}
