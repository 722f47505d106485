//! A failover of PostgreSQL: the primary is stopped at once, and a standby is promoted. Both are servers of the test's own.

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use serde_json::{Value, json};
use tests::postgres::{Cluster, installed_programs};
use tests::program::Program;
use tests::proxy::Proxy;
use tests::standby::standby_of;
use tests::{Client, Database, Kind, invariants};

use super::load::{Expect, Load, Outcome};
use super::{Office, UNBOUNDED, report, rows};

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
    while !rows(connection, query).await[0].try_get_by_index::<bool>(0).unwrap() {
        rows(connection, "SELECT pg_sleep(0.05)").await;
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
    client.send("query($after: String) { events(after: $after) { nodes { type } } }", json!({"after": after})).await
}

#[test]
fn a_synchronous_failover_loses_nothing_that_was_acknowledged() {
    tests::run(Kind::Postgres, async |_: &Database| {
        let Some(pair) = Pair::start().await else { return };
        let office = Office::opened(&pair.program).await;
        let administrator = pair.databases[0].connect().await;
        for statement in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            administrator.execute_unprepared(statement).await.unwrap();
        }
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
