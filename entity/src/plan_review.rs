//! Reviews of plans.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OrganizationId, PlanId, ReviewId, UserId, row::row, word::word};

word! {
    /// The outcome of a review.
    ReviewOutcome {
        /// The plan is on track.
        OnTrack "ON_TRACK",
        /// The plan is off track.
        OffTrack "OFF_TRACK",
        /// The plan was changed.
        Changed "CHANGED",
    }
}

row! {
    /// A review of a plan. It never changes.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_review")]
    pub struct Model {
        /// The review's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ReviewId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The day of the review.
        pub reviewed_on: Day,
        /// The user who reviewed the plan.
        pub by_id: UserId,
        /// The outcome.
        pub outcome: ReviewOutcome,
        /// Notes on the review.
        pub notes: Option<String>,
        /// The day the next review is due.
        pub next_review_on: Option<Day>,
        /// The state of the plan's actions and benchmarks at the review, as JSON.
        pub snapshot: String,
        /// When the review was recorded.
        pub at: Instant,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
