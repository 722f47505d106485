//! Inserts many rows by one statement.
//!
//! For five hundred rows as VALUES with one parameter per column, PostgreSQL takes ten times longer to parse the statement than
//! to execute it. On PostgreSQL the rows are therefore one JSON parameter, and the text of the statement is the same for any
//! number of rows. A column with the same value in all rows is a parameter of its own. SQLite parses quickly and gets VALUES.

use std::io::Write as _;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iden,
    IdenStatic as _, Iterable, PrimaryKeyToColumn, Statement, Value,
};

use crate::sql::Sql;

/// The number of parameters that both databases allow in one statement.
const PARAMETERS: usize = 30_000;

/// Inserts rows, all with the same columns set. With `exist`, the rows exist already and are locked; they are replaced.
pub async fn insert<E, C>(tx: &C, rows: Vec<E::ActiveModel>, exist: bool) -> Result<(), DbErr>
where
    C: ConnectionTrait,
    E: EntityTrait,
    E::ActiveModel: Send,
{
    let columns = E::Column::iter().count();
    if rows.is_empty() {
        return Ok(());
    }
    if rows.len() > 1 && tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_raw(as_json::<E>(rows, exist)?).await?;
        return Ok(());
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take((PARAMETERS / columns).max(1)).collect();
        let mut insert = E::insert_many(chunk);
        if exist {
            let keys: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
            let rest: Vec<E::Column> = E::Column::iter().filter(|column| !is_key::<E>(*column)).collect();
            insert = insert.on_conflict(OnConflict::columns(keys).update_columns(rest).to_owned());
        }
        insert.exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Inserts rows, all with the same columns set, if the guard's selection finds a row. Returns whether the rows were inserted.
pub async fn insert_guarded<E, C>(tx: &C, rows: Vec<E::ActiveModel>, guard: impl Fn(&mut Sql)) -> Result<bool, DbErr>
where
    C: ConnectionTrait,
    E: EntityTrait,
    E::ActiveModel: Send,
{
    let backend = tx.get_database_backend();
    if rows.len() > 1 && backend == DbBackend::Postgres {
        let insert = as_json::<E>(rows, false)?;
        let mut sql = Sql::new(backend);
        for value in insert.values.into_iter().flat_map(|values| values.0) {
            sql.parameter(value);
        }
        sql.push("with guard as (");
        guard(&mut sql);
        sql.push(") ").push(&insert.sql).push(", guard");
        return Ok(tx.execute_raw(sql.statement()).await?.rows_affected() > 0);
    }
    let columns = E::Column::iter().count();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take((PARAMETERS / columns).max(1)).collect();
        let mut sql = Sql::new(backend);
        sql.push("with guard as (");
        guard(&mut sql);
        sql.push(") ");
        Rows::of::<E>(chunk).write(Some("guard"), &mut sql);
        if tx.execute_raw(sql.statement()).await?.rows_affected() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A few rows to insert as VALUES, all with the same columns set.
pub struct Rows {
    /// `insert into "table" ("column", …)`.
    into: String,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Creates the statement for `rows`, of which there must be at least one.
    pub fn of<E: EntityTrait>(mut rows: Vec<E::ActiveModel>) -> Self {
        let columns = set_columns::<E>(&rows);
        let mut into = format!("insert into \"{}\" (", E::default().as_str());
        for (number, column) in columns.iter().enumerate() {
            into.push_str(if number == 0 { "\"" } else { ", \"" });
            into.push_str(column.as_str());
            into.push('"');
        }
        into.push(')');
        let values = |row: &mut E::ActiveModel| {
            columns.iter().map(|column| row.take(*column).into_value().unwrap_or(Value::String(None))).collect()
        };
        Self { into, rows: rows.iter_mut().map(values).collect() }
    }

    /// Writes the insert statement. With the name of a table in `times`, the rows are inserted only if that table has its one
    /// row, and not at all if it is empty.
    pub fn write(self, times: Option<&str>, sql: &mut Sql) {
        sql.push(&self.into);
        if let Some(table) = times {
            sql.push(" select given.* from ").push(table).push(", (");
        }
        for (number, row) in self.rows.into_iter().enumerate() {
            sql.push(if number == 0 { " values (" } else { ", (" });
            for (index, value) in row.into_iter().enumerate() {
                if index > 0 {
                    sql.push(", ");
                }
                sql.value(value);
            }
            sql.push(")");
        }
        if times.is_some() {
            sql.push(") as given");
        }
    }
}

/// Returns the columns that are set in the rows.
fn set_columns<E: EntityTrait>(rows: &[E::ActiveModel]) -> Vec<E::Column> {
    let is_set = |column: &E::Column| {
        rows.first().is_some_and(|row| matches!(row.get(*column), ActiveValue::Set(_) | ActiveValue::Unchanged(_)))
    };
    E::Column::iter().filter(is_set).collect()
}

fn is_key<E: EntityTrait>(column: E::Column) -> bool {
    E::PrimaryKey::from_column(column).is_some()
}

/// Returns the PostgreSQL statement for rows. Its parameters are the rows as JSON, and the values that all rows have in common.
fn as_json<E: EntityTrait>(mut rows: Vec<E::ActiveModel>, exist: bool) -> Result<Statement, DbErr> {
    let columns = set_columns::<E>(&rows);
    let mut names = Vec::with_capacity(columns.len());
    let mut selected = Vec::with_capacity(columns.len());
    let mut typed = Vec::with_capacity(columns.len());
    let mut differing = Vec::with_capacity(columns.len());
    let mut parameters = vec![Value::String(None)];
    for (index, column) in columns.iter().enumerate() {
        let not_set = || DbErr::Type(format!("{} is not set in all rows", column.to_string()));
        let taken = rows.iter_mut().map(|row| row.take(*column).into_value().ok_or_else(not_set));
        let mut values: Vec<Value> = taken.collect::<Result<_, _>>()?;
        let kind = type_of(*column)?;
        names.push(format!("\"{}\"", column.to_string()));
        // A value that all rows have in common, as most values of a mutation are, is sent once. At least one column must remain
        // in the JSON rows.
        let is_needed = differing.is_empty() && index + 1 == columns.len();
        if !is_needed && values.windows(2).all(|pair| pair[0] == pair[1]) {
            parameters.extend(values.pop());
            selected.push(format!("${}::{kind}", parameters.len()));
        } else {
            selected.push(format!("c{index}"));
            typed.push(format!("c{index} {kind}"));
            differing.push((index, values.into_iter()));
        }
    }
    let mut json = Vec::with_capacity(rows.len() * differing.len() * 32);
    for number in 0..rows.len() {
        json.extend_from_slice(if number == 0 { b"[{" } else { b",{" });
        let mut is_first = true;
        for (index, values) in &mut differing {
            // A missing member of a JSON row is null.
            let Some(value) = values.next().filter(|value| *value != value.as_null()) else { continue };
            let before = if is_first { "" } else { "," };
            is_first = false;
            // Writing into memory does not fail.
            let _ = write!(json, "{before}\"c{index}\":");
            write_json(value, &mut json)?;
        }
        json.push(b'}');
    }
    json.push(b']');
    parameters[0] = String::from_utf8(json).map_err(|error| DbErr::Type(error.to_string()))?.into();
    let mut sql = format!(
        "insert into \"{}\" ({}) select {} from json_to_recordset($1::json) as given ({})",
        E::default().to_string(),
        names.join(", "),
        selected.join(", "),
        typed.join(", ")
    );
    if exist {
        let keys: Vec<String> = E::PrimaryKey::iter()
            .map(|key| format!("\"{}\"", PrimaryKeyToColumn::into_column(key).to_string()))
            .collect();
        let rest: Vec<String> = columns
            .iter()
            .zip(&names)
            .filter(|(column, _)| !is_key::<E>(**column))
            .map(|(_, name)| format!("{name} = excluded.{name}"))
            .collect();
        sql = format!("{sql} on conflict ({}) do update set {}", keys.join(", "), rest.join(", "));
    }
    Ok(Statement::from_sql_and_values(DbBackend::Postgres, sql, parameters))
}

/// Returns the PostgreSQL type of a column.
fn type_of<C: ColumnTrait>(column: C) -> Result<&'static str, DbErr> {
    Ok(match column.def().get_column_type() {
        ColumnType::Uuid => "uuid",
        ColumnType::String(_) | ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::BigInteger => "bigint",
        ColumnType::Boolean => "boolean",
        ColumnType::Double => "double precision",
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => "bytea",
        other => return Err(DbErr::Type(format!("{} has the unsupported type {other:?}", column.to_string()))),
    })
}

fn write_json(value: Value, out: &mut Vec<u8>) -> Result<(), DbErr> {
    let written = match value {
        Value::Uuid(id) => serde_json::to_writer(out, &id),
        Value::String(text) => serde_json::to_writer(out, &text),
        Value::Int(number) => serde_json::to_writer(out, &number),
        Value::BigInt(number) => serde_json::to_writer(out, &number),
        Value::Bool(flag) => serde_json::to_writer(out, &flag),
        Value::Double(number) => serde_json::to_writer(out, &number),
        Value::Bytes(bytes) => {
            let text = bytes.map(|bytes| format!("\\x{}", data_encoding::HEXLOWER.encode(&bytes)));
            serde_json::to_writer(out, &text)
        }
        other => return Err(DbErr::Type(format!("{other:?} has an unsupported type"))),
    };
    written.map_err(|error| DbErr::Type(error.to_string()))
}

#[cfg(test)]
mod tests {
    use entity::{external_id, organization};
    use sea_orm::IntoActiveModel;

    use super::*;

    #[test]
    fn rows_are_one_json_parameter_and_common_values_are_others() {
        let row = external_id::Model {
            organization_id: entity::OrganizationId(uuid::Uuid::nil()),
            noun: "account".to_owned(),
            source: "a \"b\" \\".to_owned(),
            id: "é".to_owned(),
            subject_id: uuid::Uuid::nil(),
        };
        let row = row.into_active_model().reset_all();
        let mut others = row.clone();
        others.id = sea_orm::ActiveValue::Set("x".to_owned());
        let statement = as_json::<external_id::Entity>(vec![row, others], true).unwrap();
        assert_eq!(
            statement.sql,
            "insert into \"external_id\" (\"organization_id\", \"noun\", \"source\", \"id\", \"subject_id\") \
             select $2::uuid, $3::text, $4::text, c3, $5::uuid from json_to_recordset($1::json) as given (c3 text) \
             on conflict (\"organization_id\", \"noun\", \"source\", \"id\") do update set \"subject_id\" = excluded.\"subject_id\""
        );
        let nil = Value::from(uuid::Uuid::nil());
        let source = Value::from("a \"b\" \\");
        let json = Value::from(r#"[{"c3":"é"},{"c3":"x"}]"#);
        assert_eq!(statement.values.unwrap().0, [json, nil.clone(), "account".into(), source, nil]);
    }

    #[test]
    fn a_null_is_omitted_from_its_json_row() {
        let row = |touch: u128, known: Option<i64>| {
            let row = entity::touch_contact::Model {
                touch_id: entity::TouchId(uuid::Uuid::from_u128(touch)),
                contact_id: entity::ContactId(uuid::Uuid::nil()),
                organization_id: entity::OrganizationId(uuid::Uuid::nil()),
                at: entity::Instant(7),
                answer_known_at: known.map(entity::Instant),
            };
            row.into_active_model().reset_all()
        };
        let statement = as_json::<entity::touch_contact::Entity>(vec![row(1, None), row(2, Some(9))], false).unwrap();
        let json =
            r#"[{"c0":"00000000-0000-0000-0000-000000000001"},{"c0":"00000000-0000-0000-0000-000000000002","c4":9}]"#;
        assert_eq!(statement.values.unwrap().0[0], Value::from(json));
    }

    #[test]
    fn rows_are_written_as_values_that_reuse_parameters() {
        let row = entity::touch_contact::Model {
            touch_id: entity::TouchId(uuid::Uuid::nil()),
            contact_id: entity::ContactId(uuid::Uuid::nil()),
            organization_id: entity::OrganizationId(uuid::Uuid::nil()),
            at: entity::Instant(7),
            answer_known_at: None,
        };
        let row = row.into_active_model().reset_all();
        let into = "insert into \"touch_contact\" (\"touch_id\", \"contact_id\", \"organization_id\", \"at\", \"answer_known_at\")";
        for (times, values) in [
            (None, " values ($2, $2, $2, $3, $4), ($2, $2, $2, $5, $6)"),
            (
                Some("sound"),
                " select given.* from sound, ( values ($2, $2, $2, $3, $4), ($2, $2, $2, $5, $6)) as given",
            ),
        ] {
            let mut sql = Sql::new(DbBackend::Postgres);
            sql.parameter(1_i64);
            Rows::of::<entity::touch_contact::Entity>(vec![row.clone(), row.clone()]).write(times, &mut sql);
            let statement = sql.statement();
            assert_eq!(statement.sql, format!("{into}{values}"));
            let values = statement.values.unwrap().0;
            assert_eq!((values.len(), &values[4]), (6, &Value::from(7_i64)));
        }
    }

    #[test]
    fn every_column_of_every_table_has_a_type() {
        macro_rules! tables {
            ($($table:ident)*) => {$(
                for column in entity::$table::Column::iter() {
                    assert!(type_of(column).is_ok(), "{}.{}", stringify!($table), column.to_string());
                }
            )*};
        }
        tables! {
            account acquaintance assessment booking calendar_feed contact criterion event external_id goal import_change import_record import_run list_review one_on_one opportunity organization
            promise seat snooze target touch touch_contact touch_version touch_version_contact trigger_event user
            plan plan_action plan_benchmark plan_commitment plan_measurement plan_objective plan_question plan_relationship plan_review
        }
        assert_eq!(type_of(organization::Column::ErasureKey).unwrap(), "bytea");
    }
}
