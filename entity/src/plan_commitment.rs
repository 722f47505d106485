//! A commitment to a plan, as the plan was when it was signed.

use sea_orm::entity::prelude::*;

use crate::{AccountId, CommitmentId, Instant, OrganizationId, PlanId, row::row};

row! {
    /// A commitment. Only signatures are added to it.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_commitment")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CommitmentId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// What was promised.
        pub statement: String,
        /// JSON: [{userId, at}], the first of whom committed.
        pub signatures: String,
        /// When it was made.
        pub at: Instant,
        /// What was signed, as canonical JSON.
        pub content: String,
        /// SHA-256 of that, in hex.
        pub fingerprint: String,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
