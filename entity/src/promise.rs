//! What was promised to a client.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Day, Instant, OrganizationId, PromiseId, TouchId, UserId, row::row};

row! {
    /// A promise.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "promise")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PromiseId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// To which account.
        pub account_id: AccountId,
        /// To whom there.
        pub contact_id: Option<ContactId>,
        /// In which touch.
        pub touch_id: Option<TouchId>,
        /// What.
        pub what: String,
        /// The day on which it was made.
        pub made_on: Day,
        /// The day by which it is to be kept.
        pub due_on: Day,
        /// The day on which it was kept.
        pub kept_on: Option<Day>,
        /// By whom it was made.
        pub made_by_id: UserId,
        /// When it was entered.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
