//! How we stood with a contact from some instant on: where they worked, the part they played in buying, how they saw us.
//! A contact has a row for each change of these, so that "as it stood on that day" can be told for ever. Nothing in it is
//! personal: it stays when the person is erased.

use sea_orm::entity::prelude::*;

use crate::contact::{BuyingRole, RelationshipLevel};
use crate::{AccountId, ContactId, Instant, OrganizationId, row::row};

row! {
    /// How we stood with a contact from an instant on, until the next one's.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "acquaintance")]
    pub struct Model {
        /// The contact.
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: ContactId,
        /// From when on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub since: Instant,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Where they worked.
        pub account_id: AccountId,
        /// The part in buying.
        pub buying_role: Option<BuyingRole>,
        /// How they saw us.
        pub relationship: RelationshipLevel,
        /// When they were archived.
        pub archived_at: Option<Instant>,
        /// Is it the contact's first? Of before we know nothing else.
        pub first: bool,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
