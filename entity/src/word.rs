//! The database's own words: enums stored as text, spelt as in the schema.

/// Declares an enum whose values are stored under the given words.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $($(#[$value_doc])* #[sea_orm(string_value = $text)] $value,)*
        }

        impl $name {
            /// The word, as stored and as in the schema.
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
                    _ => Err(format!("{word} is no {}", stringify!($name)).into()),
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

/// The first of some words.
pub(crate) const fn first<T: Copy, const N: usize>(words: [T; N]) -> T {
    words[0]
}
