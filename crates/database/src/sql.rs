//! SQL statements as text, for cases in which building the statement with SeaORM would take longer than executing it.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use crate::columns::array_value;

/// Returns ids as one JSON parameter for SQLite, for use in `select unhex(value) from json_each(…)`.
pub fn uuids_json(ids: impl IntoIterator<Item = Uuid>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.simple().to_string()).collect();
    format!("[\"{}\"]", ids.join("\",\""))
}

/// A statement under construction: its text, and the parameters that the text refers to by number.
pub struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Creates an empty statement.
    #[must_use]
    pub const fn new(backend: DbBackend) -> Self {
        Self { backend, text: String::new(), values: Vec::new() }
    }

    /// Whether the text is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter and appends its number to the text. An id that already is a parameter is reused, because a row and its
    /// event have most ids in common.
    pub fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let known = match &value {
            Value::Uuid(Some(id)) => {
                self.values.iter().position(|other| matches!(other, Value::Uuid(Some(other)) if other == id))
            }
            _ => None,
        };
        let number = known.map_or_else(|| self.parameter(value), |index| index + 1);
        // Writing into memory does not fail.
        let _ = write!(self.text, "${number}");
        self
    }

    /// Adds a parameter and returns its number, for text (`$1`) that is appended later.
    pub fn parameter(&mut self, value: impl Into<Value>) -> usize {
        self.values.push(value.into());
        self.values.len()
    }

    /// Returns an SQL fragment (`= any($n)` or `in (select …)`) that tests membership in `ids`. It binds one parameter however
    /// many ids there are.
    pub fn one_of(&mut self, ids: impl IntoIterator<Item = Uuid>) -> String {
        if self.backend == DbBackend::Postgres {
            return format!("= any(${})", self.parameter(array_value(ids)));
        }
        format!("in (select unhex(value) from json_each(${}))", self.parameter(uuids_json(ids)))
    }

    /// Returns the finished statement.
    #[must_use]
    pub fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_and_ids_are_reused() {
        for (backend, list, one) in [
            (DbBackend::Postgres, "= any($2)", array_value([Uuid::nil(), Uuid::max()])),
            (
                DbBackend::Sqlite,
                "in (select unhex(value) from json_each($2))",
                format!("[\"{}\",\"{}\"]", "0".repeat(32), "f".repeat(32)).into(),
            ),
        ] {
            let mut sql = Sql::new(backend);
            assert!(sql.is_empty());
            sql.push("select 1 where 7 = ").value(7);
            let ids = sql.one_of([Uuid::nil(), Uuid::max()]);
            sql.push(" and id ").push(&ids).push(" and 7 = ").value(7).push(" and ").value(Uuid::max());
            sql.push(" = ").value(Uuid::max()).push(" or ").value(None::<Uuid>).push(" is null");
            let statement = sql.statement();
            assert_eq!(
                statement.sql,
                format!("select 1 where 7 = $1 and id {list} and 7 = $3 and $4 = $4 or $5 is null")
            );
            let values = [Value::from(7), one, Value::from(7), Uuid::max().into(), None::<Uuid>.into()];
            assert_eq!(statement.values.unwrap().0, values);
        }
    }
}
