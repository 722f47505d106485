//! 500 new touches at once, from another system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Plan, Setting};
use crate::Result;
use crate::client::Request;
use crate::data::{ACCOUNTS, Set, book};
use crate::measure::{Contender, Source, was_written};
use crate::stage::Base;
use crate::typeid::TypeId;

const DOCUMENT: &str = "mutation Upsert($rows: [TouchRow!]!) { upsertTouches(rows: $rows) {
    created failed userErrors { code message } } }";

/// Rows of one call.
pub const ROWS: u64 = 500;
/// What stands for the call's number in the names of its rows.
const NUMBER: &str = "########";

fn rows(source: &str) -> Vec<Value> {
    (0..ROWS)
        .map(|row| {
            json!({
                "externalId": { "source": source, "id": format!("{NUMBER}-{row:03}") },
                "account": { "id": TypeId("account", book::account(row * (ACCOUNTS / ROWS))).show() },
                "kind": "MEETING",
                "direction": "OUTBOUND",
                "at": "2026-06-30T09:30:00Z",
                "durationMinutes": 45,
                "subject": "Visit on site",
                "notes": "Would like to see the machine at work before anything else is discussed.",
                "responded": true,
            })
        })
        .collect()
}

/// Requests out of one whose rows get other names each time.
fn renamed(template: Request) -> Source {
    let text = template.body.clone().unwrap_or_default();
    let mark = NUMBER.as_bytes();
    let places: Vec<usize> =
        text.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark).map(|(place, _)| place).collect();
    let calls = AtomicU64::new(u64::from(std::process::id()) % 10_000 * 10_000);
    Arc::new(move |_, _| {
        let number = format!("{:08}", calls.fetch_add(1, Ordering::Relaxed) % 100_000_000);
        let mut body = text.to_vec();
        for place in &places {
            body[*place..place + mark.len()].copy_from_slice(number.as_bytes());
        }
        Request { body: Some(body.into()), ..template.clone() }
    })
}

async fn contenders(setting: &Setting<'_>) -> Result<Vec<Contender>> {
    let asked = renamed(setting.asked(DOCUMENT, &json!({ "rows": rows("upsert") })));
    let below = renamed(Request::post("/w2", json!({ "rows": rows("floor") }).to_string()));
    let all = [setting.server(asked), setting.floor(below)];
    let all: Vec<Contender> = all.into_iter().map(|contender| Contender { accept: all_new, ..contender }).collect();
    setting.database.wrote_the_same(&all).await?;
    Ok(all)
}

/// Was every row new, and written?
fn all_new(body: &[u8]) -> bool {
    was_written(body) && body.windows(13).any(|window| window == b"\"created\":500")
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "W2",
        title: "upsert 500 touches",
        base,
        set: Set::Book,
        connections: &[4, 16],
        rows: ROWS,
        same: false,
        peer: false,
        contenders: |setting| contenders(setting).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_names_all_its_rows_anew() {
        let source = renamed(Request::post("/w2", json!({ "rows": rows("x") }).to_string()));
        let names = |request: Request| {
            let body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
            let rows = body["rows"].as_array().unwrap().clone();
            rows.into_iter().map(|row| row["externalId"]["id"].to_string()).collect::<std::collections::HashSet<_>>()
        };
        let (first, second) = (names(source(0, 0)), names(source(1, 0)));
        assert_eq!((first.len(), second.len()), (500, 500));
        assert!(first.is_disjoint(&second));
        assert!(first.iter().all(|name| !name.contains(NUMBER)));
    }
}
