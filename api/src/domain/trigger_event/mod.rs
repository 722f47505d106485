//! Trigger events: what makes a client ready to change, dissatisfaction first of all.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters and lists; an account's trigger events |
//! | [`mod@write`] | record, update |
//!
//! They are recorded by whoever answers for the account, and never deleted: what became of them is what they are kept for.

pub mod list;
pub mod write;

use std::collections::HashMap;

use async_graphql::Enum;
use entity::{AccountId, Columns, Day, Id, Instant, TriggerEventId, opportunity, trigger_event};
use sea_orm::QueryOrder;

pub use self::list::{TriggerEventFilter, TriggerEventsArguments, trigger_events};

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

/// What kind of thing makes a client ready to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::trigger_event::TriggerKind")]
pub enum TriggerKind {
    /// They are not content with whom they have.
    Dissatisfaction,
    /// Somebody else leads.
    LeadershipChange,
    /// A contract ends.
    ContractEnd,
    /// They got money.
    Funding,
    /// They expand.
    Expansion,
    /// A rule they live by changes.
    Regulation,
    /// Anything else.
    Other,
}

/// What came of a trigger event for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::trigger_event::TriggerOutcome")]
pub enum TriggerOutcome {
    /// We were invited, and won.
    Won,
    /// We were invited, and lost.
    CompetedAndLost,
    /// They changed, and did not ask us.
    NotInvited,
    /// They stayed with whom they have.
    NoChange,
}
graphql_enum! { trigger_event::TriggerKind as TriggerKind, trigger_event::TriggerOutcome as TriggerOutcome }

object! {
    /// Something that makes a client ready to change: dissatisfaction first of all.
    TriggerEvent as "TriggerEvent" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<TriggerEventId> = plain(|event| NodeId(event.0.id));
        /// Where it happened.
        account: Account = by_key(|event| event.0.account_id, Account::resolve_required);
        /// What kind of thing it was.
        kind: trigger_event::TriggerKind = plain(|event| event.0.kind);
        /// The day on which it happened.
        occurredOn: Day = plain(|event| event.0.occurred_on);
        /// What there is to know about it.
        description: Option<&str> = plain(|event| event.0.description.as_deref());
        /// Whom it is about, or who told; null also where they moved out of the caller's sight.
        contact: Option<Contact> = by_key(|event| event.0.contact_id, Contact::resolve);
        /// Who recorded it.
        recordedBy: Option<User> = by_key(|event| event.0.recorded_by_id, User::resolve);
        /// What came of it for us; null while that is open.
        outcome: Option<trigger_event::TriggerOutcome> = plain(|event| event.0.outcome);
        /// The day on which that was settled; null while it is open.
        resolvedOn: Option<Day> = plain(|event| event.0.resolved_on);
        /// How present, known and valued we were there at the end of the day.
        presence: crate::domain::presence::Presence = batch(presences);
        /// The opportunities that came of it, by id; at most 500.
        opportunities: Vec<Opportunity> = batch(opportunities);
        /// When it was entered.
        createdAt: Instant = plain(|event| event.0.created_at);
        /// When it last changed.
        updatedAt: Instant = plain(|event| event.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|event| event.0.version);
    }
}
connection!(TriggerEvent as "TriggerEvent");

payload! {
    /// A trigger event, or what is to be mended.
    TriggerEventPayload as "TriggerEventPayload" {
        /// The trigger event as it is now; null where there are userErrors.
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
    /// Trigger events by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = TriggerEventId>,
    ) -> Result<HashMap<TriggerEventId, Self>> {
        let seen = ctx.viewer()?.rows::<trigger_event::Entity>(trigger_event::Column::AccountId);
        ctx.fetch_by_ids(seen, trigger_event::Column::Id, Columns::ALL, ids, |row| row.id).await
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
    let too_long = format!("More than {LONGEST_LIST} opportunities came of one trigger event.");
    let parent = |row: &opportunity::Model| row.trigger_event_id;
    plain_lists::<_, Opportunity, _>(field, select, Column::TriggerEventId, &events, parent, &too_long).await
}

/// `Opportunity.triggerEvent`.
pub async fn of_opportunities(
    field: &FieldContext<'_>,
    of: &[&Opportunity],
) -> Result<Batch<Option<crate::domain::trigger_event::TriggerEvent>>> {
    let found = TriggerEvent::fetch(field.request, of.iter().filter_map(|row| row.0.trigger_event_id)).await?;
    field.optional_objects(&of.iter().map(|row| found.get(&row.0.trigger_event_id?)).collect::<Vec<_>>()).await
}
