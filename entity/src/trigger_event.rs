//! Trigger events: events that make a client ready to change suppliers.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Day, Instant, OrganizationId, TriggerEventId, UserId, row::row, word::word};

word! {
    /// The kind of a trigger event.
    TriggerKind {
        /// The client is dissatisfied with its supplier.
        Dissatisfaction "DISSATISFACTION",
        /// The client's leadership changed.
        LeadershipChange "LEADERSHIP_CHANGE",
        /// A contract ends.
        ContractEnd "CONTRACT_END",
        /// The client received funding.
        Funding "FUNDING",
        /// The client expands.
        Expansion "EXPANSION",
        /// A regulation that applies to the client changes.
        Regulation "REGULATION",
        /// Anything else.
        Other "OTHER",
    }
}

word! {
    /// The outcome of a trigger event for the organization.
    TriggerOutcome {
        /// The organization won the client.
        Won "WON",
        /// The organization competed and lost.
        CompetedAndLost "COMPETED_AND_LOST",
        /// The client changed suppliers without inviting the organization.
        NotInvited "NOT_INVITED",
        /// The client stayed with its supplier.
        NoChange "NO_CHANGE",
    }
}

row! {
    /// A trigger event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trigger_event")]
    pub struct Model {
        /// The trigger event's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TriggerEventId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The kind.
        pub kind: TriggerKind,
        /// The day it happened.
        pub occurred_on: Day,
        /// A free-text description.
        pub description: Option<String>,
        /// The contact it is about, or who reported it.
        pub contact_id: Option<ContactId>,
        /// The user who recorded it.
        pub recorded_by_id: Option<UserId>,
        /// The outcome; null while it is open.
        pub outcome: Option<TriggerOutcome>,
        /// The day the outcome was settled; null until then.
        pub resolved_on: Option<Day>,
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
