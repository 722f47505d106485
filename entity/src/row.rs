//! How rows are read: by the places of their columns, and no more of them than are wanted.

use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::{PgRow, PgValueRef};
use sea_orm::sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Sqlite, ValueRef as _};
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use crate::{Day, Instant};

/// Some of a table's columns, of which there are 64 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(u64);

impl Columns {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);
    /// None yet.
    pub const NONE: Self = Self(0);

    /// These and the one at a place.
    #[must_use]
    pub const fn with(self, place: usize) -> Self {
        if place < 64 { Self(self.0 | 1 << place) } else { Self::ALL }
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, those: Self) -> Self {
        Self(self.0 | those.0)
    }

    /// Is the one at this place among them?
    #[must_use]
    pub const fn has(self, place: usize) -> bool {
        place >= 64 || self.0 >> place & 1 == 1
    }
}

/// A row whose columns are read by their places, in the order in which its table's file lists them, which is the order in
/// which they are selected. Found by name, each column of each row costs a search; on a page of two hundred accounts
/// that is the larger part of the work.
pub trait Row: Sized {
    /// Its columns' names in the table's file, in order.
    const FIELDS: &'static [&'static str];

    /// Reads it from a statement that selects these columns in order. What is not among them is left blank.
    ///
    /// # Errors
    /// A column that is not there, or not of its type.
    fn read(row: &DbRow, columns: Columns) -> Result<Self, DbErr>;
}

/// A row as the driver gives it.
pub enum DbRow {
    /// From PostgreSQL.
    Postgres(PgRow),
    /// From SQLite.
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

/// A value of a column. That the column is of its type is the migrations' matter, and is not looked up for each value.
pub trait FromColumn: Sized {
    /// Reads PostgreSQL's.
    ///
    /// # Errors
    /// It is of another type, or null.
    fn postgres(value: PgValueRef<'_>) -> Result<Self, BoxDynError>;

    /// Reads SQLite's.
    ///
    /// # Errors
    /// It is of another type, or null.
    fn sqlite(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError>;

    /// Reads the one at a place of a row.
    ///
    /// # Errors
    /// As above; there is no such place.
    fn at(row: &DbRow, place: usize) -> Result<Self, DbErr> {
        let value = match row {
            DbRow::Postgres(row) => row.try_get_raw(place).map(Self::postgres),
            DbRow::Sqlite(row) => row.try_get_raw(place).map(Self::sqlite),
        };
        let value = value
            .and_then(|value| value.map_err(|source| sqlx::Error::ColumnDecode { index: place.to_string(), source }));
        value.map_err(|error| DbErr::Type(error.to_string()))
    }
}

macro_rules! plainly_stored {
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
plainly_stored! { String Vec<u8> bool i32 i64 f64 Uuid }

impl<T: FromColumn> FromColumn for Option<T> {
    fn postgres(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::postgres(value).map(Some) }
    }

    fn sqlite(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::sqlite(value).map(Some) }
    }
}

/// Reads a type as what it is made of.
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

/// A value that stands where a column was not read.
pub trait ColumnDefault {
    /// It.
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

/// Declares a table's row, as SeaORM wants it, and how it is read.
macro_rules! row {
    ($(#[$meta:meta])* pub struct Model { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct Model { $($(#[$about])* pub $field: $type,)* }

        impl crate::Row for Model {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(row: &crate::DbRow, columns: crate::Columns) -> Result<Self, sea_orm::DbErr> {
                let (mut number, mut place) = (0_usize, 0_usize);
                Ok(Self {
                    $($field: {
                        number += 1;
                        if columns.has(number - 1) {
                            place += 1;
                            <$type as crate::FromColumn>::at(row, place - 1)?
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
    fn columns_are_counted_by_place() {
        let some = Columns::NONE.with(0).with(3);
        assert!(some.has(0) && !some.has(1) && some.has(3) && !some.has(63));
        assert!(Columns::ALL.has(0) && Columns::ALL.has(63) && Columns::ALL.has(64));
        assert_eq!(Columns::NONE.with(64), Columns::ALL);
    }

    #[test]
    fn fields_are_listed_as_columns_are() {
        use sea_orm::{EntityTrait, Iterable};

        macro_rules! tables {
            ($($table:ident)*) => {$(
                let count = <crate::$table::Entity as EntityTrait>::Column::iter().count();
                assert_eq!(<crate::$table::Model as Row>::FIELDS.len(), count, stringify!($table));
                assert!(count < 64);
            )*};
        }
        tables! { account acquaintance booking calendar_feed contact credential erasure event external_id opportunity organization promise refresh_token seat session touch touch_contact trigger_event user }
        tables! { plan plan_action plan_benchmark plan_commitment plan_measurement plan_objective plan_question plan_relationship plan_review }
    }
}
