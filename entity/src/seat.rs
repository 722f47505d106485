//! Seats: the users who may see an account because they own it or are on its team.
//!
//! All visibility rules are based on this table.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OrganizationId, UserId, row::row, word::word};

word! {
    /// A member's role on an account's team.
    TeamRole {
        /// Sells.
        Seller "SELLER",
        /// Manages sellers.
        Manager "MANAGER",
        /// Manages the account.
        AccountManager "ACCOUNT_MANAGER",
        /// Contributes technical expertise.
        Technical "TECHNICAL",
        /// Develops the account's strategy.
        Strategist "STRATEGIST",
        /// Does marketing.
        Marketing "MARKETING",
        /// Any other role.
        Other "OTHER",
    }
}

row! {
    /// One user's seat at one account.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seat")]
    pub struct Model {
        /// The account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: AccountId,
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// Whether the user owns the account.
        pub owner: bool,
        /// The role on the team; null for an owner who is not on the team.
        pub role: Option<TeamRole>,
        /// When the user got the seat.
        pub since: Instant,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
