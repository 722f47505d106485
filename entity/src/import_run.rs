//! Runs of imports.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row};

row! {
    /// A run of an import.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "import_run")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The organization.
        pub organization_id: OrganizationId,
        /// The acting user.
        pub actor_id: UserId,
        /// When it started.
        pub at: Instant,
        /// What the rows were.
        pub kind: String,
        /// The source of the external ids.
        pub source: String,
        /// The names of the files.
        pub files: String,
        /// When it was undone.
        pub undone_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
