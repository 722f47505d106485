//! Commitments to plans, each with the content of the plan when it was signed.

use sea_orm::entity::prelude::*;

use crate::{AccountId, CommitmentId, Instant, OrganizationId, PlanId, row::row};

row! {
    /// A commitment. Only signatures are added to it later.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_commitment")]
    pub struct Model {
        /// The commitment's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CommitmentId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The statement that was signed.
        pub statement: String,
        /// The signatures as JSON: `[{userId, at}]`. The first is that of the user who made the commitment.
        pub signatures: String,
        /// When the commitment was made.
        pub at: Instant,
        /// The signed content of the plan, as canonical JSON.
        pub content: String,
        /// The SHA-256 of `content`, in hexadecimal.
        pub fingerprint: String,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
