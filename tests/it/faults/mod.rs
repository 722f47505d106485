//! Failures around the server. In all of them, every acknowledged write must exist, the feed must have no gaps and reproduce
//! the tables, every failure must be reported in time and with a reference, and the server must recover without a restart.

mod crowds;
mod deactivation;
mod disk;
mod ends;
mod failover;
mod feed;
mod files;
mod load;
mod migrations;
mod operators;
mod outage;
mod pool;
mod statistics;
mod timeouts;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entity::show_id;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use serde_json::{Value, json};
use tests::{Client, Database, Kind, actors, program::Program, replay};
use uuid::Uuid;

use self::load::Tally;

/// Settings without limits per organization, so that one organization can overload the server.
const UNBOUNDED: [(&str, &str); 3] =
    [("CALLSHOT_POINTS", "0"), ("CALLSHOT_SHARE", "64"), ("CALLSHOT_EXPENSIVE_SHARE", "64")];

/// An organization on a running program: its administrator's token, and the accounts that the tests write to.
struct Office {
    token: String,
    accounts: Vec<String>,
}

impl Office {
    async fn opened(program: &Program) -> Self {
        let input = json!({
            "organizationName": "Initech", "name": "Ada", "email": "ada@initech.example", "password": actors::PASSWORD,
        });
        let answer = program.stranger().mutate("signUp", "session { accessToken }", input).await.done();
        let token = answer.text("signUp.session.accessToken").to_owned();
        let mut office = Self { token, accounts: Vec::new() };
        for name in ["Acme", "Globex", "Hooli"] {
            let made = office.at(program).mutate("createAccount", "account { id }", json!({"name": name})).await.done();
            office.accounts.push(made.text("createAccount.account.id").to_owned());
        }
        office
    }

    /// Returns a client of the administrator for a program.
    fn at(&self, program: &Program) -> Client {
        program.stranger().with_token(&self.token)
    }

    /// Checks that the database and the feed contain everything in the tally, that they are consistent, and that the API
    /// returns the complete feed.
    async fn has_all_of(&self, tally: &Tally, database: &Database, client: &Client) {
        let connection = database.connect().await;
        let there = rows(&connection, "SELECT subject FROM touch").await;
        let mut there: Vec<String> = there.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        there.sort_unstable();
        let lost: Vec<&String> = tally.touches.iter().filter(|subject| there.binary_search(subject).is_err()).collect();
        assert!(lost.is_empty(), "{} touches acknowledged and not there: {lost:?}", lost.len());
        assert!(there.windows(2).all(|pair| pair[0] != pair[1]), "a touch is there twice");

        let feed = replay::feed(&connection).await;
        let mut histories: BTreeMap<Uuid, Vec<&Value>> = BTreeMap::new();
        for event in &feed {
            histories.entry(event.subject).or_default().push(&event.changes);
        }
        for noun in ["account", "touch"] {
            for row in rows(&connection, &format!("SELECT id, version FROM {noun}")).await {
                let (id, version): (Uuid, i32) = (row.try_get("", "id").unwrap(), row.try_get("", "version").unwrap());
                let events = histories.get(&id).map_or(0, Vec::len);
                assert_eq!(events, usize::try_from(version).unwrap(), "events and versions of {noun} {id}");
            }
        }
        // The event of each acknowledged version contains the acknowledged value.
        for ((account, version), city) in &tally.versions {
            let id: entity::AccountId = entity::Id::parse(&self.accounts[*account]).unwrap();
            let changes = histories[&entity::Id::uuid(id)][version - 1];
            assert_eq!(changes["city"]["to"], json!(city), "version {version} of account {account}");
        }
        replay::feed_gives_the_tables(&connection, false).await;
        if database.kind() == Kind::Sqlite {
            let sound: String = rows(&connection, "PRAGMA integrity_check").await[0].try_get_by_index(0).unwrap();
            assert_eq!(sound, "ok");
        }
        connection.close().await.unwrap();

        let expected: Vec<(String, String)> =
            feed.into_iter().map(|event| (event.kind, show_id(&event.noun, event.subject))).collect();
        assert!(read_feed(client).await == expected, "the API returns a different feed than the database contains");
    }
}

async fn rows(connection: &DatabaseConnection, question: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), question);
    connection.query_all_raw(statement).await.unwrap()
}

/// Reads the type and the subject of every event, page by page.
async fn read_feed(client: &Client) -> Vec<(String, String)> {
    const PAGE: &str = "query($after: String) { events(first: 200, after: $after) {
        nodes { type subjectId } pageInfo { endCursor hasNextPage } } }";
    let (mut events, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = client.send(PAGE, json!({"after": after})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let nodes = page.data("events.nodes").as_array().unwrap();
        events.extend(nodes.iter().map(|node| (text(&node["type"]), text(&node["subjectId"]))));
        if page.data("events.pageInfo.hasNextPage") == &json!(false) {
            return events;
        }
        after = page.data("events.pageInfo.endCursor").clone();
    }
}

/// Prints the figures of a test, which are visible with `--nocapture`.
fn report(test: &str, database: &Database, figures: &[(&str, usize)], tally: &Tally) {
    let mut line = format!("{test} on {}:", database.kind());
    for (what, number) in figures {
        let _ = write!(line, " {number} {what},");
    }
    println!("{line} {tally}");
}
