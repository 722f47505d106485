//! How rows are read: by the places of their columns, and no more of them than are wanted.

use sea_orm::{DbErr, QueryResult};

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
    fn read(row: &QueryResult, columns: Columns) -> Result<Self, DbErr>;
}

/// A value that stands where a column was not read.
pub trait Blank {
    /// It.
    fn blank() -> Self;
}

impl<T> Blank for Option<T> {
    fn blank() -> Self {
        None
    }
}

macro_rules! blank {
    ($($type:ty: $value:expr;)*) => {$(
        impl Blank for $type {
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
    uuid::Uuid: Self::nil();
}

/// Declares a table's row, as SeaORM wants it, and how it is read.
macro_rules! row {
    ($(#[$meta:meta])* pub struct Model { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct Model { $($(#[$about])* pub $field: $type,)* }

        impl crate::Row for Model {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(row: &sea_orm::QueryResult, columns: crate::Columns) -> Result<Self, sea_orm::DbErr> {
                let (mut number, mut place) = (0_usize, 0_usize);
                Ok(Self {
                    $($field: {
                        number += 1;
                        if columns.has(number - 1) {
                            place += 1;
                            row.try_get_by_index(place - 1)?
                        } else {
                            <$type as crate::Blank>::blank()
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
        tables! { account booking calendar_feed contact credential erasure event external_id opportunity organization promise refresh_token seat session touch touch_contact trigger_event user }
    }
}
