//! Reviews of sellers' target lists.

use sea_orm::entity::prelude::*;

use crate::{Instant, ListReviewId, OrganizationId, UserId, row::row};

row! {
    /// A review of a target list. It never changes.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "list_review")]
    pub struct Model {
        /// The review's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ListReviewId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The seller whose list was reviewed.
        pub seller_id: UserId,
        /// The user who reviewed the list.
        pub reviewed_by_id: UserId,
        /// When the list was reviewed.
        pub reviewed_at: Instant,
        /// The ids of the targets that stayed on the list, as JSON.
        pub kept: String,
        /// The ids of the targets that were removed from the list, as JSON.
        pub dropped: String,
        /// Notes on the review.
        pub notes: Option<String>,
        /// When the row was written.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
