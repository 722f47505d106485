//! A pool whose connections are all held by requests that wait for a lock of another session.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tests::program::Program;
use tests::{Answer, Client, Database, Kind, invariants, on_both_databases};
use tokio::task::JoinSet;

use super::load::{Tally, failure};
use super::{Office, UNBOUNDED, report};

const CONNECTIONS: usize = 2;
const REQUESTS: usize = 12;
const WAIT: Duration = Duration::from_millis(1_500);
/// The tolerance for a slow machine.
const LATE: Duration = Duration::from_secs(4);

async fn moves(client: Client, account: String, city: String) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = client.mutate("updateAccount", "account { version }", json!({"id": account, "city": city})).await;
    (answer, begun.elapsed())
}

#[on_both_databases]
async fn a_full_pool_times_out_and_recovers(database: &Database) {
    // On SQLite there is one connection for writing, and reads have connections of their own.
    let (held, reads_go_on) = match database.kind() {
        Kind::Sqlite => (1, true),
        Kind::Postgres => (CONNECTIONS, false),
    };
    let arguments = ["--database-connections", &CONNECTIONS.to_string(), "--database-wait", "1500ms"];
    let program = Program::serve_in(database, &arguments, &UNBOUNDED).await;
    let office = Office::opened(&program).await;
    let (admin, account) = (office.at(&program), office.accounts[0].clone());
    let holder = database.connect().await;
    match database.kind() {
        Kind::Sqlite => holder.execute_unprepared("BEGIN IMMEDIATE").await.unwrap(),
        Kind::Postgres => {
            holder.execute_unprepared("BEGIN").await.unwrap();
            holder.execute_unprepared("SELECT id FROM account FOR UPDATE").await.unwrap()
        }
    };

    // As many requests as there are connections wait for the lock. All others wait for a connection and time out.
    let mut asking = JoinSet::new();
    for number in 0..REQUESTS {
        asking.spawn(moves(admin.clone(), account.clone(), format!("early {number}")));
    }
    let mut tally = Tally::default();
    for _ in held..REQUESTS {
        let (answer, took) = asking.join_next().await.unwrap().unwrap();
        assert_eq!(failure(&answer).as_deref(), Some("TIMEOUT"), "{answer}");
        assert!(took >= WAIT && took < WAIT + LATE, "answered after {took:?}");
        *tally.failed.entry("TIMEOUT".to_owned()).or_default() += 1;
        tally.slowest = tally.slowest.max(took);
    }
    let read = admin.query("{ accounts { totalCount } }").await;
    assert_eq!(failure(&read), (!reads_go_on).then(|| "TIMEOUT".to_owned()), "{read}");

    holder.execute_unprepared("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
    let mut answers = Vec::new();
    while let Some(answered) = asking.join_next().await {
        answers.push(answered.unwrap().0);
    }
    for number in 0..REQUESTS {
        answers.push(moves(admin.clone(), account.clone(), format!("late {number}")).await.0);
    }
    for answer in answers {
        let answer = answer.done();
        let version = answer.data("updateAccount.account.version").as_u64().unwrap();
        tally.versions.insert((0, usize::try_from(version).unwrap()), String::new());
    }
    // The requests that timed out wrote nothing.
    let versions: Vec<usize> = tally.versions.keys().map(|(_, version)| *version).collect();
    assert_eq!(versions, (2..2 + held + REQUESTS).collect::<Vec<_>>());
    let read = admin.query("{ accounts { totalCount } }").await;
    assert_eq!(read.data("accounts.totalCount"), &json!(3));
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
    invariants::check(database).await;
    report("a full pool", database, &[("connections held", held)], &tally);
}
