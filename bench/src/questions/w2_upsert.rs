//! Upserting 500 new touches from another system in one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Context, Question};
use crate::Result;
use crate::client::Request;
use crate::data::{ACCOUNTS, Set, book};
use crate::environment::Engine;
use crate::measure::{Contender, RequestSource, was_written};
use crate::typeid::TypeId;

const DOCUMENT: &str = "mutation Upsert($input: UpsertTouchesInput!) { upsertTouches(input: $input) {
    created failed userErrors { code message } } }";

/// The number of rows per call.
pub const ROWS: u64 = 500;
/// The placeholder for the call's number in the external ids of its rows.
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

/// Returns a source that replaces the placeholder in a request with a new number for each call.
fn numbered(template: Request) -> RequestSource {
    let text = template.body.clone().unwrap_or_default();
    let placeholder = NUMBER.as_bytes();
    let offsets: Vec<usize> = text
        .windows(placeholder.len())
        .enumerate()
        .filter(|(_, window)| *window == placeholder)
        .map(|(offset, _)| offset)
        .collect();
    let calls = AtomicU64::new(u64::from(std::process::id()) % 10_000 * 10_000);
    Arc::new(move |_, _| {
        let number = format!("{:08}", calls.fetch_add(1, Ordering::Relaxed) % 100_000_000);
        let mut body = text.to_vec();
        for offset in &offsets {
            body[*offset..offset + placeholder.len()].copy_from_slice(number.as_bytes());
        }
        Request { body: Some(body.into()), ..template.clone() }
    })
}

async fn contenders(context: &Context<'_>) -> Result<Vec<Contender>> {
    let server = numbered(context.request(DOCUMENT, &json!({ "input": { "rows": rows("upsert") } })));
    let floor = numbered(Request::post("/w2", json!({ "rows": rows("floor") }).to_string()));
    let contenders = [context.server(server), context.floor(floor)];
    let contenders: Vec<Contender> =
        contenders.into_iter().map(|contender| Contender { accept: all_created, ..contender }).collect();
    context.database.check_same_writes(&contenders).await?;
    Ok(contenders)
}

/// Whether every row was created.
fn all_created(body: &[u8]) -> bool {
    was_written(body) && body.windows(13).any(|window| window == b"\"created\":500")
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "W2",
        title: "upsert 500 touches",
        engine,
        set: Set::Book,
        connections: &[4, 16],
        rows: ROWS,
        same_answers: false,
        peer: false,
        contenders: |context| contenders(context).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_new_external_ids() {
        let source = numbered(Request::post("/w2", json!({ "rows": rows("x") }).to_string()));
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
