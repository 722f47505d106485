//! A failover of PostgreSQL: the primary is stopped at once, and a standby is promoted. Both are servers of the test's own.

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use serde_json::{Value, json};
use tests::postgres::{Cluster, installed_programs};
use tests::program::Program;
use tests::proxy::Proxy;
use tests::standby::standby_of;
use tests::{Client, Database, Kind, invariants};

use super::load::{Expect, Load, Outcome};
use super::{Office, UNBOUNDED, read_feed, report, rows};

/// The settings of a server that a standby can follow.
const REPLICATED: &str = "wal_level = replica
max_wal_senders = 4
full_page_writes = on
synchronous_commit = on";

/// A primary and its standby, with a program that reaches the primary through a proxy.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    proxy: Proxy,
    program: Program,
    /// The databases of the primary and of the standby.
    databases: [Database; 2],
}

impl Pair {
    /// Starts both. Returns None without PostgreSQL's own programs, as when the tests use a server elsewhere.
    async fn start() -> Option<Self> {
        let Some(programs) = installed_programs() else {
            println!("skipped: a failover needs PostgreSQL's own programs on this machine");
            return None;
        };
        let clusters = tokio::task::spawn_blocking(move || {
            let primary = Cluster::start(&programs, REPLICATED).unwrap();
            let standby = standby_of(&primary, &programs).unwrap();
            (primary, standby)
        });
        let (primary, standby) = clusters.await.unwrap();
        let databases = [Database::at(&primary.url()), Database::at(&standby.url())];
        let proxy = Proxy::to(&databases[0]);
        let environment = [&UNBOUNDED[..], &[("DATABASE_URL", proxy.url())]].concat();
        let arguments = ["--database-wait", "2s", "--request-timeout", "4s"];
        let program = Program::serve_in(&databases[0], &arguments, &environment).await;
        Some(Self { primary, standby, proxy, program, databases })
    }

    /// Stops the primary at once, promotes the standby, and leads the program to it. Returns what is left.
    async fn fail_over(self) -> (Program, Database, Cluster, Proxy) {
        let Self { primary, standby, mut proxy, program, databases: [_, database] } = self;
        tokio::task::spawn_blocking(move || drop(primary)).await.unwrap();
        proxy.cut().await;
        let connection = database.connect().await;
        assert!(rows(&connection, "SELECT pg_promote(true, 60)").await[0].try_get_by_index::<bool>(0).unwrap());
        connection.close().await.unwrap();
        proxy.lead_to(&standby.url());
        proxy.restore();
        (program, database, standby, proxy)
    }
}

/// Waits until a query returns true.
async fn until(connection: &DatabaseConnection, query: &str) {
    let mut holds = false;
    for _ in 0..1_200 {
        holds = rows(connection, query).await[0].try_get_by_index(0).unwrap();
        if holds {
            break;
        }
        rows(connection, "SELECT pg_sleep(0.05)").await;
    }
    assert!(holds, "this stays false for a minute: {query}");
}

/// Changes a setting of a server.
async fn set(connection: &DatabaseConnection, setting: &str) {
    for statement in [&format!("ALTER SYSTEM SET {setting}"), "SELECT pg_reload_conf()"] {
        connection.execute_unprepared(statement).await.unwrap();
    }
}

async fn end(program: Program, database: &Database) {
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
    invariants::check(database).await;
}

async fn last_cursor(client: &Client) -> Value {
    client.query("{ events(last: 1) { pageInfo { endCursor } } }").await.data("events.pageInfo.endCursor").clone()
}

async fn follow(client: &Client, after: &Value) -> tests::Answer {
    let document = "query($after: String) { events(first: 100, after: $after) { nodes { type subjectId } } }";
    client.send(document, json!({"after": after})).await
}

#[test]
fn a_synchronous_failover_loses_nothing_that_was_acknowledged() {
    tests::run(Kind::Postgres, async |_: &Database| {
        let Some(pair) = Pair::start().await else { return };
        let office = Office::opened(&pair.program).await;
        let administrator = pair.databases[0].connect().await;
        set(&administrator, "synchronous_standby_names = '*'").await;
        until(&administrator, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'").await;
        administrator.close().await.unwrap();
        let mut load = Load::start(&office.at(&pair.program), &office.accounts, 0, Expect::Answers);
        load.meets(Outcome::Acknowledged, 200).await;
        let cursor = last_cursor(&office.at(&pair.program)).await;

        let (program, database, _standby, _proxy) = pair.fail_over().await;
        load.forget();
        load.meets(Outcome::Acknowledged, 200).await;
        load.meets(Outcome::Read, 10).await;
        let tally = load.end().await;
        let client = office.at(&program);
        office.has_all_of(&tally, &database, &client).await;
        // A follower goes on where it was.
        assert!(!follow(&client, &cursor).await.data("events.nodes").as_array().unwrap().is_empty());
        report("a synchronous failover", &database, &[], &tally);
        end(program, &database).await;
    });
}

#[test]
fn a_follower_of_events_that_a_failover_lost_is_told_to_start_over() {
    tests::run(Kind::Postgres, async |_: &Database| {
        let Some(pair) = Pair::start().await else { return };
        let office = Office::opened(&pair.program).await;
        let client = office.at(&pair.program);
        // The standby has received everything so far, and receives nothing more.
        let kept = (last_cursor(&client).await, read_feed(&client).await);
        let [primary, standby] = [pair.databases[0].connect().await, pair.databases[1].connect().await];
        let received = "SELECT count(*) = 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()";
        until(&primary, received).await;
        set(&standby, "primary_conninfo = ''").await;
        until(&primary, "SELECT count(*) = 0 FROM pg_stat_replication").await;
        primary.close().await.unwrap();
        standby.close().await.unwrap();
        let mut load = Load::start(&client, &office.accounts, 0, Expect::Answers);
        load.meets(Outcome::Acknowledged, 100).await;
        let lost = load.end().await;
        let ahead = last_cursor(&client).await;
        assert!(!follow(&client, &kept.0).await.data("events.nodes").as_array().unwrap().is_empty());

        let (program, database, _standby, _proxy) = pair.fail_over().await;
        let client = office.at(&program);
        // Other events take the places of those that were lost.
        let mut load = Load::start(&client, &office.accounts, 1, Expect::Answers);
        load.meets(Outcome::Acknowledged, 2 * lost.acknowledged()).await;
        let tally = load.end().await;
        office.has_all_of(&tally, &database, &client).await;
        let refused = follow(&client, &ahead).await;
        assert_eq!(refused.error_code(), "BAD_USER_INPUT", "{refused}");
        assert!(refused.to_string().contains("start over"), "{refused}");
        // A follower that has read nothing that was lost goes on where it was, and misses nothing.
        let (cursor, before) = kept;
        let all = read_feed(&client).await;
        assert_eq!(all[..before.len()], before);
        let next = follow(&client, &cursor).await;
        let next: Vec<(&str, &str)> = next.data("events.nodes").as_array().unwrap().iter().map(event).collect();
        let expected = all[before.len()..].iter().map(|(kind, subject)| (kind.as_str(), subject.as_str()));
        assert_eq!(next, expected.take(100).collect::<Vec<_>>());
        report("an asynchronous failover", &database, &[("writes lost", lost.acknowledged())], &tally);
        end(program, &database).await;
    });
}

/// Returns the type and the subject of an event.
fn event(node: &Value) -> (&str, &str) {
    (node["type"].as_str().unwrap(), node["subjectId"].as_str().unwrap())
}
