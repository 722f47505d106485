//! Opportunities: possible revenue from accounts.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Day, Instant, OpportunityId, OrganizationId, TriggerEventId, UserId, row::row, word::word};

word! {
    /// The stage of an opportunity.
    Stage {
        /// The opportunity was identified.
        Identified "IDENTIFIED",
        /// It is worth pursuing.
        Qualified "QUALIFIED",
        /// A proposal was made.
        Proposed "PROPOSED",
        /// Terms are being negotiated.
        Negotiating "NEGOTIATING",
        /// It was won.
        Won "WON",
        /// It was lost.
        Lost "LOST",
    }
}

row! {
    /// An opportunity.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "opportunity")]
    pub struct Model {
        /// The opportunity's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OpportunityId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The user who owns the opportunity.
        pub owner_id: UserId,
        /// The name.
        pub name: String,
        /// The case-folded name.
        pub name_key: String,
        /// The expected revenue in minor units.
        pub amount: Option<i64>,
        /// The stage.
        pub stage: Stage,
        /// The probability of winning, in percent; null for the stage's default.
        pub probability: Option<i32>,
        /// The day the opportunity was opened.
        pub opened_on: Day,
        /// The day it is expected to close.
        pub expected_close_on: Option<Day>,
        /// The day it was won or lost; null while it is open.
        pub closed_on: Option<Day>,
        /// The reason it was lost.
        pub loss_reason: Option<String>,
        /// The row's ids in other systems, as JSON: `[{source, id}]`, sorted by source.
        pub external_ids: String,
        /// The organization's own fields, as a JSON object.
        pub custom_fields: String,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
        /// The trigger event that led to the opportunity.
        pub trigger_event_id: Option<TriggerEventId>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
