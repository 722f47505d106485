//! Outages of PostgreSQL and the network under load.

use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use serde_json::json;
use tests::program::Program;
use tests::proxy::{Commit, Proxy};
use tests::{Database, Kind, invariants};

use super::load::{Expect, Load, Outcome, Tally};
use super::{Office, UNBOUNDED, report, rows};

/// The server's request timeout in these tests.
const PATIENCE: Duration = Duration::from_secs(4);
/// The tolerance for a slow machine.
const LATE: Duration = Duration::from_secs(5);
/// The idle time after which the pool pings a connection before use.
const IDLE: Duration = Duration::from_millis(1_200);
/// How long the database is unreachable.
const GONE: Duration = Duration::from_secs(5);

async fn served_through(proxy: &Proxy, database: &Database) -> Program {
    let environment = [&UNBOUNDED[..], &[("DATABASE_URL", proxy.url())]].concat();
    Program::serve_in(database, &["--database-wait", "2s", "--request-timeout", "4s"], &environment).await
}

/// Returns the status of `/readyz`.
async fn readiness(program: &Program) -> u16 {
    program.stranger().at("/readyz", reqwest::Method::GET).send().await.unwrap().status().as_u16()
}

/// Ends the program, and checks the data that it wrote.
async fn is_whole(office: &Office, program: Program, tally: &Tally, database: &Database) {
    assert_eq!(readiness(&program).await, 200);
    office.has_all_of(tally, database, &office.at(&program)).await;
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
    let panics: Vec<&String> = lines.iter().filter(|line| line.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
    invariants::check(database).await;
    assert!(tally.slowest < PATIENCE + LATE, "{tally}");
}

#[test]
fn the_database_is_gone_for_five_seconds_and_comes_back() {
    tests::run(Kind::Postgres, async |database: &Database| {
        let mut proxy = Proxy::to(database);
        let program = served_through(&proxy, database).await;
        let office = Office::opened(&program).await;
        let mut load = Load::start(&office.at(&program), &office.accounts, 0, Expect::Answers);
        load.meets(Outcome::Acknowledged, 100).await;

        proxy.cut().await;
        let begun = Instant::now();
        load.forget();
        load.meets(Outcome::Failed, 10).await;
        assert_eq!(readiness(&program).await, 503);
        load.goes_on(begun, GONE).await;
        proxy.restore();

        load.forget();
        load.meets(Outcome::Acknowledged, 100).await;
        load.meets(Outcome::Read, 10).await;
        let tally = load.end().await;
        is_whole(&office, program, &tally, database).await;
        report("the database gone for 5 s", database, &[], &tally);
    });
}

#[test]
fn the_network_is_silent_for_five_seconds_and_speaks_again() {
    tests::run(Kind::Postgres, async |database: &Database| {
        let proxy = Proxy::to(database);
        let program = served_through(&proxy, database).await;
        let office = Office::opened(&program).await;
        let mut load = Load::start(&office.at(&program), &office.accounts, 0, Expect::Answers);
        load.meets(Outcome::Acknowledged, 100).await;

        proxy.pause();
        let begun = Instant::now();
        load.forget();
        let failed = load.goes_on(begun, GONE).await;
        assert!(failed > 0, "no request failed");
        proxy.resume();

        load.forget();
        load.meets(Outcome::Acknowledged, 100).await;
        load.meets(Outcome::Read, 10).await;
        let tally = load.end().await;
        is_whole(&office, program, &tally, database).await;
        report("no byte for 5 s", database, &[], &tally);
    });
}

/// Ends all connections to the database except the caller's, as an administrator may, and returns their number.
async fn end_connections(connection: &DatabaseConnection) -> usize {
    const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = rows(connection, END).await;
    ended.iter().filter(|row| row.try_get_by_index::<bool>(0).unwrap()).count()
}

#[test]
fn the_administrator_ends_all_connections_again_and_again() {
    tests::run(Kind::Postgres, async |database: &Database| {
        const TIMES: usize = 15;
        let program = Program::serve_in(database, &["--request-timeout", "4s"], &UNBOUNDED).await;
        let office = Office::opened(&program).await;
        let administrator = database.connect().await;
        let mut load = Load::start(&office.at(&program), &office.accounts, 0, Expect::Answers);
        let mut ended = 0;
        for time in 0..TIMES {
            load.meets(Outcome::Acknowledged, 10 + 3 * time).await;
            ended += end_connections(&administrator).await;
            load.forget();
        }
        load.meets(Outcome::Acknowledged, 50).await;
        let tally = load.end().await;
        assert!(ended >= TIMES && tally.failures() > 0, "{ended} connections ended: {tally}");

        // The connections in the pool also end while there are no requests. The next request must not fail because of that.
        end_connections(&administrator).await;
        administrator.close().await.unwrap();
        let (begun, alive) = (Instant::now(), program.stranger().at("/livez", reqwest::Method::GET));
        while begun.elapsed() < IDLE {
            assert_eq!(alive.try_clone().unwrap().send().await.unwrap().status(), 200);
        }
        for _ in 0..10 {
            let answer = office.at(&program).query("{ accounts { totalCount } }").await;
            assert_eq!(answer.data("accounts.totalCount"), &serde_json::json!(3));
        }
        is_whole(&office, program, &tally, database).await;
        let figures = [("times", TIMES), ("connections ended", ended)];
        report("connections ended by the administrator", database, &figures, &tally);
    });
}

/// The connection breaks while a mutation commits. Whether it was committed cannot be known, and the error says so.
#[test]
fn a_commit_without_an_answer_has_an_unknown_outcome() {
    const TOUCH: &str = "created unchanged";
    tests::run(Kind::Postgres, async |database: &Database| {
        let proxy = Proxy::to(database);
        let program = served_through(&proxy, database).await;
        let office = Office::opened(&program).await;
        let admin = office.at(&program);
        let observer = database.connect().await;
        let touch = |name: &str| {
            json!({"rows": [{"externalId": {"source": "crm", "id": name}, "account": {"id": office.accounts[0]},
                "kind": "CALL", "status": "COMPLETED", "at": "2024-05-06T10:00:00Z", "subject": name}]})
        };
        for (name, commit) in [("committed", Commit::Sent), ("not committed", Commit::Unsent)] {
            proxy.break_at(commit);
            let answer = admin.mutate("upsertTouches", TOUCH, touch(name)).await;
            assert_eq!(answer.error_code(), "OUTCOME_UNKNOWN", "{answer}");
            let error = &answer.body["errors"][0];
            assert!(error["extensions"]["reference"].is_string(), "{answer}");
            assert!(error["message"].as_str().unwrap().contains("unknown whether"), "{answer}");
            let account = json!({"id": office.accounts[1], "city": name});
            let answer = admin.mutate("updateAccount", "account { id }", account).await;
            assert_eq!(answer.error_code(), "OUTCOME_UNKNOWN", "{answer}");
            // Reads and refusals are not affected.
            let refused = admin.mutate("createAccount", "account { id }", json!({"name": ""})).await;
            assert_eq!(refused.refusals().len(), 1);
            proxy.resume();
            let there = format!("SELECT 1 FROM touch WHERE subject = '{name}'");
            if commit == Commit::Sent {
                // The server may still be committing.
                while rows(&observer, &there).await.is_empty() {
                    tokio::task::yield_now().await;
                }
            } else {
                assert!(rows(&observer, &there).await.is_empty());
            }
            // An upsert is repeated safely.
            let again = admin.mutate("upsertTouches", TOUCH, touch(name)).await;
            let expected = if commit == Commit::Sent { ["0", "1"] } else { ["1", "0"] };
            let counts =
                ["created", "unchanged"].map(|count| again.data(&format!("upsertTouches.{count}")).to_string());
            assert_eq!(counts, expected, "{again}");
        }
        observer.close().await.unwrap();
        program.terminate().await;
        assert!(program.ended().await.0.success());
        invariants::check(database).await;
    });
}
