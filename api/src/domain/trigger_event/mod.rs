//! Trigger events: events that make a client ready to change suppliers, above all dissatisfaction.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and how its relations are read |
//! | [`list`] | filters and lists; the trigger events of an account |
//! | [`mod@write`] | record, update |
//!
//! The account's owner, the owner's managers and admins record trigger events. They are never deleted, because their
//! outcomes are analyzed later.

pub mod list;
pub mod write;

use std::collections::HashMap;

use async_graphql::Enum;
use entity::{AccountId, Columns, Day, Id, Instant, TriggerEventId, opportunity, trigger_event};
use sea_orm::QueryOrder;

pub use self::list::{TriggerEventsArguments, trigger_events};

use crate::context::RequestContext;
use crate::domain::account::Account;
use crate::domain::contact::Contact;
use crate::domain::opportunity::Opportunity;
use crate::domain::presence::Ask;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::{LONGEST_LIST, connection, plain_lists};
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot};

/// A trigger event.
#[derive(Clone, Debug)]
pub struct TriggerEvent(pub trigger_event::Model);

impl From<trigger_event::Model> for TriggerEvent {
    fn from(row: trigger_event::Model) -> Self {
        Self(row)
    }
}

/// The kinds of trigger events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::trigger_event::TriggerKind")]
pub enum TriggerKind {
    /// The client is dissatisfied with the present supplier.
    Dissatisfaction,
    /// The client has new leadership.
    LeadershipChange,
    /// A contract with the present supplier ends.
    ContractEnd,
    /// The client received funding.
    Funding,
    /// The client expands.
    Expansion,
    /// A regulation that applies to the client changes.
    Regulation,
    /// Any other kind.
    Other,
}

/// The outcome of a trigger event for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::trigger_event::TriggerOutcome")]
pub enum TriggerOutcome {
    /// We were invited to compete, and won.
    Won,
    /// We were invited to compete, and lost.
    CompetedAndLost,
    /// The client changed suppliers without inviting us.
    NotInvited,
    /// The client stayed with the present supplier.
    NoChange,
}
graphql_enum! { trigger_event::TriggerKind as TriggerKind, trigger_event::TriggerOutcome as TriggerOutcome }

object! {
    /// An event that makes a client ready to change suppliers, above all dissatisfaction.
    TriggerEvent as "TriggerEvent" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<TriggerEventId> = plain(|event| NodeId(event.0.id));
        /// The account at which it happened.
        account: Account = by_key(|event| event.0.account_id, Account::resolve_required);
        /// The kind of event.
        kind: trigger_event::TriggerKind = plain(|event| event.0.kind);
        /// The day on which it happened.
        occurredOn: Day = plain(|event| event.0.occurred_on);
        /// A description of the event; null if nothing was noted.
        description: Option<&str> = plain(|event| event.0.description.as_deref());
        /// The contact that the event concerns or who reported it; null if none was given or the caller can no longer
        /// see the contact.
        contact: Option<Contact> = by_key(|event| event.0.contact_id, Contact::resolve);
        /// The user who recorded the event; null if not known.
        recordedBy: Option<User> = by_key(|event| event.0.recorded_by_id, User::resolve);
        /// The outcome for us; null while the event is open.
        outcome: Option<trigger_event::TriggerOutcome> = plain(|event| event.0.outcome);
        /// The day on which the outcome was settled; null while the event is open.
        resolvedOn: Option<Day> = plain(|event| event.0.resolved_on);
        /// Our presence at the account at the end of the day on which the event happened.
        presence: crate::domain::presence::Presence = batch(presences);
        /// The opportunities that the event led to, by id; at most 500.
        opportunities: Vec<Opportunity> = batch(opportunities);
        /// The time of creation.
        createdAt: Instant = plain(|event| event.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|event| event.0.updated_at);
        /// Number of writes so far; 1 after creation.
        version: i32 = plain(|event| event.0.version);
    }
}
connection!(TriggerEvent as "TriggerEvent");

payload! {
    /// The result of recording or updating a trigger event.
    TriggerEventPayload as "TriggerEventPayload" {
        /// The trigger event after the change; null if there are userErrors.
        triggerEvent(trigger_event): TriggerEvent,
    }
}

impl TriggerEventPayload {
    fn of(row: trigger_event::Model) -> Self {
        Self { trigger_event: Some(TriggerEvent(row)), ..Self::default() }
    }
}

impl AuditedRow for trigger_event::Model {
    audited!(trigger_event, TriggerEventId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            kind,
            occurred_on,
            description,
            contact_id,
            recorded_by_id,
            outcome,
            resolved_on,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "kind": kind.word(),
            "occurredOn": occurred_on,
            "description": description,
            "contactId": contact_id,
            "recordedById": recorded_by_id,
            "outcome": outcome.map(trigger_event::TriggerOutcome::word),
            "resolvedOn": resolved_on,
            "createdAt": created_at,
        }
    }
}

impl TriggerEvent {
    /// Loads trigger events by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = TriggerEventId>,
    ) -> Result<HashMap<TriggerEventId, Self>> {
        let visible = ctx.viewer()?.rows::<trigger_event::Entity>(trigger_event::Column::AccountId);
        ctx.fetch_by_ids(visible, trigger_event::Column::Id, Columns::ALL, ids, |row| row.id).await
    }
}

async fn presences(field: &FieldContext<'_>, of: &[&TriggerEvent]) -> Result<Batch<crate::domain::presence::Presence>> {
    let viewer = field.request.viewer()?;
    let ask = |event: &&TriggerEvent| Ask::on(viewer, event.0.account_id, event.0.occurred_on, field.request.now);
    crate::domain::presence::answer(field, &of.iter().map(ask).collect::<Vec<_>>()).await
}

async fn opportunities(field: &FieldContext<'_>, of: &[&TriggerEvent]) -> Result<Batch<Vec<Opportunity>>> {
    use opportunity::Column;
    let events: Vec<TriggerEventId> = of.iter().map(|event| event.0.id).collect();
    let select = field.request.viewer()?.rows::<opportunity::Entity>(Column::AccountId).order_by_asc(Column::Id);
    let too_long =
        format!("A trigger event has more than {LONGEST_LIST} opportunities: page through its account's instead.");
    let parent = |row: &opportunity::Model| row.trigger_event_id;
    plain_lists::<_, Opportunity, _>(field, select, Column::TriggerEventId, &events, parent, &too_long).await
}

/// Resolves `Opportunity.triggerEvent`.
pub async fn of_opportunities(
    field: &FieldContext<'_>,
    of: &[&Opportunity],
) -> Result<Batch<Option<crate::domain::trigger_event::TriggerEvent>>> {
    let found = TriggerEvent::fetch(field.request, of.iter().filter_map(|row| row.0.trigger_event_id)).await?;
    field.optional_objects(&of.iter().map(|row| found.get(&row.0.trigger_event_id?)).collect::<Vec<_>>()).await
}
