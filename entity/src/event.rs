//! The feed: every change that was committed.

use sea_orm::entity::prelude::*;

use crate::{AccountId, EventId, Instant, OrganizationId, UserId, row::row};

row! {
    /// An event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        /// Its place in the feed. The database gives it.
        #[sea_orm(primary_key)]
        pub seq: i64,
        /// Its id.
        pub id: EventId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// When.
        pub at: Instant,
        /// What: `account.created`.
        #[sea_orm(column_name = "type")]
        pub kind: String,
        /// Who; null for the system itself.
        pub actor_id: Option<UserId>,
        /// The noun of what changed: the prefix of its id.
        pub subject_noun: String,
        /// What changed.
        pub subject_id: Uuid,
        /// The account that it hangs off, which decides who sees it.
        pub account_id: Option<AccountId>,
        /// JSON: {field: {from, to}}.
        pub changes: String,
        /// The seller whom it is about, where it hangs off no account and is not for everyone.
        pub about_id: Option<UserId>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
