//! A strategic plan for an account; its items have tables of their own.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OrganizationId, PlanId, UserId, row::row, word::word};

word! {
    /// Where the plan stands.
    PlanStatus {
        /// Not signed yet.
        Draft "DRAFT",
        /// Signed.
        Committed "COMMITTED",
        /// Over.
        Closed "CLOSED",
    }
}

word! {
    /// How often the plan is reviewed.
    ReviewCadence {
        /// Every month.
        Monthly "MONTHLY",
        /// Every quarter of a year.
        Quarterly "QUARTERLY",
    }
}

row! {
    /// A plan.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PlanId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// For which account.
        pub account_id: AccountId,
        /// Who answers for it.
        pub owner_id: UserId,
        /// What it is called.
        pub title: String,
        /// Its first day.
        pub starts_on: Day,
        /// Its last day.
        pub ends_on: Day,
        /// Where it stands.
        pub status: PlanStatus,
        /// What we understand of the opportunities within the account.
        pub summary: Option<String>,
        /// How often it is reviewed.
        pub cadence: ReviewCadence,
        /// When it is to be reviewed next.
        pub next_review_on: Option<Day>,
        /// JSON: ids of the opportunities that it is about, ascending.
        pub opportunity_ids: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it was closed.
        pub closed_at: Option<Instant>,
        /// When it or one of its items last changed.
        pub updated_at: Instant,
        /// Writes so far, of it and of its items.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
