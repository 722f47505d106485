//! Loading the rows into a database. Indexes are dropped first and created again at the end, which is faster.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, QueryBuilder, Row as _, Sqlite};

use super::{Row, Set, Table, Value};
use crate::Result;

/// The number of bytes after which a chunk of a COPY is sent.
const CHUNK: usize = 1 << 20;
/// The number of rows per INSERT into SQLite.
const ROWS_PER_INSERT: usize = 200;

/// Fills a migrated PostgreSQL database.
pub async fn postgres(connection: &mut PgConnection, set: Set) -> Result<()> {
    // The references are valid by construction, and checking them would take most of the time. Only superusers may
    // disable the checks, so an error is ignored.
    let _ignored = connection.execute("set session_replication_role = replica").await;
    for Table { name, columns, rows } in set.tables() {
        let begun = Instant::now();
        let query = sqlx::query_as::<_, (String, String)>(
            "select i.indexname, i.indexdef from pg_indexes i
             where i.schemaname = 'public' and i.tablename = $1
               and not exists (select from pg_constraint c where c.conindid = to_regclass(quote_ident(i.indexname)))",
        );
        let indexes = query.bind(name).fetch_all(&mut *connection).await?;
        for (index, _) in &indexes {
            connection.execute(AssertSqlSafe(format!("drop index \"{index}\""))).await?;
        }
        let names = columns.join(", ");
        let mut copy = connection.copy_in_raw(&format!("copy {name} ({names}) from stdin")).await?;
        let mut chunk = String::with_capacity(CHUNK + 4096);
        let mut count = 0_u64;
        for row in rows {
            write_copy_row(&row, &mut chunk);
            count += 1;
            if chunk.len() > CHUNK {
                copy.send(chunk.as_bytes()).await?;
                chunk.clear();
            }
        }
        copy.send(chunk.as_bytes()).await?;
        copy.finish().await?;
        for (_, definition) in indexes {
            connection.execute(AssertSqlSafe(definition)).await?;
        }
        eprintln!("  {name}: {count} rows, {:.1} s", begun.elapsed().as_secs_f64());
    }
    connection.execute("vacuum (analyze)").await?;
    connection.execute("checkpoint").await?;
    Ok(())
}

/// Writes a row in the text format of COPY.
fn write_copy_row(row: &Row, out: &mut String) {
    use std::fmt::Write as _;
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push('\t');
        }
        // Writing to a string does not fail.
        let _ = match value {
            Value::Null => write!(out, "\\N"),
            Value::Int(number) => write!(out, "{number}"),
            Value::Float(number) => write!(out, "{number}"),
            Value::Bool(flag) => write!(out, "{flag}"),
            Value::Id(id) => write!(out, "{id}"),
            Value::Bytes(bytes) => {
                out.push_str("\\\\x");
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            Value::Text(text) => {
                for char in text.chars() {
                    match char {
                        '\\' => out.push_str("\\\\"),
                        '\t' => out.push_str("\\t"),
                        '\n' => out.push_str("\\n"),
                        '\r' => out.push_str("\\r"),
                        other => out.push(other),
                    }
                }
                Ok(())
            }
        };
    }
    out.push('\n');
}

/// Fills a migrated SQLite database.
pub async fn sqlite(connection: &mut SqliteConnection, set: Set) -> Result<()> {
    for Table { name, columns, rows } in set.tables() {
        let begun = Instant::now();
        let query = sqlx::query(
            "select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name = ?1",
        );
        let indexes = query.bind(name).fetch_all(&mut *connection).await?;
        for index in &indexes {
            let index: String = index.try_get(0)?;
            connection.execute(AssertSqlSafe(format!("drop index \"{index}\""))).await?;
        }
        let names = columns.join(", ");
        let mut transaction = connection.begin().await?;
        let mut rows = rows.peekable();
        let mut count = 0_usize;
        while rows.peek().is_some() {
            let chunk: Vec<Row> = rows.by_ref().take(ROWS_PER_INSERT).collect();
            count += chunk.len();
            let mut insert = QueryBuilder::<Sqlite>::new(format!("insert into {name} ({names}) "));
            insert.push_values(chunk, |mut values, row| {
                for value in row {
                    match value {
                        Value::Null => values.push_bind(None::<i64>),
                        Value::Text(text) => values.push_bind(text),
                        Value::Int(number) => values.push_bind(number),
                        Value::Float(number) => values.push_bind(number),
                        Value::Bool(flag) => values.push_bind(flag),
                        Value::Id(id) => values.push_bind(id),
                        Value::Bytes(bytes) => values.push_bind(bytes),
                    };
                }
            });
            insert.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        for index in indexes {
            let definition: String = index.try_get(1)?;
            connection.execute(AssertSqlSafe(definition)).await?;
        }
        eprintln!("  {name}: {count} rows, {:.1} s", begun.elapsed().as_secs_f64());
    }
    connection.execute("analyze").await?;
    connection.execute("pragma wal_checkpoint(truncate)").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::write_copy_row;
    use crate::data::{Value, row};

    #[test]
    fn values_are_written_in_the_text_format_of_copy() {
        let mut out = String::new();
        write_copy_row(&row![1, true, None::<i64>, "a\tb\\c\n", Value::Bytes(vec![0, 255]), 0.5], &mut out);
        assert_eq!(out, "1\ttrue\t\\N\ta\\tb\\\\c\\n\t\\\\x00ff\t0.5\n");
    }
}
