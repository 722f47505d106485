//! What touches are written with: the inputs of their mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::{TouchDirection, TouchKind, ValueKind};
use crate::graphql::scalars::DateTime;
use crate::write::external_ids::ExternalIdInput;

/// A touch that was made.
#[derive(Clone, Debug, InputObject)]
pub struct LogTouchInput {
    /// At which account; not an archived one.
    pub account_id: ID,
    /// Who of the account took part: at most 100.
    pub contact_ids: Option<Vec<ID>>,
    /// How.
    pub kind: TouchKind,
    /// Who started it.
    #[graphql(default_with = "Some(TouchDirection::Outbound)")]
    pub direction: Option<TouchDirection>,
    /// When it began; now where nothing is given. Not in the future.
    pub at: Option<DateTime>,
    /// How long it took, in minutes: 1 to 1,440.
    pub duration_minutes: Option<i32>,
    /// What about: up to 200 characters.
    pub subject: Option<String>,
    /// What was said: up to 20,000 characters.
    pub notes: Option<String>,
    /// Did the other side take part?
    #[graphql(default_with = "Some(false)")]
    pub responded: Option<bool>,
    /// What the client got out of it.
    pub value: Option<ValueKind>,
    /// Did the client say that it was of use? Needs a value.
    #[graphql(default_with = "Some(false)")]
    pub value_acknowledged: Option<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: Option<String>,
    /// Was it given? Needs commitmentAsked.
    pub commitment_given: Option<bool>,
    /// The opportunity of the same account that it was about.
    pub opportunity_id: Option<ID>,
    /// The action that it was for, of a plan for the same account. Where that is open it is done by this, if the caller may
    /// change it or it is assigned to the caller or to the touch's user.
    pub action_id: Option<ID>,
    /// By whom: an active member; the caller where none is given. Somebody else takes their manager or an admin.
    pub user_id: Option<ID>,
    /// Other systems' names for it: at most one of each source, 20 in all.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// A touch that is to be made.
#[derive(Clone, Debug, InputObject)]
pub struct ScheduleTouchInput {
    /// At which account; not an archived one.
    pub account_id: ID,
    /// Who of the account is to take part: at most 100.
    pub contact_ids: Option<Vec<ID>>,
    /// How.
    pub kind: TouchKind,
    /// When it is to begin. Not in the past.
    pub at: DateTime,
    /// How long it is to take, in minutes: 1 to 1,440.
    pub duration_minutes: Option<i32>,
    /// What about: up to 200 characters.
    pub subject: Option<String>,
    /// What there is to know: up to 20,000 characters.
    pub notes: Option<String>,
    /// The opportunity of the same account that it is about.
    pub opportunity_id: Option<ID>,
    /// The action that it is for, of a plan for the same account. Completing the touch says that it is done, as in logTouch.
    pub action_id: Option<ID>,
    /// By whom: an active member; the caller where none is given. Somebody else takes their manager or an admin.
    pub user_id: Option<ID>,
    /// Other systems' names for it: at most one of each source, 20 in all.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// A change of a touch. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTouchInput {
    /// Which one.
    pub id: ID,
    /// Who of the account took part, all of them: at most 100.
    pub contact_ids: MaybeUndefined<Vec<ID>>,
    /// How.
    pub kind: MaybeUndefined<TouchKind>,
    /// Who started it.
    pub direction: MaybeUndefined<TouchDirection>,
    /// When it began or is to begin. A new time revives a missed touch; one to be made is not in the past, one made not
    /// in the future.
    pub at: MaybeUndefined<DateTime>,
    /// How long it took, in minutes: 1 to 1,440.
    pub duration_minutes: MaybeUndefined<i32>,
    /// What about: up to 200 characters.
    pub subject: MaybeUndefined<String>,
    /// What was said: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// Did the other side take part?
    pub responded: MaybeUndefined<bool>,
    /// What the client got out of it.
    pub value: MaybeUndefined<ValueKind>,
    /// Did the client say that it was of use? Needs a value.
    pub value_acknowledged: MaybeUndefined<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: MaybeUndefined<String>,
    /// Was it given? Needs commitmentAsked.
    pub commitment_given: MaybeUndefined<bool>,
    /// The opportunity of the same account that it was about.
    pub opportunity_id: MaybeUndefined<ID>,
    /// The action that it is or was for, of a plan for the same account. A touch that was made says that it is done, as in
    /// logTouch.
    pub action_id: MaybeUndefined<ID>,
    /// Refuses the change with STALE_VERSION where the touch is at another version.
    pub if_version: Option<i32>,
}

/// How a scheduled touch went. What is left out stays as it was scheduled; null clears.
#[derive(Clone, Debug, InputObject)]
pub struct CompleteTouchInput {
    /// Which one.
    pub id: ID,
    /// When it began; where nothing is given as scheduled, or now where that is still to come. Not in the future.
    pub at: Option<DateTime>,
    /// How long it took, in minutes: 1 to 1,440.
    pub duration_minutes: MaybeUndefined<i32>,
    /// What was said: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// Did the other side take part? Left out: no, whatever was noted before the touch was made.
    #[graphql(default_with = "Some(false)")]
    pub responded: Option<bool>,
    /// What the client got out of it.
    pub value: MaybeUndefined<ValueKind>,
    /// Did the client say that it was of use? Needs a value. Left out: no, whatever was noted before.
    #[graphql(default_with = "Some(false)")]
    pub value_acknowledged: Option<bool>,
    /// The commitment asked for: up to 20,000 characters.
    pub commitment_asked: MaybeUndefined<String>,
    /// Was it given? Needs commitmentAsked.
    pub commitment_given: MaybeUndefined<bool>,
}

/// Arguments of `cancelTouch` and `deleteTouch`.
#[derive(Clone, Debug, InputObject)]
pub struct OneTouch {
    /// Which one.
    pub id: ID,
}
