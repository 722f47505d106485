//! Strategic plans for accounts. Their items are stored in tables of their own.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OrganizationId, PlanId, UserId, row::row, word::word};

word! {
    /// The status of a plan.
    PlanStatus {
        /// Not committed to yet.
        Draft "DRAFT",
        /// Committed to.
        Committed "COMMITTED",
        /// Closed.
        Closed "CLOSED",
    }
}

word! {
    /// How often a plan is reviewed.
    ReviewCadence {
        /// Every month.
        Monthly "MONTHLY",
        /// Every quarter.
        Quarterly "QUARTERLY",
    }
}

row! {
    /// A plan.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan")]
    pub struct Model {
        /// The plan's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PlanId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The user responsible for the plan.
        pub owner_id: UserId,
        /// The title.
        pub title: String,
        /// The first day.
        pub starts_on: Day,
        /// The last day.
        pub ends_on: Day,
        /// The status.
        pub status: PlanStatus,
        /// A summary of the opportunities within the account.
        pub summary: Option<String>,
        /// How often the plan is reviewed.
        pub cadence: ReviewCadence,
        /// The day the next review is due.
        pub next_review_on: Option<Day>,
        /// The ids of the linked opportunities in ascending order, as JSON.
        pub opportunity_ids: String,
        /// When the plan was created.
        pub created_at: Instant,
        /// When the plan was closed; null until then.
        pub closed_at: Option<Instant>,
        /// When the plan or one of its items last changed.
        pub updated_at: Instant,
        /// The number of writes so far to the plan and its items.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
