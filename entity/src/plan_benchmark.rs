//! By what a plan is measured.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BenchmarkId, Day, OrganizationId, PlanId, row::row, word::word};

word! {
    /// Where its values come from.
    BenchmarkSource {
        /// Measured by people.
        Manual "MANUAL",
        /// What the account booked.
        Booked "BOOKED",
        /// What the open opportunities of the account would bring in.
        OpenPipeline "OPEN_PIPELINE",
        /// How many people of the account know us.
        ContactsKnown "CONTACTS_KNOWN",
    }
}

row! {
    /// A benchmark.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_benchmark")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: BenchmarkId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// What is measured.
        pub name: String,
        /// Where its values come from.
        pub source: BenchmarkSource,
        /// In what.
        pub unit: Option<String>,
        /// Where it stood on the plan's first day, in millionths.
        pub baseline: i64,
        /// Where it is to stand on the due day, in millionths.
        pub target: i64,
        /// The day on which it is to stand there.
        pub due_on: Day,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
