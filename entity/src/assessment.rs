//! Assessments of accounts by criteria.

use sea_orm::entity::prelude::*;

use crate::{AccountId, CriterionId, Instant, OrganizationId, UserId, row::row};

row! {
    /// The current assessment of one account by one criterion.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assessment")]
    pub struct Model {
        /// The account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: AccountId,
        /// The criterion.
        #[sea_orm(primary_key, auto_increment = false)]
        pub criterion_id: CriterionId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The score, from 0 to 10.
        pub score: i32,
        /// The evidence for the score.
        pub evidence: Option<String>,
        /// The user who made the assessment.
        pub assessed_by_id: Option<UserId>,
        /// When the assessment was made.
        pub assessed_at: Instant,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
