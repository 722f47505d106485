//! The values that rows last got from an import, by which changes that people made since are known.

use sea_orm::entity::prelude::*;

use crate::{OrganizationId, row::row};

row! {
    /// A row as an import last wrote it.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "import_record")]
    pub struct Model {
        /// The organization.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: OrganizationId,
        /// The noun: the prefix of the row's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub noun: String,
        /// The source of the external id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        /// The id in the source.
        #[sea_orm(primary_key, auto_increment = false)]
        pub external_id: String,
        /// The row here; it may be deleted by now.
        pub subject_id: Uuid,
        /// JSON: the values by column, and which of them the import made up.
        pub given: String,
        /// How often the source had changed it, where the source counts that.
        pub sequence: Option<i64>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
