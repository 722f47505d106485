//! What must hold after every test, whatever it did.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::databases::{Database, Kind};
use crate::replay;

/// How long a transaction of a request that its client gave up may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks all of them, on a database that no request is running on any more.
///
/// # Panics
/// Where one is broken.
pub async fn check(database: &Database) {
    let connection = database.connect().await;
    no_transaction_is_left_open(database.kind(), &connection, PATIENCE).await;
    replay::feed_gives_the_tables(&connection, database.has_rows_beside_the_feed()).await;
    connection.close().await.expect("the connection closes");
}

/// No connection of a pool is left inside a transaction: its next borrower's writes would be lost.
///
/// # Panics
/// Where one still is after `patience`.
pub async fn no_transaction_is_left_open(kind: Kind, connection: &DatabaseConnection, patience: Duration) {
    match kind {
        Kind::Sqlite => {
            // Only one connection at a time can hold the lock that a writing transaction has.
            let setting = format!("PRAGMA busy_timeout = {}", patience.as_millis());
            connection.execute_unprepared(&setting).await.expect("SQLite takes its settings");
            let free = connection.execute_unprepared("BEGIN IMMEDIATE").await;
            assert!(free.is_ok(), "a transaction was left open: {free:?}");
            connection.execute_unprepared("ROLLBACK").await.expect("what began can end");
        }
        Kind::Postgres => {
            let none_is_open = async {
                while open_transactions(connection).await > 0 {
                    tokio::task::yield_now().await;
                }
            };
            let outcome = tokio::time::timeout(patience, none_is_open).await;
            assert!(outcome.is_ok(), "{} transactions were left open", open_transactions(connection).await);
        }
    }
}

async fn open_transactions(connection: &DatabaseConnection) -> i64 {
    const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                        AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";
    let row = connection.query_one_raw(sea_orm::Statement::from_string(connection.get_database_backend(), OPEN)).await;
    row.expect("PostgreSQL tells its connections").expect("a count is one row").try_get_by_index(0).expect("a number")
}
