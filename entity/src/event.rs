//! The feed: an event for every committed change.

use sea_orm::entity::prelude::*;

use crate::{AccountId, EventId, Instant, OrganizationId, UserId, row::row};

row! {
    /// An event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        /// The position in the feed, assigned by the database.
        #[sea_orm(primary_key)]
        pub seq: i64,
        /// The event's id.
        pub id: EventId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// When the change was made.
        pub at: Instant,
        /// The type of change, such as `account.created`.
        #[sea_orm(column_name = "type")]
        pub kind: String,
        /// The user who made the change; null if the system made it.
        pub actor_id: Option<UserId>,
        /// The type of the changed row: the prefix of its id.
        pub subject_noun: String,
        /// The id of the changed row.
        pub subject_id: Uuid,
        /// The account that the changed row belongs to, which decides who may see the event.
        pub account_id: Option<AccountId>,
        /// The changed fields, as JSON: `{field: {from, to}}`.
        pub changes: String,
        /// For an event that belongs to no account, the seller it is about: only the users responsible for this seller
        /// may see it. If null, every member may.
        pub about_id: Option<UserId>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
