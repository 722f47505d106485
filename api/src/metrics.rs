//! Metrics for Prometheus. `server::metrics` serves them; docs/operations.md lists them.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::context::Services;
use crate::limits::Limiter;

/// The largest number of distinct operation names. Requests with any other name are counted as "other".
const MAX_NAMES: usize = 100;
/// The longest name of an operation, in bytes, that is logged and counted under its own name.
pub const LONGEST_NAME: usize = 64;
/// The timeout for reading the lag of the feed.
const FEED_TIMEOUT: Duration = Duration::from_secs(2);
/// The upper bounds of the histogram buckets of request durations, in seconds.
const TIMES: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// The labels of a completed request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    pool: &'static str,
    state: &'static str,
}

/// All metrics of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    names: RwLock<HashSet<String>>,
    requests: Family<Outcome, Counter>,
    times: Family<Operation, Histogram, fn() -> Histogram>,
    refused: Family<Reason, Counter>,
    points: Counter,
    statements: Counter,
    in_flight: Gauge,
    waiting: Gauge,
    connections: Family<Connections, Gauge>,
    unsettled: Gauge,
    lag: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Creates metrics with all values at zero.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("callshot"),
            names: RwLock::default(),
            requests: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(TIMES)),
            refused: Family::default(),
            points: Counter::default(),
            statements: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            connections: Family::default(),
            unsettled: Gauge::default(),
            lag: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("build", "Version of the server", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("requests", "Completed requests, by operation and code", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from the arrival of the headers to the response, by operation",
            Unit::Seconds,
            self.times.clone(),
        );
        registry.register("requests_refused", "Requests rejected before execution, by reason", self.refused.clone());
        registry.register("cost_points", "Total cost of executed requests", self.points.clone());
        registry.register("database_statements", "Statements sent to the database", self.statements.clone());
        registry.register("requests_in_flight", "Requests in progress", self.in_flight.clone());
        registry.register(
            "requests_waiting",
            "Requests in progress that are queued behind others of their organization",
            self.waiting.clone(),
        );
        registry.register("database_connections", "Database connections, by pool and state", self.connections.clone());
        registry.register(
            "feed_unsettled_events",
            "Events that are not visible to readers of the feed yet",
            self.unsettled.clone(),
        );
        registry.register_with_unit("feed_lag", "Age of the oldest of these events", Unit::Seconds, self.lag.clone());
        self
    }

    /// Records a completed request. `named` is whether the operation's name may become a label: callers who are not signed in
    /// must not be able to create labels.
    pub fn answered(&self, operation: Option<&str>, named: bool, code: &'static str, took: Duration) {
        let operation = self.name(operation, named);
        self.times.get_or_create(&Operation { operation: operation.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Outcome { operation, code }).inc();
    }

    /// Records a request that was rejected before execution.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// Records the cost of a request that is executed.
    pub fn cost(&self, points: u64) {
        self.points.inc_by(points);
    }

    fn name(&self, operation: Option<&str>, named: bool) -> String {
        let Some(name) = operation else { return "anonymous".to_owned() };
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).contains(name);
        if known || (named && name.len() <= LONGEST_NAME && self.remember(name)) {
            name.to_owned()
        } else {
            "other".to_owned()
        }
    }

    fn remember(&self, name: &str) -> bool {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.contains(name) || (names.len() < MAX_NAMES && names.insert(name.to_owned()))
    }

    /// Returns all metrics in the text format of Prometheus.
    ///
    /// # Errors
    /// None in practice, because writing into memory does not fail.
    pub async fn text(&self, services: &Services, limiter: &Limiter) -> Result<String, std::fmt::Error> {
        self.statements.inner().store(services.db.statements(), Ordering::Relaxed);
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.in_flight.set(number(limiter.in_flight()));
        self.waiting.set(number(limiter.waiting()));
        for (pool, open, idle) in services.db.connections() {
            let states = [("used", open.saturating_sub(idle)), ("idle", idle)];
            for (state, connections) in states {
                self.connections.get_or_create(&Connections { pool, state }).set(number(connections));
            }
        }
        // On a failure the last known values remain.
        match tokio::time::timeout(FEED_TIMEOUT, crate::domain::event::unsettled(services)).await {
            Ok(Ok((events, age))) => {
                self.unsettled.set(events);
                self.lag.set(age);
            }
            Ok(Err(error)) => tracing::warn!(%error, "the lag of the feed is unknown"),
            Err(_) => tracing::warn!("the lag of the feed is unknown: the database took too long"),
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_names_are_bounded_and_only_named_requests_add_them() {
        let metrics = Metrics::new();
        let name = |name: &str, named| metrics.name(Some(name), named);
        assert_eq!(name("Accounts", false), "other");
        assert_eq!(name("Accounts", true), "Accounts");
        assert_eq!(name("Accounts", false), "Accounts");
        assert_eq!(name(&"x".repeat(65), true), "other");
        for number in 0..1_000 {
            name(&format!("N{number}"), true);
        }
        assert_eq!(name("N98", true), "N98");
        assert_eq!(name("N99", true), "other");
        assert_eq!(metrics.name(None, true), "anonymous");
    }
}
