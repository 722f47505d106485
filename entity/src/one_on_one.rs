//! A meeting of a manager and a seller.

use sea_orm::entity::prelude::*;

use crate::{Instant, OneOnOneId, OrganizationId, UserId, row::row};

row! {
    /// A one-on-one.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "one_on_one")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OneOnOneId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// The one side.
        pub manager_id: UserId,
        /// The other side.
        pub seller_id: UserId,
        /// When it is to be held.
        pub scheduled_for: Instant,
        /// When it was.
        pub held_at: Option<Instant>,
        /// What was said.
        pub notes: Option<String>,
        /// JSON: [{account, note}], in the agenda's order.
        pub items: String,
        /// When it was made.
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
