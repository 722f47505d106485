//! The invariants that are checked after every test.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::databases::{Database, Kind};
use crate::replay;

/// How long the transaction of a canceled request may take to end.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks all invariants on a database for which no request is running any more.
///
/// # Panics
/// If one is broken.
pub async fn check(database: &Database) {
    let connection = database.connect().await;
    no_transaction_is_left_open(database.kind(), &connection, TRANSACTION_TIMEOUT).await;
    replay::feed_gives_the_tables(&connection, database.has_rows_beside_the_feed()).await;
    connection.close().await.expect("the connection closes");
}

/// Asserts that no pooled connection is left in a transaction: the writes of its next user would be lost.
///
/// # Panics
/// If one still is after `timeout`.
pub async fn no_transaction_is_left_open(kind: Kind, connection: &DatabaseConnection, timeout: Duration) {
    match kind {
        Kind::Sqlite => {
            // A writing transaction has a lock that one connection at a time can hold.
            let setting = format!("PRAGMA busy_timeout = {}", timeout.as_millis());
            connection.execute_unprepared(&setting).await.expect("SQLite takes its settings");
            let free = connection.execute_unprepared("BEGIN IMMEDIATE").await;
            assert!(free.is_ok(), "a transaction was left open: {free:?}");
            connection.execute_unprepared("ROLLBACK").await.expect("the transaction is rolled back");
        }
        Kind::Postgres => {
            let none_is_open = async {
                while open_transactions(connection).await > 0 {
                    tokio::task::yield_now().await;
                }
            };
            let outcome = tokio::time::timeout(timeout, none_is_open).await;
            assert!(outcome.is_ok(), "{} transactions were left open", open_transactions(connection).await);
        }
    }
}

async fn open_transactions(connection: &DatabaseConnection) -> i64 {
    const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                        AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";
    let row = connection.query_one_raw(sea_orm::Statement::from_string(connection.get_database_backend(), OPEN)).await;
    row.expect("connections can be counted").expect("a count is one row").try_get_by_index(0).expect("a number")
}
