//! Touches: any contact with people at an account, made or scheduled.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ActionId, Instant, OpportunityId, OrganizationId, TouchId, UserId, row::row, word::word};

word! {
    /// The kind of a touch.
    TouchKind {
        /// A telephone call.
        Call "CALL",
        /// An email.
        Email "EMAIL",
        /// A meeting, in person or by video.
        Meeting "MEETING",
        /// A short message.
        Message "MESSAGE",
        /// A conversation at an event.
        Event "EVENT",
        /// A letter.
        Mail "MAIL",
        /// Anything else.
        Other "OTHER",
    }
}

word! {
    /// The stored status of a touch. `MISSED` is derived from the clock and never stored.
    TouchStatus {
        /// Planned.
        Scheduled "SCHEDULED",
        /// Made.
        Completed "COMPLETED",
        /// Canceled.
        Canceled "CANCELED",
    }
}

word! {
    /// Who initiated a touch.
    TouchDirection {
        /// The organization.
        Outbound "OUTBOUND",
        /// The client.
        Inbound "INBOUND",
    }
}

word! {
    /// The kind of value a touch gave the client.
    ValueKind {
        /// An idea.
        Idea "IDEA",
        /// An insight.
        Insight "INSIGHT",
        /// Something to read or watch.
        Content "CONTENT",
        /// An introduction to another person.
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
        /// The touch's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TouchId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account.
        pub account_id: AccountId,
        /// The user who makes or made it.
        pub user_id: UserId,
        /// The kind.
        pub kind: TouchKind,
        /// The status.
        pub status: TouchStatus,
        /// Who initiated it.
        pub direction: TouchDirection,
        /// When it starts or started.
        pub at: Instant,
        /// When a scheduled touch counts as missed: the end of the day of `at` in the user's time zone.
        pub missed_at: Instant,
        /// The duration in minutes.
        pub duration_minutes: Option<i32>,
        /// When it was first recorded.
        pub recorded_at: Instant,
        /// The subject.
        pub subject: Option<String>,
        /// Notes on the conversation.
        pub notes: Option<String>,
        /// Whether the client responded.
        pub responded: bool,
        /// The kind of value the client got from it.
        pub value: Option<ValueKind>,
        /// Whether the client acknowledged that value.
        pub value_acknowledged: bool,
        /// The commitment that the client was asked for.
        pub commitment_asked: Option<String>,
        /// Whether the client gave the commitment; null if that is open.
        pub commitment_given: Option<bool>,
        /// The opportunity it was about.
        pub opportunity_id: Option<OpportunityId>,
        /// The plan action it was for.
        pub action_id: Option<ActionId>,
        /// The contacts' ids in the order given, as JSON. `touch_contact` stores the same ids for searching.
        pub contact_ids: String,
        /// The row's ids in other systems, as JSON: `[{source, id}]`, sorted by source.
        pub external_ids: String,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
        /// Derived: the weight in the presence metric, in thousandths; 0 unless the touch was made.
        pub weight: i32,
        /// Derived: whether the touch was made and the client took part.
        pub answered: bool,
        /// Derived: the minutes to count for it, which are the duration or else the kind's usual duration.
        pub minutes: i32,
        /// Since when its present state is known, as far as figures rest on it. Earlier states are in `touch_version`.
        pub known_at: Instant,
        /// Its kind, weight and length packed into one number, for reading many touches: see `touch::weight::shape`.
        pub shape: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
