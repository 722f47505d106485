//! Ids of rows in other systems: unique per organization, noun and source.

use sea_orm::entity::prelude::*;

use crate::{OrganizationId, row::row};

row! {
    /// The id of one row in one other system.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "external_id")]
    pub struct Model {
        /// The organization the row belongs to.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: OrganizationId,
        /// The type of the row: the prefix of its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub noun: String,
        /// The other system.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        /// The id in that system.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The id of the row.
        pub subject_id: Uuid,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
