//! Suggested actions that users put off.

use sea_orm::entity::prelude::*;

use crate::{Day, Instant, OrganizationId, SnoozeId, UserId, row::row};

row! {
    /// A snoozed suggestion. At most one row for each suggestion.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "snooze")]
    pub struct Model {
        /// The snooze's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SnoozeId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The user whose suggestion it is.
        pub user_id: UserId,
        /// The id of the suggestion.
        pub suggestion: String,
        /// The first day on which it is left out.
        pub since_on: Day,
        /// The day on which it comes back.
        pub until_on: Day,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
