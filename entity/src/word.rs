//! Enums stored as text, spelled as in the GraphQL schema.

/// Declares an enum and the text that each of its values is stored as.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $($(#[$value_doc])* #[sea_orm(string_value = $text)] $value,)*
        }

        impl $name {
            /// Returns the text of the value, as stored and as in the GraphQL schema.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }

        impl crate::FromColumn for $name {
            fn postgres(value: sea_orm::sqlx::postgres::PgValueRef<'_>) -> Result<Self, sea_orm::sqlx::error::BoxDynError> {
                Self::of(<&str as sea_orm::sqlx::Decode<'_, sea_orm::sqlx::Postgres>>::decode(value)?)
            }

            fn sqlite(value: sea_orm::sqlx::sqlite::SqliteValueRef<'_>) -> Result<Self, sea_orm::sqlx::error::BoxDynError> {
                Self::of(<&str as sea_orm::sqlx::Decode<'_, sea_orm::sqlx::Sqlite>>::decode(value)?)
            }
        }

        impl $name {
            fn of(word: &str) -> Result<Self, sea_orm::sqlx::error::BoxDynError> {
                match word {
                    $($text => Ok(Self::$value),)*
                    _ => Err(format!("{word} is not a valid {}", stringify!($name)).into()),
                }
            }
        }

        impl crate::ColumnDefault for $name {
            fn blank() -> Self {
                crate::word::first([$(Self::$value),*])
            }
        }
    };
}
pub(crate) use word;

/// Returns the first of an enum's values.
pub(crate) const fn first<T: Copy, const N: usize>(values: [T; N]) -> T {
    values[0]
}
