//! By what accounts are assessed.

use sea_orm::entity::prelude::*;

use crate::{CriterionId, Instant, OrganizationId, row::row};

row! {
    /// A criterion.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "criterion")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CriterionId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// What it means.
        pub description: Option<String>,
        /// Its relative weight, in thousandths; above 0.
        pub weight: i64,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// When it was archived.
        pub archived_at: Option<Instant>,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
