//! A review of a seller's target list.

use sea_orm::entity::prelude::*;

use crate::{Instant, ListReviewId, OrganizationId, UserId, row::row};

row! {
    /// A review, which never changes.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "list_review")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ListReviewId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Whose list.
        pub seller_id: UserId,
        /// By whom.
        pub reviewed_by_id: UserId,
        /// When.
        pub reviewed_at: Instant,
        /// JSON: ids of the targets that stayed.
        pub kept: String,
        /// JSON: ids of the targets that went.
        pub dropped: String,
        /// What was said.
        pub notes: Option<String>,
        /// When it was written.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
