//! A touch: any contact with people of an account, made or scheduled.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ActionId, Instant, OpportunityId, OrganizationId, TouchId, UserId, row::row, word::word};

word! {
    /// How the touch is made.
    TouchKind {
        /// By telephone.
        Call "CALL",
        /// By e-mail.
        Email "EMAIL",
        /// Face to face, in a room or on a screen.
        Meeting "MEETING",
        /// By a short message.
        Message "MESSAGE",
        /// At an event.
        Event "EVENT",
        /// By letter.
        Mail "MAIL",
        /// Anything else.
        Other "OTHER",
    }
}

word! {
    /// Where the touch stands. MISSED is told from the clock and never stored.
    TouchStatus {
        /// To be made.
        Scheduled "SCHEDULED",
        /// Made.
        Completed "COMPLETED",
        /// Called off.
        Canceled "CANCELED",
    }
}

word! {
    /// Who started it.
    TouchDirection {
        /// We.
        Outbound "OUTBOUND",
        /// They.
        Inbound "INBOUND",
    }
}

word! {
    /// What the client got out of it.
    ValueKind {
        /// An idea.
        Idea "IDEA",
        /// An insight.
        Insight "INSIGHT",
        /// Something to read or watch.
        Content "CONTENT",
        /// An introduction to someone.
        Introduction "INTRODUCTION",
        /// Help.
        Help "HELP",
    }
}

row! {
    /// A touch.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "touch")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TouchId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// At which account.
        pub account_id: AccountId,
        /// By whom.
        pub user_id: UserId,
        /// How.
        pub kind: TouchKind,
        /// Where it stands.
        pub status: TouchStatus,
        /// Who started it.
        pub direction: TouchDirection,
        /// When it starts, or did.
        pub at: Instant,
        /// The end of the user's local day of `at`: from then on a scheduled touch is missed.
        pub missed_at: Instant,
        /// How long, in minutes.
        pub duration_minutes: Option<i32>,
        /// When we learned of it.
        pub recorded_at: Instant,
        /// What about.
        pub subject: Option<String>,
        /// What was said.
        pub notes: Option<String>,
        /// Did the other side take part?
        pub responded: bool,
        /// What the client got out of it.
        pub value: Option<ValueKind>,
        /// Did the client say that it was of use?
        pub value_acknowledged: bool,
        /// The commitment asked for.
        pub commitment_asked: Option<String>,
        /// Was it given?
        pub commitment_given: Option<bool>,
        /// The opportunity that it was about.
        pub opportunity_id: Option<OpportunityId>,
        /// The action of a plan that it was for.
        pub action_id: Option<ActionId>,
        /// JSON: ids of the contacts, in the order given. `touch_contact` has the same to search by.
        pub contact_ids: String,
        /// JSON: [{source, id}], by source.
        pub external_ids: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
        /// What it weighs in presence, in thousandths: 0 unless it was made. Follows from the rest, as the two below.
        pub weight: i32,
        /// Was it made, and did the other side take part?
        pub answered: bool,
        /// The minutes that it counts: how long it took, or takes usually.
        pub minutes: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
