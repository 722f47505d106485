//! How an account does by a criterion.

use sea_orm::entity::prelude::*;

use crate::{AccountId, CriterionId, Instant, OrganizationId, UserId, row::row};

row! {
    /// The present assessment of one account by one criterion.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assessment")]
    pub struct Model {
        /// The account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: AccountId,
        /// The criterion.
        #[sea_orm(primary_key, auto_increment = false)]
        pub criterion_id: CriterionId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// 0 to 10.
        pub score: i32,
        /// What speaks for it.
        pub evidence: Option<String>,
        /// Who says so.
        pub assessed_by_id: Option<UserId>,
        /// Since when.
        pub assessed_at: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
