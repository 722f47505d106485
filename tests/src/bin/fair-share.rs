//! Measures how long one organization waits for a single account while another sends the most expensive permitted
//! requests on many connections. The running server must have open sign-up and no limit on points:
//!
//! ```text
//! callshot serve --sign-up open --points 0
//! fair-share http://127.0.0.1:8000
//! ```
//!
//! Prints one line of JSON for each measurement. Exits with 1 if a 99th percentile is above both 20 ms and 5 times the
//! one without load.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tests::Client;
use tests::overload::{percentile, sign_up};
use tokio::task::JoinSet;

/// Measures latency for one organization while another loads the server.
#[derive(Clone, Parser)]
struct Arguments {
    /// Address of the server, without a path
    root: String,
    /// Accounts of the organization that loads the server
    #[arg(long, default_value_t = 2_000)]
    accounts: usize,
    /// Touches of the organization that loads the server
    #[arg(long, default_value_t = 100_000)]
    touches: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections of the organization that loads the server
    #[arg(long, default_value_t = 64)]
    noisy: usize,
    /// Connections of the organization that is measured
    #[arg(long, default_value_t = 16)]
    quiet: usize,
}

/// The 99th percentile in milliseconds that is always allowed.
const ALLOWED: f64 = 20.0;

const ONE: &str =
    "query One($id: ID!) { account(by: {id: $id}) { id name domain industry city country phone version } }";

/// Returns requests just below 10,000 points, those that read the most for few points, and the largest mutation.
fn most_expensive() -> BTreeMap<&'static str, Value> {
    let sums = |number| format!("a{number}: touches(groupBy: [USER, MONTH]) {{ count minutes accounts }} ");
    let analytics: String = (0..9).map(sums).collect();
    let rows: Vec<Value> = (0..500).map(touch).collect();
    BTreeMap::from([
        (
            "nested",
            json!({"query": "{ accounts(first: 196) { nodes { name touches(first: 50) { nodes { id kind at subject notes } } } } }"}),
        ),
        (
            "wide",
            json!({"query": "{ touches(first: 200) { nodes { id kind at account { name owner { name } touches(first: 45) { nodes { id subject } } } } } }"}),
        ),
        (
            "scan",
            json!({"query": "{ touches(first: 1, filter: {not: {kind: [CALL, MEETING, EMAIL, EVENT, MESSAGE, MAIL, OTHER]}}) { nodes { id } } }"}),
        ),
        ("count", json!({"query": "{ touches(first: 1) { totalCount } }"})),
        ("analytics", json!({"query": format!("{{ analytics {{ {analytics} }} }}")})),
        ("upsert", json!({"query": UPSERT_TOUCHES, "variables": {"input": {"rows": rows}}})),
    ])
}

const UPSERT_TOUCHES: &str =
    "mutation($input: UpsertTouchesInput!) { upsertTouches(input: $input) { failed userErrors { message } } }";

fn account(number: usize) -> Value {
    json!({"externalId": {"source": "load", "id": format!("account-{number}")}, "name": format!("Account {number}")})
}

fn touch(number: usize) -> Value {
    let kind = ["CALL", "MEETING", "EMAIL", "EVENT"][number % 4];
    json!({
        "externalId": {"source": "load", "id": format!("touch-{number}")},
        "account": {"externalId": {"source": "load", "id": format!("account-{}", number % 1_000)}},
        "kind": kind, "at": format!("2017-{:02}-{:02}T10:00:00Z", number % 12 + 1, number % 28 + 1), "durationMinutes": 30,
        "subject": format!("Touch {number}"), "notes": "What was said, and what is to be done about it. ".repeat(4),
    })
}

async fn fill(client: &Client, mutation: &str, row: fn(usize) -> Value, rows: usize) {
    for from in (0..rows).step_by(500) {
        let rows: Vec<Value> = (from..rows.min(from + 500)).map(row).collect();
        client.mutate(mutation, "failed", json!({"rows": rows})).await.done();
    }
}

/// Sends a request on some connections for some time, and returns the durations in milliseconds, sorted.
async fn ask(client: &Client, body: Value, connections: usize, time: Duration) -> Vec<f64> {
    let (until, body) = (Instant::now() + time, Arc::new(body));
    let mut asking = JoinSet::new();
    for _ in 0..connections {
        let (client, body) = (client.clone(), Arc::clone(&body));
        asking.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let begun = Instant::now();
                let answer = tests::Answer::unchecked(client.request().json(&*body)).await;
                let took = begun.elapsed().as_secs_f64() * 1_000.0;
                assert!(answer.body.get("errors").is_none(), "{answer}");
                times.push(took);
            }
            times
        });
    }
    let mut times = asking.join_all().await.concat();
    times.sort_by(f64::total_cmp);
    times
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let time = Duration::from_secs(arguments.seconds);
    let (noisy, quiet) = (sign_up(&arguments.root, "Noisy").await, sign_up(&arguments.root, "Quiet").await);
    fill(&noisy, "upsertAccounts", account, arguments.accounts.max(1_000)).await;
    fill(&noisy, "upsertTouches", touch, arguments.touches).await;
    fill(&quiet, "upsertAccounts", account, 500).await;
    let first = quiet.query("{ accounts(first: 1) { nodes { id } } }").await;
    let one = json!({"query": ONE, "variables": {"id": first.text("accounts.nodes.0.id")}});

    ask(&quiet, one.clone(), arguments.quiet, time / 4).await;
    let alone = ask(&quiet, one.clone(), arguments.quiet, time).await;
    let quiet_p99 = percentile(&alone, 99);
    let show = |beside: &str, times: &[f64], answered: u64, refused: u64| {
        let line = json!({
            "beside": beside, "requests": times.len(), "p50": percentile(times, 50), "p99": percentile(times, 99),
            "most": times.last(), "answered": answered, "refused": refused,
        });
        println!("{line}");
    };
    show("nothing", &alone, 0, 0);
    let allowed = (5.0 * quiet_p99).max(ALLOWED);
    let mut missed = false;
    for (name, body) in most_expensive() {
        let stop = Arc::new(AtomicBool::new(false));
        let (answered, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut asking = JoinSet::new();
        for _ in 0..arguments.noisy {
            let (client, body, stop) = (noisy.clone(), body.clone(), Arc::clone(&stop));
            let (answered, refused) = (Arc::clone(&answered), Arc::clone(&refused));
            asking.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let Ok(response) = client.request().json(&body).send().await else { continue };
                    // The body is read but not parsed, to leave the processor to the server.
                    let (status, bytes) = (response.status(), response.bytes().await);
                    let done = status.is_success() && bytes.is_ok_and(|bytes| !bytes.starts_with(b"{\"errors\""));
                    if done { &answered } else { &refused }.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Measures once the load has begun.
        while answered.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let times = ask(&quiet, one.clone(), arguments.quiet, time).await;
        show(name, &times, answered.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
        missed |= percentile(&times, 99) > allowed;
        stop.store(true, Ordering::Relaxed);
        asking.shutdown().await;
    }
    println!("{}", json!({"quiet p99": quiet_p99, "allowed": allowed, "met": !missed}));
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
