//! Criteria by which accounts are assessed.

use sea_orm::entity::prelude::*;

use crate::{CriterionId, Instant, OrganizationId, row::row};

row! {
    /// A criterion.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "criterion")]
    pub struct Model {
        /// The criterion's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CriterionId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// What the criterion means.
        pub description: Option<String>,
        /// The relative weight, in thousandths; greater than 0.
        pub weight: i64,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// When the criterion was archived; null while it is active.
        pub archived_at: Option<Instant>,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
