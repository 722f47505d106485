//! What makes a client ready to change.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Day, Instant, OrganizationId, TriggerEventId, UserId, row::row, word::word};

word! {
    /// What kind of thing happened.
    TriggerKind {
        /// They are not content with whom they have.
        Dissatisfaction "DISSATISFACTION",
        /// Somebody else leads.
        LeadershipChange "LEADERSHIP_CHANGE",
        /// A contract ends.
        ContractEnd "CONTRACT_END",
        /// They got money.
        Funding "FUNDING",
        /// They expand.
        Expansion "EXPANSION",
        /// A rule they live by changes.
        Regulation "REGULATION",
        /// Anything else.
        Other "OTHER",
    }
}

word! {
    /// What came of it for us.
    TriggerOutcome {
        /// We won.
        Won "WON",
        /// We competed and lost.
        CompetedAndLost "COMPETED_AND_LOST",
        /// They changed, and did not ask us.
        NotInvited "NOT_INVITED",
        /// They stayed with whom they have.
        NoChange "NO_CHANGE",
    }
}

row! {
    /// A trigger event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trigger_event")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TriggerEventId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// At which account.
        pub account_id: AccountId,
        /// What kind of thing.
        pub kind: TriggerKind,
        /// The day on which it happened.
        pub occurred_on: Day,
        /// What there is to know about it.
        pub description: Option<String>,
        /// Whom it is about, or who told.
        pub contact_id: Option<ContactId>,
        /// Who recorded it.
        pub recorded_by_id: Option<UserId>,
        /// What came of it.
        pub outcome: Option<TriggerOutcome>,
        /// The day on which that was settled.
        pub resolved_on: Option<Day>,
        /// When it was entered.
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
