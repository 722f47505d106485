//! Who sees an account by name: its owner and its team. All visibility rests on this table.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OrganizationId, UserId, row::row, word::word};

word! {
    /// What a member of an account's team does there.
    TeamRole {
        /// Sells.
        Seller "SELLER",
        /// Manages sellers.
        Manager "MANAGER",
        /// Looks after the account.
        AccountManager "ACCOUNT_MANAGER",
        /// Knows the technology.
        Technical "TECHNICAL",
        /// Knows where it is to go.
        Strategist "STRATEGIST",
        /// Does marketing.
        Marketing "MARKETING",
        /// Anything else.
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
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Does the account belong to the user's book?
        pub owner: bool,
        /// The role on the team; null for an owner who is not on it.
        pub role: Option<TeamRole>,
        /// Since when.
        pub since: Instant,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
