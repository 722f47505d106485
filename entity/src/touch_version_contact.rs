//! A contact of a superseded state of an answered touch, with the time of the touch, to be searched by contact.

use sea_orm::entity::prelude::*;

use crate::{ContactId, Instant, OrganizationId, TouchId, row::row};

row! {
    /// A contact known to have answered in a touch between two instants.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "touch_version_contact")]
    pub struct Model {
        /// The touch.
        #[sea_orm(primary_key, auto_increment = false)]
        pub touch_id: TouchId,
        /// The instant from which on this was known.
        #[sea_orm(primary_key, auto_increment = false)]
        pub known_from: Instant,
        /// The contact.
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: ContactId,
        /// The organization.
        pub organization_id: OrganizationId,
        /// The instant at which it was superseded.
        pub known_until: Instant,
        /// The time of the touch.
        pub at: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
