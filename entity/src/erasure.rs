//! Marks of erased people: keyed hashes of their addresses and external ids, which keep an import from bringing
//! them back, and tell nobody who they were.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, row::row};

row! {
    /// One mark.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "erasure")]
    pub struct Model {
        /// Of which organization.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: OrganizationId,
        /// HMAC-SHA-256 of the address or external id under the organization's erasure key.
        #[sea_orm(primary_key, auto_increment = false)]
        pub mark: Vec<u8>,
        /// When.
        pub at: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
