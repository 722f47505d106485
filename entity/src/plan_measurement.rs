//! Measurements of plans' benchmarks.

use sea_orm::entity::prelude::*;

use crate::{BenchmarkId, Day, OrganizationId, PlanId, row::row};

row! {
    /// A measurement. A benchmark has at most one per day.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_measurement")]
    pub struct Model {
        /// The benchmark.
        #[sea_orm(primary_key, auto_increment = false)]
        pub benchmark_id: BenchmarkId,
        /// The day of the measurement.
        #[sea_orm(primary_key, auto_increment = false)]
        pub measured_on: Day,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The measured value, in millionths.
        pub value: i64,
        /// A note on the measurement.
        pub note: Option<String>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
