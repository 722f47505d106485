//! One SQL text for both databases: the few words in which they differ are written in braces.

use sea_orm_migration::prelude::{DbErr, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// The words in braces, each with its replacement on PostgreSQL and on SQLite.
const WORDS: [(&str, &str, &str); 9] = [
    ("{uuid}", "uuid", "blob"),
    // Compared byte by byte, whatever the database's locale.
    ("{text}", "text collate \"C\"", "text"),
    ("{bytes}", "bytea", "blob"),
    ("{float}", "double precision", "real"),
    ("{int}", "integer", "integer"),
    ("{long}", "bigint", "integer"),
    ("{bool}", "boolean", "boolean"),
    ("{place}", "bigint primary key", "integer primary key autoincrement"),
    ("{now}", "(extract(epoch from now()) * 1000000)::bigint", "(unixepoch() * 1000000)"),
];

/// Runs statements in their order. A statement that begins with `postgres:` or `sqlite:` runs on that database only.
pub async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    for statement in statements {
        let text = match (statement.strip_prefix("postgres:"), statement.strip_prefix("sqlite:")) {
            (Some(text), _) if postgres => text,
            (_, Some(text)) if !postgres => text,
            (None, None) => statement,
            _ => continue,
        };
        let mut sql = text.to_owned();
        for (word, for_postgres, for_sqlite) in WORDS {
            sql = sql.replace(word, if postgres { for_postgres } else { for_sqlite });
        }
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
