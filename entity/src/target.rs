//! A target: an account that a seller is committed to pursue. A row is one membership of the list, and stays when it ends.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OneOnOneId, OrganizationId, TargetId, UserId, row::row, word::word};

word! {
    /// What is to become of the account.
    TargetKind {
        /// To be won.
        DreamClient "DREAM_CLIENT",
        /// A client to be grown into a key account.
        Growth "GROWTH",
    }
}

word! {
    /// Where the target stands.
    TargetStatus {
        /// Waiting for agreement.
        Proposed "PROPOSED",
        /// On the list.
        Agreed "AGREED",
        /// Refused.
        Declined "DECLINED",
        /// Taken back by whoever proposed it.
        Withdrawn "WITHDRAWN",
        /// Off the list: won.
        Won "WON",
        /// Off the list: given up.
        Dropped "DROPPED",
        /// The account went to another owner.
        Moved "MOVED",
    }
}

word! {
    /// Whose idea it was.
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
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TargetId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which account.
        pub account_id: AccountId,
        /// Whose target: the account's owner at the time.
        pub seller_id: UserId,
        /// What is to become of it.
        pub kind: TargetKind,
        /// Where it stands.
        pub status: TargetStatus,
        /// Whose idea it was.
        pub source: TargetSource,
        /// Why this one.
        pub rationale: String,
        /// Who proposed it.
        pub proposed_by_id: UserId,
        /// When.
        pub proposed_at: Instant,
        /// Who agreed to it or declined it.
        pub decided_by_id: Option<UserId>,
        /// When.
        pub decided_at: Option<Instant>,
        /// What they said.
        pub decision_note: Option<String>,
        /// From when on it is on the list.
        pub since: Option<Instant>,
        /// From when on it is not any more.
        pub until: Option<Instant>,
        /// Why it was closed.
        pub closing_note: Option<String>,
        /// The one-on-one in which it was proposed or decided.
        pub one_on_one_id: Option<OneOnOneId>,
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
