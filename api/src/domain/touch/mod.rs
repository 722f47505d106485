//! Touches: any contact with people of an account, made or scheduled.
//!
//! | module | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters, orderings and lists; an account's and a person's touches |
//! | [`input`] | what they are written with |
//! | [`mod@write`] | log, schedule, update, complete, cancel, delete |
//! | [`people`] | the contacts of a touch, as stored; handing over the touches of a user |
//! | `version` | what was known of a touch on past days |
//! | [`upsert`] | many at once, from another system |
//! | [`weight`] | the weight of a touch, and when it is missed: pure |
//!
//! A scheduled touch reads as MISSED once its user's local day is over. That instant is stored with the touch, so that
//! every list and every count needs one comparison with the clock; nothing is written when it passes.

pub mod input;
pub mod list;
pub mod people;
pub mod upsert;
mod version;
pub mod weight;
pub mod write;

use std::collections::HashMap;

use async_graphql::Enum;
use entity::{AccountId, Columns, ContactId, Id, Instant, TouchId, UserId, touch};

pub use self::list::{TouchFilter, TouchesArguments, touches};

use crate::context::RequestContext;
use crate::domain::account::{Account, owners};
use crate::domain::contact::Contact;
use crate::domain::opportunity::Opportunity;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::external_ids::{ExternalId, shown};
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A touch.
#[derive(Clone, Debug)]
pub struct Touch(pub touch::Model);

impl From<touch::Model> for Touch {
    fn from(row: touch::Model) -> Self {
        Self(row)
    }
}

/// The kind of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::touch::TouchKind")]
pub enum TouchKind {
    /// A telephone call.
    Call,
    /// An e-mail.
    Email,
    /// Face to face, in person or by video.
    Meeting,
    /// A short message.
    Message,
    /// An encounter at an event.
    Event,
    /// A letter.
    Mail,
    /// Anything else.
    Other,
}

/// The status of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TouchStatus {
    /// Planned.
    Scheduled,
    /// Completed.
    Completed,
    /// Canceled.
    Canceled,
    /// Planned for a day that is over in its user's time zone. A new time makes it SCHEDULED again.
    Missed,
}

impl TouchStatus {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
            Self::Missed => "MISSED",
        }
    }

    /// Returns the status of a touch at an instant.
    #[must_use]
    pub fn of(touch: &touch::Model, now: Instant) -> Self {
        match touch.status {
            touch::TouchStatus::Scheduled if touch.missed_at <= now => Self::Missed,
            touch::TouchStatus::Scheduled => Self::Scheduled,
            touch::TouchStatus::Completed => Self::Completed,
            touch::TouchStatus::Canceled => Self::Canceled,
        }
    }
}

/// Which side started a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::touch::TouchDirection")]
pub enum TouchDirection {
    /// The user.
    Outbound,
    /// The client.
    Inbound,
}

/// The kind of value that the client gained from a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::touch::ValueKind")]
pub enum ValueKind {
    /// An idea.
    Idea,
    /// An insight.
    Insight,
    /// Something to read or watch.
    Content,
    /// An introduction to someone.
    Introduction,
    /// Help.
    Help,
}
graphql_enum! {
    touch::TouchKind as TouchKind,
    touch::TouchDirection as TouchDirection,
    touch::ValueKind as ValueKind,
    TouchStatus as TouchStatus,
}

object! {
    /// Any contact with people of an account, made or scheduled.
    Touch as "Touch" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<TouchId> = plain(|touch| NodeId(touch.0.id));
        /// The account.
        account: Account = by_key(|touch| touch.0.account_id, Account::resolve_required);
        /// The contacts who took part or are to take part, in the order given; without those whom the caller does not see.
        contacts: Vec<Contact> = batch(contacts);
        /// The user who made it or is to make it.
        user: User = by_key(|touch| touch.0.user_id, User::resolve_required);
        /// The kind of contact.
        kind: touch::TouchKind = plain(|touch| touch.0.kind);
        /// The status now.
        status: TouchStatus = plain(|touch, ctx| TouchStatus::of(&touch.0, ctx.now));
        /// Which side started it.
        direction: touch::TouchDirection = plain(|touch| touch.0.direction);
        /// The time at which it starts or started.
        at: Instant = plain(|touch| touch.0.at);
        /// The length in minutes, 1 to 1,440; null where it is unknown.
        durationMinutes: Option<i32> = plain(|touch| touch.0.duration_minutes);
        /// The time at which it was first recorded: when it was entered here, or as the system that it came from says.
        /// Figures of earlier days do not count it, and a later change of the touch does not change them.
        recordedAt: Instant = plain(|touch| touch.0.recorded_at);
        /// The subject.
        subject: Option<&str> = plain(|touch| touch.0.subject.as_deref());
        /// Notes on what was said.
        notes: Option<&str> = plain(|touch| touch.0.notes.as_deref());
        /// Whether the client responded. A touch counts as answered when the client responded or started it (INBOUND), and a
        /// meeting once it was held.
        responded: bool = plain(|touch| touch.0.responded);
        /// The value that the client gained from it; null if none was noted.
        value: Option<touch::ValueKind> = plain(|touch| touch.0.value);
        /// Whether the client acknowledged that value.
        valueAcknowledged: bool = plain(|touch| touch.0.value_acknowledged);
        /// The commitment asked for.
        commitmentAsked: Option<&str> = plain(|touch| touch.0.commitment_asked.as_deref());
        /// Whether that commitment was given; null where none was asked for, or where it is not known yet.
        commitmentGiven: Option<bool> = plain(|touch| touch.0.commitment_given);
        /// The opportunity of the same account that it was about.
        opportunity: Option<Opportunity> = by_key(|touch| touch.0.opportunity_id, Opportunity::resolve);
        /// The action of a plan that it was for.
        action: Option<crate::domain::plan::action::Action> = by_key(|touch| touch.0.action_id, crate::domain::plan::action::of_touches);
        /// Whether the account was an agreed target of the user's when the touch began.
        onTarget: bool = batch(crate::domain::targeting::touches_on_list);
        /// The promises made in it, at most 500, in order of their due days.
        promises: Vec<crate::domain::promise::ClientPromise> = by_key(|touch| touch.0.id, crate::domain::promise::list::of_touches);
        /// The ids in other systems.
        externalIds: Vec<ExternalId> = plain(|touch| shown(&touch.0.external_ids));
        /// Whether the caller may change, complete, cancel and delete it: its user, the account's owner, a manager above
        /// them or an administrator.
        viewerCanUpdate: bool = by_key(|touch| (touch.0.account_id, touch.0.user_id), viewer_can_update);
        /// The time of creation here.
        createdAt: Instant = plain(|touch| touch.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|touch| touch.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|touch| touch.0.version);
    }
}
connection!(Touch as "Touch");

