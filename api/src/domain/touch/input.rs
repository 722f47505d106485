//! What touches are written with: the inputs of their mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{Instant, touch};

use super::{TouchDirection, TouchKind, ValueKind};
use crate::graphql::node_input;
use crate::graphql::scalars::DateTime;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::Validator;

/// A touch that was made.
#[derive(Clone, Debug, InputObject)]
pub struct LogTouchInput {
    /// The account; not archived.
    pub account_id: ID,
    /// The contacts of the account who took part: at most 100.
    pub contact_ids: Option<Vec<ID>>,
    /// The kind of contact.
    pub kind: TouchKind,
    /// Which side started it.
    #[graphql(default_with = "Some(TouchDirection::Outbound)")]
    pub direction: Option<TouchDirection>,
    /// The time at which it began. Defaults to now. Not in the future.
    pub at: Option<DateTime>,
    /// The length in minutes: 1 to 1,440.
    pub duration_minutes: Option<i32>,
    /// The subject: up to 200 characters.
    pub subject: Option<String>,
    /// Notes: up to 20,000 characters.
    pub notes: Option<String>,
    /// Whether the client responded.
    #[graphql(default_with = "Some(false)")]
    pub responded: Option<bool>,
    /// The value that the client gained from it.
    pub value: Option<ValueKind>,
    /// Whether the client acknowledged the value. Needs `value`.
    #[graphql(default_with = "Some(false)")]
    pub value_acknowledged: Option<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: Option<String>,
    /// Whether the commitment was given. Needs `commitmentAsked`.
    pub commitment_given: Option<bool>,
    /// The opportunity of the same account that it was about.
    pub opportunity_id: Option<ID>,
    /// The action that it was for, of a plan for the same account. Where that is open it is done by this, if the caller may
    /// change it or it is assigned to the caller or to the touch's user.
    pub action_id: Option<ID>,
    /// The user: an active member, by default the caller. Another user takes their manager or an admin.
    pub user_id: Option<ID>,
    /// The ids in other systems: at most one per source, 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// A touch that is to be made.
#[derive(Clone, Debug, InputObject)]
pub struct ScheduleTouchInput {
    /// The account; not archived.
    pub account_id: ID,
    /// The contacts of the account who are to take part: at most 100.
    pub contact_ids: Option<Vec<ID>>,
    /// The kind of contact.
    pub kind: TouchKind,
    /// The time at which it is to begin. Not in the past.
    pub at: DateTime,
    /// The length in minutes: 1 to 1,440.
    pub duration_minutes: Option<i32>,
    /// The subject: up to 200 characters.
    pub subject: Option<String>,
    /// Notes: up to 20,000 characters.
    pub notes: Option<String>,
    /// The opportunity of the same account that it is about.
    pub opportunity_id: Option<ID>,
    /// The action that it is for, of a plan for the same account. Completing the touch says that it is done, as in logTouch.
    pub action_id: Option<ID>,
    /// The user: an active member, by default the caller. Another user takes their manager or an admin.
    pub user_id: Option<ID>,
    /// The ids in other systems: at most one per source, 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// A change of a touch. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTouchInput {
    /// The touch.
    pub id: ID,
    /// All contacts of the account who took part: at most 100.
    pub contact_ids: MaybeUndefined<Vec<ID>>,
    /// The kind of contact.
    pub kind: MaybeUndefined<TouchKind>,
    /// Which side started it.
    pub direction: MaybeUndefined<TouchDirection>,
    /// The time at which it began or is to begin. A new time revives a missed touch; one to be made is not in the past,
    /// one made not in the future.
    pub at: MaybeUndefined<DateTime>,
    /// The length in minutes: 1 to 1,440.
    pub duration_minutes: MaybeUndefined<i32>,
    /// The subject: up to 200 characters.
    pub subject: MaybeUndefined<String>,
    /// Notes: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// Whether the client responded.
    pub responded: MaybeUndefined<bool>,
    /// The value that the client gained from it.
    pub value: MaybeUndefined<ValueKind>,
    /// Whether the client acknowledged the value. Needs `value`.
    pub value_acknowledged: MaybeUndefined<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: MaybeUndefined<String>,
    /// Whether the commitment was given. Needs `commitmentAsked`.
    pub commitment_given: MaybeUndefined<bool>,
    /// The opportunity of the same account that it was about.
    pub opportunity_id: MaybeUndefined<ID>,
    /// The action that it is or was for, of a plan for the same account. A touch that was made says that it is done, as in
    /// logTouch.
    pub action_id: MaybeUndefined<ID>,
    /// Refuses the change with STALE_VERSION where the touch is at another version.
    pub if_version: Option<i32>,
}

/// The outcome of a scheduled touch. Fields that are left out keep their scheduled values; null clears a field.
#[derive(Clone, Debug, InputObject)]
pub struct CompleteTouchInput {
    /// The touch.
    pub id: ID,
    /// The time at which it began. Defaults to the scheduled time, or to now if that is still to come. Not in the
    /// future.
    pub at: Option<DateTime>,
    /// The length in minutes: 1 to 1,440.
    pub duration_minutes: MaybeUndefined<i32>,
    /// Notes: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// Did the other side take part? Left out: no, whatever was noted before the touch was made.
    #[graphql(default_with = "Some(false)")]
    pub responded: Option<bool>,
    /// The value that the client gained from it.
    pub value: MaybeUndefined<ValueKind>,
    /// Did the client say that it was of use? Needs a value. Left out: no, whatever was noted before.
    #[graphql(default_with = "Some(false)")]
    pub value_acknowledged: Option<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: MaybeUndefined<String>,
    /// Whether the commitment was given. Needs `commitmentAsked`.
    pub commitment_given: MaybeUndefined<bool>,
    /// The expected version. The change fails with STALE_VERSION if the touch has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A scheduled touch to cancel.
    CancelTouchInput {
        /// The id of the touch.
        id,
        /// The expected version. The change fails with STALE_VERSION if the touch has another version.
        if_version
    }
}

node_input! {
    /// A touch to delete.
    DeleteTouchInput {
        /// The id of the touch.
        id,
        /// The expected version. The change fails with STALE_VERSION if the touch has another version.
        if_version
    }
}

/// Seconds by which the clock of a client may differ from the server's.
const LEEWAY: i64 = 300;

/// Rejects a time that a status does not allow: a completed touch in the future, or a scheduled one in the past.
pub(super) fn check_time(check: &mut Validator, field: &str, status: touch::TouchStatus, at: Instant, now: Instant) {
    match status {
        touch::TouchStatus::Completed if at > now.plus_seconds(LEEWAY) => {
            check.invalid(field, format!("A touch that was made is not in the future: at most {now}; {at} was given."));
        }
        touch::TouchStatus::Scheduled if at < now.plus_seconds(-LEEWAY) => {
            check.invalid(
                field,
                format!("A touch that is to be made is not in the past: at least {now}; {at} was given."),
            );
        }
        _ => {}
    }
}
