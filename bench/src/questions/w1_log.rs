//! Logging a touch with one contact.
//!
//! A second question compares 16 writers of one organization with 16 writers of 16 organizations: writers of the same
//! organization must not wait for each other.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Context, Question, in_turn};
use crate::Result;
use crate::client::Request;
use crate::data::people::{Person, organization};
use crate::data::touches::{derived_columns, shape};
use crate::data::{ACCOUNTS, NOW, SMALL_USERS, Set, book, end_of_day};
use crate::environment::Engine;
use crate::measure::{Contender, was_written};
use crate::typeid::TypeId;

const DOCUMENT: &str = "mutation Log($input: LogTouchInput!) { logTouch(input: $input) {
    touch { id kind at subject version } userErrors { code message } } }";

/// The number of accounts of the large organization at which touches are logged.
const DISTINCT_ACCOUNTS: u64 = 500;

fn input(account: uuid::Uuid, contact: uuid::Uuid) -> Value {
    json!({
        "accountId": TypeId("account", account).show(),
        "contactIds": [TypeId("contact", contact).show()],
        "kind": "CALL",
        "direction": "OUTBOUND",
        "durationMinutes": 15,
        "subject": "Delivery dates",
        "notes": "Satisfied with the current supplier except for delivery times in the last two months.",
        "responded": true,
    })
}

fn inputs() -> impl Iterator<Item = Value> {
    // The contact with an account's number works at that account.
    (0..DISTINCT_ACCOUNTS)
        .map(|nth| nth * (ACCOUNTS / DISTINCT_ACCOUNTS))
        .map(|number| input(book::account(number), book::contact(number)))
}

/// Creates the floor's request, which names the organization and user instead of a token.
fn floor_request(person: Person, input: &Value) -> Request {
    let mut body = input.clone();
    body["organization"] = person.organization.into();
    body["user"] = person.number.into();
    Request::post("/w1", body.to_string())
}

const PEER_DOCUMENT: &str = "mutation Log($touch: TouchInput!) { createTouch(input: {touch: $touch}) {
    touch { rowId kind at subject version } } }";

/// Creates the peers' requests, which insert a touch as it is stored, without an event or contacts.
fn peer_requests() -> Vec<Request> {
    let (now, missed_at) = (NOW.to_string(), end_of_day(NOW).to_string());
    let touch = |number: u64| {
        let input = input(book::account(number), book::contact(number));
        let text = |field: &str| input[field].as_str().unwrap_or_default();
        let duration = input["durationMinutes"].as_i64().and_then(|minutes| i32::try_from(minutes).ok());
        let (weight, answered, minutes) = derived_columns(text("kind"), text("direction"), true, false, duration);
        json!({
            "organizationId": organization(0),
            "accountId": book::account(number),
            "userId": Person::DIRECTOR.id(),
            "kind": input["kind"],
            "status": "COMPLETED",
            "direction": input["direction"],
            "at": now,
            "missedAt": missed_at,
            "durationMinutes": input["durationMinutes"],
            "recordedAt": now,
            "subject": input["subject"],
            "notes": input["notes"],
            "responded": true,
            "valueAcknowledged": false,
            "contactIds": input["contactIds"].to_string(),
            "externalIds": "[]",
            "createdAt": now,
            "updatedAt": now,
            "version": 1,
            "weight": weight,
            "answered": answered,
            "minutes": minutes,
            "knownAt": now,
            "shape": shape(text("kind"), weight, minutes),
        })
    };
    let numbers = (0..DISTINCT_ACCOUNTS).map(|nth| nth * (ACCOUNTS / DISTINCT_ACCOUNTS));
    let body = |touch: Value| json!({ "query": PEER_DOCUMENT, "variables": { "touch": touch } }).to_string();
    numbers.map(|number| Request::post("/graphql", body(touch(number)))).collect()
}

/// Returns the question.
pub fn question() -> Question {
    Question {
        name: "W1",
        title: "log a touch",
        engine: Engine::Postgres,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same_answers: false,
        peer: true,
        contenders: |context| {
            async move {
                let server = inputs().map(|input| context.request(DOCUMENT, &json!({ "input": input }))).collect();
                let floor = inputs().map(|input| floor_request(Person::DIRECTOR, &input)).collect();
                let contenders = vec![context.server(in_turn(server)), context.floor(in_turn(floor))];
                let contenders: Vec<Contender> =
                    contenders.into_iter().map(|contender| Contender { accept: was_written, ..contender }).collect();
                context.database.check_same_writes(&contenders).await?;
                Ok([contenders, context.peers(&in_turn(peer_requests()))].concat())
            }
            .boxed()
        },
    }
}

/// Returns the question that compares writers of one organization with writers of many.
pub fn writers() -> Question {
    Question {
        name: "W1-writers",
        title: "log a touch: 16 writers of one organization and 16 of 16 organizations",
        engine: Engine::Postgres,
        set: Set::Book,
        connections: &[16],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| {
            async move {
                let one = (0..SMALL_USERS).map(|number| Person { organization: 1, number });
                let many = (0..SMALL_USERS).map(|number| Person { organization: 1 + number, number });
                Ok(vec![
                    writers_of(context, "16 writers of one organization", one).await?,
                    writers_of(context, "16 writers of 16 organizations", many).await?,
                ])
            }
            .boxed()
        },
    }
}

/// Creates a contender in which each person logs touches at an account of their own.
async fn writers_of(context: &Context<'_>, name: &str, people: impl Iterator<Item = Person>) -> Result<Contender> {
    let mut requests = Vec::new();
    for person in people {
        let token = context.database.sign_in(person).await?;
        let input = input(
            book::small_account(person.organization, person.number),
            book::small_contact(person.organization, person.number),
        );
        requests.push(Request::graphql(&token.text, DOCUMENT, &json!({ "input": input })));
    }
    let source = Arc::new(move |connection: usize, _| {
        let index = connection % requests.len().max(1);
        requests.get(index).cloned().unwrap_or_else(|| Request::get("/"))
    });
    Ok(Contender { name: name.to_owned(), accept: was_written, ..context.server(source) })
}
