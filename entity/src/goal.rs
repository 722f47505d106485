//! Revenue goals of accounts for fiscal years.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BookingId, GoalId, Instant, OrganizationId, UserId, row::row};

row! {
    /// A goal.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "goal")]
    pub struct Model {
        /// The goal's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GoalId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The fiscal year.
        pub year: i32,
        /// The agreed amount in minor units; null until an amount is agreed.
        pub agreed_amount: Option<i64>,
        /// The amount awaiting agreement, in minor units; null if none is.
        pub waiting_amount: Option<i64>,
        /// The user who proposed the latest amount.
        pub proposed_by_id: UserId,
        /// The user who last agreed to an amount.
        pub agreed_by_id: Option<UserId>,
        /// When an amount was last agreed.
        pub agreed_at: Option<Instant>,
        /// Every agreed amount so far, oldest first, as JSON.
        pub revisions: String,
        /// Derived: the booking with which the year's bookings reached the goal; null while they are below it.
        pub reached_by_id: Option<BookingId>,
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
