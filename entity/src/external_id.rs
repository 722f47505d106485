//! Other systems' names for our rows: unique in an organization for each noun and source.

use sea_orm::entity::prelude::*;

use crate::{OrganizationId, row::row};

row! {
    /// One name in one other system.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "external_id")]
    pub struct Model {
        /// Of which organization.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: OrganizationId,
        /// The noun: the prefix of the row's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub noun: String,
        /// The other system.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        /// The name there.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The row here.
        pub subject_id: Uuid,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
