//! Measures how long a cheap request of a signed-in user takes while strangers, or other organizations, do their worst to the
//! server. The running server must have open sign-up:
//!
//! ```text
//! callshot serve --sign-up open
//! overload http://127.0.0.1:8000
//! ```
//!
//! Prints one line of JSON for each measurement. Exits with 1 if a request was not answered, or if a 99th percentile is more than
//! ten times the one without an attack.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Parser;
use serde_json::{Value, json};
use tests::Client;
use tests::overload::{Attack, durations, percentile, sign_up};

/// Measures the latency of cheap requests while the server is attacked.
#[derive(Clone, Parser)]
struct Arguments {
    /// Address of the server, without a path
    root: String,
    /// Touches of each organization that attacks
    #[arg(long, default_value_t = 20_000)]
    touches: usize,
    /// Connections of the user who is measured
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Requests on each of these connections in each measurement
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
}

const ONE: &str = "query One($id: ID!) { account(by: {id: $id}) { id name city owner { name } version } }";
const EXPENSIVE: &str =
    "{ accounts(first: 196) { nodes { name touches(first: 50) { nodes { id kind at subject notes } } } } }";

/// Creates two hundred accounts and the touches.
async fn fill(client: &Client, touches: usize) {
    let accounts: Vec<Value> = (0..200)
        .map(|number| json!({"externalId": {"source": "load", "id": number.to_string()}, "name": format!("Account {number}")}))
        .collect();
    client.mutate("upsertAccounts", "failed", json!({"rows": accounts})).await.done();
    for from in (0..touches).step_by(500) {
        let row = |number: usize| {
            json!({"externalId": {"source": "load", "id": format!("t{number}")},
                "account": {"externalId": {"source": "load", "id": (number % 200).to_string()}}, "kind": "CALL",
                "at": format!("2017-{:02}-{:02}T10:00:00Z", number % 12 + 1, number % 28 + 1),
                "subject": format!("Touch {number}"), "notes": "What was said, and what is to be done. ".repeat(4)})
        };
        let rows: Vec<Value> = (from..touches.min(from + 500)).map(row).collect();
        client.mutate("upsertTouches", "failed", json!({"rows": rows})).await.done();
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let quiet = sign_up(&arguments.root, "Quiet").await;
    fill(&quiet, 500).await;
    let first = quiet.query("{ accounts(first: 1) { nodes { id } } }").await;
    let one = json!({"query": ONE, "variables": {"id": first.text("accounts.nodes.0.id")}});
    let mut others = Vec::new();
    for number in 0..4 {
        let other = sign_up(&arguments.root, &format!("Loud {number}")).await;
        fill(&other, arguments.touches).await;
        others.push(other);
    }
    let Arguments { connections, requests, .. } = arguments;
    let measure = async || durations(&quiet, &one, connections, requests).await;
    measure().await;
    let alone = percentile(&measure().await, 99);
    println!("{}", json!({"beside": "nothing", "p99": alone}));
    let mut missed = false;
    for name in ["4 x 140 failing sign-ins", "4 x 130 expensive requests"] {
        let attack = if name.ends_with("sign-ins") {
            Attack::by_strangers(&arguments.root, 4, 140)
        } else {
            Attack::by_organizations(&arguments.root, &others, &json!({ "query": EXPENSIVE }), 130)
        };
        attack.has_met(1_000).await;
        let times = measure().await;
        let tally = attack.end().await;
        let p99 = percentile(&times, 99);
        let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let line = json!({
            "beside": name, "p50": percentile(&times, 50), "p99": p99, "most": times.last(), "ratio": p99 / alone,
            "answered": count(&tally.answered), "refused": count(&tally.refused), "closed": count(&tally.closed),
        });
        println!("{line}");
        missed |= p99 > 10.0 * alone;
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
