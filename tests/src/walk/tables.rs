//! The rows of an organization in all tables, to see whether anything changed.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

/// The rows of every table that belong to one organization, as text.
pub type Tables = BTreeMap<String, String>;

/// Reads the organization's rows of all tables that have them. New tables are found by themselves.
///
/// # Panics
/// If one cannot be read.
pub async fn read(connection: &DatabaseConnection, organization: Uuid) -> Tables {
    let mut tables = Tables::new();
    for table in names(connection).await {
        let key = if table == "organization" { "id" } else { "organization_id" };
        let columns = columns(connection, &table).await;
        if columns.iter().any(|column| column == key) {
            let rows = rows(connection, &table, key, &columns, organization).await;
            tables.insert(table, rows);
        }
    }
    assert!(tables.len() > 10, "tables are missing: {:?}", tables.keys());
    tables
}

/// Returns the names of the tables that differ.
#[must_use]
pub fn differing(before: &Tables, after: &Tables) -> Vec<String> {
    before.keys().chain(after.keys()).filter(|table| before.get(*table) != after.get(*table)).cloned().collect()
}

async fn names(connection: &DatabaseConnection) -> Vec<String> {
    texts(
        connection,
        match connection.get_database_backend() {
            DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name".to_owned(),
            _ => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
                .to_owned(),
        },
    )
    .await
}

async fn columns(connection: &DatabaseConnection, table: &str) -> Vec<String> {
    texts(
        connection,
        match connection.get_database_backend() {
            DbBackend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"),
            _ => format!(
                "SELECT column_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY 1"
            ),
        },
    )
    .await
}

async fn rows(
    connection: &DatabaseConnection,
    table: &str,
    key: &str,
    columns: &[String],
    organization: Uuid,
) -> String {
    let (line, id) = match connection.get_database_backend() {
        DbBackend::Sqlite => {
            let all: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            (all.join(" || ',' || "), format!("x'{}'", organization.simple()))
        }
        _ => ("line::text".to_owned(), format!("'{organization}'")),
    };
    let rows =
        texts(connection, format!("SELECT {line} FROM \"{table}\" AS line WHERE \"{key}\" = {id} ORDER BY 1")).await;
    rows.join("\n")
}

async fn texts(connection: &DatabaseConnection, sql: String) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.expect("the tables can be read");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}
