//! Conditions and column lists for which both databases choose good plans.

use entity::{Columns, Scoped};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr, Value, ValueType};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QuerySelect, Select};

/// Returns values as one PostgreSQL array parameter.
pub fn array_value<V: ValueType + Into<Value>>(values: impl IntoIterator<Item = V>) -> Value {
    Value::Array(V::array_type(), Some(Box::new(values.into_iter().map(Into::into).collect())))
}

/// Returns the condition that a column is one of `values`.
///
/// On PostgreSQL the values are one array parameter. The text of the statement is then the same for any number of values, so
/// that it is parsed and planned once per connection. An index is searched once for each value, whereas with a list of
/// parameters each row of a range would be compared with all of them.
pub fn is_any_of<C: ColumnTrait, V: ValueType + Into<Value>>(
    connection: &impl ConnectionTrait,
    column: C,
    values: impl IntoIterator<Item = V>,
) -> SimpleExpr {
    if connection.get_database_backend() == DbBackend::Postgres {
        Expr::col(column.as_column_ref()).eq(PgFunc::any(Expr::val(array_value(values))))
    } else {
        column.is_in(values)
    }
}

/// Returns the names of the functions for the largest and for the smallest of several values.
#[must_use]
pub const fn largest_and_smallest(backend: DbBackend) -> (&'static str, &'static str) {
    match backend {
        DbBackend::Postgres => ("greatest", "least"),
        _ => ("max", "min"),
    }
}

/// Restricts a selection to `columns`, in the order of the table.
pub fn select_columns<E: Scoped>(select: Select<E>, columns: Columns) -> Select<E> {
    select.select_only().expr(E::listed(E::default().table_name(), columns))
}
