//! What a benchmark of a plan measured on a day.

use sea_orm::entity::prelude::*;

use crate::{BenchmarkId, Day, OrganizationId, PlanId, row::row};

row! {
    /// A measurement: one a day of each benchmark.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_measurement")]
    pub struct Model {
        /// Of which benchmark.
        #[sea_orm(primary_key, auto_increment = false)]
        pub benchmark_id: BenchmarkId,
        /// On which day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub measured_on: Day,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// What was measured, in millionths.
        pub value: i64,
        /// What there is to say about it.
        pub note: Option<String>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
