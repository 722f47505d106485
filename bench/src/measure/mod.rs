//! The load, and what it costs.
//!
//! The load is closed: each connection sends its next request once the last one is answered. It comes from one thread,
//! which takes as little as it can, because it shares the machine with what it measures.

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

/// Makes a connection's next request out of the connection's number and the number of requests it made before.
pub type Source = Arc<dyn Fn(usize, u64) -> Request + Send + Sync>;

/// Who takes part in a question: a server, and what it is asked.
#[derive(Clone)]
pub struct Contender {
    /// As it is called in the table.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub process: u32,
    /// What it is asked.
    pub source: Source,
    /// Is this an answer as it should be?
    pub accept: fn(&[u8]) -> bool,
    /// Does it answer, and write, byte for byte what the others do?
    pub compared: bool,
}

impl Contender {
    /// The same under another name.
    #[must_use]
    pub fn called(self, name: String) -> Self {
        Self { name, ..self }
    }
}

/// One contender's turn in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Turn {
    /// Requests answered a second.
    pub rate: f64,
    /// The median of the time until an answer was whole, in microseconds.
    pub median: f64,
    /// The 99th percentile of the same.
    pub p99: f64,
    /// Processor time that the server took a request, in microseconds.
    pub server_time: f64,
    /// The same of the database's processes, where they can be seen.
    pub database_time: Option<f64>,
    /// The same of the load itself.
    pub load_time: f64,
    /// Bytes of an answer.
    pub bytes: f64,
    /// Bytes of memory that the server held in the midst of it.
    pub memory: u64,
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// Answers without which a turn says nothing.
const FEWEST: u64 = 5;
/// How long a turn may take for them.
const PATIENCE: Duration = Duration::from_mins(1);

/// What one connection saw.
struct Seen {
    times: Histogram<u64>,
    bytes: u64,
}

/// Puts load on a contender.
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
    let taken = || {
        let database = database.map(process::processor_time);
        (process::processor_time(contender.process), database, process::own_time(own))
    };
    tokio::select! {
        () = tokio::time::sleep(duration.mul_f64(0.2)) => {}
        early = tasks.join_next() => { early.transpose()?.transpose()?; }
    }
    let before = taken();
    let begun = Instant::now();
    phase.store(MEASURING, Ordering::Relaxed);
    tokio::time::sleep(duration / 2).await;
    let memory = process::memory(contender.process);
    tokio::time::sleep(duration.saturating_sub(begun.elapsed())).await;
    // What takes longer than a turn has a longer turn.
    while answered.load(Ordering::Relaxed) < FEWEST && begun.elapsed() < PATIENCE && !tasks.is_empty() {
        tokio::time::sleep(duration / 10).await;
    }
    phase.store(OVER, Ordering::Relaxed);
    let seconds = begun.elapsed().as_secs_f64();
    let after = taken();
    let mut times = histogram()?;
    let mut bytes = 0;
    while let Some(seen) = tasks.join_next().await {
        let seen = seen??;
        times.add(seen.times)?;
        bytes += seen.bytes;
    }
    if times.is_empty() {
        return Err(format!("{} answered nothing within {seconds:.1} s", contender.name).into());
    }
    let requests = statistics::float(times.len());
    let each = |before: u64, after: u64| statistics::float(after.saturating_sub(before)) / requests;
    Ok(Turn {
        rate: requests / seconds,
        median: statistics::float(times.value_at_quantile(0.5)),
        p99: statistics::float(times.value_at_quantile(0.99)),
        server_time: each(before.0, after.0),
        database_time: before.1.zip(after.1).map(|(before, after)| each(before, after)),
        load_time: each(before.2, after.2),
        bytes: statistics::float(bytes) / requests,
        memory,
    })
}

fn histogram() -> Result<Histogram<u64>> {
    // From a microsecond to a minute, to three digits.
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

async fn connection(
    mut client: Client,
    number: usize,
    contender: Contender,
    phase: Arc<AtomicU8>,
    answered: Arc<AtomicU64>,
) -> Result<Seen> {
    let mut seen = Seen { times: histogram()?, bytes: 0 };
    let mut count = 0;
    while phase.load(Ordering::Relaxed) != OVER {
        let request = (contender.source)(number, count);
        count += 1;
        let begun = Instant::now();
        let (status, body) = client.ask(request).await?;
        let time = begun.elapsed();
        if status != StatusCode::OK || !(contender.accept)(&body) {
            let body = String::from_utf8_lossy(&body);
            let shown: String = body.chars().take(500).collect();
            return Err(format!("{} answered {status}: {shown}", contender.name).into());
        }
        if phase.load(Ordering::Relaxed) == MEASURING {
            seen.times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            seen.bytes += body.len() as u64;
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(seen)
}

/// Does an answer of GraphQL have data?
#[must_use]
pub fn has_data(body: &[u8]) -> bool {
    body.starts_with(b"{\"data\":{")
}

/// Does the answer of a mutation say that everything was as it should be?
#[must_use]
pub fn was_written(body: &[u8]) -> bool {
    let clean = b"\"userErrors\":[]";
    has_data(body) && body.windows(clean.len()).any(|window| window == clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        assert!(has_data(br#"{"data":{"account":null}}"#));
        assert!(!has_data(br#"{"errors":[],"data":null}"#));
        assert!(was_written(br#"{"data":{"logTouch":{"userErrors":[]}}}"#));
        assert!(!was_written(br#"{"data":{"logTouch":{"userErrors":[{"code":"INVALID"}]}}}"#));
    }
}