payload! {
    /// A touch, or the errors of the input.
    TouchPayload as "TouchPayload" {
        /// The touch as it is now, or last was; null where there are userErrors.
        touch(touch): Touch,
    }
}

impl From<touch::Model> for TouchPayload {
    fn from(row: touch::Model) -> Self {
        Self { touch: Some(Touch(row)), ..Self::default() }
    }
}

impl AuditedRow for touch::Model {
    audited!(touch, TouchId, then weight::weigh);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            user_id,
            kind,
            status,
            direction,
            at,
            // Derived from `at` and the user's time zone.
            missed_at: _,
            duration_minutes,
            recorded_at,
            subject,
            notes,
            responded,
            value,
            value_acknowledged,
            commitment_asked,
            commitment_given,
            opportunity_id,
            action_id,
            contact_ids,
            external_ids,
            created_at,
            updated_at: _,
            version: _,
            // These follow from the rest.
            weight: _,
            answered: _,
            minutes: _,
            known_at: _,
            shape: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "userId": user_id,
            "kind": kind.word(),
            "status": status.word(),
            "direction": direction.word(),
            "at": at,
            "durationMinutes": duration_minutes,
            "recordedAt": recorded_at,
            "subject": subject,
            "notes": notes,
            "responded": responded,
            "value": value.map(touch::ValueKind::word),
            "valueAcknowledged": value_acknowledged,
            "commitmentAsked": commitment_asked,
            "commitmentGiven": commitment_given,
            "opportunityId": opportunity_id,
            "actionId": action_id,
            "contactIds": stored_json(contact_ids),
            "externalIds": stored_json(external_ids),
            "createdAt": created_at,
        }
    }
}

impl Touch {
    /// Touches by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn fetch(ctx: &RequestContext, ids: impl IntoIterator<Item = TouchId>) -> Result<HashMap<TouchId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<touch::Entity>(touch::Column::AccountId),
            touch::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }
}

async fn viewer_can_update(field: &FieldContext<'_>, of: &[(AccountId, UserId)]) -> Result<Batch<bool>> {
    let viewer = field.request.viewer()?;
    let owners = owners(field.request, of.iter().map(|(account, _)| *account)).await?;
    let can = |(account, user): &(AccountId, UserId)| {
        owners.get(account).is_some_and(|owner| write::may_change(viewer, *user, *owner))
    };
    Ok(Batch::from_values(field.request, of.iter().map(can)))
}

async fn contacts(field: &FieldContext<'_>, of: &[&Touch]) -> Result<Batch<Vec<Contact>>> {
    let people: Vec<Vec<ContactId>> = of.iter().map(|touch| people::read(&touch.0.contact_ids)).collect();
    let found = Contact::fetch(field.request, people.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&Contact>> =
        people.iter().map(|ids| ids.iter().filter_map(|id| found.get(id)).collect()).collect();
    field.lists_of_references(&lists).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::touch::write::tests::touch;

    #[test]
    fn a_scheduled_touch_is_missed_from_the_end_of_its_day_on() {
        let planned = touch::Model { status: touch::TouchStatus::Scheduled, missed_at: Instant(100), ..touch() };
        assert_eq!(TouchStatus::of(&planned, Instant(99)), TouchStatus::Scheduled);
        assert_eq!(TouchStatus::of(&planned, Instant(100)), TouchStatus::Missed);
        for (stored, shown) in [
            (touch::TouchStatus::Completed, TouchStatus::Completed),
            (touch::TouchStatus::Canceled, TouchStatus::Canceled),
        ] {
            assert_eq!(TouchStatus::of(&touch::Model { status: stored, ..planned.clone() }, Instant(100)), shown);
        }
    }
}
