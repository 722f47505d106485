//! Which contacts took part in which touches, with the touch's time and since when it is known that they answered, so that a
//! person's latest touches, and whether they know us, are one stretch of an index.

use sea_orm::entity::prelude::*;

use crate::{ContactId, Instant, OrganizationId, TouchId, row::row};

row! {
    /// One contact at one touch.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "touch_contact")]
    pub struct Model {
        /// The touch.
        #[sea_orm(primary_key, auto_increment = false)]
        pub touch_id: TouchId,
        /// The contact.
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: ContactId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// The touch's time.
        pub at: Instant,
        /// When the touch was recorded, where it was answered.
        pub answer_known_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
