//! Targets: accounts that sellers are committed to pursue.
//!
//! A row is one membership of a target list and is kept when the membership ends.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OneOnOneId, OrganizationId, TargetId, UserId, row::row, word::word};

word! {
    /// What a target is to become.
    TargetKind {
        /// An account to win as a client.
        DreamClient "DREAM_CLIENT",
        /// A client to grow into a key account.
        Growth "GROWTH",
    }
}

word! {
    /// The status of a target.
    TargetStatus {
        /// Awaiting agreement.
        Proposed "PROPOSED",
        /// On the target list.
        Agreed "AGREED",
        /// Declined.
        Declined "DECLINED",
        /// Withdrawn by the user who proposed it.
        Withdrawn "WITHDRAWN",
        /// Won, and therefore removed from the list.
        Won "WON",
        /// Dropped from the list.
        Dropped "DROPPED",
        /// Closed because the account changed owners.
        Moved "MOVED",
    }
}

word! {
    /// Whose idea a target was.
    TargetSource {
        /// The seller's.
        Seller "SELLER",
        /// Management's.
        Management "MANAGEMENT",
        /// Marketing's.
        Marketing "MARKETING",
    }
}

row! {
    /// A target.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "target")]
    pub struct Model {
        /// The target's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TargetId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The seller: the account's owner when the target was proposed.
        pub seller_id: UserId,
        /// What the account is to become.
        pub kind: TargetKind,
        /// The status.
        pub status: TargetStatus,
        /// Whose idea it was.
        pub source: TargetSource,
        /// Why this account was chosen.
        pub rationale: String,
        /// The user who proposed it.
        pub proposed_by_id: UserId,
        /// When it was proposed.
        pub proposed_at: Instant,
        /// The user who agreed to it or declined it.
        pub decided_by_id: Option<UserId>,
        /// When it was agreed to or declined.
        pub decided_at: Option<Instant>,
        /// A note on the decision.
        pub decision_note: Option<String>,
        /// When it joined the list; null if it never did.
        pub since: Option<Instant>,
        /// When it left the list; null while it is on it.
        pub until: Option<Instant>,
        /// Why it was closed.
        pub closing_note: Option<String>,
        /// The one-on-one in which it was proposed or decided.
        pub one_on_one_id: Option<OneOnOneId>,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
        /// Derived: the score of the account, as the account stores it.
        pub score: i64,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
