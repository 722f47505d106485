//! Tests of the harness itself.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, Statement};
use tests::invariants::no_transaction_is_left_open;
use tests::postgres::installed_programs;
use tests::{Database, Kind, Server, explain, on_both_databases, queries};

#[on_both_databases]
async fn two_databases_have_the_tables_and_not_each_others_rows(database: &Database) {
    let other = Database::migrated(database.kind()).await;
    let (mine, yours) = (database.connect().await, other.connect().await);
    for statement in ["CREATE TABLE mine (n INTEGER)", "INSERT INTO mine VALUES (1)"] {
        mine.execute_unprepared(statement).await.unwrap();
    }
    assert!(yours.execute_unprepared("SELECT n FROM mine").await.is_err());
    for connection in [mine, yours] {
        connection.execute_unprepared("SELECT seq FROM event").await.unwrap();
        connection.close().await.unwrap();
    }
    other.remove().await;
}

#[on_both_databases]
async fn an_empty_database_has_no_tables(database: &Database) {
    let empty = Database::empty(database.kind()).await;
    let connection = empty.connect().await;
    assert!(connection.execute_unprepared("SELECT seq FROM event").await.is_err());
    connection.close().await.unwrap();
    empty.remove().await;
}

#[on_both_databases]
async fn an_open_transaction_is_detected(database: &Database) {
    let (writer, observer) = (database.connect().await, database.connect().await);
    writer.execute_unprepared("CREATE TABLE mine (n INTEGER)").await.unwrap();
    writer.execute_unprepared("BEGIN").await.unwrap();
    writer.execute_unprepared("INSERT INTO mine VALUES (1)").await.unwrap();

    let kind = database.kind();
    let look = async move { no_transaction_is_left_open(kind, &observer, Duration::from_millis(50)).await };
    assert!(tokio::spawn(look).await.unwrap_err().is_panic());
    writer.close().await.unwrap();
}

#[on_both_databases]
async fn a_plan_shows_full_scans_and_sorts(database: &Database) {
    let connection = database.connect().await;
    connection.execute_unprepared("CREATE TABLE mine (id BIGINT PRIMARY KEY, n BIGINT)").await.unwrap();
    connection.execute_unprepared("INSERT INTO mine VALUES (1, 3), (2, 2), (3, 1)").await.unwrap();
    let backend = connection.get_database_backend();

    let everything = Statement::from_string(backend, "SELECT id FROM mine ORDER BY n");
    let plan = explain::explain(&connection, &everything).await;
    assert_eq!(plan.full_scans, ["mine"], "{}", plan.text);
    assert_eq!(plan.sorts.len(), 1, "{}", plan.text);
    if database.kind() == Kind::Postgres {
        assert_eq!(plan.rows_read, Some(3), "{}", plan.text);
        connection.execute_unprepared("SET enable_seqscan = off").await.unwrap();
    }

    let one = Statement::from_sql_and_values(backend, "SELECT n FROM mine WHERE id = $1", [2_i64.into()]);
    let plan = explain::explain(&connection, &one).await;
    assert!(plan.full_scans.is_empty() && plan.sorts.is_empty(), "{}", plan.text);
    connection.close().await.unwrap();
}

#[on_both_databases]
async fn a_server_answers_over_http_and_counts_its_statements(server: &Server) {
    let (answer, statements) = queries::count(server, server.stranger().query("{ __typename }")).await;
    assert_eq!(answer.text("__typename"), "Query");
    assert_eq!(statements, 0);
}

/// In whatever way a test process ends, its PostgreSQL ends too. The child starts a cluster and is killed with signal
/// 9. The supervisor shares the child's standard error, which therefore ends only when everything is cleaned up.
#[test]
fn a_cluster_ends_with_its_process_even_if_that_is_killed() {
    if installed_programs().is_none() {
        assert!(!Kind::Postgres.is_available() || std::env::var_os(tests::databases::POSTGRES_VARIABLE).is_some());
        return;
    }
    let mut holder = Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(holder.stdout.take().unwrap());
    let mut url = String::new();
    std::io::BufRead::read_line(&mut output, &mut url).unwrap();
    let directory = std::path::PathBuf::from(url.trim().split_once("host=").unwrap().1);
    let server = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    let server = format!("/proc/{}/cmdline", server.lines().next().unwrap());
    assert!(runs(&server));

    holder.kill().unwrap();
    holder.wait().unwrap();
    let mut rest = String::new();
    holder.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
    assert!(!directory.exists(), "{} is still there: {rest}", directory.display());
    // The server removes its lock file shortly before its process ends.
    let deadline = Instant::now() + Duration::from_secs(5);
    while runs(&server) {
        assert!(Instant::now() < deadline, "the server still runs: {rest}");
        std::thread::yield_now();
    }
}

/// Whether a process has a command line, which a zombie process has not.
fn runs(command_line: &str) -> bool {
    std::fs::read(command_line).is_ok_and(|words| !words.is_empty())
}
