//! A superseded state of a touch that counted: what was known of it from one instant until another.

use sea_orm::entity::prelude::*;

use crate::touch::{TouchKind, ValueKind};
use crate::{AccountId, Instant, OrganizationId, TouchId, row::row};

row! {
    /// What was known of a completed touch between two instants.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "touch_version")]
    pub struct Model {
        /// The touch.
        #[sea_orm(primary_key, auto_increment = false)]
        pub touch_id: TouchId,
        /// The instant from which on this was known.
        #[sea_orm(primary_key, auto_increment = false)]
        pub known_from: Instant,
        /// The organization.
        pub organization_id: OrganizationId,
        /// The account of the touch.
        pub account_id: AccountId,
        /// The instant at which it was superseded.
        pub known_until: Instant,
        /// The time of the touch.
        pub at: Instant,
        /// How the touch was made.
        pub kind: TouchKind,
        /// Its weight in presence, in thousandths: above 0.
        pub weight: i32,
        /// Its length in minutes; the default of its kind where none was given.
        pub minutes: i32,
        /// What the client got out of it.
        pub value: Option<ValueKind>,
        /// Whether the client acknowledged that.
        pub value_acknowledged: bool,
        /// JSON: ids of the contacts, in the order given.
        pub contact_ids: String,
        /// Its kind, weight and length packed into one number.
        pub shape: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
