//! How rows are read: by the places of their columns.

use sea_orm::{DbErr, QueryResult};

/// A row whose columns are read by their places, in the order in which its table's file lists them, which is the order in
/// which they are selected. Found by name, each column of each row costs a search; on a page of two hundred accounts
/// that is the larger part of the work.
pub trait Row: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// A column that is not there, or not of its type.
    fn read(row: &QueryResult) -> Result<Self, DbErr>;
}

/// Declares a table's row, as SeaORM wants it, and how it is read.
macro_rules! row {
    ($(#[$meta:meta])* pub struct Model { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct Model { $($(#[$about])* pub $field: $type,)* }

        impl crate::Row for Model {
            fn read(row: &sea_orm::QueryResult) -> Result<Self, sea_orm::DbErr> {
                let mut places = 0..;
                Ok(Self { $($field: row.try_get_by_index(places.next().unwrap_or_default())?,)* })
            }
        }
    };
}
pub(crate) use row;
