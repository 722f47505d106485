//! Revenue, on a day.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BookingId, Day, Instant, OpportunityId, OrganizationId, UserId, row::row};

row! {
    /// A booking.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "booking")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: BookingId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// From which account.
        pub account_id: AccountId,
        /// How much, in minor units; negative for a credit note, never 0.
        pub amount: i64,
        /// The day.
        pub booked_on: Day,
        /// What for.
        pub description: Option<String>,
        /// The opportunity that it came of.
        pub opportunity_id: Option<OpportunityId>,
        /// Whose sale it was.
        pub seller_id: UserId,
        /// JSON: [{source, id}], by source.
        pub external_ids: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
