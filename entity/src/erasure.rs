//! Marks of erased people: keyed hashes of their email addresses and external ids.
//!
//! They keep an import from creating these people again without revealing who they were.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, row::row};

row! {
    /// The mark of one email address or external id.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "erasure")]
    pub struct Model {
        /// The organization the row belongs to.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: OrganizationId,
        /// The HMAC-SHA-256 of the email address or external id under the organization's erasure key.
        #[sea_orm(primary_key, auto_increment = false)]
        pub mark: Vec<u8>,
        /// When the person was erased.
        pub at: Instant,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
