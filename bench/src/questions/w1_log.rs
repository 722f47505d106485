//! A touch is logged, with one of the people there. And the same by 16 people of one organization, beside 16 people of
//! 16 organizations: writers of one organization must not queue.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Plan, Setting, in_turn};
use crate::Result;
use crate::client::Request;
use crate::data::people::{Person, organization};
use crate::data::touches::weighed;
use crate::data::{ACCOUNTS, NOW, SMALL_USERS, Set, book, end_of_day};
use crate::measure::{Contender, was_written};
use crate::stage::Base;
use crate::typeid::TypeId;

const DOCUMENT: &str = "mutation Log($input: LogTouchInput!) { logTouch(input: $input) {
    touch { id kind at subject version } userErrors { code message } } }";

/// At how many accounts of the large organization touches are logged.
const DIFFERENT: u64 = 500;

fn input(account: uuid::Uuid, contact: uuid::Uuid) -> Value {
    json!({
        "accountId": TypeId("account", account).show(),
        "contactIds": [TypeId("contact", contact).show()],
        "kind": "CALL",
        "direction": "OUTBOUND",
        "durationMinutes": 15,
        "subject": "Delivery dates",
        "notes": "Is content with the present supplier but for the delivery times of the last two months.",
        "responded": true,
    })
}

fn inputs() -> impl Iterator<Item = Value> {
    // The first contacts work at the accounts of the same number.
    (0..DIFFERENT)
        .map(|nth| nth * (ACCOUNTS / DIFFERENT))
        .map(|number| input(book::account(number), book::contact(number)))
}

/// The floor's request: who and where instead of a token.
fn below(person: Person, input: &Value) -> Request {
    let mut body = input.clone();
    body["organization"] = person.organization.into();
    body["user"] = person.number.into();
    Request::post("/w1", body.to_string())
}

const PEERS: &str = "mutation Log($touch: TouchInput!) { createTouch(input: {touch: $touch}) {
    touch { rowId kind at subject version } } }";

/// The peers' requests: a touch alone, as it is stored.
fn peers() -> Vec<Request> {
    let (now, missed_at) = (NOW.to_string(), end_of_day(NOW).to_string());
    let touch = |number: u64| {
        let input = input(book::account(number), book::contact(number));
        let said = |field: &str| input[field].as_str().unwrap_or_default();
        let duration = input["durationMinutes"].as_i64().and_then(|minutes| i32::try_from(minutes).ok());
        let (weight, answered, minutes) = weighed(said("kind"), said("direction"), true, false, duration);
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
        })
    };
    let numbers = (0..DIFFERENT).map(|nth| nth * (ACCOUNTS / DIFFERENT));
    let asked = |touch: Value| json!({ "query": PEERS, "variables": { "touch": touch } }).to_string();
    numbers.map(|number| Request::post("/graphql", asked(touch(number)))).collect()
}

/// The question.
pub fn plan() -> Plan {
    Plan {
        name: "W1",
        title: "log a touch",
        base: Base::Postgres,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same: false,
        peer: true,
        contenders: |setting| {
            async move {
                let asked = inputs().map(|input| setting.asked(DOCUMENT, &json!({ "input": input }))).collect();
                let below = inputs().map(|input| below(Person::DIRECTOR, &input)).collect();
                let all = vec![setting.server(in_turn(asked)), setting.floor(in_turn(below))];
                let all: Vec<Contender> =
                    all.into_iter().map(|contender| Contender { accept: was_written, ..contender }).collect();
                setting.database.wrote_the_same(&all).await?;
                Ok([all, setting.peers(&in_turn(peers()))].concat())
            }
            .boxed()
        },
    }
}

/// The question of writers of one organization.
pub fn writers() -> Plan {
    Plan {
        name: "W1-writers",
        title: "log a touch: 16 writers of one organization beside 16 of 16",
        base: Base::Postgres,
        set: Set::Book,
        connections: &[16],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| {
            async move {
                let one = (0..SMALL_USERS).map(|number| Person { organization: 1, number });
                let many = (0..SMALL_USERS).map(|number| Person { organization: 1 + number, number });
                Ok(vec![
                    writer(setting, "16 writers of one organization", one).await?,
                    writer(setting, "16 writers of 16 organizations", many).await?,
                ])
            }
            .boxed()
        },
    }
}

/// People who each log touches at an account of their own.
async fn writer(setting: &Setting<'_>, name: &str, people: impl Iterator<Item = Person>) -> Result<Contender> {
    let mut requests = Vec::new();
    for person in people {
        let token = setting.database.sign_in(person).await?;
        let input = input(
            book::small_account(person.organization, person.number),
            book::small_contact(person.organization, person.number),
        );
        requests.push(Request::graphql(&token.text, DOCUMENT, &json!({ "input": input })));
    }
    let source = Arc::new(move |connection: usize, _| {
        let place = connection % requests.len().max(1);
        requests.get(place).cloned().unwrap_or_else(|| Request::get("/"))
    });
    Ok(Contender { name: name.to_owned(), accept: was_written, ..setting.server(source) })
}
