//! What is to be done for a plan, in its order.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ActionId, ContactId, Day, ObjectiveId, OrganizationId, PlanId, UserId, row::row, word::word};

word! {
    /// Where the action stands.
    ActionStatus {
        /// To be done.
        Open "OPEN",
        /// Done.
        Done "DONE",
        /// Not to be done any more.
        Skipped "SKIPPED",
    }
}

row! {
    /// An action.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_action")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ActionId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// Its place among the plan's actions: ordered byte by byte, see `callshot::plan::rank`.
        pub rank: String,
        /// What is to be done.
        pub title: String,
        /// By when.
        pub due_on: Option<Day>,
        /// By whom.
        pub assignee_id: Option<UserId>,
        /// For which objective of the same plan.
        pub objective_id: Option<ObjectiveId>,
        /// With whom.
        pub contact_id: Option<ContactId>,
        /// Where it stands.
        pub status: ActionStatus,
        /// The day on which it was done.
        pub completed_on: Option<Day>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
