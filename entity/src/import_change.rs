//! What runs of imports changed, so that they can be undone.

use sea_orm::entity::prelude::*;

use crate::{OrganizationId, row::row};

row! {
    /// A change of one row by one run.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "import_change")]
    pub struct Model {
        /// The run.
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: Uuid,
        /// The place among the changes of the run.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// The organization.
        pub organization_id: OrganizationId,
        /// The noun: the prefix of the row's id.
        pub noun: String,
        /// The row.
        pub subject_id: Uuid,
        /// JSON: the values before, of the columns that changed; null where the row was created.
        pub before: Option<String>,
        /// JSON: the values after; of a created row all of them.
        pub after: String,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
