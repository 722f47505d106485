//! Promises made to accounts.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Day, Instant, OrganizationId, PromiseId, TouchId, UserId, row::row};

row! {
    /// A promise.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "promise")]
    pub struct Model {
        /// The promise's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PromiseId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The contact it was made to.
        pub contact_id: Option<ContactId>,
        /// The touch in which it was made.
        pub touch_id: Option<TouchId>,
        /// What was promised.
        pub what: String,
        /// The day it was made.
        pub made_on: Day,
        /// The day by which it is to be kept.
        pub due_on: Day,
        /// The day it was kept; null until then.
        pub kept_on: Option<Day>,
        /// The user who made it.
        pub made_by_id: UserId,
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
