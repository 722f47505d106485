//! Benchmarks that measure the progress of plans.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BenchmarkId, Day, OrganizationId, PlanId, row::row, word::word};

word! {
    /// The source of a benchmark's values.
    BenchmarkSource {
        /// Entered by users.
        Manual "MANUAL",
        /// The account's bookings.
        Booked "BOOKED",
        /// The amounts of the account's open opportunities.
        OpenPipeline "OPEN_PIPELINE",
        /// The number of the account's contacts who know the organization.
        ContactsKnown "CONTACTS_KNOWN",
    }
}

row! {
    /// A benchmark.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_benchmark")]
    pub struct Model {
        /// The benchmark's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: BenchmarkId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// What is measured.
        pub name: String,
        /// The source of the values.
        pub source: BenchmarkSource,
        /// The unit of the values.
        pub unit: Option<String>,
        /// The value on the plan's first day, in millionths.
        pub baseline: i64,
        /// The value to reach by the due day, in millionths.
        pub target: i64,
        /// The day by which the target is to be reached.
        pub due_on: Day,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
