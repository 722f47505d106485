//! A chance of revenue at an account.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OpportunityId, OrganizationId, TriggerEventId, UserId, row::row, word::word};

word! {
    /// How far it has come.
    Stage {
        /// Seen.
        Identified "IDENTIFIED",
        /// Worth pursuing.
        Qualified "QUALIFIED",
        /// Offered.
        Proposed "PROPOSED",
        /// Being negotiated.
        Negotiating "NEGOTIATING",
        /// Won.
        Won "WON",
        /// Lost.
        Lost "LOST",
    }
}

row! {
    /// An opportunity.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "opportunity")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OpportunityId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// At which account.
        pub account_id: AccountId,
        /// Whose.
        pub owner_id: UserId,
        /// The name.
        pub name: String,
        /// The name, folded.
        pub name_key: String,
        /// What it would bring in, in minor units.
        pub amount: Option<i64>,
        /// How far it has come.
        pub stage: Stage,
        /// Percent; null for the stage's own.
        pub probability: Option<i32>,
        /// The day it was opened.
        pub opened_on: Day,
        /// The day it is expected to close.
        pub expected_close_on: Option<Day>,
        /// The day it was won or lost.
        pub closed_on: Option<Day>,
        /// Why it was lost.
        pub loss_reason: Option<String>,
        /// JSON: [{source, id}], by source.
        pub external_ids: String,
        /// JSON object.
        pub custom_fields: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
        /// What it came of.
        pub trigger_event_id: Option<TriggerEventId>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
