//! The history of the relationship with each contact: their account, buying role and relationship level over time.
//!
//! A contact has one row per change, so that the state on any past day can be reconstructed. The rows contain no
//! personal data and are kept when the contact is erased.

use sea_orm::entity::prelude::*;

use crate::contact::{BuyingRole, RelationshipLevel};
use crate::{AccountId, ContactId, Instant, OrganizationId, row::row};

row! {
    /// The state of the relationship with a contact from `since` until the contact's next row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "acquaintance")]
    pub struct Model {
        /// The contact.
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: ContactId,
        /// The start of the period this row describes.
        #[sea_orm(primary_key, auto_increment = false)]
        pub since: Instant,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account where the contact worked.
        pub account_id: AccountId,
        /// The contact's role in buying decisions.
        pub buying_role: Option<BuyingRole>,
        /// The relationship level.
        pub relationship: RelationshipLevel,
        /// When the contact was archived; null if they were not.
        pub archived_at: Option<Instant>,
        /// Whether this is the contact's first row. Nothing is known about the time before it.
        pub first: bool,
        /// Whether this row set or confirmed the relationship.
        pub relationship_set: bool,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
