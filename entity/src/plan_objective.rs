//! What a plan is to achieve.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, ObjectiveId, OrganizationId, PlanId, row::row, word::word};

word! {
    /// How far away it is.
    Horizon {
        /// Soon.
        ShortTerm "SHORT_TERM",
        /// In the long run.
        LongTerm "LONG_TERM",
    }
}

word! {
    /// Where the objective stands.
    ObjectiveStatus {
        /// To be achieved.
        Open "OPEN",
        /// Achieved.
        Achieved "ACHIEVED",
        /// Given up.
        Abandoned "ABANDONED",
    }
}

row! {
    /// An objective.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_objective")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ObjectiveId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// How far away it is.
        pub horizon: Horizon,
        /// What is to be achieved.
        pub statement: String,
        /// By when.
        pub due_on: Option<Day>,
        /// Where it stands.
        pub status: ObjectiveStatus,
        /// The day on which it was achieved.
        pub achieved_on: Option<Day>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
