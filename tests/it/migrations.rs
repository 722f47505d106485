//! Migrations go up, down and up again, and leave the same tables, indexes and rules behind.

use entity::{AccountId, Id as _};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use tests::{Database, Kind, World, on_both_databases};

/// Everything that a migration makes, as text; and not the book in which SeaORM notes what has run.
pub(crate) async fn everything(connection: &DatabaseConnection) -> Vec<String> {
    let question = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT concat_ws(' ', table_name, column_name, data_type, collation_name, is_nullable, column_default)
                 FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'
             UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
                 FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                 AND conrelid <> 'seaql_migrations'::regclass
             UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
             UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
             UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public'
             ORDER BY 1"
        }
        _ => {
            "SELECT coalesce(sql, name) FROM sqlite_master
                 WHERE tbl_name NOT IN ('seaql_migrations', 'sqlite_sequence') AND tbl_name NOT LIKE 'sqlite_stat%' ORDER BY 1"
        }
    };
    let statement = Statement::from_string(connection.get_database_backend(), question);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[on_both_databases]
async fn up_and_down_and_up_again_gives_the_same(database: &Database) {
    let migrated = database.connect().await;
    let expected = everything(&migrated).await;
    assert!(!expected.is_empty());
    migrated.close().await.unwrap();

    let empty = Database::empty(database.kind()).await;
    let connection = empty.connect().await;
    Migrator::up(&connection, None).await.unwrap();
    assert_eq!(everything(&connection).await, expected);

    let steps = u32::try_from(Migrator::migrations().len()).unwrap();
    for down in 1..=steps {
        Migrator::down(&connection, Some(down)).await.unwrap();
        if down == steps {
            assert_eq!(everything(&connection).await, Vec::<String>::new(), "something stays behind");
        }
        Migrator::up(&connection, None).await.unwrap();
        assert_eq!(everything(&connection).await, expected, "after {down} down and up again");
    }
    connection.close().await.unwrap();
    empty.remove().await;
}

#[on_both_databases]
async fn migrating_what_is_migrated_changes_nothing(database: &Database) {
    let connection = database.connect().await;
    let before = everything(&connection).await;
    Migrator::up(&connection, None).await.unwrap();
    assert_eq!(everything(&connection).await, before);
    connection.close().await.unwrap();
}

/// Keys that name no organization although what they refer to has one.
const LONE_KEYS: &str = "SELECT concat(key.conrelid::regclass, ': ', pg_get_constraintdef(key.oid)) FROM pg_constraint key
    WHERE key.contype = 'f' AND array_length(key.conkey, 1) = 1 AND EXISTS (
        SELECT FROM pg_index WHERE indrelid = key.confrelid AND indisunique
            AND pg_get_indexdef(indexrelid) LIKE '% (organization_id, id)'
    )
    UNION ALL SELECT concat(pg_class.relname, ' names no organization') FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('seaql_migrations', 'organization', 'event', 'feed_history')
        AND NOT EXISTS (
            SELECT FROM pg_constraint key JOIN pg_attribute refers ON refers.attrelid = key.conrelid AND refers.attnum = key.conkey[1]
            WHERE key.conrelid = pg_class.oid AND key.contype = 'f' AND refers.attname = 'organization_id'
        )
    ORDER BY 1";

/// SQLite's tables were made before, and their keys cannot be changed.
#[test]
fn on_postgres_a_row_refers_to_others_of_its_own_organization_alone() {
    tests::run(Kind::Postgres, async |world: &World| {
        let account = world.admin().account(json!({"name": "Acme"})).await;
        let elsewhere = world.another_organization("Globex").await;
        elsewhere.admin().account(json!({"name": "Elsewhere"})).await;
        let connection = world.server().database().connect().await;
        let statement = Statement::from_string(DbBackend::Postgres, LONE_KEYS);
        let alone = connection.query_all_raw(statement).await.unwrap();
        let alone: Vec<String> = alone.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(alone, Vec::<String>::new());
        // An account of one organization with a parent in the other is nothing that the database keeps.
        let id = AccountId::parse(&account).unwrap().uuid();
        let across = format!("UPDATE account SET parent_id = '{id}' WHERE name = 'Elsewhere'");
        let refused = connection.execute_unprepared(&across).await.unwrap_err();
        assert!(refused.to_string().contains("account_parent_id_fkey"), "{refused}");
        connection.close().await.unwrap();
    });
}
