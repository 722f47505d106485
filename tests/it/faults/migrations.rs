//! The program is killed while it migrates.

use std::time::Duration;

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use tests::{Database, on_both_databases, program};

use crate::migrations::everything;

/// The number of times that every migration is killed.
const ROUNDS: u32 = 20;
/// The number of migrations before the tables have rows.
const EMPTY: u32 = 3;

/// Statements that insert an organization with a member, an account and a touch in the form of the first migrations.
const ROWS: [&str; 4] = [
    "INSERT INTO organization VALUES ({1}, 'Initech', 'USD', 'UTC', 1, NULL, 30, 0.5, 0.5, 0.6, 3, 120, 0.1, 5, 20, {1}, 0, 1)",
    "INSERT INTO member VALUES ({2}, {1}, 'Ada', 'ada', 'ada@initech.example', 'ADMIN', NULL, 'UTC', NULL, '[]', true, 0, 0, 1)",
    "INSERT INTO account (id, organization_id, name, name_key, owner_id, external_ids, custom_fields, created_at, updated_at, version)
        VALUES ({3}, {1}, 'Acme', 'acme', {2}, '[]', '{}', 0, 0, 1)",
    "INSERT INTO touch (id, organization_id, account_id, user_id, kind, status, direction, at, missed_at, recorded_at, responded,
            value_acknowledged, contact_ids, external_ids, created_at, updated_at, version)
        VALUES ({4}, {1}, {3}, {2}, 'MEETING', 'COMPLETED', 'OUTBOUND', 0, 0, 0, true, false, '[]', '[]', 0, 0, 1)",
];

async fn fill(connection: &DatabaseConnection, database: &Database) {
    for text in ROWS {
        let mut sql = text.to_owned();
        for number in 1..=4 {
            let id = format!("{number:032}");
            let bytes = format!("decode('{id}', 'hex')");
            let literal = match database.kind() {
                tests::Kind::Sqlite => format!("x'{id}'"),
                // The erasure key is bytes, the rest are ids.
                tests::Kind::Postgres => format!("'{id}'"),
            };
            if database.kind() == tests::Kind::Postgres {
                sql = sql.replace("20, {1}, 0, 1)", &format!("20, {bytes}, 0, 1)"));
            }
            sql = sql.replace(&format!("{{{number}}}"), &literal);
        }
        connection.execute_unprepared(&sql).await.unwrap();
    }
}

/// Returns the number of recorded migrations; 0 before the first.
async fn recorded(connection: &DatabaseConnection) -> u32 {
    let statement = Statement::from_string(connection.get_database_backend(), "SELECT count(*) FROM seaql_migrations");
    match connection.query_one_raw(statement).await {
        Ok(row) => u32::try_from(row.unwrap().try_get_by_index::<i64>(0).unwrap()).unwrap(),
        Err(_) => 0,
    }
}

/// Starts `callshot migrate` and kills it right after the migration before `number` was recorded, `pause` later.
async fn killed_in(database: &Database, connection: &DatabaseConnection, number: u32, pause: Duration) {
    let mut child = program::command(database, &["migrate"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    while recorded(connection).await < number && child.try_wait().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    let begun = std::time::Instant::now();
    while begun.elapsed() < pause && child.try_wait().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    // Killing fails if the process has just exited by itself.
    let _ended = child.kill().await;
}

#[on_both_databases]
async fn a_killed_migration_leaves_a_database_that_migrates(database: &Database) {
    let migrated = database.connect().await;
    let expected = everything(&migrated).await;
    migrated.close().await.unwrap();
    let all = u32::try_from(Migrator::migrations().len()).unwrap();
    let mut killed = 0;
    for round in 0..ROUNDS {
        let empty = Database::empty(database.kind()).await;
        let connection = empty.connect().await;
        // Half of the rounds upgrade tables with rows.
        let filled = round % 2 == 1;
        if filled {
            Migrator::up(&connection, Some(EMPTY)).await.unwrap();
            fill(&connection, &empty).await;
        }
        // Each round kills later in the migration.
        let pause = Duration::from_micros(u64::from(round) * 150);
        let mut number = recorded(&connection).await;
        let mut left = number;
        while number < all {
            killed_in(&empty, &connection, number, pause).await;
            killed += 1;
            let now = recorded(&connection).await;
            assert!(now >= left, "round {round}: {left} migrations were recorded, {now} are left");
            left = now;
            number = now.max(number + 1);
        }
        let output = program::run(&empty, &["migrate"]).await;
        assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(everything(&connection).await == expected, "round {round}: other tables than after one migration");
        if filled {
            let statement = Statement::from_string(connection.get_database_backend(), "SELECT weight FROM touch");
            let rows = connection.query_all_raw(statement).await.unwrap();
            assert_eq!(rows.len(), 1, "round {round}: the touch is lost");
        }
        connection.close().await.unwrap();
        empty.remove().await;
    }
    assert!(killed >= ROUNDS);
    println!("{killed} kills on {}", database.kind());
}
