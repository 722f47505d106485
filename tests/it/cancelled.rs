//! Clients that disconnect during a request, and many concurrent writers: every acknowledged write is stored, and a
//! reader of the feed sees every event once, in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tests::{Client, Kind, World, on_both_databases, replay};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CREATE: &str = "mutation($name: String!) { createAccount(input: {name: $name}) { account { id } } }";

/// Returns the first column of a statement's rows.
async fn column(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Returns the bytes of a request that creates an account.
fn request(world: &World, token: &str, name: &str) -> Vec<u8> {
    let body = json!({"query": CREATE, "variables": {"name": name}}).to_string();
    let host = world.server().root().trim_start_matches("http://").to_owned();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[on_both_databases]
async fn acknowledged_writes_remain_when_clients_disconnect(world: &World) {
    let admin = world.admin();
    let session = json!({"email": admin.email(), "password": tests::actors::PASSWORD});
    let signed_in = admin.mutate("signIn", "session { accessToken }", session).await.done();
    let token = signed_in.text("signIn.session.accessToken");
    let host = world.server().root().trim_start_matches("http://");

    let mut acknowledged = BTreeSet::new();
    for round in 0..20_u64 {
        let mut requests = JoinSet::new();
        for place in 0..15_u64 {
            let number = round * 15 + place;
            let name = format!("Account {number}");
            if place % 3 == 0 {
                // Disconnects after some bytes of the request; in the last rounds after all of them.
                let bytes = request(world, token, &name);
                let sent = bytes.len() * usize::try_from(round + 1).unwrap() / 18;
                let mut stream = TcpStream::connect(host).await.unwrap();
                stream.write_all(&bytes[..sent.min(bytes.len())]).await.unwrap();
                continue;
            }
            let client: Client = (***world.admin()).clone();
            requests.spawn(async move {
                let request = client.request().json(&json!({"query": CREATE, "variables": {"name": name}}));
                // Disconnects after some time: from before the server has read the request until long after it has
                // answered. The last round waits for the answer, however long it takes.
                let time_limit =
                    if round < 17 { Duration::from_micros(number * number * 2) } else { Duration::from_mins(1) };
                let answer =
                    tokio::time::timeout(time_limit, async { request.send().await?.json::<Value>().await }).await;
                let answer = answer.ok()?.unwrap();
                assert!(answer.get("errors").is_none(), "{answer}");
                Some(name)
            });
        }
        while let Some(name) = requests.join_next().await {
            acknowledged.extend(name.unwrap());
        }
    }
    // A pooled connection must not be left in the transaction of a canceled request.
    for number in 0..40 {
        let name = format!("Later {number}");
        admin.account(json!({"name": name})).await;
        acknowledged.insert(name);
    }

    assert!(acknowledged.len() > 60, "nearly all went away");
    let connection = world.server().database().connect().await;
    let there: BTreeSet<String> = column(&connection, "SELECT name FROM account").await.into_iter().collect();
    connection.close().await.unwrap();
    let lost: Vec<&String> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
}

const UPSERT: &str = "created";

/// Follows the feed with a cursor until no more events come after the last writer has ended. Returns the ids of the
/// events in their order, and the number of events read before the writers had ended.
async fn follow(client: Client, size: u32, writing: Arc<AtomicUsize>) -> (Vec<String>, usize) {
    const PAGE: &str = "query($first: Int!, $after: String) {
        events(first: $first, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }";
    let (mut ids, mut during) = (Vec::new(), 0);
    let mut after: Option<String> = None;
    loop {
        // Read before the page: if the writers have ended by now, the page contains their last events.
        let ended = writing.load(Ordering::SeqCst) == 0;
        let answer = client.send(PAGE, json!({"first": size, "after": after})).await;
        let page = answer.each("events.nodes", "id");
        if page.is_empty() {
            assert_eq!(answer.data("events.pageInfo.hasNextPage"), &json!(false));
            if ended {
                return (ids, during);
            }
            continue;
        }
        ids.extend(page.into_iter().map(|id| id.as_str().unwrap().to_owned()));
        after = Some(answer.text("events.pageInfo.endCursor").to_owned());
        if !ended {
            during = ids.len();
        }
    }
}

#[on_both_databases]
async fn a_reader_of_the_feed_sees_every_event_once_and_in_order(world: &World) {
    let admin = world.admin();
    let mut shared = Vec::new();
    for name in ["Acme", "Globex", "Hooli"] {
        shared.push(admin.account(json!({"name": name})).await);
    }
    let writing = Arc::new(AtomicUsize::new(8));
    let mut readers = JoinSet::new();
    for size in [1, 3, 50] {
        readers.spawn(follow((***world.admin()).clone(), size, Arc::clone(&writing)));
    }

    let mut writers = JoinSet::new();
    for writer in 0..8_usize {
        let (client, shared) = ((***world.admin()).clone(), shared.clone());
        let writing = Arc::clone(&writing);
        writers.spawn(async move {
            for step in 0..12_usize {
                // All writers change the same few rows,
                let input = json!({"id": shared[(writer + step) % 3], "city": format!("{writer}-{step}")});
                client.mutate("updateAccount", "account { version }", input).await.done();
                // and each creates many rows in one transaction, so that time passes between its first event and its
                // commit.
                let rows: Vec<Value> = (0..=writer * 5)
                    .map(|row| {
                        let id = json!({"source": "test", "id": format!("{writer}-{step}-{row}")});
                        json!({"externalId": id, "name": format!("Row {writer} {step} {row}")})
                    })
                    .collect();
                let made = client.mutate("upsertAccounts", UPSERT, json!({"rows": rows})).await.done();
                assert_eq!(made.data("upsertAccounts.created"), &json!(rows.len()));
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }

    let connection = world.server().database().connect().await;
    let id = match world.server().database().kind() {
        Kind::Sqlite => "SELECT lower(hex(id)) FROM event ORDER BY seq",
        Kind::Postgres => "SELECT replace(id::text, '-', '') FROM event ORDER BY seq",
    };
    let whole = column(&connection, id).await;
    // Replaying checks that the old values of each event are those of the events before it.
    replay::replay(&replay::feed(&connection).await).unwrap();
    connection.close().await.unwrap();

    while let Some(reader) = readers.join_next().await {
        let (ids, during) = reader.unwrap();
        let ids: Vec<String> = ids.iter().map(|id| uuid_of(id)).collect();
        assert!(during > 20, "the reader came late: {during} events before the writers ended");
        let different = ids.iter().zip(&whole).position(|(seen, there)| seen != there);
        assert_eq!((different, ids.len()), (None, whole.len()), "the reader and the feed part ways");
    }
}

/// Returns the UUID of an id of the API, without hyphens.
fn uuid_of(id: &str) -> String {
    let id: entity::EventId = entity::Id::parse(id).unwrap();
    entity::Id::uuid(id).simple().to_string()
}

/// On PostgreSQL, an event with a lower sequence number may be committed after one with a higher. On SQLite it cannot.
#[on_both_databases]
async fn an_event_waits_for_those_before_it(world: &World) {
    const EVENTS: &str =
        "{ events(filter: {types: [\"organization.updated\", \"account.created\"]}) { nodes { type } } }";
    if world.server().database().kind() == Kind::Sqlite {
        return;
    }
    let slow = world.server().database().connect().await;
    slow.execute_unprepared("BEGIN").await.unwrap();
    slow.execute_unprepared(
        "INSERT INTO event (id, organization_id, at, type, subject_noun, subject_id, changes)
         SELECT gen_random_uuid(), id, 0, 'organization.updated', 'organization', id, '{}' FROM organization",
    )
    .await
    .unwrap();

    let admin = world.admin();
    admin.account(json!({"name": "Acme"})).await;
    let none: [&str; 0] = [];
    assert_eq!(admin.query(EVENTS).await.each("events.nodes", "type"), none, "a later event was events first");
    assert_eq!(admin.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(1));

    slow.execute_unprepared("COMMIT").await.unwrap();
    let events = admin.query(EVENTS).await;
    assert_eq!(events.each("events.nodes", "type"), ["organization.updated", "account.created"]);
    slow.close().await.unwrap();
}

#[on_both_databases]
async fn concurrent_assignments_add_a_user_to_the_team_once(world: &World) {
    let ann = world.seller("Ann").await;
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let mut given = JoinSet::new();
    for number in 0..8 {
        let id = admin.opportunity(&acme, json!({"name": format!("Deal {number}")})).await;
        let input = json!({"id": id, "ownerId": ann.id()});
        let client: Client = (***admin).clone();
        given.spawn(async move { client.mutate("updateOpportunity", "opportunity { id }", input).await.done() });
    }
    while let Some(answer) = given.join_next().await {
        answer.unwrap();
    }
    let joined = admin.query("{ events(filter: {types: [\"account.team_changed\"]}) { nodes { changes } } }").await;
    let seat = format!("team.{}", ann.id());
    assert_eq!(joined.data("events.nodes"), &json!([{"changes": {seat: {"from": null, "to": "SELLER"}}}]));
}
