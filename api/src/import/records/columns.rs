//! The values of rows by column.

use sea_orm::{EntityTrait, IdenStatic as _, Iterable as _, ModelTrait};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::write::AuditedRow;

/// Columns that say nothing of a row itself.
const BOOKKEEPING: [&str; 5] = ["id", "organization_id", "created_at", "updated_at", "version"];

/// Returns the field whose case-folded value a column holds, for a column such as `name_key`. It never changes by itself.
#[must_use]
pub fn source_of_key(column: &str) -> Option<&str> {
    column.strip_suffix("_key")
}

/// Returns the values of a row by column.
#[must_use]
pub fn values<M: AuditedRow>(row: &M) -> Map<String, Value> {
    let columns = <M::Table as EntityTrait>::Column::iter().filter(|column| !BOOKKEEPING.contains(&column.as_str()));
    columns.map(|column| (column.as_str().to_owned(), json(&ModelTrait::get(row, column)))).collect()
}

fn json(value: &sea_orm::Value) -> Value {
    match value {
        sea_orm::Value::Bool(value) => (*value).into(),
        sea_orm::Value::Int(value) => (*value).into(),
        sea_orm::Value::BigInt(value) => (*value).into(),
        sea_orm::Value::Double(value) => (*value).into(),
        sea_orm::Value::String(value) => value.clone().into(),
        sea_orm::Value::Uuid(value) => value.map(|id| id.simple().to_string()).into(),
        _ => Value::Null,
    }
}

/// Puts a value back into a column; false where it does not fit.
pub fn put<M: AuditedRow>(row: &mut M, column: &str, value: &Value) -> bool {
    let Some(column) = <M::Table as EntityTrait>::Column::iter().find(|known| known.as_str() == column) else {
        return false;
    };
    let integer = value.as_i64();
    let value = match ModelTrait::get(row, column) {
        sea_orm::Value::Bool(_) => sea_orm::Value::Bool(value.as_bool()),
        sea_orm::Value::Int(_) => sea_orm::Value::Int(integer.and_then(|number| i32::try_from(number).ok())),
        sea_orm::Value::BigInt(_) => sea_orm::Value::BigInt(integer),
        sea_orm::Value::Double(_) => sea_orm::Value::Double(value.as_f64()),
        sea_orm::Value::String(_) => sea_orm::Value::String(value.as_str().map(Into::into)),
        sea_orm::Value::Uuid(_) => sea_orm::Value::Uuid(value.as_str().and_then(|text| Uuid::parse_str(text).ok())),
        _ => return false,
    };
    row.try_set(column, value).is_ok()
}

/// Returns the fields of a JSON object that is stored as text.
pub(super) fn object(stored: Option<&Value>) -> Map<String, Value> {
    match stored {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    }
}

/// Returns a field's name as people know it: `closedOn` for `closed_on`.
#[must_use]
pub fn shown(name: &str) -> String {
    let mut words = name.split('_');
    let mut shown = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        shown.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        shown.push_str(letters.as_str());
    }
    shown
}

/// Whether a row is archived.
#[must_use]
pub fn is_archived<M: AuditedRow>(row: &M) -> bool {
    values(row).get("archived_at").is_some_and(|at| !at.is_null())
}
