//! A review of a plan.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OrganizationId, PlanId, ReviewId, UserId, row::row, word::word};

word! {
    /// How the plan does.
    ReviewOutcome {
        /// As it is meant to.
        OnTrack "ON_TRACK",
        /// Worse.
        OffTrack "OFF_TRACK",
        /// The plan was changed.
        Changed "CHANGED",
    }
}

row! {
    /// A review, which never changes.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_review")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ReviewId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// The day on which it was held.
        pub reviewed_on: Day,
        /// By whom.
        pub by_id: UserId,
        /// What came of it.
        pub outcome: ReviewOutcome,
        /// What was said.
        pub notes: Option<String>,
        /// When the next one is to be.
        pub next_review_on: Option<Day>,
        /// JSON: how actions and benchmarks stood.
        pub snapshot: String,
        /// When it was entered.
        pub at: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
