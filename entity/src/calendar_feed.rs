//! Private addresses at which calendar programs read a user's touches.
//!
//! They are kept apart from users because the token grants access.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row};

row! {
    /// A user's calendar feed. A user has at most one.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "calendar_feed")]
    pub struct Model {
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The SHA-256 of the token in the feed's address.
        pub digest: Vec<u8>,
        /// When the address was created.
        pub created_at: Instant,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
