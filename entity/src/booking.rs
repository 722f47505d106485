//! Bookings: revenue recorded on a day.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BookingId, Day, Instant, OpportunityId, OrganizationId, UserId, row::row};

row! {
    /// A booking.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "booking")]
    pub struct Model {
        /// The booking's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: BookingId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account that the revenue came from.
        pub account_id: AccountId,
        /// The amount in minor units; negative for a credit note, never 0.
        pub amount: i64,
        /// The day of the booking.
        pub booked_on: Day,
        /// What was sold.
        pub description: Option<String>,
        /// The opportunity that led to the booking.
        pub opportunity_id: Option<OpportunityId>,
        /// The user credited with the sale.
        pub seller_id: UserId,
        /// The row's ids in other systems, as JSON: `[{source, id}]`, sorted by source.
        pub external_ids: String,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
