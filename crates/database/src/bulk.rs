//! Many rows in one statement.
//!
//! A list of VALUES with a parameter for each of five hundred rows' columns takes PostgreSQL ten times longer to parse than
//! to carry out. There the rows go over as one JSON parameter, and the statement's text stays the same for any number
//! of them; a column that is the same in all of them goes over by itself. SQLite parses fast, and takes VALUES.

use std::io::Write as _;

use crate::sql::Sql;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iden,
    IdenStatic as _, Iterable, PrimaryKeyToColumn, Statement, Value,
};

/// Parameters of one statement, as far as both databases allow them.
const PARAMETERS: usize = 30_000;

/// Inserts rows, all with the same columns set. Where `exist`, they are there already (and locked), and are replaced.
///
/// # Errors
/// The database's.
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

/// A few rows on their way into a table, as VALUES, all with the same columns set.
pub struct Rows {
    /// `insert into "table" ("column", …)`.
    into: String,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// These rows, of which there is one at least.
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

    /// Writes the statement that inserts them; where there is such a table, as often as it has rows: once, or not at all.
    pub fn write(self, times: Option<&str>, sql: &mut Sql) {
        sql.push(&self.into);
        if let Some(table) = times {
            sql.push(" select given.* from ").push(table).push(", (");
        }
        for (number, row) in self.rows.into_iter().enumerate() {
            sql.push(if number == 0 { " values (" } else { ", (" });
            for (place, value) in row.into_iter().enumerate() {
                if place > 0 {
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

/// The columns that are set in rows.
fn set_columns<E: EntityTrait>(rows: &[E::ActiveModel]) -> Vec<E::Column> {
    let is_set = |column: &E::Column| {
        rows.first().is_some_and(|row| matches!(row.get(*column), ActiveValue::Set(_) | ActiveValue::Unchanged(_)))
    };
    E::Column::iter().filter(is_set).collect()
}

fn is_key<E: EntityTrait>(column: E::Column) -> bool {
    E::PrimaryKey::from_column(column).is_some()
}

/// The statement for these rows, and its parameters: the rows as JSON, and what all of them have in common.
fn as_json<E: EntityTrait>(mut rows: Vec<E::ActiveModel>, exist: bool) -> Result<Statement, DbErr> {
    let columns = set_columns::<E>(&rows);
    let mut names = Vec::with_capacity(columns.len());
    let mut selected = Vec::with_capacity(columns.len());
    let mut typed = Vec::with_capacity(columns.len());
    let mut differing = Vec::with_capacity(columns.len());
    let mut parameters = vec![Value::String(None)];
    for (place, column) in columns.iter().enumerate() {
        let not_set = || DbErr::Type(format!("{} is not set in all rows", column.to_string()));
        let taken = rows.iter_mut().map(|row| row.take(*column).into_value().ok_or_else(not_set));
        let mut values: Vec<Value> = taken.collect::<Result<_, _>>()?;
        let kind = type_of(*column)?;
        names.push(format!("\"{}\"", column.to_string()));
        // What is the same in all rows goes over once: most of what a call brings.
        let is_last_chance = differing.is_empty() && place + 1 == columns.len();
        if !is_last_chance && values.windows(2).all(|pair| pair[0] == pair[1]) {
            parameters.extend(values.pop());
            selected.push(format!("${}::{kind}", parameters.len()));
        } else {
            selected.push(format!("c{place}"));
            typed.push(format!("c{place} {kind}"));
            differing.push((place, values.into_iter()));
        }
    }
    let mut json = Vec::with_capacity(rows.len() * differing.len() * 32);
    for number in 0..rows.len() {
        json.extend_from_slice(if number == 0 { b"[{" } else { b",{" });
        let mut is_first = true;
        for (place, values) in &mut differing {
            // What is not there is null.
            let Some(value) = values.next().filter(|value| *value != value.as_null()) else { continue };
            let before = if is_first { "" } else { "," };
            is_first = false;
            // Writing into memory does not fail.
            let _ = write!(json, "{before}\"c{place}\":");
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

/// A column's type in PostgreSQL.
fn type_of<C: ColumnTrait>(column: C) -> Result<&'static str, DbErr> {
    Ok(match column.def().get_column_type() {
        ColumnType::Uuid => "uuid",
        ColumnType::String(_) | ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::BigInteger => "bigint",
        ColumnType::Boolean => "boolean",
        ColumnType::Double => "double precision",
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => "bytea",
        other => return Err(DbErr::Type(format!("{} has the type {other:?}", column.to_string()))),
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
        other => return Err(DbErr::Type(format!("{other:?} is stored nowhere"))),
    };
    written.map_err(|error| DbErr::Type(error.to_string()))
}

#[cfg(test)]
mod tests {
    use entity::{external_id, organization};
    use sea_orm::IntoActiveModel;

    use super::*;

    #[test]
    fn rows_become_one_parameter() {
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
    fn what_is_null_in_some_rows_is_left_out_of_them() {
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
    fn a_few_rows_are_values_after_others() {
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
            account acquaintance assessment booking calendar_feed contact criterion event external_id goal list_review one_on_one opportunity organization
            promise seat target touch touch_contact trigger_event user
            plan plan_action plan_benchmark plan_commitment plan_measurement plan_objective plan_question plan_relationship plan_review
        }
        assert_eq!(type_of(organization::Column::ErasureKey).unwrap(), "bytea");
    }
}
