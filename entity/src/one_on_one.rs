//! One-on-ones: meetings of a manager and a seller.

use sea_orm::entity::prelude::*;

use crate::{Instant, OneOnOneId, OrganizationId, UserId, row::row};

row! {
    /// A one-on-one.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "one_on_one")]
    pub struct Model {
        /// The one-on-one's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OneOnOneId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The manager.
        pub manager_id: UserId,
        /// The seller.
        pub seller_id: UserId,
        /// When the meeting is scheduled to start.
        pub scheduled_for: Instant,
        /// When the meeting was held; null until then.
        pub held_at: Option<Instant>,
        /// Notes on the meeting.
        pub notes: Option<String>,
        /// The agenda in order, as JSON: `[{account, note}]`.
        pub items: String,
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
