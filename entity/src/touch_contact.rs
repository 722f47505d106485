//! The contacts who took part in touches.
//!
//! Each row repeats the touch's time and when its answer became known. A contact's latest touches, and whether the
//! contact has ever answered, are thus each one range of an index.

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
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The touch's time.
        pub at: Instant,
        /// When the touch was recorded, if it was answered; otherwise null.
        pub answer_known_at: Option<Instant>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
