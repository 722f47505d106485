//! Reading rows by column index, limited to the columns that were selected.

use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::{PgRow, PgValueRef};
use sea_orm::sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Sqlite, ValueRef as _};
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use crate::{Day, Instant};

/// A set of a table's columns, identified by index. A table has at most 64 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(u64);

impl Columns {
    /// All columns.
    pub const ALL: Self = Self(u64::MAX);
    /// No columns.
    pub const NONE: Self = Self(0);

    /// Returns the set with the column at `index` added, or [`Self::ALL`] if `index` is out of range.
    #[must_use]
    pub const fn with(self, index: usize) -> Self {
        if index < 64 { Self(self.0 | 1 << index) } else { Self::ALL }
    }

    /// Returns the union of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set contains the column at `index`; always true if `index` is out of range.
    #[must_use]
    pub const fn has(self, index: usize) -> bool {
        index >= 64 || self.0 >> index & 1 == 1
    }
}

/// A row whose columns are read by index.
///
/// Columns are selected in the order in which the table's struct declares them. Looking columns up by name instead costs
/// a search per column and row, which on a page of 200 accounts takes longer than all the rest.
pub trait Row: Sized {
    /// The names of the struct's fields, in order.
    const FIELDS: &'static [&'static str];

    /// Reads a row of a statement that selected `columns` in order. Other fields get their [`ColumnDefault`] value.
    ///
    /// # Errors
    /// Returns [`DbErr::Type`] if a column is missing or has another type.
    fn read(row: &DbRow, columns: Columns) -> Result<Self, DbErr>;
}

/// A row as returned by the database driver.
pub enum DbRow {
    /// A row from PostgreSQL.
    Postgres(PgRow),
    /// A row from SQLite.
    Sqlite(SqliteRow),
}

impl From<PgRow> for DbRow {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl From<SqliteRow> for DbRow {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<DbRow> for QueryResult {
    fn from(row: DbRow) -> Self {
        match row {
            DbRow::Postgres(row) => row.into(),
            DbRow::Sqlite(row) => row.into(),
        }
    }
}

/// A type that can be read from a column.
///
/// The migrations ensure that columns have the right type, so the type is not checked for every value.
pub trait FromColumn: Sized {
    /// Decodes a PostgreSQL value.
    ///
    /// # Errors
    /// Returns an error if the value has another type or is null.
    fn postgres(value: PgValueRef<'_>) -> Result<Self, BoxDynError>;

    /// Decodes a SQLite value.
    ///
    /// # Errors
    /// Returns an error if the value has another type or is null.
    fn sqlite(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError>;

    /// Decodes the column at `index` of a row.
    ///
    /// # Errors
    /// Returns [`DbErr::Type`] if the row has no such column, or if its value has another type or is null.
    fn at(row: &DbRow, index: usize) -> Result<Self, DbErr> {
        let value = match row {
            DbRow::Postgres(row) => row.try_get_raw(index).map(Self::postgres),
            DbRow::Sqlite(row) => row.try_get_raw(index).map(Self::sqlite),
        };
        let value = value
            .and_then(|value| value.map_err(|source| sqlx::Error::ColumnDecode { index: index.to_string(), source }));
        value.map_err(|error| DbErr::Type(error.to_string()))
    }
}

macro_rules! stored_by_sqlx {
    ($($type:ty)*) => {$(
        impl FromColumn for $type {
            fn postgres(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
                <$type as Decode<'_, Postgres>>::decode(value)
            }

            fn sqlite(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
                <$type as Decode<'_, Sqlite>>::decode(value)
            }
        }
    )*};
}
stored_by_sqlx! { String Vec<u8> bool i32 i64 f64 Uuid }

impl<T: FromColumn> FromColumn for Option<T> {
    fn postgres(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::postgres(value).map(Some) }
    }

    fn sqlite(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::sqlite(value).map(Some) }
    }
}

/// Implements [`Stored`] for a type by decoding its inner type.
macro_rules! stored_as {
    ($type:ty: $inner:ty, $make:expr) => {
        impl crate::FromColumn for $type {
            fn postgres(
                value: sea_orm::sqlx::postgres::PgValueRef<'_>,
            ) -> Result<Self, sea_orm::sqlx::error::BoxDynError> {
                <$inner as crate::FromColumn>::postgres(value).map($make)
            }

            fn sqlite(
                value: sea_orm::sqlx::sqlite::SqliteValueRef<'_>,
            ) -> Result<Self, sea_orm::sqlx::error::BoxDynError> {
                <$inner as crate::FromColumn>::sqlite(value).map($make)
            }
        }
    };
}
pub(crate) use stored_as;

stored_as! { Instant: i64, Instant }
stored_as! { Day: i32, Day }

/// A placeholder for columns that were not read.
pub trait ColumnDefault {
    /// Returns the placeholder.
    fn blank() -> Self;
}

impl<T> ColumnDefault for Option<T> {
    fn blank() -> Self {
        None
    }
}

macro_rules! blank {
    ($($type:ty: $value:expr;)*) => {$(
        impl ColumnDefault for $type {
            fn blank() -> Self {
                $value
            }
        }
    )*};
}

blank! {
    String: Self::new();
    Vec<u8>: Self::new();
    bool: false;
    i32: 0;
    i64: 0;
    f64: 0.0;
    Instant: Self(0);
    Day: Self(0);
    Uuid: Self::nil();
}

/// Declares a SeaORM model and implements [`Row`] for it.
macro_rules! row {
    ($(#[$meta:meta])* pub struct Model { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct Model { $($(#[$about])* pub $field: $type,)* }

        impl crate::Row for Model {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(row: &crate::DbRow, columns: crate::Columns) -> Result<Self, sea_orm::DbErr> {
                // The index of the field in the struct, and that of its column in the selection.
                let (mut field_index, mut column_index) = (0_usize, 0_usize);
                Ok(Self {
                    $($field: {
                        field_index += 1;
                        if columns.has(field_index - 1) {
                            column_index += 1;
                            <$type as crate::FromColumn>::at(row, column_index - 1)?
                        } else {
                            <$type as crate::ColumnDefault>::blank()
                        }
                    },)*
                })
            }
        }
    };
}
pub(crate) use row;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_identified_by_index() {
        let some = Columns::NONE.with(0).with(3);
        assert!(some.has(0) && !some.has(1) && some.has(3) && !some.has(63));
        assert!(Columns::ALL.has(0) && Columns::ALL.has(63) && Columns::ALL.has(64));
        assert_eq!(Columns::NONE.with(64), Columns::ALL);
    }

    #[test]
    fn every_column_has_a_field_and_no_table_exceeds_the_limit() {
        use sea_orm::{EntityTrait, Iterable};

        macro_rules! tables {
            ($($table:ident)*) => {$(
                let count = <crate::$table::Entity as EntityTrait>::Column::iter().count();
                assert_eq!(<crate::$table::Model as Row>::FIELDS.len(), count, stringify!($table));
                assert!(count < 64);
            )*};
        }
        tables! { account acquaintance booking calendar_feed contact credential erasure event external_id import_change import_record import_run opportunity organization promise refresh_token seat session snooze touch touch_contact touch_version touch_version_contact trigger_event user }
        tables! { plan plan_action plan_benchmark plan_commitment plan_measurement plan_objective plan_question plan_relationship plan_review }
    }
}
