//! Taking one person from where they are to where a plan wants them.

use sea_orm::entity::prelude::*;

use crate::{
    AccountId, ContactId, Day, OrganizationId, PlanId, PlannedRelationshipId, UserId, contact::RelationshipLevel,
    row::row,
};

row! {
    /// A planned relationship.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_relationship")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PlannedRelationshipId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// With whom.
        pub contact_id: ContactId,
        /// Where the plan wants them.
        pub desired: RelationshipLevel,
        /// Where they were when it was planned.
        pub started_at: RelationshipLevel,
        /// By when.
        pub due_on: Option<Day>,
        /// Who takes them there.
        pub owner_id: Option<UserId>,
        /// How.
        pub approach: Option<String>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
