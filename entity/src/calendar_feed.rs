//! The private address at which calendar programs read a user's touches. Kept apart from the user, as what lets in is.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row};

row! {
    /// A user's calendar feed, of which there is one at most.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "calendar_feed")]
    pub struct Model {
        /// Whose.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// SHA-256 of the token in its address.
        pub digest: Vec<u8>,
        /// When the address was made.
        pub created_at: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
