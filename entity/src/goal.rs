//! What an account is to bring in in a fiscal year.

use sea_orm::entity::prelude::*;

use crate::{AccountId, BookingId, GoalId, Instant, OrganizationId, UserId, row::row};

row! {
    /// A goal.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "goal")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GoalId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which account is to bring it in.
        pub account_id: AccountId,
        /// In which fiscal year.
        pub year: i32,
        /// The amount agreed on, in minor units; none before there is one.
        pub agreed_amount: Option<i64>,
        /// The amount that waits for agreement, in minor units.
        pub waiting_amount: Option<i64>,
        /// Who proposed the latest amount.
        pub proposed_by_id: UserId,
        /// Who agreed last.
        pub agreed_by_id: Option<UserId>,
        /// When.
        pub agreed_at: Option<Instant>,
        /// JSON: every amount that was ever agreed, the oldest first.
        pub revisions: String,
        /// The booking that made the year's bookings reach the goal, while they do: derived.
        pub reached_by_id: Option<BookingId>,
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
