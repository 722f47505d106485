//! Objectives of plans.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, ObjectiveId, OrganizationId, PlanId, row::row, word::word};

word! {
    /// The time horizon of an objective.
    Horizon {
        /// Short term.
        ShortTerm "SHORT_TERM",
        /// Long term.
        LongTerm "LONG_TERM",
    }
}

word! {
    /// The status of an objective.
    ObjectiveStatus {
        /// To be achieved.
        Open "OPEN",
        /// Achieved.
        Achieved "ACHIEVED",
        /// Abandoned.
        Abandoned "ABANDONED",
    }
}

row! {
    /// An objective.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_objective")]
    pub struct Model {
        /// The objective's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ObjectiveId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The time horizon.
        pub horizon: Horizon,
        /// What is to be achieved.
        pub statement: String,
        /// The day by which it is to be achieved.
        pub due_on: Option<Day>,
        /// The status.
        pub status: ObjectiveStatus,
        /// The day it was achieved; null until then.
        pub achieved_on: Option<Day>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
