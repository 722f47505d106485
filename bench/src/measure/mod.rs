//! The load generator and what it measures.
//!
//! The load is closed-loop: each connection sends its next request when the previous one has been answered. One thread
//! generates all of it, at little cost, because it shares the machine with the servers it measures.

pub mod process;
pub mod statistics;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hyper::StatusCode;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::Result;
use crate::client::{Client, Request};

/// Creates a connection's next request from the connection's number and the number of requests it has sent so far.
pub type RequestSource = Arc<dyn Fn(usize, u64) -> Request + Send + Sync>;

/// A participant in a question: a server and the requests it receives.
#[derive(Clone)]
pub struct Contender {
    /// The name in the table.
    pub name: String,
    /// The server's address.
    pub address: SocketAddr,
    /// The server's process id.
    pub process: u32,
    /// The requests.
    pub source: RequestSource,
    /// Whether a response body is as expected.
    pub accept: fn(&[u8]) -> bool,
    /// Whether its answers and written rows must equal those of the other contenders.
    pub compared: bool,
}

impl Contender {
    /// Returns the contender with another name.
    #[must_use]
    pub fn with_name(self, name: String) -> Self {
        Self { name, ..self }
    }
}

/// The measurements of one contender in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Turn {
    /// The number of requests answered per second.
    pub rate: f64,
    /// The median response time, in microseconds.
    pub median: f64,
    /// The 99th percentile of the response time, in microseconds.
    pub p99: f64,
    /// The server's processor time per request, in microseconds.
    pub server_time: f64,
    /// The database's processor time per request, in microseconds; `None` if its processes are not visible.
    pub database_time: Option<f64>,
    /// The load generator's processor time per request, in microseconds.
    pub load_time: f64,
    /// The mean size of a response body, in bytes.
    pub bytes: f64,
    /// The server's resident memory halfway through, in bytes.
    pub memory: u64,
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// The minimum number of answers in a turn.
const MIN_ANSWERS: u64 = 5;
/// How long a turn may be extended to reach the minimum.
const MAX_TURN: Duration = Duration::from_mins(1);

/// The measurements of one connection.
struct ConnectionResult {
    times: Histogram<u64>,
    bytes: u64,
}

/// Puts load on a contender and measures it.
///
/// `database` is the id of the database's main process, if it is to be measured as well.
pub async fn drive(
    contender: &Contender,
    connections: usize,
    duration: Duration,
    database: Option<u32>,
) -> Result<Turn> {
    let phase = Arc::new(AtomicU8::new(WARMING));
    let answered = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let client = Client::connect(contender.address).await?;
        tasks.spawn(connection(client, number, contender.clone(), Arc::clone(&phase), Arc::clone(&answered)));
    }
    let own = std::process::id();
    let processor_times = || {
        let database = database.map(process::processor_time);
        (process::processor_time(contender.process), database, process::own_time(own))
    };
    tokio::select! {
        () = tokio::time::sleep(duration.mul_f64(0.2)) => {}
        early = tasks.join_next() => { early.transpose()?.transpose()?; }
    }
    let before = processor_times();
    let begun = Instant::now();
    phase.store(MEASURING, Ordering::Relaxed);
    tokio::time::sleep(duration / 2).await;
    let memory = process::memory(contender.process);
    tokio::time::sleep(duration.saturating_sub(begun.elapsed())).await;
    // Extend the turn if requests take too long for enough of them to be answered in time.
    while answered.load(Ordering::Relaxed) < MIN_ANSWERS && begun.elapsed() < MAX_TURN && !tasks.is_empty() {
        tokio::time::sleep(duration / 10).await;
    }
    phase.store(OVER, Ordering::Relaxed);
    let seconds = begun.elapsed().as_secs_f64();
    let after = processor_times();
    let mut times = histogram()?;
    let mut bytes = 0;
    while let Some(result) = tasks.join_next().await {
        let result = result??;
        times.add(result.times)?;
        bytes += result.bytes;
    }
    if times.is_empty() {
        return Err(format!("{} answered no request within {seconds:.1} s", contender.name).into());
    }
    let requests = statistics::float(times.len());
    let per_request = |before: u64, after: u64| statistics::float(after.saturating_sub(before)) / requests;
    Ok(Turn {
        rate: requests / seconds,
        median: statistics::float(times.value_at_quantile(0.5)),
        p99: statistics::float(times.value_at_quantile(0.99)),
        server_time: per_request(before.0, after.0),
        database_time: before.1.zip(after.1).map(|(before, after)| per_request(before, after)),
        load_time: per_request(before.2, after.2),
        bytes: statistics::float(bytes) / requests,
        memory,
    })
}

fn histogram() -> Result<Histogram<u64>> {
    // 1 µs to 1 min, with three significant digits.
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

async fn connection(
    mut client: Client,
    number: usize,
    contender: Contender,
    phase: Arc<AtomicU8>,
    answered: Arc<AtomicU64>,
) -> Result<ConnectionResult> {
    let mut result = ConnectionResult { times: histogram()?, bytes: 0 };
    let mut count = 0;
    while phase.load(Ordering::Relaxed) != OVER {
        let request = (contender.source)(number, count);
        count += 1;
        let begun = Instant::now();
        let (status, body) = client.fetch(request).await?;
        let time = begun.elapsed();
        if status != StatusCode::OK || !(contender.accept)(&body) {
            let body = String::from_utf8_lossy(&body);
            let start: String = body.chars().take(500).collect();
            return Err(format!("{} answered {status}: {start}", contender.name).into());
        }
        if phase.load(Ordering::Relaxed) == MEASURING {
            result.times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            result.bytes += body.len() as u64;
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(result)
}

/// Whether a GraphQL response has data.
#[must_use]
pub fn has_data(body: &[u8]) -> bool {
    body.starts_with(b"{\"data\":{")
}

/// Whether the response of a mutation has data and no user errors.
#[must_use]
pub fn was_written(body: &[u8]) -> bool {
    let clean = b"\"userErrors\":[]";
    has_data(body) && body.windows(clean.len()).any(|window| window == clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_with_errors_are_recognized() {
        assert!(has_data(br#"{"data":{"account":null}}"#));
        assert!(!has_data(br#"{"errors":[],"data":null}"#));
        assert!(was_written(br#"{"data":{"logTouch":{"userErrors":[]}}}"#));
        assert!(!was_written(br#"{"data":{"logTouch":{"userErrors":[{"code":"INVALID"}]}}}"#));
    }
}
