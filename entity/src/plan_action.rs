//! Actions of plans, each at a position among the plan's actions.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ActionId, ContactId, Day, ObjectiveId, OrganizationId, PlanId, UserId, row::row, word::word};

word! {
    /// The status of an action.
    ActionStatus {
        /// To be done.
        Open "OPEN",
        /// Done.
        Done "DONE",
        /// No longer to be done.
        Skipped "SKIPPED",
    }
}

row! {
    /// An action.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_action")]
    pub struct Model {
        /// The action's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ActionId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The sort key among the plan's actions, compared byte by byte; see `callshot::plan::rank`.
        pub rank: String,
        /// What is to be done.
        pub title: String,
        /// The day by which it is to be done.
        pub due_on: Option<Day>,
        /// The user who is to do it.
        pub assignee_id: Option<UserId>,
        /// The objective of the same plan that it serves.
        pub objective_id: Option<ObjectiveId>,
        /// The contact it involves.
        pub contact_id: Option<ContactId>,
        /// The status.
        pub status: ActionStatus,
        /// The day it was done; null until then.
        pub completed_on: Option<Day>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
